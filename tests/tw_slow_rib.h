/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_SLOW_RIB_H
#define TW_SLOW_RIB_H

/* The RIB as plain arrays: every answer is worked out anew, from the words of tw_rib.h, none is kept. */

#include <errno.h>

#include "tw_rib_priv.h"
#include "tw_test_rib.h"

enum {
	N_PREFIXES = 26,
	N_PEERS = 14,
	N_IDS = 4,
	N_ROUTERS = 3, /* the first: MRT files */
	MAX_ROUTES = N_PREFIXES * N_PEERS * N_IDS,
};

#define A_SET UINT32_MAX

static const char *const pool[N_PREFIXES] = {"0.0.0.0/0", "128.0.0.0/1", "175.0.0.0/8",
	"175.45.160.0/19", "175.45.176.0/22", "175.45.176.0/23", "175.45.178.0/23",
	"175.45.176.0/24", "175.45.177.0/24", "175.45.178.0/24", "175.45.179.0/24",
	"175.45.176.0/25", "175.45.176.128/25", "175.45.176.255/32", "175.45.179.0/31",
	"10.0.0.0/8", "::/0", "2000::/3", "2001:db8::/32", "2001:db8::/33", "2001:db8:8000::/33",
	"2001:db8::/48", "2001:db8:ffff::/48", "2001:db8::/64", "2001:db8::1/128",
	"af2d:b000::/22"};

struct slow_path {
	uint32_t hops[5]; /* A_SET: a set */
	unsigned int n;
};

struct slow_route {
	unsigned int prefix; /* of the pool */
	unsigned int peer;   /* of the cast */
	uint32_t path_id;
	struct slow_path path;
	bool told;
};

struct slow_peer {
	uint32_t number;
	bool stale;
	bool refreshing;
};

/* Routes in the order in which they came. */
struct slow {
	struct tw_rib *rib;
	const struct tw_rib_spec *spec;
	struct slow_route routes[MAX_ROUTES];
	unsigned int n_routes;
	struct slow_peer peers[N_PEERS];
	uint32_t n_peers;
	uint32_t free_peers[N_PEERS]; /* numbers that were given back, the last is the next */
	unsigned int n_free;
	uint32_t numbers[N_PREFIXES];
	uint32_t n_prefixes;
	uint32_t told_first[N_ROUTERS]; /* prefixes */
	bool changed[N_PREFIXES];
	uint64_t refused, made_room;
};

/* Every third of an MRT file; two tables of one router with the same address; a router's own. */
static inline struct tw_bgp_peer cast(unsigned int i)
{
	struct tw_bgp_peer peer = peer_of(100 + i / 2, i % 3 == 0 ? 0 : 1 + i % 2);

	if (i == 5)
		peer.addr = (struct tw_addr){0};
	if (i == 7)
		peer.asn = KP;
	peer.distinguisher = i % 2;
	return peer;
}

static inline unsigned int router_of(unsigned int peer)
{
	return cast(peer).router.bytes[3];
}

static inline bool mine(const struct tw_target *target, uint32_t asn)
{
	for (unsigned int i = 0; i < target->n_asns; i++)
		if (target->asns[i] == asn)
			return true;
	return false;
}

static inline struct tw_route_verdict says(enum tw_verdict_kind kind, uint32_t asn)
{
	if (asn == A_SET || asn == 0 || asn == 23456)
		return (struct tw_route_verdict){.kind = TW_VERDICT_AMBIGUOUS};
	return (struct tw_route_verdict){.kind = kind, .asn = asn};
}

