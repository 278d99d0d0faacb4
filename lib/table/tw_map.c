/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Open addressing with linear probing, at most half full. A database of 500,000 prefixes makes some
 * 100,000 values and 100,000 names: what counts is one cache miss a look-up and no allocation of
 * its own per entry.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tw_map.h"
#include "tw_text.h"

static uint64_t mix(uint64_t key)
{
	key ^= key >> 32;
	key *= 0x9e3779b97f4a7c15;
	return key ^ key >> 29;
}

static struct tw_map_slot *map_find(const struct tw_map *map, uint64_t key)
{
	uint32_t mask = map->capacity - 1;
	uint32_t at = (uint32_t)mix(key) & mask;

	while (map->slots[at].value != TW_MAP_NONE && map->slots[at].key != key)
		at = (at + 1) & mask;
	return &map->slots[at];
}

static int map_grow(struct tw_map *map)
{
	struct tw_map grown = {.n = map->n, .capacity = map->capacity ? map->capacity * 2 : 256};

	grown.slots = malloc(grown.capacity * sizeof(*grown.slots));
	if (grown.slots == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < grown.capacity; i++)
		grown.slots[i].value = TW_MAP_NONE;
	for (uint32_t i = 0; i < map->capacity; i++) {
		if (map->slots[i].value != TW_MAP_NONE)
			*map_find(&grown, map->slots[i].key) = map->slots[i];
	}
	free(map->slots);
	*map = grown;
	return 0;
}

uint32_t *tw_map_put(struct tw_map *map, uint64_t key, uint32_t fresh)
{
	struct tw_map_slot *slot;

	if (map->n >= map->capacity / 2 && map_grow(map) != 0)
		return NULL;
	slot = map_find(map, key);
	if (slot->value == TW_MAP_NONE) {
		*slot = (struct tw_map_slot){.key = key, .value = fresh};
		map->n++;
	}
	return &slot->value;
}

uint32_t tw_map_get(const struct tw_map *map, uint64_t key)
{
	return map->capacity == 0 ? TW_MAP_NONE : map_find(map, key)->value;
}

void tw_map_free(struct tw_map *map)
{
	free(map->slots);
	*map = (struct tw_map){0};
}

/* FNV-1a, 32 bits. */
static uint32_t name_hash(const char *name)
{
	uint32_t hash = 2166136261;

	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619;
	return hash ^ hash >> 15;
}

static uint32_t *names_find(const struct tw_names *names, const char *name)
{
	uint32_t mask = names->n_slots - 1;
	uint32_t at = name_hash(name) & mask;

	while (names->slots[at] != 0 && strcmp(names->names[names->slots[at] - 1], name) != 0)
		at = (at + 1) & mask;
	return &names->slots[at];
}

/* Makes room for one more name in the list and in the slots. */
static int names_grow(struct tw_names *names)
{
	uint32_t capacity = names->capacity ? names->capacity * 2 : 256;
	char **list;
	uint32_t *slots;

	if (names->n < names->capacity)
		return 0;
	list = realloc(names->names, capacity * sizeof(*list));
	if (list == NULL)
		return -ENOMEM;
	names->names = list;
	slots = calloc(2 * (size_t)capacity, sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	free(names->slots);
	names->slots = slots;
	names->n_slots = 2 * capacity;
	names->capacity = capacity;
	for (uint32_t i = 0; i < names->n; i++)
		*names_find(names, names->names[i]) = i + 1;
	return 0;
}

/* Takes `clean` over, or frees it where the name is known. */
static int names_take(struct tw_names *names, char *clean, uint32_t *number)
{
	uint32_t *slot;

	if (names_grow(names) != 0) {
		free(clean);
		return -ENOMEM;
	}
	slot = names_find(names, clean);
	if (*slot == 0) {
		names->names[names->n++] = clean;
		*slot = names->n;
	} else {
		free(clean);
	}
	*number = *slot - 1;
	return 0;
}

int tw_names_add(struct tw_names *names, const char *bytes, size_t length, uint32_t *number)
{
	char *clean;

	if (names->n == 0) {
		clean = strdup("");
		if (clean == NULL || names_take(names, clean, number) != 0)
			return -ENOMEM;
	}
	if (length == 0) {
		*number = 0;
		return 0;
	}
	clean = tw_text_clean(bytes, length);
	return clean == NULL ? -ENOMEM : names_take(names, clean, number);
}

const char *tw_names_get(const struct tw_names *names, uint32_t number)
{
	return number < names->n ? names->names[number] : "";
}

void tw_names_free(struct tw_names *names)
{
	for (uint32_t i = 0; i < names->n; i++)
		free(names->names[i]);
	free(names->names);
	free(names->slots);
	*names = (struct tw_names){0};
}
