/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Who is for what. A vote is one number:
 *
 *   63        56 55          40 39        32 31                     0
 *   +-----------+--------------+------------+------------------------+
 *   |     0     | vantage point|  verdict   |    upstream, origin    |
 *   +-----------+--------------+------------+------------------------+
 *
 * Sorted, the paths of a vantage point stand together and become one vote; without the vantage points and sorted
 * again, equal votes stand together and are counted. Sorting makes the verdict independent of the order in which
 * routes came.
 */

#include "tw_rib_priv.h"

static uint64_t key_of(uint32_t peer, enum tw_verdict_kind kind, uint32_t asn)
{
	return (uint64_t)peer << 40 | (uint64_t)kind << 32 | asn;
}

static uint32_t key_peer(uint64_t key)
{
	return (uint32_t)(key >> 40);
}

static enum tw_verdict_kind key_kind(uint64_t key)
{
	return (enum tw_verdict_kind)(key >> 32 & 0xff);
}

static void sift_down(uint64_t *keys, uint32_t at, uint32_t n)
{
	uint64_t key = keys[at];

	for (uint32_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
		if (child + 1 < n && keys[child + 1] > keys[child])
			child++;
		if (keys[child] <= key)
			break;
		keys[at] = keys[child];
		at = child;
	}
	keys[at] = key;
}

static void heap_sort(uint64_t *keys, uint32_t n)
{
	for (uint32_t i = n / 2; i-- > 0;)
		sift_down(keys, i, n);
	for (uint32_t i = n; i-- > 1;) {
		uint64_t greatest = keys[0];

		keys[0] = keys[i];
		keys[i] = greatest;
		sift_down(keys, 0, i);
	}
}

void tw_rib_sort(uint64_t *keys, uint32_t n)
{
	enum {
		FEW = 24 /* below it, moving one by one is faster than a heap */
	};
	uint32_t sorted = 1;

	while (sorted < n && keys[sorted - 1] <= keys[sorted])
		sorted++;
	if (sorted < n && n > FEW) {
		heap_sort(keys, n);
		return;
	}
	for (; sorted < n; sorted++) {
		uint64_t key = keys[sorted];
		uint32_t at = sorted;

		for (; at > 0 && keys[at - 1] > key; at--)
			keys[at] = keys[at - 1];
		keys[at] = key;
	}
}

/* The routes' votes of those who vote, fresh or stale; returns how many. */
static uint32_t collect(const struct tw_rib *rib, uint32_t number, unsigned int target, bool stale)
{
	const struct tw_rib_prefix *prefix = &rib->prefixes[number];
	uint32_t at = prefix->first, n = 0;

	for (uint32_t i = 0; i < prefix->n_routes; i++) {
		const struct tw_rib_route *route = &rib->routes[at];
		const struct tw_rib_peer *peer = &rib->peers[route->peer];

		if (peer->votes && peer->stale == stale) {
			struct tw_bgp_path path = tw_rib_paths_at(&rib->paths, route->path);
			struct tw_route_verdict verdict =
				tw_rib_path_verdict(&path, peer->peer.asn, rib->targets[target]);

			rib->keys[n++] = key_of(route->peer, verdict.kind, verdict.asn);
		}
		at = route->links[TW_RIB_OF_PREFIX].next;
	}
	return n;
}

/* What two paths of one vantage point say together. */
static uint64_t join(uint64_t a, uint64_t b)
{
	if (a == b)
		return a;
	if (key_kind(a) == TW_VERDICT_FOREIGN && key_kind(b) == TW_VERDICT_FOREIGN)
		return key_of(key_peer(a), TW_VERDICT_FOREIGN, 0);
	return key_of(key_peer(a), TW_VERDICT_AMBIGUOUS, 0);
}

/* One vote for each vantage point, without it; returns how many. */
static uint32_t merge_paths(uint64_t *keys, uint32_t n)
{
	uint32_t n_votes = 0;

	tw_rib_sort(keys, n);
	for (uint32_t i = 0; i < n;) {
		uint64_t vote = keys[i];
		uint32_t peer = key_peer(vote);

		for (i++; i < n && key_peer(keys[i]) == peer; i++)
			vote = join(vote, keys[i]);
		keys[n_votes++] = key_of(0, key_kind(vote), (uint32_t)vote);
	}
	return n_votes;
}

