/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * lib/base: addresses and prefixes, MAC addresses, text from outside, messages for the operator.
 *
 * tw_text_clean() is held against two things that share nothing with it: every Unicode code point,
 * encoded here, and the grammar of RFC 3629 section 4, written down as ranges, over all short
 * strings of octets.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tw_addr.h"
#include "tw_diag.h"
#include "tw_text.h"

static void addresses_of_both_families_are_read(void **state)
{
	static const uint8_t v4[16] = {192, 0, 2, 1};
	static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	struct tw_addr addr;

	assert_int_equal(tw_addr_parse("192.0.2.1", &addr), 0);
	assert_int_equal(addr.family, 4);
	assert_memory_equal(addr.bytes, v4, 16);
	assert_int_equal(tw_addr_parse("2001:DB8:0:0::1", &addr), 0);
	assert_int_equal(addr.family, 6);
	assert_memory_equal(addr.bytes, v6, 16);
	assert_int_equal(tw_addr_parse("::ffff:192.0.2.1", &addr), 0);
	assert_int_equal(addr.family, 6);
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {"", " ", "1", "1.2.3", "1.2.3.4.5", "256.0.0.1",
		"1.2.3.-4", "01.2.3.4x", "1.2.3.4 ", " 1.2.3.4", "0x1.2.3.4", ":",
		":::", "::1::", "2001:db8", "2001:db8::g", "12345::", "1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9", "fe80::1%eth0", "[::1]", "::1.2.3", "::1/64", "example.org"};
	struct tw_addr addr;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(tw_addr_parse(bad[i], &addr), -EINVAL);
}

static void an_address_is_a_number_and_back(void **state)
{
	struct tw_addr addr, again;

	assert_int_equal(tw_addr_parse("1.2.3.4", &addr), 0);
	assert_true(tw_addr_number(&addr) == 0x01020304);
	again = tw_addr_from_number(4, 0x01020304);
	assert_memory_equal(&again, &addr, sizeof(addr));

	assert_int_equal(tw_addr_parse("ff02:304:506:708:90a:b0c:d0e:f10", &addr), 0);
	assert_true((uint64_t)(tw_addr_number(&addr) >> 64) == 0xff02030405060708);
	assert_true((uint64_t)tw_addr_number(&addr) == 0x090a0b0c0d0e0f10);
	again = tw_addr_from_number(6, tw_addr_number(&addr));
	assert_memory_equal(&again, &addr, sizeof(addr));

	again = tw_addr_from_number(4, 0xffffffff);
	assert_true(tw_addr_number(&again) == 0xffffffff);
	again = tw_addr_from_number(6, ~(tw_u128)0);
	assert_true(tw_addr_number(&again) == ~(tw_u128)0);
	assert_int_equal(tw_addr_bits(4), 32);
	assert_int_equal(tw_addr_bits(6), 128);
}

/*
 * RFC 5952 section 4: no leading zeros, the longest run of zeros as "::", never a single one, lower
 * case.
 */