/* From the right, as the header tells it. */
static inline struct tw_route_verdict slow_verdict(
	const struct slow_path *path, uint32_t speaker, const struct tw_target *target)
{
	const struct tw_route_verdict direct = {.kind = TW_VERDICT_DIRECT};
	unsigned int at = path->n;
	uint32_t origin;

	if (at == 0)
		return target->n_asns == 0 || mine(target, speaker)
			       ? direct
			       : says(TW_VERDICT_FOREIGN, speaker);
	origin = path->hops[at - 1];
	if (target->n_asns > 0 && !mine(target, origin))
		return says(TW_VERDICT_FOREIGN, origin);
	if (target->n_asns == 0 && says(TW_VERDICT_FOREIGN, origin).kind == TW_VERDICT_AMBIGUOUS)
		return says(TW_VERDICT_FOREIGN, origin);
	while (at > 0 && (target->n_asns > 0 ? mine(target, path->hops[at - 1])
					     : path->hops[at - 1] == origin))
		at--;
	return at == 0 ? direct : says(TW_VERDICT_UPSTREAM, path->hops[at - 1]);
}

static inline bool slow_counts(const struct slow *slow, unsigned int peer)
{
	struct tw_bgp_peer who = cast(peer);
	struct tw_addr addr = who.addr.family == 0 ? who.router : who.addr;

	for (unsigned int i = 0; i < slow->spec->n_vantage; i++) {
		const struct tw_rib_vantage *vantage = &slow->spec->vantage[i];

		if (vantage->asn != 0 && vantage->asn != who.asn)
			continue;
		if (vantage->addr.family != 0 &&
			(vantage->addr.family != addr.family ||
				memcmp(vantage->addr.bytes, addr.bytes, 16) != 0))
			continue;
		return true;
	}
	return slow->spec->n_vantage == 0;
}

/* One vote of all that a vantage point says; NONE where it says nothing. */
static inline struct tw_route_verdict slow_vote(const struct slow *slow, unsigned int prefix,
	unsigned int peer, const struct tw_target *target)
{
	struct tw_route_verdict vote = {.kind = TW_VERDICT_NONE};

	for (unsigned int i = 0; i < slow->n_routes; i++) {
		const struct slow_route *route = &slow->routes[i];
		struct tw_route_verdict one;

		if (route->prefix != prefix || route->peer != peer)
			continue;
		one = slow_verdict(&route->path, cast(peer).asn, target);
		if (vote.kind == TW_VERDICT_NONE)
			vote = one;
		else if (vote.kind == TW_VERDICT_FOREIGN && one.kind == TW_VERDICT_FOREIGN)
			vote.asn = vote.asn == one.asn ? vote.asn : 0;
		else if (vote.kind != one.kind || vote.asn != one.asn)
			vote = (struct tw_route_verdict){.kind = TW_VERDICT_AMBIGUOUS};
	}
	return vote;
}

static inline bool same(struct tw_route_verdict a, struct tw_route_verdict b)
{
	return a.kind == b.kind && (a.asn == b.asn || a.kind == TW_VERDICT_FOREIGN);
}

static inline struct tw_route_verdict slow_count(
	const struct slow *slow, const struct tw_route_verdict *votes, uint32_t n)
{
	struct tw_route_verdict best = {.kind = TW_VERDICT_NONE, .n_votes = n};
	bool tie = false;

	for (uint32_t i = 0; i < n; i++) {
		struct tw_route_verdict vote = votes[i];

		vote.n_for = 0;
		for (uint32_t k = 0; k < n; k++)
			if (same(votes[k], votes[i])) {
				vote.n_for++;
				vote.asn = votes[k].asn == vote.asn ? vote.asn : 0;
			}
		vote.n_votes = n;
		if (vote.n_for == best.n_for && !same(vote, best))
			tie = true;
		if (vote.n_for > best.n_for) {
			best = vote;
			tie = false;
		}
	}
	if (tie || best.n_for * 100 < slow->spec->majority * n) {
		best.kind = TW_VERDICT_AMBIGUOUS;
		best.asn = 0;
	}
	return best;
}

