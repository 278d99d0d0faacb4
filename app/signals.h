/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_SIGNALS_H
#define TW_SIGNALS_H

/*
 * What the process was asked for: written by the signal handler, read by any core.
 */

#include <stdatomic.h>
#include <stdbool.h>

struct tw_signals {
	atomic_bool stop;    /* SIGINT, SIGTERM; the second of them kills */
	atomic_bool rotate;  /* SIGUSR1, of a live run: open the output files anew */
	atomic_bool hang_up; /* SIGHUP, of a live run: reload */
};

extern struct tw_signals tw_signals;

/* Catches them from here on. A replay's system calls are interrupted, since its input may never come. */
void tw_signals_catch(bool live);

#endif
