/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A million answers a second: what is the same from answer to answer (paths, types, names of targets) is
 * encoded once, and names of organisations are kept encoded in a small cache, found by their address in the table.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "explain.h"

enum {
	NAMES = 1 << 14, /* a power of two */
};

/* A piece of a line, ready to copy. */
struct text {
	char *text;
	size_t length;
};

struct tw_explain_json {
	const struct tw_setup *setup;
	struct tw_feed *feed;
	struct text asn_database;     /* encoded, open: {"type":"database",... */
	struct text country_database; /* likewise */
	struct text overrides;        /* likewise */
	struct text targets[TW_TARGET_MAX];
	struct {
		const char *name;
		struct text encoded;
	} names[NAMES];

	FILE *out;
	size_t n;
	char buffer[1 << 16];
};

static struct text text_of(char *text)
{
	return (struct text){.text = text, .length = text != NULL ? strlen(text) : 0};
}

static struct text encode(const char *text)
{
	json_t *string = json_string(text);
	char *encoded = json_dumps(string, JSON_ENCODE_ANY | JSON_COMPACT);

	json_decref(string);
	return text_of(encoded);
}

/* An object as text, without its closing brace: more will follow. */
static struct text encode_open(json_t *object)
{
	char *encoded = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	if (encoded != NULL)
		encoded[strlen(encoded) - 1] = '\0';
	return text_of(encoded);
}

static struct text encode_database(const struct tw_setup *setup, const char *path)
{
	for (unsigned int i = 0; path != NULL && i < setup->view.n_databases; i++) {
		const struct tw_database *database = &setup->view.databases[i];

		if (strcmp(database->path, path) == 0)
			return encode_open(json_pack("{sssssI}", "type", "database", "path",
				database->path, "build_epoch", (json_int_t)database->build_epoch));
	}
	return text_of(strdup("{"));
}

struct tw_explain_json *tw_explain_json_create(
	const struct tw_setup *setup, struct tw_feed *feed, FILE *out)
{
	const struct tw_table_spec *spec = &setup->config->table;
	struct tw_explain_json *json = calloc(1, sizeof(*json));
	bool complete;

	if (json == NULL)
		return NULL;
	json->setup = setup;
	json->feed = feed;
	json->out = out;
	json->asn_database = encode_database(setup, spec->asn_database);
	json->country_database = encode_database(setup, spec->country_database);
	json->overrides = spec->overrides == NULL ? text_of(strdup("{"))
						  : encode_open(json_pack("{ssss}", "type",
							    "override", "path", spec->overrides));
	complete = json->asn_database.text && json->country_database.text && json->overrides.text;
	for (unsigned int i = 0; i < setup->view.n_targets; i++) {
		json->targets[i] = encode(tw_view_target_name(&setup->view, i));
		complete = complete && json->targets[i].text != NULL;
	}
	if (complete)
		return json;
	tw_explain_json_free(json);
	return NULL;
}

void tw_explain_json_free(struct tw_explain_json *json)
{
	if (json == NULL)
		return;
	for (unsigned int i = 0; i < TW_TARGET_MAX; i++)
		free(json->targets[i].text);
	for (unsigned int i = 0; i < NAMES; i++)
		free(json->names[i].encoded.text);
	free(json->asn_database.text);
	free(json->country_database.text);
	free(json->overrides.text);
	free(json);
}

int tw_explain_json_flush(struct tw_explain_json *json)
{
	size_t n = json->n;

	json->n = 0;
	return fwrite(json->buffer, 1, n, json->out) == n && fflush(json->out) == 0 ? 0 : -EIO;
}

static void put_text(struct tw_explain_json *json, const char *text, size_t length)
{
	if (length > sizeof(json->buffer) - json->n) {
		fwrite(json->buffer, 1, json->n, json->out);
		json->n = 0;
	}
	if (length > sizeof(json->buffer)) {
		fwrite(text, 1, length, json->out);
		return;
	}
	memcpy(json->buffer + json->n, text, length);
	json->n += length;
}

/* Inlined, so that the length of a literal is known. */
static inline void put(struct tw_explain_json *json, const char *text)
{
	put_text(json, text, strlen(text));
}

