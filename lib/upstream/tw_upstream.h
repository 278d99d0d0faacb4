/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_UPSTREAM_H
#define TW_UPSTREAM_H

/*
 * Attribution: which upstream a target's packet passes through, told by its neighbour's MAC address, its VLAN, the
 * port it came in by, or the route of its end in the target (tw_routing.h).
 *
 * A rule names one or more fields of the link; all of them must match. Its method is the strongest field it
 * names (mac, then vlan, then port), so {port: 0, vlan: 300} is a `vlan` rule. Methods are tried in the
 * configured order; within a method, rules that name more fields are tried first. Two rules that could both
 * match one packet, at the same rank, with different upstreams, are refused when the map is made, even where
 * their method is not in the order: the map never has to guess.
 *
 *   mac         the neighbour: destination MAC of a packet `to` the target, source MAC of one `from` it
 *   vlan        the outermost tag
 *   inner_vlan  any tag behind the outermost; where rules of one shape match two of them, the outer one decides
 *   port        the port, or the capture's interface
 *
 * A route is kept by the origin that a look-up gave (cuts, tw_table.h), so that it costs a packet one load. `rib`
 * stands anywhere in the order; where a route is ambiguous, a link that is weaker decides all the same.
 *
 * A `via` is a pair (upstream, method) that can occur. Via 0 is (unknown, none). The set is closed by the
 * configuration: targets x vias x directions x versions are all the series there can ever be. With routes, every
 * upstream has a via of method rib; those that no configuration names have places in the list, up to a bound, and get
 * their ASN when a route shows them. Maps that follow each other in a run share one list of vias (tw_via_list.h), which
 * has spare places for what later ones bring.
 *
 * Where links and routes both say something, both are kept: a `pair` is a target, the upstream that the link gives
 * (observed), and the one that the route gives (expected; unknown where there is none).
 *
 * Threads: the map is immutable; any number of readers.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tw_burst.h"
#include "tw_diag.h"
#include "tw_series.h"

#define TW_UPSTREAM_MAX     255              /* configured */
#define TW_UPSTREAM_UNKNOWN (UINT16_MAX - 1) /* no index of the list */

/* How an upstream was found, in their order of strength and of output. */
enum tw_method {
	TW_METHOD_MAC,
	TW_METHOD_VLAN,
	TW_METHOD_PORT,
	TW_METHOD_RIB,
	TW_METHOD_NONE,
	TW_METHOD_MAX,
};
const char *tw_method_name(enum tw_method method);

/* What an entry of the list of upstreams is. Those behind FOUND occur with routes alone, in this order. */
enum tw_upstream_kind {
	TW_UPSTREAM_CONFIGURED,
	TW_UPSTREAM_FOUND,     /* by a route, or configured no more; ASN 0: a place that is free */
	TW_UPSTREAM_OTHER,     /* found when all places were taken */
	TW_UPSTREAM_DIRECT,    /* the vantage point is next to the target */
	TW_UPSTREAM_FOREIGN,   /* the route's origin is not the target's */
	TW_UPSTREAM_AMBIGUOUS, /* the routes do not agree */
};
/* The name of a kind behind FOUND: "other", ... */
const char *tw_upstream_kind_name(enum tw_upstream_kind kind);

struct tw_upstream {
	uint32_t asn;     /* 0: none */
	const char *name; /* never NULL */
	enum tw_upstream_kind kind;
};

/* Fields that a rule names, as bits. */
enum {
	TW_MATCH_MAC = 1 << 0,
	TW_MATCH_VLAN = 1 << 1,
	TW_MATCH_INNER_VLAN = 1 << 2,
	TW_MATCH_PORT = 1 << 3,
	TW_MATCH_MAX = 1 << 4,
};

struct tw_link_rule {
	uint64_t mac;
	uint16_t vlan;
	uint16_t inner_vlan;
	uint16_t port;
	uint8_t fields;    /* TW_MATCH_*, at least one */
	uint16_t upstream; /* index into the upstreams */
	const char *where; /* for messages: "file:line: upstreams[0].links[1]" */
};

struct tw_link_map;
struct tw_via_list;

struct tw_via {
	uint16_t upstream; /* index, or TW_UPSTREAM_UNKNOWN */
	uint8_t method;    /* enum tw_method */
};

/* All that a map is made of. The pointers need to live for the call alone. */
struct tw_link_spec {
	const struct tw_link_rule *rules;
	unsigned int n_rules;
	const enum tw_method *order; /* methods to use, strongest first, each at most once */
	unsigned int n_order;
	/* The whole list of upstreams where there are routes; else NULL. The last entry is AMBIGUOUS. */
	const struct tw_upstream *upstreams;
	unsigned int n_upstreams;
	/* With routes: so many upstreams, the first ones, may be observed. 0: the configured ones, where there are links. */
	unsigned int n_observed;
	struct tw_via_list *vias; /* outlives the map, and is filled by the first; NULL: its own */
};

/*
 * Makes the map. A rule whose method is not in the order is left out. Returns NULL with a line in *diag for each pair
 * of rules that is double or contradicts each other, or where the list of vias has no place left. tw_link_map_free()
 * releases it.
 */
struct tw_link_map *tw_link_map_create(const struct tw_link_spec *spec, struct tw_diag *diag);
void tw_link_map_free(struct tw_link_map *map);

/*
 * All places of its list of vias, in output order: of the first map (upstream, method), via 0 = (unknown, none) FIRST.
 */
unsigned int tw_link_map_vias(const struct tw_link_map *map, const struct tw_via **vias);

/* Whether routes decide anything: `rib` is in the order, and there is a list. */
bool tw_link_map_routed(const struct tw_link_map *map);
/* The via of an upstream by method rib, 0 where there is none. */
uint16_t tw_link_map_route_via(const struct tw_link_map *map, unsigned int upstream);

/* The shape of pairs: observed upstreams are the configured ones. Without routes or without links there are none. */
void tw_link_map_pairs(const struct tw_link_map *map, struct tw_pair_shape *shape);

/* The via of one packet in one direction, by its link alone. */
uint16_t tw_link_map_match(
	const struct tw_link_map *map, const struct tw_link *link, enum tw_direction direction);

/*
 * The attribute stage: sets via, series and pair of every hit of the burst. `routes` holds the via by route of each
 * origin of a target, 0 where there is no route; NULL without routes. Fast path.
 */
void tw_attribute(const struct tw_link_map *map, const uint16_t *routes, struct tw_burst *burst);

#endif
