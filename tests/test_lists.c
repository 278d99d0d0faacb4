/* SPDX-License-Identifier: BSD-3-Clause */

/* The lists whose indices outlive a reload: targets, upstreams, vias. What is found, what is appended, what is refused. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tw_target_list.h"
#include "tw_upstream_list.h"
#include "tw_via_list.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- targets ---- */

static const struct tw_prefix prefix = {.addr = {.family = 4, .bytes = {10}}, .length = 8};

static struct tw_target target(const char *name)
{
	return (struct tw_target){.name = name, .prefixes = &prefix, .n_prefixes = 1};
}

static void expect_placed(const struct tw_target *placed, unsigned int n, const char *const *names)
{
	for (unsigned int i = 0; i < n; i++) {
		assert_string_equal(placed[i].name, names[i]);
		assert_int_equal(placed[i].n_prefixes, names[i][0] != '\0');
	}
}

static void targets_keep_their_places_and_new_ones_go_behind(void **state)
{
	const struct tw_target first[] = {target("a"), target("b")};
	const struct tw_target second[] = {target("c"), target("b")};
	const struct tw_target third[] = {target("d"), target("a")};
	const struct tw_target full[] = {target("d"), target("e")};
	struct tw_target placed[TW_TARGET_MAX];
	struct tw_target_list list;
	const char *name;

	assert_int_equal(tw_target_list_make(&list, first, 2, 2), 0);
	assert_int_equal(list.n, 4);
	assert_int_equal(tw_target_list_plan(&list, second, 2, placed), 0);
	expect_placed(placed, 4, (const char *const[]){"", "b", "c", ""});
	assert_string_equal(list.targets[2].name, ""); /* a plan changes nothing */
	assert_int_equal(tw_target_list_take(&list, placed), 0);
	assert_int_equal(list.n_taken, 3);
	assert_int_equal(list.gone, 1);
	assert_string_equal(list.targets[0].name, "a");
	name = list.targets[2].name;
	assert_string_equal(name, "c");

	/* One that comes back finds its place. */
	assert_int_equal(tw_target_list_plan(&list, third, 2, placed), 0);
	expect_placed(placed, 4, (const char *const[]){"a", "", "", "d"});
	assert_int_equal(tw_target_list_take(&list, placed), 0);
	assert_int_equal(list.gone, 1 << 1 | 1 << 2);
	assert_ptr_equal(list.targets[2].name, name);

	assert_int_equal(tw_target_list_plan(&list, full, 2, placed), -ENOSPC);
	assert_int_equal(list.n_taken, 4);
	tw_target_list_free(&list);
}

static void there_are_never_more_places_than_targets_can_be(void **state)
{
	static const char *const names[] = {
		"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o"};
	struct tw_target targets[COUNT(names)], placed[TW_TARGET_MAX];
	struct tw_target_list list;

	for (unsigned int i = 0; i < COUNT(names); i++)
		targets[i] = target(names[i]);
	assert_int_equal(tw_target_list_make(&list, targets, COUNT(names), 4), 0);
	assert_int_equal(list.n, TW_TARGET_MAX);
	targets[0] = target("x");
	assert_int_equal(tw_target_list_plan(&list, targets, COUNT(names), placed), 0);
	assert_string_equal(placed[TW_TARGET_MAX - 1].name, "x");
	targets[1] = target("y");
	assert_int_equal(tw_target_list_plan(&list, targets, COUNT(names), placed), -ENOSPC);
	tw_target_list_free(&list);
}

/* ---- upstreams ---- */

static const struct tw_upstream start[] = {
	{4837, "China", TW_UPSTREAM_CONFIGURED}, {20485, "TTK", TW_UPSTREAM_CONFIGURED}};

static void make_upstreams(struct tw_upstream_list *list, bool routed)
{
	const struct tw_upstream_list_spec spec = {.configured = start,
		.n_configured = 2,
		.n_spare = 2,
		.routed = routed,
		.n_places = 2};

	assert_int_equal(tw_upstream_list_make(list, &spec), 0);
}

static void expect_upstream(const struct tw_upstream_list *list, unsigned int at, uint32_t asn,
	const char *name, enum tw_upstream_kind kind)
{
	assert_int_equal(list->upstreams[at].asn, asn);
	assert_string_equal(list->upstreams[at].name, name);
	assert_int_equal(list->upstreams[at].kind, kind);
}

