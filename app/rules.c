/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "rules.h"

static size_t peers_size(const struct tw_peers *peers)
{
	return peers->n_origins * sizeof(*peers->count);
}

struct tw_rules *tw_rules_create(struct tw_table *table, struct tw_link_map *map,
	unsigned int n_workers, struct tw_diag *diag)
{
	struct tw_rules *rules = calloc(1, sizeof(*rules));

	if (rules == NULL) {
		tw_table_free(table);
		tw_link_map_free(map);
		tw_diag_add(diag, -ENOMEM, "no memory for the rules");
		return NULL;
	}
	rules->table = table;
	rules->map = map;
	for (; rules->n_workers < n_workers; rules->n_workers++) {
		struct tw_peers *peers = &rules->peers[rules->n_workers];
		void *memory;

		peers->n_origins = tw_table_n_origins(table);
		/* Zero pages that cost nothing until they are touched: few origins ever are. */
		memory = mmap(NULL, peers_size(peers), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (memory == MAP_FAILED) {
			tw_diag_add(diag, -ENOMEM, "no memory for the peers of %u origins",
				peers->n_origins);
			tw_rules_free(rules);
			return NULL;
		}
		peers->count = memory;
	}
	return rules;
}

void tw_rules_free(struct tw_rules *rules)
{
	if (rules == NULL)
		return;
	for (unsigned int i = 0; i < rules->n_workers; i++)
		munmap(rules->peers[i].count, peers_size(&rules->peers[i]));
	tw_table_free(rules->table);
	tw_link_map_free(rules->map);
	free(rules);
}
