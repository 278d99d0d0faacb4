/* SPDX-License-Identifier: BSD-3-Clause */

/* Links beside routes, and the routes' own shares, for programs: JSON lines and CSV. */

#include "tw_json.h"
#include "tw_test_routes.h"

/* ---- JSON ---- */

static struct tw_json json;

static void json_begin(void)
{
	out.n = 0;
	assert_int_equal(tw_json_init(&json, &routed, &out), 0);
}

static void json_end(void)
{
	tw_json_free(&json);
	forget_text();
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

static void test_json_event(void **state)
{
	const struct tw_event event = {.type = TW_EVENT_DISAGREEMENT,
		.time = TIME + 1,
		.since = TIME,
		.upstream = TTK,
		.other = DIRECT,
		.share = 0.125,
		.packets = 16,
		.bytes = 1600,
		.exact = true};

	(void)routed_second();
	json_begin();
	tw_json_event(&json, &event);
	assert_string_equal(text_of(),
		"{\"type\":\"event\",\"event\":\"attribution_disagreement\",\"time\":1506848872,"
		"\"since\":1506848871,\"target\":\"KP\",\"upstream\":20485,"
		"\"name\":\"TransTeleCom\",\"other\":0,\"other_name\":\"direct\",\"share\":0.125,"
		"\"packets\":16,\"bytes\":1600,\"exact\":true}");
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
		cmocka_unit_test(test_json_event),
		cmocka_unit_test(test_json_lines),
		cmocka_unit_test(test_csv),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
