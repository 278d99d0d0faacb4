/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The fast path, on one page: tw_worker_run(). No lock, no allocation, no log line; what it writes is its own.
 */

#include <rte_branch_prediction.h>
#include <rte_cycles.h>

#include "spin.h"
#include "worker.h"

/*
 * What the source may leave out. While other rules wait for their second it leaves out nothing: they may be the ones
 * who decide about the burst.
 */
static inline const struct tw_near *near_now(const struct tw_worker *w)
{
	if (w->rules != atomic_load_explicit(&w->slot->published, memory_order_relaxed))
		return NULL;
	return tw_table_near(w->rules->table);
}

static struct tw_burst *next_burst(struct tw_worker *w)
{
	struct tw_spin wait = {0};
	struct tw_burst *burst;

	if (w->source != NULL) {
		w->source->near = near_now(w);
		w->source->fill(w->source, &w->burst);
		return &w->burst;
	}
	while ((burst = tw_exchange_receive(w->exchange)) == NULL) {
		if (w->live)
			tw_idle(&w->idle);
		else
			tw_spin(&wait);
	}
	w->idle.n = 0;
	return burst;
}

/* NULL where a live worker finds none. */
static struct tw_block *take_block(struct tw_worker *w, uint64_t second)
{
	struct tw_spin wait = {0};
	struct tw_block *block;

	while ((block = tw_report_take(w->report, second)) == NULL && !w->live)
		tw_spin(&wait);
	return block;
}

static void close_second(struct tw_worker *w, struct tw_block *block, bool last)
{
	tw_flow_close(w->flows, block->second, block->series);
	block->last = last;
	w->told = block->second + 1;
	/* The aggregator's from here on: before this returns it may be zeros. */
	tw_report_send(w->report, block);
}

/* Takes a block for the next second to be told of, up to `second`. What was lost so far is told in it. */
static struct tw_block *next_block(struct tw_worker *w, uint64_t second)
{
	struct tw_block *block;

	/* Seconds without a packet are told as long as there is something to tell of them: flows, or losses. */
	if (w->told == 0 || (w->lossy_since == 0 && tw_flow_active(w->flows) == 0))
		w->told = second;
	block = take_block(w, w->told);
	if (block == NULL)
		return NULL;
	block->totals.dropped[TW_DROP_REPORT_FULL] = w->lost;
	block->inexact = w->lossy_since != 0 && w->lossy_since <= w->told;
	w->lost = 0;
	return block;
}

/*
 * At the turn of a second: the rules published last, if it is one of theirs, and not if the burst was filled before
 * they were, with packets left out by the old ones; and routes up to it.
 */
static void take_rules(struct tw_worker *w, uint64_t second)
{
	struct tw_rules *rules = atomic_load_explicit(&w->slot->published, memory_order_acquire);

	if (rules != w->rules && rules->from <= second &&
		(w->source == NULL || w->source->near == NULL))
		tw_worker_use(w, rules);
	tw_rules_take_turns(w->rules, w->id, second);
}

/*
 * Turns the clock to the burst's second: closes the open block and those of the silent seconds between. Without a free
 * block w->block stays NULL, and the next burst tries again.
 */
static void turn(struct tw_worker *w, const struct tw_burst *burst)
{
	if (burst->rx.dropped > 0 && (w->lossy_since == 0 || burst->drop_since < w->lossy_since))
		w->lossy_since = burst->drop_since;
	if (w->block != NULL) {
		w->block->inexact |= w->lossy_since != 0 && w->lossy_since <= w->block->second;
		close_second(w, w->block, false);
	}
	while ((w->block = next_block(w, burst->second)) != NULL &&
		w->block->second < burst->second)
		close_second(w, w->block, false);
	if (w->block != NULL)
		w->lossy_since = 0;
	else if (w->lossy_since == 0)
		w->lossy_since = w->told;
}

static void process(struct tw_worker *w, struct tw_burst *burst)
{
	if (w->block == NULL || w->block->second != burst->second) {
		turn(w, burst);
		take_rules(w, burst->second);
	}
	if (unlikely(w->block == NULL)) {
		w->lost += burst->rx.packets + burst->rx.dropped;
		return;
	}
	tw_classify(w->rules->table, burst);
	tw_attribute(w->rules->map, w->vias, burst);
	tw_count(w->block, &w->rules->peers[w->id], burst);
	w->block->totals.flow_overflow += tw_flow_burst(w->flows, burst, w->block->series);
}

/* How busy the worker is: time spent on bursts that brought packets, beside all time. */
static void clock_burst(struct tw_worker *w, uint64_t began, const struct tw_burst *burst)
{
	uint64_t now = rte_rdtsc();

	if (w->block != NULL && w->mark != 0) {
		w->block->cycles += now - w->mark;
		if (burst->rx.packets > 0)
			w->block->busy_cycles += now - began;
	}
	w->mark = now;
}

int tw_worker_run(void *arg)
{
	struct tw_worker *w = arg;
	bool end = false;

	while (!end) {
		uint64_t began = w->live && w->source != NULL ? rte_rdtsc() : 0;
		struct tw_burst *burst = next_burst(w);

		if (w->live && w->source == NULL)
			began = rte_rdtsc();
		end = burst->end;
		if (burst->second != TW_SECOND_NONE)
			process(w, burst);
		if (w->live)
			clock_burst(w, began, burst);
		tw_rules_tell(w->slot, w->rules, w->id);
		if (w->exchange != NULL)
			tw_exchange_give_back(w->exchange, burst);
	}
	w->live = false; /* the last second is told, whoever has to be waited for */
	if (w->block == NULL && w->told != 0)
		w->block = next_block(w, w->told);
	if (w->block != NULL)
		close_second(w, w->block, true);
	return 0;
}
