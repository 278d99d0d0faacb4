/* SPDX-License-Identifier: BSD-3-Clause */

/* The outputs of a live run, on files, full disks and pipes of the kernel's own making. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tw_writer.h"

enum {
	LIMIT = 4096,
	WAIT_MS = 4000,
};

static char folder[] = "/tmp/tw-test-writer.XXXXXX";
static char path[64], log_path[64], other_path[64];
static int saved_stderr;

static char *read_file(const char *name)
{
	char *text = calloc(1, 1 << 20);
	FILE *file = fopen(name, "r");

	assert_non_null(text);
	if (file != NULL) {
		(void)!fread(text, 1, (1 << 20) - 1, file);
		fclose(file);
	}
	return text;
}

static bool holds(const char *name, const char *part)
{
	char *text = read_file(name);
	bool found = strstr(text, part) != NULL;

	free(text);
	return found;
}

static void nap(void)
{
	const struct timespec ten_ms = {.tv_nsec = 10000000};

	nanosleep(&ten_ms, NULL);
}

static void wait_for(const char *name, const char *part)
{
	for (unsigned int ms = 0; ms < WAIT_MS && !holds(name, part); ms += 10)
		nap();
	if (!holds(name, part))
		fail_msg("%s never holds '%s'", name, part);
}

/* What was said, and nothing else. Names of files stand as @. */
static void check_said(const char *expected)
{
	char *text = read_file(log_path), *at;
	char said[4096] = "";

	while ((at = strstr(text, path)) != NULL) {
		*at = '@';
		memmove(at + 1, at + strlen(path), strlen(at + strlen(path)) + 1);
	}
	snprintf(said, sizeof(said), "%s", text);
	free(text);
	assert_string_equal(said, expected);
}

static struct tw_writer *create(const char *header, size_t limit)
{
	const struct tw_writer_spec spec = {
		.path = path, .name = path, .header = header, .limit = limit};
	struct tw_writer *writer = tw_writer_create(&spec, NULL);

	assert_non_null(writer);
	return writer;
}

static void put_line(struct tw_writer *writer, unsigned int number)
{
	char line[32];
	int n = snprintf(line, sizeof(line), "line %06u ..............\n", number);

	tw_writer_put(writer, line, (size_t)n);
}

static void put_lines(struct tw_writer *writer, unsigned int from, unsigned int to)
{
	for (unsigned int i = from; i < to; i++)
		put_line(writer, i);
}

/* Lines are whole and their numbers rise. Returns how many. */
static unsigned int check_lines(const char *text)
{
	unsigned int n = 0, last = 0, number;

	for (; *text != '\0'; text = strchr(text, '\n') + 1, n++) {
		assert_int_equal(sscanf(text, "line %06u ..............\n", &number), 1);
		assert_non_null(strchr(text, '\n'));
		assert_int_equal(strchr(text, '\n') - text, 26);
		assert_true(n == 0 || number > last);
		last = number;
	}
	return n;
}

static unsigned int check_file(const char *name)
{
	char *text = read_file(name);
	unsigned int n = check_lines(text);

	free(text);
	return n;
}

#define FULL                                                                                     \
	"transitwatch: @: cannot write: No space left on device: up to 4096 KiB of lines wait, " \
	"and it is tried again every second\n"

static void test_full_disk_loses_nothing_that_waits(void **state)
{
	struct tw_writer *writer;

	assert_int_equal(symlink("/dev/full", path), 0);
	writer = create("head", TW_WRITER_LIMIT);
	put_lines(writer, 0, 10);
	wait_for(log_path, "No space left");
	put_lines(writer, 10, 20);
	assert_int_equal(unlink(path), 0);
	/* no SIGUSR1: it is tried by itself */
	wait_for(log_path, "written again");
	put_lines(writer, 20, 30);
	assert_int_equal(tw_writer_close(writer), 0);
	check_said(FULL "transitwatch: @: is written again: no line is missing\n");
	char *text = read_file(path);
	assert_memory_equal(text, "head\n", 5);
	assert_int_equal(check_lines(text + 5), 30);
	free(text);
}

