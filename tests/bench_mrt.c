/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * bench_mrt ROUNDS FILE...: how fast MRT files are read, in MB (10^6 octets) of decompressed data a second of the
 * processor's time, which other programs disturb less than the clock's; of each file, in turn, round by round:
 *
 *   few    a target's routes alone are wanted, as the program does
 *   all    all routes are handed on
 *   none   decompression alone
 *
 * Prints the median and the best of each, for bench_mrt.py.
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tw_mrt.h"
#include "tw_mrt_source_priv.h"

enum way {
	FEW,
	ALL,
	NONE,
	N_WAYS,
};
static const char *const names[N_WAYS] = {"few", "all", "none"};

#define FILES_MAX  8
#define ROUNDS_MAX 99

static struct tw_prefix target;
static uint64_t n_routes;

static bool wants_target(void *arg, const struct tw_prefix *prefix)
{
	return tw_prefix_contains(&target, prefix);
}

static void take_route(
	void *arg, uint64_t time, const struct tw_bgp_peer *peer, const struct tw_bgp_route *route)
{
	n_routes++;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static uint64_t decompress(const char *path)
{
	static uint8_t buffer[1 << 20];
	int err;
	struct tw_mrt_source *source = tw_mrt_source_open(path, &err);
	uint64_t size = 0;
	ssize_t n;

	if (source == NULL)
		return 0;
	while ((n = tw_mrt_source_read(source, buffer, sizeof(buffer))) > 0)
		size += (uint64_t)n;
	tw_mrt_source_close(source);
	return size;
}

/* MB a second. */
static double measure(const char *path, enum way way)
{
	const struct tw_mrt_file file = {.path = path};
	const struct tw_mrt_handler handler = {
		.wants = way == FEW ? wants_target : NULL, .route = take_route};
	struct tw_mrt_counts counts;
	struct tw_diag diag = {0};
	double start = now();
	uint64_t size;

	if (way == NONE) {
		size = decompress(path);
	} else {
		tw_mrt_read_file(&file, &handler, &counts, &diag);
		size = counts.bytes;
	}
	tw_diag_print(&diag, stderr, "bench_mrt: ");
	tw_diag_free(&diag);
	return (double)size / (now() - start) / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static double results[FILES_MAX][N_WAYS][ROUNDS_MAX];
	int n_rounds = argc > 2 ? atoi(argv[1]) : 0, n_files = argc - 2;

	if (n_rounds < 1 || n_rounds > ROUNDS_MAX || n_files > FILES_MAX) {
		fprintf(stderr, "usage: bench_mrt ROUNDS FILE...\n");
		return EXIT_FAILURE;
	}
	tw_prefix_parse("175.45.176.0/22", &target);
	for (int round = 0; round < n_rounds; round++) {
		for (int i = 0; i < n_files; i++) {
			for (enum way way = 0; way < N_WAYS; way++)
				results[i][way][round] = measure(argv[i + 2], way);
		}
	}
	for (int i = 0; i < n_files; i++) {
		for (enum way way = 0; way < N_WAYS; way++) {
			double *them = results[i][way];

			qsort(them, (size_t)n_rounds, sizeof(*them), compare);
			printf("%s %s median %.0f best %.0f MB/s\n", argv[i + 2], names[way],
				them[n_rounds / 2], them[n_rounds - 1]);
		}
	}
	return n_routes > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
