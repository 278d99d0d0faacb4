/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * IP and transport on frames made by hand: lengths that lie or are zero, jumbograms, fragments, padding, headers
 * that the frame cuts.
 */

#include "tw_test_parse.h"

static void short_capture_ends_with_the_addresses(void **state)
{
	(void)state;
	assert_int_equal(parse_cut(ETH("0800") IP4_UDP, 33), TW_VERDICT_MALFORMED);
	assert_int_equal(packet.malformed, TW_BAD_SHORT_CAPTURE);
	assert_int_equal(parse_cut(ETH("0800") IP4_UDP, 34), TW_VERDICT_IP);
	assert_int_equal(packet.bytes, 28);
	assert_int_equal(packet.transport.protocol, 17);
	assert_int_equal(packet.transport.port_src, 0);
	assert_int_equal(packet.transport.port_dst, 0);
	assert_int_equal(parse_cut(ETH("86dd") IP6_UDP, 53), TW_VERDICT_MALFORMED);
	assert_int_equal(packet.malformed, TW_BAD_SHORT_CAPTURE);
	assert_int_equal(parse_cut(ETH("86dd") IP6_UDP, 54), TW_VERDICT_IP);
	assert_int_equal(packet.bytes, 48);
}

static void version_must_agree_with_the_link(void **state)
{
	(void)state;
	expect_bad(ETH("0800") IP6_UDP, TW_BAD_IP_VERSION);
	expect_bad(ETH("86dd") IP4_UDP "000000000000000000000000000000000000000000",
		TW_BAD_IP_VERSION);
	link_type = TW_LINK_RAW_IPV4;
	expect_bad(IP6_UDP, TW_BAD_IP_VERSION);
	link_type = TW_LINK_RAW_IP;
	expect_bad("55" IP6_UDP, TW_BAD_IP_VERSION);
	link_type = TW_LINK_NULL;
	expect_bad(
		"0000001e" IP4_UDP "000000000000000000000000000000000000000000", TW_BAD_IP_VERSION);
}

static void ipv4_header_length_below_20_or_beyond_the_frame(void **state)
{
	(void)state;
	expect_bad(
		ETH("0800") "44 00 001c 0000 0000 40 11 0000 " ADDRESSES4 UDP, TW_BAD_IPV4_HEADER);
	expect_bad(
		ETH("0800") "40 00 001c 0000 0000 40 11 0000 " ADDRESSES4 UDP, TW_BAD_IPV4_HEADER);
	expect_bad(
		ETH("0800") "4f 00 003c 0000 0000 40 11 0000 " ADDRESSES4 UDP, TW_BAD_IPV4_HEADER);
	expect_bad(
		ETH("0800") "45 00 001c 0000 0000 40 11 0000 c0000201 c63364", TW_BAD_IPV4_HEADER);
	expect_bad(ETH("0800"), TW_BAD_IPV4_HEADER);
}

static void ipv4_total_length_that_lies(void **state)
{
	(void)state;
	expect_bad(ETH("0800") IP4_HEADER("0013", "11") UDP, TW_BAD_IPV4_LENGTH);
	expect_bad(ETH("0800") IP4_HEADER("0001", "11") UDP, TW_BAD_IPV4_LENGTH);
	expect_bad(ETH("0800") IP4_HEADER("001d", "11") UDP, TW_BAD_IPV4_LENGTH);
	expect_bad(ETH("0800") IP4_HEADER("ffff", "11") UDP, TW_BAD_IPV4_LENGTH);
	/* Below the header with its options, though not below 20. */
	expect_bad(ETH("0800") "46 00 0016 0000 0000 40 11 0000 " ADDRESSES4 "01010101" UDP,
		TW_BAD_IPV4_LENGTH);
}

static void ipv4_total_length_zero_is_the_frame(void **state)
{
	(void)state;
	expect_ip(ETH("0800") IP4_HEADER("0000", "06") TCP "00000000", 4, 44);
	assert_int_equal(packet.transport.port_dst, 80);
	assert_int_equal(
		parse_cut(ETH("0800") IP4_HEADER("0000", "06") TCP "00000000", 34), TW_VERDICT_IP);
	assert_int_equal(packet.bytes, 44);
	/* The frame's own length may be beyond what the field could hold. */
	{
		uint8_t data[64];
		uint32_t n = (uint32_t)unhex(
			ETH("0800") IP4_HEADER("0000", "06") TCP, data, sizeof(data));

		assert_int_equal(parse_bytes(data, n, 14 + 100000), TW_VERDICT_IP);
		assert_int_equal(packet.bytes, 100000);
	}
	/* Inside PPPoE, the frame is what PPPoE says. */
	expect_ip(
		ETH("8864") "1100 0001 001e 0021 " IP4_HEADER("0000", "11") UDP "00000000", 4, 28);
}

