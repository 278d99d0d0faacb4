/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEXT_PRIV_H
#define TW_TEXT_PRIV_H

/* What the two tables for people share. */

#include "tw_events.h"
#include "tw_export.h"

/* Writes `text` in at most `width` columns, cut with an ellipsis. Returns the columns it took. */
unsigned int tw_text_cut(
	FILE *out, const struct tw_text_style *style, const char *text, unsigned int width);
/* The same in exactly `width` columns: filled with spaces. */
void tw_text_put(
	FILE *out, const struct tw_text_style *style, const char *text, unsigned int width);

/* "532", "41.3 k", "532 B", "1.20 GB": three digits, the prefix of SI, and the unit ("" for none). */
#define TW_TEXT_SI 16
char *tw_text_si(double value, const char *unit, char text[static TW_TEXT_SI]);

/* 0 of nothing. */
double tw_text_percent(uint64_t part, uint64_t total);

/* "AS20485 TransTeleCom", "AS20485", and by name alone what has no ASN: "unknown", "ambiguous". */
#define TW_TEXT_UPSTREAM 320
char *tw_text_upstream(
	const struct tw_view *view, uint16_t upstream, char text[static TW_TEXT_UPSTREAM]);

/* "2017-10-01 09:07:51" */
#define TW_TEXT_TIME 32
char *tw_text_time(uint64_t time, const char *format, char text[static TW_TEXT_TIME]);

/* A line: "2017-10-01 09:07:51  KP       AS20485 TransTeleCom appeared, 79%" */
void tw_text_event(FILE *out, const struct tw_text_style *style, const struct tw_view *view,
	const struct tw_event *event);

/* A line a target whose links were compared with routes: by how much of the bytes they agree. */
void tw_text_routing(FILE *out, const struct tw_text_style *style, const struct tw_view *view,
	const struct tw_pair_count *pairs);

/* A row a target, upstream and IP version: its share of the routes, beside its share of the bytes. */
struct tw_text_routes {
	const struct tw_routes_view *routes; /* NULL: nothing is written */
	uint64_t time;                       /* of the second that `series` are of, for the age */
	const struct tw_series_count *series;
	unsigned int n_rows; /* at most */
};
void tw_text_routes(FILE *out, const struct tw_text_style *style, const struct tw_view *view,
	const struct tw_text_routes *show);

void tw_text_summary(FILE *out, const struct tw_text_style *style, const struct tw_view *view,
	const struct tw_summary *summary);

#endif
