/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * BGP messages and paths, built by hand: each rule of the RFCs that shapes a path or a list of prefixes, and each way
 * in which a message can be malformed. Every message is laid against a page that nobody may read.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>

#include "tw_bgp.h"
#include "tw_guard.h"
#include "tw_test_octets.h"

#define ORIGIN   "40 01 01 00 "
#define NEXT_HOP "40 03 04 c0000201 "
/* 64500 64501, of 4 and of 2 octets */
#define PATH     "40 02 0a 02 02 0000fbf4 0000fbf5 "
#define OLD_PATH "40 02 06 02 02 fbf4 fbf5 "

static const struct tw_bgp_encoding as4 = {.as4 = true};
static const struct tw_bgp_encoding as2 = {.as4 = false};
static const struct tw_bgp_encoding add_path = {.as4 = true, .add_path = {true, true}};

static struct octets message;
static struct told told;
static struct tw_bgp_counts counts;
static uint8_t buffer[TW_BGP_PATH_SIZE];
static const char *why;
static unsigned int n_asked;

static void take_route(void *arg, const struct tw_bgp_route *route)
{
	told_route(arg, route);
}

/* Wants what starts with an odd octet. */
static bool wants_odd(void *arg, const struct tw_prefix *prefix)
{
	n_asked++;
	return prefix->addr.bytes[0] % 2 == 1;
}

static int decode(const struct tw_bgp_encoding *encoding,
	bool (*wants)(void *arg, const struct tw_prefix *prefix))
{
	const struct tw_bgp_handler handler = {.wants = wants, .route = take_route, .arg = &told};
	const uint8_t *laid = tw_guard_lay(message.data, message.size);

	told.size = 0;
	told.text[0] = '\0';
	n_asked = 0;
	counts = (struct tw_bgp_counts){0};
	return tw_bgp_update(laid, message.size, encoding, &handler, buffer, &counts, &why);
}

static void expect(const struct tw_bgp_encoding *encoding, const char *withdrawn,
	const char *attributes, const char *nlri, const char *expected)
{
	message.size = 0;
	put_update(&message, withdrawn, attributes, nlri);
	if (decode(encoding, NULL) != 0)
		fail_msg("refused: %s", why);
	assert_string_equal(told.text, expected);
}

static void expect_malformed(const struct tw_bgp_encoding *encoding, const char *withdrawn,
	const char *attributes, const char *nlri, const char *reason)
{
	message.size = 0;
	put_update(&message, withdrawn, attributes, nlri);
	assert_int_equal(decode(encoding, NULL), -EBADMSG);
	assert_string_equal(why, reason);
	assert_string_equal(told.text, "");
	assert_int_equal(counts.announced + counts.withdrawn + counts.wanted, 0);
}

/* The path of attributes, through an update of 10.0.0.0/8. */
static void expect_path(
	const struct tw_bgp_encoding *encoding, const char *attributes, const char *expected)
{
	char text[600];

	snprintf(text, sizeof(text), "+10.0.0.0/8[%s]", expected);
	expect(encoding, "", attributes, "08 0a", text);
}

static void routes_of_ipv4(void **state)
{
	expect(&as4, "", ORIGIN PATH NEXT_HOP, "08 0a 00 20 c0000201",
		"+10.0.0.0/8[64500 64501] +0.0.0.0/0[64500 64501] +192.0.2.1/32[64500 64501]");
	assert_int_equal(counts.announced, 3);
	assert_int_equal(counts.wanted, 3);
	expect(&as4, "10 ac10 08 0a", "", "", "-172.16.0.0/16 -10.0.0.0/8");
	assert_int_equal(counts.withdrawn, 2);
	/* both in one message: a prefix that is withdrawn and announced is announced */
	expect(&as4, "08 0a", ORIGIN PATH NEXT_HOP, "08 0a",
		"-10.0.0.0/8 +10.0.0.0/8[64500 64501]");
}

static void bits_behind_the_mask_are_cleared(void **state)
{
	expect(&as4, "09 0aff 01 ff 1f c0000203 0b ffff", "", "",
		"-10.128.0.0/9 -128.0.0.0/1 -192.0.2.2/31 -255.224.0.0/11");
}

