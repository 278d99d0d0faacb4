/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tw_upstream_list.h"

enum {
	N_KINDS = TW_UPSTREAM_AMBIGUOUS - TW_UPSTREAM_FOUND, /* behind the places */
};

struct tw_upstream_name {
	struct tw_upstream_name *next;
	char text[];
};

unsigned int tw_upstream_list_n_asns(const struct tw_upstream_list *list)
{
	return list->n_configured + list->n_spare + list->n_places;
}

int tw_upstream_list_make(struct tw_upstream_list *list, const struct tw_upstream_list_spec *spec)
{
	unsigned int n_asns;

	*list = (struct tw_upstream_list){.n_configured = spec->n_configured,
		.n_spare = spec->n_spare,
		.n_places = spec->routed ? spec->n_places : 0,
		.routed = spec->routed};
	n_asns = tw_upstream_list_n_asns(list);
	list->n = n_asns + (spec->routed ? N_KINDS : 0);
	pthread_mutex_init(&list->lock, NULL);
	list->upstreams = calloc((size_t)list->n + 1, sizeof(*list->upstreams));
	if (list->upstreams == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < list->n; i++) {
		struct tw_upstream *upstream = &list->upstreams[i];

		if (i < spec->n_configured) {
			*upstream = spec->configured[i];
		} else if (i < n_asns) {
			*upstream = (struct tw_upstream){.name = "", .kind = TW_UPSTREAM_FOUND};
		} else {
			upstream->kind = (enum tw_upstream_kind)(TW_UPSTREAM_OTHER + i - n_asns);
			upstream->name = tw_upstream_kind_name(upstream->kind);
		}
	}
	return 0;
}

void tw_upstream_list_free(struct tw_upstream_list *list)
{
	while (list->names != NULL) {
		struct tw_upstream_name *next = list->names->next;

		free(list->names);
		list->names = next;
	}
	free(list->upstreams);
	pthread_mutex_destroy(&list->lock);
	*list = (struct tw_upstream_list){0};
}

unsigned int tw_upstream_list_kind(const struct tw_upstream_list *list, enum tw_upstream_kind kind)
{
	return list->n - N_KINDS + (unsigned int)(kind - TW_UPSTREAM_OTHER);
}

/* ---- under the lock ---- */

/* The index of an ASN that has one, or -ENOENT. */
static int index_of(const struct tw_upstream_list *list, uint32_t asn)
{
	for (unsigned int at = 0; at < tw_upstream_list_n_asns(list); at++)
		if (list->upstreams[at].asn == asn)
			return (int)at;
	return -ENOENT;
}

/* The name as one that stays: names that come back take no more memory. NULL without memory. */
static const char *keep(struct tw_upstream_list *list, const char *name)
{
	struct tw_upstream_name *kept;

	for (kept = list->names; kept != NULL; kept = kept->next)
		if (strcmp(kept->text, name) == 0)
			return kept->text;
	kept = malloc(sizeof(*kept) + strlen(name) + 1);
	if (kept == NULL)
		return NULL;
	strcpy(kept->text, name);
	kept->next = list->names;
	list->names = kept;
	return kept->text;
}

/* Shows readers an entry: its ASN last, since that says that the rest is there. */
static void show(struct tw_upstream *upstream, uint32_t asn, const char *name)
{
	__atomic_store_n(&upstream->name, name, __ATOMIC_RELEASE);
	__atomic_store_n(&upstream->asn, asn, __ATOMIC_RELEASE);
}

static unsigned int take_place(struct tw_upstream_list *list, uint32_t asn, const char *name)
{
	unsigned int at = list->n_configured + list->n_spare + list->n_taken;
	const char *kept = list->n_taken < list->n_places ? keep(list, name) : NULL;

	if (kept == NULL)
		return tw_upstream_list_kind(list, TW_UPSTREAM_OTHER);
	list->n_taken++;
	show(&list->upstreams[at], asn, kept);
	return at;
}

static int plan(const struct tw_upstream_list *list, const struct tw_upstream *configured,
	unsigned int n, uint16_t *at)
{
	unsigned int spare = list->n_spare_taken;

	for (unsigned int i = 0; i < n; i++) {
		int found = index_of(list, configured[i].asn);

		if (found < 0 && spare == list->n_spare)
			return -ENOSPC;
		at[i] = (uint16_t)(found >= 0 ? (unsigned int)found : list->n_configured + spare++);
	}
	return 0;
}

/* Whether the plan still holds: nobody else has the places, nor the ASNs another one. */
static bool holds(const struct tw_upstream_list *list, const struct tw_upstream *configured,
	unsigned int n, const uint16_t *at)
{
	for (unsigned int i = 0; i < n; i++) {
		int found = index_of(list, configured[i].asn);

		if (found >= 0 ? found != at[i] : list->upstreams[at[i]].asn != 0)
			return false;
	}
	return true;
}

static void set_kinds(struct tw_upstream_list *list, unsigned int n, const uint16_t *at)
{
	for (unsigned int u = 0; u < tw_upstream_list_n_asns(list); u++) {
		enum tw_upstream_kind kind = TW_UPSTREAM_FOUND;

		for (unsigned int i = 0; i < n; i++)
			if (at[i] == u)
				kind = TW_UPSTREAM_CONFIGURED;
		__atomic_store_n(&list->upstreams[u].kind, kind, __ATOMIC_RELAXED);
	}
}

/* ---- */

unsigned int tw_upstream_list_find(struct tw_upstream_list *list, uint32_t asn, const char *name)
{
	int found;
	unsigned int at;

	pthread_mutex_lock(&list->lock);
	found = index_of(list, asn);
	at = found >= 0 ? (unsigned int)found : take_place(list, asn, name);
	pthread_mutex_unlock(&list->lock);
	return at;
}

int tw_upstream_list_plan(struct tw_upstream_list *list, const struct tw_upstream *configured,
	unsigned int n, uint16_t *at)
{
	int err;

	pthread_mutex_lock(&list->lock);
	err = plan(list, configured, n, at);
	pthread_mutex_unlock(&list->lock);
	return err;
}

/* An equal name stays the one that it is: what was made of it need not be made anew. */
static bool is_news(
	const struct tw_upstream_list *list, const struct tw_upstream *configured, uint16_t at)
{
	return list->upstreams[at].asn == 0 ||
	       strcmp(list->upstreams[at].name, configured->name) != 0;
}

/* All that can fail comes before the first change. */
static int take(struct tw_upstream_list *list, const struct tw_upstream *configured, unsigned int n,
	const uint16_t *at)
{
	if (!holds(list, configured, n, at))
		return -EAGAIN;
	for (unsigned int i = 0; i < n; i++)
		if (is_news(list, &configured[i], at[i]) && keep(list, configured[i].name) == NULL)
			return -ENOMEM;
	for (unsigned int i = 0; i < n; i++) {
		struct tw_upstream *upstream = &list->upstreams[at[i]];

		if (!is_news(list, &configured[i], at[i]))
			continue;
		list->n_spare_taken += upstream->asn == 0;
		show(upstream, configured[i].asn, keep(list, configured[i].name));
	}
	set_kinds(list, n, at);
	return 0;
}

int tw_upstream_list_take(struct tw_upstream_list *list, const struct tw_upstream *configured,
	unsigned int n, const uint16_t *at)
{
	int err;

	pthread_mutex_lock(&list->lock);
	err = take(list, configured, n, at);
	pthread_mutex_unlock(&list->lock);
	return err;
}
