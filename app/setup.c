/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rte_memory.h>

#include "port.h"
#include "setup.h"
#include "signals.h"

/* Memory that the EAL may use: a full table of both families takes 360 MB, 511 MB with countries. */
enum {
	MEGABYTES_WITHOUT_DATABASE = 256,
	MEGABYTES_WITH_DATABASE = 1024,
};

/* Places of a live run for what a reload adds. A series is 32 octets of a block, of which there are some dozens. */
enum {
	SPARE_TARGETS = 4,
	SPARE_UPSTREAMS = 8,
	SPARE_VIAS = 32,
};

static bool eal_started;

static int start_eal(const struct tw_config *config, bool live, char **args, unsigned int n_args,
	struct tw_diag *diag)
{
	const char *pci[TW_PORTS_MAX];
	const struct tw_table_spec *spec = &config->table;
	bool database = spec->asn_database != NULL || spec->country_database != NULL;
	struct tw_eal eal = {
		.n_lcores = 1 + config->workers + (config->workers > 1),
		.megabytes = database ? MEGABYTES_WITH_DATABASE : MEGABYTES_WITHOUT_DATABASE,
		.args = args,
		.n_args = n_args,
		.live = live,
		.pci = pci,
	};
	int err;

	/* Twice, since a reload makes the new table beside the old one. */
	if (live)
		eal.megabytes += eal.megabytes + tw_ports_megabytes(config);
	for (unsigned int i = 0; live && i < config->n_ports; i++)
		if (tw_port_is_pci(config->ports[i].device))
			pci[eal.n_pci++] = config->ports[i].device;
	for (unsigned int i = 0; live && i < config->n_ports; i++)
		eal.shared |= strstr(config->ports[i].device, "virtio_user") != NULL;

	err = tw_eal_start(&eal, diag);
	eal_started = err == 0;
	return err;
}

static void make_view(struct tw_setup *setup)
{
	const struct tw_config *config = setup->config;
	struct tw_view *view = &setup->view;

	view->targets = setup->targets.targets;
	view->n_targets = setup->targets.n;
	view->targets_gone = &setup->targets.gone;
	view->upstreams = setup->upstreams.upstreams;
	view->n_upstreams = setup->upstreams.n;
	view->vias = setup->vias.shown;
	view->n_vias = setup->vias.n;
	view->n_series = tw_series_count(view->n_targets, view->n_vias);
	tw_link_map_pairs(setup->map, &view->pairs);
	view->n_pairs = tw_pair_count(&view->pairs, view->n_targets);
	if (setup->feed.on) {
		view->routes = tw_feed_at;
		view->routes_arg = &setup->feed;
	}
	view->config_path = config->path;
	view->version = TW_VERSION;
	view->n_workers = config->workers;
	view->event_rules = &config->events;
	view->databases = setup->databases;
}

/* What the view shows of the table, which may be replaced while it is shown. */
static int copy_names(struct tw_setup *setup)
{
	const struct tw_database *databases;
	struct tw_view *view = &setup->view;

	for (unsigned int n = tw_table_databases(setup->table, &databases);
		view->n_databases < n;) {
		struct tw_database *copy = &setup->databases[view->n_databases++];

		*copy = databases[view->n_databases - 1];
		copy->path = strdup(copy->path);
		copy->type = strdup(copy->type);
		if (copy->path == NULL || copy->type == NULL)
			return -ENOMEM;
	}
	return 0;
}

static void free_names(struct tw_setup *setup)
{
	for (unsigned int i = 0; i < setup->view.n_databases; i++) {
		free((void *)(uintptr_t)setup->databases[i].path);
		free((void *)(uintptr_t)setup->databases[i].type);
	}
}

struct tw_link_map *tw_setup_map(
	struct tw_setup *setup, const struct tw_config *config, struct tw_diag *diag)
{
	const struct tw_upstream_list *upstreams = &setup->upstreams;
	const struct tw_link_spec spec = {.rules = config->rules,
		.n_rules = config->n_rules,
		.order = config->attribution,
		.n_order = config->n_attribution,
		.upstreams = upstreams->routed ? upstreams->upstreams : NULL,
		.n_upstreams = upstreams->routed ? upstreams->n : 0,
		/* A reload may give links to any of them. */
		.n_observed = upstreams->n_spare > 0 ? tw_upstream_list_n_asns(upstreams) : 0,
		.vias = &setup->vias};

	return tw_link_map_create(&spec, diag);
}

/* Whether routes are there to decide, and are asked. Returns 1, 0, or -EINVAL with a line in *diag. */
static int is_routed(
	const struct tw_config *config, const struct tw_options *options, struct tw_diag *diag)
{
	bool asked = false, files = config->rib.n_files > 0 || options->rib.n > 0;

	for (unsigned int i = 0; i < config->n_attribution; i++)
		asked |= config->attribution[i] == TW_METHOD_RIB;
	if (!asked && (options->rib.n > 0 || options->updates.n > 0))
		return tw_diag_add(diag, -EINVAL,
			"%s: attribution: routes are given, but rib is not in it: add it",
			config->path);
	if (options->updates.n > 0 && !files)
		return tw_diag_add(diag, -EINVAL,
			"--updates %s: changes of what? Name the table with --rib or rib.files",
			options->updates.items[0]);
	return asked &&
	       (config->rib.configured || (config->bmp.configured && options->live) || files);
}

