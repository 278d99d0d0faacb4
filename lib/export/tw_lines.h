/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_LINES_H
#define TW_LINES_H

/*
 * A file of whole lines. Whoever follows it, or finds it after a crash, never sees half a line: lines gather in a
 * buffer and leave it together, at once where the file is no regular one. Of a live run they go to a thread that writes
 * them (tw_writer.h), and never fail here.
 */

#include <stdbool.h>
#include <stddef.h>

#include "tw_buffer.h"
#include "tw_diag.h"
#include "tw_writer.h"

struct tw_lines {
	int fd;
	bool own_fd;  /* to be closed */
	bool gather;  /* write 64 KiB at once */
	int error;    /* the first -errno; nothing is written after it */
	size_t whole; /* octets of the buffer in whole lines */
	struct tw_buffer buffer;
	struct tw_writer *writer; /* of a live run, which has no use for the others; else NULL */
};

/*
 * Opens or makes the file, "-" is standard output; `header` is its first line, or NULL. `live`: each line leaves at once,
 * and lines are added behind those that the file has. Returns 0, or -errno with a line in *diag.
 */
int tw_lines_open(struct tw_lines *lines, const char *path, const char *header, bool live,
	struct tw_diag *diag);

/* Ends the line that was added to the buffer. Returns 0 or the first error. */
int tw_lines_end(struct tw_lines *lines);

/*
 * Live: opens the path anew, so that a file that was renamed is left to whoever renamed it. Nothing for standard
 * output.
 */
void tw_lines_reopen(struct tw_lines *lines);

/* Writes what is left and closes. Returns 0 or the first error; live, as tw_writer_close(). */
int tw_lines_close(struct tw_lines *lines);

#endif
