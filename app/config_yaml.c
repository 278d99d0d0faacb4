/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The file is parsed twice. The first pass reads events and builds nothing: it stops at the first alias or at
 * the first bracket too many, before libyaml has spent anything on them. The second makes the document, and
 * finds nothing wrong any more but a lack of memory.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_yaml.h"

/* Reads up to `limit` bytes into *text, which the caller frees in any case. Returns how many, or -errno. */
static ssize_t read_up_to(int fd, size_t limit, char **text)
{
	size_t size = 0, room = 0;

	while (size < limit) {
		ssize_t got;

		if (size == room) {
			char *grown = realloc(*text, room = room > 0 ? 2 * room : 4096);

			if (grown == NULL)
				return -ENOMEM;
			*text = grown;
		}
		got = read(fd, *text + size, room - size);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			break;
		size += got > 0 ? (size_t)got : 0;
	}
	return (ssize_t)size;
}

/* The text's size is told by reading, never by the file's metadata: the path may be a pipe. */
static int read_text(struct tw_yaml *yaml, struct tw_diag *diag)
{
	const char *nul;
	unsigned int line = 1;
	int fd = open(yaml->path, O_RDONLY | O_CLOEXEC);
	ssize_t size;

	size = fd < 0 ? -errno : read_up_to(fd, TW_YAML_BYTES_MAX + 1, &yaml->text);
	if (fd >= 0)
		close(fd);
	if (size < 0)
		return tw_diag_add(diag, (int)size,
			"%s: cannot be read: %s: give the path of a configuration file", yaml->path,
			strerror((int)-size));
	if (size > TW_YAML_BYTES_MAX)
		return tw_diag_add(diag, -EFBIG,
			"%s: larger than %u bytes: give the path of a configuration file",
			yaml->path, TW_YAML_BYTES_MAX);
	nul = memchr(yaml->text, '\0', (size_t)size);
	if (nul != NULL) {
		for (const char *at = yaml->text; at < nul; at++)
			line += *at == '\n';
		return tw_diag_add(diag, -EINVAL,
			"%s:%u: a NUL byte: not a text file: give the path of a configuration file",
			yaml->path, line);
	}
	yaml->size = (size_t)size;
	return 0;
}

static int start_parser(struct tw_yaml *yaml, yaml_parser_t *parser)
{
	if (!yaml_parser_initialize(parser))
		return -ENOMEM;
	yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(parser, (const unsigned char *)yaml->text, yaml->size);
	return 0;
}

/* The position of a byte: libyaml's reader names a byte it cannot take by its offset alone. */
static void locate(const struct tw_yaml *yaml, size_t offset, size_t *line, size_t *column)
{
	*line = *column = 1;
	for (size_t i = 0; i < offset && i < yaml->size; i++) {
		*column = yaml->text[i] == '\n' ? 1 : *column + 1;
		*line += yaml->text[i] == '\n';
	}
}

/* True where the line has a tab in its indentation: by far the most frequent cause of "cannot start any token". */
static bool indented_by_tab(const struct tw_yaml *yaml, size_t line)
{
	const char *at = yaml->text, *end = yaml->text + yaml->size;

	while (--line > 0 && at != NULL && at < end) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at != NULL ? at + 1 : NULL;
	}
	while (at != NULL && at < end && *at == ' ')
		at++;
	return at != NULL && at < end && *at == '\t';
}

static int syntax_error(
	const struct tw_yaml *yaml, const yaml_parser_t *parser, struct tw_diag *diag)
{
	size_t line = parser->problem_mark.line + 1, column = parser->problem_mark.column + 1;
	const char *problem = parser->problem != NULL ? parser->problem : "unreadable";

	if (parser->error == YAML_MEMORY_ERROR)
		return tw_diag_add(diag, -ENOMEM, "%s: no memory to parse it", yaml->path);
	if (parser->error == YAML_READER_ERROR) {
		locate(yaml, parser->problem_offset, &line, &column);
		return tw_diag_add(diag, -EINVAL, "%s:%zu:%zu: not YAML: %s: write UTF-8 text",
			yaml->path, line, column, problem);
	}
	if (indented_by_tab(yaml, line))
		return tw_diag_add(diag, -EINVAL,
			"%s:%zu:%zu: not YAML: %s: indent by spaces, not by tabs", yaml->path, line,
			column, problem);
	if (parser->context == NULL)
		return tw_diag_add(diag, -EINVAL,
			"%s:%zu:%zu: not YAML: %s: mend it there or just before", yaml->path, line,
			column, problem);
	return tw_diag_add(diag, -EINVAL,
		"%s:%zu:%zu: not YAML: %s: mend it there or just before (%s that begins in line "
		"%zu)",
		yaml->path, line, column, problem, parser->context, parser->context_mark.line + 1);
}

