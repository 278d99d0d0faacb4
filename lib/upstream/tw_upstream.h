/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_UPSTREAM_H
#define TW_UPSTREAM_H

/*
 * Attribution by link: which upstream a target's packet passes through, told by its neighbour's MAC address,
 * its VLAN, or the port it came in by.
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
 * A `via` is a pair (upstream, method) that can occur. Via 0 is (unknown, none). The set is closed by the
 * configuration: targets x vias x directions x versions are all the series there can ever be.
 *
 * Threads: the map is immutable; any number of readers.
 */

#include <stdint.h>

#include "tw_burst.h"
#include "tw_diag.h"
#include "tw_series.h"

#define TW_UPSTREAM_MAX     255
#define TW_UPSTREAM_UNKNOWN UINT8_MAX

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

struct tw_upstream {
	uint32_t asn;
	const char *name; /* never NULL */
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
	uint8_t upstream;  /* index into the upstreams */
	const char *where; /* for messages: "file:line: upstreams[0].links[1]" */
};

struct tw_link_map;

struct tw_via {
	uint8_t upstream; /* index, or TW_UPSTREAM_UNKNOWN */
	uint8_t method;   /* enum tw_method */
};

/*
 * Makes the map. `order` lists the methods to use, strongest first (MAC, VLAN, PORT, each at most once); a
 * rule whose method is not listed is left out. Returns NULL with a line in *diag for each pair of rules that
 * is double or contradicts each other. tw_link_map_free() releases it; `where` strings need to live for the
 * call alone.
 */
struct tw_link_map *tw_link_map_create(const struct tw_link_rule *rules, unsigned int n_rules,
	const enum tw_method *order, unsigned int n_order, struct tw_diag *diag);
void tw_link_map_free(struct tw_link_map *map);

/* The vias in their output order (upstream, method), via 0 = (unknown, none) FIRST. */
unsigned int tw_link_map_vias(const struct tw_link_map *map, const struct tw_via **vias);

/* The via of one packet in one direction. */
uint16_t tw_link_map_match(
	const struct tw_link_map *map, const struct tw_link *link, enum tw_direction direction);

/* The attribute stage: sets via and series of every hit of the burst. Fast path. */
void tw_attribute(const struct tw_link_map *map, struct tw_burst *burst);

#endif
