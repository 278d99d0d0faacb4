/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_RIB_H
#define TW_RIB_H

/*
 * The RIB: the targets' routes, of all vantage points, and what they say together: which AS is the target's upstream.
 *
 * A path ends in its origin. Walked left past the target's own ASes (the origin's prepends; where the target names
 * several ASNs, all of them), the next AS is the upstream:
 *
 *   2914 1239 4837 131279 131279      upstream 4837
 *   131279                            direct: the vantage point is the target's own, or next to it
 *   2914 1239 {4837 20485} 131279     ambiguous: a set stands where the upstream would
 *   2914 1239 {131279 64512}          ambiguous: a set at the origin
 *   2914 64500                        foreign: the origin is none of the target's ASNs (MOAS, hijack)
 *   (empty)                           direct where the speaker's own ASN is of the target, else foreign
 *
 * A target that names no ASN is known by its addresses alone: then any origin is its own.
 *
 * Each vantage point that has a route of a prefix has one vote (several paths of one, ADD-PATH, vote together: for
 * what they agree on, else for ambiguous). The verdict with most votes decides, if it has `majority` percent of them
 * at least and no other has as many; else the prefix is ambiguous. With a `vantage` configured only those that it names
 * vote. Votes of stale vantage points count only for prefixes where no other has a route.
 *
 * The longest prefix that has any route decides for an address; tw_rib_resolve() follows covering prefixes.
 *
 * Prefixes keep their number for the RIB's whole life, withdrawn ones too: a table may be compiled against them.
 *
 * Memory: bounded by max_routes; paths are kept once. Routes beyond are refused and counted.
 *
 * Threads: one at a time; a RIB that a station writes and the control core reads is locked by its owner. Knows no DPDK.
 */

#include "tw_bgp.h"
#include "tw_table.h"

#define TW_RIB_NONE UINT32_MAX

struct tw_rib_vantage {
	struct tw_addr addr; /* family 0: any of the ASN */
	uint32_t asn;        /* 0: whatever the address's */
};

struct tw_rib_spec {
	const struct tw_target *targets; /* names and ASNs are read, during the call alone */
	unsigned int n_targets;
	const struct tw_target_range *ranges[2]; /* IPv4, IPv6: the targets' addresses; copied */
	uint32_t n_ranges[2];
	const struct tw_rib_vantage *vantage; /* who votes; n 0: everybody; copied */
	unsigned int n_vantage;
	unsigned int majority; /* percent, 1 to 100 */
	uint32_t max_routes;
};

enum tw_verdict_kind {
	TW_VERDICT_NONE, /* no route */
	TW_VERDICT_UPSTREAM,
	TW_VERDICT_DIRECT,
	TW_VERDICT_AMBIGUOUS,
	TW_VERDICT_FOREIGN,
	TW_VERDICT_MAX,
};
const char *tw_verdict_name(enum tw_verdict_kind kind);

struct tw_route_verdict {
	enum tw_verdict_kind kind;
	uint32_t asn;     /* UPSTREAM: who; FOREIGN: the origin, 0 where several */
	uint32_t n_for;   /* votes for it; AMBIGUOUS: for the strongest */
	uint32_t n_votes; /* in all */
	bool stale;       /* decided by stale vantage points alone */
	uint32_t prefix;  /* tw_rib_resolve(): the number of the prefix that decided */
};

/* What one path says of a target; `own` is the speaker's ASN, for empty paths. */
struct tw_route_verdict tw_path_verdict(
	const struct tw_bgp_path *path, uint32_t own, const uint32_t *asns, unsigned int n_asns);

struct tw_rib;

/* Returns NULL without memory. */
struct tw_rib *tw_rib_create(const struct tw_rib_spec *spec);
void tw_rib_free(struct tw_rib *rib);

/* Whether the prefix and the targets' addresses have any in common. */
bool tw_rib_wants(const struct tw_rib *rib, const struct tw_prefix *prefix);

