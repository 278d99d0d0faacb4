/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The targets' addresses, to ask whether a prefix meets them. It is asked for every route that is told, and nearly all
 * say no: so the ranges are merged, whose they are does not matter, and their ends lie apart from their starts. The
 * first range that does not end before the prefix is the only one that can meet it.
 */

#include <errno.h>
#include <stdlib.h>

#include "tw_rib_priv.h"

struct range {
	tw_u128 first, last;
};

static int compare(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Merges what overlaps or touches; returns how many are left. */
static uint32_t merge(struct range *ranges, uint32_t n)
{
	uint32_t kept = 0;

	qsort(ranges, n, sizeof(*ranges), compare);
	for (uint32_t i = 0; i < n; i++) {
		struct range *before = kept > 0 ? &ranges[kept - 1] : NULL;

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

static int init_family(struct tw_rib_ranges *ranges, unsigned int family,
	const struct tw_target_range *from, uint32_t n)
{
	struct range *sorted;

	if (n == 0)
		return 0;
	sorted = malloc(n * sizeof(*sorted));
	if (sorted == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		sorted[i] = (struct range){from[i].first, from[i].last};
	n = merge(sorted, n);
	ranges->n[family] = n;
	if (family == 0) {
		ranges->first4 = malloc(n * sizeof(*ranges->first4));
		ranges->last4 = malloc(n * sizeof(*ranges->last4));
	} else {
		ranges->first6 = malloc(n * sizeof(*ranges->first6));
		ranges->last6 = malloc(n * sizeof(*ranges->last6));
	}
	if (family == 0 ? ranges->first4 == NULL || ranges->last4 == NULL
			: ranges->first6 == NULL || ranges->last6 == NULL) {
		free(sorted);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++)
		if (family == 0) {
			ranges->first4[i] = (uint32_t)sorted[i].first;
			ranges->last4[i] = (uint32_t)sorted[i].last;
		} else {
			ranges->first6[i] = sorted[i].first;
			ranges->last6[i] = sorted[i].last;
		}
	free(sorted);
	return 0;
}

int tw_rib_ranges_init(struct tw_rib_ranges *ranges, const struct tw_rib_spec *spec)
{
	int err = 0;

	for (unsigned int family = 0; family < 2 && err == 0; family++)
		err = init_family(ranges, family, spec->ranges[family], spec->n_ranges[family]);
	return err;
}

void tw_rib_ranges_free(struct tw_rib_ranges *ranges)
{
	free(ranges->first4);
	free(ranges->last4);
	free(ranges->first6);
	free(ranges->last6);
}

/* How many of the ascending `last` are below `first`; without a branch that depends on them. */
#define COUNT_BELOW(last, n, first)                                            \
	({                                                                     \
		const __typeof__(*(last)) *base_ = (last);                     \
		size_t n_ = (n);                                               \
                                                                               \
		while (n_ > 1) {                                               \
			size_t half_ = n_ / 2;                                 \
                                                                               \
			base_ += (size_t)(base_[half_ - 1] < (first)) * half_; \
			n_ -= half_;                                           \
		}                                                              \
		(size_t)(base_ - (last)) + (n_ == 1 && *base_ < (first));      \
	})

bool tw_rib_ranges_meet(const struct tw_rib_ranges *ranges, const struct tw_prefix *prefix)
{
	tw_u128 first6, last6;
	size_t at;

	tw_prefix_range(prefix, &first6, &last6);
	if (prefix->addr.family == 4) {
		uint32_t first = (uint32_t)first6, last = (uint32_t)last6;

		at = COUNT_BELOW(ranges->last4, ranges->n[0], first);
		return at < ranges->n[0] && ranges->first4[at] <= last;
	}
	at = COUNT_BELOW(ranges->last6, ranges->n[1], first6);
	return at < ranges->n[1] && ranges->first6[at] <= last6;
}
