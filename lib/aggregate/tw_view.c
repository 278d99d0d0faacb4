/* SPDX-License-Identifier: BSD-3-Clause */

/* What the indices of a view mean. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tw_aggregate.h"
#include "tw_via_list.h"

uint32_t tw_view_upstream_asn(const struct tw_view *view, unsigned int upstream)
{
	if (upstream >= view->n_upstreams)
		return 0;
	return __atomic_load_n(&view->upstreams[upstream].asn, __ATOMIC_ACQUIRE);
}

const char *tw_view_upstream_name(const struct tw_view *view, unsigned int upstream)
{
	if (upstream >= view->n_upstreams)
		return "unknown";
	return __atomic_load_n(&view->upstreams[upstream].name, __ATOMIC_ACQUIRE);
}

uint32_t tw_view_asn(const struct tw_view *view, unsigned int via)
{
	return tw_view_upstream_asn(view, view->vias[via].upstream);
}

const char *tw_view_name(const struct tw_view *view, unsigned int via)
{
	return tw_view_upstream_name(view, view->vias[via].upstream);
}

enum tw_upstream_kind tw_view_upstream_kind(const struct tw_view *view, unsigned int upstream)
{
	if (upstream >= view->n_upstreams)
		return TW_UPSTREAM_CONFIGURED;
	return __atomic_load_n(&view->upstreams[upstream].kind, __ATOMIC_RELAXED);
}

bool tw_view_upstream_there(const struct tw_view *view, unsigned int upstream)
{
	return tw_view_upstream_kind(view, upstream) != TW_UPSTREAM_FOUND ||
	       tw_view_upstream_asn(view, upstream) != 0;
}

const char *tw_view_target_name(const struct tw_view *view, unsigned int target)
{
	return __atomic_load_n(&view->targets[target].name, __ATOMIC_ACQUIRE);
}

bool tw_view_target_there(const struct tw_view *view, unsigned int target)
{
	return tw_view_target_name(view, target)[0] != '\0';
}

bool tw_view_target_listed(const struct tw_view *view, unsigned int target)
{
	uint32_t gone = view->targets_gone != NULL
				? __atomic_load_n(view->targets_gone, __ATOMIC_RELAXED)
				: 0;

	return tw_view_target_there(view, target) && (gone >> target & 1) == 0;
}

bool tw_view_via_there(const struct tw_view *view, unsigned int via)
{
	return tw_via_method(&view->vias[via]) != TW_METHOD_MAX &&
	       tw_view_upstream_there(view, view->vias[via].upstream);
}

bool tw_view_series_there(const struct tw_view *view, uint32_t series)
{
	struct tw_series_key key = tw_series_key(view->n_vias, series);

	return tw_view_target_there(view, key.target) && tw_view_via_there(view, key.via);
}

const char *tw_view_upstream_label(
	const struct tw_view *view, unsigned int upstream, char text[static TW_UPSTREAM_LABEL])
{
	enum tw_upstream_kind kind = tw_view_upstream_kind(view, upstream);

	if (kind != TW_UPSTREAM_CONFIGURED && kind != TW_UPSTREAM_FOUND)
		return tw_upstream_kind_name(kind);
	snprintf(text, TW_UPSTREAM_LABEL, "%" PRIu32, tw_view_upstream_asn(view, upstream));
	return text;
}

const char *tw_agreement_name(enum tw_agreement agreement)
{
	static const char *const names[TW_AGREEMENT_MAX] = {
		[TW_AGREE] = "agree",
		[TW_DISAGREE] = "disagree",
		[TW_UNDECIDED] = "undecided",
		[TW_NO_ROUTE] = "no_route",
	};

	return names[agreement];
}

enum tw_agreement tw_view_agreement(
	const struct tw_view *view, unsigned int observed, unsigned int expected)
{
	if (expected == 0)
		return TW_NO_ROUTE;
	if (expected - 1 == observed)
		return TW_AGREE;
	switch (tw_view_upstream_kind(view, expected - 1)) {
	case TW_UPSTREAM_AMBIGUOUS:
	case TW_UPSTREAM_FOREIGN:
		return TW_UNDECIDED;
	default:
		return TW_DISAGREE;
	}
}

bool tw_view_compare(const struct tw_view *view, const struct tw_pair_count *pairs,
	unsigned int target, struct tw_pair_count sums[static TW_AGREEMENT_MAX])
{
	bool any = false;

	memset(sums, 0, TW_AGREEMENT_MAX * sizeof(*sums));
	if (view->n_pairs == 0)
		return false;
	for (uint32_t o = 0; o < view->pairs.n_observed; o++)
		for (uint32_t x = 0; x < view->pairs.n_expected; x++) {
			const struct tw_pair_count *pair =
				&pairs[tw_pair_index(&view->pairs, target, o, x)];
			struct tw_pair_count *sum;

			if (pair->packets == 0)
				continue;
			sum = &sums[tw_view_agreement(view, o, x)];
			sum->packets += pair->packets;
			sum->bytes += pair->bytes;
			any = true;
		}
	return any;
}
