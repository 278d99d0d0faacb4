/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Routes come and go. A route is in the index, in the ring of its prefix and in the ring of its vantage point: it is
 * found, put in and taken out in constant time, a vantage point's routes in time of their number.
 *
 * A ring is closed: the route before the first is the last, so that routes are put in at the end and rings keep the order
 * in which routes came. A table dump tells the routes of a prefix by ascending vantage point: they are then read in
 * ascending order too, which spares tw_rib_votes.c its sorting.
 *
 * All that can fail comes before the first thing that is changed.
 *
 * Room for a route of a router whose share is full is made by one that is not told again yet, of any of its peers. The
 * search turns the peer's ring past routes that are told, and goes on where it ended: one refresh costs one turn.
 */

#include <errno.h>
#include <stdlib.h>

#include "tw_rib_priv.h"

/* How a route is told. */
enum {
	AFRESH = 1,  /* in a refresh that is under way */
	ADOPTED = 2, /* by another RIB: no other route makes room for it */
};

struct route_key {
	uint32_t prefix;
	uint32_t peer;
	uint32_t path_id;
};
_Static_assert(sizeof(struct route_key) == 12, "hashed as octets");

static bool is_route(const void *owner, uint32_t value, const void *key)
{
	const struct tw_rib_route *route = &((const struct tw_rib *)owner)->routes[value];
	const struct route_key *wanted = key;

	return route->prefix == wanted->prefix && route->peer == wanted->peer &&
	       route->path_id == wanted->path_id;
}

uint32_t tw_rib_find_route(
	const struct tw_rib *rib, uint32_t prefix, uint32_t peer, uint32_t path_id)
{
	struct route_key key = {prefix, peer, path_id};

	return tw_index_find(
		&rib->route_index, tw_index_hash(rib->key, &key, sizeof(key)), is_route, rib, &key);
}

static void link_route(struct tw_rib *rib, uint32_t *first, unsigned int ring, uint32_t at)
{
	struct tw_rib_link *link = &rib->routes[at].links[ring], *head;

	if (*first == TW_RIB_NONE) {
		*first = at;
		*link = (struct tw_rib_link){at, at};
		return;
	}
	head = &rib->routes[*first].links[ring];
	*link = (struct tw_rib_link){.next = *first, .prev = head->prev};
	rib->routes[head->prev].links[ring].next = at;
	head->prev = at;
}

static void unlink_route(struct tw_rib *rib, uint32_t *first, unsigned int ring, uint32_t at)
{
	struct tw_rib_link link = rib->routes[at].links[ring];

	rib->routes[link.next].links[ring].prev = link.prev;
	rib->routes[link.prev].links[ring].next = link.next;
	if (*first == at)
		*first = link.next == at ? TW_RIB_NONE : link.next;
}

static void mark_changed(struct tw_rib *rib, uint32_t number)
{
	if (rib->prefixes[number].changed)
		return;
	rib->prefixes[number].changed = true;
	rib->changed[rib->n_changed++] = number;
}

/* The router of a peer; NULL of an MRT file's. */
static struct tw_rib_router *router_of(struct tw_rib *rib, uint32_t peer)
{
	uint32_t at = rib->peers[peer].router;

	return at != TW_RIB_NONE ? &rib->routers[at] : NULL;
}

/* Counts routes that are not told in the refresh under way. */
static void add_untold(struct tw_rib *rib, uint32_t peer, int64_t n)
{
	struct tw_rib_router *router = router_of(rib, peer);

	if (!rib->peers[peer].refreshing)
		return;
	rib->peers[peer].n_untold += (uint32_t)n;
	if (router != NULL)
		router->n_untold += (uint32_t)n;
}

static void set_told(struct tw_rib *rib, uint32_t at, bool told)
{
	struct tw_rib_route *route = &rib->routes[at];

	add_untold(rib, route->peer, (int64_t)route->told - (int64_t)told);
	route->told = told;
}

/* Counts a route of a path into the router's share, or out of it. */
static void add_share(struct tw_rib *rib, uint32_t peer, uint32_t path, int by)
{
	struct tw_rib_router *router = router_of(rib, peer);

	if (router == NULL)
		return;
	router->n_routes += (uint32_t)by;
	router->octets += (uint64_t)((int64_t)rib->paths.paths[path].size * by);
}

