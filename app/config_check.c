/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The checks of single values, and of a mapping where its fields must go together. They read the YAML tree, not
 * the loaded values: a check then works in a file that has other problems, and all are reported in one go.
 */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_schema.h"
#include "tw_text.h"

/* Decimal only: cyaml would take 0200 for an octal number. Returns 0 or -EINVAL. */
static int parse_decimal(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	size_t length = strlen(text);

	if (length == 0 || length > 10 || strspn(text, "0123456789") != length ||
		(length > 1 && text[0] == '0'))
		return -EINVAL;
	*number = strtoull(text, NULL, 10);
	return *number >= min && *number <= max ? 0 : -EINVAL;
}

static int __attribute__((format(printf, 2, 3))) refuse(char *note, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(note, TW_CONFIG_NOTE, fmt, args);
	va_end(args);
	return -EINVAL;
}

int tw_config_parse_asn(const char *text, uint32_t *asn)
{
	uint64_t number;

	if (strncasecmp(text, "AS", 2) == 0)
		text += 2;
	if (parse_decimal(text, 1, UINT32_MAX, &number) != 0)
		return -EINVAL;
	*asn = (uint32_t)number;
	return 0;
}

int tw_config_parse_vantage(const char *text, struct tw_rib_vantage *vantage)
{
	*vantage = (struct tw_rib_vantage){0};
	if (tw_addr_parse(text, &vantage->addr) == 0)
		return 0;
	vantage->addr = (struct tw_addr){0};
	return tw_config_parse_asn(text, &vantage->asn);
}

int tw_check_vantage(const struct tw_config_rule *rule, struct tw_yaml *yaml,
	const yaml_node_t *node, char note[static TW_CONFIG_NOTE])
{
	struct tw_rib_vantage vantage;
	char text[TW_PREFIX_TEXT];

	if (tw_config_parse_vantage(tw_yaml_text(node), &vantage) != 0)
		return -EINVAL;
	if (vantage.asn != 0)
		snprintf(note, TW_CONFIG_NOTE, "%u", vantage.asn);
	else
		snprintf(note, TW_CONFIG_NOTE, "%s", tw_addr_format(&vantage.addr, text));
	return 0;
}

int tw_check_number(const struct tw_config_rule *rule, struct tw_yaml *yaml,
	const yaml_node_t *node, char note[static TW_CONFIG_NOTE])
{
	uint64_t number;

	if (parse_decimal(tw_yaml_text(node), rule->min, rule->max, &number) != 0)
		return refuse(note, "write a number from %u to %u", rule->min, rule->max);
	snprintf(note, TW_CONFIG_NOTE, "%" PRIu64, number);
	return 0;
}

int tw_check_asn(const struct tw_config_rule *rule, struct tw_yaml *yaml, const yaml_node_t *node,
	char note[static TW_CONFIG_NOTE])
{
	uint32_t asn;

	if (tw_config_parse_asn(tw_yaml_text(node), &asn) != 0)
		return -EINVAL;
	snprintf(note, TW_CONFIG_NOTE, "%u", asn);
	return 0;
}

