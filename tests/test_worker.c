/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A worker whose blocks the aggregator takes, reads and gives back at once: before tw_report_send() returns, as it may
 * where the worker's core goes to others at that moment.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <rte_memory.h>

#include "tw_test_eal.h"
#include "worker.h"

enum {
	FIRST = 1506848871,
	N_SECONDS = 20,
	SILENT_FROM = 5, /* of them no packet comes in these */
	SILENT_TO = 8,
	IDLE_TIMEOUT = 30,
};

static uint64_t told[4 * N_SECONDS];
static unsigned int n_told;
static uint64_t packets;
static bool last;

/* The names are the linker's. NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void __real_tw_report_send(struct tw_report *report, struct tw_block *block);
void __wrap_tw_report_send(struct tw_report *report, struct tw_block *block);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

void __wrap_tw_report_send(struct tw_report *report, struct tw_block *block)
{
	struct tw_block *received;

	__real_tw_report_send(report, block);
	received = tw_report_receive(report);
	assert_ptr_equal(received, block);
	assert_true(n_told < RTE_DIM(told));
	told[n_told++] = received->second;
	packets += received->totals.target;
	last = received->last;
	tw_report_return(report, received);
}

/* A packet of one flow to the target in each second that is not silent. */
static void fill(struct tw_source *source, struct tw_burst *burst)
{
	struct tw_packet packet = {.version = 4,
		.bytes = 100,
		.ip4 = {0x08080808, 0xaf2db001},
		.transport = {.protocol = 6}};
	uint64_t i = source->n_frames++;

	if (i == SILENT_FROM) {
		i = SILENT_TO;
		source->n_frames = i + 1;
	}
	tw_burst_reset(burst, FIRST + i);
	burst->end = i == N_SECONDS - 1;
	burst->rx.packets = 1;
	tw_burst_append(burst, &packet, (FIRST + i) * TW_NS_PER_SECOND);
}

static struct tw_rules *make_rules(void)
{
	static const struct tw_prefix prefix = {
		.addr = {.family = 4, .bytes = {175, 45, 176, 0}}, .length = 22};
	static const struct tw_target target = {.name = "KP", .prefixes = &prefix, .n_prefixes = 1};
	static const struct tw_table_spec table = {.targets = &target, .n_targets = 1};
	static const struct tw_link_spec links = {0};
	struct tw_rules *rules = tw_rules_create(tw_table_load(&table, SOCKET_ID_ANY, NULL),
		tw_link_map_create(&links, NULL), 1, NULL);

	assert_non_null(rules);
	return rules;
}

static void test_each_second_is_told_once_whenever_blocks_come_back(void **state)
{
	struct tw_rules *rules = make_rules();
	struct tw_rules_slot slot = {.published = rules};
	struct tw_source source = {.fill = fill};
	const struct tw_worker_spec spec = {.slot = &slot,
		.source = &source,
		.flows = {.max_flows = 64, .idle_timeout = IDLE_TIMEOUT, .n_series = 4}};
	struct tw_worker *worker = tw_worker_create(&spec, 0, NULL);

	(void)state;
	assert_non_null(worker);
	assert_int_equal(tw_worker_run(worker), 0);
	for (unsigned int i = 0; i < n_told; i++)
		assert_int_equal(told[i], FIRST + i);
	assert_int_equal(n_told, N_SECONDS);
	assert_int_equal(packets, N_SECONDS - (SILENT_TO - SILENT_FROM));
	assert_true(last);
	tw_worker_free(worker);
	tw_rules_free(rules);
}

static int set_up(void **state)
{
	(void)state;
	return tw_test_eal_init("256");
}

static int tear_down(void **state)
{
	(void)state;
	return rte_eal_cleanup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_second_is_told_once_whenever_blocks_come_back),
	};

	return cmocka_run_group_tests_name("worker", tests, set_up, tear_down);
}
