/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_STATION_H
#define TW_STATION_H

/*
 * A BMP station (RFC 7854 section 3.2): routers connect to it over TCP and tell their peers' routes, which go into the
 * live RIB as they come. It never says a word to them.
 *
 *   accept ─► allowed? ─► a session a router ─► tw_router_feed() ─► live RIB, `news`
 *
 * What a session costs: one message of buffer (TW_BMP_MESSAGE_MAX) and what tw_bmp.h says. A session ends when the
 * router ends it, when the stream cannot be followed, when the router connects anew (the newer session stays), or when
 * TCP finds that nobody is there any more, after about a minute: BMP has no keepalive of its own, so silence is no
 * reason. What then becomes of its routes: routers.h.
 *
 * Threads: start, stop, info, resync: one control thread. The station has a thread of its own, off the workers' cores
 * (needs the EAL).
 */

#include "live_rib.h"
#include "routers.h"
#include "tw_diag.h"

#define TW_STATION_LISTEN_DEFAULT   "127.0.0.1:11019"
#define TW_STATION_HOLD_DEFAULT     300
#define TW_STATION_HOLD_MAX         86400
#define TW_STATION_SESSIONS_DEFAULT 8
#define TW_STATION_SESSIONS_MAX     32
#define TW_STATION_PEERS_DEFAULT    1024
#define TW_STATION_PEERS_MAX        16384
/* Twice as many routers are remembered as may have a session. */
#define TW_STATION_ROUTERS_MAX (2 * TW_STATION_SESSIONS_MAX)

/* The text and the prefixes need to live for the call alone. */
struct tw_station_config {
	const char *listen; /* "127.0.0.1:11019", "[::1]:11019"; port 0: any that is free */
	const struct tw_prefix *allow; /* who may connect; n_allow 0: 127.0.0.0/8 and ::1 */
	unsigned int n_allow;
	unsigned int hold;     /* seconds, 1 to TW_STATION_HOLD_MAX */
	unsigned int sessions; /* 1 to TW_STATION_SESSIONS_MAX */
	unsigned int peers;    /* of each, 1 to TW_STATION_PEERS_MAX */
	FILE *log;             /* NULL: stderr */
	uint64_t (*clock)(
		void *arg); /* nanoseconds that never go back; NULL: the monotonic clock */
	void *clock_arg;
};

/* Why a session ended. */
enum tw_station_end {
	TW_STATION_CLOSED,     /* by the router, without a word */
	TW_STATION_TERMINATED, /* by the router's Termination */
	TW_STATION_BROKEN,     /* reset, or nobody is there any more */
	TW_STATION_GARBAGE,    /* the stream cannot be followed */
	TW_STATION_REPLACED,   /* the router connected anew */
	TW_STATION_RESYNC,     /* tw_station_resync() */
	TW_STATION_END_MAX,
};
const char *tw_station_end_name(enum tw_station_end end); /* "closed", for labels */

struct tw_station_info {
	unsigned int n_routers; /* that have a session, or had one */
	struct tw_router_info routers[TW_STATION_ROUTERS_MAX];
	unsigned int sessions; /* up */
	uint64_t accepted;
	uint64_t refused_address; /* connections of who is not allowed */
	uint64_t refused_full;    /* above `sessions`, or without memory */
	uint64_t ended[TW_STATION_END_MAX];
	uint64_t routes_refused; /* that the RIB had no room for */
};

struct tw_station;

/* Returns NULL with a line in *diag: key bmp.listen, what is wrong with it, what would be right. */
struct tw_station *tw_station_start(
	const struct tw_station_config *config, struct tw_live_rib *live, struct tw_diag *diag);
/* Ends all sessions; the RIB stays as it is. NULL is allowed. */
void tw_station_stop(struct tw_station *station);

/* Where it listens, with the port that was taken: "127.0.0.1:11019". */
const char *tw_station_address(const struct tw_station *station);

/* Takes the live RIB's lock: not to be called by who holds it. */
void tw_station_info(struct tw_station *station, struct tw_station_info *info);

/*
 * Ends all sessions, so that routers connect again and tell everything again: for a new RIB that wants addresses which
 * the old one did not, since BMP knows no way to ask. Routes are kept meanwhile. Never waits.
 */
void tw_station_resync(struct tw_station *station);

#endif
