/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * file ─ config_yaml ─► tree ─ config_walk ─► problems, or none ─ cyaml ─► tw_raw_config ─► tw_config
 *
 * The raw values stay with the configuration: its texts point into them, and printing is cyaml's saving by
 * the same schema as loading, so that a key that can be read is always also printed.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "config_schema.h"

struct loaded {
	struct tw_config config; /* first: tw_config_free() casts */
	char *path;
	struct tw_raw_config *raw;
	struct tw_target *targets;
	uint32_t *asns;             /* of all targets, one after the other */
	struct tw_prefix *prefixes; /* likewise */
	struct tw_upstream *upstreams;
	struct tw_link_rule *rules;
	struct tw_port_config *ports;
	char **on_event;
};

static const cyaml_config_t cyaml = {
	.mem_fn = cyaml_mem,
	.log_level = CYAML_LOG_ERROR,
	.flags = CYAML_CFG_NO_ALIAS | CYAML_CFG_STYLE_BLOCK,
};

static int build_on_event(struct loaded *loaded)
{
	const struct tw_raw_config *raw = loaded->raw;

	if (raw->n_on_event == 0)
		return 0;
	loaded->on_event = calloc(raw->n_on_event + 1, sizeof(char *));
	if (loaded->on_event == NULL)
		return -ENOMEM;
	memcpy(loaded->on_event, raw->on_event, raw->n_on_event * sizeof(char *));
	loaded->config.on_event = loaded->on_event;
	return 0;
}

