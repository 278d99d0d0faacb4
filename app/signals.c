/* SPDX-License-Identifier: BSD-3-Clause */

#include <signal.h>

#include "signals.h"

struct tw_signals tw_signals;

static void on_signal(int number)
{
	atomic_bool *flag = number == SIGUSR1  ? &tw_signals.rotate
			    : number == SIGHUP ? &tw_signals.hang_up
					       : &tw_signals.stop;

	atomic_store_explicit(flag, true, memory_order_relaxed);
}

void tw_signals_catch(bool live)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = live ? SA_RESTART : 0};

	if (live) {
		sigaction(SIGUSR1, &action, NULL);
		sigaction(SIGHUP, &action, NULL);
	}
	/* A second Ctrl-C ends a run that does not end. */
	action.sa_flags |= (int)SA_RESETHAND;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}
