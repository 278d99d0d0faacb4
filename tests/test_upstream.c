/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * lib/upstream, case by case: rules of links to vias, what is refused, vias and series. Random sets
 * of rules are test_upstream_random's part.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tw_test_upstream.h"

static struct tw_link_map *map_of(const struct tw_link_rule *rules, unsigned int n_rules,
	const enum tw_method *order, unsigned int n_order)
{
	struct tw_diag diag = {0};
	struct tw_link_map *map = tw_link_map_create(
		&(struct tw_link_spec){
			.rules = rules, .n_rules = n_rules, .order = order, .n_order = n_order},
		&diag);

	tw_diag_print(&diag, stderr, "");
	assert_non_null(map);
	assert_int_equal(diag.n_lines, 0);
	return map;
}

static void expect(const struct tw_link_map *map, struct tw_link link, enum tw_direction direction,
	unsigned int upstream, enum tw_method method)
{
	const struct tw_via *vias;
	unsigned int n = tw_link_map_vias(map, &vias);
	uint16_t via = tw_link_map_match(map, &link, direction);

	assert_true(via < n);
	assert_int_equal(vias[via].upstream, upstream);
	assert_int_equal(vias[via].method, method);
}

static void expect_unknown(const struct tw_link_map *map, struct tw_link link)
{
	assert_int_equal(tw_link_map_match(map, &link, TW_DIR_TO), 0);
	assert_int_equal(tw_link_map_match(map, &link, TW_DIR_FROM), 0);
}

static void the_configured_order_decides_between_methods(void **state)
{
	static const struct tw_link_rule rules[] = {
		{.fields = M, .mac = 0xa, .upstream = 0, .where = "a"},
		{.fields = V, .vlan = 100, .upstream = 1, .where = "b"},
		{.fields = P, .port = 3, .upstream = 2, .where = "c"},
	};
	static const enum tw_method orders[][3] = {
		{TW_METHOD_MAC, TW_METHOD_VLAN, TW_METHOD_PORT},
		{TW_METHOD_MAC, TW_METHOD_PORT, TW_METHOD_VLAN},
		{TW_METHOD_VLAN, TW_METHOD_MAC, TW_METHOD_PORT},
		{TW_METHOD_VLAN, TW_METHOD_PORT, TW_METHOD_MAC},
		{TW_METHOD_PORT, TW_METHOD_MAC, TW_METHOD_VLAN},
		{TW_METHOD_PORT, TW_METHOD_VLAN, TW_METHOD_MAC},
	};

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct tw_link_map *map = map_of(rules, 3, orders[i], 3);

		/*
		 * The link satisfies those of the methods whose bit is set; the first in order
		 * wins.
		 */
		for (unsigned int has = 0; has < 8; has++) {
			struct tw_link link = link_of(0xffff, has & 1 ? 0xa : 0xb, has & 4 ? 3 : 4);
			unsigned int first = 0;

			link.vlan[0] = has & 2 ? 100 : 101;
			while (first < 3 && (has >> orders[i][first] & 1) == 0)
				first++;
			if (first < 3)
				expect(map, link, TW_DIR_TO, orders[i][first], orders[i][first]);
			else
				expect_unknown(map, link);
		}
		tw_link_map_free(map);
	}
}

static void a_method_that_is_not_in_the_order_is_left_out(void **state)
{
	static const struct tw_link_rule rules[] = {
		{.fields = M, .mac = 0xa, .upstream = 0, .where = "a"},
		{.fields = V, .vlan = 100, .upstream = 1, .where = "b"},
		{.fields = P, .port = 0, .upstream = 2, .where = "c"},
	};
	struct tw_link link = link_of(0xa, 0xa, 0);
	const struct tw_via *vias;
	struct tw_link_map *map;

	link.vlan[0] = 100;
	for (unsigned int m = 0; m < 3; m++) {
		map = map_of(rules, 3, &all_methods[m], 1);
		assert_int_equal(tw_link_map_vias(map, &vias), 2);
		expect(map, link, TW_DIR_TO, m, all_methods[m]);
		tw_link_map_free(map);
	}
	map = map_of(rules, 3, all_methods, 0);
	assert_int_equal(tw_link_map_vias(map, &vias), 1);
	expect_unknown(map, link);
	tw_link_map_free(map);
}