static void test_what_finds_no_room_is_counted(void **state)
{
	struct tw_writer *writer;

	assert_int_equal(symlink("/dev/full", path), 0);
	writer = create(NULL, 27 * 10);
	put_lines(writer, 0, 5);
	wait_for(log_path, "No space left");
	put_lines(writer, 5, 110);
	assert_int_equal(unlink(path), 0);
	tw_writer_reopen(writer);
	wait_for(log_path, "written again");
	put_lines(writer, 110, 115);
	assert_int_equal(tw_writer_close(writer), -ENODATA);
	assert_int_equal(check_file(path), 15);
	assert_true(holds(log_path, ": is written again: 100 lines are missing\n"));
	assert_true(holds(log_path, ": in all, 100 lines are missing\n"));
	assert_false(holds(log_path, "too slow"));
}

static void test_full_to_the_end(void **state)
{
	struct tw_writer *writer;

	assert_int_equal(symlink("/dev/full", path), 0);
	writer = create(NULL, TW_WRITER_LIMIT);
	put_lines(writer, 0, 3);
	assert_int_equal(tw_writer_close(writer), -ENOSPC);
	check_said(FULL "transitwatch: @: in all, 3 lines are missing\n");
}

/* The kernel takes half a line before it says that there is no room. */
static void test_half_a_line_is_taken_back(void **state)
{
	struct rlimit before, small;
	struct tw_writer *writer;
	struct stat st;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	writer = create(NULL, TW_WRITER_LIMIT);
	put_lines(writer, 0, 3);
	for (unsigned int ms = 0; ms < WAIT_MS && check_file(path) < 3; ms += 10)
		nap();
	small = (struct rlimit){.rlim_cur = 27 * 10 + 13, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	put_lines(writer, 3, 20);
	/* what it took half of a line of is no failure yet: the next write is */
	wait_for(log_path, "cannot write: File too large");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 27 * 10);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	wait_for(log_path, "written again");
	assert_int_equal(tw_writer_close(writer), 0);
	assert_int_equal(check_file(path), 20);
}

static void test_renamed_file_keeps_what_came_before(void **state)
{
	struct tw_writer *writer = create("head", TW_WRITER_LIMIT);

	put_lines(writer, 0, 1000);
	assert_int_equal(rename(path, other_path), 0);
	tw_writer_reopen(writer);
	put_lines(writer, 1000, 1500);
	assert_int_equal(tw_writer_close(writer), 0);
	for (unsigned int i = 0; i < 2; i++) {
		char *text = read_file(i == 0 ? other_path : path);

		assert_memory_equal(text, "head\n", 5);
		assert_int_equal(check_lines(text + 5), i == 0 ? 1000 : 500);
		free(text);
	}
	check_said("");
	/* and a file that has lines has its header */
	writer = create("head", TW_WRITER_LIMIT);
	put_line(writer, 1500);
	assert_int_equal(tw_writer_close(writer), 0);
	char *text = read_file(path);
	assert_int_equal(check_lines(text + 5), 501);
	free(text);
}

