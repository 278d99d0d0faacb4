/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Table dumps. In version 2 a prefix stands once, with an entry for each peer behind it: of a full table, a thousand
 * octets or more are passed over with one look at the prefix. The prefix stands before the attributes in both versions,
 * so MP_REACH_NLRI, which dumpers write in two forms (RFC 6396 section 4.3.4 and RFC 4760), need not be read at all.
 */

#include <errno.h>

#include "tw_mrt_priv.h"

enum {
	TABLE_DUMP_IPV4 = 1,
	TABLE_DUMP_IPV6 = 2,
};

/* RFC 6396 section 4.3, RFC 8050 section 4. */
enum {
	PEER_INDEX_TABLE = 1,
	RIB_IPV4_UNICAST = 2,
	RIB_IPV4_MULTICAST = 3,
	RIB_IPV6_UNICAST = 4,
	RIB_IPV6_MULTICAST = 5,
	RIB_GENERIC = 6,
	RIB_IPV4_UNICAST_ADDPATH = 8,
	RIB_IPV4_MULTICAST_ADDPATH = 9,
	RIB_IPV6_UNICAST_ADDPATH = 10,
	RIB_IPV6_MULTICAST_ADDPATH = 11,
	RIB_GENERIC_ADDPATH = 12,
};

/* Hands on a wanted route with these attributes. */
static const char *hand_on(struct tw_mrt *mrt, const struct tw_bgp_peer *peer, bool as4,
	struct tw_cursor attributes, struct tw_bgp_route *route)
{
	const char *why;
	int err = tw_bgp_path(
		attributes.at, tw_cursor_left(&attributes), as4, mrt->path, &route->path, &why);

	if (err == -ENODATA) {
		mrt->counts.pathless++;
		return NULL;
	}
	if (err != 0)
		return why;
	mrt->counts.wanted++;
	mrt->handler.route(mrt->handler.arg, mrt->time, peer, route);
	return NULL;
}

/* RFC 6396 section 4.2. ASNs are of 2 octets. */
const char *tw_mrt_table(struct tw_mrt *mrt, uint16_t subtype, struct tw_cursor body)
{
	uint8_t family = subtype == TABLE_DUMP_IPV4 ? 4 : 6;
	struct tw_bgp_route route = {0};
	struct tw_bgp_peer peer = {0};
	struct tw_cursor address, attributes;
	uint8_t encoded[17];
	size_t size = tw_addr_bits(family) / 8;

	if (subtype != TABLE_DUMP_IPV4 && subtype != TABLE_DUMP_IPV6) {
		mrt->counts.unknown++;
		return NULL;
	}
	tw_cursor_take(&body, 4); /* view, sequence number */
	tw_cursor_copy(&body, encoded + 1, size);
	encoded[0] = tw_cursor_u8(&body);
	tw_cursor_take(&body, 5); /* status, time of origin */
	peer.addr = tw_mrt_addr(&body, family);
	peer.asn = tw_cursor_u16(&body);
	attributes = tw_cursor_part(&body, tw_cursor_u16(&body));
	if (attributes.failed)
		return "TABLE_DUMP record is cut";
	address = tw_cursor(encoded, size + 1);
	if (!tw_bgp_prefix(&address, family, &route.prefix))
		return "TABLE_DUMP record with a prefix longer than an address";
	mrt->counts.tables++;
	mrt->counts.routes++;
	tw_mrt_note_time(mrt);
	return tw_mrt_wants(mrt, &route.prefix) ? hand_on(mrt, &peer, false, attributes, &route)
						: NULL;
}

/* RFC 6396 section 4.3.1. Where it is malformed there is none: the one before is not for the records behind. */
static const char *take_peers(struct tw_mrt *mrt, struct tw_cursor body)
{
	const uint8_t ipv6 = 1 << 0, as4 = 1 << 1;
	unsigned int n;

	mrt->have_peers = false;
	tw_cursor_u32(&body);                        /* collector */
	tw_cursor_take(&body, tw_cursor_u16(&body)); /* view */
	n = tw_cursor_u16(&body);
	for (unsigned int i = 0; i < n && !body.failed; i++) {
		uint8_t type = tw_cursor_u8(&body);
		struct tw_bgp_peer *peer = &mrt->peers[i];

		*peer = (struct tw_bgp_peer){0};
		tw_cursor_u32(&body); /* BGP identifier */
		peer->addr = tw_mrt_addr(&body, (type & ipv6) != 0 ? 6 : 4);
		peer->asn = (type & as4) != 0 ? tw_cursor_u32(&body) : tw_cursor_u16(&body);
	}
	if (body.failed)
		return "PEER_INDEX_TABLE is cut";
	if (tw_cursor_left(&body) > 0)
		return "PEER_INDEX_TABLE is longer than its peers";
	mrt->n_peers = n;
	mrt->have_peers = true;
	tw_mrt_note_time(mrt);
	return NULL;
}

