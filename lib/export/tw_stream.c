/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Server-sent events (WHATWG HTML, section 9.2). A stream reads the history at its own pace, by sequence: a client that
 * is slower than the seconds come skips those that are no longer kept, and costs nobody anything. One that has all
 * there is sleeps in a list, from which the aggregator's thread wakes it.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tw_http_priv.h"

struct tw_stream {
	struct tw_http *http;
	struct MHD_Connection *connection;
	struct tw_stream *next; /* among those that wait; under the lock */
	uint64_t sequence;      /* of the record to send next */
	bool ended;             /* the summary was sent */
	struct tw_buffer out;   /* not yet sent */
	size_t sent;            /* of it */
};

enum {
	BLOCK = 64 *
		1024, /* what a stream may send at once; what is gathered for it, but for the last record */
};

static void put_end(struct tw_stream *s)
{
	struct tw_snapshot snapshot;

	if (tw_history_snapshot(s->http->source->history, &snapshot) != 0)
		return;
	/* The last record may have come in between: then it goes first. */
	if (snapshot.ended && snapshot.n_records == s->sequence) {
		tw_buffer_text(&s->out, "event: end\ndata: ");
		tw_json_summary(&s->http->json, &snapshot.summary);
		tw_buffer_text(&s->out, "\n\n");
		s->ended = true;
	}
	tw_snapshot_free(&snapshot);
}

static void put_record(struct tw_stream *s, const struct tw_record *record)
{
	static const char *const kinds[] = {"second", "gap", "event", "routes"};
	struct tw_routes_view routes;
	struct tw_second second;

	tw_buffer_format(&s->out, "event: %s\n", kinds[record->kind]);
	/* The second of these routes is yet to come: whoever goes on behind the last id must not miss it. */
	if (record->kind != TW_RECORD_ROUTES)
		tw_buffer_format(&s->out, "id: %" PRIu64 "\n", record->time);
	tw_buffer_text(&s->out, "data: ");
	if (record->kind == TW_RECORD_GAP) {
		tw_json_gap(&s->http->json, record->gap, record->time);
	} else if (record->kind == TW_RECORD_EVENT) {
		tw_json_event(&s->http->json, &record->event);
	} else if (record->kind == TW_RECORD_ROUTES) {
		routes = tw_record_routes(record, s->http->series);
		tw_json_routes(&s->http->json, &routes);
		tw_record_clear(record, s->http->series);
	} else {
		second = tw_record_second(record, s->http->series);
		tw_json_second(&s->http->json, &second, -1);
		tw_record_clear(record, s->http->series);
	}
	tw_buffer_text(&s->out, "\n\n");
	s->sequence = record->sequence + 1;
}

/* Fills the buffer with what there is to tell. */
static void fill(struct tw_stream *s)
{
	struct tw_history *history = s->http->source->history;
	const struct tw_record *record;

	s->out.n = s->sent = 0;
	s->http->json.out = &s->out;
	while (s->out.n < BLOCK && tw_history_records(history, s->sequence, &record, 1) > 0) {
		put_record(s, record);
		tw_history_release(history, &record, 1);
	}
	if (s->out.n == 0)
		put_end(s);
}

/* Puts the stream to sleep, unless something came meanwhile. */
static void wait_for_more(struct tw_stream *s)
{
	struct tw_http *http = s->http;

	/* Whoever adds a record wakes streams behind that, under the lock: none is missed in between. */
	pthread_mutex_lock(&http->lock);
	if (!tw_history_goes_on(http->source->history, s->sequence) &&
		!atomic_load(&http->stopping)) {
		s->next = http->streams;
		http->streams = s;
		MHD_suspend_connection(s->connection);
	}
	pthread_mutex_unlock(&http->lock);
}

static ssize_t read_stream(void *arg, uint64_t position, char *to, size_t size)
{
	struct tw_stream *s = arg;
	size_t n;

	(void)position;
	if (atomic_load(&s->http->stopping))
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (s->sent == s->out.n) {
		if (s->ended)
			return MHD_CONTENT_READER_END_OF_STREAM;
		fill(s);
	}
	if (s->out.error != 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = s->out.n - s->sent < size ? s->out.n - s->sent : size;
	if (n == 0)
		wait_for_more(s);
	else
		memcpy(to, s->out.text + s->sent, n);
	s->sent += n;
	return (ssize_t)n;
}

static void forget(void *arg)
{
	struct tw_stream *s = arg;

	pthread_mutex_lock(&s->http->lock);
	for (struct tw_stream **at = &s->http->streams; *at != NULL; at = &(*at)->next)
		if (*at == s) {
			*at = s->next;
			break;
		}
	pthread_mutex_unlock(&s->http->lock);
	tw_buffer_free(&s->out);
	free(s);
}

void tw_stream_wake(void *arg)
{
	struct tw_http *http = arg;

	pthread_mutex_lock(&http->lock);
	while (http->streams != NULL) {
		struct tw_stream *s = http->streams;

		http->streams = s->next;
		s->next = NULL;
		MHD_resume_connection(s->connection);
	}
	pthread_mutex_unlock(&http->lock);
}

/* Where to begin: behind the last event that the client has seen, at ?since=, or with what comes next. */
static uint64_t find_start(
	struct tw_history *history, struct MHD_Connection *connection, uint64_t since)
{
	const char *last =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Last-Event-ID");

	if (last != NULL && strspn(last, "0123456789") > 0)
		since = strtoull(last, NULL, 10) + 1;
	return tw_history_find(history, since == 0 ? UINT64_MAX : since);
}

struct MHD_Response *tw_stream_response(
	struct tw_http *http, struct MHD_Connection *connection, uint64_t since)
{
	struct tw_stream *s = calloc(1, sizeof(*s));
	struct MHD_Response *response;

	if (s == NULL)
		return NULL;
	*s = (struct tw_stream){.http = http, .connection = connection};
	s->sequence = find_start(http->source->history, connection, since);
	response =
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_stream, s, forget);
	if (response == NULL)
		forget(s);
	return response;
}
