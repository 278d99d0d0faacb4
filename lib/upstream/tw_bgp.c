/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * UPDATE messages. A message is gone through twice: once to see that it is whole and whether any of its prefixes is
 * wanted, and only if one is, its path is decoded and its routes are handed on. So nothing is handed on of a message
 * that turns out malformed, nothing is kept of the first pass, and of a session that tells the whole Internet only
 * the few messages of a target cost more than their prefixes.
 */

#include <errno.h>

#include "tw_bgp_priv.h"

enum {
	MESSAGE_UPDATE = 2,
	HEADER_SIZE = 19,
	AFI_IPV4 = 1,
	AFI_IPV6 = 2,
	SAFI_UNICAST = 1,
};

/* Prefixes as they stand in a message, one behind the other. */
struct nlri {
	struct tw_cursor octets;
	uint8_t family; /* 0: none, or none of unicast */
	bool withdrawn;
	bool add_path;
};

/* The four places where an UPDATE has prefixes, in the order in which they are handed on. */
enum place {
	WITHDRAWN_ROUTES,
	MP_UNREACH,
	MP_REACH,
	NLRI,
	N_PLACES,
};

struct update {
	struct nlri nlri[N_PLACES];
	struct tw_cursor attributes;
	unsigned int n_attributes;
};

bool tw_bgp_prefix(struct tw_cursor *cursor, uint8_t family, struct tw_prefix *prefix)
{
	unsigned int length = tw_cursor_u8(cursor);
	unsigned int n = (length + 7) / 8;

	*prefix = (struct tw_prefix){.addr.family = family, .length = (uint8_t)length};
	if (length > tw_addr_bits(family)) {
		tw_cursor_fail(cursor);
		return false;
	}
	tw_cursor_copy(cursor, prefix->addr.bytes, n);
	if (length % 8 != 0)
		prefix->addr.bytes[n - 1] &= (uint8_t)(0xff00 >> length % 8);
	return !cursor->failed;
}

/* The next prefix; false at the end, or where the octets have failed. */
static bool next_route(struct nlri *nlri, struct tw_bgp_route *route)
{
	if (tw_cursor_left(&nlri->octets) == 0)
		return false;
	*route = (struct tw_bgp_route){.withdrawn = nlri->withdrawn};
	if (nlri->add_path)
		route->path_id = tw_cursor_u32(&nlri->octets);
	return tw_bgp_prefix(&nlri->octets, nlri->family, &route->prefix);
}

static bool is_wanted(const struct tw_bgp_handler *handler, const struct tw_prefix *prefix)
{
	return handler->wants == NULL || handler->wants(handler->arg, prefix);
}

/* Counts prefixes, and looks for a wanted one. False where they are malformed. */
static bool survey(
	struct nlri nlri, const struct tw_bgp_handler *handler, uint64_t *n, bool *wanted)
{
	struct tw_bgp_route route;

	for (*n = 0; next_route(&nlri, &route); ++*n)
		*wanted = *wanted || is_wanted(handler, &route.prefix);
	return !nlri.octets.failed;
}

static uint64_t hand_on(
	struct nlri nlri, const struct tw_bgp_handler *handler, const struct tw_bgp_path *path)
{
	struct tw_bgp_route route;
	uint64_t n = 0;

	while (next_route(&nlri, &route)) {
		if (!is_wanted(handler, &route.prefix))
			continue;
		if (!route.withdrawn)
			route.path = *path;
		handler->route(handler->arg, &route);
		n++;
	}
	return n;
}

/* The address family of MP_REACH_NLRI and MP_UNREACH_NLRI. */
static void take_family(struct tw_cursor *value, struct nlri *nlri)
{
	uint16_t afi = tw_cursor_u16(value);
	uint8_t safi = tw_cursor_u8(value);

	if (safi == SAFI_UNICAST && (afi == AFI_IPV4 || afi == AFI_IPV6))
		nlri->family = afi == AFI_IPV4 ? 4 : 6;
}

/* RFC 4760 sections 3 and 4. A second one of a kind is an error (RFC 7606 section 3, item g). */
static const char *take_multiprotocol(
	struct update *update, uint8_t type, struct tw_cursor value, uint16_t *seen)
{
	bool reach = type == TW_ATTRIBUTE_MP_REACH;
	struct nlri *nlri = &update->nlri[reach ? MP_REACH : MP_UNREACH];

	if ((*seen & 1u << type) != 0)
		return reach ? "two MP_REACH_NLRI" : "two MP_UNREACH_NLRI";
	*seen |= (uint16_t)(1u << type);
	take_family(&value, nlri);
	if (reach) {
		tw_cursor_take(&value, tw_cursor_u8(&value)); /* next hop */
		tw_cursor_u8(&value);                         /* reserved */
	}
	if (value.failed)
		return reach ? "MP_REACH_NLRI is cut" : "MP_UNREACH_NLRI is cut";
	nlri->octets = value;
	return NULL;
}

