/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Blocks of one second from several workers meet in a pending second. `passed[w]` is the last second of which
 * worker w has sent a block; the smallest of them is the watermark, and all seconds up to it are complete:
 *
 *   closed ... | pending, complete ... | watermark | pending, waiting for the slowest worker ...
 *
 * Pending seconds are few (workers cannot run further apart than their rings are long), so a sorted array does.
 * Their counters come from a free list: memory grows to the largest number ever pending and stays.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tw_aggregate.h"
#include "tw_events.h"
#include "tw_peers.h"

struct pending {
	uint64_t second;
	bool inexact;
	struct tw_totals totals;
	struct pending *next_free;
	struct tw_pair_count *pairs; /* behind the series */
	uint64_t *lost;              /* [cause][port or worker]: behind these */
	struct tw_load *loads;       /* [worker]: behind these */
	struct tw_series_count series[];
};

struct worker {
	bool started;
	bool ended;
	uint64_t passed;
};

struct tw_aggregate {
	const struct tw_view *view;
	struct tw_sink **sinks; /* NULL once one failed */
	unsigned int n_sinks;
	int sink_error;

	struct worker *workers;
	unsigned int n_workers;

	struct pending **pending; /* by rising second */
	unsigned int n_pending;
	unsigned int pending_capacity;
	struct pending *free;

	struct tw_series_count *zeros;
	struct tw_series_count *sums;
	struct tw_pair_count *zero_pairs;
	struct tw_pair_count *pair_sums;
	uint64_t routes_number; /* of the routes that the sinks know */
	struct tw_summary summary;
	struct tw_peer_sums peers;
	struct tw_events *events; /* NULL: none */

	unsigned int n_places;  /* the larger of the numbers of ports and workers */
	uint64_t *lost;         /* [TW_DROP_MAX][n_places], of the whole run */
	struct tw_loss *losses; /* [TW_DROP_MAX * n_places], of the second that closes, or of all */
};

/* Remembers a sink's first error and leaves the sink out from then on; the others go on. */
static void sink_result(struct tw_aggregate *a, unsigned int sink, int err)
{
	if (err == 0)
		return;
	if (a->sink_error == 0)
		a->sink_error = err;
	a->sinks[sink] = NULL;
}

#define FOR_EACH_SINK(a, call, ...)                                                  \
	do {                                                                         \
		for (unsigned int i_ = 0; i_ < (a)->n_sinks; i_++) {                 \
			struct tw_sink *sink_ = (a)->sinks[i_];                      \
			if (sink_ != NULL && sink_->call != NULL)                    \
				sink_result(a, i_, sink_->call(sink_, __VA_ARGS__)); \
		}                                                                    \
	} while (0)

static size_t lost_size(const struct tw_aggregate *a)
{
	return (size_t)TW_DROP_MAX * a->n_places * sizeof(uint64_t);
}

/* Writes what is not 0 of `lost` to a->losses. Returns how many. */
static unsigned int list_losses(struct tw_aggregate *a, const uint64_t *lost)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < TW_DROP_MAX * a->n_places; i++)
		if (lost[i] != 0)
			a->losses[n++] = (struct tw_loss){.cause = (enum tw_drop)(i / a->n_places),
				.index = i % a->n_places,
				.packets = lost[i]};
	return n;
}

struct tw_aggregate *tw_aggregate_create(const struct tw_view *view, unsigned int n_workers,
	struct tw_sink *const *sinks, unsigned int n_sinks, struct tw_diag *diag)
{
	struct tw_aggregate *a = calloc(1, sizeof(*a));

