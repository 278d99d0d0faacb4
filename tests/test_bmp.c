/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/upstream: BMP, as routers speak it. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tw_test_bmp_told.h"

static void a_session_from_its_beginning_to_its_end(void **state)
{
	const struct tw_test_route gone = {"175.45.176.0/24", -1, true, NULL, 0};
	const struct tw_bmp_counts *counts = tw_bmp_counts(bmp);
	const char *why;

	tw_put_initiation(&wire, "edge1.example");
	tw_put_peer_up(&wire, &peer, &all, &all);
	tw_put_route(&wire, &peer, &route);
	tw_put_route(&wire, &peer, &route6);
	tw_put_end_of_rib(&wire, &peer, 4);
	tw_put_end_of_rib(&wire, &peer, 6);
	tw_put_route(&wire, &peer, &gone);
	tw_put_peer_down(&wire, &peer, 2);
	expect("name edge1.example\n"
	       "192.0.2.1 AS2914: up\n"
	       "192.0.2.1 AS2914: + 175.45.176.0/24 [2914 4837 131279]\n"
	       "192.0.2.1 AS2914: + 2001:db8:1::/48 [2914 4837 131279]\n"
	       "192.0.2.1 AS2914: end\n"
	       "192.0.2.1 AS2914: - 175.45.176.0/24\n"
	       "192.0.2.1 AS2914: down\n");
	assert_int_equal(tw_bmp_n_peers(bmp), 0);
	tw_put_termination(&wire);
	tw_put_peer_up(&wire, &peer, &all, &all);
	assert_int_equal(tw_bmp_feed(bmp, wire.data, wire.size, &why), -ESHUTDOWN);
	assert_string_equal(told, "");
	assert_int_equal(counts->messages, 9);
	assert_int_equal(counts->routes, 3);
	assert_int_equal(counts->wanted, 3);
	assert_int_equal(counts->malformed, 0);
	assert_int_equal(counts->stray + counts->skipped, 0);
}

static void octets_one_at_a_time_say_the_same(void **state)
{
	const char *why;
	size_t from = 0;

	tw_put_initiation(&wire, "edge1");
	tw_put_peer_up(&wire, &peer, &all, &all);
	tw_put_route(&wire, &peer, &route);
	for (size_t to = 1; to <= wire.size; to++) {
		ssize_t n = tw_bmp_feed(
			bmp, tw_guard_lay(wire.data + from, to - from), to - from, &why);

		assert_true(n == 0 || (size_t)n == to - from);
		from += (size_t)n;
	}
	assert_int_equal(from, wire.size);
	assert_string_equal(told, "name edge1\n192.0.2.1 AS2914: up\n"
				  "192.0.2.1 AS2914: + 175.45.176.0/24 [2914 4837 131279]\n");
}

static void only_wanted_routes_are_told(void **state)
{
	const struct tw_test_route other = {"198.51.100.0/24", -1, false, path, 3};

	only = "175.45.176.0/24";
	bring_up(&peer);
	tw_put_route(&wire, &peer, &other);
	tw_put_route(&wire, &peer, &route);
	expect("192.0.2.1 AS2914: + 175.45.176.0/24 [2914 4837 131279]\n");
	assert_int_equal(tw_bmp_counts(bmp)->routes, 2);
	assert_int_equal(tw_bmp_counts(bmp)->wanted, 1);
}

