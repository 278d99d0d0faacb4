/* SPDX-License-Identifier: BSD-3-Clause */

/* The JSON lines: an object a line, in a file of whole lines. */

#include <errno.h>
#include <stdlib.h>

#include "tw_export.h"
#include "tw_json.h"
#include "tw_lines.h"

struct json_sink {
	struct tw_sink sink;
	struct tw_lines lines;
	struct tw_json json;
};

static int start(struct tw_sink *sink, const struct tw_view *view)
{
	struct json_sink *s = (struct json_sink *)sink;
	int err = tw_json_init(&s->json, view, &s->lines.buffer);

	if (err != 0)
		return err;
	tw_json_start(&s->json);
	return tw_lines_end(&s->lines);
}

static int routes(struct tw_sink *sink, const struct tw_routes_view *routes)
{
	struct json_sink *s = (struct json_sink *)sink;

	tw_json_routes(&s->json, routes);
	return tw_lines_end(&s->lines);
}

static int second(struct tw_sink *sink, const struct tw_second *second)
{
	struct json_sink *s = (struct json_sink *)sink;

	tw_json_second(&s->json, second, -1);
	return tw_lines_end(&s->lines);
}

static int event(struct tw_sink *sink, const struct tw_event *event)
{
	struct json_sink *s = (struct json_sink *)sink;

	tw_json_event(&s->json, event);
	return tw_lines_end(&s->lines);
}

static int gap(struct tw_sink *sink, uint64_t first, uint64_t last)
{
	struct json_sink *s = (struct json_sink *)sink;

	tw_json_gap(&s->json, first, last);
	return tw_lines_end(&s->lines);
}

static int summary(struct tw_sink *sink, const struct tw_summary *summary)
{
	struct json_sink *s = (struct json_sink *)sink;

	tw_json_summary(&s->json, summary);
	return tw_lines_end(&s->lines);
}

static int reopen(struct tw_sink *sink)
{
	struct json_sink *s = (struct json_sink *)sink;

	tw_lines_reopen(&s->lines);
	return 0;
}

static int finish(struct tw_sink *sink)
{
	struct json_sink *s = (struct json_sink *)sink;
	int err = tw_lines_close(&s->lines);

	tw_json_free(&s->json);
	free(s);
	return err;
}

struct tw_sink *tw_json_sink(const char *path, bool live, struct tw_diag *diag)
{
	struct json_sink *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		tw_diag_add(diag, -ENOMEM, "%s: no memory to write it", path);
		return NULL;
	}
	if (tw_lines_open(&s->lines, path, NULL, live, diag) != 0) {
		free(s);
		return NULL;
	}
	s->sink = (struct tw_sink){.reopen = reopen,
		.start = start,
		.routes = routes,
		.second = second,
		.event = event,
		.gap = gap,
		.summary = summary,
		.close = finish};
	return &s->sink;
}
