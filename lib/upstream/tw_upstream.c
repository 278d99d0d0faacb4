/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The map is a tuple-space search: rules that name the same fields form a shape, and a packet is matched shape
 * by shape, strongest first, by one exact look-up each. There are at most 15 shapes and usually one or two, so
 * the cost does not grow with the number of rules.
 *
 * All shapes share one open-addressing table, half empty at most; the set of fields is part of the key:
 *
 *   mac:48 (or all ones) | vlan:16 inner_vlan:16 port:16 fields:16 -> via
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tw_via_list.h"

/* A set of fields, and what it leaves of a key. */
struct shape {
	uint64_t mac_or; /* all ones where the shape names no MAC */
	uint64_t rest_and;
	uint8_t fields;
	uint8_t n_tags; /* inner tags to try */
};

struct entry {
	uint64_t mac;
	uint64_t rest;
	uint16_t via;
	bool used;
};

struct tw_link_map {
	const struct tw_via *vias;
	unsigned int n_vias; /* places of the list */
	struct tw_via_list *list;
	struct tw_via_list own;            /* where none is given */
	struct shape shapes[TW_MATCH_MAX]; /* in the order of trial */
	unsigned int n_shapes;
	uint32_t mask; /* entries - 1 */
	struct entry *entries;

	unsigned int n_strong;      /* shapes that go before routes */
	uint16_t ambiguous;         /* the via of ambiguous routes; 0 without routes */
	uint16_t *route_via;        /* [n_upstreams]; NULL without routes */
	unsigned int n_upstreams;   /* of the list, with routes */
	struct tw_pair_shape pairs; /* observed 0: none are counted */
};

const char *tw_upstream_kind_name(enum tw_upstream_kind kind)
{
	static const char *const names[] = {
		[TW_UPSTREAM_CONFIGURED] = "configured",
		[TW_UPSTREAM_FOUND] = "found",
		[TW_UPSTREAM_OTHER] = "other",
		[TW_UPSTREAM_DIRECT] = "direct",
		[TW_UPSTREAM_FOREIGN] = "foreign",
		[TW_UPSTREAM_AMBIGUOUS] = "ambiguous",
	};

	return names[kind];
}

const char *tw_method_name(enum tw_method method)
{
	static const char *const names[TW_METHOD_MAX] = {
		[TW_METHOD_MAC] = "mac",
		[TW_METHOD_VLAN] = "vlan",
		[TW_METHOD_PORT] = "port",
		[TW_METHOD_RIB] = "rib",
		[TW_METHOD_NONE] = "none",
	};

	return names[method];
}

static enum tw_method method_of(uint8_t fields)
{
	if ((fields & TW_MATCH_MAC) != 0)
		return TW_METHOD_MAC;
	return (fields & (TW_MATCH_VLAN | TW_MATCH_INNER_VLAN)) != 0 ? TW_METHOD_VLAN
								     : TW_METHOD_PORT;
}

static uint64_t key_rest(uint16_t vlan, uint16_t inner_vlan, uint16_t port)
{
	return (uint64_t)vlan << 48 | (uint64_t)inner_vlan << 32 | (uint64_t)port << 16;
}

static struct shape make_shape(uint8_t fields)
{
	bool inner = (fields & TW_MATCH_INNER_VLAN) != 0;

	return (struct shape){
		.mac_or = (fields & TW_MATCH_MAC) != 0 ? 0 : TW_MAC_NONE,
		.rest_and = key_rest((fields & TW_MATCH_VLAN) != 0 ? UINT16_MAX : 0,
			inner ? UINT16_MAX : 0, (fields & TW_MATCH_PORT) != 0 ? UINT16_MAX : 0),
		.fields = fields,
		/* Without inner_vlan one look-up decides; with it, one for each inner tag, outer ones first. */
		.n_tags = inner ? TW_VLAN_MAX - 1 : 1,
	};
}

/* The entry of a link's key as the shape sees it. */
static struct entry *find(
	const struct tw_link_map *map, const struct shape *shape, uint64_t mac, uint64_t rest)
{
	uint64_t hash;
	uint32_t at;

	mac |= shape->mac_or;
	rest = (rest & shape->rest_and) | shape->fields;
	hash = mac * 0x9e3779b97f4a7c15 ^ rest * 0xd6e8feb86659fd93;
	at = (uint32_t)(hash >> 32 ^ hash >> 48) & map->mask;
	while (map->entries[at].used &&
		(map->entries[at].mac != mac || map->entries[at].rest != rest))
		at = (at + 1) & map->mask;
	return &map->entries[at];
}

