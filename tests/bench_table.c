/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Benchmark of the compiled table.
 *
 *   bench_table [ASN.mmdb [COUNTRY.mmdb]]
 *
 * Measures a load (time by phase, memory), then look-ups: the table's own beside bare rte_fib on
 * the same routes and keys, in turns, and beside libmaxminddb. Without a database, or where the
 * file is absent, it makes 500,000 prefixes itself, always the same.
 *
 * Exits 1 where a bar is missed: look-up at least RATIO_BAR of bare rte_fib's speed, a load within
 * COMPILE_BAR and MEMORY_BAR. The bars of a load hold for the ASN database alone; with countries on
 * top it is printed only. A load is measured twice: the first one in a process also pays for the
 * first touch of its memory, which in a virtual machine without huge pages can cost more than all
 * the rest; the bar is on the second, which is a reload.
 */

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <maxminddb.h>
#include <rte_cycles.h>
#include <rte_malloc.h>

#include "tw_table_priv.h"
#include "tw_test_eal.h"

#define RATIO_BAR   0.97
#define COMPILE_BAR 1000.0 /* ms */
#define MEMORY_BAR  400.0  /* MiB */

#define KEYS   (1u << 18)
#define BURST  64u
#define ROUNDS 101u

static uint64_t seed = 20171001;
static int missed;

/* splitmix64 */
static uint64_t random64(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	printf("MISSED: %s\n", what);
	missed = 1;
}

/*
 * 400,000 IPv4 and 100,000 IPv6 prefixes in ascending order, some nested, as a file of overrides.
 */
static void write_prefixes(FILE *out)
{
	static const uint8_t lengths4[] = {24, 24, 24, 24, 24, 23, 22, 22, 21, 20, 19, 18};
	static const uint8_t lengths6[] = {48, 48, 48, 47, 46, 44, 40, 36, 32, 32, 29};
	struct tw_prefix prefix;
	char text[TW_PREFIX_TEXT];
	tw_u128 at = (tw_u128)1 << 24;

	for (unsigned int i = 0; i < 500000; i++) {
		uint8_t family = i < 400000 ? 4 : 6;
		unsigned int bits = tw_addr_bits(family);
		tw_u128 size;

		if (i == 400000)
			at = (tw_u128)0x2400 << 112;
		prefix.length = family == 4 ? lengths4[random64() % sizeof(lengths4)]
					    : lengths6[random64() % sizeof(lengths6)];
		size = (tw_u128)1 << (bits - prefix.length);
		at = (at + size - 1) & ~(size - 1);
		prefix.addr = tw_addr_from_number(family, at);
		fprintf(out, "%s,%u\n", tw_prefix_format(&prefix, text),
			(unsigned int)(random64() % 90000 + 1));
		/* Now and then the next prefix lies inside this one. */
		at += prefix.length < bits * 3 / 4 && random64() % 4 == 0 ? size / 2 : size;
	}
}

static double mebibytes_of_heap(void)
{
	struct rte_malloc_socket_stats stats;
	double total = 0;

	for (int socket = 0; socket < RTE_MAX_NUMA_NODES; socket++) {
		if (rte_malloc_get_socket_stats(socket, &stats) == 0)
			total += (double)stats.heap_allocsz_bytes;
	}
	return total / (1 << 20);
}

static double mebibytes_of_libc(void)
{
	struct mallinfo2 info = mallinfo2();

	return (double)(info.uordblks + info.hblkhd) / (1 << 20);
}

/* From /proc/self/status: VmRSS or VmHWM. */
static double mebibytes_resident(const char *field)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[128];
	double kib = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, field, strlen(field)) == 0)
			kib = atof(line + strlen(field) + 1);
	}
	if (file != NULL)
		fclose(file);
	return kib / 1024;
}

static struct tw_table *load_once(const struct tw_table_spec *spec, const char *when)
{
	struct tw_diag diag = {0};
	struct tw_table *table = tw_table_load(spec, SOCKET_ID_ANY, &diag);

	if (table == NULL) {
		tw_diag_print(&diag, stderr, "bench_table: ");
		exit(1);
	}
	printf("  %s: %.0f ms: read %.0f, merge %.0f, routes %.0f, rte_fib %.0f, rte_fib6 %.0f\n",
		when, (double)table->info.compile_ns / 1e6, (double)table->phases.read / 1e6,
		(double)table->phases.merge / 1e6, (double)table->phases.routes / 1e6,
		(double)table->phases.fib4 / 1e6, (double)table->phases.fib6 / 1e6);
	tw_diag_free(&diag);
	return table;
}

