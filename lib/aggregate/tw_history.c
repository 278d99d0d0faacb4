/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Records are one allocation each, counted by reference: the ring holds one, every reader that was handed it another.
 * The aggregator waits for the lock only as long as a reader copies sums or takes references.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tw_history_priv.h"

struct tw_history {
	struct tw_sink sink;
	const struct tw_view *view;
	pthread_mutex_t lock;
	void (*notify)(void *arg);
	void *notify_arg;

	struct tw_kept **ring; /* [capacity], by sequence */
	unsigned int capacity;
	uint64_t next; /* sequence of the next record */

	struct tw_summary sums;
	struct tw_series_count *series;
	struct tw_pair_count *pairs;
	bool routed;
	struct tw_routes_view routes;
	struct tw_route_share *shares;
	struct tw_kept
		*coming; /* the aggregator's own: routes, until the first second that they decide */
	uint64_t *lost;  /* [TW_DROP_MAX][TW_PLACES] */
	struct tw_load *loads;
	unsigned int n_loads;
	struct tw_peer peers[2 * TW_PEERS_MAX];
	char names[2 * TW_PEERS_MAX][64];
	uint64_t events[TW_EVENT_MAX][TW_TARGET_MAX + 1];
	struct tw_event latest[TW_HISTORY_EVENTS];
	uint64_t n_events;
	bool ended;
};

enum {
	TW_PLACES = 64, /* ports, or workers */
};

static struct tw_history *of(struct tw_sink *sink)
{
	return (struct tw_history *)sink;
}

/* ---- writing ---- */

static void drop(struct tw_kept *kept)
{
	if (kept != NULL && --kept->references == 0)
		free(kept);
}

/* Under the lock. */
static void keep(struct tw_history *h, struct tw_kept *kept)
{
	struct tw_kept **place = &h->ring[h->next % h->capacity];

	drop(*place);
	kept->record.sequence = h->next++;
	*place = kept;
}

static void add_up(struct tw_history *h, const struct tw_second *second)
{
	struct tw_summary *sums = &h->sums;

	if (sums->seconds++ == 0)
		sums->first = second->time;
	sums->last = second->time;
	sums->inexact += !second->exact;
	sums->exact &= second->exact;
	tw_totals_add(&sums->totals, &second->totals);
	for (uint32_t i = 0; i < h->view->n_series; i++) {
		h->series[i].packets += second->series[i].packets;
		h->series[i].bytes += second->series[i].bytes;
		h->series[i].flows += second->series[i].flows;
		h->series[i].active_flows = second->series[i].active_flows;
	}
	for (uint32_t i = 0; i < h->view->n_pairs; i++) {
		h->pairs[i].packets += second->pairs[i].packets;
		h->pairs[i].bytes += second->pairs[i].bytes;
	}
	h->routed = second->routes != NULL;
	if (h->routed)
		h->routes = *second->routes;
	for (unsigned int i = 0; i < second->n_losses; i++)
		if (second->losses[i].index < TW_PLACES)
			h->lost[second->losses[i].cause * TW_PLACES + second->losses[i].index] +=
				second->losses[i].packets;
	h->n_loads = second->n_loads < TW_PLACES ? second->n_loads : TW_PLACES;
	for (unsigned int i = 0; i < h->n_loads; i++)
		h->loads[i] = second->loads[i];
}

static void tell(const struct tw_history *h)
{
	if (h->notify != NULL)
		h->notify(h->notify_arg);
}

static int second(struct tw_sink *sink, const struct tw_second *second)
{
	struct tw_history *h = of(sink);
	struct tw_kept *kept = tw_record_make(h->view, second);

	if (kept == NULL)
		return -ENOMEM;
	pthread_mutex_lock(&h->lock);
	if (h->coming != NULL) {
		tw_record_shares(h->view, &h->coming->record, h->shares);
		h->coming->record.time = second->time; /* times of records rise */
		keep(h, h->coming);
		h->coming = NULL;
	}
	add_up(h, second);
	keep(h, kept);
	pthread_mutex_unlock(&h->lock);
	tell(h);
	return 0;
}

/* Nobody sees these routes before their first second has closed: what is read is of one second. */
static int routes(struct tw_sink *sink, const struct tw_routes_view *routes)
{
	struct tw_history *h = of(sink);

	drop(h->coming);
	h->coming = tw_record_make_routes(h->view, routes);
	return h->coming != NULL ? 0 : -ENOMEM;
}

