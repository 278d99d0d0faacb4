/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_PROGRESS_H
#define TW_PROGRESS_H

/*
 * One line on a terminal that tells how far a replay is: bytes, rate, time left. Nothing where standard error
 * is no terminal.
 */

#include <stdbool.h>
#include <stdint.h>

#include "capture.h"

struct tw_progress_line {
	bool shown; /* standard error is a terminal */
	bool drawn;
	uint64_t start; /* nanoseconds of the monotonic clock */
	uint64_t last;
};

void tw_progress_start(struct tw_progress_line *line, uint64_t now);

/* Draws the line anew, a few times a second at most. */
void tw_progress_update(
	struct tw_progress_line *line, const struct tw_capture *capture, uint64_t now);

/* Wipes the line. */
void tw_progress_stop(struct tw_progress_line *line);

#endif