static void no_rules_leave_all_unknown(void **state)
{
	struct tw_link_map *map = map_of(NULL, 0, all_methods, 3);
	const struct tw_via *vias;

	assert_int_equal(tw_link_map_vias(map, &vias), 1);
	assert_int_equal(vias[0].upstream, TW_UPSTREAM_UNKNOWN);
	assert_int_equal(vias[0].method, TW_METHOD_NONE);
	expect_unknown(map, link_of(1, 2, 3));
	tw_link_map_free(map);
	tw_link_map_free(NULL);
}

static void the_neighbour_is_the_far_end_of_the_direction(void **state)
{
	static const struct tw_link_rule rules[] = {
		{.fields = M, .mac = 0x020000002048, .upstream = 0, .where = "a"},
		{.fields = M, .mac = 0x020000004837, .upstream = 1, .where = "b"},
	};
	struct tw_link_map *map = map_of(rules, 2, all_methods, 3);
	struct tw_link link = link_of(0x020000004837, 0x020000002048, 0);

	expect(map, link, TW_DIR_TO, 0, TW_METHOD_MAC);
	expect(map, link, TW_DIR_FROM, 1, TW_METHOD_MAC);
	expect_unknown(map, link_of(TW_MAC_NONE, TW_MAC_NONE, 0));
	tw_link_map_free(map);
}

static void vlan_is_the_outermost_tag_alone(void **state)
{
	static const struct tw_link_rule rules[] = {
		{.fields = V, .vlan = 200, .upstream = 7, .where = "a"}};
	struct tw_link_map *map = map_of(rules, 1, all_methods, 3);

	expect(map, tagged(200, TW_VLAN_NONE, TW_VLAN_NONE, TW_VLAN_NONE), TW_DIR_TO, 7,
		TW_METHOD_VLAN);
	expect(map, tagged(200, 201, TW_VLAN_NONE, TW_VLAN_NONE), TW_DIR_FROM, 7, TW_METHOD_VLAN);
	expect_unknown(map, tagged(201, 200, 200, 200));
	tw_link_map_free(map);
}

static void inner_vlan_is_any_tag_behind_the_outermost(void **state)
{
	static const struct tw_link_rule rules[] = {
		{.fields = I, .inner_vlan = 30, .upstream = 0, .where = "a"},
		{.fields = V | I, .vlan = 100, .inner_vlan = 40, .upstream = 1, .where = "b"},
	};
	struct tw_link_map *map = map_of(rules, 2, all_methods, 3);

	expect(map, tagged(9, 30, TW_VLAN_NONE, TW_VLAN_NONE), TW_DIR_TO, 0, TW_METHOD_VLAN);
	expect(map, tagged(9, 9, 30, TW_VLAN_NONE), TW_DIR_TO, 0, TW_METHOD_VLAN);
	expect(map, tagged(9, 9, 9, 30), TW_DIR_FROM, 0, TW_METHOD_VLAN);
	expect(map, tagged(100, 9, 9, 40), TW_DIR_FROM, 1, TW_METHOD_VLAN);
	expect_unknown(map, tagged(30, TW_VLAN_NONE, TW_VLAN_NONE, TW_VLAN_NONE));
	expect_unknown(map, tagged(101, 40, TW_VLAN_NONE, TW_VLAN_NONE));
	tw_link_map_free(map);
}

