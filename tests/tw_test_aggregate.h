/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEST_AGGREGATE_H
#define TW_TEST_AGGREGATE_H

/*
 * An aggregator whose sink writes down all that it is shown as text: a line for each call, with
 * every counter that is not zero.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <rte_memory.h>

#include "tw_aggregate.h"
#include "tw_test_eal.h"

#define N_SERIES 12

static const struct tw_upstream upstreams[] = {{4837, "China Unicom"}, {20485, "TransTeleCom"}};
static const struct tw_via vias[] = {
	{TW_UPSTREAM_UNKNOWN, TW_METHOD_NONE}, {0, TW_METHOD_VLAN}, {1, TW_METHOD_VLAN}};
static const struct tw_view view = {.n_targets = 1,
	.upstreams = upstreams,
	.n_upstreams = 2,
	.vias = vias,
	.n_vias = 3,
	.n_series = N_SERIES,
	.version = "test",
	.n_ports = 3};
static struct tw_table *table;

/* ---- a sink that writes down what it is shown ---- */

struct recorder {
	struct tw_sink sink;
	FILE *out;
	char *text;
	size_t size;
	unsigned int calls;
	unsigned int fail_call; /* the call that fails, from 1; 0: none */
	int fail_with;
};

static inline int recorded(struct recorder *recorder)
{
	assert_true(recorder->fail_call == 0 || recorder->calls < recorder->fail_call);
	return ++recorder->calls == recorder->fail_call ? recorder->fail_with : 0;
}

static inline void write_counts(
	FILE *out, const struct tw_totals *totals, const struct tw_series_count *series)
{
	const uint64_t *words = (const uint64_t *)totals;

	for (size_t i = 0; i < sizeof(*totals) / sizeof(*words); i++)
		if (words[i] != 0)
			fprintf(out, " t%zu=%lu", i, words[i]);
	for (unsigned int s = 0; s < N_SERIES; s++)
		if (series[s].packets | series[s].bytes | series[s].flows | series[s].active_flows)
			fprintf(out, " s%u=%lu/%lu/%lu/%lu", s, series[s].packets, series[s].bytes,
				series[s].flows, series[s].active_flows);
	fprintf(out, "\n");
}

static inline void write_losses(FILE *out, const struct tw_loss *losses, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		fprintf(out, " %s@%u=%lu", tw_drop_name(losses[i].cause), losses[i].index,
			losses[i].packets);
}

static inline int record_start(struct tw_sink *sink, const struct tw_view *shown)
{
	struct recorder *recorder = (struct recorder *)sink;

	assert_ptr_equal(shown, &view);
	fprintf(recorder->out, "start\n");
	return recorded(recorder);
}

static inline int record_second(struct tw_sink *sink, const struct tw_second *second)
{
	struct recorder *recorder = (struct recorder *)sink;

	fprintf(recorder->out, "%lu%s", second->time, second->exact ? "" : " inexact");
	write_losses(recorder->out, second->losses, second->n_losses);
	write_counts(recorder->out, &second->totals, second->series);
	return recorded(recorder);
}

static inline int record_gap(struct tw_sink *sink, uint64_t first, uint64_t last)
{
	struct recorder *recorder = (struct recorder *)sink;

	fprintf(recorder->out, "gap %lu %lu\n", first, last);
	return recorded(recorder);
}

static inline int record_summary(struct tw_sink *sink, const struct tw_summary *summary)
{
	struct recorder *recorder = (struct recorder *)sink;

	fprintf(recorder->out, "summary %lu %lu %lu-%lu %d", summary->seconds, summary->inexact,
		summary->first, summary->last, summary->exact);
	write_losses(recorder->out, summary->losses, summary->n_losses);
	write_counts(recorder->out, &summary->totals, summary->series);
	assert_int_equal(summary->n_peers, 0);
	return recorded(recorder);
}

static inline void recorder_open(struct recorder *recorder)
{
	*recorder = (struct recorder){.sink = {.start = record_start,
					      .second = record_second,
					      .gap = record_gap,
					      .summary = record_summary}};
	recorder->out = open_memstream(&recorder->text, &recorder->size);
	assert_non_null(recorder->out);
}

static inline const char *recorder_text(struct recorder *recorder)
{
	fflush(recorder->out);
	return recorder->text;
}

static inline void recorder_close(struct recorder *recorder)
{
	fclose(recorder->out);
	free(recorder->text);
}

/* ---- one run with one recorder ---- */

static struct recorder recorder;
static struct tw_aggregate *aggregate;

static inline struct tw_aggregate *make(
	unsigned int n_workers, struct tw_sink *const *sinks, unsigned int n_sinks)
{
	struct tw_diag diag = {0};
	struct tw_aggregate *made = tw_aggregate_create(&view, n_workers, sinks, n_sinks, &diag);

	assert_non_null(made);
	assert_int_equal(diag.n_lines, 0);
	return made;
}

static inline void begin(unsigned int n_workers)
{
	struct tw_sink *sink = &recorder.sink;

	recorder_open(&recorder);
	aggregate = make(n_workers, &sink, 1);
}

static inline void end(void)
{
	tw_aggregate_free(aggregate);
	recorder_close(&recorder);
}

static inline void finish(void)
{
	static struct tw_peer_count counted[1][2];
	const struct tw_peers none = {.n_origins = 0, .count = counted};
	const struct tw_peers *peers = &none;

	assert_int_equal(tw_aggregate_finish(aggregate, table, &peers, 0), 0);
}

/* What main() needs around the tests: the EAL, and a table of nothing for the summary. */
static inline int set_up(void **state)
{
	const struct tw_table_spec nothing = {0};

	if (tw_test_eal_init("512") != 0)
		return -1;
	table = tw_table_load(&nothing, SOCKET_ID_ANY, NULL);
	return table == NULL ? -1 : 0;
}

static inline int tear_down(void **state)
{
	tw_table_free(table);
	return rte_eal_cleanup();
}

#endif
