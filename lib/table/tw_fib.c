/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * rte_fib is a table for look-ups beside a RIB for changes, and takes the memory of both at
 * creation. What it needs is counted from the routes, which come sorted, outer before inner:
 *
 *   RIB nodes    a route each, and one where two routes part (a patricia trie)
 *   tbl8 groups  one for each prefix of 24, 32, 40, ... bits that holds a longer route
 *
 * rte_fib6 reserves more groups than it uses: for each route those between its length and that of
 * the route around it, so that a thousand /48 in one /32 reserve two thousand groups of 1 KiB and
 * use a few. But a route that repeats the next hop of the one around it changes no table and
 * reserves nothing. So where a route would reserve what is already there, a repeating route goes in
 * before it, just so long that the difference is what the route needs: a stepping stone. One of 33
 * bits serves all /48 in its half of a /32. (For a full ASN database: 39,000 groups in place of
 * 136,000.)
 *
 * Insertion in the order of the routes is also the fastest: the RIB's path is in the cache, and an
 * outer route has no inner ones to step around yet.
 */

#include <errno.h>
#include <stdio.h>

#include <rte_common.h>
#include <rte_errno.h>

#include "tw_fib.h"

#define SPARE 64 /* groups that exist for the length of one insertion */

static unsigned int next_name;

static unsigned int octets(unsigned int length)
{
	return (length + 7) / 8;
}

static bool same_bits(tw_u128 a, tw_u128 b, unsigned int length, unsigned int bits)
{
	return length == 0 || (a ^ b) >> (bits - length) == 0;
}

/* How many leading bits two prefixes share. */
static unsigned int shared_bits(
	const struct tw_route *a, const struct tw_route *b, unsigned int bits)
{
	tw_u128 differ = a->first ^ b->first;
	unsigned int most = RTE_MIN(a->length, b->length);
	unsigned int shared = bits;

	if (differ >> 64 != 0)
		shared = bits - 128 + (unsigned int)__builtin_clzll((uint64_t)(differ >> 64));
	else if (differ != 0)
		shared = bits - 64 + (unsigned int)__builtin_clzll((uint64_t)differ);
	return RTE_MIN(shared, most);
}

/* Nodes of the RIB's trie: the lengths of the nodes above the current route are on a stack. */
static uint32_t count_nodes(const struct tw_routes *routes)
{
	unsigned int bits = tw_addr_bits(routes->family);
	uint8_t path[130];
	unsigned int depth = 0;
	uint32_t nodes = routes->n;

	for (uint32_t i = 0; i < routes->n; i++) {
		unsigned int shared =
			i == 0 ? 0 : shared_bits(&routes->routes[i - 1], &routes->routes[i], bits);

		while (depth > 0 && path[depth - 1] > shared)
			depth--;
		if (i > 0 && (depth == 0 || path[depth - 1] != shared)) {
			path[depth++] = (uint8_t)shared;
			nodes++;
		}
		path[depth++] = routes->routes[i].length;
	}
	return nodes;
}

/*
 * Groups that this route needs and no route before it did; the last prefix of each length is
 * remembered.
 */
static uint32_t new_groups(
	const struct tw_route *route, unsigned int bits, const struct tw_route *seen[16])
{
	uint32_t n = 0;

	for (unsigned int length = 24; length < route->length; length += 8) {
		const struct tw_route **last = &seen[length / 8];

		n += *last == NULL || !same_bits((*last)->first, route->first, length, bits);
		*last = route;
	}
	return n;
}

static uint32_t count_groups(const struct tw_routes *routes)
{
	const struct tw_route *seen[16] = {NULL};
	uint32_t n = 0;

	for (uint32_t i = 0; i < routes->n; i++)
		n += new_groups(&routes->routes[i], tw_addr_bits(routes->family), seen);
	return n;
}

/*
 * The largest number that an entry has to hold: a next hop, or a group's. A narrow entry is worth choosing: the first
 * 24 bits alone have 2^24 of them, to be written at start and to share the cache with.
 */
static uint64_t largest_entry(const struct tw_routes *routes, uint32_t n_groups)
{
	uint64_t largest = n_groups;

	for (uint32_t i = 0; i < routes->n; i++)
		largest = RTE_MAX(largest, routes->routes[i].value);
	return largest;
}

static enum rte_fib_dir24_8_nh_sz width4(uint64_t largest)
{
	/* one bit tells groups from next hops */
	if (largest <= INT8_MAX)
		return RTE_FIB_DIR24_8_1B;
	return largest <= INT16_MAX ? RTE_FIB_DIR24_8_2B : RTE_FIB_DIR24_8_4B;
}

struct rte_fib *tw_fib4_make(const struct tw_routes *routes, int socket, struct tw_diag *diag)
{
	uint32_t n_groups = count_groups(routes) + SPARE;
	struct rte_fib_conf conf = {
		.type = RTE_FIB_DIR24_8,
		/*
		 * The RIB holds two nodes for each of max_routes, and takes one more while it
		 * inserts.
		 */
		.max_routes = (int)(count_nodes(routes) / 2 + 1),
		.dir24_8 = {.nh_sz = width4(largest_entry(routes, n_groups)), .num_tbl8 = n_groups},
	};
	struct rte_fib *fib;
	char name[16];

