/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "explain_route.h"
#include "tw_clock.h"

enum {
	SHOWN_VOTES = 12, /* for people */
};

/* The longest prefix that the RIB knows and that holds the address. */
static uint32_t find(const struct tw_rib *rib, const struct tw_addr *addr)
{
	struct tw_prefix prefix = {.addr = *addr, .length = (uint8_t)tw_addr_bits(addr->family)};
	uint32_t number;

	while ((number = tw_rib_find(rib, &prefix)) == TW_RIB_NONE && prefix.length > 0) {
		prefix.length--;
		prefix.addr.bytes[prefix.length / 8] &= (uint8_t) ~(0x80 >> prefix.length % 8);
	}
	return number;
}

static const char *name_of(const struct tw_setup *setup, const struct tw_route_verdict *verdict)
{
	const struct tw_view *view = &setup->view;

	if (verdict->kind != TW_VERDICT_UPSTREAM)
		return tw_verdict_name(verdict->kind);
	for (unsigned int i = 0; i < view->n_upstreams; i++)
		if (tw_view_upstream_asn(view, i) == verdict->asn &&
			tw_view_upstream_name(view, i)[0] != '\0')
			return tw_view_upstream_name(view, i);
	return tw_table_asn_name(setup->table, verdict->asn);
}

static void copy_votes(const struct tw_rib *rib, uint32_t number, unsigned int target,
	struct tw_route_answer *answer)
{
	struct tw_rib_vote votes[TW_ROUTE_VOTES_MAX];

	answer->n_votes = tw_rib_votes(rib, number, target, votes, TW_ROUTE_VOTES_MAX);
	answer->n = answer->n_votes < TW_ROUTE_VOTES_MAX ? answer->n_votes : TW_ROUTE_VOTES_MAX;
	for (unsigned int i = 0; i < answer->n; i++) {
		struct tw_route_answer_vote *vote = &answer->votes[i];

		vote->peer = *tw_rib_peer_at(rib, votes[i].peer);
		tw_bgp_path_format(&votes[i].path, vote->path, sizeof(vote->path));
		vote->verdict = votes[i].verdict;
		vote->counts = votes[i].counts;
		vote->stale = votes[i].stale;
	}
}

void tw_route_answer(struct tw_feed *feed, const struct tw_setup *setup, const struct tw_addr *addr,
	unsigned int target, struct tw_route_answer *answer)
{
	uint32_t number;

	*answer = (struct tw_route_answer){0};
	pthread_mutex_lock(&feed->live.lock);
	number = find(feed->live.rib, addr);
	if (number != TW_RIB_NONE)
		answer->verdict = tw_rib_resolve(feed->live.rib, number, target);
	answer->known = number != TW_RIB_NONE && answer->verdict.kind != TW_VERDICT_NONE;
	if (answer->known) {
		answer->prefix = *tw_rib_prefix(feed->live.rib, answer->verdict.prefix);
		answer->name = name_of(setup, &answer->verdict);
		answer->time = tw_rib_time(feed->live.rib) / TW_NS_PER_SECOND;
		copy_votes(feed->live.rib, answer->verdict.prefix, target, answer);
	}
	pthread_mutex_unlock(&feed->live.lock);
}

/* "192.0.2.1", or of a router's own table the router's. */
static const char *address_of(const struct tw_bgp_peer *peer, char text[static TW_PREFIX_TEXT])
{
	return tw_addr_format(peer->addr.family != 0 ? &peer->addr : &peer->router, text);
}

static json_t *order_json(const struct tw_config *config)
{
	json_t *order = json_array();

	for (unsigned int i = 0; i < config->n_attribution; i++)
		json_array_append_new(order, json_string(tw_method_name(config->attribution[i])));
	return order;
}

