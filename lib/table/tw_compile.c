/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * One sweep over all layers at once. Each layer is a step function over the whole family, so the
 * result can change only where one of them does:
 *
 *   ASN       |  a        |    b            |  0     |
 *   country   |     X           |      Y             |
 *   override  |  0   |  c |       0                  |
 *   result    |1     |2  |3 |4  |5          |6       |      -> origins, numbered as they appear
 *
 * Cuts are one more such function, which splits origins of targets and no others.
 * Equal findings share an origin, neighbours of one origin become one run. Only then the origins
 * are renumbered, the targets' to the front: the fast path tells a target from the rest by
 * comparing the number.
 */

#include <errno.h>
#include <stdlib.h>

#include "tw_compile.h"

struct sweep {
	const struct tw_sources *sources;
	struct tw_compiled *out;
	struct tw_map known; /* finding -> origin */
	struct tw_map cut;   /* origin and cut -> origin */
	uint32_t capacity;
};

/*
 * The origin under a key of `known`, or a new one: then *fresh is its place, to be written. Returns TW_MAP_NONE where there is no memory.
 */
static uint32_t number_key(
	struct sweep *sweep, struct tw_map *known, uint64_t key, struct tw_origin **fresh)
{
	struct tw_compiled *out = sweep->out;
	uint32_t *number = tw_map_put(known, key, out->n_origins);

	*fresh = NULL;
	if (number == NULL)
		return TW_MAP_NONE;
	if (*number != out->n_origins)
		return *number;
	if (out->n_origins == sweep->capacity) {
		uint32_t capacity = sweep->capacity ? sweep->capacity * 2 : 1024;
		struct tw_origin *origins = realloc(out->origins, capacity * sizeof(*origins));

		if (origins == NULL)
			return TW_MAP_NONE;
		out->origins = origins;
		sweep->capacity = capacity;
	}
	*fresh = &out->origins[out->n_origins];
	return out->n_origins++;
}

static uint32_t number_origin(struct sweep *sweep, const struct tw_finding *finding)
{
	uint64_t key =
		finding->as | (uint64_t)finding->country << 32 | (uint64_t)finding->target << 56;
	struct tw_origin *fresh;
	uint32_t number = number_key(sweep, &sweep->known, key, &fresh);

	if (fresh != NULL)
		tw_sources_origin(sweep->sources, finding, fresh);
	return number;
}

/* The part of an origin that lies in a cut. */
static uint32_t number_part(struct sweep *sweep, uint32_t origin, uint32_t cut)
{
	struct tw_origin *fresh;
	uint32_t number = number_key(sweep, &sweep->cut, origin | (uint64_t)cut << 32, &fresh);

	if (fresh != NULL) {
		*fresh = sweep->out->origins[origin];
		fresh->cut = cut;
	}
	return number;
}

static uint32_t number_values(
	struct sweep *sweep, const uint32_t values[TW_LAYER_MAX], uint32_t cut)
{
	uint32_t alias = tw_sources_alias(values), origin;
	struct tw_finding finding;

	if (alias != 0)
		return alias;
	tw_sources_find(sweep->sources, values, &finding);
	origin = number_origin(sweep, &finding);
	if (origin == TW_MAP_NONE || cut == 0 || finding.target == TW_TARGET_NONE)
		return origin;
	return number_part(sweep, origin, cut);
}

/* Sweeps a family into runs of provisional origins; aliases stay TW_STEP_ALIAS + length. */
static int sweep_family(struct sweep *sweep, uint8_t family, const struct tw_steps *cuts)
{
	struct tw_steps *steps = &sweep->out->steps[family == 6];
	const struct tw_steps *layers[TW_LAYER_MAX + 1];
	struct tw_walk walk;

	tw_sources_layers(sweep->sources, family, layers);
	layers[TW_LAYER_MAX] = cuts;
	if (tw_steps_init(steps, family) != 0)
		return -ENOMEM;
	tw_walk_start(&walk, layers, TW_LAYER_MAX + (cuts != NULL));
	do {
		uint32_t origin = number_values(
			sweep, walk.value, cuts != NULL ? walk.value[TW_LAYER_MAX] : 0);

		if (origin == TW_MAP_NONE)
			return -ENOMEM;
		if (origin != steps->value[steps->n - 1] &&
			tw_steps_begin(steps, walk.first, origin) != 0)
			return -ENOMEM;
	} while (tw_walk_next(&walk));
	return 0;
}

