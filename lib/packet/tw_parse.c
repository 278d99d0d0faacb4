/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A cursor walks the frame and two ends bound it:
 *
 *   0            at        captured            end
 *   |== parsed ==|-- readable --|-- on the wire, not captured --|   padding, FCS
 *
 * `end` starts as the frame's length on the wire and shrinks to what each enclosing length field allows (PPPoE,
 * IP, GTP-U). A header that crosses `end` is cut by the frame, which is malformed; one that crosses `captured`
 * alone is cut by the snaplen, which is malformed only before both addresses are known.
 *
 * Every step consumes octets, so the walk is bounded by the frame; tags, labels, extension headers and tunnels
 * have bounds of their own besides. One layer is one function that ends by calling the next (a tail call), and
 * the layers' order on this page is their order in a frame.
 */

#include <string.h>

#include "tw_parse_priv.h"

enum {
	LABELS_MAX = 16,     /* MPLS labels in one stack */
	EXTENSIONS_MAX = 16, /* IPv6 extension headers */
};

static enum tw_verdict parse_mpls(struct cursor *c);

/* The version is in the first nibble; `other` is the verdict on any but 4 and 6. */
enum tw_verdict tw_parse_ip_by_nibble(struct cursor *c, enum tw_verdict other)
{
	if (!has(c, 1))
		return cut(c, 1, TW_BAD_LINK);
	switch (c->data[c->at] >> 4) {
	case 4:
		return tw_parse_ipv4(c);
	case 6:
		return tw_parse_ipv6(c);
	default:
		return other == TW_VERDICT_MALFORMED ? malformed(c, TW_BAD_IP_VERSION) : other;
	}
}

/* PPP protocol field, RFC 1661 section 2, one octet where it is compressed (section 6.5). */
static enum tw_verdict parse_ppp(struct cursor *c)
{
	uint16_t protocol;

	if (!has(c, 1))
		return cut(c, 1, TW_BAD_LINK);
	protocol = c->data[c->at];
	if ((protocol & 1) == 0) {
		if (!has(c, 2))
			return cut(c, 2, TW_BAD_LINK);
		protocol = be16(c->data + c->at);
		c->at++;
	}
	c->at++;
	switch (protocol) {
	case 0x0021:
		return tw_parse_ipv4(c);
	case 0x0057:
		return tw_parse_ipv6(c);
	case 0x0281: /* RFC 3032 section 4 */
	case 0x0283:
		return parse_mpls(c);
	default:
		return TW_VERDICT_NOT_IP;
	}
}

/* RFC 2516 section 4. Its length bounds what follows; discovery is not IP. */
static enum tw_verdict parse_pppoe(struct cursor *c)
{
	const uint8_t *header = c->data + c->at;
	uint16_t length;

	if (!has(c, 6))
		return cut(c, 6, TW_BAD_LINK);
	if (header[0] != 0x11 || header[1] != 0)
		return TW_VERDICT_NOT_IP;
	length = be16(header + 4);
	c->at += 6;
	if (crosses_end(c, length))
		return malformed(c, TW_BAD_PPPOE_LENGTH);
	c->end = c->at + length;
	return parse_ppp(c);
}

/*
 * RFC 3032. What follows the bottom of the stack is told by its first nibble (RFC 4928 section 3): 0 is the
 * control word of a pseudowire (RFC 4385), behind which an Ethernet frame follows (RFC 4448). The neighbour is
 * still the outer frame's; the inner frame's tags queue up behind the outer ones.
 */
static enum tw_verdict parse_mpls(struct cursor *c)
{
	bool bottom = false;

	for (unsigned int label = 0; !bottom; label++) {
		if (label == LABELS_MAX)
			return TW_VERDICT_NOT_IP;
		if (!has(c, 4))
			return cut(c, 4, TW_BAD_LINK);
		bottom = (c->data[c->at + 2] & 1) != 0;
		c->at += 4;
	}
	if (!has(c, 1))
		return cut(c, 1, TW_BAD_LINK);
	if (c->data[c->at] >> 4 != 0)
		return tw_parse_ip_by_nibble(c, TW_VERDICT_NOT_IP);
	if (!has(c, 4))
		return cut(c, 4, TW_BAD_LINK);
	c->at += 4;
	return tw_parse_ethernet(c, false);
}