static void routes_of_ipv6(void **state)
{
	/* a global next hop, both of them, none; a subnetwork point of attachment is no field any more */
	expect(&as4, "", "80 0e 1a 0002 01 10 20010db8000000000000000000000001 00 20 20010db8" PATH,
		"", "+2001:db8::/32[64500 64501]");
	expect(&as4, "",
		"90 0e 0032 0002 01 20 20010db8000000000000000000000001 "
		"fe800000000000000000000000000001 00 20 20010db8 30 20010db80001 00" PATH,
		"", "+2001:db8::/32[64500 64501] +2001:db8:1::/48[64500 64501] +::/0[64500 64501]");
	expect(&as4, "", "80 0e 07 0002 01 00 00 08 fd" PATH, "", "+fd00::/8[64500 64501]");
	expect(&as4, "", "80 0f 08 0002 01 20 20010db8", "", "-2001:db8::/32");
	/* withdrawals first, wherever they stand */
	expect(&as4, "08 0b", PATH "80 0e 07 0002 01 00 00 08 fd 80 0f 05 0002 01 08 fc" NEXT_HOP,
		"08 0a", "-11.0.0.0/8 -fc00::/8 +fd00::/8[64500 64501] +10.0.0.0/8[64500 64501]");
	/* IPv4 by the multiprotocol attributes (RFC 4760) */
	expect(&as4, "", "80 0e 0b 0001 01 04 c0000201 00 08 0a" PATH, "",
		"+10.0.0.0/8[64500 64501]");
}

static void other_families_are_passed_over(void **state)
{
	/* multicast, labelled, VPN (RFC 4364), EVPN: octets that are no prefixes of unicast */
	expect(&as4, "08 0a", "80 0e 07 0002 02 00 00 ff fd 80 0f 05 0001 80 ff ff", "",
		"-10.0.0.0/8");
	expect(&as4, "08 0a", "80 0e 07 0019 46 00 00 ff fd", "", "-10.0.0.0/8");
	assert_int_equal(counts.end_of_rib[0] + counts.end_of_rib[1], 0);
}

static void path_identifiers(void **state)
{
	expect(&add_path, "00000007 08 0a", PATH "80 0e 0b 0002 01 00 00 ffffffff 08 fd",
		"00000001 08 0a 00000002 08 0a",
		"-10.0.0.0/8#7 +fd00::/8#4294967295[64500 64501] +10.0.0.0/8#1[64500 64501] "
		"+10.0.0.0/8#2[64500 64501]");
	expect_malformed(&add_path, "000000", "", "", "a prefix is cut, or longer than an address");
}

static void path_identifiers_of_one_family(void **state)
{
	const struct tw_bgp_encoding six = {.as4 = true, .add_path = {false, true}};

	expect(&six, "08 0a", PATH "80 0e 0b 0002 01 00 00 00000009 08 fd", "",
		"-10.0.0.0/8 +fd00::/8#9[64500 64501]");
}

static void segments_of_a_path(void **state)
{
	expect_path(&as4, "40 02 00", "");
	expect_path(&as4, "40 02 06 02 01 fffffffe", "4294967294");
	expect_path(&as4, "40 02 10 02 01 00000001 01 02 00000002 00000003", "1 {2 3}");
	/* a confederation's segments, sequence and set */
	expect_path(&as4, "40 02 12 03 01 0000ff00 04 01 0000ff01 02 01 00000001", "1");
	expect_path(&as4, "40 02 06 03 01 0000ff00", "");
	/* what a speaker cut in two is one again, also around what is stripped */
	expect_path(&as4, "40 02 0c 02 01 00000001 02 01 00000002", "1 2");
	expect_path(&as4, "40 02 12 02 01 00000001 03 01 0000ff00 02 01 00000002", "1 2");
	/* sets stay apart */
	expect_path(&as4, "40 02 0c 01 01 00000001 01 01 00000002", "{1} {2}");
	/* empty segments */
	expect_path(&as4, "40 02 0a 02 00 01 00 02 01 00000001", "1");
	/* a length of two octets, and the first of two paths */
	expect_path(&as4, "50 02 0006 02 01 00000001 40 02 06 02 01 00000002", "1");
}

