/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * lib/aggregate: the ranking of far ends in the summary, held against one that picks the largest
 * again and again.
 *
 * The table has ASNs of several origins each: one half of every prefix lies in the target.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <rte_memory.h>

#include "tw_aggregate.h"
#include "tw_test_eal.h"

#define ASNS    60
#define WORKERS 3

static uint64_t seed = 20171001;
static struct tw_table *table;
static struct tw_peer_count (*counts[WORKERS])[2];

/* splitmix64 */
static uint64_t below(uint64_t n)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % n;
}

/*
 * AS number i, so that numbers do not rise with the addresses; the last has the largest there is.
 */
static uint32_t asn_of(unsigned int i)
{
	return i == ASNS - 1 ? UINT32_MAX - 1 : 64500 - 37 * i % 61 * 10;
}

/* 10.i.0.0/16 is of AS number i, its upper half in the target. */
static uint32_t origin_of(unsigned int i, unsigned int half)
{
	uint32_t ip = 10u << 24 | i << 16 | half << 15;
	uint64_t origin;

	tw_table_lookup4(table, &ip, &origin, 1);
	assert_int_equal(tw_table_origin(table, (uint32_t)origin)->asn, asn_of(i));
	return (uint32_t)origin;
}

/* ---- the summary as a sink sees it ---- */

static struct tw_peer seen[2 * TW_PEERS_MAX];
static char names[2 * TW_PEERS_MAX][32];
static unsigned int n_seen;
static unsigned int n_retired; /* times that the same counters are retired before the end */

static int keep_peers(struct tw_sink *sink, const struct tw_summary *summary)
{
	assert_true(summary->n_peers <= 2 * TW_PEERS_MAX);
	memcpy(seen, summary->peers, summary->n_peers * sizeof(*seen));
	for (unsigned int i = 0; i < summary->n_peers; i++) {
		snprintf(names[i], sizeof(names[i]), "%s", seen[i].name);
		seen[i].name = names[i]; /* the summary's own go with it */
	}
	n_seen = summary->n_peers;
	return 0;
}

static void rank(unsigned int n_workers)
{
	static const struct tw_view view = {.n_series = 4};
	struct tw_sink sink = {.summary = keep_peers};
	struct tw_sink *sinks[] = {&sink};
	struct tw_peers peers[WORKERS];
	const struct tw_peers *shown[WORKERS];
	struct tw_aggregate *aggregate = tw_aggregate_create(&view, n_workers, sinks, 1, NULL);

	assert_non_null(aggregate);
	for (unsigned int w = 0; w < n_workers; w++) {
		peers[w] = (struct tw_peers){
			.n_origins = tw_table_n_origins(table), .count = counts[w]};
		shown[w] = &peers[w];
	}
	n_seen = UINT32_MAX;
	for (unsigned int i = 0; i < n_retired; i++)
		assert_int_equal(tw_aggregate_retire(aggregate, table, shown, n_workers), 0);
	assert_int_equal(tw_aggregate_finish(aggregate, table, shown, n_workers), 0);
	tw_aggregate_free(aggregate);
}

static void count(
	unsigned int worker, uint32_t origin, enum tw_direction direction, uint64_t packets)
{
	counts[worker][origin][direction].packets += packets;
	counts[worker][origin][direction].bytes += packets * 100;
}

static void clear(void)
{
	for (unsigned int w = 0; w < WORKERS; w++)
		memset(counts[w], 0, tw_table_n_origins(table) * sizeof(counts[w][0]));
}

static void expect_peer(
	unsigned int at, uint32_t asn, enum tw_direction direction, uint64_t packets)
{
	assert_true(at < n_seen);
	assert_int_equal(seen[at].asn, asn);
	assert_int_equal(seen[at].direction, direction);
	assert_int_equal(seen[at].packets, packets);
	assert_int_equal(seen[at].bytes, packets * 100);
	assert_string_equal(seen[at].name, tw_table_asn_name(table, asn));
}