enum tw_verdict tw_parse_ethertype(struct cursor *c, uint16_t type)
{
	while (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD) {
		if (c->tags == TW_VLAN_MAX)
			return TW_VERDICT_NOT_IP;
		if (!has(c, 4))
			return cut(c, 4, TW_BAD_LINK);
		c->packet->link.vlan[c->tags++] = be16(c->data + c->at) & 0xfff;
		type = be16(c->data + c->at + 2);
		c->at += 4;
	}
	switch (type) {
	case ETHERTYPE_IPV4:
		return tw_parse_ipv4(c);
	case ETHERTYPE_IPV6:
		return tw_parse_ipv6(c);
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_UPSTREAM:
		return parse_mpls(c);
	case ETHERTYPE_PPPOE_SESSION:
		return parse_pppoe(c);
	default:
		return TW_VERDICT_NOT_IP;
	}
}

/* `outer` is false inside a pseudowire: the MAC addresses there are the customer's, not the neighbour's. */
enum tw_verdict tw_parse_ethernet(struct cursor *c, bool outer)
{
	const uint8_t *header = c->data + c->at;

	if (!has(c, 14))
		return cut(c, 14, TW_BAD_LINK);
	if (outer) {
		c->packet->link.mac_dst = be48(header);
		c->packet->link.mac_src = be48(header + 6);
	}
	c->at += 14;
	return tw_parse_ethertype(c, be16(header + 12));
}

/* LINKTYPE_LINUX_SLL and _SLL2: the sender's address alone, and an Ethernet type on devices that have one. */
static enum tw_verdict parse_cooked(struct cursor *c, bool v2)
{
	enum {
		ARPHRD_NETLINK = 824
	};
	const uint8_t *header = c->data + c->at;
	uint32_t length = v2 ? 20 : 16;

	if (!has(c, length))
		return cut(c, length, TW_BAD_LINK);
	if (be16(header + (v2 ? 8 : 2)) == ARPHRD_NETLINK)
		return TW_VERDICT_NOT_IP;
	if ((v2 ? header[11] : be16(header + 4)) == 6)
		c->packet->link.mac_src = be48(header + (v2 ? 12 : 6));
	c->at += length;
	return tw_parse_ethertype(c, be16(header + (v2 ? 0 : 14)));
}

/* LINKTYPE_NULL and _LOOP: an address family in the byte order of the capturing host, or in network order. */
static enum tw_verdict parse_null(struct cursor *c)
{
	uint32_t family;

	if (!has(c, 4))
		return cut(c, 4, TW_BAD_LINK);
	family = be32(c->data + c->at);
	if (family > UINT16_MAX)
		family = __builtin_bswap32(family);
	c->at += 4;
	switch (family) {
	case 2: /* AF_INET everywhere */
		return tw_parse_ipv4(c);
	case 10: /* AF_INET6 of Linux, */
	case 24: /* NetBSD and OpenBSD, */
	case 28: /* FreeBSD, */
	case 30: /* Darwin */
		return tw_parse_ipv6(c);
	default:
		return TW_VERDICT_NOT_IP;
	}
}

/* Octets of the fixed transport header, or 0 where the protocol has no ports. */
static inline uint32_t transport_header(uint8_t protocol)
{
	switch (protocol) {
	case PROTO_TCP:
		return 20; /* RFC 9293 section 3.1 */
	case PROTO_UDP:
	case PROTO_UDPLITE: /* RFC 3828 section 3 */
	case PROTO_ICMP:    /* RFC 792 */
		return 8;
	case PROTO_SCTP: /* RFC 9260 section 3.1 */
	case PROTO_DCCP: /* RFC 4340 section 5.1 */
		return 12;
	case PROTO_ICMPV6: /* RFC 4443 section 2.1 */
		return 4;
	default:
		return 0;
	}
}

/*
 * The addresses are known; whatever the snaplen cut from here on costs the flow its ports and nothing else.
 * A first fragment may be shorter than its transport header.
 */