static void equal_paths_are_equal_octets(void **state)
{
	struct tw_bgp_path path;
	static const uint8_t one[] = {2, 2, 0, 0, 0, 1, 0, 0, 0, 2};

	message.size = 0;
	put_hex(&message, "40 02 10 03 00 02 01 00000001 02 00 02 01 00000002");
	assert_int_equal(tw_bgp_path(message.data, message.size, true, buffer, &path, &why), 0);
	assert_int_equal(path.size, sizeof(one));
	assert_memory_equal(path.segments, one, sizeof(one));
}

static void a_sequence_has_room_for_255(void **state)
{
	struct tw_bgp_path path;

	message.size = 0;
	put_hex(&message, "50 02");
	put_number(&message, 2, 2 * (2 + 200 * 2));
	for (uint16_t i = 0; i < 400; i++) {
		if (i % 200 == 0)
			put_hex(&message, "02 c8");
		put_number(&message, 2, i);
	}
	assert_int_equal(tw_bgp_path(message.data, message.size, false, buffer, &path, &why), 0);
	assert_int_equal(path.size, 2 + 255 * 4 + 2 + 145 * 4);
	assert_int_equal(path.segments[1], 255);
	assert_int_equal(path.segments[2 + 255 * 4 + 1], 145);
	assert_int_equal(path.segments[path.size - 1], 399 % 256);
}

static void true_path_beside_placeholders(void **state)
{
	/* 1 23456 23456 with 131279 131280 behind */
	expect_path(&as2, "40 02 08 02 03 0001 5ba0 5ba0 c0 11 0a 02 02 000200cf 000200d0",
		"1 131279 131280");
	/* the order of attributes does not matter */
	expect_path(&as2, "c0 11 0a 02 02 000200cf 000200d0 40 02 08 02 03 0001 5ba0 5ba0",
		"1 131279 131280");
	/* the whole path */
	expect_path(
		&as2, "40 02 06 02 02 5ba0 5ba0 c0 11 0a 02 02 000200cf 000200d0", "131279 131280");
	/* a set is one AS, on either side */
	expect_path(&as2,
		"40 02 0c 02 02 0001 0002 01 02 5ba0 0003 c0 11 0a 01 02 000200cf 00000003",
		"1 2 {131279 3}");
	expect_path(&as2,
		"40 02 0e 01 02 0001 0002 02 03 0003 5ba0 5ba0 c0 11 0a 02 02 000200cf 000200d0",
		"{1 2} 3 131279 131280");
	/* confederation segments count as none */
	expect_path(
		&as2, "40 02 0a 03 01 ff00 02 02 0001 5ba0 c0 11 06 02 01 000200cf", "1 131279");
	expect_path(&as2, "40 02 06 02 02 0001 5ba0 c0 11 0c 03 01 0000ff00 02 01 000200cf",
		"1 131279");
	/* an AS4_PATH of nothing */
	expect_path(&as2, OLD_PATH "c0 11 00", "64500 64501");
}

static void true_path_that_is_not_believed(void **state)
{
	/* longer than AS_PATH: an old speaker shortened that since */
	expect_path(&as2, OLD_PATH "c0 11 0e 02 03 00000001 00000002 00000003", "64500 64501");
	/* an old speaker aggregated since (AGGREGATOR without AS_TRANS beside AS4_AGGREGATOR) */
	expect_path(&as2,
		OLD_PATH
		"c0 11 06 02 01 000200cf c0 07 06 fbf5 c0000201 c0 12 08 000200cf c0000201",
		"64500 64501");
	/* a new one did, or one alone */
	expect_path(&as2,
		OLD_PATH
		"c0 11 06 02 01 000200cf c0 07 06 5ba0 c0000201 c0 12 08 000200cf c0000201",
		"64500 131279");
	expect_path(
		&as2, OLD_PATH "c0 11 06 02 01 000200cf c0 07 06 fbf5 c0000201", "64500 131279");
	/* from a speaker of 4-octet ASNs */
	expect_path(&as4, PATH "c0 11 06 02 01 000200cf", "64500 64501");
	/* malformed: cut, of unknown type */
	expect_path(&as2, OLD_PATH "c0 11 05 02 01 000200", "64500 64501");
	expect_path(&as2, OLD_PATH "c0 11 06 07 01 000200cf", "64500 64501");
}

