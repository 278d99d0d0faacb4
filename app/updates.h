/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_UPDATES_H
#define TW_UPDATES_H

/*
 * Update messages for a replay: read before it starts, and kept as far as they concern the targets, so that all
 * prefixes are known when the table is made, and every turn of routes is there when a worker comes to its second.
 *
 * Messages of several files (collectors) are put in the order of their times; those of one file with equal times keep
 * theirs. Messages older than the tables are left out.
 */

#include "tw_mrt.h"
#include "tw_rib.h"

struct tw_update {
	uint64_t time;   /* nanoseconds */
	uint32_t order;  /* as read */
	uint32_t peer;   /* of the RIB */
	uint32_t prefix; /* of the RIB; TW_RIB_NONE: the peer is down */
	uint32_t path_id;
	bool withdrawn;
	uint32_t path_size;
	size_t path; /* place in `octets` */
};

struct tw_updates {
	struct tw_update *list;
	uint32_t n, capacity;
	uint8_t *octets;
	size_t n_octets, octets_capacity;
	uint64_t first, last; /* seconds that the files cover; 0: none */
	uint32_t next;        /* to be taken */
};

/*
 * Reads one file; `since` in nanoseconds. The RIB gets to know prefixes and vantage points, and no route. Returns 0, or
 * -errno with a line in *diag.
 */
int tw_updates_read(struct tw_updates *updates, const struct tw_mrt_file *file, struct tw_rib *rib,
	uint64_t since, struct tw_diag *diag);
/* Once all are read: puts them in order. */
void tw_updates_sort(struct tw_updates *updates);
/* Takes all messages of the next second into the RIB, and tells which. False where there are no more. */
bool tw_updates_take(struct tw_updates *updates, struct tw_rib *rib, uint64_t *second);
void tw_updates_free(struct tw_updates *updates);

#endif
