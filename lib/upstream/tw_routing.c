/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Cuts in the order of their addresses, outer before inner, make what is below a prefix a run:
 *
 *   10.0.0.0/8  10.0.0.0/16  10.0.1.0/24  10.1.0.0/16 | 192.0.2.0/24
 *   └── all that a change of 10.0.0.0/8 may concern ──┘
 *
 * Two lists hang on each cut: its origins, whose via follows the longest prefix that has a route; and the targets that
 * have addresses in it, each with the verdict of the prefix's own routes, which the shares count.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tw_routing.h"

/* A target that has addresses in a cut. */
struct entry {
	uint8_t target;
	uint16_t upstream; /* of the prefix's own routes, TW_UPSTREAM_UNKNOWN for none */
};

struct tw_routing {
	struct tw_routing_spec spec;
	uint32_t n_origins; /* of targets, and origin 0 */
	uint16_t *vias;
	uint16_t *upstreams; /* of each origin, TW_UPSTREAM_UNKNOWN for none */
	struct tw_route_share *shares;

	uint32_t *first_origin; /* [n_cuts + 1], into origins[] */
	uint32_t *origins;
	uint32_t *first_entry; /* [n_cuts + 1], into entries[] */
	struct entry *entries;
	uint32_t n_entries;
	uint32_t *order; /* cuts by address */
	bool outgrown;

	struct tw_routing_delta delta;
	uint32_t vias_capacity, shares_capacity;
	bool failed; /* no memory for a delta */
};

/* ---- verdicts to upstreams ---- */

unsigned int tw_routing_upstream(const struct tw_routing *r, const struct tw_route_verdict *verdict)
{
	switch (verdict->kind) {
	case TW_VERDICT_UPSTREAM:
		return tw_upstream_list_find(r->spec.upstreams, verdict->asn,
			tw_table_asn_name(r->spec.table, verdict->asn));
	case TW_VERDICT_DIRECT:
		return tw_upstream_list_kind(r->spec.upstreams, TW_UPSTREAM_DIRECT);
	case TW_VERDICT_FOREIGN:
		return tw_upstream_list_kind(r->spec.upstreams, TW_UPSTREAM_FOREIGN);
	case TW_VERDICT_AMBIGUOUS:
		return tw_upstream_list_kind(r->spec.upstreams, TW_UPSTREAM_AMBIGUOUS);
	default:
		return TW_UPSTREAM_UNKNOWN;
	}
}

static void *grow(void *array, uint32_t n, uint32_t *capacity, size_t size)
{
	void *grown;

	if (n < *capacity)
		return array;
	*capacity = *capacity ? 2 * *capacity : 64;
	grown = realloc(array, *capacity * size);
	if (grown == NULL)
		*capacity = n;
	return grown;
}

static void change_via(struct tw_routing *r, uint32_t origin, uint16_t via)
{
	struct tw_via_change *vias =
		grow(r->delta.vias, r->delta.n_vias, &r->vias_capacity, sizeof(*vias));

	r->vias[origin] = via;
	if (vias == NULL) {
		r->failed = true;
		return;
	}
	r->delta.vias = vias;
	vias[r->delta.n_vias++] = (struct tw_via_change){origin, via};
}

static void change_share(struct tw_routing *r, unsigned int target, unsigned int upstream,
	unsigned int version, struct tw_share_change change)
{
	struct tw_share_change *shares;

	if (upstream == TW_UPSTREAM_UNKNOWN || (change.prefixes | change.addresses) == 0)
		return;
	change.index = tw_share_index(r->spec.upstreams->n, target, upstream, version);
	r->shares[change.index].prefixes += (uint64_t)change.prefixes;
	r->shares[change.index].addresses += (uint64_t)change.addresses;
	shares = grow(r->delta.shares, r->delta.n_shares, &r->shares_capacity, sizeof(*shares));
	if (shares == NULL) {
		r->failed = true;
		return;
	}
	r->delta.shares = shares;
	shares[r->delta.n_shares++] = change;
}

