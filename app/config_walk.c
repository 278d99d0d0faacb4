/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * One walk over the YAML tree with the schema beside it. cyaml alone stops at the first problem and knows no
 * ranges; this walk goes on, and tells for each value its line and path. It keeps two paths:
 *
 *   shown     upstreams[0].links[1].vlan   for messages
 *   pattern   upstreams[].links[].vlan     finds the rule
 *
 * Values that may stand only once are kept in a search tree by pattern and value, so that a file of any
 * content takes n log n. Lists are walked no further than their maximum, and the walk ends with the problem
 * after TW_CONFIG_PROBLEMS_MAX.
 */

#include <errno.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_schema.h"
#include "tw_text.h"

#define PATH_SIZE  192
#define SHOWN_SIZE 64 /* of a value or key in a message */

struct walk {
	struct tw_yaml *yaml;
	struct tw_diag *diag;
	unsigned int n_problems;
	char shown[PATH_SIZE];
	char pattern[PATH_SIZE];
	void *seen; /* tsearch() tree of struct seen */
};

struct seen {
	char *value; /* "pattern=value" */
	char *path;  /* where it stood first */
	unsigned int line;
};

static void walk_node(
	struct walk *walk, const yaml_node_t *node, const cyaml_schema_value_t *schema);

static bool is_full(const struct walk *walk)
{
	return walk->n_problems > TW_CONFIG_PROBLEMS_MAX;
}

static void __attribute__((format(printf, 3, 4)))
problem(struct walk *walk, const yaml_node_t *node, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	if (is_full(walk))
		return;
	if (++walk->n_problems > TW_CONFIG_PROBLEMS_MAX) {
		tw_diag_add(walk->diag, -EINVAL, "%s: more than %d problems: mend these first",
			walk->yaml->path, TW_CONFIG_PROBLEMS_MAX);
		return;
	}
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	tw_diag_add(walk->diag, -EINVAL, "%s:%u: %s%s%s", walk->yaml->path, tw_yaml_line(node),
		walk->shown, walk->shown[0] != '\0' ? ": " : "", text);
}

/* Room for the two paths' lengths, to go back to. */
struct mark {
	size_t shown;
	size_t pattern;
};

static void append(char *path, const char *text)
{
	size_t length = strlen(path);

	snprintf(path + length, PATH_SIZE - length, "%s", text);
}

static struct mark enter_key(struct walk *walk, const char *key)
{
	struct mark mark = {strlen(walk->shown), strlen(walk->pattern)};

	if (mark.shown > 0) {
		append(walk->shown, ".");
		append(walk->pattern, ".");
	}
	append(walk->shown, key);
	append(walk->pattern, key);
	return mark;
}

static struct mark enter_item(struct walk *walk, unsigned int index)
{
	struct mark mark = {strlen(walk->shown), strlen(walk->pattern)};
	char text[16];

	snprintf(text, sizeof(text), "[%u]", index);
	append(walk->shown, text);
	append(walk->pattern, "[]");
	return mark;
}

static void leave(struct walk *walk, struct mark mark)
{
	walk->shown[mark.shown] = '\0';
	walk->pattern[mark.pattern] = '\0';
}

/* A value as a message shows it: on one line, and not at any length. */
static const char *show_text(const char *text, char shown[static SHOWN_SIZE])
{
	size_t length = strlen(text), room = SHOWN_SIZE - sizeof("...");
	const char *more = "";
	char *clean;

	if (length > SHOWN_SIZE - 1) {
		length = room;
		while (length > 0 && (text[length] & 0xc0) == 0x80)
			length--;
		more = "...";
	}
	clean = tw_text_clean(text, length);
	snprintf(shown, SHOWN_SIZE, "%s%s", clean != NULL ? clean : "?", more);
	free(clean);
	return shown;
}

static const char *show_node(const yaml_node_t *node, char shown[static SHOWN_SIZE])
{
	if (node->type == YAML_MAPPING_NODE)
		return "a mapping";
	if (node->type == YAML_SEQUENCE_NODE)
		return "a list";
	return tw_yaml_text(node)[0] == '\0' ? "empty" : show_text(tw_yaml_text(node), shown);
}

