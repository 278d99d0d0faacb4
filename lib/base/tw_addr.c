/* SPDX-License-Identifier: BSD-3-Clause */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tw_addr.h"

tw_u128 tw_addr_number(const struct tw_addr *addr)
{
	tw_u128 number = 0;

	for (unsigned int i = 0; i < tw_addr_bits(addr->family) / 8; i++)
		number = number << 8 | addr->bytes[i];
	return number;
}

struct tw_addr tw_addr_from_number(uint8_t family, tw_u128 number)
{
	struct tw_addr addr = {.family = family};

	for (unsigned int i = tw_addr_bits(family) / 8; i-- > 0; number >>= 8)
		addr.bytes[i] = (uint8_t)number;
	return addr;
}

int tw_addr_parse(const char *text, struct tw_addr *addr)
{
	struct tw_addr parsed = {.family = strchr(text, ':') != NULL ? 6 : 4};

	if (inet_pton(parsed.family == 6 ? AF_INET6 : AF_INET, text, parsed.bytes) != 1)
		return -EINVAL;
	*addr = parsed;
	return 0;
}

/* All ones in the bits behind `length`. */
static tw_u128 host_mask(uint8_t family, uint8_t length)
{
	unsigned int host_bits = tw_addr_bits(family) - length;

	return host_bits == 128 ? ~(tw_u128)0 : ((tw_u128)1 << host_bits) - 1;
}

int tw_prefix_parse(const char *text, struct tw_prefix *prefix)
{
	const char *slash = strchr(text, '/');
	size_t addr_length = slash != NULL ? (size_t)(slash - text) : strlen(text);
	char addr_text[INET6_ADDRSTRLEN];
	tw_u128 number, mask;
	struct tw_addr addr;
	unsigned long length;

	if (addr_length >= sizeof(addr_text))
		return -EINVAL;
	memcpy(addr_text, text, addr_length);
	addr_text[addr_length] = '\0';
	if (tw_addr_parse(addr_text, &addr) != 0)
		return -EINVAL;

	length = tw_addr_bits(addr.family);
	if (slash != NULL) {
		char *end;

		if (slash[1] < '0' || slash[1] > '9')
			return -EINVAL;
		length = strtoul(slash + 1, &end, 10);
		if (*end != '\0' || length > tw_addr_bits(addr.family))
			return -EINVAL;
	}
	number = tw_addr_number(&addr);
	mask = host_mask(addr.family, (uint8_t)length);
	prefix->addr = tw_addr_from_number(addr.family, number & ~mask);
	prefix->length = (uint8_t)length;
	return (number & mask) != 0 ? -EDOM : 0;
}

/* A number below 256 in decimal. */
static char *format_octet(unsigned int octet, char *at)
{
	if (octet >= 100)
		*at++ = (char)('0' + octet / 100);
	if (octet >= 10)
		*at++ = (char)('0' + octet / 10 % 10);
	*at++ = (char)('0' + octet % 10);
	return at;
}

char *tw_addr_format(const struct tw_addr *addr, char *text)
{
	char *at = text;

	if (addr->family == 6) {
		inet_ntop(AF_INET6, addr->bytes, text, INET6_ADDRSTRLEN);
		return text;
	}
	/* By hand: the C library's goes through sprintf, and `explain` writes two a line, a million lines a second. */
	for (unsigned int i = 0; i < 4; i++) {
		at = format_octet(addr->bytes[i], at);
		*at++ = i < 3 ? '.' : '\0';
	}
	return text;
}

char *tw_prefix_format(const struct tw_prefix *prefix, char *text)
{
	char *at = strchr(tw_addr_format(&prefix->addr, text), '\0');

	*at++ = '/';
	*format_octet(prefix->length, at) = '\0';
	return text;
}

void tw_prefix_range(const struct tw_prefix *prefix, tw_u128 *first, tw_u128 *last)
{
	*first = tw_addr_number(&prefix->addr);
	*last = *first | host_mask(prefix->addr.family, prefix->length);
}

bool tw_prefix_contains(const struct tw_prefix *outer, const struct tw_prefix *inner)
{
	if (outer->addr.family != inner->addr.family || outer->length > inner->length)
		return false;
	return ((tw_addr_number(&outer->addr) ^ tw_addr_number(&inner->addr)) &
		       ~host_mask(outer->addr.family, outer->length)) == 0;
}

int tw_mac_parse(const char *text, uint64_t *mac)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < 6; i++) {
		unsigned int byte;
		char digits[3] = {text[0]};
		char *end;

		if (digits[0] != '\0')
			digits[1] = text[1];
		if (digits[0] == '\0' || strspn(digits, "0123456789abcdefABCDEF") != 2)
			return -EINVAL;
		byte = (unsigned int)strtoul(digits, &end, 16);
		value = value << 8 | byte;
		text += 2;
		if (i < 5 && *text != ':' && *text != '-')
			return -EINVAL;
		if (i < 5)
			text++;
	}
	if (*text != '\0')
		return -EINVAL;
	*mac = value;
	return 0;
}

char *tw_mac_format(uint64_t mac, char text[static 18])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", (unsigned int)(mac >> 40 & 0xff),
		(unsigned int)(mac >> 32 & 0xff), (unsigned int)(mac >> 24 & 0xff),
		(unsigned int)(mac >> 16 & 0xff), (unsigned int)(mac >> 8 & 0xff),
		(unsigned int)(mac & 0xff));
	return text;
}