	if (a == NULL)
		goto no_memory;
	a->view = view;
	a->n_workers = n_workers;
	a->n_sinks = n_sinks;
	a->workers = calloc(n_workers, sizeof(*a->workers));
	a->sinks = calloc(n_sinks + 1, sizeof(*a->sinks));
	a->zeros = calloc(view->n_series + 1, sizeof(*a->zeros));
	a->sums = calloc(view->n_series + 1, sizeof(*a->sums));
	a->zero_pairs = calloc(view->n_pairs + 1, sizeof(*a->zero_pairs));
	a->pair_sums = calloc(view->n_pairs + 1, sizeof(*a->pair_sums));
	a->n_places = n_workers > view->n_ports ? n_workers : view->n_ports;
	a->lost = calloc(lost_size(a), 1);
	a->losses = calloc((size_t)TW_DROP_MAX * a->n_places, sizeof(*a->losses));
	if (a->workers == NULL || a->sinks == NULL || a->zeros == NULL || a->sums == NULL ||
		a->zero_pairs == NULL || a->pair_sums == NULL || a->lost == NULL ||
		a->losses == NULL)
		goto no_memory;
	if (n_sinks > 0)
		memcpy(a->sinks, sinks, n_sinks * sizeof(*sinks));
	if (view->event_rules != NULL) {
		a->events = tw_events_create(view, view->event_rules);
		if (a->events == NULL)
			goto no_memory;
	}
	a->summary.exact = true;
	a->summary.series = a->sums;
	a->summary.pairs = a->pair_sums;
	FOR_EACH_SINK(a, start, view);
	return a;

no_memory:
	tw_diag_add(diag, -ENOMEM, "no memory to aggregate %u series", view->n_series);
	tw_aggregate_free(a);
	return NULL;
}

void tw_aggregate_free(struct tw_aggregate *a)
{
	if (a == NULL)
		return;
	for (unsigned int i = 0; i < a->n_pending; i++)
		free(a->pending[i]);
	while (a->free != NULL) {
		struct pending *next = a->free->next_free;

		free(a->free);
		a->free = next;
	}
	free(a->pending);
	free(a->workers);
	free(a->sinks);
	free(a->zeros);
	free(a->sums);
	free(a->zero_pairs);
	free(a->pair_sums);
	tw_peers_free(&a->peers);
	tw_events_free(a->events);
	free(a->lost);
	free(a->losses);
	free(a);
}

static struct pending *take_pending(struct tw_aggregate *a, uint64_t second)
{
	size_t series_size = a->view->n_series * sizeof(struct tw_series_count);
	size_t pairs_size = a->view->n_pairs * sizeof(struct tw_pair_count);
	size_t size = sizeof(struct pending) + series_size + pairs_size + lost_size(a) +
		      a->n_workers * sizeof(struct tw_load);
	struct pending *p = a->free;

	if (p != NULL)
		a->free = p->next_free;
	else
		p = malloc(size);
	if (p == NULL)
		return NULL;
	memset(p, 0, size);
	p->second = second;
	p->pairs = (struct tw_pair_count *)(p->series + a->view->n_series);
	p->lost = (uint64_t *)(p->pairs + a->view->n_pairs);
	p->loads = (struct tw_load *)(p->lost + TW_DROP_MAX * a->n_places);
	return p;
}

/* The pending entry of a second, made where there is none. Looks from the end: blocks come nearly in order. */
static struct pending *pending_of(struct tw_aggregate *a, uint64_t second)
{
	unsigned int at = a->n_pending;
	struct pending *p;

	while (at > 0 && a->pending[at - 1]->second > second)
		at--;
	if (at > 0 && a->pending[at - 1]->second == second)
		return a->pending[at - 1];
	if (a->n_pending == a->pending_capacity) {
		unsigned int capacity = a->pending_capacity ? 2 * a->pending_capacity : 16;
		struct pending **grown = realloc(a->pending, capacity * sizeof(struct pending *));

		if (grown == NULL)
			return NULL;
		a->pending = grown;
		a->pending_capacity = capacity;
	}
	p = take_pending(a, second);
	if (p == NULL)
		return NULL;
	memmove(&a->pending[at + 1], &a->pending[at],
		(a->n_pending - at) * sizeof(struct pending *));
	a->pending[at] = p;
	a->n_pending++;
	return p;
}