/* "a, b or c": the names of a mapping's fields, or of an enumeration's values. */
static void list_names(const cyaml_schema_value_t *schema, char *text, size_t size)
{
	bool mapping = schema->type == CYAML_MAPPING;
	const char *next = NULL;
	size_t length = 0;

	for (unsigned int i = 0; i == 0 || next != NULL; i++) {
		const char *name;

		if (mapping) {
			name = schema->mapping.fields[i].key;
			next = schema->mapping.fields[i + 1].key;
		} else {
			name = schema->enumeration.strings[i].str;
			next = i + 1 < schema->enumeration.count
				       ? schema->enumeration.strings[i + 1].str
				       : NULL;
		}
		if (length < size)
			length += (size_t)snprintf(text + length, size - length, "%s%s",
				i == 0         ? ""
				: next != NULL ? ", "
					       : " or ",
				name);
	}
}

/* What would be right, behind the word "write". */
static void describe(const struct tw_config_rule *rule, const cyaml_schema_value_t *schema,
	char *text, size_t size)
{
	char names[192];

	if (rule != NULL && rule->wants != NULL) {
		snprintf(text, size, "%s", rule->wants);
	} else if (schema->type == CYAML_MAPPING) {
		list_names(schema, names, sizeof(names));
		snprintf(text, size, "a mapping with %s", names);
	} else if (schema->type == CYAML_ENUM) {
		list_names(schema, text, size);
	} else if (schema->type == CYAML_SEQUENCE || schema->type == CYAML_FLAGS) {
		snprintf(text, size, "a list");
	} else if (rule != NULL && rule->check == tw_check_number) {
		snprintf(text, size, "a number from %u to %u", rule->min, rule->max);
	} else {
		snprintf(text, size, "one value");
	}
}

/* The number of letters to change, insert or leave out, or UINT_MAX for texts too long to be near. */
static unsigned int edit_distance(const char *a, const char *b)
{
	unsigned int row[SHOWN_SIZE];
	size_t length = strlen(b);

	if (length >= SHOWN_SIZE || strlen(a) >= SHOWN_SIZE)
		return UINT32_MAX;
	for (unsigned int j = 0; j <= length; j++)
		row[j] = j;
	for (unsigned int i = 1; a[i - 1] != '\0'; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= length; j++) {
			unsigned int best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (diagonal + 1 < best)
				best = diagonal + 1;
			row[j] = best;
		}
	}
	return row[length];
}

static void unknown_key(
	struct walk *walk, const yaml_node_t *key, const cyaml_schema_value_t *schema)
{
	const char *text = tw_yaml_text(key), *nearest = NULL;
	unsigned int least = UINT32_MAX;
	char shown[SHOWN_SIZE], names[256];
	struct mark mark;

	for (const cyaml_schema_field_t *field = schema->mapping.fields; field->key != NULL;
		field++) {
		unsigned int distance = edit_distance(text, field->key);

		if (distance < least) {
			least = distance;
			nearest = field->key;
		}
	}
	mark = enter_key(walk, show_text(text, shown));
	list_names(schema, names, sizeof(names));
	if (nearest != NULL && least <= 1 + strlen(nearest) / 3)
		problem(walk, key, "unknown key: did you mean %s?", nearest);
	else
		problem(walk, key, "unknown key: use %s", names);
	leave(walk, mark);
}

static int compare_seen(const void *a, const void *b)
{
	return strcmp(((const struct seen *)a)->value, ((const struct seen *)b)->value);
}

static void free_seen(void *node)
{
	struct seen *seen = node;

	free(seen->value);
	free(seen->path);
	free(seen);
}

