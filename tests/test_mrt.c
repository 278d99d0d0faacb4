/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * MRT records, built by hand: every subtype, and every way to be malformed, each of which is one counted error while the
 * record behind it is still read. Whatever is read is read in one piece, and again octet by octet, each piece against a
 * page that nobody may read. Files are test_mrt_file's part.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tw_guard.h"
#include "tw_test_mrt.h"

#define PATH     "40 02 0a 02 02 0000fbf4 0000fbf5 "
#define OLD_PATH "40 02 06 02 02 fbf4 fbf5 "

static struct octets stream;
static struct told told;
static struct tw_mrt_counts counts;
static bool cut;
static uint64_t cut_record, cut_offset;

/* Wants what starts with an odd octet. */
static bool wants_odd(void *arg, const struct tw_prefix *prefix)
{
	return prefix->addr.bytes[0] % 2 == 1;
}

/* Hands in as much of the stream as there is of what is not taken yet, `piece` octets more at a time. */
static void read_stream(bool (*wants)(void *, const struct tw_prefix *), size_t piece)
{
	const struct tw_mrt_handler handler = {
		.wants = wants,
		.route = tell_route,
		.down = tell_down,
		.malformed = tell_malformed,
		.arg = &told,
	};
	struct tw_mrt *mrt = tw_mrt_create(&handler);
	size_t taken = 0, given = 0;

	assert_non_null(mrt);
	told.size = 0;
	told.text[0] = '\0';
	while (given < stream.size) {
		size_t n;

		given = given + piece < stream.size ? given + piece : stream.size;
		n = given - taken;
		taken += tw_mrt_feed(mrt, tw_guard_lay(stream.data + taken, n), n);
		assert_true(taken <= given);
	}
	counts = *tw_mrt_counts(mrt);
	assert_int_equal(counts.bytes, taken);
	cut = tw_mrt_is_cut(mrt, given - taken, &cut_record, &cut_offset);
	tw_mrt_free(mrt);
}

static void expect_wanted(bool (*wants)(void *, const struct tw_prefix *), const char *expected)
{
	read_stream(wants, 1);
	assert_string_equal(told.text, expected);
	read_stream(wants, stream.size);
	assert_string_equal(told.text, expected);
}

static void expect(const char *expected)
{
	expect_wanted(NULL, expected);
}

/* The stream so far, a record that is malformed, and a good one behind it. */
static void expect_malformed(const char *why)
{
	char expected[512];
	size_t size = stream.size;
	unsigned int n;

	read_stream(NULL, stream.size);
	assert_int_equal(counts.malformed, 1);
	n = (unsigned int)counts.records;
	put_record(&stream, 16, 5, SESSION_AS4 "0006 0001");
	read_stream(NULL, stream.size);
	assert_int_equal(counts.malformed, 1);
	assert_int_equal(counts.records, n + 1);
	snprintf(expected, sizeof(expected), ": %s\n1000.000000 192.0.2.1 64500 down", why);
	if (strstr(told.text, expected) == NULL)
		fail_msg("told: %s", told.text);
	stream.size = size;
}

static void table_of_version_2(void **state)
{
	stream.size = 0;
	put_record(&stream, 13, 1, PEERS);
	put_record(&stream, 13, 2,
		"00000000 08 0a 0002" ENTRY("0000", "00000001") ENTRY("0001", "00000002"));
	put_record(&stream, 13, 4, "00000001 20 20010db8 0001" ENTRY("0001", "00000003"));
	put_record(&stream, 13, 2, "00000002 00 0000");
	expect("1000.000000 192.0.2.1 64500 +10.0.0.0/8[1]\n"
	       "1000.000000 2001:db8::1 4200000000 +10.0.0.0/8[2]\n"
	       "1000.000000 2001:db8::1 4200000000 +2001:db8::/32[3]");
	assert_int_equal(counts.records, 4);
	assert_int_equal(counts.tables, 3);
	assert_int_equal(counts.routes, 3);
	assert_int_equal(counts.wanted, 3);
	assert_int_equal(counts.malformed, 0);
	assert_int_equal(counts.first_time, 1000);
	assert_int_equal(counts.last_time, 1000);
	assert_false(cut);
}

