/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_BURST_PLAIN_H
#define TW_BURST_PLAIN_H

/*
 * The parse stage's short way. Nearly all frames of a tap are plain: Ethernet, at most one tag, IPv4 without options or
 * IPv6 without extension headers, no later fragment, TCP or UDP, whole up to the ports. Those few tests stand here
 * once, on words of eight octets, and a frame that passes goes straight into the burst's arrays. Whatever does not, the
 * parser of tw_parse.c takes from the start: here is no verdict but IP, and no case that is not also there. Tests hold
 * both against each other.
 *
 * It is compiled into the loops of those who have many frames at hand, and has no other users but tw_burst_parse().
 */

#include <stdbool.h>

#include "tw_burst.h"
#include "tw_near.h"

/* How octets 12 to 19 of a frame begin: type, version, and header length with IPv4. */
#define TW_PLAIN_IPV4      UINT64_C(0x080045)
#define TW_PLAIN_IPV6      UINT64_C(0x86dd6)
#define TW_PLAIN_TAG       0x8100
#define TW_PLAIN_ETHERNET  14u
#define TW_PLAIN_TAG_SIZE  4u
#define TW_PLAIN_IPV4_SIZE 20u
#define TW_PLAIN_IPV6_SIZE 40u
#define TW_PLAIN_SHORTEST  (TW_PLAIN_ETHERNET + TW_PLAIN_TAG_SIZE + TW_PLAIN_IPV4_SIZE + 4)

static inline uint64_t tw_plain_word(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return __builtin_bswap64(word);
}

/* The shortest transport header; no packet is as long as that of a protocol that is left to the parser. */
static inline uint32_t tw_plain_transport(uint8_t protocol)
{
	uint32_t shortest = protocol == 6 ? 20 : UINT32_MAX / 2;

	return protocol == 17 ? 8 : shortest;
}

/* What comes with a frame. */
struct tw_plain {
	const uint8_t *data;
	uint32_t captured; /* octets that can be read */
	uint32_t length;   /* octets on the wire */
	uint16_t port;
	uint64_t time;
};

/* Of a function that is not inlined, the frame would pass through memory, and loads would wait for stores. */
#define TW_PLAIN_INLINE static inline __attribute__((always_inline))

/* What both versions share. `at` is the transport header. */
TW_PLAIN_INLINE void tw_plain_slot(struct tw_burst *burst, const struct tw_plain *frame,
	const uint8_t *at, uint64_t vlans, uint32_t bytes, uint8_t protocol)
{
	unsigned int slot = burst->n++;
	struct tw_link *link = &burst->link[slot];
	uint32_t ports;

	memcpy(&ports, at, sizeof(ports));
	ports = __builtin_bswap32(ports);
	burst->bytes[slot] = bytes;
	burst->time[slot] = frame->time;
	burst->transport[slot] = (struct tw_transport){.port_src = (uint16_t)(ports >> 16),
		.port_dst = (uint16_t)ports,
		.protocol = protocol};
	link->mac_dst = tw_plain_word(frame->data) >> 16;
	link->mac_src = tw_plain_word(frame->data + 4) & UINT64_C(0xffffffffffff);
	memcpy(link->vlan, &vlans, sizeof(link->vlan));
	link->port = frame->port;
	memset(link->reserved, 0, sizeof(link->reserved));
}

/* `head` is octets 12 to 19 behind `at`, `length` what the IP packet has room in. */
TW_PLAIN_INLINE bool tw_plain_ipv4(struct tw_burst *burst, const struct tw_plain *frame,
	const uint8_t *at, uint64_t head, uint64_t vlans, uint32_t length,
	const struct tw_near *near)
{
	uint64_t rest = tw_plain_word(at + 20); /* fragment, TTL, protocol, checksum */
	uint64_t addresses = tw_plain_word(at + 26);
	uint32_t source = (uint32_t)(addresses >> 32), destination = (uint32_t)addresses;
	uint32_t total = head >> 16 & 0xffff;
	uint8_t protocol = rest >> 32 & 0xff;

	if ((rest >> 48 & 0x1fff) != 0 || total > length ||
		total < TW_PLAIN_IPV4_SIZE + tw_plain_transport(protocol))
		return false;
	if (near != NULL && (tw_near4(near, source) | tw_near4(near, destination)) == 0) {
		burst->n_far++;
		return true;
	}
	burst->slot4[burst->n4] = (uint8_t)burst->n;
	burst->ip4[2 * burst->n4] = source;
	burst->ip4[2 * burst->n4 + 1] = destination;
	burst->n4++;
	tw_plain_slot(burst, frame, at + 34, vlans, total, protocol);
	return true;
}

TW_PLAIN_INLINE bool tw_plain_ipv6(struct tw_burst *burst, const struct tw_plain *frame,
	const uint8_t *at, uint64_t vlans, uint32_t length, const struct tw_near *near)
{
	uint32_t payload = tw_plain_word(at + 14) >> 16 & 0xffff;
	uint32_t source = (uint32_t)(tw_plain_word(at + 22) >> 32);
	uint32_t destination = (uint32_t)(tw_plain_word(at + 38) >> 32);
	uint8_t protocol = at[20];

	if (payload + TW_PLAIN_IPV6_SIZE > length || payload < tw_plain_transport(protocol))
		return false;
	if (near != NULL && (tw_near6(near, source) | tw_near6(near, destination)) == 0) {
		burst->n_far++;
		return true;
	}
	burst->slot6[burst->n6] = (uint8_t)burst->n;
	memcpy(burst->ip6[2 * burst->n6], at + 22, 32);
	burst->n6++;
	tw_plain_slot(burst, frame, at + 54, vlans, TW_PLAIN_IPV6_SIZE + payload, protocol);
	return true;
}

/*
 * True where the frame was plain. It is then in the burst's next slot; or in its n_far, where there is `near` and says
 * so of both addresses. Fast path.
 */
TW_PLAIN_INLINE bool tw_burst_parse_plain(
	struct tw_burst *burst, const struct tw_plain *frame, const struct tw_near *near)
{
	const uint8_t *at = frame->data; /* without the tag, the frame would begin here */
	uint64_t vlans = UINT64_MAX;     /* four times TW_VLAN_NONE */
	uint32_t tag = 0;
	uint64_t head;

	if (frame->captured < TW_PLAIN_SHORTEST)
		return false;
	head = tw_plain_word(at + 12);
	if (head >> 48 == TW_PLAIN_TAG) {
		vlans = vlans << 16 | (head >> 32 & 0xfff);
		tag = TW_PLAIN_TAG_SIZE;
		at += tag;
		head = tw_plain_word(at + 12);
	}
	if (head >> 40 == TW_PLAIN_IPV4)
		return tw_plain_ipv4(burst, frame, at, head, vlans,
			frame->length - tag - TW_PLAIN_ETHERNET, near);
	return head >> 44 == TW_PLAIN_IPV6 &&
	       frame->captured >= tag + TW_PLAIN_ETHERNET + TW_PLAIN_IPV6_SIZE + 4 &&
	       tw_plain_ipv6(
		       burst, frame, at, vlans, frame->length - tag - TW_PLAIN_ETHERNET, near);
}

#endif
