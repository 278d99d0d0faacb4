/* SPDX-License-Identifier: BSD-3-Clause */

/* What the paths of the API answer. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tw_http_priv.h"

void tw_answer_error(struct tw_answer *answer, unsigned int status, const char *message)
{
	answer->status = status;
	answer->type = "application/json";
	answer->body.n = 0;
	tw_buffer_format(
		&answer->body, "{\"error\":{\"status\":%u,\"message\":\"%s\"}}\n", status, message);
}

static const char *query(struct MHD_Connection *connection, const char *key)
{
	return MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, key);
}

/* The value of ?since=: Unix time, 0 where it is not given. Returns false with an answer where it is no number. */
static bool read_since(struct MHD_Connection *connection, uint64_t *since, struct tw_answer *answer)
{
	const char *text = query(connection, "since");
	char *end = NULL;

	*since = 0;
	if (text == NULL)
		return true;
	errno = 0;
	if (strspn(text, "0123456789") > 0)
		*since = strtoull(text, &end, 10);
	if (end != NULL && *end == '\0' && errno == 0)
		return true;
	tw_answer_error(answer, MHD_HTTP_BAD_REQUEST, "since: a Unix time in seconds");
	return false;
}

/* The index that ?target= names, -1 where it is not given, -2 where there is none like it. */
static int target_of(const struct tw_view *view, struct MHD_Connection *connection)
{
	const char *name = query(connection, "target");

	if (name == NULL)
		return -1;
	for (unsigned int i = 0; i < view->n_targets; i++)
		if (tw_view_target_there(view, i) &&
			strcmp(tw_view_target_name(view, i), name) == 0)
			return (int)i;
	return -2;
}

static void seconds(
	struct tw_http *http, struct MHD_Connection *connection, struct tw_answer *answer)
{
	int target = target_of(http->source->view, connection);
	uint64_t since;

	if (!read_since(connection, &since, answer))
		return;
	if (target == -2) {
		tw_answer_error(answer, MHD_HTTP_NOT_FOUND,
			"target: no such target: /api/v1/summary lists them");
		return;
	}
	answer->packed = tw_http_weight(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING, "gzip") > 0;
	answer->response = tw_seconds_response(http, since, target, &answer->packed);
	if (answer->response == NULL)
		answer->body.error = -ENOMEM;
}

static void stream(
	struct tw_http *http, struct MHD_Connection *connection, struct tw_answer *answer)
{
	uint64_t since;

	if (!read_since(connection, &since, answer))
		return;
	answer->type = "text/event-stream";
	answer->response = tw_stream_response(http, connection, since);
	if (answer->response == NULL)
		answer->body.error = -ENOMEM;
}

/* Who is watched: a list of the targets' names, and one of the upstreams. */
static void put_names(const struct tw_view *view, struct tw_buffer *out)
{
	json_t *targets = json_array(), *upstreams = json_array(), *object;
	char *text;

	for (unsigned int i = 0; i < view->n_targets; i++)
		if (tw_view_target_listed(view, i))
			json_array_append_new(targets, json_string(tw_view_target_name(view, i)));
	for (unsigned int i = 0; i < view->n_upstreams; i++)
		if (tw_view_upstream_there(view, i))
			json_array_append_new(upstreams,
				json_pack("{sIssss}", "upstream",
					(json_int_t)tw_view_upstream_asn(view, i), "name",
					tw_view_upstream_name(view, i), "kind",
					tw_upstream_kind_name(tw_view_upstream_kind(view, i))));
	object = json_pack("{sssssoso}", "version", view->version, "config", view->config_path,
		"targets", targets, "upstreams", upstreams);
	text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	if (text != NULL)
		tw_buffer_add(out, text + 1, strlen(text) - 1);
	else
		out->error = -ENOMEM;
	free(text);
}

static void summary(
	struct tw_http *http, struct MHD_Connection *connection, struct tw_answer *answer)
{
	struct tw_snapshot snapshot;