static void test_path_that_cannot_be_opened_anew(void **state)
{
	struct tw_writer *writer = create(NULL, TW_WRITER_LIMIT);

	put_line(writer, 0);
	assert_int_equal(rename(path, other_path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	tw_writer_reopen(writer);
	put_line(writer, 1);
	assert_int_equal(tw_writer_close(writer), 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(check_file(other_path), 2);
	check_said("transitwatch: @: cannot reopen: Is a directory: writing on to the old file\n");
}

/* Reads what there is, waiting for the first octet. */
static size_t read_pipe(int fd, char *text, size_t size)
{
	ssize_t n = -1;

	for (unsigned int ms = 0; ms < WAIT_MS && n <= 0; ms += 10) {
		n = read(fd, text, size - 1);
		if (n <= 0)
			nap();
	}
	assert_true(n > 0);
	text[n] = '\0';
	return (size_t)n;
}

static void test_pipe_may_lose_its_reader(void **state)
{
	struct tw_writer *writer;
	char text[4096];
	int reader;

	assert_int_equal(mkfifo(path, 0644), 0);
	writer = create(NULL, TW_WRITER_LIMIT);
	put_lines(writer, 0, 3);
	wait_for(log_path, "cannot write: nobody reads it");
	for (unsigned int i = 0; i < 2; i++) {
		reader = open(path, O_RDONLY | O_NONBLOCK);
		read_pipe(reader, text, sizeof(text));
		assert_int_equal(check_lines(text), 3);
		close(reader);
		put_lines(writer, 3, 6);
	}
	reader = open(path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(tw_writer_close(writer), 0);
	read_pipe(reader, text, sizeof(text));
	assert_int_equal(check_lines(text), 3);
	close(reader);
}

static double seconds_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) + 1e-9 * (double)(now.tv_nsec - then->tv_nsec);
}

/* A reader that sleeps costs lines, and nobody's time but two seconds at the end. */
static void test_sleeping_reader_holds_nobody_up(void **state)
{
	static char text[1 << 20];
	struct tw_writer *writer;
	struct timespec begun;
	unsigned int n;
	size_t size = 0;
	ssize_t got;
	int reader;

	assert_int_equal(mkfifo(path, 0644), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK);
	writer = create(NULL, LIMIT);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	put_lines(writer, 0, 100000);
	assert_true(seconds_since(&begun) < 2);
	wait_for(log_path, "is too slow: lines are left out");
	assert_int_equal(tw_writer_close(writer), -ENODATA);
	assert_true(seconds_since(&begun) < 9);
	while ((got = read(reader, text + size, sizeof(text) - 1 - size)) > 0)
		size += (size_t)got;
	close(reader);
	text[size] = '\0';
	n = check_lines(text);
	assert_in_range(n, LIMIT / 27, (65536 + LIMIT) / 27);
	snprintf(text, sizeof(text),
		"transitwatch: @: is too slow: lines are left out\n"
		"transitwatch: @: in all, %u lines are missing\n",
		100000 - n);
	check_said(text);
}

static void test_slow_reader_catches_up(void **state)
{
	static char text[1 << 20];
	unsigned int n = 0, put = 20000;
	struct tw_writer *writer;
	char said[64];
	int reader;

	assert_int_equal(mkfifo(path, 0644), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK);
	writer = create(NULL, LIMIT);
	put_lines(writer, 0, put);
	wait_for(log_path, "is too slow");
	while (!holds(log_path, "written again")) {
		put_line(writer, put++);
		read_pipe(reader, text, sizeof(text));
		n += check_lines(text);
		nap();
	}
	assert_int_equal(tw_writer_close(writer), -ENODATA);
	while (read(reader, text, 27) == 27)
		n++;
	snprintf(said, sizeof(said), "is written again: %u lines are missing\n", put - n);
	assert_true(holds(log_path, said));
	close(reader);
}

/* Lines for people: nothing is said of those that they did not see. */
static void test_stream(void **state)
{
	const struct tw_writer_spec spec = {
		.fd = open(path, O_WRONLY | O_CREAT, 0644), .quiet = true, .limit = LIMIT};
	struct tw_writer *writer = tw_writer_create(&spec, NULL);
	FILE *stream = tw_writer_stream(writer);

	assert_non_null(stream);
	setvbuf(stream, NULL, _IOLBF, 0);
	for (unsigned int i = 0; i < 100; i++)
		fprintf(stream, "line %06u ..............\n", i);
	assert_int_equal(fclose(stream), 0);
	assert_int_equal(tw_writer_close(writer), 0);
	close(spec.fd);
	assert_int_equal(check_file(path), 100);
	check_said("");
}

static int clean(void **state)
{
	char *said = read_file(log_path);

	/* what cmocka has to tell is in it */
	(void)!write(saved_stderr, said, strlen(said));
	free(said);
	unlink(path);
	unlink(other_path);
	(void)!ftruncate(STDERR_FILENO, 0);
	return 0;
}

static int set_up(void **state)
{
	int fd;

	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/out", folder);
	snprintf(other_path, sizeof(other_path), "%s/old", folder);
	snprintf(log_path, sizeof(log_path), "%s/log", folder);
	saved_stderr = dup(STDERR_FILENO);
	fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0644);
	return fd < 0 || dup2(fd, STDERR_FILENO) < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	dup2(saved_stderr, STDERR_FILENO);
	clean(NULL);
	unlink(log_path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_full_disk_loses_nothing_that_waits, clean),
		cmocka_unit_test_teardown(test_what_finds_no_room_is_counted, clean),
		cmocka_unit_test_teardown(test_full_to_the_end, clean),
		cmocka_unit_test_teardown(test_half_a_line_is_taken_back, clean),
		cmocka_unit_test_teardown(test_renamed_file_keeps_what_came_before, clean),
		cmocka_unit_test_teardown(test_path_that_cannot_be_opened_anew, clean),
		cmocka_unit_test_teardown(test_pipe_may_lose_its_reader, clean),
		cmocka_unit_test_teardown(test_sleeping_reader_holds_nobody_up, clean),
		cmocka_unit_test_teardown(test_slow_reader_catches_up, clean),
		cmocka_unit_test_teardown(test_stream, clean),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
