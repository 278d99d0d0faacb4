/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Loading and the look-ups.
 *
 *   files ─read─► layers ─merge─► runs of origins ─routes─► rte_fib, rte_fib6
 *                                        └─ those of targets ─► tw_near
 *
 * The runs are dropped once the routes are in; the layers stay for explanations. A look-up adds to
 * rte_fib's one comparison for each IPv6 address, and nothing for IPv4.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_branch_prediction.h>
#include <rte_malloc.h>

#include "tw_clock.h"
#include "tw_table_priv.h"

/* Adds the time since *since to *phase, and starts the next one. */
static void end_phase(uint64_t *since, uint64_t *phase)
{
	uint64_t now = tw_monotonic_ns();

	*phase += now - *since;
	*since = now;
}

/* Addresses of targets, and those that stand for IPv4 addresses, which may be. */
static void add_near(struct tw_table *table, const struct tw_steps *steps)
{
	for (uint32_t run = 0; run < steps->n; run++) {
		uint64_t origin = steps->value[run];

		if ((origin >= 1 && origin <= table->n_target_origins) ||
			origin >= table->n_origins)
			tw_near_add(&table->near, steps->family, steps->first[run],
				tw_steps_last(steps, run));
	}
}

static int make_fibs(struct tw_table *table, int socket, struct tw_diag *diag, uint64_t *since)
{
	struct tw_routes routes4 = {0}, routes6 = {0};
	int err = 0;

	if (tw_routes_make(&routes4, &table->compiled.steps[0]) != 0 ||
		tw_routes_make(&routes6, &table->compiled.steps[1]) != 0) {
		err = tw_diag_add(diag, -ENOMEM, "table: out of memory");
		goto free_routes;
	}
	for (unsigned int f = 0; f < 2; f++) {
		add_near(table, &table->compiled.steps[f]);
		tw_steps_free(&table->compiled.steps[f]);
	}
	table->info.n_routes4 = routes4.n;
	table->info.n_routes6 = routes6.n;
	end_phase(since, &table->phases.routes);

	/* A family without a route needs no table: tens of megabytes that all say unknown. */
	if (routes4.n > 0)
		table->fib4 = tw_fib4_make(&routes4, socket, diag);
	end_phase(since, &table->phases.fib4);
	if (routes6.n > 0)
		table->fib6 = tw_fib6_make(&routes6, socket, diag);
	end_phase(since, &table->phases.fib6);
	if ((routes4.n > 0 && table->fib4 == NULL) || (routes6.n > 0 && table->fib6 == NULL))
		err = -ENOMEM;
free_routes:
	tw_routes_free(&routes4);
	tw_routes_free(&routes6);
	return err;
}

static int make(struct tw_table *table, const struct tw_prefix *cuts, uint32_t n_cuts, int socket,
	struct tw_diag *diag)
{
	uint64_t start = tw_monotonic_ns(), since = start;
	int err;

	table->phases.read = table->sources->read_ns;
	if (tw_compile(&table->compiled, table->sources, cuts, n_cuts) != 0)
		return tw_diag_add(diag, -ENOMEM, "table: out of memory");
	end_phase(&since, &table->phases.merge);
	table->origins = table->compiled.origins;
	table->n_origins = table->compiled.n_origins;
	table->n_target_origins = table->compiled.n_target_origins;
	table->info.n_origins = table->compiled.n_origins;
	err = make_fibs(table, socket, diag, &since);
	table->info.compile_ns = table->phases.read + tw_monotonic_ns() - start;
	return err;
}

struct tw_table *tw_table_make(struct tw_sources *sources, const struct tw_prefix *cuts,
	uint32_t n_cuts, int socket, struct tw_diag *diag)
{
	struct tw_table *table =
		rte_zmalloc_socket("tw_table", sizeof(*table), RTE_CACHE_LINE_SIZE, socket);

	if (table == NULL) {
		tw_diag_add(diag, -ENOMEM, "table: no memory: give more with -m");
		return NULL;
	}
	table->sources = tw_sources_hold(sources);
	if (make(table, cuts, n_cuts, socket, diag) != 0) {
		tw_table_free(table);
		return NULL;
	}
	return table;
}

