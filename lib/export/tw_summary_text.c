/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "tw_text_priv.h"

/* One character: its octets, and the columns it takes. What is no character of the locale takes one column. */
static size_t next_character(const char *text, unsigned int *columns)
{
	mbstate_t state = {0};
	wchar_t wide;
	size_t n = mbrtowc(&wide, text, strlen(text), &state);
	int width = 1;

	if (n == 0 || n > 4)
		n = 1;
	else
		width = wcwidth(wide);
	*columns = width < 0 ? 1 : (unsigned int)width;
	return n;
}

unsigned int tw_text_cut(
	FILE *out, const struct tw_text_style *style, const char *text, unsigned int width)
{
	unsigned int total = 0, used = 0, columns;

	for (const char *at = text; *at != '\0'; total += columns)
		at += next_character(at, &columns);
	while (*text != '\0') {
		size_t n = next_character(text, &columns);

		if (total > width && used + columns > width - 1) {
			fputs(style->utf8 ? "…" : "~", out);
			return used + 1;
		}
		if (style->utf8 || (unsigned char)*text < 0x80)
			fwrite(text, 1, n, out);
		else
			for (unsigned int i = 0; i < columns; i++)
				fputc('?', out);
		used += columns;
		text += n;
	}
	return used;
}

void tw_text_put(FILE *out, const struct tw_text_style *style, const char *text, unsigned int width)
{
	for (unsigned int used = tw_text_cut(out, style, text, width); used < width; used++)
		fputc(' ', out);
}

char *tw_text_si(double value, const char *unit, char text[static TW_TEXT_SI])
{
	static const char prefixes[] = " kMGTPE";
	unsigned int i = 0;

	/* 999.5 and more would round to four digits */
	for (; value >= 999.5 && prefixes[i + 1] != '\0'; i++)
		value /= 1000;
	if (i == 0)
		snprintf(text, TW_TEXT_SI, "%.0f%s%s", value, unit[0] != '\0' ? " " : "", unit);
	else
		snprintf(text, TW_TEXT_SI, "%.*f %c%s",
			value < 9.995   ? 2
			: value < 99.95 ? 1
					: 0,
			value, prefixes[i], unit);
	return text;
}

char *tw_text_upstream(
	const struct tw_view *view, uint16_t upstream, char text[static TW_TEXT_UPSTREAM])
{
	uint32_t asn = tw_view_upstream_asn(view, upstream);
	const char *name = tw_view_upstream_name(view, upstream);

	if (asn == 0)
		snprintf(text, TW_TEXT_UPSTREAM, "%s", name);
	else
		snprintf(text, TW_TEXT_UPSTREAM, "AS%" PRIu32 "%s%s", asn,
			name[0] != '\0' ? " " : "", name);
	return text;
}

char *tw_text_time(uint64_t time, const char *format, char text[static TW_TEXT_TIME])
{
	time_t seconds = (time_t)time;
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL || strftime(text, TW_TEXT_TIME, format, &tm) == 0)
		snprintf(text, TW_TEXT_TIME, "%" PRIu64, time);
	return text;
}

double tw_text_percent(uint64_t part, uint64_t total)
{
	return total > 0 ? 100.0 * (double)part / (double)total : 0;
}

static void put_class(FILE *out, const char *name, uint64_t packets, uint64_t received)
{
	fprintf(out, "  %-9s %14" PRIu64 " packets  %5.1f%%\n", name, packets,
		tw_text_percent(packets, received));
}

static void put_received(FILE *out, const struct tw_totals *totals)
{
	uint64_t malformed = 0, received = totals->rx.packets;
	char bytes[TW_TEXT_SI];

	for (unsigned int i = 0; i < TW_BAD_MAX; i++)
		malformed += totals->rx.malformed[i];
	fprintf(out, "received    %14" PRIu64 " packets, %s\n", received,
		tw_text_si((double)totals->rx.bytes, "B", bytes));
	put_class(out, "target", totals->target, received);
	put_class(out, "internal", totals->internal, received);
	put_class(out, "other", totals->other, received);
	put_class(out, "not_ip", totals->rx.not_ip, received);
	put_class(out, "malformed", malformed, received);
	for (unsigned int i = 0; i < TW_BAD_MAX; i++)
		if (totals->rx.malformed[i] > 0)
			fprintf(out, "    %-19s %10" PRIu64 "\n", tw_malformed_name(i),
				totals->rx.malformed[i]);
	if (totals->rx.late > 0)
		fprintf(out, "late        %14" PRIu64 " packets: their clock ran backwards\n",
			totals->rx.late);
	if (totals->flow_overflow > 0)
		fprintf(out,
			"flow_overflow %12" PRIu64
			" packets: table full, raise flows.max_per_worker\n",
			totals->flow_overflow);
}

