/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_JSON_H
#define TW_JSON_H

/*
 * Seconds and summaries as JSON objects (RFC 8259): the JSON lines, and the answers of the HTTP API. Each call adds one
 * object, without a line's end, to the buffer; errors stick there.
 *
 * An upstream is its ASN beside its name: "upstream" and "name", "expected" and "expected_name". What has no ASN has 0, and
 * the name tells which: "unknown", "other", "direct", "foreign", "ambiguous"; "no_route" of pairs.
 *
 * With routes, a second and the summary have "routing" where anything was compared: for each target the packets and bytes
 * of "agree", "disagree", "undecided" (ambiguous or foreign routes) and "no_route", and the "pairs" of an observed and an
 * expected upstream that do not agree.
 *
 * Threads: one an encoder.
 */

#include "tw_aggregate.h"
#include "tw_buffer.h"
#include "tw_events.h"

struct tw_json {
	const struct tw_view *view;
	struct tw_buffer *out;
	/* Made when first needed, and what they name is there. */
	char **series;  /* [n_series]: {"target":...,"ip_version":4 */
	char **names;   /* [n_upstreams]: a name, encoded */
	char **targets; /* [n_targets]: likewise */
	/* The upstream's names that these were made of: a reload may bring another, and none is ever freed. */
	const char **series_of; /* [n_series] */
	const char **names_of;  /* [n_upstreams] */
};

/* `view` and `out` outlive the encoder. Returns 0 or -ENOMEM; tw_json_free() releases it after either. */
int tw_json_init(struct tw_json *json, const struct tw_view *view, struct tw_buffer *out);
void tw_json_free(struct tw_json *json);

void tw_json_start(struct tw_json *json);
/* `target`: the one whose series are wanted, or -1 for all. */
void tw_json_second(struct tw_json *json, const struct tw_second *second, int target);
void tw_json_event(struct tw_json *json, const struct tw_event *event);
/* Other routes: `time` is the first second that they decide, IPv6's `addresses` are networks of 64 bits. */
void tw_json_routes(struct tw_json *json, const struct tw_routes_view *routes);
void tw_json_gap(struct tw_json *json, uint64_t first, uint64_t last);
void tw_json_summary(struct tw_json *json, const struct tw_summary *summary);

#endif
