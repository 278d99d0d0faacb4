/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_CURSOR_H
#define TW_CURSOR_H

/*
 * A cursor over outside octets whose error sticks: read as many fields as a thing has, in network byte order, and ask
 * once, at the end, whether they were all there.
 *
 *   struct tw_cursor cursor = tw_cursor(data, size);
 *   uint16_t type = tw_cursor_u16(&cursor);
 *   struct tw_cursor body = tw_cursor_part(&cursor, tw_cursor_u32(&cursor));
 *   uint32_t asn = tw_cursor_u32(&body);
 *
 *   if (body.failed)
 *           return -EBADMSG;
 *
 * A read behind the end fails the cursor: it and all reads after it give zeros, and nothing is left, so that a loop
 * over tw_cursor_left() ends. A part of a failed cursor has failed; a part that fails leaves the whole as it was.
 *
 * Ownership: none; the octets must outlive the cursor.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct tw_cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

static inline struct tw_cursor tw_cursor(const uint8_t *data, size_t size)
{
	return (struct tw_cursor){.at = data, .end = data + size};
}

static inline void tw_cursor_fail(struct tw_cursor *cursor)
{
	cursor->at = cursor->end;
	cursor->failed = true;
}

/* Octets that are left; 0 once failed. */
static inline size_t tw_cursor_left(const struct tw_cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

/* The next `n` octets; NULL where there are not as many, or once failed. */
static inline const uint8_t *tw_cursor_take(struct tw_cursor *cursor, size_t n)
{
	const uint8_t *at = cursor->at;

	if (cursor->failed || n > tw_cursor_left(cursor)) {
		tw_cursor_fail(cursor);
		return NULL;
	}
	cursor->at += n;
	return at;
}

/* The next `n` octets as a cursor of their own. */
static inline struct tw_cursor tw_cursor_part(struct tw_cursor *cursor, size_t n)
{
	const uint8_t *at = tw_cursor_take(cursor, n);

	if (at == NULL)
		return (struct tw_cursor){.at = cursor->end, .end = cursor->end, .failed = true};
	return tw_cursor(at, n);
}

/* Copies the next `n` octets; zeros once failed. */
static inline void tw_cursor_copy(struct tw_cursor *cursor, void *to, size_t n)
{
	const uint8_t *at = tw_cursor_take(cursor, n);

	if (at != NULL)
		memcpy(to, at, n);
	else
		memset(to, 0, n);
}

static inline uint8_t tw_cursor_u8(struct tw_cursor *cursor)
{
	const uint8_t *at = tw_cursor_take(cursor, 1);

	return at != NULL ? at[0] : 0;
}

static inline uint16_t tw_cursor_u16(struct tw_cursor *cursor)
{
	const uint8_t *at = tw_cursor_take(cursor, 2);

	return at != NULL ? (uint16_t)(at[0] << 8 | at[1]) : 0;
}

static inline uint32_t tw_cursor_u32(struct tw_cursor *cursor)
{
	const uint8_t *at = tw_cursor_take(cursor, 4);

	return at != NULL ? (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
				    at[3]
			  : 0;
}

static inline uint64_t tw_cursor_u64(struct tw_cursor *cursor)
{
	uint64_t high = tw_cursor_u32(cursor);
	uint64_t low = tw_cursor_u32(cursor);

	return cursor->failed ? 0 : high << 32 | low;
}

#endif
