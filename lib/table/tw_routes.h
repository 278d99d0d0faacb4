/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_ROUTES_H
#define TW_ROUTES_H

/*
 * A step function as few routes: prefixes that may nest, the longest wins, 0 where none matches.
 *
 * Needs no EAL.
 */

#include <stdint.h>

#include "tw_steps.h"

struct tw_route {
	tw_u128 first;
	uint32_t value;
	uint8_t length;
};

struct tw_routes {
	struct tw_route
		*routes; /* ascending by first address, then by length: outer before inner */
	uint32_t n;
	uint32_t capacity;
	uint8_t family;
};

/* Appends a route. Returns 0 or -ENOMEM. */
int tw_routes_add(struct tw_routes *routes, const struct tw_route *route);
/* The routes of a function. Returns 0 or -ENOMEM. tw_routes_free() releases it in both cases. */
int tw_routes_make(struct tw_routes *routes, const struct tw_steps *steps);
void tw_routes_free(struct tw_routes *routes);

#endif
