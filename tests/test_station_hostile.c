/* SPDX-License-Identifier: BSD-3-Clause */

/* The station, over TCP on the loopback: who may connect, who should not, and where it listens. */

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

static void who_is_not_allowed_is_refused(void **state)
{
	const struct tw_prefix allow[] = {pfx("127.0.0.2/32"), pfx("2001:db8::/32")};
	int fd;

	tw_station_stop(station);
	config.allow = allow;
	config.n_allow = 2;
	start();
	for (int i = 0; i < 5; i++) {
		fd = dial(1);
		WAIT(is_closed(fd));
		close(fd);
	}
	assert_int_equal(info()->refused_address, 5);
	assert_int_equal(info()->accepted, 0);
	WAIT(said("127.0.0.1: connection refused: bmp.allow does not name it (1 so far)") == 1);
	/* One line in ten seconds. */
	assert_int_equal(said("refused"), 1);
	atomic_fetch_add(&turned, 10 * SECOND);
	fd = dial(1);
	WAIT(is_closed(fd));
	close(fd);
	WAIT(said("(6 so far)") == 1);
	fd = tell_from(2, UNICOM);
	WAIT(says(NORTH, "AS4837"));
	close(fd);
}

static void a_session_too_many_is_refused(void **state)
{
	int fds[SESSIONS], more;

	for (uint8_t i = 0; i < SESSIONS; i++)
		fds[i] = dial((uint8_t)(1 + i));
	WAIT(info()->sessions == SESSIONS);
	more = dial(1 + SESSIONS);
	WAIT(is_closed(more));
	close(more);
	assert_int_equal(info()->refused_full, 1);
	assert_int_equal(info()->sessions, SESSIONS);
	/* One that is there may come anew, and one that goes makes room. */
	more = tell_from(2, UNICOM);
	WAIT(says(NORTH, "AS4837"));
	assert_int_equal(info()->ended[TW_STATION_REPLACED], 1);
	close(more);
	WAIT(info()->sessions == SESSIONS - 1);
	more = dial(1 + SESSIONS);
	WAIT(info()->sessions == SESSIONS);
	close(more);
	for (int i = 0; i < SESSIONS; i++)
		close(fds[i]);
	WAIT(info()->sessions == 0);
}

/* ---- who means harm ---- */

/* Sends a megabyte of octets that follow from a seed, for as long as they are taken. */
static void send_garbage(int fd, uint32_t seed)
{
	static uint8_t garbage[4096];

	for (int i = 0; i < 256; i++) {
		for (size_t at = 0; at < sizeof(garbage); at++) {
			seed = seed * 1664525 + 1013904223;
			garbage[at] = (uint8_t)(seed >> 24);
		}
		if (send(fd, garbage, sizeof(garbage), MSG_NOSIGNAL) < 0)
			return;
	}
}

static void garbage_ends_its_own_session_alone(void **state)
{
	int good = tell_from(1, UNICOM), bad = dial(2);

	WAIT(says(NORTH, "AS4837"));
	send_garbage(bad, 1);
	WAIT(is_closed(bad));
	close(bad);
	assert_int_equal(info()->ended[TW_STATION_GARBAGE], 1);
	WAIT(said("127.0.0.2: session over: it does not speak BMP version 3") == 1);
	/* Behind messages that are whole, and inside one as long as can be. */
	bad = tell_from(2, UNICOM);
	tw_put(&wire, 3, 1);
	tw_put(&wire, TW_BMP_MESSAGE_MAX, 4);
	tw_put(&wire, 0, 1);
	send_wire(bad);
	send_garbage(bad, 2);
	WAIT(is_closed(bad));
	close(bad);
	assert_int_equal(info()->ended[TW_STATION_GARBAGE], 2);
	assert_int_equal(router_of(2)->session.stray + router_of(2)->session.skipped +
				 router_of(2)->session.malformed,
		1);
	/* The other router noticed nothing. */
	put_route(&ntt, NORTH, TTK);
	put_route(&ntt, SOUTH, TTK);
	send_wire(good);
	WAIT(says(SOUTH, "AS20485"));
	assert_int_equal(info()->sessions, 1);
	close(good);
}

/* Tells a route of each address of the target. */
static void fill(int fd)
{
	char prefix[TW_PREFIX_TEXT];

	put_up(&telia);
	for (unsigned int i = 0; i < 1024; i++) {
		snprintf(prefix, sizeof(prefix), "175.45.%u.%u/32", 176 + i / 256, i % 256);
		put_route(&telia, prefix, TTK);
	}
	send_wire(fd);
}