/* The number of a vantage point, new or known; TW_RIB_NONE without memory, or above 65,535. */
uint32_t tw_rib_peer(struct tw_rib *rib, const struct tw_bgp_peer *peer);
const struct tw_bgp_peer *tw_rib_peer_at(const struct tw_rib *rib, uint32_t peer);
uint32_t tw_rib_n_peers(const struct tw_rib *rib);

/*
 * Takes a route, or its withdrawal. The prefix is one that tw_rib_wants(). Returns 1 where that changed a path, 0
 * where it did not, -ENOSPC where max_routes is reached, -ENOMEM.
 */
int tw_rib_route(struct tw_rib *rib, uint32_t peer, const struct tw_bgp_route *route);

/* Withdraws all routes of a vantage point. */
void tw_rib_peer_down(struct tw_rib *rib, uint32_t peer);
/* Marks a vantage point stale, or fresh again. */
void tw_rib_peer_stale(struct tw_rib *rib, uint32_t peer, bool stale);
/*
 * A vantage point tells its whole table again: routes that were there when it began and are not told again until it
 * ends are withdrawn then.
 */
void tw_rib_refresh_begin(struct tw_rib *rib, uint32_t peer);
void tw_rib_refresh_end(struct tw_rib *rib, uint32_t peer);

/* Takes over the routes, peers and stale marks of every BMP vantage point (router.family != 0) of another RIB. 0 or -errno. */
int tw_rib_adopt_live(struct tw_rib *rib, const struct tw_rib *from);

/* The prefixes that ever had a route, by number. */
uint32_t tw_rib_n_prefixes(const struct tw_rib *rib);
const struct tw_prefix *tw_rib_prefix(const struct tw_rib *rib, uint32_t number);
/* The number of exactly this prefix, or TW_RIB_NONE. */
uint32_t tw_rib_find(const struct tw_rib *rib, const struct tw_prefix *prefix);
/* The longest known prefix that covers this one and is shorter, or TW_RIB_NONE. */
uint32_t tw_rib_parent(const struct tw_rib *rib, uint32_t number);

/* What the routes of this very prefix say of a target. */
struct tw_route_verdict tw_rib_decide(
	const struct tw_rib *rib, uint32_t number, unsigned int target);
/* What is said of the addresses whose longest known prefix it is: its own routes, or those of the next that covers it. */
struct tw_route_verdict tw_rib_resolve(
	const struct tw_rib *rib, uint32_t number, unsigned int target);

/* The votes on a prefix, one for each path, for explanations; returns how many there are, writes up to `max`. */
struct tw_rib_vote {
	uint32_t peer;
	uint32_t path_id;
	struct tw_bgp_path path;         /* holds until the RIB changes */
	struct tw_route_verdict verdict; /* of this path alone */
	bool stale;
	bool counts; /* is of a vantage point that votes */
};
uint32_t tw_rib_votes(const struct tw_rib *rib, uint32_t number, unsigned int target,
	struct tw_rib_vote *votes, uint32_t max);

/* Numbers of prefixes whose routes changed since the last tw_rib_clear_changed(), each once. */
uint32_t tw_rib_changed(const struct tw_rib *rib, const uint32_t **numbers);
void tw_rib_clear_changed(struct tw_rib *rib);

/* When the routes are of: nanoseconds of Unix time; keeps the latest. */
void tw_rib_touch(struct tw_rib *rib, uint64_t time);
uint64_t tw_rib_time(const struct tw_rib *rib);

struct tw_rib_info {
	uint32_t n_prefixes; /* with a route */
	uint32_t n_routes;
	uint32_t n_paths; /* different ones */
	uint32_t n_peers; /* with a route */
	uint32_t n_stale; /* of them stale */
	uint64_t refused; /* routes above max_routes */
	uint64_t bytes;   /* of memory, about */
};
void tw_rib_info(const struct tw_rib *rib, struct tw_rib_info *info);

#endif
