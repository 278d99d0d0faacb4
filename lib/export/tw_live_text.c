/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The live table: one second at a time, drawn over the one before. It goes out in one write, so that no terminal shows
 * half of it.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tw_text_priv.h"

enum {
	BAR = 9,
	LATEST = 5, /* events that stay in sight */
	ROUTES = 8, /* rows of shares of routes: the seconds have to fit, too */
};

struct live_sink {
	struct tw_sink sink;
	FILE *out; /* the terminal */
	struct tw_text_style style;
	const struct tw_view *view;
	uint64_t n_inexact;
	uint64_t n_lost;
	struct tw_event events[LATEST];
	unsigned int n_events;
};

/* One upstream of a target in one direction, methods and versions together. */
static struct tw_series_count sum_of(const struct live_sink *s,
	const struct tw_series_count *series, unsigned int target, unsigned int upstream,
	unsigned int direction)
{
	struct tw_series_count sum = {0};

	for (uint32_t i = 0; i < s->view->n_series; i++) {
		struct tw_series_key key = tw_series_key(s->view->n_vias, i);

		if (key.target != target || key.direction != direction ||
			s->view->vias[key.via].upstream != upstream)
			continue;
		sum.packets += series[i].packets;
		sum.bytes += series[i].bytes;
		sum.flows += series[i].flows;
		sum.active_flows += series[i].active_flows;
	}
	return sum;
}

static void put_bar(FILE *out, const struct tw_text_style *style, double percent)
{
	unsigned int cells = (unsigned int)(percent * BAR / 100 + 0.5);

	for (unsigned int i = 0; i < cells; i++)
		fputs(style->utf8 ? "█" : "#", out);
}

static void put_row(FILE *out, const struct live_sink *s, const struct tw_second *second,
	unsigned int target, unsigned int upstream, unsigned int direction, uint64_t total)
{
	struct tw_series_count sum = sum_of(s, second->series, target, upstream, direction);
	char name[TW_TEXT_UPSTREAM], packets[TW_TEXT_SI], rate[TW_TEXT_SI], flows[TW_TEXT_SI],
		active[TW_TEXT_SI];
	double percent = tw_text_percent(sum.bytes, total);

	tw_text_put(out, &s->style, tw_view_target_name(s->view, target), 8);
	fputc(' ', out);
	tw_text_put(out, &s->style, tw_text_upstream(s->view, (uint16_t)upstream, name), 20);
	fprintf(out, " %-4s %7s %8s %6s %6s %3.0f%% ", direction == TW_DIR_TO ? "to" : "from",
		tw_text_si((double)sum.packets, "", packets),
		tw_text_si(8.0 * (double)sum.bytes, "", rate),
		tw_text_si((double)sum.flows, "", flows),
		tw_text_si((double)sum.active_flows, "", active), percent);
	put_bar(out, &s->style, percent);
	fputc('\n', out);
}

/* Those that are configured always are: others where there is anything. */
static bool is_shown(const struct live_sink *s, const struct tw_second *second, unsigned int target,
	unsigned int upstream, unsigned int direction)
{
	struct tw_series_count sum;

	if (upstream < s->view->n_upstreams &&
		tw_view_upstream_kind(s->view, upstream) == TW_UPSTREAM_CONFIGURED)
		return true;
	sum = sum_of(s, second->series, target, upstream, direction);
	return tw_series_listed(&sum);
}

static void put_target(
	FILE *out, const struct live_sink *s, const struct tw_second *second, unsigned int target)
{
	for (unsigned int direction = 0; direction < 2; direction++) {
		uint64_t total = 0;

		for (unsigned int u = 0; u <= s->view->n_upstreams; u++) {
			unsigned int upstream = u < s->view->n_upstreams ? u : TW_UPSTREAM_UNKNOWN;

			total += sum_of(s, second->series, target, upstream, direction).bytes;
		}
		for (unsigned int u = 0; u <= s->view->n_upstreams; u++) {
			unsigned int upstream = u < s->view->n_upstreams ? u : TW_UPSTREAM_UNKNOWN;

			if (is_shown(s, second, target, upstream, direction))
				put_row(out, s, second, target, upstream, direction, total);
		}
	}
}