static int gap(struct tw_sink *sink, uint64_t first, uint64_t last)
{
	struct tw_history *h = of(sink);
	struct tw_kept *kept = calloc(1, sizeof(*kept));

	if (kept == NULL)
		return -ENOMEM;
	*kept = (struct tw_kept){
		.references = 1, .record = {.kind = TW_RECORD_GAP, .gap = first, .time = last}};
	pthread_mutex_lock(&h->lock);
	keep(h, kept);
	pthread_mutex_unlock(&h->lock);
	tell(h);
	return 0;
}

static int event(struct tw_sink *sink, const struct tw_event *event)
{
	struct tw_history *h = of(sink);
	struct tw_kept *kept = calloc(1, sizeof(*kept));

	if (kept == NULL)
		return -ENOMEM;
	*kept = (struct tw_kept){.references = 1,
		.record = {.kind = TW_RECORD_EVENT, .event = *event, .time = event->time}};
	pthread_mutex_lock(&h->lock);
	keep(h, kept);
	h->events[event->type][event->target < TW_TARGET_MAX ? event->target : TW_TARGET_MAX]++;
	h->latest[h->n_events++ % TW_HISTORY_EVENTS] = *event;
	pthread_mutex_unlock(&h->lock);
	tell(h);
	return 0;
}

unsigned int tw_history_events(struct tw_history *h, struct tw_event *events, unsigned int n)
{
	uint64_t at;
	unsigned int taken = 0;

	if (n > TW_HISTORY_EVENTS)
		n = TW_HISTORY_EVENTS;
	pthread_mutex_lock(&h->lock);
	for (at = h->n_events > n ? h->n_events - n : 0; at < h->n_events; at++)
		events[taken++] = h->latest[at % TW_HISTORY_EVENTS];
	pthread_mutex_unlock(&h->lock);
	return taken;
}

void tw_history_set_peers(struct tw_history *h, const struct tw_peer *peers, unsigned int n)
{
	pthread_mutex_lock(&h->lock);
	for (unsigned int i = 0; i < n && i < 2 * TW_PEERS_MAX; i++) {
		size_t length = strnlen(peers[i].name, sizeof(h->names[i]) - 1);

		/* Names are UTF-8: none is cut within a character. */
		while (length > 0 && (peers[i].name[length] & 0xc0) == 0x80)
			length--;
		memcpy(h->names[i], peers[i].name, length);
		h->names[i][length] = '\0';
		h->peers[i] = peers[i];
	}
	h->sums.n_peers = n;
	pthread_mutex_unlock(&h->lock);
}

static int summary(struct tw_sink *sink, const struct tw_summary *summary)
{
	struct tw_history *h = of(sink);

	tw_history_set_peers(h, summary->peers, summary->n_peers);
	pthread_mutex_lock(&h->lock);
	h->ended = true;
	pthread_mutex_unlock(&h->lock);
	tell(h);
	return 0;
}

/* ---- reading ---- */

static int copy(struct tw_history *h, struct tw_snapshot *s)
{
	unsigned int n = 0;

	memcpy(s->series, h->series, h->view->n_series * sizeof(*s->series));
	memcpy(s->pairs, h->pairs, h->view->n_pairs * sizeof(*s->pairs));
	memcpy(s->shares, h->shares, tw_record_n_shares(h->view) * sizeof(*s->shares));
	s->routes = h->routes;
	s->routes.shares = s->shares;
	memcpy(s->loads, h->loads, h->n_loads * sizeof(*s->loads));
	memcpy(s->names, h->names, sizeof(h->names));
	memcpy(s->peers, h->peers, sizeof(h->peers));
	for (unsigned int i = 0; i < 2 * TW_PEERS_MAX; i++)
		s->peers[i].name = s->names[i];
	for (unsigned int i = 0; i < TW_DROP_MAX * TW_PLACES; i++)
		if (h->lost[i] > 0)
			s->losses[n++] = (struct tw_loss){
				(enum tw_drop)(i / TW_PLACES), i % TW_PLACES, h->lost[i]};
	memcpy(s->events, h->events, sizeof(s->events));
	s->summary = h->sums;
	s->summary.series = s->series;
	s->summary.pairs = s->pairs;
	s->summary.routes = h->routed ? &s->routes : NULL;
	s->summary.losses = s->losses;
	s->summary.n_losses = n;
	s->summary.peers = s->peers;
	s->n_loads = h->n_loads;
	s->n_records = h->next;
	s->ended = h->ended;
	return 0;
}

