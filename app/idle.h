/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_IDLE_H
#define TW_IDLE_H

/*
 * What a live core does that found nothing: look again at once, or, where `poll: adaptive` allows it and nothing has
 * come for a while, nap for less time than a card's queue takes to fill.
 */

#include <stdbool.h>
#include <time.h>

#include <rte_pause.h>

enum {
	TW_IDLE_LOOKS = 2000, /* empty looks before the first nap */
	TW_IDLE_NAP_NS = 20000,
};

struct tw_idle {
	bool busy;      /* never nap */
	unsigned int n; /* empty looks since something came; zero it then */
};

static inline void tw_idle(struct tw_idle *idle)
{
	const struct timespec nap = {.tv_nsec = TW_IDLE_NAP_NS};

	if (idle->busy || idle->n++ < TW_IDLE_LOOKS)
		rte_pause();
	else
		nanosleep(&nap, NULL);
}

#endif
