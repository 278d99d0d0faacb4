/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEST_BMP_H
#define TW_TEST_BMP_H

/*
 * A router's side of BMP for tests: messages put one behind the other. Written from the RFCs and not from the
 * decoder; lengths are filled in when what they measure ends.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tw_addr.h"

enum {
	TW_TEST_PEER_GLOBAL = 0,
	TW_TEST_PEER_RD = 1,
	TW_TEST_PEER_LOC_RIB = 3,

	TW_TEST_POST_POLICY = 0x40,
	TW_TEST_AS2 = 0x20,
	TW_TEST_ADJ_RIB_OUT = 0x10,

	TW_TEST_ADD_PATH_RECEIVE = 1,
	TW_TEST_ADD_PATH_SEND = 2,
};

struct tw_test_wire {
	uint8_t data[1 << 20];
	size_t size;
};

/* A per-peer header. */
struct tw_test_peer {
	uint8_t type;
	uint8_t flags;    /* without V, which follows from the address */
	const char *addr; /* NULL: zero */
	uint64_t distinguisher;
	uint32_t asn;
};

/* An OPEN. */
struct tw_test_open {
	bool as4;
	bool ipv4, ipv6; /* multiprotocol capabilities */
	uint8_t add_path[2];
	bool extended; /* RFC 9072 */
};

static inline void tw_put(struct tw_test_wire *wire, uint64_t value, unsigned int octets)
{
	if (wire->size + octets > sizeof(wire->data))
		abort();
	for (unsigned int i = 0; i < octets; i++)
		wire->data[wire->size++] = (uint8_t)(value >> 8 * (octets - 1 - i));
}

static inline void tw_put_bytes(struct tw_test_wire *wire, const void *data, size_t size)
{
	if (wire->size + size > sizeof(wire->data))
		abort();
	memcpy(wire->data + wire->size, data, size);
	wire->size += size;
}

/* Fills in a length at `at`, which counts from `from` to here. */
static inline void tw_put_length(
	struct tw_test_wire *wire, size_t at, unsigned int octets, size_t from)
{
	size_t end = wire->size;

	wire->size = at;
	tw_put(wire, end - from, octets);
	wire->size = end;
}

static inline size_t tw_put_bmp(struct tw_test_wire *wire, uint8_t type)
{
	size_t start = wire->size;

	tw_put(wire, 3, 1);
	tw_put(wire, 0, 4);
	tw_put(wire, type, 1);
	return start;
}

static inline void tw_put_bmp_end(struct tw_test_wire *wire, size_t start)
{
	tw_put_length(wire, start + 1, 4, start);
}

static inline size_t tw_put_bgp(struct tw_test_wire *wire, uint8_t type)
{
	size_t start = wire->size;

	tw_put(wire, UINT64_MAX, 8);
	tw_put(wire, UINT64_MAX, 8);
	tw_put(wire, 0, 2);
	tw_put(wire, type, 1);
	return start;
}

static inline void tw_put_bgp_end(struct tw_test_wire *wire, size_t start)
{
	tw_put_length(wire, start + 16, 2, start);
}

static inline void tw_put_peer(struct tw_test_wire *wire, const struct tw_test_peer *peer)
{
	struct tw_addr addr = {0};

	if (peer->addr != NULL && tw_addr_parse(peer->addr, &addr) != 0)
		abort();
	tw_put(wire, peer->type, 1);
	tw_put(wire, peer->flags | (addr.family == 6 ? 0x80u : 0), 1);
	tw_put(wire, peer->distinguisher, 8);
	if (addr.family == 6) {
		tw_put_bytes(wire, addr.bytes, 16);
	} else {
		tw_put(wire, 0, 8);
		tw_put(wire, 0, 4);
		tw_put_bytes(wire, addr.bytes, 4);
	}
	tw_put(wire, peer->asn, 4);
	tw_put(wire, 0xc0000201, 4); /* identifier */
	tw_put(wire, 1506816000, 4);
	tw_put(wire, 250000, 4);
}

