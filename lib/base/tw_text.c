/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdint.h>
#include <stdlib.h>

#include "tw_text.h"

/* The length of the valid UTF-8 sequence at `s`, or 0 (RFC 3629 section 4). */
static size_t utf8_sequence(const uint8_t *s, size_t left)
{
	uint32_t code, least;
	size_t length;

	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f ? 1 : 0;
	if ((s[0] & 0xe0) == 0xc0) {
		length = 2, code = s[0] & 0x1f, least = 0x80;
	} else if ((s[0] & 0xf0) == 0xe0) {
		length = 3, code = s[0] & 0x0f, least = 0x800;
	} else if ((s[0] & 0xf8) == 0xf0) {
		length = 4, code = s[0] & 0x07, least = 0x10000;
	} else {
		return 0;
	}
	if (length > left)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (code < least || code < 0xa0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return length;
}

char *tw_text_clean(const char *bytes, size_t length)
{
	char *text = malloc(length + 1);
	size_t at = 0;

	if (text == NULL)
		return NULL;
	while (at < length) {
		size_t valid = utf8_sequence((const uint8_t *)bytes + at, length - at);

		if (valid == 0)
			text[at++] = '?';
		for (; valid > 0; valid--, at++)
			text[at] = bytes[at];
	}
	text[length] = '\0';
	return text;
}