static void asns_of_4_octets_whatever_the_peer_has(void **state)
{
	stream.size = 0;
	put_record(&stream, 13, 1, PEERS);
	put_record(&stream, 13, 2, "00000000 08 0a 0001 0000 5a497a00 000d" PATH);
	expect("1000.000000 192.0.2.1 64500 +10.0.0.0/8[64500 64501]");
}

static void path_identifiers(void **state)
{
	stream.size = 0;
	put_record(&stream, 13, 1, PEERS);
	put_record(&stream, 13, 8,
		"00000000 08 0a 0002 0000 5a497a00 00000007 0009 40 02 06 02 01 00000001"
		"0000 5a497a00 00000008 0009 40 02 06 02 01 00000002");
	put_record(&stream, 13, 10,
		"00000001 00 0001 0001 5a497a00 ffffffff 0009 40 02 06 02 01 00000003");
	expect("1000.000000 192.0.2.1 64500 +10.0.0.0/8#7[1]\n"
	       "1000.000000 192.0.2.1 64500 +10.0.0.0/8#8[2]\n"
	       "1000.000000 2001:db8::1 4200000000 +::/0#4294967295[3]");
}

static void both_forms_of_mp_reach_nlri(void **state)
{
	stream.size = 0;
	put_record(&stream, 13, 1, PEERS);
	/* abbreviated: the next hop alone (RFC 6396 section 4.3.4) */
	put_record(&stream, 13, 4,
		"00000000 08 fd 0001 0001 5a497a00 001d"
		"80 0e 11 10 20010db8000000000000000000000001 40 02 06 02 01 00000001");
	/* in full */
	put_record(&stream, 13, 4,
		"00000000 08 fd 0001 0001 5a497a00 0023 80 0e 17 0002 01 10"
		"20010db8000000000000000000000001 00 08 fd 40 02 06 02 01 00000002");
	expect("1000.000000 2001:db8::1 4200000000 +fd00::/8[1]\n"
	       "1000.000000 2001:db8::1 4200000000 +fd00::/8[2]");
}

static void several_tables_of_peers(void **state)
{
	stream.size = 0;
	put_record(&stream, 13, 1, PEERS);
	put_record(&stream, 13, 2, "00000000 08 0a 0001" ENTRY("0000", "00000001"));
	put_record(&stream, 13, 1, "0a0000fe 0000 0001 02 0a000001 c6336401 00000009");
	put_record(&stream, 13, 2, "00000000 08 0a 0001" ENTRY("0000", "00000002"));
	put_record(&stream, 13, 2, "00000001 08 0b 0001" ENTRY("0001", "00000003"));
	expect("1000.000000 192.0.2.1 64500 +10.0.0.0/8[1]\n"
	       "1000.000000 198.51.100.1 9 +10.0.0.0/8[2]\n"
	       "record 5 at 167: an entry of a peer that the PEER_INDEX_TABLE does not have");
}

static void no_table_of_peers(void **state)
{
	stream.size = 0;
	put_record(&stream, 13, 2, "00000000 08 0a 0001" ENTRY("0000", "00000001"));
	expect_malformed("RIB record without a good PEER_INDEX_TABLE before it");
	/* one that is malformed is none, also where a good one was before it */
	stream.size = 0;
	put_record(&stream, 13, 1, PEERS);
	put_record(&stream, 13, 1, "0a0000fe 0000 0001 02 0a000001 c6336401 000000");
	put_record(&stream, 13, 2, "00000000 08 0a 0001" ENTRY("0000", "00000002"));
	expect("record 2 at 60: PEER_INDEX_TABLE is cut\n"
	       "record 3 at 92: RIB record without a good PEER_INDEX_TABLE before it");
}

