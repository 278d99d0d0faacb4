/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>

#include "places.h"

static int plan_targets(struct tw_setup *setup, struct tw_config *config,
	struct tw_target placed[static TW_TARGET_MAX], struct tw_diag *diag)
{
	if (tw_target_list_plan(
		    &setup->targets, config->table.targets, config->table.n_targets, placed) == 0)
		return 0;
	return tw_diag_add(diag, -ENOSPC,
		"%s: targets: a run has %u places for targets, those that it watched before keep "
		"theirs, and no other is left: restart to take that",
		config->path, setup->targets.n);
}

static int plan_upstreams(struct tw_setup *setup, const struct tw_config *config,
	struct tw_places *places, struct tw_diag *diag)
{
	struct tw_upstream_list *list = &setup->upstreams;

	if (tw_upstream_list_plan(
		    list, config->upstreams, config->n_upstreams, places->upstreams) == 0)
		return 0;
	return tw_diag_add(diag, -ENOSPC,
		"%s: upstreams: a run has %u places for configured upstreams, those that it had "
		"before keep theirs, and no other is left: restart to take that",
		config->path, list->n_configured + list->n_spare);
}

int tw_places_plan(struct tw_setup *setup, struct tw_config *config, struct tw_places *places,
	struct tw_diag *diag)
{
	struct tw_target placed[TW_TARGET_MAX];

	if (plan_targets(setup, config, placed, diag) != 0 ||
		plan_upstreams(setup, config, places, diag) != 0)
		return -ENOSPC;
	if (tw_config_place(config, placed, setup->targets.n, places->upstreams) != 0)
		return tw_diag_add(diag, -ENOMEM, "no memory");
	return 0;
}

int tw_places_take(
	struct tw_setup *setup, const struct tw_config *config, const struct tw_places *places)
{
	int err = tw_upstream_list_take(
		&setup->upstreams, config->upstreams, config->n_upstreams, places->upstreams);

	if (err == 0)
		err = tw_target_list_take(&setup->targets, config->table.targets);
	if (err == 0)
		tw_via_list_show(&setup->vias);
	return err;
}

void tw_places_restore(struct tw_setup *setup, const struct tw_config *config)
{
	struct tw_places places;

	/* All of it has its place already. A name that there is no memory for stays the new one. */
	(void)tw_upstream_list_plan(
		&setup->upstreams, config->upstreams, config->n_upstreams, places.upstreams);
	(void)tw_upstream_list_take(
		&setup->upstreams, config->upstreams, config->n_upstreams, places.upstreams);
	(void)tw_target_list_take(&setup->targets, config->table.targets);
}
