/* SPDX-License-Identifier: BSD-3-Clause */

/* Exporters: one view, a few seconds and a summary with awkward names and numbers, read back by other code. */

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include <cmocka.h>
#include <jansson.h>

#include "tw_export.h"

#define N_VIAS   3
#define N_SERIES (2 * N_VIAS * 4)
#define TIME     UINT64_C(1506848871) /* 2017-10-01 09:07:51 */

/* Names as a database or a configuration can bring them. */
#define AWKWARD "Acme, \"Net\" \\ Ltd"
#define WIDE    "통신 ТрансТелеКом Société Générale des Télécoms et des Câbles sous la Mer du Nord"

static const struct tw_target targets[] = {{.name = "KP"}, {.name = AWKWARD}};
static const struct tw_upstream upstreams[] = {{4837, WIDE}, {UINT32_MAX, AWKWARD}};
static const struct tw_via vias[N_VIAS] = {
	{TW_UPSTREAM_UNKNOWN, TW_METHOD_NONE}, {0, TW_METHOD_VLAN}, {1, TW_METHOD_MAC}};
static const struct tw_database databases[] = {
	{"asn, \"x\".mmdb", "GeoLite2-ASN", 1700000000, 5}, {"c.mmdb", "Country", 1600000000, 7}};
static const struct tw_view view = {
	.targets = targets,
	.n_targets = 2,
	.upstreams = upstreams,
	.n_upstreams = 2,
	.vias = vias,
	.n_vias = N_VIAS,
	.n_series = N_SERIES,
	.config_path = "dir/\"my\" config.yaml",
	.version = "0.1.0",
	.databases = databases,
	.n_databases = 2,
	.ports = (const char *const[]){"net_ring0"},
	.n_ports = 1,
};

/* A series of target, via, direction and version, and its counters. */
static struct tw_series_count series[N_SERIES];

static struct tw_series_count *at(
	unsigned int target, unsigned int via, enum tw_direction direction, unsigned int version)
{
	return &series[tw_series_index(N_VIAS, target, via, direction, version)];
}

static const struct tw_loss losses[] = {{TW_DROP_IMISSED, 0, 7}, {TW_DROP_DISPATCH_FULL, 3, 9}};

static struct tw_second full_second(uint64_t time)
{
	struct tw_second second = {.time = time, .exact = true, .series = series};

	memset(series, 0, sizeof(series));
	*at(0, 1, TW_DIR_TO, 4) = (struct tw_series_count){10, 700, 3, 4};
	*at(0, 2, TW_DIR_FROM, 6) = (struct tw_series_count){20, 300, 0, 1};
	*at(1, 0, TW_DIR_TO, 6) = (struct tw_series_count){UINT64_MAX, 5, 0, 0};
	*at(1, 2, TW_DIR_TO, 4) = (struct tw_series_count){0, 0, 0, 9}; /* active alone */
	second.totals.rx.packets = 100;
	second.totals.rx.bytes = 9000;
	second.totals.rx.not_ip = 1;
	second.totals.rx.malformed[0] = 2;
	second.totals.rx.malformed[TW_BAD_MAX - 1] = 3;
	second.totals.rx.late = 4;
	second.totals.target = 31;
	second.totals.internal = 5;
	second.totals.other = 58;
	second.totals.flow_overflow = 6;
	second.totals.dropped[TW_DROP_IMISSED] = 7;
	second.totals.dropped[TW_DROP_DISPATCH_FULL] = 9;
	second.losses = losses;
	second.n_losses = 2;
	return second;
}

static struct tw_second silent_second(uint64_t time)
{
	memset(series, 0, sizeof(series));
	return (struct tw_second){.time = time, .exact = false, .series = series};
}

static const struct tw_peer peers[] = {
	{15169, "GOOGLE \"x\"", TW_DIR_TO, 10, 700}, {0, "", TW_DIR_FROM, 20, 300}};

static struct tw_summary full_summary(void)
{
	struct tw_second second = full_second(TIME);

