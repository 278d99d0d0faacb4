/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The RIB against plain arrays from which every answer is worked out anew, on random routes, withdrawals, sessions
 * that end, go stale and begin anew, and moves to another RIB. Few prefixes, ASNs and vantage points, so that they
 * meet.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tw_slow_rib.h"

enum {
	WORLDS = 120,
	STEPS = 500,
};

static uint64_t seed = 20171001;
static unsigned int kinds_seen[TW_VERDICT_MAX], stale_seen, resolved_seen, moved_seen;
static uint64_t refused_seen, made_room_seen;

/* splitmix64 */
static unsigned int below(unsigned int n)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (unsigned int)((z ^ z >> 31) % n);
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
	uint32_t per_peer[N_PEERS] = {0}, per_router[N_ROUTERS] = {0};
	uint32_t n_paths = 0, n_prefixes = 0, n_peers = 0, n_stale = 0;

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
		per_router[router_of(route->peer)]++;
	}
	for (unsigned int i = 0; i < N_PEERS; i++) {
		n_peers += per_peer[i] > 0;
		n_stale += per_peer[i] > 0 && slow->peers[i].stale;
		if (slow->peers[i].number != TW_RIB_NONE)
			assert_int_equal(
				tw_rib_peer_routes(slow->rib, slow->peers[i].number), per_peer[i]);
	}
	for (uint8_t i = 1; i < N_ROUTERS; i++) {
		struct tw_addr router = peer_of(0, i).router;

		assert_int_equal(tw_rib_router_routes(slow->rib, &router), per_router[i]);
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

static uint32_t peer_number(struct slow *slow, unsigned int peer)
{
	struct tw_bgp_peer who = cast(peer);

	if (slow->peers[peer].number == TW_RIB_NONE)
		slow->peers[peer].number = slow_number(slow);
	assert_int_equal(tw_rib_peer(slow->rib, &who), slow->peers[peer].number);
	return slow->peers[peer].number;
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
	int err;

	/* Told once more as it is. */
	if (at < slow->n_routes && below(4) == 0) {
		route.path = slow->routes[at].path;
		told.path = encode(&route.path);
	}
	err = tw_rib_route(slow->rib, peer_number(slow, peer), &told);
	assert_int_equal(err, slow_tell(slow, &route, false));
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

static void step_down(struct slow *slow, bool gone)
{
	unsigned int peer = below(N_PEERS);
	uint32_t number = peer_number(slow, peer);

	if (gone) {
		tw_rib_peer_gone(slow->rib, number);
		slow->peers[peer].number = TW_RIB_NONE;
		slow->free_peers[slow->n_free++] = number;
	} else {
		tw_rib_peer_down(slow->rib, number);
	}
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

/* Moves to a new RIB, which may have routes already. */
static void step_adopt(struct slow *slow, const struct tw_rib_spec *spec)
{
	static struct slow next;
	unsigned int n = below(2) * below(20), before;

	slow_init(&next, spec);
	while (n-- > 0)
		step_route(&next);
	before = next.n_routes;
	next.made_room += slow->made_room;
	assert_int_equal(tw_rib_adopt_live(next.rib, slow->rib), slow_adopt(&next, slow));
	moved_seen += next.n_routes - before;
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
		step_down(slow, what == 162);
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
		spec.router_max_routes = below(2) == 0 ? 1 + below(40) : 0;
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
		refused_seen += slow.refused;
		made_room_seen += slow.made_room;
		tw_rib_free(slow.rib);
	}
	/* No part of the comparison may run dry. */
	for (unsigned int kind = 0; kind < TW_VERDICT_MAX; kind++)
		assert_in_range(kinds_seen[kind], 1000, UINT32_MAX);
	assert_in_range(stale_seen, 1000, UINT32_MAX);
	assert_in_range(resolved_seen, 1000, UINT32_MAX);
	assert_in_range(refused_seen, 1000, UINT32_MAX);
	assert_in_range(made_room_seen, 1000, UINT32_MAX);
	assert_in_range(moved_seen, 1000, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_routes_are_as_if_worked_out_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
