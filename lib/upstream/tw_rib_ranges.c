/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The targets' addresses, to ask whether a prefix meets them. It is asked for every route that is told, and nearly all
 * say no. Whose the ranges are does not matter: they are merged, so that the first one that does not end before the
 * prefix is the only one that can meet it.
 *
 * The span from the first address to the last is cut into buckets of equal size, about two a range; each knows how many
 * ranges end before it. A search is left only among the ranges of one bucket: one or none where they lie evenly, a
 * binary search of the rest where they crowd.
 */

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tw_rib_priv.h"

static int compare(const void *a, const void *b)
{
	const struct tw_rib_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Merges what overlaps or touches; returns how many are left. */
static uint32_t merge(struct tw_rib_range *ranges, uint32_t n)
{
	uint32_t kept = 0;

	qsort(ranges, n, sizeof(*ranges), compare);
	for (uint32_t i = 0; i < n; i++) {
		struct tw_rib_range *before = kept > 0 ? &ranges[kept - 1] : NULL;

		if (before != NULL &&
			(ranges[i].first <= before->last || ranges[i].first - 1 == before->last)) {
			if (ranges[i].last > before->last)
				before->last = ranges[i].last;
		} else {
			ranges[kept++] = ranges[i];
		}
	}
	return kept;
}

static int make_buckets(struct tw_rib_ranges *ranges)
{
	tw_u128 base = ranges->ranges[0].first, end = ranges->ranges[ranges->n - 1].last;
	uint32_t at = 0;
	size_t n;

	while ((end - base) >> ranges->shift >= 2 * (tw_u128)ranges->n)
		ranges->shift++;
	n = (size_t)((end - base) >> ranges->shift) + 1;
	/* And where the last one ends. */
	ranges->buckets = malloc((n + 1) * sizeof(*ranges->buckets));
	if (ranges->buckets == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		tw_u128 start = base + ((tw_u128)i << ranges->shift);

		while (ranges->ranges[at].last < start)
			at++;
		ranges->buckets[i] = at;
	}
	ranges->buckets[n] = ranges->n - 1;
	return 0;
}

int tw_rib_ranges_init(struct tw_rib_ranges *ranges, const struct tw_target_range *from, uint32_t n)
{
	if (n == 0)
		return 0;
	ranges->ranges = malloc(n * sizeof(*ranges->ranges));
	if (ranges->ranges == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		ranges->ranges[i] = (struct tw_rib_range){from[i].first, from[i].last};
	ranges->n = merge(ranges->ranges, n);
	return make_buckets(ranges);
}

void tw_rib_ranges_free(struct tw_rib_ranges *ranges)
{
	free(ranges->ranges);
	free(ranges->buckets);
}

/* As tw_prefix_range(), without its loops. */
static struct tw_rib_range range_of(const struct tw_prefix *prefix)
{
	uint64_t words[2];
	tw_u128 first;

	memcpy(words, prefix->addr.bytes, sizeof(words));
	first = (tw_u128)be64toh(words[0]) << 64 | be64toh(words[1]);
	if (prefix->addr.family == 4)
		first >>= 96;
	if (prefix->length == 0)
		return (struct tw_rib_range){
			0, prefix->addr.family == 4 ? (tw_u128)UINT32_MAX : ~(tw_u128)0};
	return (struct tw_rib_range){first,
		first | (((tw_u128)1 << (tw_addr_bits(prefix->addr.family) - prefix->length)) - 1)};
}

bool tw_rib_ranges_meet(const struct tw_rib_ranges *ranges, const struct tw_prefix *prefix)
{
	struct tw_rib_range asked = range_of(prefix);
	const struct tw_rib_range *all = ranges->ranges;
	uint32_t low = 0;

	if (ranges->n == 0 || asked.last < all[0].first || asked.first > all[ranges->n - 1].last)
		return false;
	if (asked.first > all[0].first) {
		size_t bucket = (size_t)((asked.first - all[0].first) >> ranges->shift);
		uint32_t high = ranges->buckets[bucket + 1];

		low = ranges->buckets[bucket];
		while (low < high) {
			uint32_t middle = low + (high - low) / 2;

			if (all[middle].last < asked.first)
				low = middle + 1;
			else
				high = middle;
		}
	}
	return all[low].first <= asked.last;
}
