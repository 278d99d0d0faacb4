/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_VIA_LIST_H
#define TW_VIA_LIST_H

/*
 * The vias of a run, in an order that outlives link maps: maps that are made one after the other find their vias in one
 * list, so that a series keeps its index whatever the rules are.
 *
 *   of the first map, in output order | appended by later ones | spare
 *
 * A place is taken once and never given back, but by tw_via_list_drop(). One that is not taken is (unknown,
 * TW_METHOD_MAX), and so is one that is taken and not shown, for who reads shown[].
 *
 * Threads: whoever makes maps has vias[]; shown[] is for readers in any thread. tw_via_list_show() and
 * tw_via_list_drop() are called while no map is made.
 */

#include "tw_upstream.h"

struct tw_via_list {
	unsigned int n_spare; /* places behind those of the first map */
	unsigned int n;       /* places; 0 before the first map */
	unsigned int n_taken;
	unsigned int n_shown;
	struct tw_via *vias;
	struct tw_via *shown;
};

/* Makes an empty list the first map's, with room behind. Returns 0 or -ENOMEM. All are shown. */
int tw_via_list_fill(struct tw_via_list *list, const struct tw_via *vias, unsigned int n);
void tw_via_list_free(struct tw_via_list *list);

/* The index of a via, or -ENOENT. */
int tw_via_list_find(const struct tw_via_list *list, struct tw_via via);
/* The same, but it takes a place where it has none. Returns -ENOSPC where there is none left. */
int tw_via_list_take(struct tw_via_list *list, struct tw_via via);

/* Shows readers what was taken: before anything is counted for it. */
void tw_via_list_show(struct tw_via_list *list);
/* Gives back what was taken and never shown: no map with it is left. */
void tw_via_list_drop(struct tw_via_list *list);

/* The method of a via in shown[], TW_METHOD_MAX where it is not there. Any thread. */
static inline enum tw_method tw_via_method(const struct tw_via *shown)
{
	return (enum tw_method)__atomic_load_n(&shown->method, __ATOMIC_ACQUIRE);
}

#endif