static void upstreams_are_known_by_their_asn_and_new_ones_take_spare_places(void **state)
{
	const struct tw_upstream second[] = {{1299, "Arelion", 0}, {4837, "China", 0}};
	const struct tw_upstream third[] = {{20485, "TransTeleCom", 0}, {174, "", 0}};
	const struct tw_upstream full[] = {{174, "", 0}, {3356, "", 0}};
	struct tw_upstream_list list;
	const char *china, *ttk;
	uint16_t at[2];

	make_upstreams(&list, false);
	assert_int_equal(list.n, 4);
	china = list.upstreams[0].name;
	ttk = list.upstreams[1].name;
	assert_int_equal(tw_upstream_list_plan(&list, second, 2, at), 0);
	assert_int_equal(at[0], 2);
	assert_int_equal(at[1], 0);
	expect_upstream(&list, 2, 0, "", TW_UPSTREAM_FOUND); /* a plan changes nothing */
	assert_int_equal(tw_upstream_list_take(&list, second, 2, at), 0);
	expect_upstream(&list, 1, 20485, "TTK", TW_UPSTREAM_FOUND); /* configured no more */
	expect_upstream(&list, 2, 1299, "Arelion", TW_UPSTREAM_CONFIGURED);
	assert_ptr_equal(list.upstreams[0].name, china);

	/* One that comes back finds its place, by another name; who holds the old one still can read it. */
	assert_int_equal(tw_upstream_list_plan(&list, third, 2, at), 0);
	assert_int_equal(at[0], 1);
	assert_int_equal(at[1], 3);
	assert_int_equal(tw_upstream_list_take(&list, third, 2, at), 0);
	expect_upstream(&list, 1, 20485, "TransTeleCom", TW_UPSTREAM_CONFIGURED);
	expect_upstream(&list, 3, 174, "", TW_UPSTREAM_CONFIGURED);
	assert_string_equal(ttk, "TTK");

	assert_int_equal(tw_upstream_list_plan(&list, full, 2, at), -ENOSPC);
	tw_upstream_list_free(&list);
}

static void a_name_that_comes_back_is_kept_once(void **state)
{
	struct tw_upstream one = {4837, "A", 0}, two = {4837, "B", 0};
	struct tw_upstream_list list;
	const char *a;
	uint16_t at[1];

	make_upstreams(&list, false);
	assert_int_equal(tw_upstream_list_plan(&list, &one, 1, at), 0);
	assert_int_equal(tw_upstream_list_take(&list, &one, 1, at), 0);
	a = list.upstreams[0].name;
	assert_int_equal(tw_upstream_list_take(&list, &two, 1, at), 0);
	assert_int_equal(tw_upstream_list_take(&list, &one, 1, at), 0);
	assert_ptr_equal(list.upstreams[0].name, a);
	tw_upstream_list_free(&list);
}

static void what_a_route_has_found_stays_where_it_is_when_it_is_configured(void **state)
{
	const struct tw_upstream second[] = {{4837, "China", 0}, {1299, "Arelion", 0}};
	struct tw_upstream_list list;
	unsigned int found;
	uint16_t at[2];

	make_upstreams(&list, true);
	found = tw_upstream_list_find(&list, 1299, "ARELION");
	assert_int_equal(found, 4); /* behind the spare ones */
	assert_int_equal(tw_upstream_list_plan(&list, second, 2, at), 0);
	assert_int_equal(at[1], found);
	assert_int_equal(tw_upstream_list_take(&list, second, 2, at), 0);
	expect_upstream(&list, found, 1299, "Arelion", TW_UPSTREAM_CONFIGURED);
	expect_upstream(&list, list.n - 1, 0, "ambiguous", TW_UPSTREAM_AMBIGUOUS);
	tw_upstream_list_free(&list);
}

static void a_plan_that_a_route_overtook_is_made_anew(void **state)
{
	const struct tw_upstream second[] = {{4837, "X", 0}, {1299, "Arelion", 0}};
	struct tw_upstream_list list;
	uint16_t at[2];

	make_upstreams(&list, true);
	assert_int_equal(tw_upstream_list_plan(&list, second, 2, at), 0);
	assert_int_equal(at[1], 2);
	assert_int_equal(tw_upstream_list_find(&list, 1299, "ARELION"), 4);
	assert_int_equal(tw_upstream_list_take(&list, second, 2, at), -EAGAIN);
	expect_upstream(&list, 0, 4837, "China", TW_UPSTREAM_CONFIGURED);
	expect_upstream(&list, 2, 0, "", TW_UPSTREAM_FOUND);
	assert_int_equal(tw_upstream_list_plan(&list, second, 2, at), 0);
	assert_int_equal(at[1], 4);
	assert_int_equal(tw_upstream_list_take(&list, second, 2, at), 0);
	tw_upstream_list_free(&list);
}

static void routes_find_spare_places_only_where_a_reload_has_put_somebody(void **state)
{
	const struct tw_upstream second[] = {{4837, "China", 0}, {1299, "Arelion", 0}};
	struct tw_upstream_list list;
	uint16_t at[2];

	make_upstreams(&list, true);
	assert_int_equal(tw_upstream_list_plan(&list, second, 2, at), 0);
	assert_int_equal(tw_upstream_list_take(&list, second, 2, at), 0);
	assert_int_equal(tw_upstream_list_find(&list, 1299, ""), 2);
	assert_int_equal(tw_upstream_list_find(&list, 20485, ""), 1); /* configured no more */
	assert_int_equal(tw_upstream_list_find(&list, 1, ""), 4);
	assert_int_equal(tw_upstream_list_find(&list, 2, ""), 5);
	assert_int_equal(tw_upstream_list_find(&list, 3, ""),
		tw_upstream_list_kind(&list, TW_UPSTREAM_OTHER));
	expect_upstream(&list, 3, 0, "", TW_UPSTREAM_FOUND);
	tw_upstream_list_free(&list);
}

