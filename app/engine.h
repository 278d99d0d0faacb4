/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_ENGINE_H
#define TW_ENGINE_H

/*
 * What a replay and a live run have in common: workers, a reader where they share a source, the aggregator and its
 * exporters.
 *
 * Threads: the control core's, but for what tw_engine_launch() starts.
 */

#include <pthread.h>

#include "dispatch.h"
#include "rules.h"
#include "setup.h"
#include "sinks.h"
#include "worker.h"

struct tw_engine {
	struct tw_setup setup;
	struct tw_sinks sinks;
	struct tw_aggregate *aggregate;
	struct tw_rules_slot slot;
	/* The one that the rules are of: the setup's, or of the last reload, and then the engine's own. */
	struct tw_config *config;
	/* Held by who reads rules and their configuration and is no worker, and by who replaces or frees them. */
	pthread_mutex_t rules_lock;
	struct tw_sink *history; /* one more sink, which is not the engine's to close; or NULL */
	bool live;
	struct tw_wall wall; /* of a live run */
	_Atomic uint64_t reloads_good;
	_Atomic uint64_t reloads_bad;
	_Atomic unsigned int ports_down; /* without a link, as of the last look */
	struct tw_dispatch dispatch; /* its source is NULL where each worker has one of its own */
	struct tw_worker *workers[TW_WORKERS_MAX];
	struct tw_exchange *exchanges[TW_WORKERS_MAX];
	struct tw_burst *bursts[TW_WORKERS_MAX];
	unsigned int n_workers;
	int error; /* of aggregating: the first */

	/* Called before a block is taken in, where not NULL. */
	void (*before_block)(struct tw_engine *engine, uint64_t second);
};

/*
 * Makes workers, exporters and the aggregator; the setup is loaded, and its table and map are taken over. `sources` holds one for each worker, or is NULL:
 * then `reader` serves them all. All outlive the engine. Returns 0, or -errno with a line in *diag.
 */
int tw_engine_make(struct tw_engine *engine, const struct tw_options *options,
	struct tw_source *const *sources, struct tw_source *reader, struct tw_diag *diag);

/*
 * Publishes rules, and the configuration that they are of, which becomes the engine's; NULL: it is the same as before.
 */
void tw_engine_publish(struct tw_engine *engine, struct tw_rules *rules, struct tw_config *config,
	struct tw_rules_retired *retired);

/* Takes the peers of rules that no worker uses any more into the sums, and frees them. Returns 0 or -ENOMEM. */
int tw_engine_retire(struct tw_engine *engine, struct tw_rules *rules);

/* Shows who the far ends are so far: tw_aggregate_peers(). */
void tw_engine_peers(struct tw_engine *engine,
	void (*show)(void *arg, const struct tw_peer *peers, unsigned int n), void *arg);

/* Starts every core. */
void tw_engine_launch(struct tw_engine *engine);

/* Whether any core still runs. */
bool tw_engine_runs(void);

/* Takes in all blocks that are there, and looks after the command of events. Returns how many blocks. */
unsigned int tw_engine_drain(struct tw_engine *engine);

/*
 * Once no core runs: takes in what is left, and tells the summary. Returns 0, or the first error; a line in *diag where
 * that is one of aggregating.
 */
int tw_engine_finish(struct tw_engine *engine, struct tw_diag *diag);

/* Releases all but the sinks, which are closed before. */
void tw_engine_free(struct tw_engine *engine);

#endif
