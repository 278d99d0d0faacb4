/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_lcore.h>
#include <rte_version.h>

#include "tw_clock.h"
#include "explain.h"
#include "serve.h"

enum {
	PEERS_SECONDS = 5, /* between two looks at who the far ends are: all origins are read */
	STALE_SECONDS = 5, /* a live run whose newest second is older is not to be relied on */
};

/* ---- answers, by the server's thread ---- */

static void status(void *arg, struct tw_status *status)
{
	struct tw_engine *engine = ((struct tw_serve *)arg)->engine;
	const struct tw_database *databases;
	const struct tw_table *table;

	pthread_mutex_lock(&engine->rules_lock);
	table = atomic_load(&engine->slot.published)->table;
	tw_table_info(table, &status->table);
	status->n_databases = tw_table_databases(table, &databases);
	for (unsigned int i = 0; i < status->n_databases; i++) {
		snprintf(status->databases[i].path, TW_STATUS_TEXT, "%s", databases[i].path);
		snprintf(status->databases[i].type, TW_STATUS_TEXT, "%s", databases[i].type);
		status->databases[i].build_epoch = databases[i].build_epoch;
		status->databases[i].n_prefixes = databases[i].n_prefixes;
	}
	pthread_mutex_unlock(&engine->rules_lock);
	status->reloads_good = atomic_load(&engine->reloads_good);
	status->reloads_bad = atomic_load(&engine->reloads_bad);
	status->clock_ahead = engine->live ? (double)atomic_load(&engine->wall.ahead) / 1e9 : 0;
	status->dpdk = rte_version();
}

/* What answers are made of, as it is in force. Under the engine's lock, and no longer. */
static struct tw_setup setup_in_force(const struct tw_engine *engine)
{
	struct tw_setup setup = {.config = engine->config,
		.table = atomic_load(&engine->slot.published)->table,
		.view = engine->setup.view};

	setup.view.n_databases = tw_table_databases(setup.table, &setup.view.databases);
	return setup;
}

static void explain(void *arg, const struct tw_addr *addr, struct tw_buffer *out)
{
	struct tw_engine *engine = ((struct tw_serve *)arg)->engine;
	struct tw_explanation explanation;
	struct tw_setup setup;
	struct tw_explain_json *json;
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	pthread_mutex_lock(&engine->rules_lock);
	setup = setup_in_force(engine);
	json = file != NULL ? tw_explain_json_create(&setup, &engine->setup.feed, file) : NULL;
	if (json != NULL) {
		tw_table_explain(setup.table, addr, &explanation);
		tw_explain_json_write(json, addr, &explanation);
		tw_explain_json_flush(json);
	}
	tw_explain_json_free(json);
	pthread_mutex_unlock(&engine->rules_lock);
	if (file != NULL)
		fclose(file);
	if (json != NULL && text != NULL)
		tw_buffer_add(out, text, size);
	else
		out->error = -ENOMEM;
	free(text);
}

static const char *not_ready(void *arg)
{
	const struct tw_serve *serve = arg;
	struct tw_snapshot snapshot;
	uint64_t last;

	if (!serve->engine->live)
		return NULL;
	if (atomic_load(&serve->engine->ports_down) > 0)
		return "a port has no link";
	if (tw_history_snapshot(serve->history, &snapshot) != 0)
		return "no memory";
	last = snapshot.summary.last;
	tw_snapshot_free(&snapshot);
	if (last == 0)
		return "no second has closed yet";
	return tw_wall_next_second(&serve->engine->wall, 0) > last + STALE_SECONDS + 1
		       ? "no second closes any more"
		       : NULL;
}

/* ---- the control core's part ---- */

int tw_serve_make(struct tw_serve *serve, struct tw_engine *engine,
	const struct tw_options *options, struct tw_diag *diag)
{
	const struct tw_config *config = engine->setup.config;

	*serve = (struct tw_serve){.engine = engine};
	serve->wanted = config->serve || options->serve || options->listen != NULL;
	if (!serve->wanted && !options->live)
		return 0;
	serve->history = tw_history_create(&engine->setup.view, config->http.history, diag);
	if (serve->history == NULL)
		return -ENOMEM;
	engine->history = tw_history_sink(serve->history);
	serve->source = (struct tw_http_source){
		.view = &engine->setup.view,
		.history = serve->history,
		.arg = serve,
		.status = status,
		.explain = explain,
		.not_ready = not_ready,
	};
	return 0;
}

/*
 * Where polling lcores have processors of their own, the server's thread, which inherits what this one may use, keeps
 * off those: clients cost no packets. `before` is for the way back.
 */
static void keep_off_polling(cpu_set_t *before)
{
	cpu_set_t rest;
	unsigned int lcore;

	CPU_ZERO(before);
	if (pthread_getaffinity_np(pthread_self(), sizeof(*before), before) != 0)
		return;
	rest = *before;
	RTE_LCORE_FOREACH_WORKER (lcore) {
		cpu_set_t polling = rte_lcore_cpuset(lcore);

		if (CPU_COUNT(&polling) > 1)
			continue;
		CPU_AND(&polling, &polling, &rest);
		CPU_XOR(&rest, &rest, &polling);
	}
	if (CPU_COUNT(&rest) > 0)
		pthread_setaffinity_np(pthread_self(), sizeof(rest), &rest);
}

int tw_serve_start(struct tw_serve *serve, const struct tw_options *options, struct tw_diag *diag)
{
	const struct tw_http_settings *settings = &serve->engine->setup.config->http;
	struct tw_http_config config = {
		.listen = options->listen != NULL ? options->listen : settings->listen,
		.certificate = settings->certificate,
		.key = settings->key,
		.user = settings->user,
		.password_file = settings->password_file,
		.token_file = settings->token_file,
	};

	cpu_set_t before;

	if (!serve->wanted)
		return 0;
	keep_off_polling(&before);
	serve->http = tw_http_start(&config, &serve->source, diag);
	pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
	if (serve->http == NULL)
		return -EIO;
	fprintf(stderr, "transitwatch: serving %s\n", tw_http_url(serve->http));
	return 0;
}

void tw_serve_reload(struct tw_serve *serve)
{
	struct tw_diag diag = {0};
	int result = serve->http != NULL ? tw_http_reload(serve->http, &diag) : 0;

	if (result < 0)
		atomic_fetch_add(&serve->engine->reloads_bad, 1);
	tw_diag_print(&diag, stderr, "transitwatch: ");
	tw_diag_free(&diag);
	if (result > 0)
		fprintf(stderr, "transitwatch: certificate, password and token are read again\n");
	else if (result < 0)
		fprintf(stderr,
			"transitwatch: certificate, password and token stay as they were\n");
}

static void show_peers(void *arg, const struct tw_peer *peers, unsigned int n)
{
	tw_history_set_peers(arg, peers, n);
}

void tw_serve_step(struct tw_serve *serve)
{
	uint64_t now;

	if (serve->history == NULL)
		return;
	now = tw_monotonic_ns();
	if (now < serve->peers_due)
		return;
	serve->peers_due = now + PEERS_SECONDS * TW_NS_PER_SECOND;
	tw_engine_peers(serve->engine, show_peers, serve->history);
}

void tw_serve_free(struct tw_serve *serve)
{
	tw_http_stop(serve->http);
	tw_history_free(serve->history);
	*serve = (struct tw_serve){0};
}
