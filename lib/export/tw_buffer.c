/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tw_buffer.h"

enum {
	GROWTH = 1 << 14,
};

static int make_room(struct tw_buffer *buffer, size_t length)
{
	size_t size = 2 * (buffer->size + length) + GROWTH;
	char *grown;

	if (buffer->size - buffer->n >= length)
		return 0;
	grown = realloc(buffer->text, size);
	if (grown == NULL)
		return buffer->error = -ENOMEM;
	buffer->text = grown;
	buffer->size = size;
	return 0;
}

void tw_buffer_add(struct tw_buffer *buffer, const char *text, size_t length)
{
	if (make_room(buffer, length) != 0)
		return;
	memcpy(buffer->text + buffer->n, text, length);
	buffer->n += length;
}

void tw_buffer_text(struct tw_buffer *buffer, const char *text)
{
	tw_buffer_add(buffer, text, strlen(text));
}

void tw_buffer_number(struct tw_buffer *buffer, uint64_t number)
{
	char digits[20], *end = digits + sizeof(digits), *at = end;

	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	tw_buffer_add(buffer, at, (size_t)(end - at));
}

void tw_buffer_format(struct tw_buffer *buffer, const char *format, ...)
{
	va_list args, again;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	/* vsnprintf() writes a terminator, which is not kept */
	if (n > 0 && make_room(buffer, (size_t)n + 1) == 0) {
		vsnprintf(buffer->text + buffer->n, (size_t)n + 1, format, again);
		buffer->n += (size_t)n;
	}
	va_end(again);
	va_end(args);
}

void tw_buffer_drop(struct tw_buffer *buffer, size_t length)
{
	memmove(buffer->text, buffer->text + length, buffer->n - length);
	buffer->n -= length;
}

void tw_buffer_free(struct tw_buffer *buffer)
{
	free(buffer->text);
	*buffer = (struct tw_buffer){0};
}