/* One packet may carry both; then the tag further out decides, whatever the order of the rules. */
static void of_two_inner_vlans_the_outer_one_decides(void **state)
{
	struct tw_link_rule rules[] = {
		{.fields = I, .inner_vlan = 30, .upstream = 0, .where = "a"},
		{.fields = I, .inner_vlan = 40, .upstream = 1, .where = "b"},
	};

	for (unsigned int turn = 0; turn < 2; turn++) {
		struct tw_link_map *map = map_of(rules, 2, all_methods, 3);
		struct tw_link_rule first = rules[0];

		expect(map, tagged(9, 30, 40, TW_VLAN_NONE), TW_DIR_TO, 0, TW_METHOD_VLAN);
		expect(map, tagged(9, 40, 30, TW_VLAN_NONE), TW_DIR_TO, 1, TW_METHOD_VLAN);
		expect(map, tagged(30, 9, 9, 40), TW_DIR_TO, 1, TW_METHOD_VLAN);
		tw_link_map_free(map);
		rules[0] = rules[1];
		rules[1] = first;
	}
}

static void the_more_exact_rule_of_a_method_comes_first(void **state)
{
	static const struct tw_link_rule rules[] = {
		{.fields = V, .vlan = 300, .upstream = 0, .where = "a"},
		{.fields = V | P, .vlan = 300, .port = 0, .upstream = 1, .where = "b"},
		{.fields = V | I | P,
			.vlan = 300,
			.inner_vlan = 5,
			.port = 0,
			.upstream = 2,
			.where = "c"},
		{.fields = P, .port = 0, .upstream = 3, .where = "d"},
		{.fields = M | P, .mac = 0xa, .port = 0, .upstream = 4, .where = "e"},
	};
	struct tw_link_map *map = map_of(rules, 5, all_methods, 3);
	struct tw_link link = tagged(300, TW_VLAN_NONE, TW_VLAN_NONE, TW_VLAN_NONE);

	expect(map, link, TW_DIR_TO, 1, TW_METHOD_VLAN);
	link.port = 1;
	expect(map, link, TW_DIR_TO, 0, TW_METHOD_VLAN);
	link.vlan[2] = 5;
	expect(map, link, TW_DIR_TO, 0, TW_METHOD_VLAN);
	link.port = 0;
	expect(map, link, TW_DIR_TO, 2, TW_METHOD_VLAN);
	link.vlan[0] = 301;
	expect(map, link, TW_DIR_TO, 3, TW_METHOD_PORT);
	link.mac_dst = 0xa;
	expect(map, link, TW_DIR_TO, 4, TW_METHOD_MAC);
	expect(map, link, TW_DIR_FROM, 3, TW_METHOD_PORT);
	tw_link_map_free(map);
}

/* Two rules that are refused, and the one line that tells of both. */
static void expect_refused(struct tw_link_rule a, struct tw_link_rule b, const char *line)
{
	const struct tw_link_rule rules[] = {a, b};
	struct tw_diag diag = {0};

	assert_null(tw_link_map_create(
		&(struct tw_link_spec){
			.rules = rules, .n_rules = 2, .order = all_methods, .n_order = 3},
		&diag));
	assert_int_equal(diag.n_lines, 1);
	assert_string_equal(diag.lines[0], line);
	tw_diag_free(&diag);
}

static void a_link_given_twice_is_refused_and_both_places_named(void **state)
{
	struct tw_link_rule a = {
		.fields = V, .vlan = 200, .where = "c.yaml:9: upstreams[0].links[0]"};
	struct tw_link_rule b = {
		.fields = V, .vlan = 200, .where = "c.yaml:12: upstreams[1].links[3]"};

	expect_refused(a, b,
		"c.yaml:12: upstreams[1].links[3]: the same link as c.yaml:9: "
		"upstreams[0].links[0]: remove one");
	b.upstream = 1;
	expect_refused(a, b,
		"c.yaml:12: upstreams[1].links[3]: the same link as c.yaml:9: "
		"upstreams[0].links[0], of another "
		"upstream: a link leads to one upstream, remove one");
	/* Fields that a rule does not name do not make it another. */
	b.mac = 5, b.port = 6, b.inner_vlan = 7;
	expect_refused(a, b,
		"c.yaml:12: upstreams[1].links[3]: the same link as c.yaml:9: "
		"upstreams[0].links[0], of another "
		"upstream: a link leads to one upstream, remove one");
}

