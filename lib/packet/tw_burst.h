/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_BURST_H
#define TW_BURST_H

/*
 * A burst: up to TW_BURST_MAX parsed packets of ONE second, as a struct of arrays.
 *
 *   source ─ parse ─► burst ─ classify ─ attribute ─ count ─ flows ─► empty burst
 *
 * Only IP packets take a slot. What is not IP or malformed is finished after parse and lives on in `rx` alone. A source
 * that knows what is near a target may finish IP packets that concern none, too: they live on in `n_far`.
 * A burst holds no pointer to the frame it came from: no stage after parse touches a packet's memory, and a
 * burst may cross to another core over a ring while the frame's buffer stays with the core that received it.
 *
 * Look-ups run over `ip4` and `ip6`, which hold the source and destination of each packet side by side:
 *
 *   slot4[k] = slot of the k-th IPv4 packet   ip4[2k] = its source   ip4[2k + 1] = its destination
 *   slot6[k] = slot of the k-th IPv6 packet   ip6[2k], ip6[2k + 1] likewise
 *
 * Ownership: one core at a time. The core that fills it hands it over whole, and gets it back empty.
 */

#include <stdint.h>
#include <string.h>

#include "tw_parse.h"

#define TW_BURST_MAX 64

/* What a source received, one counter each. Only u64: adding two of them is one loop. */
struct tw_rx_count {
	uint64_t packets;
	uint64_t bytes; /* octets of frames on the wire */
	uint64_t not_ip;
	uint64_t late; /* stamped before the clock of the source, counted in the open second */
	uint64_t malformed[TW_BAD_MAX];
	uint64_t dropped; /* lost ahead of this burst, where the ring to its worker was full */
};

/* Direction of a packet as the target sees it. */
enum tw_direction {
	TW_DIR_TO,   /* destination in the target */
	TW_DIR_FROM, /* source in the target */
};

/* A packet that concerns a target: one, or two where its ends lie in two different targets. */
struct tw_hit {
	uint8_t slot;      /* packet in the burst */
	uint8_t target;    /* index of the target, 0-based */
	uint8_t direction; /* enum tw_direction */
	uint8_t version;   /* 4 or 6 */
	uint8_t address;   /* index k: ip4[2k], ip6[2k] are the packet's addresses */
	uint16_t via;      /* upstream and method, set by attribute */
	uint32_t series;   /* set by attribute */
	uint32_t pair;     /* likewise: what link and route say, or TW_PAIR_NONE */
	uint32_t own;      /* origin index of the end in the target */
	uint32_t peer;     /* origin index of the other end */
};

struct tw_burst {
	uint64_t second; /* all packets below are of this second */
	uint16_t n;      /* IP packets, slots in use */
	uint16_t n4;
	uint16_t n6;
	uint16_t n_far; /* IP packets without a slot: no end of theirs is near a target */
	uint16_t n_hits;
	uint16_t n_internal; /* packets with both ends in one target */
	uint16_t n_target;   /* packets with at least one hit */
	uint8_t end;         /* the source is exhausted: nothing follows this burst */
	uint64_t drop_since; /* where rx.dropped is not 0: the second in which the loss began */

	struct tw_rx_count rx;

	uint8_t slot4[TW_BURST_MAX];
	uint8_t slot6[TW_BURST_MAX];
	uint32_t ip4[2 * TW_BURST_MAX];
	uint32_t bytes[TW_BURST_MAX]; /* layer-3 octets */
	uint64_t time[TW_BURST_MAX];  /* nanoseconds of the source's clock, never decreasing */
	struct tw_transport transport[TW_BURST_MAX];
	struct tw_link link[TW_BURST_MAX];
	uint8_t ip6[2 * TW_BURST_MAX][16];
	uint64_t origin[2 * TW_BURST_MAX]; /* scratch of classify */
	struct tw_hit hits[2 * TW_BURST_MAX];
} __attribute__((aligned(64)));

/* Empties a burst for the packets of `second`. */
static inline void tw_burst_reset(struct tw_burst *burst, uint64_t second)
{
	burst->second = second;
	burst->n = burst->n4 = burst->n6 = burst->n_far = 0;
	burst->n_hits = burst->n_internal = burst->n_target = 0;
	burst->end = 0;
	memset(&burst->rx, 0, sizeof(burst->rx));
}

/* Takes a parsed IP packet into the next slot; the caller has seen that n < TW_BURST_MAX. */
static inline void tw_burst_append(
	struct tw_burst *burst, const struct tw_packet *packet, uint64_t time)
{
	unsigned int slot = burst->n++;

	if (packet->version == 4) {
		burst->slot4[burst->n4] = (uint8_t)slot;
		memcpy(&burst->ip4[2 * burst->n4++], packet->ip4, sizeof(packet->ip4));
	} else {
		burst->slot6[burst->n6] = (uint8_t)slot;
		memcpy(burst->ip6[2 * burst->n6++], packet->ip6, sizeof(packet->ip6));
	}
	burst->bytes[slot] = packet->bytes;
	burst->time[slot] = time;
	burst->transport[slot] = packet->transport;
	burst->link[slot] = packet->link;
}

/*
 * The parse stage: parses one frame, stamped `time`, into the burst. It takes the next slot where it is IP, else
 * rx.not_ip or rx.malformed counts it; rx.packets and rx.bytes are the source's. The caller has seen that
 * n < TW_BURST_MAX. Equals tw_parse() and tw_burst_append(), and is faster where the frame is plain. Fast path.
 */
void tw_burst_parse(struct tw_burst *burst, const struct tw_frame *frame, unsigned int decapsulate,
	uint64_t time);

/*
 * The hash of a packet's flow: addresses, protocol, ports; one flow, one value. It spreads flows over workers,
 * so it is not keyed: the flow table has its own, keyed hash.
 */
uint32_t tw_packet_hash(const struct tw_packet *packet);

#endif
