/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_UPSTREAM_LIST_H
#define TW_UPSTREAM_LIST_H

/*
 * The list of upstreams, as every output has it: those configured, places for those that only routes show, and what
 * stands for the rest. Its length is fixed by the configuration, so that every index keeps its meaning for a run:
 *
 *   configured ... | places ... | other direct foreign ambiguous
 *
 * A place is taken once and never given back. Without routes the list is the configured ones.
 *
 * Threads: tw_upstream_list_find() takes a lock; who reads an entry reads its ASN first (acquire), then its name.
 */

#include <pthread.h>

#include "tw_upstream.h"

#define TW_UPSTREAM_PLACES_MAX 64

struct tw_upstream_list {
	struct tw_upstream *upstreams;
	unsigned int n;
	unsigned int n_configured;
	unsigned int n_places;
	unsigned int n_taken;
	char *names[TW_UPSTREAM_PLACES_MAX]; /* of places, its own */
	pthread_mutex_t lock;
};

/*
 * Makes the list; names of configured upstreams outlive it. `routed`: with places and the rest. Returns 0 or -ENOMEM.
 * tw_upstream_list_free() releases it after either.
 */
int tw_upstream_list_make(struct tw_upstream_list *list, const struct tw_upstream *configured,
	unsigned int n_configured, bool routed, unsigned int n_places);
void tw_upstream_list_free(struct tw_upstream_list *list);

/*
 * The index of an ASN: of those configured, or of a place, which it takes where it has none. The index of `other` where
 * all places are taken, or there is no memory for the name.
 */
unsigned int tw_upstream_list_find(struct tw_upstream_list *list, uint32_t asn, const char *name);

/* The index of what stands for a kind behind FOUND. */
unsigned int tw_upstream_list_kind(const struct tw_upstream_list *list, enum tw_upstream_kind kind);

#endif
