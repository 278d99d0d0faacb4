/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Two books are kept of peers. The decoder's has all that are up and how they encode; it goes with the session. The
 * one here outlives it, and has a row for each peer that is up or held.
 *
 * A peer is in the RIB (`known`) only from its first wanted route on: a router with a thousand peers may have two that
 * reach a target. Of peers that are not, nothing has to be kept when the session is lost.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "routers.h"

#define SECOND UINT64_C(1000000000)

struct row {
	struct tw_bgp_peer peer;
	bool up;
	bool known;      /* to the RIB */
	bool stale;      /* only where not up */
	bool refreshing; /* only where up */
	uint64_t since;  /* up: the Peer Up; else the loss */
};

struct tw_router {
	struct tw_routers *all;
	struct tw_addr addr; /* family 0: nobody yet */
	char name[TW_BMP_NAME_MAX + 1];
	struct tw_bmp *bmp;          /* NULL: no session */
	struct tw_bmp_counts counts; /* of the last session, once it is over */
	struct row *rows;
	unsigned int n_rows;
	unsigned int capacity;
	unsigned int last; /* the row that was found last: messages of one peer follow each other */
	uint64_t began;    /* the session */
	uint64_t heard;    /* the last octet, or the loss */
	uint64_t refused;
	bool told_malformed; /* in this session */
	bool told_refused;   /* in this session */
};

struct tw_routers {
	struct tw_routers_spec spec;
	struct tw_live_rib *live;
	uint64_t now; /* during a call */
	uint64_t refused;
	struct tw_router routers[];
};

char *tw_router_label(const struct tw_router *router, char *text)
{
	char addr[TW_PREFIX_TEXT];

	tw_addr_format(&router->addr, addr);
	if (router->name[0] != '\0')
		snprintf(text, TW_ROUTER_TEXT, "%s (%s)", addr, router->name);
	else
		snprintf(text, TW_ROUTER_TEXT, "%s", addr);
	return text;
}

static void add_news(struct tw_routers *all)
{
	atomic_fetch_add_explicit(&all->live->news, 1, memory_order_relaxed);
}

/* ---- rows ---- */

static bool same_peer(const struct tw_bgp_peer *a, const struct tw_bgp_peer *b)
{
	return a->asn == b->asn && a->distinguisher == b->distinguisher &&
	       memcmp(&a->addr, &b->addr, sizeof(a->addr)) == 0;
}

static struct row *find(struct tw_router *router, const struct tw_bgp_peer *peer)
{
	if (router->last < router->n_rows && same_peer(&router->rows[router->last].peer, peer))
		return &router->rows[router->last];
	for (unsigned int i = 0; i < router->n_rows; i++) {
		if (!same_peer(&router->rows[i].peer, peer))
			continue;
		router->last = i;
		return &router->rows[i];
	}
	return NULL;
}

/* The RIB's number of a row's peer; TW_RIB_NONE where it has no room for one. */
static uint32_t number_of(const struct tw_router *router, const struct row *row)
{
	return tw_rib_peer(router->all->live->rib, &row->peer);
}

static void set_stale(struct tw_router *router, struct row *row, bool stale)
{
	uint32_t number = number_of(router, row);

	row->stale = stale;
	if (number != TW_RIB_NONE)
		tw_rib_peer_stale(router->all->live->rib, number, stale);
	add_news(router->all);
}

static void end_refresh(struct tw_router *router, struct row *row)
{
	uint32_t number = number_of(router, row);

	row->refreshing = false;
	if (number != TW_RIB_NONE)
		tw_rib_refresh_end(router->all->live->rib, number);
	add_news(router->all);
}

/* Forgets a peer, and withdraws what it told. The last row takes its place. */
static void drop(struct tw_router *router, struct row *row)
{
	uint32_t number = row->known ? number_of(router, row) : TW_RIB_NONE;

	if (number != TW_RIB_NONE)
		tw_rib_peer_gone(router->all->live->rib, number);
	*row = router->rows[--router->n_rows];
	add_news(router->all);
}

/* The decoder has at most max_peers up, so that where the book is full one at least is held. */
static void drop_longest_held(struct tw_router *router)
{
	struct row *longest = NULL;

	for (unsigned int i = 0; i < router->n_rows; i++) {
		struct row *row = &router->rows[i];

		if (!row->up && (longest == NULL || row->since < longest->since))
			longest = row;
	}
	if (longest != NULL)
		drop(router, longest);
}

/* Returns NULL without memory. */
static struct row *add(struct tw_router *router, const struct tw_bgp_peer *peer)
{
	struct row *row;

	if (router->n_rows == router->all->spec.max_peers)
		drop_longest_held(router);
	if (router->n_rows == router->capacity) {
		unsigned int capacity = router->capacity != 0 ? 2 * router->capacity : 16;
		struct row *rows = reallocarray(router->rows, capacity, sizeof(*rows));

		if (rows == NULL)
			return NULL;
		router->rows = rows;
		router->capacity = capacity;
	}
	row = &router->rows[router->n_rows++];
	*row = (struct row){.peer = *peer};
	return row;
}

