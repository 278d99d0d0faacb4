/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Open addressing with linear probing, three quarters full at most. The hash stands beside the value, so that growing
 * and closing the gap behind a removal read nothing but the slots.
 */

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tw_rib_priv.h"

static uint64_t rotate(uint64_t x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

uint32_t tw_index_hash(const uint64_t key[2], const void *data, size_t size)
{
	uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
		key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
	const uint8_t *at = data;
	uint64_t word;
	size_t left;

	for (left = size; left >= 8; left -= 8, at += 8) {
		memcpy(&word, at, 8);
		word = le64toh(word);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = (uint64_t)size << 56;
	for (size_t i = 0; i < left; i++)
		word |= (uint64_t)at[i] << 8 * i;
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (unsigned int i = 0; i < 3; i++)
		sip_round(v);
	return (uint32_t)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}

static void put(struct tw_index *index, struct tw_index_slot slot)
{
	size_t mask = index->n_slots - 1, at = slot.hash & mask;

	while (index->slots[at].value != TW_RIB_NONE)
		at = (at + 1) & mask;
	index->slots[at] = slot;
}

int tw_index_reserve(struct tw_index *index)
{
	struct tw_index grown = {
		.n_slots = index->n_slots == 0 ? 64 : 2 * index->n_slots, .n = index->n};

	if (4 * (index->n + 1) <= 3 * index->n_slots)
		return 0;
	grown.slots = malloc(grown.n_slots * sizeof(*grown.slots));
	if (grown.slots == NULL)
		return -ENOMEM;
	for (size_t at = 0; at < grown.n_slots; at++)
		grown.slots[at].value = TW_RIB_NONE;
	for (size_t at = 0; at < index->n_slots; at++)
		if (index->slots[at].value != TW_RIB_NONE)
			put(&grown, index->slots[at]);
	free(index->slots);
	*index = grown;
	return 0;
}

void tw_index_add(struct tw_index *index, uint32_t hash, uint32_t value)
{
	put(index, (struct tw_index_slot){hash, value});
	index->n++;
}

void tw_index_remove(struct tw_index *index, uint32_t hash, uint32_t value)
{
	size_t mask = index->n_slots - 1, gap = hash & mask;

	while (index->slots[gap].value != value)
		gap = (gap + 1) & mask;
	/* A slot further on moves into the gap, unless the gap lies before where its probing starts. */
	for (size_t at = (gap + 1) & mask; index->slots[at].value != TW_RIB_NONE;
		at = (at + 1) & mask)
		if (((at - index->slots[at].hash) & mask) >= ((at - gap) & mask)) {
			index->slots[gap] = index->slots[at];
			gap = at;
		}
	index->slots[gap].value = TW_RIB_NONE;
	index->n--;
}

void *tw_rib_grow(void *array, uint32_t *capacity, uint32_t n, size_t item)
{
	size_t wanted = (size_t)n + n / 2 + 16;
	void *grown;

	if (n < *capacity)
		return array;
	if (wanted > UINT32_MAX)
		wanted = UINT32_MAX;
	grown = realloc(array, wanted * item);
	if (grown != NULL)
		*capacity = (uint32_t)wanted;
	return grown;
}