static void put_head(FILE *out, const struct tw_second *second)
{
	const struct tw_totals *totals = &second->totals;
	char time[TW_TEXT_TIME], packets[TW_TEXT_SI], rate[TW_TEXT_SI], target[TW_TEXT_SI];

	fprintf(out, "%s UTC  %s pkt/s  %s  targets %s pkt/s  %s\n\n",
		tw_text_time(second->time, "%F %T", time),
		tw_text_si((double)totals->rx.packets, "", packets),
		tw_text_si(8.0 * (double)totals->rx.bytes, "bit/s", rate),
		tw_text_si((double)totals->target, "", target),
		second->exact ? "exact" : "NOT exact");
	fprintf(out, "%-8s %-20s %-4s %7s %8s %6s %6s  %s\n", "target", "upstream", "dir", "pkt/s",
		"bit/s", "new/s", "flows", "share");
}

static void put_foot(FILE *out, const struct live_sink *s, const struct tw_second *second)
{
	fprintf(out, "\nworkers busy");
	for (unsigned int i = 0; i < second->n_loads; i++)
		fprintf(out, " %3.0f%%",
			tw_text_percent(second->loads[i].busy_cycles, second->loads[i].cycles));
	fprintf(out, "\nlost %" PRIu64 " packets in %" PRIu64 " seconds not exact\n", s->n_lost,
		s->n_inexact);
	for (unsigned int i = 0; i < second->n_losses; i++)
		fprintf(out, "  %s %" PRIu64 " at %s %u\n", tw_drop_name(second->losses[i].cause),
			second->losses[i].packets,
			second->losses[i].cause < TW_DROP_PORT_MAX ? "port" : "worker",
			second->losses[i].index);
}

static void put_events(FILE *out, const struct live_sink *s)
{
	unsigned int first = s->n_events > LATEST ? s->n_events - LATEST : 0;

	if (s->n_events > 0)
		fputc('\n', out);
	for (unsigned int i = first; i < s->n_events; i++)
		tw_text_event(out, &s->style, s->view, &s->events[i % LATEST]);
}

static int event(struct tw_sink *sink, const struct tw_event *event)
{
	struct live_sink *s = (struct live_sink *)sink;

	s->events[s->n_events++ % LATEST] = *event;
	return 0;
}

static int start(struct tw_sink *sink, const struct tw_view *view)
{
	((struct live_sink *)sink)->view = view;
	return 0;
}

static int second(struct tw_sink *sink, const struct tw_second *second)
{
	struct live_sink *s = (struct live_sink *)sink;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return -ENOMEM;
	s->n_inexact += !second->exact;
	for (unsigned int i = 0; i < second->n_losses; i++)
		s->n_lost += second->losses[i].packets;
	if (s->style.color)
		fputs("\033[H\033[J", out); /* from the top, on a clear screen */
	put_head(out, second);
	for (unsigned int target = 0; target < s->view->n_targets; target++)
		if (tw_view_target_listed(s->view, target))
			put_target(out, s, second, target);
	tw_text_routing(out, &s->style, s->view, second->pairs);
	tw_text_routes(out, &s->style, s->view,
		&(struct tw_text_routes){.routes = second->routes,
			.time = second->time,
			.series = second->series,
			.n_rows = ROUTES});
	put_foot(out, s, second);
	put_events(out, s);
	if (fclose(out) != 0) {
		free(text);
		return -ENOMEM;
	}
	fwrite(text, 1, size, s->out);
	free(text);
	return fflush(s->out) != 0 ? -errno : 0;
}

static int summary(struct tw_sink *sink, const struct tw_summary *summary)
{
	struct live_sink *s = (struct live_sink *)sink;

	fputc('\n', s->out);
	tw_text_summary(s->out, &s->style, s->view, summary);
	return 0;
}

static int finish(struct tw_sink *sink)
{
	struct live_sink *s = (struct live_sink *)sink;
	int err = fflush(s->out) != 0 || ferror(s->out) ? -EIO : 0;

	free(s);
	return err;
}

struct tw_sink *tw_live_sink(FILE *out, const struct tw_text_style *style, struct tw_diag *diag)
{
	struct live_sink *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		tw_diag_add(diag, -ENOMEM, "no memory for the table");
		return NULL;
	}
	s->out = out;
	s->style = *style;
	s->sink = (struct tw_sink){.start = start,
		.second = second,
		.event = event,
		.summary = summary,
		.close = finish};
	return &s->sink;
}
