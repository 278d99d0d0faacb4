/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_HTTP_PRIV_H
#define TW_HTTP_PRIV_H

/* What server, API and stream share. */

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <gnutls/abstract.h>
#include <microhttpd.h>

#include "tw_http.h"
#include "tw_json.h"

struct tw_stream;

/* A second of the history as text: one for all readers (tw_http_seconds.c). */
struct tw_encoded {
	uint64_t sequence;
	int target;
	struct tw_buffer text; /* empty: of none */
};

/* What the files that guard the server hold; NULL where there is none. */
struct tw_secrets {
	char *certificate, *key; /* PEM */
	const char *user;        /* the configuration's */
	char *password, *token;
};

/* Beside those that are served: connections to turn somebody away by. */
#define TW_HTTP_SPARE   8
#define TW_HTTP_CLIENTS (TW_HTTP_CONNECTIONS + TW_HTTP_SPARE)

/* A connection, and whether its client has to ask (tw_http_clients.c). */
struct tw_client {
	int fd;       /* libmicrohttpd's; -1: there is none */
	bool waits;   /* for a request; else an answer is under way */
	time_t since; /* monotonic seconds: when it began to wait */
};

struct tw_clients {
	pthread_mutex_t lock;
	pthread_cond_t end;
	bool ends;                                 /* under the lock */
	struct tw_client clients[TW_HTTP_CLIENTS]; /* likewise */
	bool runs;
	pthread_t thread;
};

struct tw_http {
	struct MHD_Daemon *_Atomic daemon; /* NULL until it has started: clients may come before */
	struct tw_clients clients;
	const struct tw_http_source *source;
	struct tw_metrics metrics;
	struct tw_json json;            /* the thread's own, of answers; its buffer is swapped in */
	struct tw_series_count *series; /* [n_series], 0 between uses */
	struct tw_encoded encoded;
	char url[96];

	struct tw_http_config config;
	pthread_mutex_t secrets_lock;
	struct tw_secrets secrets; /* under the lock: the control core replaces them */

	pthread_mutex_t lock;      /* of the streams */
	struct tw_stream *streams; /* that wait for the next second */
	atomic_bool stopping;
};

/* An answer in the making: a body, or a response that makes its own while it is sent. */
struct tw_answer {
	unsigned int status;
	const char *type;   /* of the content */
	const char *policy; /* Content-Security-Policy, or NULL */
	struct tw_buffer body;
	struct MHD_Response *response; /* NULL: the body */
	bool packed;                   /* what the response sends is gzip's */
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

/* Whether a request has what opens the server. */
bool tw_http_may(struct tw_http *http, struct MHD_Connection *connection);
/* GnuTLS asks it for the certificate of a handshake; its arguments are gnutls_certificate_retrieve_function3's. */
int tw_http_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
	gnutls_pcert_st **certificates, unsigned int *length, gnutls_ocsp_data_st **ocsp,
	unsigned int *ocsp_length, gnutls_privkey_t *key, unsigned int *flags);
void tw_http_forget_secrets(struct tw_secrets *secrets);

/* Made once with the server, before its daemon, and stopped behind it. Returns 0 or -errno. */
void tw_clients_init(struct tw_clients *clients);
int tw_clients_start(struct tw_clients *clients);
void tw_clients_stop(struct tw_clients *clients);
/* libmicrohttpd's MHD_NotifyConnectionCallback and MHD_RequestCompletedCallback. `arg` is the server. */
void tw_clients_notify(void *arg, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode what);
void tw_clients_answered(void *arg, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode how);
/* The whole request is there. */
void tw_clients_answer(struct tw_http *http, struct MHD_Connection *connection);

/* The same for the page and its parts. */
bool tw_page_answer(const char *path, struct tw_answer *answer);

/* A stream as the answer to a request, behind time `since` (0: from now on). NULL: no memory. */
struct MHD_Response *tw_stream_response(
	struct tw_http *http, struct MHD_Connection *connection, uint64_t since);
/* Wakes the streams of an HTTP server that wait. Any thread. */
void tw_stream_wake(void *arg);

/*
 * The seconds from `since` on, of one target or (-1) of all, as they are asked for. *packed: whether gzip is wanted,
 * and then whether it is had. NULL: no memory.
 */
struct MHD_Response *tw_seconds_response(
	struct tw_http *http, uint64_t since, int target, bool *packed);

#endif
