/* SPDX-License-Identifier: BSD-3-Clause */

#include "tw_metrics_priv.h"

/* Whether an upstream is observed by links: what routes find alone never is. */
static bool is_observed(const struct tw_view *view, unsigned int upstream)
{
	if (tw_view_upstream_kind(view, upstream) == TW_UPSTREAM_CONFIGURED)
		return true;
	for (unsigned int via = 0; via < view->n_vias; via++)
		if (tw_view_via_there(view, via) && view->vias[via].upstream == upstream &&
			view->vias[via].method < TW_METHOD_RIB)
			return true;
	return false;
}

static void put_pairs(struct tw_metric_writer *w, const struct tw_view *view,
	const struct tw_pair_count *pairs, size_t member)
{
	uint32_t n_expected = view->pairs.n_expected;
	char observed[TW_UPSTREAM_LABEL], expected[TW_UPSTREAM_LABEL];

	for (uint32_t i = 0; i < view->n_pairs; i++) {
		unsigned int target = i / n_expected / view->pairs.n_observed;
		unsigned int o = i / n_expected % view->pairs.n_observed, x = i % n_expected;

		if (!tw_view_target_there(view, target) || !is_observed(view, o) ||
			(x > 0 && !tw_view_upstream_there(view, x - 1)))
			continue;
		tw_metric_name(w, "_total{target=\"");
		tw_metric_escaped(w->out, tw_view_target_name(view, target));
		tw_buffer_format(w->out, "\",observed=\"%s\",expected=\"%s\"}",
			tw_view_upstream_label(view, o, observed),
			x > 0 ? tw_view_upstream_label(view, x - 1, expected)
			      : tw_agreement_name(TW_NO_ROUTE));
		tw_metric_number(w, *(const uint64_t *)((const char *)&pairs[i] + member));
	}
}

static void put_shares(struct tw_metric_writer *w, const struct tw_view *view,
	const struct tw_routes_view *routes, size_t member)
{
	unsigned int n = view->n_upstreams;
	char label[TW_UPSTREAM_LABEL];

	for (unsigned int i = 0; i < view->n_targets * n * 2; i++) {
		unsigned int upstream = i / 2 % n;

		if (!tw_view_target_there(view, i / 2 / n) ||
			!tw_view_upstream_there(view, upstream))
			continue;
		tw_metric_name(w, "{target=\"");
		tw_metric_escaped(w->out, tw_view_target_name(view, i / 2 / n));
		tw_buffer_format(w->out, "\",upstream=\"%s\",ip_version=\"%u\"}",
			tw_view_upstream_label(view, upstream, label), i % 2 == 0 ? 4 : 6);
		tw_metric_number(
			w, routes != NULL
				   ? *(const uint64_t *)((const char *)&routes->shares[i] + member)
				   : 0);
	}
}

static void write_pairs(
	struct tw_metric_writer *w, const struct tw_view *view, const struct tw_pair_count *pairs)
{
	tw_metric_family(w, "transitwatch_routing_packets", TW_COUNTER,
		"Packets by the upstream that the link gives and the one that the route gives.");
	put_pairs(w, view, pairs, offsetof(struct tw_pair_count, packets));
	tw_metric_family(w, "transitwatch_routing_bytes", TW_COUNTER,
		"Layer-3 octets by the upstream that the link gives and the one that the route "
		"gives.");
	put_pairs(w, view, pairs, offsetof(struct tw_pair_count, bytes));
}

void tw_metrics_routes(
	struct tw_metric_writer *w, const struct tw_view *view, const struct tw_snapshot *snapshot)
{
	const struct tw_routes_view *routes = snapshot->summary.routes;

	if (view->routes == NULL)
		return;
	if (view->n_pairs > 0)
		write_pairs(w, view, snapshot->summary.pairs);
	tw_metric_family(w, "transitwatch_rib_prefixes", TW_GAUGE,
		"Prefixes of a target that the routes give an upstream.");
	put_shares(w, view, routes, offsetof(struct tw_route_share, prefixes));
	tw_metric_family(w, "transitwatch_rib_addresses", TW_GAUGE,
		"Addresses of a target that the routes give an upstream; of IPv6, networks of 64 "
		"bits.");
	put_shares(w, view, routes, offsetof(struct tw_route_share, addresses));
	tw_metric_family(w, "transitwatch_rib_vantage_points", TW_GAUGE,
		"Vantage points with a route of a target.");
	tw_metric_gauge(
		w, "state", "fresh", routes != NULL ? routes->n_peers - routes->n_stale : 0);
	tw_metric_gauge(w, "state", "stale", routes != NULL ? routes->n_stale : 0);
	if (routes == NULL)
		return;
	tw_metric_family(w, "transitwatch_rib_age_seconds", TW_GAUGE,
		"How old the routes were in the last closed second.");
	tw_metric_gauge(w, NULL, NULL, (double)tw_routes_age(routes, snapshot->summary.last));
}
