/* SPDX-License-Identifier: BSD-3-Clause */

/* The event is written to a file in memory before the command starts: nobody has to feed a pipe. */

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tw_clock.h"
#include "on_event.h"
#include "tw_json.h"

struct tw_on_event {
	struct tw_sink sink;
	char *const *argv;
	struct tw_json json;
	struct tw_buffer waiting[TW_ON_EVENT_WAITING];
	unsigned int first, n;
	unsigned int n_lost;
	pid_t child; /* 0: none runs */
	uint64_t until;
};

static void log_line(const struct tw_on_event *o, const char *what)
{
	fprintf(stderr, "transitwatch: on_event: %s: %s\n", o->argv[0], what);
}

/* The event as a file to read. Returns -errno. */
static int to_file(const struct tw_buffer *text)
{
	int fd = memfd_create("transitwatch-event", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, text->text, text->n) != (ssize_t)text->n || lseek(fd, 0, SEEK_SET) != 0) {
		close(fd);
		return -EIO;
	}
	return fd;
}

static int spawn(struct tw_on_event *o, int in)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int err;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	/* Ports are not its business, and output belongs to the log. */
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
	err = posix_spawnp(&o->child, o->argv[0], &actions, &attributes, o->argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return err;
}

static void start_next(struct tw_on_event *o)
{
	struct tw_buffer *text = &o->waiting[o->first];
	int in = to_file(text);
	int err = in < 0 ? -in : spawn(o, in);

	if (in >= 0)
		close(in);
	tw_buffer_free(text);
	o->first = (o->first + 1) % TW_ON_EVENT_WAITING;
	o->n--;
	o->until = tw_monotonic_ns() + TW_ON_EVENT_SECONDS * TW_NS_PER_SECOND;
	if (err != 0) {
		o->child = 0;
		log_line(o, strerror(err));
	}
}

static void look_after_child(struct tw_on_event *o)
{
	int status;

	if (waitpid(o->child, &status, WNOHANG) == 0) {
		if (tw_monotonic_ns() < o->until)
			return;
		log_line(o, "takes too long: killed");
		kill(-o->child, SIGKILL);
		waitpid(o->child, &status, 0);
	} else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		char what[48];

		snprintf(what, sizeof(what), "ended with %s %d",
			WIFEXITED(status) ? "exit status" : "signal",
			WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		log_line(o, what);
	}
	o->child = 0;
}

void tw_on_event_step(struct tw_on_event *o)
{
	if (o == NULL)
		return;
	if (o->child != 0)
		look_after_child(o);
	if (o->child == 0 && o->n > 0)
		start_next(o);
}

static int start(struct tw_sink *sink, const struct tw_view *view)
{
	return tw_json_init(&((struct tw_on_event *)sink)->json, view, NULL);
}

static int event(struct tw_sink *sink, const struct tw_event *event)
{
	struct tw_on_event *o = (struct tw_on_event *)sink;
	struct tw_buffer *text = &o->waiting[(o->first + o->n) % TW_ON_EVENT_WAITING];

	if (o->n == TW_ON_EVENT_WAITING) {
		if (o->n_lost++ == 0)
			log_line(o, "too slow: events are left out");
		return 0;
	}
	o->json.out = text;
	tw_json_event(&o->json, event);
	tw_buffer_text(text, "\n");
	if (text->error != 0)
		tw_buffer_free(text);
	else
		o->n++;
	return 0;
}

static int finish(struct tw_sink *sink)
{
	struct tw_on_event *o = (struct tw_on_event *)sink;
	const struct timespec nap = {.tv_nsec = 5000000};
	uint64_t end = tw_monotonic_ns() + TW_ON_EVENT_SECONDS * TW_NS_PER_SECOND;

	while ((o->child != 0 || o->n > 0) && tw_monotonic_ns() < end) {
		tw_on_event_step(o);
		nanosleep(&nap, NULL);
	}
	if (o->child != 0)
		kill(-o->child, SIGKILL);
	for (; o->n > 0; o->n--, o->n_lost++) {
		tw_buffer_free(&o->waiting[o->first]);
		o->first = (o->first + 1) % TW_ON_EVENT_WAITING;
	}
	if (o->n_lost > 0)
		fprintf(stderr, "transitwatch: on_event: %s: %u events were not told\n", o->argv[0],
			o->n_lost);
	tw_json_free(&o->json);
	free(o);
	return 0;
}

struct tw_on_event *tw_on_event_create(char *const *argv, struct tw_diag *diag)
{
	struct tw_on_event *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		tw_diag_add(diag, -ENOMEM, "no memory for on_event");
		return NULL;
	}
	o->argv = argv;
	o->sink = (struct tw_sink){.start = start, .event = event, .close = finish};
	return o;
}

struct tw_sink *tw_on_event_sink(struct tw_on_event *o)
{
	return &o->sink;
}
