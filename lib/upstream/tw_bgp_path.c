/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * AS paths. Whatever their source wrote (ASNs of 2 or of 4 octets, a true path beside one of placeholders, confederation
 * segments, a sequence in two segments where one would do), what comes out has one form: equal paths are equal octets.
 */

#include <errno.h>
#include <stdio.h>

#include "tw_bgp_priv.h"

/* Segments that are never handed on (RFC 5065 section 3): they are of the inside of a neighbour's AS. */
enum {
	CONFED_SEQUENCE = 3,
	CONFED_SET = 4,
};

#define SEGMENT_MAX 255
#define AS_TRANS    23456

/* An AS_PATH or AS4_PATH as it came. */
struct raw_path {
	struct tw_cursor octets;
	bool as4;
	bool present;
};

struct writer {
	uint8_t *buffer;
	size_t size;
	size_t segment; /* where the last one starts; meaningless while size is 0 */
};

static void open_segment(struct writer *writer, uint8_t type)
{
	writer->segment = writer->size;
	writer->buffer[writer->size++] = type;
	writer->buffer[writer->size++] = 0;
}

static void put_asn(struct writer *writer, uint32_t asn)
{
	uint8_t *at = writer->buffer + writer->size;

	at[0] = (uint8_t)(asn >> 24);
	at[1] = (uint8_t)(asn >> 16);
	at[2] = (uint8_t)(asn >> 8);
	at[3] = (uint8_t)asn;
	writer->size += 4;
	writer->buffer[writer->segment + 1]++;
}

static void put_in_sequence(struct writer *writer, uint32_t asn)
{
	const uint8_t *last = writer->buffer + writer->segment;

	if (writer->size == 0 || last[0] != TW_BGP_SEQUENCE || last[1] == SEGMENT_MAX)
		open_segment(writer, TW_BGP_SEQUENCE);
	put_asn(writer, asn);
}

static uint8_t next_segment(struct tw_cursor *path, bool as4, struct tw_cursor *asns)
{
	uint8_t type = tw_cursor_u8(path);
	uint8_t count = tw_cursor_u8(path);

	*asns = tw_cursor_part(path, count * (as4 ? 4u : 2u));
	return type;
}

/*
 * The number of ASes of a path as RFC 4271 section 9.1.2.2 and RFC 5065 section 5.3 count them: a set is one, what
 * is of a confederation is none. NULL, or what is wrong with the path.
 */
static const char *count_path(const struct raw_path *raw, uint32_t *count)
{
	struct tw_cursor path = raw->octets;

	*count = 0;
	while (tw_cursor_left(&path) > 0) {
		struct tw_cursor asns;
		uint8_t type = next_segment(&path, raw->as4, &asns);

		if (path.failed)
			return "AS_PATH ends within a segment";
		switch (type) {
		case TW_BGP_SEQUENCE:
			*count += (uint32_t)(tw_cursor_left(&asns) / (raw->as4 ? 4 : 2));
			break;
		case TW_BGP_SET:
			*count += tw_cursor_left(&asns) > 0;
			break;
		case CONFED_SEQUENCE:
		case CONFED_SET:
			break;
		default:
			return "AS_PATH has a segment of unknown type";
		}
	}
	return NULL;
}

/* Appends the first `limit` ASes of a path that count_path() found good. */
static void write_path(struct writer *writer, const struct raw_path *raw, uint32_t limit)
{
	struct tw_cursor path = raw->octets;

	while (limit > 0 && tw_cursor_left(&path) > 0) {
		struct tw_cursor asns;
		uint8_t type = next_segment(&path, raw->as4, &asns);

		if ((type != TW_BGP_SEQUENCE && type != TW_BGP_SET) || tw_cursor_left(&asns) == 0)
			continue;
		if (type == TW_BGP_SET) {
			open_segment(writer, TW_BGP_SET);
			limit--;
		}
		while (tw_cursor_left(&asns) > 0 && (type == TW_BGP_SET || limit > 0)) {
			uint32_t asn = raw->as4 ? tw_cursor_u32(&asns) : tw_cursor_u16(&asns);

			if (type == TW_BGP_SET) {
				put_asn(writer, asn);
			} else {
				put_in_sequence(writer, asn);
				limit--;
			}
		}
	}
}

