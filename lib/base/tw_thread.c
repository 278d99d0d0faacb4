/* SPDX-License-Identifier: BSD-3-Clause */

#include <signal.h>
#include <time.h>

#include "tw_thread.h"

int tw_thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg, int signal)
{
	sigset_t blocked, before;
	int err;

	sigfillset(&blocked);
	if (signal != 0)
		sigdelset(&blocked, signal);
	pthread_sigmask(SIG_BLOCK, &blocked, &before);
	err = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

void tw_cond_init(pthread_cond_t *condition)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &monotonic);
	pthread_condattr_destroy(&monotonic);
}
