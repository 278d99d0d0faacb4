/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_MAP_H
#define TW_MAP_H

/*
 * Two small hash tables for loading: numbers to numbers, and names stored once.
 *
 * Threads: one at a time. Both are zero-initialised by their owner and grow as they fill.
 * Deterministic: no seed, because the order of nothing depends on the hash.
 */

#include <stddef.h>
#include <stdint.h>

#define TW_MAP_NONE UINT32_MAX

struct tw_map_slot {
	uint64_t key;
	uint32_t value; /* TW_MAP_NONE where the slot is empty */
};

struct tw_map {
	struct tw_map_slot *slots;
	uint32_t n;
	uint32_t capacity; /* a power of two, or 0 */
};

/*
 * The value kept under `key`, which is set to `fresh` where there is none yet. Returns NULL where
 * there is no memory. The pointer holds until the next call; TW_MAP_NONE must never be stored.
 */
uint32_t *tw_map_put(struct tw_map *map, uint64_t key, uint32_t fresh);
/* The value under `key`, or TW_MAP_NONE. */
uint32_t tw_map_get(const struct tw_map *map, uint64_t key);
void tw_map_free(struct tw_map *map);

/* Names, each stored once. Number 0 is "", in an empty pool too. */
struct tw_names {
	char **names;
	uint32_t n;
	uint32_t capacity;
	uint32_t *slots; /* number + 1, or 0 */
	uint32_t n_slots;
};

/*
 * The number of a name that is not NUL-terminated and not trusted: it is cleaned first, see
 * tw_text_clean(). Returns 0 or -ENOMEM.
 */
int tw_names_add(struct tw_names *names, const char *bytes, size_t length, uint32_t *number);
const char *tw_names_get(const struct tw_names *names, uint32_t number);
void tw_names_free(struct tw_names *names);

#endif