/* Room for one more route, of that prefix (TW_RIB_NONE: a new one). */
static int reserve(struct tw_rib *rib, uint32_t prefix)
{
	uint32_t of_prefix = prefix == TW_RIB_NONE ? 0 : rib->prefixes[prefix].n_routes;

	if (tw_index_reserve(&rib->route_index) != 0 ||
		TW_RIB_GROW(rib->keys, rib->key_capacity, of_prefix) != 0)
		return -ENOMEM;
	if (rib->free_route != TW_RIB_NONE)
		return 0;
	return TW_RIB_GROW(rib->routes, rib->slot_capacity, rib->n_slots);
}

/* Into reserved room. */
static void put_route(struct tw_rib *rib, const struct route_key *key, uint32_t path, bool told)
{
	uint32_t at = rib->free_route != TW_RIB_NONE ? rib->free_route : rib->n_slots++;
	struct tw_rib_prefix *prefix = &rib->prefixes[key->prefix];
	struct tw_rib_peer *peer = &rib->peers[key->peer];

	if (at == rib->free_route)
		rib->free_route = rib->routes[at].links[0].next;
	rib->routes[at] = (struct tw_rib_route){
		.prefix = key->prefix,
		.path = path,
		.path_id = key->path_id,
		.peer = (uint16_t)key->peer,
		.told = told,
	};
	tw_index_add(&rib->route_index, tw_index_hash(rib->key, key, sizeof(*key)), at);
	link_route(rib, &prefix->first, TW_RIB_OF_PREFIX, at);
	link_route(rib, &peer->first, TW_RIB_OF_PEER, at);
	rib->n_routed += prefix->n_routes == 0;
	prefix->n_routes++;
	peer->n_routes++;
	rib->n_routes++;
	add_share(rib, key->peer, path, 1);
	add_untold(rib, key->peer, !told);
	mark_changed(rib, key->prefix);
}

static void drop_route(struct tw_rib *rib, uint32_t at)
{
	struct tw_rib_route *route = &rib->routes[at];
	struct route_key key = {route->prefix, route->peer, route->path_id};
	struct tw_rib_prefix *prefix = &rib->prefixes[route->prefix];
	struct tw_rib_peer *peer = &rib->peers[route->peer];

	tw_index_remove(&rib->route_index, tw_index_hash(rib->key, &key, sizeof(key)), at);
	unlink_route(rib, &prefix->first, TW_RIB_OF_PREFIX, at);
	unlink_route(rib, &peer->first, TW_RIB_OF_PEER, at);
	add_share(rib, key.peer, route->path, -1);
	add_untold(rib, key.peer, route->told - 1);
	tw_rib_paths_give(&rib->paths, route->path);
	route->links[0].next = rib->free_route;
	rib->free_route = at;
	prefix->n_routes--;
	rib->n_routed -= prefix->n_routes == 0;
	peer->n_routes--;
	rib->n_routes--;
	mark_changed(rib, key.prefix);
}

/* A route of the peer that is not told again yet. There is one. */
static uint32_t find_untold(struct tw_rib *rib, struct tw_rib_peer *peer)
{
	while (rib->routes[peer->first].told)
		peer->first = rib->routes[peer->first].links[TW_RIB_OF_PEER].next;
	return peer->first;
}

/* Drops a route of the router that is not told again yet. False where there is none. */
static bool shed(struct tw_rib *rib, struct tw_rib_router *router)
{
	uint32_t own = (uint32_t)(router - rib->routers), at;

	if (router->n_untold == 0)
		return false;
	for (at = router->next_peer; rib->peers[at].router != own || rib->peers[at].n_untold == 0;)
		at = at + 1 < rib->n_peers ? at + 1 : 0;
	router->next_peer = at;
	drop_route(rib, find_untold(rib, &rib->peers[at]));
	return true;
}

/* Whether there is room for a prefix that nobody has told before. */
static int room_for_prefix(const struct tw_rib *rib, const struct tw_rib_router *router)
{
	if (rib->n_prefixes >= rib->max_routes)
		return -ENOSPC;
	return router != NULL && router->n_prefixes >= rib->router_max_routes ? -EDQUOT : 0;
}

