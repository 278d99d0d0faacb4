/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The walk: left before right with a stack of our own, so that runs come out in ascending order and
 * a tree cannot make us recurse. IPv4 goes first, from the node at ::/96, then the whole tree from
 * its root.
 *
 *   root ──0──► ... ──0──► (96 zeros) ──► IPv4 tree       ::/96           home of IPv4
 *     └─ 0010 0000 0000 0010 ──────────────▲              2002::/16       alias, 16 bits
 *     └─ 0010 0000 0000 0001 0..0 ─────────▲              2001::/32       alias, 32 bits
 *     └─ 0..0 1111 1111 1111 1111 ─────────▲              ::ffff:0:0/96   alias, 96 bits
 *
 * The IPv6 function holds the home of IPv4 as an alias like the others: an IPv4 prefix is stored
 * once. Every node is entered once: a bitmap remembers, and a second way to a node other than
 * IPv4's is a cycle or a corruption. So the walk takes at most as many steps as the file has
 * records.
 *
 * Records are decoded once for each offset, values kept once for each content.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tw_mmdb_priv.h"
#include "tw_text.h"

#define SEPARATOR_SIZE 16

/* A record of the tree that waits to be visited, and the prefix that leads to it. */
struct branch {
	tw_u128 first;
	uint64_t record;
	unsigned int length;
};

struct walk {
	const char *path;
	struct tw_diag *diag;
	MMDB_s db;
	struct tw_mmdb_data data;
	enum tw_mmdb_field field;
	struct tw_names *names;
	struct tw_mmdb *out;
	uint8_t *visited;       /* a bit a node */
	struct tw_map offsets;  /* offset in the data section -> value, 0 where it has no field */
	struct tw_map contents; /* number and name -> value */
	uint32_t values_capacity;
	uint64_t last_record; /* neighbours often share a record */
	uint32_t last_value;
};

static int refuse(const struct walk *walk, const struct tw_steps *steps,
	const struct branch *branch, const char *why)
{
	struct tw_prefix prefix = {.addr = tw_addr_from_number(steps->family, branch->first),
		.length = (uint8_t)branch->length};
	char text[TW_PREFIX_TEXT];

	return tw_diag_add(walk->diag, -EINVAL, "%s: at %s: %s: fetch the database again",
		walk->path, tw_prefix_format(&prefix, text), why);
}

static int no_memory(const struct walk *walk)
{
	return tw_diag_add(walk->diag, -ENOMEM, "%s: out of memory", walk->path);
}

/* The number of a value, the same for the same content. */
static uint32_t add_value(struct walk *walk, const struct tw_mmdb_value *value)
{
	uint64_t key = (uint64_t)value->number << 32 | value->name;
	uint32_t fresh = walk->out->n_values + 1;
	uint32_t *number = tw_map_put(&walk->contents, key, fresh);

	if (number == NULL)
		return TW_MAP_NONE;
	if (*number != fresh)
		return *number;
	if (walk->out->n_values == walk->values_capacity) {
		uint32_t capacity = walk->values_capacity ? walk->values_capacity * 2 : 1024;
		struct tw_mmdb_value *values =
			realloc(walk->out->values, capacity * sizeof(*values));

		if (values == NULL)
			return TW_MAP_NONE;
		walk->out->values = values;
		walk->values_capacity = capacity;
	}
	walk->out->values[walk->out->n_values++] = *value;
	return fresh;
}

/* Decodes the record at an offset, the first time that a leaf names it. */
static int read_record(struct walk *walk, const struct tw_steps *steps, const struct branch *leaf,
	uint32_t *number)
{
	uint32_t offset = (uint32_t)leaf->record - walk->db.metadata.node_count - SEPARATOR_SIZE;
	MMDB_entry_s entry = {.mmdb = &walk->db, .offset = offset};
	uint32_t *known = tw_map_put(&walk->offsets, offset, TW_MAP_NONE - 1);
	struct tw_mmdb_value value = {0};
	const char *why;
	int found;

	if (known == NULL)
		return no_memory(walk);
	if (*known == TW_MAP_NONE - 1) {
		if (!tw_mmdb_data_ok(&walk->data, offset))
			return refuse(walk, steps, leaf, "corrupt data");
		found = tw_mmdb_record(&entry, walk->field, walk->names, &value, &why);
		if (found == -ENOMEM)
			return no_memory(walk);
		if (found < 0)
			return refuse(walk, steps, leaf, why);
		*known = found > 0 ? add_value(walk, &value) : 0;
		if (*known == TW_MAP_NONE)
			return no_memory(walk);
	}
	*number = *known;
	return 0;
}

static int visit_leaf(struct walk *walk, struct tw_steps *steps, const struct branch *leaf)
{
	uint32_t node_count = walk->db.metadata.node_count;
	tw_u128 last = tw_family_prefix_last(steps->family, leaf->first, leaf->length);
	uint32_t value;
	int err;

	if (leaf->record == node_count)
		return 0;
	if (leaf->record < (uint64_t)node_count + SEPARATOR_SIZE ||
		leaf->record - node_count - SEPARATOR_SIZE >= walk->data.size)
		return refuse(walk, steps, leaf, "a record points outside the data section");
	if (leaf->record != walk->last_record) {
		err = read_record(walk, steps, leaf, &walk->last_value);
		if (err != 0)
			return err;
		walk->last_record = leaf->record;
	}
	value = walk->last_value;
	if (value == 0)
		return 0;
	walk->out->n_prefixes++;
	return tw_steps_append(steps, leaf->first, last, value) == 0 ? 0 : no_memory(walk);
}

