/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEST_STATION_H
#define TW_TEST_STATION_H

/* A live RIB for stations, and routers' words in short. To be included by one file of a program, behind cmocka.h. */

#include <stdio.h>
#include <sys/mman.h>

#include "live_rib.h"
#include "tw_test_bmp.h"
#include "tw_test_rib.h"

static struct tw_live_rib live = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct tw_test_wire wire;
static FILE *lines; /* what the operator would read; the station writes */
static int lines_fd;

static const struct tw_test_peer ntt = {.addr = "192.0.2.1", .asn = 2914};
static const struct tw_test_peer telia = {.addr = "192.0.2.2", .asn = 1299};
static const struct tw_test_open all = {.as4 = true, .ipv4 = true, .ipv6 = true};

static inline int begin_live(void)
{
	live.rib = tw_rib_create(&everybody);
	live.news = 0;
	wire.size = 0;
	lines_fd = memfd_create("lines", MFD_CLOEXEC);
	lines = fdopen(lines_fd, "a");
	return live.rib == NULL || lines == NULL;
}

static inline void end_live(void)
{
	tw_rib_free(live.rib);
	live.rib = NULL;
	fclose(lines);
}

static inline uint64_t news(void)
{
	return atomic_load(&live.news);
}

static inline void put_up(const struct tw_test_peer *peer)
{
	tw_put_peer_up(&wire, peer, &all, &all);
}

/* The target's prefix through an upstream; 0: withdrawn. */
static inline void put_route(const struct tw_test_peer *peer, const char *prefix, uint32_t upstream)
{
	const uint32_t path[] = {peer->asn, upstream, KP};
	const struct tw_test_route route = {prefix, -1, upstream == 0, path, 3};

	tw_put_route(&wire, peer, &route);
}

static inline void put_end(const struct tw_test_peer *peer)
{
	tw_put_end_of_rib(&wire, peer, 4);
	tw_put_end_of_rib(&wire, peer, 6);
}

/* What the RIB says of a prefix: "AS4837", "AS4837 stale", "ambiguous", "none". */
static inline const char *verdict(const char *text)
{
	static char said[64];
	struct tw_prefix prefix = pfx(text);
	struct tw_route_verdict v = {.kind = TW_VERDICT_NONE};
	uint32_t number;

	pthread_mutex_lock(&live.lock);
	number = tw_rib_find(live.rib, &prefix);
	if (number != TW_RIB_NONE)
		v = tw_rib_decide(live.rib, number, 0);
	pthread_mutex_unlock(&live.lock);
	if (v.kind == TW_VERDICT_UPSTREAM)
		snprintf(said, sizeof(said), "AS%u%s", v.asn, v.stale ? " stale" : "");
	else
		snprintf(said, sizeof(said), "%s%s", tw_verdict_name(v.kind),
			v.stale ? " stale" : "");
	return said;
}

/* How many lines the operator would have read that have this in them. */
static inline unsigned int said(const char *what)
{
	char path[64], line[1024];
	unsigned int n = 0;
	FILE *read;

	fflush(lines);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", lines_fd);
	read = fopen(path, "r");
	assert_non_null(read);
	while (fgets(line, sizeof(line), read) != NULL)
		n += strstr(line, what) != NULL;
	fclose(read);
	return n;
}

#endif
