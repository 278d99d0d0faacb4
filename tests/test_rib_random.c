/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The RIB against plain arrays from which every answer is worked out anew, on random routes, withdrawals, sessions
 * that end, go stale and begin anew, and moves to another RIB. Few prefixes, ASNs and vantage points, so that they
 * meet.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tw_test_rib.h"

enum {
	N_PREFIXES = 26,
	N_PEERS = 14,
	N_IDS = 4,
	MAX_ROUTES = N_PREFIXES * N_PEERS * N_IDS,
	WORLDS = 120,
	STEPS = 500,
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
	uint32_t numbers[N_PREFIXES];
	uint32_t n_prefixes;
	bool changed[N_PREFIXES];
	uint64_t refused;
};

static uint64_t seed = 20171001;
static unsigned int kinds_seen[TW_VERDICT_MAX], stale_seen, resolved_seen, refused_seen, moved_seen;

/* splitmix64 */
static unsigned int below(unsigned int n)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (unsigned int)((z ^ z >> 31) % n);
}

/* Every third of an MRT file; two tables of one router with the same address; a router's own. */
static struct tw_bgp_peer cast(unsigned int i)
{
	struct tw_bgp_peer peer = peer_of(100 + i / 2, i % 3 == 0 ? 0 : 1 + i % 2);

	if (i == 5)
		peer.addr = (struct tw_addr){0};
	if (i == 7)
		peer.asn = KP;
	peer.distinguisher = i % 2;
	return peer;
}

static bool mine(const struct tw_target *target, uint32_t asn)
{
	for (unsigned int i = 0; i < target->n_asns; i++)
		if (target->asns[i] == asn)
			return true;
	return false;
}

static struct tw_route_verdict says(enum tw_verdict_kind kind, uint32_t asn)
{
	if (asn == A_SET || asn == 0 || asn == 23456)
		return (struct tw_route_verdict){.kind = TW_VERDICT_AMBIGUOUS};
	return (struct tw_route_verdict){.kind = kind, .asn = asn};
}

/* From the right, as the header tells it. */
static struct tw_route_verdict slow_verdict(
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

static bool slow_counts(const struct slow *slow, unsigned int peer)
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
static struct tw_route_verdict slow_vote(const struct slow *slow, unsigned int prefix,
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
		else if (vote.kind != one.kind)
			vote = (struct tw_route_verdict){.kind = TW_VERDICT_AMBIGUOUS};
		else if (vote.asn != one.asn && vote.kind == TW_VERDICT_FOREIGN)
			vote.asn = 0;
		else if (vote.asn != one.asn)
			vote = (struct tw_route_verdict){.kind = TW_VERDICT_AMBIGUOUS};
	}
	return vote;
}

static bool same(struct tw_route_verdict a, struct tw_route_verdict b)
{
	return a.kind == b.kind && (a.asn == b.asn || a.kind == TW_VERDICT_FOREIGN);
}

