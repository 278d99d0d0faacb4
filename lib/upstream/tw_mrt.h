/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_MRT_H
#define TW_MRT_H

/*
 * MRT (RFC 6396): routing tables and update messages as collectors and routers dump them.
 *
 *   TABLE_DUMP         (12)   AFI_IPv4, AFI_IPv6                                  a route a record
 *   TABLE_DUMP_V2      (13)   PEER_INDEX_TABLE, RIB_IPV4_UNICAST, RIB_IPV6_UNICAST, their ADDPATH variants (RFC 8050);
 *                             RIB_GENERIC and multicast are skipped and counted
 *   BGP4MP, BGP4MP_ET  (16, 17)  MESSAGE, MESSAGE_AS4, _LOCAL, _ADDPATH variants; STATE_CHANGE, STATE_CHANGE_AS4:
 *                             a peer that leaves Established is told as down
 *
 * A stream may hold several PEER_INDEX_TABLEs: each is for the records behind it. Records of other types are skipped
 * and counted. A record that is malformed is one error, is counted, and the rest is still read: the record's own
 * length says where the next one starts.
 *
 * Threads: a reader belongs to one. Knows no DPDK.
 */

#include "tw_bgp.h"
#include "tw_diag.h"

/* Longer records are passed over as malformed: the longest known are 70 KB. */
#define TW_MRT_RECORD_MAX (16u << 20)

/* Who takes what a file tells. Any function but route may be NULL. */
struct tw_mrt_handler {
	bool (*wants)(void *arg, const struct tw_prefix *prefix);
	/* `time`: nanoseconds of Unix time; of a table dump, when the route was dumped (the record's time). */
	void (*route)(void *arg, uint64_t time, const struct tw_bgp_peer *peer,
		const struct tw_bgp_route *route);
	void (*down)(void *arg, uint64_t time, const struct tw_bgp_peer *peer);
	/* A malformed record: its number from 1, its octet in the decompressed stream, and what is wrong. */
	void (*malformed)(void *arg, uint64_t record, uint64_t offset, const char *why);
	void *arg;
};

struct tw_mrt_counts {
	uint64_t records;
	uint64_t bytes;    /* decompressed */
	uint64_t tables;   /* records of table dumps that carry routes */
	uint64_t messages; /* BGP4MP records with a message */
	uint64_t routes;   /* table entries, announcements and withdrawals, wanted or not */
	uint64_t wanted;   /* of them, handed on */
	uint64_t generic;  /* RIB_GENERIC and multicast, skipped */
	uint64_t unknown;  /* other types and subtypes, skipped */
	uint64_t malformed;
	uint64_t first_time; /* seconds of Unix time, of the records read; 0: none */
	uint64_t last_time;
};

struct tw_mrt;

/* Returns NULL without memory. The handler is copied. */
struct tw_mrt *tw_mrt_create(const struct tw_mrt_handler *handler);
void tw_mrt_free(struct tw_mrt *mrt);

/*
 * Takes the whole records at the start of data[]; returns how many octets they are. The caller hands in the rest
 * again, with more behind it. A record longer than TW_MRT_RECORD_MAX is passed over across calls.
 */
size_t tw_mrt_feed(struct tw_mrt *mrt, const uint8_t *data, size_t size);
const struct tw_mrt_counts *tw_mrt_counts(const struct tw_mrt *mrt);

/* A file: plain, gzip or bzip2 as its first octets say, several compressed streams one after the other included. */
struct tw_mrt_file {
	const char *path;
	/* Called about every `every` octets of decompressed data and at the end, where not NULL: for progress. */
	void (*progress)(void *arg, const struct tw_mrt_counts *counts);
	void *arg;
	uint64_t every;
	const volatile _Bool *stop; /* read on until true; or NULL */
};

/*
 * Reads a file to its end. Returns 0; -errno where it cannot be opened or read or holds no MRT record at all; or
 * -EPIPE where it is cut (in the compressed stream or within a record): then all before the cut was taken, and the
 * line in *diag says at which record and octet. Malformed records are no failure: one line in *diag tells how many
 * there were, and of the first what and where.
 */
int tw_mrt_read_file(const struct tw_mrt_file *file, const struct tw_mrt_handler *handler,
	struct tw_mrt_counts *counts, struct tw_diag *diag);

#endif
