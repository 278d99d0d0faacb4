/* SPDX-License-Identifier: BSD-3-Clause */

/* The station, over TCP on the loopback: what routers tell is in the RIB, and stays there as it should. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tw_test_station_tcp.h"

/* ---- what comes in ---- */

/* By the wall clock. */
static uint64_t age_of_rib(void)
{
	struct timespec now;
	uint64_t of;

	pthread_mutex_lock(&live.lock);
	of = tw_rib_time(live.rib);
	pthread_mutex_unlock(&live.lock);
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec - of;
}

static void routes_arrive(void **state)
{
	int fd = tell_from(1, UNICOM);
	uint64_t sent, slowest = 0;

	WAIT(says(NORTH, "AS4837"));
	for (int i = 0; i < 20; i++) {
		const char *now = i % 2 == 0 ? "AS20485" : "AS4837";
		uint64_t before = news();

		put_route(&ntt, NORTH, i % 2 == 0 ? TTK : UNICOM);
		sent = tw_monotonic_ns();
		send_wire(fd);
		WAIT(says(NORTH, now));
		assert_true(news() > before);
		sent = tw_monotonic_ns() - sent;
		slowest = sent > slowest ? sent : slowest;
	}
	print_message("from the message to the RIB: at most %.1f ms\n", (double)slowest / 1e6);
	assert_true(slowest < SECOND);
	WAIT(age_of_rib() < SECOND);
	assert_int_equal(info()->accepted, 1);
	assert_int_equal(info()->sessions, 1);
	assert_string_equal(router_of(1)->name, "edge1");
	assert_int_equal(router_of(1)->peers_up, 1);
	assert_int_equal(router_of(1)->session.routes, 21);
	WAIT(said("127.0.0.1: session") == 1);
	close(fd);
	WAIT(info()->ended[TW_STATION_CLOSED] == 1);
	WAIT(said("127.0.0.1 (edge1): session over: the router closed it; its routes "
		  "are kept for 300 s") == 1);
	assert_true(says(NORTH, "AS4837"));
}

static void an_octet_at_a_time_is_a_session_too(void **state)
{
	int slow = dial(1), fast;

	tw_put_initiation(&wire, "slow");
	put_up(&ntt);
	put_route(&ntt, SOUTH, TTK);
	for (size_t at = 0; at + 1 < wire.size; at++)
		assert_int_equal(send(slow, wire.data + at, 1, MSG_NOSIGNAL), 1);
	/* The last octet is missing; another router does not wait for it. */
	WAIT(router_of(1)->peers_up == 1);
	assert_true(says(SOUTH, "none"));
	{
		uint8_t last = wire.data[wire.size - 1];

		wire.size = 0;
		fast = tell_from(2, UNICOM);
		WAIT(says(NORTH, "AS4837"));
		assert_int_equal(send(slow, &last, 1, MSG_NOSIGNAL), 1);
	}
	WAIT(says(SOUTH, "AS20485"));
	assert_int_equal(router_of(1)->session.malformed, 0);
	close(slow);
	close(fast);
}

static void many_peers_have_a_route_each(void **state)
{
	struct tw_test_peer peer = ntt;
	int fd = dial(1);

	for (uint32_t i = 0; i < PEERS + 10; i++) {
		peer.asn = 10000 + i;
		put_up(&peer);
		put_route(&peer, NORTH, UNICOM);
		send_wire(fd);
	}
	WAIT(router_of(1)->session.messages == 2 * (PEERS + 10));
	assert_int_equal(router_of(1)->peers_up, PEERS);
	assert_int_equal(router_of(1)->session.peers_refused, 10);
	assert_int_equal(router_of(1)->session.stray, 10);
	/* Of a thousand votes the RIB of the test has room for. */
	assert_int_equal(info()->routes_refused, 0);
	pthread_mutex_lock(&live.lock);
	assert_int_equal(info_of(live.rib).n_peers, PEERS);
	pthread_mutex_unlock(&live.lock);
	assert_true(says(NORTH, "AS4837"));
	close(fd);
	WAIT(router_of(1)->peers_held == PEERS);
}

