/* SPDX-License-Identifier: BSD-3-Clause */

#include "tw_burst.h"

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint32_t tw_packet_hash(const struct tw_packet *packet)
{
	/* Odd constants from the digits of pi and e: any would do, zero would not. */
	uint64_t ports = (uint64_t)packet->transport.protocol << 32 |
			 (uint64_t)packet->transport.port_src << 16 | packet->transport.port_dst;
	uint64_t hash = mix(ports ^ 0x243f6a8885a308d3, 0xadf85458a2bb4a9b);

	if (packet->version == 4) {
		uint64_t addresses;

		memcpy(&addresses, packet->ip4, sizeof(addresses));
		hash ^= addresses;
	} else {
		uint64_t words[4];

		memcpy(words, packet->ip6, sizeof(words));
		hash = mix(hash ^ words[0], words[1] ^ 0x13198a2e03707345);
		hash = mix(hash ^ words[2], words[3] ^ 0xa4093822299f31d1);
	}
	hash = mix(hash ^ 0x082efa98ec4e6c89, 0xb7e151628aed2a6b);
	return (uint32_t)(hash >> 32);
}
