/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * /api/v1/seconds, which may be gigabytes: made while it is sent, as fast as the client takes it.
 *
 *   {"seconds":[    ,\n{...}    ,\n{...}    ]}
 *   head            a record each           tail          the first record's ",\n" is skipped
 *
 * A reader is a place in this text: which record, and how many octets of it are sent. Nothing of the text is kept for
 * it: the record that was encoded last, for whomever, is the server's one buffer, and who finds another one there
 * encodes his own again, which gives the same octets since records never change. What 128 slow readers cost is then
 * the same however long a second's text is; with gzip a deflate state each, made small.
 *
 * The last record is settled with the request. Those before it may leave the history while a slow client reads: then
 * the answer ends with an error (a chunked body without its last chunk), never with a hole.
 */

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "tw_http_priv.h"

struct tw_seconds {
	struct tw_http *http;
	int target; /* whose series; -1: all */
	enum tw_part {
		HEAD,
		RECORDS,
		TAIL,
		NOTHING,
	} part;
	uint64_t sequence; /* of the record to send, or of one before it that is no second */
	uint64_t end;      /* the sequence behind the last */
	size_t offset;     /* what is sent of the part, or of the record */
	bool begun;        /* with a record */
	bool lost;         /* a record that was to be sent is no longer kept */
	bool packed;
	z_stream stream;
};

enum {
	BLOCK = 32 * 1024,
	/* 8 KB of window, and 16 for gzip's own frame: 64 KB a reader, where 15 and 8 take 256 KB */
	WINDOW = 13 + 16,
	MEMORY = 6,
	LEVEL = 1, /* twice as fast as 4, for a tenth more octets: whoever asks occupies the thread */
	SEPARATOR = 2,
};

/* Encodes a record, unless it is what was encoded last. */
static void encode(struct tw_seconds *s, const struct tw_record *record)
{
	struct tw_http *http = s->http;
	struct tw_encoded *encoded = &http->encoded;
	struct tw_second second;

	if (encoded->text.n > 0 && encoded->sequence == record->sequence &&
		encoded->target == s->target)
		return;
	encoded->text.n = 0;
	encoded->sequence = record->sequence;
	encoded->target = s->target;
	http->json.out = &encoded->text;
	tw_buffer_text(&encoded->text, ",\n");
	second = tw_record_second(record, http->series);
	tw_json_second(&http->json, &second, s->target);
	tw_record_clear(record, http->series);
}

/* Makes the server's buffer hold the record to send. Returns false where there is none. */
static bool find_record(struct tw_seconds *s)
{
	struct tw_history *history = s->http->source->history;

	while (s->sequence < s->end && !s->lost) {
		const struct tw_record *record;
		bool found;

		if (tw_history_records(history, s->sequence, &record, 1) == 0)
			return false;
		/* Before the first one is sent, what leaves the history only makes the answer shorter. */
		s->lost = s->begun && record->sequence != s->sequence;
		s->sequence = record->sequence;
		found = !s->lost && s->sequence < s->end && record->kind == TW_RECORD_SECOND;
		if (found)
			encode(s, record);
		tw_history_release(history, &record, 1);
		if (found && !s->begun)
			s->offset = SEPARATOR;
		s->begun |= found;
		if (found)
			return true;
		if (!s->lost)
			s->sequence++;
	}
	return false;
}

/* What comes next: its length, 0 behind the end. */
static size_t peek(struct tw_seconds *s, const char **text)
{
	static const char head[] = "{\"seconds\":[", tail[] = "]}\n";

	if (s->part == RECORDS && find_record(s)) {
		*text = s->http->encoded.text.text + s->offset;
		return s->http->encoded.text.n - s->offset;
	}
	if (s->part == RECORDS)
		s->part = TAIL;
	*text = (s->part == HEAD ? head : tail) + s->offset;
	return s->part == NOTHING ? 0 : strlen(*text);
}

/* `n` octets of the `length` that peek() has shown are taken. */
static void take(struct tw_seconds *s, size_t n, size_t length)
{
	s->offset += n;
	if (n < length)
		return;
	s->offset = 0;
	if (s->part == RECORDS)
		s->sequence++;
	else
		s->part++;
}

static bool failed(const struct tw_seconds *s)
{
	return s->lost || s->http->encoded.text.error != 0;
}

static size_t copy(struct tw_seconds *s, char *to, size_t size)
{
	const char *text;
	size_t done = 0, length;

	while (done < size && (length = peek(s, &text)) > 0 && !failed(s)) {
		size_t n = length < size - done ? length : size - done;

		memcpy(to + done, text, n);
		done += n;
		take(s, n, length);
	}
	return done;
}

static size_t deflate_into(struct tw_seconds *s, char *to, size_t size)
{
	int err = Z_OK;

	s->stream.next_out = (Bytef *)to;
	s->stream.avail_out = (uInt)size;
	while (s->stream.avail_out > 0 && err == Z_OK && !failed(s)) {
		const char *text;
		size_t length = peek(s, &text);

		s->stream.next_in = (Bytef *)(uintptr_t)text;
		s->stream.avail_in = (uInt)length;
		err = deflate(&s->stream, length > 0 ? Z_NO_FLUSH : Z_FINISH);
		if (length > 0)
			take(s, length - s->stream.avail_in, length);
	}
	return size - s->stream.avail_out;
}

static ssize_t read_seconds(void *arg, uint64_t position, char *to, size_t size)
{
	struct tw_seconds *s = arg;
	size_t n;

	(void)position;
	if (atomic_load(&s->http->stopping))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = s->packed ? deflate_into(s, to, size) : copy(s, to, size);
	if (failed(s))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	return n > 0 ? (ssize_t)n : MHD_CONTENT_READER_END_OF_STREAM;
}

static void forget(void *arg)
{
	struct tw_seconds *s = arg;

	if (s->packed)
		deflateEnd(&s->stream);
	free(s);
}

struct MHD_Response *tw_seconds_response(
	struct tw_http *http, uint64_t since, int target, bool *packed)
{
	struct tw_history *history = http->source->history;
	struct tw_seconds *s = calloc(1, sizeof(*s));
	struct MHD_Response *response;

	if (s == NULL)
		return NULL;
	s->http = http;
	s->target = target;
	/* The end first: a second that closes in between is not both too late and asked for. */
	s->end = tw_history_find(history, UINT64_MAX);
	s->sequence = tw_history_find(history, since);
	s->packed = *packed && deflateInit2(&s->stream, LEVEL, Z_DEFLATED, WINDOW, MEMORY,
				       Z_DEFAULT_STRATEGY) == Z_OK;
	*packed = s->packed;
	response =
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_seconds, s, forget);
	if (response == NULL)
		forget(s);
	return response;
}
