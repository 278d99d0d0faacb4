/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "tw_text_priv.h"

/* "AS20485 TransTeleCom", cut so that the line stays in its columns. */
static void put_upstream(
	FILE *out, const struct tw_text_style *style, const struct tw_view *view, uint16_t upstream)
{
	char name[TW_TEXT_UPSTREAM];

	tw_text_cut(out, style, tw_text_upstream(view, upstream, name), 21);
}

/* "AS4837 China Un…, routes say AS20485 TransTe…, 12%" */
static void put_disagreement(FILE *out, const struct tw_text_style *style,
	const struct tw_view *view, const struct tw_event *event)
{
	char name[TW_TEXT_UPSTREAM];

	tw_text_cut(out, style, tw_text_upstream(view, event->upstream, name), 16);
	fputs(", routes say ", out);
	tw_text_cut(out, style, tw_text_upstream(view, event->other, name), 16);
	fprintf(out, ", %.0f%%", 100 * event->share);
}

void tw_text_event(FILE *out, const struct tw_text_style *style, const struct tw_view *view,
	const struct tw_event *event)
{
	char time[TW_TEXT_TIME];

	fprintf(out, "%s  ", tw_text_time(event->since, "%F %T", time));
	tw_text_put(out, style,
		event->target != TW_EVENT_NONE ? tw_view_target_name(view, event->target) : "", 8);
	fputc(' ', out);
	if (event->type == TW_EVENT_DISAGREEMENT)
		put_disagreement(out, style, view, event);
	else if (event->upstream != TW_EVENT_NONE)
		put_upstream(out, style, view, event->upstream);
	switch (event->type) {
	case TW_EVENT_UPSTREAM_APPEARED:
		fprintf(out, " appeared, %.0f%%", 100 * event->share);
		break;
	case TW_EVENT_UPSTREAM_VANISHED:
		fprintf(out, " vanished, had %.0f%%", 100 * event->share_before);
		break;
	case TW_EVENT_UPSTREAM_OVERTOOK:
		fputs(" overtook ", out);
		put_upstream(out, style, view, event->other);
		fprintf(out, ", %.0f to %.0f%%", 100 * event->share, 100 * event->other_share);
		break;
	case TW_EVENT_SHARE_SHIFT:
		fprintf(out, " shifted from %.0f to %.0f%%", 100 * event->share_before,
			100 * event->share);
		break;
	case TW_EVENT_TARGET_DARK:
		fputs("dark", out);
		break;
	case TW_EVENT_TARGET_BACK:
		fputs("back", out);
		break;
	case TW_EVENT_LOSS:
		fprintf(out, "loss: %" PRIu64 " packets, seconds are not exact", event->packets);
		break;
	default:
		break;
	}
	fputc('\n', out);
}

/* ---- a line each, for a log ---- */

struct log_sink {
	struct tw_sink sink;
	FILE *out;
	const struct tw_view *view;
};

static int start(struct tw_sink *sink, const struct tw_view *view)
{
	((struct log_sink *)sink)->view = view;
	return 0;
}

static int event(struct tw_sink *sink, const struct tw_event *event)
{
	static const struct tw_text_style style = {.utf8 = true};
	struct log_sink *s = (struct log_sink *)sink;

	fputs("transitwatch: event: ", s->out);
	tw_text_event(s->out, &style, s->view, event);
	return 0; /* a log that cannot be written is no reason to end anything */
}

static int finish(struct tw_sink *sink)
{
	free(sink);
	return 0;
}

struct tw_sink *tw_event_log_sink(FILE *out, struct tw_diag *diag)
{
	struct log_sink *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		tw_diag_add(diag, -ENOMEM, "no memory for the log of events");
		return NULL;
	}
	s->out = out;
	s->sink = (struct tw_sink){.start = start, .event = event, .close = finish};
	return &s->sink;
}