/* ---- what the decoder tells ---- */

static bool on_wants(void *arg, const struct tw_prefix *prefix)
{
	const struct tw_router *router = arg;

	return tw_rib_wants(router->all->live->rib, prefix);
}

static void refuse(struct tw_router *router, int err)
{
	char label[TW_ROUTER_TEXT];

	router->all->refused++;
	router->refused++;
	if (router->told_refused)
		return;
	router->told_refused = true;
	fprintf(router->all->spec.log,
		"transitwatch: bmp: %s: more routes of the targets than %s: what is beyond is left "
		"out, and more of this session only counted\n",
		tw_router_label(router, label),
		err == -EDQUOT   ? "bmp.max_routes: raise it, or let the router tell fewer"
		: err == -ENOSPC ? "rib.max_routes: raise it, or let routers tell fewer"
				 : "there is memory for");
}

static void on_route(void *arg, const struct tw_bgp_peer *peer, const struct tw_bgp_route *route)
{
	struct tw_router *router = arg;
	struct row *row = find(router, peer);
	uint32_t number = row != NULL ? number_of(router, row) : TW_RIB_NONE;
	int result = -ENOMEM;

	if (number != TW_RIB_NONE) {
		row->known = true;
		result = tw_rib_route(router->all->live->rib, number, route);
	}
	if (result < 0)
		refuse(router, result);
	if (result != 0)
		add_news(router->all);
}

static void on_up(void *arg, const struct tw_bgp_peer *peer)
{
	struct tw_router *router = arg;
	struct row *row = find(router, peer);
	uint32_t number;

	if (row == NULL)
		row = add(router, peer);
	if (row == NULL)
		return;
	row->up = true;
	row->since = router->all->now;
	add_news(router->all);
	number = row->known ? number_of(router, row) : TW_RIB_NONE;
	if (number == TW_RIB_NONE)
		return;
	tw_rib_refresh_begin(router->all->live->rib, number);
	row->refreshing = true;
	if (row->stale)
		set_stale(router, row, false);
}

static void on_down(void *arg, const struct tw_bgp_peer *peer)
{
	struct row *row = find(arg, peer);

	if (row != NULL)
		drop(arg, row);
}

static void on_end_of_rib(void *arg, const struct tw_bgp_peer *peer)
{
	struct row *row = find(arg, peer);

	if (row != NULL && row->refreshing)
		end_refresh(arg, row);
}

static void on_name(void *arg, const char *name)
{
	struct tw_router *router = arg;

	snprintf(router->name, sizeof(router->name), "%s", name);
}

static void on_malformed(void *arg, const char *why)
{
	struct tw_router *router = arg;
	char label[TW_ROUTER_TEXT];

	if (router->told_malformed)
		return;
	router->told_malformed = true;
	fprintf(router->all->spec.log,
		"transitwatch: bmp: %s: a malformed message: %s: it is passed over; more of this "
		"session are "
		"only counted\n",
		tw_router_label(router, label), why);
}

/* ---- sessions ---- */

/* Withdraws all that a router told, and its place is free. */
static void forget(struct tw_router *router)
{
	while (router->n_rows > 0)
		drop(router, &router->rows[router->n_rows - 1]);
	free(router->rows);
	*router = (struct tw_router){.all = router->all};
}

/* A router's place: its own, a free one, or that of the one lost for longest; NULL where all have sessions. */
static struct tw_router *place_of(struct tw_routers *all, const struct tw_addr *addr)
{
	struct tw_router *unused = NULL, *longest = NULL;

	for (unsigned int i = 0; i < all->spec.max_routers; i++) {
		struct tw_router *router = &all->routers[i];

		if (memcmp(&router->addr, addr, sizeof(*addr)) == 0)
			return router;
		if (router->addr.family == 0)
			unused = router;
		else if (router->bmp == NULL && (longest == NULL || router->heard < longest->heard))
			longest = router;
	}
	if (unused == NULL && longest != NULL) {
		forget(longest);
		unused = longest;
	}
	return unused;
}

struct tw_router *tw_router_begin(
	struct tw_routers *routers, const struct tw_addr *addr, uint64_t now)
{
	struct tw_router *router = place_of(routers, addr);
	const struct tw_bmp_handler handler = {
		.wants = on_wants,
		.route = on_route,
		.up = on_up,
		.down = on_down,
		.end_of_rib = on_end_of_rib,
		.name = on_name,
		.malformed = on_malformed,
		.arg = router,
	};

