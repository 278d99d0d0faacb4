/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_COMPILE_H
#define TW_COMPILE_H

/*
 * The sources of a table, and what they say together.
 *
 *   layer      says                      decided by
 *   ASN        AS number and name        the ASN database
 *   COUNTRY    country                   the country database
 *   OVERRIDE   AS number and name        the operator's file; stronger than the ASN database
 *   PREFIX     target                    the targets' configured prefixes
 *
 * A target takes an address by prefix, ASN or country; the first target that takes it has it.
 * Addresses that a database declares to stand for IPv4 ones (aliases) are resolved as such,
 * whatever another database says of them; an override or a target's prefix there is stronger and
 * stands alone.
 *
 * Needs no EAL. Sources are kept after compiling: explanations are read from them.
 */

#include "tw_mmdb.h"
#include "tw_overrides.h"
#include "tw_steps.h"
#include "tw_table.h"

enum tw_layer {
	TW_LAYER_ASN,
	TW_LAYER_COUNTRY,
	TW_LAYER_OVERRIDE,
	TW_LAYER_PREFIX,
	TW_LAYER_MAX,
};

/* An AS as one source names it. */
struct tw_as {
	uint32_t asn;
	uint32_t name;  /* number in the pool */
	uint8_t target; /* the target that takes the ASN, or TW_TARGET_NONE */
};

struct tw_target_prefix {
	struct tw_prefix prefix;
	uint8_t target;
};

struct tw_sources {
	_Atomic unsigned int holders;
	uint64_t read_ns;                /* time that reading took */
	struct tw_database databases[2]; /* whose paths are copies of its own */
	unsigned int n_databases;

	struct tw_names names;
	struct tw_mmdb asn;
	struct tw_mmdb country;
	struct tw_overrides overrides;
	struct tw_target_prefix *prefixes; /* of all targets */
	uint32_t n_prefixes;

	struct tw_steps override_steps[2]; /* IPv4, IPv6; value - 1 = entry of overrides */
	struct tw_steps prefix_steps[2];   /* value - 1 = entry of prefixes */

	struct tw_as
		*ases; /* [0] unknown, then the ASN database's values, then what overrides add */
	uint32_t n_ases;
	uint32_t *override_as;   /* entry of overrides -> entry of ases */
	uint8_t *country_target; /* value of the country database -> target that takes it */
	struct tw_map asn_names; /* ASN -> name */
};

/* What all layers together say of an address. */
struct tw_finding {
	uint32_t as;      /* entry of ases */
	uint32_t country; /* value of the country database, or 0 */
	uint8_t target;
	enum tw_origin_source target_source;
};

/* The layers of a family (4 or 6). */
void tw_sources_layers(const struct tw_sources *sources, uint8_t family,
	const struct tw_steps *layers[TW_LAYER_MAX]);

/* TW_STEP_ALIAS + length where the layers' values make an address stand for an IPv4 one, else 0. */
uint32_t tw_sources_alias(const uint32_t values[TW_LAYER_MAX]);
void tw_sources_find(const struct tw_sources *sources, const uint32_t values[TW_LAYER_MAX],
	struct tw_finding *finding);
void tw_sources_origin(const struct tw_sources *sources, const struct tw_finding *finding,
	struct tw_origin *origin);

/* What the sources say of every address, as origins. */
struct tw_compiled {
	struct tw_origin *origins; /* [0] unknown, then targets', then the others */
	uint32_t n_origins;
	uint32_t n_target_origins;
	struct tw_steps steps
		[2]; /* IPv4, IPv6: origin of each address, or n_origins + length of an alias */
	tw_u128 *sizes
		[2]; /* [n_target_origins + 1]: how many addresses each origin of a target has */
};

/* `cuts` split the targets' origins: tw_table_make(). Returns 0 or -ENOMEM; free in both cases. */
int tw_compile(struct tw_compiled *compiled, const struct tw_sources *sources,
	const struct tw_prefix *cuts, uint32_t n_cuts);
void tw_compiled_free(struct tw_compiled *compiled);

#endif
