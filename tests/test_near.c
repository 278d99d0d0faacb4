/* SPDX-License-Identifier: BSD-3-Clause */

/* The first answer about targets: never a wrong "no", and few a "yes" too many; and frames that are left out by it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tw_burst_plain.h"

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

static void enter(const char *text)
{
	struct tw_prefix prefix;
	tw_u128 first, last;

	assert_int_equal(tw_prefix_parse(text, &prefix), 0);
	tw_prefix_range(&prefix, &first, &last);
	tw_near_add(&near, prefix.addr.family, first, last);
}

static void only_what_shares_16_bits_with_a_target_is_near(void **state)
{
	near = (struct tw_near){0};
	enter("9.255.255.255");
	enter("175.45.176.0/22");
	enter("254.0.0.0/7");
	for (uint32_t top = 0; top < 1u << 16; top++)
		assert_int_equal(is_near(4, top << 16 | 0xffff),
			top == 0x09ff || top == 0xaf2d || top >= 0xfe00);
}

static void a_wide_ipv6_target_does_not_make_all_near(void **state)
{
	unsigned int n = 0;

	near = (struct tw_near){0};
	enter("2001:db8::/32");
	enter("2002::/16");
	enter("fc00::/7");
	assert_true(is_near(6, number("2001:db8:ffff::1")));
	assert_true(is_near(6, number("2002:af2d:b001::1")));
	assert_true(is_near(6, number("fc00::")) && is_near(6, number("fdff:ffff::")));
	for (uint32_t low = 0; low < 1u << 16; low++)
		n += is_near(6, (tw_u128)(UINT32_C(0x2a000000) | low) << 96) != 0;
	assert_true(n <= 4); /* by chance, with the hash of 2001:db8::/32 */
	assert_false(is_near(6, number("2a01::1")));
}

static tw_u128 random_number(uint8_t family)
{
	tw_u128 address = 0;

	for (unsigned int i = 0; i < 8; i++)
		address = address << 16 | ((uint32_t)random() & 0xffff);
	return address >> (128 - tw_addr_bits(family));
}

/* Ranges of all lengths; addresses all over each. */
static void an_address_of_a_target_is_always_near(void **state)
{
	srandom(29);
	for (unsigned int round = 0; round < 600; round++) {
		uint8_t family = round % 2 == 0 ? 4 : 6;
		tw_u128 span = random_number(family) >> random() % tw_addr_bits(family);
		tw_u128 first = random_number(family);
		tw_u128 all = ~(tw_u128)0 >> (128 - tw_addr_bits(family));

		if (first > all - span)
			first = all - span;
		near = (struct tw_near){0};
		tw_near_add(&near, family, first, first + span);
		assert_true(is_near(family, first) && is_near(family, first + span));
		for (unsigned int i = 0; i < 100; i++) {
			tw_u128 more = random_number(family);

			assert_true(
				is_near(family, first + (span == all ? more : more % (span + 1))));
		}
	}
}

/* A frame of UDP in Ethernet, tagged or not. */
static struct tw_plain make_frame(
	uint8_t *data, uint8_t family, bool tagged, const struct tw_addr *ends)
{
	uint8_t *at = data + 12;
	size_t size = family == 4 ? 4 : 16;

	memset(data, 0, 100);
	if (tagged) {
		memcpy(at, (uint8_t[]){0x81, 0, 0, 9}, 4);
		at += 4;
	}
	if (family == 4)
		memcpy(at, (uint8_t[]){8, 0, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17}, 12);
	else
		memcpy(at, (uint8_t[]){0x86, 0xdd, 0x60, 0, 0, 0, 0, 8, 17, 64}, 10);
	at += family == 4 ? 14 : 10;
	memcpy(at, ends[0].bytes, size);
	memcpy(at + size, ends[1].bytes, size);
	return (struct tw_plain){.data = data, .captured = 100, .length = 100};
}

/* With the filter as without it, but for the frames that have no end near a target. */
static void frames_are_left_out_where_both_ends_are_far(void **state)
{
	static const char *const four[] = {
		"175.45.176.1", "175.46.0.0", "175.44.255.255", "8.8.8.8"};
	static const char *const six[] = {
		"2001:db8::1", "2001:db9::", "2001:db7:ffff::", "2400::8"};
	static struct tw_burst all, some;
	uint8_t data[100];

	near = (struct tw_near){0};
	enter("175.45.176.0/22");
	enter("2001:db8::/32");
	for (unsigned int i = 0; i < 64; i++) {
		uint8_t family = i < 32 ? 4 : 6;
		const char *const *texts = family == 4 ? four : six;
		bool is_target = i % 4 == 0 || i / 4 % 4 == 0;
		struct tw_addr ends[2];
		struct tw_plain frame;

		tw_addr_parse(texts[i % 4], &ends[0]);
		tw_addr_parse(texts[i / 4 % 4], &ends[1]);
		frame = make_frame(data, family, i / 16 % 2 != 0, ends);
		tw_burst_reset(&all, 1);
		tw_burst_reset(&some, 1);
		assert_true(tw_burst_parse_plain(&all, &frame, NULL));
		assert_true(tw_burst_parse_plain(&some, &frame, &near));
		assert_int_equal(all.n, 1);
		assert_int_equal(all.n_far, 0);
		assert_int_equal(some.n, is_target);
		assert_int_equal(some.n_far, !is_target);
		if (is_target)
			assert_memory_equal(&all, &some, sizeof(all));
		memset(&some, 0, sizeof(some));
		memset(&all, 0, sizeof(all));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_shares_16_bits_with_a_target_is_near),
		cmocka_unit_test(a_wide_ipv6_target_does_not_make_all_near),
		cmocka_unit_test(an_address_of_a_target_is_always_near),
		cmocka_unit_test(frames_are_left_out_where_both_ends_are_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
