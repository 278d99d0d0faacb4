/* SPDX-License-Identifier: BSD-3-Clause */

/* What becomes of routers' routes, to the tick: no socket, no thread, and a clock that the test turns. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tw_test_routers.h"

/* ---- while the session is up ---- */

static void what_changes_a_path_is_news(void **state)
{
	uint64_t before;

	put_up(&ntt);
	feed();
	before = news();
	put_route(&ntt, NORTH, UNICOM);
	feed();
	assert_int_equal(news(), before + 1);
	assert_string_equal(verdict(NORTH), "AS4837");
	put_route(&ntt, NORTH, UNICOM);
	put_route(&ntt, "198.51.100.0/24", UNICOM);
	feed();
	assert_int_equal(news(), before + 1);
	put_route(&ntt, NORTH, TTK);
	feed();
	assert_int_equal(news(), before + 2);
	assert_string_equal(verdict(NORTH), "AS20485");
	put_route(&ntt, NORTH, 0);
	feed();
	assert_int_equal(news(), before + 3);
	assert_string_equal(verdict(NORTH), "none");
}

static void a_peer_that_goes_down_takes_its_routes_along(void **state)
{
	uint64_t before;

	tell_two();
	put_up(&telia);
	put_route(&telia, NORTH, UNICOM);
	feed();
	before = news();
	tw_put_peer_down(&wire, &ntt, 1);
	feed();
	assert_true(news() > before);
	assert_string_equal(verdict(NORTH), "AS4837");
	assert_string_equal(verdict(SOUTH), "none");
	assert_int_equal(info_of_only().peers_up, 1);
	assert_int_equal(info_of_only().peers_held, 0);
}

static void peers_of_no_interest_stay_out_of_the_rib(void **state)
{
	put_up(&ntt);
	put_route(&ntt, "198.51.100.0/24", UNICOM);
	feed();
	assert_int_equal(tw_rib_n_peers(live.rib), 0);
	assert_int_equal(info_of_only().peers_up, 1);
	lose();
	assert_int_equal(info_of_only().peers_held, 0);
}

static void malformed_messages_are_one_line_a_session(void **state)
{
	for (int i = 0; i < 3; i++) {
		size_t start = tw_put_bmp(&wire, 0);

		tw_put_bmp_end(&wire, start);
	}
	feed();
	assert_int_equal(said("10.0.0.1: a malformed message: a per-peer header is cut"), 1);
	assert_int_equal(info_of_only().session.malformed, 3);
	lose();
	router = connect_from(1);
	tw_put_initiation(&wire, "edge1");
	tw_put_bmp_end(&wire, tw_put_bmp(&wire, 0));
	feed();
	assert_int_equal(said("10.0.0.1 (edge1): a malformed message"), 1);
	assert_int_equal(info_of_only().session.malformed, 1);
}

/* ---- when it is lost ---- */

static void a_lost_session_keeps_its_routes_and_then_marks_them(void **state)
{
	uint64_t before;

	tell_two();
	now = 5000;
	lose();
	before = news();
	expect_due(5000 + HOLD, NORTH, "AS4837", "AS4837 stale");
	assert_string_equal(verdict(SOUTH), "AS4837 stale");
	assert_true(news() > before);
	assert_int_equal(info_of_only().peers_held, 1);
	assert_int_equal(info_of_only().peers_stale, 1);
	assert_int_equal(
		said("10.0.0.1: its peers that are lost for 300 s: 1: their routes are stale"), 1);
	/* For good, and told once. */
	now += 100 * HOLD;
	tw_routers_tick(routers, now);
	assert_string_equal(verdict(NORTH), "AS4837 stale");
	assert_int_equal(said("stale"), 1);
}

static void a_peer_that_is_back_is_fresh_and_told_anew(void **state)
{
	tell_two();
	lose();
	now += HOLD;
	tw_routers_tick(routers, now);
	assert_string_equal(verdict(SOUTH), "AS4837 stale");
	router = connect_from(1);
	assert_string_equal(verdict(SOUTH), "AS4837 stale");
	put_up(&ntt);
	put_route(&ntt, NORTH, TTK);
	feed();
	/* What is not told again yet is kept until the end. */
	assert_string_equal(verdict(NORTH), "AS20485");
	assert_string_equal(verdict(SOUTH), "AS4837");
	tw_put_end_of_rib(&wire, &ntt, 4);
	feed();
	assert_string_equal(verdict(SOUTH), "AS4837");
	tw_put_end_of_rib(&wire, &ntt, 6);
	feed();
	assert_string_equal(verdict(NORTH), "AS20485");
	assert_string_equal(verdict(SOUTH), "none");
	assert_int_equal(info_of_only().peers_stale, 0);
}

static void without_an_end_the_hold_time_ends_a_table(void **state)
{
	tell_two();
	lose();
	now = 7000;
	router = connect_from(1);
	now = 8000;
	put_up(&ntt);
	put_route(&ntt, NORTH, UNICOM);
	feed();
	expect_due(8000 + HOLD, SOUTH, "AS4837", "none");
	assert_string_equal(verdict(NORTH), "AS4837");
	/* An end that comes later ends nothing more. */
	put_route(&ntt, SOUTH, UNICOM);
	put_end(&ntt);
	feed();
	assert_string_equal(verdict(SOUTH), "AS4837");
}

