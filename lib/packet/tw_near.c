/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A bitmap by leading bits, 8 KiB for IPv4. A target of one /22 makes one /16 in 65,536 near. One that is spread over
 * the whole address space makes many near, and every packet with such an end costs what it cost without this answer.
 *
 * IPv6 is handed out by /32s (and longer), which crowd in few /16s: so the first 32 bits count, hashed into as many
 * bits. A range that covers a large part of a /16 (2002::/16, which stands for all of IPv4; fc00::/7 in somebody's
 * target) would fill all of them: it marks the /16 as a whole instead.
 *
 *   2400:cb00::/32    six[hash(2400:cb00)]        2002::/16    six_wide[2002]
 */

#include "tw_near.h"

/* So many /32s of one range are entered one by one. */
#define NARROW_MAX 1024

static void set_bit(uint64_t *bits, uint32_t at)
{
	bits[at >> 6] |= UINT64_C(1) << (at & 63);
}

static void set_bits(uint64_t *bits, uint32_t first, uint32_t last)
{
	for (uint32_t at = first; at <= last; at++)
		set_bit(bits, at);
}

void tw_near_add(struct tw_near *near, uint8_t family, tw_u128 first, tw_u128 last)
{
	unsigned int below = tw_addr_bits(family) - 32;
	uint32_t from = (uint32_t)(first >> below), to = (uint32_t)(last >> below);

	if (family == 4)
		set_bits(near->four, from >> 16, to >> 16);
	else if (to - from >= NARROW_MAX)
		set_bits(near->six_wide, from >> 16, to >> 16);
	else
		for (uint32_t n = to - from + 1; n-- > 0;)
			set_bit(near->six, tw_near_hash(from + n));
}
