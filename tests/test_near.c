/* SPDX-License-Identifier: BSD-3-Clause */

/* The first answer about targets: never a wrong "no", and few a "yes" too many. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tw_near.h"

enum {
	N_TARGET_ORIGINS = 3,
	N_ORIGINS = 1000,
	OTHER = N_TARGET_ORIGINS + 1,
};

static struct tw_near near;

static uint64_t is_near(uint8_t family, tw_u128 address)
{
	return family == 4 ? tw_near4(&near, (uint32_t)address)
			   : tw_near6(&near, (uint32_t)(address >> 96));
}

static tw_u128 number(const char *text)
{
	struct tw_addr addr;

	assert_int_equal(tw_addr_parse(text, &addr), 0);
	return tw_addr_number(&addr);
}

static void append(struct tw_steps *steps, const char *text, uint32_t value)
{
	struct tw_prefix prefix;
	tw_u128 first, last;

	assert_int_equal(tw_prefix_parse(text, &prefix), 0);
	tw_prefix_range(&prefix, &first, &last);
	assert_int_equal(tw_steps_append(steps, first, last, value), 0);
}

static void enter(const struct tw_steps *steps)
{
	near = (struct tw_near){0};
	tw_near_add(&near, steps, N_TARGET_ORIGINS, N_ORIGINS);
}

static void only_what_shares_16_bits_with_a_target_is_near(void **state)
{
	struct tw_steps steps;

	assert_int_equal(tw_steps_init(&steps, 4), 0);
	append(&steps, "1.0.0.0/24", OTHER);
	append(&steps, "9.255.255.255/32", 1);
	append(&steps, "175.45.176.0/22", N_TARGET_ORIGINS);
	append(&steps, "200.0.0.0/7", N_ORIGINS - 1);
	enter(&steps);
	for (uint32_t top = 0; top < 1u << 16; top++)
		assert_int_equal(is_near(4, top << 16 | 0xffff), top == 0x09ff || top == 0xaf2d);
	tw_steps_free(&steps);
}

static void a_wide_ipv6_target_does_not_make_all_near(void **state)
{
	struct tw_steps steps;
	unsigned int n = 0;

	assert_int_equal(tw_steps_init(&steps, 6), 0);
	append(&steps, "2001:db8::/32", 2);
	append(&steps, "2002::/16", N_ORIGINS + 16); /* stands for IPv4 */
	append(&steps, "2a00::/15", OTHER);
	append(&steps, "fc00::/7", 1);
	enter(&steps);
	assert_true(is_near(6, number("2001:db8:ffff::1")));
	assert_true(is_near(6, number("2002:af2d:b001::1")));
	assert_true(is_near(6, number("fc00::")) && is_near(6, number("fdff:ffff::")));
	for (uint32_t low = 0; low < 1u << 16; low++)
		n += is_near(6, (tw_u128)(UINT32_C(0x2a000000) | low) << 96) != 0;
	assert_true(n <= 4); /* by chance, with the hash of 2001:db8::/32 */
	assert_false(is_near(6, number("2a01::1")));
	tw_steps_free(&steps);
}

static tw_u128 random_number(uint8_t family)
{
	tw_u128 address = 0;

	for (unsigned int i = 0; i < 8; i++)
		address = address << 16 | ((uint32_t)random() & 0xffff);
	return address & tw_family_last(family);
}

/* Runs of all lengths, of targets and others; addresses all over each target's run. */
static void an_address_of_a_target_is_always_near(void **state)
{
	unsigned int asked = 0;

	srandom(29);
	for (unsigned int round = 0; round < 600; round++) {
		uint8_t family = round % 2 == 0 ? 4 : 6;
		unsigned int n = 1 + (unsigned int)random() % 40;
		struct tw_steps steps;
		tw_u128 at = 0;

		assert_int_equal(tw_steps_init(&steps, family), 0);
		for (unsigned int run = 0; run < n; run++) {
			tw_u128 length = random_number(family) >> random() % tw_addr_bits(family);

			if (tw_family_last(family) - at <= length)
				break;
			at += length + 1;
			assert_int_equal(
				tw_steps_begin(&steps, at,
					random() % 2 == 0   ? 1 + (uint32_t)random() % 3
					: random() % 4 == 0 ? N_ORIGINS + (uint32_t)random() % 97
							    : OTHER + (uint32_t)random() % 90),
				0);
		}
		enter(&steps);
		for (uint32_t run = 0; run < steps.n; run++) {
			tw_u128 first = steps.first[run], last = tw_steps_last(&steps, run);
			uint32_t value = steps.value[run];

			if (value == 0 || (value > N_TARGET_ORIGINS && value < N_ORIGINS))
				continue;
			assert_true(is_near(family, first) && is_near(family, last));
			for (unsigned int i = 0; i < 100; i++, asked++) {
				tw_u128 span = last - first, more = random_number(family);

				if (span != tw_family_last(family))
					more %= span + 1;
				assert_true(is_near(family, first + more));
			}
		}
		tw_steps_free(&steps);
	}
	assert_true(asked > 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_shares_16_bits_with_a_target_is_near),
		cmocka_unit_test(a_wide_ipv6_target_does_not_make_all_near),
		cmocka_unit_test(an_address_of_a_target_is_always_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