/*
 * True where one packet can satisfy both rules, and nothing says which goes first: they agree on every field that
 * both name. A packet may carry two inner tags, so that two inner_vlans keep rules apart only within one shape,
 * where the outer of the tags decides.
 */
static bool compatible(const struct tw_link_rule *a, const struct tw_link_rule *b)
{
	uint8_t both = a->fields & b->fields;

	return ((both & TW_MATCH_MAC) == 0 || a->mac == b->mac) &&
	       ((both & TW_MATCH_VLAN) == 0 || a->vlan == b->vlan) &&
	       ((both & TW_MATCH_INNER_VLAN) == 0 || a->fields != b->fields ||
		       a->inner_vlan == b->inner_vlan) &&
	       ((both & TW_MATCH_PORT) == 0 || a->port == b->port);
}

static int check_pair(
	const struct tw_link_rule *a, const struct tw_link_rule *b, struct tw_diag *diag)
{
	if (!compatible(a, b))
		return 0;
	if (a->fields == b->fields && a->upstream == b->upstream)
		return tw_diag_add(
			diag, -EEXIST, "%s: the same link as %s: remove one", b->where, a->where);
	if (a->fields == b->fields)
		return tw_diag_add(diag, -EEXIST,
			"%s: the same link as %s, of another upstream: a link leads to one "
			"upstream, remove one",
			b->where, a->where);
	if (a->upstream != b->upstream && method_of(a->fields) == method_of(b->fields) &&
		__builtin_popcount(a->fields) == __builtin_popcount(b->fields))
		return tw_diag_add(diag, -EEXIST,
			"%s: a packet can match this link and %s, which lead to different "
			"upstreams: "
			"add a field to one of them so that it is the more exact",
			b->where, a->where);
	return 0;
}

static int check_rules(const struct tw_link_rule *rules, unsigned int n_rules, struct tw_diag *diag)
{
	int err = 0;

	for (unsigned int b = 0; b < n_rules; b++)
		for (unsigned int a = 0; a < b; a++) {
			int pair = check_pair(&rules[a], &rules[b], diag);

			err = err != 0 ? err : pair;
		}
	return err;
}

/* Whether a method is in the order, and then where. */
static bool is_used(const struct tw_link_spec *spec, enum tw_method method)
{
	for (unsigned int m = 0; m < spec->n_order; m++)
		if (spec->order[m] == method)
			return true;
	return false;
}

/* By method as configured, then by number of fields; check_rules() made any order between equals right. */
static void order_shapes(struct tw_link_map *map, const struct tw_link_spec *spec)
{
	bool present[TW_MATCH_MAX] = {false};

	for (unsigned int i = 0; i < spec->n_rules; i++)
		present[spec->rules[i].fields] = true;
	for (unsigned int m = 0; m < spec->n_order; m++) {
		if (spec->order[m] == TW_METHOD_RIB)
			map->n_strong = map->n_shapes;
		for (int count = 4; count > 0; count--)
			for (uint8_t fields = 1; fields < TW_MATCH_MAX; fields++)
				if (present[fields] && method_of(fields) == spec->order[m] &&
					__builtin_popcount(fields) == count)
					map->shapes[map->n_shapes++] = make_shape(fields);
	}
}

static const struct shape *shape_of(const struct tw_link_map *map, uint8_t fields)
{
	for (unsigned int s = 0; s < map->n_shapes; s++)
		if (map->shapes[s].fields == fields)
			return &map->shapes[s];
	return NULL;
}

/* The rules' upstreams are below this. */
static unsigned int upstreams_of(const struct tw_link_map *map, const struct tw_link_spec *spec)
{
	unsigned int n = map->n_upstreams;

	for (unsigned int i = 0; i < spec->n_rules; i++)
		if (spec->rules[i].upstream >= n)
			n = spec->rules[i].upstream + 1u;
	return n;
}

