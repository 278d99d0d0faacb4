/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rte_memory.h>

#include "port.h"
#include "setup.h"

/* Memory that the EAL may use: a full table of both families takes 360 MB, 511 MB with countries. */
enum {
	MEGABYTES_WITHOUT_DATABASE = 256,
	MEGABYTES_WITH_DATABASE = 1024,
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

	view->targets = config->table.targets;
	view->n_targets = config->table.n_targets;
	view->upstreams = config->upstreams;
	view->n_upstreams = config->n_upstreams;
	view->vias = setup->vias;
	view->n_series = tw_series_count(view->n_targets, view->n_vias);
	view->config_path = config->path;
	view->version = TW_VERSION;
	view->n_workers = config->workers;
	view->event_rules = &config->events;
	view->databases = setup->databases;
}

/* What the view shows of the table and the map, which may be replaced while it is shown. */
static int copy_names(struct tw_setup *setup)
{
	const struct tw_database *databases;
	const struct tw_via *vias;
	struct tw_view *view = &setup->view;

	view->n_vias = tw_link_map_vias(setup->map, &vias);
	setup->vias = malloc(view->n_vias * sizeof(*vias));
	if (setup->vias == NULL)
		return -ENOMEM;
	memcpy(setup->vias, vias, view->n_vias * sizeof(*vias));
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
	free(setup->vias);
	for (unsigned int i = 0; i < setup->view.n_databases; i++) {
		free((void *)(uintptr_t)setup->databases[i].path);
		free((void *)(uintptr_t)setup->databases[i].type);
	}
}

struct tw_link_map *tw_setup_map(const struct tw_config *config,
	const struct tw_upstream *upstreams, unsigned int n_upstreams, struct tw_diag *diag)
{
	const struct tw_link_spec spec = {.rules = config->rules,
		.n_rules = config->n_rules,
		.order = config->attribution,
		.n_order = config->n_attribution,
		.upstreams = upstreams,
		.n_upstreams = n_upstreams};

	return tw_link_map_create(&spec, diag);
}

int tw_setup_load(struct tw_setup *setup, const char *path, unsigned int workers, bool live,
	char **eal_args, unsigned int n_eal_args, struct tw_diag *diag)
{
	struct tw_config *config;
	int err;

	memset(setup, 0, sizeof(*setup));
	setup->config = config = tw_config_load(path, diag);
	if (config == NULL)
		return -EINVAL;
	if (workers > 0)
		config->workers = workers;
	/* The cheap check first, so that all of the file's own problems show in one go. */
	setup->map = tw_setup_map(config, NULL, 0, diag);
	if (setup->map == NULL)
		return -EINVAL;
	err = start_eal(config, live, eal_args, n_eal_args, diag);
	if (err != 0)
		return err;
	setup->table = tw_table_load(&config->table, SOCKET_ID_ANY, diag);
	if (setup->table == NULL)
		return -EINVAL;
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
	free_names(setup);
	if (setup->config != NULL)
		tw_config_free(setup->config);
	memset(setup, 0, sizeof(*setup));
	if (eal_started)
		tw_eal_stop();
	eal_started = false;
}
