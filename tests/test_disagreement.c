/* SPDX-License-Identifier: BSD-3-Clause */

/* Events of links beside routes: disagreement comes and goes, and what routes do not know leads nobody. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tw_events.h"

enum {
	A,
	B,
	FOUND,
	OTHER,
	DIRECT,
	FOREIGN,
	AMBIGUOUS,
	N_UPSTREAMS,
	N_VIAS = 1 + N_UPSTREAMS,
	N_SERIES = 2 * N_VIAS * 4,
	N_PAIRS = 2 * 2 * (1 + N_UPSTREAMS),
	MOST = 64,
};

static const struct tw_target targets[] = {{.name = "KP"}, {.name = "CU"}};
static const struct tw_upstream upstreams[N_UPSTREAMS] = {{4837, "A", TW_UPSTREAM_CONFIGURED},
	{20485, "B", TW_UPSTREAM_CONFIGURED}, {174, "C", TW_UPSTREAM_FOUND},
	{0, "other", TW_UPSTREAM_OTHER}, {0, "direct", TW_UPSTREAM_DIRECT},
	{0, "foreign", TW_UPSTREAM_FOREIGN}, {0, "ambiguous", TW_UPSTREAM_AMBIGUOUS}};
static const struct tw_via vias[N_VIAS] = {{TW_UPSTREAM_UNKNOWN, TW_METHOD_NONE},
	{A, TW_METHOD_RIB}, {B, TW_METHOD_RIB}, {FOUND, TW_METHOD_RIB}, {OTHER, TW_METHOD_RIB},
	{DIRECT, TW_METHOD_RIB}, {FOREIGN, TW_METHOD_RIB}, {AMBIGUOUS, TW_METHOD_RIB}};
static const struct tw_view view = {.targets = targets,
	.n_targets = 2,
	.upstreams = upstreams,
	.n_upstreams = N_UPSTREAMS,
	.vias = vias,
	.n_vias = N_VIAS,
	.n_series = N_SERIES,
	.pairs = {2, 1 + N_UPSTREAMS},
	.n_pairs = N_PAIRS};

/* One run of seconds, from 0, and all that it fired. */
static struct run {
	struct tw_events *events;
	uint64_t time;
	bool inexact;
	struct tw_event fired[MOST];
	unsigned int n;
	/* The second in the making. */
	struct tw_series_count series[N_SERIES];
	struct tw_pair_count pairs[N_PAIRS];
} run;

static void start(void)
{
	struct tw_event_rules rules;

	tw_event_rules_default(&rules);
	memset(&run, 0, sizeof(run));
	run.events = tw_events_create(&view, &rules);
	assert_non_null(run.events);
}

/* Packets of 100 octets whose link says `observed`; the route `expected`, or 0 for none. */
static void pair(
	unsigned int target, unsigned int observed, unsigned int expected, uint64_t packets)
{
	struct tw_pair_count *count =
		&run.pairs[tw_pair_index(&view.pairs, target, observed, expected)];

	count->packets += packets;
	count->bytes += 100 * packets;
}

static void traffic(unsigned int via, uint64_t packets)
{
	struct tw_series_count *count = &run.series[tw_series_index(N_VIAS, 0, via, TW_DIR_TO, 4)];

	count->packets += packets;
	count->bytes += 100 * packets;
}

/* So many seconds like the one in the making, which is then made anew. */
static void seconds(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct tw_second second = {.time = run.time++,
			.exact = !run.inexact,
			.series = run.series,
			.pairs = run.pairs};
		const struct tw_event *fired;
		unsigned int n_fired = tw_events_second(run.events, &second, &fired);

		assert_true(run.n + n_fired <= MOST);
		if (n_fired > 0)
			memcpy(&run.fired[run.n], fired, n_fired * sizeof(*fired));
		run.n += n_fired;
	}
	memset(run.series, 0, sizeof(run.series));
	memset(run.pairs, 0, sizeof(run.pairs));
}

static const struct tw_event *expect(
	unsigned int n, enum tw_event_type type, uint64_t since, uint64_t time)
{
	const struct tw_event *event = &run.fired[n];

	assert_true(run.n > n);
	assert_string_equal(tw_event_name(event->type), tw_event_name(type));
	assert_int_equal(event->since, since);
	assert_int_equal(event->time, time);
	return event;
}

