/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The table of seconds:
 *
 *   time      target    packets    bit/s  flows  share of bytes by upstream       max
 *   09:07:50  KP             11   41.3 k      4  ##############################  100%
 *     ... 29 s alike
 *   09:07:51  KP             12   43.0 k      6  #########=====================   70%
 *
 * Each upstream has one glyph, and one colour, for the whole table. The bar's cells are shared out by the method of
 * largest remainders, so that they always add up; an upstream that has any bytes at all keeps at least one cell.
 * The figure behind the bar is the share of the upstream that has most.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tw_text_priv.h"

enum {
	COLUMNS = 80,
	BAR = 30,
	ALIKE_POINTS = 15, /* shares within this many points are alike */
	SHOWN_POINTS = 5,  /* coming or going with fewer points is noise */
	COLORS = 6,
	GLYPHS = 6,
	EVENTS = 40, /* told in the summary */
};

static const char *const glyphs_utf8[GLYPHS] = {"█", "▒", "▚", "░", "▓", "▞"};
static const char *const glyphs_ascii[GLYPHS] = {"#", "=", "%", "+", "o", "~"};
static const unsigned int colors[COLORS] = {34, 31, 33, 35, 32, 36};
#define GLYPH_UNKNOWN "?"

struct text_sink {
	struct tw_sink sink;
	FILE *out;
	struct tw_text_style style;
	const struct tw_view *view;

	unsigned int n_shares; /* upstreams, and unknown as the last */
	uint64_t *bytes;       /* [n_targets][n_shares], of the second at hand */
	unsigned int *cells;   /* [n_shares], of the bar at hand */
	unsigned int *
		looks; /* [n_shares]: 1 + the number of its glyph, 0 where it is not in the legend */
	unsigned int n_looks;
	double *shown; /* [n_targets][n_shares], percent, of the row shown last; all 0: silence */
	bool any;      /* a row was shown */
	uint64_t n_folded;
	struct tw_second folded; /* the last of them; its totals are not kept */
	struct tw_series_count *folded_series;
	uint64_t day;
	struct tw_event events[EVENTS]; /* for the summary */
	unsigned int n_events;
};

static unsigned int share_of(const struct text_sink *s, unsigned int via)
{
	unsigned int upstream = s->view->vias[via].upstream;

	return upstream == TW_UPSTREAM_UNKNOWN ? s->view->n_upstreams : upstream;
}

static void sum_bytes(struct text_sink *s, const struct tw_series_count *series)
{
	memset(s->bytes, 0, s->view->n_targets * s->n_shares * sizeof(*s->bytes));
	for (uint32_t i = 0; i < s->view->n_series; i++) {
		struct tw_series_key key = tw_series_key(s->view->n_vias, i);

		s->bytes[key.target * s->n_shares + share_of(s, key.via)] += series[i].bytes;
	}
}

static uint64_t total_of(const uint64_t *bytes, unsigned int n)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < n; i++)
		total += bytes[i];
	return total;
}

static bool target_alike(const struct text_sink *s, const uint64_t *bytes, const double *shown)
{
	uint64_t total = total_of(bytes, s->n_shares);
	double had = 0;

	for (unsigned int i = 0; i < s->n_shares; i++) {
		double now = tw_text_percent(bytes[i], total), by = now - shown[i];

		had += shown[i];
		if (by > ALIKE_POINTS || by < -ALIKE_POINTS)
			return false;
		if ((now >= SHOWN_POINTS && shown[i] <= 0) ||
			(shown[i] >= SHOWN_POINTS && now <= 0))
			return false;
	}
	return (total > 0) == (had > 0);
}

static bool alike(const struct text_sink *s)
{
	for (unsigned int t = 0; t < s->view->n_targets; t++)
		if (!target_alike(s, &s->bytes[t * s->n_shares], &s->shown[t * s->n_shares]))
			return false;
	return s->any;
}

static void remember(struct text_sink *s)
{
	for (unsigned int t = 0; t < s->view->n_targets; t++) {
		const uint64_t *bytes = &s->bytes[t * s->n_shares];
		uint64_t total = total_of(bytes, s->n_shares);

		for (unsigned int i = 0; i < s->n_shares; i++)
			s->shown[t * s->n_shares + i] = tw_text_percent(bytes[i], total);
	}
	s->any = true;
}

static void put_glyph(const struct text_sink *s, unsigned int share, unsigned int n)
{
	bool unknown = share == s->view->n_upstreams;
	const char *const *glyphs = s->style.utf8 ? glyphs_utf8 : glyphs_ascii;
	unsigned int look = s->looks[share] - 1;
	const char *glyph = unknown ? GLYPH_UNKNOWN : glyphs[look % GLYPHS];

	if (n == 0)
		return;
	if (s->style.color)
		fprintf(s->out, "\033[%um", unknown ? 90 : colors[look % COLORS]);
	while (n-- > 0)
		fputs(glyph, s->out);
	if (s->style.color)
		fputs("\033[0m", s->out);
}

