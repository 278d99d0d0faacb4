/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Reading the sources, and the one place where their precedence is decided: the compiler asks it
 * once for each run of addresses, an explanation once for its address.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tw_clock.h"
#include "tw_compile.h"

/* A source that the spec leaves out is a function that is 0 everywhere. */
static int read_database(struct tw_mmdb *mmdb, const char *path, enum tw_mmdb_field field,
	struct tw_names *names, struct tw_diag *diag)
{
	if (path != NULL)
		return tw_mmdb_read(mmdb, path, field, names, diag);
	if (tw_steps_init(&mmdb->steps4, 4) != 0 || tw_steps_init(&mmdb->steps6, 6) != 0 ||
		tw_steps_finish(&mmdb->steps4) != 0 || tw_steps_finish(&mmdb->steps6) != 0)
		return tw_diag_add(diag, -ENOMEM, "table: out of memory");
	return 0;
}

/* The target that takes each ASN, as a map; the first target wins. */
static int map_target_asns(struct tw_map *map, const struct tw_table_spec *spec)
{
	for (unsigned int t = 0; t < spec->n_targets; t++) {
		for (unsigned int i = 0; i < spec->targets[t].n_asns; i++) {
			if (tw_map_put(map, spec->targets[t].asns[i], t) == NULL)
				return -ENOMEM;
		}
	}
	return 0;
}

static uint8_t target_of_asn(const struct tw_map *map, uint32_t asn)
{
	uint32_t target = tw_map_get(map, asn);

	return target == TW_MAP_NONE ? TW_TARGET_NONE : (uint8_t)target;
}

/* Names of ASNs: the overrides' first, then the database's, an empty one last. */
static int map_names(struct tw_sources *sources)
{
	for (uint32_t i = 0; i < sources->asn.n_values; i++) {
		const struct tw_mmdb_value *value = &sources->asn.values[i];
		uint32_t *name = tw_map_put(&sources->asn_names, value->number, value->name);

		if (name == NULL)
			return -ENOMEM;
		if (*name == 0)
			*name = value->name;
	}
	/* Backwards, so that an ASN's first line is the one that stays. */
	for (uint32_t i = sources->overrides.n; i-- > 0;) {
		const struct tw_override *entry = &sources->overrides.entries[i];
		uint32_t *name;

		if (entry->name == 0)
			continue;
		name = tw_map_put(&sources->asn_names, entry->asn, entry->name);
		if (name == NULL)
			return -ENOMEM;
		*name = entry->name;
	}
	return 0;
}

/* Adds an override's AS, or finds it among those that are there. */
static int add_override_as(
	struct tw_sources *sources, struct tw_map *known, uint32_t i, const struct tw_map *targets)
{
	const struct tw_override *entry = &sources->overrides.entries[i];
	struct tw_as as = {.asn = entry->asn,
		.name = entry->name,
		.target = target_of_asn(targets, entry->asn)};
	uint32_t *number;

	if (as.name == 0 && tw_map_get(&sources->asn_names, as.asn) != TW_MAP_NONE)
		as.name = tw_map_get(&sources->asn_names, as.asn);
	number = tw_map_put(known, (uint64_t)as.asn << 32 | as.name, sources->n_ases);
	if (number == NULL)
		return -ENOMEM;
	if (*number == sources->n_ases)
		sources->ases[sources->n_ases++] = as;
	sources->override_as[i] = *number;
	return 0;
}

static int list_ases(struct tw_sources *sources, const struct tw_map *targets)
{
	const struct tw_mmdb *asn = &sources->asn;
	struct tw_map known = {0};
	int err = 0;

	sources->ases =
		malloc((1 + (size_t)asn->n_values + sources->overrides.n) * sizeof(*sources->ases));
	sources->override_as =
		malloc((1 + (size_t)sources->overrides.n) * sizeof(*sources->override_as));
	if (sources->ases == NULL || sources->override_as == NULL)
		return -ENOMEM;
	sources->ases[0] = (struct tw_as){.target = TW_TARGET_NONE};
	for (uint32_t i = 0; i < asn->n_values; i++)
		sources->ases[i + 1] = (struct tw_as){.asn = asn->values[i].number,
			.name = asn->values[i].name,
			.target = target_of_asn(targets, asn->values[i].number)};
	sources->n_ases = asn->n_values + 1;
	/* Without overrides nothing asks whether a pair of number and name is there already. */
	for (uint32_t i = 1; i < sources->n_ases && sources->overrides.n > 0 && err == 0; i++) {
		uint64_t key = (uint64_t)sources->ases[i].asn << 32 | sources->ases[i].name;

		err = tw_map_put(&known, key, i) == NULL ? -ENOMEM : 0;
	}
	for (uint32_t i = 0; i < sources->overrides.n && err == 0; i++)
		err = add_override_as(sources, &known, i, targets);
	tw_map_free(&known);
	return err;
}

