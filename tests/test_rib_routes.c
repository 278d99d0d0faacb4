/* SPDX-License-Identifier: BSD-3-Clause */

/* The RIB, case by case: routes, prefixes and vantage points that come and go, refreshes, bounds. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "tw_rib_priv.h"
#include "tw_test_rib.h"

static void prefixes_keep_their_number(void **state)
{
	struct tw_prefix other = pfx("175.45.176.0/25");
	struct tw_rib *rib = make(&everybody);
	uint32_t peer = add_peer(rib, 1);

	assert_int_equal(withdraw(rib, peer, "175.45.176.0/24"), 0);
	assert_int_equal(tw_rib_n_prefixes(rib), 0);
	tell(rib, peer, "175.45.176.0/24", PATH(KP));
	tell(rib, peer, "175.45.177.0/24", PATH(KP));
	tw_rib_peer_down(rib, peer);
	assert_int_equal(info_of(rib).n_prefixes, 0);
	tell(rib, peer, "175.45.177.0/24", PATH(KP));
	assert_int_equal(tw_rib_n_prefixes(rib), 2);
	assert_int_equal(number_of(rib, "175.45.176.0/24"), 0);
	assert_int_equal(number_of(rib, "175.45.177.0/24"), 1);
	assert_int_equal(tw_rib_find(rib, &other), TW_RIB_NONE);
	assert_memory_equal(&other.addr, &tw_rib_prefix(rib, 0)->addr, sizeof(other.addr));
	assert_int_equal(tw_rib_prefix(rib, 0)->length, 24);
	tw_rib_free(rib);
}

static void a_vantage_point_has_one_number(void **state)
{
	struct tw_rib *rib = make(&everybody);
	struct tw_bgp_peer peer = peer_of(1, 1), other;

	assert_int_equal(tw_rib_peer(rib, &peer), 0);
	other = peer, other.asn = 2;
	assert_int_equal(tw_rib_peer(rib, &other), 1);
	other = peer, other.distinguisher = 1;
	assert_int_equal(tw_rib_peer(rib, &other), 2);
	other = peer, other.router.bytes[3] = 2;
	assert_int_equal(tw_rib_peer(rib, &other), 3);
	other = peer, other.addr.bytes[3] = 2;
	assert_int_equal(tw_rib_peer(rib, &other), 4);
	assert_int_equal(tw_rib_peer(rib, &peer), 0);
	assert_int_equal(tw_rib_n_peers(rib), 5);
	assert_int_equal(tw_rib_peer_at(rib, 4)->addr.bytes[3], 2);
	for (uint32_t i = 5; i < TW_RIB_PEERS_MAX; i++) {
		other.distinguisher = i;
		assert_int_equal(tw_rib_peer(rib, &other), i);
	}
	other.distinguisher = 1;
	assert_int_equal(tw_rib_peer(rib, &other), TW_RIB_NONE);
	assert_int_equal(tell(rib, TW_RIB_PEERS_MAX - 1, "175.45.176.0/24", PATH(KP)), 1);
	assert_int_equal(tw_rib_peer_routes(rib, TW_RIB_PEERS_MAX - 1), 1);
	tw_rib_free(rib);
}

static void numbers_of_who_is_gone_are_given_again(void **state)
{
	struct tw_rib *rib = make(&everybody), *other = make(&everybody);
	struct tw_bgp_peer peer = peer_of(1, 1), stays = peer_of(2, 1);

	assert_int_equal(tw_rib_peer(rib, &stays), 0);
	assert_int_equal(tell(rib, 0, "175.45.176.0/24", PATH(KP)), 1);
	/* As many as there are numbers, and once more. */
	for (uint32_t i = 0; i < 2 * TW_RIB_PEERS_MAX; i++) {
		peer.distinguisher = i;
		assert_int_equal(tw_rib_peer(rib, &peer), 1);
		assert_int_equal(tell(rib, 1, "175.45.176.0/24", PATH(KP)), 1);
		tw_rib_peer_stale(rib, 1, i % 2 == 0);
		tw_rib_peer_gone(rib, 1);
	}
	assert_int_equal(tw_rib_n_peers(rib), 2);
	assert_int_equal(info_of(rib).n_routes, 1);
	assert_int_equal(info_of(rib).n_peers, 1);
	assert_int_equal(info_of(rib).n_stale, 0);
	assert_int_equal(tw_rib_router_routes(rib, &peer.router), 1);
	assert_int_equal(tw_rib_adopt_live(other, rib), 0);
	assert_int_equal(tw_rib_n_peers(other), 1);
	assert_int_equal(tw_rib_peer(rib, &peer), 1);
	assert_int_equal(tw_rib_peer_routes(rib, 1), 0);
	tw_rib_free(rib);
	tw_rib_free(other);
}

