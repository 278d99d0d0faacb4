/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Links beside routes, for people:
 *
 *   target   links beside routes:    agree  disagree  undecided  no route     bytes
 *   KP                               61.2%      3.1%       0.0%     35.7%   1.23 MB
 *
 *   routes of 2017-10-01 09:06:50 UTC, 61 s old, 12 vantage points, 1 stale
 *   target   upstream              IP   prefixes  share  addresses  share   bytes
 *   KP       AS4837 China Unicom   IPv4        3  75.0%        768  75.0%   40.0%
 *
 * "share" is of the target's in that IP version, and so is that of the bytes, of both directions and by any method: the
 * route says where traffic should pass, the bytes where it does.
 */

#include <inttypes.h>

#include "tw_text_priv.h"

void tw_text_routing(FILE *out, const struct tw_text_style *style, const struct tw_view *view,
	const struct tw_pair_count *pairs)
{
	struct tw_pair_count sums[TW_AGREEMENT_MAX];
	bool any = false;

	for (unsigned int target = 0; target < view->n_targets; target++) {
		uint64_t bytes = 0;
		char text[TW_TEXT_SI];

		if (!tw_view_compare(view, pairs, target, sums))
			continue;
		if (!any)
			fprintf(out, "\n%-8s %-22s %7s %9s %10s %9s %9s\n", "target",
				"links beside routes:", "agree", "disagree", "undecided",
				"no route", "bytes");
		any = true;
		for (unsigned int i = 0; i < TW_AGREEMENT_MAX; i++)
			bytes += sums[i].bytes;
		tw_text_put(out, style, tw_view_target_name(view, target), 31);
		fprintf(out, " %6.1f%% %8.1f%% %9.1f%% %8.1f%% %9s\n",
			tw_text_percent(sums[TW_AGREE].bytes, bytes),
			tw_text_percent(sums[TW_DISAGREE].bytes, bytes),
			tw_text_percent(sums[TW_UNDECIDED].bytes, bytes),
			tw_text_percent(sums[TW_NO_ROUTE].bytes, bytes),
			tw_text_si((double)bytes, "B", text));
	}
}

/* Of a target in one IP version, or of one upstream of it. */
struct sums {
	struct tw_route_share share;
	uint64_t bytes;
};

static struct sums sum_of(const struct tw_view *view, const struct tw_text_routes *show,
	unsigned int target, unsigned int upstream, unsigned int version)
{
	struct sums sums = {.share = *tw_route_share(
				    show->routes, view->n_upstreams, target, upstream, version)};

	for (unsigned int via = 0; via < view->n_vias; via++)
		for (unsigned int direction = 0; direction < 2; direction++)
			if (view->vias[via].upstream == upstream)
				sums.bytes += show->series[tw_series_index(view->n_vias, target,
								   via, direction, version)]
						      .bytes;
	return sums;
}

/* All of the target's bytes in the version: those of unknown upstreams are among them. */
static struct sums total_of(const struct tw_view *view, const struct tw_text_routes *show,
	unsigned int target, unsigned int version)
{
	struct sums total = {0};

	for (unsigned int u = 0; u < view->n_upstreams; u++) {
		const struct tw_route_share *share =
			tw_route_share(show->routes, view->n_upstreams, target, u, version);

		total.share.prefixes += share->prefixes;
		total.share.addresses += share->addresses;
	}
	for (unsigned int via = 0; via < view->n_vias; via++)
		for (unsigned int direction = 0; direction < 2; direction++)
			total.bytes += show->series[tw_series_index(view->n_vias, target, via,
							    direction, version)]
					       .bytes;
	return total;
}

static void put_row(
	FILE *out, const struct sums *own, const struct sums *total, unsigned int version)
{
	char addresses[TW_TEXT_SI];

	fprintf(out, " IPv%u %8" PRIu64 " %5.1f%% %10s %5.1f%% %6.1f%%\n", version,
		own->share.prefixes, tw_text_percent(own->share.prefixes, total->share.prefixes),
		tw_text_si((double)own->share.addresses, version == 6 ? "/64" : "", addresses),
		tw_text_percent(own->share.addresses, total->share.addresses),
		tw_text_percent(own->bytes, total->bytes));
}

static void put_head(FILE *out, const struct tw_text_routes *show)
{
	const struct tw_routes_view *routes = show->routes;
	char time[TW_TEXT_TIME];

	fprintf(out, "\nroutes of %s UTC, %" PRIu64 " s old, %" PRIu32 " vantage points",
		tw_text_time(routes->time, "%F %T", time), tw_routes_age(routes, show->time),
		routes->n_peers);
	if (routes->n_stale > 0)
		fprintf(out, ", %" PRIu32 " stale", routes->n_stale);
	fprintf(out, "\n%-8s %-21s %-4s %8s %6s %10s %6s %7s\n", "target", "upstream", "IP",
		"prefixes", "share", "addresses", "share", "bytes");
}

void tw_text_routes(FILE *out, const struct tw_text_style *style, const struct tw_view *view,
	const struct tw_text_routes *show)
{
	char name[TW_TEXT_UPSTREAM];
	unsigned int n = 0;

	if (show->routes == NULL)
		return;
	put_head(out, show);
	for (unsigned int i = 0; i < view->n_targets * 2; i++) {
		unsigned int target = i / 2, version = i % 2 == 0 ? 4 : 6;
		struct sums total = total_of(view, show, target, version);

		for (unsigned int u = 0; u < view->n_upstreams; u++) {
			struct sums own = sum_of(view, show, target, u, version);

			if ((own.share.prefixes | own.share.addresses | own.bytes) == 0 ||
				!tw_view_upstream_there(view, u) || n++ >= show->n_rows)
				continue;
			tw_text_put(out, style, tw_view_target_name(view, target), 8);
			fputc(' ', out);
			tw_text_put(out, style, tw_text_upstream(view, (uint16_t)u, name), 21);
			put_row(out, &own, &total, version);
		}
	}
	if (n > show->n_rows)
		fprintf(out, "and %u more\n", n - show->n_rows);
}
