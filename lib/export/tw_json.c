/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * jansson encodes what is text (names, paths), once; a second is then that and numbers, so that a day of seconds is
 * written in no time.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tw_json.h"

static void put(struct tw_json *s, const char *text)
{
	tw_buffer_text(s->out, text);
}

static void put_field(struct tw_json *s, const char *key, uint64_t number)
{
	tw_buffer_text(s->out, key);
	tw_buffer_number(s->out, number);
}

/* A series' constant part, open at its end. */
static char *encode_series(const struct tw_view *view, uint32_t series)
{
	struct tw_series_key key = tw_series_key(view->n_vias, series);
	json_t *object =
		json_pack("{sssIsssssssi}", "target", view->targets[key.target].name, "upstream",
			(json_int_t)tw_view_asn(view, key.via), "name", tw_view_name(view, key.via),
			"method", tw_method_name(view->vias[key.via].method), "direction",
			key.direction == TW_DIR_TO ? "to" : "from", "ip_version", (int)key.version);
	char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	if (text != NULL)
		text[strlen(text) - 1] = '\0';
	return text;
}

static void put_dropped(struct tw_json *s, const uint64_t *dropped)
{
	const char *separator = "";

	put(s, "},\"dropped\":{");
	for (unsigned int i = 0; i < TW_DROP_MAX; i++) {
		if (dropped[i] == 0)
			continue;
		put(s, separator);
		put(s, "\"");
		put(s, tw_drop_name(i));
		put_field(s, "\":", dropped[i]);
		separator = ",";
	}
	put(s, "}");
}

/* Where packets were lost: only where there are any. */
static void put_losses(struct tw_json *s, const struct tw_loss *losses, unsigned int n)
{
	if (n == 0)
		return;
	put(s, ",\"losses\":[");
	for (unsigned int i = 0; i < n; i++) {
		put(s, i > 0 ? ",{\"cause\":\"" : "{\"cause\":\"");
		put(s, tw_drop_name(losses[i].cause));
		put_field(s, losses[i].cause < TW_DROP_PORT_MAX ? "\",\"port\":" : "\",\"worker\":",
			losses[i].index);
		put_field(s, ",\"packets\":", losses[i].packets);
		put(s, "}");
	}
	put(s, "]");
}

/* How busy each worker was, in thousandths: of live runs alone. */
static void put_loads(struct tw_json *s, const struct tw_load *loads, unsigned int n)
{
	bool any = false;

	for (unsigned int i = 0; i < n; i++)
		any |= loads[i].cycles > 0;
	if (!any)
		return;
	for (unsigned int i = 0; i < n; i++) {
		double busy = loads[i].cycles > 0
				      ? (double)loads[i].busy_cycles / (double)loads[i].cycles
				      : 0;
		char text[16];

		snprintf(text, sizeof(text), "%.3f", busy < 1 ? busy : 1);
		put(s, i == 0 ? ",\"busy\":[" : ",");
		put(s, text);
	}
	put(s, "]");
}

static void put_totals(struct tw_json *s, const struct tw_totals *totals)
{
	uint64_t malformed = 0;
	const char *separator = "";

	for (unsigned int i = 0; i < TW_BAD_MAX; i++)
		malformed += totals->rx.malformed[i];
	put_field(s, ",\"received\":{\"packets\":", totals->rx.packets);
	put_field(s, ",\"bytes\":", totals->rx.bytes);
	put_dropped(s, totals->dropped);
	put_field(s, ",\"classes\":{\"target\":", totals->target);
	put_field(s, ",\"internal\":", totals->internal);
	put_field(s, ",\"other\":", totals->other);
	put_field(s, ",\"not_ip\":", totals->rx.not_ip);
	put_field(s, ",\"malformed\":", malformed);
	put(s, "},\"malformed\":{");
	for (unsigned int i = 0; i < TW_BAD_MAX; i++) {
		if (totals->rx.malformed[i] == 0)
			continue;
		put(s, separator);
		put(s, "\"");
		put(s, tw_malformed_name(i));
		put_field(s, "\":", totals->rx.malformed[i]);
		separator = ",";
	}
	put_field(s, "},\"late\":", totals->rx.late);
	put_field(s, ",\"flow_overflow\":", totals->flow_overflow);
}

