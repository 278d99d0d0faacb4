/* SPDX-License-Identifier: BSD-3-Clause */

#include "wall.h"

enum {
	NOISE = 5000000, /* below that a difference is none, but for the time between the two readings */
	READING = 100000, /* they are read within that, unless the core is always taken away */
	ATTEMPTS = 10,
	SLOWER = 20, /* by one part of so many */
};

struct tw_clocks tw_clocks_now(void)
{
	struct tw_clocks now = {0};
	uint64_t took = UINT64_MAX;

	for (unsigned int i = 0; i < ATTEMPTS && took > READING; i++) {
		uint64_t before = tw_monotonic_ns(), wall = tw_clock_ns(CLOCK_REALTIME);
		uint64_t after = tw_monotonic_ns();

		if (after - before < took) {
			took = after - before;
			now = (struct tw_clocks){.monotonic = after, .wall = wall};
		}
	}
	return now;
}

void tw_wall_start(struct tw_wall *wall, const struct tw_clocks *now)
{
	atomic_init(&wall->offset, now->wall - now->monotonic);
	atomic_init(&wall->ahead, 0);
	wall->looked = now->monotonic;
}

static enum tw_wall_change jump(struct tw_wall *wall, uint64_t by)
{
	atomic_fetch_add_explicit(&wall->offset, by, memory_order_relaxed);
	atomic_store_explicit(&wall->ahead, 0, memory_order_relaxed);
	return TW_WALL_FORWARD;
}

/* Lets the wall clock, `gap` behind, come nearer by no more than `most`. */
static enum tw_wall_change wait_for(struct tw_wall *wall, uint64_t gap, uint64_t most, uint64_t *by)
{
	uint64_t before = atomic_load_explicit(&wall->ahead, memory_order_relaxed);
	uint64_t slower = gap < most ? gap : most;

	if (before == 0 && gap <= NOISE)
		return TW_WALL_STEADY;
	atomic_fetch_sub_explicit(&wall->offset, slower, memory_order_relaxed);
	atomic_store_explicit(&wall->ahead, gap - slower, memory_order_relaxed);
	if (gap > before + NOISE) { /* once more, perhaps */
		*by = gap - before;
		return TW_WALL_BACK;
	}
	return gap == slower ? TW_WALL_CAUGHT_UP : TW_WALL_STEADY;
}

enum tw_wall_change tw_wall_look(struct tw_wall *wall, const struct tw_clocks *now, uint64_t *by)
{
	uint64_t here = now->monotonic + atomic_load_explicit(&wall->offset, memory_order_relaxed);
	uint64_t most = (now->monotonic - wall->looked) / SLOWER;

	wall->looked = now->monotonic;
	if (here > now->wall)
		return wait_for(wall, here - now->wall, most, by);
	if (now->wall - here > NOISE) {
		*by = now->wall - here;
		return jump(wall, *by);
	}
	/* it came up to here between two looks */
	return atomic_exchange_explicit(&wall->ahead, 0, memory_order_relaxed) > 0
		       ? TW_WALL_CAUGHT_UP
		       : TW_WALL_STEADY;
}

uint64_t tw_wall_next_second(const struct tw_wall *wall, uint64_t lead)
{
	return (tw_wall_ns(wall) + lead) / TW_NS_PER_SECOND + 1;
}