static void a_router_that_fills_its_share_fills_no_more(void **state)
{
	struct tw_rib_spec spec = everybody;
	int good, bad;

	pthread_mutex_lock(&live.lock);
	tw_rib_free(live.rib);
	spec.max_routes = 300;
	spec.router_max_routes = 100;
	live.rib = make(&spec);
	pthread_mutex_unlock(&live.lock);
	good = tell_from(1, UNICOM);
	WAIT(says(NORTH, "AS4837"));
	bad = dial(2);
	fill(bad);
	WAIT(router_of(2)->session.routes == 1024);
	assert_int_equal(router_of(2)->routes, 100);
	assert_int_equal(router_of(2)->refused, 924);
	assert_int_equal(info()->routes_refused, 924);
	WAIT(said("127.0.0.2: more routes of the targets than bmp.max_routes: raise it") == 1);
	assert_int_equal(said("more routes"), 1);
	put_route(&ntt, SOUTH, TTK);
	send_wire(good);
	WAIT(says(SOUTH, "AS20485"));
	assert_int_equal(router_of(1)->refused, 0);
	/* The same once more, by a session that came back: no more, and said once more. */
	close(bad);
	WAIT(info()->sessions == 1);
	bad = dial(2);
	fill(bad);
	WAIT(router_of(2)->connected && router_of(2)->session.routes == 1024);
	assert_int_equal(router_of(2)->routes, 100);
	WAIT(said("more routes") == 2);
	/* A peer that goes down gives all of it back. */
	tw_put_peer_down(&wire, &telia, 1);
	send_wire(bad);
	WAIT(router_of(2)->routes == 0);
	close(bad);
	close(good);
}

static void connections_by_the_hundred_cost_nothing(void **state)
{
	int good = tell_from(1, UNICOM);

	WAIT(says(NORTH, "AS4837"));
	for (int i = 0; i < 300; i++)
		close(dial((uint8_t)(2 + i % 100)));
	put_route(&ntt, NORTH, TTK);
	send_wire(good);
	WAIT(says(NORTH, "AS20485"));
	WAIT(info()->sessions == 1);
	assert_true(info()->n_routers <= 2 * SESSIONS);
	assert_true(router_of(1)->connected);
	close(good);
}

/* ---- where it listens ---- */

static void expect_no_station(const char *listen_on, const char *line)
{
	struct tw_diag diag = {0};

	config.listen = listen_on;
	assert_null(tw_station_start(&config, &live, &diag));
	assert_int_equal(diag.n_lines, 1);
	if (strstr(diag.lines[0], line) == NULL)
		fail_msg("no \"%s\" in \"%s\"", line, diag.lines[0]);
	tw_diag_free(&diag);
}

static void addresses_that_are_none_are_told(void **state)
{
	static const char *const wrong[] = {"", ":", "11019", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:1x", "127.0.0.1:-1", "::1:11019", "[::1]",
		"localhost:11019", "[]:1", "[:1", "]:1",
		"127.0.0.1.127.0.0.1.127.0.0.1.127.0.0.1.127.0.0.1.127.0.0.1.127.0.0.1.1:11019"};

	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_no_station(wrong[i], "write 127.0.0.1:11019 or [::1]:11019");
	expect_no_station("127.0.0.1:65536",
		"bmp.listen: 127.0.0.1:65536: no port: write one from 0 to 65535");
	expect_no_station(tw_station_address(station), "Address already in use");
	expect_no_station("192.0.2.1:11019", "choose another address or port");
}

static void the_same_address_serves_again_at_once(void **state)
{
	int fd = tell_from(1, UNICOM);
	char listen_on[64];

	WAIT(says(NORTH, "AS4837"));
	snprintf(listen_on, sizeof(listen_on), "%s", tw_station_address(station));
	tw_station_stop(station);
	WAIT(is_closed(fd));
	close(fd);
	config.listen = listen_on;
	start();
	assert_string_equal(tw_station_address(station), listen_on);
	fd = tell_from(1, TTK);
	WAIT(says(NORTH, "AS20485"));
	close(fd);
}

static void ipv6_is_served(void **state)
{
	struct sockaddr_in6 far = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	far.sin6_port = 0;
	if (fd < 0 || bind(fd, (struct sockaddr *)&far, sizeof(far)) != 0) {
		close(fd);
		print_message("no IPv6 on the loopback here\n");
		skip();
	}
	tw_station_stop(station);
	config.listen = "[::1]:0";
	start();
	assert_memory_equal(tw_station_address(station), "[::1]:", 6);
	far.sin6_port = htons(port_of_station());
	assert_int_equal(connect(fd, (struct sockaddr *)&far, sizeof(far)), 0);
	put_up(&ntt);
	put_route(&ntt, NORTH, UNICOM);
	send_wire(fd);
	WAIT(says(NORTH, "AS4837"));
	WAIT(said("::1: session") == 1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATION_TEST(who_is_not_allowed_is_refused),
		STATION_TEST(a_session_too_many_is_refused),
		STATION_TEST(garbage_ends_its_own_session_alone),
		STATION_TEST(a_router_that_fills_its_share_fills_no_more),
		STATION_TEST(connections_by_the_hundred_cost_nothing),
		STATION_TEST(addresses_that_are_none_are_told),
		STATION_TEST(the_same_address_serves_again_at_once),
		STATION_TEST(ipv6_is_served),
	};
	int failed;

	if (tw_test_eal_init("64") != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rte_eal_cleanup();
	return failed;
}