json_t *tw_route_answer_json(const struct tw_route_answer *a, const struct tw_config *config)
{
	char text[TW_PREFIX_TEXT];
	json_t *votes, *object;

	if (!a->known)
		return json_null();
	votes = json_array();
	for (unsigned int i = 0; i < a->n; i++) {
		const struct tw_route_answer_vote *vote = &a->votes[i];

		json_array_append_new(votes,
			json_pack("{sssIsssssIsbsb}", "vantage", address_of(&vote->peer, text),
				"vantage_asn", (json_int_t)vote->peer.asn, "path", vote->path,
				"verdict", tw_verdict_name(vote->verdict.kind), "asn",
				(json_int_t)vote->verdict.asn, "counts", vote->counts, "stale",
				vote->stale));
	}
	object = json_pack("{sssssIsssIsIsIsbsI}", "prefix", tw_prefix_format(&a->prefix, text),
		"verdict", tw_verdict_name(a->verdict.kind), "upstream",
		a->verdict.kind == TW_VERDICT_UPSTREAM ? (json_int_t)a->verdict.asn : 0, "name",
		a->name, "origin",
		a->verdict.kind == TW_VERDICT_FOREIGN ? (json_int_t)a->verdict.asn : 0, "for",
		(json_int_t)a->verdict.n_for, "votes", (json_int_t)a->verdict.n_votes, "stale",
		a->verdict.stale, "routes_time", (json_int_t)a->time);
	json_object_set_new(object, "vantage_points", votes);
	json_object_set_new(object, "attribution", order_json(config));
	return object;
}

static void print_rule(const struct tw_config *config, FILE *out)
{
	const char *separator = "";

	fprintf(out, "           decides where no stronger method does:");
	for (unsigned int i = 0; i < config->n_attribution; i++) {
		fprintf(out, "%s %s", separator, tw_method_name(config->attribution[i]));
		separator = ",";
	}
	fprintf(out, "\n");
}

static void print_verdict(const struct tw_route_answer *a, FILE *out)
{
	char text[TW_PREFIX_TEXT];

	fprintf(out, "  route    %s: ", tw_prefix_format(&a->prefix, text));
	if (a->verdict.kind == TW_VERDICT_UPSTREAM)
		fprintf(out, "AS%" PRIu32 " %s", a->verdict.asn, a->name);
	else if (a->verdict.kind == TW_VERDICT_FOREIGN && a->verdict.asn != 0)
		fprintf(out, "foreign, its origin is AS%" PRIu32, a->verdict.asn);
	else
		fprintf(out, "%s", a->name);
	fprintf(out, ", %" PRIu32 " of %" PRIu32 " vantage points%s\n", a->verdict.n_for,
		a->verdict.n_votes, a->verdict.stale ? ", all stale" : "");
}

static void print_age(
	const struct tw_route_answer *a, const struct tw_config *config, uint64_t now, FILE *out)
{
	time_t when = (time_t)a->time;
	char date[32] = "";
	struct tm tm;

	if (gmtime_r(&when, &tm) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	fprintf(out, "           routes of %s UTC", date);
	if (now > a->time + config->rib.max_age)
		fprintf(out, ": older than rib.max_age (%u s)", config->rib.max_age);
	fprintf(out, "\n");
}

void tw_route_answer_text(
	const struct tw_route_answer *a, const struct tw_config *config, uint64_t now, FILE *out)
{
	char text[TW_PREFIX_TEXT];

	if (!a->known) {
		fprintf(out, "  route    none is known\n");
		return;
	}
	print_verdict(a, out);
	print_age(a, config, now, out);
	for (unsigned int i = 0; i < a->n && i < SHOWN_VOTES; i++) {
		const struct tw_route_answer_vote *vote = &a->votes[i];

		fprintf(out, "           %-15s AS%-10" PRIu32 " %s%s%s\n",
			address_of(&vote->peer, text), vote->peer.asn, vote->path,
			vote->counts ? "" : " (does not vote)", vote->stale ? " (stale)" : "");
	}
	if (a->n_votes > SHOWN_VOTES)
		fprintf(out, "           and %" PRIu32 " more\n", a->n_votes - SHOWN_VOTES);
	print_rule(config, out);
}
