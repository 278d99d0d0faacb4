/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <rte_launch.h>
#include <rte_lcore.h>

#include "engine.h"

static int make_workers(struct tw_engine *e, struct tw_source *const *sources,
	struct tw_source *reader, struct tw_diag *diag)
{
	const struct tw_config *config = e->setup.config;
	bool live = e->live;
	struct tw_worker_spec spec = {
		.slot = &e->slot,
		.flows = {.max_flows = config->flows_max_per_worker,
			.idle_timeout = config->idle_timeout,
			.n_series = e->setup.view.n_series},
		.n_pairs = e->setup.view.n_pairs,
		.live = live,
		.busy = config->poll == TW_POLL_BUSY,
		.n_bursts = live ? TW_DISPATCH_BURSTS_LIVE : TW_DISPATCH_BURSTS,
	};

	if (getentropy(spec.flows.seed, sizeof(spec.flows.seed)) != 0)
		return tw_diag_add(
			diag, -errno, "no random key for the flow table: %s", strerror(errno));
	for (; e->n_workers < config->workers; e->n_workers++) {
		struct tw_worker *worker;

		spec.source = sources != NULL ? sources[e->n_workers] : NULL;
		worker = tw_worker_create(&spec, e->n_workers, diag);
		if (worker == NULL)
			return -ENOMEM;
		e->workers[e->n_workers] = worker;
		e->exchanges[e->n_workers] = worker->exchange;
	}
	e->dispatch = (struct tw_dispatch){.source = sources != NULL ? NULL : reader,
		.exchanges = e->exchanges,
		.bursts = e->bursts,
		.n_workers = e->n_workers};
	return 0;
}

/* The workers as readers of rules that may be replaced. */
static struct rte_rcu_qsbr *make_readers(unsigned int n_workers)
{
	size_t size = rte_rcu_qsbr_get_memsize(n_workers);
	struct rte_rcu_qsbr *readers = NULL;

	if (posix_memalign((void **)&readers, RTE_CACHE_LINE_SIZE, size) != 0)
		return NULL;
	rte_rcu_qsbr_init(readers, n_workers);
	for (unsigned int i = 0; i < n_workers; i++) {
		rte_rcu_qsbr_thread_register(readers, i);
		rte_rcu_qsbr_thread_online(readers, i);
	}
	return readers;
}

static int make_rules(struct tw_engine *e, bool live, struct tw_diag *diag)
{
	struct tw_setup *setup = &e->setup;
	struct tw_rules *rules =
		tw_rules_create(setup->table, setup->map, setup->config->workers, diag);

	setup->table = NULL;
	setup->map = NULL;
	if (rules == NULL)
		return -ENOMEM;
	atomic_store_explicit(&e->slot.published, rules, memory_order_release);
	if (setup->feed.on && tw_feed_begin(&setup->feed, rules, NULL, setup->n_cuts, 0) != 0)
		return tw_diag_add(diag, -ENOMEM, "no memory for the routes of the targets");
	if (!live)
		return 0;
	e->slot.readers = make_readers(setup->config->workers);
	return e->slot.readers != NULL ? 0 : tw_diag_add(diag, -ENOMEM, "no memory");
}

int tw_engine_make(struct tw_engine *e, const struct tw_options *options,
	struct tw_source *const *sources, struct tw_source *reader, struct tw_diag *diag)
{
	struct tw_sink *all[TW_SINKS_MAX + 1];
	unsigned int n;
	int err;

	pthread_mutex_init(&e->rules_lock, NULL);
	e->config = e->setup.config;
	e->live = (sources != NULL ? sources[0] : reader)->live;
	err = make_rules(e, e->live, diag);

	if (err == 0)
		err = make_workers(e, sources, reader, diag);
	if (err == 0)
		err = tw_sinks_open(&e->sinks, options, e->setup.config->on_event, diag);
	if (err != 0)
		return err;
	for (n = 0; n < e->sinks.n_sinks; n++)
		all[n] = e->sinks.sinks[n];
	if (e->history != NULL)
		all[n++] = e->history;
	e->aggregate = tw_aggregate_create(&e->setup.view, e->n_workers, all, n, diag);
	return e->aggregate != NULL ? 0 : -ENOMEM;
}

