/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_BGP_H
#define TW_BGP_H

/*
 * Routes as BGP speakers tell them: UPDATE messages (RFC 4271 section 4.3), multiprotocol NLRI (RFC 4760),
 * 4-octet ASNs (RFC 6793), several paths a prefix (RFC 7911), and the one form of an AS path that the rest of
 * the program sees.
 *
 * What comes out is the same whether it came in an MRT file (tw_mrt.h) or over BMP (tw_bmp.h): a vantage point, a
 * prefix, and the path by which that vantage point reaches it, or that it reaches it no more.
 *
 * Threads: nothing here is shared. Knows no DPDK, no clock and no file.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tw_addr.h"
#include "tw_cursor.h"

/* A vantage point: a BGP speaker whose routes are known. Two are one where all fields are equal. */
struct tw_bgp_peer {
	struct tw_addr
		addr; /* the speaker's; family 0 for a router's own table (Loc-RIB, RFC 9069) */
	struct tw_addr router;  /* BMP: the router that reports; family 0 where an MRT file does */
	uint64_t distinguisher; /* BMP: of the routing table (RFC 7854 section 4.2), else 0 */
	uint32_t asn;
};

/*
 * An AS path: segments of type AS_SET (1) or AS_SEQUENCE (2), each {type:8, count:8, count ASNs of 32 bits},
 * network byte order. Confederation segments (RFC 5065) are stripped, AS4_PATH is merged (RFC 6793 section
 * 4.2.3), empty segments are gone, and adjacent sequences are one up to its 255 ASNs: equal paths are equal octets,
 * however a speaker cut them. Of size 0 for a route that a speaker originates itself.
 */
struct tw_bgp_path {
	const uint8_t *segments;
	size_t size;
};
enum {
	TW_BGP_SET = 1,
	TW_BGP_SEQUENCE = 2,
};

struct tw_bgp_route {
	struct tw_prefix prefix;
	uint32_t path_id;        /* 0 without ADD-PATH */
	bool withdrawn;          /* then without a path */
	struct tw_bgp_path path; /* holds during the call alone */
};

/* Who takes routes. */
struct tw_bgp_handler {
	/* Whether routes of the prefix are of interest: asked before a path is looked at. NULL: all are. */
	bool (*wants)(void *arg, const struct tw_prefix *prefix);
	void (*route)(void *arg, const struct tw_bgp_route *route);
	void *arg;
};

/* How a session encodes what it tells. */
struct tw_bgp_encoding {
	bool as4;         /* ASNs of 4 octets in AS_PATH */
	bool add_path[2]; /* IPv4, IPv6 unicast NLRI carry a path identifier */
};

/* Routes of unicast NLRI that messages told, wanted or not. A malformed message counts in none. */
struct tw_bgp_counts {
	uint64_t announced;
	uint64_t withdrawn;
	uint64_t wanted; /* of both, handed on */
	uint64_t end_of_rib
		[2]; /* messages that ended the table of IPv4, IPv6 unicast (RFC 4724 section 2) */
};

/*
 * Reads a prefix of NLRI {length:8, as many octets as it needs}; bits behind the length are cleared. Returns false
 * where it is cut or longer than an address: the cursor has failed then.
 */
bool tw_bgp_prefix(struct tw_cursor *cursor, uint8_t family, struct tw_prefix *prefix);

/*
 * Decodes path attributes (RFC 4271 section 4.3, without their total length) to a path in `buffer`, which has
 * TW_BGP_PATH_SIZE octets. Unknown attributes are passed over, and so is an AS4_PATH that is malformed or that RFC
 * 6793 says not to believe. Returns 0, or with *why a constant text: -ENODATA where there is no AS_PATH (dumps have
 * such entries for routes that are not of BGP), -EBADMSG where the attributes are malformed.
 */
#define TW_BGP_PATH_SIZE (2 * 65536)
int tw_bgp_path(const uint8_t *attributes, size_t size, bool as4, uint8_t *buffer,
	struct tw_bgp_path *path, const char **why);

/*
 * Decodes one BGP message with its 19 octets of header; what is no UPDATE is passed over. `buffer` as above.
 * Withdrawals are handed on before announcements: a prefix in both is announced (RFC 4271 section 4.3). A message
 * that is malformed anywhere hands on nothing (treat-as-withdraw of RFC 7606 is for a speaker; a listener cannot trust
 * the prefixes either); but the path of a message that announces nothing wanted is not looked at. `wants` is asked
 * twice of a prefix, and must answer the same. Returns 0 or -EBADMSG with *why.
 */
int tw_bgp_update(const uint8_t *message, size_t size, const struct tw_bgp_encoding *encoding,
	const struct tw_bgp_handler *handler, uint8_t *buffer, struct tw_bgp_counts *counts,
	const char **why);

/* "2914 1239 {64512 64513} 4837", cut with "..." where it does not fit. Returns `text`. */
char *tw_bgp_path_format(const struct tw_bgp_path *path, char *text, size_t size);

#endif