	if (router == NULL)
		return NULL;
	if (router->bmp != NULL)
		tw_router_lost(router, now);
	router->addr = *addr;
	router->heard = now;
	router->bmp = tw_bmp_create(addr, routers->spec.max_peers, &handler);
	if (router->bmp == NULL)
		return NULL;
	router->began = now;
	router->told_malformed = false;
	router->told_refused = false;
	return router;
}

ssize_t tw_router_feed(
	struct tw_router *router, const uint8_t *data, size_t size, uint64_t now, const char **why)
{
	router->heard = now;
	router->all->now = now;
	return tw_bmp_feed(router->bmp, data, size, why);
}

/* All that the peer told is to be told again, and kept until then. */
static void hold(struct tw_router *router, struct row *row, uint64_t now)
{
	uint32_t number = number_of(router, row);

	if (number != TW_RIB_NONE)
		tw_rib_refresh_begin(router->all->live->rib, number);
	row->up = false;
	row->refreshing = false;
	row->since = now;
	add_news(router->all);
}

void tw_router_lost(struct tw_router *router, uint64_t now)
{
	router->counts = *tw_bmp_counts(router->bmp);
	tw_bmp_free(router->bmp);
	router->bmp = NULL;
	router->heard = now;
	for (unsigned int i = router->n_rows; i-- > 0;) {
		struct row *row = &router->rows[i];

		if (!row->known) {
			drop(router, row);
		} else if (row->up) {
			hold(router, row, now);
		}
	}
}

/* ---- time ---- */

static void tick(struct tw_router *router, uint64_t now)
{
	uint64_t hold = router->all->spec.hold;
	bool back = router->bmp != NULL && now - router->began >= hold;
	unsigned int withdrawn = 0, stale = 0;
	char label[TW_ROUTER_TEXT];

	for (unsigned int i = router->n_rows; i-- > 0;) {
		struct row *row = &router->rows[i];
		bool due = now - row->since >= hold;

		if (!row->up && back) {
			drop(router, row);
			withdrawn++;
		} else if (!row->up && due && !row->stale) {
			set_stale(router, row, true);
			stale++;
		} else if (row->up && due && row->refreshing) {
			end_refresh(router, row);
		}
	}
	if (withdrawn > 0)
		fprintf(router->all->spec.log,
			"transitwatch: bmp: %s: its peers that did not come up again within "
			"%" PRIu64 " s: %u: their routes are withdrawn\n",
			tw_router_label(router, label), hold / SECOND, withdrawn);
	if (stale > 0)
		fprintf(router->all->spec.log,
			"transitwatch: bmp: %s: its peers that are lost for %" PRIu64
			" s: %u: their routes are stale\n",
			tw_router_label(router, label), hold / SECOND, stale);
}

void tw_routers_tick(struct tw_routers *routers, uint64_t now)
{
	for (unsigned int i = 0; i < routers->spec.max_routers; i++)
		tick(&routers->routers[i], now);
}

/* ---- reading ---- */

static void describe(const struct tw_router *router, struct tw_router_info *info, uint64_t now)
{
	*info = (struct tw_router_info){
		.addr = router->addr,
		.connected = router->bmp != NULL,
		.quiet = now > router->heard ? (now - router->heard) / SECOND : 0,
		.peers_up = router->bmp != NULL ? tw_bmp_n_peers(router->bmp) : 0,
		.session = router->bmp != NULL ? *tw_bmp_counts(router->bmp) : router->counts,
	};
	info->routes = tw_rib_router_routes(router->all->live->rib, &router->addr);
	info->refused = router->refused;
	memcpy(info->name, router->name, sizeof(info->name));
	for (unsigned int i = 0; i < router->n_rows; i++) {
		info->peers_held += !router->rows[i].up;
		info->peers_stale += router->rows[i].stale;
	}
}

unsigned int tw_routers_info(const struct tw_routers *routers, struct tw_router_info *info,
	unsigned int max, uint64_t now)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < routers->spec.max_routers; i++) {
		if (routers->routers[i].addr.family == 0)
			continue;
		if (n < max)
			describe(&routers->routers[i], &info[n], now);
		n++;
	}
	return n;
}

uint64_t tw_routers_refused(const struct tw_routers *routers)
{
	return routers->refused;
}

struct tw_routers *tw_routers_create(const struct tw_routers_spec *spec, struct tw_live_rib *live)
{
	struct tw_routers *routers =
		calloc(1, sizeof(*routers) + spec->max_routers * sizeof(routers->routers[0]));

	if (routers == NULL)
		return NULL;
	routers->spec = *spec;
	routers->live = live;
	for (unsigned int i = 0; i < spec->max_routers; i++)
		routers->routers[i].all = routers;
	return routers;
}

void tw_routers_free(struct tw_routers *routers)
{
	if (routers == NULL)
		return;
	for (unsigned int i = 0; i < routers->spec.max_routers; i++) {
		tw_bmp_free(routers->routers[i].bmp);
		free(routers->routers[i].rows);
	}
	free(routers);
}
