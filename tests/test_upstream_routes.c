/* SPDX-License-Identifier: BSD-3-Clause */

/* Attribution with routes: where they stand among links, and what is compared. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tw_test_upstream.h"

/* Two configured, one place, and what stands for the rest. */
static const struct tw_upstream routed[] = {
	{4837, "China Unicom", TW_UPSTREAM_CONFIGURED},
	{20485, "TransTeleCom", TW_UPSTREAM_CONFIGURED},
	{0, "", TW_UPSTREAM_FOUND},
	{0, "other", TW_UPSTREAM_OTHER},
	{0, "direct", TW_UPSTREAM_DIRECT},
	{0, "foreign", TW_UPSTREAM_FOREIGN},
	{0, "ambiguous", TW_UPSTREAM_AMBIGUOUS},
};
enum {
	N_ROUTED = 7,
	AMBIGUOUS = N_ROUTED - 1,
};

static const struct tw_link_rule mixed[] = {
	{.fields = M, .mac = 0xa, .upstream = 0, .where = "a"},
	{.fields = V, .vlan = 100, .upstream = 1, .where = "b"},
};

static struct tw_link_map *routed_map(const enum tw_method *order, unsigned int n_order)
{
	const struct tw_link_spec spec = {.rules = mixed,
		.n_rules = 2,
		.order = order,
		.n_order = n_order,
		.upstreams = routed,
		.n_upstreams = N_ROUTED};
	struct tw_link_map *map = tw_link_map_create(&spec, NULL);

	assert_non_null(map);
	return map;
}

/* What becomes of a packet `to` the target with this link, whose route says `upstream` (none: UNKNOWN). */
static struct tw_hit attributed(
	const struct tw_link_map *map, struct tw_link link, unsigned int upstream)
{
	static struct tw_burst burst;
	uint16_t routes[3] = {0, 0, tw_link_map_route_via(map, upstream)};

	burst.n_hits = 1;
	burst.link[4] = link;
	burst.hits[0] = (struct tw_hit){
		.slot = 4, .target = 1, .direction = TW_DIR_TO, .version = 4, .own = 2};
	tw_attribute(map, routes, &burst);
	return burst.hits[0];
}

static void expect_via(const struct tw_link_map *map, struct tw_hit hit, unsigned int upstream,
	enum tw_method method)
{
	const struct tw_via *vias;

	tw_link_map_vias(map, &vias);
	assert_int_equal(vias[hit.via].upstream, upstream);
	assert_int_equal(vias[hit.via].method, method);
}

static void every_upstream_has_a_via_by_route_in_the_order_of_output(void **state)
{
	static const enum tw_method order[] = {
		TW_METHOD_MAC, TW_METHOD_VLAN, TW_METHOD_PORT, TW_METHOD_RIB};
	struct tw_link_map *map = routed_map(order, 4);
	const struct tw_via *vias;

	assert_true(tw_link_map_routed(map));
	assert_int_equal(tw_link_map_vias(map, &vias), 1 + 2 + N_ROUTED);
	assert_int_equal(vias[0].method, TW_METHOD_NONE);
	assert_int_equal(vias[1].method, TW_METHOD_MAC);
	assert_int_equal(vias[2].method, TW_METHOD_RIB);
	assert_int_equal(vias[3].method, TW_METHOD_VLAN);
	for (unsigned int i = 0; i < N_ROUTED; i++) {
		uint16_t via = tw_link_map_route_via(map, i);

		assert_int_equal(vias[via].upstream, i);
		assert_int_equal(vias[via].method, TW_METHOD_RIB);
	}
	assert_int_equal(tw_link_map_route_via(map, TW_UPSTREAM_UNKNOWN), 0);
	tw_link_map_free(map);
}

