/* SPDX-License-Identifier: BSD-3-Clause */

/* The history: sums and the latest seconds, as they were closed, for readers of other threads. */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tw_history.h"

enum {
	SERIES = 12,
	KEPT = 5,
	FIRST = 1000,
	ROUNDS = 20000
};

static const struct tw_view view = {.n_targets = 1, .n_vias = 3, .n_series = SERIES};

/* A second whose every number follows from its time. */
static void close_second(struct tw_history *history, uint64_t time, bool exact)
{
	struct tw_series_count series[SERIES] = {{0}};
	struct tw_loss loss = {TW_DROP_DISPATCH_FULL, 2, 7};
	struct tw_load load = {100, time % 100};
	struct tw_second second = {.time = time,
		.exact = exact,
		.losses = &loss,
		.n_losses = !exact,
		.loads = &load,
		.n_loads = 1,
		.series = series};

	second.totals.rx.packets = time;
	series[3] = (struct tw_series_count){time, 2 * time, 1, time};
	series[7].active_flows = 1;
	assert_int_equal(tw_history_sink(history)->second(tw_history_sink(history), &second), 0);
}

static void test_latest_are_kept(void **state)
{
	struct tw_history *history = tw_history_create(&view, KEPT, NULL);
	const struct tw_record *records[2 * KEPT];
	struct tw_series_count series[SERIES] = {{0}}, zeros[SERIES] = {{0}};
	unsigned int n;

	assert_int_equal(tw_history_records(history, 0, records, KEPT), 0);
	assert_int_equal(tw_history_find(history, FIRST), 0);
	for (unsigned int i = 0; i < 12; i++)
		close_second(history, FIRST + i, i != 9);
	n = tw_history_records(history, 0, records, 2 * KEPT);
	assert_int_equal(n, KEPT); /* 7 to 11 */
	for (unsigned int i = 0; i < n; i++) {
		const struct tw_record *record = records[i];
		struct tw_second second = tw_record_second(record, series);

		assert_int_equal(record->sequence, 7 + i);
		assert_int_equal(record->kind, TW_RECORD_SECOND);
		assert_int_equal(record->n_series, 2);
		assert_int_equal(second.time, FIRST + 7 + i);
		assert_int_equal(second.exact, i != 2);
		assert_int_equal(second.n_losses, i == 2);
		assert_int_equal(second.loads[0].busy_cycles, 7 + i);
		assert_int_equal(second.series[3].bytes, 2 * (FIRST + 7 + i));
		assert_int_equal(second.series[7].active_flows, 1);
		tw_record_clear(record, series);
		assert_memory_equal(series, zeros, sizeof(zeros));
	}
	/* What a reader holds stays, whatever comes. */
	for (unsigned int i = 12; i < 30; i++)
		close_second(history, FIRST + i, true);
	assert_int_equal(records[0]->totals.rx.packets, FIRST + 7);
	tw_history_release(history, records, n);
	assert_int_equal(tw_history_find(history, FIRST + 27), 27);
	assert_int_equal(tw_history_find(history, 0), 25);
	assert_int_equal(tw_history_find(history, FIRST + 30), 30);
	assert_true(tw_history_goes_on(history, 29));
	assert_false(tw_history_goes_on(history, 30));
	tw_history_free(history);
}

