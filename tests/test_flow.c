/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * lib/flow, case by case: the edges of time, full tables, the pace of removal, memory. Random
 * traffic is test_flow_random's part.
 */

#include "tw_test_flow.h"

/* ---- the edges of time ---- */

static void a_packet_at_the_timeout_continues_and_one_a_nanosecond_later_opens(void **state)
{
	static const uint32_t timeouts[] = {1, 2, 30, 3600};
	static const uint64_t offsets[] = {0, 1, NS / 2, NS - 1};

	for (unsigned int i = 0; i < 16; i++) {
		uint64_t timeout = timeouts[i / 4], time = START * NS + offsets[i % 4];

		make_table(16, (uint32_t)timeout);
		assert_int_equal(send_one(5, 0, time), 1);
		for (unsigned int gap = 0; gap < 4; gap++) {
			uint64_t next = time + timeout * NS + gap % 2;

			for (uint64_t second = time / NS; second < next / NS; second++)
				close_second(second);
			assert_int_equal(send_one(5, 0, next), gap % 2);
			time = next;
		}
		assert_int_equal(series[0].flows, 3);
		free_table();
	}
}

static void a_flow_is_active_at_the_timeout_and_not_a_second_later(void **state)
{
	static const uint32_t timeouts[] = {1, 2, 30, 3600};
	static const uint64_t offsets[] = {0, 1, NS / 2, NS - 1};

	for (unsigned int i = 0; i < 16; i++) {
		make_table(16, timeouts[i / 4]);
		assert_int_equal(send_one(7, 3, START * NS + offsets[i % 4]), 1);
		for (uint64_t second = START; second <= START + timeouts[i / 4]; second++) {
			close_second(second);
			/*
			 * Offset 0 is exactly as old as the timeout at the end of the last second
			 * but one.
			 */
			assert_int_equal(series[3].active_flows, second < START + timeouts[i / 4]);
			assert_int_equal(tw_flow_active(table), second < START + timeouts[i / 4]);
		}
		free_table();
	}
}

static void a_flow_that_moves_is_opened_where_it_was_and_active_where_it_is(void **state)
{
	make_table(16, 10);
	assert_int_equal(send_one(9, 1, START * NS), 1);
	assert_int_equal(send_one(9, 2, START * NS + 1), 0);
	close_second(START);
	assert_int_equal(series[1].flows, 1);
	assert_int_equal(series[2].flows, 0);
	assert_int_equal(series[1].active_flows, 0);
	assert_int_equal(series[2].active_flows, 1);
	assert_int_equal(send_one(9, 3, (START + 1) * NS), 0);
	close_second(START + 1);
	assert_int_equal(series[2].active_flows, 0);
	assert_int_equal(series[3].active_flows, 1);
	assert_int_equal(tw_flow_active(table), 1);
	free_table();
}

static void fragments_never_open_a_flow(void **state)
{
	make_table(16, 10);
	for (unsigned int i = 0; i < 100; i++) {
		tw_burst_reset(&burst, START);
		add_packet(i, 0, START * NS);
		burst.transport[0].flags = TW_PACKET_NO_FLOW;
		add_packet(3, 1, START * NS);
		add_packet(100 + i, 2, START * NS);
		burst.transport[2].flags = TW_PACKET_NO_FLOW;
		assert_int_equal(send_burst(), 0);
	}
	close_second(START);
	assert_int_equal(series[0].flows + series[2].flows, 0);
	assert_int_equal(series[0].active_flows + series[2].active_flows, 0);
	assert_int_equal(series[1].flows, 1);
	assert_int_equal(series[1].active_flows, 1);
	assert_int_equal(tw_flow_used(table), 1);
	free_table();
}

/* ---- full tables ---- */

static void what_finds_no_room_is_counted_packet_by_packet(void **state)
{
	make_table(10, 30);
	for (unsigned int turn = 0; turn < 3; turn++) {
		tw_burst_reset(&burst, START + turn);
		for (uint32_t id = 0; id < 64; id++)
			add_packet(id, id % 2, (START + turn) * NS);
		assert_int_equal(send_burst(), 54);
		close_second(START + turn);
		assert_int_equal(series[0].flows + series[1].flows, 10);
		assert_int_equal(series[0].active_flows + series[1].active_flows, 10);
	}
	assert_int_equal(tw_flow_used(table), 10);
	free_table();
}

static void dead_entries_make_room_at_once_in_a_full_table(void **state)
{
	make_table(1000, 1);
	for (uint32_t id = 0; id < 1000; id++)
		assert_int_equal(send_one(id, 0, START * NS), 1);
	assert_int_equal(send_one(1000, 0, START * NS), -1);
	close_second(START);
	/* In the second after, they may still continue: none is dead yet. */
	assert_int_equal(send_one(1000, 0, (START + 1) * NS), -1);
	close_second(START + 1);
	tw_burst_reset(&burst, START + 2);
	for (uint32_t id = 1000; id < 1064; id++)
		add_packet(id, 1, (START + 2) * NS);
	assert_int_equal(send_burst(), 0);
	assert_int_equal(series[1].flows, 64);
	free_table();
}