	return (struct tw_summary){.seconds = 3,
		.inexact = 1,
		.first = TIME,
		.last = TIME + 2,
		.totals = second.totals,
		.losses = losses,
		.n_losses = 2,
		.series = series,
		.peers = peers,
		.n_peers = 2};
}

static char folder[] = "/tmp/tw_export.XXXXXX";
static char path[64];

static char *read_file(void)
{
	FILE *in = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	assert_non_null(in);
	assert_true(getdelim(&text, &size, '\0', in) >= 0 || feof(in));
	fclose(in);
	assert_non_null(text);
	return text;
}

/* All that a run shows a sink: three seconds, a gap, the summary. */
static void run(struct tw_sink *sink)
{
	struct tw_second second = full_second(TIME);
	struct tw_summary summary;

	assert_non_null(sink);
	assert_int_equal(sink->start(sink, &view), 0);
	assert_int_equal(sink->second(sink, &second), 0);
	second = silent_second(TIME + 1);
	assert_int_equal(sink->second(sink, &second), 0);
	if (sink->gap != NULL)
		assert_int_equal(sink->gap(sink, TIME + 2, TIME + 200000), 0);
	second = full_second(TIME + 200001);
	assert_int_equal(sink->second(sink, &second), 0);
	summary = full_summary();
	if (sink->summary != NULL)
		assert_int_equal(sink->summary(sink, &summary), 0);
	assert_int_equal(sink->close(sink), 0);
}

/* The n-th line of the file, from 0, as JSON. */
static json_t *json_line(const char *text, unsigned int n)
{
	json_error_t error;
	json_t *json;

	while (n-- > 0) {
		text = strchr(text, '\n');
		assert_non_null(text);
		text++;
	}
	json = json_loads(text, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &error);
	if (json == NULL)
		fail_msg("%s in %s", error.text, text);
	assert_int_equal(text[strcspn(text, "\n")], '\n');
	return json;
}

static const char *text_of(json_t *json, const char *key)
{
	json_t *value = json_object_get(json, key);

	assert_true(json_is_string(value));
	return json_string_value(value);
}

static uint64_t number_of(json_t *json, const char *key)
{
	json_t *value = json_object_get(json, key);

	assert_true(json_is_integer(value));
	return (uint64_t)json_integer_value(value);
}

static void test_json_start(void **state)
{
	json_t *start, *database;
	char *text;

	run(tw_json_sink(path, false, NULL));
	text = read_file();
	start = json_line(text, 0);
	assert_string_equal(text_of(start, "type"), "start");
	assert_string_equal(text_of(start, "version"), view.version);
	assert_string_equal(text_of(start, "config"), view.config_path);
	assert_int_equal(json_array_size(json_object_get(start, "databases")), 2);
	database = json_array_get(json_object_get(start, "databases"), 0);
	assert_string_equal(text_of(database, "path"), databases[0].path);
	assert_string_equal(text_of(database, "type"), databases[0].type);
	assert_int_equal(number_of(database, "build_epoch"), databases[0].build_epoch);
	json_decref(start);
	free(text);
}

static void check_totals(json_t *line)
{
	json_t *received = json_object_get(line, "received");
	json_t *classes = json_object_get(line, "classes");
	json_t *malformed = json_object_get(line, "malformed");
	json_t *dropped = json_object_get(line, "dropped"), *list = json_object_get(line, "losses");

	assert_int_equal(number_of(received, "packets"), 100);
	assert_int_equal(number_of(received, "bytes"), 9000);
	assert_int_equal(json_object_size(dropped), 2);
	assert_int_equal(number_of(dropped, "imissed"), 7);
	assert_int_equal(number_of(dropped, "dispatch_full"), 9);
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(text_of(json_array_get(list, 0), "cause"), "imissed");
	assert_int_equal(number_of(json_array_get(list, 0), "port"), 0);
	assert_int_equal(number_of(json_array_get(list, 0), "packets"), 7);
	assert_string_equal(text_of(json_array_get(list, 1), "cause"), "dispatch_full");
	assert_int_equal(number_of(json_array_get(list, 1), "worker"), 3);
	assert_int_equal(number_of(classes, "target"), 31);
	assert_int_equal(number_of(classes, "internal"), 5);
	assert_int_equal(number_of(classes, "other"), 58);
	assert_int_equal(number_of(classes, "not_ip"), 1);
	assert_int_equal(number_of(classes, "malformed"), 5);
	assert_int_equal(json_object_size(malformed), 2);
	assert_int_equal(number_of(malformed, tw_malformed_name(0)), 2);
	assert_int_equal(number_of(malformed, tw_malformed_name(TW_BAD_MAX - 1)), 3);
	assert_int_equal(number_of(line, "late"), 4);
	assert_int_equal(number_of(line, "flow_overflow"), 6);
}

