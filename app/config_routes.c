/* SPDX-License-Identifier: BSD-3-Clause */

/* The keys `rib` and `bmp`: where routes come from. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_schema.h"

#define LISTEN_DEFAULT "127.0.0.1:11019"

enum {
	MAJORITY_DEFAULT = 50,
	PLACES_DEFAULT = 16,
	MAX_AGE_DEFAULT = 86400,
	HOLD_DEFAULT = 300,
	SESSIONS_DEFAULT = 8,
	PEERS_DEFAULT = 1024,
};

static const char *const allowed[] = {"127.0.0.0/8", "::1/128"};

int tw_config_resolve(const char *config_path, char **path)
{
	const char *slash = strrchr(config_path, '/');
	char *resolved;

	if (*path == NULL || (*path)[0] == '/' || slash == NULL)
		return 0;
	if (asprintf(&resolved, "%.*s%s", (int)(slash + 1 - config_path), config_path, *path) < 0)
		return -ENOMEM;
	free(*path); /* cyaml_mem() is realloc() */
	*path = resolved;
	return 0;
}

static void set_default(uint32_t *value, uint32_t number)
{
	if (*value == 0)
		*value = number;
}

static int rib_defaults(struct tw_raw_rib *rib)
{
	set_default(&rib->majority, MAJORITY_DEFAULT);
	set_default(&rib->max_age, MAX_AGE_DEFAULT);
	set_default(&rib->max_routes, TW_MAX_ROUTES_DEFAULT);
	if (rib->upstreams != NULL)
		return 0;
	rib->upstreams = malloc(sizeof(*rib->upstreams));
	if (rib->upstreams == NULL)
		return -ENOMEM;
	*rib->upstreams = PLACES_DEFAULT;
	return 0;
}

/* As much for each session, and for the files. */
static uint32_t share_of(uint32_t max_routes, uint32_t sessions)
{
	uint32_t share = max_routes / (sessions + 1);

	return share > 0 ? share : 1;
}

static int bmp_defaults(struct tw_raw_bmp *bmp, uint32_t max_routes)
{
	const unsigned int n = sizeof(allowed) / sizeof(allowed[0]);

	set_default(&bmp->hold, HOLD_DEFAULT);
	set_default(&bmp->sessions, SESSIONS_DEFAULT);
	set_default(&bmp->peers, PEERS_DEFAULT);
	set_default(&bmp->max_routes, share_of(max_routes, bmp->sessions));
	if (bmp->listen == NULL && (bmp->listen = strdup(LISTEN_DEFAULT)) == NULL)
		return -ENOMEM;
	if (bmp->n_allow > 0)
		return 0;
	free(bmp->allow);
	bmp->allow = calloc(n, sizeof(*bmp->allow));
	if (bmp->allow == NULL)
		return -ENOMEM;
	for (; bmp->n_allow < n; bmp->n_allow++) {
		bmp->allow[bmp->n_allow] = strdup(allowed[bmp->n_allow]);
		if (bmp->allow[bmp->n_allow] == NULL)
			return -ENOMEM;
	}
	return 0;
}

int tw_config_routes_defaults(struct tw_raw_config *raw)
{
	uint32_t max_routes = TW_MAX_ROUTES_DEFAULT;

	if (raw->rib != NULL) {
		if (rib_defaults(raw->rib) != 0)
			return -ENOMEM;
		max_routes = raw->rib->max_routes;
	}
	return raw->bmp != NULL ? bmp_defaults(raw->bmp, max_routes) : 0;
}

/* The values have passed their checks: parsing them again cannot fail. */
static int build_rib(struct tw_config *config, struct tw_raw_rib *raw)
{
	struct tw_rib_vantage *vantage = calloc(raw->n_vantage + 1, sizeof(*vantage));

	config->rib.vantage = vantage;
	if (vantage == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < raw->n_vantage; i++)
		tw_config_parse_vantage(raw->vantage[i], &vantage[i]);
	for (unsigned int i = 0; i < raw->n_files; i++)
		if (tw_config_resolve(config->path, &raw->files[i]) != 0)
			return -ENOMEM;
	config->rib.configured = true;
	config->rib.files = (const char *const *)raw->files;
	config->rib.n_files = raw->n_files;
	config->rib.n_vantage = raw->n_vantage;
	config->rib.majority = raw->majority;
	config->rib.places = *raw->upstreams;
	config->rib.max_age = raw->max_age;
	config->rib.max_routes = raw->max_routes;
	return 0;
}

static int build_bmp(struct tw_config *config, const struct tw_raw_bmp *raw)
{
	struct tw_prefix *allow = calloc(raw->n_allow + 1, sizeof(*allow));

	config->bmp.allow = allow;
	if (allow == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < raw->n_allow; i++)
		tw_prefix_parse(raw->allow[i], &allow[i]);
	config->bmp.configured = true;
	config->bmp.listen = raw->listen;
	config->bmp.n_allow = raw->n_allow;
	config->bmp.hold = raw->hold;
	config->bmp.sessions = raw->sessions;
	config->bmp.peers = raw->peers;
	config->bmp.max_routes = raw->max_routes;
	return 0;
}

int tw_config_build_routes(struct tw_config *config, struct tw_raw_config *raw)
{
	config->rib = (struct tw_rib_config){.majority = MAJORITY_DEFAULT,
		.places = PLACES_DEFAULT,
		.max_age = MAX_AGE_DEFAULT,
		.max_routes = TW_MAX_ROUTES_DEFAULT};
	if (raw->rib != NULL && build_rib(config, raw->rib) != 0)
		return -ENOMEM;
	return raw->bmp != NULL ? build_bmp(config, raw->bmp) : 0;
}

void tw_config_free_routes(struct tw_config *config)
{
	free((void *)(uintptr_t)config->rib.vantage);
	free((void *)(uintptr_t)config->bmp.allow);
}
