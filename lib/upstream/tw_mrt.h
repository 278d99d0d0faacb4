/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_MRT_H
#define TW_MRT_H

/*
 * MRT (RFC 6396): routing tables and update messages as collectors and routers dump them.
 *
 *   TABLE_DUMP         (12)   AFI_IPv4, AFI_IPv6                                  a route a record
 *   TABLE_DUMP_V2      (13)   PEER_INDEX_TABLE, RIB_IPV4_UNICAST, RIB_IPV6_UNICAST, their ADDPATH variants (RFC 8050);
 *                             RIB_GENERIC and multicast are skipped and counted
 *   BGP4MP, BGP4MP_ET  (16, 17)  MESSAGE, MESSAGE_AS4 and their ADDPATH variants; STATE_CHANGE, STATE_CHANGE_AS4:
 *                             a peer that leaves Established is told as down. The LOCAL variants are what the
 *                             collector itself told a peer: no route of that peer's; skipped and counted
 *
 * A stream may hold several PEER_INDEX_TABLEs: each is for the records behind it; a RIB record that has none before it
 * names nobody, and is malformed. Records of other types, BGP4MP's old ENTRY and SNAPSHOT among them, are skipped and
 * counted. A record that is malformed is one error, is counted, and the rest is still read: the record's own length
 * says where the next one starts. Such a record hands on nothing, but for one whose entries are all there: then
 * only the entries are left out whose attributes or peer are wrong.
 *
 * What is not wanted is passed over without a look at its paths, hence at nearly the speed of reading; what is wrong
 * inside of it stays unseen.
 *
 * Threads: a reader belongs to one. Knows no DPDK.
 */

#include <stdatomic.h>

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
	uint64_t states;   /* BGP4MP records of a change of state */
	uint64_t routes;   /* table entries, announcements and withdrawals, wanted or not */
	uint64_t wanted;   /* of them, handed on */
	uint64_t
		pathless; /* wanted entries without AS_PATH, as BIRD dumps its static routes: not handed on */
	uint64_t guessed; /* messages with path identifiers that no subtype tells (BIRD 1.6) */
	uint64_t local;   /* the collector's own messages, skipped */
	uint64_t generic; /* RIB_GENERIC and multicast, skipped */
	uint64_t unknown; /* other types and subtypes, skipped */
	uint64_t malformed;
	uint64_t first_time; /* seconds of Unix time, the earliest and the latest of records */
	uint64_t last_time;  /* that were read (not skipped, not malformed); 0: none */
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

/*
 * Whether a stream that ends here, with `left` octets that tw_mrt_feed() did not take, is cut within a record: then its
 * number from 1, and its octet in the stream. Also gives the record that would be next where it is not.
 */
bool tw_mrt_is_cut(const struct tw_mrt *mrt, size_t left, uint64_t *record, uint64_t *offset);

/*
 * A file: plain, gzip or bzip2 as its first octets say, several compressed streams one after the other included. It is
 * a regular one, or a pipe that a shell makes (/dev/stdin, <(COMMAND)): nothing else can be read for sure without waiting
 * for whoever may never come.
 */
struct tw_mrt_file {
	const char *path;
	/* Called about every `every` octets of decompressed data and at the end, where not NULL: for progress. */
	void (*progress)(void *arg, const struct tw_mrt_counts *counts);
	void *arg;
	uint64_t every;
	const atomic_bool *stop; /* read on until true; or NULL */
};

/*
 * Reads a file to its end, in bounded memory. Routes are handed on as they are read: where it fails, those before
 * have been. Malformed records are no failure. Returns 0, or
 *
 *   -errno       it cannot be opened or read; -EISDIR, -ESPIPE, -ENODEV: it is a directory, a pipe with a name, a
 *                device or a socket
 *   -ENODATA     it is empty
 *   -EINVAL      none of its records is one that is read: it is no MRT file, or of other types, or all are malformed
 *   -EPIPE       it is cut, in the compressed stream or within a record
 *   -EBADMSG     its compressed stream is damaged
 *   -ECANCELED   *stop
 *
 * with one line in *diag of why, and at which record and octet. One more line tells how many malformed records
 * there were, and of the first what and where.
 */
int tw_mrt_read_file(const struct tw_mrt_file *file, const struct tw_mrt_handler *handler,
	struct tw_mrt_counts *counts, struct tw_diag *diag);

#endif
