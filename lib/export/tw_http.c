/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The server: one thread that polls all connections. Whatever a client does is bounded by libmicrohttpd's own limits,
 * set in start_daemon(), and by the time for a request (tw_http_clients.c); what it asks for is looked up in the two
 * tables of answers.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <zlib.h>

#include "tw_endpoint.h"
#include "tw_http_priv.h"

enum {
	HEADER_MAX = 32 * 1024, /* octets of a request, and of memory for it */
	TIMEOUT = 15,           /* seconds without an octet either way */
	GZIP_FROM = 1024,
	SEND_BUFFER =
		128 * 1024, /* of the kernel, for each connection; by itself it takes up to 4 MB */
	PORT = 9817,        /* of the example where the configured one is wrong */
};

/* ---- answering ---- */

double tw_http_weight(struct MHD_Connection *connection, const char *header, const char *value)
{
	const char *at = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, header);
	size_t length = strlen(value);

	for (; at != NULL && *at != '\0'; at += strcspn(at, ","), at += *at == ',') {
		size_t n;
		const char *q;

		at += strspn(at, " \t");
		if (strncasecmp(at, value, length) != 0 || strchr(" \t;,", at[length]) == NULL)
			continue;
		n = strcspn(at, ",");
		q = memmem(at, n, "q=", 2);
		return q != NULL ? strtod(q + 2, NULL) : 1;
	}
	return -1;
}

/* Compresses in place. Where that fails, the text stays as it is. */
static bool compress_body(struct tw_buffer *body)
{
	z_stream stream = {0};
	struct tw_buffer packed = {0};
	bool done = false;

	/* 15 bits of window, and 16 for gzip's own frame */
	if (deflateInit2(&stream, 4, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	packed.size = deflateBound(&stream, body->n);
	packed.text = malloc(packed.size);
	if (packed.text != NULL) {
		stream.next_in = (Bytef *)body->text;
		stream.avail_in = (uInt)body->n;
		stream.next_out = (Bytef *)packed.text;
		stream.avail_out = (uInt)packed.size;
		done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
		packed.n = stream.total_out;
	}
	deflateEnd(&stream);
	if (done)
		tw_buffer_free(body);
	else
		tw_buffer_free(&packed);
	if (done)
		*body = packed;
	return done;
}

/* Sends what is in the answer, and takes its body over. */
static enum MHD_Result send_answer(struct MHD_Connection *connection, struct tw_answer *answer)
{
	struct MHD_Response *response = answer->response;
	enum MHD_Result result;

	if (response == NULL) {
		answer->packed =
			answer->body.n >= GZIP_FROM &&
			tw_http_weight(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING, "gzip") > 0 &&
			compress_body(&answer->body);
		if (answer->body.error == 0)
			response = MHD_create_response_from_buffer(
				answer->body.n, answer->body.text, MHD_RESPMEM_MUST_FREE);
	}
	if (response == NULL) {
		tw_buffer_free(&answer->body);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Accept, Accept-Encoding");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (answer->policy != NULL) {
		MHD_add_response_header(response, "Content-Security-Policy", answer->policy);
		MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	}
	if (answer->packed)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	if (answer->status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
			"Basic realm=\"transitwatch\", charset=\"UTF-8\"");
	result = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return result;
}

/* What a request's own pointer points to. */
static char states[4];
enum {
	NEW,
	NEW_BAD,
	BEGUN,
	BEGUN_BAD
};

/* Sees the path as it was sent: an escaped NUL would end it early. */
static void *begin(void *arg, const char *path, struct MHD_Connection *connection)
{
	(void)arg;
	(void)connection;
	return strstr(path, "%00") == NULL ? &states[NEW] : &states[NEW_BAD];
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *connection, const char *path,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **state)
{
	struct tw_http *http = arg;
	struct tw_answer answer = {.status = MHD_HTTP_OK, .type = "application/json"};

	(void)version;
	(void)upload;
	/* The first call for a request has its header alone; what a client uploads is thrown away. */
	if (*state == &states[NEW] || *state == &states[NEW_BAD]) {
		*state = *state == &states[NEW] ? &states[BEGUN] : &states[BEGUN_BAD];
		return MHD_YES;
	}
	if (*upload_size > 0) {
		*upload_size = 0;
		return MHD_YES;
	}
	tw_clients_answer(http, connection);
	if (*state == &states[BEGUN_BAD])
		path = "";
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		tw_answer_error(&answer, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD alone");
	else if (!tw_http_may(http, connection))
		tw_answer_error(&answer, MHD_HTTP_UNAUTHORIZED,
			"authentication is needed: a user and a password, or a bearer token");
	else if (!tw_page_answer(path, &answer) && !tw_api_answer(http, connection, path, &answer))
		tw_answer_error(&answer, MHD_HTTP_NOT_FOUND, "no such path");
	return send_answer(connection, &answer);
}

/* ---- starting ---- */

static void ignore(void *arg, const char *format, va_list args)
{
	(void)arg;
	(void)format;
	(void)args;
}

/*
 * Whoever comes when all connections are taken is turned away at once. libmicrohttpd itself would leave him waiting in
 * the socket's queue, and once that is full whoever comes behind him, too.
 */
static enum MHD_Result admit(void *arg, const struct sockaddr *from, socklen_t length)
{
	const struct tw_http *http = arg;
	const union MHD_DaemonInfo *info =
		http->daemon != NULL
			? MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
			: NULL;

	(void)from;
	(void)length;
	return info == NULL || info->num_connections < TW_HTTP_CONNECTIONS ? MHD_YES : MHD_NO;
}

/* Connections have what the listening socket has. */
static void bound_send_buffers(struct MHD_Daemon *daemon)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_LISTEN_FD);
	const int size = SEND_BUFFER;

	if (info != NULL)
		setsockopt(info->listen_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static int start_daemon(struct tw_http *http, const struct tw_http_config *config,
	struct tw_endpoint *endpoint, struct tw_diag *diag)
{
	unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)(uintptr_t)tw_http_certificate},
		{MHD_OPTION_END, 0, NULL},
	};

	if (endpoint->address.ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	if (config->certificate != NULL)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	errno = 0;
	http->daemon = MHD_start_daemon(flags, 0, admit, http, answer, http, MHD_OPTION_SOCK_ADDR,
		(struct sockaddr *)&endpoint->address, MHD_OPTION_CONNECTION_LIMIT, TW_HTTP_CLIENTS,
		MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HEADER_MAX, MHD_OPTION_EXTERNAL_LOGGER, ignore, NULL,
		MHD_OPTION_URI_LOG_CALLBACK, begin, NULL, MHD_OPTION_NOTIFY_CONNECTION,
		tw_clients_notify, http, MHD_OPTION_NOTIFY_COMPLETED, tw_clients_answered, http,
		MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	if (http->daemon != NULL) {
		bound_send_buffers(http->daemon);
		return 0;
	}
	return tw_diag_add(diag, errno != 0 ? -errno : -EINVAL,
		"http.listen: %s: cannot be served: %s: choose another port", config->listen,
		errno != 0 ? strerror(errno) : "the server does not start");
}

static void write_url(struct tw_http *http)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_LISTEN_FD);
	char text[TW_ENDPOINT_TEXT] = "";

	if (info != NULL)
		tw_endpoint_of(info->listen_fd, text);
	snprintf(http->url, sizeof(http->url), "http%s://%s/",
		http->config.certificate != NULL ? "s" : "", text);
}