/* Without memory the value goes unseen here; the loading that follows then fails for the same lack. */
static void check_unique(struct walk *walk, const yaml_node_t *node, const char *value)
{
	struct seen *seen = calloc(1, sizeof(*seen)), **found;
	char shown[SHOWN_SIZE];

	if (seen == NULL)
		return;
	seen->line = tw_yaml_line(node);
	seen->path = strdup(walk->shown);
	if (asprintf(&seen->value, "%s=%s", walk->pattern, value) < 0)
		seen->value = NULL;
	if (seen->path == NULL || seen->value == NULL) {
		free_seen(seen);
		return;
	}
	found = tsearch(seen, &walk->seen, compare_seen);
	if (found == NULL || *found != seen)
		free_seen(seen);
	if (found != NULL && *found != seen)
		problem(walk, node, "%s: the same as %s in line %u: remove one",
			show_text(value, shown), (*found)->path, (*found)->line);
}

/* Applies the rule of the current path to a value of the right type. */
static void check_rule(
	struct walk *walk, const yaml_node_t *node, const cyaml_schema_value_t *schema)
{
	const struct tw_config_rule *rule = tw_config_rule(walk->pattern);
	char note[TW_CONFIG_NOTE] = "", wants[TW_CONFIG_NOTE], shown[SHOWN_SIZE];

	if (rule == NULL)
		return;
	if (rule->check == NULL) {
		if (node->type == YAML_SCALAR_NODE)
			snprintf(note, sizeof(note), "%s", tw_yaml_text(node));
	} else if (rule->check(rule, walk->yaml, node, note) != 0) {
		describe(rule, schema, wants, sizeof(wants));
		if (node->type != YAML_SCALAR_NODE)
			problem(walk, node, "%s", note);
		else
			problem(walk, node, "%s: %s%s", show_node(node, shown),
				note[0] != '\0' ? note : "write ", note[0] != '\0' ? "" : wants);
		return;
	}
	if (rule->unique && note[0] != '\0')
		check_unique(walk, node, note);
}

/* The schema's row of a key; NULL where there is none. */
static const cyaml_schema_field_t *find_field(
	const cyaml_schema_value_t *schema, const yaml_node_t *key)
{
	const char *text = tw_yaml_text(key);

	for (const cyaml_schema_field_t *field = schema->mapping.fields;
		text != NULL && field->key != NULL; field++)
		if (strcmp(field->key, text) == 0)
			return field;
	return NULL;
}

static void check_missing(
	struct walk *walk, const yaml_node_t *node, const cyaml_schema_value_t *schema)
{
	for (const cyaml_schema_field_t *field = schema->mapping.fields; field->key != NULL;
		field++) {
		char wants[TW_CONFIG_NOTE];
		struct mark mark;

		if ((field->value.flags & CYAML_FLAG_OPTIONAL) ||
			tw_yaml_field(walk->yaml, node, field->key) != NULL)
			continue;
		mark = enter_key(walk, field->key);
		describe(tw_config_rule(walk->pattern), &field->value, wants, sizeof(wants));
		problem(walk, node, "missing: write %s", wants);
		leave(walk, mark);
	}
}

/* One key with its value. `first` holds the line of each field's first appearance, 0 for none. */
static void walk_pair(struct walk *walk, const yaml_node_pair_t *pair,
	const cyaml_schema_value_t *schema, unsigned int first[static TW_CONFIG_FIELDS_MAX])
{
	const yaml_node_t *key = tw_yaml_node(walk->yaml, pair->key);
	const cyaml_schema_field_t *field = find_field(schema, key);
	struct mark mark;
	size_t index;

	if (tw_yaml_text(key) == NULL) {
		problem(walk, key, "%s as a key: write KEY: VALUE",
			show_node(key, (char[SHOWN_SIZE]){0}));
		return;
	}
	if (field == NULL) {
		unknown_key(walk, key, schema);
		return;
	}
	mark = enter_key(walk, field->key);
	index = (size_t)(field - schema->mapping.fields);
	if (first[index] != 0) {
		problem(walk, key, "written twice, first in line %u: remove one", first[index]);
	} else {
		first[index] = tw_yaml_line(key);
		walk_node(walk, tw_yaml_node(walk->yaml, pair->value), &field->value);
	}
	leave(walk, mark);
}