static void ipv6_header_cut(void **state)
{
	(void)state;
	expect_bad(ETH("86dd"), TW_BAD_IPV6_HEADER);
	expect_bad(ETH("86dd") "60000000 0000 11 40 20010db8000000000000000000000001 "
			       "20010db80000000000000000000000",
		TW_BAD_IPV6_HEADER);
}

static void ipv6_payload_length_that_lies(void **state)
{
	(void)state;
	expect_bad(ETH("86dd") IP6_HEADER("0009", "11") UDP, TW_BAD_IPV6_LENGTH);
	expect_bad(ETH("86dd") IP6_HEADER("ffff", "11") UDP, TW_BAD_IPV6_LENGTH);
}

static void ipv6_payload_length_zero_is_the_frame(void **state)
{
	uint8_t data[128];
	uint32_t n = (uint32_t)unhex(ETH("86dd") IP6_HEADER("0000", "06") TCP, data, sizeof(data));

	(void)state;
	expect_ip(ETH("86dd") IP6_HEADER("0000", "06") TCP "00000000", 6, 64);
	assert_int_equal(packet.transport.port_dst, 80);
	assert_int_equal(parse_bytes(data, n, 14 + 40 + 90000), TW_VERDICT_IP);
	assert_int_equal(packet.bytes, 90040);
	/* Nothing behind the header: no next header, honestly empty. */
	expect_ip(ETH("86dd") IP6_HEADER("0000", "3b"), 6, 40);
}

#define JUMBO(length) IP6_HEADER("0000", "00") "11 00 c2 04 " length " " UDP

static void jumbo_payload_length_counts(void **state)
{
	static uint8_t data[14 + 40 + 70000];
	uint32_t n = (uint32_t)unhex(ETH("86dd") JUMBO("00011170"), data, sizeof(data));

	(void)state;
	assert_int_equal(parse_bytes(data, sizeof(data), sizeof(data)), TW_VERDICT_IP);
	assert_int_equal(packet.bytes, 70040);
	assert_int_equal(packet.transport.port_dst, 53);
	assert_int_equal(
		parse_bytes(data, n, sizeof(data) + 4), TW_VERDICT_IP); /* padding behind it */
	assert_int_equal(packet.bytes, 70040);
	/* One octet longer than the frame. */
	assert_int_equal(parse_bytes(data, n, sizeof(data) - 1), TW_VERDICT_MALFORMED);
	assert_int_equal(packet.malformed, TW_BAD_IPV6_LENGTH);
}

static void jumbo_payload_length_that_fits_16_bits_is_absurd(void **state)
{
	static uint8_t data[14 + 40 + 70000];

	(void)state;
	expect_bad(ETH("86dd") JUMBO("00000010"), TW_BAD_IPV6_LENGTH);
	unhex(ETH("86dd") JUMBO("0000ffff"), data, sizeof(data));
	assert_int_equal(parse_bytes(data, sizeof(data), sizeof(data)), TW_VERDICT_MALFORMED);
	assert_int_equal(packet.malformed, TW_BAD_IPV6_LENGTH);
	expect_bad(ETH("86dd") JUMBO("ffffffff"), TW_BAD_IPV6_LENGTH);
}

static void jumbo_option_behind_others(void **state)
{
	static uint8_t data[14 + 40 + 70000];

	(void)state;
	unhex(ETH("86dd") IP6_HEADER("0000", "00") "11 01 00 01 02 c204 c2 04 00011170 000000 " UDP,
		data, sizeof(data));
	/* Padding tells the option's length from the frame's own. */
	assert_int_equal(parse_bytes(data, sizeof(data), sizeof(data) + 8), TW_VERDICT_IP);
	assert_int_equal(packet.bytes, 70040);
}

static void jumbo_option_beside_a_payload_length_is_not_read(void **state)
{
	(void)state;
	expect_ip(ETH("86dd") IP6_HEADER("0010", "00") "11 00 c2 04 00011170 " UDP, 6, 56);
}

