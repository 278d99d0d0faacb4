/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_WAIT_H
#define TW_WAIT_H

/*
 * Waiting in a replay, whose cores may be fewer than its threads: a short spin, then the processor goes to
 * whoever is awaited. Live ports never wait.
 */

#include <sched.h>

#include <rte_pause.h>

struct tw_wait {
	unsigned int n; /* waits since something last came; zero it then */
};

static inline void tw_wait(struct tw_wait *wait)
{
	if (wait->n++ < 64)
		rte_pause();
	else
		sched_yield();
}

#endif
