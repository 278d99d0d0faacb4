/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TARGET_LIST_H
#define TW_TARGET_LIST_H

/*
 * The targets of a run, each at an index that it keeps: those configured at the start, and behind them places for those
 * that a reload adds. A target is known by its name. A place is taken once and never given back: a target that is
 * configured no more keeps it, with no address in it, and finds it again.
 *
 * A reload is planned by the thread that loads it and taken by the control thread. Tables are made of targets in the
 * order of their places, so that of targets that overlap the earlier place wins, wherever the file has them.
 *
 * Threads: one that plans and one that takes, not at once; readers of targets[] and `gone` in any thread
 * (tw_view_target_...()).
 */

#include "tw_table.h"

struct tw_target_list {
	struct tw_target targets[TW_TARGET_MAX]; /* names alone; "": a place that is free */
	unsigned int n;                          /* places */
	unsigned int n_taken;
	uint32_t gone; /* bits of those that are configured no more */
	char *names[TW_TARGET_MAX];
};

/* Makes the list, with as many spare places as fit. Returns 0 or -ENOMEM. tw_target_list_free() releases it after either. */
int tw_target_list_make(struct tw_target_list *list, const struct tw_target *configured,
	unsigned int n, unsigned int n_spare);
void tw_target_list_free(struct tw_target_list *list);

/*
 * Lays the targets of another configuration out by their places, as `placed`: of the list's `n` those that are not among
 * them are empty. Returns 0, or -ENOSPC where there are not so many places. Changes nothing.
 */
int tw_target_list_plan(const struct tw_target_list *list, const struct tw_target *configured,
	unsigned int n, struct tw_target placed[static TW_TARGET_MAX]);

/* Takes targets as they were planned. Returns 0, or -ENOMEM with nothing changed but names that nobody sees. */
int tw_target_list_take(struct tw_target_list *list, const struct tw_target *placed);

#endif
