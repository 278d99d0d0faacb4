/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * lib/report: the count stage, and the blocks' way from a worker to the aggregator and back.
 */

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_memory.h>

#include "tw_exchange.h"
#include "tw_report.h"
#include "tw_test_eal.h"

#define N_SERIES  12
#define N_ORIGINS 8

static uint64_t seed = 20171001;

/* splitmix64 */
static uint64_t below(uint64_t n)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % n;
}

static bool all_zero(const void *memory, size_t size)
{
	const uint8_t *octets = memory;

	while (size > 0 && octets[size - 1] == 0)
		size--;
	return size == 0;
}

static size_t block_size(void)
{
	return sizeof(struct tw_block) + N_SERIES * sizeof(struct tw_series_count);
}

/* ---- counting ---- */

static void totals_add_field_by_field(void **state)
{
	struct tw_totals a, b;
	uint64_t *x = (uint64_t *)&a, *y = (uint64_t *)&b;
	const size_t n = sizeof(a) / sizeof(uint64_t);

	for (size_t i = 0; i < n; i++) {
		x[i] = i;
		y[i] = (uint64_t)(i + 1) << 40;
	}
	tw_totals_add(&a, &b);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(x[i], i + ((uint64_t)(i + 1) << 40));
		assert_int_equal(y[i], (uint64_t)(i + 1) << 40);
	}
	assert_int_equal(b.rx.packets, UINT64_C(1) << 40);
	assert_int_equal(b.rx.malformed[0], UINT64_C(5) << 40);
	assert_int_equal(b.flow_overflow, (uint64_t)(n - TW_DROP_MAX) << 40);
	assert_int_equal(b.dropped[TW_DROP_MAX - 1], (uint64_t)n << 40);
}

/* A burst as source, parse, classify and attribute leave it, every number drawn. */
static void random_burst(struct tw_burst *burst)
{
	tw_burst_reset(burst, 7);
	burst->n = (uint16_t)below(TW_BURST_MAX + 1);
	for (unsigned int slot = 0; slot < burst->n; slot++) {
		unsigned int hits = (unsigned int)below(4);

		burst->bytes[slot] = (uint32_t)below(UINT64_C(1) << 32);
		if (hits == 3) {
			burst->n_internal++;
			continue;
		}
		burst->n_target += hits > 0;
		for (unsigned int h = 0; h < hits; h++)
			burst->hits[burst->n_hits++] = (struct tw_hit){.slot = (uint8_t)slot,
				.direction = (uint8_t)below(2),
				.series = (uint32_t)below(N_SERIES),
				.own = (uint32_t)below(N_ORIGINS),
				.peer = (uint32_t)below(N_ORIGINS)};
	}
	burst->rx.not_ip = below(5);
	for (unsigned int i = 0; i < TW_BAD_MAX; i++)
		burst->rx.malformed[i] = below(3);
	burst->n_far = (uint16_t)below(TW_BURST_MAX + 1 - burst->n);
	burst->rx.packets = burst->n + burst->n_far + burst->rx.not_ip;
	for (unsigned int i = 0; i < TW_BAD_MAX; i++)
		burst->rx.packets += burst->rx.malformed[i];
	burst->rx.bytes = burst->rx.packets * 64;
	burst->rx.late = below(4);
}

static void count_takes_all_that_a_burst_tells(void **state)
{
	struct tw_series_count expected[N_SERIES] = {{0}};
	struct tw_peer_count counted[N_ORIGINS][2] = {{{0}}}, peer[N_ORIGINS][2] = {{{0}}};
	struct tw_peers peers = {.n_origins = N_ORIGINS, .count = counted};
	struct tw_block *block = calloc(1, block_size());
	static struct tw_burst burst;
	struct tw_totals totals = {0};
	uint64_t classes;

	assert_non_null(block);
	for (unsigned int i = 0; i < 10000; i++) {
		random_burst(&burst);
		tw_count(block, &peers, &burst);

		totals.rx.packets += burst.rx.packets;
		totals.rx.bytes += burst.rx.bytes;
		totals.rx.not_ip += burst.rx.not_ip;
		totals.rx.late += burst.rx.late;
		for (unsigned int m = 0; m < TW_BAD_MAX; m++)
			totals.rx.malformed[m] += burst.rx.malformed[m];
		totals.target += burst.n_target;
		totals.internal += burst.n_internal;
		totals.other += burst.n_far + burst.n - burst.n_target - burst.n_internal;
		for (unsigned int h = 0; h < burst.n_hits; h++) {
			const struct tw_hit *hit = &burst.hits[h];

			expected[hit->series].packets++;
			expected[hit->series].bytes += burst.bytes[hit->slot];
			peer[hit->peer][hit->direction].packets++;
			peer[hit->peer][hit->direction].bytes += burst.bytes[hit->slot];
		}
	}
	assert_memory_equal(&block->totals, &totals, sizeof(totals));
	assert_memory_equal(block->series, expected, sizeof(expected));
	assert_memory_equal(counted, peer, sizeof(peer));

	/* Conservation: each packet received is of exactly one class. */
	classes = totals.target + totals.internal + totals.other + totals.rx.not_ip;
	for (unsigned int m = 0; m < TW_BAD_MAX; m++)
		classes += block->totals.rx.malformed[m];
	assert_int_equal(block->totals.rx.packets, classes);
	assert_int_equal(block->second, 0);
	free(block);
}

