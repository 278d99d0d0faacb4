/* SPDX-License-Identifier: BSD-3-Clause */

/* The tables for people. */

#include <wchar.h>

#include "tw_test_export.h"

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
	return setlocale(LC_ALL, "C.UTF-8") == NULL ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_disk_text),
		cmocka_unit_test(test_text_width),
		cmocka_unit_test(test_text_content),
		cmocka_unit_test(test_text_folds),
		cmocka_unit_test(test_live_table),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
