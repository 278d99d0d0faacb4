/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_SOURCE_H
#define TW_SOURCE_H

/*
 * Where packets come from: captures (replay_source.h) or ports (port_source.h), each stamped with a clock that never
 * runs backwards.
 *
 * A worker with a source of its own asks it for whole bursts (fill); the reader that serves several workers asks for
 * one frame after the other (next). One or the other, by one core.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tw_burst.h"
#include "tw_clock.h"
#include "tw_near.h"

/* The second of a source that has not seen a frame yet. */
#define TW_SECOND_NONE UINT64_MAX

struct tw_source {
	/*
	 * Fills the burst with the next packets of one second; a live source's may be empty. The last burst says
	 * `end`, and may hold no packet.
	 */
	void (*fill)(struct tw_source *source, struct tw_burst *burst);
	/* The next frame to `frame`. Returns false at the end. A live source may have none: then `idle`. */
	bool (*next)(struct tw_source *source);

	/* fill() may leave out what is far from all targets, and count it in n_far; NULL: nothing. Set by the caller. */
	const struct tw_near *near;
	unsigned int decapsulate; /* set of enum tw_decap */
	bool live;                /* it does not wait for anybody: what is not taken is lost */
	bool late;                /* the frame at hand was stamped before the clock */
	bool idle;                /* there is no frame at hand, the clock alone went on */
	uint64_t clock;           /* nanoseconds of Unix time, of the latest frame or look */
	uint64_t n_frames;
	struct tw_frame frame;
};

/* The second of the clock, TW_SECOND_NONE before the first frame. */
static inline uint64_t tw_source_second(const struct tw_source *source)
{
	return source->clock > 0 || source->n_frames > 0 ? source->clock / TW_NS_PER_SECOND
							 : TW_SECOND_NONE;
}

/* Counts the frame at hand as received by the burst. */
static inline void tw_source_receive(const struct tw_source *source, struct tw_burst *burst)
{
	burst->rx.packets++;
	burst->rx.bytes +=
		source->frame.length + (source->frame.vlan_stripped != TW_VLAN_NONE ? 4 : 0);
	burst->rx.late += source->late;
}

#endif
