/* SPDX-License-Identifier: BSD-3-Clause */

#include <time.h>

#include "tw_clock.h"
#include "replay_source.h"

enum {
	NAP_NS = 5000000,
	SILENCE_MAX = 60, /* seconds of silence, on the clock of who looks, that are waited for */
};

/* Waits until it is time for what was recorded at `time`. */
static void keep_pace(struct tw_replay_source *source, uint64_t time)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};
	uint64_t now = tw_monotonic_ns(),
		 due = source->began + (time - source->origin) / source->speed;

	if (source->began == 0 || due > now + SILENCE_MAX * TW_NS_PER_SECOND) {
		source->began = now;
		source->origin = time;
		return;
	}
	while (now < due && !atomic_load_explicit(source->stop, memory_order_relaxed)) {
		nanosleep(&nap, NULL);
		now = tw_monotonic_ns();
	}
}

static bool next(struct tw_source *base)
{
	struct tw_replay_source *source = (struct tw_replay_source *)base;
	uint64_t time;

	if (atomic_load_explicit(source->stop, memory_order_relaxed)) {
		source->stopped = true;
		return false;
	}
	if (!tw_capture_next(source->capture, &base->frame, &time)) {
		source->stopped = atomic_load_explicit(source->stop, memory_order_relaxed);
		return false;
	}
	base->late = base->n_frames++ > 0 && time < base->clock;
	if (!base->late)
		base->clock = time;
	if (source->speed > 0)
		keep_pace(source, base->clock);
	return true;
}

static void fill(struct tw_source *base, struct tw_burst *burst)
{
	struct tw_replay_source *source = (struct tw_replay_source *)base;

	tw_burst_reset(burst, tw_source_second(base));
	for (unsigned int n = 0; n < TW_BURST_MAX; n++) {
		if (!source->held && !next(base)) {
			burst->end = 1;
			return;
		}
		source->held = tw_source_second(base) != burst->second;
		if (source->held && n > 0)
			return;
		source->held = false;
		burst->second = tw_source_second(base);
		tw_source_receive(base, burst);
		tw_burst_parse(burst, &base->frame, base->decapsulate, base->clock);
	}
}

void tw_replay_source_init(struct tw_replay_source *source, struct tw_capture *capture,
	unsigned int decapsulate, unsigned int speed, const atomic_bool *stop)
{
	*source = (struct tw_replay_source){
		.base = {.fill = fill, .next = next, .decapsulate = decapsulate},
		.capture = capture,
		.speed = speed,
		.stop = stop,
	};
}
