/* SPDX-License-Identifier: BSD-3-Clause */

/* What a router may take, of memory and of the RIB, and what becomes of who wants more. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tw_test_routers.h"

#define SHARE 2

static int begin_shared(void **state)
{
	return begin_with(SHARE);
}

static void routes_without_room_are_counted(void **state)
{
	struct tw_rib_spec small = everybody;

	small.max_routes = 1;
	tw_rib_free(live.rib);
	live.rib = make(&small);
	put_up(&ntt);
	put_route(&ntt, NORTH, UNICOM);
	put_route(&ntt, SOUTH, UNICOM);
	feed();
	assert_int_equal(tw_routers_refused(routers), 1);
	assert_string_equal(verdict(NORTH), "AS4837");
	assert_int_equal(
		said("10.0.0.1: more routes of the targets than rib.max_routes: raise it"), 1);
}

/* Who makes up ever new peers leaves numbers for all others. */
static void peers_that_come_and_go_are_forgotten(void **state)
{
	struct tw_test_peer peer = ntt;

	for (uint32_t i = 0; i < 100; i++) {
		peer.asn = 1000 + i;
		put_up(&peer);
		put_route(&peer, NORTH, UNICOM);
		tw_put_peer_down(&wire, &peer, 1);
		feed();
	}
	assert_int_equal(tw_rib_n_peers(live.rib), 1);
	assert_int_equal(info_of(live.rib).n_routes, 0);
}

/* ---- a router's share ---- */

static void above_its_share_a_router_is_told_once_and_counted(void **state)
{
	struct tw_router *second;

	tw_put_initiation(&wire, "edge1");
	tell_two();
	put_up(&telia);
	for (int i = 0; i < 3; i++)
		put_route(&telia, NORTH, TTK);
	feed();
	assert_int_equal(tw_routers_refused(routers), 3);
	assert_int_equal(info_of_only().refused, 3);
	assert_int_equal(info_of_only().routes, SHARE);
	assert_string_equal(verdict(NORTH), "AS4837");
	assert_int_equal(said("10.0.0.1 (edge1): more routes of the targets than bmp.max_routes: "
			      "raise it, or let the router tell fewer: what is beyond is left out"),
		1);
	assert_int_equal(said("more routes"), 1);
	/* Another router has its own. */
	second = router;
	router = connect_from(2);
	put_up(&telia);
	put_route(&telia, NORTH, UNICOM);
	put_route(&telia, SOUTH, UNICOM);
	feed();
	assert_int_equal(tw_routers_refused(routers), 3);
	assert_int_equal(info_of(live.rib).n_routes, 2 * SHARE);
	/* Room that comes back is used; the next session has its line. */
	router = second;
	put_route(&ntt, NORTH, 0);
	put_route(&telia, NORTH, TTK);
	feed();
	assert_int_equal(tw_routers_refused(routers), 3);
	tw_put_peer_down(&wire, &ntt, 1);
	put_route(&telia, SOUTH, TTK);
	feed();
	assert_int_equal(tw_routers_refused(routers), 3);
	lose();
	router = connect_from(1);
	put_up(&telia);
	put_route(&telia, NORTH, TTK);
	put_route(&telia, SOUTH, TTK);
	put_route(&telia, "175.45.176.0/22", TTK);
	feed();
	assert_int_equal(tw_routers_refused(routers), 4);
	assert_int_equal(said("more routes"), 2);
}

/* Held routes count, and yield to what the router tells when it is back. */
static void a_router_that_is_back_replaces_its_own(void **state)
{
	tell_two();
	lose();
	assert_int_equal(info_of_only().routes, SHARE);
	router = connect_from(1);
	/* Another peer, and NTT not up yet. */
	put_up(&telia);
	put_route(&telia, NORTH, TTK);
	feed();
	assert_int_equal(info_of_only().routes, SHARE);
	assert_int_equal(tw_routers_refused(routers), 0);
	put_up(&ntt);
	put_route(&ntt, NORTH, TTK);
	feed();
	assert_string_equal(verdict(NORTH), "AS20485");
	assert_string_equal(verdict(SOUTH), "none");
	assert_int_equal(tw_routers_refused(routers), 0);
	put_route(&ntt, SOUTH, TTK);
	feed();
	assert_int_equal(tw_routers_refused(routers), 1);
	assert_string_equal(verdict(NORTH), "AS20485");
	/* Lost in the middle of it, too, and with a peer that stays away. */
	lose();
	router = connect_from(1);
	put_up(&ntt);
	put_route(&ntt, NORTH, UNICOM);
	put_route(&ntt, SOUTH, UNICOM);
	feed();
	assert_string_equal(verdict(NORTH), "AS4837");
	assert_string_equal(verdict(SOUTH), "AS4837");
	assert_int_equal(tw_routers_refused(routers), 1);
	assert_int_equal(info_of_only().routes, SHARE);
}

/* ---- books that are full ---- */

static void a_full_book_forgets_who_is_held_for_longest(void **state)
{
	struct tw_test_peer peer = ntt;

	for (uint32_t i = 0; i < MAX_PEERS; i++) {
		peer.asn = 100 + i;
		put_up(&peer);
		put_route(&peer, NORTH, UNICOM);
	}
	feed();
	lose();
	now++;
	router = connect_from(1);
	peer.asn = 101;
	put_up(&peer);
	feed();
	now++;
	lose();
	now++;
	router = connect_from(1);
	/* 100 and 102 are held since before 101; a new one takes the place of one of them. */
	for (uint32_t i = 0; i < 2; i++) {
		peer.asn = 200 + i;
		put_up(&peer);
		feed();
		assert_int_equal(info_of_only().peers_held, MAX_PEERS - 1 - i);
		assert_int_equal(info_of(live.rib).n_routes, MAX_PEERS - 1 - i);
	}
	peer.asn = 101;
	assert_int_equal(
		tw_rib_peer_routes(live.rib,
			tw_rib_peer(live.rib, &(struct tw_bgp_peer){.addr = {4, {192, 0, 2, 1}},
						      .router = {4, {10, 0, 0, 1}},
						      .asn = 101})),
		1);
}

static void a_new_router_takes_the_place_of_the_longest_lost(void **state)
{
	struct tw_router *second;

	tell_two();
	second = connect_from(2);
	assert_non_null(second);
	assert_ptr_not_equal(second, router);
	/* Everybody is there. */
	assert_null(connect_from(3));
	lose();
	now++;
	tw_router_lost(second, now);
	now++;
	assert_string_equal(verdict(NORTH), "AS4837");
	router = connect_from(3);
	assert_non_null(router);
	assert_string_equal(verdict(NORTH), "none");
	assert_ptr_equal(connect_from(2), second);
}

#define SHARED_TEST(name) cmocka_unit_test_setup_teardown(name, begin_shared, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROUTERS_TEST(routes_without_room_are_counted),
		ROUTERS_TEST(peers_that_come_and_go_are_forgotten),
		SHARED_TEST(above_its_share_a_router_is_told_once_and_counted),
		SHARED_TEST(a_router_that_is_back_replaces_its_own),
		ROUTERS_TEST(a_full_book_forgets_who_is_held_for_longest),
		ROUTERS_TEST(a_new_router_takes_the_place_of_the_longest_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
