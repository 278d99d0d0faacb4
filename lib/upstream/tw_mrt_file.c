/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A file is decompressed into one buffer and parsed there; what the last record lacks is moved to the front and read on
 * behind it. The buffer grows only for a record that it cannot hold, and so never beyond twice the longest.
 *
 * There is no thread that decompresses ahead: of a table of which little is wanted, decompression takes nearly all
 * the time (tests/bench_mrt.py: parsing alone runs at gigabytes a second, gzip at some hundred megabytes, bzip2 at
 * some tens), so there is next to nothing to win by doing both at once.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tw_mrt_priv.h"
#include "tw_mrt_source_priv.h"

#define BUFFER (1u << 20)

struct reading {
	const struct tw_mrt_file *file;
	const struct tw_mrt_handler *handler; /* the caller's */
	struct tw_diag *diag;
	struct tw_mrt_source *source;
	struct tw_mrt *mrt;
	uint8_t *buffer;
	size_t capacity;
	size_t n; /* octets in the buffer, of a record that is not whole yet */
	uint64_t next_progress;
	/* The first malformed record. */
	uint64_t record;
	uint64_t offset;
	const char *why;
};

static bool wants(void *arg, const struct tw_prefix *prefix)
{
	const struct reading *reading = arg;

	return reading->handler->wants(reading->handler->arg, prefix);
}

static void take_route(
	void *arg, uint64_t time, const struct tw_bgp_peer *peer, const struct tw_bgp_route *route)
{
	const struct reading *reading = arg;

	reading->handler->route(reading->handler->arg, time, peer, route);
}

static void take_down(void *arg, uint64_t time, const struct tw_bgp_peer *peer)
{
	const struct reading *reading = arg;

	reading->handler->down(reading->handler->arg, time, peer);
}

static void take_malformed(void *arg, uint64_t record, uint64_t offset, const char *why)
{
	struct reading *reading = arg;

	if (reading->why == NULL) {
		reading->record = record;
		reading->offset = offset;
		reading->why = why;
	}
	if (reading->handler->malformed != NULL)
		reading->handler->malformed(reading->handler->arg, record, offset, why);
}

static int tell_unreadable(const struct reading *reading, int err)
{
	const char *path = reading->file->path;
	const char *what = err == -EISDIR   ? "a directory"
			   : err == -ESPIPE ? "a pipe with a name"
			   : err == -ENODEV ? "a device or a socket"
					    : NULL;

	if (what != NULL)
		return tw_diag_add(reading->diag, err,
			"%s: %s: give the path of an MRT file, or pipe one to /dev/stdin", path,
			what);
	return tw_diag_add(reading->diag, err,
		"%s: cannot be read: %s: give the path of an MRT file", path, strerror(-err));
}

/* False with *err where there is nothing to read or to read it with. */
static bool start(struct reading *reading, int *err)
{
	const struct tw_mrt_handler *theirs = reading->handler;
	const struct tw_mrt_handler ours = {
		.wants = theirs->wants != NULL ? wants : NULL,
		.route = take_route,
		.down = theirs->down != NULL ? take_down : NULL,
		.malformed = take_malformed,
		.arg = reading,
	};

	reading->source = tw_mrt_source_open(reading->file->path, err);
	if (reading->source == NULL) {
		tell_unreadable(reading, *err);
		return false;
	}
	reading->mrt = tw_mrt_create(&ours);
	reading->buffer = malloc(reading->capacity);
	if (reading->mrt == NULL || reading->buffer == NULL) {
		*err = tw_diag_add(
			reading->diag, -ENOMEM, "%s: no memory to read it", reading->file->path);
		return false;
	}
	reading->next_progress = reading->file->every;
	return true;
}

static void tell_progress(struct reading *reading, bool at_end)
{
	const struct tw_mrt_counts *counts = tw_mrt_counts(reading->mrt);

	if (reading->file->progress == NULL || (!at_end && counts->bytes < reading->next_progress))
		return;
	reading->file->progress(reading->file->arg, counts);
	reading->next_progress = counts->bytes + reading->file->every;
}

/* Room behind what is left of a record. Bounded: tw_mrt_feed() takes of a record that is too long what there is. */
static int make_room(struct reading *reading)
{
	uint8_t *larger;

	if (reading->n < reading->capacity)
		return 0;
	larger = realloc(reading->buffer, reading->capacity * 2);
	if (larger == NULL)
		return -ENOMEM;
	reading->buffer = larger;
	reading->capacity *= 2;
	return 0;
}

