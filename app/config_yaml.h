/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_CONFIG_YAML_H
#define TW_CONFIG_YAML_H

/*
 * A YAML file as a tree that knows its lines: libyaml's document, made only of what a configuration needs.
 *
 * Refused with one line each: what cannot be read or is larger than TW_YAML_BYTES_MAX, NUL bytes, syntax
 * errors (with line and column), an empty file, a second document, anchors and aliases (which let ten lines
 * stand for a billion), tags, and nesting deeper than TW_YAML_DEPTH_MAX. What is left can be walked by plain
 * recursion, in time and memory proportional to the file.
 *
 * Ownership: nodes and texts belong to the tw_yaml and live until tw_yaml_free().
 */

#include <stddef.h>

#include <yaml.h>

#include "tw_diag.h"

#define TW_YAML_BYTES_MAX (1u << 20)
#define TW_YAML_DEPTH_MAX 16

struct tw_yaml {
	const char *path; /* as given; the caller's */
	char *text;       /* the file's content */
	size_t size;
	yaml_document_t document;
};

/* Reads a file. Returns 0, or -errno with one line in *diag; only after 0 is there anything to free. */
int tw_yaml_read(const char *path, struct tw_yaml *yaml, struct tw_diag *diag);
void tw_yaml_free(struct tw_yaml *yaml);

/* The node of an item of a sequence or pair. A tw_yaml that was read always has a root. */
yaml_node_t *tw_yaml_node(struct tw_yaml *yaml, int id);
yaml_node_t *tw_yaml_root(struct tw_yaml *yaml);

/* The value of `key` in a mapping; NULL where it has none, or `node` is no mapping (NULL included). */
yaml_node_t *tw_yaml_field(struct tw_yaml *yaml, const yaml_node_t *node, const char *key);

/* The item of a sequence, which must have it. */
yaml_node_t *tw_yaml_item(struct tw_yaml *yaml, const yaml_node_t *sequence, unsigned int index);
unsigned int tw_yaml_length(const yaml_node_t *sequence);

/* The text of a scalar, else NULL. */
const char *tw_yaml_text(const yaml_node_t *node);

/* The line that the node starts in, from 1. */
unsigned int tw_yaml_line(const yaml_node_t *node);

#endif
