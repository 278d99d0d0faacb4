/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_DISPATCH_H
#define TW_DISPATCH_H

/*
 * One source for several workers: the reader's core parses, and hands whole bursts over a ring per worker.
 *
 *               hash of the flow      ══ring══► worker 0
 *   source ─ parse ─┤ one burst a worker  ══ring══► worker 1
 *               ▲                     ══ring══► worker 2
 *               └────────────── empty bursts ◄──┘
 *
 * The packets of a flow always reach the same worker, in order. A second's end is told to all of them: each
 * gets its burst of that second, empty or not, so that no worker's clock stays behind.
 *
 * With captures the reader waits for a worker that lags. With ports it never does: packets for a worker whose ring
 * is full are lost, and the next burst that it gets says how many, and since when.
 */

#include "config.h"
#include "source.h"
#include "tw_exchange.h"

/* Bursts on their way to one worker. */
#define TW_DISPATCH_BURSTS      32
#define TW_DISPATCH_BURSTS_LIVE 512

struct tw_dispatch {
	struct tw_source *source;
	struct tw_exchange **exchanges; /* [n_workers], of struct tw_burst */
	struct tw_burst **bursts;       /* [n_workers], scratch */
	unsigned int n_workers;
	struct tw_dispatch_loss {
		uint64_t packets;
		uint64_t since; /* second */
	} loss[TW_WORKERS_MAX]; /* not yet told */
	uint64_t cycles;        /* of the reader, by the time stamp counter; live only */
	uint64_t busy_cycles;   /* of them with packets */
};

/* Reads the source to its end; an lcore's function. `arg` is a struct tw_dispatch. */
int tw_dispatch_run(void *arg);

#endif
