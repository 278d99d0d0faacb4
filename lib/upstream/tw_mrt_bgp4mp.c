/* SPDX-License-Identifier: BSD-3-Clause */

/* Messages that a collector got, and changes of its sessions (RFC 6396 section 4.4, RFC 8050 section 3). */

#include "tw_mrt_priv.h"

enum {
	AFI_IPV4 = 1,
	AFI_IPV6 = 2,
	ESTABLISHED = 6, /* RFC 6396 section 4.4.1 */
};

/* How the records of a subtype are laid out. What is neither a message nor a state is skipped. */
struct layout {
	bool message, state;
	bool as4, add_path, local;
};

static const struct layout layouts[] = {
	[0] = {.state = true},                                  /* STATE_CHANGE */
	[1] = {.message = true},                                /* MESSAGE */
	[4] = {.message = true, .as4 = true},                   /* MESSAGE_AS4 */
	[5] = {.state = true, .as4 = true},                     /* STATE_CHANGE_AS4 */
	[6] = {.local = true},                                  /* MESSAGE_LOCAL */
	[7] = {.local = true},                                  /* MESSAGE_AS4_LOCAL */
	[8] = {.message = true, .add_path = true},              /* MESSAGE_ADDPATH */
	[9] = {.message = true, .as4 = true, .add_path = true}, /* MESSAGE_AS4_ADDPATH */
	[10] = {.local = true},                                 /* MESSAGE_LOCAL_ADDPATH */
	[11] = {.local = true},                                 /* MESSAGE_AS4_LOCAL_ADDPATH */
};

static void take_route(void *arg, const struct tw_bgp_route *route)
{
	struct tw_mrt *mrt = arg;

	mrt->handler.route(mrt->handler.arg, mrt->time, &mrt->peer, route);
}

static bool wants_route(void *arg, const struct tw_prefix *prefix)
{
	return tw_mrt_wants(arg, prefix);
}

static const char *decode(struct tw_mrt *mrt, bool as4, bool add_path, struct tw_cursor message)
{
	const struct tw_bgp_handler handler = {
		.wants = mrt->handler.wants != NULL ? wants_route : NULL,
		.route = take_route,
		.arg = mrt,
	};
	const struct tw_bgp_encoding encoding = {.as4 = as4, .add_path = {add_path, add_path}};
	struct tw_bgp_counts counts = {0};
	const char *why;

	if (tw_bgp_update(message.at, tw_cursor_left(&message), &encoding, &handler, mrt->path,
		    &counts, &why) != 0)
		return why;
	mrt->counts.messages++;
	mrt->counts.routes += counts.announced + counts.withdrawn;
	mrt->counts.wanted += counts.wanted;
	return NULL;
}

/*
 * Dumpers older than RFC 8050 (BIRD 1.6) have no subtype that tells path identifiers, and write them all the same. Read
 * as prefixes they make no sense; a message that makes sense only with them has them.
 */
static const char *take_message(
	struct tw_mrt *mrt, const struct layout *layout, struct tw_cursor message)
{
	const char *why = decode(mrt, layout->as4, layout->add_path, message);

	if (why == NULL || layout->add_path || decode(mrt, layout->as4, true, message) != NULL)
		return why;
	mrt->counts.guessed++;
	return NULL;
}

static const char *take_state(struct tw_mrt *mrt, struct tw_cursor body)
{
	uint16_t old = tw_cursor_u16(&body), new = tw_cursor_u16(&body);

	if (body.failed)
		return "STATE_CHANGE is cut";
	mrt->counts.states++;
	if (old == ESTABLISHED && new != ESTABLISHED && mrt->handler.down != NULL)
		mrt->handler.down(mrt->handler.arg, mrt->time, &mrt->peer);
	return NULL;
}

/* The fields before a message or states: who talks to whom. */
static const char *take_session(
	struct tw_mrt *mrt, const struct layout *layout, struct tw_cursor *body)
{
	uint32_t asn = layout->as4 ? tw_cursor_u32(body) : tw_cursor_u16(body);
	uint16_t afi;

	tw_cursor_take(body, layout->as4 ? 4 : 2); /* the collector's ASN */
	tw_cursor_u16(body);                       /* interface */
	afi = tw_cursor_u16(body);
	if (!body->failed && afi != AFI_IPV4 && afi != AFI_IPV6)
		return "BGP4MP record of addresses neither IPv4 nor IPv6";
	mrt->peer = (struct tw_bgp_peer){.asn = asn};
	mrt->peer.addr = tw_mrt_addr(body, afi == AFI_IPV6 ? 6 : 4);
	tw_mrt_addr(body, mrt->peer.addr.family); /* the collector's */
	return body->failed ? "BGP4MP record is cut" : NULL;
}

const char *tw_mrt_bgp4mp(struct tw_mrt *mrt, uint16_t subtype, struct tw_cursor body)
{
	static const struct layout none = {0};
	const struct layout *layout =
		subtype < sizeof(layouts) / sizeof(layouts[0]) ? &layouts[subtype] : &none;
	const char *why;

	if (!layout->message && !layout->state) {
		mrt->counts.local += layout->local;
		mrt->counts.unknown += !layout->local;
		return NULL;
	}
	why = take_session(mrt, layout, &body);
	if (why == NULL)
		why = layout->message ? take_message(mrt, layout, body) : take_state(mrt, body);
	if (why == NULL)
		tw_mrt_note_time(mrt);
	return why;
}