static void walk_mapping(
	struct walk *walk, const yaml_node_t *node, const cyaml_schema_value_t *schema)
{
	const yaml_node_pair_t *start = node->data.mapping.pairs.start,
			       *end = node->data.mapping.pairs.top;
	unsigned int first[TW_CONFIG_FIELDS_MAX] = {0};
	bool all_known = true;

	check_missing(walk, node, schema);
	for (const yaml_node_pair_t *pair = start; pair < end; pair++)
		all_known &= find_field(schema, tw_yaml_node(walk->yaml, pair->key)) != NULL;
	/* What a mapping lacks may be what is misspelt in it. */
	if (all_known)
		check_rule(walk, node, schema);
	for (const yaml_node_pair_t *pair = start; pair < end && !is_full(walk); pair++)
		walk_pair(walk, pair, schema, first);
}

/* A list of `entry`; cyaml's flags are a list of their names. */
static void walk_sequence(
	struct walk *walk, const yaml_node_t *node, const cyaml_schema_value_t *schema)
{
	bool flags = schema->type == CYAML_FLAGS;
	const cyaml_schema_value_t flag = {.type = CYAML_ENUM, .enumeration = schema->enumeration};
	uint32_t min = flags ? 0 : schema->sequence.min;
	uint32_t max = flags ? schema->enumeration.count : schema->sequence.max;
	unsigned int length = tw_yaml_length(node);

	if (length < min)
		problem(walk, node, "an empty list: write at least %u", min);
	else
		check_rule(walk, node, schema);
	for (unsigned int i = 0; i < length && !is_full(walk); i++) {
		const yaml_node_t *item = tw_yaml_item(walk->yaml, node, i);
		struct mark mark = enter_item(walk, i);

		if (i < max)
			walk_node(walk, item, flags ? &flag : schema->sequence.entry);
		else
			problem(walk, item, "one too many of %u: at most %u", length, max);
		leave(walk, mark);
		if (i >= max)
			return;
	}
}

static void walk_enum(
	struct walk *walk, const yaml_node_t *node, const cyaml_schema_value_t *schema)
{
	char names[TW_CONFIG_NOTE], shown[SHOWN_SIZE];

	for (unsigned int i = 0; i < schema->enumeration.count; i++) {
		if (strcmp(schema->enumeration.strings[i].str, tw_yaml_text(node)) == 0) {
			check_rule(walk, node, schema);
			return;
		}
	}
	list_names(schema, names, sizeof(names));
	problem(walk, node, "%s: write %s", show_node(node, shown), names);
}

static void walk_node(
	struct walk *walk, const yaml_node_t *node, const cyaml_schema_value_t *schema)
{
	bool list = schema->type == CYAML_SEQUENCE || schema->type == CYAML_FLAGS;
	yaml_node_type_t type = schema->type == CYAML_MAPPING ? YAML_MAPPING_NODE
				: list                        ? YAML_SEQUENCE_NODE
							      : YAML_SCALAR_NODE;
	char wants[TW_CONFIG_NOTE], shown[SHOWN_SIZE];

	if (node->type != type) {
		describe(tw_config_rule(walk->pattern), schema, wants, sizeof(wants));
		problem(walk, node, "%s: write %s", show_node(node, shown), wants);
	} else if (schema->type == CYAML_MAPPING) {
		walk_mapping(walk, node, schema);
	} else if (list) {
		walk_sequence(walk, node, schema);
	} else if (schema->type == CYAML_ENUM) {
		walk_enum(walk, node, schema);
	} else {
		check_rule(walk, node, schema);
	}
}

int tw_config_check_file(struct tw_yaml *yaml, struct tw_diag *diag)
{
	struct walk walk = {.yaml = yaml, .diag = diag};

	walk_node(&walk, tw_yaml_root(yaml), &tw_config_schema);
	tdestroy(walk.seen, free_seen);
	return walk.n_problems > 0 ? -EINVAL : 0;
}