static inline enum tw_verdict parse_transport(struct cursor *c, uint8_t protocol, bool fragment)
{
	struct tw_transport *transport = &c->packet->transport;
	uint32_t header = transport_header(protocol);
	enum tw_verdict verdict = TW_VERDICT_NOT_IP;

	if (c->decapsulate != 0 && !fragment && tw_parse_tunnel(c, protocol, &verdict))
		return verdict;
	transport->protocol = protocol;
	if (header == 0)
		return TW_VERDICT_IP;
	if (!fragment && crosses_end(c, header))
		return malformed(c, TW_BAD_TRANSPORT);
	if (protocol == PROTO_ICMP || protocol == PROTO_ICMPV6) {
		if (has(c, 2)) {
			transport->port_src = c->data[c->at];
			transport->port_dst = c->data[c->at + 1];
		}
	} else if (has(c, 4)) {
		transport->port_src = be16(c->data + c->at);
		transport->port_dst = be16(c->data + c->at + 2);
	}
	return TW_VERDICT_IP;
}

/* RFC 791 section 3.1. Total length 0 is a segment that the sender's card had yet to cut. */
enum tw_verdict tw_parse_ipv4(struct cursor *c)
{
	enum {
		MORE_FRAGMENTS = 0x2000,
		OFFSET = 0x1fff
	};
	struct tw_packet *packet = c->packet;
	const uint8_t *header = c->data + c->at;
	uint32_t header_length, total;
	uint16_t fragment;

	if (!has(c, 20))
		return cut(c, 20, TW_BAD_IPV4_HEADER);
	if (header[0] >> 4 != 4)
		return malformed(c, TW_BAD_IP_VERSION);
	header_length = (header[0] & 0x0f) * 4u;
	if (header_length < 20 || crosses_end(c, header_length))
		return malformed(c, TW_BAD_IPV4_HEADER);
	total = be16(header + 2);
	if (total == 0)
		total = c->end - c->at;
	if (total < header_length || crosses_end(c, total))
		return malformed(c, TW_BAD_IPV4_LENGTH);

	c->end = c->at + total;
	c->at += header_length;
	packet->version = 4;
	packet->bytes = total;
	packet->ip4[0] = be32(header + 12);
	packet->ip4[1] = be32(header + 16);
	fragment = be16(header + 6);
	if ((fragment & OFFSET) != 0) {
		packet->transport.protocol = header[9];
		packet->transport.flags = TW_PACKET_NO_FLOW;
		return TW_VERDICT_IP;
	}
	return parse_transport(c, header[9], (fragment & MORE_FRAGMENTS) != 0);
}

/*
 * The jumbo payload length of a hop-by-hop header at the cursor (RFC 2675 section 2), or 0 where there is none
 * or it was not captured.
 */
static uint32_t jumbo_length(const struct cursor *c)
{
	enum {
		OPTION_PAD1 = 0,
		OPTION_JUMBO = 0xc2
	};
	const uint8_t *header = c->data + c->at;
	uint32_t length;

	if (!has(c, 8))
		return 0;
	length = (header[1] + 1u) * 8;
	if (!has(c, length))
		return 0;
	for (uint32_t i = 2; i + 1 < length;) {
		if (header[i] == OPTION_PAD1) {
			i++;
			continue;
		}
		if (header[i] == OPTION_JUMBO && header[i + 1] == 4 && i + 6 <= length)
			return be32(header + i + 2);
		i += 2u + header[i + 1];
	}
	return 0;
}

/* Walks the extension headers, RFC 8200 section 4; the cursor is behind the fixed header. */
static enum tw_verdict parse_ipv6_extensions(struct cursor *c, uint8_t next)
{
	struct tw_transport *transport = &c->packet->transport;
	bool fragment = false;

	for (unsigned int i = 0; i < EXTENSIONS_MAX; i++) {
		const uint8_t *header = c->data + c->at;
		uint32_t length;

		switch (next) {
		case PROTO_HOP_BY_HOP:
		case PROTO_ROUTING:
		case PROTO_DESTINATION:
		case PROTO_MOBILITY:
		case PROTO_HIP:
		case PROTO_SHIM6:
		case PROTO_FRAGMENT:
		case PROTO_AH:
			break;
		default:
			return parse_transport(c, next, fragment);
		}
		if (crosses_end(c, 8))
			return malformed(c, TW_BAD_IPV6_EXTENSION);
		transport->protocol = next;
		if (!has(c, 8))
			return TW_VERDICT_IP;
		length = next == PROTO_FRAGMENT ? 8
			 : next == PROTO_AH     ? (header[1] + 2u) * 4
						: (header[1] + 1u) * 8;
		if (crosses_end(c, length))
			return malformed(c, TW_BAD_IPV6_EXTENSION);
		if (next == PROTO_FRAGMENT) {
			uint16_t offset = be16(header + 2);

			if ((offset & 0xfff8) != 0) {
				transport->protocol = header[0];
				transport->flags = TW_PACKET_NO_FLOW;
				return TW_VERDICT_IP;
			}
			fragment = fragment || (offset & 1) != 0;
		}
		next = header[0];
		c->at += length;
	}
	transport->protocol = next;
	return TW_VERDICT_IP;
}

