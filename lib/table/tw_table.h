/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TABLE_H
#define TW_TABLE_H

/*
 * The compiled table: one look-up per address answers everything.
 *
 * At load, the ASN database, the country database, the operator's overrides and the targets' own prefixes
 * become ONE immutable table per address family: longest prefix -> origin index. origins[index] tells the ASN,
 * its name, the country and the target. The databases' trees are walked once, here, and never per packet.
 *
 * Origin indices are dense and ordered so that the fast path decides by comparing, not by loading:
 *
 *   0                          unknown: no source knows the address
 *   1 .. n_target_origins      origins of targets
 *   .. n_origins - 1           all others
 *   n_origins ..               IPv6 prefixes that stand for IPv4 (6to4, mapped, Teredo): resolved
 *                              inside tw_table_lookup6() by one IPv4 look-up, never returned
 *
 * Threads: immutable once loaded; any number of readers. tw_table_load() and tw_table_free() belong to a
 * control thread, which frees only when no worker can hold it any more. Needs the EAL.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tw_addr.h"
#include "tw_burst.h"
#include "tw_diag.h"
#include "tw_near.h"

#define TW_TARGET_MAX  16
#define TW_TARGET_NONE UINT8_MAX

/*
 * A target as configured. An address is in it where any of the three says so; the first target wins. One without any of
 * the three has no address, and is a place that nobody has (tw_target_list.h).
 */
struct tw_target {
	const char *name;
	const uint32_t *asns;
	unsigned int n_asns;
	const char *country; /* ISO 3166-1 alpha-2, or NULL */
	const struct tw_prefix *prefixes;
	unsigned int n_prefixes;
};

/* All that a table is made of. The pointers need to live for the call alone. */
struct tw_table_spec {
	const struct tw_target *targets;
	unsigned int n_targets;
	const char *asn_database;     /* path of an MMDB, or NULL */
	const char *country_database; /* path of an MMDB, or NULL */
	const char *overrides;        /* path of a CSV file `prefix,asn,name`, or NULL */
};

/* Addresses that follow each other and are of one target; both ends are in it. */
struct tw_target_range {
	tw_u128 first;
	tw_u128 last;
	uint8_t target;
};

/* What is known of an address. */
struct tw_origin {
	uint32_t asn;     /* 0: unknown */
	uint32_t cut;     /* of a target's: 1 + number of the longest cut that holds it, or 0 */
	const char *name; /* the AS's organisation, never NULL, "" where unknown; valid UTF-8 */
	char country[3];  /* "" where unknown */
	uint8_t target;   /* index of the target, or TW_TARGET_NONE */
};

struct tw_table;

/* What tables are made of, read once and shared by all that are made of it: holders are counted. */
struct tw_sources;

/* Which source decided a field of an explanation. */
enum tw_origin_source {
	TW_SOURCE_NONE,
	TW_SOURCE_DATABASE,      /* the ASN or the country database */
	TW_SOURCE_OVERRIDE,      /* a line of the overrides file */
	TW_SOURCE_TARGET_PREFIX, /* a prefix of the target's configuration */
	TW_SOURCE_TARGET_ASN,
	TW_SOURCE_TARGET_COUNTRY,
};

/* A loaded database, for the start line, explanations and metrics. */
struct tw_database {
	const char *path;
	const char *type; /* the metadata's database_type */
	uint64_t build_epoch;
	uint32_t n_prefixes; /* IPv4 and IPv6 prefixes that carry a value, aliases walked once */
};

/* Why an address is what it is. */
struct tw_explanation {
	struct tw_origin origin;          /* with its cut, as the fast path has it */
	enum tw_origin_source asn_source; /* NONE, DATABASE or OVERRIDE */
	struct tw_prefix asn_prefix; /* the matching prefix of that source; valid unless NONE */
	unsigned int asn_line;       /* line of the overrides file where OVERRIDE */
	enum tw_origin_source country_source; /* NONE or DATABASE */
	struct tw_prefix country_prefix;
	enum tw_origin_source target_source; /* NONE, TARGET_PREFIX, TARGET_ASN or TARGET_COUNTRY */
	struct tw_prefix target_prefix;      /* valid where TARGET_PREFIX: the configured prefix */
};

