/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The lock is held to move text, never to write it. The thread takes what waits into `out`, a buffer of its own, and
 * drops it from there as it is written: all at once, but to a pipe a line at a time, which it takes whole or not at all
 * if that is no longer than PIPE_BUF.
 *
 * Writing may block for as long as a reader sleeps. At the end the thread is given its time, then cancelled, which it
 * can be while it writes and nowhere else.
 */

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tw_buffer.h"
#include "tw_clock.h"
#include "tw_out.h"
#include "tw_thread.h"
#include "tw_writer.h"

enum {
	RETRY_SECONDS = 1,
	CLOSE_SECONDS = 2, /* for each output; who manages services gives 10 for all */
	CALM_SECONDS = 3,  /* nothing was left out: whoever is slow has caught up */
};

struct tw_writer {
	struct tw_writer_spec spec;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;

	/* Under the lock. */
	struct tw_buffer queue;
	size_t waiting;   /* octets put and not written yet */
	bool reopen;      /* asked for */
	size_t reopen_at; /* octets of the queue that still belong to the old file */
	bool ends;        /* asked for */
	bool gone;        /* the thread has come to its end */
	bool troubled;    /* and it was said */
	bool failed;      /* since then, beyond being slow */
	time_t left_out;  /* when the last line was, by the monotonic clock */
	uint64_t missing; /* lines, since then */
	uint64_t missing_ever;

	/* The thread's. */
	struct tw_buffer out;
	size_t done; /* octets of it that are written */
	struct tw_out file;
	bool headless; /* the header is to be written first */
	int error;     /* of the last attempt */
};

static void say(const struct tw_writer *w, const char *text)
{
	if (!w->spec.quiet)
		fprintf(stderr, "transitwatch: %s: %s\n", w->spec.name, text);
}

static void say_missing(const struct tw_writer *w, const char *what, uint64_t lines)
{
	char text[96];

	if (lines == 0)
		snprintf(text, sizeof(text), "%sno line is missing", what);
	else
		snprintf(text, sizeof(text), "%s%" PRIu64 " line%s missing", what, lines,
			lines == 1 ? " is" : "s are");
	say(w, text);
}

static uint64_t count_lines(const char *text, size_t length)
{
	const char *end = length > 0 ? text + length : text;
	uint64_t n = 0;

	while (text < end && (text = memchr(text, '\n', (size_t)(end - text))) != NULL) {
		text++;
		n++;
	}
	return n;
}

/* Of the first line, with its end. */
static size_t line_length(const char *text, size_t length)
{
	const char *end = memchr(text, '\n', length);

	return end != NULL ? (size_t)(end + 1 - text) : length;
}

/* ---- the file ---- */

/* Leaves out the rest of a line of which the beginning is elsewhere. */
static void skip_rest(struct tw_writer *w)
{
	const char *text = w->out.text + w->done;
	size_t rest;

	if (w->done == 0 || w->done == w->out.n || text[-1] == '\n')
		return;
	rest = line_length(text, w->out.n - w->done);
	w->done += rest;
	pthread_mutex_lock(&w->lock);
	w->waiting -= rest;
	w->missing++;
	w->missing_ever++;
	pthread_mutex_unlock(&w->lock);
}

static void use(struct tw_writer *w, const struct tw_out *file)
{
	w->file = *file;
	w->headless = w->spec.header != NULL && file->empty;
}

static int open_anew(struct tw_writer *w)
{
	struct tw_out file;
	int err = w->spec.path != NULL ? tw_out_open(&file, w->spec.path) : 0;

	if (w->spec.path == NULL || err != 0)
		return err;
	if (file.device != w->file.device || file.inode != w->file.inode)
		skip_rest(w);
	(void)tw_out_close(&w->file);
	use(w, &file);
	return 0;
}

static void write_header(struct tw_writer *w)
{
	struct tw_buffer line = {0};

	tw_buffer_text(&line, w->spec.header);
	tw_buffer_text(&line, "\n");
	w->error = line.error;
	if (w->error == 0)
		(void)tw_out_write(&w->file, line.text, line.n, &w->error);
	w->headless = w->error != 0;
	tw_buffer_free(&line);
}

