/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The two formats differ in three things: OpenMetrics names a counter's family without its "_total", knows the type
 * "info", and ends with a line that says so.
 */

#include "tw_metrics_priv.h"

void tw_metric_escaped(struct tw_buffer *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\')
			tw_buffer_text(out, "\\\\");
		else if (*text == '"')
			tw_buffer_text(out, "\\\"");
		else if (*text == '\n')
			tw_buffer_text(out, "\\n");
		else
			tw_buffer_add(out, text, 1);
	}
}

void tw_metric_family(
	struct tw_metric_writer *w, const char *name, enum tw_metric_kind kind, const char *help)
{
	static const char *const suffixes[] = {"_total", "", "_info"};
	static const char *const types[] = {"counter", "gauge", "gauge"};
	const char *suffix = w->open ? "" : suffixes[kind];
	const char *type = w->open && kind == TW_INFO ? "info" : types[kind];

	tw_buffer_format(
		w->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix, type);
	w->name = name;
}

void tw_metric_name(const struct tw_metric_writer *w, const char *suffix)
{
	tw_buffer_text(w->out, w->name);
	tw_buffer_text(w->out, suffix);
}

void tw_metric_labels(const struct tw_metric_writer *w, const char *key1, const char *value1,
	const char *key2, const char *value2)
{
	if (key1 == NULL)
		return;
	tw_buffer_format(w->out, "{%s=\"", key1);
	tw_metric_escaped(w->out, value1);
	if (key2 != NULL) {
		tw_buffer_format(w->out, "\",%s=\"", key2);
		tw_metric_escaped(w->out, value2);
	}
	tw_buffer_text(w->out, "\"}");
}

void tw_metric_number(const struct tw_metric_writer *w, uint64_t number)
{
	tw_buffer_text(w->out, " ");
	tw_buffer_number(w->out, number);
	tw_buffer_text(w->out, "\n");
}

void tw_metric_real(const struct tw_metric_writer *w, double number)
{
	tw_buffer_format(w->out, " %.15g\n", number);
}

void tw_metric_count(
	const struct tw_metric_writer *w, const char *key, const char *value, uint64_t number)
{
	tw_metric_name(w, "_total");
	tw_metric_labels(w, key, value, NULL, NULL);
	tw_metric_number(w, number);
}

void tw_metric_gauge(
	const struct tw_metric_writer *w, const char *key, const char *value, double number)
{
	tw_metric_name(w, "");
	tw_metric_labels(w, key, value, NULL, NULL);
	tw_metric_real(w, number);
}
