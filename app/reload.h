/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_RELOAD_H
#define TW_RELOAD_H

/*
 * New rules while packets come: the configuration, its databases and overrides are loaded and compiled by a thread of
 * their own, into memory of their own. What cannot be used leaves everything as it is.
 *
 *   SIGHUP, or a file replaced ─► load ─► published, from a second on ─► old rules out of use ─► freed
 *
 * Routes are files of the configuration like any other. A prefix that routers tell and that the table is not cut at asks
 * for another table too: of the same sources, from whose reading it is spared.
 *
 * Targets and upstreams keep their places in the lists of a run, so that every series keeps its meaning; new ones get
 * spare places, up to a bound (places.h). Those that are configured no more have no packets from then on, and their
 * counters stay. What ports, workers, flow tables and servers are made of is taken at the next start, and named.
 *
 * Threads: the control core's.
 */

#include <pthread.h>

#include "engine.h"
#include "places.h"

struct tw_reload {
	struct tw_engine *engine;
	const char *path;     /* of the configuration */
	int notify;           /* inotify, -1 where there is none */
	uint64_t due;         /* monotonic nanoseconds; 0: nothing to do */
	bool recut_due;       /* a table of the same sources is asked for */
	uint64_t recut_after; /* monotonic nanoseconds: not before, where the last one failed */
	bool recut;           /* that is what the thread makes */
	bool loading;
	pthread_t thread;
	atomic_bool loaded;     /* the thread has come to its end */
	struct tw_rules *fresh; /* what it made, or NULL with lines in diag */
	struct tw_config *fresh_config;
	struct tw_places fresh_places; /* of that */
	struct tw_rib *fresh_rib;      /* NULL: the live one goes on */
	uint64_t fresh_time;           /* of its files */
	uint32_t fresh_cuts;
	bool resync; /* the targets have other addresses than before, or routes more room */
	struct tw_diag diag;
	struct tw_rules_retired retired; /* perhaps still in use */
};

/* Watches the files of the engine's configuration. A line in *diag where they cannot be watched. */
void tw_reload_start(struct tw_reload *reload, struct tw_engine *engine, struct tw_diag *diag);

/* Asks for a reload now. */
void tw_reload_ask(struct tw_reload *reload);

/* Asks for a table of the same sources, cut anew. */
void tw_reload_recut(struct tw_reload *reload);

/*
 * Does what there is to do, and never waits. To be called every few milliseconds. Returns true where routers have to
 * tell everything again, since the targets have addresses that were nobody's before, or more routes have room.
 */
bool tw_reload_step(struct tw_reload *reload);

/* Once no worker runs: ends what is under way. */
void tw_reload_stop(struct tw_reload *reload);

#endif
