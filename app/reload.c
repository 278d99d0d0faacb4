/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include <rte_lcore.h>
#include <rte_memory.h>

#include "clock.h"
#include "reload.h"

enum {
	/* After a file changed: whoever replaces one may replace the next. */
	SETTLE_NS = 300000000,
	/* Rules are published this long before the second they decide from: every worker has seen them by then. */
	LEAD_NS = 100000000,
};

/* ---- loading, in a thread of its own ---- */

/* Whether series mean the same as before. */
static bool same_series(const struct tw_view *view, const struct tw_config *config,
	const struct tw_via *vias, unsigned int n_vias)
{
	if (config->table.n_targets != view->n_targets || n_vias != view->n_vias ||
		config->n_upstreams != view->n_upstreams ||
		memcmp(vias, view->vias, n_vias * sizeof(*vias)) != 0)
		return false;
	for (unsigned int i = 0; i < view->n_targets; i++)
		if (strcmp(config->table.targets[i].name, view->targets[i].name) != 0)
			return false;
	for (unsigned int i = 0; i < view->n_upstreams; i++)
		if (config->upstreams[i].asn != view->upstreams[i].asn ||
			strcmp(config->upstreams[i].name, view->upstreams[i].name) != 0)
			return false;
	return true;
}

static struct tw_rules *make_rules(struct tw_reload *r, const struct tw_config *config)
{
	const struct tw_setup *setup = &r->engine->setup;
	struct tw_link_map *map = tw_setup_map(&r->engine->setup, config, &r->diag);
	const struct tw_via *vias;
	struct tw_table *table;
	unsigned int n_vias;

	if (map == NULL)
		return NULL;
	n_vias = tw_link_map_vias(map, &vias);
	if (!same_series(&setup->view, config, vias, n_vias)) {
		tw_diag_add(&r->diag, -EINVAL,
			"%s: targets or upstreams were added, removed, renamed, or are found by "
			"other methods than before: restart to take that",
			config->path);
		tw_link_map_free(map);
		return NULL;
	}
	table = tw_table_load(&config->table, SOCKET_ID_ANY, &r->diag);
	if (table == NULL) {
		tw_link_map_free(map);
		return NULL;
	}
	return tw_rules_create(table, map, setup->config->workers, &r->diag);
}

static void *load(void *arg)
{
	struct tw_reload *r = arg;
	struct tw_config *config = tw_config_load(r->path, &r->diag);

	if (config != NULL)
		r->fresh = make_rules(r, config);
	if (r->fresh != NULL)
		r->fresh_config = config;
	else
		tw_config_free(config);
	atomic_store_explicit(&r->loaded, true, memory_order_release);
	return NULL;
}

/* ---- files that are watched ---- */

/* The folder, since who replaces a file makes a new one. */
static int watch(struct tw_reload *r, const char *path)
{
	char folder[PATH_MAX];
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;

	if (path == NULL)
		return 0;
	snprintf(folder, sizeof(folder), "%.*s", slash != NULL ? (int)(slash - path) : 1,
		slash != NULL ? path : ".");
	return inotify_add_watch(r->notify, folder[0] != '\0' ? folder : "/",
		       IN_CLOSE_WRITE | IN_MOVED_TO) < 0
		       ? -errno
		       : 0;
}

static int watch_all(struct tw_reload *r, const struct tw_config *config)
{
	int err = watch(r, config->path);

	if (err == 0)
		err = watch(r, config->table.asn_database);
	if (err == 0)
		err = watch(r, config->table.country_database);
	return err == 0 ? watch(r, config->table.overrides) : err;
}

static bool is_file(const char *path, const char *name)
{
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;

	return path != NULL && strcmp(slash != NULL ? slash + 1 : path, name) == 0;
}

static bool is_ours(const struct tw_reload *r, const char *name)
{
	const struct tw_table_spec *spec =
		&(r->config != NULL ? r->config : r->engine->setup.config)->table;

	return is_file(r->path, name) || is_file(spec->asn_database, name) ||
	       is_file(spec->country_database, name) || is_file(spec->overrides, name);
}

static void read_events(struct tw_reload *r)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	while (r->notify >= 0 && (n = read(r->notify, events, sizeof(events))) > 0) {
		const char *at = events;

		while (at < events + n) {
			const struct inotify_event *event = (const struct inotify_event *)at;

			if (event->len > 0 && is_ours(r, event->name))
				r->due = tw_monotonic_ns() + SETTLE_NS;
			at += sizeof(*event) + event->len;
		}
	}
}

