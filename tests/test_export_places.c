/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A live run's view has places that nobody has yet: no exporter shows one. Once taken, or where a name is another one, all
 * of them follow.
 */

#include "tw_buffer.h"
#include "tw_json_priv.h"
#include "tw_metrics.h"
#include "tw_test_export.h"

enum {
	OLD,
	NEW,
	N_PLACES = 2, /* of targets and of upstreams */
	N_PLACED = 3, /* vias */
	N_COUNTS = N_PLACES * N_PLACED * 4,
	N_SHARES = N_PLACES * N_PLACES * 2,
};

static struct tw_target places[N_PLACES];
static struct tw_upstream placed[N_PLACES];
static struct tw_via placed_vias[N_PLACED];
static uint32_t gone;
static struct tw_series_count counts[N_COUNTS];
static struct tw_route_share shares[N_SHARES];
static struct tw_pair_count pairs[N_PLACES * N_PLACES * (1 + N_PLACES)];
static const struct tw_routes_view routes = {.number = 1, .shares = shares};

static const struct tw_routes_view *routes_at(void *arg, uint64_t second)
{
	return &routes;
}

static const struct tw_view live = {.targets = places,
	.n_targets = N_PLACES,
	.targets_gone = &gone,
	.upstreams = placed,
	.n_upstreams = N_PLACES,
	.vias = placed_vias,
	.n_vias = N_PLACED,
	.n_series = N_COUNTS,
	.pairs = {N_PLACES, 1 + N_PLACES},
	.n_pairs = N_PLACES * N_PLACES * (1 + N_PLACES),
	.routes = routes_at,
	.config_path = "c",
	.version = "0"};

static int start(void **state)
{
	places[OLD].name = "KP";
	places[NEW].name = "";
	placed[OLD] = (struct tw_upstream){4837, "China", TW_UPSTREAM_CONFIGURED};
	placed[NEW] = (struct tw_upstream){0, "", TW_UPSTREAM_FOUND};
	placed_vias[0] = (struct tw_via){TW_UPSTREAM_UNKNOWN, TW_METHOD_NONE};
	placed_vias[1] = (struct tw_via){OLD, TW_METHOD_VLAN};
	placed_vias[2] = (struct tw_via){TW_UPSTREAM_UNKNOWN, TW_METHOD_MAX};
	gone = 0;
	memset(counts, 0, sizeof(counts));
	counts[tw_series_index(N_PLACED, OLD, 1, TW_DIR_TO, 4)] =
		(struct tw_series_count){1, 50, 1, 1};
	return 0;
}

static void take_places(void)
{
	places[NEW].name = "XX";
	placed[NEW] = (struct tw_upstream){20485, "TTK", TW_UPSTREAM_CONFIGURED};
	placed_vias[2] = (struct tw_via){NEW, TW_METHOD_MAC};
}

static struct tw_second second_of(void)
{
	return (struct tw_second){
		.time = TIME, .exact = true, .series = counts, .pairs = pairs, .routes = &routes};
}

