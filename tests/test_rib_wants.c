/* SPDX-License-Identifier: BSD-3-Clause */

/* Which prefixes a RIB wants: those that meet the targets' addresses. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tw_test_rib.h"

static uint64_t seed = 20171001;
/* splitmix64 */
static unsigned int below(unsigned int n)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (unsigned int)((z ^ z >> 31) % n);
}

static void only_prefixes_that_meet_the_targets_are_wanted(void **state)
{
	static const struct {
		const char *prefix;
		bool wanted;
	} cases[] = {
		{"175.45.176.0/22", true},
		{"175.45.176.0/32", true},
		{"175.45.179.255/32", true},
		{"175.45.175.255/32", false},
		{"175.45.180.0/32", false},
		{"175.45.128.0/18", true},
		{"0.0.0.0/0", true},
		{"10.0.0.0/8", false},
		{"255.255.255.255/32", false},
		{"2001:db8::/32", true},
		{"2001:db8:ffff::/48", true},
		{"2001:db7:ffff::/48", false},
		{"2001:db9::/48", false},
		{"::/0", true},
		{"ffff::/16", false},
	};
	struct tw_rib_spec nothing = everybody;
	struct tw_rib *rib = make(&everybody), *deaf;

	nothing.n_ranges[0] = nothing.n_ranges[1] = 0;
	nothing.ranges[0] = nothing.ranges[1] = NULL;
	deaf = make(&nothing);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tw_prefix prefix = pfx(cases[i].prefix);

		if (tw_rib_wants(rib, &prefix) != cases[i].wanted)
			fail_msg("%s", cases[i].prefix);
		assert_false(tw_rib_wants(deaf, &prefix));
	}
	tw_rib_free(rib);
	tw_rib_free(deaf);
}

static void ranges_may_overlap_and_come_in_any_order(void **state)
{
	static const struct tw_target_range ranges[] = {{300, 400, 0}, {0, 9, 1},
		{UINT32_MAX - 5, UINT32_MAX, 0}, {10, 19, 0}, {50, 90, 0}, {60, 70, 1},
		{UINT32_MAX - 2, UINT32_MAX, 1}};
	struct tw_rib_spec spec = everybody;
	struct tw_rib *rib;

	spec.ranges[0] = ranges;
	spec.n_ranges[0] = 7;
	rib = make(&spec);
	for (unsigned int i = 0; i < 1024; i++) {
		uint32_t number = i < 512 ? i : UINT32_MAX - (i - 512);
		struct tw_prefix host = {tw_addr_from_number(4, number), 32};
		bool in = false;

		for (unsigned int r = 0; r < 7; r++)
			in |= ranges[r].first <= number && number <= ranges[r].last;
		assert_int_equal(tw_rib_wants(rib, &host), in);
	}
	tw_rib_free(rib);
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
		cmocka_unit_test(only_prefixes_that_meet_the_targets_are_wanted),
		cmocka_unit_test(ranges_may_overlap_and_come_in_any_order),
		cmocka_unit_test(random_prefixes_are_wanted_as_if_every_range_were_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
