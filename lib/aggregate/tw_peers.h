/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_PEERS_H
#define TW_PEERS_H

#include "tw_aggregate.h"

/* The far ends' sums by ASN, of all workers and of all tables that ever were; names are its own. */
struct tw_peer_sums {
	struct tw_peer_sum {
		uint32_t asn;
		char *name;
		struct tw_peer_count count[2]; /* by direction */
	} * sums;                              /* by rising ASN */
	unsigned int n;
};

/* Adds workers' counters, which are by origins of `table`. Returns 0, or -ENOMEM with the sums as they were. */
int tw_peers_fold(struct tw_peer_sums *sums, const struct tw_table *table,
	const struct tw_peers *const *peers, unsigned int n_peers);

/*
 * Ranks the sums: at most TW_PEERS_MAX per direction, `to` first, by bytes falling, then packets falling, then ASN
 * rising. Writes up to 2 * TW_PEERS_MAX, whose names are those of the sums, and returns how many, or -ENOMEM.
 */
int tw_peers_rank(const struct tw_peer_sums *sums, struct tw_peer *ranked);

/* Returns 0 or -ENOMEM; tw_peers_free() releases `to` after either. */
int tw_peers_copy(struct tw_peer_sums *to, const struct tw_peer_sums *from);

void tw_peers_free(struct tw_peer_sums *sums);

#endif