int tw_history_snapshot(struct tw_history *h, struct tw_snapshot *s)
{
	*s = (struct tw_snapshot){.series = calloc(h->view->n_series + 1, sizeof(*s->series)),
		.pairs = calloc(h->view->n_pairs + 1, sizeof(*s->pairs)),
		.shares = calloc(tw_record_n_shares(h->view) + 1, sizeof(*s->shares)),
		.loads = calloc(TW_PLACES, sizeof(*s->loads)),
		.losses = calloc(TW_DROP_MAX * TW_PLACES, sizeof(*s->losses)),
		.peers = calloc(2 * TW_PEERS_MAX, sizeof(*s->peers)),
		.names = calloc(2 * TW_PEERS_MAX, sizeof(*s->names))};
	if (s->series == NULL || s->pairs == NULL || s->shares == NULL || s->loads == NULL ||
		s->losses == NULL || s->peers == NULL || s->names == NULL) {
		tw_snapshot_free(s);
		return -ENOMEM;
	}
	pthread_mutex_lock(&h->lock);
	copy(h, s);
	pthread_mutex_unlock(&h->lock);
	return 0;
}

void tw_snapshot_free(struct tw_snapshot *s)
{
	free(s->series);
	free(s->pairs);
	free(s->shares);
	free(s->loads);
	free(s->losses);
	free(s->peers);
	free(s->names);
	*s = (struct tw_snapshot){0};
}

/* Sequence of the oldest record kept. */
static uint64_t oldest(const struct tw_history *h)
{
	return h->next > h->capacity ? h->next - h->capacity : 0;
}

unsigned int tw_history_records(
	struct tw_history *h, uint64_t sequence, const struct tw_record **records, unsigned int n)
{
	unsigned int taken = 0;

	pthread_mutex_lock(&h->lock);
	if (sequence < oldest(h))
		sequence = oldest(h);
	for (; taken < n && sequence < h->next; sequence++) {
		struct tw_kept *kept = h->ring[sequence % h->capacity];

		kept->references++;
		records[taken++] = &kept->record;
	}
	pthread_mutex_unlock(&h->lock);
	return taken;
}

void tw_history_release(struct tw_history *h, const struct tw_record **records, unsigned int n)
{
	pthread_mutex_lock(&h->lock);
	for (unsigned int i = 0; i < n; i++)
		drop((struct tw_kept *)(uintptr_t)records[i]);
	pthread_mutex_unlock(&h->lock);
}

bool tw_history_goes_on(struct tw_history *h, uint64_t sequence)
{
	bool result;

	pthread_mutex_lock(&h->lock);
	result = sequence < h->next || h->ended;
	pthread_mutex_unlock(&h->lock);
	return result;
}

uint64_t tw_history_find(struct tw_history *h, uint64_t time)
{
	uint64_t low, high;

	pthread_mutex_lock(&h->lock);
	low = oldest(h);
	high = h->next;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (h->ring[middle % h->capacity]->record.time < time)
			low = middle + 1;
		else
			high = middle;
	}
	pthread_mutex_unlock(&h->lock);
	return low;
}

unsigned int tw_history_capacity(const struct tw_history *h)
{
	return h->capacity;
}

/* ---- making ---- */

struct tw_sink *tw_history_sink(struct tw_history *h)
{
	return &h->sink;
}

void tw_history_notify(struct tw_history *h, void (*notify)(void *arg), void *arg)
{
	h->notify_arg = arg;
	h->notify = notify;
}

struct tw_history *tw_history_create(
	const struct tw_view *view, unsigned int seconds, struct tw_diag *diag)
{
	struct tw_history *h = calloc(1, sizeof(*h));

	if (h == NULL)
		goto no_memory;
	pthread_mutex_init(&h->lock, NULL);
	h->view = view;
	h->capacity = seconds;
	h->sums.exact = true;
	h->ring = calloc(seconds, sizeof(struct tw_kept *));
	h->series = calloc(view->n_series + 1, sizeof(*h->series));
	h->pairs = calloc(view->n_pairs + 1, sizeof(*h->pairs));
	h->shares = calloc(tw_record_n_shares(view) + 1, sizeof(*h->shares));
	h->lost = calloc(TW_DROP_MAX * TW_PLACES, sizeof(*h->lost));
	h->loads = calloc(TW_PLACES, sizeof(*h->loads));
	if (h->ring == NULL || h->series == NULL || h->pairs == NULL || h->shares == NULL ||
		h->lost == NULL || h->loads == NULL)
		goto no_memory;
	h->sink = (struct tw_sink){
		.routes = routes, .second = second, .event = event, .gap = gap, .summary = summary};
	return h;

no_memory:
	tw_diag_add(diag, -ENOMEM, "no memory for a history of %u seconds", seconds);
	tw_history_free(h);
	return NULL;
}

void tw_history_free(struct tw_history *h)
{
	if (h == NULL)
		return;
	for (unsigned int i = 0; h->ring != NULL && i < h->capacity; i++)
		drop(h->ring[i]);
	drop(h->coming);
	free(h->ring);
	free(h->series);
	free(h->pairs);
	free(h->shares);
	free(h->lost);
	free(h->loads);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
