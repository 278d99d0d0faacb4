/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEST_EXPORT_H
#define TW_TEST_EXPORT_H

/* One view, a few seconds and a summary with awkward names and numbers, for every exporter alike. */

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tw_export.h"

#define N_VIAS   3
#define N_SERIES (2 * N_VIAS * 4)
#define TIME     UINT64_C(1506848871) /* 2017-10-01 09:07:51 */

/* Names as a database or a configuration can bring them. */
#define AWKWARD "Acme, \"Net\" \\ Ltd"
#define WIDE    "통신 ТрансТелеКом Société Générale des Télécoms et des Câbles sous la Mer du Nord"

static const struct tw_target targets[] = {{.name = "KP"}, {.name = AWKWARD}};
static const struct tw_upstream upstreams[] = {{4837, WIDE}, {UINT32_MAX, AWKWARD}};
static const struct tw_via vias[N_VIAS] = {
	{TW_UPSTREAM_UNKNOWN, TW_METHOD_NONE}, {0, TW_METHOD_VLAN}, {1, TW_METHOD_MAC}};
static const struct tw_database databases[] = {
	{"asn, \"x\".mmdb", "GeoLite2-ASN", 1700000000, 5}, {"c.mmdb", "Country", 1600000000, 7}};
static const struct tw_view view = {
	.targets = targets,
	.n_targets = 2,
	.upstreams = upstreams,
	.n_upstreams = 2,
	.vias = vias,
	.n_vias = N_VIAS,
	.n_series = N_SERIES,
	.config_path = "dir/\"my\" config.yaml",
	.version = "0.1.0",
	.databases = databases,
	.n_databases = 2,
	.ports = (const char *const[]){"net_ring0"},
	.n_ports = 1,
};

/* A series of target, via, direction and version, and its counters. */
static struct tw_series_count series[N_SERIES];

static inline struct tw_series_count *at(
	unsigned int target, unsigned int via, enum tw_direction direction, unsigned int version)
{
	return &series[tw_series_index(N_VIAS, target, via, direction, version)];
}

static const struct tw_loss losses[] = {{TW_DROP_IMISSED, 0, 7}, {TW_DROP_DISPATCH_FULL, 3, 9}};

static inline struct tw_second full_second(uint64_t time)
{
	struct tw_second second = {.time = time, .exact = true, .series = series};

	memset(series, 0, sizeof(series));
	*at(0, 1, TW_DIR_TO, 4) = (struct tw_series_count){10, 700, 3, 4};
	*at(0, 2, TW_DIR_FROM, 6) = (struct tw_series_count){20, 300, 0, 1};
	*at(1, 0, TW_DIR_TO, 6) = (struct tw_series_count){UINT64_MAX, 5, 0, 0};
	*at(1, 2, TW_DIR_TO, 4) = (struct tw_series_count){0, 0, 0, 9}; /* active alone */
	second.totals.rx.packets = 100;
	second.totals.rx.bytes = 9000;
	second.totals.rx.not_ip = 1;
	second.totals.rx.malformed[0] = 2;
	second.totals.rx.malformed[TW_BAD_MAX - 1] = 3;
	second.totals.rx.late = 4;
	second.totals.target = 31;
	second.totals.internal = 5;
	second.totals.other = 58;
	second.totals.flow_overflow = 6;
	second.totals.dropped[TW_DROP_IMISSED] = 7;
	second.totals.dropped[TW_DROP_DISPATCH_FULL] = 9;
	second.losses = losses;
	second.n_losses = 2;
	return second;
}

static inline struct tw_second silent_second(uint64_t time)
{
	memset(series, 0, sizeof(series));
	return (struct tw_second){.time = time, .exact = false, .series = series};
}

static const struct tw_peer peers[] = {
	{15169, "GOOGLE \"x\"", TW_DIR_TO, 10, 700}, {0, "", TW_DIR_FROM, 20, 300}};

static inline struct tw_summary full_summary(void)
{
	struct tw_second second = full_second(TIME);

	return (struct tw_summary){.seconds = 3,
		.inexact = 1,
		.first = TIME,
		.last = TIME + 2,
		.totals = second.totals,
		.losses = losses,
		.n_losses = 2,
		.series = series,
		.peers = peers,
		.n_peers = 2};
}

/* All that a run shows a sink: three seconds, a gap, the summary. */
static inline void run(struct tw_sink *sink)
{
	struct tw_second second = full_second(TIME);
	struct tw_summary summary;

	assert_non_null(sink);
	assert_int_equal(sink->start(sink, &view), 0);
	assert_int_equal(sink->second(sink, &second), 0);
	second = silent_second(TIME + 1);
	assert_int_equal(sink->second(sink, &second), 0);
	if (sink->gap != NULL)
		assert_int_equal(sink->gap(sink, TIME + 2, TIME + 200000), 0);
	second = full_second(TIME + 200001);
	assert_int_equal(sink->second(sink, &second), 0);
	summary = full_summary();
	if (sink->summary != NULL)
		assert_int_equal(sink->summary(sink, &summary), 0);
	assert_int_equal(sink->close(sink), 0);
}

#endif