static struct tw_route_verdict slow_count(
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

static struct tw_route_verdict slow_decide(
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
static unsigned int slow_parent(const struct slow *slow, unsigned int prefix)
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

static void same_verdict(const struct tw_route_verdict *is, const struct tw_route_verdict *wanted)
{
	assert_string_equal(tw_verdict_name(is->kind), tw_verdict_name(wanted->kind));
	assert_int_equal(is->asn, wanted->asn);
	assert_int_equal(is->n_for, wanted->n_for);
	assert_int_equal(is->n_votes, wanted->n_votes);
	assert_int_equal(is->stale, wanted->stale);
	assert_int_equal(is->prefix, wanted->prefix);
}

static struct tw_bgp_path encode(const struct slow_path *path)
{
	uint32_t words[15];
	size_t n = 0;

	for (unsigned int i = 0; i < path->n; i++) {
		if (path->hops[i] != A_SET) {
			words[n++] = path->hops[i];
			continue;
		}
		words[n++] = SET(2);
		words[n++] = UNICOM;
		words[n++] = KP;
	}
	return path_of(words, n);
}

/* The vote that follows the one before, by number of the vantage point and path identifier. */
static const struct slow_route *next_vote(
	const struct slow *slow, unsigned int prefix, uint64_t after, bool first)
{
	const struct slow_route *best = NULL;
	uint64_t best_key = 0;

	for (unsigned int i = 0; i < slow->n_routes; i++) {
		const struct slow_route *route = &slow->routes[i];
		uint64_t key = (uint64_t)slow->peers[route->peer].number << 32 | route->path_id;

		if (route->prefix == prefix && (first || key > after) &&
			(best == NULL || key < best_key)) {
			best = route;
			best_key = key;
		}
	}
	return best;
}

static void check_votes(const struct slow *slow, unsigned int prefix, unsigned int target)
{
	struct tw_rib_vote votes[N_PEERS * N_IDS];
	uint32_t n = tw_rib_votes(slow->rib, slow->numbers[prefix], target, votes, N_PEERS * N_IDS);
	uint64_t key = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct slow_route *route = next_vote(slow, prefix, key, i == 0);
		struct tw_route_verdict verdict;
		struct tw_bgp_path path;

		assert_non_null(route);
		path = encode(&route->path);
		key = (uint64_t)slow->peers[route->peer].number << 32 | route->path_id;
		verdict = slow_verdict(&route->path, cast(route->peer).asn, &targets[target]);
		assert_int_equal(votes[i].peer, key >> 32);
		assert_int_equal(votes[i].path_id, route->path_id);
		assert_int_equal(votes[i].path.size, path.size);
		assert_memory_equal(votes[i].path.segments, path.segments, path.size);
		assert_int_equal(votes[i].verdict.kind, verdict.kind);
		assert_int_equal(votes[i].verdict.asn, verdict.asn);
		assert_int_equal(votes[i].stale, slow->peers[route->peer].stale);
		assert_int_equal(votes[i].counts, slow_counts(slow, route->peer));
	}
	assert_null(next_vote(slow, prefix, key, n == 0));
}

static void check_prefix(const struct slow *slow, unsigned int prefix)
{
	struct tw_prefix asked = pfx(pool[prefix]);
	uint32_t number = slow->numbers[prefix];
	unsigned int parent = slow_parent(slow, prefix);

	assert_int_equal(tw_rib_find(slow->rib, &asked), number);
	if (number == TW_RIB_NONE)
		return;
	assert_memory_equal(tw_rib_prefix(slow->rib, number), &asked, sizeof(asked));
	assert_int_equal(tw_rib_parent(slow->rib, number),
		parent == N_PREFIXES ? TW_RIB_NONE : slow->numbers[parent]);
	for (unsigned int target = 0; target < 3; target++) {
		struct tw_route_verdict wanted = slow_decide(slow, prefix, &targets[target]);
		struct tw_route_verdict is = tw_rib_decide(slow->rib, number, target);

		same_verdict(&is, &wanted);
		kinds_seen[wanted.kind]++;
		stale_seen += wanted.stale;
		for (unsigned int at = prefix; wanted.kind == TW_VERDICT_NONE;) {
			at = slow_parent(slow, at);
			if (at == N_PREFIXES)
				break;
			wanted = slow_decide(slow, at, &targets[target]);
			resolved_seen += wanted.kind != TW_VERDICT_NONE;
		}
		is = tw_rib_resolve(slow->rib, number, target);
		same_verdict(&is, &wanted);
	}
	check_votes(slow, prefix, below(3));
}

static void check_changed(const struct slow *slow)
{
	bool listed[N_PREFIXES] = {false};
	const uint32_t *numbers;
	uint32_t n = tw_rib_changed(slow->rib, &numbers);

	for (uint32_t i = 0; i < n; i++) {
		assert_in_range(numbers[i], 0, slow->n_prefixes - 1);
		assert_false(listed[numbers[i]]);
		listed[numbers[i]] = true;
	}
	for (unsigned int i = 0; i < N_PREFIXES; i++)
		if (slow->numbers[i] != TW_RIB_NONE)
			assert_int_equal(listed[slow->numbers[i]], slow->changed[i]);
}

static void check_info(const struct slow *slow)
{
	struct tw_rib_info info = info_of(slow->rib);
	bool prefixes[N_PREFIXES] = {false};
	uint32_t per_peer[N_PEERS] = {0}, n_paths = 0, n_prefixes = 0, n_peers = 0, n_stale = 0;

	for (unsigned int i = 0; i < slow->n_routes; i++) {
		const struct slow_route *route = &slow->routes[i];
		bool known = false;

		for (unsigned int k = 0; k < i && !known; k++)
			known = memcmp(&slow->routes[k].path, &route->path, sizeof(route->path)) ==
				0;
		n_paths += !known;
		n_prefixes += !prefixes[route->prefix];
		prefixes[route->prefix] = true;
		per_peer[route->peer]++;
	}
	for (unsigned int i = 0; i < N_PEERS; i++) {
		n_peers += per_peer[i] > 0;
		n_stale += per_peer[i] > 0 && slow->peers[i].stale;
		if (slow->peers[i].number != TW_RIB_NONE)
			assert_int_equal(
				tw_rib_peer_routes(slow->rib, slow->peers[i].number), per_peer[i]);
	}
	assert_int_equal(info.n_prefixes, n_prefixes);
	assert_int_equal(info.n_routes, slow->n_routes);
	assert_int_equal(info.n_paths, n_paths);
	assert_int_equal(info.n_peers, n_peers);
	assert_int_equal(info.n_stale, n_stale);
	assert_int_equal(info.refused, slow->refused);
	assert_int_equal(tw_rib_n_prefixes(slow->rib), slow->n_prefixes);
	assert_int_equal(tw_rib_n_peers(slow->rib), slow->n_peers);
}

static void check(const struct slow *slow)
{
	for (unsigned int i = 0; i < N_PREFIXES; i++)
		check_prefix(slow, i);
	check_changed(slow);
	check_info(slow);
}

static void slow_init(struct slow *slow, const struct tw_rib_spec *spec)
{
	memset(slow, 0, sizeof(*slow));
	slow->spec = spec;
	slow->rib = make(spec);
	for (unsigned int i = 0; i < N_PREFIXES; i++)
		slow->numbers[i] = TW_RIB_NONE;
	for (unsigned int i = 0; i < N_PEERS; i++)
		slow->peers[i].number = TW_RIB_NONE;
}

static uint32_t peer_number(struct slow *slow, unsigned int peer)
{
	struct tw_bgp_peer who = cast(peer);

	if (slow->peers[peer].number == TW_RIB_NONE)
		slow->peers[peer].number = slow->n_peers++;
	assert_int_equal(tw_rib_peer(slow->rib, &who), slow->peers[peer].number);
	return slow->peers[peer].number;
}

static unsigned int find_route(
	const struct slow *slow, unsigned int prefix, unsigned int peer, uint32_t path_id)
{
	unsigned int at = 0;

	while (at < slow->n_routes &&
		(slow->routes[at].prefix != prefix || slow->routes[at].peer != peer ||
			slow->routes[at].path_id != path_id))
		at++;
	return at;
}

static void drop(struct slow *slow, unsigned int at)
{
	slow->changed[slow->routes[at].prefix] = true;
	memmove(&slow->routes[at], &slow->routes[at + 1],
		(--slow->n_routes - at) * sizeof(slow->routes[0]));
}

/* What tw_rib_route() is to return. */
static int slow_tell(struct slow *slow, const struct slow_route *route)
{
	unsigned int at = find_route(slow, route->prefix, route->peer, route->path_id);
	bool known = at < slow->n_routes;

	if (known && memcmp(&slow->routes[at].path, &route->path, sizeof(route->path)) == 0) {
		slow->routes[at].told = route->told;
		return 0;
	}
	if (!known && (slow->n_routes == slow->spec->max_routes ||
			      (slow->numbers[route->prefix] == TW_RIB_NONE &&
				      slow->n_prefixes == slow->spec->max_routes))) {
		slow->refused++;
		refused_seen++;
		return -ENOSPC;
	}
	if (slow->numbers[route->prefix] == TW_RIB_NONE)
		slow->numbers[route->prefix] = slow->n_prefixes++;
	slow->routes[at] = *route;
	slow->n_routes += !known;
	slow->changed[route->prefix] = true;
	return 1;
}

static struct slow_path random_path(void)
{
	static const uint32_t asns[] = {
		KP, KP, 64512, UNICOM, UNICOM, TTK, 7018, 64500, 64501, 0, 23456, A_SET};
	struct slow_path path = {.n = below(6)};

	for (unsigned int i = 0; i < path.n; i++)
		path.hops[i] = asns[below(12)];
	/* Most lead to the target, or few votes would agree. */
	if (path.n > 0 && below(4) > 0)
		path.hops[path.n - 1] = KP;
	if (path.n > 1 && below(2) > 0)
		path.hops[path.n - 2] = below(3) > 0 ? UNICOM : TTK;
	return path;
}

static void step_route(struct slow *slow)
{
	unsigned int prefix = below(3) == 0 ? 7 : below(N_PREFIXES), peer = below(N_PEERS);
	struct slow_route route = {prefix, peer, below(2) == 0 ? 0 : below(N_IDS), random_path(),
		slow->peers[peer].refreshing};
	struct tw_bgp_route told = {
		.prefix = pfx(pool[prefix]), .path_id = route.path_id, .path = encode(&route.path)};
	unsigned int at = find_route(slow, prefix, peer, route.path_id);

	/* Told once more as it is. */
	if (at < slow->n_routes && below(4) == 0) {
		route.path = slow->routes[at].path;
		told.path = encode(&route.path);
	}
	assert_int_equal(
		tw_rib_route(slow->rib, peer_number(slow, peer), &told), slow_tell(slow, &route));
}

static void step_withdraw(struct slow *slow)
{
	unsigned int at = slow->n_routes > 0 ? below(slow->n_routes) : 0;
	struct slow_route route = {
		below(N_PREFIXES), below(N_PEERS), below(N_IDS), {{0}, 0}, false};
	struct tw_bgp_route told = {.withdrawn = true};

	if (slow->n_routes > 0 && below(4) > 0)
		route = slow->routes[at];
	told.prefix = pfx(pool[route.prefix]);
	told.path_id = route.path_id;
	at = find_route(slow, route.prefix, route.peer, route.path_id);
	assert_int_equal(
		tw_rib_route(slow->rib, peer_number(slow, route.peer), &told), at < slow->n_routes);
	if (at < slow->n_routes)
		drop(slow, at);
}

static void step_down(struct slow *slow)
{
	unsigned int peer = below(N_PEERS);

	tw_rib_peer_down(slow->rib, peer_number(slow, peer));
	for (unsigned int i = slow->n_routes; i-- > 0;)
		if (slow->routes[i].peer == peer)
			drop(slow, i);
	slow->peers[peer].stale = slow->peers[peer].refreshing = false;
}

static void step_stale(struct slow *slow)
{
	unsigned int peer = below(N_PEERS);
	bool stale = below(2) == 0;

	tw_rib_peer_stale(slow->rib, peer_number(slow, peer), stale);
	for (unsigned int i = 0; i < slow->n_routes; i++)
		if (slow->routes[i].peer == peer && slow->peers[peer].stale != stale)
			slow->changed[slow->routes[i].prefix] = true;
	slow->peers[peer].stale = stale;
}

static void step_refresh_begin(struct slow *slow)
{
	unsigned int peer = below(N_PEERS);

	tw_rib_refresh_begin(slow->rib, peer_number(slow, peer));
	for (unsigned int i = 0; i < slow->n_routes; i++)
		if (slow->routes[i].peer == peer)
			slow->routes[i].told = false;
	slow->peers[peer].refreshing = true;
}

static void step_refresh_end(struct slow *slow)
{
	unsigned int peer = below(N_PEERS);

	tw_rib_refresh_end(slow->rib, peer_number(slow, peer));
	for (unsigned int i = slow->n_routes; i-- > 0 && slow->peers[peer].refreshing;)
		if (slow->routes[i].peer == peer && !slow->routes[i].told)
			drop(slow, i);
	slow->peers[peer].refreshing = false;
}

static void step_clear_changed(struct slow *slow)
{
	tw_rib_clear_changed(slow->rib);
	memset(slow->changed, 0, sizeof(slow->changed));
}

static bool slow_wants(const struct tw_rib_spec *spec, unsigned int prefix)
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

static void slow_adopt_peers(struct slow *slow, const struct slow *from)
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
				slow->peers[i].number = slow->n_peers++;
			for (unsigned int k = 0; k < slow->n_routes; k++)
				if (slow->routes[k].peer == i &&
					slow->peers[i].stale != peer->stale)
					slow->changed[slow->routes[k].prefix] = true;
			slow->peers[i].stale = peer->stale;
			slow->peers[i].refreshing = peer->refreshing;
		}
}

