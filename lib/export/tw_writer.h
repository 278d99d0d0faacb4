/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_WRITER_H
#define TW_WRITER_H

/*
 * An output of a live run, written by a thread of its own: whoever puts lines never waits, however slow the disk or the
 * reader of a pipe. Up to `limit` octets wait; what comes beyond that is left out by whole lines and counted.
 *
 *   put ──► queue ──► thread ──► file          a full disk, a pipe without a reader: what waits stays, and is
 *             │                                tried again every second, and at once by tw_writer_reopen()
 *             └─► left out, counted
 *
 * Each line stays whole: of one that was written in part, to a regular file that was opened here, the part is taken
 * back; elsewhere its rest goes first once the file takes more, unless its reader has gone with the beginning.
 *
 * Said on standard error, once each time: that it cannot be written, or that lines are left out; that it is written
 * again, and how many lines are missing; at the end, how many in all.
 *
 * Threads: create, put, reopen and close belong to one thread, which is not the writer's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tw_diag.h"

#define TW_WRITER_LIMIT (4u << 20)

struct tw_writer_spec {
	const char *path; /* opened to add to, and anew; or NULL for: */
	int fd;           /* one that is open, and stays the caller's */
	const char *name; /* for what is said */
	bool quiet;       /* nothing is said: lines for people, who see for themselves */
	const char *
		header; /* the first line of a file that has none, without its end; NULL: there is none */
	size_t limit; /* one line may be longer */
};

struct tw_writer;

/*
 * Opens or makes the file and starts its thread. A named pipe may wait for its reader. The texts of the spec outlive
 * the writer. Returns NULL with a line in *diag.
 */
struct tw_writer *tw_writer_create(const struct tw_writer_spec *spec, struct tw_diag *diag);

/* Whole lines, left out together or not at all. */
void tw_writer_put(struct tw_writer *writer, const char *text, size_t length);

/* A line that could not even be put together. */
void tw_writer_leave_out(struct tw_writer *writer);

/*
 * What is put from here on goes to the path opened anew, since whoever asks has renamed the file. Where that cannot be
 * opened, the old one goes on.
 */
void tw_writer_reopen(struct tw_writer *writer);

/*
 * A stream whose lines are put as they end; NULL without memory. To be closed before the writer.
 */
FILE *tw_writer_stream(struct tw_writer *writer);

/*
 * Waits for what is left to be written, 2 seconds at most, and closes. Returns 0, -errno where it cannot be written at
 * the end, else -ENODATA where lines are missing (not if quiet). Does nothing for NULL.
 */
int tw_writer_close(struct tw_writer *writer);

#endif