/* ---- the control core's part ---- */

static void tell(struct tw_reload *r)
{
	tw_diag_print(&r->diag, stderr, "transitwatch: reload: ");
	tw_diag_free(&r->diag);
	r->diag = (struct tw_diag){0};
}

static void begin(struct tw_reload *r)
{
	int err;

	r->due = 0;
	atomic_store_explicit(&r->loaded, false, memory_order_relaxed);
	err = rte_ctrl_thread_create(&r->thread, "tw-reload", NULL, load, r);
	r->loading = err == 0;
	if (err != 0) {
		r->engine->reloads_bad++;
		fprintf(stderr, "transitwatch: reload: no thread for it: %s\n", strerror(-err));
	}
}

static void publish(struct tw_reload *r)
{
	struct tw_rules_slot *slot = &r->engine->slot;
	struct tw_table_info info;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	r->fresh->from = (uint64_t)now.tv_sec + 1 + (now.tv_nsec + LEAD_NS >= 1000000000);
	r->retiring = atomic_load_explicit(&slot->published, memory_order_relaxed);
	atomic_store_explicit(&slot->published, r->fresh, memory_order_release);
	r->token = rte_rcu_qsbr_start(slot->readers);
	r->engine->reloads_good++;
	tw_table_info(r->fresh->table, &info);
	fprintf(stderr,
		"transitwatch: reload %" PRIu64 ": %" PRIu32 " origins, %" PRIu32 " + %" PRIu32
		" routes, from second %" PRIu64 " on\n",
		r->engine->reloads_good, info.n_origins, info.n_routes4, info.n_routes6,
		r->fresh->from);
	r->fresh = NULL;
	/* Databases may lie elsewhere now. */
	tw_config_free(r->config);
	r->config = r->fresh_config;
	r->fresh_config = NULL;
	if (r->notify >= 0 && watch_all(r, r->config) != 0)
		fprintf(stderr,
			"transitwatch: reload: %s: its files cannot be watched for changes: send "
			"SIGHUP after one\n",
			r->path);
}

static void end(struct tw_reload *r)
{
	pthread_join(r->thread, NULL);
	r->loading = false;
	tell(r);
	if (r->fresh != NULL) {
		publish(r);
	} else {
		r->engine->reloads_bad++;
		fprintf(stderr,
			"transitwatch: reload: not taken (%" PRIu64
			" so far): what ran goes on as it was\n",
			r->engine->reloads_bad);
	}
}

static void retire(struct tw_reload *r)
{
	int err = tw_engine_retire(r->engine, r->retiring);

	r->retiring = NULL;
	if (err != 0 && r->engine->error == 0)
		r->engine->error = err;
}

void tw_reload_start(struct tw_reload *r, struct tw_engine *engine, struct tw_diag *diag)
{
	const struct tw_config *config = engine->setup.config;
	int err;

	*r = (struct tw_reload){.engine = engine, .path = config->path};
	r->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	err = r->notify < 0 ? -errno : watch_all(r, config);
	if (err != 0)
		tw_diag_add(diag, err,
			"%s: its files cannot be watched for changes: %s: send SIGHUP after one",
			config->path, strerror(-err));
}

void tw_reload_ask(struct tw_reload *r)
{
	r->due = tw_monotonic_ns();
}

void tw_reload_step(struct tw_reload *r)
{
	read_events(r);
	if (r->loading && atomic_load_explicit(&r->loaded, memory_order_acquire))
		end(r);
	if (r->retiring != NULL &&
		rte_rcu_qsbr_check(r->engine->slot.readers, r->token, false) == 1)
		retire(r);
	if (!r->loading && r->retiring == NULL && r->due != 0 && tw_monotonic_ns() >= r->due)
		begin(r);
}

void tw_reload_stop(struct tw_reload *r)
{
	if (r->loading) {
		pthread_join(r->thread, NULL);
		tell(r);
		tw_rules_free(r->fresh);
	}
	if (r->retiring != NULL)
		retire(r);
	tw_config_free(r->config);
	tw_config_free(r->fresh_config);
	if (r->notify >= 0)
		close(r->notify);
}
