/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * lib/upstream against a matcher that tries every rule on every packet, on random sets of rules
 * from few values, so that rules meet, contradict and repeat each other.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "tw_upstream.h"

#define M TW_MATCH_MAC
#define V TW_MATCH_VLAN
#define I TW_MATCH_INNER_VLAN
#define P TW_MATCH_PORT

static const enum tw_method all_methods[] = {TW_METHOD_MAC, TW_METHOD_VLAN, TW_METHOD_PORT};

static uint64_t seed = 20171001;

/* splitmix64 */
static unsigned int below(unsigned int n)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (unsigned int)((z ^ z >> 31) % n);
}

static enum tw_method slow_method(const struct tw_link_rule *rule)
{
	if (rule->fields & M)
		return TW_METHOD_MAC;
	return rule->fields & (V | I) ? TW_METHOD_VLAN : TW_METHOD_PORT;
}

static int n_fields(const struct tw_link_rule *rule)
{
	return !!(rule->fields & M) + !!(rule->fields & V) + !!(rule->fields & I) +
	       !!(rule->fields & P);
}

/* Where the tag is that satisfies an inner_vlan rule: 1 to 3, 0 where the rule does not match. */
static unsigned int slow_match(
	const struct tw_link_rule *rule, const struct tw_link *link, enum tw_direction direction)
{
	if ((rule->fields & M) &&
		rule->mac != (direction == TW_DIR_TO ? link->mac_dst : link->mac_src))
		return 0;
	if ((rule->fields & V) && rule->vlan != link->vlan[0])
		return 0;
	if ((rule->fields & P) && rule->port != link->port)
		return 0;
	if (!(rule->fields & I))
		return 1;
	for (unsigned int tag = 1; tag < TW_VLAN_MAX; tag++)
		if (link->vlan[tag] == rule->inner_vlan)
			return tag;
	return 0;
}

/* The rule that decides, or NULL. */
static const struct tw_link_rule *slow_find(const struct tw_link_rule *rules, unsigned int n_rules,
	const enum tw_method *order, unsigned int n_order, const struct tw_link *link,
	enum tw_direction direction)
{
	const struct tw_link_rule *best = NULL;
	unsigned int best_tag = 0;

	for (unsigned int m = 0; m < n_order && best == NULL; m++)
		for (unsigned int i = 0; i < n_rules; i++) {
			unsigned int tag = slow_match(&rules[i], link, direction);

			if (tag == 0 || slow_method(&rules[i]) != order[m])
				continue;
			if (best == NULL || n_fields(&rules[i]) > n_fields(best) ||
				(n_fields(&rules[i]) == n_fields(best) &&
					rules[i].fields == best->fields && tag < best_tag)) {
				best = &rules[i];
				best_tag = tag;
			}
		}
	return best;
}

/*
 * Whether two rules must be refused. Different inner_vlans keep apart two rules of one shape alone:
 * there the outer tag decides. Of two shapes, a packet that has both tags would match both.
 */
static bool slow_clash(const struct tw_link_rule *a, const struct tw_link_rule *b)
{
	uint8_t both = a->fields & b->fields;
	bool meet = (!(both & M) || a->mac == b->mac) && (!(both & V) || a->vlan == b->vlan) &&
		    (!(both & P) || a->port == b->port);

	if (a->fields == b->fields)
		return meet && (!(both & I) || a->inner_vlan == b->inner_vlan);
	return meet && a->upstream != b->upstream && slow_method(a) == slow_method(b) &&
	       n_fields(a) == n_fields(b);
}

static void random_rule(struct tw_link_rule *rule, unsigned int values)
{
	*rule = (struct tw_link_rule){
		.mac = below(values),
		.vlan = (uint16_t)below(values),
		.inner_vlan = (uint16_t)below(values),
		.port = (uint16_t)below(values),
		.fields = (uint8_t)(1 + below(TW_MATCH_MAX - 1)),
		.upstream = (uint8_t)below(4),
		.where = "somewhere",
	};
}

static struct tw_link random_link(unsigned int values)
{
	unsigned int tags = below(TW_VLAN_MAX + 1);
	struct tw_link link = {.mac_src = below(values),
		.mac_dst = below(values),
		.port = (uint16_t)below(values),
		.vlan = {TW_VLAN_NONE, TW_VLAN_NONE, TW_VLAN_NONE, TW_VLAN_NONE}};

	for (unsigned int i = 0; i < tags; i++)
		link.vlan[i] = (uint16_t)below(values);
	if (below(16) == 0)
		link.mac_src = link.mac_dst = TW_MAC_NONE;
	return link;
}

static void compare_map(const struct tw_link_rule *rules, unsigned int n_rules, unsigned int values)
{
	enum tw_method order[3] = {TW_METHOD_MAC, TW_METHOD_VLAN, TW_METHOD_PORT};
	unsigned int n_order = 1 + below(3), swap = below(3);
	const struct tw_via *vias;
	struct tw_link_map *map;

	order[0] = order[swap], order[swap] = TW_METHOD_MAC;
	map = tw_link_map_create(
		&(struct tw_link_spec){
			.rules = rules, .n_rules = n_rules, .order = order, .n_order = n_order},
		NULL);
	assert_non_null(map);
	tw_link_map_vias(map, &vias);
	for (unsigned int i = 0; i < 100; i++) {
		struct tw_link link = random_link(values);
		enum tw_direction direction = below(2) == 0 ? TW_DIR_TO : TW_DIR_FROM;
		const struct tw_link_rule *rule =
			slow_find(rules, n_rules, order, n_order, &link, direction);
		uint16_t via = tw_link_map_match(map, &link, direction);

		assert_int_equal(
			vias[via].upstream, rule != NULL ? rule->upstream : TW_UPSTREAM_UNKNOWN);
		assert_int_equal(
			vias[via].method, rule != NULL ? slow_method(rule) : TW_METHOD_NONE);
	}
	tw_link_map_free(map);
}

/* Rules are drawn one after another; each that clashes must be refused, and is then left out. */
static void random_rules_match_as_if_every_rule_were_tried(void **state)
{
	enum {
		MAPS = 1000,
		RULES = 40
	};
	struct tw_link_rule rules[RULES];
	unsigned int refused = 0, kept = 0;

	for (unsigned int i = 0; i < MAPS; i++) {
		unsigned int values = 2 + below(9), want = below(RULES), n = 0;

		for (unsigned int drawn = 0; drawn < want; drawn++) {
			struct tw_link_map *map;
			bool clash = false;

			random_rule(&rules[n], values);
			for (unsigned int k = 0; k < n; k++)
				clash |= slow_clash(&rules[k], &rules[n]);
			map = tw_link_map_create(&(struct tw_link_spec){.rules = rules,
							 .n_rules = n + 1,
							 .order = all_methods,
							 .n_order = 3},
				NULL);
			if (clash != (map == NULL))
				fail_msg("map %u, rule %u: %s", i, drawn,
					clash ? "a clash is accepted" : "refused without a clash");
			tw_link_map_free(map);
			n += !clash;
			refused += clash;
		}
		compare_map(rules, n, values);
		kept += n;
	}
	/* Neither side of the comparison may run dry. */
	assert_in_range(refused, 1000, UINT32_MAX);
	assert_in_range(kept, 1000, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_rules_match_as_if_every_rule_were_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