static void no_traffic_has_no_peers(void **state)
{
	clear();
	rank(WORKERS);
	assert_int_equal(n_seen, 0);
}

static void both_directions_are_ranked_by_themselves_to_first(void **state)
{
	clear();
	count(0, origin_of(3, 0), TW_DIR_FROM, 50);
	count(0, origin_of(4, 0), TW_DIR_TO, 1);
	count(0, origin_of(5, 0), TW_DIR_TO, 2);
	count(0, origin_of(4, 0), TW_DIR_FROM, 60);
	rank(1);
	assert_int_equal(n_seen, 4);
	expect_peer(0, asn_of(5), TW_DIR_TO, 2);
	expect_peer(1, asn_of(4), TW_DIR_TO, 1);
	expect_peer(2, asn_of(4), TW_DIR_FROM, 60);
	expect_peer(3, asn_of(3), TW_DIR_FROM, 50);
}

static void workers_and_origins_of_one_asn_are_one_peer(void **state)
{
	clear();
	assert_int_not_equal(origin_of(7, 0), origin_of(7, 1));
	for (unsigned int w = 0; w < WORKERS; w++) {
		count(w, origin_of(7, 0), TW_DIR_TO, 1);
		count(w, origin_of(7, 1), TW_DIR_TO, 10);
	}
	count(0, origin_of(8, 0), TW_DIR_TO, 32);
	count(0, 0, TW_DIR_TO, 34);
	rank(WORKERS);
	assert_int_equal(n_seen, 3);
	expect_peer(0, 0, TW_DIR_TO, 34);
	expect_peer(1, asn_of(7), TW_DIR_TO, 33);
	expect_peer(2, asn_of(8), TW_DIR_TO, 32);
	assert_string_equal(seen[0].name, "");
	assert_string_equal(seen[1].name, "Network 7");
}

static void tables_of_before_count_with_the_last(void **state)
{
	clear();
	count(0, origin_of(3, 0), TW_DIR_TO, 5);
	count(1, origin_of(3, 1), TW_DIR_TO, 1);
	count(1, origin_of(4, 0), TW_DIR_FROM, 7);
	n_retired = 2;
	rank(2);
	n_retired = 0;
	assert_int_equal(n_seen, 2);
	assert_int_equal(seen[0].asn, asn_of(3));
	assert_int_equal(seen[0].packets, 18);
	assert_int_equal(seen[1].asn, asn_of(4));
	assert_int_equal(seen[1].packets, 21);
	assert_int_equal(seen[1].bytes, 2100);
}

static void bytes_decide_and_not_packets(void **state)
{
	clear();
	count(0, origin_of(9, 0), TW_DIR_TO, 10);
	count(0, origin_of(10, 0), TW_DIR_TO, 5);
	counts[0][origin_of(10, 0)][TW_DIR_TO].bytes = 1001;
	rank(1);
	assert_int_equal(n_seen, 2);
	assert_int_equal(seen[0].asn, asn_of(10));
	assert_int_equal(seen[1].asn, asn_of(9));
}

static void equal_peers_are_ordered_by_asn_and_cut_there(void **state)
{
	uint32_t last = 0;

	clear();
	for (unsigned int i = 0; i < ASNS; i++)
		count(i % WORKERS, origin_of(i, i % 2), TW_DIR_FROM, 7);
	rank(WORKERS);
	assert_int_equal(n_seen, TW_PEERS_MAX);
	for (unsigned int at = 0; at < n_seen; at++) {
		unsigned int smaller = 0;

		assert_true(seen[at].asn > last);
		last = seen[at].asn;
		for (unsigned int i = 0; i < ASNS; i++)
			smaller += asn_of(i) < last;
		assert_int_equal(smaller, at);
	}
}

/* What is left of an AS, by number; index ASNS is the unknown one. */
struct left {
	uint32_t asn;
	uint64_t packets;
};