/* ---- vias ---- */

static const enum tw_method order[] = {TW_METHOD_MAC, TW_METHOD_VLAN, TW_METHOD_PORT};

static const struct tw_link_rule by_vlan[] = {
	{.fields = TW_MATCH_VLAN, .vlan = 100, .upstream = 0, .where = "a"},
	{.fields = TW_MATCH_VLAN, .vlan = 200, .upstream = 1, .where = "b"}};
static const struct tw_link_rule by_mac[] = {
	{.fields = TW_MATCH_MAC, .mac = 0xa, .upstream = 0, .where = "a"},
	{.fields = TW_MATCH_VLAN, .vlan = 200, .upstream = 1, .where = "b"}};
static const struct tw_link_rule by_port[] = {
	{.fields = TW_MATCH_PORT, .port = 0, .upstream = 0, .where = "a"},
	{.fields = TW_MATCH_MAC, .mac = 0xa, .upstream = 1, .where = "b"}};

static struct tw_link_map *map_of(
	const struct tw_link_rule *rules, struct tw_via_list *vias, struct tw_diag *diag)
{
	return tw_link_map_create(
		&(struct tw_link_spec){
			.rules = rules, .n_rules = 2, .order = order, .n_order = 3, .vias = vias},
		diag);
}

static void expect_via(
	const struct tw_via *vias, unsigned int at, unsigned int upstream, enum tw_method method)
{
	assert_int_equal(vias[at].upstream, upstream);
	assert_int_equal(vias[at].method, method);
}

static uint16_t match(const struct tw_link_map *map, uint16_t vlan, uint64_t mac)
{
	const struct tw_link link = {.mac_src = mac,
		.mac_dst = mac,
		.vlan = {vlan, TW_VLAN_NONE, TW_VLAN_NONE, TW_VLAN_NONE}};

	return tw_link_map_match(map, &link, TW_DIR_TO);
}

static void maps_that_follow_each_other_find_their_vias_in_one_list(void **state)
{
	struct tw_via_list list = {.n_spare = 2};
	struct tw_link_map *first = map_of(by_vlan, &list, NULL), *second;
	const struct tw_via *vias;

	assert_non_null(first);
	assert_int_equal(tw_link_map_vias(first, &vias), 5);
	assert_int_equal(match(first, 200, 0xb), 2);
	second = map_of(by_mac, &list, NULL);
	assert_non_null(second);
	assert_int_equal(tw_link_map_vias(second, &vias), 5); /* the stride is the same */
	assert_int_equal(match(second, 200, 0xb), 2);
	assert_int_equal(match(second, 100, 0xa), 3);
	expect_via(list.vias, 3, 0, TW_METHOD_MAC);
	expect_via(list.shown, 3, TW_UPSTREAM_UNKNOWN, TW_METHOD_MAX);
	tw_via_list_show(&list);
	expect_via(list.shown, 3, 0, TW_METHOD_MAC);
	expect_via(list.shown, 4, TW_UPSTREAM_UNKNOWN, TW_METHOD_MAX);
	tw_link_map_free(first);
	first = map_of(by_vlan, &list, NULL); /* and back: nothing is taken for that */
	assert_non_null(first);
	assert_int_equal(list.n_taken, 4);
	tw_link_map_free(first);
	tw_link_map_free(second);
	tw_via_list_free(&list);
}

static void a_full_list_refuses_a_map_and_gives_its_places_back(void **state)
{
	struct tw_via_list list = {.n_spare = 1};
	struct tw_link_map *map = map_of(by_vlan, &list, NULL);
	struct tw_diag diag = {0};

	tw_link_map_free(map);
	assert_null(map_of(by_port, &list, &diag)); /* two that are new */
	assert_int_equal(diag.n_lines, 1);
	assert_non_null(strstr(diag.lines[0], "the 4 that"));
	tw_diag_free(&diag);
	tw_via_list_drop(&list);
	assert_int_equal(list.n_taken, 3);
	map = map_of(by_mac, &list, NULL); /* one that is new */
	assert_non_null(map);
	assert_int_equal(match(map, 100, 0xa), 3);
	tw_link_map_free(map);
	tw_via_list_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_keep_their_places_and_new_ones_go_behind),
		cmocka_unit_test(there_are_never_more_places_than_targets_can_be),
		cmocka_unit_test(upstreams_are_known_by_their_asn_and_new_ones_take_spare_places),
		cmocka_unit_test(a_name_that_comes_back_is_kept_once),
		cmocka_unit_test(what_a_route_has_found_stays_where_it_is_when_it_is_configured),
		cmocka_unit_test(a_plan_that_a_route_overtook_is_made_anew),
		cmocka_unit_test(routes_find_spare_places_only_where_a_reload_has_put_somebody),
		cmocka_unit_test(maps_that_follow_each_other_find_their_vias_in_one_list),
		cmocka_unit_test(a_full_list_refuses_a_map_and_gives_its_places_back),
	};

	return cmocka_run_group_tests_name("lists", tests, NULL, NULL);
}