static void tell_events(struct tw_aggregate *a, const struct tw_second *second)
{
	const struct tw_event *events;
	unsigned int n = a->events != NULL ? tw_events_second(a->events, second, &events) : 0;

	for (unsigned int i = 0; i < n; i++)
		FOR_EACH_SINK(a, event, &events[i]);
}

/* The routes of the second; where they are others than before, the sinks hear of them first. */
static void ask_routes(struct tw_aggregate *a, struct tw_second *second)
{
	const struct tw_view *view = a->view;

	if (view->routes == NULL)
		return;
	second->routes = view->routes(view->routes_arg, second->time);
	if (second->routes != NULL && second->routes->number != a->routes_number) {
		a->routes_number = second->routes->number;
		FOR_EACH_SINK(a, routes, second->routes);
	}
	a->summary.routes = second->routes;
}

static void close_second(struct tw_aggregate *a, struct tw_second *second)
{
	const struct tw_series_count *series = second->series;
	struct tw_summary *summary = &a->summary;
	uint64_t time = second->time;

	if (summary->seconds++ == 0)
		summary->first = time;
	summary->last = time;
	if (!second->exact) {
		summary->inexact++;
		summary->exact = false;
	}
	tw_totals_add(&summary->totals, &second->totals);
	for (uint32_t i = 0; i < a->view->n_series; i++) {
		a->sums[i].packets += series[i].packets;
		a->sums[i].bytes += series[i].bytes;
		a->sums[i].flows += series[i].flows;
		a->sums[i].active_flows = series[i].active_flows;
	}
	for (uint32_t i = 0; i < a->view->n_pairs; i++) {
		a->pair_sums[i].packets += second->pairs[i].packets;
		a->pair_sums[i].bytes += second->pairs[i].bytes;
	}
	ask_routes(a, second);
	FOR_EACH_SINK(a, second, second);
	tell_events(a, second);
}

/* The seconds between the last closed one and `next`, in which no worker had anything. */
static void close_silence(struct tw_aggregate *a, uint64_t next)
{
	uint64_t from = a->summary.last + 1;

	if (a->summary.seconds == 0 || from >= next)
		return;
	if (next - from > TW_GAP_MAX) {
		FOR_EACH_SINK(a, gap, from, next - 1);
		if (a->events != NULL)
			tw_events_gap(a->events);
		return;
	}
	for (uint64_t time = from; time < next; time++) {
		struct tw_second silent = {
			.time = time, .exact = true, .series = a->zeros, .pairs = a->zero_pairs};

		close_second(a, &silent);
	}
}

static void close_pending(struct tw_aggregate *a, struct pending *p)
{
	struct tw_second second = {.time = p->second,
		.totals = p->totals,
		.losses = a->losses,
		.n_losses = list_losses(a, p->lost),
		.loads = p->loads,
		.n_loads = a->n_workers,
		.series = p->series,
		.pairs = p->pairs};

	second.exact = !p->inexact && second.n_losses == 0;
	for (unsigned int i = 0; i < TW_DROP_MAX * a->n_places; i++)
		a->lost[i] += p->lost[i];
	close_second(a, &second);
	p->next_free = a->free;
	a->free = p;
}

static void close_complete(struct tw_aggregate *a)
{
	uint64_t watermark = UINT64_MAX;
	unsigned int n = 0;

	for (unsigned int w = 0; w < a->n_workers; w++) {
		if (!a->workers[w].started)
			return;
		if (!a->workers[w].ended && a->workers[w].passed < watermark)
			watermark = a->workers[w].passed;
	}
	for (; n < a->n_pending && a->pending[n]->second <= watermark; n++) {
		close_silence(a, a->pending[n]->second);
		close_pending(a, a->pending[n]);
	}
	a->n_pending -= n;
	memmove(a->pending, a->pending + n, a->n_pending * sizeof(struct pending *));
}

