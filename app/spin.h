/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_SPIN_H
#define TW_SPIN_H

/*
 * Waiting in a replay, whose cores may be fewer than its threads: a short spin, then the processor goes to
 * whoever is awaited. Live ports never wait.
 */

#include <sched.h>

#include <rte_pause.h>

struct tw_spin {
	unsigned int n; /* waits since something last came; zero it then */
};

static inline void tw_spin(struct tw_spin *wait)
{
	if (wait->n++ < 64)
		rte_pause();
	else
		sched_yield();
}

#endif