static void rules_that_could_both_match_are_refused_and_both_places_named(void **state)
{
	struct tw_link_rule a = {
		.fields = V | P, .vlan = 200, .port = 1, .upstream = 0, .where = "f:1: a"};
	struct tw_link_rule b = {
		.fields = I | P, .inner_vlan = 3, .port = 1, .upstream = 1, .where = "f:2: b"};
	static const char line[] =
		"f:2: b: a packet can match this link and f:1: a, which lead to different "
		"upstreams: add a field to one of them so that it is the more exact";

	expect_refused(a, b, line);
	b = (struct tw_link_rule){
		.fields = I | V, .inner_vlan = 3, .vlan = 200, .upstream = 1, .where = "f:2: b"};
	expect_refused(a, b, line);
	a = (struct tw_link_rule){.fields = M | V, .mac = 5, .vlan = 200, .where = "f:1: a"};
	b = (struct tw_link_rule){
		.fields = M | P, .mac = 5, .port = 1, .upstream = 1, .where = "f:2: b"};
	expect_refused(a, b, line);
}

/* A packet with both tags matches both, and rules that name different fields have no order. */
static void different_inner_vlans_do_not_keep_rules_apart(void **state)
{
	expect_refused((struct tw_link_rule){.fields = V | I,
			       .vlan = 200,
			       .inner_vlan = 3,
			       .upstream = 0,
			       .where = "f:1: a"},
		(struct tw_link_rule){.fields = I | P,
			.inner_vlan = 4,
			.port = 1,
			.upstream = 1,
			.where = "f:2: b"},
		"f:2: b: a packet can match this link and f:1: a, which lead to different "
		"upstreams: add a field to "
		"one of them so that it is the more exact");
}

static void every_refused_pair_has_its_line(void **state)
{
	static const struct tw_link_rule rules[] = {
		{.fields = V, .vlan = 1, .upstream = 0, .where = "f:1"},
		{.fields = V, .vlan = 1, .upstream = 0, .where = "f:2"},
		{.fields = P, .port = 1, .upstream = 0, .where = "f:3"},
		{.fields = P, .port = 1, .upstream = 1, .where = "f:4"},
		{.fields = M, .mac = 1, .upstream = 0, .where = "f:5"},
	};
	struct tw_diag diag = {0};

	assert_null(tw_link_map_create(
		&(struct tw_link_spec){
			.rules = rules, .n_rules = 5, .order = all_methods, .n_order = 3},
		&diag));
	assert_int_equal(diag.n_lines, 2);
	assert_ptr_equal(strstr(diag.lines[0], "f:2: the same link as f:1"), diag.lines[0]);
	assert_ptr_equal(strstr(diag.lines[1], "f:4: the same link as f:3"), diag.lines[1]);
	tw_diag_free(&diag);
}

static void rules_of_one_upstream_may_overlap(void **state)
{
	static const struct tw_link_rule rules[] = {
		{.fields = V | P, .vlan = 200, .port = 1, .upstream = 0, .where = "a"},
		{.fields = V | I, .vlan = 200, .inner_vlan = 3, .upstream = 0, .where = "b"},
		{.fields = V, .vlan = 200, .upstream = 1, .where = "c"},
	};
	struct tw_link_map *map = map_of(rules, 3, all_methods, 3);
	struct tw_link link = tagged(200, 3, TW_VLAN_NONE, TW_VLAN_NONE);

	link.port = 1;
	expect(map, link, TW_DIR_TO, 0, TW_METHOD_VLAN);
	link.vlan[1] = 4;
	expect(map, link, TW_DIR_TO, 0, TW_METHOD_VLAN);
	link.port = 2;
	expect(map, link, TW_DIR_TO, 1, TW_METHOD_VLAN);
	tw_link_map_free(map);
}