static void end_of_rib(void **state)
{
	expect(&as4, "", "", "", "");
	assert_int_equal(counts.end_of_rib[0], 1);
	assert_int_equal(counts.end_of_rib[1], 0);
	expect(&as4, "", "80 0f 03 0002 01", "", "");
	assert_int_equal(counts.end_of_rib[0], 0);
	assert_int_equal(counts.end_of_rib[1], 1);
	expect(&as4, "", "80 0f 03 0001 01", "", "");
	assert_int_equal(counts.end_of_rib[0], 1);
	/* of another family; beside other attributes; with routes */
	expect(&as4, "", "80 0f 03 0001 80", "", "");
	assert_int_equal(counts.end_of_rib[0] + counts.end_of_rib[1], 0);
	expect(&as4, "", ORIGIN "80 0f 03 0002 01", "", "");
	assert_int_equal(counts.end_of_rib[0] + counts.end_of_rib[1], 0);
	expect(&as4, "08 0a", "", "", "-10.0.0.0/8");
	assert_int_equal(counts.end_of_rib[0] + counts.end_of_rib[1], 0);
}

static void only_what_is_wanted(void **state)
{
	message.size = 0;
	put_update(&message, "08 0a 08 0b", PATH, "08 0c 08 0d");
	assert_int_equal(decode(&as4, wants_odd), 0);
	assert_string_equal(told.text, "-11.0.0.0/8 +13.0.0.0/8[64500 64501]");
	assert_int_equal(counts.wanted, 2);
	assert_int_equal(counts.announced, 2);
	assert_int_equal(counts.withdrawn, 2);
	/* a path that nobody asked for is not looked at, and a prefix is asked for once */
	message.size = 0;
	put_update(&message, "", "40 02 01 02", "08 0c 08 0e");
	assert_int_equal(decode(&as4, wants_odd), 0);
	assert_int_equal(counts.announced, 2);
	assert_int_equal(n_asked, 2);
	/* one that is needed, is */
	message.size = 0;
	put_update(&message, "", "40 02 01 02", "08 0c 08 0d");
	assert_int_equal(decode(&as4, wants_odd), -EBADMSG);
}

static void malformed_messages(void **state)
{
	static const char prefix[] = "a prefix is cut, or longer than an address";
	static const char attribute[] = "a path attribute is cut";

	expect_malformed(&as4, "", NULL, NULL, "UPDATE is cut");
	expect_malformed(&as4, "", PATH, "21 0a00000000", prefix);
	expect_malformed(&as4, "", PATH, "08 0a 10 0a", prefix);
	expect_malformed(&as4, "20 0a0000", "", "", prefix);
	expect_malformed(&as4, "08 0b", "80 0e 07 0002 01 00 00 81 fd" PATH, "", prefix);
	expect_malformed(&as4, "08 0b", "80 0f 04 0002 01 08", "", prefix);
	expect_malformed(&as4, "08 0b", "80", "", attribute);
	expect_malformed(&as4, "08 0b", "80 0e", "", attribute);
	expect_malformed(&as4, "08 0b", "90 0e 00", "", attribute);
	expect_malformed(&as4, "08 0b", "40 01 02 00", "", attribute);
	expect_malformed(&as4, "08 0b", "80 0e 04 0002 01 10", "", "MP_REACH_NLRI is cut");
	expect_malformed(&as4, "08 0b", "80 0f 02 0002", "", "MP_UNREACH_NLRI is cut");
	expect_malformed(
		&as4, "08 0b", "80 0f 03 0002 01 80 0f 03 0002 01", "", "two MP_UNREACH_NLRI");
	expect_malformed(&as4, "08 0b", "80 0e 05 0002 01 00 00 80 0e 05 0002 01 00 00", "",
		"two MP_REACH_NLRI");
	expect_malformed(&as4, "08 0b", ORIGIN, "08 0a", "no AS_PATH");
	expect_malformed(
		&as4, "08 0b", "40 02 05 02 01 000000", "08 0a", "AS_PATH ends within a segment");
	expect_malformed(&as4, "08 0b", "40 02 01 02", "08 0a", "AS_PATH ends within a segment");
	expect_malformed(&as4, "08 0b", OLD_PATH, "08 0a", "AS_PATH ends within a segment");
	expect_malformed(&as4, "08 0b", "40 02 06 05 01 00000001", "08 0a",
		"AS_PATH has a segment of unknown type");
}

