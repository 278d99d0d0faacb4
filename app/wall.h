/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_WALL_H
#define TW_WALL_H

/*
 * The clock of live seconds: the wall clock at start, carried on by the monotonic one, so that it never runs backwards
 * whatever becomes of the system's. The two run at one pace (NTP disciplines both) and come apart only where the wall
 * clock is set, or a machine sleeps:
 *
 *   set forward: this clock jumps with it. The seconds between had no packets.
 *   set back:    this clock runs slower by a twentieth until the wall clock has caught up. Counts stay exact; each
 *                second lasts 1.05 of the wall clock's meanwhile. A leap second is made up for within 20 s.
 *
 * Threads: the control core looks; any thread reads.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "tw_clock.h"

enum tw_wall_change {
	TW_WALL_STEADY,
	TW_WALL_FORWARD,
	TW_WALL_BACK,
	TW_WALL_CAUGHT_UP, /* with a wall clock that had been set back */
};

struct tw_wall {
	_Atomic uint64_t offset; /* nanoseconds to be added to the monotonic clock */
	_Atomic uint64_t ahead;  /* nanoseconds of the wall clock, since that was set back; or 0 */
	uint64_t looked;         /* monotonic nanoseconds: the last look */
};

/* What the two clocks said at one moment, nanoseconds. */
struct tw_clocks {
	uint64_t monotonic;
	uint64_t wall;
};

struct tw_clocks tw_clocks_now(void);

void tw_wall_start(struct tw_wall *wall, const struct tw_clocks *now);

/*
 * Follows the wall clock. To be called every few milliseconds. Returns what became of it, with *by nanoseconds that it
 * was set by; what is no more than a few milliseconds is followed and not told.
 */
enum tw_wall_change tw_wall_look(struct tw_wall *wall, const struct tw_clocks *now, uint64_t *by);

/* Nanoseconds of Unix time. Reads the vDSO: no system call. */
static inline uint64_t tw_wall_ns(const struct tw_wall *wall)
{
	return tw_monotonic_ns() + atomic_load_explicit(&wall->offset, memory_order_relaxed);
}

/* The first second that begins more than `lead` nanoseconds from now. */
uint64_t tw_wall_next_second(const struct tw_wall *wall, uint64_t lead);

#endif
