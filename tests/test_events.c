/* SPDX-License-Identifier: BSD-3-Clause */

/* Events: each type at its second, none just below, and none in days of steady noise. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tw_events.h"

enum {
	UNKNOWN,
	A,
	B,
	N_VIAS,
	DAY = 86400,
	MOST = 64
};

static const struct tw_target targets[] = {{.name = "KP"}};
static const struct tw_upstream upstreams[] = {{4837, "A"}, {20485, "B"}};
static const struct tw_via vias[N_VIAS] = {
	{TW_UPSTREAM_UNKNOWN, TW_METHOD_NONE}, {0, TW_METHOD_VLAN}, {1, TW_METHOD_VLAN}};
static const struct tw_view view = {.targets = targets,
	.n_targets = 1,
	.upstreams = upstreams,
	.n_upstreams = 2,
	.vias = vias,
	.n_vias = N_VIAS,
	.n_series = N_VIAS * 4};

/* One run of seconds, from 0, and all that it fired. */
struct run {
	struct tw_events *events;
	uint64_t time;
	bool inexact; /* the seconds to come are */
	struct tw_event fired[MOST];
	unsigned int n;
};

static void start(struct run *run)
{
	struct tw_event_rules rules;

	tw_event_rules_default(&rules);
	*run = (struct run){.events = tw_events_create(&view, &rules)};
	assert_non_null(run->events);
}

static void second(
	struct run *run, const uint64_t packets[static N_VIAS], const uint64_t bytes[static N_VIAS])
{
	struct tw_series_count series[N_VIAS * 4] = {{0}};
	struct tw_loss loss = {TW_DROP_IMISSED, 0, 5};
	struct tw_second second = {.time = run->time++,
		.exact = !run->inexact,
		.losses = &loss,
		.n_losses = run->inexact,
		.series = series};
	const struct tw_event *fired;
	unsigned int n;

	/* Halves of both directions: they count together. */
	for (unsigned int via = 0; via < N_VIAS; via++)
		for (unsigned int direction = 0; direction < 2; direction++) {
			uint32_t i = tw_series_index(N_VIAS, 0, via, direction, 4);

			series[i].packets = (packets[via] + direction) / 2;
			series[i].bytes = (bytes[via] + direction) / 2;
		}
	n = tw_events_second(run->events, &second, &fired);
	assert_true(run->n + n <= MOST);
	if (n > 0)
		memcpy(&run->fired[run->n], fired, n * sizeof(*fired));
	run->n += n;
}

/* `n` seconds of packets of 100 octets. */
static void seconds(struct run *run, unsigned int n, uint64_t unknown, uint64_t a, uint64_t b)
{
	for (unsigned int i = 0; i < n; i++)
		second(run, (uint64_t[]){unknown, a, b},
			(uint64_t[]){100 * unknown, 100 * a, 100 * b});
}

/* The next event is this one; the caller may look at the rest of it. */
static const struct tw_event *expect(struct run *run, unsigned int n, enum tw_event_type type,
	uint64_t since, uint64_t time, unsigned int upstream)
{
	const struct tw_event *event = &run->fired[n];

	assert_true(run->n > n);
	assert_string_equal(tw_event_name(event->type), tw_event_name(type));
	assert_int_equal(event->since, since);
	assert_int_equal(event->time, time);
	assert_int_equal(event->upstream, upstream);
	return event;
}

static void end(struct run *run, unsigned int n)
{
	if (run->n != n)
		print_error("%s at %lu since %lu\n", tw_event_name(run->fired[n].type),
			run->fired[n].time, run->fired[n].since);
	assert_int_equal(run->n, n);
	tw_events_free(run->events);
}

static void test_appeared_and_overtook(void **state)
{
	const struct tw_event *event;
	struct run run;

	start(&run);
	seconds(&run, 60, 0, 10, 0);
	seconds(&run, 60, 0, 2, 8);
	event = expect(&run, 0, TW_EVENT_UPSTREAM_APPEARED, 60, 61, 1);
	assert_int_equal(event->packets, 16);
	assert_int_equal(event->bytes, 1600);
	assert_true(event->exact);
	event = expect(&run, 1, TW_EVENT_UPSTREAM_OVERTOOK, 60, 84, 1);
	assert_int_equal(event->other, 0);
	assert_float_equal(event->share, 0.8, 0.001);
	assert_float_equal(event->other_share, 0.2, 0.001);
	assert_int_equal(event->packets, 250);
	end(&run, 2);
}

