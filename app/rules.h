/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_RULES_H
#define TW_RULES_H

/*
 * What decides about packets, and can be replaced while they come: the table and the link map, and what goes with the
 * table's origins: peer counters, and vias by route.
 *
 * One pointer is published. A worker looks at it where its clock turns to a new second, and takes new rules from the
 * second on that they name: every second is decided by one set of rules, by all workers alike. The old ones are freed
 * when each worker has said that it has gone over (RCU, quiescent states).
 *
 * Routes change more often than tables: they have turns of their own (turn.h) within one set of rules.
 */

#include <stdatomic.h>

#include <rte_rcu_qsbr.h>

#include "config.h"
#include "turn.h"
#include "tw_report.h"
#include "tw_table.h"
#include "tw_upstream.h"

struct tw_rules {
	struct tw_table *table;
	struct tw_link_map *map;
	uint64_t from; /* the first second that they decide */
	unsigned int n_workers;
	struct tw_peers peers[TW_WORKERS_MAX]; /* each written by its worker alone */
	uint16_t *vias[TW_WORKERS_MAX];        /* likewise; NULL without routes */
	struct tw_turn *turns;                 /* the oldest that is kept; NULL without routes */
	struct tw_turn *last_turn;             /* the control core's */
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

/* Gives the rules routes, before they are published: vias as they are now. Returns 0 or -ENOMEM. */
int tw_rules_route(struct tw_rules *rules, const uint16_t *vias);

/* Appends a turn: the vias of a delta, from a second on. Control core. Returns 0 or -ENOMEM. */
int tw_rules_turn(struct tw_rules *rules, uint64_t from, const struct tw_routing_delta *delta);

/* Frees the turns before `turn`, which no worker looks at any more. */
void tw_rules_forget(struct tw_rules *rules, struct tw_turn *turn);
void tw_rules_free(struct tw_rules *rules);

#endif
