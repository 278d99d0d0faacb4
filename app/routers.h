/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_ROUTERS_H
#define TW_ROUTERS_H

/*
 * The routers that speak BMP with the station: which peers they brought up, and what becomes of those peers' routes
 * when a session is lost.
 *
 *   a peer is                 until              its routes
 *   up                        Peer Down          as told; those of an earlier session that are not told again go when
 *                                                the table's end is told, or `hold` after Peer Up where it is not
 *   held: its session was     Peer Up            kept; stale `hold` after the loss
 *   lost
 *   held, and its router is   Peer Up            kept; withdrawn `hold` after the router came back
 *   back
 *
 * A peer counts as held from the first loss on: a router that comes back and goes again without bringing it up does
 * not make it fresh.
 *
 * Memory: `max_routers` routers and `max_peers` peers of each are remembered. Who comes beyond that displaces the
 * router that is lost for longest, or the peer that is held for longest; their routes are withdrawn. Of routes each
 * router has a share of the RIB (tw_rib_spec.router_max_routes), in which held ones count, too, and yield to what the
 * router tells now; what is beyond is left out and counted, and a line says so once a session.
 *
 * Threads: the station's, under the live RIB's lock throughout. `now` is nanoseconds of any clock that never goes back.
 */

#include <stdio.h>
#include <sys/types.h>

#include "live_rib.h"
#include "tw_bmp.h"

struct tw_routers_spec {
	unsigned int max_routers;
	unsigned int max_peers;
	uint64_t hold; /* nanoseconds */
	FILE *log;     /* lines for the operator */
};

struct tw_routers;
struct tw_router;

/* Returns NULL without memory. */
struct tw_routers *tw_routers_create(const struct tw_routers_spec *spec, struct tw_live_rib *live);
/* The RIB stays as it is. */
void tw_routers_free(struct tw_routers *routers);

/*
 * A router's session begins; one of the same address that is still up is over by that. Returns NULL without memory, or
 * where all routers that are remembered have a session.
 */
struct tw_router *tw_router_begin(
	struct tw_routers *routers, const struct tw_addr *addr, uint64_t now);
/* As tw_bmp_feed(). */
ssize_t tw_router_feed(
	struct tw_router *router, const uint8_t *data, size_t size, uint64_t now, const char **why);
void tw_router_lost(struct tw_router *router, uint64_t now);

/* Does what is due. */
void tw_routers_tick(struct tw_routers *routers, uint64_t now);

/* "192.0.2.1 (edge1)"; returns `text`. */
#define TW_ROUTER_TEXT (TW_PREFIX_TEXT + TW_BMP_NAME_MAX + 4)
char *tw_router_label(const struct tw_router *router, char *text);

struct tw_router_info {
	struct tw_addr addr;
	char name[TW_BMP_NAME_MAX + 1]; /* of its Initiation, "" before one; valid UTF-8 */
	bool connected;
	uint64_t quiet;               /* seconds since the last octet, or since the loss */
	unsigned int peers_up;        /* in the session */
	unsigned int peers_held;      /* whose routes are kept though they are not up */
	unsigned int peers_stale;     /* of those held */
	uint32_t routes;              /* in the RIB, of all its peers */
	uint64_t refused;             /* since it is known: routes without room, each time told */
	struct tw_bmp_counts session; /* of the session, or of the last one */
};
/* Writes up to `max`, in no order that means anything; returns how many there are. */
unsigned int tw_routers_info(const struct tw_routers *routers, struct tw_router_info *info,
	unsigned int max, uint64_t now);

/* Wanted routes that the RIB had no room for, each time they were told. */
uint64_t tw_routers_refused(const struct tw_routers *routers);

#endif