	(void)connection;
	if (tw_history_snapshot(http->source->history, &snapshot) != 0) {
		answer->body.error = -ENOMEM;
		return;
	}
	http->json.out = &answer->body;
	tw_json_summary(&http->json, &snapshot.summary);
	if (answer->body.n > 0)
		answer->body.n--; /* the brace: the names are of the same object */
	tw_buffer_text(&answer->body, snapshot.ended ? ",\"ended\":true," : ",\"ended\":false,");
	put_names(http->source->view, &answer->body);
	tw_buffer_text(&answer->body, "\n");
	tw_snapshot_free(&snapshot);
}

static bool wants_openmetrics(struct MHD_Connection *connection)
{
	double open =
		tw_http_weight(connection, MHD_HTTP_HEADER_ACCEPT, "application/openmetrics-text");

	return open > 0 && open >= tw_http_weight(connection, MHD_HTTP_HEADER_ACCEPT, "text/plain");
}

static void metrics(
	struct tw_http *http, struct MHD_Connection *connection, struct tw_answer *answer)
{
	bool open = wants_openmetrics(connection);
	struct tw_status status = {0};
	struct tw_snapshot snapshot;

	if (tw_history_snapshot(http->source->history, &snapshot) != 0) {
		answer->body.error = -ENOMEM;
		return;
	}
	http->source->status(http->source->arg, &status);
	tw_metrics_write(&http->metrics, &answer->body, &snapshot, &status, open);
	answer->type = open ? TW_METRICS_OPEN : TW_METRICS_TEXT;
	tw_snapshot_free(&snapshot);
}

static void events(
	struct tw_http *http, struct MHD_Connection *connection, struct tw_answer *answer)
{
	struct tw_event *events = calloc(TW_HISTORY_EVENTS, sizeof(*events));
	unsigned int n;

	(void)connection;
	if (events == NULL) {
		answer->body.error = -ENOMEM;
		return;
	}
	n = tw_history_events(http->source->history, events, TW_HISTORY_EVENTS);
	http->json.out = &answer->body;
	tw_buffer_text(&answer->body, "{\"events\":[");
	for (unsigned int i = 0; i < n; i++) {
		tw_buffer_text(&answer->body, i > 0 ? ",\n" : "");
		tw_json_event(&http->json, &events[i]);
	}
	tw_buffer_text(&answer->body, "]}\n");
	free(events);
}

static void explain(
	struct tw_http *http, struct MHD_Connection *connection, struct tw_answer *answer)
{
	const char *text = query(connection, "ip");
	struct tw_addr addr;

	if (text == NULL || tw_addr_parse(text, &addr) != 0)
		tw_answer_error(answer, MHD_HTTP_BAD_REQUEST,
			"ip: an IPv4 or IPv6 address, like ?ip=175.45.176.1");
	else
		http->source->explain(http->source->arg, &addr, &answer->body);
}

static void health(
	struct tw_http *http, struct MHD_Connection *connection, struct tw_answer *answer)
{
	(void)http;
	(void)connection;
	tw_buffer_text(&answer->body, "{\"status\":\"ok\"}\n");
}

static void readiness(
	struct tw_http *http, struct MHD_Connection *connection, struct tw_answer *answer)
{
	const char *reason = http->source->not_ready(http->source->arg);

	if (reason != NULL)
		tw_answer_error(answer, MHD_HTTP_SERVICE_UNAVAILABLE, reason);
	else
		health(http, connection, answer);
}

static const struct {
	const char *path;
	void (*answer)(
		struct tw_http *http, struct MHD_Connection *connection, struct tw_answer *answer);
} routes[] = {
	{"/metrics", metrics},
	{"/api/v1/seconds", seconds},
	{"/api/v1/summary", summary},
	{"/api/v1/events", events},
	{"/api/v1/explain", explain},
	{"/api/v1/stream", stream},
	{"/healthz", health},
	{"/readyz", readiness},
};

bool tw_api_answer(struct tw_http *http, struct MHD_Connection *connection, const char *path,
	struct tw_answer *answer)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(routes[i].path, path) != 0)
			continue;
		routes[i].answer(http, connection, answer);
		return true;
	}
	return false;
}