static void check_series(json_t *entry, const char *target, uint32_t asn, const char *name,
	const char *method, const char *direction, unsigned int version,
	struct tw_series_count count)
{
	assert_int_equal(json_object_size(entry), 10);
	assert_string_equal(text_of(entry, "target"), target);
	assert_int_equal(number_of(entry, "upstream"), asn);
	assert_string_equal(text_of(entry, "name"), name);
	assert_string_equal(text_of(entry, "method"), method);
	assert_string_equal(text_of(entry, "direction"), direction);
	assert_int_equal(number_of(entry, "ip_version"), version);
	assert_int_equal(number_of(entry, "packets"), count.packets);
	assert_int_equal(number_of(entry, "bytes"), count.bytes);
	assert_int_equal(number_of(entry, "flows"), count.flows);
	assert_int_equal(number_of(entry, "active_flows"), count.active_flows);
}

static void test_json_seconds(void **state)
{
	json_t *line, *list, *peer;
	char *text, *number;

	run(tw_json_sink(path, false, NULL));
	text = read_file();
	/* JSON has no bound, jansson has: counters leave as they are */
	number = strstr(text, "\"packets\":18446744073709551615,");
	assert_non_null(number);
	while ((number = strstr(text, "18446744073709551615")) != NULL) {
		number[0] = '7';
		memset(number + 1, ' ', 19);
	}

	line = json_line(text, 1);
	assert_string_equal(text_of(line, "type"), "second");
	assert_int_equal(number_of(line, "time"), TIME);
	assert_true(json_is_true(json_object_get(line, "exact")));
	check_totals(line);
	list = json_object_get(line, "series");
	assert_int_equal(json_array_size(list), 4);
	check_series(json_array_get(list, 0), "KP", 4837, WIDE, "vlan", "to", 4,
		(struct tw_series_count){10, 700, 3, 4});
	check_series(json_array_get(list, 1), "KP", UINT32_MAX, AWKWARD, "mac", "from", 6,
		(struct tw_series_count){20, 300, 0, 1});
	check_series(json_array_get(list, 2), AWKWARD, 0, "unknown", "none", "to", 6,
		(struct tw_series_count){7, 5, 0, 0});
	check_series(json_array_get(list, 3), AWKWARD, UINT32_MAX, AWKWARD, "mac", "to", 4,
		(struct tw_series_count){0, 0, 0, 9});
	json_decref(line);

	line = json_line(text, 2);
	assert_int_equal(number_of(line, "time"), TIME + 1);
	assert_true(json_is_false(json_object_get(line, "exact")));
	assert_int_equal(json_array_size(json_object_get(line, "series")), 0);
	assert_int_equal(json_object_size(json_object_get(line, "malformed")), 0);
	assert_int_equal(json_object_size(json_object_get(line, "dropped")), 0);
	assert_null(json_object_get(line, "losses"));
	json_decref(line);

	line = json_line(text, 3);
	assert_string_equal(text_of(line, "type"), "gap");
	assert_int_equal(number_of(line, "from"), TIME + 2);
	assert_int_equal(number_of(line, "to"), TIME + 200000);
	json_decref(line);

	line = json_line(text, 5);
	assert_string_equal(text_of(line, "type"), "summary");
	assert_int_equal(number_of(line, "seconds"), 3);
	assert_int_equal(number_of(line, "inexact"), 1);
	assert_int_equal(number_of(line, "first"), TIME);
	assert_int_equal(number_of(line, "last"), TIME + 2);
	assert_true(json_is_false(json_object_get(line, "exact")));
	check_totals(line);
	assert_int_equal(json_array_size(json_object_get(line, "series")), 4);
	list = json_object_get(line, "peers");
	assert_int_equal(json_array_size(list), 2);
	peer = json_array_get(list, 0);
	assert_int_equal(number_of(peer, "asn"), 15169);
	assert_string_equal(text_of(peer, "name"), peers[0].name);
	assert_string_equal(text_of(peer, "direction"), "to");
	assert_int_equal(number_of(peer, "packets"), 10);
	assert_int_equal(number_of(peer, "bytes"), 700);
	assert_string_equal(text_of(json_array_get(list, 1), "direction"), "from");
	json_decref(line);
	free(text);
}

