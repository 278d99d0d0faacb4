/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A replay: captures in, seconds out. The control core makes everything, starts the workers (and the reader, where
 * there are several), aggregates until they have ended, and tells the result.
 */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <rte_launch.h>
#include <rte_lcore.h>

#include "dispatch.h"
#include "options.h"
#include "progress.h"
#include "replay_source.h"
#include "setup.h"
#include "sinks.h"
#include "spin.h"
#include "worker.h"

/* Between two looks at empty rings: short while seconds rush by, long while one takes its time. */
enum {
	NAP_NS_MIN = 50000,
	NAP_NS_MAX = 2000000,
};

struct replay {
	struct tw_setup setup;
	struct tw_sinks sinks;
	struct tw_aggregate *aggregate;
	struct tw_replay_source source;
	struct tw_dispatch dispatch;
	struct tw_worker *workers[TW_WORKERS_MAX];
	struct tw_exchange *exchanges[TW_WORKERS_MAX];
	struct tw_burst *bursts[TW_WORKERS_MAX];
	unsigned int n_workers;
};

/* Written by the signal handler, read by the source's core. */
static atomic_bool stop;

static void on_signal(int number)
{
	(void)number;
	atomic_store_explicit(&stop, true, memory_order_relaxed);
}

static void catch_signals(void)
{
	/* SA_RESETHAND: a second Ctrl-C ends a replay that hangs on its input. */
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int make_workers(struct replay *r, struct tw_diag *diag)
{
	const struct tw_config *config = r->setup.config;
	struct tw_worker_spec spec = {
		.table = r->setup.table,
		.map = r->setup.map,
		.flows = {.max_flows = config->flows_max_per_worker,
			.idle_timeout = config->idle_timeout,
			.n_series = r->setup.view.n_series},
		.n_bursts = TW_DISPATCH_BURSTS,
		.source = config->workers == 1 ? &r->source.base : NULL,
	};

	if (getentropy(spec.flows.seed, sizeof(spec.flows.seed)) != 0)
		return tw_diag_add(
			diag, -errno, "no random key for the flow table: %s", strerror(errno));
	for (; r->n_workers < config->workers; r->n_workers++) {
		struct tw_worker *worker = tw_worker_create(&spec, r->n_workers, diag);

		if (worker == NULL)
			return -ENOMEM;
		r->workers[r->n_workers] = worker;
		r->exchanges[r->n_workers] = worker->exchange;
	}
	r->dispatch = (struct tw_dispatch){.source = &r->source.base,
		.exchanges = r->exchanges,
		.bursts = r->bursts,
		.n_workers = r->n_workers};
	return 0;
}

static int make(struct replay *r, const struct tw_options *options, struct tw_diag *diag)
{
	int err = tw_setup_load(&r->setup, options->config, options->workers, options->eal_args,
		options->n_eal_args, diag);

	if (err != 0)
		return err;
	tw_replay_source_init(&r->source,
		tw_capture_create((const char *const *)options->args, options->n_args,
			options->port_per_file, &stop),
		r->setup.config->decapsulate, &stop);
	if (r->source.capture == NULL)
		return tw_diag_add(diag, -ENOMEM, "no memory to read captures");
	err = make_workers(r, diag);
	if (err != 0)
		return err;
	err = tw_sinks_open(&r->sinks, options, diag);
	if (err != 0)
		return err;
	r->aggregate = tw_aggregate_create(
		&r->setup.view, r->n_workers, r->sinks.sinks, r->sinks.n_sinks, diag);
	return r->aggregate != NULL ? 0 : -ENOMEM;
}

static void unmake(struct replay *r)
{
	tw_aggregate_free(r->aggregate);
	for (unsigned int i = 0; i < r->n_workers; i++)
		tw_worker_free(r->workers[i]);
	tw_capture_free(r->source.capture);
	tw_setup_free(&r->setup);
}

static void launch(struct replay *r)
{
	unsigned int lcore = rte_get_next_lcore(-1, 1, 0);

	for (unsigned int i = 0; i < r->n_workers; i++) {
		rte_eal_remote_launch(tw_worker_run, r->workers[i], lcore);
		lcore = rte_get_next_lcore(lcore, 1, 0);
	}
	if (r->n_workers > 1)
		rte_eal_remote_launch(tw_dispatch_run, &r->dispatch, lcore);
}

static bool running(void)
{
	unsigned int lcore;

	RTE_LCORE_FOREACH_WORKER (lcore)
		if (rte_eal_get_lcore_state(lcore) == RUNNING)
			return true;
	return false;
}

/* Takes in all blocks that are there. Returns how many; the first failure to *err, and goes on. */
static unsigned int drain(struct replay *r, int *err)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < r->n_workers; i++) {
		struct tw_block *block;

		while ((block = tw_report_receive(r->workers[i]->report)) != NULL) {
			if (*err == 0)
				*err = tw_aggregate_block(r->aggregate, i, block);
			tw_report_return(r->workers[i]->report, block);
			n++;
		}
	}
	return n;
}

static int aggregate(struct replay *r)
{
	struct timespec nap = {.tv_nsec = NAP_NS_MIN};
	struct tw_progress_line line;
	bool alive = true;
	int err = 0;

	tw_progress_start(&line, monotonic_ns());
	while (alive) {
		/* Asked before the rings are emptied: what a worker sent last is then in them. */
		alive = running();
		if (drain(r, &err) > 0) {
			nap.tv_nsec = NAP_NS_MIN;
			continue;
		}
		tw_progress_update(&line, r->source.capture, monotonic_ns());
		nanosleep(&nap, NULL);
		if (nap.tv_nsec < NAP_NS_MAX)
			nap.tv_nsec *= 2;
	}
	while (drain(r, &err) > 0)
		;
	rte_eal_mp_wait_lcore();
	tw_progress_stop(&line);
	return err;
}

static int finish(struct replay *r)
{
	const struct tw_peers *peers[TW_WORKERS_MAX];

	for (unsigned int i = 0; i < r->n_workers; i++)
		peers[i] = &r->workers[i]->peers;
	return tw_aggregate_finish(r->aggregate, r->setup.table, peers, r->n_workers);
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

static int run(struct replay *r, struct tw_diag *diag)
{
	int err, status;

	catch_signals();
	launch(r);
	err = aggregate(r);
	if (err != 0)
		tw_diag_add(diag, err, "no memory to aggregate: the output is not complete");
	else
		err = finish(r);
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
	if (r != NULL && tw_sinks_close(&r->sinks, &diag) != 0)
		status = TW_EXIT_USAGE;
	tw_diag_print(&diag, stderr, "transitwatch: ");
	tw_diag_free(&diag);
	if (r != NULL)
		unmake(r);
	free(r);
	return status;
}