static void list_peers(const struct tw_rules *rules, const struct tw_peers **peers)
{
	for (unsigned int i = 0; i < rules->n_workers; i++)
		peers[i] = &rules->peers[i];
}

static void free_config(struct tw_engine *e, struct tw_config *config)
{
	if (config != e->setup.config)
		tw_config_free(config);
}

void tw_engine_publish(struct tw_engine *e, struct tw_rules *rules, struct tw_config *config,
	struct tw_rules_retired *retired)
{
	struct tw_config *before = e->config;

	pthread_mutex_lock(&e->rules_lock);
	tw_rules_publish(&e->slot, rules, retired);
	if (config != NULL)
		e->config = config;
	pthread_mutex_unlock(&e->rules_lock);
	if (config != NULL)
		free_config(e, before);
}

int tw_engine_retire(struct tw_engine *e, struct tw_rules *rules)
{
	const struct tw_peers *peers[TW_WORKERS_MAX];
	int err;

	list_peers(rules, peers);
	err = tw_aggregate_retire(e->aggregate, rules->table, peers, rules->n_workers);
	pthread_mutex_lock(&e->rules_lock);
	tw_rules_free(rules);
	pthread_mutex_unlock(&e->rules_lock);
	return err;
}

void tw_engine_peers(struct tw_engine *e,
	void (*show)(void *arg, const struct tw_peer *peers, unsigned int n), void *arg)
{
	const struct tw_rules *rules = atomic_load(&e->slot.published);
	const struct tw_peers *peers[TW_WORKERS_MAX];

	list_peers(rules, peers);
	/* Without memory they are shown next time. */
	(void)tw_aggregate_peers(e->aggregate, rules->table, peers, rules->n_workers, show, arg);
}

void tw_engine_launch(struct tw_engine *e)
{
	unsigned int lcore = rte_get_next_lcore(-1, 1, 0);

	for (unsigned int i = 0; i < e->n_workers; i++) {
		rte_eal_remote_launch(tw_worker_run, e->workers[i], lcore);
		lcore = rte_get_next_lcore(lcore, 1, 0);
	}
	if (e->dispatch.source != NULL)
		rte_eal_remote_launch(tw_dispatch_run, &e->dispatch, lcore);
}

bool tw_engine_runs(void)
{
	unsigned int lcore;

	RTE_LCORE_FOREACH_WORKER (lcore)
		if (rte_eal_get_lcore_state(lcore) == RUNNING)
			return true;
	return false;
}

unsigned int tw_engine_drain(struct tw_engine *e)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < e->n_workers; i++) {
		struct tw_block *block;

		while ((block = tw_report_receive(e->workers[i]->report)) != NULL) {
			if (e->before_block != NULL)
				e->before_block(e, block->second);
			if (e->error == 0)
				e->error = tw_aggregate_block(e->aggregate, i, block);
			tw_report_return(e->workers[i]->report, block);
			n++;
		}
	}
	tw_on_event_step(e->sinks.on_event);
	return n;
}

int tw_engine_finish(struct tw_engine *e, struct tw_diag *diag)
{
	const struct tw_rules *rules = atomic_load(&e->slot.published);
	const struct tw_peers *peers[TW_WORKERS_MAX];

	while (tw_engine_drain(e) > 0)
		;
	rte_eal_mp_wait_lcore();
	if (e->error != 0)
		return tw_diag_add(
			diag, e->error, "no memory to aggregate: the output is not complete");
	list_peers(rules, peers);
	return tw_aggregate_finish(e->aggregate, rules->table, peers, rules->n_workers);
}

void tw_engine_free(struct tw_engine *e)
{
	tw_aggregate_free(e->aggregate);
	for (unsigned int i = 0; i < e->n_workers; i++)
		tw_worker_free(e->workers[i]);
	tw_rules_free(atomic_load(&e->slot.published));
	free(e->slot.readers);
	free_config(e, e->config);
	tw_setup_free(&e->setup);
}
