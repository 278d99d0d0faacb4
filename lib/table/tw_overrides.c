/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A line at a time, cut into fields in place. A line that is wrong is told and left out, so that
 * one reading finds every problem; duplicates are found by sorting at the end.
 */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tw_overrides.h"

#define FIELDS_MAX 3

/* Takes the spaces off both ends, in place. */
static char *trim(char *text)
{
	size_t length;

	while (isspace((unsigned char)*text))
		text++;
	length = strlen(text);
	while (length > 0 && isspace((unsigned char)text[length - 1]))
		text[--length] = '\0';
	return text;
}

/*
 * Cuts a quoted field off *rest, undoing the doubled quotes. Returns NULL where the quote never
 * ends.
 */
static char *cut_quoted(char **rest)
{
	char *field = *rest + 1;
	char *from = field, *to = field;

	for (; *from != '\0'; from++) {
		if (*from == '"' && from[1] != '"')
			break;
		if (*from == '"')
			from++;
		*to++ = *from;
	}
	if (*from == '\0')
		return NULL;
	from++;
	while (isspace((unsigned char)*from))
		from++;
	if (*from != ',' && *from != '\0')
		return NULL;
	*rest = *from == ',' ? from + 1 : NULL;
	*to = '\0';
	return field;
}

static char *cut_field(char **rest)
{
	char *field = *rest;
	char *comma;

	while (isspace((unsigned char)*field))
		field++;
	if (*field == '"') {
		*rest = field;
		return cut_quoted(rest);
	}
	comma = strchr(field, ',');
	if (comma != NULL)
		*comma = '\0';
	*rest = comma != NULL ? comma + 1 : NULL;
	return trim(field);
}

/* Reads "64512" or "AS64512", 1 to 2^32-1. */
static bool parse_asn(const char *text, uint32_t *asn)
{
	unsigned long long number;
	char *end;

	if (strncasecmp(text, "AS", 2) == 0)
		text += 2;
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	number = strtoull(text, &end, 10);
	*asn = (uint32_t)number;
	return *end == '\0' && errno == 0 && number >= 1 && number <= UINT32_MAX;
}

static int parse_prefix(
	struct tw_override *entry, const char *text, const char *path, struct tw_diag *diag)
{
	char right[TW_PREFIX_TEXT];
	int err = tw_prefix_parse(text, &entry->prefix);

	if (err == -EDOM)
		return tw_diag_add(diag, -EINVAL,
			"%s:%u: prefix: %s: has bits set behind its length: write %s", path,
			entry->line, text, tw_prefix_format(&entry->prefix, right));
	if (err != 0)
		return tw_diag_add(diag, -EINVAL,
			"%s:%u: prefix: \"%s\": write a prefix such as 192.0.2.0/24 or "
			"2001:db8::/32",
			path, entry->line, text);
	return 0;
}

/* Cuts a line into 1 to 3 fields; the others are NULL. */
static int cut_line(char *line, char *fields[FIELDS_MAX], const char *path, unsigned int number,
	struct tw_diag *diag)
{
	char *rest = line;
	unsigned int n = 0;

	memset(fields, 0, FIELDS_MAX * sizeof(*fields));
	for (; rest != NULL && n < FIELDS_MAX; n++) {
		fields[n] = cut_field(&rest);
		if (fields[n] == NULL)
			return tw_diag_add(diag, -EINVAL,
				"%s:%u: a quote that does not end its field: write \"...\", and "
				"\"\" for a quote inside",
				path, number);
	}
	if (rest != NULL)
		return tw_diag_add(diag, -EINVAL,
			"%s:%u: \"%s\": more than three fields: put a name that has a comma in "
			"quotes",
			path, number, rest);
	return 0;
}

