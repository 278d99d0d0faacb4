/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * lib/upstream: BMP. What a decoder tells is written down as lines, and each test reads as the script of a router
 * and the transcript of what was understood.
 */

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tw_bmp.h"
#include "tw_guard.h"
#include "tw_test_bmp.h"

#define MAX_PEERS 3

static struct tw_test_wire wire;
static struct tw_bmp *bmp;
static char told[8192];
static const char *only; /* the prefix that is wanted; NULL: all are */

static const struct tw_test_peer peer = {.addr = "192.0.2.1", .asn = 2914};
static const struct tw_test_open all = {.as4 = true, .ipv4 = true, .ipv6 = true};
static const uint32_t path[] = {2914, 4837, 131279};
static const struct tw_test_route route = {"175.45.176.0/24", -1, false, path, 3};
static const struct tw_test_route route6 = {"2001:db8:1::/48", -1, false, path, 3};

/* ---- the transcript ---- */

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	size_t at = strlen(told);
	va_list args;

	va_start(args, format);
	vsnprintf(told + at, sizeof(told) - at, format, args);
	va_end(args);
	assert_true(strlen(told) < sizeof(told) - 1);
}

static const char *name_of(const struct tw_bgp_peer *of)
{
	static char text[128];
	char addr[TW_PREFIX_TEXT] = "loc-rib", router[TW_PREFIX_TEXT];

	if (of->addr.family != 0)
		tw_addr_format(&of->addr, addr);
	assert_string_equal(tw_addr_format(&of->router, router), "198.51.100.1");
	if (of->distinguisher != 0)
		snprintf(text, sizeof(text), "%s %" PRIu64 " AS%" PRIu32, addr, of->distinguisher,
			of->asn);
	else
		snprintf(text, sizeof(text), "%s AS%" PRIu32, addr, of->asn);
	return text;
}

static bool on_wants(void *arg, const struct tw_prefix *prefix)
{
	char text[TW_PREFIX_TEXT];

	return only == NULL || strcmp(tw_prefix_format(prefix, text), only) == 0;
}

static void on_route(void *arg, const struct tw_bgp_peer *of, const struct tw_bgp_route *heard)
{
	char prefix[TW_PREFIX_TEXT], text[256];

	say("%s: %s %s", name_of(of), heard->withdrawn ? "-" : "+",
		tw_prefix_format(&heard->prefix, prefix));
	if (heard->path_id != 0)
		say(" #%" PRIu32, heard->path_id);
	if (!heard->withdrawn)
		say(" [%s]", tw_bgp_path_format(&heard->path, text, sizeof(text)));
	say("\n");
}

static void on_up(void *arg, const struct tw_bgp_peer *of)
{
	say("%s: up\n", name_of(of));
}

static void on_down(void *arg, const struct tw_bgp_peer *of)
{
	say("%s: down\n", name_of(of));
}

static void on_end_of_rib(void *arg, const struct tw_bgp_peer *of)
{
	say("%s: end\n", name_of(of));
}

static void on_name(void *arg, const char *name)
{
	say("name %s\n", name);
}

static void on_malformed(void *arg, const char *why)
{
	say("malformed: %s\n", why);
}

static int begin(void **state)
{
	const struct tw_bmp_handler handler = {
		on_wants, on_route, on_up, on_down, on_end_of_rib, on_name, on_malformed, NULL};
	struct tw_addr router;

	wire.size = 0;
	told[0] = '\0';
	only = NULL;
	tw_addr_parse("198.51.100.1", &router);
	bmp = tw_bmp_create(&router, MAX_PEERS, &handler);
	return bmp == NULL;
}

static int end(void **state)
{
	tw_bmp_free(bmp);
	return 0;
}

/* Feeds what the wire has, each octet once, and empties it: all of it must be taken. */
static void feed(void)
{
	const char *why;

	assert_int_equal(
		tw_bmp_feed(bmp, tw_guard_lay(wire.data, wire.size), wire.size, &why), wire.size);
	wire.size = 0;
}

static void expect(const char *transcript)
{
	feed();
	assert_string_equal(told, transcript);
	told[0] = '\0';
}

