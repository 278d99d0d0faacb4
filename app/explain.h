/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_EXPLAIN_H
#define TW_EXPLAIN_H

/*
 * Answers of `explain`: lines of JSON, a million a second, or paragraphs for people.
 */

#include <stdio.h>

#include "explain_route.h"

struct tw_explain_json;

/*
 * Caches what does not change from answer to answer. `feed` is the setup's own, not a copy's. Returns NULL without
 * memory.
 */
struct tw_explain_json *tw_explain_json_create(
	const struct tw_setup *setup, struct tw_feed *feed, FILE *out);
void tw_explain_json_free(struct tw_explain_json *json);

/* Adds one line about `addr`; it is written with the next flush at the latest. */
void tw_explain_json_write(struct tw_explain_json *json, const struct tw_addr *addr,
	const struct tw_explanation *explanation);
/* Returns 0 or -EIO. */
int tw_explain_json_flush(struct tw_explain_json *json);

/* Writes a paragraph for people. */
void tw_explain_text_write(struct tw_setup *setup, const struct tw_addr *addr,
	const struct tw_explanation *explanation, FILE *out);

#endif