static void a_loc_rib_is_a_vantage_point_without_address(void **state)
{
	/* The flag is F, "filtered", where others have V. */
	const struct tw_test_peer loc_rib = {
		.type = TW_TEST_PEER_LOC_RIB, .flags = 0x80, .asn = 65000};
	const struct tw_test_open made_up = {
		.as4 = true, .ipv4 = true, .add_path = {TW_TEST_ADD_PATH_SEND, 0}};
	const struct tw_test_route numbered = {"175.45.176.0/24", 7, false, path, 3};
	struct tw_test_peer vrf = loc_rib, flagged = loc_rib;

	/* What else are flags of others says nothing of a Loc-RIB. */
	flagged.flags = 0x7f & ~TW_TEST_AS2;
	vrf.distinguisher = 42;
	tw_put_peer_up(&wire, &loc_rib, &made_up, &made_up);
	tw_put_peer_up(&wire, &vrf, &all, &all);
	tw_put_route(&wire, &loc_rib, &numbered);
	tw_put_route(&wire, &vrf, &route);
	tw_put_route(&wire, &flagged, &numbered);
	tw_put_end_of_rib(&wire, &loc_rib, 4);
	tw_put_peer_down(&wire, &vrf, 6);
	expect("loc-rib AS65000: up\n"
	       "loc-rib 42 AS65000: up\n"
	       "loc-rib AS65000: + 175.45.176.0/24 #7 [2914 4837 131279]\n"
	       "loc-rib 42 AS65000: + 175.45.176.0/24 [2914 4837 131279]\n"
	       "loc-rib AS65000: + 175.45.176.0/24 #7 [2914 4837 131279]\n"
	       "loc-rib AS65000: end\n"
	       "loc-rib 42 AS65000: down\n");
}

static void path_identifiers_are_there_where_both_sides_agreed(void **state)
{
	static const struct {
		uint8_t router, peer;
		bool numbered;
	} cases[] = {
		{0, 0, false},
		{TW_TEST_ADD_PATH_RECEIVE, TW_TEST_ADD_PATH_SEND, true},
		{TW_TEST_ADD_PATH_SEND, TW_TEST_ADD_PATH_RECEIVE, false},
		{TW_TEST_ADD_PATH_SEND, TW_TEST_ADD_PATH_SEND, false},
		{TW_TEST_ADD_PATH_RECEIVE, TW_TEST_ADD_PATH_RECEIVE, false},
		{3, 3, true},
		{3, TW_TEST_ADD_PATH_RECEIVE, false},
		{4, 4, false}, /* no such value */
		{TW_TEST_ADD_PATH_RECEIVE, 0, false},
	};

	for (unsigned int i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		bool ipv6 = i % 2 != 0;
		struct tw_test_open sent = all, received = all;
		struct tw_test_route heard = ipv6 ? route6 : route;
		char transcript[256];

		sent.add_path[ipv6] = cases[i / 2].router;
		received.add_path[ipv6] = cases[i / 2].peer;
		heard.path_id = cases[i / 2].numbered ? 16909060 : -1;
		snprintf(transcript, sizeof(transcript),
			"192.0.2.1 AS2914: up\n192.0.2.1 AS2914: + %s%s [2914 4837 131279]\n",
			heard.prefix, cases[i / 2].numbered ? " #16909060" : "");
		tw_put_peer_up(&wire, &peer, &sent, &received);
		tw_put_route(&wire, &peer, &heard);
		expect(transcript);
	}
}

static void long_opens_are_read(void **state)
{
	struct tw_test_open sent = all, received = all;
	struct tw_test_route heard = route;

	sent.extended = received.extended = true;
	sent.add_path[0] = received.add_path[0] = 3;
	heard.path_id = 5;
	tw_put_peer_up(&wire, &peer, &sent, &received);
	tw_put_route(&wire, &peer, &heard);
	expect("192.0.2.1 AS2914: up\n192.0.2.1 AS2914: + 175.45.176.0/24 #5 [2914 4837 131279]\n");
}

static void two_octet_paths_are_read_where_the_flag_says_so(void **state)
{
	static const uint32_t small[] = {2914, 4837, 64512};
	const struct tw_test_route heard = {"175.45.176.0/24", -1, false, small, 3};
	struct tw_test_peer flagged = peer;

	flagged.flags = TW_TEST_AS2;
	bring_up(&peer);
	tw_put_route(&wire, &flagged, &heard);
	expect("192.0.2.1 AS2914: + 175.45.176.0/24 [2914 4837 64512]\n");
}

