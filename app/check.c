/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The configuration as it will run, as YAML that loads again; behind it, as comments, what it amounts to.
 */

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "options.h"
#include "setup.h"

static void print_databases(const struct tw_view *view)
{
	for (unsigned int i = 0; i < view->n_databases; i++) {
		const struct tw_database *database = &view->databases[i];
		time_t built = (time_t)database->build_epoch;
		char date[32] = "";
		struct tm tm;

		if (gmtime_r(&built, &tm) != NULL)
			strftime(date, sizeof(date), "%Y-%m-%d", &tm);
		printf("# database: %s: %s of %s, %" PRIu32 " prefixes\n", database->path,
			database->type, date, database->n_prefixes);
	}
}

static void print_routes(struct tw_setup *setup)
{
	time_t when = (time_t)setup->feed.file_time;
	struct tw_rib_info info;
	char date[32] = "";
	struct tm tm;

	if (!setup->feed.on)
		return;
	tw_rib_info(setup->feed.live.rib, &info);
	if (when != 0 && gmtime_r(&when, &tm) != NULL)
		strftime(date, sizeof(date), " of %Y-%m-%d %H:%M:%S UTC", &tm);
	printf("# routes: %" PRIu32 "%s, of %" PRIu32 " prefixes by %" PRIu32 " vantage points\n",
		info.n_routes, date, info.n_prefixes, info.n_peers);
}

static void print_sizes(const struct tw_setup *setup)
{
	struct tw_table_info info;

	tw_table_info(setup->table, &info);
	printf("# table: %" PRIu32 " origins, %" PRIu32 " IPv4 and %" PRIu32
	       " IPv6 routes, compiled in %.0f ms\n",
		info.n_origins, info.n_routes4, info.n_routes6, (double)info.compile_ns / 1e6);
	printf("# series: %" PRIu32 " at most (%u targets x %u pairs of upstream and method x 2 "
	       "directions x 2 IP versions)\n",
		setup->view.n_series, setup->view.n_targets, setup->view.n_vias);
}

int tw_check(const struct tw_options *options)
{
	struct tw_diag diag = {0};
	struct tw_setup setup;
	int status = TW_EXIT_USAGE;

	if (tw_setup_load(&setup, options, &diag) == 0) {
		if (tw_config_print(setup.config, stdout) != 0)
			tw_diag_add(&diag, -1, "standard output: cannot write");
		else
			status = TW_EXIT_OK;
		print_databases(&setup.view);
		print_routes(&setup);
		print_sizes(&setup);
	}
	tw_diag_print(&diag, stderr, "transitwatch: ");
	tw_diag_free(&diag);
	tw_setup_free(&setup);
	return status;
}