static void test_csv(void **state)
{
	static const char expected[] =
		"time,exact,target,upstream,name,method,direction,ip_version,packets,bytes,flows,"
		"active_flows\n"
		"1506848871,true,KP,4837," WIDE ",vlan,to,4,10,700,3,4\n"
		"1506848871,true,KP,4294967295,\"Acme, \"\"Net\"\" \\ Ltd\",mac,from,6,20,300,0,1\n"
		"1506848871,true,\"Acme, \"\"Net\"\" \\ Ltd\",0,unknown,none,to,6,"
		"18446744073709551615,5,0,0\n"
		"1506848871,true,\"Acme, \"\"Net\"\" \\ Ltd\",4294967295,"
		"\"Acme, \"\"Net\"\" \\ Ltd\",mac,to,4,0,0,0,9\n"
		"1506848872,false,,,,,,,,,,\n";
	char *text;

	run(tw_csv_sink(path, false, NULL));
	text = read_file();
	text[sizeof(expected) - 1] = '\0';
	assert_string_equal(text, expected);
	free(text);
}

/* Whoever reads a file while it is written, or finds it after a crash, sees whole lines. */
static void check_whole_lines(struct tw_sink *sink)
{
	struct tw_second second = full_second(TIME);
	unsigned int writes = 0;
	off_t size = 0;
	struct stat st;

	assert_non_null(sink);
	assert_int_equal(sink->start(sink, &view), 0);
	for (unsigned int i = 0; i < 1000; i++) {
		second.time = TIME + i;
		assert_int_equal(sink->second(sink, &second), 0);
		assert_int_equal(stat(path, &st), 0);
		if (st.st_size == size)
			continue;
		char *text = read_file();

		assert_int_equal(text[st.st_size - 1], '\n');
		free(text);
		size = st.st_size;
		writes++;
	}
	assert_in_range(writes, 2, 30); /* 64 KiB at once, not line by line */
	assert_int_equal(sink->close(sink), 0);
}

static void test_whole_lines(void **state)
{
	check_whole_lines(tw_json_sink(path, false, NULL));
	check_whole_lines(tw_csv_sink(path, false, NULL));
}

/* A pipe gets each second at once. */
static void test_pipe_is_not_held_up(void **state)
{
	struct tw_second second = full_second(TIME);
	struct tw_sink *sink;
	char text[8192];
	int pipes[2];
	ssize_t n;

	assert_int_equal(pipe(pipes), 0);
	snprintf(text, sizeof(text), "/proc/self/fd/%d", pipes[1]);
	sink = tw_json_sink(text, false, NULL);
	assert_int_equal(sink->start(sink, &view), 0);
	for (unsigned int i = 0; i < 3; i++) {
		n = read(pipes[0], text, sizeof(text)); /* would block for ever */
		assert_true(n > 0 && text[n - 1] == '\n');
		assert_int_equal(sink->second(sink, &second), 0);
	}
	assert_int_equal(sink->close(sink), 0);
	close(pipes[0]);
	close(pipes[1]);
}

static void check_full(struct tw_sink *sink)
{
	struct tw_second second = full_second(TIME);
	int err;

	assert_non_null(sink);
	err = sink->start(sink, &view);
	assert_true(err == 0 || err == -ENOSPC);
	err = sink->second(sink, &second);
	assert_true(err == 0 || err == -ENOSPC);
	assert_int_equal(sink->close(sink), -ENOSPC);
}