struct tw_http *tw_http_start(const struct tw_http_config *config,
	const struct tw_http_source *source, struct tw_diag *diag)
{
	struct tw_http *http = calloc(1, sizeof(*http));
	struct tw_endpoint endpoint;

	if (http == NULL) {
		tw_diag_add(diag, -ENOMEM, "no memory for the HTTP server");
		return NULL;
	}
	pthread_mutex_init(&http->lock, NULL);
	pthread_mutex_init(&http->secrets_lock, NULL);
	tw_clients_init(&http->clients);
	http->config = *config;
	http->source = source;
	http->series = tw_record_room(source->view);
	if (http->series == NULL || tw_metrics_init(&http->metrics, source->view) != 0 ||
		tw_json_init(&http->json, source->view, NULL) != 0) {
		tw_diag_add(diag, -ENOMEM, "no memory for the HTTP server");
	} else if (tw_clients_start(&http->clients) != 0) {
		tw_diag_add(diag, -EAGAIN, "no thread for the HTTP server's clients");
	} else if (tw_endpoint_read("http.listen", config->listen, PORT, &endpoint, diag) == 0 &&
		   tw_http_reload(http, diag) >= 0 &&
		   start_daemon(http, config, &endpoint, diag) == 0) {
		write_url(http);
		tw_history_notify(source->history, tw_stream_wake, http);
		return http;
	}
	tw_http_stop(http);
	return NULL;
}

const char *tw_http_url(const struct tw_http *http)
{
	return http->url;
}

void tw_http_stop(struct tw_http *http)
{
	if (http == NULL)
		return;
	atomic_store(&http->stopping, true);
	if (http->daemon != NULL) {
		tw_history_notify(http->source->history, NULL, NULL);
		tw_stream_wake(http);
		MHD_stop_daemon(http->daemon);
	}
	tw_clients_stop(&http->clients);
	tw_metrics_free(&http->metrics);
	tw_json_free(&http->json);
	tw_buffer_free(&http->encoded.text);
	free(http->series);
	tw_http_forget_secrets(&http->secrets);
	pthread_mutex_destroy(&http->secrets_lock);
	pthread_mutex_destroy(&http->lock);
	free(http);
}