/* The message has 2-octet ASNs and does not say so. */
static void put_unflagged(void)
{
	static const uint32_t small[] = {2914, 4837, 64512};
	const struct tw_test_route heard = {"175.45.176.0/24", -1, false, small, 3};
	struct tw_test_peer flagged = peer;
	size_t flags = wire.size + 6 + 1;

	flagged.flags = TW_TEST_AS2;
	tw_put_route(&wire, &flagged, &heard);
	wire.data[flags] = 0;
}

static void a_missing_flag_is_forgiven_where_the_opens_explain_it(void **state)
{
	struct tw_test_open old = all;

	old.as4 = false;
	tw_put_peer_up(&wire, &peer, &all, &old);
	put_unflagged();
	expect("192.0.2.1 AS2914: up\n192.0.2.1 AS2914: + 175.45.176.0/24 [2914 4837 64512]\n");
	tw_put_route(&wire, &peer, &route);
	expect("192.0.2.1 AS2914: + 175.45.176.0/24 [2914 4837 131279]\n");
	assert_int_equal(tw_bmp_counts(bmp)->malformed, 0);
	tw_put_peer_up(&wire, &peer, &all, &all);
	feed();
	put_unflagged();
	feed();
	assert_int_equal(tw_bmp_counts(bmp)->malformed, 1);
}

static void one_view_of_a_family_is_taken(void **state)
{
	const struct tw_test_route second = {"175.45.177.0/24", -1, false, path, 3};
	const struct tw_test_route other = {"198.51.100.0/24", -1, false, path, 3};
	struct tw_test_peer post = peer, out = peer;

	post.flags = TW_TEST_POST_POLICY;
	out.flags = TW_TEST_ADJ_RIB_OUT;
	bring_up(&peer);
	tw_put_route(&wire, &out, &second);
	tw_put_route(&wire, &post, &route);
	tw_put_route(&wire, &peer, &second);
	/* A router may be asked for another view of the other family. */
	tw_put_route(&wire, &peer, &route6);
	tw_put_route(&wire, &post, &route6);
	expect("192.0.2.1 AS2914: + 175.45.176.0/24 [2914 4837 131279]\n"
	       "192.0.2.1 AS2914: + 2001:db8:1::/48 [2914 4837 131279]\n");
	assert_int_equal(tw_bmp_counts(bmp)->skipped, 1);
	assert_int_equal(tw_bmp_counts(bmp)->routes, 4);
	assert_int_equal(tw_bmp_counts(bmp)->wanted, 2);
	assert_int_equal(tw_bmp_counts(bmp)->other_view, 2);
	/* The end of the other view ends nothing. */
	tw_put_end_of_rib(&wire, &peer, 4);
	tw_put_end_of_rib(&wire, &post, 6);
	tw_put_end_of_rib(&wire, &peer, 6);
	expect("");
	tw_put_end_of_rib(&wire, &post, 4);
	expect("192.0.2.1 AS2914: end\n");
	/* Peer Down is of all views; the next Peer Up chooses anew, and only by what is wanted. */
	only = "175.45.177.0/24";
	tw_put_peer_down(&wire, &peer, 4);
	tw_put_peer_up(&wire, &peer, &all, &all);
	tw_put_route(&wire, &post, &other);
	tw_put_route(&wire, &peer, &second);
	expect("192.0.2.1 AS2914: down\n192.0.2.1 AS2914: up\n"
	       "192.0.2.1 AS2914: + 175.45.177.0/24 [2914 4837 131279]\n");
}

