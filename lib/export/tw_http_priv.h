/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_HTTP_PRIV_H
#define TW_HTTP_PRIV_H

/* What server, API and stream share. */

#include <pthread.h>
#include <stdatomic.h>

#include <microhttpd.h>

#include "tw_http.h"
#include "tw_json.h"

struct tw_stream;

struct tw_http {
	struct MHD_Daemon *daemon;
	const struct tw_http_source *source;
	struct tw_metrics metrics;
	struct tw_json json;            /* the thread's own, of answers; its buffer is swapped in */
	struct tw_series_count *series; /* [n_series], 0 between uses */
	char url[96];

	char *certificate, *key; /* texts */
	char *user, *password, *token;

	pthread_mutex_t lock;      /* of the streams */
	struct tw_stream *streams; /* that wait for the next second */
	atomic_bool stopping;
};

/* An answer in the making. */
struct tw_answer {
	unsigned int status;
	const char *type;   /* of the content */
	const char *policy; /* Content-Security-Policy, or NULL */
	struct tw_buffer body;
};

/* Makes it an error, whose message has no need of escapes. */
void tw_answer_error(struct tw_answer *answer, unsigned int status, const char *message);

/* Answers a path. Returns false where there is none like it. */
bool tw_api_answer(struct tw_http *http, struct MHD_Connection *connection, const char *path,
	struct tw_answer *answer);

/*
 * The weight that a header like Accept gives a value (RFC 9110, section 12.4.2): 0 to 1; -1 where it does not name it.
 */
double tw_http_weight(struct MHD_Connection *connection, const char *header, const char *value);

/* The same for the page and its parts. */
bool tw_page_answer(const char *path, struct tw_answer *answer);

/* Starts a stream as the answer to a request. */
enum MHD_Result tw_stream_start(struct tw_http *http, struct MHD_Connection *connection);
/* Wakes the streams of an HTTP server that wait. Any thread. */
void tw_stream_wake(void *arg);

/* The value of ?since=: Unix time, 0 where it is not given. Returns false where it is no number. */
bool tw_api_since(struct MHD_Connection *connection, uint64_t *since);

#endif
