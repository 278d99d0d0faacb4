/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A bitmap by leading bits, 8 KiB for IPv4. A target of one /22 makes one /16 in 65,536 near. One that is spread over
 * the whole address space makes many near, and every packet with such an end costs what it cost without this answer.
 *
 * IPv6 is handed out by /32s (and longer), which crowd in few /16s: so the first 32 bits count, hashed into as many
 * bits. A run that covers a large part of a /16 (2002::/16, which stands for all of IPv4; fc00::/7 in somebody's
 * target) would fill all of them: it marks the /16 as a whole instead.
 *
 *   2400:cb00::/32    six[hash(2400:cb00)]        2002::/16    six_wide[2002]
 */

#include "tw_near.h"

/* So many /32s of one run are entered one by one. */
#define NARROW_MAX 1024

static void set_bit(uint64_t *bits, uint32_t at)
{
	bits[at >> 6] |= UINT64_C(1) << (at & 63);
}

static void add6(struct tw_near *near, uint32_t first, uint32_t last)
{
	if (last - first < NARROW_MAX)
		for (uint64_t top = first; top <= last; top++)
			set_bit(near->six, tw_near_hash((uint32_t)top));
	else
		for (uint32_t at = first >> 16; at <= last >> 16; at++)
			set_bit(near->six_wide, at);
}

void tw_near_add(struct tw_near *near, const struct tw_steps *steps, uint64_t n_target_origins,
	uint64_t n_origins)
{
	unsigned int below = tw_addr_bits(steps->family) - 32;

	for (uint32_t run = 0; run < steps->n; run++) {
		uint32_t first = (uint32_t)(steps->first[run] >> below);
		uint32_t last = (uint32_t)(tw_steps_last(steps, run) >> below);
		uint64_t origin = steps->value[run];

		if (origin == 0 || (origin > n_target_origins && origin < n_origins))
			continue;
		if (steps->family == 6)
			add6(near, first, last);
		else
			for (uint32_t at = first >> 16; at <= last >> 16; at++)
				set_bit(near->four, at);
	}
}
