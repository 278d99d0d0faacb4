/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_PLACES_H
#define TW_PLACES_H

/*
 * Another configuration's targets and upstreams in the places of a run.
 *
 *   load: tw_places_plan() ─► link map, table, RIB by places ─► control core: tw_places_take() ─► rules published
 *
 * Names are there before anything is counted for them: they are taken before the rules that count, which decide from a
 * second on that begins later.
 */

#include "setup.h"

/* The place of each upstream of a configuration. */
struct tw_places {
	uint16_t upstreams[TW_UPSTREAM_MAX];
};

/*
 * The thread that loads: plans, and makes the configuration's targets and links be told by their places. Returns 0 or
 * -errno with a line in *diag: of a run's places there are not enough.
 */
int tw_places_plan(struct tw_setup *setup, struct tw_config *config, struct tw_places *places,
	struct tw_diag *diag);

/*
 * The control core, while nothing is loaded: shows readers the planned configuration. Returns 0; -EAGAIN where a route
 * has found one of the new upstreams meanwhile: it is to be loaded anew, and nothing is shown; or -ENOMEM: then
 * tw_places_restore().
 */
int tw_places_take(
	struct tw_setup *setup, const struct tw_config *config, const struct tw_places *places);

/* The control core: shows the configuration that was in force again, where another could not be used after all. */
void tw_places_restore(struct tw_setup *setup, const struct tw_config *config);

#endif