/* Marks a node; false where it was entered before. */
static bool enter(struct walk *walk, uint32_t node)
{
	uint8_t bit = (uint8_t)(1 << (node & 7));

	if ((walk->visited[node >> 3] & bit) != 0)
		return false;
	walk->visited[node >> 3] |= bit;
	return true;
}

static bool is_alias(
	const struct walk *walk, const struct tw_steps *steps, const struct branch *branch)
{
	return steps->family == 6 && walk->db.metadata.ip_version == 6 &&
	       branch->record == walk->db.ipv4_start_node.node_value &&
	       branch->length <= TW_STEP_ALIAS_MAX;
}

/* Walks everything under `root` into `steps`. */
static int walk_tree(struct walk *walk, struct tw_steps *steps, uint64_t root)
{
	unsigned int bits = tw_addr_bits(steps->family);
	struct branch stack[130] = {{.record = root}}; /* a level leaves one branch waiting */
	unsigned int n = 1;
	int err = 0;

	while (n > 0 && err == 0) {
		struct branch branch = stack[--n];
		MMDB_search_node_s node;

		if (branch.record >= walk->db.metadata.node_count) {
			err = visit_leaf(walk, steps, &branch);
			continue;
		}
		if (is_alias(walk, steps, &branch)) {
			tw_u128 last = tw_family_prefix_last(6, branch.first, branch.length);

			if (tw_steps_append(
				    steps, branch.first, last, TW_STEP_ALIAS + branch.length) != 0)
				return no_memory(walk);
			continue;
		}
		if (branch.length == bits || !enter(walk, (uint32_t)branch.record))
			return refuse(walk, steps, &branch, "corrupt search tree");
		if (MMDB_read_node(&walk->db, (uint32_t)branch.record, &node) != MMDB_SUCCESS)
			return refuse(walk, steps, &branch, "corrupt search tree");
		branch.length++;
		branch.record = node.right_record;
		stack[n] = branch;
		stack[n++].first |= (tw_u128)1 << (bits - branch.length);
		branch.record = node.left_record;
		stack[n++] = branch;
	}
	return err;
}

static int walk_both(struct walk *walk)
{
	bool six = walk->db.metadata.ip_version == 6;
	struct tw_mmdb *out = walk->out;
	int err;

	if (tw_steps_init(&out->steps4, 4) != 0 || tw_steps_init(&out->steps6, 6) != 0)
		return no_memory(walk);
	/*
	 * In a tree that ends above ::/96, the start is no node but the record that covers all of
	 * IPv4.
	 */
	err = walk_tree(walk, &out->steps4, six ? walk->db.ipv4_start_node.node_value : 0);
	if (err == 0 && six)
		err = walk_tree(walk, &out->steps6, 0);
	if (err != 0)
		return err;
	if (out->n_prefixes == 0)
		return tw_diag_add(walk->diag, -EINVAL,
			"%s: no record has %s (its type is %s): give %s", walk->path,
			walk->field == TW_MMDB_ASN ? "autonomous_system_number or asn"
						   : "country.iso_code or country_code",
			out->type,
			walk->field == TW_MMDB_ASN
				? "an ASN database, for example GeoLite2-ASN"
				: "a country database, for example GeoLite2-Country");
	if (tw_steps_finish(&out->steps4) != 0 || tw_steps_finish(&out->steps6) != 0)
		return no_memory(walk);
	return 0;
}

static int read_open(struct walk *walk)
{
	const MMDB_metadata_s *metadata = &walk->db.metadata;
	int err;

	walk->out->build_epoch = metadata->build_epoch;
	walk->out->type = tw_text_clean(metadata->database_type, strlen(metadata->database_type));
	walk->visited = calloc(metadata->node_count / 8 + 1, 1);
	if (walk->out->type == NULL || walk->visited == NULL)
		err = no_memory(walk);
	else
		err = walk_both(walk);
	free(walk->visited);
	tw_map_free(&walk->offsets);
	tw_map_free(&walk->contents);
	return err;
}

int tw_mmdb_read(struct tw_mmdb *mmdb, const char *path, enum tw_mmdb_field field,
	struct tw_names *names, struct tw_diag *diag)
{
	struct walk walk = {
		.path = path, .diag = diag, .field = field, .names = names, .out = mmdb};
	int err;

	*mmdb = (struct tw_mmdb){0};
	err = tw_mmdb_open(&walk.db, &walk.data, path, diag);
	if (err != 0)
		return err;
	err = read_open(&walk);
	MMDB_close(&walk.db);
	if (err != 0)
		tw_mmdb_free(mmdb);
	return err;
}

void tw_mmdb_free(struct tw_mmdb *mmdb)
{
	free(mmdb->type);
	free(mmdb->values);
	tw_steps_free(&mmdb->steps4);
	tw_steps_free(&mmdb->steps6);
	*mmdb = (struct tw_mmdb){0};
}
