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

static void put(struct tw_json *j, const char *text)
{
	tw_buffer_text(j->out, text);
}

static void put_field(struct tw_json *j, const char *key, uint64_t number)
{
	tw_buffer_text(j->out, key);
	tw_buffer_number(j->out, number);
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

static void put_dropped(struct tw_json *j, const uint64_t *dropped)
{
	const char *separator = "";

	put(j, "},\"dropped\":{");
	for (unsigned int i = 0; i < TW_DROP_MAX; i++) {
		if (dropped[i] == 0)
			continue;
		put(j, separator);
		put(j, "\"");
		put(j, tw_drop_name(i));
		put_field(j, "\":", dropped[i]);
		separator = ",";
	}
	put(j, "}");
}

/* Where packets were lost: only where there are any. */
static void put_losses(struct tw_json *j, const struct tw_loss *losses, unsigned int n)
{
	if (n == 0)
		return;
	put(j, ",\"losses\":[");
	for (unsigned int i = 0; i < n; i++) {
		put(j, i > 0 ? ",{\"cause\":\"" : "{\"cause\":\"");
		put(j, tw_drop_name(losses[i].cause));
		put_field(j, losses[i].cause < TW_DROP_PORT_MAX ? "\",\"port\":" : "\",\"worker\":",
			losses[i].index);
		put_field(j, ",\"packets\":", losses[i].packets);
		put(j, "}");
	}
	put(j, "]");
}

/* How busy each worker was, in thousandths: of live runs alone. */
static void put_loads(struct tw_json *j, const struct tw_load *loads, unsigned int n)
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
		put(j, i == 0 ? ",\"busy\":[" : ",");
		put(j, text);
	}
	put(j, "]");
}

static void put_totals(struct tw_json *j, const struct tw_totals *totals)
{
	uint64_t malformed = 0;
	const char *separator = "";

	for (unsigned int i = 0; i < TW_BAD_MAX; i++)
		malformed += totals->rx.malformed[i];
	put_field(j, ",\"received\":{\"packets\":", totals->rx.packets);
	put_field(j, ",\"bytes\":", totals->rx.bytes);
	put_dropped(j, totals->dropped);
	put_field(j, ",\"classes\":{\"target\":", totals->target);
	put_field(j, ",\"internal\":", totals->internal);
	put_field(j, ",\"other\":", totals->other);
	put_field(j, ",\"not_ip\":", totals->rx.not_ip);
	put_field(j, ",\"malformed\":", malformed);
	put(j, "},\"malformed\":{");
	for (unsigned int i = 0; i < TW_BAD_MAX; i++) {
		if (totals->rx.malformed[i] == 0)
			continue;
		put(j, separator);
		put(j, "\"");
		put(j, tw_malformed_name(i));
		put_field(j, "\":", totals->rx.malformed[i]);
		separator = ",";
	}
	put_field(j, "},\"late\":", totals->rx.late);
	put_field(j, ",\"flow_overflow\":", totals->flow_overflow);
}

static void put_series(struct tw_json *j, const struct tw_series_count *counts, int target)
{
	uint32_t n = j->view->n_vias * 4; /* series of a target */
	const char *separator = "";

	put(j, ",\"series\":[");
	for (uint32_t i = 0; i < j->view->n_series; i++) {
		const struct tw_series_count *count = &counts[i];

		if (!tw_series_listed(count) || (target >= 0 && i / n != (uint32_t)target))
			continue;
		if (j->series[i] == NULL)
			j->series[i] = encode_series(j->view, i);
		if (j->series[i] == NULL) {
			j->out->error = -ENOMEM;
			return;
		}
		put(j, separator);
		put(j, j->series[i]);
		put_field(j, ",\"packets\":", count->packets);
		put_field(j, ",\"bytes\":", count->bytes);
		put_field(j, ",\"flows\":", count->flows);
		put_field(j, ",\"active_flows\":", count->active_flows);
		put(j, "}");
		separator = ",";
	}
	put(j, "]");
}

void tw_json_second(struct tw_json *j, const struct tw_second *second, int target)
{
	put_field(j, "{\"type\":\"second\",\"time\":", second->time);
	put(j, second->exact ? ",\"exact\":true" : ",\"exact\":false");
	put_totals(j, &second->totals);
	put_losses(j, second->losses, second->n_losses);
	put_loads(j, second->loads, second->n_loads);
	put_series(j, second->series, target);
	put(j, "}");
}