static void headers(void **state)
{
	message.size = 0;
	put_hex(&message, MARKER "0013 04");
	assert_int_equal(decode(&as4, NULL), 0); /* a KEEPALIVE */
	message.data[17] = 0x12;
	assert_int_equal(decode(&as4, NULL), -EBADMSG);
	message.data[17] = 0x14;
	assert_int_equal(decode(&as4, NULL), -EBADMSG);
	assert_string_equal(why, "BGP message of another length than its header says");
	message.data[17] = 0x13;
	message.data[15] = 0xfe;
	assert_int_equal(decode(&as4, NULL), -EBADMSG);
	assert_string_equal(why, "BGP message without its marker of ones");
	message.data[15] = 0xff;
	message.size = 18;
	assert_int_equal(decode(&as4, NULL), -EBADMSG);
	assert_string_equal(why, "BGP message without a whole header");
	message.size = 0;
	put_hex(&message, MARKER "0015 02 0000");
	assert_int_equal(decode(&as4, NULL), -EBADMSG);
	assert_string_equal(why, "UPDATE is cut");
}

/* Each message that is cut short, its header telling the truth, is refused or tells no other route. */
static void cut_everywhere(void **state)
{
	message.size = 0;
	put_update(&message, "08 0b", PATH "80 0e 07 0002 01 00 00 08 fd", "08 0a 10 ac10");
	for (size_t size = message.size - 1; size >= 19; size--) {
		message.size = size;
		message.data[17] = (uint8_t)size;
		if (decode(&as4, NULL) == 0)
			assert_string_equal(
				told.text, size < 50 ? "-11.0.0.0/8 +fd00::/8[64500 64501]"
						     : "-11.0.0.0/8 +fd00::/8[64500 64501] "
						       "+10.0.0.0/8[64500 64501]");
	}
}

/* A length that no address has must not touch what lies behind the prefix. */
static void a_prefix_that_is_too_long(void **state)
{
	for (unsigned int length = 33; length < 256; length++) {
		struct {
			struct tw_prefix prefix;
			uint8_t behind[32];
		} laid;
		uint8_t octets[33], untouched[32];
		struct tw_cursor cursor = tw_cursor(octets, sizeof(octets));
		uint8_t family = length > 128 ? 6 : 4;

		memset(octets, 0xff, sizeof(octets));
		memset(untouched, 0xff, sizeof(untouched));
		memset(&laid, 0xff, sizeof(laid));
		octets[0] = (uint8_t)length;
		assert_false(tw_bgp_prefix(&cursor, family, &laid.prefix));
		assert_true(cursor.failed);
		assert_memory_equal(laid.behind, untouched, sizeof(untouched));
	}
}

static void paths_as_text(void **state)
{
	static const uint8_t octets[] = {
		2, 2, 0, 0, 0, 1, 0, 0, 0, 22, 1, 2, 0, 0, 1, 77, 0, 0, 1, 188};
	const struct tw_bgp_path path = {.segments = octets, .size = sizeof(octets)};
	const struct tw_bgp_path empty = {.segments = octets};
	char text[32];

	assert_string_equal(tw_bgp_path_format(&empty, text, sizeof(text)), "");
	assert_string_equal(tw_bgp_path_format(&path, text, sizeof(text)), "1 22 {333 444}");
	assert_string_equal(tw_bgp_path_format(&path, text, 15), "1 22 {333 444}");
	assert_string_equal(tw_bgp_path_format(&path, text, 14), "1 22 {333 ...");
	assert_string_equal(tw_bgp_path_format(&path, text, 13), "1 22 ...");
	assert_string_equal(tw_bgp_path_format(&path, text, 9), "1 22 ...");
	assert_string_equal(tw_bgp_path_format(&path, text, 8), "1 ...");
	assert_string_equal(tw_bgp_path_format(&path, text, 5), "...");
	assert_string_equal(tw_bgp_path_format(&path, text, 2), "1");
	assert_string_equal(tw_bgp_path_format(&path, text, 1), "");
}

