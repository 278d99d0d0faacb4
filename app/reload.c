/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <rte_lcore.h>
#include <rte_memory.h>

#include "tw_clock.h"
#include "config_fixed.h"
#include "reload.h"

enum {
	/* After a file was written in place, or renamed over: whoever replaces one may replace the next. */
	SETTLE_WRITTEN_NS = 300000000,
	SETTLE_RENAMED_NS = 50000000,
	/* Rules are published this long before the second they decide from: every worker has seen them by then. */
	LEAD_NS = 100000000,
	/* Before a table is cut anew where that has failed. */
	RETRY_NS = 2000000000,
};

/* ---- loading, in a thread of its own ---- */

static bool same_ranges(struct tw_sources *a, struct tw_sources *b, uint8_t family)
{
	struct tw_target_range *ranges[2] = {NULL, NULL};
	uint32_t n[2] = {0, 0};
	bool same = tw_sources_target_ranges(a, family, &ranges[0], &n[0]) == 0 &&
		    tw_sources_target_ranges(b, family, &ranges[1], &n[1]) == 0 && n[0] == n[1];

	for (uint32_t i = 0; same && i < n[0]; i++)
		same = ranges[0][i].first == ranges[1][i].first &&
		       ranges[0][i].last == ranges[1][i].last;
	free(ranges[0]);
	free(ranges[1]);
	return same;
}

/* The configuration in force. */
static const struct tw_config *in_force(const struct tw_reload *r)
{
	return r->engine->config;
}

/* The sources in force: their table is not replaced while one is made. */
static struct tw_sources *sources_in_force(const struct tw_reload *r)
{
	return tw_table_sources(atomic_load(&r->engine->slot.published)->table);
}

/* Routes that had no room are not told again by themselves. */
static bool more_room(const struct tw_config *fresh, const struct tw_config *before)
{
	return fresh->rib.max_routes > before->rib.max_routes ||
	       fresh->bmp.max_routes > before->bmp.max_routes;
}

/* The files' routes, with those that routers told. */
static int read_routes(
	struct tw_reload *r, const struct tw_config *config, struct tw_sources *sources)
{
	struct tw_live_rib *live = &r->engine->setup.feed.live;
	const struct tw_feed_spec spec = {
		.config = config, .files = config->rib.files, .n_files = config->rib.n_files};
	int err;

	r->fresh_rib = tw_feed_read(&spec, sources, &r->fresh_time, &r->diag);
	if (r->fresh_rib == NULL)
		return -EINVAL;
	pthread_mutex_lock(&live->lock);
	err = tw_rib_adopt_live(r->fresh_rib, live->rib);
	pthread_mutex_unlock(&live->lock);
	r->resync = !same_ranges(sources, sources_in_force(r), 4) ||
		    !same_ranges(sources, sources_in_force(r), 6) || more_room(config, in_force(r));
	return err == -ENOMEM ? tw_diag_add(&r->diag, err, "no memory for routes") : 0;
}

/* All prefixes that the table is to be cut at. */
static struct tw_prefix *list_cuts(struct tw_reload *r)
{
	struct tw_feed *feed = &r->engine->setup.feed;
	struct tw_prefix *cuts;

	pthread_mutex_lock(&feed->live.lock);
	cuts = tw_feed_cuts(r->fresh_rib != NULL ? r->fresh_rib : feed->live.rib, &r->fresh_cuts);
	pthread_mutex_unlock(&feed->live.lock);
	if (cuts == NULL)
		tw_diag_add(&r->diag, -ENOMEM, "no memory for routes");
	return cuts;
}

static struct tw_table *make_table(struct tw_reload *r, struct tw_sources *sources)
{
	struct tw_prefix *cuts = NULL;
	struct tw_table *table;

	r->fresh_cuts = 0;
	if (r->engine->setup.feed.on && (cuts = list_cuts(r)) == NULL)
		return NULL;
	table = tw_table_make(sources, cuts, r->fresh_cuts, SOCKET_ID_ANY, &r->diag);
	free(cuts);
	return table;
}