static void a_loc_rib_may_come_unannounced(void **state)
{
	struct tw_test_peer loc_rib = {.type = TW_TEST_PEER_LOC_RIB, .asn = 65000};

	tw_put_route(&wire, &loc_rib, &route);
	tw_put_route(&wire, &loc_rib, &route6);
	tw_put_peer_down(&wire, &loc_rib, 6);
	expect("loc-rib AS65000: up\n"
	       "loc-rib AS65000: + 175.45.176.0/24 [2914 4837 131279]\n"
	       "loc-rib AS65000: + 2001:db8:1::/48 [2914 4837 131279]\n"
	       "loc-rib AS65000: down\n");
	for (uint64_t i = 0; i < MAX_PEERS + 1; i++) {
		loc_rib.distinguisher = i;
		tw_put_route(&wire, &loc_rib, &route);
	}
	feed();
	assert_int_equal(tw_bmp_n_peers(bmp), MAX_PEERS);
	assert_int_equal(tw_bmp_counts(bmp)->peers_refused, 1);
}

static void the_end_waits_for_every_family_and_comes_once(void **state)
{
	struct tw_test_open ipv6 = {.as4 = true, .ipv6 = true}, none = {.as4 = true};

	bring_up(&peer);
	tw_put_end_of_rib(&wire, &peer, 6);
	tw_put_end_of_rib(&wire, &peer, 6);
	expect("");
	tw_put_end_of_rib(&wire, &peer, 4);
	tw_put_end_of_rib(&wire, &peer, 4);
	expect("192.0.2.1 AS2914: end\n");
	tw_put_peer_up(&wire, &peer, &all, &ipv6);
	tw_put_end_of_rib(&wire, &peer, 6);
	expect("192.0.2.1 AS2914: up\n192.0.2.1 AS2914: end\n");
	/* A speaker that names no family speaks IPv4. */
	tw_put_peer_up(&wire, &peer, &all, &none);
	tw_put_end_of_rib(&wire, &peer, 4);
	expect("192.0.2.1 AS2914: up\n192.0.2.1 AS2914: end\n");
	/* Nothing in common, nothing to end. */
	tw_put_peer_up(&wire, &peer, &ipv6, &none);
	tw_put_end_of_rib(&wire, &peer, 4);
	tw_put_end_of_rib(&wire, &peer, 6);
	expect("192.0.2.1 AS2914: up\n");
}

static void peers_are_told_apart_by_address_table_and_as(void **state)
{
	const struct tw_test_peer peers[MAX_PEERS] = {
		{.addr = "fe80::1", .asn = 64501},
		{.addr = "fe80::1", .asn = 64502},
		{.type = TW_TEST_PEER_RD, .addr = "fe80::1", .asn = 64502, .distinguisher = 1},
	};

	for (int i = MAX_PEERS - 1; i >= 0; i--)
		bring_up(&peers[i]);
	for (int i = 0; i < MAX_PEERS; i++)
		tw_put_route(&wire, &peers[i], &route);
	tw_put_peer_down(&wire, &peers[1], 1);
	tw_put_route(&wire, &peers[1], &route);
	tw_put_route(&wire, &peers[2], &route);
	expect("fe80::1 AS64501: + 175.45.176.0/24 [2914 4837 131279]\n"
	       "fe80::1 AS64502: + 175.45.176.0/24 [2914 4837 131279]\n"
	       "fe80::1 1 AS64502: + 175.45.176.0/24 [2914 4837 131279]\n"
	       "fe80::1 AS64502: down\n"
	       "fe80::1 1 AS64502: + 175.45.176.0/24 [2914 4837 131279]\n");
	assert_int_equal(tw_bmp_counts(bmp)->stray, 1);
	assert_int_equal(tw_bmp_n_peers(bmp), 2);
}