static void attributes_of_entries(void **state)
{
	static uint8_t long_ones[70000];
	struct tw_bgp_path path;

	/* a route that is not of BGP, as BIRD dumps it */
	assert_int_equal(tw_bgp_path(message.data, 0, true, buffer, &path, &why), -ENODATA);
	assert_int_equal(
		tw_bgp_path(long_ones, sizeof(long_ones), true, buffer, &path, &why), -EBADMSG);
	/* the largest path there can be fits: 65,531 octets of attribute, 128 segments of 255 ASNs */
	message.size = 0;
	put_hex(&message, "50 02 fffb");
	for (int i = 0; i < 127; i++) {
		put_hex(&message, "02 ff");
		for (int asn = 0; asn < 255; asn++)
			put_number(&message, 2, 64500);
	}
	put_hex(&message, "02 fa");
	for (int asn = 0; asn < 250; asn++)
		put_number(&message, 2, 64500);
	message.data[2] = (uint8_t)((message.size - 4) >> 8);
	message.data[3] = (uint8_t)(message.size - 4);
	assert_true(message.size <= UINT16_MAX);
	assert_int_equal(tw_bgp_path(message.data, message.size, false, buffer, &path, &why), 0);
	assert_int_equal(path.size, 128 * 2 + (127 * 255 + 250) * 4);
	assert_true(path.size <= TW_BGP_PATH_SIZE);
}

static void a_cursor_fails_for_good(void **state)
{
	static const uint8_t octets[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
	struct tw_cursor cursor = tw_cursor(octets, sizeof(octets)), part, beyond;
	uint8_t copy[2] = {0xee, 0xee};

	assert_int_equal(tw_cursor_u64(&cursor), 0x0102030405060708);
	assert_int_equal(tw_cursor_left(&cursor), 1);
	assert_int_equal(tw_cursor_u16(&cursor), 0);
	assert_true(cursor.failed);
	assert_int_equal(tw_cursor_left(&cursor), 0);
	assert_int_equal(tw_cursor_u8(&cursor), 0); /* though one octet had been left */
	tw_cursor_copy(&cursor, copy, 2);
	assert_int_equal(copy[0] | copy[1], 0);
	assert_null(tw_cursor_take(&cursor, 0));

	cursor = tw_cursor(octets, sizeof(octets));
	part = tw_cursor_part(&cursor, 4);
	assert_int_equal(tw_cursor_u32(&part), 0x01020304);
	assert_int_equal(tw_cursor_u8(&part), 0);
	assert_true(part.failed && !cursor.failed);
	assert_int_equal(tw_cursor_u8(&cursor), 5);
	part = tw_cursor_part(&cursor, 5);
	beyond = tw_cursor_part(&part, 0);
	assert_true(cursor.failed && part.failed && beyond.failed);
	assert_int_equal(tw_cursor_left(&part), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_of_ipv4),
		cmocka_unit_test(bits_behind_the_mask_are_cleared),
		cmocka_unit_test(routes_of_ipv6),
		cmocka_unit_test(other_families_are_passed_over),
		cmocka_unit_test(path_identifiers),
		cmocka_unit_test(path_identifiers_of_one_family),
		cmocka_unit_test(segments_of_a_path),
		cmocka_unit_test(equal_paths_are_equal_octets),
		cmocka_unit_test(a_sequence_has_room_for_255),
		cmocka_unit_test(true_path_beside_placeholders),
		cmocka_unit_test(true_path_that_is_not_believed),
		cmocka_unit_test(end_of_rib),
		cmocka_unit_test(only_what_is_wanted),
		cmocka_unit_test(malformed_messages),
		cmocka_unit_test(headers),
		cmocka_unit_test(cut_everywhere),
		cmocka_unit_test(a_prefix_that_is_too_long),
		cmocka_unit_test(paths_as_text),
		cmocka_unit_test(attributes_of_entries),
		cmocka_unit_test(a_cursor_fails_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
