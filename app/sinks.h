/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_SINKS_H
#define TW_SINKS_H

/*
 * The exporters that the options ask for. Those of a live run never hold up whoever calls them: each output has a writer
 * (tw_writer.h).
 *
 * Standard output belongs to at most one of JSON lines and CSV (--output -, --csv -); the tables for people are
 * then written to standard error, the summary only where that is a terminal.
 */

#include "on_event.h"
#include "options.h"
#include "tw_export.h"
#include "tw_writer.h"

#define TW_SINKS_MAX 6

struct tw_sinks {
	struct tw_sink *sinks[TW_SINKS_MAX];
	const char *names[TW_SINKS_MAX]; /* for messages */
	unsigned int n_sinks;
	struct tw_on_event *on_event; /* one of the sinks, or NULL */
	struct tw_sinks_text {
		FILE *out;
		struct tw_writer *writer; /* NULL: `out` is written as it is */
	} table, log;                     /* for people; zero where there is none */
	bool text_is_stderr;
};

/* Opens them; `on_event` is the command of the configuration, or NULL. Returns 0, or -errno with a line in *diag and nothing left open. */
int tw_sinks_open(struct tw_sinks *sinks, const struct tw_options *options, char *const *on_event,
	struct tw_diag *diag);

/* Flushes and closes all. Returns 0, or the first -errno with a line for each that failed. */
int tw_sinks_close(struct tw_sinks *sinks, struct tw_diag *diag);

#endif