static void an_empty_burst_counts_nothing(void **state)
{
	struct tw_peer_count counted[N_ORIGINS][2] = {{{0}}};
	struct tw_peers peers = {.n_origins = N_ORIGINS, .count = counted};
	struct tw_block *block = calloc(1, block_size());
	static struct tw_burst burst;

	assert_non_null(block);
	memset(&burst, 0xff, sizeof(burst));
	tw_burst_reset(&burst, 1);
	tw_count(block, &peers, &burst);
	assert_true(all_zero(block, block_size()));
	assert_true(all_zero(counted, sizeof(counted)));
	free(block);
}

/* ---- the rings ---- */

static struct tw_report *make_report(unsigned int worker, unsigned int n_blocks)
{
	struct tw_diag diag = {0};
	struct tw_report *report = tw_report_create(&(struct tw_report_spec){.worker = worker,
							    .n_series = N_SERIES,
							    .n_blocks = n_blocks,
							    .socket = SOCKET_ID_ANY},
		&diag);

	tw_diag_print(&diag, stderr, "");
	assert_non_null(report);
	return report;
}

static void blocks_arrive_in_order_and_as_they_were_sent(void **state)
{
	struct tw_report *report = make_report(0, 4);

	assert_null(tw_report_receive(report));
	for (uint64_t second = 100; second < 104; second++) {
		struct tw_block *block = tw_report_take(report, second);

		assert_non_null(block);
		block->totals.target = second * 3;
		block->series[N_SERIES - 1].active_flows = second * 5;
		block->last = second == 103;
		tw_report_send(report, block);
	}
	for (uint64_t second = 100; second < 104; second++) {
		struct tw_block *block = tw_report_receive(report);

		assert_non_null(block);
		assert_int_equal(block->second, second);
		assert_int_equal(block->totals.target, second * 3);
		assert_int_equal(block->series[N_SERIES - 1].active_flows, second * 5);
		assert_int_equal(block->last, second == 103);
	}
	assert_null(tw_report_receive(report));
	tw_report_free(report);
}

static void a_worker_out_of_blocks_gets_none_until_one_returns(void **state)
{
	struct tw_block *blocks[5];
	struct tw_report *report = make_report(1, 5);

	for (unsigned int i = 0; i < 5; i++) {
		blocks[i] = tw_report_take(report, i);
		assert_non_null(blocks[i]);
		for (unsigned int k = 0; k < i; k++)
			assert_ptr_not_equal(blocks[i], blocks[k]);
	}
	assert_null(tw_report_take(report, 5));
	for (unsigned int i = 0; i < 5; i++)
		tw_report_send(report, blocks[i]);
	assert_null(tw_report_take(report, 5));
	tw_report_return(report, tw_report_receive(report));
	assert_ptr_equal(tw_report_take(report, 5), blocks[0]);
	assert_null(tw_report_take(report, 6));
	tw_report_free(report);
}

static void a_block_comes_back_zeroed(void **state)
{
	struct tw_report *report = make_report(2, 3);

	for (uint64_t second = 1; second < 50; second++) {
		struct tw_block *block = tw_report_take(report, second);

		assert_non_null(block);
		assert_int_equal(block->second, second);
		block->second = 0;
		assert_int_equal(block->n_series, N_SERIES);
		block->n_series = 0;
		assert_true(all_zero(block, block_size()));
		memset(block, 0xff, block_size());
		block->last = true;
		tw_report_send(report, block);
		assert_ptr_equal(tw_report_receive(report), block);
		tw_report_return(report, block);
	}
	tw_report_free(report);
}

static void workers_have_reports_of_their_own(void **state)
{
	struct tw_report *reports[64];

	for (unsigned int w = 0; w < 64; w++) {
		struct tw_block *block;

		reports[w] = make_report(w, 2);
		block = tw_report_take(reports[w], w);
		assert_non_null(block);
		tw_report_send(reports[w], block);
	}
	for (unsigned int w = 0; w < 64; w++) {
		struct tw_block *block = tw_report_receive(reports[w]);

		assert_non_null(block);
		assert_int_equal(block->second, w);
		assert_null(tw_report_receive(reports[w]));
	}
	for (unsigned int w = 0; w < 64; w++)
		tw_report_free(reports[w]);
	tw_report_free(NULL);
}