int tw_check_country(const struct tw_config_rule *rule, struct tw_yaml *yaml,
	const yaml_node_t *node, char note[static TW_CONFIG_NOTE])
{
	const char *text = tw_yaml_text(node);
	char code[3];

	if (strlen(text) != 2)
		return -EINVAL;
	for (unsigned int i = 0; i < sizeof(code); i++)
		code[i] = (char)toupper((unsigned char)text[i]);
	if (strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
		return -EINVAL;
	if (strcmp(text, code) != 0)
		return refuse(note, "write capital letters: %s", code);
	if (tw_yaml_field(yaml, tw_yaml_field(yaml, tw_yaml_root(yaml), "databases"), "country") ==
		NULL)
		return refuse(note, "needs a country database: write databases.country");
	return 0;
}

int tw_check_prefix(const struct tw_config_rule *rule, struct tw_yaml *yaml,
	const yaml_node_t *node, char note[static TW_CONFIG_NOTE])
{
	struct tw_prefix prefix;
	char text[TW_PREFIX_TEXT];
	int err = tw_prefix_parse(tw_yaml_text(node), &prefix);

	if (err == -EDOM)
		return refuse(note, "bits set behind the prefix length: write %s",
			tw_prefix_format(&prefix, text));
	if (err != 0)
		return -EINVAL;
	snprintf(note, TW_CONFIG_NOTE, "%s", tw_prefix_format(&prefix, text));
	return 0;
}

int tw_check_mac(const struct tw_config_rule *rule, struct tw_yaml *yaml, const yaml_node_t *node,
	char note[static TW_CONFIG_NOTE])
{
	char text[18];
	uint64_t mac;

	if (tw_mac_parse(tw_yaml_text(node), &mac) != 0)
		return -EINVAL;
	if (mac & (uint64_t)1 << 40)
		return refuse(note, "a group address is no neighbour's: write the neighbour's own");
	snprintf(note, TW_CONFIG_NOTE, "%s", tw_mac_format(mac, text));
	return 0;
}

/* True for text that stays on one line wherever it is printed: names become labels and table cells. */
static bool is_printable(const char *text)
{
	char *clean = tw_text_clean(text, strlen(text));
	bool same = clean != NULL && strcmp(clean, text) == 0;

	free(clean);
	for (const unsigned char *at = (const unsigned char *)text; same && *at != '\0'; at++) {
		if (at[0] == 0xc2 && at[1] < 0xa0) /* U+0080 to U+009F, next line among them */
			return false;
		if (at[0] == 0xe2 && at[1] == 0x80 &&
			(at[2] == 0xa8 || at[2] == 0xa9)) /* separators */
			return false;
	}
	return same;
}

int tw_check_name(const struct tw_config_rule *rule, struct tw_yaml *yaml, const yaml_node_t *node,
	char note[static TW_CONFIG_NOTE])
{
	const char *text = tw_yaml_text(node);

	if (text[0] == '\0' || strlen(text) > rule->max || !is_printable(text))
		return refuse(
			note, "write 1 to %u bytes of text without control characters", rule->max);
	snprintf(note, TW_CONFIG_NOTE, "%s", text);
	return 0;
}

int tw_check_path(const struct tw_config_rule *rule, struct tw_yaml *yaml, const yaml_node_t *node,
	char note[static TW_CONFIG_NOTE])
{
	const char *text = tw_yaml_text(node);

	if (text[0] == '\0' || !is_printable(text))
		return -EINVAL;
	snprintf(note, TW_CONFIG_NOTE, "%s", text);
	return 0;
}

static bool has_items(struct tw_yaml *yaml, const yaml_node_t *node, const char *key)
{
	const yaml_node_t *list = tw_yaml_field(yaml, node, key);

	/* What is no list is reported where it stands. */
	return list != NULL && (list->type != YAML_SEQUENCE_NODE || tw_yaml_length(list) > 0);
}

int tw_check_target(const struct tw_config_rule *rule, struct tw_yaml *yaml,
	const yaml_node_t *node, char note[static TW_CONFIG_NOTE])
{
	if (tw_yaml_field(yaml, node, "country") == NULL && !has_items(yaml, node, "asns") &&
		!has_items(yaml, node, "prefixes"))
		return refuse(
			note, "watches nothing: write at least one of asns, country, prefixes");
	return 0;
}

int tw_check_target_asns(const struct tw_config_rule *rule, struct tw_yaml *yaml,
	const yaml_node_t *node, char note[static TW_CONFIG_NOTE])
{
	const yaml_node_t *databases = tw_yaml_field(yaml, tw_yaml_root(yaml), "databases");

	if (tw_yaml_length(node) > 0 && tw_yaml_field(yaml, databases, "asn") == NULL &&
		tw_yaml_field(yaml, databases, "overrides") == NULL)
		return refuse(
			note, "needs an ASN database: write databases.asn or databases.overrides");
	return 0;
}

/* A router's share of rib.max_routes, which is told by itself where it is no number. */
int tw_check_share(const struct tw_config_rule *rule, struct tw_yaml *yaml, const yaml_node_t *node,
	char note[static TW_CONFIG_NOTE])
{
	const yaml_node_t *rib = tw_yaml_field(yaml, tw_yaml_root(yaml), "rib");
	const char *text = tw_yaml_text(tw_yaml_field(yaml, rib, "max_routes"));
	uint64_t all = TW_MAX_ROUTES_DEFAULT, number;

	if (text != NULL && parse_decimal(text, rule->min, rule->max, &all) != 0)
		all = rule->max;
	if (parse_decimal(tw_yaml_text(node), rule->min, rule->max, &number) != 0)
		return refuse(note, "write a number from %u to %" PRIu64, rule->min, all);
	if (number > all)
		return refuse(note,
			"more than all routes, of which rib.max_routes is %" PRIu64
			": write a number from %u to that, or raise it",
			all, rule->min);
	snprintf(note, TW_CONFIG_NOTE, "%" PRIu64, number);
	return 0;
}

/* Halves of a pair are told where they stand. */
int tw_check_http(const struct tw_config_rule *rule, struct tw_yaml *yaml, const yaml_node_t *node,
	char note[static TW_CONFIG_NOTE])
{
	static const char *const pairs[][2] = {{"certificate", "key"}, {"user", "password_file"}};

	for (unsigned int i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		bool first = tw_yaml_field(yaml, node, pairs[i][0]) != NULL;
		bool second = tw_yaml_field(yaml, node, pairs[i][1]) != NULL;

		if (first != second)
			return refuse(note, "%s needs %s beside it: write both or neither",
				pairs[i][!first], pairs[i][first]);
	}
	return 0;
}

/* The link in its one form; none where a field is bad, which is reported at the field. */
int tw_check_link(const struct tw_config_rule *rule, struct tw_yaml *yaml, const yaml_node_t *node,
	char note[static TW_CONFIG_NOTE])
{
	static const char *const fields[] = {"mac", "vlan", "inner_vlan", "port"};
	size_t length = 0;

	for (unsigned int i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const yaml_node_t *field = tw_yaml_field(yaml, node, fields[i]);
		const char *text = tw_yaml_text(field);
		char mac[18];
		uint64_t number;

		if (field == NULL)
			continue;
		if (text == NULL || (i == 0 ? tw_mac_parse(text, &number)
					    : parse_decimal(text, 0, UINT16_MAX, &number)) != 0) {
			note[0] = '\0';
			return 0;
		}
		if (i == 0)
			text = tw_mac_format(number, mac);
		length += (size_t)snprintf(note + length, TW_CONFIG_NOTE - length, "%s%s: %s",
			length == 0 ? "{" : ", ", fields[i], text);
	}
	if (length == 0)
		return refuse(
			note, "names no field: write at least one of mac, vlan, inner_vlan, port");
	snprintf(note + length, TW_CONFIG_NOTE - length, "}");
	return 0;
}
