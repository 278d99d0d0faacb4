/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_WORKER_H
#define TW_WORKER_H

/*
 * A worker: one core, and everything it writes. It shares the rules, of which it writes its own
 * peers alone, and the two ends of rings.
 */

#include "idle.h"
#include "rules.h"
#include "source.h"
#include "tw_exchange.h"
#include "tw_flow.h"
#include "tw_report.h"
#include "tw_table.h"
#include "tw_upstream.h"

struct tw_worker {
	/* where bursts come from: a source of its own, or the ring from the reader */
	struct tw_source *source;
	struct tw_exchange *exchange;

	const struct tw_rules_slot *slot;
	struct tw_rules *rules; /* in use */
	uint16_t *vias;         /* by route, its own copy in the rules; NULL without routes */
	unsigned int id;
	struct tw_flow_table *flows;
	struct tw_report *report;
	struct tw_block *block; /* the open second's counters; NULL before the first packet */
	void *flows_memory;
	size_t flows_size;

	bool live;            /* never wait: what finds no block is lost, and counted */
	uint64_t told;        /* the next second to be told of; live and replay alike */
	uint64_t lost;        /* packets lost for want of a block, and not yet told */
	uint64_t lossy_since; /* the second in which losses began that are not yet told; 0: none */
	struct tw_idle idle;
	uint64_t mark; /* time stamp counter after the burst before */

	struct tw_burst burst; /* of a worker with a source of its own */
} __attribute__((aligned(64)));

/*
 * Makes a worker of `n_blocks` report blocks; `source` NULL: it gets an exchange for bursts. `id` numbers
 * it from 0. Returns NULL with a line in *diag. tw_worker_free() releases it, after its lcore has returned.
 */
struct tw_worker_spec {
	const struct tw_rules_slot *slot;
	struct tw_flow_config flows;
	uint32_t n_pairs;
	struct tw_source *source;
	bool live;
	bool busy;             /* a live worker never naps */
	unsigned int n_bursts; /* of the exchange */
};
struct tw_worker *tw_worker_create(
	const struct tw_worker_spec *spec, unsigned int id, struct tw_diag *diag);
void tw_worker_free(struct tw_worker *worker);

/* Takes rules into use. */
static inline void tw_worker_use(struct tw_worker *worker, struct tw_rules *rules)
{
	worker->rules = rules;
	worker->vias = rules->vias[worker->id];
}

/* The loop: until a burst says `end`. An lcore's function; `arg` is a struct tw_worker. */
int tw_worker_run(void *arg);

#endif