static void put_name(struct tw_explain_json *json, const char *name)
{
	unsigned int at = (uint32_t)((uintptr_t)name * UINT64_C(0x9e3779b97f4a7c15) >> 32) % NAMES;
	struct text *encoded = &json->names[at].encoded;

	if (json->names[at].name != name) {
		free(encoded->text);
		*encoded = encode(name);
		json->names[at].name = name;
	}
	if (encoded->text != NULL)
		put_text(json, encoded->text, encoded->length);
	else
		put(json, "null");
}

static void put_number(struct tw_explain_json *json, uint64_t number)
{
	char digits[20], *end = digits + sizeof(digits), *at = end;

	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	put_text(json, at, (size_t)(end - at));
}

static void put_prefix(
	struct tw_explain_json *json, const char *key, const struct tw_prefix *prefix)
{
	char text[TW_PREFIX_TEXT];

	put(json, key);
	put(json, tw_prefix_format(prefix, text));
	put(json, "\"");
}

static void put_sources(struct tw_explain_json *json, const struct tw_explanation *e)
{
	static const char *const target_sources[] = {
		[TW_SOURCE_NONE] = "null",
		[TW_SOURCE_TARGET_PREFIX] = "{\"type\":\"prefix\"",
		[TW_SOURCE_TARGET_ASN] = "{\"type\":\"asn\"}",
		[TW_SOURCE_TARGET_COUNTRY] = "{\"type\":\"country\"}",
	};

	put(json, ",\"asn_source\":");
	if (e->asn_source == TW_SOURCE_NONE) {
		put(json, "null");
	} else if (e->asn_source == TW_SOURCE_OVERRIDE) {
		put_text(json, json->overrides.text, json->overrides.length);
		put(json, ",\"line\":");
		put_number(json, e->asn_line);
		put(json, "}");
	} else {
		put_text(json, json->asn_database.text, json->asn_database.length);
		put(json, "}");
	}
	put(json, ",\"country_source\":");
	if (e->country_source == TW_SOURCE_NONE) {
		put(json, "null");
	} else {
		put_text(json, json->country_database.text, json->country_database.length);
		put_prefix(json, ",\"prefix\":\"", &e->country_prefix);
		put(json, "}");
	}
	put(json, ",\"target_source\":");
	put(json, target_sources[e->target_source]);
	if (e->target_source == TW_SOURCE_TARGET_PREFIX) {
		put_prefix(json, ",\"prefix\":\"", &e->target_prefix);
		put(json, "}");
	}
}

static void put_route(struct tw_explain_json *json, const struct tw_addr *addr, unsigned int target)
{
	struct tw_route_answer answer;
	json_t *object;
	char *text;

	tw_route_answer(json->feed, json->setup, addr, target, &answer);
	object = tw_route_answer_json(&answer, json->setup->config);
	text = json_dumps(object, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(object);
	put(json, ",\"route\":");
	put(json, text != NULL ? text : "null");
	free(text);
}

void tw_explain_json_write(
	struct tw_explain_json *json, const struct tw_addr *addr, const struct tw_explanation *e)
{
	char text[TW_PREFIX_TEXT];

	put(json, "{\"ip\":\"");
	put(json, tw_addr_format(addr, text));
	if (e->asn_source == TW_SOURCE_NONE)
		put(json, "\",\"prefix\":null,\"asn\":null,\"name\":null");
	else {
		put_prefix(json, "\",\"prefix\":\"", &e->asn_prefix);
		put(json, ",\"asn\":");
		put_number(json, e->origin.asn);
		put(json, ",\"name\":");
		put_name(json, e->origin.name);
	}
	put(json, ",\"country\":");
	if (e->origin.country[0] != '\0') {
		put(json, "\"");
		put(json, e->origin.country);
		put(json, "\"");
	} else
		put(json, "null");
	put(json, ",\"target\":");
	if (e->origin.target != TW_TARGET_NONE)
		put_text(json, json->targets[e->origin.target].text,
			json->targets[e->origin.target].length);
	else
		put(json, "null");
	put_sources(json, e);
	if (json->feed->on && e->origin.target != TW_TARGET_NONE)
		put_route(json, addr, e->origin.target);
	put(json, "}\n");
}
