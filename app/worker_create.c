/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <sys/mman.h>

#include <rte_common.h>
#include <rte_malloc.h>

#include "dispatch.h"
#include "worker.h"

enum {
	BLOCKS_MIN = 8,
	BLOCKS_MAX = 1024,
	BLOCKS_BYTES =
		4 << 20, /* memory for a worker's report blocks, unless 8 of them take more */
};

/* Zero pages that cost nothing until they are touched, large ones where the kernel has them. */
static void *map_zeros(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	(void)madvise(memory, size, MADV_HUGEPAGE);
	return memory;
}

static unsigned int count_blocks(const struct tw_worker_spec *spec)
{
	size_t n = BLOCKS_BYTES / tw_report_block_size(spec->flows.n_series, spec->n_pairs);

	return (unsigned int)RTE_MIN(n < BLOCKS_MIN ? (size_t)BLOCKS_MIN : n, (size_t)BLOCKS_MAX);
}

struct tw_worker *tw_worker_create(
	const struct tw_worker_spec *spec, unsigned int id, struct tw_diag *diag)
{
	struct tw_worker *w =
		rte_zmalloc_socket("tw_worker", sizeof(*w), RTE_CACHE_LINE_SIZE, SOCKET_ID_ANY);
	struct tw_report_spec report = {.n_series = spec->flows.n_series,
		.n_pairs = spec->n_pairs,
		.n_blocks = count_blocks(spec),
		.socket = SOCKET_ID_ANY};
	void *flows;

	if (w == NULL) {
		tw_diag_add(diag, -ENOMEM, "worker %u: no memory", id);
		return NULL;
	}
	w->source = spec->source;
	w->live = spec->live;
	w->idle.busy = spec->busy;
	w->id = id;
	w->slot = spec->slot;
	tw_worker_use(w, atomic_load_explicit(&spec->slot->published, memory_order_acquire));
	w->flows_size = tw_flow_size(&spec->flows);
	w->flows_memory = flows = map_zeros(w->flows_size);
	if (flows == NULL) {
		tw_diag_add(diag, -ENOMEM,
			"worker %u: no memory for %u flows (%zu MB): lower flows.max_per_worker",
			id, spec->flows.max_flows, w->flows_size >> 20);
		goto failed;
	}
	w->flows = tw_flow_init(flows, &spec->flows);
	report.worker = id;
	w->report = tw_report_create(&report, diag);
	if (w->report == NULL)
		goto failed;
	if (w->source == NULL) {
		w->exchange = tw_exchange_create("tw_burst", id, spec->n_bursts,
			sizeof(struct tw_burst), SOCKET_ID_ANY, diag);
		if (w->exchange == NULL)
			goto failed;
	}
	return w;

failed:
	tw_worker_free(w);
	return NULL;
}

void tw_worker_free(struct tw_worker *w)
{
	if (w == NULL)
		return;
	if (w->exchange != NULL)
		tw_exchange_free(w->exchange);
	tw_report_free(w->report);
	if (w->flows_memory != NULL)
		munmap(w->flows_memory, w->flows_size);
	rte_free(w);
}