static void routes_that_are_not_of_bgp(void **state)
{
	stream.size = 0;
	put_record(&stream, 13, 1, "0a0000fe 0000 0001 00 0a000001 00000000 0000");
	put_record(&stream, 13, 2, "00000000 08 0a 0001 0000 5a497a00 0004 40010100");
	put_record(&stream, 13, 2, "00000001 08 0b 0001 0000 5a497a00 0000");
	/* a path of nothing is a path */
	put_record(&stream, 13, 2, "00000002 08 0c 0001 0000 5a497a00 0003 400200");
	expect("1000.000000 0.0.0.0 0 +12.0.0.0/8[]");
	assert_int_equal(counts.pathless, 2);
	assert_int_equal(counts.malformed, 0);
	assert_int_equal(counts.wanted, 1);
	assert_int_equal(counts.routes, 3);
}

static void table_of_version_1(void **state)
{
	stream.size = 0;
	put_record(&stream, 12, 1, "0000 0001 0aff0000 09 01 5a497a00 c0000201 fbf4 0009" OLD_PATH);
	put_record(&stream, 12, 2,
		"0000 0002 20010db8000000000000000000000000 20 01 5a497a00 "
		"20010db8000000000000000000000001 fbf5 0012" OLD_PATH "c0 11 06 02 01 000200cf");
	expect("1000.000000 192.0.2.1 64500 +10.128.0.0/9[64500 64501]\n"
	       "1000.000000 2001:db8::1 64501 +2001:db8::/32[64500 131279]");
	assert_int_equal(counts.tables, 2);
	assert_int_equal(counts.routes, 2);
}

static void put_message(unsigned int type, unsigned int subtype, const char *session,
	const char *withdrawn, const char *attributes, const char *nlri)
{
	size_t opened = open_record(&stream, type, subtype, session);

	put_update(&stream, withdrawn, attributes, nlri);
	close_length(&stream, opened, 4);
}

static void messages(void **state)
{
	stream.size = 0;
	put_message(16, 1, SESSION_AS2, "08 0a", OLD_PATH, "08 0b");
	put_message(16, 4, SESSION_AS4, "08 0a", PATH, "08 0b");
	put_message(16, 8, SESSION_AS2, "00000001 08 0a", OLD_PATH, "00000002 08 0b");
	put_message(16, 9, SESSION_AS4, "00000001 08 0a", PATH, "00000002 08 0b");
	put_message(17, 4, "0001e240" SESSION_AS4, "08 0c", "", "");
	put_message(16, 4,
		"fa56ea00 0000fde7 0000 0002 20010db8000000000000000000000001 "
		"20010db80000000000000000000000fe",
		"08 0c", "", "");
	expect("1000.000000 192.0.2.1 64500 -10.0.0.0/8\n"
	       "1000.000000 192.0.2.1 64500 +11.0.0.0/8[64500 64501]\n"
	       "1000.000000 192.0.2.1 64500 -10.0.0.0/8\n"
	       "1000.000000 192.0.2.1 64500 +11.0.0.0/8[64500 64501]\n"
	       "1000.000000 192.0.2.1 64500 -10.0.0.0/8#1\n"
	       "1000.000000 192.0.2.1 64500 +11.0.0.0/8#2[64500 64501]\n"
	       "1000.000000 192.0.2.1 64500 -10.0.0.0/8#1\n"
	       "1000.000000 192.0.2.1 64500 +11.0.0.0/8#2[64500 64501]\n"
	       "1000.123456 192.0.2.1 64500 -12.0.0.0/8\n"
	       "1000.000000 2001:db8::1 4200000000 -12.0.0.0/8");
	assert_int_equal(counts.messages, 6);
	assert_int_equal(counts.routes, 10);
	assert_int_equal(counts.wanted, 10);
	assert_int_equal(counts.guessed, 0);
}