static inline void tw_put_open(struct tw_test_wire *wire, const struct tw_test_open *open)
{
	size_t start = tw_put_bgp(wire, 1), parameters, capabilities;

	tw_put(wire, 4, 1);
	tw_put(wire, 23456, 2);
	tw_put(wire, 180, 2);
	tw_put(wire, 0xc0000202, 4);
	tw_put(wire, open->extended ? 255 : 0, 1);
	if (open->extended) {
		tw_put(wire, 255, 1);
		tw_put(wire, 0, 2);
	}
	parameters = wire->size;
	tw_put(wire, 2, 1);
	tw_put(wire, 0, open->extended ? 2 : 1);
	capabilities = wire->size;
	if (open->ipv4)
		tw_put(wire, 0x010400010001, 6);
	if (open->ipv6)
		tw_put(wire, 0x010400020001, 6);
	tw_put(wire, 0x0200, 2); /* route refresh */
	if (open->as4)
		tw_put(wire, 0x41040000fde8, 6);
	for (uint64_t i = 0; i < 2; i++) {
		if (open->add_path[i] == 0)
			continue;
		tw_put(wire, 0x4504, 2);
		tw_put(wire, (i + 1) << 16 | 1 << 8 | open->add_path[i], 4);
	}
	tw_put_length(wire, capabilities - (open->extended ? 2 : 1), open->extended ? 2 : 1,
		capabilities);
	tw_put_length(
		wire, parameters - (open->extended ? 2 : 1), open->extended ? 2 : 1, parameters);
	tw_put_bgp_end(wire, start);
}

static inline void tw_put_tlv(struct tw_test_wire *wire, uint16_t type, const char *text)
{
	tw_put(wire, type, 2);
	tw_put(wire, strlen(text), 2);
	tw_put_bytes(wire, text, strlen(text));
}

static inline void tw_put_initiation(struct tw_test_wire *wire, const char *name)
{
	size_t start = tw_put_bmp(wire, 4);

	tw_put_tlv(wire, 1, "a router of the test");
	tw_put_tlv(wire, 2, name);
	tw_put_bmp_end(wire, start);
}

static inline void tw_put_termination(struct tw_test_wire *wire)
{
	size_t start = tw_put_bmp(wire, 5);

	tw_put(wire, 1, 2);
	tw_put(wire, 2, 2);
	tw_put(wire, 0, 2); /* administratively closed */
	tw_put_bmp_end(wire, start);
}

/* `sent` by the router, `received` from its peer. */
static inline void tw_put_peer_up(struct tw_test_wire *wire, const struct tw_test_peer *peer,
	const struct tw_test_open *sent, const struct tw_test_open *received)
{
	size_t start = tw_put_bmp(wire, 3);

	tw_put_peer(wire, peer);
	tw_put(wire, 0, 8);
	tw_put(wire, 0, 4);
	tw_put(wire, peer->type == TW_TEST_PEER_LOC_RIB ? 0 : 0xc0000201, 4);
	tw_put(wire, 179, 2);
	tw_put(wire, 40000, 2);
	tw_put_open(wire, sent);
	tw_put_open(wire, received);
	if (peer->type == TW_TEST_PEER_LOC_RIB)
		tw_put_tlv(wire, 3, "global");
	tw_put_bmp_end(wire, start);
}

static inline void tw_put_peer_down(
	struct tw_test_wire *wire, const struct tw_test_peer *peer, uint8_t reason)
{
	size_t start = tw_put_bmp(wire, 2);

	tw_put_peer(wire, peer);
	tw_put(wire, reason, 1);
	if (reason == 2)
		tw_put(wire, 0, 2);
	tw_put_bmp_end(wire, start);
}

/* Statistics (1), Route Mirroring (6), or what is none: a peer's header and four octets. */
static inline void tw_put_other(
	struct tw_test_wire *wire, uint8_t type, const struct tw_test_peer *peer)
{
	size_t start = tw_put_bmp(wire, type);

	tw_put_peer(wire, peer);
	tw_put(wire, 0, 4);
	tw_put_bmp_end(wire, start);
}