static void a_move_without_numbers_takes_the_rest(void **state)
{
	struct tw_rib *from = make(&everybody), *rib = make(&everybody);
	struct tw_bgp_peer filler = peer_of(1, 0), peers[] = {peer_of(2, 1), peer_of(3, 1)};

	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(tw_rib_peer(from, &peers[i]), i);
		assert_int_equal(tell(from, i, "175.45.176.0/24", PATH(KP)), 1);
	}
	for (uint32_t i = 0; i < TW_RIB_PEERS_MAX; i++) {
		filler.distinguisher = i;
		assert_int_equal(tw_rib_peer(rib, i == 7 ? &peers[1] : &filler), i);
	}
	assert_int_equal(tw_rib_adopt_live(rib, from), -ENOSPC);
	assert_int_equal(tw_rib_peer_routes(rib, 7), 1);
	assert_int_equal(info_of(rib).n_routes, 1);
	tw_rib_free(rib);
	tw_rib_free(from);
}

static void what_changed_is_listed_once(void **state)
{
	struct tw_rib *rib = make(&everybody);
	uint32_t one = add_peer(rib, 1), two = add_peer(rib, 2);
	const uint32_t *changed;

	assert_int_equal(tw_rib_changed(rib, &changed), 0);
	assert_int_equal(tell(rib, one, "175.45.177.0/24", PATH(KP)), 1);
	assert_int_equal(tell(rib, one, "175.45.176.0/24", PATH(KP)), 1);
	assert_int_equal(tell(rib, two, "175.45.177.0/24", PATH(KP)), 1);
	assert_int_equal(tw_rib_changed(rib, &changed), 2);
	assert_int_equal(changed[0], 0);
	assert_int_equal(changed[1], 1);
	tw_rib_clear_changed(rib);
	assert_int_equal(tw_rib_changed(rib, &changed), 0);
	/* The same path again is no change. */
	assert_int_equal(tell(rib, one, "175.45.177.0/24", PATH(KP)), 0);
	assert_int_equal(withdraw_id(rib, one, "175.45.177.0/24", 7), 0);
	tw_rib_peer_stale(rib, one, false);
	assert_int_equal(tw_rib_changed(rib, &changed), 0);
	tw_rib_peer_down(rib, two);
	assert_int_equal(tw_rib_changed(rib, &changed), 1);
	assert_int_equal(changed[0], 0);
	tw_rib_free(rib);
}

static void what_a_refresh_does_not_tell_again_is_withdrawn(void **state)
{
	struct tw_rib *rib = make(&everybody);
	uint32_t one = add_peer(rib, 1), two = add_peer(rib, 2);
	const uint32_t *changed;

	tell(rib, one, "175.45.176.0/24", PATH(KP));
	tell(rib, one, "175.45.177.0/24", PATH(KP));
	tell(rib, one, "175.45.178.0/24", PATH(KP));
	tell(rib, two, "175.45.178.0/24", PATH(KP));
	tw_rib_refresh_end(rib, one);
	assert_int_equal(info_of(rib).n_routes, 4);

	tw_rib_refresh_begin(rib, one);
	tw_rib_clear_changed(rib);
	assert_int_equal(tell(rib, one, "175.45.176.0/24", PATH(KP)), 0);
	assert_int_equal(tell(rib, one, "175.45.177.0/24", PATH(TTK, KP)), 1);
	assert_int_equal(tell(rib, one, "175.45.179.0/24", PATH(KP)), 1);
	assert_int_equal(info_of(rib).n_routes, 5);
	tw_rib_refresh_end(rib, one);
	assert_int_equal(info_of(rib).n_routes, 4);
	assert_int_equal(tw_rib_changed(rib, &changed), 3);
	assert_int_equal(changed[2], number_of(rib, "175.45.178.0/24"));
	assert_int_equal(tw_rib_decide(rib, changed[2], 0).n_votes, 1);

	/* Begun anew: what was told before counts no more. */
	tw_rib_refresh_begin(rib, one);
	tell(rib, one, "175.45.176.0/24", PATH(KP));
	tw_rib_refresh_begin(rib, one);
	tell(rib, one, "175.45.177.0/24", PATH(TTK, KP));
	tw_rib_refresh_end(rib, one);
	assert_int_equal(tw_rib_peer_routes(rib, one), 1);
	assert_int_equal(tw_rib_peer_routes(rib, two), 1);
	tw_rib_free(rib);
}

