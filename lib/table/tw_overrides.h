/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_OVERRIDES_H
#define TW_OVERRIDES_H

/*
 * The operator's own word on prefixes, a CSV file:
 *
 *   prefix,asn,name            header, may be left out
 *   # our lab                  comments and blank lines are passed over
 *   10.0.0.0/8,64512,"Lab, ""the"" big one"
 *   2001:db8::/32,AS64513      without a name: the database's name for the ASN
 *
 * Prefixes may nest, the longest wins. All problems of a file are told at once, each with
 * file:line.
 *
 * Needs no EAL.
 */

#include <stdint.h>

#include "tw_addr.h"
#include "tw_diag.h"
#include "tw_map.h"

struct tw_override {
	struct tw_prefix prefix;
	uint32_t asn;
	uint32_t name; /* number of the name in the pool, 0 where the line gives none */
	unsigned int line;
};

struct tw_overrides {
	struct tw_override *entries; /* in the file's order */
	uint32_t n;
	uint32_t capacity;
};

/*
 * Reads `path`. Returns 0, or -errno with a line for each problem in *diag; *overrides is then
 * empty.
 */
int tw_overrides_read(struct tw_overrides *overrides, const char *path, struct tw_names *names,
	struct tw_diag *diag);
void tw_overrides_free(struct tw_overrides *overrides);

#endif