static unsigned int occurrences(const char *text, const char *what)
{
	unsigned int n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

static const char *end_text(struct tw_buffer *out)
{
	assert_int_equal(out->error, 0);
	tw_buffer_add(out, "", 1);
	return out->text;
}

static const char *metrics_of(struct tw_metrics *metrics, struct tw_buffer *out)
{
	struct tw_snapshot snapshot = {
		.summary = {.series = counts, .pairs = pairs}, .series = counts, .pairs = pairs};
	struct tw_status status = {.dpdk = "x"};

	out->n = 0;
	tw_metrics_write(metrics, out, &snapshot, &status, false);
	return end_text(out);
}

static void metrics_leave_out_what_is_not_there_and_keep_what_was(void **state)
{
	struct tw_metrics metrics;
	struct tw_buffer out = {0};
	const char *text;

	assert_int_equal(tw_metrics_init(&metrics, &live), 0);
	text = metrics_of(&metrics, &out);
	assert_int_equal(occurrences(text, "\ntransitwatch_packets_total{"), 2 * 4);
	assert_int_equal(occurrences(text, "\ntransitwatch_routing_packets_total{"), 2);
	assert_int_equal(occurrences(text, "\ntransitwatch_rib_prefixes{"), 2);
	assert_int_equal(occurrences(text, "\ntransitwatch_upstream_info{"), 1);
	assert_null(strstr(text, "target=\"\",upstream"));
	assert_null(strstr(text, "(null)"));

	take_places();
	text = metrics_of(&metrics, &out);
	assert_int_equal(occurrences(text, "\ntransitwatch_packets_total{"), N_COUNTS);
	assert_int_equal(occurrences(text, "\ntransitwatch_routing_packets_total{"), 12);
	assert_int_equal(occurrences(text, "\ntransitwatch_rib_prefixes{"), N_SHARES);
	assert_non_null(strstr(text,
		"\ntransitwatch_packets_total{target=\"XX\",upstream=\"20485\",method=\"mac\","
		"direction=\"to\",ip_version=\"4\"} 0\n"));

	/* Configured no more, another name: counters stay. */
	gone = 1;
	placed[OLD].kind = TW_UPSTREAM_FOUND;
	placed[OLD].name = "Unicom";
	text = metrics_of(&metrics, &out);
	assert_int_equal(occurrences(text, "\ntransitwatch_packets_total{"), N_COUNTS);
	assert_int_equal(occurrences(text, "\ntransitwatch_routing_packets_total{"), 12);
	assert_non_null(strstr(text, "info{upstream=\"4837\",name=\"Unicom\"} 1\n"));
	assert_null(strstr(text, "China"));
	tw_metrics_free(&metrics);
	tw_buffer_free(&out);
}

static const char *json_of(struct tw_json *json, struct tw_buffer *out)
{
	struct tw_second second = second_of();

	out->n = 0;
	tw_json_second(json, &second, -1);
	tw_json_put_routes(json, &routes);
	return end_text(out);
}

static void json_tells_the_name_that_an_upstream_has(void **state)
{
	struct tw_buffer out = {0};
	struct tw_json json;
	const char *text;

	shares[tw_share_index(N_PLACES, OLD, OLD, 4)] = (struct tw_route_share){1, 256};
	assert_int_equal(tw_json_init(&json, &live, &out), 0);
	for (unsigned int turn = 0; turn < 3; turn++) {
		static const char *const names[] = {"China", "Unicom", "China"};
		char expected[32];

		placed[OLD].name = names[turn];
		snprintf(expected, sizeof(expected), "\"name\":\"%s\"", names[turn]);
		for (unsigned int again = 0; again < 2; again++) {
			text = json_of(&json, &out);
			assert_int_equal(occurrences(text, expected), 2);
			assert_int_equal(occurrences(text, "\"name\""), 2);
		}
	}
	take_places();
	counts[tw_series_index(N_PLACED, NEW, 2, TW_DIR_FROM, 6)].packets = 3;
	text = json_of(&json, &out);
	assert_non_null(strstr(text, "{\"target\":\"XX\",\"upstream\":20485,\"name\":\"TTK\","
				     "\"method\":\"mac\",\"direction\":\"from\","));
	tw_json_free(&json);
	tw_buffer_free(&out);
	memset(shares, 0, sizeof(shares));
}

/* What a table of seconds shows of one. */
static char *table_of(
	struct tw_sink *(*make)(FILE *out, const struct tw_text_style *style, struct tw_diag *diag))
{
	const struct tw_text_style style = {.table = true, .every_second = true};
	struct tw_second second = second_of();
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct tw_sink *sink = make(file, &style, NULL);

	second.routes = NULL;
	assert_int_equal(sink->start(sink, &live), 0);
	assert_int_equal(sink->second(sink, &second), 0);
	assert_int_equal(sink->close(sink), 0);
	fclose(file);
	return text;
}

static void tables_have_rows_of_what_is_watched_alone(void **state)
{
	char *text = table_of(tw_text_sink);

	assert_int_equal(occurrences(text, "\n09:07:51  KP "), 1);
	assert_int_equal(occurrences(text, "no traffic"), 0);
	free(text);
	take_places();
	text = table_of(tw_text_sink);
	assert_int_equal(occurrences(text, "          XX "), 1);
	assert_int_equal(occurrences(text, "TTK"), 1); /* in the legend */
	free(text);
	gone = 1;
	text = table_of(tw_text_sink);
	assert_int_equal(occurrences(text, "\n09:07:51  XX "), 1);
	assert_int_equal(occurrences(text, "KP"), 0);
	free(text);

	(void)start(NULL);
	text = table_of(tw_live_sink);
	assert_int_equal(occurrences(text, "\nKP "), 2); /* to, from */
	assert_int_equal(occurrences(text, "AS"), 2);
	free(text);
	take_places();
	gone = 1;
	text = table_of(tw_live_sink);
	assert_int_equal(occurrences(text, "\nKP "), 0);
	assert_int_equal(occurrences(text, "\nXX "), 4);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			metrics_leave_out_what_is_not_there_and_keep_what_was, start),
		cmocka_unit_test_setup(json_tells_the_name_that_an_upstream_has, start),
		cmocka_unit_test_setup(tables_have_rows_of_what_is_watched_alone, start),
	};

	return cmocka_run_group_tests_name("export_places", tests, NULL, NULL);
}
