/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_RULES_H
#define TW_RULES_H

/*
 * What decides about packets, and can be replaced while they come: the table and the link map, and the peer counters
 * that go with the table's origins.
 *
 * One pointer is published. A worker looks at it where its clock turns to a new second, and takes new rules from the
 * second on that they name: every second is decided by one set of rules, by all workers alike. The old ones are freed
 * when each worker has said that it has gone over (RCU, quiescent states).
 */

#include <stdatomic.h>

#include <rte_rcu_qsbr.h>

#include "config.h"
#include "tw_report.h"
#include "tw_table.h"
#include "tw_upstream.h"

struct tw_rules {
	struct tw_table *table;
	struct tw_link_map *map;
	uint64_t from; /* the first second that they decide */
	unsigned int n_workers;
	struct tw_peers peers[TW_WORKERS_MAX]; /* each written by its worker alone */
};

struct tw_rules_slot {
	_Atomic(struct tw_rules *) published;
	struct rte_rcu_qsbr *readers; /* the workers; NULL where rules are never replaced */
};

/*
 * Takes table and map over, in any case. Returns NULL with a line in *diag. tw_rules_free() releases all.
 */
struct tw_rules *tw_rules_create(struct tw_table *table, struct tw_link_map *map,
	unsigned int n_workers, struct tw_diag *diag);
void tw_rules_free(struct tw_rules *rules);

#endif