static void test_full_disk(void **state)
{
	check_full(tw_json_sink("/dev/full", false, NULL));
	check_full(tw_csv_sink("/dev/full", false, NULL));
}

static void test_full_disk_text(void **state)
{
	const struct tw_text_style style = {.table = true, .summary = true};
	FILE *out = fopen("/dev/full", "w");
	struct tw_sink *sink = tw_text_sink(out, &style, NULL);
	struct tw_summary summary = full_summary();

	sink->start(sink, &view);
	sink->summary(sink, &summary);
	assert_true(sink->close(sink) < 0);
	fclose(out);
}

static void test_cannot_open(void **state)
{
	struct tw_diag diag = {0};
	char expected[160], missing[96];

	snprintf(missing, sizeof(missing), "%s/none/out.json", folder);
	assert_null(tw_json_sink(missing, false, &diag));
	assert_null(tw_csv_sink(folder, false, &diag));
	assert_int_equal(diag.n_lines, 2);
	snprintf(
		expected, sizeof(expected), "%s: cannot write: No such file or directory", missing);
	assert_string_equal(diag.lines[0], expected);
	snprintf(expected, sizeof(expected), "%s: cannot write: Is a directory", folder);
	assert_string_equal(diag.lines[1], expected);
	tw_diag_free(&diag);
}

/* ---- tables for people ---- */

static char *text_run(const struct tw_text_style *style)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	run(tw_text_sink(out, style, NULL));
	fclose(out);
	return text;
}

/* Columns of a line that holds no escape sequence. */
static unsigned int columns_of(const char *line, size_t length)
{
	wchar_t wide[1024];
	char copy[1024];
	size_t n;

	assert_true(length < sizeof(copy));
	memcpy(copy, line, length);
	copy[length] = '\0';
	n = mbstowcs(wide, copy, 1024);
	assert_true(n != (size_t)-1);
	return (unsigned int)wcswidth(wide, n);
}

static unsigned int widest(const char *text)
{
	unsigned int most = 0;

	for (size_t n; *text != '\0'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		unsigned int columns = columns_of(text, n);

		if (columns > most)
			most = columns;
	}
	return most;
}

static void test_text_width(void **state)
{
	struct tw_text_style style = {.table = true, .every_second = true, .summary = true};
	char *text = text_run(&style);

	assert_in_range(widest(text), 60, 80);
	for (const char *c = text; *c != '\0'; c++)
		assert_true(*c == '\n' || (*c >= 0x20 && *c < 0x7f)); /* ASCII, no colour */
	free(text);

	style.utf8 = true;
	text = text_run(&style);
	assert_in_range(widest(text), 60, 80);
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "█"));
	free(text);
}

static void test_text_content(void **state)
{
	struct tw_text_style style = {.table = true, .every_second = true, .summary = true};
	char *text = text_run(&style);

	/* of KP's 1000 bytes one upstream has 700: 21 of 30 cells */
	assert_non_null(strstr(text, "09:07:51  KP            30   8.00 k      5  "
				     "#####################=========  70%\n"));
	assert_non_null(strstr(text, "09:07:52! KP             0        0      0  no traffic\n"));
	assert_non_null(
		strstr(text, "no packet from 2017-10-01 09:07:53 to 2017-10-03 16:41:11\n"));
	assert_non_null(strstr(text, "3 seconds, 2017-10-01 09:07:51 to 2017-10-01 09:07:53 UTC, "
				     "1 NOT exact\n"));
	assert_non_null(strstr(text, "LOST imissed              7 packets, port 0 net_ring0\n"));
	assert_non_null(strstr(text, "LOST dispatch_full        9 packets, worker 3\n"));
	assert_non_null(strstr(text, "to    AS15169     GOOGLE \"x\" "));
	assert_non_null(strstr(text, "from  unknown "));
	free(text);
}

