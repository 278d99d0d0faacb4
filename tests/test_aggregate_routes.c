/* SPDX-License-Identifier: BSD-3-Clause */

/* Routes beside links: pairs are summed, other routes are told in time, and upstreams of every kind have names. */

#include "tw_test_aggregate.h"

enum {
	CONFIGURED_A,
	CONFIGURED_B,
	TAKEN,
	FREE,
	OTHER,
	DIRECT,
	FOREIGN,
	AMBIGUOUS,
	N_UPSTREAMS,
	N_PAIRS = 2 * 2 * (1 + N_UPSTREAMS),
};

static struct tw_upstream all[N_UPSTREAMS] = {{4837, "China Unicom", TW_UPSTREAM_CONFIGURED},
	{20485, "TransTeleCom", TW_UPSTREAM_CONFIGURED}, {3356, "Level 3", TW_UPSTREAM_FOUND},
	{0, "", TW_UPSTREAM_FOUND}, {0, "other", TW_UPSTREAM_OTHER},
	{0, "direct", TW_UPSTREAM_DIRECT}, {0, "foreign", TW_UPSTREAM_FOREIGN},
	{0, "ambiguous", TW_UPSTREAM_AMBIGUOUS}};
static const struct tw_target both[] = {{.name = "KP"}, {.name = "CU"}};

/* Routes are others from each of these seconds on. */
static const uint64_t changes[] = {101, 104};
static const struct tw_route_share no_shares[2 * N_UPSTREAMS * 2];

static const struct tw_routes_view *routes_of(void *arg, uint64_t second)
{
	static struct tw_routes_view routes;
	unsigned int *asked = arg;

	(*asked)++;
	routes.number = 0;
	for (unsigned int i = 0; i < 2; i++)
		if (second >= changes[i])
			routes = (struct tw_routes_view){.number = i + 1,
				.since = changes[i],
				.time = changes[i] - 10,
				.shares = no_shares};
	return routes.number > 0 ? &routes : NULL;
}

static unsigned int n_asked;
static const struct tw_view routed = {.targets = both,
	.n_targets = 2,
	.upstreams = all,
	.n_upstreams = N_UPSTREAMS,
	.vias = vias,
	.n_vias = 3,
	.n_series = N_SERIES,
	.pairs = {2, 1 + N_UPSTREAMS},
	.n_pairs = N_PAIRS,
	.routes = routes_of,
	.routes_arg = &n_asked};

static uint32_t pair(unsigned int target, unsigned int observed, unsigned int expected)
{
	return tw_pair_index(&routed.pairs, target, observed, expected);
}

/* ---- the aggregator ---- */

struct notes {
	struct tw_sink sink;
	char text[512];
};

static void note(struct tw_sink *sink, const char *format, ...)
{
	struct notes *notes = (struct notes *)sink;
	size_t n = strlen(notes->text);
	va_list args;

	va_start(args, format);
	vsnprintf(notes->text + n, sizeof(notes->text) - n, format, args);
	va_end(args);
}

static int note_routes(struct tw_sink *sink, const struct tw_routes_view *routes)
{
	note(sink, "routes %lu of %lu;", routes->number, routes->time);
	return 0;
}

static int note_second(struct tw_sink *sink, const struct tw_second *second)
{
	note(sink, "%lu:", second->time);
	for (unsigned int i = 0; i < N_PAIRS; i++)
		if (second->pairs[i].packets > 0)
			note(sink, " %u=%lu/%lu", i, second->pairs[i].packets,
				second->pairs[i].bytes);
	if (second->routes != NULL)
		note(sink, " age %lu", tw_routes_age(second->routes, second->time));
	note(sink, ";");
	return 0;
}

static int note_summary(struct tw_sink *sink, const struct tw_summary *summary)
{
	note(sink, "all:");
	for (unsigned int i = 0; i < N_PAIRS; i++)
		if (summary->pairs[i].packets > 0)
			note(sink, " %u=%lu/%lu", i, summary->pairs[i].packets,
				summary->pairs[i].bytes);
	note(sink, " routes %lu", summary->routes != NULL ? summary->routes->number : 0);
	return 0;
}