static int slow_adopt(struct slow *slow, const struct slow *from)
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
			moved_seen++;
			if (slow_tell(slow, route) < 0)
				result = -ENOSPC;
		}
	return result;
}

/* Moves to a new RIB, which may have routes already. */
static void step_adopt(struct slow *slow, const struct tw_rib_spec *spec)
{
	static struct slow next;
	unsigned int n = below(2) * below(20);

	slow_init(&next, spec);
	while (n-- > 0)
		step_route(&next);
	assert_int_equal(tw_rib_adopt_live(next.rib, slow->rib), slow_adopt(&next, slow));
	tw_rib_free(slow->rib);
	*slow = next;
}

static void step(struct slow *slow, const struct tw_rib_spec *spec)
{
	unsigned int what = below(200);

	if (what < 130)
		step_route(slow);
	else if (what < 160)
		step_withdraw(slow);
	else if (what < 163)
		step_down(slow);
	else if (what < 173)
		step_stale(slow);
	else if (what < 181)
		step_refresh_begin(slow);
	else if (what < 189)
		step_refresh_end(slow);
	else if (what < 199)
		step_clear_changed(slow);
	else
		step_adopt(slow, spec);
}

static void random_routes_are_as_if_worked_out_anew(void **state)
{
	static const struct tw_rib_vantage vantage[] = {
		{.asn = 102}, {.addr = {4, {192, 0, 2, 103}}}, {.addr = {4, {10, 0, 0, 2}}}};
	static const struct tw_target_range wide4[] = {{0xaf2db200, 0xaf2db3ff, 0},
		{0xaf2db000, 0xaf2db1ff, 0}, {0x0a000000, 0x0a00ffff, 1}};
	static struct slow slow;

	for (unsigned int world = 0; world < WORLDS; world++) {
		struct tw_rib_spec spec = everybody;

		spec.majority = below(3) == 0 ? 1 + below(100) : 50;
		spec.max_routes = below(3) == 0 ? 1 + below(60) : MAX_ROUTES;
		spec.vantage = vantage;
		spec.n_vantage = below(3) == 0 ? 1 + below(3) : 0;
		if (below(2) == 0) {
			spec.ranges[0] = wide4;
			spec.n_ranges[0] = 3;
		}
		slow_init(&slow, &spec);
		for (unsigned int i = 0; i < STEPS; i++) {
			step(&slow, &spec);
			if (i % 4 == 0)
				check(&slow);
			else
				check_prefix(&slow, 7);
		}
		tw_rib_free(slow.rib);
	}
	/* No part of the comparison may run dry. */
	for (unsigned int kind = 0; kind < TW_VERDICT_MAX; kind++)
		assert_in_range(kinds_seen[kind], 1000, UINT32_MAX);
	assert_in_range(stale_seen, 1000, UINT32_MAX);
	assert_in_range(resolved_seen, 1000, UINT32_MAX);
	assert_in_range(refused_seen, 1000, UINT32_MAX);
	assert_in_range(moved_seen, 1000, UINT32_MAX);
}

