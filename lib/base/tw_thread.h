/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_THREAD_H
#define TW_THREAD_H

/*
 * Helper threads of libraries: signals are for others, and time-outs by the monotonic clock. Threads: any.
 */

#include <pthread.h>

/* Starts a thread that takes no signal but `signal`, 0 for none at all. Returns 0 or -errno. */
int tw_thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg, int signal);

/* A condition whose timed waits are until a time of CLOCK_MONOTONIC. */
void tw_cond_init(pthread_cond_t *condition);

#endif
