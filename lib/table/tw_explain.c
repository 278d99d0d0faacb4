/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Why an address is what it is, read from the layers as they were loaded, not from the compiled
 * table: the answer names the source's own prefix, and it is a second opinion on what the fast path
 * says.
 */

#include "tw_table_priv.h"

/* The run as a prefix. A database's runs are prefixes: the leaves of its tree. */
static struct tw_prefix run_prefix(const struct tw_steps *steps, uint32_t run)
{
	tw_u128 differ = steps->first[run] ^ tw_steps_last(steps, run);
	unsigned int host = (unsigned int)(__builtin_popcountll((uint64_t)differ) +
					   __builtin_popcountll((uint64_t)(differ >> 64)));

	return (struct tw_prefix){
		.addr = tw_addr_from_number(steps->family, steps->first[run]),
		.length = (uint8_t)(tw_addr_bits(steps->family) - host),
	};
}

static void explain(const struct tw_table *table, uint8_t family, tw_u128 number,
	struct tw_explanation *explanation)
{
	const struct tw_sources *sources = table->sources;
	const struct tw_steps *layers[TW_LAYER_MAX];
	uint32_t runs[TW_LAYER_MAX], values[TW_LAYER_MAX], alias;
	struct tw_finding finding;

	tw_sources_layers(sources, family, layers);
	for (unsigned int i = 0; i < TW_LAYER_MAX; i++) {
		runs[i] = tw_steps_find(layers[i], number);
		values[i] = layers[i]->value[runs[i]];
	}
	alias = tw_sources_alias(values);
	if (alias != 0) {
		explain(table, 4,
			(uint32_t)(number >> (TW_STEP_ALIAS_MAX - (alias - TW_STEP_ALIAS))),
			explanation);
		return;
	}
	tw_sources_find(sources, values, &finding);
	*explanation = (struct tw_explanation){.target_source = finding.target_source};
	tw_sources_origin(sources, &finding, &explanation->origin);

	if (values[TW_LAYER_OVERRIDE] != 0) {
		const struct tw_override *entry =
			&sources->overrides.entries[values[TW_LAYER_OVERRIDE] - 1];

		explanation->asn_source = TW_SOURCE_OVERRIDE;
		explanation->asn_prefix = entry->prefix;
		explanation->asn_line = entry->line;
	} else if (finding.as != 0) {
		explanation->asn_source = TW_SOURCE_DATABASE;
		explanation->asn_prefix = run_prefix(layers[TW_LAYER_ASN], runs[TW_LAYER_ASN]);
	}
	if (finding.country != 0) {
		explanation->country_source = TW_SOURCE_DATABASE;
		explanation->country_prefix =
			run_prefix(layers[TW_LAYER_COUNTRY], runs[TW_LAYER_COUNTRY]);
	}
	if (finding.target_source == TW_SOURCE_TARGET_PREFIX)
		explanation->target_prefix = sources->prefixes[values[TW_LAYER_PREFIX] - 1].prefix;
}

/* Cuts are no source's: only the compiled table knows them. */
static uint32_t cut_of(const struct tw_table *table, const struct tw_addr *addr)
{
	uint32_t ip = (uint32_t)tw_addr_number(addr);
	uint64_t origin;

	if (addr->family == 4)
		tw_table_lookup4(table, &ip, &origin, 1);
	else
		tw_table_lookup6(table, (const uint8_t(*)[16])addr->bytes, &origin, 1);
	return table->origins[origin].cut;
}

void tw_table_explain(const struct tw_table *table, const struct tw_addr *addr,
	struct tw_explanation *explanation)
{
	explain(table, addr->family, tw_addr_number(addr), explanation);
	explanation->origin.cut = cut_of(table, addr);
}