static struct tw_table *load(const struct tw_table_spec *spec, bool barred)
{
	double heap = mebibytes_of_heap(), libc = mebibytes_of_libc(),
	       resident = mebibytes_resident("VmRSS");
	struct tw_table *table;

	printf("load %s%s%s\n",
		spec->asn_database != NULL ? spec->asn_database : "500,000 made prefixes",
		spec->country_database != NULL ? " + " : "",
		spec->country_database != NULL ? spec->country_database : "");
	table = load_once(spec, "first");
	heap = mebibytes_of_heap() - heap;
	libc = mebibytes_of_libc() - libc;
	printf("  %u origins, %u IPv4 routes, %u IPv6 routes\n", table->info.n_origins,
		table->info.n_routes4, table->info.n_routes6);
	printf("  %.0f MiB: DPDK heap %.0f, libc %.0f; resident %+.0f MiB, process peak %.0f MiB\n",
		heap + libc, heap, libc, mebibytes_resident("VmRSS") - resident,
		mebibytes_resident("VmHWM"));
	tw_table_free(table);
	table = load_once(spec, "again");
	if (barred) {
		check((double)table->info.compile_ns / 1e6 <= COMPILE_BAR,
			"a load takes at most 1 s");
		check(heap + libc <= MEMORY_BAR, "a table takes at most 400 MiB");
	}
	return table;
}

/*
 * One look-up of all keys by burst; returns cycles. The sum keeps the compiler from leaving
 * anything out.
 */
enum kind {
	OWN4,
	BARE4,
	OWN6,
	BARE6,
	KINDS
};

static uint64_t volatile sink;

static uint64_t run(
	const struct tw_table *table, enum kind kind, uint32_t *keys4, uint8_t (*keys6)[16])
{
	uint64_t origins[BURST], sum = 0, start = rte_rdtsc();

	for (unsigned int i = 0; i < KEYS; i += BURST) {
		switch (kind) {
		case OWN4:
			tw_table_lookup4(table, &keys4[i], origins, BURST);
			break;
		case BARE4:
			rte_fib_lookup_bulk(table->fib4, &keys4[i], origins, BURST);
			break;
		case OWN6:
			tw_table_lookup6(table, (const uint8_t(*)[16]) & keys6[i], origins, BURST);
			break;
		default:
			rte_fib6_lookup_bulk(table->fib6, &keys6[i], origins, BURST);
		}
		sum += origins[i / BURST % BURST];
	}
	start = rte_rdtsc() - start;
	sink = sum;
	return start;
}

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double median(double *values, unsigned int n)
{
	qsort(values, n, sizeof(*values), compare_doubles);
	return values[n / 2];
}

static void print_speed(const char *what, double cycles)
{
	printf("  %-42s %7.1f cycles/address %8.1f M/s\n", what, cycles,
		(double)rte_get_tsc_hz() / cycles / 1e6);
}

/* Own and bare in turns, each first in every second round. Returns own speed / bare speed. */
static double compare(
	const struct tw_table *table, enum kind own, uint32_t *keys4, uint8_t (*keys6)[16])
{
	double ratios[ROUNDS], cycles[2][ROUNDS];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		for (unsigned int turn = 0; turn < 2; turn++) {
			unsigned int bare = (i + turn) & 1;

			cycles[bare][i] = (double)run(table, own + bare, keys4, keys6) / KEYS;
		}
		ratios[i] = cycles[1][i] / cycles[0][i];
	}
	print_speed(
		own == OWN4 ? "tw_table_lookup4" : "tw_table_lookup6", median(cycles[0], ROUNDS));
	print_speed(own == OWN4 ? "bare rte_fib" : "bare rte_fib6", median(cycles[1], ROUNDS));
	printf("  ratio to bare %.3f\n", median(ratios, ROUNDS));
	return ratios[ROUNDS / 2];
}

static void bench_maxminddb(const char *path, const uint32_t *keys)
{
	uint64_t start, found = 0;
	MMDB_s db;

	if (path == NULL || MMDB_open(path, MMDB_MODE_MMAP, &db) != MMDB_SUCCESS)
		return;
	for (unsigned int round = 0; round < 2; round++) {
		start = rte_rdtsc();
		for (unsigned int i = 0; i < KEYS; i++) {
			struct sockaddr_in addr = {
				.sin_family = AF_INET, .sin_addr.s_addr = htonl(keys[i])};
			int error;

			found += MMDB_lookup_sockaddr(&db, (struct sockaddr *)&addr, &error)
					 .found_entry;
		}
		start = rte_rdtsc() - start;
	}
	sink = found;
	print_speed("libmaxminddb, no value read", (double)start / KEYS);
	MMDB_close(&db);
}

