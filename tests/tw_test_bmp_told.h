/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEST_BMP_TOLD_H
#define TW_TEST_BMP_TOLD_H

/*
 * A decoder whose every word is written down as a line: a test reads as the script of a router and the transcript of
 * what was understood. To be included by one file of a program, behind cmocka.h.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
static inline void feed(void)
{
	const char *why;

	assert_int_equal(
		tw_bmp_feed(bmp, tw_guard_lay(wire.data, wire.size), wire.size, &why), wire.size);
	wire.size = 0;
}

static inline void expect(const char *transcript)
{
	feed();
	assert_string_equal(told, transcript);
	told[0] = '\0';
}

static inline void bring_up(const struct tw_test_peer *who)
{
	tw_put_peer_up(&wire, who, &all, &all);
	feed();
	told[0] = '\0';
}

#define BMP_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
