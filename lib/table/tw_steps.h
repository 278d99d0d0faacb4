/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_STEPS_H
#define TW_STEPS_H

/*
 * A source of knowledge about addresses as a step function: all addresses of a family, cut into
 * runs, each with one value.
 *
 *   address   0 ........ 8.8.8.0 ....... 8.8.9.0 .......... last
 *   first[]   [0]        [1]             [2]
 *   value[]    0          7               0          0 = nothing known
 *
 * Runs that the source gives separately stay separate, even where neighbours have one value: the
 * run is then the source's own prefix, which an explanation shows. Runs without a value are merged.
 *
 * Threads: immutable once finished; any number of readers.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tw_addr.h"

/*
 * Values from here up mean: these addresses stand for IPv4 addresses. value - TW_STEP_ALIAS is the
 * number of bits (0 to 96) that precede the IPv4 address.
 */
#define TW_STEP_ALIAS     (UINT32_MAX - 128)
#define TW_STEP_ALIAS_MAX 96

struct tw_steps {
	tw_u128 *first;
	uint32_t *value;
	uint32_t n;
	uint32_t capacity;
	uint32_t *index; /* see tw_steps.c; NULL where there are few runs */
	uint32_t *fine;
	uint8_t family;
};

static inline bool tw_step_is_alias(uint32_t value)
{
	return value >= TW_STEP_ALIAS;
}

/* The last address of a family. */
static inline tw_u128 tw_family_last(uint8_t family)
{
	return family == 4 ? UINT32_MAX : ~(tw_u128)0;
}

/* The last address of a prefix. */
static inline tw_u128 tw_family_prefix_last(uint8_t family, tw_u128 first, unsigned int length)
{
	return length == tw_addr_bits(family) ? first : first | tw_family_last(family) >> length;
}

/* Makes a function that is 0 everywhere. Returns 0 or -ENOMEM. */
int tw_steps_init(struct tw_steps *steps, uint8_t family);
/* Appends the run from first to last; runs come in ascending order. Returns 0 or -ENOMEM. */
int tw_steps_append(struct tw_steps *steps, tw_u128 first, tw_u128 last, uint32_t value);
/* Begins a run at `first`; it lasts until the next one begins. Returns 0 or -ENOMEM. */
int tw_steps_begin(struct tw_steps *steps, tw_u128 first, uint32_t value);
/* No more runs: builds the index for tw_steps_find(). Returns 0 or -ENOMEM. */
int tw_steps_finish(struct tw_steps *steps);
void tw_steps_free(struct tw_steps *steps);

/* The run that holds an address; steps->value[] tells its value. */
uint32_t tw_steps_find(const struct tw_steps *steps, tw_u128 address);

/* The last address of a run. */
static inline tw_u128 tw_steps_last(const struct tw_steps *steps, uint32_t run)
{
	return run + 1 < steps->n ? steps->first[run + 1] - 1 : tw_family_last(steps->family);
}

/*
 * Several functions of one family at once, run by run: a run ends where the first of them changes.
 *
 *   tw_walk_start(&walk, steps, n);
 *   do
 *           ... walk.first, walk.value[0 .. n - 1] ...
 *   while (tw_walk_next(&walk));
 */
#define TW_WALK_MAX 8
struct tw_walk {
	const struct tw_steps *steps[TW_WALK_MAX];
	uint32_t at[TW_WALK_MAX];
	uint32_t value[TW_WALK_MAX];
	unsigned int n;
	tw_u128 first; /* of the run at hand */
};
void tw_walk_start(struct tw_walk *walk, const struct tw_steps *const *steps, unsigned int n);
/* False where the run at hand was the last. */
bool tw_walk_next(struct tw_walk *walk);

/* A prefix that may lie within others. */
struct tw_nested {
	struct tw_prefix prefix;
	uint32_t value; /* not 0 */
	uint32_t rank;  /* lower ranks win; within a rank the longer prefix does */
};

/*
 * Flattens prefixes (one family's are taken, the others passed over) into a finished function.
 * Sorts `prefixes`. Returns 0 or -ENOMEM.
 */
int tw_steps_flatten(
	struct tw_steps *steps, uint8_t family, struct tw_nested *prefixes, uint32_t n);

#endif