static void put_losses(FILE *out, const struct tw_view *view, const struct tw_summary *summary)
{
	for (unsigned int i = 0; i < summary->n_losses; i++) {
		const struct tw_loss *loss = &summary->losses[i];

		fprintf(out, "LOST %-13s %8" PRIu64 " packets, ", tw_drop_name(loss->cause),
			loss->packets);
		if (loss->cause < TW_DROP_PORT_MAX && loss->index < view->n_ports)
			fprintf(out, "port %u %.38s\n", loss->index, view->ports[loss->index]);
		else
			fprintf(out, "worker %u\n", loss->index);
	}
}

static uint64_t target_bytes(const struct tw_view *view, const struct tw_summary *summary,
	unsigned int target, unsigned int direction)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < view->n_series; i++) {
		struct tw_series_key key = tw_series_key(view->n_vias, i);

		if (key.target == target && key.direction == direction)
			bytes += summary->series[i].bytes;
	}
	return bytes;
}

static void put_series(FILE *out, const struct tw_text_style *style, const struct tw_view *view,
	const struct tw_summary *summary, uint32_t series)
{
	const struct tw_series_count *count = &summary->series[series];
	struct tw_series_key key = tw_series_key(view->n_vias, series);
	uint64_t total = target_bytes(view, summary, key.target, key.direction);
	char upstream[TW_TEXT_UPSTREAM], packets[TW_TEXT_SI], bytes[TW_TEXT_SI], flows[TW_TEXT_SI];

	tw_text_put(out, style, tw_view_target_name(view, key.target), 8);
	fputc(' ', out);
	tw_text_put(out, style, tw_text_upstream(view, view->vias[key.via].upstream, upstream), 21);
	fprintf(out, " %-6s %-4s IPv%u %8s %8s %5.1f%% %7s\n",
		tw_method_name(view->vias[key.via].method),
		key.direction == TW_DIR_TO ? "to" : "from", key.version,
		tw_text_si((double)count->packets, "", packets),
		tw_text_si((double)count->bytes, "B", bytes), tw_text_percent(count->bytes, total),
		tw_text_si((double)count->flows, "", flows));
}

static void put_peer(FILE *out, const struct tw_text_style *style, const struct tw_peer *peer)
{
	char asn[24], packets[TW_TEXT_SI], bytes[TW_TEXT_SI];

	snprintf(asn, sizeof(asn), "AS%" PRIu32, peer->asn);
	fprintf(out, "%-4s  %-11s ", peer->direction == TW_DIR_TO ? "to" : "from",
		peer->asn > 0 ? asn : "unknown");
	tw_text_put(out, style, peer->name, 38);
	fprintf(out, " %8s %9s\n", tw_text_si((double)peer->packets, "", packets),
		tw_text_si((double)peer->bytes, "B", bytes));
}

void tw_text_summary(FILE *out, const struct tw_text_style *style, const struct tw_view *view,
	const struct tw_summary *summary)
{
	char first[TW_TEXT_TIME], last[TW_TEXT_TIME];

	if (summary->seconds == 0) {
		fprintf(out, "no packet\n");
		return;
	}
	fprintf(out, "%" PRIu64 " seconds, %s to %s UTC", summary->seconds,
		tw_text_time(summary->first, "%F %T", first),
		tw_text_time(summary->last, "%F %T", last));
	if (summary->exact)
		fprintf(out, ", all exact\n\n");
	else
		fprintf(out, ", %" PRIu64 " NOT exact\n\n", summary->inexact);
	put_received(out, &summary->totals);
	put_losses(out, view, summary);

	fprintf(out, "\n%-8s %-21s %-6s %-4s %-4s %8s %8s %6s %7s\n", "target", "upstream",
		"method", "dir", "IP", "packets", "bytes", "share", "flows");
	for (uint32_t i = 0; i < view->n_series; i++)
		if (tw_series_listed(&summary->series[i]))
			put_series(out, style, view, summary, i);
	tw_text_routing(out, style, view, summary->pairs);
	tw_text_routes(out, style, view,
		&(struct tw_text_routes){.routes = summary->routes,
			.time = summary->last,
			.series = summary->series,
			.n_rows = UINT_MAX});
	if (summary->n_peers > 0)
		fprintf(out, "\n%-4s  %-11s %-38s %8s %9s\n", "dir", "peer", "name", "packets",
			"bytes");
	for (unsigned int i = 0; i < summary->n_peers; i++)
		put_peer(out, style, &summary->peers[i]);
}
