/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Framing first: the common header decides alone whether the stream can be followed. What is wrong behind it is
 * wrong with one message.
 *
 * Peers that are up stand sorted by a key cut from the per-peer header, and are found by bisection: a router that
 * tells the Internet sends a million messages, and each names its peer.
 *
 *   key: Loc-RIB or not | V flag | distinguisher | address | AS
 *
 * The AS is part of it, since peers on several links may have one link-local address; flags that tell views apart are
 * not, since Peer Up and Peer Down are of all views (RFC 8671 section 6.3).
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tw_bgp_open.h"
#include "tw_bmp.h"
#include "tw_cursor.h"
#include "tw_text.h"

enum {
	VERSION = 3,
	HEADER_SIZE = 6,
};

enum message_type {
	MESSAGE_ROUTES = 0,
	MESSAGE_STATISTICS = 1,
	MESSAGE_PEER_DOWN = 2,
	MESSAGE_PEER_UP = 3,
	MESSAGE_INITIATION = 4,
	MESSAGE_TERMINATION = 5,
};

enum {
	PEER_LOC_RIB = 3,              /* the last type that is known (RFC 9069 section 4.1) */
	KEY_SIZE = 1 + 1 + 8 + 16 + 4, /* see above */
};

/* Flags of a peer, of whatever type but Loc-RIB. */
enum {
	FLAG_IPV6 = 0x80,
	FLAG_POST_POLICY = 0x40,
	FLAG_AS2 = 0x20,
	FLAG_ADJ_RIB_OUT = 0x10,
};

enum view {
	VIEW_NONE, /* no wanted route has come yet */
	VIEW_PRE_POLICY,
	VIEW_POST_POLICY,
};

struct peer {
	uint8_t key[KEY_SIZE];
	uint8_t view[2];  /* enum view, of IPv4 and IPv6 */
	bool ended;       /* end_of_rib was told */
	bool agreed[2];   /* families that the OPENs have in common */
	bool complete[2]; /* whose End-of-RIB has come */
	struct tw_bgp_encoding encoding;
	struct tw_bgp_peer peer;
};

struct tw_bmp {
	struct tw_bmp_handler handler;
	struct tw_addr router;
	struct peer *peers; /* by key */
	unsigned int n_peers;
	unsigned int capacity;
	unsigned int max_peers;
	struct peer *telling; /* during tw_bgp_update(): whose message it is, */
	uint8_t view;         /* and of which view */
	bool terminated;
	struct tw_bmp_counts counts;
	struct tw_bgp_counts bgp;
	uint8_t path[TW_BGP_PATH_SIZE];
};

/* The per-peer header (RFC 7854 section 4.2). */
struct header {
	uint8_t type;
	uint8_t flags; /* 0 of a Loc-RIB, whose only flag tells nothing of how it is read */
	uint8_t key[KEY_SIZE];
	struct tw_bgp_peer peer;
};

static bool take_header(struct tw_bmp *bmp, struct tw_cursor *body, struct header *header)
{
	struct tw_bgp_peer *peer = &header->peer;
	uint8_t *key = header->key;
	const uint8_t *at;

	*header = (struct header){.type = tw_cursor_u8(body), .flags = tw_cursor_u8(body)};
	at = tw_cursor_take(body, 8 + 16 + 4);
	tw_cursor_take(body, 4 + 8); /* identifier, time */
	if (body->failed)
		return false;
	if (header->type == PEER_LOC_RIB)
		header->flags = 0;
	key[0] = header->type == PEER_LOC_RIB;
	key[1] = header->flags & FLAG_IPV6;
	memcpy(key + 2, at, 8 + 16 + 4);

	peer->router = bmp->router;
	for (unsigned int i = 0; i < 8; i++)
		peer->distinguisher = peer->distinguisher << 8 | at[i];
	peer->asn =
		(uint32_t)at[24] << 24 | (uint32_t)at[25] << 16 | (uint32_t)at[26] << 8 | at[27];
	if (header->type == PEER_LOC_RIB)
		return true;
	peer->addr.family = (header->flags & FLAG_IPV6) != 0 ? 6 : 4;
	if (peer->addr.family == 6)
		memcpy(peer->addr.bytes, at + 8, 16);
	else
		memcpy(peer->addr.bytes, at + 8 + 12, 4);
	return true;
}