static inline struct tw_route_verdict slow_decide(
	const struct slow *slow, unsigned int prefix, const struct tw_target *target)
{
	struct tw_route_verdict votes[N_PEERS];

	for (unsigned int stale = 0; stale < 2; stale++) {
		struct tw_route_verdict verdict;
		uint32_t n = 0;

		for (unsigned int peer = 0; peer < N_PEERS; peer++) {
			votes[n] = slow_vote(slow, prefix, peer, target);
			n += slow->peers[peer].stale == stale && slow_counts(slow, peer) &&
			     votes[n].kind != TW_VERDICT_NONE;
		}
		if (n == 0)
			continue;
		verdict = slow_count(slow, votes, n);
		verdict.stale = stale;
		verdict.prefix = slow->numbers[prefix];
		return verdict;
	}
	return (struct tw_route_verdict){.kind = TW_VERDICT_NONE, .prefix = TW_RIB_NONE};
}

/* The longest known prefix that covers it, N_PREFIXES where there is none. */
static inline unsigned int slow_parent(const struct slow *slow, unsigned int prefix)
{
	struct tw_prefix inner = pfx(pool[prefix]);
	unsigned int best = N_PREFIXES;
	int best_length = -1;

	for (unsigned int i = 0; i < N_PREFIXES; i++) {
		struct tw_prefix outer = pfx(pool[i]);

		if (slow->numbers[i] != TW_RIB_NONE && i != prefix &&
			tw_prefix_contains(&outer, &inner) && outer.length > best_length) {
			best = i;
			best_length = outer.length;
		}
	}
	return best;
}

static inline void slow_init(struct slow *slow, const struct tw_rib_spec *spec)
{
	memset(slow, 0, sizeof(*slow));
	slow->spec = spec;
	slow->rib = make(spec);
	for (unsigned int i = 0; i < N_PREFIXES; i++)
		slow->numbers[i] = TW_RIB_NONE;
	for (unsigned int i = 0; i < N_PEERS; i++)
		slow->peers[i].number = TW_RIB_NONE;
}

static inline unsigned int find_route(
	const struct slow *slow, unsigned int prefix, unsigned int peer, uint32_t path_id)
{
	unsigned int at = 0;

	while (at < slow->n_routes &&
		(slow->routes[at].prefix != prefix || slow->routes[at].peer != peer ||
			slow->routes[at].path_id != path_id))
		at++;
	return at;
}

static inline void drop(struct slow *slow, unsigned int at)
{
	slow->changed[slow->routes[at].prefix] = true;
	memmove(&slow->routes[at], &slow->routes[at + 1],
		(--slow->n_routes - at) * sizeof(slow->routes[0]));
}

/* What keeps out a prefix that nobody has told: the RIB that is full, or the router's share; 0: nothing. */
static inline int slow_prefix_bound(const struct slow *slow, unsigned int router)
{
	uint32_t share = slow->spec->router_max_routes;

	if (slow->n_prefixes == slow->spec->max_routes)
		return -ENOSPC;
	return router != 0 && share != 0 && slow->told_first[router] == share ? -EDQUOT : 0;
}

/* Likewise a route, whose prefix may be told. */
static inline int slow_route_bound(const struct slow *slow, unsigned int router)
{
	uint32_t share = slow->spec->router_max_routes, n = 0;

	for (unsigned int i = 0; i < slow->n_routes; i++)
		n += router_of(slow->routes[i].peer) == router;
	if (slow->n_routes == slow->spec->max_routes)
		return -ENOSPC;
	return router != 0 && share != 0 && n == share ? -EDQUOT : 0;
}

/*
 * The route that made room for another is one of the router's that it has not told again yet: which one is not said. It is
 * the one that the RIB, which took the other already, has no more. False where there is none.
 */
static inline bool slow_make_room(struct slow *slow, unsigned int router)
{
	unsigned int untold = 0, gone = MAX_ROUTES, n_gone = 0;

	for (unsigned int i = 0; i < slow->n_routes; i++) {
		const struct slow_route *other = &slow->routes[i];
		const struct slow_peer *peer = &slow->peers[other->peer];

		if (router == 0 || router_of(other->peer) != router || !peer->refreshing ||
			other->told)
			continue;
		untold++;
		if (tw_rib_find_route(slow->rib, slow->numbers[other->prefix], peer->number,
			    other->path_id) != TW_RIB_NONE)
			continue;
		gone = i;
		n_gone++;
	}
	if (untold == 0)
		return false;
	assert_int_equal(n_gone, 1);
	drop(slow, gone);
	slow->made_room++;
	return true;
}

