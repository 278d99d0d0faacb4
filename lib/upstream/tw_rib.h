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
 *   2914 1239 {131279 64512}          ambiguous: a set at the origin, whatever is in it
 *   2914 23456 131279                 ambiguous: nobody stands where the upstream would
 *   2914 64500                        foreign: the origin is none of the target's ASNs (MOAS, hijack)
 *   (empty)                           direct where the speaker's own ASN is of the target, else foreign
 *
 * Nobody are 0 (RFC 7607) and AS_TRANS, 23456, which stands for any ASN of 4 octets where a speaker of 2 octets lost
 * it (RFC 6793 section 9): at the origin they are no hijack, left of it no upstream. The leftmost AS need not be the
 * speaker's: a route server does not put itself in.
 *
 * A target that names no ASN is known by its addresses alone: then any origin is its own, and the path is walked left
 * past that origin's prepends.
 *
 * Each vantage point that has a route of a prefix has one vote (several paths of one, ADD-PATH, vote together: for
 * what they agree on, else for ambiguous). The verdict with most votes decides, if it has `majority` percent of them
 * at least and no other has as many; else the prefix is ambiguous. Upstreams are one verdict each; direct, ambiguous
 * and foreign are one verdict each too, foreign whatever the origins: that the prefix is another's is what its votes
 * agree on. Which verdict it is does not depend on the order in which routes came.
 *
 * With a `vantage` configured only those that it names vote: of a prefix of which none of them has a route nothing is
 * said (NONE), whatever others say. Votes of stale vantage points count only for prefixes where no other that votes has
 * a route.
 *
 * The longest prefix that has a route of anybody who votes decides for an address; tw_rib_resolve() follows covering
 * prefixes until there is one.
 *
 * Prefixes keep their number for the RIB's whole life, withdrawn ones too: a table may be compiled against them. Vantage
 * points keep theirs until tw_rib_peer_gone(). A RIB that has lived long sheds what is gone by tw_rib_adopt_live() into a
 * new one.
 *
 * Memory: bounded by max_routes: so many routes, so many prefixes that ever had one, and TW_RIB_PATH_OCTETS a route of
 * paths, which are kept once (and 1 MiB in all cases). What is beyond is refused and counted.
 *
 * Of that each BMP router (tw_bgp_peer.router) has a share, over all of its vantage points: router_max_routes routes, as
 * many prefixes that nobody had told before it, and TW_RIB_PATH_OCTETS a route of paths, each counted for every route (64
 * KiB in all cases). No router can take more, whatever it tells, and what MRT files tell has no share. A route that finds
 * its router's share full, or the whole RIB, takes the room of one that the router told before a refresh that is under
 * way and has not told again yet, if there is any: a router that lost its session and comes back with other routes
 * replaces its own.
 *
 * Time: nothing costs more than the routes concerned. Look-ups hash with a random key: whoever chooses prefixes,
 * path identifiers and paths cannot make them slow. The key shows in no result.
 *
 * Threads: one at a time, tw_rib_decide() and other readers too; a RIB that a station writes and the control core
 * reads is locked by its owner. What a function returns a pointer to holds until the RIB changes. Knows no DPDK.
 */

#include "tw_bgp.h"
#include "tw_table.h"

#define TW_RIB_NONE        UINT32_MAX
#define TW_RIB_PEERS_MAX   65535
#define TW_RIB_ROUTES_MAX  (1u << 30)
#define TW_RIB_PATH_OCTETS 64 /* a route: the full table has about half of it on average */

struct tw_rib_vantage {
	struct tw_addr addr; /* family 0: any of the ASN; a router's own table is at the router's */
	uint32_t asn;        /* 0: whatever the address's */
};

struct tw_rib_spec {
	const struct tw_target *targets; /* names and ASNs are read, during the call alone */
	unsigned int n_targets;
	/* IPv4, IPv6: the targets' addresses, in any order, overlapping or not; copied */
	const struct tw_target_range *ranges[2];
	uint32_t n_ranges[2];
	const struct tw_rib_vantage *vantage; /* who votes; n 0: everybody; copied */
	unsigned int n_vantage;
	unsigned int majority;      /* percent, 1 to 100 */
	uint32_t max_routes;        /* at most TW_RIB_ROUTES_MAX count */
	uint32_t router_max_routes; /* of them one BMP router's; 0: routers have no share */
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
	uint32_t asn;     /* UPSTREAM: who; FOREIGN: the origin, 0 where several; else 0 */
	uint32_t n_for;   /* votes for it; AMBIGUOUS: for the strongest */
	uint32_t n_votes; /* in all */
	bool stale;       /* decided by stale vantage points alone */
	uint32_t prefix;  /* the number of the prefix that decided; TW_RIB_NONE where none did */
};

/*
 * What one path says of a target: one vote of one. `own` is the speaker's ASN, for empty paths. Octets that are no
 * path count as a set.
 */
