/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEST_ROUTES_H
#define TW_TEST_ROUTES_H

/* A view with routes, upstreams of every kind, and a second in which links and routes say all that they can. */

#include "tw_buffer.h"
#include "tw_test_export.h"

enum {
	CHINA,
	TTK,
	TAKEN, /* a place of a found upstream that has one, and one that has none yet */
	FREE,
	OTHER,
	DIRECT,
	FOREIGN,
	AMBIGUOUS,
	N_UPSTREAMS,
	N_OBSERVED = 2,
	N_PAIRS = 2 * N_OBSERVED * (1 + N_UPSTREAMS),
	N_ROUTED = 2 + N_UPSTREAMS, /* vias: unknown, one by link, and all by route */
	N_ROUTED_SERIES = 2 * N_ROUTED * 4,
	AGE = 61
};

static struct tw_upstream all[N_UPSTREAMS];
static const struct tw_via routed_vias[N_ROUTED] = {{TW_UPSTREAM_UNKNOWN, TW_METHOD_NONE},
	{CHINA, TW_METHOD_VLAN}, {CHINA, TW_METHOD_RIB}, {TTK, TW_METHOD_RIB},
	{TAKEN, TW_METHOD_RIB}, {FREE, TW_METHOD_RIB}, {OTHER, TW_METHOD_RIB},
	{DIRECT, TW_METHOD_RIB}, {FOREIGN, TW_METHOD_RIB}, {AMBIGUOUS, TW_METHOD_RIB}};

static const struct tw_routes_view *no_routes(void *arg, uint64_t second)
{
	return NULL;
}

static const struct tw_view routed = {.targets = targets,
	.n_targets = 2,
	.upstreams = all,
	.n_upstreams = N_UPSTREAMS,
	.vias = routed_vias,
	.n_vias = N_ROUTED,
	.n_series = N_ROUTED_SERIES,
	.pairs = {N_OBSERVED, 1 + N_UPSTREAMS},
	.n_pairs = N_PAIRS,
	.routes = no_routes,
	.config_path = "config.yaml",
	.version = "0"};

static struct tw_series_count counts[N_ROUTED_SERIES];
static struct tw_pair_count pairs[N_PAIRS];
static struct tw_route_share shares[2 * N_UPSTREAMS * 2];
static const struct tw_routes_view routes = {.number = 1,
	.since = TIME - 1,
	.time = TIME - AGE,
	.n_peers = 12,
	.n_stale = 1,
	.shares = shares};

static inline void set_pair(unsigned int target, unsigned int observed, unsigned int expected,
	uint64_t packets, uint64_t bytes)
{
	pairs[tw_pair_index(&routed.pairs, target, observed, expected)] =
		(struct tw_pair_count){packets, bytes};
}

static inline void set_series(
	unsigned int target, unsigned int via, unsigned int version, uint64_t bytes)
{
	counts[tw_series_index(N_ROUTED, target, via, TW_DIR_TO, version)] =
		(struct tw_series_count){bytes / 100, bytes, 1, 1};
}

static inline void set_share(unsigned int target, unsigned int upstream, unsigned int version,
	uint64_t prefixes, uint64_t addresses)
{
	shares[(target * N_UPSTREAMS + upstream) * 2 + (version == 6)] =
		(struct tw_route_share){prefixes, addresses};
}

/* KP is seen at two links, and routed by all there is; the other target is not seen. */
static inline struct tw_second routed_second(void)
{
	static const struct tw_upstream start[N_UPSTREAMS] = {
		{4837, "China \"Unicom\"", TW_UPSTREAM_CONFIGURED},
		{20485, "TransTeleCom", TW_UPSTREAM_CONFIGURED}, {3356, "", TW_UPSTREAM_FOUND},
		{0, "", TW_UPSTREAM_FOUND}, {0, "other", TW_UPSTREAM_OTHER},
		{0, "direct", TW_UPSTREAM_DIRECT}, {0, "foreign", TW_UPSTREAM_FOREIGN},
		{0, "ambiguous", TW_UPSTREAM_AMBIGUOUS}};

	memcpy(all, start, sizeof(all));
	memset(counts, 0, sizeof(counts));
	memset(pairs, 0, sizeof(pairs));
	memset(shares, 0, sizeof(shares));
	set_series(0, 1, 4, 4000);
	set_series(0, 3, 4, 3000);
	set_series(0, 9, 4, 2000);
	set_series(0, 4, 6, 1000);
	set_pair(0, CHINA, 1 + CHINA, 40, 4000);
	set_pair(0, CHINA, 1 + TTK, 30, 3000);
	set_pair(0, CHINA, 1 + AMBIGUOUS, 20, 2000);
	set_pair(0, TTK, 1 + TAKEN, 9, 900);
	set_pair(0, TTK, 0, 1, 100);
	set_share(0, CHINA, 4, 3, 768);
	set_share(0, AMBIGUOUS, 4, 1, 256);
	set_share(0, TAKEN, 6, 1, 65536);
	set_share(1, DIRECT, 6, 2, 2);
	return (struct tw_second){
		.time = TIME, .exact = true, .series = counts, .pairs = pairs, .routes = &routes};
}

static inline struct tw_summary routed_summary(void)
{
	(void)routed_second();
	return (struct tw_summary){.seconds = 1,
		.first = TIME,
		.last = TIME,
		.exact = true,
		.series = counts,
		.pairs = pairs,
		.routes = &routes};
}

/* What an encoder wrote. */
static struct tw_buffer out;

static inline const char *text_of(void)
{
	assert_int_equal(out.error, 0);
	tw_buffer_add(&out, "", 1);
	return out.text;
}

static inline void forget_text(void)
{
	tw_buffer_free(&out);
	out = (struct tw_buffer){0};
}

#endif