/* RFC 8200 section 3. Payload length 0: the jumbo option's, else what the frame holds. */
enum tw_verdict tw_parse_ipv6(struct cursor *c)
{
	struct tw_packet *packet = c->packet;
	const uint8_t *header = c->data + c->at;
	uint32_t payload;

	if (!has(c, 40))
		return cut(c, 40, TW_BAD_IPV6_HEADER);
	if (header[0] >> 4 != 6)
		return malformed(c, TW_BAD_IP_VERSION);
	payload = be16(header + 4);
	c->at += 40;
	if (payload == 0) {
		uint32_t jumbo = header[6] == PROTO_HOP_BY_HOP ? jumbo_length(c) : 0;

		if (jumbo != 0 && jumbo <= UINT16_MAX)
			return malformed(c, TW_BAD_IPV6_LENGTH);
		payload = jumbo != 0 ? jumbo : c->end - c->at;
	}
	if (crosses_end(c, payload))
		return malformed(c, TW_BAD_IPV6_LENGTH);

	c->end = c->at + payload;
	packet->version = 6;
	packet->bytes = 40 + payload;
	memcpy(packet->ip6, header + 8, sizeof(packet->ip6));
	return parse_ipv6_extensions(c, header[6]);
}

enum tw_verdict tw_parse(
	const struct tw_frame *frame, unsigned int decapsulate, struct tw_packet *packet)
{
	struct cursor c = {
		.data = frame->data,
		.captured = frame->captured,
		.end = frame->length,
		.decapsulate = decapsulate,
		.packet = packet,
	};

	memset(&packet->link, 0xff, sizeof(packet->link));
	packet->link.port = frame->port;
	memset(packet->link.reserved, 0, sizeof(packet->link.reserved));
	memset(&packet->transport, 0, sizeof(packet->transport));
	if (frame->vlan_stripped != TW_VLAN_NONE)
		packet->link.vlan[c.tags++] = frame->vlan_stripped & 0xfff;

	switch ((enum tw_link_type)frame->link_type) {
	case TW_LINK_ETHERNET:
		return tw_parse_ethernet(&c, true);
	case TW_LINK_RAW_IP:
		return tw_parse_ip_by_nibble(&c, TW_VERDICT_MALFORMED);
	case TW_LINK_RAW_IPV4:
		return tw_parse_ipv4(&c);
	case TW_LINK_RAW_IPV6:
		return tw_parse_ipv6(&c);
	case TW_LINK_SLL:
		return parse_cooked(&c, false);
	case TW_LINK_SLL2:
		return parse_cooked(&c, true);
	case TW_LINK_NULL:
		return parse_null(&c);
	case TW_LINK_PPP:
		/* Address and control octets of RFC 1662, where the link did not leave them out. */
		if (has(&c, 1) && !has(&c, 2) && c.data[0] == 0xff)
			return cut(&c, 2, TW_BAD_LINK);
		if (has(&c, 2) && c.data[0] == 0xff && c.data[1] == 0x03)
			c.at = 2;
		return parse_ppp(&c);
	case TW_LINK_PPPOE:
		return parse_pppoe(&c);
	}
	return TW_VERDICT_NOT_IP;
}

const char *tw_malformed_name(enum tw_malformed reason)
{
	static const char *const names[TW_BAD_MAX] = {
		[TW_BAD_SHORT_CAPTURE] = "short_capture",
		[TW_BAD_LINK] = "link",
		[TW_BAD_PPPOE_LENGTH] = "pppoe_length",
		[TW_BAD_IP_VERSION] = "ip_version",
		[TW_BAD_IPV4_HEADER] = "ipv4_header",
		[TW_BAD_IPV4_LENGTH] = "ipv4_length",
		[TW_BAD_IPV6_HEADER] = "ipv6_header",
		[TW_BAD_IPV6_LENGTH] = "ipv6_length",
		[TW_BAD_IPV6_EXTENSION] = "ipv6_extension",
		[TW_BAD_TRANSPORT] = "transport",
	};

	return names[reason];
}
