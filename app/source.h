/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_SOURCE_H
#define TW_SOURCE_H

/*
 * A replay's source: the capture's frames, stamped with the source's clock.
 *
 * The clock never runs backwards: a frame recorded before the one that came ahead of it is `late` and gets the
 * time of the clock, so that it counts in the second that is open.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include "capture.h"
#include "tw_burst.h"

/* The second of a source that has not seen a frame yet. */
#define TW_SECOND_NONE UINT64_MAX

struct tw_capture_source {
	struct tw_capture *capture;
	unsigned int decapsulate; /* set of enum tw_decap */
	const atomic_bool *stop;  /* set: end before the capture does */
	uint64_t clock;           /* nanoseconds, of the latest frame */
	uint64_t n_frames;
	bool stopped; /* ended by `stop` */
	bool late;    /* the frame at hand was stamped before the clock */
	bool held;    /* the frame at hand opens the next second, and waits for the burst to go */
	struct tw_frame frame;
};

/* The next frame into source->frame, its time into source->clock. Returns false at the end. */
bool tw_source_next(struct tw_capture_source *source);

/* The second of the clock, TW_SECOND_NONE before the first frame. */
uint64_t tw_source_second(const struct tw_capture_source *source);

/* Counts the frame at hand as received by the burst. */
void tw_source_receive(const struct tw_capture_source *source, struct tw_burst *burst);

/*
 * Fills the burst with the next frames of one second. The burst that comes last says `end`; it may hold no
 * packet.
 */
void tw_source_fill(struct tw_capture_source *source, struct tw_burst *burst);

#endif
