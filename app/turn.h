/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TURN_H
#define TW_TURN_H

/*
 * Routes that change at the turn of a second: a list that the control core makes longer and every worker walks at its
 * own pace. A worker has a copy of the vias of its own (rules.h), and takes each turn into it when its clock comes to
 * that second. A replay's list is there before it starts.
 *
 *   head (taken) ─► turn, from second 7 ─► turn, from second 9 ─► NULL
 *
 * Written by: `next`, once, by the control core (release); everything else before that.
 */

#include <stdatomic.h>

#include "tw_routing.h"

struct tw_turn {
	uint64_t from; /* the first second that it decides; rises along the list */
	_Atomic(struct tw_turn *) next;
	uint32_t n;
	struct tw_via_change vias[];
};

/* Takes all turns up to `second` into a worker's copy. Returns the last one taken. Fast path, once a second. */
static inline struct tw_turn *tw_turn_take(struct tw_turn *turn, uint64_t second, uint16_t *vias)
{
	struct tw_turn *next;

	while ((next = atomic_load_explicit(&turn->next, memory_order_acquire)) != NULL &&
		next->from <= second) {
		for (uint32_t i = 0; i < next->n; i++)
			vias[next->vias[i].origin] = next->vias[i].via;
		turn = next;
	}
	return turn;
}

#endif
