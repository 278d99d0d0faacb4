/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Prefixes are found by hash. Covering ones are found by asking for each shorter length that any prefix has: at most
 * 128 look-ups, in practice a dozen, and nothing that could be out of step with the order in which prefixes came, as
 * stored parents or a tree would have to be kept.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "tw_rib_priv.h"

static int copy_targets(struct tw_rib *rib, const struct tw_rib_spec *spec)
{
	size_t n_asns = 0;
	uint32_t *asns;

	for (unsigned int i = 0; i < spec->n_targets; i++)
		n_asns += spec->targets[i].n_asns;
	/* One more, since an allocation of nothing may be NULL. */
	rib->asns = asns = calloc(n_asns + 1, sizeof(*asns));
	rib->targets = calloc(spec->n_targets + 1, sizeof(*rib->targets));
	if (rib->asns == NULL || rib->targets == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < spec->n_targets; i++) {
		unsigned int n = spec->targets[i].n_asns;

		if (n > 0)
			memcpy(asns, spec->targets[i].asns, n * sizeof(*asns));
		tw_rib_asns_sort(asns, n);
		rib->targets[i] = (struct tw_rib_asns){.asns = asns, .n = n, .sorted = true};
		asns += n;
	}
	return 0;
}

static int copy_vantage(struct tw_rib *rib, const struct tw_rib_spec *spec)
{
	if (spec->n_vantage == 0)
		return 0;
	rib->vantage = calloc(spec->n_vantage, sizeof(*rib->vantage));
	if (rib->vantage == NULL)
		return -ENOMEM;
	memcpy(rib->vantage, spec->vantage, spec->n_vantage * sizeof(*rib->vantage));
	rib->n_vantage = spec->n_vantage;
	return 0;
}

/* 0: no router has a bound of its own. */
static void set_share(struct tw_rib *rib, uint32_t max_routes)
{
	int64_t octets = (int64_t)TW_RIB_PATH_OCTETS * max_routes;

	rib->router_max_routes = max_routes != 0 ? max_routes : UINT32_MAX;
	rib->router_max_octets =
		octets > TW_RIB_ROUTER_OCTETS_MIN ? octets : TW_RIB_ROUTER_OCTETS_MIN;
	if (max_routes == 0)
		rib->router_max_octets = INT64_MAX;
}

struct tw_rib *tw_rib_create(const struct tw_rib_spec *spec)
{
	struct tw_rib *rib = calloc(1, sizeof(*rib));
	uint64_t octets;

	if (rib == NULL)
		return NULL;
	rib->majority = spec->majority;
	rib->max_routes =
		spec->max_routes < TW_RIB_ROUTES_MAX ? spec->max_routes : TW_RIB_ROUTES_MAX;
	set_share(rib, spec->router_max_routes);
	rib->free_route = TW_RIB_NONE;
	rib->free_peer = TW_RIB_NONE;
	octets = (uint64_t)TW_RIB_PATH_OCTETS * rib->max_routes;
	rib->paths = (struct tw_rib_paths){
		.free = TW_RIB_NONE,
		.max_octets = octets > TW_RIB_PATH_OCTETS_MIN ? octets : TW_RIB_PATH_OCTETS_MIN,
		.key = rib->key,
	};
	if (getrandom(rib->key, sizeof(rib->key), 0) != sizeof(rib->key) ||
		tw_rib_ranges_init(&rib->ranges[0], spec->ranges[0], spec->n_ranges[0]) != 0 ||
		tw_rib_ranges_init(&rib->ranges[1], spec->ranges[1], spec->n_ranges[1]) != 0 ||
		copy_targets(rib, spec) != 0 || copy_vantage(rib, spec) != 0) {
		tw_rib_free(rib);
		return NULL;
	}
	return rib;
}

void tw_rib_free(struct tw_rib *rib)
{
	if (rib == NULL)
		return;
	tw_rib_ranges_free(&rib->ranges[0]);
	tw_rib_ranges_free(&rib->ranges[1]);
	tw_rib_paths_free(&rib->paths);
	free(rib->vantage);
	free(rib->asns);
	free(rib->targets);
	free(rib->prefixes);
	free(rib->prefix_index.slots);
	free(rib->peers);
	free(rib->routers);
	free(rib->peer_index.slots);
	free(rib->routes);
	free(rib->route_index.slots);
	free(rib->changed);
	free(rib->keys);
	free(rib);
}

bool tw_rib_wants(const struct tw_rib *rib, const struct tw_prefix *prefix)
{
	return tw_rib_ranges_meet(&rib->ranges[prefix->addr.family == 6], prefix);
}