static void addresses_are_written_in_canonical_form(void **state)
{
	static const char *const forms[][2] = {
		{"192.0.2.1", "192.0.2.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"2001:0DB8::0001", "2001:db8::1"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		{"::", "::"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	};
	char text[TW_PREFIX_TEXT];
	struct tw_addr addr;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		assert_int_equal(tw_addr_parse(forms[i][0], &addr), 0);
		assert_ptr_equal(tw_addr_format(&addr, text), text);
		assert_string_equal(text, forms[i][1]);
	}
}

static void prefixes_are_read_and_written(void **state)
{
	static const char *const forms[][2] = {
		{"175.45.176.0/22", "175.45.176.0/22"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"::/0", "::/0"},
		{"192.0.2.1", "192.0.2.1/32"},
		{"192.0.2.1/32", "192.0.2.1/32"},
		{"128.0.0.0/1", "128.0.0.0/1"},
		{"2001:db8::1", "2001:db8::1/128"},
		{"2001:DB8::/32", "2001:db8::/32"},
		{"8000::/1", "8000::/1"},
		{"2001:db8:0:0:8000::/65", "2001:db8:0:0:8000::/65"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"},
	};
	char text[TW_PREFIX_TEXT];
	struct tw_prefix prefix;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		assert_int_equal(tw_prefix_parse(forms[i][0], &prefix), 0);
		assert_ptr_equal(tw_prefix_format(&prefix, text), text);
		assert_string_equal(text, forms[i][1]);
	}
}

static void host_bits_are_refused_with_the_prefix_that_was_meant(void **state)
{
	static const char *const forms[][2] = {
		{"175.45.177.9/22", "175.45.176.0/22"},
		{"192.0.2.1/31", "192.0.2.0/31"},
		{"255.255.255.255/0", "0.0.0.0/0"},
		{"2001:db8::1/32", "2001:db8::/32"},
		{"2001:db8:0:1::/63", "2001:db8::/63"},
		{"::1/127", "::/127"},
		{"ffff::/0", "::/0"},
	};
	char text[TW_PREFIX_TEXT];
	struct tw_prefix prefix;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		assert_int_equal(tw_prefix_parse(forms[i][0], &prefix), -EDOM);
		assert_string_equal(tw_prefix_format(&prefix, text), forms[i][1]);
	}
}