static void path_identifiers_that_no_subtype_tells(void **state)
{
	stream.size = 0;
	put_message(16, 4, SESSION_AS4, "", PATH, "00000002 18 ac1100 00000002 18 ac1101");
	expect("1000.000000 192.0.2.1 64500 +172.17.0.0/24#2[64500 64501]\n"
	       "1000.000000 192.0.2.1 64500 +172.17.1.0/24#2[64500 64501]");
	assert_int_equal(counts.guessed, 1);
	assert_int_equal(counts.messages, 1);
	assert_int_equal(counts.malformed, 0);
}

static void states(void **state)
{
	stream.size = 0;
	put_record(&stream, 16, 0, SESSION_AS2 "0006 0001");
	put_record(&stream, 16, 5, SESSION_AS4 "0005 0006");
	put_record(&stream, 16, 5, SESSION_AS4 "0006 0006");
	put_record(&stream, 16, 5, SESSION_AS4 "0003 0001");
	put_record(&stream, 17, 5, "000f423f" SESSION_AS4 "0006 0002");
	expect("1000.000000 192.0.2.1 64500 down\n1000.999999 192.0.2.1 64500 down");
	assert_int_equal(counts.states, 5);
}

static void what_is_skipped_is_counted(void **state)
{
	static const unsigned int generic[] = {3, 5, 6, 9, 11, 12};

	stream.size = 0;
	for (unsigned int i = 0; i < 6; i++)
		put_record(&stream, 13, generic[i], "00");
	put_record(&stream, 13, 7, "00"); /* GEO_PEER_TABLE (RFC 6397) */
	put_record(&stream, 12, 3, "00");
	put_record(&stream, 16, 2, "00"); /* ENTRY */
	put_record(&stream, 16, 3, "00"); /* SNAPSHOT */
	put_record(&stream, 16, 12, "00");
	put_record(&stream, 16, 0xffff, "00");
	put_record(&stream, 11, 0, "00"); /* OSPFv2 */
	put_record(&stream, 0xffff, 0, "");
	for (unsigned int subtype = 6; subtype < 12; subtype++) {
		if (subtype != 8 && subtype != 9)
			put_message(16, subtype, SESSION_AS4, "08 0a", "", "");
	}
	expect("");
	assert_int_equal(counts.generic, 6);
	assert_int_equal(counts.unknown, 8);
	assert_int_equal(counts.local, 4);
	assert_int_equal(counts.malformed, 0);
	assert_int_equal(counts.records, 18);
	assert_int_equal(counts.first_time, 0);
}

static void only_what_is_wanted(void **state)
{
	stream.size = 0;
	put_record(&stream, 13, 1, PEERS);
	put_record(&stream, 13, 2,
		"00000000 08 0a 0002" ENTRY("0000", "00000001") ENTRY("0001", "00000002"));
	put_record(&stream, 13, 2,
		"00000000 08 0b 0002" ENTRY("0000", "00000001") ENTRY("0001", "00000002"));
	put_record(&stream, 12, 1, "0000 0001 0a000000 08 01 5a497a00 c0000201 fbf4 0009" OLD_PATH);
	put_record(&stream, 12, 1, "0000 0001 0b000000 08 01 5a497a00 c0000201 fbf4 0009" OLD_PATH);
	put_message(16, 4, SESSION_AS4, "08 0a 08 0b", "", "");
	expect_wanted(wants_odd, "1000.000000 192.0.2.1 64500 +11.0.0.0/8[1]\n"
				 "1000.000000 2001:db8::1 4200000000 +11.0.0.0/8[2]\n"
				 "1000.000000 192.0.2.1 64500 +11.0.0.0/8[64500 64501]\n"
				 "1000.000000 192.0.2.1 64500 -11.0.0.0/8");
	assert_int_equal(counts.routes, 8);
	assert_int_equal(counts.wanted, 4);
}

