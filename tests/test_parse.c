/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Links, tags, labels and tunnels on frames made by hand: cut headers, stacks one deeper than allowed, what is
 * not IP. IP itself is test_parse_ip's part, whole packets of every kind are test_parse_scapy's.
 */

#include "tw_test_parse.h"

static void reasons_have_distinct_names(void **state)
{
	(void)state;
	for (int i = 0; i < TW_BAD_MAX; i++) {
		assert_non_null(tw_malformed_name(i));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(tw_malformed_name(i), tw_malformed_name(j));
	}
}

static void every_field_of_a_plain_packet(void **state)
{
	(void)state;
	expect_ip(ETH("0800") IP4_UDP, 4, 28);
	assert_int_equal(packet.link.mac_dst, 0x020000000002);
	assert_int_equal(packet.link.mac_src, 0x020000000001);
	assert_int_equal(packet.link.port, 3);
	for (int i = 0; i < TW_VLAN_MAX; i++)
		assert_int_equal(packet.link.vlan[i], TW_VLAN_NONE);
	assert_int_equal(packet.transport.protocol, 17);
	assert_int_equal(packet.transport.port_src, 0x1234);
	assert_int_equal(packet.transport.port_dst, 53);
	assert_int_equal(packet.transport.flags, 0);
}

static void nothing_captured_is_a_short_capture(void **state)
{
	(void)state;
	for (link_type = TW_LINK_ETHERNET; link_type <= TW_LINK_PPPOE; link_type++) {
		assert_int_equal(parse_cut(ETH("0800") IP4_UDP, 0), TW_VERDICT_MALFORMED);
		assert_int_equal(packet.malformed, TW_BAD_SHORT_CAPTURE);
	}
}

static void cut_link_headers_are_link(void **state)
{
	(void)state;
	expect_bad("", TW_BAD_LINK);
	expect_bad(MACS "08", TW_BAD_LINK);
	expect_bad(ETH("8100") "0064 08", TW_BAD_LINK);
	expect_bad(ETH("8847") "0000 40", TW_BAD_LINK);
	expect_bad(ETH("8847") "000040ff", TW_BAD_LINK);
	expect_bad(ETH("8864") "1100 0001 00", TW_BAD_LINK);
	link_type = TW_LINK_SLL;
	expect_bad("0000 0001 0006 0200000000010000 08", TW_BAD_LINK);
	link_type = TW_LINK_SLL2;
	expect_bad("0800 0000 00000003 0001 00 06 020000000001 00", TW_BAD_LINK);
	link_type = TW_LINK_NULL;
	expect_bad("020000", TW_BAD_LINK);
	link_type = TW_LINK_PPP;
	expect_bad("ff03 00", TW_BAD_LINK);
}

static void pppoe_length_beyond_the_frame_lies(void **state)
{
	(void)state;
	expect_ip(ETH("8864") "1100 0001 001e 0021 " IP4_UDP, 4, 28);
	expect_bad(ETH("8864") "1100 0001 001f 0021 " IP4_UDP, TW_BAD_PPPOE_LENGTH);
	expect_bad(ETH("8864") "1100 0001 ffff 0021 " IP4_UDP, TW_BAD_PPPOE_LENGTH);
}

static void pppoe_length_bounds_the_packet_inside(void **state)
{
	(void)state;
	expect_bad(ETH("8864") "1100 0001 001d 0021 " IP4_UDP, TW_BAD_IPV4_LENGTH);
	expect_bad(ETH("8864") "1100 0001 0031 0057 " IP6_UDP, TW_BAD_IPV6_LENGTH);
	expect_bad(ETH("8864") "1100 0001 0000 0021 " IP4_UDP, TW_BAD_LINK);
	/* What lies behind the PPPoE payload is Ethernet padding. */
	expect_ip(ETH("8864") "1100 0001 001e 0021 " IP4_UDP "0000000000000000", 4, 28);
}

static void pppoe_discovery_and_control_are_not_ip(void **state)
{
	(void)state;
	expect_not_ip(ETH("8863") "1109 0000 0004 0101 0000");
	expect_not_ip(ETH("8864") "1100 0001 0006 c021 01010004");
}