/* Writes the next part of what was taken. */
static void write_part(struct tw_writer *w)
{
	const char *text = w->out.text + w->done;
	size_t length = w->out.n - w->done;

	if (w->file.pipe)
		length = line_length(text, length);
	length = tw_out_write(&w->file, text, length, &w->error);
	w->done += length;
	pthread_mutex_lock(&w->lock);
	w->waiting -= length;
	pthread_mutex_unlock(&w->lock);
}

/* ---- the thread ---- */

static void fail(struct tw_writer *w)
{
	bool first;
	char text[160];

	/* The beginning of a line went with the reader. */
	if (w->error == -EPIPE)
		skip_rest(w);
	pthread_mutex_lock(&w->lock);
	first = !w->troubled;
	w->troubled = w->failed = true;
	pthread_mutex_unlock(&w->lock);
	snprintf(text, sizeof(text),
		"cannot write: %s: up to %zu KiB of lines wait, and it is tried again every second",
		w->error == -ENXIO || w->error == -EPIPE ? "nobody reads it" : strerror(-w->error),
		w->spec.limit >> 10);
	if (first)
		say(w, text);
}

/* All that was put is written. */
static void be_well(struct tw_writer *w)
{
	uint64_t missing;
	bool again;

	pthread_mutex_lock(&w->lock);
	again = w->troubled && w->queue.n == 0 &&
		(w->failed || tw_monotonic_seconds() >= w->left_out + CALM_SECONDS);
	missing = w->missing;
	if (again) {
		w->troubled = w->failed = false;
		w->missing = 0;
	}
	pthread_mutex_unlock(&w->lock);
	if (again)
		say_missing(w, "is written again: ", missing);
}

/* Lines that nobody asked to go elsewhere than those before. */
static void take(struct tw_writer *w)
{
	size_t n = w->reopen ? w->reopen_at : w->queue.n;

	w->out.n = w->done = 0;
	tw_buffer_add(&w->out, w->queue.text, n);
	/* Without memory they stay where they are. */
	w->error = w->out.error;
	w->out.error = 0;
	if (w->error != 0)
		return;
	tw_buffer_drop(&w->queue, n);
	w->reopen_at -= w->reopen ? n : 0;
}

static void wait_for_more(struct tw_writer *w)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += RETRY_SECONDS;
	if (w->error == 0)
		while (!w->ends && !w->reopen && w->queue.n == 0)
			pthread_cond_wait(&w->more, &w->lock);
	else
		while (!w->ends && !w->reopen &&
			pthread_cond_timedwait(&w->more, &w->lock, &until) != ETIMEDOUT)
			;
}

enum step {
	STEP_WRITE,
	STEP_ASKED, /* the file anew, since the operator says so */
	STEP_RETRY, /* the file anew, since it failed */
	STEP_END,
};

static enum step next_step(struct tw_writer *w)
{
	enum step step = STEP_WRITE;
	bool failed = w->error != 0;

	pthread_mutex_lock(&w->lock);
	wait_for_more(w);
	if (w->reopen && (failed || (w->done == w->out.n && w->reopen_at == 0))) {
		w->reopen = false;
		w->reopen_at = 0;
		step = STEP_ASKED;
	} else if (failed) {
		step = STEP_RETRY;
	}
	w->error = 0;
	if (w->done == w->out.n && w->queue.n > 0 && step != STEP_ASKED)
		take(w);
	else if (w->done == w->out.n && w->ends && step == STEP_WRITE)
		step = STEP_END;
	pthread_mutex_unlock(&w->lock);
	return step;
}

static void ask_anew(struct tw_writer *w)
{
	int err = open_anew(w);
	char text[160];

	snprintf(text, sizeof(text), "cannot reopen: %s: writing on to the old file",
		strerror(-err));
	if (err != 0 && w->file.fd >= 0)
		say(w, text);
}

static void do_step(struct tw_writer *w, enum step step)
{
	if (step == STEP_ASKED)
		ask_anew(w);
	else if (step == STEP_RETRY)
		(void)open_anew(w); /* else the old one may have room again */
	if (w->error == 0 && w->file.fd < 0)
		w->error = -ENXIO;
	if (w->error == 0 && w->headless)
		write_header(w);
	while (w->error == 0 && w->done < w->out.n)
		write_part(w);
	if (w->error != 0)
		fail(w);
	else
		be_well(w);
}