static void a_bad_entry_leaves_the_others(void **state)
{
	stream.size = 0;
	put_record(&stream, 13, 1, PEERS);
	put_record(&stream, 13, 2,
		"00000000 08 0a 0004" ENTRY("0000",
			"00000001") "0000 5a497a00 0009 40 02 06 09 01 00000001" ENTRY("0007",
			"00000002") ENTRY("0001", "00000003"));
	expect("1000.000000 192.0.2.1 64500 +10.0.0.0/8[1]\n"
	       "1000.000000 2001:db8::1 4200000000 +10.0.0.0/8[3]\n"
	       "record 2 at 60: AS_PATH has a segment of unknown type");
	assert_int_equal(counts.malformed, 1);
}

static void malformed_tables(void **state)
{
	static const char *const peers[] = {"", "0a0000fe 00", "0a0000fe 0004 766965",
		"0a0000fe 0000 00", "0a0000fe 0000 0001 02 0a000001 c6336401 000000",
		"0a0000fe 0000 0002 00 0a000001 c6336401 0009", "0a0000fe 0000 ffff"};
	static const char entries[] = "RIB record whose entries do not fill it";

	for (unsigned int i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		stream.size = 0;
		put_record(&stream, 13, 1, peers[i]);
		expect_malformed("PEER_INDEX_TABLE is cut");
	}
	stream.size = 0;
	put_record(&stream, 13, 1, PEERS "00");
	expect_malformed("PEER_INDEX_TABLE is longer than its peers");

#define EXPECT_BAD_RIB(subtype, hex, why)              \
	do {                                           \
		stream.size = 0;                       \
		put_record(&stream, 13, 1, PEERS);     \
		put_record(&stream, 13, subtype, hex); \
		expect_malformed(why);                 \
	} while (0)
	EXPECT_BAD_RIB(2, "", "RIB record whose prefix is cut, or longer than an address");
	EXPECT_BAD_RIB(2, "00000000 21 0a00000000 0000",
		"RIB record whose prefix is cut, or longer than an address");
	EXPECT_BAD_RIB(4, "00000000 81 0a00000000 0000",
		"RIB record whose prefix is cut, or longer than an address");
	EXPECT_BAD_RIB(2, "00000000 08 0a 00", "RIB record is cut");
	EXPECT_BAD_RIB(2, "00000000 08 0a 0001", entries);
	EXPECT_BAD_RIB(2, "00000000 08 0a 0001 0000 5a497a00 0001", entries);
	EXPECT_BAD_RIB(2, "00000000 08 0a 0002" ENTRY("0000", "00000001"), entries);
	EXPECT_BAD_RIB(2, "00000000 08 0a 0001" ENTRY("0000", "00000001") "00", entries);
	EXPECT_BAD_RIB(8, "00000000 08 0a 0001" ENTRY("0000", "00000001"), entries);
	EXPECT_BAD_RIB(2, "00000000 08 0a 0001" ENTRY("0002", "00000001"),
		"an entry of a peer that the PEER_INDEX_TABLE does not have");
	EXPECT_BAD_RIB(
		2, "00000000 08 0a 0001 0000 5a497a00 0003 400201", "a path attribute is cut");
#undef EXPECT_BAD_RIB

	stream.size = 0;
	put_record(&stream, 12, 1, "0000 0001 0a000000 08 01 5a497a00 c0000201 fbf4 000a" OLD_PATH);
	expect_malformed("TABLE_DUMP record is cut");
	stream.size = 0;
	put_record(&stream, 12, 1, "0000 0001 0a000000 21 01 5a497a00 c0000201 fbf4 0009" OLD_PATH);
	expect_malformed("TABLE_DUMP record with a prefix longer than an address");
	stream.size = 0;
	put_record(&stream, 12, 1, "0000 0001 0a000000 08 01 5a497a00 c0000201 fbf4 000d" PATH);
	expect_malformed("AS_PATH has a segment of unknown type");
}

