/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * One form for all sources and both families. Addresses are 128-bit numbers for IPv4 too: twelve
 * bytes more a run cost less than a second copy of everything that walks runs.
 *
 * Keys and values lie in arrays of their own, so that a search touches keys alone. An index leaves
 * few to search:
 *
 *   index[top 16 bits]          the run that holds the first such address, or FINE + table number
 *   fine[number][next 8 bits]   the same, where 16 bits leave many runs: IPv6 crowds in few of them
 *
 * A full table leaves some nine IPv4 runs, which is two or three cache lines.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tw_steps.h"

#define TOP_BITS  16
#define TOPS      (1u << TOP_BITS)
#define FINE_BITS 8
#define FINE_SIZE ((1u << FINE_BITS) + 1) /* one more: where the last one's runs end */
#define FINE      (1u << 31)
#define FEW_RUNS  64

static int grow(struct tw_steps *steps)
{
	uint32_t capacity = steps->capacity ? steps->capacity * 2 : 64;
	tw_u128 *first = realloc(steps->first, capacity * sizeof(*first));
	uint32_t *value;

	if (first == NULL)
		return -ENOMEM;
	steps->first = first;
	value = realloc(steps->value, capacity * sizeof(*value));
	if (value == NULL)
		return -ENOMEM;
	steps->value = value;
	steps->capacity = capacity;
	return 0;
}

int tw_steps_begin(struct tw_steps *steps, tw_u128 first, uint32_t value)
{
	/* A run that begins where the gap before it begins leaves no gap. */
	if (steps->n > 0 && steps->first[steps->n - 1] == first)
		steps->n--;
	if (steps->n > 0 && value == 0 && steps->value[steps->n - 1] == 0)
		return 0;
	if (steps->n == steps->capacity && grow(steps) != 0)
		return -ENOMEM;
	steps->first[steps->n] = first;
	steps->value[steps->n++] = value;
	return 0;
}

int tw_steps_init(struct tw_steps *steps, uint8_t family)
{
	*steps = (struct tw_steps){.family = family};
	return tw_steps_begin(steps, 0, 0);
}

int tw_steps_append(struct tw_steps *steps, tw_u128 first, tw_u128 last, uint32_t value)
{
	if (tw_steps_begin(steps, first, value) != 0)
		return -ENOMEM;
	return last == tw_family_last(steps->family) ? 0 : tw_steps_begin(steps, last + 1, 0);
}

/*
 * Fills entries[0..n - 1] with the run that holds each of n addresses, `stride` apart; `run` is at
 * or before the first. Returns the last.
 */
static uint32_t fill_index(const struct tw_steps *steps, uint32_t *entries, uint32_t n,
	tw_u128 address, unsigned int shift, uint32_t run)
{
	for (uint32_t i = 0; i < n; i++, address += (tw_u128)1 << shift) {
		while (run + 1 < steps->n && steps->first[run + 1] <= address)
			run++;
		entries[i] = run;
	}
	return run;
}

static bool is_crowded(const struct tw_steps *steps, uint32_t top)
{
	return steps->index[top + 1] - steps->index[top] > FEW_RUNS;
}

int tw_steps_finish(struct tw_steps *steps)
{
	unsigned int shift = tw_addr_bits(steps->family) - TOP_BITS;
	uint32_t n_fine = 0;

	if (steps->n <= FEW_RUNS)
		return 0;
	steps->index = malloc((TOPS + 1) * sizeof(*steps->index));
	if (steps->index == NULL)
		return -ENOMEM;
	fill_index(steps, steps->index, TOPS, 0, shift, 0);
	steps->index[TOPS] = steps->n - 1;
	for (uint32_t top = 0; top < TOPS; top++)
		n_fine += is_crowded(steps, top);
	if (n_fine == 0)
		return 0;
	steps->fine = malloc((size_t)n_fine * FINE_SIZE * sizeof(*steps->fine));
	if (steps->fine == NULL)
		return -ENOMEM;
	n_fine = 0;
	/* Every entry is read before it is replaced. */
	for (uint32_t top = 0; top < TOPS; top++) {
		uint32_t *table = &steps->fine[(size_t)n_fine * FINE_SIZE];

		if (!is_crowded(steps, top))
			continue;
		fill_index(steps, table, FINE_SIZE - 1, (tw_u128)top << shift, shift - FINE_BITS,
			steps->index[top]);
		table[FINE_SIZE - 1] = steps->index[top + 1];
		steps->index[top] = FINE | n_fine++;
	}
	return 0;
}

void tw_steps_free(struct tw_steps *steps)
{
	free(steps->first);
	free(steps->value);
	free(steps->index);
	free(steps->fine);
	*steps = (struct tw_steps){0};
}