static void five_tags_are_not_ip(void **state)
{
	(void)state;
	expect_ip(ETH("88a8") "0064 8100 e065 9100 0066 8100 0067 0800" IP4_UDP, 4, 28);
	assert_int_equal(packet.link.vlan[0], 100);
	assert_int_equal(packet.link.vlan[1], 101);
	assert_int_equal(packet.link.vlan[2], 102);
	assert_int_equal(packet.link.vlan[3], 103);
	expect_not_ip(ETH("88a8") "0064 8100 0065 9100 0066 8100 0067 8100 0068 0800" IP4_UDP);
}

static void stripped_tag_is_the_outermost(void **state)
{
	(void)state;
	vlan_stripped = 0xe0c8; /* with a priority: 12 bits count */
	expect_ip(ETH("8100") "0064 0800" IP4_UDP, 4, 28);
	assert_int_equal(packet.link.vlan[0], 200);
	assert_int_equal(packet.link.vlan[1], 100);
	assert_int_equal(packet.link.vlan[2], TW_VLAN_NONE);
	expect_not_ip(ETH("88a8") "0064 8100 0065 9100 0066 8100 0067 0800" IP4_UDP);
}

static void seventeen_labels_are_not_ip(void **state)
{
	char text[1024] = ETH("8847");

	(void)state;
	for (int i = 0; i < 15; i++)
		strcat(text, "00064040 ");
	strcat(text, "00064140 " IP4_UDP);
	expect_ip(text, 4, 28);
	strcpy(text, ETH("8847"));
	for (int i = 0; i < 16; i++)
		strcat(text, "00064040 ");
	strcat(text, "00064140 " IP4_UDP);
	expect_not_ip(text);
}

static void what_follows_labels_is_told_by_its_nibble(void **state)
{
	(void)state;
	expect_ip(ETH("8847") "00064140" IP6_UDP, 6, 48);
	expect_ip(ETH("8847") "00064140 00000000" MACS "8100 0064 0800" IP4_UDP, 4, 28);
	assert_int_equal(packet.link.mac_src, 0x020000000001);
	expect_not_ip(ETH("8847") "00064140 10000000" IP4_UDP);
}

static void everything_else_is_not_ip(void **state)
{
	(void)state;
	expect_not_ip(
		ETH("0806") "0001 0800 0604 0001 020000000001 c0000201 000000000000 c0000202");
	expect_not_ip(ETH("88cc") "0000");
	expect_not_ip(ETH("0026") "aaaa03 000000 0800" IP4_UDP); /* 802.3 with SNAP */
	expect_not_ip(ETH("05dc") "4242 03");
}

static void null_in_both_byte_orders(void **state)
{
	(void)state;
	link_type = TW_LINK_NULL;
	expect_ip("02000000" IP4_UDP, 4, 28);
	assert_true(packet.link.mac_src == TW_MAC_NONE && packet.link.mac_dst == TW_MAC_NONE);
	expect_ip("00000002" IP4_UDP, 4, 28);
	expect_ip("18000000" IP6_UDP, 6, 48);
	expect_ip("0000001c" IP6_UDP, 6, 48);
	expect_ip("1e000000" IP6_UDP, 6, 48);
	expect_not_ip("00000007" IP4_UDP);
}

static void cooked_gives_the_sender_alone(void **state)
{
	(void)state;
	link_type = TW_LINK_SLL;
	expect_ip("0000 0001 0006 020000000001 0000 0800" IP4_UDP, 4, 28);
	assert_int_equal(packet.link.mac_src, 0x020000000001);
	assert_true(packet.link.mac_dst == TW_MAC_NONE);
	expect_ip("0000 0001 0000 020000000001 0000 8100 0064 86dd" IP6_UDP, 6, 48);
	assert_true(packet.link.mac_src == TW_MAC_NONE);
	assert_int_equal(packet.link.vlan[0], 100);
	link_type = TW_LINK_SLL2;
	expect_ip("0800 0000 00000003 0001 00 06 020000000001 0000" IP4_UDP, 4, 28);
	assert_int_equal(packet.link.mac_src, 0x020000000001);
	expect_not_ip("0004 0000 00000003 0001 00 06 020000000001 0000 424203");
}

static void ppp_with_and_without_address_and_compression(void **state)
{
	(void)state;
	link_type = TW_LINK_PPP;
	expect_ip("ff03 0021" IP4_UDP, 4, 28);
	expect_ip("ff03 21" IP4_UDP, 4, 28);
	expect_ip("0021" IP4_UDP, 4, 28);
	expect_ip("21" IP4_UDP, 4, 28);
	expect_ip("57" IP6_UDP, 6, 48);
	expect_ip("ff03 0281 00064140" IP4_UDP, 4, 28);
	expect_not_ip("ff03 c021 01010004");
	expect_not_ip("8021 01010004");
}

