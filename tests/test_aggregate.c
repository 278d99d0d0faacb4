/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * lib/aggregate, case by case: when seconds close, silences, the summary, sinks that fail. Random
 * runs are test_aggregate_random's part, the ranking of peers test_peers'.
 */

#include "tw_test_aggregate.h"

/* A block in which every packet is of series 1. */
static struct tw_block *block_of(
	uint64_t second, uint64_t packets, uint64_t active_flows, bool last)
{
	static struct {
		struct tw_block block;
		struct tw_series_count series[N_SERIES];
	} made;

	memset(&made, 0, sizeof(made));
	made.block.second = second;
	made.block.last = last;
	made.block.totals.target = packets;
	made.block.series[1].packets = packets;
	made.block.series[1].active_flows = active_flows;
	return &made.block;
}

static void hand_in(unsigned int worker, uint64_t second, uint64_t packets, uint64_t active_flows)
{
	assert_int_equal(tw_aggregate_block(
				 aggregate, worker, block_of(second, packets, active_flows, false)),
		0);
}

static void hand_in_last(
	unsigned int worker, uint64_t second, uint64_t packets, uint64_t active_flows)
{
	assert_int_equal(tw_aggregate_block(
				 aggregate, worker, block_of(second, packets, active_flows, true)),
		0);
}

static void expect_text(const char *expected)
{
	assert_string_equal(recorder_text(&recorder), expected);
}

/* The position of `target` among the words of tw_totals. */
#define TARGET "t15"
_Static_assert(
	offsetof(struct tw_totals, target) == 15 * sizeof(uint64_t), "as the texts below have it");

static void a_second_closes_when_every_worker_has_passed_it(void **state)
{
	begin(3);
	hand_in(0, 100, 1, 0);
	hand_in(0, 101, 2, 0);
	hand_in(0, 102, 4, 0);
	hand_in(1, 101, 8, 0);
	expect_text("start\n");
	hand_in(2, 100, 16, 0);
	expect_text("start\n100 " TARGET "=17 s1=17/0/0/0\n");
	assert_int_equal(tw_aggregate_seconds(aggregate), 1);
	/* Worker 2 skips 101: it has passed it all the same. */
	hand_in(2, 102, 32, 0);
	expect_text("start\n100 " TARGET "=17 s1=17/0/0/0\n101 " TARGET "=10 s1=10/0/0/0\n");
	/* The last block of worker 1 lets the others alone decide. */
	hand_in_last(1, 102, 64, 0);
	assert_int_equal(tw_aggregate_seconds(aggregate), 3);
	hand_in(0, 105, 1, 0);
	assert_int_equal(tw_aggregate_seconds(aggregate), 3);
	hand_in_last(2, 103, 1, 0);
	/* 103 of worker 2, then two of silence up to 105. */
	hand_in_last(0, 106, 1, 0);
	expect_text(
		"start\n100 " TARGET "=17 s1=17/0/0/0\n101 " TARGET "=10 s1=10/0/0/0\n102 " TARGET
		"=100 s1=100/0/0/0\n103 " TARGET "=1 s1=1/0/0/0\n104\n105 " TARGET
		"=1 s1=1/0/0/0\n106 " TARGET "=1 s1=1/0/0/0\n");
	end();
}

static void one_worker_closes_each_second_at_once(void **state)
{
	begin(1);
	for (uint64_t second = 5; second < 10; second++) {
		hand_in(0, second, 1, 0);
		assert_int_equal(tw_aggregate_seconds(aggregate), second - 4);
	}
	end();
}

static void silences_are_zeros_and_only_between_seconds_with_packets(void **state)
{
	begin(2);
	hand_in(0, 100, 1, 0);
	hand_in(1, 100, 1, 0);
	hand_in(0, 103, 1, 0);
	/* Worker 1 may still come with 101. */
	assert_int_equal(tw_aggregate_seconds(aggregate), 1);
	hand_in_last(1, 104, 0, 0);
	hand_in_last(0, 104, 1, 0);
	finish();
	expect_text("start\n100 " TARGET "=2 s1=2/0/0/0\n101\n102\n103 " TARGET
		    "=1 s1=1/0/0/0\n104 " TARGET "=1 s1=1/0/0/0\nsummary 5 0 100-104 1 " TARGET
		    "=4 s1=4/0/0/0\n");
	end();
}

static void a_silence_of_more_than_a_day_is_one_gap(void **state)
{
	begin(1);
	hand_in(0, 1000, 1, 0);
	hand_in_last(0, 1000 + TW_GAP_MAX + 2, 1, 0);
	finish();
	expect_text("start\n1000 " TARGET "=1 s1=1/0/0/0\ngap 1001 87401\n87402 " TARGET
		    "=1 s1=1/0/0/0\nsummary 2 0 1000-87402 1 " TARGET "=2 s1=2/0/0/0\n");
	end();
}

static void a_silence_of_a_day_is_zeros(void **state)
{
	begin(1);
	hand_in(0, 1000, 1, 0);
	hand_in_last(0, 1000 + TW_GAP_MAX + 1, 1, 0);
	assert_int_equal(tw_aggregate_seconds(aggregate), TW_GAP_MAX + 2);
	assert_null(strstr(recorder_text(&recorder), "gap"));
	end();
}

static void active_flows_of_the_summary_are_the_last_seconds(void **state)
{
	begin(2);
	hand_in(0, 100, 1, 50);
	hand_in(1, 100, 1, 50);
	hand_in(0, 101, 1, 7);
	hand_in(1, 101, 1, 4);
	hand_in_last(0, 103, 1, 2);
	hand_in_last(1, 103, 1, 3);
	finish();
	expect_text("start\n100 " TARGET "=2 s1=2/0/0/100\n101 " TARGET
		    "=2 s1=2/0/0/11\n102\n103 " TARGET
		    "=2 s1=2/0/0/5\nsummary 4 0 100-103 1 " TARGET "=6 s1=6/0/0/5\n");
	end();
}

