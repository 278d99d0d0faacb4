/* SPDX-License-Identifier: BSD-3-Clause */

/* Links beside routes, and the routes' own shares, in every form of output. */

#include "tw_json.h"
#include "tw_metrics.h"
#include "tw_test_export.h"

enum {
	CHINA,
	TTK,
	TAKEN, /* a place of a found upstream that has one, and one that has none yet */
	FREE,
	OTHER,
	DIRECT,
	FOREIGN,
	AMBIGUOUS,
	N_UPSTREAMS,
	N_OBSERVED = 2,
	N_PAIRS = 2 * N_OBSERVED * (1 + N_UPSTREAMS),
	N_ROUTED = 2 + N_UPSTREAMS, /* vias: unknown, one by link, and all by route */
	N_ROUTED_SERIES = 2 * N_ROUTED * 4,
	AGE = 61
};

static struct tw_upstream all[N_UPSTREAMS];
static const struct tw_via routed_vias[N_ROUTED] = {{TW_UPSTREAM_UNKNOWN, TW_METHOD_NONE},
	{CHINA, TW_METHOD_VLAN}, {CHINA, TW_METHOD_RIB}, {TTK, TW_METHOD_RIB},
	{TAKEN, TW_METHOD_RIB}, {FREE, TW_METHOD_RIB}, {OTHER, TW_METHOD_RIB},
	{DIRECT, TW_METHOD_RIB}, {FOREIGN, TW_METHOD_RIB}, {AMBIGUOUS, TW_METHOD_RIB}};

static const struct tw_routes_view *no_routes(void *arg, uint64_t second)
{
	return NULL;
}

static const struct tw_view routed = {.targets = targets,
	.n_targets = 2,
	.upstreams = all,
	.n_upstreams = N_UPSTREAMS,
	.vias = routed_vias,
	.n_vias = N_ROUTED,
	.n_series = N_ROUTED_SERIES,
	.pairs = {N_OBSERVED, 1 + N_UPSTREAMS},
	.n_pairs = N_PAIRS,
	.routes = no_routes,
	.config_path = "config.yaml",
	.version = "0"};

static struct tw_series_count counts[N_ROUTED_SERIES];
static struct tw_pair_count pairs[N_PAIRS];
static struct tw_route_share shares[2 * N_UPSTREAMS * 2];
static const struct tw_routes_view routes = {.number = 1,
	.since = TIME - 1,
	.time = TIME - AGE,
	.n_peers = 12,
	.n_stale = 1,
	.shares = shares};

static void set_pair(unsigned int target, unsigned int observed, unsigned int expected,
	uint64_t packets, uint64_t bytes)
{
	pairs[tw_pair_index(&routed.pairs, target, observed, expected)] =
		(struct tw_pair_count){packets, bytes};
}

static void set_series(unsigned int target, unsigned int via, unsigned int version, uint64_t bytes)
{
	counts[tw_series_index(N_ROUTED, target, via, TW_DIR_TO, version)] =
		(struct tw_series_count){bytes / 100, bytes, 1, 1};
}

static void set_share(unsigned int target, unsigned int upstream, unsigned int version,
	uint64_t prefixes, uint64_t addresses)
{
	shares[(target * N_UPSTREAMS + upstream) * 2 + (version == 6)] =
		(struct tw_route_share){prefixes, addresses};
}

/* KP is seen at two links, and routed by all there is; the other target is not seen. */
static struct tw_second routed_second(void)
{
	static const struct tw_upstream start[N_UPSTREAMS] = {
		{4837, "China \"Unicom\"", TW_UPSTREAM_CONFIGURED},
		{20485, "TransTeleCom", TW_UPSTREAM_CONFIGURED}, {3356, "", TW_UPSTREAM_FOUND},
		{0, "", TW_UPSTREAM_FOUND}, {0, "other", TW_UPSTREAM_OTHER},
		{0, "direct", TW_UPSTREAM_DIRECT}, {0, "foreign", TW_UPSTREAM_FOREIGN},
		{0, "ambiguous", TW_UPSTREAM_AMBIGUOUS}};

	memcpy(all, start, sizeof(all));
	memset(counts, 0, sizeof(counts));
	memset(pairs, 0, sizeof(pairs));
	memset(shares, 0, sizeof(shares));
	set_series(0, 1, 4, 4000);
	set_series(0, 3, 4, 3000);
	set_series(0, 9, 4, 2000);
	set_series(0, 4, 6, 1000);
	set_pair(0, CHINA, 1 + CHINA, 40, 4000);
	set_pair(0, CHINA, 1 + TTK, 30, 3000);
	set_pair(0, CHINA, 1 + AMBIGUOUS, 20, 2000);
	set_pair(0, TTK, 1 + TAKEN, 9, 900);
	set_pair(0, TTK, 0, 1, 100);
	set_share(0, CHINA, 4, 3, 768);
	set_share(0, AMBIGUOUS, 4, 1, 256);
	set_share(0, TAKEN, 6, 1, 65536);
	set_share(1, DIRECT, 6, 2, 2);
	return (struct tw_second){
		.time = TIME, .exact = true, .series = counts, .pairs = pairs, .routes = &routes};
}

