/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_EXPLAIN_ROUTE_H
#define TW_EXPLAIN_ROUTE_H

/*
 * What the routes say of a target's address: the prefix that decides, who says what, and what comes of it. Looked up in
 * the RIB by the address itself, not by what the table was cut at: a second opinion on it.
 *
 * Threads: any; the live RIB is locked meanwhile.
 */

#include <jansson.h>

#include "setup.h"

#define TW_ROUTE_VOTES_MAX 64
#define TW_ROUTE_PATH_MAX  256

struct tw_route_answer {
	bool known; /* a route covers the address: the rest holds */
	struct tw_prefix prefix;
	struct tw_route_verdict verdict;
	const char *name; /* of the upstream, or of the kind of verdict */
	uint64_t time;    /* Unix time of the routes */
	uint32_t n_votes; /* all of the prefix */
	unsigned int n;   /* of them below */
	struct tw_route_answer_vote {
		struct tw_bgp_peer peer;
		char path[TW_ROUTE_PATH_MAX];
		struct tw_route_verdict verdict;
		bool counts;
		bool stale;
	} votes[TW_ROUTE_VOTES_MAX];
};

/* `setup` has the table that `name` may be of. */
void tw_route_answer(struct tw_feed *feed, const struct tw_setup *setup, const struct tw_addr *addr,
	unsigned int target, struct tw_route_answer *answer);

/* As a JSON object; NULL without memory, JSON null where no route is known. */
json_t *tw_route_answer_json(const struct tw_route_answer *answer, const struct tw_config *config);
/* As lines for people. `now`: Unix time. */
void tw_route_answer_text(const struct tw_route_answer *answer, const struct tw_config *config,
	uint64_t now, FILE *out);

#endif
