/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_NEAR_H
#define TW_NEAR_H

/*
 * Which addresses are near a target: a first answer, small enough for a core's innermost cache, in front of tables of
 * hundreds of megabytes. "No" is certain, and says that the address is in no target; "yes" sends it to the table.
 *
 * Threads: immutable once made; any number of readers. Needs no EAL.
 */

#include <stdint.h>

#include "tw_addr.h"

#define TW_NEAR_BITS  16
#define TW_NEAR_WORDS (1u << TW_NEAR_BITS >> 6)

/* All zero: no address is near. */
struct tw_near {
	uint64_t four[TW_NEAR_WORDS];     /* a bit for each /16 of IPv4 */
	uint64_t six_wide[TW_NEAR_WORDS]; /* a bit for each /16 of IPv6: all of it is near */
	uint64_t six[TW_NEAR_WORDS];      /* a bit for the /32s of IPv6 with one hash */
} __attribute__((aligned(64)));

/* Makes the addresses from first to last of a family (4 or 6) near. */
void tw_near_add(struct tw_near *near, uint8_t family, tw_u128 first, tw_u128 last);

static inline uint64_t tw_near_bit(const uint64_t *bits, uint32_t at)
{
	return bits[at >> 6] >> (at & 63) & 1;
}

/* Multiplicative: /32s that are handed out side by side, or at equal distances, spread. */
static inline uint32_t tw_near_hash(uint32_t top)
{
	return top * UINT32_C(0x9e3779b1) >> (32 - TW_NEAR_BITS);
}

/* 1 where the address may be in a target, else 0; host byte order. */
static inline uint64_t tw_near4(const struct tw_near *near, uint32_t ip)
{
	return tw_near_bit(near->four, ip >> (32 - TW_NEAR_BITS));
}

/* The same for the first 32 bits of an IPv6 address. */
static inline uint64_t tw_near6(const struct tw_near *near, uint32_t top)
{
	return tw_near_bit(near->six_wide, top >> (32 - TW_NEAR_BITS)) |
	       tw_near_bit(near->six, tw_near_hash(top));
}

#endif