static void pairs_are_summed_and_routes_told_before_their_first_second(void **state)
{
	static struct tw_peer_count counted[1][2];
	const struct tw_peers none = {.n_origins = 0, .count = counted};
	const struct tw_peers *peers = &none;
	struct notes notes = {
		.sink = {.routes = note_routes, .second = note_second, .summary = note_summary}};
	struct tw_sink *sink = &notes.sink;
	struct tw_diag diag = {0};
	struct tw_aggregate *a = tw_aggregate_create(&routed, 2, &sink, 1, &diag);
	struct tw_block *block = calloc(1, tw_report_block_size(N_SERIES, N_PAIRS));
	char expected[512];

	assert_non_null(a);
	block->n_series = N_SERIES;
	block->n_pairs = N_PAIRS;
	tw_block_pairs(block)[pair(0, 0, 2)] = (struct tw_pair_count){1, 100};
	tw_block_pairs(block)[pair(1, 1, 0)] = (struct tw_pair_count){2, 50};
	for (unsigned int worker = 0; worker < 2; worker++) {
		block->second = 100;
		block->last = false;
		assert_int_equal(tw_aggregate_block(a, worker, block), 0);
		block->second = 102;
		assert_int_equal(tw_aggregate_block(a, worker, block), 0);
		block->second = 104;
		block->last = true;
		assert_int_equal(tw_aggregate_block(a, worker, block), 0);
	}
	assert_int_equal(tw_aggregate_finish(a, table, &peers, 0), 0);
	snprintf(expected, sizeof(expected),
		"100: %u=2/200 %u=4/100;"
		"routes 1 of 91;101: age 10;"
		"102: %u=2/200 %u=4/100 age 11;103: age 12;"
		"routes 2 of 94;104: %u=2/200 %u=4/100 age 10;"
		"all: %u=6/600 %u=12/300 routes 2",
		pair(0, 0, 2), pair(1, 1, 0), pair(0, 0, 2), pair(1, 1, 0), pair(0, 0, 2),
		pair(1, 1, 0), pair(0, 0, 2), pair(1, 1, 0));
	assert_string_equal(notes.text, expected);
	assert_int_equal(n_asked, 5);
	tw_aggregate_free(a);
	free(block);
}

/* ---- what the indices mean ---- */

static void upstreams_of_every_kind_have_labels_of_their_own(void **state)
{
	static const char *const labels[] = {
		"4837", "20485", "3356", "0", "other", "direct", "foreign", "ambiguous"};
	char text[TW_UPSTREAM_LABEL];

	for (unsigned int u = 0; u < N_UPSTREAMS; u++) {
		assert_string_equal(tw_view_upstream_label(&routed, u, text), labels[u]);
		assert_int_equal(tw_view_upstream_there(&routed, u), u != FREE);
	}
	assert_string_equal(tw_view_upstream_label(&routed, TW_UPSTREAM_UNKNOWN, text), "0");
	assert_true(tw_view_upstream_there(&routed, TW_UPSTREAM_UNKNOWN));
	assert_string_equal(tw_view_upstream_name(&routed, TW_UPSTREAM_UNKNOWN), "unknown");
	assert_int_equal(tw_view_upstream_asn(&routed, TW_UPSTREAM_UNKNOWN), 0);

	all[FREE].name = "Cogent";
	all[FREE].asn = UINT32_MAX;
	assert_true(tw_view_upstream_there(&routed, FREE));
	assert_string_equal(tw_view_upstream_label(&routed, FREE, text), "4294967295");
	all[FREE] = (struct tw_upstream){0, "", TW_UPSTREAM_FOUND};
}

static void links_and_routes_are_compared_by_target(void **state)
{
	struct tw_pair_count pairs[N_PAIRS] = {{0}}, sums[TW_AGREEMENT_MAX];

	assert_false(tw_view_compare(&routed, pairs, 0, sums));
	pairs[pair(0, CONFIGURED_B, 1 + CONFIGURED_B)] = (struct tw_pair_count){1, 10};
	pairs[pair(0, CONFIGURED_B, 1 + CONFIGURED_A)] = (struct tw_pair_count){2, 20};
	pairs[pair(0, CONFIGURED_A, 1 + TAKEN)] = (struct tw_pair_count){4, 40};
	pairs[pair(0, CONFIGURED_A, 1 + OTHER)] = (struct tw_pair_count){8, 80};
	pairs[pair(0, CONFIGURED_A, 1 + DIRECT)] = (struct tw_pair_count){16, 160};
	pairs[pair(0, CONFIGURED_A, 1 + FOREIGN)] = (struct tw_pair_count){32, 320};
	pairs[pair(0, CONFIGURED_A, 1 + AMBIGUOUS)] = (struct tw_pair_count){64, 640};
	pairs[pair(0, CONFIGURED_A, 0)] = (struct tw_pair_count){128, 1280};
	assert_true(tw_view_compare(&routed, pairs, 0, sums));
	assert_int_equal(sums[TW_AGREE].packets, 1);
	assert_int_equal(sums[TW_DISAGREE].packets, 2 + 4 + 8 + 16);
	assert_int_equal(sums[TW_DISAGREE].bytes, 300);
	assert_int_equal(sums[TW_UNDECIDED].packets, 32 + 64);
	assert_int_equal(sums[TW_NO_ROUTE].packets, 128);
	assert_int_equal(sums[TW_NO_ROUTE].bytes, 1280);
	assert_false(tw_view_compare(&routed, pairs, 1, sums));
	assert_int_equal(sums[TW_NO_ROUTE].packets, 0);
	assert_false(tw_view_compare(&view, NULL, 0, sums)); /* without routes */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_are_summed_and_routes_told_before_their_first_second),
		cmocka_unit_test(upstreams_of_every_kind_have_labels_of_their_own),
		cmocka_unit_test(links_and_routes_are_compared_by_target),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
