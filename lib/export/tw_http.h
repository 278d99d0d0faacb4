/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_HTTP_H
#define TW_HTTP_H

/*
 * The HTTP server: metrics, API, and the page. It reads the history, and asks whoever made it for the rest.
 *
 *   /                                   the page
 *   /metrics                            Prometheus text or OpenMetrics, as the client accepts
 *   /api/v1/seconds?since=T&target=N    {"seconds":[...]}: those kept, from T on, of one target or of all
 *   /api/v1/summary                     the sums so far, and who is watched
 *   /api/v1/events                      {"events":[...]}: the latest
 *   /api/v1/explain?ip=A                what an address is, and why
 *   /api/v1/stream[?since=T]            server-sent events: second, event, gap, routes, end (WHATWG HTML, section 9.2)
 *   /healthz, /readyz                   200 or 503 (ready: seconds close)
 *
 * /api/v1/seconds is made while it is sent: it ends with what had closed when it was asked for, and is cut where the
 * client is so slow that the history forgets what is still to come.
 *
 * What is wrong is answered as {"error":{"status":404,"message":"..."}}. GET and HEAD alone; answers of more than a
 * kilobyte are compressed where the client takes gzip. At most TW_HTTP_CONNECTIONS at once, each with a bounded
 * header, a time-out, and a time to ask in; whoever comes beside them is closed at once. A client that is slow, broken
 * or hostile costs its own connection.
 *
 * Threads: one of its own, which libmicrohttpd starts, and one that looks after clients that are late; the functions
 * here are the control core's.
 */

#include <stdbool.h>

#include "tw_metrics.h"

#define TW_HTTP_CONNECTIONS 128

/* The texts outlive the server. */
struct tw_http_config {
	const char *listen;      /* as tw_endpoint.h has it; port 0: any that is free */
	const char *certificate; /* paths of PEM files, both or neither: TLS */
	const char *key;
	const char *user; /* of basic authentication (RFC 7617), with password_file; or NULL */
	const char *password_file;
	const char *token_file; /* of bearer tokens (RFC 6750); or NULL */
};

/* Where answers come from. The functions are called by the server's thread. */
struct tw_http_source {
	const struct tw_view *view;
	struct tw_history *history;
	void *arg;
	void (*status)(void *arg, struct tw_status *status);
	/* Adds a JSON object on an address. */
	void (*explain)(void *arg, const struct tw_addr *addr, struct tw_buffer *out);
	/* NULL, or why there is nothing to rely on yet. */
	const char *(*not_ready)(void *arg);
};

struct tw_http;

/*
 * Opens the port and starts the thread. `source` and what it points to outlive the server; the history's notify is
 * taken. Returns NULL with a line in *diag.
 */
struct tw_http *tw_http_start(const struct tw_http_config *config,
	const struct tw_http_source *source, struct tw_diag *diag);
/*
 * Reads certificate, key, password and token again: all or, where any of them is bad, none. Connections go on; the next
 * request and the next handshake are held against what is new. Returns 1, 0 where there are no such files, or -errno
 * with a line in *diag.
 */
int tw_http_reload(struct tw_http *http, struct tw_diag *diag);

/* Ends streams, closes connections, ends the thread. */
void tw_http_stop(struct tw_http *http);

/* "http://127.0.0.1:9817/" */
const char *tw_http_url(const struct tw_http *http);

#endif