static void end(unsigned int n)
{
	if (run.n > n)
		print_error("%s at %lu since %lu\n", tw_event_name(run.fired[n].type),
			run.fired[n].time, run.fired[n].since);
	assert_int_equal(run.n, n);
	tw_events_free(run.events);
}

static void test_told_when_it_comes(void **state)
{
	const struct tw_event *event;

	start();
	pair(1, A, 1 + A, 10);
	seconds(100);
	run.inexact = true;
	pair(1, A, 1 + A, 8);
	pair(1, A, 1 + FOUND, 4);
	pair(1, B, 1 + A, 3);
	pair(1, B, 1 + DIRECT, 1);
	seconds(100); /* once */
	event = expect(1, TW_EVENT_DISAGREEMENT, 100, 101);
	assert_int_equal(event->target, 1);
	assert_int_equal(event->upstream, A);
	assert_int_equal(event->other, FOUND);
	assert_int_equal(event->packets, 16);
	assert_int_equal(event->bytes, 1600);
	assert_float_equal(event->share, 16.0 / (8 * 10 + 16 + 16), 0.0001); /* of ten seconds */
	assert_false(event->exact);
	expect(0, TW_EVENT_LOSS, 100, 100);
	end(2);
}

static void test_told_at_the_start(void **state)
{
	start();
	pair(0, A, 1 + B, 5);
	seconds(100);
	assert_int_equal(expect(0, TW_EVENT_DISAGREEMENT, 0, 1)->target, 0);
	assert_float_equal(run.fired[0].share, 1, 0.0001);
	end(1);
}

static void test_too_little_is_not_told(void **state)
{
	start();
	pair(0, A, 1 + A, 100);
	seconds(20);
	pair(0, A, 1 + A, 100);
	pair(0, A, 1 + B, 9); /* one less than the evidence */
	seconds(1);
	pair(0, A, 1 + A, 100);
	seconds(20);
	end(0);

	start();
	pair(0, A, 1 + A, 97);
	pair(0, A, 1 + B, 3); /* less than 5% */
	seconds(500);
	end(0);

	start(); /* what is no verdict */
	pair(0, A, 0, 100);
	pair(0, A, 1 + AMBIGUOUS, 100);
	pair(0, B, 1 + FOREIGN, 100);
	seconds(500);
	end(0);

	start(); /* enough by share only when nothing of it comes any more */
	pair(0, A, 1 + A, 1000);
	seconds(1);
	pair(0, A, 1 + A, 10);
	pair(0, A, 1 + B, 10);
	seconds(1);
	pair(0, A, 1 + A, 1);
	seconds(20);
	end(0);

	start(); /* nor does it hide one */
	pair(0, A, 0, 1000);
	pair(0, A, 1 + AMBIGUOUS, 1000);
	pair(0, A, 1 + A, 9);
	pair(0, A, 1 + OTHER, 1);
	seconds(10);
	assert_float_equal(expect(0, TW_EVENT_DISAGREEMENT, 0, 9)->share, 0.1, 0.0001);
	assert_int_equal(run.fired[0].other, OTHER);
	end(1);
}

/* It is told again once it was gone, by the rule of silence; and whom the new evidence names. */
static void test_told_anew_after_a_silence(void **state)
{
	const struct tw_event *event;

	start();
	pair(0, A, 1 + B, 40);
	pair(0, A, 1 + A, 10);
	seconds(60);
	pair(0, A, 1 + A, 10);
	seconds(9); /* one less than a silence */
	pair(0, A, 1 + B, 10);
	pair(0, A, 1 + A, 10);
	seconds(60);
	seconds(250); /* nothing to compare: no silence of it */
	pair(0, A, 0, 10);
	seconds(250);
	pair(0, A, 1 + B, 10);
	seconds(1);
	pair(0, A, 1 + A, 10);
	seconds(10);
	pair(0, B, 1 + FOUND, 6);
	pair(0, B, 1 + B, 4);
	seconds(60);
	expect(0, TW_EVENT_DISAGREEMENT, 0, 0);
	event = expect(1, TW_EVENT_DISAGREEMENT, 640, 641);
	assert_int_equal(event->upstream, B);
	assert_int_equal(event->other, FOUND);
	assert_int_equal(event->packets, 12);
	end(2);
}

