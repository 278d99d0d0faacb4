/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_LIVE_RIB_H
#define TW_LIVE_RIB_H

/*
 * A RIB that a station writes while the control core reads, and replaces, it.
 *
 * Whoever touches `rib`, or what it points to, holds the lock. The station holds it while it takes what one read of a
 * socket gave, a few milliseconds at most; the control core may hold it for as long as it likes: what routers send
 * meanwhile waits in their connections.
 *
 * To replace it: make the new one, then under the lock tw_rib_adopt_live() and put it in. Numbers of vantage points
 * are the RIB's own, so the station asks for them each time.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "tw_rib.h"

struct tw_live_rib {
	pthread_mutex_t lock;
	struct tw_rib *rib; /* never NULL while a station runs */
	/* Written by the station under the lock, read by anybody: grows when a path changed, or a vantage point's state. */
	_Atomic uint64_t news;
};

#endif
