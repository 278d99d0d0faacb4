/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_CONFIG_SCHEMA_H
#define TW_CONFIG_SCHEMA_H

/*
 * Every key of the configuration, once.
 *
 * The cyaml schema says which keys there are, of what type, and where their values go: struct tw_raw_config,
 * the file's values as written. The rules say beside it what a value must be, for what cyaml cannot express.
 * Adding a key is a row in the schema, a row in the rules, and a line in tw_raw_defaults() where it has a default.
 */

#include <stdbool.h>
#include <stdint.h>

#include <cyaml/cyaml.h>

#include "config.h"
#include "config_yaml.h"

struct tw_raw_target {
	char *name;
	char **asns; /* text: 20485 or AS20485 */
	unsigned int n_asns;
	char *country;
	char **prefixes;
	unsigned int n_prefixes;
};

struct tw_raw_link {
	char *mac;
	uint16_t *vlan; /* pointers tell absent from 0 */
	uint16_t *inner_vlan;
	uint16_t *port;
};

struct tw_raw_upstream {
	char *asn;
	char *name;
	struct tw_raw_link *links;
	unsigned int n_links;
};

struct tw_raw_port {
	char *device;
	uint32_t *queues; /* NULL: absent */
	uint32_t descriptors;
	uint32_t mtu;
	uint32_t *mbufs;
};

struct tw_raw_databases {
	char *asn;
	char *country;
	char *overrides;
};

struct tw_raw_rib {
	char **files;
	unsigned int n_files;
	char **vantage; /* text: AS64500 or an address */
	unsigned int n_vantage;
	uint32_t majority;
	uint32_t *upstreams;
	uint32_t max_age;
	uint32_t max_routes;
};

struct tw_raw_bmp {
	char *listen;
	char **allow;
	unsigned int n_allow;
	uint32_t hold;
	uint32_t sessions;
	uint32_t peers;
	uint32_t max_routes;
};

struct tw_raw_flows {
	uint32_t idle_timeout;
	uint32_t max_per_worker;
};

struct tw_raw_http {
	char *listen;
	uint32_t history;
	char *certificate;
	char *key;
	char *user;
	char *password_file;
	char *token_file;
};

struct tw_raw_events {
	uint32_t *learn_seconds;
	uint32_t *learn_packets;
	uint32_t *silence_seconds;
	uint32_t *silence_packets;
	uint32_t *evidence_packets;
	uint32_t *presence_share;
	uint32_t *margin;
	uint32_t *shift;
	uint32_t *trend;
	uint32_t *quiet_seconds;
};

struct tw_raw_config {
	struct tw_raw_target *targets;
	unsigned int n_targets;
	struct tw_raw_databases databases;
	struct tw_raw_upstream *upstreams;
	unsigned int n_upstreams;
	enum tw_method *attribution;
	unsigned int n_attribution;
	struct tw_raw_rib *rib; /* NULL: absent */
	struct tw_raw_bmp *bmp; /* NULL: absent */
	uint32_t decapsulate;
	struct tw_raw_flows flows;
	uint32_t workers;
	struct tw_raw_port *ports;
	unsigned int n_ports;
	enum tw_dispatch_mode dispatch;
	enum tw_poll_mode poll;
	struct tw_raw_events events;
	char **on_event;
	unsigned int n_on_event;
	struct tw_raw_http *http; /* NULL: absent */
};

extern const cyaml_schema_value_t tw_config_schema;

/* Fields of one mapping at most. */
#define TW_CONFIG_FIELDS_MAX 32

/* Room for a remedy or a value in its one form. */
#define TW_CONFIG_NOTE 256

struct tw_config_rule;

/*
 * Checks the value of a rule, of the type that the schema says unless it is inside a mapping or list. Returns
 * 0 with the value in its one form in `note`, so that equal values have equal notes ("" where it has none);
 * or -EINVAL with the problem and its remedy, or "" where the rule's `wants` says all.
 */
typedef int tw_config_check(const struct tw_config_rule *rule, struct tw_yaml *yaml,
	const yaml_node_t *node, char note[static TW_CONFIG_NOTE]);

struct tw_config_rule {
	const char *path;       /* pattern of the key's path, "targets[].asns[]" */
	tw_config_check *check; /* or NULL */
	const char *wants; /* what would be right, behind "write"; NULL: told by type and range */
	uint32_t min;      /* of a number */
	uint32_t max;      /* of a number, or of a text's length */
	bool unique;       /* no value may stand twice in the file */
};

/* The rule of a path pattern, or NULL. */
const struct tw_config_rule *tw_config_rule(const char *path);

tw_config_check tw_check_number, tw_check_asn, tw_check_country, tw_check_prefix, tw_check_mac,
	tw_check_name, tw_check_path, tw_check_target, tw_check_target_asns, tw_check_link,
	tw_check_http, tw_check_vantage, tw_check_share;

/* Reads "20485" or "AS20485", 1 to 2^32-1. Returns 0 or -EINVAL. */
int tw_config_parse_asn(const char *text, uint32_t *asn);

/* Reads a vantage point: an ASN as above, or an address. Returns 0 or -EINVAL. */
int tw_config_parse_vantage(const char *text, struct tw_rib_vantage *vantage);

/* The path seen from the configuration's folder, in place. Returns 0 or -ENOMEM. */
int tw_config_resolve(const char *config_path, char **path);

/*
 * What routes are read from, of checked values; paths of raw->rib become relative to the folder. Returns 0 or -ENOMEM.
 * tw_config_free_routes() releases it after either.
 */
int tw_config_build_routes(struct tw_config *config, struct tw_raw_config *raw);
void tw_config_free_routes(struct tw_config *config);
int tw_config_routes_defaults(struct tw_raw_config *raw);

/* Writes the defaults where the file gives no value. Returns 0 or -ENOMEM. */
int tw_raw_defaults(struct tw_raw_config *raw);

/*
 * Walks the file alongside schema and rules, and adds a line for each problem, up to TW_CONFIG_PROBLEMS_MAX.
 * Returns 0 or -EINVAL. What passes is loaded by cyaml without an error.
 */
#define TW_CONFIG_PROBLEMS_MAX 100
int tw_config_check_file(struct tw_yaml *yaml, struct tw_diag *diag);

#endif
