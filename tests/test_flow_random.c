/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * lib/flow against a model that remembers of every flow its last packet's time and nothing else,
 * and asks every flow at the end of every second.
 */

#include "tw_test_flow.h"

#define N_FLOWS 2048

static struct {
	bool seen;
	uint64_t last;
	uint32_t series;
} model[N_FLOWS];
static uint64_t model_opened[N_SERIES];

/* Returns whether the packet opens its flow. */
static bool model_packet(uint32_t id, uint32_t to_series, uint64_t time)
{
	bool opens = !model[id].seen || time - model[id].last > config.idle_timeout * NS;

	model[id].seen = true;
	model[id].last = time;
	model[id].series = to_series;
	model_opened[to_series] += opens;
	return opens;
}

static void model_reset(void)
{
	memset(model, 0, sizeof(model));
	memset(model_opened, 0, sizeof(model_opened));
}

/* Closes the second in the table and compares what it counted, series by series. */
static void close_and_compare(uint64_t second)
{
	uint64_t active[N_SERIES] = {0}, all = 0, end = (second + 1) * NS;

	for (uint32_t id = 0; id < N_FLOWS; id++)
		if (model[id].seen && end - model[id].last <= config.idle_timeout * NS) {
			active[model[id].series]++;
			all++;
		}
	close_second(second);
	for (uint32_t s = 0; s < N_SERIES; s++) {
		assert_int_equal(series[s].flows, model_opened[s]);
		assert_int_equal(series[s].active_flows, active[s]);
		assert_int_equal(series[s].packets, 0);
		assert_int_equal(series[s].bytes, 0);
	}
	assert_int_equal(tw_flow_active(table), all);
	assert_true(tw_flow_used(table) >= all);
	memset(series, 0, sizeof(series));
	memset(model_opened, 0, sizeof(model_opened));
}

/* A time in the open second, not before `time`; where it can be, the edge of the flow's timeout. */
static uint64_t next_time(uint32_t id, uint64_t time, uint64_t second)
{
	uint64_t edge = model[id].last + config.idle_timeout * NS + below(2);
	uint64_t end = (second + 1) * NS;

	if (model[id].seen && edge >= time && edge < end && below(2) == 0)
		return edge;
	switch (below(8)) {
	case 0:
		return end - 1;
	case 1:
		return time + below(end - time);
	default:
		return time + below((end - time + 99) / 100);
	}
}

/*
 * Fills the burst with 1 to 64 packets of up to `n_flows` flows, in the table's burst and in the
 * model.
 */
static uint64_t random_burst(uint32_t n_flows, uint64_t second, uint64_t time)
{
	unsigned int n = 1 + (unsigned int)below(TW_BURST_MAX);

	tw_burst_reset(&burst, second);
	for (unsigned int i = 0; i < n; i++) {
		uint32_t id = (uint32_t)below(n_flows);
		/* Most flows keep to a series of their own; some packets move theirs. */
		uint32_t to = below(8) == 0 ? (uint32_t)below(N_SERIES) : id % N_SERIES;

		time = next_time(id, time, second);
		add_packet(id, to, time);
		model_packet(id, to, time);
		if (below(8) == 0) {
			add_other_side((to + 1) % N_SERIES);
			model_packet(id ^ 3, (to + 1) % N_SERIES, time);
		}
	}
	assert_int_equal(send_burst(), 0);
	return time;
}

/*
 * Flows come and go in `n_seconds` seconds of traffic; the table has as many entries as there are
 * flows.
 */
static void random_traffic(uint32_t idle_timeout, uint64_t start, unsigned int n_seconds)
{
	uint64_t second = start;

	model_reset();
	make_table(N_FLOWS, idle_timeout);
	for (unsigned int i = 0; i < n_seconds; i++) {
		uint32_t n_flows = below(2) == 0 ? N_FLOWS : 4 + (uint32_t)below(60);
		unsigned int bursts = (unsigned int)below(below(4) == 0 ? 100 : 10);
		uint64_t time = second * NS, next = second + 1;

		for (unsigned int b = 0; b < bursts; b++)
			time = random_burst(n_flows, second, time);
		close_and_compare(second);
		/* A silence: all its seconds are closed, or none once nothing is active. */
		if (below(8) == 0)
			next += below(below(2) == 0 ? 4 : 2 * (uint64_t)idle_timeout + 3);
		while (++second < next && tw_flow_active(table) > 0)
			close_and_compare(second);
		if (second < next && below(2) == 0)
			next += below(100000);
		second = next;
	}
	free_table();
}

static void random_traffic_is_counted_exactly(void **state)
{
	random_traffic(1, START, 2000);
	random_traffic(2, START, 2000);
	random_traffic(30, START, 500);
	random_traffic(3600, START, 40);
}

/* A capture whose clock starts in 1970. */
static void the_first_seconds_of_time_are_no_exception(void **state)
{
	for (unsigned int i = 0; i < 20; i++) {
		random_traffic(1, i % 3, 10);
		random_traffic(30, i % 3, 60);
		random_traffic(3600, i % 3, 4);
	}
}

/* Flows that a packet at `time` would continue, and those that some packet of its second would. */
static void count_alive(uint64_t time, uint32_t *alive, uint32_t *not_dead)
{
	*alive = *not_dead = 0;
	for (uint32_t id = 0; id < N_FLOWS; id++) {
		*alive += model[id].seen && time - model[id].last <= config.idle_timeout * NS;
		*not_dead +=
			model[id].seen && model[id].last / NS + config.idle_timeout >= time / NS;
	}
}

/* The model follows what the table took in; the table must have room wherever something is dead. */
static void random_packet_for_a_full_table(uint32_t n_flows, uint64_t time)
{
	uint32_t id = (uint32_t)below(n_flows), to = id % N_SERIES, alive, not_dead;
	bool tracked = model[id].seen && time - model[id].last <= config.idle_timeout * NS;
	int opened;

	count_alive(time, &alive, &not_dead);
	opened = send_one(id, to, time);
	if (tracked) {
		assert_int_equal(opened, 0);
	} else if (opened < 0) {
		assert_true(not_dead >= config.max_flows);
		return;
	} else {
		assert_int_equal(opened, 1);
		assert_true(alive < config.max_flows);
	}
	model_packet(id, to, time);
}

static void random_traffic_in_full_tables_stays_consistent(void **state)
{
	static const uint32_t sizes[] = {1, 2, 3, 17, 64, 100};

	for (unsigned int i = 0; i < 24; i++) {
		uint64_t second = START;

		model_reset();
		make_table(sizes[i % 6], 1 + i / 6);
		for (unsigned int step = 0; step < 40; step++, second++) {
			unsigned int packets = (unsigned int)below(60);
			uint32_t n_flows = 1 + (uint32_t)below(3 * config.max_flows);

			for (unsigned int p = 0; p < packets; p++)
				random_packet_for_a_full_table(
					n_flows, second * NS + p * (NS / 60));
			close_and_compare(second);
		}
		free_table();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_traffic_is_counted_exactly),
		cmocka_unit_test(the_first_seconds_of_time_are_no_exception),
		cmocka_unit_test(random_traffic_in_full_tables_stays_consistent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