static void bring_up(const struct tw_test_peer *who)
{
	tw_put_peer_up(&wire, who, &all, &all);
	feed();
	told[0] = '\0';
}

/* ---- what routers say ---- */

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
	struct tw_test_peer vrf = loc_rib;

	vrf.distinguisher = 42;
	tw_put_peer_up(&wire, &loc_rib, &made_up, &made_up);
	tw_put_peer_up(&wire, &vrf, &all, &all);
	tw_put_route(&wire, &loc_rib, &numbered);
	tw_put_route(&wire, &vrf, &route);
	tw_put_end_of_rib(&wire, &loc_rib, 4);
	tw_put_peer_down(&wire, &vrf, 6);
	expect("loc-rib AS65000: up\n"
	       "loc-rib 42 AS65000: up\n"
	       "loc-rib AS65000: + 175.45.176.0/24 #7 [2914 4837 131279]\n"
	       "loc-rib 42 AS65000: + 175.45.176.0/24 [2914 4837 131279]\n"
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

static void one_view_of_a_peer_is_taken(void **state)
{
	const struct tw_test_route second = {"175.45.177.0/24", -1, false, path, 3};
	struct tw_test_peer post = peer, out = peer;

	post.flags = TW_TEST_POST_POLICY;
	out.flags = TW_TEST_ADJ_RIB_OUT;
	bring_up(&peer);
	tw_put_route(&wire, &out, &second);
	/* Without routes, neither view is chosen. */
	tw_put_end_of_rib(&wire, &peer, 6);
	tw_put_route(&wire, &post, &route);
	tw_put_route(&wire, &peer, &second);
	tw_put_end_of_rib(&wire, &peer, 4);
	expect("192.0.2.1 AS2914: + 175.45.176.0/24 [2914 4837 131279]\n");
	assert_int_equal(tw_bmp_counts(bmp)->skipped, 3);
	tw_put_end_of_rib(&wire, &post, 4);
	expect("192.0.2.1 AS2914: end\n");
	/* Peer Down is of all views; the next Peer Up chooses anew. */
	tw_put_peer_down(&wire, &peer, 4);
	tw_put_peer_up(&wire, &peer, &all, &all);
	tw_put_route(&wire, &peer, &second);
	expect("192.0.2.1 AS2914: down\n192.0.2.1 AS2914: up\n"
	       "192.0.2.1 AS2914: + 175.45.177.0/24 [2914 4837 131279]\n");
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

/* ---- what no router should say ---- */

static void malformed_messages_cost_themselves_alone(void **state)
{
	uint64_t n = 0;

	bring_up(&peer);
	/* Every length that a message can be cut to, of every type. */
	for (unsigned int type = 0; type <= 7; type++) {
		struct tw_test_wire *whole = calloc(1, sizeof(*whole));

		assert_non_null(whole);
		if (type == 0)
			tw_put_route(whole, &peer, &route6);
		else if (type == 2)
			tw_put_peer_down(whole, &peer, 2);
		else if (type == 3)
			tw_put_peer_up(whole, &peer, &all, &all);
		else if (type == 4)
			tw_put_initiation(whole, "edge1");
		else if (type == 5)
			tw_put(whole, 0, 6);
		else
			tw_put_other(whole, (uint8_t)type, &peer);
		for (size_t size = 6; size < whole->size; size++) {
			uint64_t before = tw_bmp_counts(bmp)->malformed;

			memcpy(wire.data, whole->data, size);
			wire.size = size;
			tw_put_length(&wire, 1, 4, 0);
			feed();
			n += tw_bmp_counts(bmp)->malformed - before;
			/* Whole up to its TLVs, or without any that are read. */
			if (type == 0 || (type == 3 && size < whole->size) ||
				(type == 2 && size < 6 + 42))
				assert_int_equal(tw_bmp_counts(bmp)->malformed, before + 1);
			told[0] = '\0';
			if (tw_bmp_n_peers(bmp) == 0)
				bring_up(&peer);
			tw_put_route(&wire, &peer, &route);
			expect("192.0.2.1 AS2914: + 175.45.176.0/24 [2914 4837 131279]\n");
		}
		free(whole);
	}
	assert_true(n > 200);
}

static void an_open_that_lies_of_its_length_is_malformed(void **state)
{
	/* The lengths of the message, of its parameters, of the capabilities, and of one. */
	static const size_t at[] = {17, 28, 30, 32};
	size_t open = 6 + 42 + 20;

	for (unsigned int i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		for (int by = -1; by <= 1; by += 2) {
			tw_put_peer_up(&wire, &peer, &all, &all);
			wire.data[open + at[i]] = (uint8_t)(wire.data[open + at[i]] + by);
			feed();
			assert_int_equal(tw_bmp_n_peers(bmp), 0);
			assert_non_null(strstr(told, "malformed: "));
			told[0] = '\0';
		}
	}
	tw_put_peer_up(&wire, &peer, &all, &all);
	wire.data[open + 18] = 2;
	expect("malformed: no OPEN where one should be\n");
	tw_put_peer_up(&wire, &peer, &all, &all);
	wire.data[open + 3] = 0;
	expect("malformed: no OPEN where one should be\n");
	tw_put_peer_up(&wire, &peer, &all, &all);
	expect("192.0.2.1 AS2914: up\n");
}

static void routes_of_nobody_are_stray(void **state)
{
	tw_put_route(&wire, &peer, &route);
	tw_put_end_of_rib(&wire, &peer, 4);
	tw_put_peer_down(&wire, &peer, 1);
	expect("");
	assert_int_equal(tw_bmp_counts(bmp)->stray, 3);
}

static void a_stream_that_cannot_be_followed_ends(void **state)
{
	static const struct {
		uint8_t data[6];
		size_t size;
	} streams[] = {
		{{4}, 1},
		{{'G', 'E', 'T', ' ', '/'}, 5},
		{{3, 0, 0, 0, 5, 4}, 6},
		{{3, 0, 0, 0, 0, 4}, 6},
		{{3, 0, 4, 0, 1, 4}, 6}, /* TW_BMP_MESSAGE_MAX and one */
		{{3, 0xff, 0xff, 0xff, 0xff, 4}, 6},
	};
	const char *why;

	for (unsigned int i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		why = NULL;
		assert_int_equal(tw_bmp_feed(bmp, tw_guard_lay(streams[i].data, streams[i].size),
					 streams[i].size, &why),
			-EBADMSG);
		assert_non_null(why);
	}
	/* What came before counts. */
	tw_put_peer_up(&wire, &peer, &all, &all);
	tw_put(&wire, 1, 1);
	assert_int_equal(tw_bmp_feed(bmp, wire.data, wire.size, &why), -EBADMSG);
	assert_string_equal(told, "192.0.2.1 AS2914: up\n");
	assert_int_equal(tw_bmp_feed(bmp, wire.data, 0, &why), 0);
}

static void the_longest_message_is_taken(void **state)
{
	size_t start = tw_put_bmp(&wire, 6);
	const char *why;

	memset(wire.data + wire.size, 0, TW_BMP_MESSAGE_MAX - wire.size);
	wire.size = TW_BMP_MESSAGE_MAX;
	tw_put_bmp_end(&wire, start);
	assert_int_equal(tw_bmp_feed(bmp, wire.data, wire.size - 1, &why), 0);
	expect("");
	assert_int_equal(tw_bmp_counts(bmp)->skipped, 1);
}

#define BMP_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

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
		BMP_TEST(one_view_of_a_peer_is_taken),
		BMP_TEST(the_end_waits_for_every_family_and_comes_once),
		BMP_TEST(peers_are_told_apart_by_address_table_and_as),
		BMP_TEST(peers_are_bounded),
		BMP_TEST(many_peers_come_and_go),
		BMP_TEST(what_is_of_no_interest_is_counted),
		BMP_TEST(names_are_clean_text),
		BMP_TEST(malformed_messages_cost_themselves_alone),
		BMP_TEST(an_open_that_lies_of_its_length_is_malformed),
		BMP_TEST(routes_of_nobody_are_stray),
		BMP_TEST(a_stream_that_cannot_be_followed_ends),
		BMP_TEST(the_longest_message_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