static const char *take_attributes(struct update *update)
{
	struct tw_cursor attributes = update->attributes;
	uint16_t seen = 0;

	for (; tw_cursor_left(&attributes) > 0; update->n_attributes++) {
		struct tw_cursor value;
		uint8_t type = tw_bgp_attribute(&attributes, &value);
		const char *why = NULL;

		if (value.failed)
			return "a path attribute is cut";
		if (type == TW_ATTRIBUTE_MP_REACH || type == TW_ATTRIBUTE_MP_UNREACH)
			why = take_multiprotocol(update, type, value, &seen);
		if (why != NULL)
			return why;
	}
	return NULL;
}

/* Finds the places of an UPDATE's body. */
static const char *take_body(struct update *update, struct tw_cursor body)
{
	struct nlri *withdrawn = &update->nlri[WITHDRAWN_ROUTES];

	withdrawn->octets = tw_cursor_part(&body, tw_cursor_u16(&body));
	update->attributes = tw_cursor_part(&body, tw_cursor_u16(&body));
	if (body.failed)
		return "UPDATE is cut";
	withdrawn->family = 4;
	update->nlri[NLRI].octets = body;
	update->nlri[NLRI].family = 4;
	return take_attributes(update);
}

/* RFC 4724 section 2: nothing at all is of IPv4, an MP_UNREACH_NLRI alone without prefixes is of its family. */
static void count_end_of_rib(const struct update *update, struct tw_bgp_counts *counts)
{
	const struct nlri *unreach = &update->nlri[MP_UNREACH];

	if (tw_cursor_left(&update->nlri[WITHDRAWN_ROUTES].octets) > 0 ||
		tw_cursor_left(&update->nlri[NLRI].octets) > 0)
		return;
	if (update->n_attributes == 0)
		counts->end_of_rib[0]++;
	else if (update->n_attributes == 1 && unreach->family != 0 &&
		 tw_cursor_left(&unreach->octets) == 0)
		counts->end_of_rib[unreach->family == 6]++;
}

static int told(struct update *update, const struct tw_bgp_encoding *encoding,
	const struct tw_bgp_handler *handler, uint8_t *buffer, struct tw_bgp_counts *counts,
	const char **why)
{
	struct tw_bgp_path path = {0};
	uint64_t n[N_PLACES] = {0};
	bool withdraws = false, announces = false;

	for (int i = 0; i < N_PLACES; i++) {
		struct nlri *nlri = &update->nlri[i];

		if (nlri->family == 0)
			continue;
		nlri->withdrawn = i == WITHDRAWN_ROUTES || i == MP_UNREACH;
		nlri->add_path = encoding->add_path[nlri->family == 6];
		*why = "a prefix is cut, or longer than an address";
		if (!survey(*nlri, handler, &n[i], nlri->withdrawn ? &withdraws : &announces))
			return -EBADMSG;
	}
	if (announces && tw_bgp_path(update->attributes.at, tw_cursor_left(&update->attributes),
				 encoding->as4, buffer, &path, why) != 0)
		return -EBADMSG;

	counts->withdrawn += n[WITHDRAWN_ROUTES] + n[MP_UNREACH];
	counts->announced += n[MP_REACH] + n[NLRI];
	count_end_of_rib(update, counts);
	for (int i = 0; i < N_PLACES; i++) {
		const struct nlri *nlri = &update->nlri[i];

		if (nlri->family != 0 && (nlri->withdrawn ? withdraws : announces))
			counts->wanted += hand_on(*nlri, handler, &path);
	}
	return 0;
}

int tw_bgp_update(const uint8_t *message, size_t size, const struct tw_bgp_encoding *encoding,
	const struct tw_bgp_handler *handler, uint8_t *buffer, struct tw_bgp_counts *counts,
	const char **why)
{
	struct tw_cursor cursor = tw_cursor(message, size);
	const uint8_t *marker = tw_cursor_take(&cursor, 16);
	uint16_t length = tw_cursor_u16(&cursor);
	uint8_t type = tw_cursor_u8(&cursor);
	struct update update = {0};

	*why = "BGP message without a whole header";
	if (cursor.failed)
		return -EBADMSG;
	*why = "BGP message without its marker of ones";
	for (unsigned int i = 0; i < 16; i++) {
		if (marker[i] != 0xff)
			return -EBADMSG;
	}
	*why = "BGP message of another length than its header says";
	if (length < HEADER_SIZE || length != size)
		return -EBADMSG;
	if (type != MESSAGE_UPDATE)
		return 0;
	*why = take_body(&update, cursor);
	if (*why != NULL)
		return -EBADMSG;
	return told(&update, encoding, handler, buffer, counts, why);
}
