/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_METRICS_PRIV_H
#define TW_METRICS_PRIV_H

/* How metrics are written: a family, then all samples of it. */

#include <stdbool.h>

#include "tw_metrics.h"

struct tw_metric_writer {
	struct tw_buffer *out;
	bool open;
	const char *name; /* of the family at hand */
};

enum tw_metric_kind {
	TW_COUNTER,
	TW_GAUGE,
	TW_INFO
};

/* Begins a family: all samples of it follow. `name` is without "_total" and "_info", and stays. */
void tw_metric_family(
	struct tw_metric_writer *w, const char *name, enum tw_metric_kind kind, const char *help);

/* A sample is its name, its labels, and its number. */
void tw_metric_name(const struct tw_metric_writer *w, const char *suffix);
/* Up to two labels; NULL ends them. */
void tw_metric_labels(const struct tw_metric_writer *w, const char *key1, const char *value1,
	const char *key2, const char *value2);
void tw_metric_number(const struct tw_metric_writer *w, uint64_t number);
void tw_metric_real(const struct tw_metric_writer *w, double number);
/* What a label's value may not hold as it is: the same three characters in both formats. */
void tw_metric_escaped(struct tw_buffer *out, const char *text);

/* Whole samples, with one label, or none where `key` is NULL. */
void tw_metric_count(
	const struct tw_metric_writer *w, const char *key, const char *value, uint64_t number);
void tw_metric_gauge(
	const struct tw_metric_writer *w, const char *key, const char *value, double number);

/* Links beside routes, and the routes; nothing in a view without routes. */
void tw_metrics_routes(
	struct tw_metric_writer *w, const struct tw_view *view, const struct tw_snapshot *snapshot);

#endif
