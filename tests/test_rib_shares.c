/* SPDX-License-Identifier: BSD-3-Clause */

/* The share of the RIB that a BMP router has: what it holds, who else notices, and how a router that is back uses it. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tw_test_rib.h"

#define SHARE 3

static struct tw_rib *rib;
static uint32_t file, a, b, other; /* an MRT file's; two of one router; another router's */

static struct tw_rib *make_shared(uint32_t share)
{
	struct tw_rib_spec spec = everybody;

	spec.router_max_routes = share;
	return make(&spec);
}

static int begin(void **state)
{
	struct tw_bgp_peer peers[] = {peer_of(1, 0), peer_of(2, 1), peer_of(3, 1), peer_of(4, 2)};

	rib = make_shared(SHARE);
	file = tw_rib_peer(rib, &peers[0]);
	a = tw_rib_peer(rib, &peers[1]);
	b = tw_rib_peer(rib, &peers[2]);
	other = tw_rib_peer(rib, &peers[3]);
	return 0;
}

static int end(void **state)
{
	tw_rib_free(rib);
	return 0;
}

/* One of the target's addresses. */
static const char *host(unsigned int i)
{
	static char text[32];

	snprintf(text, sizeof(text), "175.45.%u.%u/32", 176 + i / 256, i % 256);
	return text;
}

static uint32_t routes_of(uint8_t router)
{
	struct tw_addr addr = peer_of(0, router).router;

	return tw_rib_router_routes(rib, &addr);
}

static bool has(uint32_t peer, unsigned int i)
{
	uint32_t number = number_of(rib, host(i)), n;
	struct tw_rib_vote votes[8];
	bool found = false;

	n = number != TW_RIB_NONE ? tw_rib_votes(rib, number, 0, votes, 8) : 0;
	for (uint32_t k = 0; k < n; k++)
		found |= votes[k].peer == peer;
	return found;
}

/* Hosts that are known already cost no router a prefix. */
static void make_known(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(tell(rib, file, host(i), PATH(UNICOM, KP)), 1);
}

static void it_is_one_for_all_peers_of_a_router(void **state)
{
	assert_int_equal(tell(rib, a, host(0), PATH(KP)), 1);
	assert_int_equal(tell(rib, b, host(0), PATH(KP)), 1);
	assert_int_equal(tell_id(rib, b, host(0), 7, PATH(KP)), 1);
	assert_int_equal(routes_of(1), SHARE);
	assert_int_equal(tell(rib, a, host(1), PATH(KP)), -EDQUOT);
	assert_int_equal(tell_id(rib, b, host(0), 8, PATH(KP)), -EDQUOT);
	assert_int_equal(tw_rib_n_prefixes(rib), 1);
	assert_int_equal(info_of(rib).refused, 2);
	/* Another path for one that is there needs no room. */
	assert_int_equal(tell(rib, a, host(0), PATH(TTK, KP)), 1);
	/* Nobody else notices. */
	for (unsigned int i = 0; i < SHARE; i++)
		assert_int_equal(tell(rib, other, host(10 + i), PATH(KP)), 1);
	make_known(100);
	assert_int_equal(info_of(rib).refused, 2);
	assert_int_equal(routes_of(2), SHARE);
	assert_int_equal(routes_of(3), 0);
}

static void withdrawals_and_peers_that_go_down_give_room_back(void **state)
{
	make_known(20);
	for (unsigned int i = 0; i < SHARE; i++)
		assert_int_equal(tell(rib, i % 2 ? a : b, host(i), PATH(KP)), 1);
	assert_int_equal(tell(rib, a, host(9), PATH(KP)), -EDQUOT);
	assert_int_equal(withdraw(rib, b, host(0)), 1);
	assert_int_equal(tell(rib, a, host(9), PATH(KP)), 1);
	assert_int_equal(tell(rib, a, host(10), PATH(KP)), -EDQUOT);
	tw_rib_peer_down(rib, a);
	assert_int_equal(routes_of(1), 1);
	assert_int_equal(tell(rib, a, host(10), PATH(KP)), 1);
	assert_int_equal(tell(rib, b, host(11), PATH(KP)), 1);
	assert_int_equal(tell(rib, b, host(12), PATH(KP)), -EDQUOT);
}

/* Prefixes keep their number for good: who makes up ever new ones has no more of them than others leave. */
static void prefixes_that_a_router_told_first_count_for_good(void **state)
{
	for (unsigned int i = 0; i < SHARE; i++) {
		assert_int_equal(tell(rib, a, host(i), PATH(KP)), 1);
		assert_int_equal(withdraw(rib, a, host(i)), 1);
	}
	assert_int_equal(tell(rib, a, host(50), PATH(KP)), -EDQUOT);
	assert_int_equal(tell(rib, b, host(50), PATH(KP)), -EDQUOT);
	assert_int_equal(tell(rib, a, host(1), PATH(KP)), 1);
	assert_int_equal(tell(rib, other, host(50), PATH(KP)), 1);
	assert_int_equal(tell(rib, a, host(50), PATH(KP)), 1);
}

static void paths_count_for_every_route(void **state)
{
	enum {
		SIZE = 30000,
		FIT = 2 /* into 64 KiB */
	};
	static uint8_t octets[SIZE];
	struct tw_bgp_path path = {octets, SIZE};

	for (uint32_t id = 0; id < FIT; id++)
		assert_int_equal(tell_id(rib, a, host(0), id, path), 1);
	assert_int_equal(tell_id(rib, b, host(0), 0, path), -EDQUOT);
	assert_int_equal(tell_id(rib, b, host(0), 0, PATH(KP)), 1);
	/* A path that cannot be kept replaces the one before. */
	assert_int_equal(tell_id(rib, b, host(0), 0, path), -EDQUOT);
	assert_int_equal(tw_rib_peer_routes(rib, b), 0);
	assert_int_equal(tell_id(rib, other, host(0), 0, path), 1);
	assert_int_equal(tell_id(rib, a, host(0), 0, PATH(KP)), 1);
	assert_int_equal(tell_id(rib, b, host(0), 0, path), 1);
}

