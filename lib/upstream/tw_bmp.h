/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_BMP_H
#define TW_BMP_H

/*
 * BMP, the BGP Monitoring Protocol (RFC 7854), version 3: what a router tells a monitoring station of its peers'
 * routes, and of its own table (Loc-RIB, RFC 9069). What the router tells its peers (Adj-RIB-Out, RFC 8671) is not
 * what they tell it, and is skipped.
 *
 *   Route Monitoring     routes of a peer, before or after the router's policy: the view in which a peer's first
 *                        wanted route of a family comes is the one that is taken, so that no route is told twice
 *   Peer Up, Peer Down   a peer's routes begin and end; a second Peer Up begins them again. A Loc-RIB may tell routes
 *                        without: GoBGP 3.10 never sends one; its NLRI are taken for plain then
 *   Initiation           the router's name
 *   Termination          the end of the session
 *   Statistics, Route Mirroring, and types that nobody has defined yet: counted
 *
 * How UPDATEs are read. AS paths have 2-octet ASNs where the A flag says so; where it does not but the two OPENs of
 * the Peer Up did not agree on 4 octets either, a message that is malformed with 4 is tried with 2, since there are
 * routers that pass on what they received and leave the flag out. NLRI carry path identifiers where the peer offered
 * to send and the router to receive them (RFC 7911 section 4); of a Loc-RIB, whose OPENs are made up, where they name
 * the family at all (RFC 9069 section 5.2).
 *
 * A decoder holds one session's state: the peers that are up and how they encode. Memory: 1/8 MiB, and some hundred
 * octets a peer, of which there are `max_peers` at most.
 *
 * Threads: a decoder belongs to one. Knows no socket, no clock and no DPDK.
 */

#include <sys/types.h>

#include "tw_bgp.h"

/* The longest message that is taken: longer than a Peer Up with two OPENs of 64 KiB each (RFC 9072) and TLVs. */
#define TW_BMP_MESSAGE_MAX (1u << 18)

/* The longest name of a router, in octets without the NUL. */
#define TW_BMP_NAME_MAX 255

/* Who takes what a router tells. Peers, routes and texts hold during the call alone. */
struct tw_bmp_handler {
	/* As tw_bgp_handler's. */
	bool (*wants)(void *arg, const struct tw_prefix *prefix);
	void (*route)(void *arg, const struct tw_bgp_peer *peer, const struct tw_bgp_route *route);
	void (*up)(void *arg, const struct tw_bgp_peer *peer);
	void (*down)(void *arg, const struct tw_bgp_peer *peer);
	/*
	 * All routes of a peer have been told once: End-of-RIB (RFC 4724 section 2) came for every family of IPv4
	 * and IPv6 unicast that the OPENs agreed on. Once for each Peer Up; never where a router leaves one out.
	 */
	void (*end_of_rib)(void *arg, const struct tw_bgp_peer *peer);
	void (*name)(void *arg, const char *system_name); /* of the Initiation, clean text */
	void (*malformed)(void *arg, const char *why);
	void *arg;
};

struct tw_bmp_counts {
	uint64_t messages;   /* all, those below too */
	uint64_t routes;     /* announced and withdrawn, of unicast, in either view */
	uint64_t wanted;     /* of them, handed on */
	uint64_t other_view; /* of them, wanted but not in the view that is taken */
	uint64_t statistics;
	uint64_t skipped; /* mirroring, Adj-RIB-Out, unknown types of message or peer */
	uint64_t stray;   /* of peers that are not up: never were, or were refused */
	uint64_t malformed;
	uint64_t peers_refused; /* Peer Up above max_peers, or a Loc-RIB's message without one */
};

struct tw_bmp;

/* `router` names the session in every peer. Returns NULL without memory. The handler is copied. */
struct tw_bmp *tw_bmp_create(
	const struct tw_addr *router, unsigned int max_peers, const struct tw_bmp_handler *handler);
void tw_bmp_free(struct tw_bmp *bmp);

/*
 * Takes the whole messages at the start of data[]; returns how many octets they are (0 while the first is not whole
 * yet), or -EBADMSG with *why where the stream is beyond repair (another version, a length that cannot be): the
 * session is to be closed. A message that is malformed inside is counted and told, and the next one read. Returns
 * -ESHUTDOWN after a Termination.
 */
ssize_t tw_bmp_feed(struct tw_bmp *bmp, const uint8_t *data, size_t size, const char **why);
const struct tw_bmp_counts *tw_bmp_counts(const struct tw_bmp *bmp);
/* Peers that are up. */
unsigned int tw_bmp_n_peers(const struct tw_bmp *bmp);

#endif
