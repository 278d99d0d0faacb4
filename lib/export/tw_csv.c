/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tw_export.h"
#include "tw_lines.h"

struct csv_sink {
	struct tw_sink sink;
	struct tw_lines lines;
	const struct tw_view *view;
};

static const char header[] = "time,exact,target,upstream,name,method,direction,ip_version,packets,"
			     "bytes,flows,active_flows,rib_age";

/* RFC 4180: quoted where it has to be. Names hold no line break (tw_text.h). */
static void put_text(struct csv_sink *s, const char *text)
{
	if (strpbrk(text, ",\"\r\n") == NULL) {
		tw_buffer_text(&s->lines.buffer, text);
		return;
	}
	tw_buffer_text(&s->lines.buffer, "\"");
	for (; *text != '\0'; text++)
		tw_buffer_add(&s->lines.buffer, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
	tw_buffer_text(&s->lines.buffer, "\"");
}

static void put_number(struct csv_sink *s, uint64_t number)
{
	tw_buffer_text(&s->lines.buffer, ",");
	tw_buffer_number(&s->lines.buffer, number);
}

static void put_series(struct csv_sink *s, const struct tw_second *second, uint32_t series)
{
	const struct tw_series_count *count = &second->series[series];
	struct tw_series_key key = tw_series_key(s->view->n_vias, series);

	tw_buffer_text(&s->lines.buffer, ",");
	put_text(s, tw_view_target_name(s->view, key.target));
	put_number(s, tw_view_asn(s->view, key.via));
	tw_buffer_text(&s->lines.buffer, ",");
	put_text(s, tw_view_name(s->view, key.via));
	tw_buffer_text(&s->lines.buffer, ",");
	tw_buffer_text(&s->lines.buffer, tw_method_name(s->view->vias[key.via].method));
	tw_buffer_text(&s->lines.buffer, key.direction == TW_DIR_TO ? ",to" : ",from");
	put_number(s, key.version);
	put_number(s, count->packets);
	put_number(s, count->bytes);
	put_number(s, count->flows);
	put_number(s, count->active_flows);
	if (second->routes != NULL && s->view->vias[key.via].method == TW_METHOD_RIB)
		put_number(s, tw_routes_age(second->routes, second->time));
	else
		tw_buffer_text(&s->lines.buffer, ",");
}

static int start(struct tw_sink *sink, const struct tw_view *view)
{
	struct csv_sink *s = (struct csv_sink *)sink;

	s->view = view;
	return s->lines.error;
}

static void put_second(struct csv_sink *s, const struct tw_second *second)
{
	tw_buffer_number(&s->lines.buffer, second->time);
	tw_buffer_text(&s->lines.buffer, second->exact ? ",true" : ",false");
}

static int second(struct tw_sink *sink, const struct tw_second *second)
{
	struct csv_sink *s = (struct csv_sink *)sink;
	bool silent = true;

	for (uint32_t i = 0; i < s->view->n_series; i++) {
		if (!tw_series_listed(&second->series[i]))
			continue;
		silent = false;
		put_second(s, second);
		put_series(s, second, i);
		(void)tw_lines_end(&s->lines);
	}
	if (silent) {
		put_second(s, second);
		tw_buffer_text(&s->lines.buffer, ",,,,,,,,,,,");
		(void)tw_lines_end(&s->lines);
	}
	return s->lines.error;
}

static int reopen(struct tw_sink *sink)
{
	struct csv_sink *s = (struct csv_sink *)sink;

	tw_lines_reopen(&s->lines);
	return 0;
}

static int finish(struct tw_sink *sink)
{
	struct csv_sink *s = (struct csv_sink *)sink;
	int err = tw_lines_close(&s->lines);

	free(s);
	return err;
}

struct tw_sink *tw_csv_sink(const char *path, bool live, struct tw_diag *diag)
{
	struct csv_sink *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		tw_diag_add(diag, -ENOMEM, "%s: no memory to write it", path);
		return NULL;
	}
	if (tw_lines_open(&s->lines, path, header, live, diag) != 0) {
		free(s);
		return NULL;
	}
	s->sink = (struct tw_sink){
		.reopen = reopen, .start = start, .second = second, .close = finish};
	return &s->sink;
}
