/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A database's tree is cut into disjoint leaves: a /32 that has one /48 of another AS in it is
 * seventeen of them. Two nested routes say the same. The fewest routes are found by the
 * construction of Draves, King, Venkatachary and Zill (ORTC, INFOCOM 1999) in two passes over a
 * binary trie:
 *
 *   up     a prefix of one value may be that value; one of two halves: what both may be, else what
 *          either may be
 *   down   a prefix that may be what it inherits needs no route; another takes a candidate
 *
 * Candidates are cut at SET_MAX, which costs a few routes and never correctness. The trie is built
 * and dropped for each subtree below `cut` bits, so that it stays in the cache: nothing is merged
 * across those borders. Recursion is as deep as an address is long.
 */

#include <errno.h>
#include <stdlib.h>

#include "tw_routes.h"

#define SET_MAX 6

struct node {
	uint32_t right; /* the left half is the next node; 0 for a leaf */
	uint32_t n;
	uint32_t set[SET_MAX];
};

struct maker {
	const struct tw_steps *steps;
	struct tw_routes *out;
	unsigned int bits;
	unsigned int cut;
	struct node *nodes;
	uint32_t n_nodes;
	uint32_t capacity;
};

int tw_routes_add(struct tw_routes *routes, const struct tw_route *route)
{
	if (routes->n == routes->capacity) {
		uint32_t capacity = routes->capacity ? routes->capacity * 2 : 4096;
		struct tw_route *grown = realloc(routes->routes, capacity * sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		routes->routes = grown;
		routes->capacity = capacity;
	}
	routes->routes[routes->n++] = *route;
	return 0;
}

static int add_route(struct tw_routes *out, tw_u128 first, unsigned int length, uint32_t value)
{
	struct tw_route route = {.first = first, .length = (uint8_t)length, .value = value};

	return tw_routes_add(out, &route);
}

/* A new node at the end of the trie, or 0 where there is no memory: node 0 is never handed out. */
static uint32_t new_node(struct maker *maker)
{
	if (maker->n_nodes >= maker->capacity) {
		uint32_t capacity = maker->capacity ? maker->capacity * 2 : 4096;
		struct node *nodes = realloc(maker->nodes, capacity * sizeof(*nodes));

		if (nodes == NULL)
			return 0;
		maker->nodes = nodes;
		maker->capacity = capacity;
	}
	return maker->n_nodes++;
}

static bool has(const struct node *node, uint32_t value)
{
	for (uint32_t i = 0; i < node->n; i++) {
		if (node->set[i] == value)
			return true;
	}
	return false;
}

static void unite(struct node *node, const struct node *left, const struct node *right)
{
	node->n = 0;
	for (uint32_t i = 0; i < left->n; i++) {
		if (has(right, left->set[i]))
			node->set[node->n++] = left->set[i];
	}
	if (node->n > 0)
		return;
	/* In turns, so that neither half's candidates are lost to the limit. */
	for (uint32_t i = 0; i < SET_MAX && node->n < SET_MAX; i++) {
		if (i < left->n)
			node->set[node->n++] = left->set[i];
		if (i < right->n && node->n < SET_MAX)
			node->set[node->n++] = right->set[i];
	}
}

/* The run among low..high that holds an address. */
static uint32_t run_at(const struct tw_steps *steps, tw_u128 address, uint32_t low, uint32_t high)
{
	while (low < high) {
		uint32_t middle = low + (high - low + 1) / 2;

		if (steps->first[middle] <= address)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* A prefix and the runs that have a part in it. */
struct part {
	tw_u128 first;
	unsigned int length;
	uint32_t low;
	uint32_t high;
};

static void halve(
	const struct maker *maker, const struct part *part, struct part *left, struct part *right)
{
	tw_u128 middle = part->first | (tw_u128)1 << (maker->bits - part->length - 1);
	uint32_t run = run_at(maker->steps, middle, part->low, part->high);

	*left = *right = *part;
	left->length = right->length = part->length + 1;
	right->first = middle;
	right->low = run;
	left->high = maker->steps->first[run] == middle ? run - 1 : run;
}

/* Builds the trie of a part, children behind their parent; returns its root or 0. */
static uint32_t build(struct maker *maker, const struct part *part)
{
	uint32_t at = new_node(maker);
	struct part left, right;
	uint32_t left_at, right_at;

	if (at == 0)
		return 0;
	if (part->low == part->high) {
		maker->nodes[at] = (struct node){.n = 1, .set = {maker->steps->value[part->low]}};
		return at;
	}
	halve(maker, part, &left, &right);
	left_at = build(maker, &left);
	right_at = left_at == 0 ? 0 : build(maker, &right);
	if (right_at == 0)
		return 0;
	maker->nodes[at].right = right_at;
	unite(&maker->nodes[at], &maker->nodes[left_at], &maker->nodes[right_at]);
	return at;
}

static int emit(
	struct maker *maker, uint32_t at, tw_u128 first, unsigned int length, uint32_t inherited)
{
	const struct node *node = &maker->nodes[at];

	if (!has(node, inherited)) {
		inherited = node->set[0];
		if (add_route(maker->out, first, length, inherited) != 0)
			return -ENOMEM;
	}
	if (node->right == 0)
		return 0;
	if (emit(maker, at + 1, first, length + 1, inherited) != 0)
		return -ENOMEM;
	return emit(maker, node->right, first | (tw_u128)1 << (maker->bits - length - 1),
		length + 1, inherited);
}

static int make(struct maker *maker, const struct part *part)
{
	struct part left, right;
	uint32_t value = maker->steps->value[part->low];
	uint32_t root;

	if (part->low == part->high)
		return value == 0 ? 0 : add_route(maker->out, part->first, part->length, value);
	if (part->length < maker->cut) {
		halve(maker, part, &left, &right);
		return make(maker, &left) != 0 ? -ENOMEM : make(maker, &right);
	}
	maker->n_nodes = 1;
	root = build(maker, part);
	return root == 0 ? -ENOMEM : emit(maker, root, part->first, part->length, 0);
}

int tw_routes_make(struct tw_routes *routes, const struct tw_steps *steps)
{
	struct part all = {.high = steps->n - 1};
	struct maker maker = {
		.steps = steps,
		.out = routes,
		.bits = tw_addr_bits(steps->family),
		.cut = steps->family == 4 ? 8 : 16,
		.n_nodes = 1,
	};
	int err;

	*routes = (struct tw_routes){.family = steps->family};
	err = make(&maker, &all);
	free(maker.nodes);
	return err;
}

void tw_routes_free(struct tw_routes *routes)
{
	free(routes->routes);
	*routes = (struct tw_routes){0};
}
