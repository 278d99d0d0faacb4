/* SPDX-License-Identifier: BSD-3-Clause */

/* Links beside routes, and the routes' own shares. Names are encoded once, when they are known. */

#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

#include "tw_json_priv.h"

/* Adds a text, which is encoded where it is not kept yet. */
static void put_text(struct tw_json *j, const char *text, char **kept)
{
	char *encoded = kept != NULL ? *kept : NULL;
	json_t *string;

	if (encoded == NULL) {
		string = json_string(text);
		encoded = string != NULL ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
		json_decref(string);
	}
	if (encoded != NULL)
		tw_json_put(j, encoded);
	else
		j->out->error = -ENOMEM;
	if (kept != NULL)
		*kept = encoded;
	else
		free(encoded);
}

static void put_target(struct tw_json *j, unsigned int target)
{
	tw_json_put(j, "{\"target\":");
	put_text(j, tw_view_target_name(j->view, target), &j->targets[target]);
}

/* The ASN behind `asn_key`, and the name behind `name_key`. */
static void put_upstream(
	struct tw_json *j, unsigned int upstream, const char *asn_key, const char *name_key)
{
	bool there = tw_view_upstream_there(j->view, upstream);
	const char *name = tw_view_upstream_name(j->view, upstream);

	if (there && j->names_of[upstream] != name) {
		free(j->names[upstream]);
		j->names[upstream] = NULL;
		j->names_of[upstream] = name;
	}
	tw_json_field(j, asn_key, tw_view_upstream_asn(j->view, upstream));
	tw_json_put(j, name_key);
	put_text(j, name, there ? &j->names[upstream] : NULL);
}

static void put_count(struct tw_json *j, const struct tw_pair_count *count)
{
	tw_json_field(j, "\"packets\":", count->packets);
	tw_json_field(j, ",\"bytes\":", count->bytes);
	tw_json_put(j, "}");
}

static void put_pair(struct tw_json *j, unsigned int observed, unsigned int expected,
	const struct tw_pair_count *count)
{
	tw_json_field(j, "{\"observed\":", tw_view_upstream_asn(j->view, observed));
	if (expected > 0)
		put_upstream(j, expected - 1, ",\"expected\":", ",\"expected_name\":");
	else
		tw_json_put(j, ",\"expected\":0,\"expected_name\":\"no_route\"");
	tw_json_put(j, ",");
	put_count(j, count);
}

static void put_pairs(struct tw_json *j, const struct tw_pair_count *pairs, unsigned int target)
{
	const struct tw_pair_shape *shape = &j->view->pairs;
	const char *separator = "";

	tw_json_put(j, ",\"pairs\":[");
	for (uint32_t o = 0; o < shape->n_observed; o++)
		for (uint32_t x = 0; x < shape->n_expected; x++) {
			const struct tw_pair_count *pair =
				&pairs[tw_pair_index(shape, target, o, x)];

			if (pair->packets == 0 || tw_view_agreement(j->view, o, x) == TW_AGREE)
				continue;
			tw_json_put(j, separator);
			put_pair(j, o, x, pair);
			separator = ",";
		}
	tw_json_put(j, "]}");
}

void tw_json_put_routing(struct tw_json *j, const struct tw_pair_count *pairs, int target)
{
	struct tw_pair_count sums[TW_AGREEMENT_MAX];
	bool any = false;

	for (unsigned int t = 0; t < j->view->n_targets; t++) {
		if ((target >= 0 && t != (unsigned int)target) ||
			!tw_view_compare(j->view, pairs, t, sums))
			continue;
		tw_json_put(j, any ? "," : ",\"routing\":[");
		put_target(j, t);
		for (unsigned int i = 0; i < TW_AGREEMENT_MAX; i++) {
			tw_json_put(j, ",\"");
			tw_json_put(j, tw_agreement_name((enum tw_agreement)i));
			tw_json_put(j, "\":{");
			put_count(j, &sums[i]);
		}
		put_pairs(j, pairs, t);
		any = true;
	}
	if (any)
		tw_json_put(j, "]");
}

static void put_share(struct tw_json *j, unsigned int target, unsigned int upstream,
	unsigned int version, const struct tw_route_share *share)
{
	put_target(j, target);
	put_upstream(j, upstream, ",\"upstream\":", ",\"name\":");
	tw_json_field(j, ",\"ip_version\":", version);
	tw_json_field(j, ",\"prefixes\":", share->prefixes);
	tw_json_field(j, ",\"addresses\":", share->addresses);
	tw_json_put(j, "}");
}

void tw_json_put_routes(struct tw_json *j, const struct tw_routes_view *routes)
{
	const struct tw_view *view = j->view;
	const char *separator = "";

	tw_json_field(j, "\"time\":", routes->since);
	tw_json_field(j, ",\"routes_time\":", routes->time);
	tw_json_field(j, ",\"vantage_points\":", routes->n_peers);
	tw_json_field(j, ",\"stale\":", routes->n_stale);
	tw_json_put(j, ",\"shares\":[");
	for (unsigned int i = 0; i < view->n_targets * view->n_upstreams * 2; i++) {
		unsigned int target = i / 2 / view->n_upstreams,
			     upstream = i / 2 % view->n_upstreams;
		const struct tw_route_share *share = &routes->shares[i];

		if ((share->prefixes | share->addresses) == 0 ||
			!tw_view_upstream_there(view, upstream))
			continue;
		tw_json_put(j, separator);
		put_share(j, target, upstream, i % 2 == 0 ? 4 : 6, share);
		separator = ",";
	}
	tw_json_put(j, "]");
}

void tw_json_routes(struct tw_json *j, const struct tw_routes_view *routes)
{
	tw_json_put(j, "{\"type\":\"routes\",");
	tw_json_put_routes(j, routes);
	tw_json_put(j, "}");
}
