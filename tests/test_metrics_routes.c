/* SPDX-License-Identifier: BSD-3-Clause */

/* Links beside routes, and the routes' own shares, as metrics. */

#include "tw_metrics.h"
#include "tw_test_routes.h"

/* Every sample's name with its labels is there once. */
static void assert_no_sample_twice(const char *text)
{
	for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
		size_t n = strcspn(line, "}\n");
		const char *next = line + n;

		while (line[0] != '#' && (next = strstr(next, "\ntransitwatch_")) != NULL)
			assert_false(strncmp(++next, line, n + 1) == 0);
	}
}

static const char *metrics_text(struct tw_metrics *metrics, bool seen)
{
	static struct tw_load loads[1];
	struct tw_snapshot snapshot = {
		.summary = routed_summary(), .loads = loads, .series = counts, .pairs = pairs};
	struct tw_status status = {.dpdk = "x"};

	if (!seen) {
		memset(counts, 0, sizeof(counts));
		memset(pairs, 0, sizeof(pairs));
		snapshot.summary.routes = NULL;
	}
	out.n = 0;
	tw_metrics_write(metrics, &out, &snapshot, &status, false);
	return text_of();
}

static unsigned int samples_of(const char *text, const char *name)
{
	unsigned int n = 0;
	char start[64];

	snprintf(start, sizeof(start), "\n%s{", name);
	for (; (text = strstr(text, start)) != NULL; text++)
		n++;
	return n;
}

static void test_metrics(void **state)
{
	struct tw_metrics metrics;
	const char *text;

	(void)routed_second();
	assert_int_equal(tw_metrics_init(&metrics, &routed), 0);
	text = metrics_text(&metrics, true);
	assert_no_sample_twice(text);
	assert_non_null(
		strstr(text, "\ntransitwatch_bytes_total{target=\"KP\",upstream=\"ambiguous\","
			     "method=\"rib\",direction=\"to\",ip_version=\"4\"} 2000\n"));
	assert_non_null(strstr(text,
		"\ntransitwatch_upstream_info{upstream=\"ambiguous\",name=\"ambiguous\"} 1\n"));
	assert_non_null(
		strstr(text, "\ntransitwatch_routing_packets_total{target=\"KP\",observed=\"4837\","
			     "expected=\"4837\"} 40\n"));
	assert_non_null(
		strstr(text, "\ntransitwatch_routing_bytes_total{target=\"KP\",observed=\"20485\","
			     "expected=\"no_route\"} 100\n"));
	assert_non_null(
		strstr(text, "\ntransitwatch_routing_bytes_total{target=\"KP\",observed=\"4837\","
			     "expected=\"foreign\"} 0\n"));
	assert_non_null(strstr(text, "\ntransitwatch_rib_addresses{target=\"KP\",upstream=\"3356\","
				     "ip_version=\"6\"} 65536\n"));
	assert_non_null(strstr(text, "\ntransitwatch_rib_prefixes{target=\"KP\",upstream=\"20485\","
				     "ip_version=\"4\"} 0\n"));
	assert_non_null(strstr(text, "\ntransitwatch_rib_vantage_points{state=\"fresh\"} 11\n"
				     "transitwatch_rib_vantage_points{state=\"stale\"} 1\n"));
	assert_non_null(strstr(text, "\ntransitwatch_rib_age_seconds 61\n"));
	tw_metrics_free(&metrics);
	forget_text();
}

/* All there is room for is there before anything is seen, but for places that nobody has taken. */
static void test_metrics_are_there_from_the_start(void **state)
{
	static const char *const names[] = {"transitwatch_packets_total",
		"transitwatch_active_flows", "transitwatch_routing_packets_total",
		"transitwatch_routing_bytes_total", "transitwatch_rib_prefixes",
		"transitwatch_rib_addresses"};
	static const unsigned int numbers[] = {N_ROUTED_SERIES - 2 * 4, N_ROUTED_SERIES - 2 * 4,
		N_PAIRS - 2 * N_OBSERVED, N_PAIRS - 2 * N_OBSERVED, 2 * 2 * (N_UPSTREAMS - 1),
		2 * 2 * (N_UPSTREAMS - 1)};
	struct tw_metrics metrics;
	const char *text;

	(void)routed_second();
	assert_int_equal(tw_metrics_init(&metrics, &routed), 0);
	text = metrics_text(&metrics, false);
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(samples_of(text, names[i]), numbers[i]);
	assert_null(strstr(text, "rib_age"));
	assert_non_null(strstr(text, "\ntransitwatch_rib_vantage_points{state=\"fresh\"} 0\n"));

	/* One is found: all of its samples come. */
	all[FREE].name = "Cogent";
	all[FREE].asn = 174;
	struct tw_snapshot snapshot = {
		.summary = {.series = counts, .pairs = pairs}, .series = counts, .pairs = pairs};
	struct tw_status status = {.dpdk = "x"};

	out.n = 0;
	tw_metrics_write(&metrics, &out, &snapshot, &status, true);
	text = text_of();
	assert_int_equal(samples_of(text, names[0]), N_ROUTED_SERIES);
	assert_int_equal(samples_of(text, names[2]), N_PAIRS);
	assert_int_equal(samples_of(text, names[4]), 2 * 2 * N_UPSTREAMS);
	assert_non_null(
		strstr(text, "\ntransitwatch_upstream_info{upstream=\"174\",name=\"Cogent\"} 1\n"));
	assert_no_sample_twice(text);
	tw_metrics_free(&metrics);
	forget_text();
}

static void test_no_metrics_of_routes_without_routes(void **state)
{
	struct tw_snapshot snapshot = {.summary = full_summary(), .series = series};
	struct tw_status status = {.dpdk = "x"};
	struct tw_metrics metrics;

	assert_int_equal(tw_metrics_init(&metrics, &view), 0);
	tw_metrics_write(&metrics, &out, &snapshot, &status, false);
	assert_null(strstr(text_of(), "rib_"));
	assert_null(strstr(text_of(), "routing"));
	tw_metrics_free(&metrics);
	forget_text();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_metrics),
		cmocka_unit_test(test_metrics_are_there_from_the_start),
		cmocka_unit_test(test_no_metrics_of_routes_without_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
