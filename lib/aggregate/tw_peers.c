/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Workers count by origin index, which means something for one table only, and many origins share one ASN (one for
 * each country and target that its addresses lie in). So: add the workers up, put them behind the sums so far, sort
 * by ASN, fold neighbours.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tw_peers.h"

static int by_asn(const void *a, const void *b)
{
	const struct tw_peer_sum *x = a, *y = b;

	return (x->asn > y->asn) - (x->asn < y->asn);
}

static int by_rank(const void *a, const void *b)
{
	const struct tw_peer *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	if (x->packets != y->packets)
		return x->packets < y->packets ? 1 : -1;
	return (x->asn > y->asn) - (x->asn < y->asn);
}

static void add(struct tw_peer_count *to, const struct tw_peer_count *from)
{
	for (unsigned int direction = 0; direction < 2; direction++) {
		to[direction].packets +=
			__atomic_load_n(&from[direction].packets, __ATOMIC_RELAXED);
		to[direction].bytes += __atomic_load_n(&from[direction].bytes, __ATOMIC_RELAXED);
	}
}

/* The origin's counters of all workers. Returns whether there is any packet among them. */
static bool sum_origin(struct tw_peer_sum *sum, uint32_t origin,
	const struct tw_peers *const *peers, unsigned int n_peers)
{
	memset(sum, 0, sizeof(*sum));
	for (unsigned int p = 0; p < n_peers; p++)
		add(sum->count, peers[p]->count[origin]);
	return (sum->count[0].packets | sum->count[1].packets) != 0;
}

/* Folds neighbours of one ASN; the earlier one's name stays. Names behind n are freed. */
static void fold_neighbours(struct tw_peer_sums *sums)
{
	unsigned int kept = 0;

	qsort(sums->sums, sums->n, sizeof(*sums->sums), by_asn);
	for (unsigned int i = 0; i < sums->n; i++) {
		if (kept > 0 && sums->sums[kept - 1].asn == sums->sums[i].asn) {
			add(sums->sums[kept - 1].count, sums->sums[i].count);
			free(sums->sums[i].name);
		} else {
			sums->sums[kept++] = sums->sums[i];
		}
	}
	sums->n = kept;
}

int tw_peers_fold(struct tw_peer_sums *sums, const struct tw_table *table,
	const struct tw_peers *const *peers, unsigned int n_peers)
{
	uint32_t n_origins = tw_table_n_origins(table);
	unsigned int n = sums->n, before = sums->n;
	struct tw_peer_sum *grown =
		realloc(sums->sums, ((size_t)n + n_origins + 1) * sizeof(*sums->sums));

	if (grown == NULL)
		return -ENOMEM;
	sums->sums = grown;
	for (uint32_t origin = 0; origin < n_origins; origin++) {
		struct tw_peer_sum *sum = &grown[n];

		if (!sum_origin(sum, origin, peers, n_peers))
			continue;
		sum->asn = tw_table_origin(table, origin)->asn;
		sum->name = strdup(tw_table_asn_name(table, sum->asn));
		if (sum->name == NULL) {
			while (n > before)
				free(grown[--n].name);
			return -ENOMEM;
		}
		n++;
	}
	sums->n = n;
	fold_neighbours(sums);
	return 0;
}

int tw_peers_rank(const struct tw_peer_sums *sums, struct tw_peer *ranked)
{
	struct tw_peer *all = calloc((size_t)sums->n + 1, sizeof(*all));
	int total = 0;

	if (all == NULL)
		return -ENOMEM;
	for (int direction = TW_DIR_TO; direction <= TW_DIR_FROM; direction++) {
		unsigned int n = 0;

		for (unsigned int i = 0; i < sums->n; i++) {
			const struct tw_peer_sum *sum = &sums->sums[i];

			if (sum->count[direction].packets > 0)
				all[n++] = (struct tw_peer){.asn = sum->asn,
					.name = sum->name,
					.direction = (uint8_t)direction,
					.packets = sum->count[direction].packets,
					.bytes = sum->count[direction].bytes};
		}
		qsort(all, n, sizeof(*all), by_rank);
		for (unsigned int i = 0; i < n && i < TW_PEERS_MAX; i++)
			ranked[total++] = all[i];
	}
	free(all);
	return total;
}

int tw_peers_copy(struct tw_peer_sums *to, const struct tw_peer_sums *from)
{
	*to = (struct tw_peer_sums){.sums = calloc((size_t)from->n + 1, sizeof(*to->sums))};
	if (to->sums == NULL)
		return -ENOMEM;
	for (; to->n < from->n; to->n++) {
		to->sums[to->n] = from->sums[to->n];
		to->sums[to->n].name = strdup(from->sums[to->n].name);
		if (to->sums[to->n].name == NULL)
			return -ENOMEM;
	}
	return 0;
}

void tw_peers_free(struct tw_peer_sums *sums)
{
	for (unsigned int i = 0; i < sums->n; i++)
		free(sums->sums[i].name);
	free(sums->sums);
	*sums = (struct tw_peer_sums){0};
}