/* Reads one line that is neither blank nor a comment. */
static int read_line(struct tw_overrides *overrides, char *fields[FIELDS_MAX], unsigned int number,
	const char *path, struct tw_names *names, struct tw_diag *diag)
{
	struct tw_override entry = {.line = number};
	const char *name = fields[2] != NULL ? fields[2] : "";
	int err = parse_prefix(&entry, fields[0], path, diag);

	if (fields[1] == NULL || !parse_asn(fields[1], &entry.asn))
		err = tw_diag_add(diag, -EINVAL,
			"%s:%u: asn: \"%s\": write 1 to 4294967295, or AS15169", path, number,
			fields[1] != NULL ? fields[1] : "");
	if (err != 0)
		return err;
	if (overrides->n == overrides->capacity) {
		uint32_t capacity = overrides->capacity ? overrides->capacity * 2 : 64;
		struct tw_override *entries =
			realloc(overrides->entries, capacity * sizeof(*overrides->entries));

		if (entries == NULL)
			return tw_diag_add(diag, -ENOMEM, "%s: out of memory", path);
		overrides->entries = entries;
		overrides->capacity = capacity;
	}
	if (tw_names_add(names, name, strlen(name), &entry.name) != 0)
		return tw_diag_add(diag, -ENOMEM, "%s: out of memory", path);
	overrides->entries[overrides->n++] = entry;
	return 0;
}

static int compare(const void *left, const void *right)
{
	const struct tw_override *a = left, *b = right;
	int order = memcmp(&a->prefix, &b->prefix, sizeof(a->prefix));

	return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

/*
 * A file in ascending order, as programs write them, has no duplicates where it never stands still.
 */
static bool is_ascending(const struct tw_overrides *overrides)
{
	for (uint32_t i = 1; i < overrides->n; i++) {
		if (memcmp(&overrides->entries[i - 1].prefix, &overrides->entries[i].prefix,
			    sizeof(struct tw_prefix)) >= 0)
			return false;
	}
	return true;
}

static int refuse_duplicates(
	const struct tw_overrides *overrides, const char *path, struct tw_diag *diag)
{
	struct tw_override *sorted;
	char text[TW_PREFIX_TEXT];
	int err = 0;

	if (is_ascending(overrides))
		return 0;
	sorted = malloc(overrides->n * sizeof(*sorted));

	if (sorted == NULL)
		return tw_diag_add(diag, -ENOMEM, "%s: out of memory", path);
	memcpy(sorted, overrides->entries, overrides->n * sizeof(*sorted));
	qsort(sorted, overrides->n, sizeof(*sorted), compare);
	for (uint32_t i = 1, first = 0; i < overrides->n; i++) {
		if (memcmp(&sorted[i].prefix, &sorted[first].prefix, sizeof(sorted[i].prefix)) != 0)
			first = i;
		else
			err = tw_diag_add(diag, -EINVAL,
				"%s:%u: prefix: %s: already on line %u: keep one of them", path,
				sorted[i].line, tw_prefix_format(&sorted[i].prefix, text),
				sorted[first].line);
	}
	free(sorted);
	return err;
}

static int read_lines(struct tw_overrides *overrides, FILE *file, const char *path,
	struct tw_names *names, struct tw_diag *diag)
{
	bool may_be_header = true;
	unsigned int number = 0;
	size_t capacity = 0;
	char *line = NULL;
	int err = 0;

	while (getline(&line, &capacity, file) >= 0) {
		/* Spreadsheets begin a file with U+FEFF. */
		char *text = trim(
			++number == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0 ? line + 3 : line);
		char *fields[FIELDS_MAX];
		int line_err;

		if (*text == '\0' || *text == '#')
			continue;
		line_err = cut_line(text, fields, path, number, diag);
		if (line_err == 0 && !(may_be_header && strcasecmp(fields[0], "prefix") == 0))
			line_err = read_line(overrides, fields, number, path, names, diag);
		may_be_header = false;
		if (line_err != 0)
			err = line_err;
	}
	if (ferror(file))
		err = tw_diag_add(
			diag, -EIO, "%s: cannot be read to its end: give a regular file", path);
	free(line);
	return err;
}

int tw_overrides_read(struct tw_overrides *overrides, const char *path, struct tw_names *names,
	struct tw_diag *diag)
{
	FILE *file = fopen(path, "re");
	int err, duplicates;

	*overrides = (struct tw_overrides){0};
	if (file == NULL) {
		err = -errno;
		return tw_diag_add(diag, err,
			"%s: %s: give a CSV file `prefix,asn,name` that can be read", path,
			strerror(-err));
	}
	err = read_lines(overrides, file, path, names, diag);
	fclose(file);
	duplicates = refuse_duplicates(overrides, path, diag);
	if (err == 0)
		err = duplicates;
	if (err != 0)
		tw_overrides_free(overrides);
	return err;
}

void tw_overrides_free(struct tw_overrides *overrides)
{
	free(overrides->entries);
	*overrides = (struct tw_overrides){0};
}