static bool same_addr(const struct tw_addr *a, const struct tw_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static bool is_peer(const void *owner, uint32_t value, const void *key)
{
	const struct tw_bgp_peer *known = &((const struct tw_rib *)owner)->peers[value].peer;
	const struct tw_bgp_peer *peer = key;

	return same_addr(&known->addr, &peer->addr) && same_addr(&known->router, &peer->router) &&
	       known->distinguisher == peer->distinguisher && known->asn == peer->asn;
}

static uint32_t hash_peer(const struct tw_rib *rib, const struct tw_bgp_peer *peer)
{
	uint8_t octets[2 * sizeof(peer->addr) + sizeof(peer->distinguisher) + sizeof(peer->asn)];
	uint8_t *at = octets;

	at = mempcpy(at, &peer->addr, sizeof(peer->addr));
	at = mempcpy(at, &peer->router, sizeof(peer->router));
	at = mempcpy(at, &peer->distinguisher, sizeof(peer->distinguisher));
	memcpy(at, &peer->asn, sizeof(peer->asn));
	return tw_index_hash(rib->key, octets, sizeof(octets));
}

static bool peer_votes(const struct tw_rib *rib, const struct tw_bgp_peer *peer)
{
	const struct tw_addr *addr = peer->addr.family != 0 ? &peer->addr : &peer->router;

	for (unsigned int i = 0; i < rib->n_vantage; i++) {
		const struct tw_rib_vantage *vantage = &rib->vantage[i];

		if ((vantage->addr.family == 0 || same_addr(&vantage->addr, addr)) &&
			(vantage->asn == 0 || vantage->asn == peer->asn))
			return true;
	}
	return rib->n_vantage == 0;
}

/* The place of a router; the first that is free, or n_routers, where it has none. */
static uint32_t router_place(const struct tw_rib *rib, const struct tw_addr *addr)
{
	uint32_t unused = rib->n_routers;

	for (uint32_t i = 0; i < rib->n_routers; i++) {
		const struct tw_rib_router *router = &rib->routers[i];

		if (same_addr(&router->addr, addr))
			return i;
		if (unused == rib->n_routers && router->n_peers == 0 && router->n_prefixes == 0)
			unused = i;
	}
	return unused;
}

/* Counts one more peer of a router, into reserved room; returns its place. */
static uint32_t join_router(struct tw_rib *rib, const struct tw_addr *addr)
{
	uint32_t at = router_place(rib, addr);

	if (at == rib->n_routers)
		rib->routers[rib->n_routers++] = (struct tw_rib_router){0};
	rib->routers[at].addr = *addr;
	rib->routers[at].n_peers++;
	return at;
}

uint32_t tw_rib_peer(struct tw_rib *rib, const struct tw_bgp_peer *peer)
{
	uint32_t hash = hash_peer(rib, peer);
	uint32_t number = tw_index_find(&rib->peer_index, hash, is_peer, rib, peer);
	bool routed = peer->router.family != 0;

	if (number != TW_RIB_NONE)
		return number;
	if ((rib->free_peer == TW_RIB_NONE && rib->n_peers == TW_RIB_PEERS_MAX) ||
		tw_index_reserve(&rib->peer_index) != 0 ||
		TW_RIB_GROW(rib->peers, rib->peer_capacity, rib->n_peers) != 0 ||
		(routed && TW_RIB_GROW(rib->routers, rib->router_capacity, rib->n_routers) != 0))
		return TW_RIB_NONE;
	number = rib->free_peer != TW_RIB_NONE ? rib->free_peer : rib->n_peers++;
	if (number == rib->free_peer)
		rib->free_peer = rib->peers[number].first;
	rib->peers[number] = (struct tw_rib_peer){.peer = *peer,
		.votes = peer_votes(rib, peer),
		.first = TW_RIB_NONE,
		.router = routed ? join_router(rib, &peer->router) : TW_RIB_NONE};
	tw_index_add(&rib->peer_index, hash, number);
	return number;
}

void tw_rib_peer_gone(struct tw_rib *rib, uint32_t peer)
{
	struct tw_rib_peer *gone = &rib->peers[peer];

	tw_rib_peer_down(rib, peer);
	tw_index_remove(&rib->peer_index, hash_peer(rib, &gone->peer), peer);
	if (gone->router != TW_RIB_NONE)
		rib->routers[gone->router].n_peers--;
	*gone = (struct tw_rib_peer){.first = rib->free_peer, .router = TW_RIB_NONE};
	rib->free_peer = peer;
}

const struct tw_bgp_peer *tw_rib_peer_at(const struct tw_rib *rib, uint32_t peer)
{
	return &rib->peers[peer].peer;
}

uint32_t tw_rib_n_peers(const struct tw_rib *rib)
{
	return rib->n_peers;
}

uint32_t tw_rib_peer_routes(const struct tw_rib *rib, uint32_t peer)
{
	return rib->peers[peer].n_routes;
}

uint32_t tw_rib_router_routes(const struct tw_rib *rib, const struct tw_addr *router)
{
	uint32_t at = router_place(rib, router);

	return at < rib->n_routers ? rib->routers[at].n_routes : 0;
}

static bool is_prefix(const void *owner, uint32_t value, const void *key)
{
	return memcmp(&((const struct tw_rib *)owner)->prefixes[value].prefix, key,
		       sizeof(struct tw_prefix)) == 0;
}

uint32_t tw_rib_find(const struct tw_rib *rib, const struct tw_prefix *prefix)
{
	return tw_index_find(&rib->prefix_index, tw_index_hash(rib->key, prefix, sizeof(*prefix)),
		is_prefix, rib, prefix);
}

uint32_t tw_rib_add_prefix(struct tw_rib *rib, const struct tw_prefix *prefix)
{
	uint32_t number = rib->n_prefixes;

	if (tw_index_reserve(&rib->prefix_index) != 0 ||
		TW_RIB_GROW(rib->changed, rib->changed_capacity, number) != 0 ||
		TW_RIB_GROW(rib->prefixes, rib->prefix_capacity, number) != 0)
		return TW_RIB_NONE;
	rib->prefixes[number] = (struct tw_rib_prefix){.prefix = *prefix, .first = TW_RIB_NONE};
	tw_index_add(&rib->prefix_index, tw_index_hash(rib->key, prefix, sizeof(*prefix)), number);
	rib->lengths[prefix->addr.family == 6][prefix->length] = true;
	rib->n_prefixes++;
	return number;
}

uint32_t tw_rib_know(struct tw_rib *rib, const struct tw_prefix *prefix)
{
	uint32_t number = tw_rib_find(rib, prefix);

	if (number != TW_RIB_NONE || rib->n_prefixes >= rib->max_routes)
		return number;
	return tw_rib_add_prefix(rib, prefix);
}

uint32_t tw_rib_n_prefixes(const struct tw_rib *rib)
{
	return rib->n_prefixes;
}

const struct tw_prefix *tw_rib_prefix(const struct tw_rib *rib, uint32_t number)
{
	return &rib->prefixes[number].prefix;
}

uint32_t tw_rib_parent(const struct tw_rib *rib, uint32_t number)
{
	struct tw_prefix wider = rib->prefixes[number].prefix;
	const bool *lengths = rib->lengths[wider.addr.family == 6];

	while (wider.length > 0) {
		uint32_t found = TW_RIB_NONE;

		wider.length--;
		wider.addr.bytes[wider.length / 8] &= (uint8_t) ~(0x80 >> wider.length % 8);
		if (lengths[wider.length])
			found = tw_rib_find(rib, &wider);
		if (found != TW_RIB_NONE)
			return found;
	}
	return TW_RIB_NONE;
}

uint32_t tw_rib_changed(const struct tw_rib *rib, const uint32_t **numbers)
{
	*numbers = rib->changed;
	return rib->n_changed;
}

void tw_rib_clear_changed(struct tw_rib *rib)
{
	for (uint32_t i = 0; i < rib->n_changed; i++)
		rib->prefixes[rib->changed[i]].changed = false;
	rib->n_changed = 0;
}

void tw_rib_touch(struct tw_rib *rib, uint64_t time)
{
	if (time > rib->time)
		rib->time = time;
}

uint64_t tw_rib_time(const struct tw_rib *rib)
{
	return rib->time;
}

static uint64_t memory(const struct tw_rib *rib)
{
	const struct tw_rib_paths *paths = &rib->paths;
	size_t slots = rib->prefix_index.n_slots + rib->peer_index.n_slots +
		       rib->route_index.n_slots + paths->index.n_slots;

	return sizeof(*rib) + slots * sizeof(struct tw_index_slot) +
	       (uint64_t)rib->prefix_capacity * sizeof(*rib->prefixes) +
	       (uint64_t)rib->peer_capacity * sizeof(*rib->peers) +
	       (uint64_t)rib->router_capacity * sizeof(*rib->routers) +
	       (uint64_t)rib->slot_capacity * sizeof(*rib->routes) +
	       (uint64_t)rib->changed_capacity * sizeof(*rib->changed) +
	       (uint64_t)rib->key_capacity * sizeof(*rib->keys) +
	       (uint64_t)paths->capacity * sizeof(*paths->paths) + paths->octets +
	       (uint64_t)paths->n_used * TW_RIB_MALLOC_HEAD;
}

void tw_rib_info(const struct tw_rib *rib, struct tw_rib_info *info)
{
	*info = (struct tw_rib_info){
		.n_prefixes = rib->n_routed,
		.n_routes = rib->n_routes,
		.n_paths = rib->paths.n_used,
		.refused = rib->refused,
		.bytes = memory(rib),
	};
	for (uint32_t i = 0; i < rib->n_peers; i++)
		if (rib->peers[i].n_routes > 0) {
			info->n_peers++;
			info->n_stale += rib->peers[i].stale;
		}
}
