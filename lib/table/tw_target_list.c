/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tw_target_list.h"

_Static_assert(TW_TARGET_MAX <= 32, "one bit each");

int tw_target_list_make(struct tw_target_list *list, const struct tw_target *configured,
	unsigned int n, unsigned int n_spare)
{
	*list = (struct tw_target_list){
		.n = n + n_spare < TW_TARGET_MAX ? n + n_spare : TW_TARGET_MAX};
	for (unsigned int i = 0; i < TW_TARGET_MAX; i++)
		list->targets[i].name = "";
	for (; list->n_taken < n; list->n_taken++) {
		char *name = strdup(configured[list->n_taken].name);

		if (name == NULL)
			return -ENOMEM;
		list->names[list->n_taken] = name;
		list->targets[list->n_taken].name = name;
	}
	return 0;
}

void tw_target_list_free(struct tw_target_list *list)
{
	for (unsigned int i = 0; i < TW_TARGET_MAX; i++)
		free(list->names[i]);
	*list = (struct tw_target_list){0};
}

static unsigned int place_of(const struct tw_target_list *list, const char *name)
{
	unsigned int at = 0;

	while (at < list->n_taken && strcmp(list->targets[at].name, name) != 0)
		at++;
	return at;
}

int tw_target_list_plan(const struct tw_target_list *list, const struct tw_target *configured,
	unsigned int n, struct tw_target placed[static TW_TARGET_MAX])
{
	unsigned int spare = list->n_taken;

	for (unsigned int i = 0; i < TW_TARGET_MAX; i++)
		placed[i] = (struct tw_target){.name = ""};
	for (unsigned int i = 0; i < n; i++) {
		unsigned int at = place_of(list, configured[i].name);

		if (at == list->n_taken)
			at = spare++;
		if (at >= list->n)
			return -ENOSPC;
		placed[at] = configured[i];
	}
	return 0;
}

int tw_target_list_take(struct tw_target_list *list, const struct tw_target *placed)
{
	uint32_t gone = 0;

	for (unsigned int i = list->n_taken; i < list->n && placed[i].name[0] != '\0'; i++) {
		free(list->names[i]);
		list->names[i] = strdup(placed[i].name);
		if (list->names[i] == NULL)
			return -ENOMEM;
	}
	for (; list->n_taken < list->n && placed[list->n_taken].name[0] != '\0'; list->n_taken++)
		__atomic_store_n(&list->targets[list->n_taken].name, list->names[list->n_taken],
			__ATOMIC_RELEASE);
	for (unsigned int i = 0; i < list->n_taken; i++)
		gone |= (uint32_t)(placed[i].name[0] == '\0') << i;
	__atomic_store_n(&list->gone, gone, __ATOMIC_RELAXED);
	return 0;
}