/* All vias that can occur, in the order of upstreams, then of methods; NULL without memory. */
static struct tw_via *collect_vias(
	const struct tw_link_map *map, const struct tw_link_spec *spec, unsigned int *n_vias)
{
	unsigned int n = upstreams_of(map, spec);
	bool(*wanted)[TW_METHOD_MAX] = calloc((size_t)n + 1, sizeof(*wanted));
	struct tw_via *vias = calloc(1 + (size_t)n * TW_METHOD_NONE, sizeof(*vias));

	*n_vias = 0;
	if (wanted == NULL || vias == NULL) {
		free(wanted);
		free(vias);
		return NULL;
	}
	for (unsigned int i = 0; i < spec->n_rules; i++)
		if (shape_of(map, spec->rules[i].fields) != NULL)
			wanted[spec->rules[i].upstream][method_of(spec->rules[i].fields)] = true;
	for (unsigned int upstream = 0; upstream < map->n_upstreams; upstream++)
		wanted[upstream][TW_METHOD_RIB] = true;
	vias[(*n_vias)++] = (struct tw_via){TW_UPSTREAM_UNKNOWN, TW_METHOD_NONE};
	for (unsigned int upstream = 0; upstream < n; upstream++)
		for (unsigned int method = 0; method < TW_METHOD_MAX; method++)
			if (wanted[upstream][method])
				vias[(*n_vias)++] =
					(struct tw_via){(uint16_t)upstream, (uint8_t)method};
	free(wanted);
	return vias;
}

/* Gives every via its place in the list. Returns 0, -ENOMEM, or -ENOSPC with a line in *diag. */
static int place_vias(
	struct tw_link_map *map, const struct tw_link_spec *spec, struct tw_diag *diag)
{
	unsigned int n;
	struct tw_via *vias = collect_vias(map, spec, &n);
	int err = vias == NULL ? -ENOMEM : 0;

	map->list = spec->vias != NULL ? spec->vias : &map->own;
	if (err == 0 && map->list->n == 0)
		err = tw_via_list_fill(map->list, vias, n);
	for (unsigned int i = 0; i < n && err == 0; i++)
		if (tw_via_list_take(map->list, vias[i]) < 0)
			err = tw_diag_add(diag, -ENOSPC,
				"more pairs of upstream and method than the %u that a run has "
				"places for: restart to take that",
				map->list->n);
	free(vias);
	map->vias = map->list->vias;
	map->n_vias = map->list->n;
	return err;
}

static uint16_t via_index(
	const struct tw_link_map *map, unsigned int upstream, enum tw_method method)
{
	return (uint16_t)tw_via_list_find(
		map->list, (struct tw_via){(uint16_t)upstream, (uint8_t)method});
}

/* What routes need: the via of each upstream, and the shape of pairs. Returns 0 or -ENOMEM. */
static int make_routes(struct tw_link_map *map, const struct tw_link_spec *spec)
{
	if (map->n_upstreams == 0)
		return 0;
	map->route_via = calloc(map->n_upstreams, sizeof(*map->route_via));
	if (map->route_via == NULL)
		return -ENOMEM;
	for (unsigned int upstream = 0; upstream < map->n_upstreams; upstream++) {
		map->route_via[upstream] = via_index(map, upstream, TW_METHOD_RIB);
		map->pairs.n_observed += map->n_shapes > 0 &&
					 spec->upstreams[upstream].kind == TW_UPSTREAM_CONFIGURED;
	}
	if (spec->n_observed != 0)
		map->pairs.n_observed = spec->n_observed;
	map->ambiguous = map->route_via[map->n_upstreams - 1];
	map->pairs.n_expected = 1 + map->n_upstreams;
	return 0;
}

static void add_rule(struct tw_link_map *map, const struct tw_link_rule *rule)
{
	const struct shape *shape = shape_of(map, rule->fields);
	uint64_t rest = key_rest(rule->vlan, rule->inner_vlan, rule->port);

	if (shape == NULL)
		return;
	*find(map, shape, rule->mac, rest) = (struct entry){
		.mac = rule->mac | shape->mac_or,
		.rest = (rest & shape->rest_and) | shape->fields,
		.via = via_index(map, rule->upstream, method_of(rule->fields)),
		.used = true,
	};
}

