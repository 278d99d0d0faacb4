/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_SERIES_H
#define TW_SERIES_H

/*
 * A series is one combination of target, via (upstream and method), direction and IP version. The set is
 * closed by the configuration, and a series is a dense index into arrays of counters everywhere.
 */

#include <stdbool.h>
#include <stdint.h>

/* What is counted for a series in a second, or in a whole replay. Only u64: adding two is one loop. */
struct tw_series_count {
	uint64_t packets;
	uint64_t bytes;        /* layer-3 octets */
	uint64_t flows;        /* opened */
	uint64_t active_flows; /* at the end of the second */
};
_Static_assert(sizeof(struct tw_series_count) == 32, "two series a cache line");

/* Whether a second has anything to say of a series. */
static inline bool tw_series_listed(const struct tw_series_count *count)
{
	return (count->packets | count->bytes | count->flows | count->active_flows) != 0;
}

/* The order of indices is the order of output: target, via, direction, version. */
static inline uint32_t tw_series_index(unsigned int n_vias, unsigned int target, unsigned int via,
	unsigned int direction, unsigned int version)
{
	return ((target * n_vias + via) * 2 + direction) * 2 + (version == 6);
}

static inline uint32_t tw_series_count(unsigned int n_targets, unsigned int n_vias)
{
	return n_targets * n_vias * 4;
}

/* A series taken apart again. */
struct tw_series_key {
	uint8_t target;
	uint8_t direction; /* enum tw_direction */
	uint8_t version;   /* 4 or 6 */
	uint16_t via;
};

static inline struct tw_series_key tw_series_key(unsigned int n_vias, uint32_t series)
{
	return (struct tw_series_key){
		.target = (uint8_t)(series / 4 / n_vias),
		.via = (uint16_t)(series / 4 % n_vias),
		.direction = (uint8_t)(series / 2 % 2),
		.version = series % 2 != 0 ? 6 : 4,
	};
}

/*
 * Pairs of what a link says and what a route says, by target:
 *
 *   (target * n_observed + observed) * n_expected + expected
 *
 * `observed` is an upstream's index; `expected` 0 where there is no route, else 1 + the upstream's index.
 */
struct tw_pair_shape {
	uint32_t n_observed;
	uint32_t n_expected;
};

struct tw_pair_count {
	uint64_t packets;
	uint64_t bytes;
};

#define TW_PAIR_NONE UINT32_MAX

/* What the routes hold of a target: prefixes whose upstream it is, and addresses that go there. */
struct tw_route_share {
	uint64_t prefixes;
	uint64_t addresses; /* of IPv4; of IPv6, networks of 64 bits */
};

/* Shares lie by target, upstream, version. */
static inline uint32_t tw_share_index(
	unsigned int n_upstreams, unsigned int target, unsigned int upstream, unsigned int version)
{
	return (target * n_upstreams + upstream) * 2 + (version == 6);
}

static inline uint32_t tw_pair_count(const struct tw_pair_shape *shape, unsigned int n_targets)
{
	return n_targets * shape->n_observed * shape->n_expected;
}

static inline uint32_t tw_pair_index(const struct tw_pair_shape *shape, unsigned int target,
	unsigned int observed, unsigned int expected)
{
	return (target * shape->n_observed + observed) * shape->n_expected + expected;
}

#endif
