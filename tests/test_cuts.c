/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Cuts of the targets' origins, and the targets' addresses as ranges: against the table that is not cut, and
 * against prefixes compared one by one.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tw_test_table.h"

#define N_CUTS 400

static struct tw_prefix cuts[N_CUTS];

/* Most of them within the targets' addresses, nested and overlapping; some around them, some elsewhere. */
static void make_cuts(void)
{
	static const char *const around[] = {"175.45.176.0/22", "8.8.8.0/24", "1.0.0.0/24",
		"2001:4860:4860::/48", "2400:cb00::/32", "0.0.0.0/0", "::/0"};

	for (unsigned int i = 0; i < N_CUTS; i++) {
		struct tw_prefix base = prefix_of(around[i % RTE_DIM(around)]);
		unsigned int bits = tw_addr_bits(base.addr.family);
		tw_u128 number, last;

		tw_prefix_range(&base, &number, &last);
		base.length =
			(uint8_t)(base.length + (unsigned int)random() % (bits - base.length + 1));
		number |= random_number() & (last - number);
		if (base.length < bits)
			number &= ~(tw_u128)0 << (bits - base.length);
		base.addr = tw_addr_from_number(base.addr.family, number);
		cuts[i] = base;
	}
}

/* 1 + the number of a longest cut that holds the address. */
static const struct tw_prefix *longest(const struct tw_addr *addr)
{
	struct tw_prefix host = {.addr = *addr, .length = (uint8_t)tw_addr_bits(addr->family)};
	const struct tw_prefix *best = NULL;

	for (unsigned int i = 0; i < N_CUTS; i++)
		if (tw_prefix_contains(&cuts[i], &host) &&
			(best == NULL || cuts[i].length > best->length))
			best = &cuts[i];
	return best;
}

static void check_address(
	const struct tw_table *plain, const struct tw_table *cut, const struct tw_addr *addr)
{
	const struct tw_origin *a = tw_table_origin(plain, look_up(plain, addr));
	const struct tw_origin *b = tw_table_origin(cut, look_up(cut, addr));
	const struct tw_prefix *want = longest(addr);
	struct tw_explanation explanation;

	assert_int_equal(a->cut, 0);
	assert_int_equal(b->asn, a->asn);
	assert_int_equal(b->target, a->target);
	assert_string_equal(b->name, a->name);
	assert_string_equal(b->country, a->country);
	tw_table_explain(cut, addr, &explanation);
	assert_int_equal(explanation.origin.cut, b->cut);
	if (a->target == TW_TARGET_NONE || want == NULL) {
		assert_int_equal(b->cut, 0);
		return;
	}
	assert_in_range(b->cut, 1, N_CUTS);
	/* A prefix may be there twice: either number is right. */
	assert_memory_equal(&cuts[b->cut - 1], want, sizeof(*want));
}

static void test_each_address_of_a_target_has_its_longest_cut(void **state)
{
	struct tw_diag diag = {0};
	struct tw_sources *sources = tw_sources_load(&everything, &diag);
	struct tw_table *plain, *cut;
	unsigned int n_cut = 0;

	assert_non_null(sources);
	make_cuts();
	plain = tw_table_make(sources, NULL, 0, SOCKET_ID_ANY, &diag);
	cut = tw_table_make(sources, cuts, N_CUTS, SOCKET_ID_ANY, &diag);
	assert_non_null(plain);
	assert_non_null(cut);
	tw_sources_release(sources); /* the tables hold them */
	assert_int_equal(diag.n_lines, 0);

	for (unsigned int i = 0; i < N_CUTS; i++) {
		uint8_t family = cuts[i].addr.family;
		tw_u128 first, last;

		tw_prefix_range(&cuts[i], &first, &last);
		for (unsigned int k = 0; k < 50; k++) {
			tw_u128 number = k == 0   ? first
					 : k == 1 ? last
					 : k == 2 ? last + 1
					 : k == 3 ? first - 1
						  : first + (random_number() & (last - first));
			struct tw_addr addr = tw_addr_from_number(
				family, family == 4 ? (uint32_t)number : number);

			check_address(plain, cut, &addr);
			n_cut += tw_table_origin(cut, look_up(cut, &addr))->cut != 0;
		}
	}
	assert_true(n_cut > 1000);
	/* Targets' origins stay in front, and only they are more. */
	assert_int_equal(tw_table_n_origins(cut) - tw_table_n_target_origins(cut),
		tw_table_n_origins(plain) - tw_table_n_target_origins(plain));
	for (uint32_t i = 0; i < tw_table_n_origins(cut); i++)
		assert_int_equal(tw_table_origin(cut, i)->target != TW_TARGET_NONE,
			i >= 1 && i <= tw_table_n_target_origins(cut));
	tw_table_free(plain);
	tw_table_free(cut);
}

static uint8_t target_in(
	const struct tw_target_range *ranges, uint32_t n, const struct tw_addr *addr)
{
	tw_u128 number = tw_addr_number(addr);

	for (uint32_t i = 0; i < n; i++)
		if (number >= ranges[i].first && number <= ranges[i].last)
			return ranges[i].target;
	return TW_TARGET_NONE;
}

static void test_ranges_hold_the_targets_addresses_and_no_others(void **state)
{
	struct tw_table *table = must_load(&everything);
	struct tw_target_range *ranges;
	tw_u128 sum, sizes;
	uint32_t n;

	for (uint8_t family = 4; family <= 6; family += 2) {
		assert_int_equal(
			tw_sources_target_ranges(tw_table_sources(table), family, &ranges, &n), 0);
		assert_true(n > 0);
		sum = sizes = 0;
		for (uint32_t i = 0; i < n; i++)
			sum += ranges[i].last - ranges[i].first + 1;
		for (uint32_t i = 1; i <= tw_table_n_target_origins(table); i++)
			sizes += tw_table_origin_size(table, i, family);
		assert_true(sizes == sum >> (family == 6 ? 64 : 0));
		for (uint32_t i = 0; i < n; i++) {
			const tw_u128 edges[] = {ranges[i].first, ranges[i].last,
				ranges[i].first - 1, ranges[i].last + 1};

			assert_true(ranges[i].first <= ranges[i].last);
			assert_true(i == 0 || ranges[i].first > ranges[i - 1].last);
			for (unsigned int k = 0; k < RTE_DIM(edges); k++) {
				struct tw_addr addr = tw_addr_from_number(
					family, family == 4 ? (uint32_t)edges[k] : edges[k]);

				assert_int_equal(target_in(ranges, n, &addr),
					tw_table_origin(table, look_up(table, &addr))->target);
			}
		}
		for (unsigned int i = 0; i < 20000; i++) {
			struct tw_addr addr = tw_addr_from_number(family,
				family == 4 ? (uint32_t)random_number()
					    : (tw_u128)0x20014860 << 96 | random_number() >> 32);

			assert_int_equal(target_in(ranges, n, &addr),
				tw_table_origin(table, look_up(table, &addr))->target);
		}
		free(ranges);
	}
	tw_table_free(table);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_address_of_a_target_has_its_longest_cut),
		cmocka_unit_test(test_ranges_hold_the_targets_addresses_and_no_others),
	};
	int status = test_start(argc > 1 ? argv[1] : NULL, "asn-28.mmdb", "512");

	srandom(5);
	return status != 0 ? status : cmocka_run_group_tests_name("cuts", tests, set_up, tear_down);
}
