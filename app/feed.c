/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Workers and the aggregator each have a list of turns, since they pass a second at different times: the workers' hold
 * vias by origin, the aggregator's hold shares. Both are made of one delta of the routing.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_common.h>

#include "tw_clock.h"
#include "feed.h"

enum {
	/* Turns are published this long before their second: every worker has seen them by then. */
	LEAD_NS = 20000000,
	PROGRESS_OCTETS = 64 << 20,
};

struct tw_share_turn {
	uint64_t from;
	struct tw_share_turn *next;
	bool anew; /* the shares are these, not these added */
	uint32_t n_peers, n_stale;
	uint32_t n;
	struct tw_share_change changes[];
};

/* ---- reading ---- */

struct filling {
	struct tw_rib *rib;
	const char *path;
	int error;
};

static bool wants(void *arg, const struct tw_prefix *prefix)
{
	return tw_rib_wants(((struct filling *)arg)->rib, prefix);
}

static void take_route(
	void *arg, uint64_t time, const struct tw_bgp_peer *peer, const struct tw_bgp_route *route)
{
	struct filling *f = arg;
	uint32_t number = tw_rib_peer(f->rib, peer);
	int err = number != TW_RIB_NONE ? tw_rib_route(f->rib, number, route) : -ENOMEM;

	if (err < 0 && f->error == 0)
		f->error = err;
}

static void take_down(void *arg, uint64_t time, const struct tw_bgp_peer *peer)
{
	struct filling *f = arg;
	uint32_t number = tw_rib_peer(f->rib, peer);

	if (number != TW_RIB_NONE)
		tw_rib_peer_down(f->rib, number);
}

static void show_progress(void *arg, const struct tw_mrt_counts *counts)
{
	const struct filling *f = arg;

	fprintf(stderr,
		"\r\033[Ktransitwatch: %s: %" PRIu64 " MB, %" PRIu64 " routes, %" PRIu64
		" of the targets\r",
		f->path, counts->bytes >> 20, counts->routes, counts->wanted);
}

static int read_file(const struct tw_feed_spec *spec, const char *path, struct tw_rib *rib,
	uint64_t *time, struct tw_diag *diag)
{
	struct filling f = {.rib = rib, .path = path};
	const struct tw_mrt_handler handler = {
		.wants = wants, .route = take_route, .down = take_down, .arg = &f};
	bool shown = isatty(STDERR_FILENO);
	const struct tw_mrt_file file = {.path = path,
		.progress = shown ? show_progress : NULL,
		.arg = &f,
		.every = PROGRESS_OCTETS,
		.stop = spec->stop};
	uint64_t began = tw_monotonic_ns();
	struct tw_mrt_counts counts;
	int err = tw_mrt_read_file(&file, &handler, &counts, diag);

	if (shown)
		fprintf(stderr, "\r\033[K");
	if (err != 0)
		return err;
	if (f.error == -ENOSPC)
		return tw_diag_add(diag, f.error,
			"%s: more routes of the targets than rib.max_routes (%u): raise it", path,
			spec->config->rib.max_routes);
	if (f.error != 0)
		return tw_diag_add(diag, f.error, "%s: no memory for its routes", path);
	fprintf(stderr,
		"transitwatch: %s: %" PRIu64 " records, %" PRIu64 " routes, %" PRIu64
		" of the targets, in %.1f s\n",
		path, counts.records, counts.routes, counts.wanted,
		(double)(tw_monotonic_ns() - began) / 1e9);
	if (counts.last_time > *time)
		*time = counts.last_time;
	tw_rib_touch(rib, counts.last_time * TW_NS_PER_SECOND);
	return 0;
}

