/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_REPLAY_SOURCE_H
#define TW_REPLAY_SOURCE_H

/*
 * A replay's source: the capture's frames by the capture's own clock. A frame recorded before the one that came ahead
 * of it is `late` and gets the time of the clock, so that it counts in the second that is open.
 */

#include <stdatomic.h>

#include "capture.h"
#include "source.h"

struct tw_replay_source {
	struct tw_source base; /* first */
	struct tw_capture *capture;
	const atomic_bool *stop; /* set: end before the capture does */
	bool stopped;            /* ended by `stop` */
	unsigned int speed;      /* times the recorded pace; 0: as fast as it goes */
	uint64_t began; /* monotonic nanoseconds at which the capture's time was `origin` */
	uint64_t origin;
	bool held; /* the frame at hand opens the next second, and waits for the burst to go */
};

void tw_replay_source_init(struct tw_replay_source *source, struct tw_capture *capture,
	unsigned int decapsulate, unsigned int speed, const atomic_bool *stop);

#endif