/* Of the configuration: sources are read. Of NULL: those in force. */
static struct tw_table *load_table(struct tw_reload *r, const struct tw_config *config)
{
	struct tw_sources *sources = config == NULL ? tw_sources_hold(sources_in_force(r))
						    : tw_sources_load(&config->table, &r->diag);
	struct tw_table *table = NULL;

	if (sources == NULL)
		return NULL;
	if (config == NULL || !r->engine->setup.feed.on || read_routes(r, config, sources) == 0)
		table = make_table(r, sources);
	tw_sources_release(sources);
	return table;
}

static struct tw_rules *make_rules(struct tw_reload *r, struct tw_config *config)
{
	struct tw_setup *setup = &r->engine->setup;
	struct tw_link_map *map;
	struct tw_table *table;

	if (config != NULL && tw_places_plan(setup, config, &r->fresh_places, &r->diag) != 0)
		return NULL;
	map = tw_setup_map(setup, config != NULL ? config : in_force(r), &r->diag);
	if (map == NULL)
		return NULL;
	table = load_table(r, config);
	if (table == NULL) {
		tw_link_map_free(map);
		return NULL;
	}
	return tw_rules_create(table, map, setup->config->workers, &r->diag);
}

static void *load(void *arg)
{
	struct tw_reload *r = arg;
	struct tw_config *config = r->recut ? NULL : tw_config_load(r->path, &r->diag);

	if (r->recut || config != NULL)
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
	for (unsigned int i = 0; i < config->rib.n_files && err == 0; i++)
		err = watch(r, config->rib.files[i]);
	return err == 0 ? watch(r, config->table.overrides) : err;
}

static bool is_file(const char *path, const char *name)
{
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;

	return path != NULL && strcmp(slash != NULL ? slash + 1 : path, name) == 0;
}

static bool is_ours(const struct tw_reload *r, const char *name)
{
	const struct tw_config *config = in_force(r);
	const struct tw_table_spec *spec = &config->table;

	for (unsigned int i = 0; i < config->rib.n_files; i++)
		if (is_file(config->rib.files[i], name))
			return true;
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
				r->due = tw_monotonic_ns() + ((event->mask & IN_MOVED_TO) != 0
									     ? SETTLE_RENAMED_NS
									     : SETTLE_WRITTEN_NS);
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

	/* A reload cuts anew, too. */
	r->recut = r->due == 0;
	r->recut_due = false;
	r->due = 0;
	atomic_store_explicit(&r->loaded, false, memory_order_relaxed);
	err = rte_ctrl_thread_create(&r->thread, "tw-reload", NULL, load, r);
	r->loading = err == 0;
	if (err != 0) {
		r->engine->reloads_bad++;
		fprintf(stderr, "transitwatch: reload: no thread for it: %s\n", strerror(-err));
	}
}

/* Drops what was made and cannot be used. */
static void drop(struct tw_reload *r)
{
	tw_rules_free(r->fresh);
	tw_rib_free(r->fresh_rib);
	tw_config_free(r->fresh_config);
	tw_via_list_drop(&r->engine->setup.vias);
	r->fresh = NULL;
	r->fresh_rib = NULL;
	r->fresh_config = NULL;
}

/* What the new configuration says and the run cannot take. */
static void tell_fixed(const struct tw_reload *r)
{
	const struct tw_setup *setup = &r->engine->setup;
	struct tw_config running = *setup->config;
	char keys[TW_CONFIG_FIXED_TEXT];

	running.workers = setup->workers_configured;
	if (tw_config_fixed(&running, in_force(r), setup->feed.on, keys)[0] != '\0')
		fprintf(stderr, "transitwatch: reload: taken at the next start alone: %s\n", keys);
}

static void tell_published(struct tw_reload *r)
{
	struct tw_table_info info;

	tw_table_info(r->fresh->table, &info);
	if (r->recut)
		fprintf(stderr,
			"transitwatch: new prefixes: %" PRIu32 " origins, from second %" PRIu64
			" on\n",
			info.n_origins, r->fresh->from);
	else
		fprintf(stderr,
			"transitwatch: reload %" PRIu64 ": %" PRIu32 " origins, %" PRIu32
			" + %" PRIu32 " routes, from second %" PRIu64 " on\n",
			r->engine->reloads_good, info.n_origins, info.n_routes4, info.n_routes6,
			r->fresh->from);
}