static struct tw_rib *make_rib(
	const struct tw_config *config, struct tw_sources *sources, struct tw_diag *diag)
{
	struct tw_target_range *ranges[2] = {NULL, NULL};
	struct tw_rib_spec spec = {.targets = config->table.targets,
		.n_targets = config->table.n_targets,
		.vantage = config->rib.vantage,
		.n_vantage = config->rib.n_vantage,
		.majority = config->rib.majority,
		.max_routes = config->rib.max_routes,
		.router_max_routes = config->bmp.max_routes};
	struct tw_rib *rib = NULL;

	if (tw_sources_target_ranges(sources, 4, &ranges[0], &spec.n_ranges[0]) == 0 &&
		tw_sources_target_ranges(sources, 6, &ranges[1], &spec.n_ranges[1]) == 0) {
		spec.ranges[0] = ranges[0];
		spec.ranges[1] = ranges[1];
		rib = tw_rib_create(&spec);
	}
	free(ranges[0]);
	free(ranges[1]);
	if (rib == NULL)
		tw_diag_add(diag, -ENOMEM, "no memory for the targets' routes");
	return rib;
}

struct tw_rib *tw_feed_read(const struct tw_feed_spec *spec, struct tw_sources *sources,
	uint64_t *time, struct tw_diag *diag)
{
	struct tw_rib *rib = make_rib(spec->config, sources, diag);
	int err = 0;

	*time = 0;
	/* Every file is read, so that one call tells the problems of all. */
	for (unsigned int i = 0; i < spec->n_files && rib != NULL; i++) {
		int one = read_file(spec, spec->files[i], rib, time, diag);

		err = err != 0 ? err : one;
	}
	if (err == 0)
		return rib;
	tw_rib_free(rib);
	return NULL;
}

static int read_updates(struct tw_feed *r, const struct tw_feed_spec *spec, struct tw_diag *diag)
{
	int err = 0;

	for (unsigned int i = 0; i < spec->n_updates; i++) {
		const struct tw_mrt_file file = {.path = spec->updates[i], .stop = spec->stop};
		int one = tw_updates_read(
			&r->updates, &file, r->live.rib, r->file_time * TW_NS_PER_SECOND, diag);

		err = err != 0 ? err : one;
	}
	tw_updates_sort(&r->updates);
	r->known_since = r->updates.first;
	r->known_until = r->updates.last;
	return err;
}

int tw_feed_load(struct tw_feed *r, const struct tw_feed_spec *spec, struct tw_sources *sources,
	struct tw_upstream_list *upstreams, struct tw_diag *diag)
{
	r->on = true;
	r->upstreams = upstreams;
	r->n_targets = spec->config->table.n_targets;
	r->max_age = spec->config->rib.max_age;
	pthread_mutex_init(&r->live.lock, NULL);
	r->shares = calloc((size_t)r->n_targets * upstreams->n * 2 + 1, sizeof(*r->shares));
	if (r->shares == NULL)
		return tw_diag_add(diag, -ENOMEM, "no memory for the shares of routes");
	r->view.shares = r->shares;
	r->live.rib = tw_feed_read(spec, sources, &r->file_time, diag);
	return r->live.rib != NULL ? read_updates(r, spec, diag) : -EINVAL;
}

void tw_feed_free(struct tw_feed *r)
{
	if (!r->on)
		return;
	while (r->turns != NULL) {
		struct tw_share_turn *next = r->turns->next;

		free(r->turns);
		r->turns = next;
	}
	tw_routing_free(r->routing);
	tw_rib_free(r->live.rib);
	tw_updates_free(&r->updates);
	free(r->shares);
	pthread_mutex_destroy(&r->live.lock);
	*r = (struct tw_feed){0};
}

struct tw_prefix *tw_feed_cuts(const struct tw_rib *rib, uint32_t *n)
{
	struct tw_prefix *cuts;

	*n = tw_rib_n_prefixes(rib);
	cuts = calloc((size_t)*n + 1, sizeof(*cuts));
	for (uint32_t i = 0; cuts != NULL && i < *n; i++)
		cuts[i] = *tw_rib_prefix(rib, i);
	return cuts;
}

/* ---- the aggregator's turns ---- */

