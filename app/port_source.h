/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_PORT_SOURCE_H
#define TW_PORT_SOURCE_H

/*
 * A live source: receive queues of ports, polled in turn by one core, stamped with the wall clock (wall.h).
 */

#include <stdatomic.h>

#include <rte_mbuf.h>

#include "idle.h"
#include "source.h"
#include "wall.h"

struct tw_port_queue {
	uint16_t port; /* ethdev's number */
	uint16_t queue;
	uint16_t index; /* the port's position in the configuration: `port` of links */
};

struct tw_port_source {
	struct tw_source base;              /* first */
	const struct tw_port_queue *queues; /* constant while the source lives */
	unsigned int n_queues;
	unsigned int turn; /* the queue to be asked next */
	const struct tw_wall *wall;
	const atomic_bool *stop;
	uint64_t
		drain_until; /* of the clock, once `stop` is set: what the queues hold is taken until then */
	struct tw_idle idle;

	struct rte_mbuf *mbufs[TW_BURST_MAX / 2]; /* those received last */
	unsigned int n;
	unsigned int at;        /* next(): the mbuf to be told next */
	uint16_t index;         /* of the port they came from */
	uint8_t bounce[2048];   /* headers of a frame that lie in several segments */
} __attribute__((aligned(64))); /* one core's, and no line shared with the next one's */

/* `queues`, `wall` and `stop` outlive the source. `busy`: never nap. */
void tw_port_source_init(struct tw_port_source *source, const struct tw_port_queue *queues,
	unsigned int n_queues, unsigned int decapsulate, bool busy, const struct tw_wall *wall,
	const atomic_bool *stop);

/* Frees the mbufs that next() still holds; after the last call of it. */
void tw_port_source_release(struct tw_port_source *source);

#endif
