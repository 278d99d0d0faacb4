/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Workers count by origin index, and many origins share one ASN (one for each country and target that its
 * addresses lie in). So: add the workers up, sort by ASN, fold neighbours, sort by bytes, keep the top.
 */

#include <errno.h>
#include <stdlib.h>

#include "tw_peers.h"

static int by_asn(const void *a, const void *b)
{
	const struct tw_peer *x = a, *y = b;

	return (x->asn > y->asn) - (x->asn < y->asn);
}

static int by_rank(const void *a, const void *b)
{
	const struct tw_peer *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	if (x->packets != y->packets)
		return x->packets < y->packets ? 1 : -1;
	return by_asn(a, b);
}

static unsigned int rank_direction(const struct tw_table *table,
	const struct tw_peers *const *peers, unsigned int n_peers, enum tw_direction direction,
	struct tw_peer *all)
{
	uint32_t n_origins = tw_table_n_origins(table);
	unsigned int n = 0, n_asns = 0;

	for (uint32_t origin = 0; origin < n_origins; origin++) {
		struct tw_peer peer = {.direction = (uint8_t)direction};

		for (unsigned int p = 0; p < n_peers; p++) {
			peer.packets += peers[p]->count[origin][direction].packets;
			peer.bytes += peers[p]->count[origin][direction].bytes;
		}
		if (peer.packets == 0)
			continue;
		peer.asn = tw_table_origin(table, origin)->asn;
		peer.name = tw_table_asn_name(table, peer.asn);
		all[n++] = peer;
	}
	qsort(all, n, sizeof(*all), by_asn);
	for (unsigned int i = 0; i < n; i++) {
		if (n_asns > 0 && all[n_asns - 1].asn == all[i].asn) {
			all[n_asns - 1].packets += all[i].packets;
			all[n_asns - 1].bytes += all[i].bytes;
		} else {
			all[n_asns++] = all[i];
		}
	}
	qsort(all, n_asns, sizeof(*all), by_rank);
	return n_asns < TW_PEERS_MAX ? n_asns : TW_PEERS_MAX;
}

int tw_peers_rank(const struct tw_table *table, const struct tw_peers *const *peers,
	unsigned int n_peers, struct tw_peer *ranked)
{
	struct tw_peer *all = calloc(tw_table_n_origins(table), sizeof(*all));
	int total = 0;

	if (all == NULL)
		return -ENOMEM;
	for (int direction = TW_DIR_TO; direction <= TW_DIR_FROM; direction++) {
		unsigned int n =
			rank_direction(table, peers, n_peers, (enum tw_direction)direction, all);

		for (unsigned int i = 0; i < n; i++)
			ranked[total++] = all[i];
	}
	free(all);
	return total;
}