static void peers_that_stay_away_are_withdrawn(void **state)
{
	tell_two();
	put_up(&telia);
	put_route(&telia, SOUTH, TTK);
	feed();
	assert_string_equal(verdict(SOUTH), "ambiguous");
	lose();
	now = 9000;
	router = connect_from(1);
	put_up(&ntt);
	put_route(&ntt, NORTH, UNICOM);
	put_route(&ntt, SOUTH, UNICOM);
	feed();
	assert_string_equal(verdict(SOUTH), "ambiguous");
	/* Telia is stale since the loss, at 1000, before it is withdrawn. */
	expect_due(1000 + HOLD, SOUTH, "ambiguous", "AS4837");
	assert_int_equal(info_of_only().peers_held, 1);
	now = 9000 + HOLD - 1;
	tw_routers_tick(routers, now);
	assert_int_equal(info_of_only().peers_held, 1);
	now++;
	tw_routers_tick(routers, now);
	assert_int_equal(info_of_only().peers_held, 0);
	assert_int_equal(
		said("did not come up again within 300 s: 1: their routes are withdrawn"), 1);
	assert_int_equal(info_of(live.rib).n_routes, 2);
}

static void coming_back_in_vain_does_not_make_fresh(void **state)
{
	tell_two();
	lose();
	for (int i = 0; i < 3; i++) {
		now = 1000 + HOLD / 4 * (uint64_t)(i + 1);
		router = connect_from(1);
		lose();
	}
	expect_due(1000 + HOLD, NORTH, "AS4837", "AS4837 stale");
}

static void a_second_session_is_a_loss_and_a_return(void **state)
{
	tell_two();
	assert_ptr_equal(connect_from(1), router);
	assert_string_equal(verdict(NORTH), "AS4837");
	assert_int_equal(info_of_only().peers_up, 0);
	assert_int_equal(info_of_only().peers_held, 1);
	put_up(&ntt);
	put_route(&ntt, SOUTH, TTK);
	put_end(&ntt);
	feed();
	assert_string_equal(verdict(NORTH), "none");
	assert_string_equal(verdict(SOUTH), "AS20485");
}

static void a_second_peer_up_begins_the_table_again(void **state)
{
	tell_two();
	put_up(&ntt);
	put_route(&ntt, NORTH, TTK);
	put_end(&ntt);
	feed();
	assert_string_equal(verdict(NORTH), "AS20485");
	assert_string_equal(verdict(SOUTH), "none");
}

/* ---- another RIB ---- */

static void a_new_rib_takes_over_in_the_middle(void **state)
{
	struct tw_rib *fresh, *old = live.rib;

	tell_two();
	put_up(&telia);
	put_route(&telia, NORTH, TTK);
	feed();
	/* In the middle of a table, too. */
	put_up(&ntt);
	put_route(&ntt, NORTH, UNICOM);
	feed();
	fresh = make(&everybody);
	/* Numbers are others there. */
	assert_int_equal(add_peer(fresh, 64500), 0);
	assert_int_equal(tw_rib_adopt_live(fresh, old), 0);
	live.rib = fresh;
	tw_rib_free(old);
	assert_string_equal(verdict(NORTH), "ambiguous");
	assert_string_equal(verdict(SOUTH), "AS4837");
	put_end(&ntt);
	put_route(&telia, NORTH, UNICOM);
	feed();
	assert_string_equal(verdict(NORTH), "AS4837");
	assert_string_equal(verdict(SOUTH), "none");
	now = 2000;
	lose();
	expect_due(2000 + HOLD, NORTH, "AS4837", "AS4837 stale");
}

static void what_is_told_of_a_router(void **state)
{
	struct tw_router_info info;

	tw_put_initiation(&wire, "edge1");
	tell_two();
	now += UINT64_C(42999999999);
	info = info_of_only();
	assert_true(info.connected);
	assert_string_equal(info.name, "edge1");
	assert_int_equal(info.addr.bytes[0], 10);
	assert_int_equal(info.quiet, 42);
	assert_int_equal(info.peers_up, 1);
	assert_int_equal(info.session.messages, 6);
	assert_int_equal(info.session.routes, 2);
	lose();
	info = info_of_only();
	assert_false(info.connected);
	assert_string_equal(info.name, "edge1");
	assert_int_equal(info.quiet, 0);
	assert_int_equal(info.peers_up, 0);
	assert_int_equal(info.peers_held, 1);
	assert_int_equal(info.session.messages, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROUTERS_TEST(what_changes_a_path_is_news),
		ROUTERS_TEST(a_peer_that_goes_down_takes_its_routes_along),
		ROUTERS_TEST(peers_of_no_interest_stay_out_of_the_rib),
		ROUTERS_TEST(malformed_messages_are_one_line_a_session),
		ROUTERS_TEST(a_lost_session_keeps_its_routes_and_then_marks_them),
		ROUTERS_TEST(a_peer_that_is_back_is_fresh_and_told_anew),
		ROUTERS_TEST(without_an_end_the_hold_time_ends_a_table),
		ROUTERS_TEST(peers_that_stay_away_are_withdrawn),
		ROUTERS_TEST(coming_back_in_vain_does_not_make_fresh),
		ROUTERS_TEST(a_second_session_is_a_loss_and_a_return),
		ROUTERS_TEST(a_second_peer_up_begins_the_table_again),
		ROUTERS_TEST(a_new_rib_takes_over_in_the_middle),
		ROUTERS_TEST(what_is_told_of_a_router),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