/* ---- the pace of removal, and memory ---- */

static void dead_entries_leave_a_few_a_burst(void **state)
{
	uint32_t used, bursts = 0;

	make_table(20000, 2);
	for (uint32_t id = 0; id < 20000; id++)
		assert_int_equal(send_one(id, 0, START * NS), 1);
	close_second(START);
	close_second(START + 1);
	close_second(START + 2);
	assert_int_equal(tw_flow_active(table), 0);
	used = tw_flow_used(table);
	assert_true(used >= 20000 - 3 * TW_BURST_MAX);
	while (used > 1) {
		uint32_t before = used;

		send_one(0, 0, (START + 100) * NS + bursts++);
		used = tw_flow_used(table);
		assert_true(used < before);
		assert_true(before - used <= TW_BURST_MAX);
	}
	assert_true(bursts > 20000 / TW_BURST_MAX - 4);
	assert_int_equal(series[0].flows, 20001);
	free_table();
}

/*
 * Live entries are not lost while dead ones among them are taken out, and their entries serve new
 * flows.
 */
static void entries_are_used_again_and_again(void **state)
{
	make_table(4000, 1);
	for (uint64_t second = START; second < START + 200; second++) {
		for (unsigned int b = 0; b < 20; b++) {
			tw_burst_reset(&burst, second);
			add_packet(1, 0, second * NS);
			for (unsigned int k = 0; k < 50; k++)
				add_packet(2 + (uint32_t)((second - START) * 1000 + b * 50 + k), 1,
					second * NS);
			assert_int_equal(send_burst(), 0);
		}
		memset(&series[2], 0, sizeof(series[2]));
		close_second(second);
		assert_int_equal(series[0].flows, 1);
		assert_int_equal(series[1].flows, 1000 * (second - START + 1));
		assert_int_equal(series[0].active_flows, 1);
		assert_int_equal(series[1].active_flows, 1000);
	}
	free_table();
}

static void memory_follows_from_the_configuration(void **state)
{
	static const uint32_t sizes[] = {1, 2, 1000, 262144, 1u << 26};
	static const uint32_t timeouts[] = {1, 30, 3600};

	for (unsigned int i = 0; i < 15; i++) {
		struct tw_flow_config c = {.max_flows = sizes[i / 3],
			.idle_timeout = timeouts[i % 3],
			.n_series = 1000};
		size_t entries = (size_t)c.max_flows * 64;
		size_t counters = (size_t)c.n_series * c.idle_timeout * 4;
		size_t size = tw_flow_size(&c);

		/*
		 * An entry a cache line, at most two chain heads each, a counter a series and
		 * second; little else.
		 */
		assert_true(size >= entries + counters);
		assert_true(size <= entries + (size_t)c.max_flows * 8 + counters + c.n_series * 8 +
					    8 * 3601 + 1024);
	}
}

/* So many that some of their hashes are equal, whatever the seed. */
static void a_million_flows_are_told_apart(void **state)
{
	const uint32_t n_flows = 1 << 20;

	make_table(n_flows, 1);
	for (unsigned int turn = 0; turn < 2; turn++)
		for (uint32_t id = 0; id < n_flows; id += TW_BURST_MAX) {
			tw_burst_reset(&burst, START + turn);
			for (uint32_t k = 0; k < TW_BURST_MAX; k++)
				add_packet(id + k, id % N_SERIES, (START + turn) * NS);
			assert_int_equal(send_burst(), 0);
			if (id + TW_BURST_MAX == n_flows)
				close_second(START + turn);
		}
	for (uint32_t s = 1; s < N_SERIES; s++)
		series[0].flows += series[s].flows;
	assert_int_equal(series[0].flows, n_flows);
	assert_int_equal(tw_flow_active(table), n_flows);
	free_table();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_packet_at_the_timeout_continues_and_one_a_nanosecond_later_opens),
		cmocka_unit_test(a_flow_is_active_at_the_timeout_and_not_a_second_later),
		cmocka_unit_test(a_flow_that_moves_is_opened_where_it_was_and_active_where_it_is),
		cmocka_unit_test(fragments_never_open_a_flow),
		cmocka_unit_test(what_finds_no_room_is_counted_packet_by_packet),
		cmocka_unit_test(dead_entries_make_room_at_once_in_a_full_table),
		cmocka_unit_test(dead_entries_leave_a_few_a_burst),
		cmocka_unit_test(entries_are_used_again_and_again),
		cmocka_unit_test(a_million_flows_are_told_apart),
		cmocka_unit_test(memory_follows_from_the_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
