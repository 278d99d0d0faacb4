/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_RIB_PRIV_H
#define TW_RIB_PRIV_H

/*
 * Inside of the RIB. All objects live in growing arrays and name each other by their place in them: half the size of
 * pointers, and arrays may move.
 *
 *   prefixes[]   number -> prefix, its routes         index of prefixes
 *   peers[]      number -> vantage point, its routes  index of peers
 *   routers[]    what a vantage point's router has of its share
 *   routes[]     prefix, peer, path_id -> path        index of routes; in a ring of its prefix, and of its peer
 *   paths[]      segments, count of its routes        index of paths
 *
 * An index holds numbers alone, in an order that the random key makes; nothing is ever told in that order.
 */

#include "tw_rib.h"

#define TW_RIB_PATH_OCTETS_MIN   (1u << 20)
#define TW_RIB_ROUTER_OCTETS_MIN (1u << 16)
#define TW_RIB_MALLOC_HEAD       16 /* what the allocator adds to a path, about */

/* ---- tw_rib_index.c ---- */

struct tw_index_slot {
	uint32_t hash;
	uint32_t value; /* TW_RIB_NONE: empty */
};

struct tw_index {
	struct tw_index_slot *slots;
	size_t n_slots; /* 0 or a power of two */
	size_t n;
};

/* SipHash-1-3 (Aumasson and Bernstein, 2012), its lower half. */
uint32_t tw_index_hash(const uint64_t key[2], const void *data, size_t size);
/* Makes room for one more. Returns 0 or -ENOMEM. */
int tw_index_reserve(struct tw_index *index);
/* Into reserved room; the value is not in it. */
void tw_index_add(struct tw_index *index, uint32_t hash, uint32_t value);
void tw_index_remove(struct tw_index *index, uint32_t hash, uint32_t value);

/* The value of that hash for which is(owner, value, key), or TW_RIB_NONE. */
static inline uint32_t tw_index_find(const struct tw_index *index, uint32_t hash,
	bool (*is)(const void *owner, uint32_t value, const void *key), const void *owner,
	const void *key)
{
	size_t mask = index->n_slots - 1;

	if (index->n_slots == 0)
		return TW_RIB_NONE;
	for (size_t at = hash & mask; index->slots[at].value != TW_RIB_NONE; at = (at + 1) & mask)
		if (index->slots[at].hash == hash && is(owner, index->slots[at].value, key))
			return index->slots[at].value;
	return TW_RIB_NONE;
}

/* The array, with room for one more item behind the n that are in it; NULL without memory: it stays as it is. */
void *tw_rib_grow(void *array, uint32_t *capacity, uint32_t n, size_t item);

#define TW_RIB_GROW(array, capacity, n)                                              \
	({                                                                           \
		void *grown_ = tw_rib_grow(array, &(capacity), n, sizeof(*(array))); \
                                                                                     \
		if (grown_ != NULL)                                                  \
			(array) = grown_;                                            \
		grown_ != NULL ? 0 : -ENOMEM;                                        \
	})

/* ---- tw_rib_ranges.c ---- */

struct tw_rib_range {
	tw_u128 first, last;
};

/* The targets' addresses of one family: ascending, with gaps between. */
struct tw_rib_ranges {
	struct tw_rib_range *ranges;
	uint32_t n;
	unsigned int shift; /* of an address behind the first one, to its bucket */
	uint32_t *buckets;  /* the first range that does not end before it */
};

int tw_rib_ranges_init(
	struct tw_rib_ranges *ranges, const struct tw_target_range *from, uint32_t n);
void tw_rib_ranges_free(struct tw_rib_ranges *ranges);
bool tw_rib_ranges_meet(const struct tw_rib_ranges *ranges, const struct tw_prefix *prefix);

/* ---- tw_rib_paths.c ---- */

struct tw_rib_path {
	uint8_t *segments;
	uint32_t size;
	uint32_t n_routes; /* 0: free, and `hash` is the next free one */
	uint32_t hash;
};

struct tw_rib_paths {
	struct tw_rib_path *paths;
	uint32_t n, capacity;
	uint32_t free;
	uint32_t n_used;
	uint64_t octets, max_octets;
	struct tw_index index;
	const uint64_t *key;
};

/* The number of the path, counted once more. Returns 0, -ENOMEM or -ENOSPC. */
int tw_rib_paths_take(struct tw_rib_paths *paths, const struct tw_bgp_path *path, uint32_t *number);
void tw_rib_paths_give(struct tw_rib_paths *paths, uint32_t number);
void tw_rib_paths_free(struct tw_rib_paths *paths);

