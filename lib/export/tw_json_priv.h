/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_JSON_PRIV_H
#define TW_JSON_PRIV_H

/* What the parts of the encoder share. */

#include "tw_json.h"

static inline void tw_json_put(struct tw_json *json, const char *text)
{
	tw_buffer_text(json->out, text);
}

/* `key` with all that stands before the number. */
static inline void tw_json_field(struct tw_json *json, const char *key, uint64_t number)
{
	tw_buffer_text(json->out, key);
	tw_buffer_number(json->out, number);
}

/* Adds ,"routing":[...] where anything was compared. `target` as in tw_json_second(). */
void tw_json_put_routing(struct tw_json *json, const struct tw_pair_count *pairs, int target);

/* Adds the members of an object of routes, without its braces. */
void tw_json_put_routes(struct tw_json *json, const struct tw_routes_view *routes);

#endif