/* The evidence is of ten seconds that have any: what is older does not name the pair. */
static void test_old_pairs_are_forgotten(void **state)
{
	const struct tw_event *event;

	start();
	pair(0, A, 1 + FOUND, 9);
	seconds(1);
	pair(0, A, 1 + A, 10);
	seconds(9);
	pair(0, A, 0, 10); /* no verdict, no second of the evidence */
	seconds(50);
	pair(0, B, 1 + A, 5);
	seconds(1);
	pair(0, A, 0, 10);
	seconds(20);
	pair(0, B, 1 + A, 5);
	seconds(1);
	event = expect(0, TW_EVENT_DISAGREEMENT, 60, 81);
	assert_int_equal(event->upstream, B);
	assert_int_equal(event->other, A);
	end(1);
}

static void test_events_beside_it_are_the_same(void **state)
{
	start();
	traffic(1 + A, 10);
	pair(0, A, 1 + A, 10);
	seconds(60);
	traffic(1 + A, 2);
	traffic(1 + B, 8);
	pair(0, A, 1 + A, 2);
	pair(0, A, 1 + B, 8);
	seconds(60);
	expect(0, TW_EVENT_UPSTREAM_APPEARED, 60, 61);
	expect(1, TW_EVENT_DISAGREEMENT, 60, 61);
	expect(2, TW_EVENT_UPSTREAM_OVERTOOK, 60, 84);
	end(3);
}

/* ---- who leads ---- */

static void test_what_is_not_known_leads_nobody(void **state)
{
	static const unsigned int kinds[] = {OTHER, FOREIGN, AMBIGUOUS};

	for (unsigned int i = 0; i < 3; i++) {
		start();
		traffic(1 + A, 10);
		seconds(60);
		traffic(1 + A, 2);
		traffic(1 + kinds[i], 18);
		seconds(60); /* appears, and overtakes nobody */
		traffic(1 + A, 10);
		seconds(60);
		assert_int_equal(expect(0, TW_EVENT_UPSTREAM_APPEARED, 60, 60)->upstream, kinds[i]);
		assert_int_equal(
			expect(1, TW_EVENT_UPSTREAM_VANISHED, 120, 129)->upstream, kinds[i]);
		end(2);
	}

	/* Nobody is there, then what is not known, then somebody: who leads without having overtaken. */
	start();
	traffic(1 + A, 10);
	seconds(60);
	traffic(1 + FOREIGN, 10);
	seconds(60);
	traffic(1 + FOREIGN, 10);
	traffic(1 + AMBIGUOUS, 10);
	seconds(60);
	traffic(1 + FOREIGN, 1);
	traffic(1 + AMBIGUOUS, 1);
	traffic(1 + B, 18);
	seconds(60);
	expect(0, TW_EVENT_UPSTREAM_APPEARED, 60, 60);
	expect(1, TW_EVENT_UPSTREAM_VANISHED, 60, 69);
	expect(2, TW_EVENT_UPSTREAM_APPEARED, 120, 120);
	expect(3, TW_EVENT_UPSTREAM_APPEARED, 180, 180);
	for (unsigned int i = 4; i < run.n; i++)
		assert_int_equal(run.fired[i].type, TW_EVENT_SHARE_SHIFT);
	end(run.n);
}

static void test_found_and_direct_may_lead(void **state)
{
	static const unsigned int kinds[] = {FOUND, DIRECT};

	for (unsigned int i = 0; i < 2; i++) {
		start();
		traffic(1 + A, 10);
		seconds(60);
		traffic(1 + A, 2);
		traffic(1 + kinds[i], 8);
		seconds(60);
		assert_int_equal(expect(1, TW_EVENT_UPSTREAM_OVERTOOK, 60, 84)->upstream, kinds[i]);
		end(2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told_when_it_comes),
		cmocka_unit_test(test_told_at_the_start),
		cmocka_unit_test(test_too_little_is_not_told),
		cmocka_unit_test(test_told_anew_after_a_silence),
		cmocka_unit_test(test_old_pairs_are_forgotten),
		cmocka_unit_test(test_events_beside_it_are_the_same),
		cmocka_unit_test(test_what_is_not_known_leads_nobody),
		cmocka_unit_test(test_found_and_direct_may_lead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