static void tunnel_header_cut_by_its_packet(void **state)
{
	(void)state;
	/* Nobody asked for what is inside: the outer header decides, whatever lies behind it. */
	expect_ip(ETH("0800") IP4_HEADER("0016", "2f") "2000", 4, 22);
	decapsulate = TW_DECAP_GRE;
	expect_bad(ETH("0800") IP4_HEADER("0016", "2f") "2000", TW_BAD_LINK);
	expect_bad(ETH("0800") IP4_HEADER("001a", "2f") "2000 0800 0000", TW_BAD_LINK);
	decapsulate = TW_DECAP_VXLAN;
	expect_bad(
		ETH("0800") IP4_HEADER("0020", "11") "1234 12b5 000c 0000 08000000", TW_BAD_LINK);
	decapsulate = TW_DECAP_IPIP;
	expect_bad(ETH("0800") IP4_HEADER("001c", "04") UDP, TW_BAD_IPV4_HEADER);
}

static void tunnel_without_a_packet_inside_counts_by_its_outer_header(void **state)
{
	(void)state;
	decapsulate = UINT32_MAX;
	/* GRE with routing (RFC 1701), of version 1 (PPTP), with a payload that is no packet (IS-IS) */
	expect_ip(ETH("0800") IP4_HEADER("0020", "2f") "4000 0800 0000 0000 00000000", 4, 32);
	expect_ip(ETH("0800") IP4_HEADER("0020", "2f") "3001 880b 0000 0000 00000000", 4, 32);
	expect_ip(ETH("0800") IP4_HEADER("001c", "2f") "0000 00fe 00000000", 4, 28);
	/* GTP-U echo request; VXLAN without a network identifier */
	expect_ip(ETH("0800") IP4_HEADER(
			  "0028", "11") "0868 0868 0014 0000 32 01 0004 00000000 00000000",
		4, 40);
	expect_ip(ETH("0800") IP4_HEADER("0024", "11") "1234 12b5 0010 0000 00000000 00000000", 4,
		36);
}

static void gtpu_extension_of_no_length_is_refused(void **state)
{
	(void)state;
	decapsulate = TW_DECAP_GTPU;
	expect_bad(
		ETH("0800") IP4_HEADER("0048",
			"11") "0868 0868 0034 0000 34 ff 0024 00000001 0000 00 85 00000000" IP4_UDP,
		TW_BAD_LINK);
}

static void mirrored_frame_brings_its_own_link(void **state)
{
	(void)state;
	decapsulate = TW_DECAP_ERSPAN;
	expect_ip("0a0000000002 0a0000000001 8100 0001 0800 4500 0046 0000 0000 40 2f 0000 "
		  "0a000001 0a000002"
		  "0000 88be " ETH("8100") "00c8 0800" IP4_UDP,
		4, 28);
	assert_int_equal(packet.link.mac_src, 0x020000000001);
	assert_int_equal(packet.link.vlan[0], 200);
	assert_int_equal(packet.link.vlan[1], TW_VLAN_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(reasons_have_distinct_names),
		CASE(every_field_of_a_plain_packet),
		CASE(nothing_captured_is_a_short_capture),
		CASE(cut_link_headers_are_link),
		CASE(pppoe_length_beyond_the_frame_lies),
		CASE(pppoe_length_bounds_the_packet_inside),
		CASE(pppoe_discovery_and_control_are_not_ip),
		CASE(five_tags_are_not_ip),
		CASE(stripped_tag_is_the_outermost),
		CASE(seventeen_labels_are_not_ip),
		CASE(what_follows_labels_is_told_by_its_nibble),
		CASE(everything_else_is_not_ip),
		CASE(null_in_both_byte_orders),
		CASE(cooked_gives_the_sender_alone),
		CASE(ppp_with_and_without_address_and_compression),
		CASE(tunnel_header_cut_by_its_packet),
		CASE(tunnel_without_a_packet_inside_counts_by_its_outer_header),
		CASE(gtpu_extension_of_no_length_is_refused),
		CASE(mirrored_frame_brings_its_own_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
