/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEST_FLOW_H
#define TW_TEST_FLOW_H

/*
 * One flow table, and packets of numbered flows to send it. The number's bits are spread over the
 * key so that flows differ in as little as one field: direction, target, version, protocol, either
 * port, or a bit of an address.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tw_flow.h"

#define NS       UINT64_C(1000000000)
#define START    UINT64_C(1506848871)
#define N_SERIES 24

static uint64_t seed = 20171001;

/* splitmix64 */
static inline uint64_t random64(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static inline uint64_t below(uint64_t n)
{
	return random64() % n;
}

/* The table under test, and what it counted in the open second. */

static struct tw_flow_config config;
static struct tw_flow_table *table;
static struct tw_series_count series[N_SERIES];
static struct tw_burst burst;

static inline void make_table(uint32_t max_flows, uint32_t idle_timeout)
{
	void *memory = NULL;
	size_t size;

	config = (struct tw_flow_config){.max_flows = max_flows,
		.idle_timeout = idle_timeout,
		.n_series = N_SERIES,
		.seed = {random64(), random64()}};
	size = tw_flow_size(&config);
	assert_int_equal(posix_memalign(&memory, 64, size), 0);
	memset(memory, 0, size);
	table = tw_flow_init(memory, &config);
	assert_ptr_equal(table, memory);
	memset(series, 0, sizeof(series));
}

static inline void free_table(void)
{
	free(table);
}

/* Adds the packet of flow `id` to the burst, in a slot of its own. */
static inline void add_packet(uint32_t id, uint32_t to_series, uint64_t time)
{
	struct tw_packet packet = {.version = (id >> 2 & 1) != 0 ? 6 : 4,
		.bytes = 100,
		.transport = {.protocol = (id >> 3 & 1) != 0 ? 6 : 17,
			.port_src = (uint16_t)(id >> 4 & 1),
			.port_dst = (uint16_t)(id >> 5 & 1)}};
	struct tw_hit *hit = &burst.hits[burst.n_hits++];

	packet.ip4[0] = 0xaf2db000 + (id >> 6 & 1);
	packet.ip4[1] = 0x08080808;
	/*
	 * The same octets and then zeros: where the rest of the number is 0, the version alone
	 * differs.
	 */
	memset(packet.ip6, 0, sizeof(packet.ip6));
	memcpy(packet.ip6, packet.ip4, sizeof(packet.ip4));
	packet.ip4[1] += id >> 7;
	packet.ip6[1][0] = (uint8_t)(id >> 7);
	packet.ip6[1][15] = (uint8_t)(id >> 15);
	*hit = (struct tw_hit){.slot = (uint8_t)burst.n,
		.target = id >> 1 & 1,
		.direction = id & 1,
		.version = packet.version,
		.series = to_series,
		.address = (uint8_t)(packet.version == 4 ? burst.n4 : burst.n6)};
	tw_burst_append(&burst, &packet, time);
}

/* The same packet as a second target sees it from the other side: one slot, two hits. */
static inline void add_other_side(uint32_t to_series)
{
	struct tw_hit *hit = &burst.hits[burst.n_hits];

	*hit = hit[-1];
	hit->target ^= 1;
	hit->direction ^= 1;
	hit->series = to_series;
	burst.n_hits++;
}

static inline uint32_t send_burst(void)
{
	uint32_t overflow = tw_flow_burst(table, &burst, series);

	assert_true(tw_flow_used(table) <= config.max_flows);
	return overflow;
}

/*
 * One packet in a burst of its own; returns how many flows it opened: 0 or 1, or -1 for an
 * overflow.
 */
static inline int send_one(uint32_t id, uint32_t to_series, uint64_t time)
{
	uint64_t opened = series[to_series].flows;
	uint32_t overflow;

	tw_burst_reset(&burst, time / NS);
	add_packet(id, to_series, time);
	overflow = send_burst();
	opened = series[to_series].flows - opened;
	assert_true(overflow + opened <= 1);
	return overflow != 0 ? -1 : (int)opened;
}

static inline void close_second(uint64_t second)
{
	tw_flow_close(table, second, series);
}

#endif