static void routes_above_the_bound_are_refused_and_counted(void **state)
{
	struct tw_rib_spec spec = everybody;
	struct tw_rib *rib;
	uint32_t peer;

	spec.max_routes = 2;
	rib = make(&spec);
	peer = add_peer(rib, 1);
	assert_int_equal(tell(rib, peer, "175.45.176.0/24", PATH(KP)), 1);
	assert_int_equal(tell_id(rib, peer, "175.45.176.0/24", 1, PATH(KP)), 1);
	assert_int_equal(tell(rib, peer, "175.45.177.0/24", PATH(KP)), -ENOSPC);
	assert_int_equal(tw_rib_n_prefixes(rib), 1);
	/* Another path for one that is there needs no room. */
	assert_int_equal(tell(rib, peer, "175.45.176.0/24", PATH(TTK, KP)), 1);
	assert_int_equal(withdraw_id(rib, peer, "175.45.176.0/24", 1), 1);
	assert_int_equal(tell(rib, peer, "175.45.177.0/24", PATH(KP)), 1);
	/* Prefixes that are gone keep their number, and so count. */
	tw_rib_peer_down(rib, peer);
	assert_int_equal(tell(rib, peer, "175.45.178.0/24", PATH(KP)), -ENOSPC);
	assert_int_equal(tell(rib, peer, "175.45.177.0/24", PATH(KP)), 1);
	assert_int_equal(info_of(rib).refused, 2);
	assert_int_equal(info_of(rib).n_routes, 1);
	tw_rib_free(rib);
}

static void paths_are_bounded_in_octets(void **state)
{
	enum {
		SIZE = 60000
	};
	static uint8_t octets[SIZE];
	struct tw_rib *rib = make(&everybody);
	struct tw_bgp_path path = {octets, SIZE};
	uint32_t peer = add_peer(rib, 1), id = 0;

	/* max_routes allows less than 1 MiB: that much is there in all cases. */
	for (; (id + 1) * SIZE <= 1u << 20; id++) {
		memcpy(octets, &id, sizeof(id));
		assert_int_equal(tell_id(rib, peer, "175.45.176.0/24", id, path), 1);
	}
	memcpy(octets, &id, sizeof(id));
	assert_int_equal(tell_id(rib, peer, "175.45.176.0/24", id, path), -ENOSPC);
	assert_int_equal(info_of(rib).n_routes, id);
	/* What is true no more does not stay because its successor found no room. */
	assert_int_equal(tell_id(rib, peer, "175.45.176.0/24", 0, path), -ENOSPC);
	assert_int_equal(info_of(rib).n_routes, id - 1);
	assert_int_equal(tell_id(rib, peer, "175.45.176.0/24", id, path), 1);
	assert_int_equal(info_of(rib).refused, 2);
	tw_rib_peer_down(rib, peer);
	assert_int_equal(info_of(rib).n_paths, 0);
	tw_rib_free(rib);
}

static void a_path_is_kept_once(void **state)
{
	struct tw_rib *rib = make(&everybody);
	uint32_t one = add_peer(rib, 1), two = add_peer(rib, 2);

	tell(rib, one, "175.45.176.0/24", PATH(UNICOM, KP));
	tell(rib, one, "175.45.177.0/24", PATH(UNICOM, KP));
	tell(rib, two, "175.45.176.0/24", PATH(UNICOM, KP));
	assert_int_equal(info_of(rib).n_paths, 1);
	tell(rib, two, "175.45.176.0/24", EMPTY_PATH);
	assert_int_equal(info_of(rib).n_paths, 2);
	tw_rib_peer_down(rib, one);
	assert_int_equal(info_of(rib).n_paths, 1);
	assert_int_equal(info_of(rib).n_peers, 1);
	tw_rib_free(rib);
}

