/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sinks.h"

enum {
	TEXT_LIMIT = 256 << 10, /* octets for a terminal that stands still */
};

static bool is_stdout(const char *path)
{
	return path != NULL && strcmp(path, "-") == 0;
}

static int add(struct tw_sinks *sinks, struct tw_sink *sink, const char *name)
{
	if (sink == NULL)
		return -EIO;
	sinks->names[sinks->n_sinks] = name;
	sinks->sinks[sinks->n_sinks++] = sink;
	return 0;
}

/*
 * Of a live run, text goes to a writer: a terminal that was stopped with Ctrl-S is no reason to stand still. A table that is
 * drawn comes whole or not at all, rows each by itself.
 */
static int open_text(
	struct tw_sinks_text *text, FILE *out, bool live, bool drawn, struct tw_diag *diag)
{
	const struct tw_writer_spec spec = {
		.fd = fileno(out), .name = "text", .quiet = true, .limit = TEXT_LIMIT};

	text->out = out;
	if (!live)
		return 0;
	text->writer = tw_writer_create(&spec, diag);
	text->out = text->writer != NULL ? tw_writer_stream(text->writer) : NULL;
	if (text->out == NULL)
		return tw_diag_add(diag, -ENOMEM, "no memory for text");
	setvbuf(text->out, NULL, drawn ? _IOFBF : _IOLBF, TEXT_LIMIT / 4);
	return 0;
}

/* What cannot be told, since standard error does not take it, is no error. */
static int close_text(struct tw_sinks_text *text, bool is_stderr)
{
	int err;

	if (text->writer != NULL && text->out != NULL)
		fclose(text->out);
	err = tw_writer_close(text->writer);
	*text = (struct tw_sinks_text){0};
	return is_stderr ? 0 : err;
}

static int add_text(struct tw_sinks *sinks, const struct tw_options *options, struct tw_diag *diag)
{
	bool taken = is_stdout(options->output) || is_stdout(options->csv);
	FILE *out = taken ? stderr : stdout;
	bool terminal = isatty(fileno(out)), drawn = options->live && terminal;
	const char *no_color = getenv("NO_COLOR");
	struct tw_text_style style = {
		.table = options->table,
		.every_second = options->every_second || options->live,
		.summary = !taken || terminal || options->table,
		.color = terminal && (no_color == NULL || *no_color == '\0'),
		.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
	};
	const char *name = taken ? "standard error" : "standard output";

	sinks->text_is_stderr = taken;
	if (options->live && !drawn &&
		(open_text(&sinks->log, stderr, true, false, diag) != 0 ||
			add(sinks, tw_event_log_sink(sinks->log.out, diag), "standard error") != 0))
		return -ENOMEM;
	if (!drawn && !style.table && !style.summary)
		return 0;
	if (open_text(&sinks->table, out, options->live, drawn, diag) != 0)
		return -ENOMEM;
	/* A live run is shown where somebody looks; elsewhere a row a second, if asked for. */
	return add(sinks,
		drawn ? tw_live_sink(sinks->table.out, &style, diag)
		      : tw_text_sink(sinks->table.out, &style, diag),
		name);
}

static const char *shown(const char *path)
{
	return is_stdout(path) ? "standard output" : path;
}

int tw_sinks_open(struct tw_sinks *sinks, const struct tw_options *options, char *const *on_event,
	struct tw_diag *diag)
{
	int err = 0;

	setlocale(LC_CTYPE, "");
	*sinks = (struct tw_sinks){0};
	if (options->output != NULL)
		err = add(sinks, tw_json_sink(options->output, options->live, diag),
			shown(options->output));
	if (err == 0 && options->csv != NULL)
		err = add(
			sinks, tw_csv_sink(options->csv, options->live, diag), shown(options->csv));
	if (err == 0)
		err = add_text(sinks, options, diag);
	if (err == 0 && on_event != NULL) {
		sinks->on_event = tw_on_event_create(on_event, diag);
		err = add(sinks, (struct tw_sink *)sinks->on_event, "on_event");
	}
	if (err != 0)
		tw_sinks_close(sinks, diag);
	return err;
}

static void tell(struct tw_diag *diag, const char *name, int err, int *first)
{
	/* Of missing lines the output has told itself. */
	if (err != 0 && err != -ENODATA)
		tw_diag_add(diag, err, "%s: cannot write: %s", name, strerror(-err));
	if (*first == 0)
		*first = err;
}

int tw_sinks_close(struct tw_sinks *sinks, struct tw_diag *diag)
{
	int first = 0;

	for (unsigned int i = 0; i < sinks->n_sinks; i++) {
		struct tw_sink *sink = sinks->sinks[i];

		tell(diag, sinks->names[i], sink->close(sink), &first);
	}
	tell(diag, "standard output", close_text(&sinks->table, sinks->text_is_stderr), &first);
	(void)close_text(&sinks->log, true);
	sinks->n_sinks = 0;
	sinks->on_event = NULL;
	return first;
}