/* The runs, low to high, among which an address lies. */
static inline void narrow(
	const struct tw_steps *steps, tw_u128 address, uint32_t *low, uint32_t *high)
{
	unsigned int shift = tw_addr_bits(steps->family) - TOP_BITS;
	uint32_t top = (uint32_t)(address >> shift);
	const uint32_t *table;

	if ((steps->index[top] & FINE) == 0) {
		*low = steps->index[top];
		*high = steps->index[top + 1];
		if ((*high & FINE) != 0)
			*high = steps->fine[(size_t)(*high & ~FINE) * FINE_SIZE];
		return;
	}
	table = &steps->fine[(size_t)(steps->index[top] & ~FINE) * FINE_SIZE];
	top = (uint32_t)(address >> (shift - FINE_BITS)) & ((1u << FINE_BITS) - 1);
	*low = table[top];
	*high = table[top + 1];
}

uint32_t tw_steps_find(const struct tw_steps *steps, tw_u128 address)
{
	uint32_t low = 0, high = steps->n - 1;

	if (steps->index != NULL)
		narrow(steps, address, &low, &high);
	while (low < high) {
		uint32_t middle = low + (high - low + 1) / 2;

		if (steps->first[middle] <= address)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* Outer prefixes before the inner ones that begin at the same address; equal ones by rank. */
static int compare_nested(const void *left, const void *right)
{
	const struct tw_nested *a = left, *b = right;
	int order = (int)a->prefix.addr.family - b->prefix.addr.family;

	if (order == 0)
		order = memcmp(
			a->prefix.addr.bytes, b->prefix.addr.bytes, sizeof(a->prefix.addr.bytes));
	if (order == 0)
		order = (int)a->prefix.length - b->prefix.length;
	if (order == 0)
		order = (a->rank < b->rank) - (a->rank > b->rank);
	return order;
}

/* True the second time, when the other family is taken. */
static bool is_sorted(const struct tw_nested *prefixes, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		if (compare_nested(&prefixes[i - 1], &prefixes[i]) > 0)
			return false;
	}
	return true;
}

/* The prefixes that are open at an address, outermost first; each knows who rules inside it. */
struct open_prefix {
	tw_u128 last;
	const struct tw_nested *ruler;
};

/* Closes what ends before `first`: its ground falls back to the prefix around it. */
static int close_before(
	struct tw_steps *steps, struct open_prefix *open, uint32_t *depth, tw_u128 first)
{
	while (*depth > 0 && open[*depth - 1].last < first) {
		tw_u128 next = open[--*depth].last + 1;
		uint32_t value = *depth > 0 ? open[*depth - 1].ruler->value : 0;

		if (next != 0 && next <= tw_family_last(steps->family) &&
			tw_steps_begin(steps, next, value) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int flatten_sorted(struct tw_steps *steps, const struct tw_nested *prefixes, uint32_t n,
	struct open_prefix *open)
{
	uint32_t depth = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct tw_nested *ruler = &prefixes[i];
		tw_u128 first, last;

		if (prefixes[i].prefix.addr.family != steps->family)
			continue;
		tw_prefix_range(&prefixes[i].prefix, &first, &last);
		if (close_before(steps, open, &depth, first) != 0)
			return -ENOMEM;
		if (depth > 0 && open[depth - 1].ruler->rank < ruler->rank)
			ruler = open[depth - 1].ruler;
		open[depth++] = (struct open_prefix){.last = last, .ruler = ruler};
		if (tw_steps_begin(steps, first, ruler->value) != 0)
			return -ENOMEM;
	}
	/*
	 * What is still open ends at or before the last address, where there is no next run to
	 * begin.
	 */
	while (depth > 0) {
		tw_u128 last = open[depth - 1].last;

		if (last == tw_family_last(steps->family)) {
			depth--;
			continue;
		}
		if (close_before(steps, open, &depth, last + 1) != 0)
			return -ENOMEM;
	}
	return 0;
}

int tw_steps_flatten(struct tw_steps *steps, uint8_t family, struct tw_nested *prefixes, uint32_t n)
{
	struct open_prefix *open = malloc((n + 1) * sizeof(*open));
	int err;

	if (open == NULL || tw_steps_init(steps, family) != 0) {
		free(open);
		return -ENOMEM;
	}
	if (!is_sorted(prefixes, n))
		qsort(prefixes, n, sizeof(*prefixes), compare_nested);
	err = flatten_sorted(steps, prefixes, n, open);
	free(open);
	return err != 0 ? err : tw_steps_finish(steps);
}

void tw_walk_start(struct tw_walk *walk, const struct tw_steps *const *steps, unsigned int n)
{
	*walk = (struct tw_walk){.n = n};
	for (unsigned int i = 0; i < n; i++) {
		walk->steps[i] = steps[i];
		walk->value[i] = steps[i]->value[0];
	}
}

bool tw_walk_next(struct tw_walk *walk)
{
	tw_u128 next = 0;

	for (unsigned int i = 0; i < walk->n; i++) {
		const struct tw_steps *steps = walk->steps[i];
		uint32_t at = walk->at[i] + 1;

		if (at < steps->n && (next == 0 || steps->first[at] < next))
			next = steps->first[at];
	}
	for (unsigned int i = 0; next != 0 && i < walk->n; i++) {
		const struct tw_steps *steps = walk->steps[i];
		uint32_t at = walk->at[i] + 1;

		if (at < steps->n && steps->first[at] == next) {
			walk->at[i] = at;
			walk->value[i] = steps->value[at];
		}
	}
	walk->first = next;
	return next != 0;
}
