/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tw_via_list.h"

int tw_via_list_fill(struct tw_via_list *list, const struct tw_via *vias, unsigned int n)
{
	list->vias = calloc(n + list->n_spare, sizeof(*list->vias));
	list->shown = calloc(n + list->n_spare, sizeof(*list->shown));
	if (list->vias == NULL || list->shown == NULL) {
		tw_via_list_free(list);
		return -ENOMEM;
	}
	list->n = n + list->n_spare;
	list->n_taken = list->n_shown = n;
	memcpy(list->vias, vias, n * sizeof(*vias));
	for (unsigned int i = n; i < list->n; i++)
		list->vias[i] = (struct tw_via){TW_UPSTREAM_UNKNOWN, TW_METHOD_MAX};
	memcpy(list->shown, list->vias, list->n * sizeof(*vias));
	return 0;
}

void tw_via_list_free(struct tw_via_list *list)
{
	free(list->vias);
	free(list->shown);
	*list = (struct tw_via_list){.n_spare = list->n_spare};
}

int tw_via_list_find(const struct tw_via_list *list, struct tw_via via)
{
	for (unsigned int i = 0; i < list->n_taken; i++)
		if (list->vias[i].upstream == via.upstream && list->vias[i].method == via.method)
			return (int)i;
	return -ENOENT;
}

int tw_via_list_take(struct tw_via_list *list, struct tw_via via)
{
	int at = tw_via_list_find(list, via);

	if (at >= 0)
		return at;
	if (list->n_taken == list->n)
		return -ENOSPC;
	list->vias[list->n_taken] = via;
	return (int)list->n_taken++;
}

void tw_via_list_show(struct tw_via_list *list)
{
	for (; list->n_shown < list->n_taken; list->n_shown++) {
		struct tw_via *shown = &list->shown[list->n_shown];

		/* The method last: it says that the upstream is there to read. */
		__atomic_store_n(
			&shown->upstream, list->vias[list->n_shown].upstream, __ATOMIC_RELAXED);
		__atomic_store_n(
			&shown->method, list->vias[list->n_shown].method, __ATOMIC_RELEASE);
	}
}

void tw_via_list_drop(struct tw_via_list *list)
{
	while (list->n_taken > list->n_shown)
		list->vias[--list->n_taken] = (struct tw_via){TW_UPSTREAM_UNKNOWN, TW_METHOD_MAX};
}