static tw_u128 random_number(unsigned int family)
{
	tw_u128 number = (tw_u128)below(64) << (family == 0 ? 26 : 122);

	/* Near the edges of few places, or anywhere. */
	if (below(2) == 0)
		return (number + below(8)) & (family == 0 ? (tw_u128)UINT32_MAX : ~(tw_u128)0);
	for (unsigned int i = 0; i < 4; i++)
		number = number << 32 | below(UINT32_MAX);
	return family == 0 ? (uint32_t)number : number;
}

static void random_prefixes_are_wanted_as_if_every_range_were_tried(void **state)
{
	enum {
		SETS = 300,
		RANGES = 60
	};
	struct tw_target_range ranges[2][RANGES];
	unsigned int wanted = 0, unwanted = 0;

	for (unsigned int set = 0; set < SETS; set++) {
		struct tw_rib_spec spec = everybody;
		struct tw_rib *rib;

		for (unsigned int family = 0; family < 2; family++) {
			spec.ranges[family] = ranges[family];
			spec.n_ranges[family] = below(below(4) == 0 ? RANGES : 6);
			for (uint32_t i = 0; i < spec.n_ranges[family]; i++) {
				tw_u128 all = family == 0 ? UINT32_MAX : ~(tw_u128)0;
				tw_u128 first = random_number(family), more = below(6);

				ranges[family][i] = (struct tw_target_range){
					first, more > all - first ? all : first + more, 0};
			}
		}
		rib = make(&spec);
		for (unsigned int i = 0; i < 1000; i++) {
			unsigned int family = below(2), bits = family == 0 ? 32 : 128;
			uint8_t length =
				(uint8_t)(below(3) == 0 ? below(bits + 1) : bits - below(4));
			tw_u128 host = length == 0 ? 0 : ~(tw_u128)0 << (bits - length);
			struct tw_prefix prefix = {tw_addr_from_number(family == 0 ? 4 : 6,
							   random_number(family) & host),
				length};
			tw_u128 first, last;
			bool meets = false;

			tw_prefix_range(&prefix, &first, &last);
			for (uint32_t k = 0; k < spec.n_ranges[family]; k++)
				meets |= ranges[family][k].first <= last &&
					 first <= ranges[family][k].last;
			assert_int_equal(tw_rib_wants(rib, &prefix), meets);
			wanted += meets;
			unwanted += !meets;
		}
		tw_rib_free(rib);
	}
	assert_in_range(wanted, 10000, UINT32_MAX);
	assert_in_range(unwanted, 10000, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_routes_are_as_if_worked_out_anew),
		cmocka_unit_test(random_prefixes_are_wanted_as_if_every_range_were_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
