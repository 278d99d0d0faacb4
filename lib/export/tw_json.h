/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_JSON_H
#define TW_JSON_H

/*
 * Seconds and summaries as JSON objects (RFC 8259): the JSON lines, and the answers of the HTTP API. Each call adds one
 * object, without a line's end, to the buffer; errors stick there.
 *
 * Threads: one an encoder.
 */

#include "tw_aggregate.h"
#include "tw_buffer.h"
#include "tw_events.h"

struct tw_json {
	const struct tw_view *view;
	struct tw_buffer *out;
	char **series; /* [n_series]: {"target":...,"ip_version":4, made when first needed */
};

/* `view` and `out` outlive the encoder. Returns 0 or -ENOMEM; tw_json_free() releases it after either. */
int tw_json_init(struct tw_json *json, const struct tw_view *view, struct tw_buffer *out);
void tw_json_free(struct tw_json *json);

void tw_json_start(struct tw_json *json);
/* `target`: the one whose series are wanted, or -1 for all. */
void tw_json_second(struct tw_json *json, const struct tw_second *second, int target);
void tw_json_event(struct tw_json *json, const struct tw_event *event);
void tw_json_gap(struct tw_json *json, uint64_t first, uint64_t last);
void tw_json_summary(struct tw_json *json, const struct tw_summary *summary);

#endif
