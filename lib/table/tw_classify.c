/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The classify stage. Nearly all packets concern no target, and all but few of these are told by tw_near, whose answers
 * lie in the core's innermost cache: no line of the large tables is touched for them. What is left is looked up, alone
 * where it is little of the burst, else together with all others, at the price that it had before tw_near was asked.
 * Packets that have an end in a target become bits of a word, which are walked in the order of their slots.
 */

#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>

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

/*
 * One bit a packet that has an end in a target; origins come in pairs. One pass without a branch first, which the
 * compiler makes vectors of: near a target is not in it.
 */
static inline uint64_t target_packets(const uint64_t *origin, unsigned int n, uint64_t n_targets)
{
	uint64_t any = 0, packets = 0;

	for (unsigned int i = 0; i < 2 * n; i++)
		any |= target_bit(origin[i], n_targets);
	if (any >> 63 == 0)
		return 0;
	for (unsigned int k = 0; k < n; k++) {
		uint64_t hit = target_bit(origin[2 * k], n_targets) |
			       target_bit(origin[2 * k + 1], n_targets);

		packets |= hit >> 63 << k;
	}
	return packets;
}

/* One bit a packet that may have an end in a target. */
static inline uint64_t near_packets4(const struct tw_near *near, const struct tw_burst *burst)
{
	uint64_t packets = 0;

	for (unsigned int k = 0; k < burst->n4; k++)
		packets |=
			(tw_near4(near, burst->ip4[2 * k]) | tw_near4(near, burst->ip4[2 * k + 1]))
			<< k;
	return packets;
}

static inline uint64_t near_packets6(const struct tw_near *near, const struct tw_burst *burst)
{
	uint64_t packets = 0;

	for (unsigned int k = 0; k < burst->n6; k++) {
		rte_be32_t top[2];

		memcpy(&top[0], burst->ip6[2 * k], sizeof(top[0]));
		memcpy(&top[1], burst->ip6[2 * k + 1], sizeof(top[1]));
		packets |= (tw_near6(near, rte_be_to_cpu_32(top[0])) |
				   tw_near6(near, rte_be_to_cpu_32(top[1])))
			   << k;
	}
	return packets;
}

/* Undoes a gathering: what was found of the packets in `near` goes where a look-up of all would write it. */
static inline uint64_t scatter(
	uint64_t near, uint64_t hits, const uint64_t *found, uint64_t *origin)
{
	uint64_t packets = 0;

	for (; near != 0; near &= near - 1, hits >>= 1, found += 2) {
		packets |= (hits & 1) << __builtin_ctzll(near);
		memcpy(&origin[2 * __builtin_ctzll(near)], found, 2 * sizeof(found[0]));
	}
	return packets;
}

/* Whether so few packets are left that they are gathered before they are looked up. */
static inline bool is_few(uint64_t packets, unsigned int n)
{
	return 2 * (unsigned int)__builtin_popcountll(packets) <= n;
}

/*
 * Looks up the packets in `near`, one at least, and returns one bit for each that has an end in a target. Their origins
 * are written where a look-up of all would write them.
 */
static uint64_t look_up4(
	const struct tw_table *table, const struct tw_burst *burst, uint64_t near, uint64_t *origin)
{
	uint32_t ips[TW_BURST_MAX];
	uint64_t found[TW_BURST_MAX], hits, left = near;
	unsigned int n = 0;

	if (!is_few(near, burst->n4)) {
		tw_table_lookup4(table, burst->ip4, origin, 2u * burst->n4);
		return target_packets(origin, burst->n4, table->n_target_origins);
	}
	do {
		memcpy(&ips[n], &burst->ip4[2 * __builtin_ctzll(left)], 2 * sizeof(ips[0]));
		n += 2;
	} while ((left &= left - 1) != 0);
	tw_table_lookup4(table, ips, found, n);
	hits = target_packets(found, n / 2, table->n_target_origins);
	return scatter(near, hits, found, origin);
}

static uint64_t look_up6(
	const struct tw_table *table, const struct tw_burst *burst, uint64_t near, uint64_t *origin)
{
	uint8_t ips[TW_BURST_MAX][16];
	uint64_t found[TW_BURST_MAX], hits, left = near;
	unsigned int n = 0;

	if (!is_few(near, burst->n6)) {
		tw_table_lookup6(table, burst->ip6, origin, 2u * burst->n6);
		return target_packets(origin, burst->n6, table->n_target_origins);
	}
	do {
		memcpy(ips[n], burst->ip6[2 * __builtin_ctzll(left)], 2 * sizeof(ips[0]));
		n += 2;
	} while ((left &= left - 1) != 0);
	tw_table_lookup6(table, (const uint8_t(*)[16])ips, found, n);
	hits = target_packets(found, n / 2, table->n_target_origins);
	return scatter(near, hits, found, origin);
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
	uint64_t packets4 = near_packets4(&table->near, burst);
	uint64_t packets6 = near_packets6(&table->near, burst);

	burst->n_hits = burst->n_internal = burst->n_target = 0;
	if (unlikely(packets4 != 0))
		packets4 = look_up4(table, burst, packets4, origin4);
	if (unlikely(packets6 != 0))
		packets6 = look_up6(table, burst, packets6, origin6);
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
