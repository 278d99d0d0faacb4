/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_FLOW_H
#define TW_FLOW_H

/*
 * Flows of target packets: one table per worker, bounded, without locks or allocation after its making.
 *
 * A flow is the packets of one direction with one 5-tuple, as one target sees them. It opens with its first
 * packet, and again with a packet that comes more than the idle timeout after the one before. It is active at
 * the end of a second where its last packet is no older than the idle timeout then. A flow whose packets move
 * to another upstream stays one flow: it is counted as opened where it opened, and as active where its last
 * packet was.
 *
 * Both counts are exact whatever the pace at which dead entries are removed. A table with no room counts an
 * overflow for each packet that would have opened a flow.
 *
 * Time is the packets' own (tw_burst.time, .second); nothing here reads a clock. Knows no DPDK.
 * Threads: a table belongs to one.
 */

#include <stddef.h>
#include <stdint.h>

#include "tw_burst.h"
#include "tw_series.h"

struct tw_flow_config {
	uint32_t max_flows;    /* entries, 1 to 2^26 */
	uint32_t idle_timeout; /* seconds, 1 to 3600 */
	uint32_t n_series;
	uint64_t seed[2]; /* key of the hash: random, so that no sender can choose collisions */
};

struct tw_flow_table;

/* Octets of memory that a table of this configuration takes, all in all. */
size_t tw_flow_size(const struct tw_flow_config *config);

/*
 * Makes a table in `memory`: tw_flow_size() zeroed octets, 64-byte aligned, which the caller owns and releases
 * after the table's last use.
 */
struct tw_flow_table *tw_flow_init(void *memory, const struct tw_flow_config *config);

/*
 * The flows stage: sees every hit of the burst, adds to series[].flows what opens, removes a few dead entries,
 * and returns how many packets found no room. Fast path. tw_flow_close() has been called for every earlier
 * second.
 */
uint32_t tw_flow_burst(
	struct tw_flow_table *table, const struct tw_burst *burst, struct tw_series_count *series);

/*
 * Ends `second`: sets series[].active_flows for all series. Seconds are closed in order; one after which
 * tw_flow_active() is 0 may be followed by any later one.
 */
void tw_flow_close(struct tw_flow_table *table, uint64_t second, struct tw_series_count *series);

/* Flows active in the last closed second, all series together. */
uint32_t tw_flow_active(const struct tw_flow_table *table);

/* Entries in use, dead ones that wait for removal included. */
uint32_t tw_flow_used(const struct tw_flow_table *table);

#endif
