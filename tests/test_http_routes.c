/* SPDX-License-Identifier: BSD-3-Clause */

/* Routes over HTTP: the summary, the stream as it is read by a client, and metrics. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "tw_http.h"
#include "tw_test_routes.h"

static struct tw_history *history;
static struct tw_http *http;

static void status(void *arg, struct tw_status *told)
{
	told->dpdk = "x";
}

static void explain(void *arg, const struct tw_addr *addr, struct tw_buffer *to)
{
	tw_buffer_text(to, "{}");
}

static const char *not_ready(void *arg)
{
	return NULL;
}

/* The answer to a GET, to its end: HTTP/1.0 has no chunks, and connections end. */
static char *get(const char *path)
{
	const char *port = strrchr(tw_http_url(http), ':') + 1;
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	const struct timeval patience = {.tv_sec = 10};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct tw_buffer answer = {0};
	char text[4096];
	ssize_t n;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	n = snprintf(text, sizeof(text), "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);
	assert_int_equal(write(fd, text, (size_t)n), n);
	while ((n = read(fd, text, sizeof(text))) > 0)
		tw_buffer_add(&answer, text, (size_t)n);
	assert_int_equal(n, 0); /* not out of patience */
	close(fd);
	tw_buffer_add(&answer, "", 1);
	assert_int_equal(answer.error, 0);
	return answer.text;
}

/* Two seconds with the same routes, then it ends, so that a stream does. */
static int set_up(void **state)
{
	static struct tw_http_source source = {
		.view = &routed, .status = status, .explain = explain, .not_ready = not_ready};
	const struct tw_http_config config = {.listen = "127.0.0.1:0"};
	struct tw_second second = routed_second();
	struct tw_summary summary = {.seconds = 2};
	struct tw_diag diag = {0};
	struct tw_sink *sink;

	history = tw_history_create(&routed, 10, &diag);
	if (history == NULL)
		return -1;
	source.history = history;
	http = tw_http_start(&config, &source, &diag);
	if (http == NULL)
		return -1;
	sink = tw_history_sink(history);
	sink->routes(sink, &routes);
	sink->second(sink, &second);
	second.time++;
	sink->second(sink, &second);
	return sink->summary(sink, &summary);
}

static int tear_down(void **state)
{
	tw_http_stop(http);
	tw_history_free(history);
	return 0;
}

static void test_summary(void **state)
{
	char *text = get("/api/v1/summary");

	assert_non_null(strstr(text,
		",\"routing\":[{\"target\":\"KP\",\"agree\":{\"packets\":80,\"bytes\":8000},"));
	assert_non_null(strstr(text, ",\"routes\":{\"time\":1506848870,\"routes_time\":1506848810,"
				     "\"vantage_points\":12,\"stale\":1,\"shares\":[{\"target\":"
				     "\"KP\",\"upstream\":4837,"));
	assert_non_null(strstr(text, "\"rib_age\":62}")); /* in the last second */
	/* Places that nobody has taken are in no list. */
	assert_non_null(strstr(text, "{\"upstream\":3356,\"name\":\"\",\"kind\":\"found\"},"
				     "{\"upstream\":0,\"name\":\"other\",\"kind\":\"other\"},"));
	free(text);
}

/* What was read before the first second by these routes has no id to go on behind. */
static void test_stream(void **state)
{
	char *text = get("/api/v1/stream?since=1506848871");
	char *event = strstr(text, "\r\n\r\n");

	assert_non_null(event);
	event += 4;
	assert_int_equal(
		strncmp(event, "event: routes\ndata: {\"type\":\"routes\",\"time\":1506848870,",
			55),
		0);
	event = strstr(event, "\n\n");
	assert_non_null(event);
	assert_int_equal(strncmp(event + 2, "event: second\nid: 1506848871\ndata: {", 36), 0);
	event = strstr(event + 2, "\n\n");
	assert_int_equal(strncmp(event + 2, "event: second\nid: 1506848872\ndata: {", 36), 0);
	assert_non_null(strstr(event, ",\"routing\":[{"));
	event = strstr(event + 2, "\n\n");
	assert_int_equal(strncmp(event + 2, "event: end\n", 11), 0);
	assert_non_null(strstr(event, ",\"routes\":{"));
	free(text);
}

static void test_seconds(void **state)
{
	char *text = get("/api/v1/seconds");

	assert_null(strstr(text, "\"type\":\"routes\""));
	assert_non_null(strstr(text, "\"time\":1506848871"));
	assert_non_null(strstr(text, "\"rib_age\":61}"));
	assert_non_null(strstr(text, "\"rib_age\":62}"));
	free(text);
	text = get("/api/v1/seconds?target=KP");
	assert_non_null(strstr(text, ",\"routing\":[{\"target\":\"KP\""));
	free(text);
}

static void test_metrics(void **state)
{
	char *text = get("/metrics");

	assert_non_null(
		strstr(text, "\ntransitwatch_routing_bytes_total{target=\"KP\",observed=\"4837\","
			     "expected=\"20485\"} 6000\n"));
	assert_non_null(strstr(text, "\ntransitwatch_rib_age_seconds 62\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_metrics),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