/* Who is there while the target is learned has not appeared; nor has who shows a few packets. */
static void test_not_appeared(void **state)
{
	struct run run;

	start(&run);
	seconds(&run, 29, 0, 10, 0);
	seconds(&run, 60, 0, 9, 1); /* from the 30th on */
	end(&run, 0);

	start(&run);
	seconds(&run, 60, 0, 10, 0);
	seconds(&run, 1, 0, 10, 9); /* one less than the evidence */
	seconds(&run, 60, 0, 10, 0);
	end(&run, 0);

	start(&run);
	seconds(&run, 60, 0, 1000, 0);
	seconds(&run, 60, 0, 1000, 49); /* less than 5% */
	end(&run, 0);

	start(&run);
	seconds(&run, 60, 0, 10, 0);
	seconds(&run, 24, 0, 4, 6); /* a lead for too short a time */
	seconds(&run, 60, 0, 6, 4);
	expect(&run, 0, TW_EVENT_UPSTREAM_APPEARED, 60, 61, 1);
	end(&run, 1);
}

static void test_vanished(void **state)
{
	const struct tw_event *event;
	struct run run;

	start(&run);
	seconds(&run, 120, 0, 6, 4);
	seconds(&run, 9, 0, 10, 0); /* one second less than a silence */
	seconds(&run, 31, 0, 6, 4);
	seconds(&run, 60, 0, 10, 0);
	event = expect(&run, 0, TW_EVENT_UPSTREAM_VANISHED, 160, 169, 1);
	assert_float_equal(event->share_before, 0.4, 0.05);
	assert_int_equal(event->packets, 100);
	end(&run, 1);
}

/* The leader goes: the other leads, and has overtaken nobody. It comes back, and has to overtake. */
static void test_leader_vanished(void **state)
{
	struct run run;

	start(&run);
	seconds(&run, 120, 0, 2, 8);
	seconds(&run, 60, 0, 10, 0);
	seconds(&run, 60, 0, 2, 8);
	expect(&run, 0, TW_EVENT_UPSTREAM_VANISHED, 120, 129, 1);
	expect(&run, 1, TW_EVENT_UPSTREAM_APPEARED, 180, 181, 1);
	expect(&run, 2, TW_EVENT_UPSTREAM_OVERTOOK, 180, 204, 1);
	end(&run, 3);
}

static void test_unknown_leads_nobody(void **state)
{
	struct run run;

	start(&run);
	seconds(&run, 60, 0, 10, 0);
	seconds(&run, 60, 40, 10, 0);
	expect(&run, 0, TW_EVENT_UPSTREAM_APPEARED, 60, 60, TW_UPSTREAM_UNKNOWN);
	end(&run, 1);
}

static void test_dark_and_back(void **state)
{
	const struct tw_event *event;
	struct run run;

	start(&run);
	seconds(&run, 60, 0, 6, 4);
	seconds(&run, 9, 0, 0, 0); /* one second less than a silence */
	seconds(&run, 60, 0, 6, 4);
	seconds(&run, 40, 0, 0, 0);
	seconds(&run, 1, 0, 4, 5); /* a scan is not the target back */
	seconds(&run, 40, 0, 0, 0);
	run.inexact = true;
	seconds(&run, 60, 0, 6, 4);
	expect(&run, 0, TW_EVENT_TARGET_DARK, 129, 138, TW_EVENT_NONE);
	expect(&run, 1, TW_EVENT_LOSS, 210, 210, TW_EVENT_NONE);
	event = expect(&run, 2, TW_EVENT_TARGET_BACK, 169, 210, TW_EVENT_NONE);
	assert_int_equal(event->packets, 19);
	assert_false(event->exact);
	end(&run, 3); /* no upstream has vanished while the target was dark */
}

/* What has few packets is silent now and then. */
static void test_rare_is_not_dark(void **state)
{
	struct run run;

	start(&run);
	for (unsigned int i = 0; i < 400; i++) {
		seconds(&run, 1, 0, 1, 0);
		seconds(&run, 4, 0, 0, 0);
	}
	seconds(&run, 80, 0, 0, 0); /* 16 packets are missing */
	seconds(&run, 1, 0, 1, 0);
	end(&run, 0);

	start(&run);
	for (unsigned int i = 0; i < 400; i++) {
		seconds(&run, 1, 0, 1, 0);
		seconds(&run, 4, 0, 0, 0);
	}
	seconds(&run, 100, 0, 0, 0);
	assert_int_equal(run.fired[0].since, 1996);
	assert_in_range(run.fired[0].time, 1996 + 80, 1996 + 95);
	end(&run, 1);
}

static void test_share_shift(void **state)
{
	const struct tw_event *event;
	struct run run;

	start(&run);
	seconds(&run, 100, 0, 80, 20);
	seconds(&run, 60, 0, 60, 40);
	event = expect(&run, 0, TW_EVENT_SHARE_SHIFT, 100, 125,
		0); /* the first seconds of it moved what was known */
	assert_float_equal(event->share_before, 0.8, 0.02);
	assert_float_equal(event->share, 0.6, 0.001);
	end(&run, 1);

	start(&run);
	seconds(&run, 100, 0, 80, 20);
	seconds(&run, 600, 0, 66, 34); /* 14 points */
	end(&run, 0);

	start(&run);
	seconds(&run, 100, 0, 80, 20);
	for (unsigned int i = 0; i < 20; i++) { /* too short, each */
		seconds(&run, 10, 0, 40, 60);
		seconds(&run, 40, 0, 80, 20);
	}
	end(&run, 0);
}