/* Names and memory serve again once a report is freed, and the memory is zeroed anew. */
static void what_is_freed_can_be_made_again(void **state)
{
	const uint32_t n_series = 20000;
	const size_t size = sizeof(struct tw_block) + n_series * sizeof(struct tw_series_count);

	for (unsigned int i = 0; i < 100; i++) {
		struct tw_report *report = tw_report_create(&(struct tw_report_spec){.worker = 9,
								    .n_series = n_series,
								    .n_blocks = 8,
								    .socket = SOCKET_ID_ANY},
			NULL);

		assert_non_null(report);
		for (unsigned int b = 0; b < 8; b++) {
			struct tw_block *block = tw_report_take(report, 0);

			assert_non_null(block);
			assert_int_equal(block->n_series, n_series);
			block->n_series = 0;
			assert_true(all_zero(block, size));
			memset(block, 0xff, size);
		}
		tw_report_free(report);
	}
}

static void too_little_memory_is_one_line_and_leaves_nothing_behind(void **state)
{
	for (unsigned int i = 0; i < 10; i++) {
		struct tw_diag diag = {0};

		assert_null(tw_report_create(&(struct tw_report_spec){.worker = 3,
						     .n_series = 1u << 20,
						     .n_blocks = 1024,
						     .socket = SOCKET_ID_ANY},
			&diag));
		assert_int_equal(diag.n_lines, 1);
		assert_non_null(strstr(diag.lines[0], "no memory"));
		assert_non_null(strstr(diag.lines[0], "3"));
		tw_diag_free(&diag);
	}
	tw_report_free(make_report(3, 8));
}

static void objects_lie_on_lines_of_their_own(void **state)
{
	struct tw_exchange *exchange = tw_exchange_create("test", 0, 3, 65, SOCKET_ID_ANY, NULL);
	uintptr_t last = 0;

	assert_non_null(exchange);
	for (unsigned int i = 0; i < 3; i++) {
		uint8_t *object = tw_exchange_take(exchange);

		assert_non_null(object);
		assert_int_equal((uintptr_t)object % 64, 0);
		assert_true(all_zero(object, 65));
		assert_true(last == 0 || (uintptr_t)object - last >= 128 ||
			    last - (uintptr_t)object >= 128);
		last = (uintptr_t)object;
	}
	assert_null(tw_exchange_take(exchange));
	tw_exchange_free(exchange);
	tw_exchange_free(NULL);
}

/* ---- two threads ---- */

enum {
	SENT = 50000
};

static void *worker_thread(void *arg)
{
	struct tw_report *report = arg;

	for (uint64_t second = 0; second < SENT; second++) {
		struct tw_block *block;

		while ((block = tw_report_take(report, second)) == NULL)
			sched_yield();
		/*
		 * A block that was not zeroed, or is still read, shows in the sum at the other end.
		 */
		for (unsigned int s = 0; s < N_SERIES; s++)
			block->series[s].packets += second + s;
		block->totals.other++;
		block->last = second == SENT - 1;
		tw_report_send(report, block);
	}
	return NULL;
}

static void two_threads_lose_nothing_and_see_whole_blocks(void **state)
{
	struct tw_report *report = make_report(4, 3);
	pthread_t thread;
	bool last = false;

	assert_int_equal(pthread_create(&thread, NULL, worker_thread, report), 0);
	for (uint64_t second = 0; second < SENT; second++) {
		struct tw_block *block;

		while ((block = tw_report_receive(report)) == NULL)
			sched_yield();
		assert_int_equal(block->second, second);
		assert_int_equal(block->totals.other, 1);
		for (unsigned int s = 0; s < N_SERIES; s++)
			assert_int_equal(block->series[s].packets, second + s);
		assert_false(last);
		last = block->last;
		tw_report_return(report, block);
	}
	assert_true(last);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_null(tw_report_receive(report));
	tw_report_free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(totals_add_field_by_field),
		cmocka_unit_test(count_takes_all_that_a_burst_tells),
		cmocka_unit_test(an_empty_burst_counts_nothing),
		cmocka_unit_test(blocks_arrive_in_order_and_as_they_were_sent),
		cmocka_unit_test(a_worker_out_of_blocks_gets_none_until_one_returns),
		cmocka_unit_test(a_block_comes_back_zeroed),
		cmocka_unit_test(workers_have_reports_of_their_own),
		cmocka_unit_test(what_is_freed_can_be_made_again),
		cmocka_unit_test(too_little_memory_is_one_line_and_leaves_nothing_behind),
		cmocka_unit_test(objects_lie_on_lines_of_their_own),
		cmocka_unit_test(two_threads_lose_nothing_and_see_whole_blocks),
	};
	int failed;

	if (tw_test_eal_init("64") != 0) {
		fprintf(stderr, "test_report: the EAL does not start\n");
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rte_eal_cleanup();
	return failed;
}
