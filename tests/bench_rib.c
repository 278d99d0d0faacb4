/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Benchmark of the RIB.
 *
 *   bench_rib [PREFIXES [PEERS]]
 *
 * Takes a table like the full one (1,000,000 prefixes of 10 vantage points; about 13 prefixes an origin share their
 * paths), as a dump tells it (all routes of a prefix, then the next prefix) and as sessions do (all routes of a
 * vantage point, then the next), then decides on each prefix, tells it all again, and ends a session. Then asks
 * whether prefixes are wanted, with 100,000 target ranges, in turns with the C library's bsearch().
 *
 * Exits 1 where wants() is no faster than bsearch().
 */

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tw_rib.h"

#define RANGES 100000u
#define ASKED  (1u << 20)
#define ROUNDS 7u

static uint64_t seed = 20171001;
static uint32_t n_prefixes = 1000000, n_peers = 10;

/* splitmix64 */
static uint64_t random64(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* Of the processor: others may run beside. */
static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct tw_rib *make(const struct tw_rib_spec *spec)
{
	struct tw_rib *rib = tw_rib_create(spec);

	if (rib == NULL) {
		fprintf(stderr, "bench_rib: no memory\n");
		exit(1);
	}
	return rib;
}

/* The prefix's path of the vantage point: five ASes, the upstream one of four. */
static struct tw_bgp_path path_of(uint32_t prefix, uint32_t peer)
{
	static uint8_t octets[2 + 5 * 4];
	uint32_t origin = prefix / 13 + 100000;
	uint32_t asns[5] = {peer + 1, origin % 50 + 1000, (origin + peer) % 500 + 2000,
		origin % 4 + 5000, origin};

	octets[0] = TW_BGP_SEQUENCE;
	octets[1] = 5;
	for (unsigned int i = 0; i < 5; i++)
		for (unsigned int k = 0; k < 4; k++)
			octets[2 + 4 * i + k] = (uint8_t)(asns[i] >> (24 - 8 * k));
	return (struct tw_bgp_path){octets, sizeof(octets)};
}

static void tell(struct tw_rib *rib, uint32_t prefix, uint32_t peer)
{
	struct tw_bgp_peer who = {.addr = {.family = 4, .bytes = {192, 0, 2, 1}}, .asn = peer + 1};
	struct tw_bgp_route route = {
		.prefix = {tw_addr_from_number(4, (tw_u128)(prefix + 0x10000) << 8), 24},
		.path = path_of(prefix, peer)};

	if (tw_rib_route(rib, tw_rib_peer(rib, &who), &route) < 0) {
		fprintf(stderr, "bench_rib: a route is refused\n");
		exit(1);
	}
}

static void tell_all(struct tw_rib *rib, bool by_peer, const char *what)
{
	uint64_t n = (uint64_t)n_prefixes * n_peers;
	double start = now(), took;

	for (uint64_t i = 0; i < n; i++)
		if (by_peer)
			tell(rib, (uint32_t)(i % n_prefixes), (uint32_t)(i / n_prefixes));
		else
			tell(rib, (uint32_t)(i / n_peers), (uint32_t)(i % n_peers));
	took = now() - start;
	printf("%-34s %6.2f M routes/s\n", what, (double)n / took / 1e6);
}

static void run_table(const struct tw_rib_spec *spec, bool by_peer)
{
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	struct tw_rib *rib = make(spec);
	struct tw_rib_info info;
	uint32_t upstreams = 0;
	double start;

	tell_all(rib, by_peer, by_peer ? "taken, session by session" : "taken, prefix by prefix");
	tw_rib_info(rib, &info);
	printf("%-34s %6.1f octets/route (%" PRIu32 " routes, %" PRIu32
	       " paths; allocated: %.1f)\n",
		"memory", (double)info.bytes / info.n_routes, info.n_routes, info.n_paths,
		(double)(mallinfo2().uordblks + mallinfo2().hblkhd - before) / info.n_routes);
	tell_all(rib, by_peer, "told again, unchanged");
	tw_rib_clear_changed(rib);
	start = now();
	for (uint32_t i = 0; i < tw_rib_n_prefixes(rib); i++)
		upstreams += tw_rib_decide(rib, i, 0).kind == TW_VERDICT_UPSTREAM;
	printf("%-34s %6.0f ns/prefix of %" PRIu32 " votes (%" PRIu32 " upstreams)\n", "decide",
		(now() - start) / n_prefixes * 1e9, n_peers, upstreams);
	start = now();
	for (uint32_t i = 0; i < tw_rib_n_prefixes(rib); i++)
		upstreams += tw_rib_parent(rib, i) != TW_RIB_NONE;
	printf("%-34s %6.0f ns\n", "parent, one length in use", (now() - start) / n_prefixes * 1e9);
	start = now();
	tw_rib_peer_down(rib, 0);
	printf("%-34s %6.0f ns/route\n\n", "session ends", (now() - start) / n_prefixes * 1e9);
	tw_rib_free(rib);
}

static int compare(const void *a, const void *b)
{
	const struct tw_target_range *key = a, *range = b;

	return key->last < range->first ? -1 : key->first > range->last;
}

static struct tw_target_range *make_ranges(unsigned int family)
{
	struct tw_target_range *ranges = malloc(RANGES * sizeof(*ranges));

	if (ranges == NULL)
		exit(1);
	/* A third of a space that is about the routed one, in order. */
	for (uint32_t i = 0; i < RANGES; i++) {
		uint32_t first = 0x10000000 + i * 36000 + (uint32_t)(random64() % 24000);

		ranges[i] = (struct tw_target_range){first, first + 12000, 0};
		if (family == 1) {
			ranges[i].first = (tw_u128)first << 93;
			ranges[i].last = ((tw_u128)(first + 12001) << 93) - 1;
		}
	}
	return ranges;
}

/* Returns wants()' time as a share of bsearch()'s. */
static double run_wants(const struct tw_rib *rib, const struct tw_rib_spec *spec,
	unsigned int family, bool ascending)
{
	struct tw_prefix *asked = malloc(ASKED * sizeof(*asked));
	double best[2] = {1e9, 1e9};
	uint32_t found[2];

	if (asked == NULL)
		exit(1);
	for (uint32_t i = 0; i < ASKED; i++) {
		uint32_t number = ascending ? i << 12 : (uint32_t)random64() & 0xffffff00;

		asked[i] = (struct tw_prefix){tw_addr_from_number(4, number), 24};
		if (family == 1)
			asked[i] = (struct tw_prefix){
				tw_addr_from_number(6, (tw_u128)number << 93), 48};
	}
	for (unsigned int round = 0; round < 2 * ROUNDS; round++) {
		double start = now(), took;

		found[round % 2] = 0;
		for (uint32_t i = 0; i < ASKED; i++) {
			struct tw_target_range key = {0};

			if (round % 2 == 0) {
				found[0] += tw_rib_wants(rib, &asked[i]);
				continue;
			}
			tw_prefix_range(&asked[i], &key.first, &key.last);
			found[1] += bsearch(&key, spec->ranges[family], RANGES, sizeof(key),
					    compare) != NULL;
		}
		took = (now() - start) / ASKED * 1e9;
		best[round % 2] = took < best[round % 2] ? took : best[round % 2];
	}
	printf("wants, IPv%d, %-21s %6.1f ns; bsearch(3) %.1f ns; ratio %.2f (%.0f %% wanted)%s\n",
		family == 0 ? 4 : 6, ascending ? "ascending" : "random order", best[0], best[1],
		best[0] / best[1], 100.0 * found[0] / ASKED,
		found[0] == found[1] ? "" : " DIFFERENT ANSWERS");
	free(asked);
	return found[0] == found[1] ? best[0] / best[1] : 1e9;
}

int main(int argc, char **argv)
{
	static const struct tw_target target = {.name = "addresses"};
	struct tw_rib_spec spec = {.targets = &target,
		.n_targets = 1,
		.ranges = {make_ranges(0), make_ranges(1)},
		.n_ranges = {RANGES, RANGES},
		.majority = 50,
		.max_routes = TW_RIB_ROUTES_MAX};
	struct tw_rib *rib;
	double worst = 0;

	if (argc > 1)
		n_prefixes = (uint32_t)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		n_peers = (uint32_t)strtoul(argv[2], NULL, 10);
	if (n_prefixes == 0 || n_prefixes > 14000000 || n_peers == 0 ||
		n_peers > TW_RIB_PEERS_MAX) {
		fprintf(stderr, "usage: bench_rib [PREFIXES [PEERS]], up to 14000000 and 65535\n");
		return 2;
	}
	rib = make(&spec);
	for (unsigned int i = 0; i < 4; i++) {
		double ratio = run_wants(rib, &spec, i / 2, i % 2 == 1);

		worst = ratio > worst ? ratio : worst;
	}
	tw_rib_free(rib);
	printf("\n");
	run_table(&spec, false);
	run_table(&spec, true);
	free((void *)(uintptr_t)spec.ranges[0]);
	free((void *)(uintptr_t)spec.ranges[1]);
	if (worst >= 1)
		printf("MISSED: wants() is faster than bsearch()\n");
	return worst >= 1;
}