/* Cells of each share, all in all BAR: whole cells first, then one each to the largest remainders. */
static void share_cells(const uint64_t *bytes, unsigned int n, uint64_t total, unsigned int *cells)
{
	unsigned int used = 0;

	for (unsigned int i = 0; i < n; i++) {
		cells[i] = (unsigned int)((double)bytes[i] * BAR / (double)total);
		if (cells[i] == 0 && bytes[i] > 0)
			cells[i] = 1;
		used += cells[i];
	}
	while (used != BAR) {
		unsigned int best = 0;
		double most = -1e9;

		for (unsigned int i = 0; i < n; i++) {
			double left = (double)bytes[i] * BAR / (double)total - cells[i];
			double want = used < BAR ? left : cells[i] > 1 ? -left : -1e6;

			if (want > most) {
				most = want;
				best = i;
			}
		}
		if (used > BAR && cells[best] <= 1)
			return; /* more upstreams than cells */
		cells[best] += used < BAR ? 1 : -1;
		used += used < BAR ? 1 : -1;
	}
}

static void put_bar(struct text_sink *s, const uint64_t *bytes)
{
	uint64_t total = total_of(bytes, s->n_shares);
	unsigned int *cells = s->cells;
	uint64_t most = 0;

	if (total == 0) {
		fprintf(s->out, "no traffic\n");
		return;
	}
	share_cells(bytes, s->n_shares, total, cells);
	for (unsigned int i = 0; i < s->n_shares; i++) {
		put_glyph(s, i, cells[i]);
		if (bytes[i] > most)
			most = bytes[i];
	}
	fprintf(s->out, " %3.0f%%\n", tw_text_percent(most, total));
}

/* `first`: the second's first row, which has its time. */
static void put_row(
	struct text_sink *s, const struct tw_second *second, unsigned int target, bool first)
{
	struct tw_series_count sum = {0};
	char time[TW_TEXT_TIME], rate[TW_TEXT_SI], packets[TW_TEXT_SI];
	uint32_t n = s->view->n_vias * 4;

	for (uint32_t i = target * n; i < (target + 1) * n; i++) {
		sum.packets += second->series[i].packets;
		sum.bytes += second->series[i].bytes;
		sum.active_flows += second->series[i].active_flows;
	}
	fprintf(s->out, "%8s%c ", first ? tw_text_time(second->time, "%H:%M:%S", time) : "",
		first && !second->exact ? '!' : ' ');
	tw_text_put(s->out, &s->style, tw_view_target_name(s->view, target), 8);
	fprintf(s->out, " %7s %8s %6" PRIu64 "  ", tw_text_si((double)sum.packets, "", packets),
		tw_text_si(8.0 * (double)sum.bytes, "", rate), sum.active_flows);
	put_bar(s, &s->bytes[target * s->n_shares]);
}

/* Gives an upstream its glyph, and says so. */
static void put_look(struct text_sink *s, unsigned int share)
{
	char name[TW_TEXT_UPSTREAM];

	s->looks[share] = share < s->view->n_upstreams ? ++s->n_looks : 1;
	put_glyph(s, share, 2);
	fputc(' ', s->out);
	tw_text_upstream(s->view,
		share < s->view->n_upstreams ? (uint16_t)share : TW_UPSTREAM_UNKNOWN, name);
	tw_text_cut(s->out, &s->style, name, COLUMNS - 3);
	fputc('\n', s->out);
}

static void put_legend(struct text_sink *s)
{
	for (unsigned int i = 0; i < s->n_shares; i++) {
		/* What routes may find is told when it is: there is room for dozens. */
		if (tw_view_upstream_kind(s->view, i) == TW_UPSTREAM_CONFIGURED)
			put_look(s, i);
	}
	fprintf(s->out, "\n%-9s %-8s %7s %8s %6s  %-*s %4s\n", "UTC", "target", "packets", "bit/s",
		"flows", BAR, "share of bytes by upstream", "max");
}

static int result(const struct text_sink *s)
{
	return ferror(s->out) ? -EIO : 0;
}