static int load_routes(struct tw_setup *setup, const struct tw_options *options,
	struct tw_sources *sources, struct tw_diag *diag)
{
	const struct tw_config *config = setup->config;
	const struct tw_feed_spec spec = {.config = config,
		.files = options->rib.n > 0 ? options->rib.items : config->rib.files,
		.n_files = options->rib.n > 0 ? options->rib.n : config->rib.n_files,
		.updates = options->updates.items,
		.n_updates = options->updates.n,
		.stop = &tw_signals.stop};

	return tw_feed_load(&setup->feed, &spec, sources, &setup->upstreams, diag);
}

static int load_table(struct tw_setup *setup, struct tw_sources *sources, struct tw_diag *diag)
{
	struct tw_prefix *cuts = NULL;

	if (setup->feed.on) {
		cuts = tw_feed_cuts(setup->feed.live.rib, &setup->n_cuts);
		if (cuts == NULL)
			return tw_diag_add(diag, -ENOMEM, "no memory");
	}
	setup->table = tw_table_make(sources, cuts, setup->n_cuts, SOCKET_ID_ANY, diag);
	free(cuts);
	return setup->table != NULL ? 0 : -EINVAL;
}

/* What the configuration names: databases, routes, and the table of both. */
static int load_files(
	struct tw_setup *setup, const struct tw_options *options, bool routed, struct tw_diag *diag)
{
	struct tw_sources *sources = tw_sources_load(&setup->config->table, diag);
	int err;

	if (sources == NULL)
		return -EINVAL;
	err = routed ? load_routes(setup, options, sources, diag) : 0;
	if (err == 0)
		err = load_table(setup, sources, diag);
	tw_sources_release(sources);
	return err;
}

/* What keeps its index. Without `live` there are no spare places. */
static int make_lists(struct tw_setup *setup, bool routed, bool live)
{
	struct tw_config *config = setup->config;
	const struct tw_upstream_list_spec spec = {.configured = config->upstreams,
		.n_configured = config->n_upstreams,
		.n_spare = live ? SPARE_UPSTREAMS : 0,
		.routed = routed,
		.n_places = config->rib.places};
	struct tw_target placed[TW_TARGET_MAX];
	int err = tw_target_list_make(&setup->targets, config->table.targets,
		config->table.n_targets, live ? SPARE_TARGETS : 0);

	if (err == 0)
		err = tw_target_list_plan(
			&setup->targets, config->table.targets, config->table.n_targets, placed);
	if (err == 0)
		err = tw_config_place(config, placed, setup->targets.n, NULL);
	if (err == 0)
		err = tw_upstream_list_make(&setup->upstreams, &spec);
	setup->vias.n_spare = live ? SPARE_VIAS : 0;
	return err;
}

int tw_setup_load(struct tw_setup *setup, const struct tw_options *options, struct tw_diag *diag)
{
	struct tw_config *config;
	int err, routed;

	memset(setup, 0, sizeof(*setup));
	setup->config = config = tw_config_load(options->config, diag);
	if (config == NULL)
		return -EINVAL;
	setup->workers_configured = config->workers;
	if (options->workers > 0)
		config->workers = options->workers;
	routed = is_routed(config, options, diag);
	if (routed < 0)
		return routed;
	if (make_lists(setup, routed, options->live) != 0)
		return tw_diag_add(diag, -ENOMEM, "no memory");
	/* The cheap check first, so that all of the file's own problems show in one go. */
	setup->map = tw_setup_map(setup, config, diag);
	if (setup->map == NULL)
		return -EINVAL;
	err = start_eal(config, options->live, options->eal_args, options->n_eal_args, diag);
	if (err == 0)
		err = load_files(setup, options, routed, diag);
	if (err != 0)
		return err;
	if (copy_names(setup) != 0)
		return tw_diag_add(diag, -ENOMEM, "no memory");
	make_view(setup);
	return 0;
}

void tw_setup_free(struct tw_setup *setup)
{
	if (setup->table != NULL)
		tw_table_free(setup->table);
	tw_link_map_free(setup->map);
	tw_feed_free(&setup->feed);
	tw_target_list_free(&setup->targets);
	tw_upstream_list_free(&setup->upstreams);
	tw_via_list_free(&setup->vias);
	free_names(setup);
	if (setup->config != NULL)
		tw_config_free(setup->config);
	memset(setup, 0, sizeof(*setup));
	if (eal_started)
		tw_eal_stop();
	eal_started = false;
}