static void bench_explain(const struct tw_table *table, const uint32_t *keys4, uint8_t (*keys6)[16])
{
	struct tw_explanation explanation;
	uint64_t start;

	for (uint8_t family = 4; family <= 6; family += 2) {
		start = rte_rdtsc();
		for (unsigned int i = 0; i < KEYS; i++) {
			struct tw_addr addr = family == 4 ? tw_addr_from_number(4, keys4[i])
							  : (struct tw_addr){.family = 6};

			if (family == 6)
				memcpy(addr.bytes, keys6[i], 16);
			tw_table_explain(table, &addr, &explanation);
			sink += explanation.origin.asn;
		}
		print_speed(family == 4 ? "tw_table_explain, IPv4" : "tw_table_explain, IPv6",
			(double)(rte_rdtsc() - start) / KEYS);
	}
}

/* Packets of the burst spread over IPv4; targets are rare or none. */
static void bench_classify(const struct tw_table *table, const uint32_t *keys)
{
	static struct tw_burst burst;
	double cycles[ROUNDS];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t total = 0;

		for (unsigned int at = 0; at + 2 * TW_BURST_MAX <= KEYS; at += 2 * TW_BURST_MAX) {
			uint64_t start;

			memcpy(burst.ip4, &keys[at], sizeof(burst.ip4));
			burst.n = burst.n4 = TW_BURST_MAX;
			start = rte_rdtsc();
			tw_classify(table, &burst);
			total += rte_rdtsc() - start;
		}
		cycles[i] = (double)total / KEYS;
	}
	print_speed("tw_classify, IPv4, per address", median(cycles, ROUNDS));
}

static void bench_lookups(const struct tw_table *table, const char *database)
{
	uint32_t *keys4 = malloc(KEYS * sizeof(*keys4));
	uint8_t(*keys6)[16] = malloc(KEYS * sizeof(*keys6));
	const struct tw_steps *steps6 =
		database != NULL ? &table->sources->asn.steps6 : &table->sources->override_steps[1];
	double ratio;

	if (keys4 == NULL || keys6 == NULL)
		exit(1);
	for (unsigned int i = 0; i < KEYS; i++) {
		tw_u128 first = steps6->first[random64() % steps6->n];
		struct tw_addr addr = tw_addr_from_number(6, first + (random64() & 0xffff));

		keys4[i] = (uint32_t)random64();
		memcpy(keys6[i], addr.bytes, 16);
	}
	printf("look-up, %u random IPv4 addresses by %u\n", KEYS, BURST);
	ratio = compare(table, OWN4, keys4, keys6);
	check(ratio >= RATIO_BAR, "tw_table_lookup4 is no slower than bare rte_fib");
	bench_maxminddb(database, keys4);
	bench_classify(table, keys4);
	printf("look-up, %u IPv6 addresses in known prefixes by %u\n", KEYS, BURST);
	compare(table, OWN6, keys4, keys6);
	printf("explanations\n");
	bench_explain(table, keys4, keys6);
	free(keys4);
	free(keys6);
}

int main(int argc, char **argv)
{
	struct tw_prefix prefix;
	struct tw_target target = {.name = "KP",
		.asns = (const uint32_t[]){131279},
		.n_asns = 1,
		.country = "KP",
		.prefixes = &prefix,
		.n_prefixes = 1};
	struct tw_table_spec spec = {.targets = &target, .n_targets = 1};
	const char *country = argc > 2 && access(argv[2], R_OK) == 0 ? argv[2] : NULL;
	char made[] = "/tmp/bench_table.XXXXXX";
	struct tw_table *table;

	if (tw_test_eal_init("2048") != 0 || tw_prefix_parse("175.45.176.0/22", &prefix) != 0) {
		fprintf(stderr, "bench_table: the EAL does not start\n");
		return 1;
	}
	if (argc > 1 && access(argv[1], R_OK) == 0) {
		spec.asn_database = argv[1];
	} else {
		int fd = mkstemp(made);
		FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

		if (out == NULL)
			return 1;
		write_prefixes(out);
		fclose(out);
		spec.overrides = made;
	}
	table = load(&spec, true);
	bench_lookups(table, spec.asn_database);
	tw_table_free(table);
	if (country != NULL) {
		spec.country_database = country;
		table = load(&spec, false);
		bench_lookups(table, spec.asn_database);
		tw_table_free(table);
	}
	if (spec.overrides != NULL)
		unlink(made);
	printf("%s\n", missed ? "a bar is missed" : "all bars are met");
	return missed;
}
