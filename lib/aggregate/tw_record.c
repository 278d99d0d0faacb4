/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A record keeps what is not 0, in one allocation with its head, so that an hour of seconds of many series is small, and
 * is shown in a room that holds all.
 */

#include <stdlib.h>
#include <string.h>

#include "tw_history_priv.h"

size_t tw_record_n_shares(const struct tw_view *view)
{
	return (size_t)view->n_targets * view->n_upstreams * 2;
}

struct tw_kept *tw_record_make(const struct tw_view *view, const struct tw_second *second)
{
	uint32_t n_series = 0, n_pairs = 0;
	struct tw_kept *kept;
	struct tw_record_series *series;
	struct tw_record_pair *pairs;
	struct tw_loss *losses;
	struct tw_load *loads;

	for (uint32_t i = 0; i < view->n_series; i++)
		n_series += tw_series_listed(&second->series[i]);
	for (uint32_t i = 0; i < view->n_pairs; i++)
		n_pairs += second->pairs[i].packets > 0;
	kept = malloc(sizeof(*kept) + n_series * sizeof(*series) + n_pairs * sizeof(*pairs) +
		      second->n_losses * sizeof(*losses) + second->n_loads * sizeof(*loads));
	if (kept == NULL)
		return NULL;
	series = (struct tw_record_series *)(kept + 1);
	pairs = (struct tw_record_pair *)(series + n_series);
	loads = (struct tw_load *)(pairs + n_pairs);
	losses = (struct tw_loss *)(loads + second->n_loads);
	*kept = (struct tw_kept){.references = 1,
		.record = {.time = second->time,
			.exact = second->exact,
			.totals = second->totals,
			.n_losses = second->n_losses,
			.n_loads = second->n_loads,
			.n_series = n_series,
			.n_pairs = n_pairs,
			.n_all_series = view->n_series,
			.n_all_pairs = view->n_pairs,
			.losses = losses,
			.loads = loads,
			.series = series,
			.pairs = pairs}};
	if (second->routes != NULL) {
		kept->record.routed = true;
		kept->record.routes = *second->routes;
		kept->record.routes.shares = NULL;
	}
	if (second->n_losses > 0)
		memcpy(losses, second->losses, second->n_losses * sizeof(*losses));
	if (second->n_loads > 0)
		memcpy(loads, second->loads, second->n_loads * sizeof(*loads));
	for (uint32_t i = 0; i < view->n_series; i++)
		if (tw_series_listed(&second->series[i]))
			*series++ = (struct tw_record_series){i, second->series[i]};
	for (uint32_t i = 0; i < view->n_pairs; i++)
		if (second->pairs[i].packets > 0)
			*pairs++ = (struct tw_record_pair){i, second->pairs[i]};
	return kept;
}

static bool has_any(const struct tw_route_share *share)
{
	return (share->prefixes | share->addresses) != 0;
}

struct tw_kept *tw_record_make_routes(
	const struct tw_view *view, const struct tw_routes_view *routes)
{
	uint32_t n_all = (uint32_t)tw_record_n_shares(view), n = 0;
	struct tw_record_share *shares;
	struct tw_kept *kept;

	for (uint32_t i = 0; i < n_all; i++)
		n += has_any(&routes->shares[i]);
	kept = malloc(sizeof(*kept) + n * sizeof(*shares));
	if (kept == NULL)
		return NULL;
	shares = (struct tw_record_share *)(kept + 1);
	*kept = (struct tw_kept){.references = 1,
		.record = {.kind = TW_RECORD_ROUTES,
			.n_all_series = view->n_series,
			.n_all_pairs = view->n_pairs,
			.n_shares = n,
			.routed = true,
			.routes = *routes,
			.shares = shares}};
	kept->record.routes.shares = NULL;
	for (uint32_t i = 0; i < n_all; i++)
		if (has_any(&routes->shares[i]))
			*shares++ = (struct tw_record_share){i, routes->shares[i]};
	return kept;
}

void tw_record_shares(
	const struct tw_view *view, const struct tw_record *record, struct tw_route_share *shares)
{
	memset(shares, 0, tw_record_n_shares(view) * sizeof(*shares));
	for (uint32_t i = 0; i < record->n_shares; i++)
		shares[record->shares[i].index] = record->shares[i].share;
}

struct tw_series_count *tw_record_room(const struct tw_view *view)
{
	return calloc(1, (view->n_series + 1) * sizeof(struct tw_series_count) +
				 view->n_pairs * sizeof(struct tw_pair_count) +
				 tw_record_n_shares(view) * sizeof(struct tw_route_share));
}

static struct tw_pair_count *pairs_of(
	const struct tw_record *record, struct tw_series_count *series)
{
	return (struct tw_pair_count *)&series[record->n_all_series];
}

static struct tw_route_share *shares_of(
	const struct tw_record *record, struct tw_series_count *series)
{
	return (struct tw_route_share *)&pairs_of(record, series)[record->n_all_pairs];
}

struct tw_second tw_record_second(const struct tw_record *record, struct tw_series_count *series)
{
	struct tw_pair_count *pairs = pairs_of(record, series);

	for (uint32_t i = 0; i < record->n_series; i++)
		series[record->series[i].index] = record->series[i].count;
	for (uint32_t i = 0; i < record->n_pairs; i++)
		pairs[record->pairs[i].index] = record->pairs[i].count;
	return (struct tw_second){.time = record->time,
		.exact = record->exact,
		.totals = record->totals,
		.losses = record->losses,
		.n_losses = record->n_losses,
		.loads = record->loads,
		.n_loads = record->n_loads,
		.series = series,
		.pairs = pairs,
		.routes = record->routed ? &record->routes : NULL};
}

void tw_record_clear(const struct tw_record *record, struct tw_series_count *series)
{
	for (uint32_t i = 0; i < record->n_series; i++)
		series[record->series[i].index] = (struct tw_series_count){0};
	for (uint32_t i = 0; i < record->n_pairs; i++)
		pairs_of(record, series)[record->pairs[i].index] = (struct tw_pair_count){0};
	for (uint32_t i = 0; i < record->n_shares; i++)
		shares_of(record, series)[record->shares[i].index] = (struct tw_route_share){0};
}

struct tw_routes_view tw_record_routes(
	const struct tw_record *record, struct tw_series_count *series)
{
	struct tw_routes_view routes = record->routes;

	for (uint32_t i = 0; i < record->n_shares; i++)
		shares_of(record, series)[record->shares[i].index] = record->shares[i].share;
	routes.shares = shares_of(record, series);
	return routes;
}
