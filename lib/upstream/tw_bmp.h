/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_BMP_H
#define TW_BMP_H

/*
 * BMP, the BGP Monitoring Protocol (RFC 7854), version 3: what a router tells a monitoring station of its peers'
 * routes, and of its own table (Loc-RIB, RFC 9069). Adj-RIB-Out (RFC 8671) is not the router's view of others and is skipped.
 *
 *   Route Monitoring     routes of a peer; both pre-policy and post-policy are told: the first kind that a peer
 *                        sends is the one that is taken, so that no route is told twice
 *   Peer Up, Peer Down   a peer's routes begin and end; ADD-PATH and 4-octet ASNs as its OPENs agreed
 *   End-of-RIB           (RFC 4724 section 2) the table of a peer has been told once in full
 *   Initiation, Termination, Statistics, Route Mirroring   counted
 *
 * A decoder holds one session's state: the peers that are up and how they encode. Bounded: at most `max_peers`.
 *
 * Threads: a decoder belongs to one. Knows no socket, no clock and no DPDK.
 */

#include <sys/types.h>

#include "tw_bgp.h"

/* The longest message that is taken: the header, an extended BGP message (RFC 8654) and room for TLVs. */
#define TW_BMP_MESSAGE_MAX (1u << 20)

struct tw_bmp_handler {
	bool (*wants)(void *arg, const struct tw_prefix *prefix);
	void (*route)(void *arg, const struct tw_bgp_peer *peer, const struct tw_bgp_route *route);
	void (*up)(void *arg, const struct tw_bgp_peer *peer);
	void (*down)(void *arg, const struct tw_bgp_peer *peer);
	/* All routes of a peer have been told once. */
	void (*end_of_rib)(void *arg, const struct tw_bgp_peer *peer);
	void (*name)(void *arg, const char *system_name); /* of the Initiation, clean text */
	void (*malformed)(void *arg, const char *why);
	void *arg;
};

struct tw_bmp_counts {
	uint64_t messages;
	uint64_t routes;
	uint64_t wanted;
	uint64_t statistics; /* ignored */
	uint64_t skipped;    /* mirroring, Adj-RIB-Out, the other policy side, unknown types */
	uint64_t malformed;
	uint64_t peers_refused; /* above max_peers */
};

struct tw_bmp;

/* `router` names the session in every peer. Returns NULL without memory. The handler is copied. */
struct tw_bmp *tw_bmp_create(
	const struct tw_addr *router, unsigned int max_peers, const struct tw_bmp_handler *handler);
void tw_bmp_free(struct tw_bmp *bmp);

/*
 * Takes the whole messages at the start of data[]; returns how many octets they are, or -EBADMSG with *why where the
 * stream is beyond repair (another version, a length that cannot be): the session is to be closed. A message that is
 * malformed inside is counted and told, and the next one read. Returns -ESHUTDOWN after a Termination.
 */
ssize_t tw_bmp_feed(struct tw_bmp *bmp, const uint8_t *data, size_t size, const char **why);
const struct tw_bmp_counts *tw_bmp_counts(const struct tw_bmp *bmp);

#endif