static void live_routes_move_to_another_rib(void **state)
{
	struct tw_rib *from = make(&everybody), *rib = make(&everybody);
	struct tw_bgp_peer live = peer_of(1, 1), idle = peer_of(2, 1);
	uint32_t file = add_peer(from, 3), one = tw_rib_peer(from, &live), moved;
	struct tw_bgp_peer filler = peer_of(9, 0);

	tw_rib_peer(from, &idle);
	tell(from, file, "175.45.176.0/24", PATH(TTK, KP));
	tell(from, one, "175.45.177.0/24", PATH(UNICOM, KP));
	tell_id(from, one, "175.45.177.0/24", 1, PATH(UNICOM, KP));
	tell(from, one, "175.45.178.0/24", PATH(UNICOM, KP));
	/* Not wanted there: never asked here. */
	tell(from, one, "10.0.0.0/8", PATH(UNICOM, KP));
	tw_rib_peer_stale(from, one, true);
	tw_rib_refresh_begin(from, one);
	tell(from, one, "175.45.177.0/24", PATH(UNICOM, KP));

	tw_rib_peer(rib, &filler);
	assert_int_equal(tw_rib_adopt_live(rib, from), 0);
	tw_rib_free(from);
	assert_int_equal(tw_rib_n_peers(rib), 2);
	moved = tw_rib_peer(rib, &live);
	assert_int_equal(moved, 1);
	assert_int_equal(tw_rib_peer_routes(rib, moved), 3);
	assert_int_equal(tw_rib_n_prefixes(rib), 2);
	assert_int_equal(number_of(rib, "175.45.177.0/24"), 0);
	assert_true(tw_rib_decide(rib, 0, 0).stale);
	/* The refresh goes on: told were the first's path 0 and nothing else. */
	tw_rib_refresh_end(rib, moved);
	assert_int_equal(tw_rib_peer_routes(rib, moved), 1);
	assert_int_equal(tw_rib_decide(rib, 0, 0).n_votes, 1);
	tw_rib_free(rib);
}

static void what_of_live_routes_fits_moves(void **state)
{
	struct tw_rib_spec spec = everybody;
	struct tw_rib *from = make(&everybody), *rib;
	struct tw_bgp_peer live = peer_of(1, 1);
	uint32_t one = tw_rib_peer(from, &live);

	tell(from, one, "175.45.176.0/24", PATH(KP));
	tell(from, one, "175.45.177.0/24", PATH(KP));
	tell_id(from, one, "175.45.176.0/24", 1, PATH(KP));
	spec.max_routes = 2;
	rib = make(&spec);
	assert_int_equal(tw_rib_adopt_live(rib, from), -ENOSPC);
	assert_int_equal(info_of(rib).n_routes, 2);
	assert_int_equal(info_of(rib).refused, 1);
	assert_int_equal(tw_rib_n_prefixes(rib), 1);
	tw_rib_free(from);
	tw_rib_free(rib);
}

static void the_latest_time_is_kept(void **state)
{
	struct tw_rib *rib = make(&everybody);

	assert_int_equal(tw_rib_time(rib), 0);
	tw_rib_touch(rib, 20);
	tw_rib_touch(rib, 10);
	assert_int_equal(tw_rib_time(rib), 20);
	tw_rib_free(rib);
}

/* Two numbers below 2^19 whose octets have the same hash: about 32 pairs have. */
static void collide(const struct tw_rib *rib, void (*make_octets)(uint32_t i, uint8_t *octets),
	size_t size, uint32_t pair[2])
{
	enum {
		N = 1 << 19
	};
	uint64_t *hashes = malloc(N * sizeof(*hashes));
	uint8_t octets[64] = {0};

	assert_non_null(hashes);
	for (uint32_t i = 0; i < N; i++) {
		make_octets(i, octets);
		hashes[i] = (uint64_t)tw_index_hash(rib->key, octets, size) << 32 | i;
	}
	tw_rib_sort(hashes, N);
	for (uint32_t i = 1; i < N; i++)
		if (hashes[i] >> 32 == hashes[i - 1] >> 32) {
			pair[0] = (uint32_t)hashes[i - 1];
			pair[1] = (uint32_t)hashes[i];
			free(hashes);
			return;
		}
	free(hashes);
	fail_msg("no two hashes are equal: the hash is not the index's");
}

static struct tw_prefix nth_prefix(uint32_t i)
{
	return (struct tw_prefix){tw_addr_from_number(4, 0xaf000000 + i), 32};
}

static void prefix_octets(uint32_t i, uint8_t *octets)
{
	struct tw_prefix prefix = nth_prefix(i);

	memcpy(octets, &prefix, sizeof(prefix));
}

/* Of the first prefix and the first vantage point. */
static void route_octets(uint32_t i, uint8_t *octets)
{
	uint32_t key[3] = {0, 0, i};

	memcpy(octets, key, sizeof(key));
}

static void path_octets(uint32_t i, uint8_t *octets)
{
	struct tw_bgp_path path = PATH(1000000 + i, KP);

	memcpy(octets, path.segments, path.size);
}

static struct tw_bgp_peer nth_peer(uint32_t i)
{
	struct tw_bgp_peer peer = peer_of(1, 1);

	peer.distinguisher = i;
	return peer;
}

static void peer_octets(uint32_t i, uint8_t *octets)
{
	struct tw_bgp_peer peer = nth_peer(i);

	memcpy(octets, &peer.addr, 17);
	memcpy(octets + 17, &peer.router, 17);
	memcpy(octets + 34, &peer.distinguisher, 8);
	memcpy(octets + 42, &peer.asn, 4);
}

