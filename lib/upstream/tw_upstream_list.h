/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_UPSTREAM_LIST_H
#define TW_UPSTREAM_LIST_H

/*
 * The list of upstreams, as every output has it: those configured, places for those that a reload adds, places for those
 * that only routes show, and what stands for the rest. Its length is fixed at the start, so that every index keeps its
 * meaning for a run:
 *
 *   configured ... | spare ... | places ... | other direct foreign ambiguous
 *
 * An upstream is known by its ASN. A place is taken once and never given back: one that is configured no more keeps it,
 * and finds it again. Without routes the list ends behind the spare ones.
 *
 * A reload is planned by the thread that loads it and taken by the control thread, with nothing changed between:
 *
 *   tw_upstream_list_plan() ─► indices of the configured ones ─► rules, tables ─► tw_upstream_list_take()
 *
 * Names are the list's own, and stay where they are until it is released, replaced ones too: readers hold them.
 *
 * Threads: any; functions that change the list take a lock. Who reads an entry reads its ASN first (acquire), then its
 * name and kind (tw_view.h).
 */

#include <pthread.h>

#include "tw_upstream.h"

#define TW_UPSTREAM_PLACES_MAX 64

struct tw_upstream_name;

struct tw_upstream_list {
	struct tw_upstream *upstreams;
	unsigned int n;
	unsigned int n_configured; /* at the start */
	unsigned int n_spare;
	unsigned int n_spare_taken;
	unsigned int n_places;
	unsigned int n_taken; /* of the places */
	bool routed;
	struct tw_upstream_name *names; /* all that were ever taken */
	pthread_mutex_t lock;
};

struct tw_upstream_list_spec {
	const struct tw_upstream *configured; /* their names outlive the list */
	unsigned int n_configured;
	unsigned int n_spare;
	bool routed; /* with places for found ones, and the rest */
	unsigned int n_places;
};

/* Makes the list. Returns 0 or -ENOMEM. tw_upstream_list_free() releases it after either. */
int tw_upstream_list_make(struct tw_upstream_list *list, const struct tw_upstream_list_spec *spec);
void tw_upstream_list_free(struct tw_upstream_list *list);

/*
 * The index of an ASN: of those that were ever configured, or of a place, which it takes where it has none. The index of
 * `other` where all places are taken, or there is no memory for the name.
 */
unsigned int tw_upstream_list_find(struct tw_upstream_list *list, uint32_t asn, const char *name);

/*
 * Where each of the upstreams of another configuration stands, or will, as at[i]: where its ASN is, else in a spare place.
 * Returns 0, or -ENOSPC where there are not so many. Changes nothing.
 */
int tw_upstream_list_plan(struct tw_upstream_list *list, const struct tw_upstream *configured,
	unsigned int n, uint16_t *at);

/*
 * Takes the configuration as it was planned: new ones get their places, names become these, and those that are not among
 * them are configured no more. Returns 0; -EAGAIN where a route has found one of the new ones meanwhile, so that it is to
 * be planned anew; or -ENOMEM. Nothing is changed then.
 */
int tw_upstream_list_take(struct tw_upstream_list *list, const struct tw_upstream *configured,
	unsigned int n, const uint16_t *at);

/* The index of what stands for a kind behind FOUND. */
unsigned int tw_upstream_list_kind(const struct tw_upstream_list *list, enum tw_upstream_kind kind);

/* So many upstreams, the first ones, have an ASN or may get one. */
unsigned int tw_upstream_list_n_asns(const struct tw_upstream_list *list);

#endif
