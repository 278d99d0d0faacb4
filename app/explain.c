/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "options.h"

enum {
	READ_SIZE = 1 << 16,
};

struct explain {
	struct tw_setup setup;
	struct tw_explain_json *json; /* NULL: text */
	unsigned int n_bad;
};

/* `line` is the input's, 0 for an argument. */
static void answer(struct explain *x, const char *text, uint64_t line)
{
	struct tw_explanation explanation;
	struct tw_addr addr;

	if (tw_addr_parse(text, &addr) != 0) {
		fprintf(stderr, "transitwatch: ");
		if (line > 0)
			fprintf(stderr, "standard input:%" PRIu64 ": ", line);
		fprintf(stderr, "%s: no address: 192.0.2.1 or 2001:db8::1 is expected\n", text);
		x->n_bad++;
		return;
	}
	tw_table_explain(x->setup.table, &addr, &explanation);
	if (x->json != NULL)
		tw_explain_json_write(x->json, &addr, &explanation);
	else
		tw_explain_text_write(&x->setup, &addr, &explanation, stdout);
}

/* A line of the input, ended by NUL in place of its newline. White space around the address and empty lines pass. */
static void answer_line(struct explain *x, char *line, size_t length, uint64_t number)
{
	while (length > 0 && strchr(" \t\r", line[length - 1]) != NULL)
		line[--length] = '\0';
	while (*line == ' ' || *line == '\t')
		line++;
	if (*line != '\0')
		answer(x, line, number);
}

static int flush(struct explain *x)
{
	return x->json != NULL ? tw_explain_json_flush(x->json) : fflush(stdout);
}

/*
 * Answers all that a read brought before it reads on, and flushes then: as fast as the input comes, and no
 * question waits for the next one.
 */
static int answer_input(struct explain *x)
{
	static char buffer[READ_SIZE];
	uint64_t number = 0;
	size_t held = 0;
	ssize_t got;

	for (;;) {
		char *line = buffer, *end;

		if (held == sizeof(buffer) - 1)
			held = 0; /* no address is that long: its tail will be told as none */
		do {
			got = read(STDIN_FILENO, buffer + held, sizeof(buffer) - 1 - held);
		} while (got < 0 && errno == EINTR);
		if (got < 0) {
			fprintf(stderr, "transitwatch: standard input: %s\n", strerror(errno));
			return TW_EXIT_USAGE;
		}
		if (got == 0)
			break;
		held += (size_t)got;
		while ((end = memchr(line, '\n', held - (size_t)(line - buffer))) != NULL) {
			*end = '\0';
			answer_line(x, line, (size_t)(end - line), ++number);
			line = end + 1;
		}
		held -= (size_t)(line - buffer);
		memmove(buffer, line, held);
		if (flush(x) != 0)
			return TW_EXIT_USAGE;
	}
	buffer[held] = '\0';
	answer_line(x, buffer, held, ++number);
	return TW_EXIT_OK;
}

static int run(struct explain *x, const struct tw_options *options)
{
	int status = TW_EXIT_OK;

	if (options->from_stdin)
		status = answer_input(x);
	for (unsigned int i = 0; i < options->n_args; i++)
		answer(x, options->args[i], 0);
	if (flush(x) != 0)
		status = TW_EXIT_USAGE;
	return x->n_bad > 0 ? TW_EXIT_USAGE : status;
}

int tw_explain(const struct tw_options *options)
{
	static struct explain x;
	static char out[READ_SIZE];
	struct tw_diag diag = {0};
	int status = TW_EXIT_USAGE;

	setvbuf(stdout, out, _IOFBF, sizeof(out));
	if (tw_setup_load(&x.setup, options, &diag) == 0) {
		x.json = options->json ? tw_explain_json_create(&x.setup, &x.setup.feed, stdout)
				       : NULL;
		if (options->json && x.json == NULL)
			tw_diag_add(&diag, -ENOMEM, "no memory");
		else
			status = run(&x, options);
	}
	tw_diag_print(&diag, stderr, "transitwatch: ");
	tw_diag_free(&diag);
	tw_explain_json_free(x.json);
	tw_setup_free(&x.setup);
	return status;
}
