/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_ADDR_H
#define TW_ADDR_H

/*
 * IP addresses and prefixes as values, and their text forms (RFC 4291 section 2.2, RFC 5952 on output).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned __int128 tw_u128;

/* An address of either family: network byte order, IPv4 in the first four bytes, the rest zero. */
struct tw_addr {
	uint8_t family; /* 4 or 6 */
	uint8_t bytes[16];
};

struct tw_prefix {
	struct tw_addr addr; /* bits behind `length` are zero */
	uint8_t length;      /* 0 to 32 or 0 to 128 */
};

/* The longest text of a prefix with its terminating NUL. */
#define TW_PREFIX_TEXT 50

/* The number of bits of an address of the family. */
static inline unsigned int tw_addr_bits(uint8_t family)
{
	return family == 4 ? 32 : 128;
}

/* The address as a number, IPv4 in 0 to 2^32-1. */
tw_u128 tw_addr_number(const struct tw_addr *addr);
struct tw_addr tw_addr_from_number(uint8_t family, tw_u128 number);

/* Reads "192.0.2.1" or "2001:db8::1". Returns 0 or -EINVAL. */
int tw_addr_parse(const char *text, struct tw_addr *addr);

/*
 * Reads "192.0.2.0/24", or an address alone as a host prefix. Returns 0, -EINVAL where it is no prefix, or
 * -EDOM where bits are set behind the length: *prefix then holds the prefix with those bits cleared, so that
 * a message can name it.
 */
int tw_prefix_parse(const char *text, struct tw_prefix *prefix);

/* Writes the text form into `text` (TW_PREFIX_TEXT bytes) and returns `text`. */
char *tw_addr_format(const struct tw_addr *addr, char *text);
char *tw_prefix_format(const struct tw_prefix *prefix, char *text);

/* The first and the last address of a prefix as numbers. */
void tw_prefix_range(const struct tw_prefix *prefix, tw_u128 *first, tw_u128 *last);

/* True where every address of `inner` is in `outer`. */
bool tw_prefix_contains(const struct tw_prefix *outer, const struct tw_prefix *inner);

/* Reads "aa:bb:cc:dd:ee:ff" (or with '-') into a 48-bit number. Returns 0 or -EINVAL. */
int tw_mac_parse(const char *text, uint64_t *mac);
/* Writes 18 bytes with the NUL. Returns `text`. */
char *tw_mac_format(uint64_t mac, char text[static 18]);

#endif
