/* SPDX-License-Identifier: BSD-3-Clause */

/* The RIB, case by case: who votes, what decides, and for which prefix. Random routes are test_rib_random's part. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tw_test_rib.h"

static void the_majority_of_vantage_points_decides(void **state)
{
	struct tw_rib *rib = make(&everybody);
	uint32_t peers[5];

	for (uint32_t i = 0; i < 5; i++)
		peers[i] = add_peer(rib, 100 + i);
	assert_int_equal(tell(rib, peers[0], "175.45.176.0/24", PATH(100, UNICOM, KP)), 1);
	expect(rib, "175.45.176.0/24", TW_VERDICT_UPSTREAM, UNICOM, 1, 1);
	tell(rib, peers[1], "175.45.176.0/24", PATH(101, TTK, KP));
	expect(rib, "175.45.176.0/24", TW_VERDICT_AMBIGUOUS, 0, 1, 2);
	tell(rib, peers[2], "175.45.176.0/24", PATH(102, TTK, KP));
	expect(rib, "175.45.176.0/24", TW_VERDICT_UPSTREAM, TTK, 2, 3);
	/* Exactly half, and nobody else has as many. */
	tell(rib, peers[3], "175.45.176.0/24", PATH(103, 7018, KP));
	expect(rib, "175.45.176.0/24", TW_VERDICT_UPSTREAM, TTK, 2, 4);
	/* Most, but less than half. */
	tell(rib, peers[4], "175.45.176.0/24", PATH(KP));
	expect(rib, "175.45.176.0/24", TW_VERDICT_AMBIGUOUS, 0, 2, 5);
	tw_rib_free(rib);
}

static void the_majority_asked_for_is_met_exactly(void **state)
{
	struct tw_rib_spec spec = everybody;

	/* Two of three. */
	for (spec.majority = 1; spec.majority <= 100; spec.majority++) {
		struct tw_rib *rib = make(&spec);

		tell(rib, add_peer(rib, 1), "175.45.176.0/24", PATH(UNICOM, KP));
		tell(rib, add_peer(rib, 2), "175.45.176.0/24", PATH(UNICOM, KP));
		tell(rib, add_peer(rib, 3), "175.45.176.0/24", PATH(TTK, KP));
		expect(rib, "175.45.176.0/24",
			spec.majority <= 66 ? TW_VERDICT_UPSTREAM : TW_VERDICT_AMBIGUOUS,
			spec.majority <= 66 ? UNICOM : 0, 2, 3);
		tw_rib_free(rib);
	}
}

static void a_target_may_have_many_asns_in_any_order(void **state)
{
	enum {
		N = 40
	};
	uint32_t asns[N];
	struct tw_target target = {.name = "many", .asns = asns, .n_asns = N};
	struct tw_rib_spec spec = everybody;
	struct tw_rib *rib;

	for (uint32_t i = 0; i < N; i++)
		asns[i] = 70000 + i * 27 % N * 2;
	spec.targets = &target;
	spec.n_targets = 1;
	rib = make(&spec);
	for (uint32_t i = 0; i < N; i++) {
		tell(rib, add_peer(rib, 1), "175.45.176.0/24",
			PATH(UNICOM, 70000 + 2 * i, 70000 + 2 * (N - 1 - i)));
		expect(rib, "175.45.176.0/24", TW_VERDICT_UPSTREAM, UNICOM, 1, 1);
		tell(rib, add_peer(rib, 1), "175.45.176.0/24", PATH(UNICOM, 70001 + 2 * i));
		expect(rib, "175.45.176.0/24", TW_VERDICT_FOREIGN, 70001 + 2 * i, 1, 1);
	}
	tw_rib_free(rib);
}