/* Makes room for so many more routes and octets of paths where there is none. */
static int make_room(
	struct tw_rib *rib, uint32_t peer, uint32_t n, int64_t octets, unsigned int how)
{
	struct tw_rib_router *router = router_of(rib, peer);
	int err;

	do {
		err = 0;
		if (router != NULL &&
			(router->n_routes + n > rib->router_max_routes ||
				(int64_t)router->octets + octets > rib->router_max_octets))
			err = -EDQUOT;
		if (rib->n_routes + n > rib->max_routes)
			err = -ENOSPC;
	} while (err != 0 && router != NULL && (how & ADOPTED) == 0 && shed(rib, router));
	return err;
}

static int add_route(struct tw_rib *rib, struct route_key *key, const struct tw_bgp_route *route,
	unsigned int how)
{
	struct tw_rib_router *router = router_of(rib, key->peer);
	bool first = key->prefix == TW_RIB_NONE;
	uint32_t path;
	int err;

	err = first ? room_for_prefix(rib, router) : 0;
	if (err == 0)
		err = make_room(rib, key->peer, 1, (int64_t)route->path.size, how);
	if (err == 0)
		err = reserve(rib, key->prefix);
	if (err == 0)
		err = tw_rib_paths_take(&rib->paths, &route->path, &path);
	if (err != 0)
		return err;
	if (key->prefix == TW_RIB_NONE)
		key->prefix = tw_rib_add_prefix(rib, &route->prefix);
	if (key->prefix == TW_RIB_NONE) {
		tw_rib_paths_give(&rib->paths, path);
		return -ENOMEM;
	}
	if (first && router != NULL)
		router->n_prefixes++;
	put_route(rib, key, path, (how & AFRESH) != 0);
	return 1;
}

static int replace_route(
	struct tw_rib *rib, uint32_t at, const struct tw_bgp_route *route, unsigned int how)
{
	uint32_t before = rib->routes[at].path, peer = rib->routes[at].peer, path;
	int64_t more = (int64_t)route->path.size - (int64_t)rib->paths.paths[before].size;
	int err;

	/* First, so that it is not the one that makes room. */
	set_told(rib, at, (how & AFRESH) != 0);
	err = more > 0 ? make_room(rib, peer, 0, more, how) : 0;
	if (err == 0)
		err = tw_rib_paths_take(&rib->paths, &route->path, &path);
	if (err != 0) {
		drop_route(rib, at);
		return err;
	}
	add_share(rib, peer, before, -1);
	add_share(rib, peer, path, 1);
	tw_rib_paths_give(&rib->paths, before);
	rib->routes[at].path = path;
	if (path == before)
		return 0;
	mark_changed(rib, rib->routes[at].prefix);
	return 1;
}

static int take(
	struct tw_rib *rib, uint32_t peer, const struct tw_bgp_route *route, unsigned int how)
{
	struct route_key key = {tw_rib_find(rib, &route->prefix), peer, route->path_id};
	uint32_t at = TW_RIB_NONE;
	int err;

	if (key.prefix != TW_RIB_NONE)
		at = tw_rib_find_route(rib, key.prefix, peer, route->path_id);
	if (route->withdrawn) {
		if (at != TW_RIB_NONE)
			drop_route(rib, at);
		return at != TW_RIB_NONE;
	}
	err = at == TW_RIB_NONE ? add_route(rib, &key, route, how)
				: replace_route(rib, at, route, how);
	rib->refused += err == -ENOSPC || err == -EDQUOT;
	return err;
}

int tw_rib_route(struct tw_rib *rib, uint32_t peer, const struct tw_bgp_route *route)
{
	return take(rib, peer, route, rib->peers[peer].refreshing ? AFRESH : 0);
}

void tw_rib_peer_down(struct tw_rib *rib, uint32_t peer)
{
	while (rib->peers[peer].first != TW_RIB_NONE)
		drop_route(rib, rib->peers[peer].first);
	rib->peers[peer].stale = false;
	rib->peers[peer].refreshing = false;
}

