/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_PEERS_H
#define TW_PEERS_H

#include "tw_aggregate.h"

/*
 * Sums the workers' peer counters by ASN and ranks them: at most TW_PEERS_MAX per direction, `to` first, by
 * bytes falling, then packets falling, then ASN rising. Writes up to 2 * TW_PEERS_MAX and returns how many, or
 * -ENOMEM.
 */
int tw_peers_rank(const struct tw_table *table, const struct tw_peers *const *peers,
	unsigned int n_peers, struct tw_peer *ranked);

#endif