static void who_tells_again_replaces_what_it_told(void **state)
{
	make_known(20);
	tell(rib, a, host(0), PATH(KP));
	tell(rib, a, host(1), PATH(KP));
	tell(rib, b, host(0), PATH(KP));
	tw_rib_refresh_begin(rib, a);
	tw_rib_refresh_begin(rib, b);
	/* What is told again stays, whatever it is followed by. */
	assert_int_equal(tell(rib, a, host(0), PATH(KP)), 0);
	assert_int_equal(tell(rib, a, host(10), PATH(KP)), 1);
	assert_int_equal(routes_of(1), SHARE);
	assert_int_equal(has(a, 1) + has(b, 0), 1);
	assert_int_equal(tell(rib, a, host(11), PATH(KP)), 1);
	assert_int_equal(tell(rib, a, host(12), PATH(KP)), -EDQUOT);
	assert_true(has(a, 0) && has(a, 10) && has(a, 11));
	assert_int_equal(tw_rib_peer_routes(rib, b), 0);
	tw_rib_refresh_end(rib, a);
	tw_rib_refresh_end(rib, b);
	assert_int_equal(tw_rib_peer_routes(rib, a), SHARE);
	assert_int_equal(tell(rib, b, host(1), PATH(KP)), -EDQUOT);
	assert_int_equal(info_of(rib).refused, 2);
}

/* A refresh of somebody else is none of theirs. */
static void only_the_routers_own_makes_room(void **state)
{
	make_known(20);
	for (unsigned int i = 0; i < SHARE; i++) {
		tell(rib, a, host(i), PATH(KP));
		tell(rib, other, host(i), PATH(KP));
	}
	tw_rib_refresh_begin(rib, other);
	tw_rib_refresh_begin(rib, file);
	assert_int_equal(tell(rib, a, host(10), PATH(KP)), -EDQUOT);
	assert_int_equal(routes_of(1), SHARE);
	assert_int_equal(routes_of(2), SHARE);
	assert_int_equal(tell(rib, other, host(10), PATH(KP)), 1);
	/* Told again for the second time: what was told in the first no more. */
	tw_rib_refresh_begin(rib, other);
	for (unsigned int i = 0; i < SHARE; i++)
		assert_int_equal(tell(rib, other, host(11 + i), PATH(KP)), 1);
	assert_false(has(other, 10));
	assert_int_equal(routes_of(2), SHARE);
}

static void a_full_rib_lets_a_router_replace_its_own(void **state)
{
	struct tw_rib_spec spec = everybody;
	struct tw_bgp_peer who = peer_of(1, 1);
	struct tw_rib *full;
	uint32_t routed, plain;

	spec.max_routes = 3;
	full = make(&spec);
	plain = add_peer(full, 9);
	routed = tw_rib_peer(full, &who);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(tell(full, plain, host(i), PATH(KP)), 1);
	assert_int_equal(tell(full, routed, host(0), PATH(KP)), 1);
	assert_int_equal(tell(full, routed, host(1), PATH(KP)), -ENOSPC);
	tw_rib_refresh_begin(full, routed);
	assert_int_equal(tell(full, routed, host(1), PATH(KP)), 1);
	assert_int_equal(tell(full, routed, host(0), PATH(KP)), -ENOSPC);
	assert_int_equal(tw_rib_peer_routes(full, plain), 2);
	tw_rib_free(full);
}

static void shares_move_to_another_rib(void **state)
{
	struct tw_rib *from = rib;

	tell(rib, a, host(0), PATH(KP));
	tell(rib, b, host(0), PATH(KP));
	tell(rib, a, host(1), PATH(KP));
	withdraw(rib, a, host(1));
	tell(rib, other, host(1), PATH(KP));
	rib = make_shared(SHARE);
	assert_int_equal(tw_rib_adopt_live(rib, from), 0);
	assert_int_equal(routes_of(1), 2);
	assert_int_equal(routes_of(2), 1);
	/* Of prefixes that are gone nothing is left. */
	a = tw_rib_peer(rib, tw_rib_peer_at(from, a));
	assert_int_equal(tell(rib, a, host(7), PATH(KP)), 1);
	assert_int_equal(tell(rib, a, host(8), PATH(KP)), -EDQUOT);
	tw_rib_free(rib);
	/* Into a smaller one goes what fits. */
	rib = make_shared(1);
	assert_int_equal(tw_rib_adopt_live(rib, from), -ENOSPC);
	assert_int_equal(routes_of(1), 1);
	assert_int_equal(routes_of(2), 1);
	assert_int_equal(info_of(rib).refused, 1);
	tw_rib_free(from);
}

#define SHARES_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHARES_TEST(it_is_one_for_all_peers_of_a_router),
		SHARES_TEST(withdrawals_and_peers_that_go_down_give_room_back),
		SHARES_TEST(prefixes_that_a_router_told_first_count_for_good),
		SHARES_TEST(paths_count_for_every_route),
		SHARES_TEST(who_tells_again_replaces_what_it_told),
		SHARES_TEST(only_the_routers_own_makes_room),
		SHARES_TEST(a_full_rib_lets_a_router_replace_its_own),
		SHARES_TEST(shares_move_to_another_rib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
