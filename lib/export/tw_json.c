/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * jansson encodes what is text (names, paths), once; a second is then that and numbers, so that a day of seconds is
 * written in no time.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tw_json_priv.h"

/* A series' constant part, open at its end. */
static char *encode_series(const struct tw_view *view, uint32_t series)
{
	struct tw_series_key key = tw_series_key(view->n_vias, series);
	json_t *object = json_pack("{sssIsssssssi}", "target",
		tw_view_target_name(view, key.target), "upstream",
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

	tw_json_put(j, "},\"dropped\":{");
	for (unsigned int i = 0; i < TW_DROP_MAX; i++) {
		if (dropped[i] == 0)
			continue;
		tw_json_put(j, separator);
		tw_json_put(j, "\"");
		tw_json_put(j, tw_drop_name(i));
		tw_json_field(j, "\":", dropped[i]);
		separator = ",";
	}
	tw_json_put(j, "}");
}

/* Where packets were lost: only where there are any. */
static void put_losses(struct tw_json *j, const struct tw_loss *losses, unsigned int n)
{
	if (n == 0)
		return;
	tw_json_put(j, ",\"losses\":[");
	for (unsigned int i = 0; i < n; i++) {
		tw_json_put(j, i > 0 ? ",{\"cause\":\"" : "{\"cause\":\"");
		tw_json_put(j, tw_drop_name(losses[i].cause));
		tw_json_field(j,
			losses[i].cause < TW_DROP_PORT_MAX ? "\",\"port\":" : "\",\"worker\":",
			losses[i].index);
		tw_json_field(j, ",\"packets\":", losses[i].packets);
		tw_json_put(j, "}");
	}
	tw_json_put(j, "]");
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
		tw_json_put(j, i == 0 ? ",\"busy\":[" : ",");
		tw_json_put(j, text);
	}
	tw_json_put(j, "]");
}

static void put_totals(struct tw_json *j, const struct tw_totals *totals)
{
	uint64_t malformed = 0;
	const char *separator = "";

	for (unsigned int i = 0; i < TW_BAD_MAX; i++)
		malformed += totals->rx.malformed[i];
	tw_json_field(j, ",\"received\":{\"packets\":", totals->rx.packets);
	tw_json_field(j, ",\"bytes\":", totals->rx.bytes);
	put_dropped(j, totals->dropped);
	tw_json_field(j, ",\"classes\":{\"target\":", totals->target);
	tw_json_field(j, ",\"internal\":", totals->internal);
	tw_json_field(j, ",\"other\":", totals->other);
	tw_json_field(j, ",\"not_ip\":", totals->rx.not_ip);
	tw_json_field(j, ",\"malformed\":", malformed);
	tw_json_put(j, "},\"malformed\":{");
	for (unsigned int i = 0; i < TW_BAD_MAX; i++) {
		if (totals->rx.malformed[i] == 0)
			continue;
		tw_json_put(j, separator);
		tw_json_put(j, "\"");
		tw_json_put(j, tw_malformed_name(i));
		tw_json_field(j, "\":", totals->rx.malformed[i]);
		separator = ",";
	}
	tw_json_field(j, "},\"late\":", totals->rx.late);
	tw_json_field(j, ",\"flow_overflow\":", totals->flow_overflow);
}

/* Without memory NULL; else to be released with free(), where it is not kept. */
static char *series_text(struct tw_json *j, uint32_t series, bool *kept)
{
	unsigned int via = tw_series_key(j->view->n_vias, series).via;
	const char *name = tw_view_name(j->view, via);

	*kept = tw_view_series_there(j->view, series);
	if (!*kept)
		return encode_series(j->view, series);
	if (j->series_of[series] != name) {
		free(j->series[series]);
		j->series[series] = encode_series(j->view, series);
		j->series_of[series] = j->series[series] != NULL ? name : NULL;
	}
	return j->series[series];
}

static bool by_route(const struct tw_view *view, uint32_t series)
{
	return view->vias[tw_series_key(view->n_vias, series).via].method == TW_METHOD_RIB;
}

static int64_t age_of(const struct tw_routes_view *routes, uint64_t time)
{
	return routes != NULL ? (int64_t)tw_routes_age(routes, time) : -1;
}

/* `age` of the routes behind the series of method rib, or negative where there are none. */
static void put_series(
	struct tw_json *j, const struct tw_series_count *counts, int target, int64_t age)
{
	uint32_t n = j->view->n_vias * 4; /* series of a target */
	const char *separator = "";