/* Where the key stands, or would. */
static struct peer *seek(const struct tw_bmp *bmp, const uint8_t *key, bool *found)
{
	unsigned int low = 0, high = bmp->n_peers;

	*found = false;
	while (low < high && !*found) {
		unsigned int middle = (low + high) / 2;
		int order = memcmp(key, bmp->peers[middle].key, KEY_SIZE);

		*found = order == 0;
		if (order > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return bmp->peers + high;
}

/* Returns NULL without memory. */
static struct peer *insert(struct tw_bmp *bmp, struct peer *at)
{
	size_t index = (size_t)(at - bmp->peers);

	if (bmp->n_peers == bmp->capacity) {
		unsigned int capacity = bmp->capacity != 0 ? 2 * bmp->capacity : 16;
		struct peer *peers = reallocarray(bmp->peers, capacity, sizeof(*peers));

		if (peers == NULL)
			return NULL;
		bmp->peers = peers;
		bmp->capacity = capacity;
		at = peers + index;
	}
	memmove(at + 1, at, (bmp->n_peers - index) * sizeof(*at));
	bmp->n_peers++;
	return at;
}

static void remove_peer(struct tw_bmp *bmp, struct peer *at)
{
	size_t behind = (size_t)(bmp->peers + bmp->n_peers - at) - 1;

	memmove(at, at + 1, behind * sizeof(*at));
	bmp->n_peers--;
}

/* ---- one message of a kind each; NULL, or why it is malformed ---- */

static struct peer agree(const struct header *header, const struct tw_bgp_open *sent,
	const struct tw_bgp_open *received)
{
	bool made_up = header->type == PEER_LOC_RIB;
	struct peer peer = {.peer = header->peer, .encoding.as4 = sent->as4 && received->as4};

	memcpy(peer.key, header->key, KEY_SIZE);
	for (int i = 0; i < 2; i++) {
		peer.agreed[i] = sent->unicast[i] && received->unicast[i];
		peer.encoding.add_path[i] =
			made_up ? sent->add_path[i] != 0
				: (sent->add_path[i] & TW_ADD_PATH_RECEIVE) != 0 &&
					  (received->add_path[i] & TW_ADD_PATH_SEND) != 0;
	}
	return peer;
}

/* Returns NULL where there is no room for one more. */
static struct peer *bring_up(struct tw_bmp *bmp, const struct header *header,
	const struct tw_bgp_open *sent, const struct tw_bgp_open *received)
{
	bool found;
	struct peer *at = seek(bmp, header->key, &found);

	if (!found)
		at = bmp->n_peers < bmp->max_peers ? insert(bmp, at) : NULL;
	if (at == NULL) {
		bmp->counts.peers_refused++;
		return NULL;
	}
	*at = agree(header, sent, received);
	bmp->handler.up(bmp->handler.arg, &header->peer);
	return at;
}

static const char *take_peer_up(
	struct tw_bmp *bmp, const struct header *header, struct tw_cursor body)
{
	struct tw_bgp_open sent, received;
	const char *why;

	tw_cursor_take(&body, 16 + 2 + 2); /* the router's own end */
	if (tw_bgp_open(&body, &sent, &why) != 0 || tw_bgp_open(&body, &received, &why) != 0)
		return why;
	bring_up(bmp, header, &sent, &received);
	return NULL;
}

/* Whatever the reason, and however it is told: the header says who. */
static const char *take_peer_down(struct tw_bmp *bmp, const struct header *header)
{
	bool found;
	struct peer *at = seek(bmp, header->key, &found);

	if (!found) {
		bmp->counts.stray++;
		return NULL;
	}
	remove_peer(bmp, at);
	bmp->handler.down(bmp->handler.arg, &header->peer);
	return NULL;
}

static bool on_wants(void *arg, const struct tw_prefix *prefix)
{
	const struct tw_bmp *bmp = arg;

	return bmp->handler.wants(bmp->handler.arg, prefix);
}

static void on_route(void *arg, const struct tw_bgp_route *route)
{
	struct tw_bmp *bmp = arg;
	struct peer *peer = bmp->telling;
	uint8_t *view = &peer->view[route->prefix.addr.family == 6];

	if (*view == VIEW_NONE)
		*view = bmp->view;
	if (*view == bmp->view) {
		bmp->counts.wanted++;
		bmp->handler.route(bmp->handler.arg, &peer->peer, route);
	} else {
		bmp->counts.other_view++;
	}
}

static int decode_update(
	struct tw_bmp *bmp, const struct header *header, struct tw_cursor body, const char **why)
{
	const struct tw_bgp_handler handler = {
		.wants = bmp->handler.wants != NULL ? on_wants : NULL,
		.route = on_route,
		.arg = bmp,
	};
	struct tw_bgp_encoding encoding = bmp->telling->encoding;
	bool agreed_as4 = encoding.as4 || header->type == PEER_LOC_RIB;
	size_t size = tw_cursor_left(&body);
	const char *second;
	int err;

	encoding.as4 = (header->flags & FLAG_AS2) == 0;
	err = tw_bgp_update(body.at, size, &encoding, &handler, bmp->path, &bmp->bgp, why);
	if (err == 0 || !encoding.as4 || agreed_as4)
		return err;
	encoding.as4 = false;
	return tw_bgp_update(body.at, size, &encoding, &handler, bmp->path, &bmp->bgp, &second);
}

static void note_end_of_rib(
	struct tw_bmp *bmp, struct peer *peer, const struct tw_bgp_counts *before)
{
	for (int i = 0; i < 2; i++)
		peer->complete[i] |= bmp->bgp.end_of_rib[i] != before->end_of_rib[i] &&
				     (peer->view[i] == VIEW_NONE || peer->view[i] == bmp->view);
	if (peer->ended || (peer->agreed[0] && !peer->complete[0]) ||
		(peer->agreed[1] && !peer->complete[1]) || (!peer->agreed[0] && !peer->agreed[1]))
		return;
	peer->ended = true;
	bmp->handler.end_of_rib(bmp->handler.arg, &peer->peer);
}

/* Who tells routes; NULL where it is not up. A Loc-RIB is taken up by its first message, if it was not before. */
static struct peer *teller(struct tw_bmp *bmp, const struct header *header)
{
	static const struct tw_bgp_open plain = {.as4 = true, .unicast = {true, true}};
	bool found;
	struct peer *peer = seek(bmp, header->key, &found);

	if (found)
		return peer;
	if (header->type == PEER_LOC_RIB)
		return bring_up(bmp, header, &plain, &plain);
	bmp->counts.stray++;
	return NULL;
}

static const char *take_routes(
	struct tw_bmp *bmp, const struct header *header, struct tw_cursor body)
{
	const struct tw_bgp_counts before = bmp->bgp;
	const char *why;

	bmp->telling = teller(bmp, header);
	if (bmp->telling == NULL)
		return NULL;
	if ((header->flags & FLAG_ADJ_RIB_OUT) != 0) {
		bmp->counts.skipped++;
		return NULL;
	}
	bmp->view = (header->flags & FLAG_POST_POLICY) != 0 ? VIEW_POST_POLICY : VIEW_PRE_POLICY;
	if (decode_update(bmp, header, body, &why) != 0)
		return why;
	bmp->counts.routes +=
		bmp->bgp.announced + bmp->bgp.withdrawn - before.announced - before.withdrawn;
	note_end_of_rib(bmp, bmp->telling, &before);
	return NULL;
}

static const char *take_initiation(struct tw_bmp *bmp, struct tw_cursor body)
{
	const uint16_t system_name = 2;

	while (tw_cursor_left(&body) > 0) {
		uint16_t type = tw_cursor_u16(&body);
		struct tw_cursor value = tw_cursor_part(&body, tw_cursor_u16(&body));
		size_t size = tw_cursor_left(&value);
		char *name;

		if (value.failed)
			return "a TLV of the Initiation is cut";
		if (type != system_name)
			continue;
		name = tw_text_clean(
			(const char *)value.at, size < TW_BMP_NAME_MAX ? size : TW_BMP_NAME_MAX);
		if (name != NULL)
			bmp->handler.name(bmp->handler.arg, name);
		free(name);
	}
	return NULL;
}

/* ---- the stream ---- */

static const char *take_of_peer(struct tw_bmp *bmp, uint8_t type, struct tw_cursor body)
{
	struct header header;

	if (!take_header(bmp, &body, &header))
		return "a per-peer header is cut";
	if (header.type > PEER_LOC_RIB) {
		bmp->counts.skipped++;
		return NULL;
	}
	if (type == MESSAGE_PEER_UP)
		return take_peer_up(bmp, &header, body);
	if (type == MESSAGE_PEER_DOWN)
		return take_peer_down(bmp, &header);
	return take_routes(bmp, &header, body);
}

static void take_message(struct tw_bmp *bmp, uint8_t type, struct tw_cursor body)
{
	const char *why = NULL;

	bmp->counts.messages++;
	switch (type) {
	case MESSAGE_ROUTES:
	case MESSAGE_PEER_UP:
	case MESSAGE_PEER_DOWN:
		why = take_of_peer(bmp, type, body);
		break;
	case MESSAGE_STATISTICS:
		bmp->counts.statistics++;
		break;
	case MESSAGE_INITIATION:
		why = take_initiation(bmp, body);
		break;
	case MESSAGE_TERMINATION:
		bmp->terminated = true;
		break;
	default:
		bmp->counts.skipped++;
		break;
	}
	if (why == NULL)
		return;
	bmp->counts.malformed++;
	bmp->handler.malformed(bmp->handler.arg, why);
}

ssize_t tw_bmp_feed(struct tw_bmp *bmp, const uint8_t *data, size_t size, const char **why)
{
	struct tw_cursor stream = tw_cursor(data, size);

	while (!bmp->terminated && tw_cursor_left(&stream) > 0) {
		struct tw_cursor message = stream;
		uint8_t version = tw_cursor_u8(&message);
		uint32_t length = tw_cursor_u32(&message);
		uint8_t type = tw_cursor_u8(&message);

		/* Said as soon as it is seen, whatever else is missing. */
		*why = "it does not speak BMP version 3";
		if (version != VERSION)
			return -EBADMSG;
		if (message.failed)
			break;
		*why = "a message has a length that cannot be";
		if (length < HEADER_SIZE || length > TW_BMP_MESSAGE_MAX)
			return -EBADMSG;
		message = tw_cursor_part(&message, length - HEADER_SIZE);
		if (message.failed)
			break;
		tw_cursor_take(&stream, length);
		take_message(bmp, type, message);
	}
	return bmp->terminated ? -ESHUTDOWN : stream.at - data;
}

const struct tw_bmp_counts *tw_bmp_counts(const struct tw_bmp *bmp)
{
	return &bmp->counts;
}

unsigned int tw_bmp_n_peers(const struct tw_bmp *bmp)
{
	return bmp->n_peers;
}

struct tw_bmp *tw_bmp_create(
	const struct tw_addr *router, unsigned int max_peers, const struct tw_bmp_handler *handler)
{
	struct tw_bmp *bmp = calloc(1, sizeof(*bmp));

	if (bmp == NULL)
		return NULL;
	bmp->router = *router;
	bmp->max_peers = max_peers;
	bmp->handler = *handler;
	return bmp;
}

void tw_bmp_free(struct tw_bmp *bmp)
{
	if (bmp != NULL)
		free(bmp->peers);
	free(bmp);
}
