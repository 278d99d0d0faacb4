/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * rib_upstreams FILE: who the upstream of each prefix is once all of an MRT file is in the RIB, for oracle_mrt.py:
 *
 *     prefix|verdict|asn|votes for it|votes
 *
 * The target is every address, and any origin its own. Exit status: 0, or the errno of the file's failure: what was
 * read before is told all the same.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tw_mrt.h"
#include "tw_rib.h"

static void take_route(
	void *arg, uint64_t time, const struct tw_bgp_peer *peer, const struct tw_bgp_route *route)
{
	struct tw_rib *rib = arg;

	if (tw_rib_route(rib, tw_rib_peer(rib, peer), route) < 0)
		fprintf(stderr, "a route was refused\n");
}

static void take_down(void *arg, uint64_t time, const struct tw_bgp_peer *peer)
{
	tw_rib_peer_down(arg, tw_rib_peer(arg, peer));
}

int main(int argc, char **argv)
{
	const struct tw_target target = {.name = "all"};
	const struct tw_target_range range4 = {.last = UINT32_MAX}, range6 = {.last = ~(tw_u128)0};
	const struct tw_rib_spec spec = {.targets = &target,
		.n_targets = 1,
		.ranges = {&range4, &range6},
		.n_ranges = {1, 1},
		.majority = 50,
		.max_routes = TW_RIB_ROUTES_MAX};
	struct tw_rib *rib = tw_rib_create(&spec);
	const struct tw_mrt_handler handler = {.route = take_route, .down = take_down, .arg = rib};
	struct tw_mrt_file file = {.path = argc == 2 ? argv[1] : NULL};
	struct tw_mrt_counts counts;
	struct tw_diag diag = {0};
	int err;

	if (file.path == NULL || rib == NULL) {
		fputs("usage: rib_upstreams FILE\n", stderr);
		return EXIT_FAILURE;
	}
	err = tw_mrt_read_file(&file, &handler, &counts, &diag);
	for (uint32_t i = 0; i < tw_rib_n_prefixes(rib); i++) {
		struct tw_route_verdict verdict = tw_rib_decide(rib, i, 0);
		char prefix[TW_PREFIX_TEXT];

		if (verdict.kind != TW_VERDICT_NONE)
			printf("%s|%s|%" PRIu32 "|%" PRIu32 "|%" PRIu32 "\n",
				tw_prefix_format(tw_rib_prefix(rib, i), prefix),
				tw_verdict_name(verdict.kind), verdict.asn, verdict.n_for,
				verdict.n_votes);
	}
	tw_diag_print(&diag, stderr, "");
	tw_diag_free(&diag);
	tw_rib_free(rib);
	return -err;
}