static void extension_header_beyond_the_packet(void **state)
{
	(void)state;
	expect_bad(ETH("86dd") IP6_HEADER("0008", "00") "11 01 01 04 00000000 ",
		TW_BAD_IPV6_EXTENSION);
	expect_bad(ETH("86dd") IP6_HEADER("0004", "3c") "11 00 01 04 ", TW_BAD_IPV6_EXTENSION);
	expect_bad(
		ETH("86dd") IP6_HEADER("0008", "33") "11 04 0000 00000000 ", TW_BAD_IPV6_EXTENSION);
	expect_bad(ETH("86dd") IP6_HEADER("0004", "2c") "11 00 0001 ", TW_BAD_IPV6_EXTENSION);
	/* The frame goes on, the packet does not. */
	expect_bad(ETH("86dd") IP6_HEADER("0008", "2b") "11 01 01 04 00000000 " UDP,
		TW_BAD_IPV6_EXTENSION);
}

static void extension_headers_are_bounded(void **state)
{
	char text[2048] = ETH("86dd") IP6_HEADER("0190", "3c");

	(void)state;
	for (int i = 0; i < 50; i++)
		strcat(text, "3c 00 01 04 00000000 ");
	expect_ip(text, 6, 440);
	assert_int_equal(packet.transport.port_src, 0);
}

static void transport_header_beyond_the_packet(void **state)
{
	(void)state;
	expect_bad(ETH("0800") IP4_HEADER("0014", "11"), TW_BAD_TRANSPORT);
	expect_bad(ETH("0800") IP4_HEADER("0017", "06") "123400", TW_BAD_TRANSPORT);
	expect_bad(ETH("0800") IP4_HEADER("0015", "01") "08", TW_BAD_TRANSPORT);
	expect_bad(ETH("86dd") IP6_HEADER("0001", "3a") "80", TW_BAD_TRANSPORT);
	expect_bad(ETH("86dd") IP6_HEADER("0003", "84") "123400", TW_BAD_TRANSPORT);
	/* The frame goes on with padding; that is no header. */
	expect_bad(ETH("0800") IP4_HEADER("0014", "11") UDP, TW_BAD_TRANSPORT);
	/* A protocol without ports may be empty. */
	expect_ip(ETH("0800") IP4_HEADER("0014", "fd"), 4, 20);
}

static void tiny_first_fragment_is_no_lie(void **state)
{
	(void)state;
	expect_ip(ETH("0800") "45 00 001c 0001 2000 40 06 0000 " ADDRESSES4 "1234 0050 00000001", 4,
		28);
	assert_int_equal(packet.transport.port_dst, 80);
	assert_int_equal(packet.transport.flags, 0);
	expect_ip(ETH("86dd") IP6_HEADER("0010", "2c") "06 00 0001 00000007 1234 0050 00000001", 6,
		56);
	assert_int_equal(packet.transport.port_src, 0x1234);
}

static void later_fragment_has_no_ports_and_no_flow(void **state)
{
	(void)state;
	expect_ip(ETH("0800") "45 00 001c 0001 0001 40 11 0000 " ADDRESSES4 UDP, 4, 28);
	assert_int_equal(packet.transport.flags, TW_PACKET_NO_FLOW);
	assert_int_equal(packet.transport.port_dst, 0);
	/* Too short for any header: the rest of one. */
	expect_ip(ETH("0800") "45 00 0015 0001 0001 40 06 0000 " ADDRESSES4 "00", 4, 21);
	expect_ip(ETH("86dd") IP6_HEADER("0009", "2c") "06 00 0008 00000007 00", 6, 49);
	assert_int_equal(packet.transport.flags, TW_PACKET_NO_FLOW);
}

static void padding_and_fcs_do_not_count(void **state)
{
	(void)state;
	expect_ip(ETH("0800") IP4_UDP "0000000000000000000000000000000000000000 deadbeef", 4, 28);
	expect_ip(ETH("86dd") IP6_UDP "deadbeef", 6, 48);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(short_capture_ends_with_the_addresses),
		CASE(version_must_agree_with_the_link),
		CASE(ipv4_header_length_below_20_or_beyond_the_frame),
		CASE(ipv4_total_length_that_lies),
		CASE(ipv4_total_length_zero_is_the_frame),
		CASE(ipv6_header_cut),
		CASE(ipv6_payload_length_that_lies),
		CASE(ipv6_payload_length_zero_is_the_frame),
		CASE(jumbo_payload_length_counts),
		CASE(jumbo_payload_length_that_fits_16_bits_is_absurd),
		CASE(jumbo_option_behind_others),
		CASE(jumbo_option_beside_a_payload_length_is_not_read),
		CASE(extension_header_beyond_the_packet),
		CASE(extension_headers_are_bounded),
		CASE(transport_header_beyond_the_packet),
		CASE(tiny_first_fragment_is_no_lie),
		CASE(later_fragment_has_no_ports_and_no_flow),
		CASE(padding_and_fcs_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