static int start(struct tw_sink *sink, const struct tw_view *view)
{
	struct text_sink *s = (struct text_sink *)sink;
	unsigned int n;

	s->view = view;
	s->n_shares = view->n_upstreams + 1;
	n = view->n_targets * s->n_shares;
	s->bytes = calloc(n, sizeof(*s->bytes));
	s->shown = calloc(n, sizeof(*s->shown));
	s->cells = calloc(s->n_shares, sizeof(*s->cells));
	s->looks = calloc(s->n_shares, sizeof(*s->looks));
	s->folded_series = calloc(view->n_series + 1, sizeof(*s->folded_series));
	s->folded.series = s->folded_series;
	if (s->bytes == NULL || s->shown == NULL || s->cells == NULL || s->looks == NULL ||
		s->folded_series == NULL)
		return -ENOMEM;
	if (s->style.table)
		put_legend(s);
	return result(s);
}

static void put_second(struct text_sink *s, const struct tw_second *second)
{
	char day[TW_TEXT_TIME];
	bool first = true;

	sum_bytes(s, second->series);
	for (unsigned int i = 0; i < s->view->n_targets * s->n_shares; i++)
		if (s->bytes[i] > 0 && s->looks[i % s->n_shares] == 0)
			put_look(s, i % s->n_shares);
	if (!s->any || second->time / 86400 != s->day)
		fprintf(s->out, "%s\n", tw_text_time(second->time, "%Y-%m-%d", day));
	s->day = second->time / 86400;
	for (unsigned int target = 0; target < s->view->n_targets; target++) {
		if (!tw_view_target_listed(s->view, target))
			continue;
		put_row(s, second, target, first);
		first = false;
	}
	remember(s);
}

/* One line instead of many; a line instead of one would tell less than the second itself. */
static void put_folded(struct text_sink *s)
{
	if (s->n_folded == 1)
		put_second(s, &s->folded);
	else if (s->n_folded > 1)
		fprintf(s->out, "   %s %" PRIu64 " s alike\n", s->style.utf8 ? "⋮" : ":",
			s->n_folded);
	s->n_folded = 0;
}

static void fold(struct text_sink *s, const struct tw_second *second)
{
	s->folded.time = second->time;
	s->folded.exact = second->exact;
	memcpy(s->folded_series, second->series, s->view->n_series * sizeof(*second->series));
	s->n_folded++;
}

static int second(struct tw_sink *sink, const struct tw_second *second)
{
	struct text_sink *s = (struct text_sink *)sink;

	if (!s->style.table)
		return 0;
	sum_bytes(s, second->series);
	if (!s->style.every_second && second->exact && alike(s)) {
		fold(s, second);
		return 0;
	}
	put_folded(s);
	put_second(s, second);
	return result(s);
}

static int event(struct tw_sink *sink, const struct tw_event *event)
{
	struct text_sink *s = (struct text_sink *)sink;

	if (s->n_events < EVENTS)
		s->events[s->n_events] = *event;
	s->n_events++;
	return 0;
}

static void put_events(const struct text_sink *s)
{
	if (s->n_events > 0)
		fputc('\n', s->out);
	for (unsigned int i = 0; i < s->n_events && i < EVENTS; i++)
		tw_text_event(s->out, &s->style, s->view, &s->events[i]);
	if (s->n_events > EVENTS)
		fprintf(s->out, "and %u more\n", s->n_events - EVENTS);
}

static int gap(struct tw_sink *sink, uint64_t first, uint64_t last)
{
	struct text_sink *s = (struct text_sink *)sink;
	char from[TW_TEXT_TIME], to[TW_TEXT_TIME];

	if (!s->style.table)
		return 0;
	put_folded(s);
	fprintf(s->out, "no packet from %s to %s\n", tw_text_time(first, "%F %T", from),
		tw_text_time(last, "%F %T", to));
	return result(s);
}

static int summary(struct tw_sink *sink, const struct tw_summary *summary)
{
	struct text_sink *s = (struct text_sink *)sink;

	put_folded(s);
	if (s->style.table && s->style.summary)
		fputc('\n', s->out);
	if (s->style.summary) {
		tw_text_summary(s->out, &s->style, s->view, summary);
		put_events(s);
	}
	return result(s);
}

static int finish(struct tw_sink *sink)
{
	struct text_sink *s = (struct text_sink *)sink;
	int err = fflush(s->out) != 0 ? -errno : result(s);

	free(s->bytes);
	free(s->shown);
	free(s->cells);
	free(s->looks);
	free(s->folded_series);
	free(s);
	return err;
}

struct tw_sink *tw_text_sink(FILE *out, const struct tw_text_style *style, struct tw_diag *diag)
{
	struct text_sink *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		tw_diag_add(diag, -ENOMEM, "no memory for the table");
		return NULL;
	}
	s->out = out;
	s->style = *style;
	s->sink = (struct tw_sink){.start = start,
		.second = second,
		.event = event,
		.gap = gap,
		.summary = summary,
		.close = finish};
	return &s->sink;
}
