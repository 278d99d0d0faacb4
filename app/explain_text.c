/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "explain.h"

static void print_database(
	const struct tw_setup *setup, const char *path, const struct tw_prefix *prefix, FILE *out)
{
	char text[TW_PREFIX_TEXT], date[32] = "";

	for (unsigned int i = 0; i < setup->view.n_databases; i++) {
		const struct tw_database *database = &setup->view.databases[i];
		time_t built = (time_t)database->build_epoch;
		struct tm tm;

		if (strcmp(database->path, path) != 0)
			continue;
		if (gmtime_r(&built, &tm) != NULL)
			strftime(date, sizeof(date), "%Y-%m-%d", &tm);
		fprintf(out, "           %s in %s (%s, built %s)\n", tw_prefix_format(prefix, text),
			path, database->type, date);
		return;
	}
}

static void print_asn(const struct tw_setup *setup, const struct tw_explanation *e, FILE *out)
{
	const struct tw_table_spec *spec = &setup->config->table;
	char text[TW_PREFIX_TEXT];

	if (e->asn_source == TW_SOURCE_NONE) {
		fprintf(out, "  AS       unknown: no source has it\n");
		return;
	}
	fprintf(out, "  AS       %" PRIu32 "  %s\n", e->origin.asn, e->origin.name);
	if (e->asn_source == TW_SOURCE_OVERRIDE)
		fprintf(out, "           %s in %s, line %u\n",
			tw_prefix_format(&e->asn_prefix, text), spec->overrides, e->asn_line);
	else
		print_database(setup, spec->asn_database, &e->asn_prefix, out);
}

static void print_target(const struct tw_setup *setup, const struct tw_explanation *e, FILE *out)
{
	char text[TW_PREFIX_TEXT];

	if (e->origin.target == TW_TARGET_NONE) {
		fprintf(out, "  target   none\n");
		return;
	}
	fprintf(out, "  target   %s\n", setup->config->table.targets[e->origin.target].name);
	if (e->target_source == TW_SOURCE_TARGET_PREFIX)
		fprintf(out, "           by prefix %s in %s\n",
			tw_prefix_format(&e->target_prefix, text), setup->config->path);
	else if (e->target_source == TW_SOURCE_TARGET_ASN)
		fprintf(out, "           by AS%" PRIu32 " in %s\n", e->origin.asn,
			setup->config->path);
	else
		fprintf(out, "           by country %s in %s\n", e->origin.country,
			setup->config->path);
}

void tw_explain_text_write(struct tw_setup *setup, const struct tw_addr *addr,
	const struct tw_explanation *e, FILE *out)
{
	char text[TW_PREFIX_TEXT];

	fprintf(out, "%s\n", tw_addr_format(addr, text));
	print_asn(setup, e, out);
	if (e->country_source == TW_SOURCE_NONE)
		fprintf(out, "  country  unknown: %s\n",
			setup->config->table.country_database != NULL
				? "no source has it"
				: "databases.country is not configured");
	else {
		fprintf(out, "  country  %s\n", e->origin.country);
		print_database(
			setup, setup->config->table.country_database, &e->country_prefix, out);
	}
	print_target(setup, e, out);
	if (setup->feed.on && e->origin.target != TW_TARGET_NONE) {
		struct tw_route_answer answer;

		tw_route_answer(&setup->feed, setup, addr, e->origin.target, &answer);
		tw_route_answer_text(&answer, setup->config, (uint64_t)time(NULL), out);
	}
}