struct tw_route_verdict tw_path_verdict(
	const struct tw_bgp_path *path, uint32_t own, const uint32_t *asns, unsigned int n_asns);

struct tw_rib;

/* Returns NULL without memory, or where the kernel gives no random key. */
struct tw_rib *tw_rib_create(const struct tw_rib_spec *spec);
void tw_rib_free(struct tw_rib *rib);

/* Whether the prefix and the targets' addresses have any in common. */
bool tw_rib_wants(const struct tw_rib *rib, const struct tw_prefix *prefix);

/* The number of a vantage point, new or known; TW_RIB_NONE without memory, or above 65,535. */
uint32_t tw_rib_peer(struct tw_rib *rib, const struct tw_bgp_peer *peer);
const struct tw_bgp_peer *tw_rib_peer_at(const struct tw_rib *rib, uint32_t peer);
/* Above all numbers; one that nobody has is of a vantage point without addresses and routes. */
uint32_t tw_rib_n_peers(const struct tw_rib *rib);
/* How many routes a vantage point has. */
uint32_t tw_rib_peer_routes(const struct tw_rib *rib, uint32_t peer);
/* How many all vantage points of a BMP router have. */
uint32_t tw_rib_router_routes(const struct tw_rib *rib, const struct tw_addr *router);

/*
 * Takes a route, or its withdrawal. The prefix is one that tw_rib_wants(). Returns 1 where that changed a path, 0
 * where it did not, -EDQUOT where the router's share is full, -ENOSPC where the RIB is, -ENOMEM. A path that cannot be
 * kept still replaces the one before, which is true no more: that one is withdrawn.
 */
int tw_rib_route(struct tw_rib *rib, uint32_t peer, const struct tw_bgp_route *route);

/* Withdraws all routes of a vantage point; ends its stale mark and a refresh under way. */
void tw_rib_peer_down(struct tw_rib *rib, uint32_t peer);
/* Likewise, for good: its number may be another's next. */
void tw_rib_peer_gone(struct tw_rib *rib, uint32_t peer);
/* Marks a vantage point stale, or fresh again: its routes' prefixes are changed by that. Routes leave the mark as it is. */
void tw_rib_peer_stale(struct tw_rib *rib, uint32_t peer, bool stale);
/*
 * A vantage point tells its whole table again: routes that were there when it began and are not told again until it
 * ends are withdrawn then, or before, where the router's routes need their room. Begun anew before its end, what was
 * told until then counts no more. An end without a beginning does nothing.
 */
void tw_rib_refresh_begin(struct tw_rib *rib, uint32_t peer);
void tw_rib_refresh_end(struct tw_rib *rib, uint32_t peer);

/*
 * Takes over the routes, peers, stale marks and refreshes under way of every BMP vantage point (router.family != 0) of
 * another RIB, in the order of their numbers there; routes that this RIB does not want, and vantage points with
 * neither route nor mark, stay behind. Returns 0, -ENOMEM, or -ENOSPC where not all fitted: the rest is taken.
 */
int tw_rib_adopt_live(struct tw_rib *rib, const struct tw_rib *from);

/*
 * The number of a prefix, made known where it is not: for routes that will come. TW_RIB_NONE without memory, or where
 * max_routes prefixes are known.
 */
uint32_t tw_rib_know(struct tw_rib *rib, const struct tw_prefix *prefix);

/* The prefixes that ever had a route, or were made known, by number. */
uint32_t tw_rib_n_prefixes(const struct tw_rib *rib);
const struct tw_prefix *tw_rib_prefix(const struct tw_rib *rib, uint32_t number);
/* The number of exactly this prefix, or TW_RIB_NONE. */
uint32_t tw_rib_find(const struct tw_rib *rib, const struct tw_prefix *prefix);
/* The longest known prefix that covers this one and is shorter, or TW_RIB_NONE. */
uint32_t tw_rib_parent(const struct tw_rib *rib, uint32_t number);

/* What the routes of this very prefix say of a target (an index into the spec's). */
struct tw_route_verdict tw_rib_decide(
	const struct tw_rib *rib, uint32_t number, unsigned int target);
/* What is said of the addresses whose longest known prefix it is: its own routes, or those of the next that covers it. */
struct tw_route_verdict tw_rib_resolve(
	const struct tw_rib *rib, uint32_t number, unsigned int target);

/*
 * The votes on a prefix, one for each path, ordered by vantage point, then path identifier, for explanations; returns
 * how many there are, writes up to `max`. Those that count and are fresh decide, or, where there are none, those that
 * count.
 */
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

/*
 * Numbers of prefixes whose routes (or whose routes' stale marks) changed since the last tw_rib_clear_changed(), each
 * once, in the order of their first change. What a prefix without votes of its own resolves to changes with those that
 * cover it: such are not listed.
 */
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
	uint64_t refused; /* routes that a bound or a share kept out, each time they were told */
	uint64_t bytes;   /* of memory, about */
};
void tw_rib_info(const struct tw_rib *rib, struct tw_rib_info *info);

#endif