/* What the attributes say of the path. */
struct attributes {
	struct raw_path path;
	struct raw_path path4;
	/* AGGREGATOR names a true ASN, and AS4_AGGREGATOR is there as well. */
	bool old_aggregator, as4_aggregator;
};

static void take_attribute(struct attributes *found, uint8_t type, struct tw_cursor value, bool as4)
{
	struct raw_path *raw = type == TW_ATTRIBUTE_AS_PATH ? &found->path : &found->path4;

	switch (type) {
	case TW_ATTRIBUTE_AS_PATH:
	case TW_ATTRIBUTE_AS4_PATH:
		/* The first of its kind counts (RFC 7606 section 3, item g). */
		if (!raw->present)
			*raw = (struct raw_path){
				.octets = value,
				.as4 = as4 || type == TW_ATTRIBUTE_AS4_PATH,
				.present = true,
			};
		break;
	case TW_ATTRIBUTE_AGGREGATOR:
		found->old_aggregator = tw_cursor_u16(&value) != AS_TRANS;
		break;
	case TW_ATTRIBUTE_AS4_AGGREGATOR:
		found->as4_aggregator = true;
		break;
	default:
		break;
	}
}

/*
 * Whether AS4_PATH tells the path's end better (RFC 6793 sections 4.1 and 4.2.3): never from a speaker of 4-octet
 * ASNs; not where an old speaker aggregated since, or shortened the path since. One that is malformed is none
 * (section 6).
 */
static bool as4_path_counts(const struct attributes *found, bool as4, uint32_t n, uint32_t *n4)
{
	if (as4 || !found->path4.present || (found->old_aggregator && found->as4_aggregator))
		return false;
	return count_path(&found->path4, n4) == NULL && *n4 <= n;
}

int tw_bgp_path(const uint8_t *attributes, size_t size, bool as4, uint8_t *buffer,
	struct tw_bgp_path *path, const char **why)
{
	struct tw_cursor cursor = tw_cursor(attributes, size);
	struct writer writer = {.buffer = buffer};
	struct attributes found = {0};
	uint32_t n, n4 = 0;

	*why = "path attributes longer than 65535 octets";
	if (size > UINT16_MAX)
		return -EBADMSG;
	while (tw_cursor_left(&cursor) > 0) {
		struct tw_cursor value;
		uint8_t type = tw_bgp_attribute(&cursor, &value);

		*why = "a path attribute is cut";
		if (value.failed)
			return -EBADMSG;
		take_attribute(&found, type, value, as4);
	}
	*why = "no AS_PATH";
	if (!found.path.present)
		return -ENODATA;
	*why = count_path(&found.path, &n);
	if (*why != NULL)
		return -EBADMSG;
	if (as4_path_counts(&found, as4, n, &n4)) {
		write_path(&writer, &found.path, n - n4);
		write_path(&writer, &found.path4, n4);
	} else {
		write_path(&writer, &found.path, n);
	}
	*path = (struct tw_bgp_path){.segments = buffer, .size = writer.size};
	return 0;
}

/* Appends as much as has room. */
static size_t append(char *text, size_t size, size_t at, const char *what)
{
	size_t length = strlen(what);

	if (at + length < size)
		memcpy(text + at, what, length + 1);
	return at + length;
}

char *tw_bgp_path_format(const struct tw_bgp_path *path, char *text, size_t size)
{
	static const char more[] = "...";
	struct tw_cursor cursor = tw_cursor(path->segments, path->size);
	size_t at = 0, whole = 0;

	text[0] = '\0';
	while (tw_cursor_left(&cursor) > 0 && at < size) {
		struct tw_cursor asns;
		bool set = next_segment(&cursor, true, &asns) == TW_BGP_SET;

		for (bool first = true; tw_cursor_left(&asns) > 0 && at < size; first = false) {
			char one[16];

			snprintf(one, sizeof(one), "%s%s%u", at > 0 ? " " : "",
				set && first ? "{" : "", tw_cursor_u32(&asns));
			at = append(text, size, at, one);
			if (set && tw_cursor_left(&asns) == 0)
				at = append(text, size, at, "}");
			if (at + sizeof(more) < size)
				whole = at;
		}
	}
	if (at >= size && size > sizeof(more)) {
		text[whole] = '\0';
		append(text, size, whole, whole > 0 ? " ..." : more);
	}
	return text;
}
