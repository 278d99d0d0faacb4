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
#include <string.h>

#include "tw_steps.h"

#define TW_NEAR_BITS  16
#define TW_NEAR_WORDS (1u << TW_NEAR_BITS >> 6)

struct tw_near {
	uint64_t four[TW_NEAR_WORDS];     /* a bit for each /16 of IPv4 */
	uint64_t six_wide[TW_NEAR_WORDS]; /* a bit for each /16 of IPv6: all of it is near */
	uint64_t six[TW_NEAR_WORDS];      /* a bit for the /32s of IPv6 with one hash */
} __attribute__((aligned(64)));

/*
 * Enters the target's addresses of a family: the runs of `steps` with values from 1 to n_target_origins, and those from
 * n_origins up, which stand for IPv4 addresses and are whatever these are. *near is zero before the first.
 */
void tw_near_add(struct tw_near *near, const struct tw_steps *steps, uint64_t n_target_origins,
	uint64_t n_origins);

static inline uint64_t tw_near_bit(const uint64_t *bits, uint32_t at)
{
	return bits[at >> 6] >> (at & 63) & 1;
}

/* Multiplicative: /32s that are handed out side by side, or at equal distances, spread. */
static inline uint32_t tw_near_hash(uint32_t top)
{
	return top * UINT32_C(0x9e3779b1) >> (32 - TW_NEAR_BITS);
}

/* Not 0 where the address may be in a target; host byte order. */
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