static void *write_on(void *arg)
{
	struct tw_writer *w = arg;
	enum step step;
	bool last;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	do {
		step = next_step(w);
		pthread_mutex_lock(&w->lock);
		last = w->ends;
		pthread_mutex_unlock(&w->lock);
		if (step != STEP_END)
			do_step(w, step);
	} while (step != STEP_END && !(last && w->error != 0));
	pthread_mutex_lock(&w->lock);
	w->gone = true;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- the other side ---- */

/* A pipe on standard output ends all with its reader, as everywhere. */
static int start_thread(struct tw_writer *w)
{
	pthread_mutex_init(&w->lock, NULL);
	tw_cond_init(&w->more);
	return tw_thread_start(&w->thread, write_on, w, w->spec.path == NULL ? SIGPIPE : 0);
}

struct tw_writer *tw_writer_create(const struct tw_writer_spec *spec, struct tw_diag *diag)
{
	struct tw_writer *w = calloc(1, sizeof(*w));
	struct tw_out file = {.fd = -1};
	int err = 0;

	if (w == NULL) {
		tw_diag_add(diag, -ENOMEM, "%s: no memory to write it", spec->name);
		return NULL;
	}
	w->spec = *spec;
	if (spec->path == NULL)
		tw_out_use(&file, spec->fd);
	else
		err = tw_out_open(&file, spec->path);
	if (err != 0 && err != -ENXIO) {
		tw_diag_add(diag, err, "%s: cannot write: %s", spec->name, strerror(-err));
		free(w);
		return NULL;
	}
	use(w, &file);
	err = start_thread(w);
	if (err != 0) {
		tw_diag_add(diag, err, "%s: no thread to write it: %s", spec->name, strerror(-err));
		(void)tw_out_close(&w->file);
		free(w);
		return NULL;
	}
	return w;
}

/* Under the lock. Returns true where it is to be said. */
static bool leave_out(struct tw_writer *w, uint64_t lines)
{
	bool first = !w->troubled;

	w->troubled = true;
	w->left_out = tw_monotonic_seconds();
	w->missing += lines;
	w->missing_ever += lines;
	return first;
}

void tw_writer_put(struct tw_writer *w, const char *text, size_t length)
{
	bool say_it = false, room;

	pthread_mutex_lock(&w->lock);
	room = w->waiting == 0 || w->waiting + length <= w->spec.limit;
	if (room)
		tw_buffer_add(&w->queue, text, length);
	if (room && w->queue.error == 0)
		w->waiting += length;
	else
		say_it = leave_out(w, count_lines(text, length));
	w->queue.error = 0;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	if (say_it)
		say(w, "is too slow: lines are left out");
}

void tw_writer_leave_out(struct tw_writer *w)
{
	bool say_it;

	pthread_mutex_lock(&w->lock);
	say_it = leave_out(w, 1);
	pthread_mutex_unlock(&w->lock);
	if (say_it)
		say(w, "no memory: lines are left out");
}

void tw_writer_reopen(struct tw_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->reopen = true;
	w->reopen_at = w->queue.n;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
}

static ssize_t put_stream(void *cookie, const char *text, size_t length)
{
	tw_writer_put(cookie, text, length);
	return (ssize_t)length;
}

FILE *tw_writer_stream(struct tw_writer *w)
{
	return fopencookie(w, "w", (cookie_io_functions_t){.write = put_stream});
}

int tw_writer_close(struct tw_writer *w)
{
	struct timespec until;
	int err, closed;

	if (w == NULL)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CLOSE_SECONDS;
	pthread_mutex_lock(&w->lock);
	w->ends = true;
	pthread_cond_signal(&w->more);
	while (!w->gone && pthread_cond_timedwait(&w->more, &w->lock, &until) != ETIMEDOUT)
		;
	if (!w->gone)
		pthread_cancel(w->thread);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	w->missing_ever += count_lines(w->out.text + w->done, w->out.n - w->done) +
			   count_lines(w->queue.text, w->queue.n);
	closed = tw_out_close(&w->file);
	err = w->error == -ENXIO ? -EPIPE : w->error != 0 ? w->error : closed;
	if (w->missing_ever > 0)
		say_missing(w, "in all, ", w->missing_ever);
	if (err == 0 && w->missing_ever > 0 && !w->spec.quiet)
		err = -ENODATA;
	tw_buffer_free(&w->queue);
	tw_buffer_free(&w->out);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return err;
}
