/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_BGP_OPEN_H
#define TW_BGP_OPEN_H

/*
 * OPEN messages (RFC 4271 section 4.2) with their capabilities (RFC 5492), as far as they decide how the UPDATEs of a
 * session are read: 4-octet ASNs (RFC 6793), address families (RFC 4760 section 8), several paths a prefix (RFC 7911).
 *
 * Threads: nothing is shared. Knows no DPDK, no clock and no file.
 */

#include "tw_bgp.h"
#include "tw_cursor.h"

/* What a speaker offers for a family (RFC 7911 section 4). */
enum {
	TW_ADD_PATH_RECEIVE = 1,
	TW_ADD_PATH_SEND = 2,
};

struct tw_bgp_open {
	bool as4;
	bool unicast[2];     /* IPv4, IPv6; IPv4 alone where the speaker names no family */
	uint8_t add_path[2]; /* TW_ADD_PATH_* of IPv4, IPv6 unicast */
};

/*
 * Reads one OPEN at the cursor and leaves that behind it. Extended optional parameters (RFC 9072) are read, unknown
 * parameters and capabilities passed over. Returns 0, or -EBADMSG with *why a constant text.
 */
int tw_bgp_open(struct tw_cursor *cursor, struct tw_bgp_open *open, const char **why);

#endif
