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
	uint32_t capacity;
};

/* The origin of a finding, new or known; TW_MAP_NONE where there is no memory. */
static uint32_t number_origin(struct sweep *sweep, const struct tw_finding *finding)
{
	struct tw_compiled *out = sweep->out;
	uint64_t key =
		finding->as | (uint64_t)finding->country << 32 | (uint64_t)finding->target << 56;
	uint32_t *number = tw_map_put(&sweep->known, key, out->n_origins);

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
	tw_sources_origin(sweep->sources, finding, &out->origins[out->n_origins]);
	return out->n_origins++;
}

static uint32_t number_values(struct sweep *sweep, const uint32_t values[TW_LAYER_MAX])
{
	uint32_t alias = tw_sources_alias(values);
	struct tw_finding finding;

	if (alias != 0)
		return alias;
	tw_sources_find(sweep->sources, values, &finding);
	return number_origin(sweep, &finding);
}

/* Sweeps a family into runs of provisional origins; aliases stay TW_STEP_ALIAS + length. */
static int sweep_family(struct sweep *sweep, uint8_t family)
{
	struct tw_steps *steps = &sweep->out->steps[family == 6];
	const struct tw_steps *layers[TW_LAYER_MAX];
	uint32_t at[TW_LAYER_MAX] = {0}, values[TW_LAYER_MAX];
	tw_u128 first = 0, next;

	tw_sources_layers(sweep->sources, family, layers);
	if (tw_steps_init(steps, family) != 0)
		return -ENOMEM;
	do {
		uint32_t origin;

		for (unsigned int i = 0; i < TW_LAYER_MAX; i++)
			values[i] = layers[i]->value[at[i]];
		origin = number_values(sweep, values);
		if (origin == TW_MAP_NONE)
			return -ENOMEM;
		if (origin != steps->value[steps->n - 1] &&
			tw_steps_begin(steps, first, origin) != 0)
			return -ENOMEM;
		next = 0;
		for (unsigned int i = 0; i < TW_LAYER_MAX; i++) {
			if (at[i] + 1 < layers[i]->n &&
				(next == 0 || layers[i]->first[at[i] + 1] < next))
				next = layers[i]->first[at[i] + 1];
		}
		for (unsigned int i = 0; i < TW_LAYER_MAX; i++)
			at[i] += at[i] + 1 < layers[i]->n && layers[i]->first[at[i] + 1] == next;
		first = next;
	} while (next != 0);
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

int tw_compile(struct tw_compiled *compiled, const struct tw_sources *sources)
{
	static const struct tw_finding unknown = {.target = TW_TARGET_NONE};
	struct sweep sweep = {.sources = sources, .out = compiled};
	int err = 0;

	*compiled = (struct tw_compiled){0};
	if (number_origin(&sweep, &unknown) == TW_MAP_NONE || sweep_family(&sweep, 4) != 0 ||
		sweep_family(&sweep, 6) != 0 || renumber(compiled) != 0)
		err = -ENOMEM;
	tw_map_free(&sweep.known);
	return err;
}

void tw_compiled_free(struct tw_compiled *compiled)
{
	free(compiled->origins);
	tw_steps_free(&compiled->steps[0]);
	tw_steps_free(&compiled->steps[1]);
	*compiled = (struct tw_compiled){0};
}