static void test_sums(void **state)
{
	struct tw_history *history = tw_history_create(&view, KEPT, NULL);
	struct tw_sink *sink = tw_history_sink(history);
	struct tw_event event = {.type = TW_EVENT_TARGET_DARK, .time = FIRST + 2};
	struct tw_peer peer = {.asn = 7, .name = "Société", .packets = 1};
	struct tw_summary end = {.peers = &peer, .n_peers = 1};
	const struct tw_record *records[KEPT];
	struct tw_snapshot snapshot;
	struct tw_event events[4];

	for (unsigned int i = 0; i < 3; i++)
		close_second(history, FIRST + i, i == 0);
	sink->event(sink, &event);
	event.type = TW_EVENT_LOSS;
	event.target = TW_EVENT_NONE;
	sink->event(sink, &event);
	sink->gap(sink, FIRST + 3, FIRST + 90);
	sink->summary(sink, &end);
	assert_int_equal(tw_history_snapshot(history, &snapshot), 0);
	assert_int_equal(snapshot.summary.seconds, 3);
	assert_int_equal(snapshot.summary.inexact, 2);
	assert_false(snapshot.summary.exact);
	assert_int_equal(snapshot.summary.first, FIRST);
	assert_int_equal(snapshot.summary.last, FIRST + 2);
	assert_int_equal(snapshot.summary.totals.rx.packets, 3 * FIRST + 3);
	assert_int_equal(snapshot.series[3].packets, 3 * FIRST + 3);
	assert_int_equal(snapshot.series[3].active_flows, FIRST + 2); /* the newest, no sum */
	assert_int_equal(snapshot.summary.n_losses, 1);
	assert_int_equal(snapshot.losses[0].index, 2);
	assert_int_equal(snapshot.losses[0].packets, 14);
	assert_int_equal(snapshot.summary.n_peers, 1);
	assert_string_equal(snapshot.summary.peers[0].name, "Société");
	assert_int_equal(snapshot.events[TW_EVENT_TARGET_DARK][0], 1);
	assert_int_equal(snapshot.events[TW_EVENT_LOSS][TW_TARGET_MAX], 1);
	assert_int_equal(snapshot.n_records, 6);
	assert_true(snapshot.ended);
	tw_snapshot_free(&snapshot);
	assert_int_equal(tw_history_events(history, events, 4), 2);
	assert_int_equal(events[1].type, TW_EVENT_LOSS);
	assert_int_equal(tw_history_records(history, 3, records, KEPT), 3);
	assert_int_equal(records[0]->kind, TW_RECORD_EVENT);
	assert_int_equal(records[2]->kind, TW_RECORD_GAP);
	assert_int_equal(records[2]->gap, FIRST + 3);
	tw_history_release(history, records, 3);
	tw_history_free(history);
}

/* ---- links beside routes ---- */

enum {
	UPSTREAMS = 3,
	PAIRS = 2 * (1 + UPSTREAMS),
	SHARES = UPSTREAMS * 2,
};

static const struct tw_view routed = {.n_targets = 1,
	.n_upstreams = UPSTREAMS,
	.n_vias = 3,
	.n_series = SERIES,
	.pairs = {2, 1 + UPSTREAMS},
	.n_pairs = PAIRS};

static void close_routed(
	struct tw_history *history, uint64_t time, const struct tw_routes_view *routes)
{
	struct tw_series_count series[SERIES] = {{0}};
	struct tw_pair_count pairs[PAIRS] = {{0}};
	struct tw_second second = {
		.time = time, .exact = true, .series = series, .pairs = pairs, .routes = routes};

	series[5].packets = pairs[6].packets = time;
	pairs[6].bytes = 2 * time;
	assert_int_equal(tw_history_sink(history)->second(tw_history_sink(history), &second), 0);
}

