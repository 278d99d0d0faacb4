/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_METRICS_H
#define TW_METRICS_H

/*
 * Metrics for Prometheus: text format 0.0.4 and OpenMetrics 1.0.
 *
 * Counters alone, no rates: a scraper makes them. Every configured series is there from the start, with 0, so that
 * rate() sees the first packet. All that one answer tells holds after the same closed second, but for what is no count
 * of packets: the status.
 *
 * The label `upstream` is an ASN, "0" of unknown, or, of what routes give and has no ASN, "other", "direct", "foreign" or
 * "ambiguous" (tw_view_upstream_label()): no two series have the same labels. With routes there are, as closed:
 *
 *   transitwatch_routing_packets_total{target,observed,expected}, _bytes_total   the link's upstream and the route's;
 *                                          `expected` is "no_route" where there is none
 *   transitwatch_rib_prefixes{target,upstream,ip_version}, _addresses   the routes' own shares
 *   transitwatch_rib_vantage_points{state}   "fresh", "stale"
 *   transitwatch_rib_age_seconds             once there are routes
 *
 * What is of an upstream that a route finds is there once it is found, and what is of a target, an upstream or a method that
 * a reload adds from the reload on. What a reload leaves out keeps its counters.
 *
 * Threads: one a struct tw_metrics.
 */

#include "tw_buffer.h"
#include "tw_history.h"

#define TW_STATUS_TEXT 256

/* What the control core knows beside the counters. */
struct tw_status {
	struct tw_table_info table;
	unsigned int n_databases;
	struct {
		char path[TW_STATUS_TEXT];
		char type[TW_STATUS_TEXT];
		uint64_t build_epoch;
		uint32_t n_prefixes;
	} databases[2];
	uint64_t reloads_good;
	uint64_t reloads_bad;
	double clock_ahead; /* seconds that a live run's clock is ahead of a wall clock that was set back */
	const char *dpdk; /* the version of the library */
};

struct tw_metrics {
	const struct tw_view *view;
	char **labels; /* [n_series]: "{target=...} ", NULL where there is no such series yet */
};

/* Returns 0 or -ENOMEM; tw_metrics_free() releases it after either. `view` outlives it. */
int tw_metrics_init(struct tw_metrics *metrics, const struct tw_view *view);
void tw_metrics_free(struct tw_metrics *metrics);

#define TW_METRICS_TEXT "text/plain; version=0.0.4; charset=utf-8"
#define TW_METRICS_OPEN "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* Adds all metrics to the buffer. `open`: as OpenMetrics. */
void tw_metrics_write(struct tw_metrics *metrics, struct tw_buffer *out,
	const struct tw_snapshot *snapshot, const struct tw_status *status, bool open);

#endif