static struct tw_summary routed_summary(void)
{
	(void)routed_second();
	return (struct tw_summary){.seconds = 1,
		.first = TIME,
		.last = TIME,
		.exact = true,
		.series = counts,
		.pairs = pairs,
		.routes = &routes};
}

/* ---- JSON ---- */

static struct tw_json json;
static struct tw_buffer out;

static const char *text_of(void)
{
	assert_int_equal(out.error, 0);
	tw_buffer_add(&out, "", 1);
	return out.text;
}

static void json_begin(void)
{
	out.n = 0;
	assert_int_equal(tw_json_init(&json, &routed, &out), 0);
}

static void json_end(void)
{
	tw_json_free(&json);
	tw_buffer_free(&out);
	out = (struct tw_buffer){0};
}

#define COUNT(packets, bytes) "{\"packets\":" #packets ",\"bytes\":" #bytes "}"
#define ROUTING                                                                                  \
	",\"routing\":[{\"target\":\"KP\",\"agree\":" COUNT(40, 4000) ",\"disagree\":" COUNT(    \
		39, 3900) ",\"undecided\":" COUNT(20, 2000) ",\"no_route\":" COUNT(1,            \
		100) ",\"pairs\":["                                                              \
		     "{\"observed\":4837,\"expected\":20485,\"expected_name\":\"TransTeleCom\"," \
		     "\"packets\":30,\"bytes\":3000},"                                           \
		     "{\"observed\":4837,\"expected\":0,\"expected_name\":\"ambiguous\","        \
		     "\"packets\":20,\"bytes\":2000},"                                           \
		     "{\"observed\":20485,\"expected\":0,\"expected_name\":\"no_route\","        \
		     "\"packets\":1,\"bytes\":100},"                                             \
		     "{\"observed\":20485,\"expected\":3356,\"expected_name\":\"\","             \
		     "\"packets\":9,\"bytes\":900}]}]"
#define ROUTES                                                                              \
	"\"time\":1506848870,\"routes_time\":1506848810,\"vantage_points\":12,\"stale\":1," \
	"\"shares\":["                                                                      \
	"{\"target\":\"KP\",\"upstream\":4837,\"name\":\"China \\\"Unicom\\\"\","           \
	"\"ip_version\":4,\"prefixes\":3,\"addresses\":768},"                               \
	"{\"target\":\"KP\",\"upstream\":3356,\"name\":\"\","                               \
	"\"ip_version\":6,\"prefixes\":1,\"addresses\":65536},"                             \
	"{\"target\":\"KP\",\"upstream\":0,\"name\":\"ambiguous\","                         \
	"\"ip_version\":4,\"prefixes\":1,\"addresses\":256},"                               \
	"{\"target\":\"Acme, \\\"Net\\\" \\\\ Ltd\",\"upstream\":0,\"name\":\"direct\","    \
	"\"ip_version\":6,\"prefixes\":2,\"addresses\":2}]"

static void test_json_second(void **state)
{
	struct tw_second second = routed_second();
	const char *text;

	json_begin();
	for (unsigned int i = 0; i < 2; i++) { /* with and without names kept */
		out.n = 0;
		tw_json_second(&json, &second, -1);
		text = text_of();
		assert_non_null(strstr(text,
			"\"upstream\":4837,\"name\":\"China \\\"Unicom\\\"\","
			"\"method\":\"vlan\",\"direction\":\"to\",\"ip_version\":4,"
			"\"packets\":40,\"bytes\":4000,\"flows\":1,\"active_flows\":1},"));
		assert_non_null(
			strstr(text, "\"upstream\":20485,\"name\":\"TransTeleCom\","
				     "\"method\":\"rib\",\"direction\":\"to\",\"ip_version\":4,"
				     "\"packets\":30,\"bytes\":3000,\"flows\":1,\"active_flows\":1,"
				     "\"rib_age\":61}"));
		assert_non_null(
			strstr(text, "\"upstream\":0,\"name\":\"ambiguous\",\"method\":\"rib\""));
		assert_non_null(strstr(text, "}]" ROUTING "}"));
	}
	out.n = 0;
	tw_json_second(&json, &second, 1);
	assert_null(strstr(text_of(), "routing"));
	out.n = 0;
	tw_json_second(&json, &second, 0);
	assert_non_null(strstr(text_of(), ROUTING "}"));
	second.routes = NULL; /* those of the flows that are still open are gone */
	memset(pairs, 0, sizeof(pairs));
	out.n = 0;
	tw_json_second(&json, &second, -1);
	assert_null(strstr(text_of(), "rib_age"));
	assert_null(strstr(text_of(), "routing"));
	json_end();
}

