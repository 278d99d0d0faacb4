/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_MRT_PRIV_H
#define TW_MRT_PRIV_H

#include "tw_mrt.h"

/* Peer indices are of 16 bits. */
#define TW_MRT_PEERS (UINT16_MAX + 1)

struct tw_mrt {
	struct tw_mrt_handler handler;
	struct tw_mrt_counts counts;
	uint64_t pass_over; /* octets that are left of a record that is too long */
	uint64_t start;     /* where the last record started in the stream */
	uint64_t time;      /* of the record, ns */
	bool have_peers;
	unsigned int n_peers;
	struct tw_bgp_peer *peers; /* TW_MRT_PEERS */
	struct tw_bgp_peer peer;   /* of the message */
	uint8_t path[TW_BGP_PATH_SIZE];
};

/* What a record's body says. NULL, or what is wrong with it. */
const char *tw_mrt_table(struct tw_mrt *mrt, uint16_t subtype, struct tw_cursor body);
const char *tw_mrt_table_v2(struct tw_mrt *mrt, uint16_t subtype, struct tw_cursor body);
const char *tw_mrt_bgp4mp(struct tw_mrt *mrt, uint16_t subtype, struct tw_cursor body);

bool tw_mrt_wants(const struct tw_mrt *mrt, const struct tw_prefix *prefix);
/* Reads an address; of a family other than 4 and 6 the cursor fails. */
struct tw_addr tw_mrt_addr(struct tw_cursor *cursor, uint8_t family);
/* A record that is read, not skipped: its time counts. */
void tw_mrt_note_time(struct tw_mrt *mrt);

#endif
