/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A path is stored from its left, segment by segment, and asked from its right. Walking it backwards would need the
 * start of each segment, which only a walk from the left tells; so the verdict is found in one walk from the left that
 * remembers the last hop that is none of the target's. What stands there at the end is the upstream, since behind it
 * are the target's own ASes alone.
 */

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "tw_rib_priv.h"

#define AS_TRANS 23456

struct hop {
	bool set; /* of several, or not to be read */
	uint32_t asn;
};

struct hops {
	const uint8_t *at;
	size_t rest;
	unsigned int left; /* ASNs of the sequence at `at` */
};

const char *tw_verdict_name(enum tw_verdict_kind kind)
{
	static const char *const names[TW_VERDICT_MAX] = {
		[TW_VERDICT_NONE] = "none",
		[TW_VERDICT_UPSTREAM] = "upstream",
		[TW_VERDICT_DIRECT] = "direct",
		[TW_VERDICT_AMBIGUOUS] = "ambiguous",
		[TW_VERDICT_FOREIGN] = "foreign",
	};

	return names[kind];
}

static uint32_t asn_at(const uint8_t *at)
{
	uint32_t asn;

	memcpy(&asn, at, sizeof(asn));
	return ntohl(asn);
}

static void pass(struct hops *hops, size_t octets)
{
	hops->at += octets;
	hops->rest -= octets;
}

/* The next hop to the right; a set is one. False at the end. */
static bool next_hop(struct hops *hops, struct hop *hop)
{
	while (hops->left == 0 && hops->rest > 0) {
		bool cut = hops->rest < 2 || hops->rest - 2 < 4u * hops->at[1];

		if (cut || hops->at[0] != TW_BGP_SEQUENCE) {
			pass(hops, cut ? hops->rest : 2 + 4u * hops->at[1]);
			*hop = (struct hop){.set = true};
			return true;
		}
		hops->left = hops->at[1];
		pass(hops, 2);
	}
	if (hops->left == 0)
		return false;
	*hop = (struct hop){.asn = asn_at(hops->at)};
	pass(hops, 4);
	hops->left--;
	return true;
}

static int compare_asns(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static bool is_own(const struct tw_rib_asns *own, uint32_t asn)
{
	if (own->sorted && own->n > 8)
		return bsearch(&asn, own->asns, own->n, sizeof(asn), compare_asns) != NULL;
	for (unsigned int i = 0; i < own->n; i++)
		if (own->asns[i] == asn)
			return true;
	return false;
}

void tw_rib_asns_sort(uint32_t *asns, unsigned int n)
{
	if (n > 0)
		qsort(asns, n, sizeof(*asns), compare_asns);
}

/* What a hop says; one that names no AS says nothing certain. */
static struct tw_route_verdict verdict_of(enum tw_verdict_kind kind, const struct hop *hop)
{
	bool certain = !hop->set && hop->asn != 0 && hop->asn != AS_TRANS;

	return (struct tw_route_verdict){
		.kind = certain ? kind : TW_VERDICT_AMBIGUOUS,
		.asn = certain ? hop->asn : 0,
		.n_for = 1,
		.n_votes = 1,
		.prefix = TW_RIB_NONE,
	};
}

static struct tw_route_verdict direct(void)
{
	return (struct tw_route_verdict){
		.kind = TW_VERDICT_DIRECT, .n_for = 1, .n_votes = 1, .prefix = TW_RIB_NONE};
}

struct tw_route_verdict tw_rib_path_verdict(
	const struct tw_bgp_path *path, uint32_t speaker, struct tw_rib_asns own)
{
	struct hops start = {.at = path->segments, .rest = path->size};
	struct hop origin = {.asn = speaker}, hop, left;
	struct hops hops = start;
	bool has_left = false;

	while (next_hop(&hops, &hop))
		origin = hop;
	if (own.n == 0 && path->size == 0)
		return direct();
	if (own.n == 0 && verdict_of(TW_VERDICT_FOREIGN, &origin).kind == TW_VERDICT_FOREIGN)
		own = (struct tw_rib_asns){.asns = &origin.asn, .n = 1};
	if (!is_own(&own, origin.asn))
		return verdict_of(TW_VERDICT_FOREIGN, &origin);

	for (hops = start; next_hop(&hops, &hop);)
		if (hop.set || !is_own(&own, hop.asn)) {
			left = hop;
			has_left = true;
		}
	return has_left ? verdict_of(TW_VERDICT_UPSTREAM, &left) : direct();
}

struct tw_route_verdict tw_path_verdict(
	const struct tw_bgp_path *path, uint32_t own, const uint32_t *asns, unsigned int n_asns)
{
	return tw_rib_path_verdict(path, own, (struct tw_rib_asns){.asns = asns, .n = n_asns});
}