static void a_run_without_blocks_has_a_summary_of_nothing(void **state)
{
	begin(2);
	finish();
	expect_text("start\nsummary 0 0 0-0 1\n");
	end();
}

static void upstreams_have_asns_and_names(void **state)
{
	assert_int_equal(tw_view_asn(&view, 0), 0);
	assert_string_equal(tw_view_name(&view, 0), "unknown");
	assert_int_equal(tw_view_asn(&view, 2), 20485);
	assert_string_equal(tw_view_name(&view, 2), "TransTeleCom");
}

/* ---- sinks that fail ---- */

/*
 * Calls of a run of two seconds, a gap between them: start 1, second 2, gap 3, second 4, summary 5.
 */
static int run_with_failures(unsigned int call_a, unsigned int call_b, unsigned int *calls)
{
	struct tw_sink nothing = {0};
	struct recorder recorders[3];
	struct tw_sink *sinks[] = {
		&recorders[0].sink, &nothing, &recorders[1].sink, &recorders[2].sink};
	static struct tw_peer_count counted[1][2];
	const struct tw_peers none = {.n_origins = 0, .count = counted};
	const struct tw_peers *peers = &none;
	int err;

	for (unsigned int i = 0; i < 3; i++)
		recorder_open(&recorders[i]);
	recorders[0].fail_call = call_a, recorders[0].fail_with = -EIO;
	recorders[2].fail_call = call_b, recorders[2].fail_with = -ENOSPC;
	aggregate = make(1, sinks, 4);
	hand_in(0, 1, 1, 0);
	hand_in_last(0, 1000000, 1, 0);
	err = tw_aggregate_finish(aggregate, table, &peers, 0);
	tw_aggregate_free(aggregate);
	assert_int_equal(recorders[1].calls, 5);
	calls[0] = recorders[0].calls;
	calls[1] = recorders[2].calls;
	for (unsigned int i = 0; i < 3; i++)
		recorder_close(&recorders[i]);
	return err;
}

static void a_failing_sink_stops_alone_and_the_first_error_is_returned(void **state)
{
	unsigned int calls[2];

	assert_int_equal(run_with_failures(0, 0, calls), 0);
	assert_int_equal(calls[0], 5);
	assert_int_equal(calls[1], 5);
	for (unsigned int a = 1; a <= 5; a++)
		for (unsigned int b = 0; b <= 5; b++) {
			assert_int_equal(
				run_with_failures(a, b, calls), b != 0 && b < a ? -ENOSPC : -EIO);
			assert_int_equal(calls[0], a);
			assert_int_equal(calls[1], b == 0 ? 5 : b);
		}
}

static void a_loss_makes_its_second_inexact(void **state)
{
	struct tw_block *block = calloc(1, sizeof(*block) + N_SERIES * sizeof(*block->series));

	begin(2);
	block->second = 100;
	block->totals.dropped[TW_DROP_REPORT_FULL] = 7;
	assert_int_equal(tw_aggregate_port_loss(aggregate, 100, 2, TW_DROP_IMISSED, 5), 0);
	assert_int_equal(tw_aggregate_port_loss(aggregate, 102, 0, TW_DROP_NOMBUF, 1), 0);
	assert_int_equal(tw_aggregate_block(aggregate, 0, block), 0);
	assert_int_equal(tw_aggregate_block(aggregate, 1, block), 0);
	hand_in(0, 101, 1, 0);
	hand_in(1, 101, 1, 0);
	memset(&block->totals, 0, sizeof(block->totals));
	block->second = 103;
	block->inexact = true;
	assert_int_equal(tw_aggregate_block(aggregate, 0, block), 0);
	hand_in(1, 103, 1, 0);
	/* told too late: 103 is closed */
	assert_int_equal(tw_aggregate_port_loss(aggregate, 103, 0, TW_DROP_IERRORS, 3), 0);
	hand_in_last(0, 104, 1, 0);
	hand_in_last(1, 104, 1, 0);
	finish();
	expect_text("start\n"
		    "100 inexact imissed@2=5 report_full@0=7 report_full@1=7 t19=5 t23=14\n"
		    "101 " TARGET "=2 s1=2/0/0/0\n"
		    "102 inexact rx_nombuf@0=1 t21=1\n"
		    "103 inexact " TARGET "=1 s1=1/0/0/0\n"
		    "104 inexact ierrors@0=3 " TARGET "=2 t20=3 s1=2/0/0/0\n"
		    "summary 5 4 100-104 0 imissed@2=5 ierrors@0=3 rx_nombuf@0=1 report_full@0=7 "
		    "report_full@1=7 " TARGET "=5 t19=5 t20=3 t21=1 t23=14 s1=5/0/0/0\n");
	free(block);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loss_makes_its_second_inexact),
		cmocka_unit_test(a_second_closes_when_every_worker_has_passed_it),
		cmocka_unit_test(one_worker_closes_each_second_at_once),
		cmocka_unit_test(silences_are_zeros_and_only_between_seconds_with_packets),
		cmocka_unit_test(a_silence_of_more_than_a_day_is_one_gap),
		cmocka_unit_test(a_silence_of_a_day_is_zeros),
		cmocka_unit_test(active_flows_of_the_summary_are_the_last_seconds),
		cmocka_unit_test(a_run_without_blocks_has_a_summary_of_nothing),
		cmocka_unit_test(upstreams_have_asns_and_names),
		cmocka_unit_test(a_failing_sink_stops_alone_and_the_first_error_is_returned),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