static int list_countries(struct tw_sources *sources, const struct tw_table_spec *spec)
{
	const struct tw_mmdb *country = &sources->country;

	sources->country_target = malloc(country->n_values + 1);
	if (sources->country_target == NULL)
		return -ENOMEM;
	memset(sources->country_target, TW_TARGET_NONE, country->n_values + 1);
	for (uint32_t v = 1; v <= country->n_values; v++) {
		uint32_t number = country->values[v - 1].number;

		for (unsigned int t = spec->n_targets; t-- > 0;) {
			const char *code = spec->targets[t].country;

			if (code != NULL &&
				((uint32_t)(uint8_t)code[0] << 8 | (uint8_t)code[1]) == number)
				sources->country_target[v] = (uint8_t)t;
		}
	}
	return 0;
}

static int flatten_overrides(struct tw_sources *sources)
{
	uint32_t n = sources->overrides.n;
	struct tw_nested *nested = malloc((n + 1) * sizeof(*nested));
	int err = nested == NULL ? -ENOMEM : 0;

	for (uint32_t i = 0; i < n && err == 0; i++)
		nested[i] = (struct tw_nested){
			.prefix = sources->overrides.entries[i].prefix, .value = i + 1};
	for (unsigned int f = 0; f < 2 && err == 0; f++)
		err = tw_steps_flatten(&sources->override_steps[f], f == 0 ? 4 : 6, nested, n);
	free(nested);
	return err;
}

static int flatten_prefixes(struct tw_sources *sources, const struct tw_table_spec *spec)
{
	struct tw_nested *nested;
	uint32_t n = 0;
	int err = 0;

	for (unsigned int t = 0; t < spec->n_targets; t++)
		n += spec->targets[t].n_prefixes;
	nested = malloc((n + 1) * sizeof(*nested));
	sources->prefixes = malloc((n + 1) * sizeof(*sources->prefixes));
	if (nested == NULL || sources->prefixes == NULL)
		err = -ENOMEM;
	for (unsigned int t = 0; t < spec->n_targets && err == 0; t++) {
		for (unsigned int i = 0; i < spec->targets[t].n_prefixes; i++) {
			uint32_t at = sources->n_prefixes++;

			sources->prefixes[at] = (struct tw_target_prefix){
				.prefix = spec->targets[t].prefixes[i], .target = (uint8_t)t};
			nested[at] = (struct tw_nested){
				.prefix = sources->prefixes[at].prefix, .value = at + 1, .rank = t};
		}
	}
	for (unsigned int f = 0; f < 2 && err == 0; f++)
		err = tw_steps_flatten(&sources->prefix_steps[f], f == 0 ? 4 : 6, nested, n);
	free(nested);
	return err;
}

static int list_database(struct tw_sources *sources, const char *path, const struct tw_mmdb *mmdb)
{
	char *copy = path != NULL ? strdup(path) : NULL;

	if (copy == NULL)
		return path != NULL ? -ENOMEM : 0;
	sources->databases[sources->n_databases++] = (struct tw_database){
		.path = copy,
		.type = mmdb->type,
		.build_epoch = mmdb->build_epoch,
		.n_prefixes = mmdb->n_prefixes,
	};
	return 0;
}

static int read_all(
	struct tw_sources *sources, const struct tw_table_spec *spec, struct tw_diag *diag)
{
	struct tw_map targets = {0};
	int err, other;

	/* Every file is read, so that one call tells the problems of all. */
	err = read_database(&sources->asn, spec->asn_database, TW_MMDB_ASN, &sources->names, diag);
	other = read_database(
		&sources->country, spec->country_database, TW_MMDB_COUNTRY, &sources->names, diag);
	err = err != 0 ? err : other;
	if (spec->overrides != NULL) {
		other = tw_overrides_read(
			&sources->overrides, spec->overrides, &sources->names, diag);
		err = err != 0 ? err : other;
	}
	if (err != 0)
		return err;
	if (list_database(sources, spec->asn_database, &sources->asn) != 0 ||
		list_database(sources, spec->country_database, &sources->country) != 0 ||
		map_names(sources) != 0 || map_target_asns(&targets, spec) != 0 ||
		list_ases(sources, &targets) != 0 || list_countries(sources, spec) != 0 ||
		flatten_overrides(sources) != 0 || flatten_prefixes(sources, spec) != 0)
		err = tw_diag_add(diag, -ENOMEM, "table: out of memory");
	tw_map_free(&targets);
	return err;
}

struct tw_sources *tw_sources_load(const struct tw_table_spec *spec, struct tw_diag *diag)
{
	struct tw_sources *sources = calloc(1, sizeof(*sources));
	uint64_t began;

	if (sources == NULL) {
		tw_diag_add(diag, -ENOMEM, "table: out of memory");
		return NULL;
	}
	sources->holders = 1;
	began = tw_monotonic_ns();
	if (read_all(sources, spec, diag) != 0) {
		tw_sources_release(sources);
		return NULL;
	}
	sources->read_ns = tw_monotonic_ns() - began;
	return sources;
}

struct tw_sources *tw_sources_hold(struct tw_sources *sources)
{
	sources->holders++;
	return sources;
}

