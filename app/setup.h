/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_SETUP_H
#define TW_SETUP_H

/*
 * All that a configuration makes: the compiled table, the link map, and the names behind the indices. What
 * replay loads and what check validates is the same by being one function.
 */

#include "config.h"
#include "eal.h"
#include "options.h"
#include "feed.h"
#include "tw_aggregate.h"
#include "tw_target_list.h"
#include "tw_via_list.h"

struct tw_setup {
	struct tw_config *config;
	/* What keeps its index for the whole run; in a live one with spare places, for what a reload adds. */
	struct tw_target_list targets;
	struct tw_upstream_list upstreams;
	struct tw_via_list vias;
	unsigned int workers_configured; /* in the file, whatever the options say */
	struct tw_table *table;
	uint32_t n_cuts; /* of the table */
	struct tw_link_map *map;
	struct tw_feed feed;
	struct tw_view view;
	struct tw_database databases[2]; /* the view's own, as they were at the start */
};

/*
 * Loads the configuration, starts the EAL with an lcore for control, one for each worker and, where there are
 * several, one that reads for them; then loads what the configuration names. Of the options, `workers`, `rib` take the
 * place of what is configured, `updates` are read besides, and `live` makes ready for the configured ports. Returns 0,
 * or -errno with a line for each problem. After either, tw_setup_free() releases all and stops the EAL.
 */
int tw_setup_load(struct tw_setup *setup, const struct tw_options *options, struct tw_diag *diag);
void tw_setup_free(struct tw_setup *setup);

/*
 * The configuration's link map, with the setup's lists: vias that are new take their places, and are shown by
 * tw_via_list_show() alone.
 */
struct tw_link_map *tw_setup_map(
	struct tw_setup *setup, const struct tw_config *config, struct tw_diag *diag);

#endif