void tw_rib_peer_stale(struct tw_rib *rib, uint32_t peer, bool stale)
{
	uint32_t at = rib->peers[peer].first;

	if (rib->peers[peer].stale == stale)
		return;
	rib->peers[peer].stale = stale;
	for (uint32_t i = 0; i < rib->peers[peer].n_routes; i++) {
		mark_changed(rib, rib->routes[at].prefix);
		at = rib->routes[at].links[TW_RIB_OF_PEER].next;
	}
}

/* Forgets what was told; withdraws what was not, where it is to. */
static void end_refresh(struct tw_rib *rib, uint32_t peer, bool withdraw)
{
	uint32_t n = rib->peers[peer].n_routes, at = rib->peers[peer].first;

	add_untold(rib, peer, -(int64_t)rib->peers[peer].n_untold);
	rib->peers[peer].refreshing = false;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t next = rib->routes[at].links[TW_RIB_OF_PEER].next;

		if (withdraw && !rib->routes[at].told)
			drop_route(rib, at);
		else
			rib->routes[at].told = false;
		at = next;
	}
}

void tw_rib_refresh_begin(struct tw_rib *rib, uint32_t peer)
{
	if (rib->peers[peer].refreshing)
		end_refresh(rib, peer, false);
	rib->peers[peer].refreshing = true;
	add_untold(rib, peer, rib->peers[peer].n_routes);
}

void tw_rib_refresh_end(struct tw_rib *rib, uint32_t peer)
{
	if (rib->peers[peer].refreshing)
		end_refresh(rib, peer, true);
}

/* Adds the vantage points to adopt; numbers[] says which they are here, TW_RIB_NONE of those that stay behind. */
static int adopt_peers(struct tw_rib *rib, const struct tw_rib *from, uint32_t *numbers)
{
	int result = 0;

	for (uint32_t i = 0; i < from->n_peers; i++) {
		const struct tw_rib_peer *peer = &from->peers[i];

		numbers[i] = TW_RIB_NONE;
		if (peer->peer.router.family == 0 ||
			(peer->n_routes == 0 && !peer->stale && !peer->refreshing))
			continue;
		numbers[i] = tw_rib_peer(rib, &peer->peer);
		if (numbers[i] == TW_RIB_NONE && rib->n_peers < TW_RIB_PEERS_MAX)
			return -ENOMEM;
		if (numbers[i] == TW_RIB_NONE) {
			result = -ENOSPC;
			continue;
		}
		tw_rib_peer_stale(rib, numbers[i], peer->stale);
		end_refresh(rib, numbers[i], false);
		if (peer->refreshing)
			tw_rib_refresh_begin(rib, numbers[i]);
	}
	return result;
}

static int adopt_prefix(
	struct tw_rib *rib, const struct tw_rib *from, uint32_t number, const uint32_t *numbers)
{
	const struct tw_rib_prefix *prefix = &from->prefixes[number];
	uint32_t at = prefix->first;
	int result = 0;

	for (uint32_t i = 0; i < prefix->n_routes; i++) {
		const struct tw_rib_route *route = &from->routes[at];
		struct tw_bgp_route told = {.prefix = prefix->prefix,
			.path_id = route->path_id,
			.path = tw_rib_paths_at(&from->paths, route->path)};
		int err = 0;

		if (numbers[route->peer] != TW_RIB_NONE)
			err = take(rib, numbers[route->peer], &told,
				ADOPTED | (route->told ? AFRESH : 0));
		if (err == -ENOMEM)
			return err;
		if (err < 0)
			result = -ENOSPC;
		at = route->links[TW_RIB_OF_PREFIX].next;
	}
	return result;
}

int tw_rib_adopt_live(struct tw_rib *rib, const struct tw_rib *from)
{
	uint32_t *numbers = malloc(((size_t)from->n_peers + 1) * sizeof(*numbers));
	int result = numbers != NULL ? adopt_peers(rib, from, numbers) : -ENOMEM;

	for (uint32_t i = 0; i < from->n_prefixes && result != -ENOMEM; i++) {
		int err = 0;

		if (tw_rib_wants(rib, &from->prefixes[i].prefix))
			err = adopt_prefix(rib, from, i, numbers);
		result = err != 0 ? err : result;
	}
	free(numbers);
	return result;
}
