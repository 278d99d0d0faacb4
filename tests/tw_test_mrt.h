/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEST_MRT_H
#define TW_TEST_MRT_H

/* MRT records written as hexadecimal text, and what a reader tells of them as text. */

#include <inttypes.h>
#include <stdio.h>

#include "tw_mrt.h"
#include "tw_test_octets.h"

/* Two peers: 0 is 192.0.2.1 of AS 64500 (two octets), 1 is 2001:db8::1 of AS 4200000000. */
#define PEERS                                                                \
	"0a0000fe 0004 76696577 0002 00 0a000001 c0000201 fbf4 03 0a000002 " \
	"20010db8000000000000000000000001 fa56ea00"

/* Entries {peer, time, attributes} of one AS in AS_PATH. */
#define ENTRY(peer, asn) peer " 5a497a00 0009 40 02 06 02 01 " asn " "

static inline void put_record(
	struct octets *octets, unsigned int type, unsigned int subtype, const char *hex)
{
	put_number(octets, 4, 1000);
	put_number(octets, 2, type);
	put_number(octets, 2, subtype);
	put_counted(octets, 4, hex);
}

/* What a BGP4MP record has before its message: 192.0.2.1 of AS 64500 and the collector. */
#define SESSION_AS4 "0000fbf4 0000fde7 0000 0001 c0000201 c00002fe "
#define SESSION_AS2 "fbf4 fde7 0000 0001 c0000201 c00002fe "

/* A record of a message; returns where its length starts, for put_update() and close_record(). */
static inline size_t open_record(
	struct octets *octets, unsigned int type, unsigned int subtype, const char *session)
{
	size_t opened;

	put_number(octets, 4, 1000);
	put_number(octets, 2, type);
	put_number(octets, 2, subtype);
	opened = open_length(octets, 4);
	put_hex(octets, session);
	return opened;
}

static inline void tell_peer(
	struct told *told, uint64_t time, const struct tw_bgp_peer *peer, const char *what)
{
	char addr[TW_PREFIX_TEXT], text[128];

	snprintf(text, sizeof(text), "%s%" PRIu64 ".%06" PRIu64 " %s %u%s",
		told->size > 0 ? "\n" : "", time / 1000000000, time % 1000000000 / 1000,
		tw_addr_format(&peer->addr, addr), peer->asn, what);
	told_text(told, text);
}

static inline void tell_route(
	void *arg, uint64_t time, const struct tw_bgp_peer *peer, const struct tw_bgp_route *route)
{
	tell_peer(arg, time, peer, "");
	told_route(arg, route);
}

static inline void tell_down(void *arg, uint64_t time, const struct tw_bgp_peer *peer)
{
	tell_peer(arg, time, peer, " down");
}

static inline void tell_malformed(void *arg, uint64_t record, uint64_t offset, const char *why)
{
	struct told *told = arg;
	char text[256];

	snprintf(text, sizeof(text), "%srecord %" PRIu64 " at %" PRIu64 ": %s",
		told->size > 0 ? "\n" : "", record, offset, why);
	told_text(told, text);
}

#endif
