/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_ROUTING_H
#define TW_ROUTING_H

/*
 * From routes to what the fast path reads: the via of each origin of a target, by route.
 *
 *   RIB ─ prefixes ─► cuts of the table ─► origins ─ longest prefix with a route ─► verdict ─► upstream ─► via
 *
 * The table is cut at every prefix that the RIB knows, number by number (tw_rib_prefix(), tw_table_make()), so that all
 * addresses of an origin have the same routes. A route that changes changes vias, not the table; only a prefix that is
 * new to the RIB asks for another table.
 *
 * Whoever holds a copy of the vias keeps it up by deltas: a worker its own, from a whole second on, the aggregator the
 * shares. Changes cost what is below the changed prefix, not the whole table.
 *
 * Threads: one at a time, with the RIB's lock held. Table, map and list outlive it.
 */

#include "tw_rib.h"
#include "tw_upstream_list.h"

struct tw_routing_spec {
	const struct tw_table *table; /* cut at the RIB's first n_cuts prefixes */
	uint32_t n_cuts;
	const struct tw_link_map *map;
	struct tw_upstream_list *upstreams;
	unsigned int n_targets;
	struct tw_rib *rib;
};

struct tw_routing;

/*
 * Reads the whole RIB as it is. Places of the list go to the upstreams with most prefixes first. Returns NULL without
 * memory.
 */
struct tw_routing *tw_routing_create(const struct tw_routing_spec *spec);
void tw_routing_free(struct tw_routing *routing);

/* The via by route of every origin of a target: [tw_table_n_target_origins() + 1], 0 where there is no route. */
const uint16_t *tw_routing_vias(const struct tw_routing *routing);
/* By tw_share_index(): [n_targets * upstreams->n * 2]. */
const struct tw_route_share *tw_routing_shares(const struct tw_routing *routing);

struct tw_via_change {
	uint32_t origin;
	uint16_t via;
};
struct tw_share_change {
	uint32_t index;
	int64_t prefixes;
	int64_t addresses;
};
struct tw_routing_delta {
	uint32_t n_vias;
	uint32_t n_shares;
	struct tw_via_change *vias;     /* an origin may stand there twice: the later one holds */
	struct tw_share_change *shares; /* to be added, one after the other */
};

/*
 * Takes in what changed in the RIB since the last call. Returns 1 with what that changed here in *delta, to be released
 * with tw_routing_delta_free(); 0 where nothing did; or -ENOMEM: then the next table sets it right.
 */
int tw_routing_update(struct tw_routing *routing, struct tw_routing_delta *delta);
void tw_routing_delta_free(struct tw_routing_delta *delta);

/* Whether a route was taken whose prefix the table is not cut at. */
bool tw_routing_outgrown(const struct tw_routing *routing);

/* The upstream's index that a verdict stands for, TW_UPSTREAM_UNKNOWN for none. */
unsigned int tw_routing_upstream(
	const struct tw_routing *routing, const struct tw_route_verdict *verdict);

#endif