static void what_has_the_same_hash_is_told_apart(void **state)
{
	struct tw_rib *rib = make(&everybody);
	uint32_t pair[2];

	collide(rib, peer_octets, 46, pair);
	for (uint32_t i = 0; i < 2; i++) {
		struct tw_bgp_peer peer = nth_peer(pair[i]);

		assert_int_equal(tw_rib_peer(rib, &peer), i);
	}
	collide(rib, prefix_octets, 18, pair);
	for (uint32_t i = 0; i < 2; i++) {
		struct tw_bgp_route route = {.prefix = nth_prefix(pair[i]), .path = PATH(KP)};

		assert_int_equal(tw_rib_route(rib, 0, &route), 1);
		assert_int_equal(tw_rib_find(rib, &route.prefix), i);
	}
	tw_rib_peer_down(rib, 0);
	collide(rib, path_octets, PATH(1, KP).size, pair);
	for (uint32_t i = 0; i < 2; i++) {
		struct tw_bgp_route route = {
			.prefix = *tw_rib_prefix(rib, i), .path = PATH(1000000 + pair[i], KP)};

		assert_int_equal(tw_rib_route(rib, 0, &route), 1);
		assert_int_equal(info_of(rib).n_paths, i + 1);
		assert_int_equal(tw_rib_decide(rib, i, 0).asn, 1000000 + pair[i]);
	}
	tw_rib_peer_down(rib, 0);
	collide(rib, route_octets, 12, pair);
	for (uint32_t i = 0; i < 2; i++) {
		struct tw_bgp_route route = {.prefix = *tw_rib_prefix(rib, 0),
			.path_id = pair[i],
			.path = PATH(UNICOM, KP)};

		assert_int_equal(tw_rib_route(rib, 0, &route), 1);
		assert_int_equal(info_of(rib).n_routes, i + 1);
	}
	tw_rib_free(rib);
}

/* What a hostile vantage point can do most of: each of these is quadratic where something is searched or sorted badly. */
static void many_routes_of_one_prefix_are_no_chain(void **state)
{
	enum {
		N = 300000
	};
	struct tw_rib_spec spec = everybody;
	struct tw_bgp_route route = {.prefix = pfx("175.45.176.0/24")};
	struct tw_rib *rib;
	uint32_t peer;
	clock_t start;

	spec.max_routes = N;
	rib = make(&spec);
	peer = add_peer(rib, 1);
	start = clock();
	for (uint32_t id = 0; id < N; id++) {
		route.path_id = id * 0x9e3779b1;
		route.path = PATH(id % 1000, UNICOM, KP);
		assert_int_equal(tw_rib_route(rib, peer, &route), 1);
	}
	expect(rib, "175.45.176.0/24", TW_VERDICT_UPSTREAM, UNICOM, 1, 1);
	for (uint32_t id = 0; id < N; id++) {
		route.path_id = id * 0x9e3779b1;
		route.path = PATH(id);
		assert_int_equal(tw_rib_route(rib, peer, &route), 1);
	}
	assert_int_equal(tw_rib_decide(rib, 0, 0).kind, TW_VERDICT_AMBIGUOUS);
	route.withdrawn = true;
	for (uint32_t id = 0; id < N; id += 2) {
		route.path_id = id * 0x9e3779b1;
		assert_int_equal(tw_rib_route(rib, peer, &route), 1);
	}
	tw_rib_peer_down(rib, peer);
	assert_int_equal(info_of(rib).n_routes, 0);
	/* About 0.5 s of work; walking chains would be minutes. */
	assert_true(clock() - start < 20 * CLOCKS_PER_SEC);
	tw_rib_free(rib);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_keep_their_number),
		cmocka_unit_test(a_vantage_point_has_one_number),
		cmocka_unit_test(numbers_of_who_is_gone_are_given_again),
		cmocka_unit_test(a_move_without_numbers_takes_the_rest),
		cmocka_unit_test(what_changed_is_listed_once),
		cmocka_unit_test(what_a_refresh_does_not_tell_again_is_withdrawn),
		cmocka_unit_test(routes_above_the_bound_are_refused_and_counted),
		cmocka_unit_test(paths_are_bounded_in_octets),
		cmocka_unit_test(a_path_is_kept_once),
		cmocka_unit_test(live_routes_move_to_another_rib),
		cmocka_unit_test(what_of_live_routes_fits_moves),
		cmocka_unit_test(the_latest_time_is_kept),
		cmocka_unit_test(what_has_the_same_hash_is_told_apart),
		cmocka_unit_test(many_routes_of_one_prefix_are_no_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