	snprintf(name, sizeof(name), "tw4_%u", __atomic_fetch_add(&next_name, 1, __ATOMIC_RELAXED));
	fib = rte_fib_create(name, socket, &conf);
	if (fib == NULL) {
		tw_diag_add(diag, -ENOMEM, "table: no memory for %u IPv4 routes: give more with -m",
			routes->n);
		return NULL;
	}
	for (uint32_t i = 0; i < routes->n; i++) {
		const struct tw_route *route = &routes->routes[i];
		int err = rte_fib_add(fib, (uint32_t)route->first, route->length, route->value);

		if (err != 0) {
			tw_diag_add(diag, err, "table: IPv4 route %u of %u refused: %s", i,
				routes->n, rte_strerror(-err));
			rte_fib_free(fib);
			return NULL;
		}
	}
	/* Where AVX-512 is neither there nor allowed, the default is the best of the others. */
	if (rte_fib_select_lookup(fib, RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512) != 0)
		rte_fib_select_lookup(fib, RTE_FIB_LOOKUP_DEFAULT);
	return fib;
}

/*
 * The plan of an IPv6 table: all routes, stepping stones among them, and what rte_fib6 will
 * reserve.
 */
struct plan {
	struct tw_routes routes;
	uint32_t groups;
	uint32_t reserved;
	struct tw_route open[130]; /* routes around the current one, outermost first */
	unsigned int depth;
};

static int plan_add(struct plan *plan, const struct tw_route *route)
{
	plan->open[plan->depth++] = *route;
	return tw_routes_add(&plan->routes, route);
}

/* What rte_fib6_add() will reserve for a route that is inserted next. */
static uint32_t reservation(const struct plan *plan, const struct tw_route *route)
{
	const struct tw_route *last =
		plan->routes.n > 0 ? &plan->routes.routes[plan->routes.n - 1] : NULL;
	unsigned int floor = route->length & ~7u;
	unsigned int around = plan->depth > 0 ? plan->open[plan->depth - 1].length : 0;

	if (route->length <= 24)
		return 0;
	if (last != NULL && last->length > floor &&
		same_bits(last->first, route->first, floor, 128))
		return 0;
	return octets(route->length) - octets(RTE_MAX(around, 24u));
}

/* Plans one route, with a stepping stone before it where it would reserve more than it needs. */
static int plan_route(
	struct plan *plan, const struct tw_route *route, const struct tw_route *seen[16])
{
	uint32_t needs = new_groups(route, 128, seen);
	unsigned int stone = (octets(route->length) - needs) * 8 - 7;
	int err = 0;

	while (plan->depth > 0 && !same_bits(plan->open[plan->depth - 1].first, route->first,
					  plan->open[plan->depth - 1].length, 128))
		plan->depth--;
	if (reservation(plan, route) > needs && stone < route->length && plan->depth > 0) {
		struct tw_route step = {.first = route->first >> (128 - stone) << (128 - stone),
			.length = (uint8_t)stone,
			.value = plan->open[plan->depth - 1].value};

		err = plan_add(plan, &step);
	}
	plan->groups += needs;
	plan->reserved += reservation(plan, route);
	return err != 0 ? err : plan_add(plan, route);
}

static int make_plan(struct plan *plan, const struct tw_routes *routes)
{
	/* Something must be around the outermost routes for a stepping stone to repeat. */
	static const struct tw_route all = {0};
	const struct tw_route *seen[16] = {NULL};
	int err = 0;

	*plan = (struct plan){.routes = {.family = 6}};
	if (routes->n > 0 && routes->routes[0].length > 0)
		err = plan_add(plan, &all);
	for (uint32_t i = 0; i < routes->n && err == 0; i++)
		err = plan_route(plan, &routes->routes[i], seen);
	return err;
}

static struct rte_fib6 *fib6_fill(const struct plan *plan, int socket, struct tw_diag *diag)
{
	uint32_t n_groups = RTE_MAX(plan->groups, plan->reserved) + SPARE;
	bool narrow = largest_entry(&plan->routes, n_groups) <= INT16_MAX;
	struct rte_fib6_conf conf = {
		.type = RTE_FIB6_TRIE,
		.max_routes = (int)(count_nodes(&plan->routes) / 2 + 1),
		.trie = {.nh_sz = narrow ? RTE_FIB6_TRIE_2B : RTE_FIB6_TRIE_4B,
			.num_tbl8 = n_groups},
	};
	struct rte_fib6 *fib;
	char name[16];

	snprintf(name, sizeof(name), "tw6_%u", __atomic_fetch_add(&next_name, 1, __ATOMIC_RELAXED));
	fib = rte_fib6_create(name, socket, &conf);
	if (fib == NULL) {
		tw_diag_add(diag, -ENOMEM, "table: no memory for %u IPv6 routes: give more with -m",
			plan->routes.n);
		return NULL;
	}
	for (uint32_t i = 0; i < plan->routes.n; i++) {
		const struct tw_route *route = &plan->routes.routes[i];
		struct tw_addr addr = tw_addr_from_number(6, route->first);
		int err = rte_fib6_add(fib, addr.bytes, route->length, route->value);

		if (err != 0) {
			tw_diag_add(diag, err, "table: IPv6 route %u of %u refused: %s", i,
				plan->routes.n, rte_strerror(-err));
			rte_fib6_free(fib);
			return NULL;
		}
	}
	if (rte_fib6_select_lookup(fib, RTE_FIB6_LOOKUP_TRIE_VECTOR_AVX512) != 0)
		rte_fib6_select_lookup(fib, RTE_FIB6_LOOKUP_DEFAULT);
	return fib;
}

struct rte_fib6 *tw_fib6_make(const struct tw_routes *routes, int socket, struct tw_diag *diag)
{
	struct rte_fib6 *fib = NULL;
	struct plan plan;

	if (make_plan(&plan, routes) != 0)
		tw_diag_add(diag, -ENOMEM, "table: out of memory");
	else
		fib = fib6_fill(&plan, socket, diag);
	tw_routes_free(&plan.routes);
	return fib;
}