static void what_comes_while_the_lock_is_taken_waits(void **state)
{
	int fd = tell_from(1, UNICOM);
	struct tw_rib *fresh, *old;

	WAIT(says(NORTH, "AS4837"));
	pthread_mutex_lock(&live.lock);
	put_route(&ntt, SOUTH, TTK);
	send_wire(fd);
	usleep(20000);
	/* A reload in the middle. */
	old = live.rib;
	fresh = make(&everybody);
	assert_int_equal(tw_rib_adopt_live(fresh, old), 0);
	live.rib = fresh;
	pthread_mutex_unlock(&live.lock);
	tw_rib_free(old);
	WAIT(says(SOUTH, "AS20485"));
	assert_true(says(NORTH, "AS4837"));
	close(fd);
}

/* ---- who comes, and goes ---- */

static void the_newer_session_of_a_router_stays(void **state)
{
	int first = tell_from(1, UNICOM), second;

	WAIT(says(NORTH, "AS4837"));
	second = dial(1);
	WAIT(is_closed(first));
	assert_true(says(NORTH, "AS4837"));
	put_up(&ntt);
	put_route(&ntt, SOUTH, TTK);
	put_end(&ntt);
	send_wire(second);
	WAIT(says(SOUTH, "AS20485"));
	WAIT(says(NORTH, "none"));
	assert_int_equal(info()->n_routers, 1);
	assert_int_equal(info()->sessions, 1);
	assert_int_equal(info()->ended[TW_STATION_REPLACED], 1);
	close(first);
	close(second);
}

static void a_lost_session_is_held(void **state)
{
	int fd = tell_from(1, UNICOM);

	WAIT(says(NORTH, "AS4837"));
	close(fd);
	WAIT(info()->sessions == 0);
	atomic_fetch_add(&turned, (HOLD - 10) * SECOND);
	/* Many turns later still: this test would take ten seconds to be wrong. */
	usleep(300000);
	assert_true(says(NORTH, "AS4837"));
	atomic_fetch_add(&turned, 10 * SECOND);
	WAIT(says(NORTH, "AS4837 stale"));
	fd = tell_from(1, TTK);
	WAIT(says(NORTH, "AS20485"));
	close(fd);
}

static void a_reset_is_a_loss(void **state)
{
	const struct linger at_once = {.l_onoff = 1};
	int fd = tell_from(1, UNICOM);

	WAIT(says(NORTH, "AS4837"));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
	WAIT(info()->ended[TW_STATION_BROKEN] == 1);
	assert_true(says(NORTH, "AS4837"));
	assert_int_equal(router_of(1)->peers_held, 1);
}

static void a_termination_ends_a_session(void **state)
{
	int fd = tell_from(1, UNICOM);

	tw_put_termination(&wire);
	send_wire(fd);
	WAIT(is_closed(fd));
	assert_int_equal(info()->ended[TW_STATION_TERMINATED], 1);
	assert_true(says(NORTH, "AS4837"));
	WAIT(said("session over: the router ended it") == 1);
	close(fd);
}

static void resync_makes_routers_tell_again(void **state)
{
	int fd = tell_from(1, UNICOM);

	WAIT(says(NORTH, "AS4837"));
	tw_station_resync(station);
	WAIT(is_closed(fd));
	close(fd);
	assert_int_equal(info()->ended[TW_STATION_RESYNC], 1);
	assert_true(says(NORTH, "AS4837"));
	fd = tell_from(1, TTK);
	WAIT(says(NORTH, "AS20485"));
	assert_int_equal(info()->ended[TW_STATION_RESYNC], 1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATION_TEST(routes_arrive),
		STATION_TEST(an_octet_at_a_time_is_a_session_too),
		STATION_TEST(many_peers_have_a_route_each),
		STATION_TEST(what_comes_while_the_lock_is_taken_waits),
		STATION_TEST(the_newer_session_of_a_router_stays),
		STATION_TEST(a_lost_session_is_held),
		STATION_TEST(a_reset_is_a_loss),
		STATION_TEST(a_termination_ends_a_session),
		STATION_TEST(resync_makes_routers_tell_again),
	};
	int failed;

	if (tw_test_eal_init("64") != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rte_eal_cleanup();
	return failed;
}