static void foreign_origins_are_one_verdict(void **state)
{
	struct tw_rib *rib = make(&everybody);

	tell(rib, add_peer(rib, 1), "175.45.176.0/24", PATH(1, 64500));
	tell(rib, add_peer(rib, 2), "175.45.176.0/24", PATH(2, 64500));
	expect(rib, "175.45.176.0/24", TW_VERDICT_FOREIGN, 64500, 2, 2);
	tell(rib, add_peer(rib, 3), "175.45.176.0/24", PATH(3, 64501));
	expect(rib, "175.45.176.0/24", TW_VERDICT_FOREIGN, 0, 3, 3);
	tell(rib, add_peer(rib, 4), "175.45.176.0/24", PATH(UNICOM, KP));
	tell(rib, add_peer(rib, 5), "175.45.176.0/24", PATH(UNICOM, KP));
	expect(rib, "175.45.176.0/24", TW_VERDICT_FOREIGN, 0, 3, 5);
	tell(rib, add_peer(rib, 6), "175.45.176.0/24", PATH(UNICOM, KP));
	expect(rib, "175.45.176.0/24", TW_VERDICT_AMBIGUOUS, 0, 3, 6);
	tw_rib_free(rib);
}

static void several_paths_of_one_vantage_point_are_one_vote(void **state)
{
	struct tw_rib *rib = make(&everybody);
	uint32_t one = add_peer(rib, 1), two = add_peer(rib, 2);

	for (uint32_t id = 1; id <= 5; id++)
		tell_id(rib, one, "175.45.176.0/24", id, PATH(id, UNICOM, KP));
	expect(rib, "175.45.176.0/24", TW_VERDICT_UPSTREAM, UNICOM, 1, 1);
	tell(rib, two, "175.45.176.0/24", PATH(TTK, KP));
	expect(rib, "175.45.176.0/24", TW_VERDICT_AMBIGUOUS, 0, 1, 2);
	/* One that disagrees with itself is against both. */
	assert_int_equal(tell_id(rib, one, "175.45.176.0/24", 3, PATH(TTK, KP)), 1);
	assert_int_equal(withdraw(rib, two, "175.45.176.0/24"), 1);
	expect(rib, "175.45.176.0/24", TW_VERDICT_AMBIGUOUS, 0, 1, 1);
	assert_int_equal(withdraw_id(rib, one, "175.45.176.0/24", 3), 1);
	expect(rib, "175.45.176.0/24", TW_VERDICT_UPSTREAM, UNICOM, 1, 1);
	/* Two origins, and yet it agrees: another's. */
	tw_rib_peer_down(rib, one);
	tell_id(rib, one, "175.45.176.0/24", 1, PATH(64500));
	tell_id(rib, one, "175.45.176.0/24", 2, PATH(64501));
	expect(rib, "175.45.176.0/24", TW_VERDICT_FOREIGN, 0, 1, 1);
	tw_rib_free(rib);
}

static void stale_votes_count_only_where_there_are_no_others(void **state)
{
	struct tw_rib *rib = make(&everybody);
	uint32_t one = add_peer(rib, 1), two = add_peer(rib, 2), three = add_peer(rib, 3);
	const uint32_t *changed;

	tell(rib, one, "175.45.176.0/24", PATH(UNICOM, KP));
	tell(rib, two, "175.45.176.0/24", PATH(UNICOM, KP));
	tell(rib, three, "175.45.176.0/24", PATH(TTK, KP));
	tw_rib_clear_changed(rib);
	tw_rib_peer_stale(rib, one, true);
	assert_int_equal(tw_rib_changed(rib, &changed), 1);
	expect(rib, "175.45.176.0/24", TW_VERDICT_AMBIGUOUS, 0, 1, 2);
	tw_rib_peer_stale(rib, two, true);
	expect(rib, "175.45.176.0/24", TW_VERDICT_UPSTREAM, TTK, 1, 1);
	assert_false(tw_rib_decide(rib, 0, 0).stale);
	assert_int_equal(info_of(rib).n_stale, 2);
	tw_rib_peer_down(rib, three);
	expect(rib, "175.45.176.0/24", TW_VERDICT_UPSTREAM, UNICOM, 2, 2);
	assert_true(tw_rib_decide(rib, 0, 0).stale);
	tw_rib_peer_stale(rib, two, false);
	expect(rib, "175.45.176.0/24", TW_VERDICT_UPSTREAM, UNICOM, 1, 1);
	assert_false(tw_rib_decide(rib, 0, 0).stale);
	/* The mark goes with the routes. */
	tw_rib_peer_down(rib, one);
	tell(rib, one, "175.45.176.0/24", PATH(UNICOM, KP));
	expect(rib, "175.45.176.0/24", TW_VERDICT_UPSTREAM, UNICOM, 2, 2);
	tw_rib_free(rib);
}

