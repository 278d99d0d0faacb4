/* SPDX-License-Identifier: BSD-3-Clause */

/* Links beside routes, and the routes' own shares, for people. */

#include "tw_events.h"
#include "tw_test_routes.h"

static char *shown_by(bool live)
{
	const struct tw_text_style style = {
		.table = true, .every_second = true, .summary = true, .utf8 = true};
	struct tw_second second = routed_second();
	struct tw_summary summary;
	struct tw_sink *sink;
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	sink = live ? tw_live_sink(to, &style, NULL) : tw_text_sink(to, &style, NULL);
	assert_int_equal(sink->start(sink, &routed), 0);
	assert_int_equal(sink->second(sink, &second), 0);
	summary = routed_summary();
	assert_int_equal(sink->summary(sink, &summary), 0);
	assert_int_equal(sink->close(sink), 0);
	fclose(to);
	for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
		wchar_t wide[512];
		char copy[512];

		snprintf(copy, sizeof(copy), "%.*s", (int)strcspn(line, "\n"), line);
		assert_true(mbstowcs(wide, copy, 512) <= 80);
	}
	assert_null(strstr(text, "AS0"));
	return text;
}

static void test_table(void **state)
{
	char *text = shown_by(false);

	/* What routes may find is not in the legend before it is seen. */
	assert_true(
		strncmp(text,
			"██ AS4837 China \"Unicom\"\n▒▒ AS20485 TransTeleCom\n?? unknown\n\nUTC",
			60) == 0);
	assert_non_null(
		strstr(text, "bytes by upstream      max\n▚▚ AS3356\n░░ ambiguous\n2017-10-01\n"));
	assert_non_null(strstr(text, "████████████▒▒▒▒▒▒▒▒▒▚▚▚░░░░░░  40%\n"));
	free(text);
}

#define ROUTES_TEXT                                                                            \
	"\ntarget   links beside routes:     agree  disagree  undecided  no route     bytes\n" \
	"KP                                40.0%     39.0%      20.0%      1.0%   10.0 kB\n"   \
	"\nroutes of 2017-10-01 09:06:50 UTC, 61 s old, 12 vantage points, 1 stale\n"          \
	"target   upstream              IP   prefixes  share  addresses  share   bytes\n"      \
	"KP       AS4837 China \"Unicom\" IPv4        3  75.0%        768  75.0%   44.4%\n"    \
	"KP       AS20485 TransTeleCom  IPv4        0   0.0%          0   0.0%   33.3%\n"      \
	"KP       ambiguous             IPv4        1  25.0%        256  25.0%   22.2%\n"      \
	"KP       AS3356                IPv6        1 100.0%  65.5 k/64 100.0%  100.0%\n"      \
	"Acme, \"… direct                IPv6        2 100.0%      2 /64 100.0%    0.0%\n"

static void test_routes_behind_the_summary(void **state)
{
	char *text = shown_by(false);
	const char *table = strstr(text, "\ntarget   links beside");

	assert_non_null(table);
	assert_string_equal(table, ROUTES_TEXT);
	free(text);
}

static void test_live(void **state)
{
	char *text = shown_by(true);
	char *foot = strstr(text, "\n\nworkers busy");

	assert_non_null(foot);
	foot[1] = '\0';
	assert_non_null(strstr(text, "\nKP       AS20485 TransTeleCom to        30   24.0 k "));
	assert_non_null(strstr(text, "\nKP       ambiguous            to  "));
	assert_null(strstr(text, "\nKP       ambiguous            from"));
	assert_null(strstr(text, "foreign"));
	assert_string_equal(strstr(text, "\n\ntarget   links beside") + 1, ROUTES_TEXT);
	free(text);
}

static void test_event(void **state)
{
	const struct tw_event event = {.type = TW_EVENT_DISAGREEMENT,
		.time = TIME + 1,
		.since = TIME,
		.upstream = CHINA,
		.other = TTK,
		.share = 0.125};
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	struct tw_sink *sink = tw_event_log_sink(to, NULL);

	(void)routed_second();
	assert_int_equal(sink->start(sink, &routed), 0);
	assert_int_equal(sink->event(sink, &event), 0);
	assert_int_equal(sink->close(sink), 0);
	fclose(to);
	assert_string_equal(text, "transitwatch: event: 2017-10-01 09:07:51  KP       "
				  "AS4837 China \"U…, routes say AS20485 TransTe…, 12%\n");
	free(text);
}

static int set_up(void **state)
{
	return setlocale(LC_ALL, "C.UTF-8") == NULL ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_routes_behind_the_summary),
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_event),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