static void build_events(struct loaded *loaded)
{
	const struct tw_raw_events *raw = &loaded->raw->events;
	struct tw_event_rules *rules = &loaded->config.events;
	const struct {
		const uint32_t *from;
		unsigned int *to;
	} values[] = {
		{raw->learn_seconds, &rules->learn_seconds},
		{raw->learn_packets, &rules->learn_packets},
		{raw->silence_seconds, &rules->silence_seconds},
		{raw->silence_packets, &rules->silence_packets},
		{raw->evidence_packets, &rules->evidence_packets},
		{raw->presence_share, &rules->presence_share},
		{raw->margin, &rules->margin},
		{raw->shift, &rules->shift},
		{raw->trend, &rules->trend},
		{raw->quiet_seconds, &rules->quiet_seconds},
	};

	tw_event_rules_default(rules);
	for (unsigned int i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (values[i].from != NULL)
			*values[i].to = *values[i].from;
}

static int build_http(struct loaded *loaded)
{
	struct tw_raw_http *raw = loaded->raw->http;

	loaded->config.http = (struct tw_http_settings){
		.listen = TW_LISTEN_DEFAULT, .history = TW_HISTORY_DEFAULT};
	if (raw == NULL)
		return 0;
	if (tw_config_resolve(loaded->path, &raw->certificate) != 0 ||
		tw_config_resolve(loaded->path, &raw->key) != 0 ||
		tw_config_resolve(loaded->path, &raw->password_file) != 0 ||
		tw_config_resolve(loaded->path, &raw->token_file) != 0)
		return -ENOMEM;
	loaded->config.serve = true;
	loaded->config.http = (struct tw_http_settings){
		.listen = raw->listen,
		.history = raw->history,
		.certificate = raw->certificate,
		.key = raw->key,
		.user = raw->user,
		.password_file = raw->password_file,
		.token_file = raw->token_file,
	};
	return 0;
}

static int resolve_databases(struct loaded *loaded)
{
	struct tw_raw_databases *databases = &loaded->raw->databases;
	struct tw_table_spec *table = &loaded->config.table;

	if (tw_config_resolve(loaded->path, &databases->asn) != 0 ||
		tw_config_resolve(loaded->path, &databases->country) != 0 ||
		tw_config_resolve(loaded->path, &databases->overrides) != 0)
		return -ENOMEM;
	table->asn_database = databases->asn;
	table->country_database = databases->country;
	table->overrides = databases->overrides;
	return 0;
}

/* Never NULL for a lack of items alone. */
static void *array(size_t n, size_t size)
{
	return calloc(n > 0 ? n : 1, size);
}

/* The values have passed their checks: parsing them again cannot fail. */
static int build_targets(struct loaded *loaded)
{
	const struct tw_raw_config *raw = loaded->raw;
	size_t n_asns = 0, n_prefixes = 0;

	for (unsigned int i = 0; i < raw->n_targets; i++) {
		n_asns += raw->targets[i].n_asns;
		n_prefixes += raw->targets[i].n_prefixes;
	}
	loaded->targets = array(raw->n_targets, sizeof(*loaded->targets));
	loaded->asns = array(n_asns, sizeof(*loaded->asns));
	loaded->prefixes = array(n_prefixes, sizeof(*loaded->prefixes));
	if (loaded->targets == NULL || loaded->asns == NULL || loaded->prefixes == NULL)
		return -ENOMEM;
	n_asns = n_prefixes = 0;
	for (unsigned int i = 0; i < raw->n_targets; i++) {
		const struct tw_raw_target *from = &raw->targets[i];

		loaded->targets[i] = (struct tw_target){
			.name = from->name,
			.asns = loaded->asns + n_asns,
			.n_asns = from->n_asns,
			.country = from->country,
			.prefixes = loaded->prefixes + n_prefixes,
			.n_prefixes = from->n_prefixes,
		};
		for (unsigned int j = 0; j < from->n_asns; j++)
			tw_config_parse_asn(from->asns[j], &loaded->asns[n_asns++]);
		for (unsigned int j = 0; j < from->n_prefixes; j++)
			tw_prefix_parse(from->prefixes[j], &loaded->prefixes[n_prefixes++]);
	}
	loaded->config.table.targets = loaded->targets;
	loaded->config.table.n_targets = raw->n_targets;
	return 0;
}

static struct tw_link_rule link_rule(const struct tw_raw_link *raw, unsigned int upstream)
{
	struct tw_link_rule rule = {.upstream = (uint16_t)upstream};

	if (raw->mac != NULL) {
		tw_mac_parse(raw->mac, &rule.mac);
		rule.fields |= TW_MATCH_MAC;
	}
	if (raw->vlan != NULL) {
		rule.vlan = *raw->vlan;
		rule.fields |= TW_MATCH_VLAN;
	}
	if (raw->inner_vlan != NULL) {
		rule.inner_vlan = *raw->inner_vlan;
		rule.fields |= TW_MATCH_INNER_VLAN;
	}
	if (raw->port != NULL) {
		rule.port = *raw->port;
		rule.fields |= TW_MATCH_PORT;
	}
	return rule;
}

/* "FILE:LINE: upstreams[0].links[1]" */
static char *where(struct tw_yaml *yaml, unsigned int upstream, unsigned int link)
{
	const yaml_node_t *node = tw_yaml_field(yaml, tw_yaml_root(yaml), "upstreams");
	char *text;

	node = tw_yaml_field(yaml, tw_yaml_item(yaml, node, upstream), "links");
	node = tw_yaml_item(yaml, node, link);
	if (asprintf(&text, "%s:%u: upstreams[%u].links[%u]", yaml->path, tw_yaml_line(node),
		    upstream, link) < 0)
		return NULL;
	return text;
}

static int build_upstreams(struct loaded *loaded, struct tw_yaml *yaml)
{
	const struct tw_raw_config *raw = loaded->raw;
	struct tw_config *config = &loaded->config;
	size_t n_rules = 0;

	for (unsigned int i = 0; i < raw->n_upstreams; i++)
		n_rules += raw->upstreams[i].n_links;
	loaded->upstreams = array(raw->n_upstreams, sizeof(*loaded->upstreams));
	loaded->rules = array(n_rules, sizeof(*loaded->rules));
	if (loaded->upstreams == NULL || loaded->rules == NULL)
		return -ENOMEM;
	config->upstreams = loaded->upstreams;
	config->rules = loaded->rules;
	config->n_upstreams = raw->n_upstreams;
	for (unsigned int i = 0; i < raw->n_upstreams; i++) {
		const struct tw_raw_upstream *from = &raw->upstreams[i];

		tw_config_parse_asn(from->asn, &loaded->upstreams[i].asn);
		loaded->upstreams[i].name = from->name != NULL ? from->name : "";
		for (unsigned int j = 0; j < from->n_links; j++) {
			struct tw_link_rule *rule = &loaded->rules[config->n_rules++];

			*rule = link_rule(&from->links[j], i);
			rule->where = where(yaml, i, j);
			if (rule->where == NULL)
				return -ENOMEM;
		}
	}
	return 0;
}

static int build_ports(struct loaded *loaded)
{
	const struct tw_raw_config *raw = loaded->raw;

	loaded->ports = array(raw->n_ports, sizeof(*loaded->ports));
	if (loaded->ports == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < raw->n_ports; i++) {
		const struct tw_raw_port *from = &raw->ports[i];

		loaded->ports[i] = (struct tw_port_config){
			.device = from->device,
			.queues = from->queues != NULL ? *from->queues : 0,
			.descriptors = from->descriptors,
			.mtu = from->mtu,
			.mbufs = from->mbufs != NULL ? *from->mbufs : 0,
		};
	}
	loaded->config.ports = loaded->ports;
	loaded->config.n_ports = raw->n_ports;
	return 0;
}

static int build(struct loaded *loaded, struct tw_yaml *yaml)
{
	struct tw_config *config = &loaded->config;
	const struct tw_raw_config *raw = loaded->raw;

	loaded->path = strdup(yaml->path);
	if (loaded->path == NULL || tw_raw_defaults(loaded->raw) != 0 ||
		resolve_databases(loaded) != 0 || build_targets(loaded) != 0 ||
		build_upstreams(loaded, yaml) != 0 || build_ports(loaded) != 0 ||
		build_http(loaded) != 0 || build_on_event(loaded) != 0)
		return -ENOMEM;
	config->path = loaded->path;
	if (tw_config_build_routes(config, loaded->raw) != 0)
		return -ENOMEM;
	build_events(loaded);
	for (unsigned int i = 0; i < raw->n_attribution; i++)
		config->attribution[i] = raw->attribution[i];
	config->n_attribution = raw->n_attribution;
	config->decapsulate = raw->decapsulate;
	config->idle_timeout = raw->flows.idle_timeout;
	config->flows_max_per_worker = raw->flows.max_per_worker;
	config->workers = raw->workers;
	config->dispatch = raw->dispatch;
	config->poll = raw->poll;
	return 0;
}

static struct tw_config *load(struct tw_yaml *yaml, struct tw_diag *diag)
{
	struct loaded *loaded = calloc(1, sizeof(*loaded));
	cyaml_err_t err;

	if (loaded == NULL) {
		tw_diag_add(diag, -ENOMEM, "%s: no memory to load it", yaml->path);
		return NULL;
	}
	err = cyaml_load_data((const uint8_t *)yaml->text, yaml->size, &cyaml, &tw_config_schema,
		(cyaml_data_t **)&loaded->raw, NULL);
	if (err != CYAML_OK)
		tw_diag_add(
			diag, -EINVAL, "%s: cannot be loaded: %s", yaml->path, cyaml_strerror(err));
	else if (build(loaded, yaml) != 0)
		tw_diag_add(diag, -ENOMEM, "%s: no memory to load it", yaml->path);
	else
		return &loaded->config;
	tw_config_free(&loaded->config);
	return NULL;
}

struct tw_config *tw_config_load(const char *path, struct tw_diag *diag)
{
	struct tw_config *config = NULL;
	struct tw_yaml yaml;

	if (tw_yaml_read(path, &yaml, diag) != 0)
		return NULL;
	if (tw_config_check_file(&yaml, diag) == 0)
		config = load(&yaml, diag);
	tw_yaml_free(&yaml);
	return config;
}

void tw_config_free(struct tw_config *config)
{
	struct loaded *loaded = (struct loaded *)config;

	if (loaded == NULL)
		return;
	for (unsigned int i = 0; i < config->n_rules; i++)
		free((void *)(uintptr_t)loaded->rules[i].where);
	tw_config_free_routes(config);
	free(loaded->ports);
	free(loaded->on_event);
	free(loaded->rules);
	free(loaded->upstreams);
	free(loaded->prefixes);
	free(loaded->asns);
	free(loaded->targets);
	cyaml_free(&cyaml, &tw_config_schema, loaded->raw, 0);
	free(loaded->path);
	free(loaded);
}

int tw_config_place(struct tw_config *config, const struct tw_target *targets, unsigned int n,
	const uint16_t *upstreams)
{
	struct loaded *loaded = (struct loaded *)config;
	struct tw_target *placed = array(n, sizeof(*placed));

	if (placed == NULL)
		return -ENOMEM;
	memcpy(placed, targets, n * sizeof(*placed));
	free(loaded->targets);
	config->table.targets = loaded->targets = placed;
	config->table.n_targets = n;
	for (unsigned int i = 0; i < config->n_rules && upstreams != NULL; i++)
		loaded->rules[i].upstream = upstreams[loaded->rules[i].upstream];
	return 0;
}

/* A copy of the path that holds wherever the printed file is put; NULL for NULL. */
static char *absolute(const char *path)
{
	char *cwd, *joined = NULL;

	if (path == NULL || path[0] == '/')
		return path != NULL ? strdup(path) : NULL;
	cwd = getcwd(NULL, 0);
	if (cwd == NULL)
		return strdup(path);
	if (asprintf(&joined, "%s/%s", cwd, path) < 0)
		joined = NULL;
	free(cwd);
	return joined;
}

int tw_config_print(const struct tw_config *config, FILE *out)
{
	const struct tw_raw_config *raw = ((const struct loaded *)config)->raw;
	struct tw_raw_config printed = *raw;
	struct tw_raw_http http = {0};
	struct tw_raw_rib rib = {0};
	char *text = NULL;
	cyaml_err_t err;
	size_t size;
	int result = 0;

	if (raw->rib != NULL) {
		rib = *raw->rib;
		rib.files = calloc(rib.n_files + 1, sizeof(*rib.files));
		for (unsigned int i = 0; rib.files != NULL && i < rib.n_files; i++)
			rib.files[i] = absolute(raw->rib->files[i]);
		printed.rib = &rib;
	}
	printed.databases = (struct tw_raw_databases){
		.asn = absolute(raw->databases.asn),
		.country = absolute(raw->databases.country),
		.overrides = absolute(raw->databases.overrides),
	};
	if (raw->http != NULL) {
		http = *raw->http;
		http.certificate = absolute(raw->http->certificate);
		http.key = absolute(raw->http->key);
		http.password_file = absolute(raw->http->password_file);
		http.token_file = absolute(raw->http->token_file);
		printed.http = &http;
	}
	err = cyaml_save_data(&text, &size, &cyaml, &tw_config_schema, &printed, 0);
	if (err != CYAML_OK)
		result = err == CYAML_ERR_OOM ? -ENOMEM : -EINVAL;
	else if (fwrite(text, 1, size, out) != size)
		result = -EIO;
	free(text);
	for (unsigned int i = 0; rib.files != NULL && i < rib.n_files; i++)
		free(rib.files[i]);
	free(rib.files);
	free(http.certificate);
	free(http.key);
	free(http.password_file);
	free(http.token_file);
	free(printed.databases.asn);
	free(printed.databases.country);
	free(printed.databases.overrides);
	return result;
}
