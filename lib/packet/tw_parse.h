/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_PARSE_H
#define TW_PARSE_H

/*
 * The parser: one frame of outside bytes to the fields that attribution and flow counting need.
 *
 * It knows no DPDK and no clock, keeps no state, and reads nothing outside [data, data + captured).
 *
 *   link layer   Ethernet II, raw IP, Linux cooked v1 and v2, BSD null and loop, PPP, PPPoE
 *   tags         802.1Q, 802.1ad, 0x9100: up to TW_VLAN_MAX; MPLS (RFC 3032): up to 16 labels, then IPv4,
 *                IPv6 or an Ethernet pseudowire with control word (RFC 4385, RFC 4448); PPPoE session (RFC 2516)
 *   network      IPv4 (RFC 791), IPv6 (RFC 8200) with hop-by-hop, routing, destination options, fragment,
 *                AH (RFC 4302), mobility (RFC 6275), HIP (RFC 7401), shim6 (RFC 5533); jumbograms (RFC 2675)
 *   transport    ports of TCP, UDP, UDP-Lite, SCTP, DCCP; type and code of ICMP and ICMPv6 in their place
 *   tunnels      the outer header decides, unless its kind is set in `decapsulate`: GRE (RFC 2784, 2890),
 *                ERSPAN I to III, VXLAN (RFC 7348), IP in IP (RFC 2003, 2473, 4213), GTP-U (3GPP TS 29.281)
 *
 * Checksums are not verified.
 */

#include <stdint.h>
#include <stddef.h>

#define TW_VLAN_MAX  4
#define TW_VLAN_NONE UINT16_MAX
#define TW_MAC_NONE  UINT64_MAX

/* How the first byte of a frame is to be read. */
enum tw_link_type {
	TW_LINK_ETHERNET,
	TW_LINK_RAW_IP, /* the first nibble tells IPv4 from IPv6 */
	TW_LINK_RAW_IPV4,
	TW_LINK_RAW_IPV6,
	TW_LINK_SLL,   /* LINKTYPE_LINUX_SLL */
	TW_LINK_SLL2,  /* LINKTYPE_LINUX_SLL2 */
	TW_LINK_NULL,  /* BSD loopback, address family in either byte order */
	TW_LINK_PPP,   /* RFC 1661, with or without RFC 1662 address and control */
	TW_LINK_PPPOE, /* a PPPoE session header first (LINKTYPE_PPP_ETHER) */
};

/* Tunnels that `decapsulate` may take off, as bits. */
enum tw_decap {
	TW_DECAP_GRE = 1 << 0,
	TW_DECAP_ERSPAN = 1 << 1,
	TW_DECAP_VXLAN = 1 << 2,
	TW_DECAP_IPIP = 1 << 3,
	TW_DECAP_GTPU = 1 << 4,
};

/* What the parser made of a frame. */
enum tw_verdict {
	TW_VERDICT_IP,
	TW_VERDICT_NOT_IP,
	TW_VERDICT_MALFORMED,
};

/* Why a frame is malformed. "Cut" means cut by the frame itself; by the snaplen it is a short capture. */
enum tw_malformed {
	TW_BAD_SHORT_CAPTURE, /* the capture's snaplen ends before both addresses */
	TW_BAD_LINK,          /* link header, tag, label stack or tunnel header cut */
	TW_BAD_PPPOE_LENGTH,  /* PPPoE payload length larger than the frame */
	TW_BAD_IP_VERSION,    /* version field and link protocol disagree */
	TW_BAD_IPV4_HEADER,   /* IPv4 header cut, or its length field below 20 octets */
	TW_BAD_IPV4_LENGTH,   /* total length below the header or beyond the frame */
	TW_BAD_IPV6_HEADER,   /* IPv6 header cut */
	TW_BAD_IPV6_LENGTH, /* payload length, or jumbo payload length, beyond the frame or absurd */
	TW_BAD_IPV6_EXTENSION, /* extension header beyond the packet's end */
	TW_BAD_TRANSPORT,      /* transport header beyond the packet's end */
	TW_BAD_MAX,
};

/* The name of a reason as written to every output: "short_capture", "link", ... */
const char *tw_malformed_name(enum tw_malformed reason);

/* Bits of tw_packet.flags. */
enum {
	TW_PACKET_NO_FLOW = 1 << 0, /* a later fragment: counts, and never opens a flow */
};

/* The link's own identification of a packet, for attribution. */
struct tw_link {
	uint64_t mac_src; /* 48 bits, first octet highest; TW_MAC_NONE where the link has none */
	uint64_t mac_dst;
	uint16_t vlan
		[TW_VLAN_MAX]; /* VLAN identifiers (12 bits), outermost first, then TW_VLAN_NONE */
	uint16_t port;         /* the port or capture interface it came in by; set by the source */
	uint16_t reserved[3];
};
_Static_assert(sizeof(struct tw_link) == 32, "half a cache line a packet");

/* Transport identification, for flows. ICMP: type in port_src, code in port_dst. */
struct tw_transport {
	uint16_t port_src; /* host byte order; 0 where there is none or it was not captured */
	uint16_t port_dst;
	uint8_t protocol; /* IPv4 protocol or the last IPv6 next header */
	uint8_t flags;    /* TW_PACKET_* */
	uint16_t reserved;
};
_Static_assert(sizeof(struct tw_transport) == 8, "eight packets a cache line");

/* One parsed IP packet. */
struct tw_packet {
	uint8_t version;    /* 4 or 6 */
	uint8_t malformed;  /* enum tw_malformed where the verdict is TW_VERDICT_MALFORMED */
	uint32_t bytes;     /* layer-3 octets, IP header included */
	uint32_t ip4[2];    /* source, destination in host byte order where version is 4 */
	uint8_t ip6[2][16]; /* the same in network byte order where version is 6 */
	struct tw_link link;
	struct tw_transport transport;
};

/* One frame as a source hands it over. */
struct tw_frame {
	const uint8_t *data;
	uint32_t captured; /* readable octets at `data` */
	uint32_t length;   /* octets on the wire, >= captured */
	uint16_t port;
	uint8_t link_type;      /* enum tw_link_type */
	uint16_t vlan_stripped; /* tag that hardware took off the frame, else TW_VLAN_NONE */
};

/*
 * Parses one frame. `decapsulate` is a set of enum tw_decap. On TW_VERDICT_IP every field of *packet is set;
 * on TW_VERDICT_MALFORMED only `malformed`; on TW_VERDICT_NOT_IP none. Any thread.
 */
enum tw_verdict tw_parse(
	const struct tw_frame *frame, unsigned int decapsulate, struct tw_packet *packet);

#endif