int tw_aggregate_block(struct tw_aggregate *a, unsigned int worker, const struct tw_block *block)
{
	struct pending *p = pending_of(a, block->second);

	if (p == NULL)
		return -ENOMEM;
	tw_totals_add(&p->totals, &block->totals);
	p->inexact |= block->inexact;
	p->loads[worker].cycles += block->cycles;
	p->loads[worker].busy_cycles += block->busy_cycles;
	for (unsigned int cause = TW_DROP_PORT_MAX; cause < TW_DROP_MAX; cause++)
		p->lost[cause * a->n_places + worker] += block->totals.dropped[cause];
	for (uint32_t i = 0; i < a->view->n_series; i++) {
		const uint64_t *add = (const uint64_t *)&block->series[i];
		uint64_t *sum = (uint64_t *)&p->series[i];

		for (size_t k = 0; k < sizeof(p->series[i]) / sizeof(*sum); k++)
			sum[k] += add[k];
	}
	for (uint32_t i = 0; i < block->n_pairs; i++) {
		p->pairs[i].packets += tw_block_pairs(block)[i].packets;
		p->pairs[i].bytes += tw_block_pairs(block)[i].bytes;
	}
	a->workers[worker].started = true;
	a->workers[worker].ended = block->last;
	a->workers[worker].passed = block->second;
	close_complete(a);
	return 0;
}

int tw_aggregate_port_loss(struct tw_aggregate *a, uint64_t second, unsigned int port,
	enum tw_drop cause, uint64_t packets)
{
	struct pending *p;

	/* A closed second never reopens: the loss counts in the first that is open. */
	if (a->summary.seconds > 0 && second <= a->summary.last)
		second = a->summary.last + 1;
	p = pending_of(a, second);
	if (p == NULL)
		return -ENOMEM;
	p->totals.dropped[cause] += packets;
	p->lost[cause * a->n_places + port] += packets;
	return 0;
}

int tw_aggregate_retire(struct tw_aggregate *a, const struct tw_table *table,
	const struct tw_peers *const *peers, unsigned int n_peers)
{
	return tw_peers_fold(&a->peers, table, peers, n_peers);
}

int tw_aggregate_finish(struct tw_aggregate *a, const struct tw_table *table,
	const struct tw_peers *const *peers, unsigned int n_peers)
{
	struct tw_peer ranked[2 * TW_PEERS_MAX];
	int n = tw_aggregate_retire(a, table, peers, n_peers);

	if (n == 0)
		n = tw_peers_rank(&a->peers, ranked);
	if (n < 0)
		return n;
	a->summary.peers = ranked;
	a->summary.n_peers = (unsigned int)n;
	a->summary.losses = a->losses;
	a->summary.n_losses = list_losses(a, a->lost);
	FOR_EACH_SINK(a, summary, &a->summary);
	a->summary.peers = NULL;
	a->summary.n_peers = 0;
	return a->sink_error;
}

int tw_aggregate_peers(const struct tw_aggregate *a, const struct tw_table *table,
	const struct tw_peers *const *peers, unsigned int n_peers,
	void (*show)(void *arg, const struct tw_peer *peers, unsigned int n), void *arg)
{
	struct tw_peer ranked[2 * TW_PEERS_MAX];
	struct tw_peer_sums sums;
	int n = tw_peers_copy(&sums, &a->peers);

	if (n == 0)
		n = tw_peers_fold(&sums, table, peers, n_peers);
	if (n == 0)
		n = tw_peers_rank(&sums, ranked);
	if (n >= 0)
		show(arg, ranked, (unsigned int)n);
	tw_peers_free(&sums);
	return n < 0 ? n : 0;
}

uint64_t tw_aggregate_seconds(const struct tw_aggregate *a)
{
	return a->summary.seconds;
}