/* Rows follow each other in one line only while they say the same. */
static void test_text_folds(void **state)
{
	const struct tw_text_style style = {.table = true, .utf8 = true, .color = true};
	struct tw_second second = full_second(TIME);
	struct tw_sink *sink;
	struct tw_summary summary = full_summary();
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	sink = tw_text_sink(out, &style, NULL);
	assert_int_equal(sink->start(sink, &view), 0);
	for (unsigned int i = 0; i < 10; i++, second.time++)
		assert_int_equal(sink->second(sink, &second), 0);
	at(0, 1, TW_DIR_TO, 4)->bytes = 100; /* 70% becomes 25% */
	for (unsigned int i = 0; i < 5; i++, second.time++)
		assert_int_equal(sink->second(sink, &second), 0);
	at(0, 1, TW_DIR_TO, 4)->bytes = 700; /* and back, for two seconds: both are shown */
	for (unsigned int i = 0; i < 2; i++, second.time++)
		assert_int_equal(sink->second(sink, &second), 0);
	at(0, 1, TW_DIR_TO, 4)->bytes = 100;
	second.exact = false; /* is never folded */
	assert_int_equal(sink->second(sink, &second), 0);
	assert_int_equal(sink->summary(sink, &summary), 0);
	assert_int_equal(sink->close(sink), 0);
	fclose(out);
	assert_non_null(strstr(text, "⋮ 9 s alike\n09:08:01"));
	assert_non_null(strstr(text, "⋮ 4 s alike\n09:08:06 "));
	assert_non_null(strstr(text, "\n09:08:07 "));
	assert_non_null(strstr(text, "\n09:08:08!"));
	assert_null(strstr(text, "1 s alike"));
	assert_non_null(strstr(text, "\033[34m█"));
	assert_non_null(strstr(text, " 75%\n"));
	assert_null(strstr(text, "seconds,")); /* no summary was asked for */
	free(text);
}

static void test_live_table(void **state)
{
	static const struct tw_load loads[] = {{1000, 345}, {0, 0}};
	struct tw_text_style style = {.utf8 = true};
	struct tw_second second = full_second(TIME);
	struct tw_summary summary = full_summary();
	struct tw_sink *sink;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	second = full_second(TIME);
	second.exact = false;
	second.loads = loads;
	second.n_loads = 2;
	sink = tw_live_sink(out, &style, NULL);
	assert_int_equal(sink->start(sink, &view), 0);
	assert_int_equal(sink->second(sink, &second), 0);
	fflush(out);
	assert_in_range(widest(text), 60, 80);
	assert_non_null(
		strstr(text, "2017-10-01 09:07:51 UTC  100 pkt/s  72.0 kbit/s  targets 31 pkt/s  "
			     "NOT exact\n"));
	assert_non_null(strstr(text, " to        10   5.60 k      3      4 100% █████████\n"));
	assert_non_null(
		strstr(text, "KP       AS4294967295 Acme, … from      20   2.40 k      0      1 "
			     "100% █████████\n"));
	assert_non_null(strstr(text, "\nworkers busy  34%   0%\n"));
	assert_non_null(strstr(text, "\nlost 16 packets in 1 seconds not exact\n"
				     "  imissed 7 at port 0\n  dispatch_full 9 at worker 3\n"));
	assert_null(strchr(text, '\033'));
	assert_int_equal(sink->summary(sink, &summary), 0);
	assert_int_equal(sink->close(sink), 0);
	fclose(out);
	assert_non_null(strstr(text, "3 seconds, "));
	free(text);
}

static int set_up(void **state)
{
	if (setlocale(LC_ALL, "C.UTF-8") == NULL || mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/out", folder);
	return 0;
}

static int tear_down(void **state)
{
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_start),
		cmocka_unit_test(test_json_seconds),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_whole_lines),
		cmocka_unit_test(test_pipe_is_not_held_up),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_full_disk_text),
		cmocka_unit_test(test_cannot_open),
		cmocka_unit_test(test_text_width),
		cmocka_unit_test(test_text_content),
		cmocka_unit_test(test_text_folds),
		cmocka_unit_test(test_live_table),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
