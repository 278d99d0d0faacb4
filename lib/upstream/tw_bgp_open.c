/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Three layers of lengths: the message, its optional parameters, and in those of type 2 the capabilities. A cursor
 * for each; a length that leaves its layer fails that layer alone, and so the message.
 */

#include <errno.h>

#include "tw_bgp_open.h"

enum {
	MESSAGE_OPEN = 1,
	MARKER_SIZE = 16,
	HEADER_SIZE = 19,
	PARAMETER_CAPABILITIES = 2,
	EXTENDED = 255, /* as length and as type of the first parameter (RFC 9072 section 2) */
	CAPABILITY_MULTIPROTOCOL = 1,
	CAPABILITY_AS4 = 65,
	CAPABILITY_ADD_PATH = 69,
	AFI_IPV4 = 1,
	AFI_IPV6 = 2,
	SAFI_UNICAST = 1,
};

/* 0 IPv4 unicast, 1 IPv6 unicast, -1 another. */
static int family_index(uint16_t afi, uint8_t safi)
{
	if (safi != SAFI_UNICAST || (afi != AFI_IPV4 && afi != AFI_IPV6))
		return -1;
	return afi == AFI_IPV6;
}

static void take_multiprotocol(struct tw_bgp_open *open, struct tw_cursor *value)
{
	uint16_t afi = tw_cursor_u16(value);
	int family;

	tw_cursor_u8(value); /* reserved */
	family = family_index(afi, tw_cursor_u8(value));
	if (!value->failed && family >= 0)
		open->unicast[family] = true;
}

static void take_add_path(struct tw_bgp_open *open, struct tw_cursor *value)
{
	while (tw_cursor_left(value) > 0) {
		uint16_t afi = tw_cursor_u16(value);
		int family = family_index(afi, tw_cursor_u8(value));
		uint8_t how = tw_cursor_u8(value);

		/* Another value is to be ignored (RFC 7911 section 4). */
		if (!value->failed && family >= 0 && how >= TW_ADD_PATH_RECEIVE &&
			how <= (TW_ADD_PATH_RECEIVE | TW_ADD_PATH_SEND))
			open->add_path[family] = how;
	}
}

static bool take_capabilities(
	struct tw_bgp_open *open, struct tw_cursor capabilities, bool *names_families)
{
	while (tw_cursor_left(&capabilities) > 0) {
		uint8_t code = tw_cursor_u8(&capabilities);
		struct tw_cursor value = tw_cursor_part(&capabilities, tw_cursor_u8(&capabilities));

		switch (code) {
		case CAPABILITY_MULTIPROTOCOL:
			*names_families = true;
			take_multiprotocol(open, &value);
			break;
		case CAPABILITY_AS4:
			tw_cursor_u32(&value);
			open->as4 = true;
			break;
		case CAPABILITY_ADD_PATH:
			take_add_path(open, &value);
			break;
		}
		if (value.failed)
			return false;
	}
	return !capabilities.failed;
}

/* The optional parameters, with the octets that say how many they are. */
static bool take_parameters(struct tw_bgp_open *open, struct tw_cursor body, bool *names_families)
{
	size_t size = tw_cursor_u8(&body);
	bool extended = size == EXTENDED && tw_cursor_left(&body) > 0 && *body.at == EXTENDED;
	struct tw_cursor parameters;

	if (extended) {
		tw_cursor_u8(&body);
		size = tw_cursor_u16(&body);
	}
	parameters = tw_cursor_part(&body, size);
	while (tw_cursor_left(&parameters) > 0) {
		uint8_t type = tw_cursor_u8(&parameters);
		size_t length = extended ? tw_cursor_u16(&parameters) : tw_cursor_u8(&parameters);
		struct tw_cursor value = tw_cursor_part(&parameters, length);

		if (value.failed || (type == PARAMETER_CAPABILITIES &&
					    !take_capabilities(open, value, names_families)))
			return false;
	}
	return !parameters.failed && tw_cursor_left(&body) == 0;
}

int tw_bgp_open(struct tw_cursor *cursor, struct tw_bgp_open *open, const char **why)
{
	const uint8_t *marker = tw_cursor_take(cursor, MARKER_SIZE);
	uint16_t length = tw_cursor_u16(cursor);
	uint8_t type = tw_cursor_u8(cursor);
	struct tw_cursor body = tw_cursor_part(
		cursor, length < HEADER_SIZE ? SIZE_MAX : (size_t)length - HEADER_SIZE);
	bool names_families = false;

	*open = (struct tw_bgp_open){0};
	*why = "an OPEN is cut";
	if (body.failed)
		return -EBADMSG;
	*why = "no OPEN where one should be";
	for (unsigned int i = 0; i < MARKER_SIZE; i++)
		if (marker[i] != 0xff)
			return -EBADMSG;
	if (type != MESSAGE_OPEN)
		return -EBADMSG;
	tw_cursor_take(&body, 9); /* version, AS, hold time, identifier */
	*why = "an OPEN's parameters are malformed";
	if (!take_parameters(open, body, &names_families))
		return -EBADMSG;
	if (!names_families)
		open->unicast[0] = true;
	return 0;
}