static void vias_are_those_that_can_occur_by_upstream_then_method(void **state)
{
	static const struct tw_link_rule rules[] = {
		{.fields = P, .port = 9, .upstream = 254, .where = "a"},
		{.fields = P, .port = 1, .upstream = 1, .where = "b"},
		{.fields = V, .vlan = 1, .upstream = 1, .where = "c"},
		{.fields = V, .vlan = 2, .upstream = 1, .where = "d"},
		{.fields = M, .mac = 2, .upstream = 1, .where = "e"},
		{.fields = V, .vlan = 3, .upstream = 0, .where = "f"},
		{.fields = V | P, .vlan = 3, .port = 4, .upstream = 0, .where = "g"},
	};
	static const struct tw_via expected[] = {{TW_UPSTREAM_UNKNOWN, TW_METHOD_NONE},
		{0, TW_METHOD_VLAN}, {1, TW_METHOD_MAC}, {1, TW_METHOD_VLAN}, {1, TW_METHOD_PORT},
		{254, TW_METHOD_PORT}};
	static const enum tw_method reversed[] = {TW_METHOD_PORT, TW_METHOD_VLAN, TW_METHOD_MAC};
	const struct tw_via *vias;

	for (unsigned int turn = 0; turn < 2; turn++) {
		struct tw_link_map *map = map_of(rules, 7, turn == 0 ? all_methods : reversed, 3);

		assert_int_equal(tw_link_map_vias(map, &vias), 6);
		assert_memory_equal(vias, expected, sizeof(expected));
		tw_link_map_free(map);
	}
}

static void as_many_upstreams_as_there_can_be(void **state)
{
	static struct tw_link_rule rules[TW_UPSTREAM_MAX * 3];
	const struct tw_via *vias;
	struct tw_link_map *map;

	for (unsigned int u = 0; u < TW_UPSTREAM_MAX; u++) {
		rules[3 * u] = (struct tw_link_rule){
			.fields = M, .mac = u, .upstream = (uint8_t)u, .where = "m"};
		rules[3 * u + 1] = (struct tw_link_rule){
			.fields = V, .vlan = (uint16_t)u, .upstream = (uint8_t)u, .where = "v"};
		rules[3 * u + 2] = (struct tw_link_rule){
			.fields = P, .port = (uint16_t)u, .upstream = (uint8_t)u, .where = "p"};
	}
	map = map_of(rules, TW_UPSTREAM_MAX * 3, all_methods, 3);
	assert_int_equal(tw_link_map_vias(map, &vias), 1 + TW_UPSTREAM_MAX * 3);
	for (unsigned int u = 0; u < TW_UPSTREAM_MAX; u++) {
		struct tw_link link = link_of(u, TW_MAC_NONE, 0xffff);

		expect(map, link, TW_DIR_FROM, u, TW_METHOD_MAC);
		link.vlan[0] = (uint16_t)u;
		expect(map, link, TW_DIR_TO, u, TW_METHOD_VLAN);
		expect(map, link_of(TW_MAC_NONE, TW_MAC_NONE, (uint16_t)u), TW_DIR_TO, u,
			TW_METHOD_PORT);
	}
	tw_link_map_free(map);
}

static void methods_have_the_names_of_the_design(void **state)
{
	assert_string_equal(tw_method_name(TW_METHOD_MAC), "mac");
	assert_string_equal(tw_method_name(TW_METHOD_VLAN), "vlan");
	assert_string_equal(tw_method_name(TW_METHOD_PORT), "port");
	assert_string_equal(tw_method_name(TW_METHOD_RIB), "rib");
	assert_string_equal(tw_method_name(TW_METHOD_NONE), "none");
}

