/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_HISTORY_PRIV_H
#define TW_HISTORY_PRIV_H

/* How records are made. */

#include "tw_history.h"

struct tw_kept {
	struct tw_record record;
	unsigned int references; /* under the history's lock */
};

/* Shares of routes: of all targets, upstreams and IP versions. */
size_t tw_record_n_shares(const struct tw_view *view);

/* Return NULL without memory; to be released with free(). */
struct tw_kept *tw_record_make(const struct tw_view *view, const struct tw_second *second);
struct tw_kept *tw_record_make_routes(
	const struct tw_view *view, const struct tw_routes_view *routes);

/* Writes the shares of a record of routes, all of them. */
void tw_record_shares(
	const struct tw_view *view, const struct tw_record *record, struct tw_route_share *shares);

#endif