static void routes_decide_where_the_order_puts_them(void **state)
{
	static const enum tw_method last[] = {TW_METHOD_MAC, TW_METHOD_VLAN, TW_METHOD_RIB};
	static const enum tw_method middle[] = {TW_METHOD_MAC, TW_METHOD_RIB, TW_METHOD_VLAN};
	static const enum tw_method first[] = {TW_METHOD_RIB, TW_METHOD_VLAN, TW_METHOD_MAC};
	const struct tw_link vlan = tagged(100, TW_VLAN_NONE, TW_VLAN_NONE, TW_VLAN_NONE);
	struct tw_link mac = link_of(0xb, 0xa, 0), none = link_of(0xb, 0xc, 0);
	struct tw_link_map *map = routed_map(last, 3);

	expect_via(map, attributed(map, vlan, 2), 1, TW_METHOD_VLAN);
	expect_via(map, attributed(map, none, 2), 2, TW_METHOD_RIB);
	expect_via(map, attributed(map, none, AMBIGUOUS), AMBIGUOUS, TW_METHOD_RIB);
	expect_via(map, attributed(map, none, TW_UPSTREAM_UNKNOWN), TW_UPSTREAM_UNKNOWN,
		TW_METHOD_NONE);
	tw_link_map_free(map);

	map = routed_map(middle, 3);
	expect_via(map, attributed(map, vlan, 0), 0, TW_METHOD_RIB);
	expect_via(map, attributed(map, vlan, TW_UPSTREAM_UNKNOWN), 1, TW_METHOD_VLAN);
	expect_via(map, attributed(map, mac, 1), 0, TW_METHOD_MAC);
	/* What routes leave open a weaker link decides. */
	expect_via(map, attributed(map, vlan, AMBIGUOUS), 1, TW_METHOD_VLAN);
	expect_via(map, attributed(map, none, AMBIGUOUS), AMBIGUOUS, TW_METHOD_RIB);
	tw_link_map_free(map);

	map = routed_map(first, 3);
	expect_via(map, attributed(map, mac, 1), 1, TW_METHOD_RIB);
	tw_link_map_free(map);
}

static void a_pair_is_what_the_link_says_beside_the_route_whoever_decides(void **state)
{
	static const enum tw_method order[] = {TW_METHOD_RIB, TW_METHOD_VLAN, TW_METHOD_MAC};
	static const enum tw_method rib[] = {TW_METHOD_RIB};
	const struct tw_link vlan = tagged(100, TW_VLAN_NONE, TW_VLAN_NONE, TW_VLAN_NONE);
	const struct tw_link none = link_of(0xb, 0xc, 0);
	struct tw_link_map *map = routed_map(order, 3);
	struct tw_pair_shape shape;

	tw_link_map_pairs(map, &shape);
	assert_int_equal(shape.n_observed, 2);
	assert_int_equal(shape.n_expected, 1 + N_ROUTED);
	assert_int_equal(tw_pair_count(&shape, 3), 3 * 2 * (1 + N_ROUTED));
	assert_int_equal(attributed(map, vlan, 0).pair, (1 * 2 + 1) * (1 + N_ROUTED) + 1);
	assert_int_equal(attributed(map, vlan, 1).pair, (1 * 2 + 1) * (1 + N_ROUTED) + 2);
	assert_int_equal(
		attributed(map, vlan, TW_UPSTREAM_UNKNOWN).pair, (1 * 2 + 1) * (1 + N_ROUTED));
	assert_int_equal(attributed(map, none, 1).pair, TW_PAIR_NONE);
	tw_link_map_free(map);

	/* Links that nobody asks are not compared. */
	map = routed_map(rib, 1);
	tw_link_map_pairs(map, &shape);
	assert_int_equal(tw_pair_count(&shape, 3), 0);
	assert_int_equal(attributed(map, vlan, 1).pair, TW_PAIR_NONE);
	tw_link_map_free(map);
}

static void without_rib_in_the_order_routes_are_left_out(void **state)
{
	struct tw_link_map *map = routed_map(all_methods, 3);
	struct tw_pair_shape shape;

	assert_false(tw_link_map_routed(map));
	tw_link_map_pairs(map, &shape);
	assert_int_equal(tw_pair_count(&shape, 3), 0);
	assert_int_equal(tw_link_map_route_via(map, 0), 0);
	tw_link_map_free(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_upstream_has_a_via_by_route_in_the_order_of_output),
		cmocka_unit_test(routes_decide_where_the_order_puts_them),
		cmocka_unit_test(a_pair_is_what_the_link_says_beside_the_route_whoever_decides),
		cmocka_unit_test(without_rib_in_the_order_routes_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