static void put_upstream(json_t *object, const struct tw_view *view, uint16_t upstream,
	const char *asn_key, const char *name_key)
{
	bool known = upstream < view->n_upstreams;

	if (upstream == TW_EVENT_NONE)
		return;
	json_object_set_new(object, asn_key,
		json_integer(known ? (json_int_t)view->upstreams[upstream].asn : 0));
	json_object_set_new(
		object, name_key, json_string(known ? view->upstreams[upstream].name : "unknown"));
}

/* Shares have three digits: more is noise. */
static json_t *rounded(double share)
{
	return json_real((double)(long)(share * 1000 + 0.5) / 1000);
}

void tw_json_event(struct tw_json *j, const struct tw_event *event)
{
	json_t *object =
		json_pack("{sssssIsI}", "type", "event", "event", tw_event_name(event->type),
			"time", (json_int_t)event->time, "since", (json_int_t)event->since);
	bool shares = event->type == TW_EVENT_UPSTREAM_APPEARED ||
		      event->type == TW_EVENT_UPSTREAM_OVERTOOK ||
		      event->type == TW_EVENT_SHARE_SHIFT;
	char *text;

	if (event->target != TW_EVENT_NONE)
		json_object_set_new(
			object, "target", json_string(j->view->targets[event->target].name));
	put_upstream(object, j->view, event->upstream, "upstream", "name");
	put_upstream(object, j->view, event->other, "other", "other_name");
	if (shares)
		json_object_set_new(object, "share", rounded(event->share));
	if (event->type == TW_EVENT_UPSTREAM_OVERTOOK)
		json_object_set_new(object, "other_share", rounded(event->other_share));
	if (event->type == TW_EVENT_UPSTREAM_VANISHED || event->type == TW_EVENT_SHARE_SHIFT)
		json_object_set_new(object, "share_before", rounded(event->share_before));
	json_object_set_new(object, "packets", json_integer((json_int_t)event->packets));
	json_object_set_new(object, "bytes", json_integer((json_int_t)event->bytes));
	json_object_set_new(object, "exact", json_boolean(event->exact));
	text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(4));
	json_decref(object);
	if (text != NULL)
		put(j, text);
	else
		j->out->error = -ENOMEM;
	free(text);
}

void tw_json_gap(struct tw_json *j, uint64_t first, uint64_t last)
{
	put_field(j, "{\"type\":\"gap\",\"from\":", first);
	put_field(j, ",\"to\":", last);
	put(j, "}");
}

static int put_peers(struct tw_json *j, const struct tw_summary *summary)
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
	put(j, ",\"peers\":");
	put(j, text);
	free(text);
	return 0;
}

void tw_json_summary(struct tw_json *j, const struct tw_summary *summary)
{
	put_field(j, "{\"type\":\"summary\",\"seconds\":", summary->seconds);
	put_field(j, ",\"inexact\":", summary->inexact);
	put_field(j, ",\"first\":", summary->first);
	put_field(j, ",\"last\":", summary->last);
	put(j, summary->exact ? ",\"exact\":true" : ",\"exact\":false");
	put_totals(j, &summary->totals);
	put_losses(j, summary->losses, summary->n_losses);
	put_series(j, summary->series, -1);
	if (put_peers(j, summary) != 0)
		j->out->error = -ENOMEM;
	put(j, "}");
}

void tw_json_start(struct tw_json *j)
{
	const struct tw_view *view = j->view;
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
		put(j, text);
	else
		j->out->error = -ENOMEM;
	free(text);
}

int tw_json_init(struct tw_json *j, const struct tw_view *view, struct tw_buffer *out)
{
	*j = (struct tw_json){
		.view = view, .out = out, .series = calloc(view->n_series + 1, sizeof(*j->series))};
	return j->series != NULL ? 0 : -ENOMEM;
}

void tw_json_free(struct tw_json *j)
{
	for (uint32_t i = 0; j->series != NULL && i < j->view->n_series; i++)
		free(j->series[i]);
	free(j->series);
	*j = (struct tw_json){0};
}
