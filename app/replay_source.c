/* SPDX-License-Identifier: BSD-3-Clause */

#include "replay_source.h"

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
	unsigned int decapsulate, const atomic_bool *stop)
{
	*source = (struct tw_replay_source){
		.base = {.fill = fill, .next = next, .decapsulate = decapsulate},
		.capture = capture,
		.stop = stop,
	};
}
