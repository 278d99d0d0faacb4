/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "updates.h"
#include "tw_clock.h"

struct reading {
	struct tw_updates *updates;
	struct tw_rib *rib;
	uint64_t since;
	int error;
};

static bool wants(void *arg, const struct tw_prefix *prefix)
{
	return tw_rib_wants(((struct reading *)arg)->rib, prefix);
}

static int keep_path(struct tw_updates *u, const struct tw_bgp_path *path, size_t *at)
{
	*at = u->n_octets;
	if (u->n_octets + path->size > u->octets_capacity) {
		size_t capacity = 2 * u->octets_capacity + path->size + 4096;
		uint8_t *grown = realloc(u->octets, capacity);

		if (grown == NULL)
			return -ENOMEM;
		u->octets = grown;
		u->octets_capacity = capacity;
	}
	if (path->size > 0)
		memcpy(u->octets + u->n_octets, path->segments, path->size);
	u->n_octets += path->size;
	return 0;
}

static int keep(struct tw_updates *u, const struct tw_update *update)
{
	if (update->peer == TW_RIB_NONE)
		return -ENOMEM;
	if (u->n == u->capacity) {
		uint32_t capacity = u->capacity ? 2 * u->capacity : 1024;
		struct tw_update *grown = realloc(u->list, capacity * sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		u->list = grown;
		u->capacity = capacity;
	}
	u->list[u->n] = *update;
	u->list[u->n].order = u->n;
	u->n++;
	return 0;
}

static void take_route(
	void *arg, uint64_t time, const struct tw_bgp_peer *peer, const struct tw_bgp_route *route)
{
	struct reading *r = arg;
	struct tw_update update = {.time = time,
		.path_id = route->path_id,
		.withdrawn = route->withdrawn,
		.path_size = (uint32_t)route->path.size};

	if (r->error != 0 || time / TW_NS_PER_SECOND < r->since / TW_NS_PER_SECOND)
		return;
	update.peer = tw_rib_peer(r->rib, peer);
	update.prefix = tw_rib_know(r->rib, &route->prefix);
	if (update.prefix == TW_RIB_NONE)
		r->error = -ENOSPC;
	else if (!route->withdrawn)
		r->error = keep_path(r->updates, &route->path, &update.path);
	if (r->error == 0)
		r->error = keep(r->updates, &update);
}

static void take_down(void *arg, uint64_t time, const struct tw_bgp_peer *peer)
{
	struct reading *r = arg;
	struct tw_update update = {.time = time, .prefix = TW_RIB_NONE};

	if (r->error != 0 || time / TW_NS_PER_SECOND < r->since / TW_NS_PER_SECOND)
		return;
	update.peer = tw_rib_peer(r->rib, peer);
	r->error = keep(r->updates, &update);
}

int tw_updates_read(struct tw_updates *u, const struct tw_mrt_file *file, struct tw_rib *rib,
	uint64_t since, struct tw_diag *diag)
{
	struct reading reading = {.updates = u, .rib = rib, .since = since};
	const struct tw_mrt_handler handler = {
		.wants = wants, .route = take_route, .down = take_down, .arg = &reading};
	struct tw_mrt_counts counts;
	int err = tw_mrt_read_file(file, &handler, &counts, diag);

	if (err != 0)
		return err;
	if (reading.error == -ENOSPC)
		return tw_diag_add(diag, -ENOSPC,
			"%s: more prefixes of the targets than rib.max_routes: raise it",
			file->path);
	if (reading.error != 0)
		return tw_diag_add(diag, -ENOMEM, "%s: no memory for its updates", file->path);
	if (counts.first_time != 0 && (u->first == 0 || counts.first_time < u->first))
		u->first = counts.first_time;
	if (counts.last_time > u->last)
		u->last = counts.last_time;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct tw_update *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

void tw_updates_sort(struct tw_updates *u)
{
	if (u->n > 0)
		qsort(u->list, u->n, sizeof(*u->list), compare);
}

static void take(struct tw_updates *u, struct tw_rib *rib, const struct tw_update *update)
{
	struct tw_bgp_route route;

	if (update->prefix == TW_RIB_NONE) {
		tw_rib_peer_down(rib, update->peer);
		return;
	}
	route = (struct tw_bgp_route){.prefix = *tw_rib_prefix(rib, update->prefix),
		.path_id = update->path_id,
		.withdrawn = update->withdrawn,
		.path = {u->octets + update->path, update->path_size}};
	/* What has no room is counted by the RIB. */
	(void)tw_rib_route(rib, update->peer, &route);
}

bool tw_updates_take(struct tw_updates *u, struct tw_rib *rib, uint64_t *second)
{
	if (u->next == u->n)
		return false;
	*second = u->list[u->next].time / TW_NS_PER_SECOND;
	while (u->next < u->n && u->list[u->next].time / TW_NS_PER_SECOND == *second)
		take(u, rib, &u->list[u->next++]);
	return true;
}

void tw_updates_free(struct tw_updates *u)
{
	free(u->list);
	free(u->octets);
	*u = (struct tw_updates){0};
}
