/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tw_upstream_list.h"

enum {
	N_KINDS = TW_UPSTREAM_AMBIGUOUS - TW_UPSTREAM_FOUND, /* behind the places */
};

int tw_upstream_list_make(struct tw_upstream_list *list, const struct tw_upstream *configured,
	unsigned int n_configured, bool routed, unsigned int n_places)
{
	unsigned int n = n_configured + (routed ? n_places + N_KINDS : 0);

	*list = (struct tw_upstream_list){
		.n = n, .n_configured = n_configured, .n_places = routed ? n_places : 0};
	pthread_mutex_init(&list->lock, NULL);
	list->upstreams = calloc((size_t)n + 1, sizeof(*list->upstreams));
	if (list->upstreams == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++) {
		struct tw_upstream *upstream = &list->upstreams[i];

		if (i < n_configured) {
			*upstream = configured[i];
		} else if (i < n_configured + n_places) {
			*upstream = (struct tw_upstream){.name = "", .kind = TW_UPSTREAM_FOUND};
		} else {
			upstream->kind = (enum tw_upstream_kind)(
				TW_UPSTREAM_OTHER + i - n_configured - n_places);
			upstream->name = tw_upstream_kind_name(upstream->kind);
		}
	}
	return 0;
}

void tw_upstream_list_free(struct tw_upstream_list *list)
{
	for (unsigned int i = 0; i < list->n_taken; i++)
		free(list->names[i]);
	free(list->upstreams);
	pthread_mutex_destroy(&list->lock);
	*list = (struct tw_upstream_list){0};
}

unsigned int tw_upstream_list_kind(const struct tw_upstream_list *list, enum tw_upstream_kind kind)
{
	return list->n - N_KINDS + (unsigned int)(kind - TW_UPSTREAM_OTHER);
}

/* Under the lock. */
static unsigned int take_place(struct tw_upstream_list *list, uint32_t asn, const char *name)
{
	unsigned int at = list->n_configured + list->n_taken;
	char *copy;

	if (list->n_taken == list->n_places || (copy = strdup(name)) == NULL)
		return tw_upstream_list_kind(list, TW_UPSTREAM_OTHER);
	list->names[list->n_taken++] = copy;
	__atomic_store_n(&list->upstreams[at].name, copy, __ATOMIC_RELAXED);
	__atomic_store_n(&list->upstreams[at].asn, asn, __ATOMIC_RELEASE);
	return at;
}

unsigned int tw_upstream_list_find(struct tw_upstream_list *list, uint32_t asn, const char *name)
{
	unsigned int at;

	pthread_mutex_lock(&list->lock);
	for (at = 0; at < list->n_configured + list->n_taken; at++)
		if (list->upstreams[at].asn == asn)
			break;
	if (at == list->n_configured + list->n_taken)
		at = take_place(list, asn, name);
	pthread_mutex_unlock(&list->lock);
	return at;
}