struct entry {
	uint16_t peer;
	uint32_t path_id;
	struct tw_cursor attributes;
};

/* RFC 6396 section 4.3.4, RFC 8050 section 4.1. */
static struct entry next_entry(struct tw_cursor *entries, bool add_path)
{
	struct entry entry = {.peer = tw_cursor_u16(entries)};

	tw_cursor_u32(entries); /* time of origin */
	if (add_path)
		entry.path_id = tw_cursor_u32(entries);
	entry.attributes = tw_cursor_part(entries, tw_cursor_u16(entries));
	return entry;
}

static bool entries_fit(struct tw_cursor entries, unsigned int n, bool add_path)
{
	for (unsigned int i = 0; i < n && !entries.failed; i++)
		next_entry(&entries, add_path);
	return !entries.failed && tw_cursor_left(&entries) == 0;
}

/* Returns what was wrong with the first entry that had to be left out. */
static const char *take_entries(struct tw_mrt *mrt, const struct tw_prefix *prefix,
	struct tw_cursor entries, unsigned int n, bool add_path)
{
	const char *first = NULL;

	for (unsigned int i = 0; i < n; i++) {
		struct entry entry = next_entry(&entries, add_path);
		struct tw_bgp_route route = {.prefix = *prefix, .path_id = entry.path_id};
		const char *why = "an entry of a peer that the PEER_INDEX_TABLE does not have";

		if (entry.peer < mrt->n_peers)
			why = hand_on(mrt, &mrt->peers[entry.peer], true, entry.attributes, &route);
		if (first == NULL)
			first = why;
	}
	return first;
}

/* RFC 6396 section 4.3.2. ASNs are of 4 octets, whatever the peer's own. */
static const char *take_rib(
	struct tw_mrt *mrt, uint8_t family, bool add_path, struct tw_cursor body)
{
	struct tw_prefix prefix;
	unsigned int n;
	bool wanted;

	tw_cursor_u32(&body); /* sequence number */
	if (!tw_bgp_prefix(&body, family, &prefix))
		return "RIB record whose prefix is cut, or longer than an address";
	n = tw_cursor_u16(&body);
	if (body.failed)
		return "RIB record is cut";
	if (!mrt->have_peers)
		return "RIB record without a good PEER_INDEX_TABLE before it";
	wanted = tw_mrt_wants(mrt, &prefix);
	if (wanted && !entries_fit(body, n, add_path))
		return "RIB record whose entries do not fill it";
	mrt->counts.tables++;
	mrt->counts.routes += n;
	tw_mrt_note_time(mrt);
	return wanted ? take_entries(mrt, &prefix, body, n, add_path) : NULL;
}

const char *tw_mrt_table_v2(struct tw_mrt *mrt, uint16_t subtype, struct tw_cursor body)
{
	switch (subtype) {
	case PEER_INDEX_TABLE:
		return take_peers(mrt, body);
	case RIB_IPV4_UNICAST:
	case RIB_IPV4_UNICAST_ADDPATH:
		return take_rib(mrt, 4, subtype == RIB_IPV4_UNICAST_ADDPATH, body);
	case RIB_IPV6_UNICAST:
	case RIB_IPV6_UNICAST_ADDPATH:
		return take_rib(mrt, 6, subtype == RIB_IPV6_UNICAST_ADDPATH, body);
	case RIB_IPV4_MULTICAST:
	case RIB_IPV6_MULTICAST:
	case RIB_GENERIC:
	case RIB_IPV4_MULTICAST_ADDPATH:
	case RIB_IPV6_MULTICAST_ADDPATH:
	case RIB_GENERIC_ADDPATH:
		mrt->counts.generic++;
		return NULL;
	default:
		mrt->counts.unknown++;
		return NULL;
	}
}
