/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Nearly all frames of a tap are plain: Ethernet, at most one tag, IPv4 without options or IPv6 without extension
 * headers, no later fragment, TCP or UDP, whole up to the ports. Those few tests stand here once, and a frame that
 * passes goes straight into the burst's arrays. Whatever does not, the parser of tw_parse.c takes from the start:
 * here is no verdict but IP, and no case that is not also there. Tests hold both against each other.
 */

#include "tw_burst.h"
#include "tw_parse_priv.h"

enum {
	ETHERNET_HEADER = 14,
	TAG = 4,
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	PORTS = 4,
};

/* The shortest transport header, or 0 for a protocol that is left to the parser. */
static inline uint32_t plain_transport(uint8_t protocol)
{
	return protocol == PROTO_TCP ? 20 : protocol == PROTO_UDP ? 8 : 0;
}

/* What both versions share. `data` is readable for 18 octets at least, `ports` for 4. */
static inline void put_slot(struct tw_burst *burst, const struct tw_frame *frame, uint64_t vlans,
	uint32_t bytes, uint8_t protocol, const uint8_t *ports, uint64_t time)
{
	unsigned int slot = burst->n++;
	struct tw_link *link = &burst->link[slot];

	burst->bytes[slot] = bytes;
	burst->time[slot] = time;
	burst->transport[slot] = (struct tw_transport){
		.port_src = be16(ports), .port_dst = be16(ports + 2), .protocol = protocol};
	link->mac_dst = be64(frame->data) >> 16;
	link->mac_src = be64(frame->data + 4) & 0xffffffffffff;
	memcpy(link->vlan, &vlans, sizeof(link->vlan));
	link->port = frame->port;
	memset(link->reserved, 0, sizeof(link->reserved));
}

static inline bool plain_ipv4(struct tw_burst *burst, const struct tw_frame *frame, uint32_t at,
	uint64_t vlans, uint64_t time)
{
	enum {
		OFFSET = 0x1fff
	};
	const uint8_t *header = frame->data + at;
	uint32_t total, transport;

	if (frame->captured < at + IPV4_HEADER + PORTS || header[0] != 0x45 ||
		(be16(header + 6) & OFFSET) != 0)
		return false;
	total = be16(header + 2);
	transport = plain_transport(header[9]);
	if (transport == 0 || total < IPV4_HEADER + transport || total > frame->length - at)
		return false;
	burst->slot4[burst->n4] = (uint8_t)burst->n;
	burst->ip4[2 * burst->n4] = be32(header + 12);
	burst->ip4[2 * burst->n4 + 1] = be32(header + 16);
	burst->n4++;
	put_slot(burst, frame, vlans, total, header[9], header + IPV4_HEADER, time);
	return true;
}

static inline bool plain_ipv6(struct tw_burst *burst, const struct tw_frame *frame, uint32_t at,
	uint64_t vlans, uint64_t time)
{
	const uint8_t *header = frame->data + at;
	uint32_t payload, transport;

	if (frame->captured < at + IPV6_HEADER + PORTS || header[0] >> 4 != 6)
		return false;
	payload = be16(header + 4);
	transport = plain_transport(header[6]);
	if (transport == 0 || payload < transport || payload > frame->length - at - IPV6_HEADER)
		return false;
	burst->slot6[burst->n6] = (uint8_t)burst->n;
	memcpy(burst->ip6[2 * burst->n6], header + 8, 32);
	burst->n6++;
	put_slot(burst, frame, vlans, IPV6_HEADER + payload, header[6], header + IPV6_HEADER, time);
	return true;
}

/* True where the frame was plain and is in the burst. */
static inline bool parse_plain(struct tw_burst *burst, const struct tw_frame *frame,
	unsigned int decapsulate, uint64_t time)
{
	uint64_t vlans = UINT64_MAX; /* four times TW_VLAN_NONE */
	uint32_t at = ETHERNET_HEADER;
	uint16_t type;

	if (frame->link_type != TW_LINK_ETHERNET || frame->captured < ETHERNET_HEADER + TAG ||
		frame->vlan_stripped != TW_VLAN_NONE || decapsulate != 0)
		return false;
	type = be16(frame->data + 12);
	if (type == ETHERTYPE_VLAN) {
		vlans = vlans << 16 | (be16(frame->data + at) & 0xfff);
		type = be16(frame->data + at + 2);
		at += TAG;
	}
	if (type == ETHERTYPE_IPV4)
		return plain_ipv4(burst, frame, at, vlans, time);
	return type == ETHERTYPE_IPV6 && plain_ipv6(burst, frame, at, vlans, time);
}

void tw_burst_parse(struct tw_burst *burst, const struct tw_frame *frame, unsigned int decapsulate,
	uint64_t time)
{
	struct tw_packet packet;

	if (parse_plain(burst, frame, decapsulate, time))
		return;
	switch (tw_parse(frame, decapsulate, &packet)) {
	case TW_VERDICT_IP:
		tw_burst_append(burst, &packet, time);
		break;
	case TW_VERDICT_NOT_IP:
		burst->rx.not_ip++;
		break;
	case TW_VERDICT_MALFORMED:
		burst->rx.malformed[packet.malformed]++;
		break;
	}
}