static void a_configured_vantage_alone_votes(void **state)
{
	static const struct tw_rib_vantage vantage[] = {
		{.asn = 3},
		{.addr = {4, {192, 0, 2, 4}}},
		{.addr = {4, {192, 0, 2, 5}}, .asn = 5},
		{.addr = {4, {192, 0, 2, 6}}, .asn = 66},
		{.addr = {4, {10, 0, 0, 9}}},
	};
	struct tw_rib_spec spec = everybody;
	struct tw_bgp_peer loc_rib = {.router = {4, {10, 0, 0, 9}}, .asn = 77};
	struct tw_bgp_peer behind = peer_of(8, 9);
	struct tw_rib_vote votes[10];
	struct tw_rib *rib;

	spec.vantage = vantage;
	spec.n_vantage = 5;
	rib = make(&spec);
	tell(rib, add_peer(rib, 1), "175.45.176.0/24", PATH(TTK, KP));
	tell(rib, add_peer(rib, 6), "175.45.176.0/24", PATH(TTK, KP));
	tell(rib, tw_rib_peer(rib, &behind), "175.45.176.0/24", PATH(TTK, KP));
	expect(rib, "175.45.176.0/24", TW_VERDICT_NONE, 0, 0, 0);
	tell(rib, add_peer(rib, 3), "175.45.176.0/24", PATH(UNICOM, KP));
	tell(rib, add_peer(rib, 4), "175.45.176.0/24", PATH(UNICOM, KP));
	tell(rib, add_peer(rib, 5), "175.45.176.0/24", PATH(UNICOM, KP));
	expect(rib, "175.45.176.0/24", TW_VERDICT_UPSTREAM, UNICOM, 3, 3);
	/* A router's own table has no address: it is at the router's. */
	tell(rib, tw_rib_peer(rib, &loc_rib), "175.45.176.0/24", PATH(UNICOM, KP));
	expect(rib, "175.45.176.0/24", TW_VERDICT_UPSTREAM, UNICOM, 4, 4);
	assert_int_equal(tw_rib_votes(rib, 0, 0, votes, 10), 7);
	for (unsigned int i = 0; i < 7; i++)
		assert_int_equal(votes[i].counts, i >= 3);
	tw_rib_free(rib);
}

static void a_covering_prefix_speaks_for_one_without_votes(void **state)
{
	static const struct tw_rib_vantage vantage[] = {{.asn = 1}};
	struct tw_rib_spec spec = everybody;
	struct tw_route_verdict verdict;
	uint32_t one, two;
	struct tw_rib *rib;

	spec.vantage = vantage;
	spec.n_vantage = 1;
	rib = make(&spec);
	one = add_peer(rib, 1);
	two = add_peer(rib, 2);
	tell(rib, two, "175.45.176.0/24", PATH(TTK, KP));
	assert_int_equal(tw_rib_resolve(rib, 0, 0).kind, TW_VERDICT_NONE);
	assert_int_equal(tw_rib_resolve(rib, 0, 0).prefix, TW_RIB_NONE);
	tell(rib, one, "175.45.176.0/22", PATH(UNICOM, KP));
	tell(rib, two, "175.45.176.0/23", PATH(TTK, KP));
	verdict = tw_rib_resolve(rib, 0, 0);
	assert_int_equal(verdict.kind, TW_VERDICT_UPSTREAM);
	assert_int_equal(verdict.asn, UNICOM);
	assert_int_equal(verdict.prefix, number_of(rib, "175.45.176.0/22"));
	tell(rib, one, "175.45.176.0/24", PATH(7018, KP));
	assert_int_equal(tw_rib_resolve(rib, 0, 0).asn, 7018);
	withdraw(rib, one, "175.45.176.0/24");
	assert_int_equal(tw_rib_resolve(rib, 0, 0).asn, UNICOM);
	tw_rib_free(rib);
}