static inline void tw_put_prefix(
	struct tw_test_wire *wire, const struct tw_prefix *prefix, int64_t path_id)
{
	if (path_id >= 0)
		tw_put(wire, (uint64_t)path_id, 4);
	tw_put(wire, prefix->length, 1);
	tw_put_bytes(wire, prefix->addr.bytes, (prefix->length + 7u) / 8);
}

/* What a Route Monitoring message tells. */
struct tw_test_route {
	const char *prefix;
	int64_t path_id; /* -1: none is written */
	bool withdrawn;
	const uint32_t *path;
	unsigned int n_path;
};

static inline void tw_put_attributes(struct tw_test_wire *wire, const struct tw_test_peer *peer,
	const struct tw_test_route *route)
{
	unsigned int octets = (peer->flags & TW_TEST_AS2) != 0 ? 2 : 4;

	tw_put(wire, 0x40010100, 4); /* ORIGIN: IGP */
	tw_put(wire, 0x4002, 2);
	tw_put(wire, route->n_path > 0 ? 2 + route->n_path * octets : 0, 1);
	if (route->n_path > 0) {
		tw_put(wire, 2, 1);
		tw_put(wire, route->n_path, 1);
	}
	for (unsigned int i = 0; i < route->n_path; i++)
		tw_put(wire, route->path[i], octets);
}

/* The attribute that carries an IPv6 prefix. */
static inline void tw_put_multiprotocol(struct tw_test_wire *wire,
	const struct tw_test_route *route, const struct tw_prefix *prefix)
{
	size_t start;

	tw_put(wire, route->withdrawn ? 0x800f : 0x800e, 2);
	tw_put(wire, 0, 1);
	start = wire->size;
	tw_put(wire, 2, 2);
	tw_put(wire, 1, 1);
	if (!route->withdrawn) {
		tw_put(wire, 16, 1);
		tw_put(wire, 0x20010db8, 4);
		tw_put(wire, 0, 4);
		tw_put(wire, 1, 8);
		tw_put(wire, 0, 1);
	}
	tw_put_prefix(wire, prefix, route->path_id);
	tw_put_length(wire, start - 1, 1, start);
}

static inline void tw_put_route(struct tw_test_wire *wire, const struct tw_test_peer *peer,
	const struct tw_test_route *route)
{
	size_t start = tw_put_bmp(wire, 0), update, attributes, withdrawn;
	struct tw_prefix prefix;

	if (tw_prefix_parse(route->prefix, &prefix) != 0)
		abort();
	tw_put_peer(wire, peer);
	update = tw_put_bgp(wire, 2);
	withdrawn = wire->size;
	tw_put(wire, 0, 2);
	if (prefix.addr.family == 4 && route->withdrawn)
		tw_put_prefix(wire, &prefix, route->path_id);
	tw_put_length(wire, withdrawn, 2, withdrawn + 2);
	attributes = wire->size;
	tw_put(wire, 0, 2);
	if (!route->withdrawn)
		tw_put_attributes(wire, peer, route);
	if (prefix.addr.family == 6)
		tw_put_multiprotocol(wire, route, &prefix);
	tw_put_length(wire, attributes, 2, attributes + 2);
	if (prefix.addr.family == 4 && !route->withdrawn)
		tw_put_prefix(wire, &prefix, route->path_id);
	tw_put_bgp_end(wire, update);
	tw_put_bmp_end(wire, start);
}

static inline void tw_put_end_of_rib(
	struct tw_test_wire *wire, const struct tw_test_peer *peer, int family)
{
	size_t start = tw_put_bmp(wire, 0), update;

	tw_put_peer(wire, peer);
	update = tw_put_bgp(wire, 2);
	tw_put(wire, 0, 2);
	if (family == 4) {
		tw_put(wire, 0, 2);
	} else {
		tw_put(wire, 6, 2);
		tw_put(wire, 0x800f03000201, 6);
	}
	tw_put_bgp_end(wire, update);
	tw_put_bmp_end(wire, start);
}

#endif
