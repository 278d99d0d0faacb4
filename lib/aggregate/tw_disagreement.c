/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tw_disagreement.h"

static uint32_t pairs_of_target(const struct tw_view *view)
{
	return view->n_pairs > 0 ? view->pairs.n_observed * view->pairs.n_expected : 0;
}

int tw_disagreement_init(struct tw_disagreement *d, const struct tw_view *view)
{
	*d = (struct tw_disagreement){
		.bytes = calloc(
			(size_t)TW_PRESENCE_WINDOW * pairs_of_target(view) + 1, sizeof(*d->bytes))};
	return d->bytes != NULL ? 0 : -ENOMEM;
}

void tw_disagreement_free(struct tw_disagreement *d)
{
	free(d->bytes);
	d->bytes = NULL;
}

/* The pairs that disagree, in the place of the newest second of the evidence. */
static void keep_pairs(struct tw_disagreement *d, const struct tw_view *view, unsigned int target,
	const struct tw_second *second)
{
	uint32_t n = pairs_of_target(view), n_expected = view->pairs.n_expected;
	const struct tw_pair_count *pairs = &second->pairs[target * n];
	uint64_t *bytes = &d->bytes[d->presence.at * n];

	for (uint32_t i = 0; i < n; i++)
		bytes[i] = tw_view_agreement(view, i / n_expected, i % n_expected) == TW_DISAGREE
				   ? pairs[i].bytes
				   : 0;
}

bool tw_disagreement_second(struct tw_disagreement *d, const struct tw_view *view,
	const struct tw_event_rules *rules, unsigned int target, const struct tw_second *second)
{
	struct tw_pair_count sums[TW_AGREEMENT_MAX], compared;

	if (!tw_view_compare(view, second->pairs, target, sums))
		return false;
	compared.packets = sums[TW_AGREE].packets + sums[TW_DISAGREE].packets;
	compared.bytes = sums[TW_AGREE].bytes + sums[TW_DISAGREE].bytes;
	if (compared.packets == 0)
		return false;
	if (!d->presence.there) {
		tw_presence_come(&d->presence, second, sums[TW_DISAGREE].packets,
			sums[TW_DISAGREE].bytes, compared.bytes);
		keep_pairs(d, view, target, second);
		return sums[TW_DISAGREE].packets > 0 && tw_presence_is_proven(&d->presence, rules);
	}
	if (sums[TW_DISAGREE].packets > 0)
		tw_presence_go_on(&d->presence, sums[TW_DISAGREE].packets);
	else if (tw_presence_ends(&d->presence, rules, second, compared.packets, compared.bytes))
		memset(d->bytes, 0,
			(size_t)TW_PRESENCE_WINDOW * pairs_of_target(view) * sizeof(*d->bytes));
	return false;
}

void tw_disagreement_tell(
	struct tw_disagreement *d, const struct tw_view *view, struct tw_event *event)
{
	uint32_t n = pairs_of_target(view);
	uint64_t most = 0;

	tw_presence_tell(&d->presence, event);
	tw_presence_begin(&d->presence, event);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t bytes = 0;

		for (unsigned int at = 0; at < TW_PRESENCE_WINDOW; at++)
			bytes += d->bytes[at * n + i];
		if (bytes <= most)
			continue;
		most = bytes;
		event->upstream = (uint16_t)(i / view->pairs.n_expected);
		event->other = (uint16_t)(i % view->pairs.n_expected - 1);
	}
}