/* The votes from `at` on that are one verdict; returns where they end. */
static uint32_t same_verdict(const uint64_t *votes, uint32_t at, uint32_t n)
{
	uint64_t first = votes[at];
	bool foreign = key_kind(first) == TW_VERDICT_FOREIGN;

	while (at < n &&
		(votes[at] == first || (foreign && key_kind(votes[at]) == TW_VERDICT_FOREIGN)))
		at++;
	return at;
}

static struct tw_route_verdict count(const struct tw_rib *rib, uint64_t *votes, uint32_t n)
{
	struct tw_route_verdict best = {.n_votes = n};
	bool tie = false;

	tw_rib_sort(votes, n);
	for (uint32_t from = 0, to; from < n; from = to) {
		to = same_verdict(votes, from, n);
		if (to - from < best.n_for)
			continue;
		tie = to - from == best.n_for;
		best.n_for = to - from;
		best.kind = key_kind(votes[from]);
		best.asn = votes[from] == votes[to - 1] ? (uint32_t)votes[from] : 0;
	}
	if (tie || (uint64_t)best.n_for * 100 < (uint64_t)rib->majority * n) {
		best.kind = TW_VERDICT_AMBIGUOUS;
		best.asn = 0;
	}
	return best;
}

struct tw_route_verdict tw_rib_decide(
	const struct tw_rib *rib, uint32_t number, unsigned int target)
{
	struct tw_route_verdict verdict = {.kind = TW_VERDICT_NONE, .prefix = TW_RIB_NONE};
	bool stale = false;
	uint32_t n = collect(rib, number, target, false);

	if (n == 0) {
		n = collect(rib, number, target, true);
		stale = true;
	}
	if (n == 0)
		return verdict;
	verdict = count(rib, rib->keys, merge_paths(rib->keys, n));
	verdict.stale = stale;
	verdict.prefix = number;
	return verdict;
}

struct tw_route_verdict tw_rib_resolve(
	const struct tw_rib *rib, uint32_t number, unsigned int target)
{
	struct tw_route_verdict verdict = tw_rib_decide(rib, number, target);

	while (verdict.kind == TW_VERDICT_NONE) {
		number = tw_rib_parent(rib, number);
		if (number == TW_RIB_NONE)
			break;
		verdict = tw_rib_decide(rib, number, target);
	}
	return verdict;
}

uint32_t tw_rib_votes(const struct tw_rib *rib, uint32_t number, unsigned int target,
	struct tw_rib_vote *votes, uint32_t max)
{
	const struct tw_rib_prefix *prefix = &rib->prefixes[number];
	uint32_t n = prefix->n_routes, at = prefix->first;

	for (uint32_t i = 0; i < n; i++) {
		rib->keys[i] = (uint64_t)rib->routes[at].peer << 32 | rib->routes[at].path_id;
		at = rib->routes[at].links[TW_RIB_OF_PREFIX].next;
	}
	tw_rib_sort(rib->keys, n);
	for (uint32_t i = 0; i < n && i < max; i++) {
		uint32_t number_of_peer = (uint32_t)(rib->keys[i] >> 32);
		uint32_t path_id = (uint32_t)rib->keys[i];
		const struct tw_rib_peer *peer = &rib->peers[number_of_peer];
		uint32_t route = tw_rib_find_route(rib, number, number_of_peer, path_id);
		struct tw_bgp_path path = tw_rib_paths_at(&rib->paths, rib->routes[route].path);

		votes[i] = (struct tw_rib_vote){
			.peer = number_of_peer,
			.path_id = path_id,
			.path = path,
			.verdict = tw_rib_path_verdict(&path, peer->peer.asn, rib->targets[target]),
			.stale = peer->stale,
			.counts = peer->votes,
		};
	}
	return n;
}