static inline struct tw_bgp_path tw_rib_paths_at(const struct tw_rib_paths *paths, uint32_t number)
{
	return (struct tw_bgp_path){paths->paths[number].segments, paths->paths[number].size};
}

/* ---- tw_path.c ---- */

/* The ASNs that are a target's; none: whatever the origin is. */
struct tw_rib_asns {
	const uint32_t *asns;
	unsigned int n;
	bool sorted;
};

void tw_rib_asns_sort(uint32_t *asns, unsigned int n);
struct tw_route_verdict tw_rib_path_verdict(
	const struct tw_bgp_path *path, uint32_t speaker, struct tw_rib_asns own);

/* ---- tw_rib_votes.c ---- */

/* Ascending, in place, never worse than n log n. */
void tw_rib_sort(uint64_t *keys, uint32_t n);

/* ---- tw_rib.c, tw_rib_routes.c ---- */

struct tw_rib_link {
	uint32_t next, prev;
};

enum {
	TW_RIB_OF_PREFIX,
	TW_RIB_OF_PEER,
};

struct tw_rib_route {
	uint32_t prefix;
	uint32_t path;
	uint32_t path_id;
	uint16_t peer;
	bool told; /* in the refresh under way; false outside of one */
	struct tw_rib_link links[2];
};
_Static_assert(sizeof(struct tw_rib_route) == 32, "two routes a cache line");

struct tw_rib_prefix {
	struct tw_prefix prefix;
	bool changed;
	uint32_t first; /* route, or TW_RIB_NONE */
	uint32_t n_routes;
};
/* Hashed and compared as octets. */
_Static_assert(sizeof(struct tw_prefix) == 18, "a prefix has no padding");

struct tw_rib_peer {
	struct tw_bgp_peer peer;
	bool votes;
	bool stale;
	bool refreshing;
	uint32_t first; /* route, or TW_RIB_NONE; of a free number the next free one */
	uint32_t n_routes;
	uint32_t n_untold; /* of them not told in the refresh under way; 0 outside of one */
	uint32_t router;   /* a place in routers[]; TW_RIB_NONE: an MRT file's */
};

/* A BMP router, and what it has of its share. */
struct tw_rib_router {
	struct tw_addr addr;
	uint32_t n_peers;
	uint32_t n_routes;
	uint32_t n_untold;
	uint32_t n_prefixes; /* that it told first */
	uint64_t octets;     /* of its routes' paths */
	uint32_t next_peer;  /* where the search for a route that is not told again goes on */
};

struct tw_rib {
	uint64_t key[2];
	struct tw_rib_ranges ranges[2]; /* IPv4, IPv6 */
	struct tw_rib_vantage *vantage;
	unsigned int n_vantage;
	unsigned int majority;
	uint32_t max_routes;
	uint32_t router_max_routes;
	int64_t router_max_octets;
	uint32_t *asns; /* of all targets */
	struct tw_rib_asns *targets;
	uint64_t time;
	uint64_t refused;

	struct tw_rib_prefix *prefixes;
	uint32_t n_prefixes, prefix_capacity;
	uint32_t n_routed; /* prefixes with a route */
	struct tw_index prefix_index;
	bool lengths[2][129]; /* IPv4, IPv6: some prefix has it */

	struct tw_rib_peer *peers;
	uint32_t n_peers, peer_capacity; /* in use or free */
	uint32_t free_peer;              /* chained by first */
	struct tw_index peer_index;

	struct tw_rib_router *routers; /* few: found one by one when a peer is new */
	uint32_t n_routers, router_capacity;

	struct tw_rib_route *routes;
	uint32_t n_routes;               /* in use */
	uint32_t n_slots, slot_capacity; /* in use or free */
	uint32_t free_route;             /* chained by links[0].next */
	struct tw_index route_index;

	struct tw_rib_paths paths;

	uint32_t *changed; /* room for all prefixes */
	uint32_t n_changed, changed_capacity;
	uint64_t *keys; /* for sorting: room for the routes of any prefix */
	uint32_t key_capacity;
};

/* A prefix's number, new; with room in `changed`. TW_RIB_NONE without memory. */
uint32_t tw_rib_add_prefix(struct tw_rib *rib, const struct tw_prefix *prefix);
/* The route, or TW_RIB_NONE. */
uint32_t tw_rib_find_route(
	const struct tw_rib *rib, uint32_t prefix, uint32_t peer, uint32_t path_id);

#endif
