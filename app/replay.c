/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A replay: captures in, seconds out. The control core makes everything, starts the workers (and the reader, where
 * there are several), aggregates until they have ended, and tells the result.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tw_clock.h"
#include "engine.h"
#include "options.h"
#include "progress.h"
#include "replay_source.h"
#include "serve.h"
#include "signals.h"

/* Between two looks at empty rings: short while seconds rush by, long while one takes its time. */
enum {
	NAP_NS_MIN = 50000,
	NAP_NS_MAX = 2000000,
};

struct replay {
	struct tw_engine engine;
	struct tw_replay_source source;
	struct tw_serve serve;
};

static int make(struct replay *r, const struct tw_options *options, struct tw_diag *diag)
{
	struct tw_source *source = &r->source.base;
	const struct tw_config *config;
	int err = tw_setup_load(&r->engine.setup, options, diag);

	if (err != 0)
		return err;
	config = r->engine.setup.config;
	tw_replay_source_init(&r->source,
		tw_capture_create((const char *const *)options->args, options->n_args,
			options->port_per_file, &tw_signals.stop),
		config->decapsulate, options->speed, &tw_signals.stop);
	if (r->source.capture == NULL)
		return tw_diag_add(diag, -ENOMEM, "no memory to read captures");
	err = tw_serve_make(&r->serve, &r->engine, options, diag);
	if (err == 0)
		err = tw_engine_make(
			&r->engine, options, config->workers == 1 ? &source : NULL, source, diag);
	return err == 0 ? tw_serve_start(&r->serve, options, diag) : err;
}

static void unmake(struct replay *r)
{
	tw_serve_free(&r->serve);
	tw_capture_free(r->source.capture);
	tw_engine_free(&r->engine);
}

static void aggregate(struct replay *r)
{
	struct timespec nap = {.tv_nsec = NAP_NS_MIN};
	struct tw_progress_line line;

	tw_progress_start(&line, tw_monotonic_ns());
	while (tw_engine_runs()) {
		if (tw_engine_drain(&r->engine) > 0) {
			nap.tv_nsec = NAP_NS_MIN;
			continue;
		}
		tw_serve_step(&r->serve);
		tw_progress_update(&line, r->source.capture, tw_monotonic_ns());
		nanosleep(&nap, NULL);
		if (nap.tv_nsec < NAP_NS_MAX)
			nap.tv_nsec *= 2;
	}
	tw_progress_stop(&line);
}

/* What kept the captures from being read to their end, as an exit status. */
static int tell_problems(const struct replay *r)
{
	const struct tw_diag *problems = tw_capture_problems(r->source.capture);

	tw_diag_print(problems, stderr, "transitwatch: ");
	if (r->source.stopped)
		fprintf(stderr,
			"transitwatch: interrupted after packet %" PRIu64
			": the packets before it are counted\n",
			r->source.base.n_frames);
	return problems->n_lines > 0 || r->source.stopped ? TW_EXIT_CAPTURE : TW_EXIT_OK;
}

/* Who looks at the page wants to look on. */
static void serve_on(const struct replay *r)
{
	const struct timespec nap = {.tv_nsec = 50000000};

	if (r->serve.http == NULL || r->source.stopped)
		return;
	fprintf(stderr, "transitwatch: all is read; Ctrl-C ends the server\n");
	while (!atomic_load(&tw_signals.stop))
		nanosleep(&nap, NULL);
}

static int run(struct replay *r, struct tw_diag *diag)
{
	int err, status;

	tw_signals_catch(false);
	tw_engine_launch(&r->engine);
	aggregate(r);
	err = tw_engine_finish(&r->engine, diag);
	status = tell_problems(r);
	return err != 0 ? TW_EXIT_USAGE : status;
}

int tw_replay(const struct tw_options *options)
{
	struct tw_diag diag = {0};
	struct replay *r = calloc(1, sizeof(*r));
	int status = TW_EXIT_USAGE;

	if (r == NULL)
		tw_diag_add(&diag, -ENOMEM, "no memory");
	else if (make(r, options, &diag) == 0)
		status = run(r, &diag);
	if (r != NULL && tw_sinks_close(&r->engine.sinks, &diag) != 0)
		status = TW_EXIT_USAGE;
	tw_diag_print(&diag, stderr, "transitwatch: ");
	tw_diag_free(&diag);
	if (r != NULL) {
		serve_on(r);
		unmake(r);
	}
	free(r);
	return status;
}