/* What tw_rib_route() returned, `adopted` in a move from another RIB: to be asked afterwards. */
static inline int slow_tell(struct slow *slow, const struct slow_route *route, bool adopted)
{
	unsigned int at = find_route(slow, route->prefix, route->peer, route->path_id);
	unsigned int router = router_of(route->peer);
	bool known = at < slow->n_routes;
	int err = 0;

	if (known && memcmp(&slow->routes[at].path, &route->path, sizeof(route->path)) == 0) {
		slow->routes[at].told = route->told;
		return 0;
	}
	if (slow->numbers[route->prefix] == TW_RIB_NONE)
		err = slow_prefix_bound(slow, router);
	if (err == 0 && !known) {
		err = slow_route_bound(slow, router);
		if (err != 0 && !adopted && slow_make_room(slow, router))
			err = 0;
		at = slow->n_routes;
	}
	if (err != 0) {
		slow->refused++;
		return err;
	}
	if (slow->numbers[route->prefix] == TW_RIB_NONE) {
		slow->numbers[route->prefix] = slow->n_prefixes++;
		slow->told_first[router]++;
	}
	slow->routes[at] = *route;
	slow->n_routes += !known;
	slow->changed[route->prefix] = true;
	return 1;
}

static inline bool slow_wants(const struct tw_rib_spec *spec, unsigned int prefix)
{
	struct tw_prefix asked = pfx(pool[prefix]);
	unsigned int family = asked.addr.family == 6;
	tw_u128 first, last;

	tw_prefix_range(&asked, &first, &last);
	for (uint32_t i = 0; i < spec->n_ranges[family]; i++)
		if (spec->ranges[family][i].first <= last && first <= spec->ranges[family][i].last)
			return true;
	return false;
}

static inline uint32_t slow_number(struct slow *slow)
{
	return slow->n_free > 0 ? slow->free_peers[--slow->n_free] : slow->n_peers++;
}

static inline void slow_adopt_peers(struct slow *slow, const struct slow *from)
{
	for (uint32_t number = 0; number < from->n_peers; number++)
		for (unsigned int i = 0; i < N_PEERS; i++) {
			const struct slow_peer *peer = &from->peers[i];
			bool routed = false;

			if (peer->number != number || cast(i).router.family == 0)
				continue;
			for (unsigned int k = 0; k < from->n_routes; k++)
				routed |= from->routes[k].peer == i;
			if (!routed && !peer->stale && !peer->refreshing)
				continue;
			if (slow->peers[i].number == TW_RIB_NONE)
				slow->peers[i].number = slow_number(slow);
			for (unsigned int k = 0; k < slow->n_routes; k++)
				if (slow->routes[k].peer == i &&
					slow->peers[i].stale != peer->stale)
					slow->changed[slow->routes[k].prefix] = true;
			slow->peers[i].stale = peer->stale;
			slow->peers[i].refreshing = peer->refreshing;
		}
}

static inline int slow_adopt(struct slow *slow, const struct slow *from)
{
	int result = 0;

	slow_adopt_peers(slow, from);
	for (uint32_t number = 0; number < from->n_prefixes; number++)
		for (unsigned int i = 0; i < from->n_routes; i++) {
			const struct slow_route *route = &from->routes[i];

			if (from->numbers[route->prefix] != number ||
				cast(route->peer).router.family == 0 ||
				!slow_wants(slow->spec, route->prefix))
				continue;
			if (slow_tell(slow, route, true) < 0)
				result = -ENOSPC;
		}
	return result;
}

#endif