/* Gives the origins their final numbers: unknown, targets', others. */
static int renumber(struct tw_compiled *out)
{
	uint32_t n = out->n_origins, next = 1;
	struct tw_origin *sorted = malloc(n * sizeof(*sorted));
	uint32_t *number = malloc(n * sizeof(*number));

	if (sorted == NULL || number == NULL) {
		free(sorted);
		free(number);
		return -ENOMEM;
	}
	number[0] = 0;
	sorted[0] = out->origins[0];
	for (unsigned int targets = 2; targets-- > 0;) {
		for (uint32_t i = 1; i < n; i++) {
			if ((out->origins[i].target != TW_TARGET_NONE) != targets)
				continue;
			number[i] = next;
			sorted[next++] = out->origins[i];
		}
		if (targets)
			out->n_target_origins = next - 1;
	}
	free(out->origins);
	out->origins = sorted;
	for (unsigned int f = 0; f < 2; f++) {
		struct tw_steps *steps = &out->steps[f];

		for (uint32_t i = 0; i < steps->n; i++)
			steps->value[i] = tw_step_is_alias(steps->value[i])
						  ? steps->value[i] - TW_STEP_ALIAS + n
						  : number[steps->value[i]];
	}
	free(number);
	return 0;
}

static int measure(struct tw_compiled *out)
{
	for (unsigned int f = 0; f < 2; f++) {
		const struct tw_steps *steps = &out->steps[f];

		out->sizes[f] = calloc(out->n_target_origins + 1, sizeof(*out->sizes[f]));
		if (out->sizes[f] == NULL)
			return -ENOMEM;
		for (uint32_t i = 0; i < steps->n; i++)
			if (steps->value[i] != 0 && steps->value[i] <= out->n_target_origins)
				out->sizes[f][steps->value[i]] +=
					tw_steps_last(steps, i) - steps->first[i] + 1;
	}
	return 0;
}

/* The cuts of a family as a function: 1 + number of the longest that holds an address. */
static int flatten_cuts(
	struct tw_steps *steps, uint8_t family, const struct tw_prefix *cuts, uint32_t n)
{
	struct tw_nested *nested = malloc(((size_t)n + 1) * sizeof(*nested));
	int err = -ENOMEM;

	for (uint32_t i = 0; nested != NULL && i < n; i++)
		nested[i] = (struct tw_nested){.prefix = cuts[i], .value = i + 1};
	if (nested != NULL)
		err = tw_steps_flatten(steps, family, nested, n);
	free(nested);
	return err;
}

int tw_compile(struct tw_compiled *compiled, const struct tw_sources *sources,
	const struct tw_prefix *cuts, uint32_t n_cuts)
{
	static const struct tw_finding unknown = {.target = TW_TARGET_NONE};
	struct sweep sweep = {.sources = sources, .out = compiled};
	struct tw_steps steps[2] = {{0}};
	int err = 0;

	*compiled = (struct tw_compiled){0};
	for (unsigned int f = 0; f < 2 && err == 0 && n_cuts > 0; f++)
		err = flatten_cuts(&steps[f], f == 0 ? 4 : 6, cuts, n_cuts);
	if (err == 0 && number_origin(&sweep, &unknown) == TW_MAP_NONE)
		err = -ENOMEM;
	for (unsigned int f = 0; f < 2 && err == 0; f++)
		err = sweep_family(&sweep, f == 0 ? 4 : 6, n_cuts > 0 ? &steps[f] : NULL);
	if (err == 0)
		err = renumber(compiled);
	if (err == 0)
		err = measure(compiled);
	tw_steps_free(&steps[0]);
	tw_steps_free(&steps[1]);
	tw_map_free(&sweep.known);
	tw_map_free(&sweep.cut);
	return err;
}

void tw_compiled_free(struct tw_compiled *compiled)
{
	free(compiled->origins);
	free(compiled->sizes[0]);
	free(compiled->sizes[1]);
	tw_steps_free(&compiled->steps[0]);
	tw_steps_free(&compiled->steps[1]);
	*compiled = (struct tw_compiled){0};
}
