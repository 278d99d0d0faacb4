/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The classify stage. Nearly all packets concern no target, so the burst is asked first as a whole:
 * one pass over the origins without a branch, which the compiler makes vectors of, and most bursts
 * are done. Only where something was found the packets are told apart, as bits of a word, and the
 * few set bits are walked in the order of their slots.
 */

#include <rte_branch_prediction.h>

#include "tw_table_priv.h"

/*
 * The top bit is set where the origin is a target's, that is 1 to n_targets. Origin 0 wraps below
 * zero: the complement takes it out again.
 */
static inline uint64_t target_bit(uint64_t origin, uint64_t n_targets)
{
	uint64_t above = origin - 1;

	return (above - n_targets) & ~above;
}

/* One bit a packet that has an end in a target; origins come in pairs. */
static inline uint64_t target_packets(const uint64_t *origin, unsigned int n, uint64_t n_targets)
{
	uint64_t any = 0, packets = 0;

	for (unsigned int i = 0; i < 2 * n; i++)
		any |= target_bit(origin[i], n_targets);
	if (likely(any >> 63 == 0))
		return 0;
	for (unsigned int k = 0; k < n; k++) {
		uint64_t hit = target_bit(origin[2 * k], n_targets) |
			       target_bit(origin[2 * k + 1], n_targets);

		packets |= hit >> 63 << k;
	}
	return packets;
}

/* The target of an origin. Only targets' origins are loaded: they lie together, all others all over memory. */
static inline uint8_t target_of(const struct tw_table *table, uint64_t origin)
{
	return table->origins[origin <= table->n_target_origins ? origin : 0].target;
}

/*
 * Adds what the k-th packet of a version tells; origin[] are its source's and destination's. Which of the two is
 * in the target is anybody's guess, so it is computed and not branched on.
 */
static inline void add_hits(const struct tw_table *table, struct tw_burst *burst,
	unsigned int version, unsigned int k, const uint64_t *origin)
{
	uint8_t source = target_of(table, origin[0]);
	uint8_t destination = target_of(table, origin[1]);
	bool to = destination != TW_TARGET_NONE;
	struct tw_hit *hit = &burst->hits[burst->n_hits];

	if (source == destination) {
		burst->n_internal++;
		return;
	}
	burst->n_target++;
	burst->n_hits++;
	*hit = (struct tw_hit){
		.slot = version == 4 ? burst->slot4[k] : burst->slot6[k],
		.target = to ? destination : source,
		.direction = to ? TW_DIR_TO : TW_DIR_FROM,
		.version = (uint8_t)version,
		.address = (uint8_t)k,
		.own = (uint32_t)origin[to],
		.peer = (uint32_t)origin[!to],
	};
	if (unlikely(to && source != TW_TARGET_NONE)) {
		burst->n_hits++;
		hit[1] = hit[0];
		hit[1].target = source;
		hit[1].direction = TW_DIR_FROM;
		hit[1].own = (uint32_t)origin[0];
		hit[1].peer = (uint32_t)origin[1];
	}
}

void tw_classify(const struct tw_table *table, struct tw_burst *burst)
{
	uint64_t *origin4 = burst->origin;
	uint64_t *origin6 = burst->origin + 2 * burst->n4;
	uint64_t packets4 = 0, packets6 = 0;

	burst->n_hits = burst->n_internal = burst->n_target = 0;
	if (burst->n4 > 0) {
		tw_table_lookup4(table, burst->ip4, origin4, 2u * burst->n4);
		packets4 = target_packets(origin4, burst->n4, table->n_target_origins);
	}
	if (burst->n6 > 0) {
		tw_table_lookup6(table, burst->ip6, origin6, 2u * burst->n6);
		packets6 = target_packets(origin6, burst->n6, table->n_target_origins);
	}
	while ((packets4 | packets6) != 0) {
		unsigned int k4 = packets4 != 0 ? (unsigned int)__builtin_ctzll(packets4) : 0;
		unsigned int k6 = packets6 != 0 ? (unsigned int)__builtin_ctzll(packets6) : 0;

		/* Both lists ascend by slot: the smaller head is next. */
		if (packets6 == 0 || (packets4 != 0 && burst->slot4[k4] < burst->slot6[k6])) {
			add_hits(table, burst, 4, k4, &origin4[2 * k4]);
			packets4 &= packets4 - 1;
		} else {
			add_hits(table, burst, 6, k6, &origin6[2 * k6]);
			packets6 &= packets6 - 1;
		}
	}
}
