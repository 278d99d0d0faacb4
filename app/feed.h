/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_FEED_H
#define TW_FEED_H

/*
 * The targets' routes, from files, updates and routers to the vias that workers read.
 *
 *   MRT files ──┐                     cuts ─► table
 *   BMP station ┼─► live RIB ─► routing ─► rules: vias, turns ─► workers
 *   updates ────┘                  └─► shares, a turn behind the other ─► aggregator (tw_view.routes)
 *
 * A change of routes decides from a whole second on, for all workers alike. In a replay the updates' own times say which:
 * one of second t counts from second t on. In a live run it is the next second to begin, a moment ahead.
 *
 * Threads: the control core's, but for the live RIB, which is locked.
 */

#include "config.h"
#include "live_rib.h"
#include "rules.h"
#include "tw_aggregate.h"
#include "tw_mrt.h"
#include "tw_routing.h"
#include "updates.h"
#include "wall.h"

struct tw_share_turn;

struct tw_feed {
	bool on; /* routes decide: the rest holds */
	struct tw_live_rib live;
	struct tw_upstream_list *upstreams;
	unsigned int n_targets;
	struct tw_routing *routing;
	struct tw_updates updates; /* of a replay */

	/* What the aggregator is told, second by second. */
	struct tw_share_turn *turns, *last_turn;
	struct tw_routes_view view;
	struct tw_route_share *shares;
	uint64_t file_time;   /* Unix time of the files' routes, 0: none */
	uint64_t known_since; /* from here on .. */
	uint64_t known_until; /* .. to there routes were told as they changed */
	unsigned int max_age;
	bool warned;

	/* Of a live run. */
	uint64_t news; /* of the live RIB, as it was taken in */
};

struct tw_feed_spec {
	const struct tw_config *config;
	const char *const *files; /* MRT */
	unsigned int n_files;
	const char *const *updates; /* MRT with messages, of a replay */
	unsigned int n_updates;
	const atomic_bool *stop;
};

/*
 * Makes a RIB for the targets as the sources have them, and reads the files into it; *time becomes the Unix time of its
 * routes. A file that cannot be read, or not to its end, is a failure: NULL with a line in *diag. Malformed records are
 * lines alone. Any thread.
 */
struct tw_rib *tw_feed_read(const struct tw_feed_spec *spec, struct tw_sources *sources,
	uint64_t *time, struct tw_diag *diag);

/* Reads files and updates. Returns 0 or -errno with a line in *diag. tw_feed_free() releases all after either. */
int tw_feed_load(struct tw_feed *routes, const struct tw_feed_spec *spec,
	struct tw_sources *sources, struct tw_upstream_list *upstreams, struct tw_diag *diag);
void tw_feed_free(struct tw_feed *routes);

/* All prefixes of a RIB in the order of their numbers, to cut a table at; to be released with free(). NULL without memory. */
struct tw_prefix *tw_feed_cuts(const struct tw_rib *rib, uint32_t *n);

/*
 * Gives new rules their routes, before they are published. `from`: the second that they decide from, 0 at the start,
 * when the updates become turns too. `rib` is taken over in any case, and takes the live RIB's place, with what routers told; NULL keeps that one.
 * `n_cuts`: of the rules' table. Returns 0 or -ENOMEM.
 */
int tw_feed_begin(struct tw_feed *routes, struct tw_rules *rules, struct tw_rib *rib,
	uint32_t n_cuts, uint64_t from);

/*
 * A live run: takes in what routers told, and publishes it for the next second. Returns true where a table has to be
 * made for prefixes that are new. `alive`: routers are connected now.
 */
bool tw_feed_step(
	struct tw_feed *routes, struct tw_rules *rules, const struct tw_wall *wall, bool alive);

/* tw_view.routes */
const struct tw_routes_view *tw_feed_at(void *feed, uint64_t second);

#endif