static void update_origin(struct tw_routing *r, uint32_t cut, uint32_t origin)
{
	unsigned int target = tw_table_origin(r->spec.table, origin)->target;
	struct tw_route_verdict verdict = tw_rib_resolve(r->spec.rib, cut, target);
	unsigned int upstream = tw_routing_upstream(r, &verdict);
	uint8_t family = tw_rib_prefix(r->spec.rib, cut)->addr.family;
	int64_t size = (int64_t)tw_table_origin_size(r->spec.table, origin, family);

	if (upstream == r->upstreams[origin])
		return;
	change_share(r, target, r->upstreams[origin], family,
		(struct tw_share_change){.addresses = -size});
	change_share(r, target, upstream, family, (struct tw_share_change){.addresses = size});
	r->upstreams[origin] = (uint16_t)upstream;
	change_via(r, origin, tw_link_map_route_via(r->spec.map, upstream));
}

static void update_entry(struct tw_routing *r, uint32_t cut, struct entry *entry)
{
	struct tw_route_verdict verdict = tw_rib_decide(r->spec.rib, cut, entry->target);
	unsigned int upstream = tw_routing_upstream(r, &verdict);
	uint8_t family = tw_rib_prefix(r->spec.rib, cut)->addr.family;

	if (upstream == entry->upstream)
		return;
	change_share(r, entry->target, entry->upstream, family,
		(struct tw_share_change){.prefixes = -1});
	change_share(r, entry->target, upstream, family, (struct tw_share_change){.prefixes = 1});
	entry->upstream = (uint16_t)upstream;
}

/* ---- changes ---- */

static int compare_prefixes(const struct tw_prefix *a, const struct tw_prefix *b)
{
	int order = a->addr.family - b->addr.family;

	if (order == 0)
		order = memcmp(a->addr.bytes, b->addr.bytes, sizeof(a->addr.bytes));
	return order != 0 ? order : a->length - b->length;
}

