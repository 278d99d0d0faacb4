/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_PARSE_PRIV_H
#define TW_PARSE_PRIV_H

/* The parser's cursor, and the layers that tunnels lead back to. tw_parse.c tells how it works. */

#include <stdbool.h>
#include <string.h>

#include "tw_parse.h"

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_TEB = 0x6558, /* transparent Ethernet bridging, RFC 1701 */
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_UPSTREAM = 0x8848, /* RFC 5332 */
	ETHERTYPE_PPPOE_SESSION = 0x8864,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_ERSPAN = 0x88be, /* types I and II */
	ETHERTYPE_ERSPAN_III = 0x22eb,
	ETHERTYPE_QINQ_OLD = 0x9100,
};

enum {
	PROTO_HOP_BY_HOP = 0,
	PROTO_ICMP = 1,
	PROTO_IPV4 = 4,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_DCCP = 33,
	PROTO_IPV6 = 41,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_GRE = 47,
	PROTO_AH = 51,
	PROTO_ICMPV6 = 58,
	PROTO_NONE = 59,
	PROTO_DESTINATION = 60,
	PROTO_SCTP = 132,
	PROTO_MOBILITY = 135,
	PROTO_UDPLITE = 136,
	PROTO_HIP = 139,
	PROTO_SHIM6 = 140,
};

enum {
	PORT_GTPU = 2152,
	PORT_VXLAN = 4789,
	PORT_VXLAN_LINUX = 8472, /* Linux's default from before the assignment */
};

struct cursor {
	const uint8_t *data;
	uint32_t at;
	uint32_t captured;
	uint32_t end;
	unsigned int decapsulate;
	unsigned int tunnels;
	unsigned int tags;
	struct tw_packet *packet;
};

static inline uint16_t be16(const uint8_t *p)
{
	uint16_t value;

	memcpy(&value, p, sizeof(value));
	return __builtin_bswap16(value);
}

static inline uint32_t be32(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return __builtin_bswap32(value);
}

static inline uint64_t be64(const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return __builtin_bswap64(value);
}

static inline uint64_t be48(const uint8_t *p)
{
	return (uint64_t)be16(p) << 32 | be32(p + 2);
}

/* True where the next n octets are on the wire and captured. */
static inline bool has(const struct cursor *c, uint32_t n)
{
	uint32_t limit = c->end < c->captured ? c->end : c->captured;

	return c->at <= limit && n <= limit - c->at;
}

/* True where the next n octets cross the end of what encloses them. */
static inline bool crosses_end(const struct cursor *c, uint32_t n)
{
	return c->at > c->end || n > c->end - c->at;
}

static inline enum tw_verdict malformed(const struct cursor *c, enum tw_malformed reason)
{
	c->packet->malformed = (uint8_t)reason;
	return TW_VERDICT_MALFORMED;
}

/* A header of n octets before the addresses is not all there: who cut it? */
static inline enum tw_verdict cut(const struct cursor *c, uint32_t n, enum tw_malformed reason)
{
	return malformed(c, crosses_end(c, n) ? reason : TW_BAD_SHORT_CAPTURE);
}

/* `outer` is false inside a pseudowire: the MAC addresses there are the customer's, not the neighbour's. */
enum tw_verdict tw_parse_ethernet(struct cursor *c, bool outer);
enum tw_verdict tw_parse_ethertype(struct cursor *c, uint16_t type);
/* The version is in the first nibble; `other` is the verdict on any but 4 and 6. */
enum tw_verdict tw_parse_ip_by_nibble(struct cursor *c, enum tw_verdict other);
enum tw_verdict tw_parse_ipv4(struct cursor *c);
enum tw_verdict tw_parse_ipv6(struct cursor *c);

/* Takes off the tunnel at the cursor, where its kind is configured; else returns false. */
bool tw_parse_tunnel(struct cursor *c, uint8_t protocol, enum tw_verdict *verdict);

#endif