static void a_series_is_an_index_and_back_in_output_order(void **state)
{
	static const unsigned int via_counts[] = {1, 2, 3, 766};

	for (unsigned int i = 0; i < 4; i++) {
		unsigned int n_vias = via_counts[i];
		uint32_t next = 0;

		for (unsigned int target = 0; target < 16; target++)
			for (unsigned int via = 0; via < n_vias; via++)
				for (unsigned int k = 0; k < 4; k++, next++) {
					unsigned int version = k % 2 == 0 ? 4 : 6;
					struct tw_series_key key = tw_series_key(n_vias, next);

					assert_int_equal(tw_series_index(n_vias, target, via, k / 2,
								 version),
						next);
					assert_int_equal(key.target, target);
					assert_int_equal(key.via, via);
					assert_int_equal(key.direction, k / 2);
					assert_int_equal(key.version, version);
				}
		assert_int_equal(tw_series_count(16, n_vias), next);
	}
}

static void the_stage_sets_via_and_series_of_every_hit(void **state)
{
	static const struct tw_link_rule rules[] = {
		{.fields = V, .vlan = 100, .upstream = 0, .where = "a"},
		{.fields = M, .mac = 0xa, .upstream = 1, .where = "b"},
	};
	struct tw_link_map *map = map_of(rules, 2, all_methods, 3);
	static struct tw_burst burst;

	burst.n = 64;
	burst.link[5] = tagged(100, TW_VLAN_NONE, TW_VLAN_NONE, TW_VLAN_NONE);
	burst.link[63] = link_of(0xa, 0xb, 0);
	burst.hits[0] =
		(struct tw_hit){.slot = 5, .target = 1, .direction = TW_DIR_FROM, .version = 6};
	burst.hits[1] =
		(struct tw_hit){.slot = 63, .target = 0, .direction = TW_DIR_TO, .version = 4};
	burst.hits[2] =
		(struct tw_hit){.slot = 63, .target = 2, .direction = TW_DIR_FROM, .version = 4};
	burst.hits[3].series = 77;
	burst.n_hits = 3;
	tw_attribute(map, NULL, &burst);
	/* vias: 0 unknown, 1 (0, vlan), 2 (1, mac) */
	assert_int_equal(burst.hits[0].via, 1);
	assert_int_equal(burst.hits[0].series, ((1 * 3 + 1) * 2 + 1) * 2 + 1);
	assert_int_equal(burst.hits[1].via, 0);
	assert_int_equal(burst.hits[1].series, 0);
	assert_int_equal(burst.hits[2].via, 2);
	assert_int_equal(burst.hits[2].series, ((2 * 3 + 2) * 2 + 1) * 2);
	assert_int_equal(burst.hits[3].series, 77);
	tw_link_map_free(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_configured_order_decides_between_methods),
		cmocka_unit_test(a_method_that_is_not_in_the_order_is_left_out),
		cmocka_unit_test(no_rules_leave_all_unknown),
		cmocka_unit_test(the_neighbour_is_the_far_end_of_the_direction),
		cmocka_unit_test(vlan_is_the_outermost_tag_alone),
		cmocka_unit_test(inner_vlan_is_any_tag_behind_the_outermost),
		cmocka_unit_test(of_two_inner_vlans_the_outer_one_decides),
		cmocka_unit_test(the_more_exact_rule_of_a_method_comes_first),
		cmocka_unit_test(a_link_given_twice_is_refused_and_both_places_named),
		cmocka_unit_test(rules_that_could_both_match_are_refused_and_both_places_named),
		cmocka_unit_test(different_inner_vlans_do_not_keep_rules_apart),
		cmocka_unit_test(every_refused_pair_has_its_line),
		cmocka_unit_test(rules_of_one_upstream_may_overlap),
		cmocka_unit_test(vias_are_those_that_can_occur_by_upstream_then_method),
		cmocka_unit_test(as_many_upstreams_as_there_can_be),
		cmocka_unit_test(methods_have_the_names_of_the_design),
		cmocka_unit_test(a_series_is_an_index_and_back_in_output_order),
		cmocka_unit_test(the_stage_sets_via_and_series_of_every_hit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