static unsigned int expect_ranked(struct left *left, enum tw_direction direction, unsigned int at)
{
	for (unsigned int place = 0; place < TW_PEERS_MAX; place++) {
		struct left *best = &left[0];

		for (unsigned int i = 1; i <= ASNS; i++)
			if (left[i].packets > best->packets ||
				(left[i].packets == best->packets && left[i].asn < best->asn))
				best = &left[i];
		if (best->packets == 0)
			break;
		expect_peer(at++, best->asn, direction, best->packets);
		best->packets = 0;
	}
	return at;
}

static void random_peers_are_ranked_exactly(void **state)
{
	for (unsigned int round = 0; round < 500; round++) {
		struct left left[2][ASNS + 1];
		uint64_t n_counts = below(200),
			 largest = 1 + below(round % 2 == 0 ? 4 : UINT64_C(1) << 40);
		unsigned int n_workers = 1 + (unsigned int)below(WORKERS), at = 0;

		clear();
		for (unsigned int i = 0; i <= ASNS; i++)
			left[0][i] = left[1][i] = (struct left){.asn = i < ASNS ? asn_of(i) : 0};
		for (; n_counts > 0; n_counts--) {
			unsigned int i = (unsigned int)below(ASNS + 1),
				     direction = (unsigned int)below(2);
			uint32_t origin = i < ASNS ? origin_of(i, (unsigned int)below(2)) : 0;
			uint64_t packets = 1 + below(largest);

			count((unsigned int)below(n_workers), origin, (enum tw_direction)direction,
				packets);
			left[direction][i].packets += packets;
		}
		rank(n_workers);
		at = expect_ranked(left[TW_DIR_TO], TW_DIR_TO, at);
		at = expect_ranked(left[TW_DIR_FROM], TW_DIR_FROM, at);
		assert_int_equal(n_seen, at);
	}
}

static struct tw_table *load_table(void)
{
	struct tw_prefix halves[ASNS];
	const struct tw_target target = {.name = "KP", .prefixes = halves, .n_prefixes = ASNS};
	char path[] = "/tmp/test_peers.XXXXXX";
	struct tw_table_spec spec = {.targets = &target, .n_targets = 1, .overrides = path};
	struct tw_diag diag = {0};
	struct tw_table *loaded;
	int fd = mkstemp(path);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (out == NULL)
		return NULL;
	for (unsigned int i = 0; i < ASNS; i++) {
		fprintf(out, "10.%u.0.0/16,%u,Network %u\n", i, asn_of(i), i);
		halves[i] = (struct tw_prefix){
			.addr = tw_addr_from_number(4, 10u << 24 | i << 16 | 1u << 15),
			.length = 17};
	}
	fclose(out);
	loaded = tw_table_load(&spec, SOCKET_ID_ANY, &diag);
	tw_diag_print(&diag, stderr, "test_peers: ");
	unlink(path);
	return loaded;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_traffic_has_no_peers),
		cmocka_unit_test(both_directions_are_ranked_by_themselves_to_first),
		cmocka_unit_test(workers_and_origins_of_one_asn_are_one_peer),
		cmocka_unit_test(tables_of_before_count_with_the_last),
		cmocka_unit_test(bytes_decide_and_not_packets),
		cmocka_unit_test(equal_peers_are_ordered_by_asn_and_cut_there),
		cmocka_unit_test(random_peers_are_ranked_exactly),
	};
	int failed;

	if (tw_test_eal_init("512") != 0)
		return 1;
	table = load_table();
	if (table == NULL)
		return 1;
	for (unsigned int w = 0; w < WORKERS; w++)
		counts[w] = calloc(tw_table_n_origins(table), sizeof(counts[w][0]));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (unsigned int w = 0; w < WORKERS; w++)
		free(counts[w]);
	tw_table_free(table);
	rte_eal_cleanup();
	return failed;
}