static void peers_are_bounded(void **state)
{
	struct tw_test_peer one = peer;

	for (uint32_t i = 0; i < MAX_PEERS + 2; i++) {
		one.asn = 64500 + i;
		tw_put_peer_up(&wire, &one, &all, &all);
		tw_put_route(&wire, &one, &route);
	}
	feed();
	assert_int_equal(tw_bmp_n_peers(bmp), MAX_PEERS);
	assert_int_equal(tw_bmp_counts(bmp)->peers_refused, 2);
	assert_int_equal(tw_bmp_counts(bmp)->stray, 2);
	assert_int_equal(tw_bmp_counts(bmp)->wanted, MAX_PEERS);
	/* One that is up may come up again. */
	one.asn = 64500;
	told[0] = '\0';
	tw_put_peer_up(&wire, &one, &all, &all);
	expect("192.0.2.1 AS64500: up\n");
}

static void many_peers_come_and_go(void **state)
{
	const struct tw_bmp_handler handler = {
		on_wants, on_route, on_up, on_down, on_end_of_rib, on_name, on_malformed, NULL};
	struct tw_test_peer one = peer;
	struct tw_addr router;
	uint32_t n = 1000;

	tw_addr_parse("198.51.100.1", &router);
	tw_bmp_free(bmp);
	bmp = tw_bmp_create(&router, n, &handler);
	assert_non_null(bmp);
	/* 7 and 1000 have no common factor: each comes once, in no order. */
	for (uint32_t i = 0; i < n; i++) {
		one.asn = 1 + i * 7 % n;
		bring_up(&one);
	}
	assert_int_equal(tw_bmp_n_peers(bmp), n);
	for (uint32_t i = 0; i < n; i++) {
		one.asn = 1 + i * 3 % n;
		tw_put_route(&wire, &one, &route);
		tw_put_peer_down(&wire, &one, 1);
		feed();
		told[0] = '\0';
		assert_int_equal(tw_bmp_n_peers(bmp), n - 1 - i);
	}
	assert_int_equal(tw_bmp_counts(bmp)->stray, 0);
	assert_int_equal(tw_bmp_counts(bmp)->wanted, n);
}

static void what_is_of_no_interest_is_counted(void **state)
{
	struct tw_test_peer later = peer;

	later.type = 4;
	bring_up(&peer);
	tw_put_other(&wire, 1, &peer);
	tw_put_other(&wire, 6, &peer);
	tw_put_other(&wire, 7, &peer);
	tw_put_other(&wire, 255, &peer);
	tw_put_peer_up(&wire, &later, &all, &all);
	tw_put_route(&wire, &later, &route);
	expect("");
	assert_int_equal(tw_bmp_counts(bmp)->statistics, 1);
	assert_int_equal(tw_bmp_counts(bmp)->skipped, 5);
	assert_int_equal(tw_bmp_counts(bmp)->messages, 7);
}

static void names_are_clean_text(void **state)
{
	char name[400], transcript[300];

	tw_put_initiation(&wire, "edge\n1\xff");
	expect("name edge?1?\n");
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	tw_put_initiation(&wire, name);
	snprintf(transcript, sizeof(transcript), "name %.*s\n", TW_BMP_NAME_MAX, name);
	expect(transcript);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BMP_TEST(a_session_from_its_beginning_to_its_end),
		BMP_TEST(octets_one_at_a_time_say_the_same),
		BMP_TEST(only_wanted_routes_are_told),
		BMP_TEST(a_loc_rib_is_a_vantage_point_without_address),
		BMP_TEST(path_identifiers_are_there_where_both_sides_agreed),
		BMP_TEST(long_opens_are_read),
		BMP_TEST(two_octet_paths_are_read_where_the_flag_says_so),
		BMP_TEST(a_missing_flag_is_forgiven_where_the_opens_explain_it),
		BMP_TEST(one_view_of_a_family_is_taken),
		BMP_TEST(a_loc_rib_may_come_unannounced),
		BMP_TEST(the_end_waits_for_every_family_and_comes_once),
		BMP_TEST(peers_are_told_apart_by_address_table_and_as),
		BMP_TEST(peers_are_bounded),
		BMP_TEST(many_peers_come_and_go),
		BMP_TEST(what_is_of_no_interest_is_counted),
		BMP_TEST(names_are_clean_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
