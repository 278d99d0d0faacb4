/* SPDX-License-Identifier: BSD-3-Clause */

/* Paths, each kept once: most routes of a vantage point share theirs with others. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tw_rib_priv.h"

static bool is_path(const void *owner, uint32_t value, const void *key)
{
	const struct tw_rib_path *kept = &((const struct tw_rib_paths *)owner)->paths[value];
	const struct tw_bgp_path *path = key;

	return kept->size == path->size &&
	       (path->size == 0 || memcmp(kept->segments, path->segments, path->size) == 0);
}

static int add(
	struct tw_rib_paths *paths, const struct tw_bgp_path *path, uint32_t hash, uint32_t *number)
{
	uint8_t *segments = NULL;

	if (path->size > paths->max_octets - paths->octets)
		return -ENOSPC;
	if (tw_index_reserve(&paths->index) != 0 ||
		(paths->free == TW_RIB_NONE &&
			TW_RIB_GROW(paths->paths, paths->capacity, paths->n) != 0))
		return -ENOMEM;
	if (path->size > 0) {
		segments = malloc(path->size);
		if (segments == NULL)
			return -ENOMEM;
		memcpy(segments, path->segments, path->size);
	}

	*number = paths->free != TW_RIB_NONE ? paths->free : paths->n++;
	if (*number == paths->free)
		paths->free = paths->paths[*number].hash;
	paths->paths[*number] = (struct tw_rib_path){
		.segments = segments, .size = (uint32_t)path->size, .n_routes = 1, .hash = hash};
	tw_index_add(&paths->index, hash, *number);
	paths->octets += path->size;
	paths->n_used++;
	return 0;
}

int tw_rib_paths_take(struct tw_rib_paths *paths, const struct tw_bgp_path *path, uint32_t *number)
{
	uint32_t hash = tw_index_hash(paths->key, path->segments, path->size);

	*number = tw_index_find(&paths->index, hash, is_path, paths, path);
	if (*number == TW_RIB_NONE)
		return add(paths, path, hash, number);
	paths->paths[*number].n_routes++;
	return 0;
}

void tw_rib_paths_give(struct tw_rib_paths *paths, uint32_t number)
{
	struct tw_rib_path *path = &paths->paths[number];

	if (--path->n_routes > 0)
		return;
	tw_index_remove(&paths->index, path->hash, number);
	paths->octets -= path->size;
	paths->n_used--;
	free(path->segments);
	path->segments = NULL;
	path->hash = paths->free;
	paths->free = number;
}

void tw_rib_paths_free(struct tw_rib_paths *paths)
{
	for (uint32_t i = 0; i < paths->n; i++)
		free(paths->paths[i].segments);
	free(paths->paths);
	free(paths->index.slots);
}
