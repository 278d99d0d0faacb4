/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * mrt_routes FILE: the routes of an MRT file, one a line, for oracle_mrt.py:
 *
 *     time|A|peer|asn|prefix|path_id|path
 *     time|W|peer|asn|prefix|path_id|
 *     time|D|peer|asn||0|                    the peer went down
 *
 * The time is in nanoseconds. At the end, the counts: "# records 3, ..."; problems on stderr. Exit status: 0, or the
 * errno of the file's failure.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tw_mrt.h"

static void start_line(uint64_t time, char what, const struct tw_bgp_peer *peer)
{
	char addr[TW_PREFIX_TEXT];

	printf("%" PRIu64 "|%c|%s|%u|", time, what, tw_addr_format(&peer->addr, addr), peer->asn);
}

static void print_route(
	void *arg, uint64_t time, const struct tw_bgp_peer *peer, const struct tw_bgp_route *route)
{
	static char path[TW_BGP_PATH_SIZE * 4]; /* 11 characters for 4 octets at most */
	char prefix[TW_PREFIX_TEXT];

	start_line(time, route->withdrawn ? 'W' : 'A', peer);
	printf("%s|%u|%s\n", tw_prefix_format(&route->prefix, prefix), route->path_id,
		route->withdrawn ? "" : tw_bgp_path_format(&route->path, path, sizeof(path)));
}

static void print_down(void *arg, uint64_t time, const struct tw_bgp_peer *peer)
{
	start_line(time, 'D', peer);
	puts("|0|");
}

int main(int argc, char **argv)
{
	const struct tw_mrt_handler handler = {.route = print_route, .down = print_down};
	struct tw_mrt_file file = {.path = argc == 2 ? argv[1] : NULL};
	struct tw_mrt_counts counts;
	struct tw_diag diag = {0};
	int err;

	if (file.path == NULL) {
		fputs("usage: mrt_routes FILE\n", stderr);
		return EXIT_FAILURE;
	}
	err = tw_mrt_read_file(&file, &handler, &counts, &diag);
	printf("# records %" PRIu64 ", bytes %" PRIu64 ", tables %" PRIu64 ", messages %" PRIu64
	       ", states %" PRIu64 ", routes %" PRIu64 ", wanted %" PRIu64 ", pathless %" PRIu64
	       ", guessed %" PRIu64 ", local %" PRIu64 ", generic %" PRIu64 ", unknown %" PRIu64
	       ", malformed %" PRIu64 ", time %" PRIu64 " to %" PRIu64 "\n",
		counts.records, counts.bytes, counts.tables, counts.messages, counts.states,
		counts.routes, counts.wanted, counts.pathless, counts.guessed, counts.local,
		counts.generic, counts.unknown, counts.malformed, counts.first_time,
		counts.last_time);
	tw_diag_print(&diag, stderr, "");
	tw_diag_free(&diag);
	return -err;
}