static void a_parent_is_right_in_whatever_order_prefixes_came(void **state)
{
	static const char *const chain[] = {"0.0.0.0/0", "175.0.0.0/8", "175.45.176.0/22",
		"175.45.176.0/23", "175.45.177.0/24", "175.45.177.255/32"};
	enum {
		N = 6
	};

	/* All 720 orders. */
	for (unsigned int order = 0; order < 720; order++) {
		struct tw_rib *rib = make(&everybody);
		unsigned int left = order, taken = 0;
		uint32_t peer = add_peer(rib, 1);

		tell(rib, peer, "175.45.176.0/24", PATH(KP));
		tell(rib, peer, "2001:db8::/32", PATH(KP));
		for (unsigned int n = N; n > 0; n--) {
			unsigned int nth = left % n, i = 0;

			left /= n;
			for (; (taken >> i & 1) != 0 || nth-- > 0; i++)
				;
			taken |= 1u << i;
			tell(rib, peer, chain[i], PATH(KP));
		}
		for (unsigned int i = 0; i < N; i++)
			assert_int_equal(tw_rib_parent(rib, number_of(rib, chain[i])),
				i == 0 ? TW_RIB_NONE : number_of(rib, chain[i - 1]));
		assert_int_equal(tw_rib_parent(rib, 0), number_of(rib, "175.45.176.0/23"));
		assert_int_equal(tw_rib_parent(rib, 1), TW_RIB_NONE);
		tw_rib_free(rib);
	}
}

static void votes_are_told_in_order_with_their_paths(void **state)
{
	struct tw_rib *rib = make(&everybody);
	uint32_t one = add_peer(rib, 1), two = add_peer(rib, 2);
	struct tw_rib_vote votes[4];

	tell_id(rib, two, "175.45.176.0/24", 9, PATH(2, UNICOM, KP));
	tell_id(rib, two, "175.45.176.0/24", 3, PATH(TTK, KP));
	tell_id(rib, one, "175.45.176.0/24", 4, EMPTY_PATH);
	tw_rib_peer_stale(rib, one, true);
	assert_int_equal(tw_rib_votes(rib, 0, 0, NULL, 0), 3);
	assert_int_equal(tw_rib_votes(rib, 0, 0, votes, 4), 3);
	assert_int_equal(votes[0].peer, one);
	assert_int_equal(votes[0].path_id, 4);
	assert_int_equal(votes[0].verdict.kind, TW_VERDICT_FOREIGN);
	assert_int_equal(votes[0].verdict.asn, 1);
	assert_true(votes[0].stale);
	assert_int_equal(votes[1].path_id, 3);
	assert_int_equal(votes[1].verdict.asn, TTK);
	assert_int_equal(votes[2].path_id, 9);
	assert_int_equal(votes[2].path.size, PATH(2, UNICOM, KP).size);
	assert_memory_equal(
		votes[2].path.segments, PATH(2, UNICOM, KP).segments, votes[2].path.size);
	assert_true(votes[2].counts);
	assert_false(votes[2].stale);
	/* The first of them where there is room for less. */
	memset(votes, 0xff, sizeof(votes));
	assert_int_equal(tw_rib_votes(rib, 0, 0, votes, 1), 3);
	assert_int_equal(votes[0].path_id, 4);
	assert_int_equal(votes[1].path_id, UINT32_MAX);
	tw_rib_free(rib);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_majority_of_vantage_points_decides),
		cmocka_unit_test(the_majority_asked_for_is_met_exactly),
		cmocka_unit_test(a_target_may_have_many_asns_in_any_order),
		cmocka_unit_test(foreign_origins_are_one_verdict),
		cmocka_unit_test(several_paths_of_one_vantage_point_are_one_vote),
		cmocka_unit_test(stale_votes_count_only_where_there_are_no_others),
		cmocka_unit_test(a_configured_vantage_alone_votes),
		cmocka_unit_test(a_covering_prefix_speaks_for_one_without_votes),
		cmocka_unit_test(a_parent_is_right_in_whatever_order_prefixes_came),
		cmocka_unit_test(votes_are_told_in_order_with_their_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