static void put_series(struct tw_json *s, const struct tw_series_count *counts, int target)
{
	uint32_t n = s->view->n_vias * 4; /* series of a target */
	const char *separator = "";

	put(s, ",\"series\":[");
	for (uint32_t i = 0; i < s->view->n_series; i++) {
		const struct tw_series_count *count = &counts[i];

		if (!tw_series_listed(count) || (target >= 0 && i / n != (uint32_t)target))
			continue;
		if (s->series[i] == NULL)
			s->series[i] = encode_series(s->view, i);
		if (s->series[i] == NULL) {
			s->out->error = -ENOMEM;
			return;
		}
		put(s, separator);
		put(s, s->series[i]);
		put_field(s, ",\"packets\":", count->packets);
		put_field(s, ",\"bytes\":", count->bytes);
		put_field(s, ",\"flows\":", count->flows);
		put_field(s, ",\"active_flows\":", count->active_flows);
		put(s, "}");
		separator = ",";
	}
	put(s, "]");
}

void tw_json_second(struct tw_json *s, const struct tw_second *second, int target)
{
	put_field(s, "{\"type\":\"second\",\"time\":", second->time);
	put(s, second->exact ? ",\"exact\":true" : ",\"exact\":false");
	put_totals(s, &second->totals);
	put_losses(s, second->losses, second->n_losses);
	put_loads(s, second->loads, second->n_loads);
	put_series(s, second->series, target);
	put(s, "}");
}

void tw_json_gap(struct tw_json *s, uint64_t first, uint64_t last)
{
	put_field(s, "{\"type\":\"gap\",\"from\":", first);
	put_field(s, ",\"to\":", last);
	put(s, "}");
}

static int put_peers(struct tw_json *s, const struct tw_summary *summary)
{
	json_t *peers = json_array();
	char *text;

	for (unsigned int i = 0; i < summary->n_peers; i++) {
		const struct tw_peer *peer = &summary->peers[i];

		json_array_append_new(peers,
			json_pack("{sIsssssIsI}", "asn", (json_int_t)peer->asn, "name", peer->name,
				"direction", peer->direction == TW_DIR_TO ? "to" : "from",
				"packets", (json_int_t)peer->packets, "bytes",
				(json_int_t)peer->bytes));
	}
	text = json_dumps(peers, JSON_COMPACT);
	json_decref(peers);
	if (text == NULL)
		return -ENOMEM;
	put(s, ",\"peers\":");
	put(s, text);
	free(text);
	return 0;
}

void tw_json_summary(struct tw_json *s, const struct tw_summary *summary)
{
	put_field(s, "{\"type\":\"summary\",\"seconds\":", summary->seconds);
	put_field(s, ",\"inexact\":", summary->inexact);
	put_field(s, ",\"first\":", summary->first);
	put_field(s, ",\"last\":", summary->last);
	put(s, summary->exact ? ",\"exact\":true" : ",\"exact\":false");
	put_totals(s, &summary->totals);
	put_losses(s, summary->losses, summary->n_losses);
	put_series(s, summary->series, -1);
	if (put_peers(s, summary) != 0)
		s->out->error = -ENOMEM;
	put(s, "}");
}

void tw_json_start(struct tw_json *s)
{
	const struct tw_view *view = s->view;
	json_t *databases = json_array(), *object;
	char *text;

	for (unsigned int i = 0; i < view->n_databases; i++)
		json_array_append_new(
			databases, json_pack("{sssssI}", "path", view->databases[i].path, "type",
					   view->databases[i].type, "build_epoch",
					   (json_int_t)view->databases[i].build_epoch));
	object = json_pack("{ssssssso}", "type", "start", "version", view->version, "config",
		view->config_path, "databases", databases);
	text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	if (text != NULL)
		put(s, text);
	else
		s->out->error = -ENOMEM;
	free(text);
}

int tw_json_init(struct tw_json *s, const struct tw_view *view, struct tw_buffer *out)
{
	*s = (struct tw_json){
		.view = view, .out = out, .series = calloc(view->n_series + 1, sizeof(*s->series))};
	return s->series != NULL ? 0 : -ENOMEM;
}

void tw_json_free(struct tw_json *s)
{
	for (uint32_t i = 0; s->series != NULL && i < s->view->n_series; i++)
		free(s->series[i]);
	free(s->series);
	*s = (struct tw_json){0};
}
