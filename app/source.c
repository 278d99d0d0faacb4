/* SPDX-License-Identifier: BSD-3-Clause */

#include "source.h"

#define NS_PER_SECOND UINT64_C(1000000000)

bool tw_source_next(struct tw_capture_source *source)
{
	uint64_t time;

	if (atomic_load_explicit(source->stop, memory_order_relaxed)) {
		source->stopped = true;
		return false;
	}
	if (!tw_capture_next(source->capture, &source->frame, &time)) {
		source->stopped = atomic_load_explicit(source->stop, memory_order_relaxed);
		return false;
	}
	source->late = source->n_frames++ > 0 && time < source->clock;
	if (!source->late)
		source->clock = time;
	return true;
}

uint64_t tw_source_second(const struct tw_capture_source *source)
{
	return source->n_frames > 0 ? source->clock / NS_PER_SECOND : TW_SECOND_NONE;
}

void tw_source_receive(const struct tw_capture_source *source, struct tw_burst *burst)
{
	burst->rx.packets++;
	burst->rx.bytes += source->frame.length;
	burst->rx.late += source->late;
}

void tw_source_fill(struct tw_capture_source *source, struct tw_burst *burst)
{
	uint64_t second = tw_source_second(source);

	tw_burst_reset(burst, second);
	for (unsigned int n = 0; n < TW_BURST_MAX; n++) {
		if (!source->held && !tw_source_next(source)) {
			burst->end = 1;
			return;
		}
		source->held = tw_source_second(source) != burst->second;
		if (source->held && n > 0)
			return;
		source->held = false;
		burst->second = tw_source_second(source);
		tw_source_receive(source, burst);
		tw_burst_parse(burst, &source->frame, source->decapsulate, source->clock);
	}
}