	tw_json_put(j, ",\"series\":[");
	for (uint32_t i = 0; i < j->view->n_series; i++) {
		const struct tw_series_count *count = &counts[i];
		char *text;
		bool kept;

		if (!tw_series_listed(count) || (target >= 0 && i / n != (uint32_t)target))
			continue;
		text = series_text(j, i, &kept);
		if (text == NULL) {
			j->out->error = -ENOMEM;
			return;
		}
		tw_json_put(j, separator);
		tw_json_put(j, text);
		if (!kept)
			free(text);
		tw_json_field(j, ",\"packets\":", count->packets);
		tw_json_field(j, ",\"bytes\":", count->bytes);
		tw_json_field(j, ",\"flows\":", count->flows);
		tw_json_field(j, ",\"active_flows\":", count->active_flows);
		if (age >= 0 && by_route(j->view, i))
			tw_json_field(j, ",\"rib_age\":", (uint64_t)age);
		tw_json_put(j, "}");
		separator = ",";
	}
	tw_json_put(j, "]");
}

void tw_json_second(struct tw_json *j, const struct tw_second *second, int target)
{
	tw_json_field(j, "{\"type\":\"second\",\"time\":", second->time);
	tw_json_put(j, second->exact ? ",\"exact\":true" : ",\"exact\":false");
	put_totals(j, &second->totals);
	put_losses(j, second->losses, second->n_losses);
	put_loads(j, second->loads, second->n_loads);
	put_series(j, second->series, target, age_of(second->routes, second->time));
	tw_json_put_routing(j, second->pairs, target);
	tw_json_put(j, "}");
}

static void put_upstream(json_t *object, const struct tw_view *view, uint16_t upstream,
	const char *asn_key, const char *name_key)
{
	if (upstream == TW_EVENT_NONE)
		return;
	json_object_set_new(
		object, asn_key, json_integer((json_int_t)tw_view_upstream_asn(view, upstream)));
	json_object_set_new(object, name_key, json_string(tw_view_upstream_name(view, upstream)));
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
		      event->type == TW_EVENT_SHARE_SHIFT || event->type == TW_EVENT_DISAGREEMENT;
	char *text;

	if (event->target != TW_EVENT_NONE)
		json_object_set_new(
			object, "target", json_string(tw_view_target_name(j->view, event->target)));
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
		tw_json_put(j, text);
	else
		j->out->error = -ENOMEM;
	free(text);
}

void tw_json_gap(struct tw_json *j, uint64_t first, uint64_t last)
{
	tw_json_field(j, "{\"type\":\"gap\",\"from\":", first);
	tw_json_field(j, ",\"to\":", last);
	tw_json_put(j, "}");
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
	tw_json_put(j, ",\"peers\":");
	tw_json_put(j, text);
	free(text);
	return 0;
}

void tw_json_summary(struct tw_json *j, const struct tw_summary *summary)
{
	tw_json_field(j, "{\"type\":\"summary\",\"seconds\":", summary->seconds);
	tw_json_field(j, ",\"inexact\":", summary->inexact);
	tw_json_field(j, ",\"first\":", summary->first);
	tw_json_field(j, ",\"last\":", summary->last);
	tw_json_put(j, summary->exact ? ",\"exact\":true" : ",\"exact\":false");
	put_totals(j, &summary->totals);
	put_losses(j, summary->losses, summary->n_losses);
	put_series(j, summary->series, -1, age_of(summary->routes, summary->last));
	tw_json_put_routing(j, summary->pairs, -1);
	if (summary->routes != NULL) {
		tw_json_put(j, ",\"routes\":{");
		tw_json_put_routes(j, summary->routes);
		tw_json_put(j, "}");
	}
	if (put_peers(j, summary) != 0)
		j->out->error = -ENOMEM;
	tw_json_put(j, "}");
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
		tw_json_put(j, text);
	else
		j->out->error = -ENOMEM;
	free(text);
}

int tw_json_init(struct tw_json *j, const struct tw_view *view, struct tw_buffer *out)
{
	*j = (struct tw_json){.view = view,
		.out = out,
		.series = calloc(view->n_series + 1, sizeof(*j->series)),
		.names = calloc(view->n_upstreams + 1, sizeof(*j->names)),
		.targets = calloc(view->n_targets + 1, sizeof(*j->targets)),
		.series_of = calloc(view->n_series + 1, sizeof(*j->series_of)),
		.names_of = calloc(view->n_upstreams + 1, sizeof(*j->names_of))};
	return j->series != NULL && j->names != NULL && j->targets != NULL &&
			       j->series_of != NULL && j->names_of != NULL
		       ? 0
		       : -ENOMEM;
}

void tw_json_free(struct tw_json *j)
{
	for (uint32_t i = 0; j->series != NULL && i < j->view->n_series; i++)
		free(j->series[i]);
	for (unsigned int i = 0; j->names != NULL && i < j->view->n_upstreams; i++)
		free(j->names[i]);
	for (unsigned int i = 0; j->targets != NULL && i < j->view->n_targets; i++)
		free(j->targets[i]);
	free(j->series);
	free(j->names);
	free(j->targets);
	free(j->series_of);
	free(j->names_of);
	*j = (struct tw_json){0};
}
