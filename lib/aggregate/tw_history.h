/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_HISTORY_H
#define TW_HISTORY_H

/*
 * What was closed, for whoever asks later: the sums since the start, and the last seconds one by one.
 *
 * A sink of the aggregator writes it, any number of threads read it. A reader sees what holds after one closed second,
 * never parts of two: a snapshot is copied, a second is handed out by reference, since it never changes.
 *
 * Size: `seconds` records, each 0.3 KB and 40 octets for every series that had anything in that second, 24 for every pair
 * of link and route. Gaps, events and other routes are records too; of routes each has 24 octets for every share.
 *
 * Threads: the sink's functions are the aggregator's, all others anybody's but a worker's: they take a lock.
 */

#include "tw_aggregate.h"
#include "tw_events.h"

struct tw_history;

/* A closed second, a gap, an event or other routes, kept. */
struct tw_record {
	uint64_t sequence; /* rises by 1 */
	enum tw_record_kind {
		TW_RECORD_SECOND,
		TW_RECORD_GAP,    /* from `gap` to `time` */
		TW_RECORD_EVENT,  /* `event` */
		TW_RECORD_ROUTES, /* before the first second that they decide, whose time it has */
	} kind;
	uint64_t gap;
	struct tw_event event;
	uint64_t time;
	bool exact;
	struct tw_totals totals;
	unsigned int n_losses;
	unsigned int n_loads;
	uint32_t n_series; /* those that had anything */
	uint32_t n_pairs;  /* likewise */
	uint32_t n_shares; /* likewise, of routes */
	uint32_t n_all_series;
	uint32_t n_all_pairs;
	bool routed;
	struct tw_routes_view routes; /* that decided it, where `routed`; `shares` is NULL */
	const struct tw_loss *losses;
	const struct tw_load *loads;
	const struct tw_record_series {
		uint32_t index;
		struct tw_series_count count;
	} * series;
	const struct tw_record_pair {
		uint32_t index;
		struct tw_pair_count count;
	} * pairs;
	const struct tw_record_share {
		uint32_t index;
		struct tw_route_share share;
	} * shares;
};

/* The sums. The arrays are the snapshot's own. */
struct tw_snapshot {
	struct tw_summary summary; /* with peers as of the last tw_history_set_peers() */
	unsigned int n_loads;
	struct tw_load *loads; /* of the last closed second */
	uint64_t n_records;    /* sequence of the next record */
	uint64_t events[TW_EVENT_MAX]
		       [TW_TARGET_MAX + 1]; /* decided, by type and target; the last: of none */
	bool ended;                         /* nothing follows */
	struct tw_series_count *series;
	struct tw_pair_count *pairs;
	struct tw_routes_view routes; /* with shares; summary.routes points to it, or is NULL */
	struct tw_route_share *shares;
	struct tw_loss *losses;
	struct tw_peer *peers;
	char (*names)[64]; /* of the peers, cut */
};

/*
 * Makes a history of the last `seconds` seconds. Returns NULL with a line in *diag. Ownership: the caller's;
 * the sink's close() leaves it alone, so that it can be read as long as it is wanted.
 */
struct tw_history *tw_history_create(
	const struct tw_view *view, unsigned int seconds, struct tw_diag *diag);
void tw_history_free(struct tw_history *history);

/* The sink that fills it. */
struct tw_sink *tw_history_sink(struct tw_history *history);

/* Called after each record, by the aggregator's thread, without the lock. NULL for none. */
void tw_history_notify(struct tw_history *history, void (*notify)(void *arg), void *arg);

/* Takes over who the far ends are so far. */
void tw_history_set_peers(struct tw_history *history, const struct tw_peer *peers, unsigned int n);

/* Copies the sums. Returns 0 or -ENOMEM. tw_snapshot_free() releases them. */
int tw_history_snapshot(struct tw_history *history, struct tw_snapshot *snapshot);
void tw_snapshot_free(struct tw_snapshot *snapshot);

/*
 * Hands out records from a sequence on, or where it is older than all that are kept, from the first of those: at most
 * `n`. Returns how many; each is given back by tw_history_release().
 */
unsigned int tw_history_records(struct tw_history *history, uint64_t sequence,
	const struct tw_record **records, unsigned int n);
void tw_history_release(
	struct tw_history *history, const struct tw_record **records, unsigned int n);

/* The latest events, older first, up to `n`. Returns how many. At most TW_HISTORY_EVENTS are kept. */
#define TW_HISTORY_EVENTS 1024
unsigned int tw_history_events(struct tw_history *history, struct tw_event *events, unsigned int n);

/* Whether there is a record of this sequence or later, or nothing will follow. */
bool tw_history_goes_on(struct tw_history *history, uint64_t sequence);

/* The sequence of the first record kept that ends at `time` or later; that of the next one where there is none. */
uint64_t tw_history_find(struct tw_history *history, uint64_t time);

/* How many records it keeps at most. */
unsigned int tw_history_capacity(const struct tw_history *history);

/* Room to show records in, zeroed: [view->n_series], pairs and shares behind. To be released with free(). */
struct tw_series_count *tw_record_room(const struct tw_view *view);
/* Shows a record as a second; `series` is such room, and 0 in all but what is shown. */
struct tw_second tw_record_second(const struct tw_record *record, struct tw_series_count *series);
/* Likewise a record of routes. */
struct tw_routes_view tw_record_routes(
	const struct tw_record *record, struct tw_series_count *series);
/* Makes the room 0 again. */
void tw_record_clear(const struct tw_record *record, struct tw_series_count *series);

#endif
