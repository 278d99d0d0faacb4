/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEST_ROUTERS_H
#define TW_TEST_ROUTERS_H

/* Routers without a socket or a thread, and a clock that the test turns. To be included by one file of a program, behind cmocka.h. */

#include "routers.h"
#include "tw_test_station.h"

#define HOLD        (300 * UINT64_C(1000000000))
#define MAX_PEERS   3
#define MAX_ROUTERS 2
#define NORTH       "175.45.176.0/24"
#define SOUTH       "175.45.177.0/24"

static struct tw_routers *routers;
static struct tw_router *router;
static uint64_t now;

static inline struct tw_router *connect_from(uint8_t host)
{
	const struct tw_addr addr = {.family = 4, .bytes = {10, 0, 0, host}};

	return tw_router_begin(routers, &addr, now);
}

static inline int begin_with(uint32_t share)
{
	struct tw_routers_spec spec = {
		.max_routers = MAX_ROUTERS, .max_peers = MAX_PEERS, .hold = HOLD};
	struct tw_rib_spec shared = everybody;

	if (begin_live() != 0)
		return 1;
	tw_rib_free(live.rib);
	shared.router_max_routes = share;
	live.rib = make(&shared);
	spec.log = lines;
	now = 1000;
	routers = tw_routers_create(&spec, &live);
	if (routers == NULL)
		return 1;
	router = connect_from(1);
	return router == NULL;
}

static inline int begin(void **state)
{
	return begin_with(0);
}

static inline int end(void **state)
{
	tw_routers_free(routers);
	end_live();
	return 0;
}

static inline void feed(void)
{
	const char *why;

	assert_int_equal(tw_router_feed(router, wire.data, wire.size, now, &why), wire.size);
	wire.size = 0;
}

/* Nothing happens a nanosecond before it is due, and it does when it is. */
static inline void expect_due(
	uint64_t at, const char *prefix, const char *before, const char *after)
{
	now = at - 1;
	tw_routers_tick(routers, now);
	assert_string_equal(verdict(prefix), before);
	now = at;
	tw_routers_tick(routers, now);
	assert_string_equal(verdict(prefix), after);
}

/* NTT with two routes, told in full. */
static inline void tell_two(void)
{
	put_up(&ntt);
	put_route(&ntt, NORTH, UNICOM);
	put_route(&ntt, SOUTH, UNICOM);
	put_end(&ntt);
	feed();
	assert_string_equal(verdict(NORTH), "AS4837");
	assert_string_equal(verdict(SOUTH), "AS4837");
}

static inline void lose(void)
{
	tw_router_lost(router, now);
	router = NULL;
}

static inline struct tw_router_info info_of_only(void)
{
	struct tw_router_info info[MAX_ROUTERS];

	assert_int_equal(tw_routers_info(routers, info, MAX_ROUTERS, now), 1);
	return info[0];
}

#define ROUTERS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
