/* SPDX-License-Identifier: BSD-3-Clause */

/* Exporters for programs: JSON lines and CSV, read back by other code. */

#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "tw_test_export.h"

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
		"active_flows,rib_age\n"
		"1506848871,true,KP,4837," WIDE ",vlan,to,4,10,700,3,4,\n"
		"1506848871,true,KP,4294967295,\"Acme, \"\"Net\"\" \\ "
		"Ltd\",mac,from,6,20,300,0,1,\n"
		"1506848871,true,\"Acme, \"\"Net\"\" \\ Ltd\",0,unknown,none,to,6,"
		"18446744073709551615,5,0,0,\n"
		"1506848871,true,\"Acme, \"\"Net\"\" \\ Ltd\",4294967295,"
		"\"Acme, \"\"Net\"\" \\ Ltd\",mac,to,4,0,0,0,9,\n"
		"1506848872,false,,,,,,,,,,,\n";
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
		cmocka_unit_test(test_cannot_open),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
