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
 * A worker keeps its rules across many bursts, and says that it is quiescent only while those are the published ones.
 * It looks first and speaks then, and what it says counts for all that was asked until it speaks: rules published in
 * between it would give up unseen. So the control core asks twice. What a worker says to the second question it says
 * after it has heard the first, and that came after the publication.
 *
 * Routes change more often than tables: they have turns of their own (turn.h) within one set of rules.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include <rte_rcu_qsbr.h>

#include "config.h"
#include "turn.h"
#include "tw_report.h"
#include "tw_table.h"
#include "tw_upstream.h"

/* A worker's place in the turns. */
struct tw_place_in_turns {
	_Atomic(struct tw_turn *) last; /* that it has taken; NULL without routes */
} __attribute__((aligned(RTE_CACHE_LINE_SIZE)));

struct tw_rules {
	struct tw_table *table;
	struct tw_link_map *map;
	uint64_t from; /* the first second that they decide */
	unsigned int n_workers;
	struct tw_peers peers[TW_WORKERS_MAX];       /* each written by its worker alone */
	uint16_t *vias[TW_WORKERS_MAX];              /* likewise; NULL without routes */
	struct tw_place_in_turns at[TW_WORKERS_MAX]; /* likewise */
	struct tw_turn *turns;     /* the oldest that is kept; NULL without routes */
	struct tw_turn *last_turn; /* the control core's */
};

struct tw_rules_slot {
	_Atomic(struct tw_rules *) published;
	struct rte_rcu_qsbr *readers; /* the workers; NULL where rules are never replaced */
};

/* Rules that were replaced, and when every worker is done with them. The control core's. */
struct tw_rules_retired {
	struct tw_rules *rules; /* NULL: none */
	uint64_t token;
	bool asked_again;
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

/* Frees the turns that every worker has behind it. Control core. */
void tw_rules_forget(struct tw_rules *rules);
void tw_rules_free(struct tw_rules *rules);

/* Publishes rules, while none are retired. What was published before is retired. Control core. */
void tw_rules_publish(
	struct tw_rules_slot *slot, struct tw_rules *rules, struct tw_rules_retired *retired);

/* Whether no worker has the retired rules in its hands any more. Never waits. Control core. */
bool tw_rules_unused(const struct tw_rules_slot *slot, struct tw_rules_retired *retired);

/* A worker, after each burst: whether `rules`, its own, are the ones published last. */
static inline void tw_rules_tell(
	const struct tw_rules_slot *slot, const struct tw_rules *rules, unsigned int worker)
{
	if (slot->readers != NULL &&
		rules == atomic_load_explicit(&slot->published, memory_order_acquire))
		rte_rcu_qsbr_quiescent(slot->readers, worker);
}

/* A worker, at the turn of a second: takes the routes up to it into its copy. */
static inline void tw_rules_take_turns(struct tw_rules *rules, unsigned int worker, uint64_t second)
{
	_Atomic(struct tw_turn *) *last = &rules->at[worker].last;
	struct tw_turn *turn = atomic_load_explicit(last, memory_order_relaxed);

	if (turn != NULL)
		atomic_store_explicit(last, tw_turn_take(turn, second, rules->vias[worker]),
			memory_order_release);
}

#endif
