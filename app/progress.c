/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "progress.h"
#include "tw_clock.h"

#define REDRAW_NS (TW_NS_PER_SECOND / 5)

void tw_progress_start(struct tw_progress_line *line, uint64_t now)
{
	*line = (struct tw_progress_line){
		.shown = isatty(STDERR_FILENO), .start = now, .last = now};
}

void tw_progress_update(
	struct tw_progress_line *line, const struct tw_capture *capture, uint64_t now)
{
	struct tw_progress progress;
	double elapsed, rate;

	if (!line->shown || now - line->last < REDRAW_NS)
		return;
	line->last = now;
	line->drawn = true;
	tw_capture_progress(capture, &progress);
	elapsed = (double)(now - line->start) / (double)TW_NS_PER_SECOND;
	rate = (double)progress.bytes / elapsed;
	fprintf(stderr, "\r\033[K%.1f MB", (double)progress.bytes / 1e6);
	if (progress.total > 0)
		fprintf(stderr, " of %.1f MB (%.0f%%)", (double)progress.total / 1e6,
			100.0 * (double)progress.bytes / (double)progress.total);
	fprintf(stderr, "  %.0f MB/s", rate / 1e6);
	if (progress.total > progress.bytes && rate > 0) {
		uint64_t left = (uint64_t)((double)(progress.total - progress.bytes) / rate + 0.5);

		fprintf(stderr, "  %" PRIu64 ":%02u:%02u left", left / 3600,
			(unsigned int)(left / 60 % 60), (unsigned int)(left % 60));
	}
	fflush(stderr);
}

void tw_progress_stop(struct tw_progress_line *line)
{
	if (line->drawn)
		fputs("\r\033[K", stderr);
	line->drawn = false;
}