static void what_is_no_prefix_is_refused(void **state)
{
	static const char *const bad[] = {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
		"10.0.0.0/+8", "10.0.0.0/ 8", "10.0.0.0/8 ", "10.0.0.0/8/8", "10.0.0.0/0x8",
		"10.0.0.0/eight", "10.0.0.0//8", "10.0.0/8", "10/8", " 10.0.0.0/8",
		"10.0.0.0/18446744073709551624", "10.0.0.0/4294967304", "::/129", "::/",
		"2001:db8/32", "10.0.0.0/255.0.0.0",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8"};
	struct tw_prefix prefix;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(tw_prefix_parse(bad[i], &prefix), -EINVAL);
}

static struct tw_prefix prefix_of(const char *text)
{
	struct tw_prefix prefix;

	assert_int_equal(tw_prefix_parse(text, &prefix), 0);
	return prefix;
}

static void a_prefix_has_a_first_and_a_last_address(void **state)
{
	tw_u128 first, last;
	struct tw_prefix prefix = prefix_of("175.45.176.0/22");

	tw_prefix_range(&prefix, &first, &last);
	assert_true(first == 0xaf2db000 && last == 0xaf2db3ff);
	prefix = prefix_of("0.0.0.0/0");
	tw_prefix_range(&prefix, &first, &last);
	assert_true(first == 0 && last == 0xffffffff);
	prefix = prefix_of("192.0.2.1");
	tw_prefix_range(&prefix, &first, &last);
	assert_true(first == 0xc0000201 && last == first);
	prefix = prefix_of("::/0");
	tw_prefix_range(&prefix, &first, &last);
	assert_true(first == 0 && last == ~(tw_u128)0);
	prefix = prefix_of("2001:db8::/32");
	tw_prefix_range(&prefix, &first, &last);
	assert_true(first == (tw_u128)0x20010db8 << 96 && last - first == ((tw_u128)1 << 96) - 1);
}

static void a_prefix_contains_itself_and_what_is_inside(void **state)
{
	static const struct {
		const char *outer, *inner;
		bool contains;
	} cases[] = {
		{"10.0.0.0/8", "10.0.0.0/8", true},
		{"10.0.0.0/8", "10.255.255.255", true},
		{"10.0.0.0/8", "11.0.0.0/9", false},
		{"10.0.0.0/9", "10.0.0.0/8", false},
		{"0.0.0.0/0", "255.0.0.0/8", true},
		{"0.0.0.0/0", "::/0", false},
		{"::/0", "0.0.0.0/0", false},
		{"::/0", "2001:db8::1", true},
		{"2001:db8::/33", "2001:db8:8000::/33", false},
		{"2001:db8::1", "2001:db8::1", true},
		{"2001:db8::1", "2001:db8::", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tw_prefix outer = prefix_of(cases[i].outer),
				 inner = prefix_of(cases[i].inner);

		assert_int_equal(tw_prefix_contains(&outer, &inner), cases[i].contains);
	}
}

static void macs_are_read_and_written(void **state)
{
	char text[18];
	uint64_t mac;

	assert_int_equal(tw_mac_parse("02:00:00:00:20:48", &mac), 0);
	assert_true(mac == 0x020000002048);
	assert_string_equal(tw_mac_format(mac, text), "02:00:00:00:20:48");
	assert_int_equal(tw_mac_parse("AB-CD-ef-01-23-45", &mac), 0);
	assert_true(mac == 0xabcdef012345);
	assert_string_equal(tw_mac_format(mac, text), "ab:cd:ef:01:23:45");
	assert_int_equal(tw_mac_parse("ff:ff:ff:ff:ff:ff", &mac), 0);
	assert_true(mac == 0xffffffffffff);
}

static void what_is_no_mac_is_refused(void **state)
{
	static const char *const bad[] = {"", "0", "02", "02:", "02:00:00:00:20",
		"02:00:00:00:20:", "02:00:00:00:20:4", "02:00:00:00:20:48:", "02:00:00:00:20:48:00",
		"2:0:0:0:20:48", "02:00:00:00:20:4g", "02:00:00:00:20: 8", "02:00:00:00:20:+8",
		"0x:00:00:00:20:48", " 02:00:00:00:20:48", "02:00:00:00:20:48 ", "020000002048",
		"0200.0000.2048", "02::00:00:20:48"};
	uint64_t mac;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(tw_mac_parse(bad[i], &mac), -EINVAL);
}

/*
 * The length of the UTF-8 character at `s` by the grammar of RFC 3629 section 4, 0 where there is
 * none.
 */
static size_t character(const uint8_t *s, size_t left)
{
	static const uint8_t grammar[][4][2] = {
		{{0x00, 0x7f}},
		{{0xc2, 0xdf}, {0x80, 0xbf}},
		{{0xe0, 0xe0}, {0xa0, 0xbf}, {0x80, 0xbf}},
		{{0xe1, 0xec}, {0x80, 0xbf}, {0x80, 0xbf}},
		{{0xed, 0xed}, {0x80, 0x9f}, {0x80, 0xbf}},
		{{0xee, 0xef}, {0x80, 0xbf}, {0x80, 0xbf}},
		{{0xf0, 0xf0}, {0x90, 0xbf}, {0x80, 0xbf}, {0x80, 0xbf}},
		{{0xf1, 0xf3}, {0x80, 0xbf}, {0x80, 0xbf}, {0x80, 0xbf}},
		{{0xf4, 0xf4}, {0x80, 0x8f}, {0x80, 0xbf}, {0x80, 0xbf}},
	};

	for (size_t rule = 0; rule < sizeof(grammar) / sizeof(grammar[0]); rule++) {
		size_t n = 0;

		while (n < 4 && n < left && grammar[rule][n][1] != 0 &&
			s[n] >= grammar[rule][n][0] && s[n] <= grammar[rule][n][1])
			n++;
		if (n == 4 || (n > 0 && grammar[rule][n][1] == 0))
			return n;
	}
	return 0;
}

/* U+0000 to U+001F, U+007F and U+0080 to U+009F: Unicode's general category Cc. */
static bool is_control(const uint8_t *s, size_t length)
{
	return (length == 1 && (s[0] < 0x20 || s[0] == 0x7f)) ||
	       (length == 2 && s[0] == 0xc2 && s[1] < 0xa0);
}

static bool is_clean(const uint8_t *s, size_t length)
{
	for (size_t at = 0, n; at < length; at += n) {
		n = character(s + at, length - at);
		if (n == 0 || is_control(s + at, n))
			return false;
	}
	return true;
}

/* Clean text passes as it is; any other comes out clean. */
static void expect_clean(const uint8_t *s, size_t length)
{
	char *text = tw_text_clean((const char *)s, length);

	assert_non_null(text);
	if (is_clean(s, length)) {
		assert_int_equal(strlen(text), length);
		assert_memory_equal(text, s, length);
	} else if (!is_clean((const uint8_t *)text, strlen(text)) || strchr(text, '?') == NULL) {
		fail_msg("%02x %02x %02x %02x (%zu) comes out as '%s'", s[0], length > 1 ? s[1] : 0,
			length > 2 ? s[2] : 0, length > 3 ? s[3] : 0, length, text);
	}
	free(text);
}

static void expect_text(const char *bytes, size_t length, const char *expected)
{
	char *text = tw_text_clean(bytes, length);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void clean_text_passes_as_it_is(void **state)
{
	expect_text("", 0, "");
	expect_text("TransTeleCom", 12, "TransTeleCom");
	expect_text("TransTeleCom and more", 12, "TransTeleCom");
	expect_text("Telef\303\263nica \"x\" \\ <&> ~", 23, "Telef\303\263nica \"x\" \\ <&> ~");
	expect_text("\346\234\235\351\256\256", 6, "\346\234\235\351\256\256");
	expect_text("\360\237\207\260\360\237\207\265", 8, "\360\237\207\260\360\237\207\265");
}

static void what_is_not_clean_becomes_a_question_mark_and_the_rest_stays(void **state)
{
	expect_text("a\0b", 3, "a?b");
	expect_text("a\tb\nc\rd\033[31me\177f", 15, "a?b?c?d?[31me?f");
	expect_text("a\200b", 3, "a?b");        /* a continuation without its start */
	expect_text("a\377b\376c", 5, "a?b?c"); /* octets that UTF-8 never has */
	expect_text("a\303", 2, "a?");          /* cut at the end, whatever lies behind */
	expect_text("a\303\263", 2, "a?");
	expect_text("\303(", 2, "?(");
	expect_text("\342\202(", 3,
		"?"
		"?(");
	expect_text("Telef\363nica", 10, "Telef?nica"); /* Latin-1 */
}

static void every_code_point_is_judged_right(void **state)
{
	for (uint32_t code = 0; code <= 0x110000; code++) {
		uint8_t s[4];
		size_t length;

		if (code < 0x80)
			length = 1, s[0] = (uint8_t)code;
		else if (code < 0x800)
			length = 2, s[0] = (uint8_t)(0xc0 | code >> 6);
		else if (code < 0x10000)
			length = 3, s[0] = (uint8_t)(0xe0 | code >> 12);
		else
			length = 4, s[0] = (uint8_t)(0xf0 | code >> 18);
		for (size_t i = 1; i < length; i++)
			s[i] = (uint8_t)(0x80 | (code >> 6 * (length - 1 - i) & 0x3f));
		expect_clean(s, length);
	}
}

/* A terminal takes U+009B for the start of an escape sequence, as it does ESC [. */
static void controls_of_the_second_set_are_controls(void **state)
{
	for (unsigned int code = 0x80; code < 0xa0; code++)
		expect_clean((const uint8_t[]){0xc2, (uint8_t)code}, 2);
}

static void no_short_string_comes_out_unclean(void **state)
{
	static const uint8_t edges[] = {0x00, 0x1f, 0x20, 0x7e, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0,
		0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff};
	const unsigned int n = sizeof(edges);

	for (unsigned int code = 0; code < 0x10000; code++) {
		const uint8_t s[] = {(uint8_t)(code >> 8), (uint8_t)code};

		expect_clean(s, 2);
	}
	for (unsigned int i = 0; i < n * n * n * n; i++) {
		const uint8_t s[] = {
			edges[i / n / n / n], edges[i / n / n % n], edges[i / n % n], edges[i % n]};

		expect_clean(s, 4);
	}
}

static void messages_keep_their_order_and_the_error_passes_through(void **state)
{
	char expected[32], *printed = NULL;
	struct tw_diag diag = {0};
	size_t size;
	FILE *out;

	for (int i = 0; i < 100; i++)
		assert_int_equal(tw_diag_add(&diag, -i, "%s:%d: line", "file", i), -i);
	assert_int_equal(diag.n_lines, 100);
	for (unsigned int i = 0; i < 100; i++) {
		snprintf(expected, sizeof(expected), "file:%u: line", i);
		assert_string_equal(diag.lines[i], expected);
	}
	out = open_memstream(&printed, &size);
	assert_non_null(out);
	diag.n_lines = 2;
	tw_diag_print(&diag, out, "transitwatch: ");
	tw_diag_print(&diag, out, "");
	diag.n_lines = 100;
	assert_int_equal(fclose(out), 0);
	assert_string_equal(printed, "transitwatch: file:0: line\ntransitwatch: file:1: line\n"
				     "file:0: line\nfile:1: line\n");
	free(printed);
	tw_diag_free(&diag);
}

static void messages_of_any_length_are_whole(void **state)
{
	struct tw_diag diag = {0};
	char *value = malloc(100001);

	assert_non_null(value);
	memset(value, 'x', 100000);
	value[100000] = '\0';
	assert_int_equal(tw_diag_add(&diag, -EINVAL, "a %s 100%%", value), -EINVAL);
	assert_int_equal(strlen(diag.lines[0]), 100007);
	free(value);
	tw_diag_free(&diag);
}

static void a_diag_that_is_not_there_drops_messages(void **state)
{
	assert_int_equal(tw_diag_add(NULL, -ENOENT, "%s", "nobody reads this"), -ENOENT);
}

static void a_freed_diag_can_be_used_again(void **state)
{
	struct tw_diag diag = {0};

	tw_diag_free(&diag);
	tw_diag_add(&diag, 0, "one");
	tw_diag_free(&diag);
	assert_int_equal(diag.n_lines, 0);
	tw_diag_add(&diag, 0, "two");
	assert_int_equal(diag.n_lines, 1);
	assert_string_equal(diag.lines[0], "two");
	tw_diag_free(&diag);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_both_families_are_read),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(an_address_is_a_number_and_back),
		cmocka_unit_test(addresses_are_written_in_canonical_form),
		cmocka_unit_test(prefixes_are_read_and_written),
		cmocka_unit_test(host_bits_are_refused_with_the_prefix_that_was_meant),
		cmocka_unit_test(what_is_no_prefix_is_refused),
		cmocka_unit_test(a_prefix_has_a_first_and_a_last_address),
		cmocka_unit_test(a_prefix_contains_itself_and_what_is_inside),
		cmocka_unit_test(macs_are_read_and_written),
		cmocka_unit_test(what_is_no_mac_is_refused),
		cmocka_unit_test(clean_text_passes_as_it_is),
		cmocka_unit_test(what_is_not_clean_becomes_a_question_mark_and_the_rest_stays),
		cmocka_unit_test(every_code_point_is_judged_right),
		cmocka_unit_test(controls_of_the_second_set_are_controls),
		cmocka_unit_test(no_short_string_comes_out_unclean),
		cmocka_unit_test(messages_keep_their_order_and_the_error_passes_through),
		cmocka_unit_test(messages_of_any_length_are_whole),
		cmocka_unit_test(a_diag_that_is_not_there_drops_messages),
		cmocka_unit_test(a_freed_diag_can_be_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