static void test_overtaking_is_no_shift(void **state)
{
	struct run run;

	start(&run);
	seconds(&run, 100, 0, 80, 20);
	seconds(&run, 100, 0, 20, 80);
	expect(&run, 0, TW_EVENT_UPSTREAM_OVERTOOK, 100, 124, 1);
	end(&run, 1);

	start(&run); /* a lead of less than the margin */
	seconds(&run, 100, 0, 52, 48);
	seconds(&run, 600, 0, 48, 52);
	end(&run, 0);
}

static void test_loss(void **state)
{
	const struct tw_event *event;
	struct run run;

	start(&run);
	for (unsigned int i = 0; i < 3; i++) {
		run.inexact = true;
		seconds(&run, 5, 0, 0, 0);
		run.inexact = false;
		seconds(&run, i == 0 ? 59 : 60, 0, 0, 0); /* the first quiet is too short */
	}
	event = expect(&run, 0, TW_EVENT_LOSS, 0, 0, TW_EVENT_NONE);
	assert_int_equal(event->target, TW_EVENT_NONE);
	assert_int_equal(event->packets, 5);
	assert_false(event->exact);
	expect(&run, 1, TW_EVENT_LOSS, 5 + 59 + 5 + 60, 5 + 59 + 5 + 60, TW_EVENT_NONE);
	end(&run, 2);
}

static void test_gap_ends_trends(void **state)
{
	struct run run;

	start(&run);
	seconds(&run, 100, 0, 8, 2);
	seconds(&run, 20, 0, 2, 8);
	tw_events_gap(run.events);
	run.time += 1000000;
	seconds(&run, 20, 0, 2, 8); /* 40 in all, and 20 on end */
	seconds(&run, 60, 0, 8, 2);
	end(&run, 0);
}

/* ---- days of noise ---- */

static uint64_t random_state;

static double uniform(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (double)(random_state >> 11) / 0x1p53 + 1e-17;
}

static unsigned int poisson(double mean)
{
	double limit = exp(-mean), product = 1;
	unsigned int n = 0;

	if (mean > 50) {
		double normal = sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());

		return (unsigned int)fmax(0, mean + sqrt(mean) * normal + 0.5);
	}
	while ((product *= uniform()) > limit)
		n++;
	return n;
}

/* Octets of n packets: all alike, or of Pareto's sizes up to a frame's. */
static uint64_t octets(unsigned int n, bool heavy)
{
	unsigned int drawn = n < 100 ? n : 100;
	double sum = 0;

	if (!heavy || n == 0)
		return 700ull * n;
	for (unsigned int i = 0; i < drawn; i++)
		sum += fmin(1500, 40 * pow(uniform(), -1 / 1.1));
	return (uint64_t)(sum * n / drawn);
}

static unsigned int steady_day(double rate, double share, bool heavy, uint64_t seed)
{
	struct run run;

	random_state = 0x9e3779b97f4a7c15 * seed;
	start(&run);
	for (unsigned int i = 0; i < DAY; i++) {
		unsigned int a = poisson(rate * share),
			     b = share < 1 ? poisson(rate * (1 - share)) : 0;

		second(&run, (uint64_t[]){0, a, b},
			(uint64_t[]){0, octets(a, heavy), octets(b, heavy)});
	}
	for (unsigned int i = 0; i < run.n; i++)
		print_error("rate %g, share %g, %s, seed %lu: %s at %lu since %lu\n", rate, share,
			heavy ? "heavy" : "even", seed, tw_event_name(run.fired[i].type),
			run.fired[i].time, run.fired[i].since);
	tw_events_free(run.events);
	return run.n;
}

static void test_steady_days(void **state)
{
	static const double rates[] = {0.05, 0.2, 2, 10, 100, 5000};
	static const double shares[] = {0.5, 0.7, 0.97, 0.99, 1};
	unsigned int n = 0;
	uint64_t seed = 1;

	for (unsigned int r = 0; r < sizeof(rates) / sizeof(rates[0]); r++)
		for (unsigned int s = 0; s < sizeof(shares) / sizeof(shares[0]); s++)
			for (unsigned int heavy = 0; heavy < 2; heavy++)
				n += steady_day(rates[r], shares[s], heavy, seed++);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_appeared_and_overtook),
		cmocka_unit_test(test_not_appeared),
		cmocka_unit_test(test_vanished),
		cmocka_unit_test(test_leader_vanished),
		cmocka_unit_test(test_unknown_leads_nobody),
		cmocka_unit_test(test_dark_and_back),
		cmocka_unit_test(test_rare_is_not_dark),
		cmocka_unit_test(test_share_shift),
		cmocka_unit_test(test_overtaking_is_no_shift),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_gap_ends_trends),
		cmocka_unit_test(test_steady_days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
