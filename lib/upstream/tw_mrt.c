/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The records of an MRT stream {time:32, type:16, subtype:16, length:32, body}. Nothing is copied: a record is read
 * where it lies, and only when it is all there. All memory is had at the start, the largest PEER_INDEX_TABLE's
 * included, so that no file can fail for want of it half-way.
 */

#include <stdlib.h>

#include "tw_mrt_priv.h"

#define HEADER_SIZE 12

enum {
	TYPE_TABLE_DUMP = 12,
	TYPE_TABLE_DUMP_V2 = 13,
	TYPE_BGP4MP = 16,
	TYPE_BGP4MP_ET = 17,
};

struct tw_mrt *tw_mrt_create(const struct tw_mrt_handler *handler)
{
	struct tw_mrt *mrt = calloc(1, sizeof(*mrt));

	if (mrt == NULL)
		return NULL;
	mrt->handler = *handler;
	mrt->peers = calloc(TW_MRT_PEERS, sizeof(*mrt->peers));
	if (mrt->peers == NULL) {
		free(mrt);
		return NULL;
	}
	return mrt;
}

void tw_mrt_free(struct tw_mrt *mrt)
{
	if (mrt == NULL)
		return;
	free(mrt->peers);
	free(mrt);
}

bool tw_mrt_wants(const struct tw_mrt *mrt, const struct tw_prefix *prefix)
{
	return mrt->handler.wants == NULL || mrt->handler.wants(mrt->handler.arg, prefix);
}

struct tw_addr tw_mrt_addr(struct tw_cursor *cursor, uint8_t family)
{
	struct tw_addr addr = {.family = family};

	if (family == 4 || family == 6)
		tw_cursor_copy(cursor, addr.bytes, tw_addr_bits(family) / 8);
	else
		tw_cursor_fail(cursor);
	return addr;
}

void tw_mrt_note_time(struct tw_mrt *mrt)
{
	struct tw_mrt_counts *counts = &mrt->counts;
	uint64_t seconds = mrt->time / 1000000000;

	if (counts->first_time == 0 || seconds < counts->first_time)
		counts->first_time = seconds;
	if (seconds > counts->last_time)
		counts->last_time = seconds;
}

/* RFC 6396 section 3: microseconds come before the body of an extended record, and are of its length. */
static const char *take_extended(struct tw_mrt *mrt, uint16_t subtype, struct tw_cursor body)
{
	uint32_t microseconds = tw_cursor_u32(&body);

	if (body.failed || microseconds >= 1000000)
		return "BGP4MP_ET record without microseconds below a second";
	mrt->time += microseconds * 1000ull;
	return tw_mrt_bgp4mp(mrt, subtype, body);
}

static const char *take_body(
	struct tw_mrt *mrt, uint16_t type, uint16_t subtype, struct tw_cursor body)
{
	switch (type) {
	case TYPE_TABLE_DUMP:
		return tw_mrt_table(mrt, subtype, body);
	case TYPE_TABLE_DUMP_V2:
		return tw_mrt_table_v2(mrt, subtype, body);
	case TYPE_BGP4MP:
		return tw_mrt_bgp4mp(mrt, subtype, body);
	case TYPE_BGP4MP_ET:
		return take_extended(mrt, subtype, body);
	default:
		mrt->counts.unknown++;
		return NULL;
	}
}

static void malformed(struct tw_mrt *mrt, const char *why)
{
	mrt->counts.malformed++;
	if (mrt->handler.malformed != NULL)
		mrt->handler.malformed(mrt->handler.arg, mrt->counts.records, mrt->start, why);
}

/* Passes over what is there of a record that is too long. */
static void pass_over(struct tw_mrt *mrt, struct tw_cursor *stream)
{
	size_t left = tw_cursor_left(stream);
	size_t n = mrt->pass_over < left ? (size_t)mrt->pass_over : left;

	tw_cursor_take(stream, n);
	mrt->pass_over -= n;
	mrt->counts.bytes += n;
}

/* Takes one record; false where it is not all there. */
static bool take_record(struct tw_mrt *mrt, struct tw_cursor *stream)
{
	struct tw_cursor record = *stream;
	uint32_t seconds = tw_cursor_u32(&record);
	uint16_t type = tw_cursor_u16(&record), subtype = tw_cursor_u16(&record);
	uint32_t length = tw_cursor_u32(&record);
	bool too_long = length > TW_MRT_RECORD_MAX;
	struct tw_cursor body = tw_cursor_part(&record, too_long ? 0 : length);
	const char *why;

	if (body.failed)
		return false;
	*stream = record;
	mrt->start = mrt->counts.bytes;
	mrt->counts.bytes += HEADER_SIZE;
	mrt->counts.records++;
	if (too_long) {
		mrt->pass_over = length;
		malformed(mrt, "a record longer than 16 MiB");
		return true;
	}
	mrt->counts.bytes += length;
	mrt->time = seconds * 1000000000ull;
	why = take_body(mrt, type, subtype, body);
	if (why != NULL)
		malformed(mrt, why);
	return true;
}

size_t tw_mrt_feed(struct tw_mrt *mrt, const uint8_t *data, size_t size)
{
	struct tw_cursor stream = tw_cursor(data, size);

	do
		pass_over(mrt, &stream);
	while (take_record(mrt, &stream));
	return size - tw_cursor_left(&stream);
}

const struct tw_mrt_counts *tw_mrt_counts(const struct tw_mrt *mrt)
{
	return &mrt->counts;
}

bool tw_mrt_is_cut(const struct tw_mrt *mrt, size_t left, uint64_t *record, uint64_t *offset)
{
	bool passing = mrt->pass_over > 0;

	*record = mrt->counts.records + !passing;
	*offset = passing ? mrt->start : mrt->counts.bytes;
	return passing || left > 0;
}