static void test_pairs_and_routes(void **state)
{
	struct tw_history *history = tw_history_create(&routed, KEPT, NULL);
	struct tw_sink *sink = tw_history_sink(history);
	struct tw_route_share shares[SHARES] = {[0] = {3, 768}, [5] = {1, 4}};
	struct tw_routes_view routes = {.number = 1,
				      .since = 7,
				      .time = 5,
				      .n_peers = 4,
				      .shares = shares},
			      shown;
	struct tw_series_count *room = tw_record_room(&routed);
	const struct tw_record *records[KEPT];
	struct tw_snapshot snapshot;
	struct tw_second second;

	close_routed(history, FIRST, NULL);
	assert_int_equal(sink->routes(sink, &routes), 0);
	/* Not seen before a second has closed by them. */
	assert_int_equal(tw_history_snapshot(history, &snapshot), 0);
	assert_null(snapshot.summary.routes);
	assert_int_equal(snapshot.shares[0].prefixes, 0);
	assert_int_equal(snapshot.n_records, 1);
	tw_snapshot_free(&snapshot);

	close_routed(history, FIRST + 1, &routes);
	shares[0] = (struct tw_route_share){0, 0};
	shares[2] = (struct tw_route_share){9, 9};
	routes.number = 2;
	assert_int_equal(sink->routes(sink, &routes), 0);
	close_routed(history, FIRST + 2, &routes);
	memset(shares, 0xff, sizeof(shares)); /* what was shown is the history's own */
	assert_int_equal(tw_history_snapshot(history, &snapshot), 0);
	assert_int_equal(snapshot.summary.pairs[6].packets, 3 * FIRST + 3);
	assert_int_equal(snapshot.summary.pairs[6].bytes, 2 * (3 * FIRST + 3));
	assert_int_equal(snapshot.summary.routes->number, 2);
	assert_int_equal(snapshot.summary.routes->shares[0].prefixes, 0);
	assert_int_equal(snapshot.summary.routes->shares[2].addresses, 9);
	assert_int_equal(snapshot.summary.routes->shares[5].addresses, 4);
	tw_snapshot_free(&snapshot);

	assert_int_equal(tw_history_records(history, 0, records, KEPT), 5);
	assert_int_equal(records[1]->kind, TW_RECORD_ROUTES);
	assert_int_equal(records[1]->time, FIRST + 1);
	assert_int_equal(tw_history_find(history, FIRST + 1), 1); /* with its routes */
	shown = tw_record_routes(records[1], room);
	assert_int_equal(shown.number, 1);
	assert_int_equal(shown.since, 7);
	assert_int_equal(shown.n_peers, 4);
	assert_int_equal(tw_route_share(&shown, UPSTREAMS, 0, 0, 4)->addresses, 768);
	assert_int_equal(tw_route_share(&shown, UPSTREAMS, 0, 2, 6)->prefixes, 1);
	assert_int_equal(tw_route_share(&shown, UPSTREAMS, 0, 1, 4)->prefixes, 0);
	tw_record_clear(records[1], room);
	second = tw_record_second(records[0], room);
	assert_null(second.routes);
	assert_int_equal(second.pairs[6].bytes, 2 * FIRST);
	tw_record_clear(records[0], room);
	second = tw_record_second(records[4], room);
	assert_int_equal(second.routes->number, 2);
	assert_int_equal(second.series[5].packets, FIRST + 2);
	tw_record_clear(records[4], room);
	for (unsigned int i = 0; i < SERIES; i++)
		assert_int_equal(room[i].packets, 0);
	assert_int_equal(second.pairs[6].packets, 0);
	assert_int_equal(shown.shares[0].prefixes | shown.shares[5].prefixes, 0);
	tw_history_release(history, records, 5);
	free(room);
	tw_history_free(history);
}

static void test_routes_that_decide_nothing(void **state)
{
	struct tw_history *history = tw_history_create(&routed, KEPT, NULL);
	struct tw_route_share shares[SHARES] = {{0}};
	struct tw_routes_view routes = {.number = 1, .shares = shares};

	/* Shown twice, and never a second: nothing is kept, nothing lost. */
	assert_int_equal(tw_history_sink(history)->routes(tw_history_sink(history), &routes), 0);
	assert_int_equal(tw_history_sink(history)->routes(tw_history_sink(history), &routes), 0);
	assert_int_equal(tw_history_find(history, 0), 0);
	tw_history_free(history);
}

/* ---- readers beside the writer ---- */

static atomic_bool done;

/* What is read is always the state behind one second: the sum of all times up to the last. */
static void *read_on(void *arg)
{
	struct tw_history *history = arg;
	uintptr_t bad = 0;

	while (!atomic_load(&done)) {
		const struct tw_record *records[KEPT];
		struct tw_snapshot snapshot;
		unsigned int n = tw_history_records(history, 0, records, KEPT);
		uint64_t seconds, sum;

		for (unsigned int i = 0; i < n; i++)
			bad += records[i]->totals.rx.packets != records[i]->time ||
			       records[i]->series[0].count.bytes != 2 * records[i]->time;
		tw_history_release(history, records, n);
		if (tw_history_snapshot(history, &snapshot) != 0)
			continue;
		seconds = snapshot.summary.seconds;
		sum = seconds * FIRST + seconds * (seconds - 1) / 2;
		bad += seconds > 0 && (snapshot.summary.totals.rx.packets != sum ||
					      snapshot.series[3].bytes != 2 * sum);
		tw_snapshot_free(&snapshot);
	}
	return (void *)bad;
}

static void test_readers_see_whole_seconds(void **state)
{
	struct tw_history *history = tw_history_create(&view, KEPT, NULL);
	pthread_t readers[2];
	void *bad;

	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_on, history), 0);
	for (unsigned int i = 0; i < ROUNDS; i++)
		close_second(history, FIRST + i, true);
	atomic_store(&done, true);
	for (unsigned int i = 0; i < 2; i++) {
		pthread_join(readers[i], &bad);
		assert_null(bad);
	}
	tw_history_free(history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_latest_are_kept),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_pairs_and_routes),
		cmocka_unit_test(test_routes_that_decide_nothing),
		cmocka_unit_test(test_readers_see_whole_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
