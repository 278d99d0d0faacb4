/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_common.h>

#include "rules.h"

static size_t peers_size(const struct tw_peers *peers)
{
	return peers->n_origins * sizeof(*peers->count);
}

struct tw_rules *tw_rules_create(struct tw_table *table, struct tw_link_map *map,
	unsigned int n_workers, struct tw_diag *diag)
{
	struct tw_rules *rules = aligned_alloc(_Alignof(struct tw_rules), sizeof(*rules));

	if (rules == NULL) {
		tw_table_free(table);
		tw_link_map_free(map);
		tw_diag_add(diag, -ENOMEM, "no memory for the rules");
		return NULL;
	}
	memset(rules, 0, sizeof(*rules));
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

static struct tw_turn *make_turn(uint64_t from, const struct tw_via_change *vias, uint32_t n)
{
	struct tw_turn *turn = malloc(sizeof(*turn) + n * sizeof(*vias));

	if (turn == NULL)
		return NULL;
	turn->from = from;
	atomic_init(&turn->next, NULL);
	turn->n = n;
	if (n > 0)
		memcpy(turn->vias, vias, n * sizeof(*vias));
	return turn;
}

int tw_rules_route(struct tw_rules *rules, const uint16_t *vias)
{
	/* Whole cache lines: a worker's copy is written by it alone. */
	size_t size = RTE_ALIGN_CEIL((tw_table_n_target_origins(rules->table) + 1) * sizeof(*vias),
		(size_t)RTE_CACHE_LINE_SIZE);

	rules->turns = rules->last_turn = make_turn(0, NULL, 0);
	if (rules->turns == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < rules->n_workers; i++) {
		rules->vias[i] = aligned_alloc(RTE_CACHE_LINE_SIZE, size);
		if (rules->vias[i] == NULL)
			return -ENOMEM;
		memcpy(rules->vias[i], vias,
			(tw_table_n_target_origins(rules->table) + 1) * sizeof(*vias));
		atomic_init(&rules->at[i].last, rules->turns);
	}
	return 0;
}

int tw_rules_turn(struct tw_rules *rules, uint64_t from, const struct tw_routing_delta *delta)
{
	struct tw_turn *turn = make_turn(from, delta->vias, delta->n_vias);

	if (turn == NULL)
		return -ENOMEM;
	atomic_store_explicit(&rules->last_turn->next, turn, memory_order_release);
	rules->last_turn = turn;
	return 0;
}

static void free_first_turn(struct tw_rules *rules)
{
	struct tw_turn *next = atomic_load_explicit(&rules->turns->next, memory_order_relaxed);

	free(rules->turns);
	rules->turns = next;
}

/* A worker that has not come to these rules yet is still at their first turn. */
static bool somebody_is_at(const struct tw_rules *rules, const struct tw_turn *turn)
{
	for (unsigned int i = 0; i < rules->n_workers; i++)
		if (atomic_load_explicit(&rules->at[i].last, memory_order_acquire) == turn)
			return true;
	return false;
}

void tw_rules_forget(struct tw_rules *rules)
{
	while (rules->turns != rules->last_turn && !somebody_is_at(rules, rules->turns))
		free_first_turn(rules);
}

void tw_rules_free(struct tw_rules *rules)
{
	if (rules == NULL)
		return;
	for (unsigned int i = 0; i < rules->n_workers; i++)
		munmap(rules->peers[i].count, peers_size(&rules->peers[i]));
	for (unsigned int i = 0; i < TW_WORKERS_MAX; i++)
		free(rules->vias[i]);
	while (rules->turns != NULL)
		free_first_turn(rules);
	tw_table_free(rules->table);
	tw_link_map_free(rules->map);
	free(rules);
}

void tw_rules_publish(
	struct tw_rules_slot *slot, struct tw_rules *rules, struct tw_rules_retired *retired)
{
	*retired = (struct tw_rules_retired){
		.rules = atomic_load_explicit(&slot->published, memory_order_relaxed)};
	atomic_store_explicit(&slot->published, rules, memory_order_release);
	retired->token = rte_rcu_qsbr_start(slot->readers);
}

bool tw_rules_unused(const struct tw_rules_slot *slot, struct tw_rules_retired *retired)
{
	if (rte_rcu_qsbr_check(slot->readers, retired->token, false) != 1)
		return false;
	if (retired->asked_again)
		return true;
	retired->token = rte_rcu_qsbr_start(slot->readers);
	retired->asked_again = true;
	return false;
}