struct tw_link_map *tw_link_map_create(const struct tw_link_spec *spec, struct tw_diag *diag)
{
	struct tw_link_map *map;
	uint32_t size = 2;
	int err;

	if (check_rules(spec->rules, spec->n_rules, diag) != 0)
		return NULL;
	while (size < 2 * spec->n_rules)
		size *= 2;
	map = calloc(1, sizeof(*map));
	if (map == NULL)
		goto no_memory;
	map->mask = size - 1;
	map->entries = calloc(size, sizeof(*map->entries));
	if (map->entries == NULL)
		goto no_memory;
	if (is_used(spec, TW_METHOD_RIB))
		map->n_upstreams = spec->n_upstreams;
	order_shapes(map, spec);
	err = place_vias(map, spec, diag);
	if (err == -ENOSPC) {
		tw_link_map_free(map);
		return NULL;
	}
	if (err != 0 || make_routes(map, spec) != 0)
		goto no_memory;
	for (unsigned int i = 0; i < spec->n_rules; i++)
		add_rule(map, &spec->rules[i]);
	return map;

no_memory:
	tw_diag_add(diag, -ENOMEM, "no memory for the map of %u links", spec->n_rules);
	tw_link_map_free(map);
	return NULL;
}

void tw_link_map_free(struct tw_link_map *map)
{
	if (map == NULL)
		return;
	free(map->entries);
	tw_via_list_free(&map->own);
	free(map->route_via);
	free(map);
}

unsigned int tw_link_map_vias(const struct tw_link_map *map, const struct tw_via **vias)
{
	*vias = map->vias;
	return map->n_vias;
}

bool tw_link_map_routed(const struct tw_link_map *map)
{
	return map->n_upstreams > 0;
}

uint16_t tw_link_map_route_via(const struct tw_link_map *map, unsigned int upstream)
{
	return upstream < map->n_upstreams ? map->route_via[upstream] : 0;
}

void tw_link_map_pairs(const struct tw_link_map *map, struct tw_pair_shape *shape)
{
	*shape = map->pairs;
}

/* The via by link, and the shape that matched; n_shapes where none did. */
static inline uint16_t match(const struct tw_link_map *map, const struct tw_link *link,
	enum tw_direction direction, unsigned int *matched)
{
	uint64_t neighbour = direction == TW_DIR_TO ? link->mac_dst : link->mac_src;
	unsigned int s;

	for (s = 0; s < map->n_shapes; s++) {
		const struct shape *shape = &map->shapes[s];

		for (unsigned int tag = 1; tag <= shape->n_tags; tag++) {
			const struct entry *entry = find(map, shape, neighbour,
				key_rest(link->vlan[0], link->vlan[tag], link->port));

			if (entry->used) {
				*matched = s;
				return entry->via;
			}
		}
	}
	*matched = s;
	return 0;
}

uint16_t tw_link_map_match(
	const struct tw_link_map *map, const struct tw_link *link, enum tw_direction direction)
{
	unsigned int matched;

	return match(map, link, direction, &matched);
}

/* What the link says beside what the route says. */
static inline uint32_t pair_of(
	const struct tw_link_map *map, unsigned int target, uint16_t link, uint16_t route)
{
	if (link == 0 || map->pairs.n_observed == 0)
		return TW_PAIR_NONE;
	return tw_pair_index(&map->pairs, target, map->vias[link].upstream,
		route != 0 ? 1u + map->vias[route].upstream : 0);
}

void tw_attribute(const struct tw_link_map *map, const uint16_t *routes, struct tw_burst *burst)
{
	for (unsigned int i = 0; i < burst->n_hits; i++) {
		struct tw_hit *hit = &burst->hits[i];
		unsigned int shape;
		uint16_t link = match(
			map, &burst->link[hit->slot], (enum tw_direction)hit->direction, &shape);

		hit->via = link;
		hit->pair = TW_PAIR_NONE;
		if (routes != NULL) {
			uint16_t route = routes[hit->own];

			/* A route that does not decide leaves it to a link, be it weaker. */
			if (route != 0 && shape >= map->n_strong &&
				(link == 0 || route != map->ambiguous))
				hit->via = route;
			hit->pair = pair_of(map, hit->target, link, route);
		}
		hit->series = tw_series_index(
			map->n_vias, hit->target, hit->via, hit->direction, hit->version);
	}
}