/* What an event carries beside its value: a name to refer to it by, or a type of its own. */
static void event_marks(
	const yaml_event_t *event, const yaml_char_t **anchor, const yaml_char_t **tag)
{
	*anchor = *tag = NULL;
	if (event->type == YAML_SCALAR_EVENT) {
		*anchor = event->data.scalar.anchor;
		*tag = event->data.scalar.tag;
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		*anchor = event->data.sequence_start.anchor;
		*tag = event->data.sequence_start.tag;
	} else if (event->type == YAML_MAPPING_START_EVENT) {
		*anchor = event->data.mapping_start.anchor;
		*tag = event->data.mapping_start.tag;
	} else if (event->type == YAML_ALIAS_EVENT) {
		*anchor = event->data.alias.anchor;
	}
}

/* What the events seen so far add up to. */
struct scan {
	unsigned int depth;
	unsigned int n_documents;
};

/* Returns NULL, or what is wrong with an event and its remedy. */
static const char *event_problem(const yaml_event_t *event, struct scan *scan)
{
	const yaml_char_t *anchor, *tag;

	event_marks(event, &anchor, &tag);
	if (anchor != NULL)
		return "anchors and aliases are not supported: write the value out";
	if (tag != NULL)
		return "tags are not supported: remove it";
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		/* An escape can smuggle in what the file's own bytes have not. */
		if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
			return "a NUL in a text: remove it";
		return NULL;
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		return ++scan->depth > TW_YAML_DEPTH_MAX
			       ? "nested too deeply: no key of a configuration is"
			       : NULL;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		scan->depth--;
		return NULL;
	case YAML_DOCUMENT_START_EVENT:
		return ++scan->n_documents > 1 ? "a second document: keep one" : NULL;
	default:
		return NULL;
	}
}

static int scan_events(const struct tw_yaml *yaml, yaml_parser_t *parser, struct tw_diag *diag)
{
	struct scan scan = {0};
	bool end = false;

	while (!end) {
		const char *problem;
		yaml_event_t event;
		size_t line;

		if (!yaml_parser_parse(parser, &event))
			return syntax_error(yaml, parser, diag);
		problem = event_problem(&event, &scan);
		line = event.start_mark.line + 1;
		end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
		if (problem != NULL)
			return tw_diag_add(diag, -EINVAL, "%s:%zu: %s", yaml->path, line, problem);
	}
	if (scan.n_documents == 0)
		return tw_diag_add(
			diag, -EINVAL, "%s: empty: write at least one target", yaml->path);
	return 0;
}

static int scan_text(struct tw_yaml *yaml, struct tw_diag *diag)
{
	yaml_parser_t parser;
	int err;

	if (start_parser(yaml, &parser) != 0)
		return tw_diag_add(diag, -ENOMEM, "%s: no memory to parse it", yaml->path);
	err = scan_events(yaml, &parser, diag);
	yaml_parser_delete(&parser);
	return err;
}

static int load_document(struct tw_yaml *yaml, struct tw_diag *diag)
{
	yaml_parser_t parser;
	int err;

	if (start_parser(yaml, &parser) != 0)
		return tw_diag_add(diag, -ENOMEM, "%s: no memory to parse it", yaml->path);
	err = yaml_parser_load(&parser, &yaml->document) ? 0 : syntax_error(yaml, &parser, diag);
	yaml_parser_delete(&parser);
	return err;
}

int tw_yaml_read(const char *path, struct tw_yaml *yaml, struct tw_diag *diag)
{
	int err;

	*yaml = (struct tw_yaml){.path = path};
	err = read_text(yaml, diag);
	if (err == 0)
		err = scan_text(yaml, diag);
	if (err == 0)
		err = load_document(yaml, diag);
	if (err != 0)
		free(yaml->text);
	return err;
}

void tw_yaml_free(struct tw_yaml *yaml)
{
	yaml_document_delete(&yaml->document);
	free(yaml->text);
}

yaml_node_t *tw_yaml_node(struct tw_yaml *yaml, int id)
{
	return yaml_document_get_node(&yaml->document, id);
}

yaml_node_t *tw_yaml_root(struct tw_yaml *yaml)
{
	return yaml_document_get_root_node(&yaml->document);
}

yaml_node_t *tw_yaml_field(struct tw_yaml *yaml, const yaml_node_t *node, const char *key)
{
	if (node == NULL || node->type != YAML_MAPPING_NODE)
		return NULL;
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
		pair < node->data.mapping.pairs.top; pair++) {
		const char *text = tw_yaml_text(tw_yaml_node(yaml, pair->key));

		if (text != NULL && strcmp(text, key) == 0)
			return tw_yaml_node(yaml, pair->value);
	}
	return NULL;
}

yaml_node_t *tw_yaml_item(struct tw_yaml *yaml, const yaml_node_t *sequence, unsigned int index)
{
	return tw_yaml_node(yaml, sequence->data.sequence.items.start[index]);
}

unsigned int tw_yaml_length(const yaml_node_t *sequence)
{
	return (unsigned int)(sequence->data.sequence.items.top -
			      sequence->data.sequence.items.start);
}

const char *tw_yaml_text(const yaml_node_t *node)
{
	if (node == NULL || node->type != YAML_SCALAR_NODE)
		return NULL;
	return (const char *)node->data.scalar.value;
}

unsigned int tw_yaml_line(const yaml_node_t *node)
{
	return (unsigned int)node->start_mark.line + 1;
}
