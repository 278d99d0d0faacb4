/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_MMDB_H
#define TW_MMDB_H

/*
 * Reads one field of a MaxMind DB (format 2.0), whole, into step functions: its tree is walked
 * once.
 *
 *   TW_MMDB_ASN      autonomous_system_number, named by autonomous_system_organization; else asn (a
 *                    number, or a string "AS15169"), named by name or as_name
 *   TW_MMDB_COUNTRY  country.iso_code, else registered_country.iso_code, else country_code, else
 *                    country, where they are strings of two letters
 *
 * Record sizes 24, 28 and 32, IPv4 and IPv6 trees. In an IPv6 tree, IPv4 is what lies at ::/96;
 * every other path to that node is an alias (6to4, mapped, Teredo, ...) and becomes one run of
 * TW_STEP_ALIAS + its length.
 *
 * A file is taken whole or refused: a tree with a cycle or a second way to a node, a record outside
 * the data section, data that cannot be decoded or is nested without reason, a field of a wrong
 * type. What another process does to the file meanwhile does not matter, because a private copy is
 * read.
 *
 * Needs no EAL. Threads: any, one at a time for a given `names`.
 */

#include <stdint.h>

#include "tw_diag.h"
#include "tw_map.h"
#include "tw_steps.h"

enum tw_mmdb_field {
	TW_MMDB_ASN,
	TW_MMDB_COUNTRY,
};

struct tw_mmdb_value {
	uint32_t number; /* ASN, or the two letters of the country as (first << 8 | second) */
	uint32_t name;   /* number of the name in the pool */
};

struct tw_mmdb {
	char *type;           /* metadata's database_type, cleaned */
	uint64_t build_epoch; /* seconds since 1970 */
	uint32_t n_prefixes;  /* prefixes that carry a value, aliases not counted */
	struct tw_steps steps4;
	struct tw_steps steps6;
	struct tw_mmdb_value *values; /* values[v - 1] of a step's value v; no two are equal */
	uint32_t n_values;
};

/*
 * Reads `path`. Returns 0, or -errno with one line in *diag; *mmdb is then empty. tw_mmdb_free()
 * releases it; the names belong to the pool.
 */
int tw_mmdb_read(struct tw_mmdb *mmdb, const char *path, enum tw_mmdb_field field,
	struct tw_names *names, struct tw_diag *diag);
void tw_mmdb_free(struct tw_mmdb *mmdb);

#endif