static int append_turn(struct tw_feed *r, const struct tw_rib *rib, struct tw_share_turn turn,
	const struct tw_share_change *changes, uint32_t n)
{
	struct tw_share_turn *kept = malloc(sizeof(*kept) + n * sizeof(*changes));
	struct tw_rib_info info;

	if (kept == NULL)
		return -ENOMEM;
	tw_rib_info(rib, &info);
	*kept = turn;
	kept->next = NULL;
	kept->n_peers = info.n_peers;
	kept->n_stale = info.n_stale;
	kept->n = n;
	if (n > 0)
		memcpy(kept->changes, changes, n * sizeof(*changes));
	if (r->last_turn != NULL)
		r->last_turn->next = kept;
	else
		r->turns = kept;
	r->last_turn = kept;
	return 0;
}

/* All shares as they are. */
static int append_all(struct tw_feed *r, const struct tw_rib *rib, const struct tw_routing *routing,
	uint64_t from)
{
	const struct tw_route_share *shares = tw_routing_shares(routing);
	uint32_t n = r->n_targets * r->upstreams->n * 2, used = 0;
	struct tw_share_change *changes = calloc((size_t)n + 1, sizeof(*changes));
	int err = -ENOMEM;

	for (uint32_t i = 0; changes != NULL && i < n; i++)
		if ((shares[i].prefixes | shares[i].addresses) != 0)
			changes[used++] = (struct tw_share_change){.index = i,
				.prefixes = (int64_t)shares[i].prefixes,
				.addresses = (int64_t)shares[i].addresses};
	if (changes != NULL)
		err = append_turn(
			r, rib, (struct tw_share_turn){.from = from, .anew = true}, changes, used);
	free(changes);
	return err;
}

static void take_turn(struct tw_feed *r, const struct tw_share_turn *turn, uint64_t second)
{
	struct tw_routes_view *view = &r->view;

	if (turn->anew)
		memset(r->shares, 0,
			(size_t)r->n_targets * r->upstreams->n * 2 * sizeof(*r->shares));
	for (uint32_t i = 0; i < turn->n; i++) {
		struct tw_route_share *share = &r->shares[turn->changes[i].index];

		share->prefixes += (uint64_t)turn->changes[i].prefixes;
		share->addresses += (uint64_t)turn->changes[i].addresses;
	}
	view->number++;
	view->since = turn->from != 0 ? turn->from : second;
	view->n_peers = turn->n_peers;
	view->n_stale = turn->n_stale;
}

/* Of when the routes are that decide a second. */
static uint64_t time_of(const struct tw_feed *r, uint64_t second)
{
	uint64_t known = second < r->known_until ? second : r->known_until;

	return r->known_until != 0 && second >= r->known_since && known > r->file_time
		       ? known
		       : r->file_time;
}

static void warn(struct tw_feed *r, uint64_t second)
{
	bool newer = r->view.time > second;
	uint64_t apart = newer ? r->view.time - second : second - r->view.time;

	if (apart <= r->max_age || r->view.time == 0) {
		r->warned = false;
		return;
	}
	if (!r->warned)
		fprintf(stderr,
			"transitwatch: second %" PRIu64 ": the routes are %" PRIu64
			" s %s, rib.max_age is %u s: take a table of then\n",
			second, apart, newer ? "newer" : "old", r->max_age);
	r->warned = true;
}

const struct tw_routes_view *tw_feed_at(void *feed, uint64_t second)
{
	struct tw_feed *r = feed;

	while (r->turns != NULL && r->turns->from <= second) {
		struct tw_share_turn *turn = r->turns;

		take_turn(r, turn, second);
		r->turns = turn->next;
		if (r->turns == NULL)
			r->last_turn = NULL;
		free(turn);
	}
	r->view.time = time_of(r, second);
	warn(r, second);
	return &r->view;
}

/* ---- turns ---- */

/* What changed in the RIB, from a second on. Returns 1 where anything did, 0 or -ENOMEM. The lock is held. */
static int turn(struct tw_feed *r, struct tw_rules *rules, uint64_t from)
{
	struct tw_routing_delta delta;
	int changed = tw_routing_update(r->routing, &delta), err = 0;

	if (changed <= 0)
		return changed;
	if (delta.n_vias > 0)
		err = tw_rules_turn(rules, from, &delta);
	if (err == 0)
		err = append_turn(r, r->live.rib, (struct tw_share_turn){.from = from},
			delta.shares, delta.n_shares);
	tw_routing_delta_free(&delta);
	return err != 0 ? err : 1;
}