/* Where the cuts within a prefix begin in the order. */
static uint32_t find_below(const struct tw_routing *r, const struct tw_prefix *prefix)
{
	uint32_t low = 0, high = r->spec.n_cuts;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare_prefixes(tw_rib_prefix(r->spec.rib, r->order[middle]), prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void update_prefix(struct tw_routing *r, uint32_t number)
{
	const struct tw_prefix prefix = *tw_rib_prefix(r->spec.rib, number);

	if (number >= r->spec.n_cuts)
		r->outgrown = true;
	else
		for (uint32_t e = r->first_entry[number]; e < r->first_entry[number + 1]; e++)
			update_entry(r, number, &r->entries[e]);
	for (uint32_t i = find_below(r, &prefix); i < r->spec.n_cuts; i++) {
		uint32_t cut = r->order[i];

		if (!tw_prefix_contains(&prefix, tw_rib_prefix(r->spec.rib, cut)))
			break;
		for (uint32_t o = r->first_origin[cut]; o < r->first_origin[cut + 1]; o++)
			update_origin(r, cut, r->origins[o]);
	}
}

int tw_routing_update(struct tw_routing *r, struct tw_routing_delta *delta)
{
	const uint32_t *numbers;
	uint32_t n = tw_rib_changed(r->spec.rib, &numbers);

	for (uint32_t i = 0; i < n; i++)
		update_prefix(r, numbers[i]);
	tw_rib_clear_changed(r->spec.rib);
	*delta = r->delta;
	r->delta = (struct tw_routing_delta){0};
	r->vias_capacity = r->shares_capacity = 0;
	if (r->failed) {
		tw_routing_delta_free(delta);
		r->outgrown = true;
		r->failed = false;
		return -ENOMEM;
	}
	return delta->n_vias > 0 || delta->n_shares > 0;
}

void tw_routing_delta_free(struct tw_routing_delta *delta)
{
	free(delta->vias);
	free(delta->shares);
	*delta = (struct tw_routing_delta){0};
}

bool tw_routing_outgrown(const struct tw_routing *r)
{
	return r->outgrown;
}

const uint16_t *tw_routing_vias(const struct tw_routing *r)
{
	return r->vias;
}

const struct tw_route_share *tw_routing_shares(const struct tw_routing *r)
{
	return r->shares;
}

/* ---- making ---- */

/* The origins of each cut, as runs of one array. */
static int list_origins(struct tw_routing *r)
{
	uint32_t *at;

	r->first_origin = calloc((size_t)r->spec.n_cuts + 2, sizeof(*r->first_origin));
	r->origins = calloc(r->n_origins, sizeof(*r->origins));
	if (r->first_origin == NULL || r->origins == NULL)
		return -ENOMEM;
	at = r->first_origin + 1;
	/* Counted one place further, so that filling moves each run's end to the next one's start. */
	for (uint32_t i = 1; i < r->n_origins; i++) {
		uint32_t cut = tw_table_origin(r->spec.table, i)->cut;

		if (cut != 0)
			at[cut]++;
	}
	for (uint32_t cut = 0; cut < r->spec.n_cuts; cut++)
		at[cut + 1] += at[cut];
	for (uint32_t i = 1; i < r->n_origins; i++) {
		uint32_t cut = tw_table_origin(r->spec.table, i)->cut;

		if (cut != 0)
			r->origins[at[cut - 1]++] = i;
	}
	return 0;
}

static int add_entry(struct tw_routing *r, unsigned int target, uint32_t *capacity)
{
	struct entry *grown = grow(r->entries, r->n_entries, capacity, sizeof(*grown));

	if (grown == NULL)
		return -ENOMEM;
	r->entries = grown;
	grown[r->n_entries++] =
		(struct entry){.target = (uint8_t)target, .upstream = TW_UPSTREAM_UNKNOWN};
	return 0;
}

/* The targets that have addresses in a prefix, as bits. */
static uint32_t targets_in(
	const struct tw_target_range *ranges, uint32_t n, const struct tw_prefix *prefix)
{
	uint32_t low = 0, high = n, targets = 0;
	tw_u128 first, last;

	tw_prefix_range(prefix, &first, &last);
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (ranges[middle].last < first)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < n && ranges[low].first <= last; low++)
		targets |= 1u << ranges[low].target;
	return targets;
}

static int list_entries(struct tw_routing *r)
{
	struct tw_target_range *ranges[2] = {NULL, NULL};
	uint32_t n[2], capacity = 0;
	int err = 0;

	r->first_entry = calloc((size_t)r->spec.n_cuts + 1, sizeof(*r->first_entry));
	if (r->first_entry == NULL)
		return -ENOMEM;
	for (unsigned int f = 0; f < 2 && err == 0; f++)
		err = tw_sources_target_ranges(
			tw_table_sources(r->spec.table), f == 0 ? 4 : 6, &ranges[f], &n[f]);
	for (uint32_t cut = 0; cut < r->spec.n_cuts && err == 0; cut++) {
		const struct tw_prefix *prefix = tw_rib_prefix(r->spec.rib, cut);
		unsigned int f = prefix->addr.family == 6;
		uint32_t targets = targets_in(ranges[f], n[f], prefix);

		for (unsigned int t = 0; t < r->spec.n_targets && err == 0; t++)
			if ((targets & 1u << t) != 0)
				err = add_entry(r, t, &capacity);
		r->first_entry[cut + 1] = r->n_entries;
	}
	free(ranges[0]);
	free(ranges[1]);
	return err;
}

static int compare_cuts(const void *a, const void *b, void *arg)
{
	const struct tw_rib *rib = arg;

	return compare_prefixes(
		tw_rib_prefix(rib, *(const uint32_t *)a), tw_rib_prefix(rib, *(const uint32_t *)b));
}

static int sort_cuts(struct tw_routing *r)
{
	r->order = calloc((size_t)r->spec.n_cuts + 1, sizeof(*r->order));
	if (r->order == NULL)
		return -ENOMEM;
	for (uint32_t cut = 0; cut < r->spec.n_cuts; cut++)
		r->order[cut] = cut;
	qsort_r(r->order, r->spec.n_cuts, sizeof(*r->order), compare_cuts, r->spec.rib);
	return 0;
}

struct found {
	uint32_t asn;
	uint32_t n;
};

static int compare_asns(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return (x->asn > y->asn) - (x->asn < y->asn);
}

static int compare_numbers(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : compare_asns(a, b);
}

/* Places for those with most prefixes, the lower ASN first among equals. */
static int give_places(struct tw_routing *r)
{
	struct found *found = calloc((size_t)r->n_entries + 1, sizeof(*found));
	uint32_t n = 0, kept = 0;

	if (found == NULL)
		return -ENOMEM;
	for (uint32_t cut = 0; cut < r->spec.n_cuts; cut++)
		for (uint32_t e = r->first_entry[cut]; e < r->first_entry[cut + 1]; e++) {
			struct tw_route_verdict verdict =
				tw_rib_decide(r->spec.rib, cut, r->entries[e].target);

			if (verdict.kind == TW_VERDICT_UPSTREAM)
				found[n++] = (struct found){verdict.asn, 1};
		}
	qsort(found, n, sizeof(*found), compare_asns);
	for (uint32_t i = 0; i < n; i++)
		if (kept > 0 && found[kept - 1].asn == found[i].asn)
			found[kept - 1].n++;
		else
			found[kept++] = found[i];
	qsort(found, kept, sizeof(*found), compare_numbers);
	for (uint32_t i = 0; i < kept; i++)
		tw_upstream_list_find(r->spec.upstreams, found[i].asn,
			tw_table_asn_name(r->spec.table, found[i].asn));
	free(found);
	return 0;
}

struct tw_routing *tw_routing_create(const struct tw_routing_spec *spec)
{
	struct tw_routing *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->spec = *spec;
	r->n_origins = tw_table_n_target_origins(spec->table) + 1;
	r->vias = calloc(r->n_origins, sizeof(*r->vias));
	r->upstreams = calloc(r->n_origins, sizeof(*r->upstreams));
	r->shares =
		calloc((size_t)spec->n_targets * spec->upstreams->n * 2 + 1, sizeof(*r->shares));
	if (r->vias == NULL || r->upstreams == NULL || r->shares == NULL || list_origins(r) != 0 ||
		list_entries(r) != 0 || sort_cuts(r) != 0 || give_places(r) != 0) {
		tw_routing_free(r);
		return NULL;
	}
	for (uint32_t i = 0; i < r->n_origins; i++)
		r->upstreams[i] = TW_UPSTREAM_UNKNOWN;
	for (uint32_t cut = 0; cut < spec->n_cuts; cut++) {
		for (uint32_t e = r->first_entry[cut]; e < r->first_entry[cut + 1]; e++)
			update_entry(r, cut, &r->entries[e]);
		for (uint32_t o = r->first_origin[cut]; o < r->first_origin[cut + 1]; o++)
			update_origin(r, cut, r->origins[o]);
	}
	r->outgrown = tw_rib_n_prefixes(spec->rib) > spec->n_cuts;
	tw_routing_delta_free(&r->delta);
	r->vias_capacity = r->shares_capacity = 0;
	r->failed = false;
	return r;
}

void tw_routing_free(struct tw_routing *r)
{
	if (r == NULL)
		return;
	free(r->vias);
	free(r->upstreams);
	free(r->shares);
	free(r->first_origin);
	free(r->origins);
	free(r->first_entry);
	free(r->entries);
	free(r->order);
	tw_routing_delta_free(&r->delta);
	free(r);
}