struct tw_table *tw_table_load(const struct tw_table_spec *spec, int socket, struct tw_diag *diag)
{
	struct tw_sources *sources = tw_sources_load(spec, diag);
	struct tw_table *table;

	if (sources == NULL)
		return NULL;
	table = tw_table_make(sources, NULL, 0, socket, diag);
	tw_sources_release(sources);
	return table;
}

void tw_table_free(struct tw_table *table)
{
	if (table == NULL)
		return;
	rte_fib_free(table->fib4);
	rte_fib6_free(table->fib6);
	tw_compiled_free(&table->compiled);
	tw_sources_release(table->sources);
	rte_free(table);
}

void tw_table_lookup4(
	const struct tw_table *table, const uint32_t *ips, uint64_t *origins, unsigned int n)
{
	if (unlikely(table->fib4 == NULL)) {
		memset(origins, 0, n * sizeof(*origins));
		return;
	}
	/* rte_fib only reads the addresses; its prototype says less. */
	rte_fib_lookup_bulk(table->fib4, (uint32_t *)(uintptr_t)ips, origins, (int)n);
}

/* The IPv4 address that stands behind the first `length` bits of an IPv6 address. */
static uint32_t inner_address(const uint8_t ip[16], unsigned int length)
{
	struct tw_addr addr = {.family = 6};

	memcpy(addr.bytes, ip, sizeof(addr.bytes));
	return (uint32_t)(tw_addr_number(&addr) >> (96 - length));
}

static __rte_noinline void resolve_aliases(
	const struct tw_table *table, const uint8_t (*ips)[16], uint64_t *origins, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		uint32_t ip;

		if (likely(origins[i] < table->n_origins))
			continue;
		ip = inner_address(ips[i], (unsigned int)(origins[i] - table->n_origins));
		tw_table_lookup4(table, &ip, &origins[i], 1);
	}
}

void tw_table_lookup6(
	const struct tw_table *table, const uint8_t (*ips)[16], uint64_t *origins, unsigned int n)
{
	uint64_t below = UINT64_MAX;

	if (unlikely(table->fib6 == NULL)) {
		memset(origins, 0, n * sizeof(*origins));
		return;
	}
	rte_fib6_lookup_bulk(table->fib6, (uint8_t(*)[16])(uintptr_t)ips, origins, (int)n);
	/*
	 * Neither side reaches 2^31: the difference's sign is the comparison, with no branch in the
	 * loop.
	 */
	for (unsigned int i = 0; i < n; i++)
		below &= origins[i] - table->n_origins;
	if (unlikely(below >> 63 == 0) && n > 0)
		resolve_aliases(table, ips, origins, n);
}

const struct tw_origin *tw_table_origin(const struct tw_table *table, uint32_t index)
{
	return &table->origins[index];
}

const struct tw_near *tw_table_near(const struct tw_table *table)
{
	return &table->near;
}

uint32_t tw_table_n_origins(const struct tw_table *table)
{
	return (uint32_t)table->n_origins;
}

uint32_t tw_table_n_target_origins(const struct tw_table *table)
{
	return (uint32_t)table->n_target_origins;
}

uint64_t tw_table_origin_size(const struct tw_table *table, uint32_t index, uint8_t family)
{
	return (uint64_t)(table->compiled.sizes[family == 6][index] >> (family == 6 ? 64 : 0));
}

struct tw_sources *tw_table_sources(const struct tw_table *table)
{
	return table->sources;
}

const char *tw_table_asn_name(const struct tw_table *table, uint32_t asn)
{
	/* TW_MAP_NONE is no name's number. */
	return tw_names_get(&table->sources->names, tw_map_get(&table->sources->asn_names, asn));
}

unsigned int tw_table_databases(const struct tw_table *table, const struct tw_database **databases)
{
	*databases = table->sources->databases;
	return table->sources->n_databases;
}

void tw_table_info(const struct tw_table *table, struct tw_table_info *info)
{
	*info = table->info;
}
