/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_EXCHANGE_H
#define TW_EXCHANGE_H

/*
 * Objects of one size that travel from one core to another and back: all that ever crosses cores.
 *
 *   producer  take ── fill ── send ──► receive ── use ── give back   consumer
 *      ▲                                                   │
 *      └───────────────────────────────────────────────────┘
 *
 * Two single-producer single-consumer rte_rings, each with room for every object there is, so that send and
 * give back never fail. An object belongs to whoever took or received it last. Needs the EAL.
 */

#include <stddef.h>

#include "tw_diag.h"

struct tw_exchange;

/*
 * Makes `n` zeroed objects of `size` octets, each on cache lines of its own, on the NUMA node `socket`. `name`
 * (at most 12 letters) and `id` name the rings, uniquely in the process. Returns NULL with a line in *diag.
 */
struct tw_exchange *tw_exchange_create(const char *name, unsigned int id, unsigned int n,
	size_t size, int socket, struct tw_diag *diag);
void tw_exchange_free(struct tw_exchange *exchange);

/* Producer: an object to fill, or NULL where the consumer has them all. */
void *tw_exchange_take(struct tw_exchange *exchange);
void tw_exchange_send(struct tw_exchange *exchange, void *object);

/* Consumer: the next object, or NULL. */
void *tw_exchange_receive(struct tw_exchange *exchange);
void tw_exchange_give_back(struct tw_exchange *exchange, void *object);

#endif
