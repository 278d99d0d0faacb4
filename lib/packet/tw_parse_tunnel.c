/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Tunnels: each function returns false where there is nothing to take off, so that the outer header counts.
 */

#include "tw_parse_priv.h"

enum {
	TUNNELS_MAX = 8, /* tunnels taken off one another */
};

static enum tw_verdict enter_ethernet(struct cursor *c)
{
	memset(c->packet->link.vlan, 0xff, sizeof(c->packet->link.vlan));
	c->tags = 0;
	return tw_parse_ethernet(c, true);
}

/* RFC 2784 and 2890. ERSPAN type I has no header of its own, II and III do; GRE's S bit tells I from II. */
static bool enter_gre(struct cursor *c, enum tw_verdict *verdict)
{
	enum {
		CHECKSUM = 0x8000,
		ROUTING = 0x4000,
		KEY = 0x2000,
		SEQUENCE = 0x1000,
		VERSION = 7
	};
	uint16_t flags, type;
	uint32_t length;
	bool erspan;

	if (!has(c, 4)) {
		*verdict = cut(c, 4, TW_BAD_LINK);
		return true;
	}
	flags = be16(c->data + c->at);
	type = be16(c->data + c->at + 2);
	erspan = type == ETHERTYPE_ERSPAN || type == ETHERTYPE_ERSPAN_III;
	if ((flags & (ROUTING | VERSION)) != 0 ||
		(c->decapsulate & (erspan ? TW_DECAP_ERSPAN : TW_DECAP_GRE)) == 0)
		return false;

	length = 4 + 4 * (!!(flags & CHECKSUM) + !!(flags & KEY) + !!(flags & SEQUENCE));
	if (type == ETHERTYPE_ERSPAN && (flags & SEQUENCE) != 0)
		length += 8;
	if (type == ETHERTYPE_ERSPAN_III)
		length += 12;
	switch (type) {
	case ETHERTYPE_IPV4:
	case ETHERTYPE_IPV6:
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_UPSTREAM:
	case ETHERTYPE_TEB:
	case ETHERTYPE_ERSPAN:
	case ETHERTYPE_ERSPAN_III:
		break;
	default:
		return false;
	}
	if (!has(c, length)) {
		*verdict = cut(c, length, TW_BAD_LINK);
		return true;
	}
	if (type == ETHERTYPE_ERSPAN_III && (c->data[c->at + length - 1] & 1) != 0)
		length += 8; /* platform-specific subheader */
	c->at += length;
	if (erspan || type == ETHERTYPE_TEB)
		*verdict = enter_ethernet(c);
	else
		*verdict = tw_parse_ethertype(c, type);
	return true;
}

/* RFC 7348 section 5; the cursor is at the UDP header. */
static bool enter_vxlan(struct cursor *c, enum tw_verdict *verdict)
{
	if (!has(c, 16)) {
		*verdict = cut(c, 16, TW_BAD_LINK);
		return true;
	}
	if ((c->data[c->at + 8] & 0x08) == 0)
		return false;
	c->at += 16;
	*verdict = enter_ethernet(c);
	return true;
}

/* 3GPP TS 29.281 section 5.1; the cursor is at the UDP header. Only G-PDUs carry users' packets. */
static bool enter_gtpu(struct cursor *c, enum tw_verdict *verdict)
{
	enum {
		VERSION_1_GTP = 0x30,
		EXTENSION = 4,
		OPTIONS = 7,
		G_PDU = 255
	};
	const uint8_t *header = c->data + c->at + 8;
	uint8_t next = 0;

	if (!has(c, 16)) {
		*verdict = cut(c, 16, TW_BAD_LINK);
		return true;
	}
	if ((header[0] & 0xf0) != VERSION_1_GTP || header[1] != G_PDU)
		return false;
	c->at += 16;
	if (crosses_end(c, be16(header + 2))) {
		*verdict = malformed(c, TW_BAD_LINK);
		return true;
	}
	c->end = c->at + be16(header + 2);
	if ((header[0] & OPTIONS) != 0) {
		if (!has(c, 4))
			goto cut_header;
		next = (header[0] & EXTENSION) != 0 ? c->data[c->at + 3] : 0;
		c->at += 4;
	}
	while (next != 0) {
		uint32_t length;

		if (!has(c, 4))
			goto cut_header;
		length = 4 * c->data[c->at];
		if (length == 0) {
			*verdict = malformed(c, TW_BAD_LINK);
			return true;
		}
		if (!has(c, length)) {
			*verdict = cut(c, length, TW_BAD_LINK);
			return true;
		}
		next = c->data[c->at + length - 1];
		c->at += length;
	}
	*verdict = tw_parse_ip_by_nibble(c, TW_VERDICT_NOT_IP);
	return true;

cut_header:
	*verdict = cut(c, 4, TW_BAD_LINK);
	return true;
}

/* Takes off the tunnel at the cursor, where its kind is configured. */
bool tw_parse_tunnel(struct cursor *c, uint8_t protocol, enum tw_verdict *verdict)
{
	uint16_t port;

	if (c->tunnels++ == TUNNELS_MAX)
		return false;
	switch (protocol) {
	case PROTO_GRE:
		return (c->decapsulate & (TW_DECAP_GRE | TW_DECAP_ERSPAN)) != 0 &&
		       enter_gre(c, verdict);
	case PROTO_IPV4:
	case PROTO_IPV6:
		if ((c->decapsulate & TW_DECAP_IPIP) == 0)
			return false;
		*verdict = protocol == PROTO_IPV4 ? tw_parse_ipv4(c) : tw_parse_ipv6(c);
		return true;
	case PROTO_UDP:
		if (!has(c, 8))
			return false;
		port = be16(c->data + c->at + 2);
		if (port == PORT_GTPU)
			return (c->decapsulate & TW_DECAP_GTPU) != 0 && enter_gtpu(c, verdict);
		if (port == PORT_VXLAN || port == PORT_VXLAN_LINUX)
			return (c->decapsulate & TW_DECAP_VXLAN) != 0 && enter_vxlan(c, verdict);
		return false;
	default:
		return false;
	}
}
