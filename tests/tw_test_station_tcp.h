/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEST_STATION_TCP_H
#define TW_TEST_STATION_TCP_H

/* A station on the loopback, and routers that connect to it. To be included by one file of a program, behind cmocka.h. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tw_clock.h"
#include "station.h"
#include "tw_test_eal.h"
#include "tw_test_station.h"

#define NORTH    "175.45.176.0/24"
#define SOUTH    "175.45.177.0/24"
#define SECOND   UINT64_C(1000000000)
#define HOLD     300
#define SESSIONS 4
#define PEERS    1000

static struct tw_station *station;
static struct tw_station_config config;
static _Atomic uint64_t turned; /* what the test adds to the clock */

/* Waits, and not for ever, until something holds. */
#define WAIT(condition)                                                            \
	do {                                                                       \
		uint64_t until_ = tw_monotonic_ns() + 5 * SECOND;                  \
		while (!(condition) && tw_monotonic_ns() < until_)                 \
			usleep(1000);                                              \
		if (!(condition))                                                  \
			fail_msg("within 5 s, this did not hold: %s", #condition); \
	} while (0)

static inline uint64_t clock_of_test(void *arg)
{
	return tw_monotonic_ns() + atomic_load(&turned);
}

static inline void start(void)
{
	struct tw_diag diag = {0};

	station = tw_station_start(&config, &live, &diag);
	tw_diag_print(&diag, stderr, "test_station: ");
	assert_int_equal(diag.n_lines, 0);
	assert_non_null(station);
}

static inline int begin(void **state)
{
	if (begin_live() != 0)
		return 1;
	atomic_store(&turned, 0);
	config = (struct tw_station_config){
		.listen = "127.0.0.1:0",
		.hold = HOLD,
		.sessions = SESSIONS,
		.peers = PEERS,
		.log = lines,
		.clock = clock_of_test,
	};
	start();
	return 0;
}

static inline int end(void **state)
{
	tw_station_stop(station);
	station = NULL;
	end_live();
	return 0;
}

static inline const struct tw_station_info *info(void)
{
	static struct tw_station_info now;

	tw_station_info(station, &now);
	return &now;
}

static inline const struct tw_router_info *router_of(uint8_t host)
{
	const struct tw_station_info *now = info();

	for (unsigned int i = 0; i < now->n_routers; i++)
		if (now->routers[i].addr.bytes[3] == host)
			return &now->routers[i];
	fail_msg("nobody knows 127.0.0.%u", host);
	return NULL;
}

/* ---- a router's end ---- */

static inline uint16_t port_of_station(void)
{
	return (uint16_t)strtoul(strrchr(tw_station_address(station), ':') + 1, NULL, 10);
}

/* From 127.0.0.`host`. */
static inline int dial(uint8_t host)
{
	struct sockaddr_in own = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(0x7f000000u | host)},
			   far = {.sin_family = AF_INET,
				   .sin_port = htons(port_of_station()),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int on = 1;

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&far, sizeof(far)), 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* Sends what the wire has, and empties it. */
static inline void send_wire(int fd)
{
	for (size_t at = 0; at < wire.size;) {
		ssize_t n = send(fd, wire.data + at, wire.size - at, MSG_NOSIGNAL);

		assert_true(n > 0);
		at += (size_t)n;
	}
	wire.size = 0;
}

/* The station has closed the connection. */
static inline bool is_closed(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char octet;

	return poll(&ready, 1, 0) == 1 && recv(fd, &octet, 1, MSG_DONTWAIT) <= 0;
}

/* A session of 127.0.0.`host` with one route of NTT. */
static inline int tell_from(uint8_t host, uint32_t upstream)
{
	int fd = dial(host);

	tw_put_initiation(&wire, "edge1");
	put_up(&ntt);
	put_route(&ntt, NORTH, upstream);
	put_end(&ntt);
	send_wire(fd);
	return fd;
}

static inline bool says(const char *prefix, const char *what)
{
	return strcmp(verdict(prefix), what) == 0;
}

#define STATION_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
