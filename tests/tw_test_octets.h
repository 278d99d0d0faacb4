/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEST_OCTETS_H
#define TW_TEST_OCTETS_H

/*
 * Octets of formats of routing, written as hexadecimal text with the lengths left to be filled in, and the routes
 * that a decoder makes of them, written as text.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tw_bgp.h"

struct octets {
	size_t size;
	uint8_t data[1 << 18];
};

/* Appends "0a0b 0c": digits in pairs, spaces between pairs where it reads better. */
static inline void put_hex(struct octets *octets, const char *hex)
{
	for (; *hex != '\0'; hex++) {
		char digits[3] = {hex[0]};
		char *end;

		if (hex[0] == ' ')
			continue;
		digits[1] = hex[1];
		octets->data[octets->size++] = (uint8_t)strtoul(digits, &end, 16);
		if (end != digits + 2)
			abort();
		hex++;
	}
}

static inline void put_number(struct octets *octets, unsigned int n, uint64_t number)
{
	while (n-- > 0)
		octets->data[octets->size++] = (uint8_t)(number >> 8 * n);
}

/* Leaves room for a length of `n` octets; close_length() fills it in with what came behind it. */
static inline size_t open_length(struct octets *octets, unsigned int n)
{
	put_number(octets, n, 0);
	return octets->size;
}

static inline void close_length(struct octets *octets, size_t opened, unsigned int n)
{
	size_t end = octets->size;

	octets->size = opened - n;
	put_number(octets, n, end - opened);
	octets->size = end;
}

static inline void put_counted(struct octets *octets, unsigned int n, const char *hex)
{
	size_t opened = open_length(octets, n);

	put_hex(octets, hex);
	close_length(octets, opened, n);
}

#define MARKER "ffffffff ffffffff ffffffff ffffffff"

/* An UPDATE; a NULL leaves the rest of the message out, so that it is cut. */
static inline void put_update(
	struct octets *octets, const char *withdrawn, const char *attributes, const char *nlri)
{
	size_t start = octets->size, length;

	put_hex(octets, MARKER);
	length = octets->size;
	put_hex(octets, "0000 02");
	put_counted(octets, 2, withdrawn);
	if (attributes != NULL)
		put_counted(octets, 2, attributes);
	if (nlri != NULL)
		put_hex(octets, nlri);
	octets->data[length] = (uint8_t)((octets->size - start) >> 8);
	octets->data[length + 1] = (uint8_t)(octets->size - start);
}

/* Routes as text: "-10.0.0.0/8 +10.1.0.0/16#7[64500 64501]", a path identifier where it is not 0. */
struct told {
	size_t size;
	char text[1 << 16];
};

static inline void told_text(struct told *told, const char *text)
{
	size_t length = strlen(text);

	if (told->size + length >= sizeof(told->text))
		abort();
	memcpy(told->text + told->size, text, length + 1);
	told->size += length;
}

static inline void told_route(struct told *told, const struct tw_bgp_route *route)
{
	char prefix[TW_PREFIX_TEXT], path[512], id[16] = "", text[640];

	if (route->path_id != 0)
		snprintf(id, sizeof(id), "#%u", route->path_id);
	if (route->withdrawn)
		snprintf(text, sizeof(text), "%s-%s%s", told->size > 0 ? " " : "",
			tw_prefix_format(&route->prefix, prefix), id);
	else
		snprintf(text, sizeof(text), "%s+%s%s[%s]", told->size > 0 ? " " : "",
			tw_prefix_format(&route->prefix, prefix), id,
			tw_bgp_path_format(&route->path, path, sizeof(path)));
	told_text(told, text);
}

#endif