void tw_sources_release(struct tw_sources *sources)
{
	if (sources == NULL || --sources->holders > 0)
		return;
	tw_mmdb_free(&sources->asn);
	tw_mmdb_free(&sources->country);
	tw_overrides_free(&sources->overrides);
	for (unsigned int f = 0; f < 2; f++) {
		tw_steps_free(&sources->override_steps[f]);
		tw_steps_free(&sources->prefix_steps[f]);
		free((void *)(uintptr_t)sources->databases[f].path);
	}
	free(sources->prefixes);
	free(sources->ases);
	free(sources->override_as);
	free(sources->country_target);
	tw_map_free(&sources->asn_names);
	tw_names_free(&sources->names);
	free(sources);
}

void tw_sources_layers(const struct tw_sources *sources, uint8_t family,
	const struct tw_steps *layers[TW_LAYER_MAX])
{
	layers[TW_LAYER_ASN] = family == 4 ? &sources->asn.steps4 : &sources->asn.steps6;
	layers[TW_LAYER_COUNTRY] =
		family == 4 ? &sources->country.steps4 : &sources->country.steps6;
	layers[TW_LAYER_OVERRIDE] = &sources->override_steps[family == 6];
	layers[TW_LAYER_PREFIX] = &sources->prefix_steps[family == 6];
}

uint32_t tw_sources_alias(const uint32_t values[TW_LAYER_MAX])
{
	if (values[TW_LAYER_OVERRIDE] != 0 || values[TW_LAYER_PREFIX] != 0)
		return 0;
	if (tw_step_is_alias(values[TW_LAYER_ASN]))
		return values[TW_LAYER_ASN];
	return tw_step_is_alias(values[TW_LAYER_COUNTRY]) ? values[TW_LAYER_COUNTRY] : 0;
}

void tw_sources_find(const struct tw_sources *sources, const uint32_t values[TW_LAYER_MAX],
	struct tw_finding *finding)
{
	uint32_t asn = tw_step_is_alias(values[TW_LAYER_ASN]) ? 0 : values[TW_LAYER_ASN];
	uint32_t country =
		tw_step_is_alias(values[TW_LAYER_COUNTRY]) ? 0 : values[TW_LAYER_COUNTRY];
	uint32_t override = values[TW_LAYER_OVERRIDE];
	uint32_t prefix = values[TW_LAYER_PREFIX];

	finding->as = override != 0 ? sources->override_as[override - 1] : asn;
	finding->country = country;
	finding->target = prefix != 0 ? sources->prefixes[prefix - 1].target : TW_TARGET_NONE;
	finding->target_source = prefix != 0 ? TW_SOURCE_TARGET_PREFIX : TW_SOURCE_NONE;
	if (sources->ases[finding->as].target < finding->target) {
		finding->target = sources->ases[finding->as].target;
		finding->target_source = TW_SOURCE_TARGET_ASN;
	}
	if (sources->country_target[country] < finding->target) {
		finding->target = sources->country_target[country];
		finding->target_source = TW_SOURCE_TARGET_COUNTRY;
	}
}

void tw_sources_origin(const struct tw_sources *sources, const struct tw_finding *finding,
	struct tw_origin *origin)
{
	const struct tw_as *as = &sources->ases[finding->as];

	*origin = (struct tw_origin){
		.asn = as->asn,
		.name = tw_names_get(&sources->names, as->name),
		.target = finding->target,
	};
	if (finding->country != 0) {
		uint32_t code = sources->country.values[finding->country - 1].number;

		origin->country[0] = (char)(code >> 8);
		origin->country[1] = (char)code;
	}
}

int tw_sources_target_ranges(const struct tw_sources *sources, uint8_t family,
	struct tw_target_range **ranges, uint32_t *n)
{
	const struct tw_steps *layers[TW_LAYER_MAX];
	struct tw_target_range *list = NULL;
	uint8_t target = TW_TARGET_NONE;
	uint32_t capacity = 0;
	struct tw_walk walk;

	*ranges = NULL;
	*n = 0;
	tw_sources_layers(sources, family, layers);
	tw_walk_start(&walk, layers, TW_LAYER_MAX);
	do {
		struct tw_finding finding = {.target = TW_TARGET_NONE};

		if (tw_sources_alias(walk.value) == 0)
			tw_sources_find(sources, walk.value, &finding);
		if (finding.target == target)
			continue;
		if (target != TW_TARGET_NONE)
			list[*n - 1].last = walk.first - 1;
		target = finding.target;
		if (target == TW_TARGET_NONE)
			continue;
		if (*n == capacity) {
			struct tw_target_range *grown;

			capacity = capacity ? 2 * capacity : 64;
			grown = realloc(list, capacity * sizeof(*grown));
			if (grown == NULL) {
				free(list);
				*n = 0;
				return -ENOMEM;
			}
			list = grown;
		}
		list[(*n)++] = (struct tw_target_range){
			.first = walk.first, .last = tw_family_last(family), .target = target};
	} while (tw_walk_next(&walk));
	*ranges = list;
	return 0;
}
