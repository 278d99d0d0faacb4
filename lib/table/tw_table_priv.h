/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TABLE_PRIV_H
#define TW_TABLE_PRIV_H

/* The table's inside, for its own files and for the benchmark that looks beneath them. */

#include <rte_common.h>

#include "tw_compile.h"
#include "tw_fib.h"
#include "tw_table.h"

/* Where the time of a load went, nanoseconds. */
struct tw_table_phases {
	uint64_t read;   /* files, walks, flattening */
	uint64_t merge;  /* layers to origins */
	uint64_t routes; /* runs to routes, both families */
	uint64_t fib4;
	uint64_t fib6;
};

struct tw_table {
	/* What the fast path reads, in one cache line. */
	struct rte_fib *fib4;
	struct rte_fib6 *fib6;
	const struct tw_origin *origins;
	uint64_t n_origins;        /* results from here up are aliases */
	uint64_t n_target_origins; /* origins 1 to this are targets' */

	struct tw_near near;
	struct tw_compiled compiled __rte_cache_aligned;
	struct tw_sources *sources;
	struct tw_table_info info;
	struct tw_table_phases phases;
};
_Static_assert(offsetof(struct tw_table, near) == RTE_CACHE_LINE_SIZE, "the fast path's line");

#endif