/* Gives a new RIB what routers told the live one. */
static int adopt(const struct tw_feed *r, struct tw_rib *rib)
{
	int err;

	/* What it has of routers already is of before. */
	for (uint32_t peer = 0; peer < tw_rib_n_peers(rib); peer++)
		if (tw_rib_peer_at(rib, peer)->router.family != 0)
			tw_rib_peer_down(rib, peer);
	err = tw_rib_adopt_live(rib, r->live.rib);
	/* Without room some routes are missing, as they were before; the RIB counts them. */
	return err == -ENOSPC ? 0 : err;
}

/* All that can fail, before anything is replaced. */
static struct tw_routing *prepare(
	const struct tw_feed *r, struct tw_rules *rules, struct tw_rib *rib, uint32_t n_cuts)
{
	const struct tw_routing_spec spec = {.table = rules->table,
		.n_cuts = n_cuts,
		.map = rules->map,
		.upstreams = r->upstreams,
		.n_targets = r->n_targets,
		.rib = rib};
	struct tw_routing *routing = tw_routing_create(&spec);

	if (routing != NULL && tw_rules_route(rules, tw_routing_vias(routing)) == 0)
		return routing;
	tw_routing_free(routing);
	return NULL;
}

/* Lets go of a RIB that was handed over and not used. */
static int fail(struct tw_feed *r, struct tw_rib *rib, struct tw_routing *routing)
{
	tw_routing_free(routing);
	if (rib != r->live.rib)
		tw_rib_free(rib);
	return -ENOMEM;
}

static int begin(struct tw_feed *r, struct tw_rules *rules, struct tw_rib *rib, uint32_t n_cuts,
	uint64_t from)
{
	struct tw_routing *routing = prepare(r, rules, rib, n_cuts);
	uint64_t second;
	int err = 0;

	if (routing == NULL || append_all(r, rib, routing, from) != 0)
		return fail(r, rib, routing);
	tw_routing_free(r->routing);
	r->routing = routing;
	if (rib != r->live.rib)
		tw_rib_free(r->live.rib);
	r->live.rib = rib;
	tw_rib_clear_changed(rib);
	while (err >= 0 && tw_updates_take(&r->updates, rib, &second))
		err = turn(r, rules, second);
	return err < 0 ? err : 0;
}

int tw_feed_begin(struct tw_feed *r, struct tw_rules *rules, struct tw_rib *rib, uint32_t n_cuts,
	uint64_t from)
{
	int err;

	pthread_mutex_lock(&r->live.lock);
	if (rib != NULL && adopt(r, rib) != 0)
		err = fail(r, rib, NULL);
	else
		err = begin(r, rules, rib != NULL ? rib : r->live.rib, n_cuts, from);
	pthread_mutex_unlock(&r->live.lock);
	return err;
}

/* ---- live ---- */

bool tw_feed_step(struct tw_feed *r, struct tw_rules *rules, const struct tw_wall *wall, bool alive)
{
	uint64_t news = atomic_load_explicit(&r->live.news, memory_order_relaxed);
	uint64_t now = tw_wall_ns(wall) / TW_NS_PER_SECOND;

	if (alive) {
		r->known_since = r->known_since != 0 ? r->known_since : now;
		r->known_until = now;
	}
	if (news != r->news) {
		r->news = news;
		pthread_mutex_lock(&r->live.lock);
		if (turn(r, rules, RTE_MAX(tw_wall_next_second(wall, LEAD_NS), rules->from)) < 0)
			fprintf(stderr, "transitwatch: no memory for a change of routes\n");
		pthread_mutex_unlock(&r->live.lock);
	}
	tw_rules_forget(rules);
	return tw_routing_outgrown(r->routing);
}