/* Sizes and times of a compiled table. */
struct tw_table_info {
	uint32_t n_origins;
	uint32_t n_routes4; /* routes in the compiled IPv4 table */
	uint32_t n_routes6;
	uint64_t compile_ns; /* from the databases' walk to a table ready to use */
};

/*
 * Reads the sources. Returns NULL with a line for each problem in *diag: which file, what is wrong with it,
 * what would be right. A corrupt database (cyclic or cut tree, wrong types, records outside the file) is
 * refused whole. The caller is their first holder. Any thread; the EAL is not needed.
 */
struct tw_sources *tw_sources_load(const struct tw_table_spec *spec, struct tw_diag *diag);
struct tw_sources *tw_sources_hold(struct tw_sources *sources);
void tw_sources_release(struct tw_sources *sources);

/*
 * The targets' addresses of a family (4 or 6) in ascending order, without those that only stand for IPv4 ones.
 * The array is the caller's, to be released with free(). Returns 0 or -ENOMEM.
 */
int tw_sources_target_ranges(const struct tw_sources *sources, uint8_t family,
	struct tw_target_range **ranges, uint32_t *n);

/*
 * Compiles. Cuts are prefixes of either family that split the targets' origins, so that what is known of such a prefix
 * (its route) can be kept by origin: each address of a target has an origin whose `cut` names the longest that holds
 * it. The table becomes a holder of the sources. Returns NULL with a line in *diag. `socket` is the NUMA node, or
 * SOCKET_ID_ANY.
 */
struct tw_table *tw_table_make(struct tw_sources *sources, const struct tw_prefix *cuts,
	uint32_t n_cuts, int socket, struct tw_diag *diag);

/* Reads and compiles, without cuts. */
struct tw_table *tw_table_load(const struct tw_table_spec *spec, int socket, struct tw_diag *diag);
void tw_table_free(struct tw_table *table);

/* Looks up n addresses in host byte order; writes n origin indices. Fast path. */
void tw_table_lookup4(
	const struct tw_table *table, const uint32_t *ips, uint64_t *origins, unsigned int n);
/*
 * The same for IPv6, network byte order. 6to4 (RFC 3056), mapped, IPv4-compatible (RFC 4291) and Teredo
 * (RFC 4380) addresses get the origin that the databases' own aliases give them: that of the IPv4
 * address inside; with Teredo it is the server's. Overrides and targets' prefixes there come first.
 */
void tw_table_lookup6(
	const struct tw_table *table, const uint8_t (*ips)[16], uint64_t *origins, unsigned int n);

/*
 * The classify stage: looks up every packet that may have an end in a target, and fills hits, n_hits, n_internal and
 * n_target: as if it had looked up every address of the burst.
 * hits[] is ordered by slot, `to` before `from`. Fast path.
 */
void tw_classify(const struct tw_table *table, struct tw_burst *burst);

/* What is near a target, for a source that leaves the rest out; part of the table. */
const struct tw_near *tw_table_near(const struct tw_table *table);

const struct tw_origin *tw_table_origin(const struct tw_table *table, uint32_t index);
uint32_t tw_table_n_origins(const struct tw_table *table);
/* Origins 1 to this are the targets'. */
uint32_t tw_table_n_target_origins(const struct tw_table *table);
/* How many addresses of a family (4 or 6) a target's origin has: of IPv6, networks of 64 bits. */
uint64_t tw_table_origin_size(const struct tw_table *table, uint32_t index, uint8_t family);
/* The sources that the table is made of, which hold as long as it does. */
struct tw_sources *tw_table_sources(const struct tw_table *table);

/* The name that the databases or overrides give an ASN, or "". */
const char *tw_table_asn_name(const struct tw_table *table, uint32_t asn);

/*
 * Control cores only; below a microsecond. Its origin equals what the fast path's look-up gives. Of an
 * IPv6 address that stands for an IPv4 one it explains the latter, with IPv4 prefixes.
 */
void tw_table_explain(const struct tw_table *table, const struct tw_addr *addr,
	struct tw_explanation *explanation);

/* The databases in the order ASN, country; returns how many (0 to 2). */
unsigned int tw_table_databases(const struct tw_table *table, const struct tw_database **databases);
void tw_table_info(const struct tw_table *table, struct tw_table_info *info);

#endif