/* Returns 1, 0 at the end, -errno. */
static int step(struct reading *reading)
{
	ssize_t n;
	size_t taken;

	if (reading->file->stop != NULL &&
		atomic_load_explicit(reading->file->stop, memory_order_relaxed))
		return -ECANCELED;
	if (make_room(reading) != 0)
		return -ENOMEM;
	n = tw_mrt_source_read(
		reading->source, reading->buffer + reading->n, reading->capacity - reading->n);
	if (n <= 0)
		return (int)n;
	reading->n += (size_t)n;
	taken = tw_mrt_feed(reading->mrt, reading->buffer, reading->n);
	reading->n -= taken;
	memmove(reading->buffer, reading->buffer + taken, reading->n);
	tell_progress(reading, false);
	return 1;
}

/* Records that were understood. */
static uint64_t n_read(const struct tw_mrt_counts *counts)
{
	return counts->records - counts->unknown - counts->malformed;
}

static int tell_malformed(struct reading *reading)
{
	const struct tw_mrt_counts *counts = tw_mrt_counts(reading->mrt);

	return tw_diag_add(reading->diag, 0,
		"%s: %" PRIu64 " malformed of %" PRIu64
		" records, left out; the first is record %" PRIu64 " at octet %" PRIu64
		" of the decompressed data: %s",
		reading->file->path, counts->malformed, counts->records, reading->record,
		reading->offset, reading->why);
}

static int tell_useless(struct reading *reading)
{
	const struct tw_mrt_counts *counts = tw_mrt_counts(reading->mrt);

	if (counts->malformed > 0 && counts->unknown == 0)
		return tw_diag_add(reading->diag, -EINVAL,
			"%s: no MRT file, plain, gzip or bzip2, that can be used: record %" PRIu64
			" at octet %" PRIu64 " of the decompressed data: %s",
			reading->file->path, reading->record, reading->offset, reading->why);
	return tw_diag_add(reading->diag, -EINVAL,
		"%s: none of its %" PRIu64 " records is of a type that is read: want MRT table "
		"dumps (TABLE_DUMP, TABLE_DUMP_V2) or messages (BGP4MP)",
		reading->file->path, counts->records);
}

/* The line of how a reading ended that did not go well; `err` is what step() said last. */
static int conclude(struct reading *reading, int err)
{
	const struct tw_mrt_counts *counts = tw_mrt_counts(reading->mrt);
	const char *path = reading->file->path, *kind = tw_mrt_source_kind(reading->source);
	uint64_t record, offset;
	bool cut = tw_mrt_is_cut(reading->mrt, reading->n, &record, &offset);

	if (err == -ECANCELED)
		return tw_diag_add(
			reading->diag, err, "%s: stopped at record %" PRIu64, path, record);
	if (err == -EPIPE)
		return tw_diag_add(reading->diag, err,
			"%s: cut: its %s stream ends early, at record %" PRIu64 ", octet %" PRIu64
			" of the decompressed data; fetch or dump it again",
			path, kind, record, offset);
	if (err == -EBADMSG)
		return tw_diag_add(reading->diag, err,
			"%s: damaged: no %s stream behind record %" PRIu64 ", octet %" PRIu64
			" of the decompressed data; fetch or dump it again",
			path, kind, record, offset);
	if (err != 0)
		return tw_diag_add(reading->diag, err,
			"%s: cannot be read to its end: %s; fetch or dump it again", path,
			strerror(-err));
	if (counts->bytes == 0 && !cut)
		return tw_diag_add(
			reading->diag, -ENODATA, "%s: empty: fetch or dump it again", path);
	if (n_read(counts) == 0)
		return tell_useless(reading);
	if (cut)
		return tw_diag_add(reading->diag, -EPIPE,
			"%s: cut within record %" PRIu64 ", which starts at octet %" PRIu64
			" of its decompressed data; fetch or dump it again",
			path, record, offset);
	return 0;
}

static int read_all(struct reading *reading)
{
	int err;

	do
		err = step(reading);
	while (err > 0);
	err = conclude(reading, err);
	if (reading->why != NULL && err != -EINVAL)
		tell_malformed(reading);
	tell_progress(reading, true);
	return err;
}

int tw_mrt_read_file(const struct tw_mrt_file *file, const struct tw_mrt_handler *handler,
	struct tw_mrt_counts *counts, struct tw_diag *diag)
{
	struct reading reading = {
		.file = file, .handler = handler, .diag = diag, .capacity = BUFFER};
	int err;

	if (start(&reading, &err))
		err = read_all(&reading);
	*counts = reading.mrt != NULL ? *tw_mrt_counts(reading.mrt) : (struct tw_mrt_counts){0};
	free(reading.buffer);
	tw_mrt_free(reading.mrt);
	tw_mrt_source_close(reading.source);
	return err;
}
