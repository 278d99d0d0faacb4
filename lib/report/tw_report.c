/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <string.h>

#include <rte_malloc.h>

#include "tw_exchange.h"
#include "tw_report.h"

struct tw_report {
	struct tw_exchange *blocks;
	size_t block_size;
	uint32_t n_series;
	uint32_t n_pairs;
};

static void add_all(void *to, const void *from, size_t size)
{
	uint64_t *sum = to;
	const uint64_t *add = from;

	for (size_t i = 0; i < size / sizeof(*sum); i++)
		sum[i] += add[i];
}

const char *tw_drop_name(enum tw_drop cause)
{
	static const char *const names[TW_DROP_MAX] = {
		[TW_DROP_IMISSED] = "imissed",
		[TW_DROP_IERRORS] = "ierrors",
		[TW_DROP_NOMBUF] = "rx_nombuf",
		[TW_DROP_DISPATCH_FULL] = "dispatch_full",
		[TW_DROP_REPORT_FULL] = "report_full",
	};

	return names[cause];
}

void tw_totals_add(struct tw_totals *to, const struct tw_totals *from)
{
	add_all(to, from, sizeof(*to));
}

static void count_pairs(struct tw_block *block, const struct tw_burst *burst)
{
	struct tw_pair_count *pairs = tw_block_pairs(block);

	for (unsigned int i = 0; i < burst->n_hits; i++) {
		const struct tw_hit *hit = &burst->hits[i];

		if (hit->pair == TW_PAIR_NONE)
			continue;
		pairs[hit->pair].packets++;
		pairs[hit->pair].bytes += burst->bytes[hit->slot];
	}
}

/* A counter that others read while it grows, and one alone writes. */
static inline void bump(uint64_t *counter, uint64_t by)
{
	__atomic_store_n(counter, *counter + by, __ATOMIC_RELAXED);
}

void tw_count(struct tw_block *block, struct tw_peers *peers, const struct tw_burst *burst)
{
	add_all(&block->totals.rx, &burst->rx, sizeof(burst->rx));
	block->totals.dropped[TW_DROP_DISPATCH_FULL] += burst->rx.dropped;
	block->totals.target += burst->n_target;
	block->totals.internal += burst->n_internal;
	block->totals.other +=
		(uint64_t)burst->n_far + burst->n - burst->n_target - burst->n_internal;

	for (unsigned int i = 0; i < burst->n_hits; i++)
		__builtin_prefetch(&peers->count[burst->hits[i].peer], 1);
	for (unsigned int i = 0; i < burst->n_hits; i++) {
		const struct tw_hit *hit = &burst->hits[i];
		struct tw_series_count *series = &block->series[hit->series];
		struct tw_peer_count *peer = &peers->count[hit->peer][hit->direction];
		uint32_t bytes = burst->bytes[hit->slot];

		series->packets++;
		series->bytes += bytes;
		bump(&peer->packets, 1);
		bump(&peer->bytes, bytes);
	}
	if (block->n_pairs > 0)
		count_pairs(block, burst);
}

size_t tw_report_block_size(uint32_t n_series, uint32_t n_pairs)
{
	return sizeof(struct tw_block) + n_series * sizeof(struct tw_series_count) +
	       n_pairs * sizeof(struct tw_pair_count);
}

struct tw_report *tw_report_create(const struct tw_report_spec *spec, struct tw_diag *diag)
{
	struct tw_report *report =
		rte_zmalloc_socket("tw_report", sizeof(*report), 0, spec->socket);

	if (report == NULL) {
		tw_diag_add(diag, -ENOMEM, "worker %u: no memory for its report", spec->worker);
		return NULL;
	}
	report->n_series = spec->n_series;
	report->n_pairs = spec->n_pairs;
	report->block_size = tw_report_block_size(spec->n_series, spec->n_pairs);
	report->blocks = tw_exchange_create(
		"tw_block", spec->worker, spec->n_blocks, report->block_size, spec->socket, diag);
	if (report->blocks == NULL) {
		rte_free(report);
		return NULL;
	}
	return report;
}

void tw_report_free(struct tw_report *report)
{
	if (report == NULL)
		return;
	tw_exchange_free(report->blocks);
	rte_free(report);
}

struct tw_block *tw_report_take(struct tw_report *report, uint64_t second)
{
	struct tw_block *block = tw_exchange_take(report->blocks);

	if (block == NULL)
		return NULL;
	block->second = second;
	block->n_series = report->n_series;
	block->n_pairs = report->n_pairs;
	return block;
}

void tw_report_send(struct tw_report *report, struct tw_block *block)
{
	tw_exchange_send(report->blocks, block);
}

struct tw_block *tw_report_receive(struct tw_report *report)
{
	return tw_exchange_receive(report->blocks);
}

void tw_report_return(struct tw_report *report, struct tw_block *block)
{
	memset(block, 0, report->block_size);
	tw_exchange_give_back(report->blocks, block);
}
