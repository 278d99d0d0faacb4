/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_REPORT_H
#define TW_REPORT_H

/*
 * Counters on their way from a worker to the aggregator.
 *
 * A worker counts into a block of its own. When its clock leaves a second it sends the block down its report
 * ring and takes an empty one from the return ring (tw_exchange.h); never do two cores write one counter.
 *
 *   worker ──── full ────► aggregator
 *          ◄─── empty ────
 *
 * A block is owned by whoever took it last from a ring. It comes back zeroed.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tw_burst.h"
#include "tw_diag.h"
#include "tw_series.h"

/* Where packets are lost that no class counts. The first three are a port's, the others a worker's. */
enum tw_drop {
	TW_DROP_IMISSED,       /* the card had no room left */
	TW_DROP_IERRORS,       /* the card found them broken */
	TW_DROP_NOMBUF,        /* no buffer was free */
	TW_DROP_DISPATCH_FULL, /* the ring to the worker was full */
	TW_DROP_REPORT_FULL, /* the worker had no block to count into: the aggregator stands still */
	TW_DROP_MAX,
	TW_DROP_PORT_MAX = TW_DROP_DISPATCH_FULL,
};
/* The name of a cause as written to every output: "imissed", ... */
const char *tw_drop_name(enum tw_drop cause);

/* What became of the packets received. Only u64: adding two is one loop. */
struct tw_totals {
	struct tw_rx_count rx;
	uint64_t target;
	uint64_t internal;
	uint64_t other;
	uint64_t flow_overflow; /* packets that would have opened a flow in a full table */
	uint64_t dropped[TW_DROP_MAX];
};
_Static_assert(sizeof(struct tw_totals) % sizeof(uint64_t) == 0, "u64 only");

/* A worker's counters of one second. Behind the series lie the pairs: tw_block_pairs(). */
struct tw_block {
	uint64_t second;
	bool last;            /* the worker has ended: nothing follows */
	bool inexact;         /* a loss that is counted in another second may reach into this one */
	uint64_t cycles;      /* of the worker, by the time stamp counter; live only */
	uint64_t busy_cycles; /* of them with packets */
	struct tw_totals totals;
	uint32_t n_series;
	uint32_t n_pairs;
	struct tw_series_count series[];
};

static inline struct tw_pair_count *tw_block_pairs(const struct tw_block *block)
{
	return (struct tw_pair_count *)(uintptr_t)&block->series[block->n_series];
}

/*
 * The far ends of the targets' traffic, [origin index][direction]; a worker's own, for its whole run. Others may read
 * them meanwhile, by relaxed loads: of a packet that is being counted they may see the one and not yet the other.
 */
struct tw_peer_count {
	uint64_t packets;
	uint64_t bytes;
};
struct tw_peers {
	uint32_t n_origins;
	struct tw_peer_count (*count)[2];
};

/* Adds every u64 of `from` to `to`. */
void tw_totals_add(struct tw_totals *to, const struct tw_totals *from);

/*
 * The count stage: adds the burst to the block and to the peers. Fast path; packets that concern no target
 * cost one addition a burst.
 */
void tw_count(struct tw_block *block, struct tw_peers *peers, const struct tw_burst *burst);

struct tw_report;

struct tw_report_spec {
	unsigned int worker;
	uint32_t n_series;
	uint32_t n_pairs; /* 0 without routes */
	unsigned int n_blocks;
	int socket; /* the worker's NUMA node */
};

/* Octets of one block. */
size_t tw_report_block_size(uint32_t n_series, uint32_t n_pairs);

/* Makes the rings and zeroed blocks for the worker. Returns NULL with a line in *diag. Needs the EAL. */
struct tw_report *tw_report_create(const struct tw_report_spec *spec, struct tw_diag *diag);
void tw_report_free(struct tw_report *report);

/* Worker: an empty block for `second`, or NULL where the aggregator has not returned one yet. */
struct tw_block *tw_report_take(struct tw_report *report, uint64_t second);
/* Worker: hands a finished block over. Always succeeds: the ring has room for every block there is. */
void tw_report_send(struct tw_report *report, struct tw_block *block);

/* Aggregator: the next finished block, or NULL. */
struct tw_block *tw_report_receive(struct tw_report *report);
/* Aggregator: zeroes a block and gives it back. */
void tw_report_return(struct tw_report *report, struct tw_block *block);

#endif
