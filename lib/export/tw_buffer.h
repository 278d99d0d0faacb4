/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_BUFFER_H
#define TW_BUFFER_H

/*
 * Text that grows. Errors stick: many additions, one check.
 *
 * Ownership: zeroed it is empty and ready; tw_buffer_free() releases the text.
 */

#include <stddef.h>
#include <stdint.h>

struct tw_buffer {
	char *text; /* not terminated */
	size_t n;
	size_t size;
	int error; /* 0, or -ENOMEM: what was added since is lost */
};

void tw_buffer_add(struct tw_buffer *buffer, const char *text, size_t length);
void tw_buffer_text(struct tw_buffer *buffer, const char *text);
void tw_buffer_number(struct tw_buffer *buffer, uint64_t number);
void tw_buffer_format(struct tw_buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Takes the first octets off. */
void tw_buffer_drop(struct tw_buffer *buffer, size_t length);
void tw_buffer_free(struct tw_buffer *buffer);

#endif
