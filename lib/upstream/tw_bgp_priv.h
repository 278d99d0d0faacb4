/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_BGP_PRIV_H
#define TW_BGP_PRIV_H

#include "tw_bgp.h"

/* Path attributes (RFC 4271 section 5.1, RFC 4760, RFC 6793) that are read. */
enum {
	TW_ATTRIBUTE_AS_PATH = 2,
	TW_ATTRIBUTE_AGGREGATOR = 7,
	TW_ATTRIBUTE_MP_REACH = 14,
	TW_ATTRIBUTE_MP_UNREACH = 15,
	TW_ATTRIBUTE_AS4_PATH = 17,
	TW_ATTRIBUTE_AS4_AGGREGATOR = 18,
};

/* The next attribute's type with its value in *value, which has failed where the attribute is cut. */
static inline uint8_t tw_bgp_attribute(struct tw_cursor *attributes, struct tw_cursor *value)
{
	const uint8_t extended_length = 0x10;
	uint8_t flags = tw_cursor_u8(attributes);
	uint8_t type = tw_cursor_u8(attributes);
	size_t length = (flags & extended_length) != 0 ? tw_cursor_u16(attributes)
						       : tw_cursor_u8(attributes);

	*value = tw_cursor_part(attributes, length);
	return type;
}

#endif