/* Databases may lie elsewhere now. */
static void watch_anew(struct tw_reload *r)
{
	if (r->notify >= 0 && watch_all(r, in_force(r)) != 0)
		fprintf(stderr,
			"transitwatch: reload: %s: its files cannot be watched for changes: send "
			"SIGHUP after one\n",
			r->path);
}

static int give_routes(struct tw_reload *r)
{
	struct tw_feed *feed = &r->engine->setup.feed;
	struct tw_rib *rib = r->fresh_rib;
	int err;

	if (!feed->on)
		return 0;
	r->fresh_rib = NULL;
	err = tw_feed_begin(feed, r->fresh, rib, r->fresh_cuts, r->fresh->from);
	if (err == 0 && rib != NULL)
		feed->file_time = r->fresh_time;
	return err;
}

static void publish(struct tw_reload *r)
{
	tw_engine_publish(r->engine, r->fresh, r->fresh_config, &r->retired);
	r->engine->reloads_good += !r->recut;
	tell_published(r);
	r->fresh = NULL;
	r->fresh_config = NULL;
	if (r->recut)
		return;
	watch_anew(r);
	tell_fixed(r);
}

/* Makes what was loaded ready to be published, names first. Returns 0, -EAGAIN or -ENOMEM. */
static int prepare(struct tw_reload *r)
{
	struct tw_setup *setup = &r->engine->setup;
	int err = r->recut ? 0 : tw_places_take(setup, r->fresh_config, &r->fresh_places);

	if (err == -EAGAIN)
		return err;
	r->fresh->from = tw_wall_next_second(&r->engine->wall, LEAD_NS);
	if (err == 0)
		err = give_routes(r);
	if (err != 0) {
		tw_diag_add(&r->diag, err, "no memory for the rules");
		tw_places_restore(setup, in_force(r));
	}
	return err;
}

static void refuse(struct tw_reload *r)
{
	drop(r);
	r->recut_after = tw_monotonic_ns() + RETRY_NS;
	r->engine->reloads_bad++;
	fprintf(stderr,
		"transitwatch: reload: not taken (%" PRIu64
		" so far): what ran goes on as it was\n",
		r->engine->reloads_bad);
}

/* Returns whether it is in force. */
static bool end(struct tw_reload *r)
{
	int err = -EINVAL;

	pthread_join(r->thread, NULL);
	r->loading = false;
	if (r->fresh != NULL)
		err = prepare(r);
	tell(r);
	r->recut_due = false; /* routes tell again where the new table, too, lacks cuts */
	if (err == 0) {
		publish(r);
	} else if (err == -EAGAIN) {
		drop(r);
		r->due = tw_monotonic_ns();
	} else {
		refuse(r);
	}
	return err == 0;
}

static void retire(struct tw_reload *r)
{
	int err = tw_engine_retire(r->engine, r->retired.rules);

	r->retired.rules = NULL;
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

void tw_reload_recut(struct tw_reload *r)
{
	r->recut_due = true;
}

bool tw_reload_step(struct tw_reload *r)
{
	bool resync = false;

	read_events(r);
	if (r->loading && atomic_load_explicit(&r->loaded, memory_order_acquire)) {
		resync = end(r) && r->resync;
		r->resync = false;
	}
	if (r->retired.rules != NULL && tw_rules_unused(&r->engine->slot, &r->retired))
		retire(r);
	if (!r->loading && r->retired.rules == NULL &&
		(r->due != 0 ? tw_monotonic_ns() >= r->due
			     : r->recut_due && tw_monotonic_ns() >= r->recut_after))
		begin(r);
	return resync;
}

void tw_reload_stop(struct tw_reload *r)
{
	if (r->loading) {
		pthread_join(r->thread, NULL);
		tell(r);
		drop(r);
	}
	if (r->retired.rules != NULL)
		retire(r);
	if (r->notify >= 0)
		close(r->notify);
}