static void malformed_messages(void **state)
{
	stream.size = 0;
	put_record(&stream, 16, 4, "0000fbf4 0000fde7 0000");
	expect_malformed("BGP4MP record is cut");
	stream.size = 0;
	put_record(&stream, 16, 4, "0000fbf4 0000fde7 0000 0001 c0000201 c00002");
	expect_malformed("BGP4MP record is cut");
	stream.size = 0;
	put_record(&stream, 16, 4, "0000fbf4 0000fde7 0000 0003 c0000201 c00002fe");
	expect_malformed("BGP4MP record of addresses neither IPv4 nor IPv6");
	stream.size = 0;
	put_record(&stream, 16, 4, SESSION_AS4 "ffff");
	expect_malformed("BGP message without a whole header");
	stream.size = 0;
	put_record(&stream, 16, 5, SESSION_AS4 "0006 00");
	expect_malformed("STATE_CHANGE is cut");
	stream.size = 0;
	put_record(&stream, 17, 5, "000f4240" SESSION_AS4 "0006 0001");
	expect_malformed("BGP4MP_ET record without microseconds below a second");
	stream.size = 0;
	put_record(&stream, 17, 5, "000f42");
	expect_malformed("BGP4MP_ET record without microseconds below a second");
	stream.size = 0;
	put_message(16, 4, SESSION_AS4, "", OLD_PATH, "08 0a");
	expect_malformed("AS_PATH ends within a segment");
	stream.size = 0;
	put_message(16, 9, SESSION_AS4, "", PATH, "000000 08 0a");
	expect_malformed("a prefix is cut, or longer than an address");
}

static void a_cut_stream_says_where(void **state)
{
	size_t whole;

	stream.size = 0;
	put_record(&stream, 16, 5, SESSION_AS4 "0006 0001");
	whole = stream.size;
	put_record(&stream, 16, 5, SESSION_AS4 "0006 0001");
	for (stream.size--; stream.size > whole; stream.size--) {
		expect("1000.000000 192.0.2.1 64500 down");
		assert_true(cut);
		assert_int_equal(cut_record, 2);
		assert_int_equal(cut_offset, whole);
	}
	read_stream(NULL, stream.size);
	assert_false(cut);
}

static void times(void **state)
{
	stream.size = 0;
	put_record(&stream, 16, 5, SESSION_AS4 "0006 0001");
	put_record(&stream, 16, 5, SESSION_AS4 "0006 0001");
	put_record(&stream, 16, 2, "00");
	put_record(&stream, 16, 4, "00");
	stream.data[3] = 0x10; /* the first is of second 784, records that are not read of 1 */
	memcpy(stream.data + 72, (const uint8_t[]){0, 0, 0, 1}, 4);
	memcpy(stream.data + 85, (const uint8_t[]){0, 0, 0, 1}, 4);
	read_stream(NULL, stream.size);
	assert_int_equal(counts.unknown, 1);
	assert_int_equal(counts.malformed, 1);
	assert_int_equal(counts.first_time, 0x310);
	assert_int_equal(counts.last_time, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_of_version_2),
		cmocka_unit_test(asns_of_4_octets_whatever_the_peer_has),
		cmocka_unit_test(path_identifiers),
		cmocka_unit_test(both_forms_of_mp_reach_nlri),
		cmocka_unit_test(several_tables_of_peers),
		cmocka_unit_test(no_table_of_peers),
		cmocka_unit_test(routes_that_are_not_of_bgp),
		cmocka_unit_test(table_of_version_1),
		cmocka_unit_test(messages),
		cmocka_unit_test(path_identifiers_that_no_subtype_tells),
		cmocka_unit_test(states),
		cmocka_unit_test(what_is_skipped_is_counted),
		cmocka_unit_test(only_what_is_wanted),
		cmocka_unit_test(a_bad_entry_leaves_the_others),
		cmocka_unit_test(malformed_tables),
		cmocka_unit_test(malformed_messages),
		cmocka_unit_test(a_cut_stream_says_where),
		cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