static void test_json_routes(void **state)
{
	struct tw_summary summary = routed_summary();

	json_begin();
	tw_json_routes(&json, &routes);
	assert_string_equal(text_of(), "{\"type\":\"routes\"," ROUTES "}");
	out.n = 0;
	tw_json_summary(&json, &summary);
	assert_non_null(strstr(text_of(), ROUTING ",\"routes\":{" ROUTES "},\"peers\":[]}"));
	json_end();
}

/* What was encoded before anybody knew its ASN is encoded anew. */
static void test_json_upstream_that_comes_later(void **state)
{
	struct tw_second second = routed_second();

	json_begin();
	set_share(0, FREE, 4, 7, 7);
	set_series(0, 5, 4, 500);
	set_pair(0, TTK, 1 + FREE, 1, 1);
	tw_json_second(&json, &second, -1);
	tw_json_routes(&json, &routes);
	assert_null(strstr(text_of(), "\"prefixes\":7"));
	all[FREE].name = "Cogent";
	all[FREE].asn = 174;
	out.n = 0;
	tw_json_second(&json, &second, -1);
	tw_json_routes(&json, &routes);
	assert_non_null(
		strstr(text_of(), "\"upstream\":174,\"name\":\"Cogent\",\"method\":\"rib\""));
	assert_non_null(strstr(text_of(), "\"expected\":174,\"expected_name\":\"Cogent\""));
	assert_non_null(strstr(
		text_of(), "\"upstream\":174,\"name\":\"Cogent\",\"ip_version\":4,\"prefixes\":7"));
	json_end();
}

/* ---- files ---- */

static char path[] = "/tmp/tw_export_routes.XXXXXX";

static char *written_by(struct tw_sink *sink)
{
	struct tw_second second = routed_second();
	struct tw_summary summary;
	char *text = NULL;
	size_t size = 0;
	FILE *in;

	assert_non_null(sink);
	assert_int_equal(sink->start(sink, &routed), 0);
	if (sink->routes != NULL)
		assert_int_equal(sink->routes(sink, &routes), 0);
	assert_int_equal(sink->second(sink, &second), 0);
	summary = routed_summary();
	if (sink->summary != NULL)
		assert_int_equal(sink->summary(sink, &summary), 0);
	assert_int_equal(sink->close(sink), 0);
	in = fopen(path, "r");
	assert_non_null(in);
	assert_true(getdelim(&text, &size, '\0', in) > 0);
	fclose(in);
	return text;
}

static void test_json_lines(void **state)
{
	char *text = written_by(tw_json_sink(path, false, NULL));

	/* Routes stand before the first second that they decide. */
	assert_non_null(strstr(text, "}\n{\"type\":\"routes\"," ROUTES "}\n{\"type\":\"second\","));
	free(text);
}

static void test_csv(void **state)
{
	char *text = written_by(tw_csv_sink(path, false, NULL));

	assert_string_equal(text,
		"time,exact,target,upstream,name,method,direction,ip_version,packets,bytes,flows,"
		"active_flows,rib_age\n"
		"1506848871,true,KP,4837,\"China \"\"Unicom\"\"\",vlan,to,4,40,4000,1,1,\n"
		"1506848871,true,KP,20485,TransTeleCom,rib,to,4,30,3000,1,1,61\n"
		"1506848871,true,KP,3356,,rib,to,6,10,1000,1,1,61\n"
		"1506848871,true,KP,0,ambiguous,rib,to,4,20,2000,1,1,61\n");
	free(text);
}

/* ---- metrics ---- */

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
	tw_buffer_free(&out);
	out = (struct tw_buffer){0};
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
	tw_buffer_free(&out);
	out = (struct tw_buffer){0};
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
	tw_buffer_free(&out);
	out = (struct tw_buffer){0};
}

static int set_up(void **state)
{
	int fd = mkstemp(path);

	return setlocale(LC_ALL, "C.UTF-8") == NULL || fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_second),
		cmocka_unit_test(test_json_routes),
		cmocka_unit_test(test_json_upstream_that_comes_later),
		cmocka_unit_test(test_json_lines),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_metrics),
		cmocka_unit_test(test_metrics_are_there_from_the_start),
		cmocka_unit_test(test_no_metrics_of_routes_without_routes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
