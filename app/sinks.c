/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sinks.h"

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

static int add_text(struct tw_sinks *sinks, const struct tw_options *options, struct tw_diag *diag)
{
	bool taken = is_stdout(options->output) || is_stdout(options->csv);
	FILE *out = taken ? stderr : stdout;
	bool terminal = isatty(fileno(out));
	const char *no_color = getenv("NO_COLOR");
	struct tw_text_style style = {
		.table = options->table,
		.every_second = options->every_second,
		.summary = !taken || terminal || options->table,
		.color = terminal && (no_color == NULL || *no_color == '\0'),
		.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
	};

	/* A live run is shown where somebody looks; elsewhere a row a second, if asked for. */
	if (options->live && terminal)
		return add(sinks, tw_live_sink(out, &style, diag),
			taken ? "standard error" : "standard output");
	if (options->live) {
		style.every_second = true;
		if (add(sinks, tw_event_log_sink(stderr, diag), "standard error") != 0)
			return -ENOMEM;
	}
	if (!style.table && !style.summary)
		return 0;
	return add(sinks, tw_text_sink(out, &style, diag),
		taken ? "standard error" : "standard output");
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
	sinks->n_sinks = 0;
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

int tw_sinks_close(struct tw_sinks *sinks, struct tw_diag *diag)
{
	int first = 0;

	for (unsigned int i = 0; i < sinks->n_sinks; i++) {
		struct tw_sink *sink = sinks->sinks[i];
		int err = sink->close(sink);

		/* Of missing lines the output has told itself. */
		if (err != 0 && err != -ENODATA)
			tw_diag_add(
				diag, err, "%s: cannot write: %s", sinks->names[i], strerror(-err));
		if (first == 0)
			first = err;
	}
	sinks->n_sinks = 0;
	sinks->on_event = NULL;
	return first;
}
