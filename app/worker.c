/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The fast path, on one page: tw_worker_run(). No lock, no allocation, no log line; what it writes is its own.
 */

#include "spin.h"
#include "worker.h"

static struct tw_burst *next_burst(struct tw_worker *w)
{
	struct tw_spin wait = {0};
	struct tw_burst *burst;

	if (w->source != NULL) {
		w->source->fill(w->source, &w->burst);
		return &w->burst;
	}
	while ((burst = tw_exchange_receive(w->exchange)) == NULL)
		tw_spin(&wait);
	return burst;
}

static struct tw_block *take_block(struct tw_worker *w, uint64_t second)
{
	struct tw_spin wait = {0};
	struct tw_block *block;

	while ((block = tw_report_take(w->report, second)) == NULL)
		tw_spin(&wait);
	return block;
}

static void close_second(struct tw_worker *w, struct tw_block *block, bool last)
{
	tw_flow_close(w->flows, block->second, block->series);
	block->last = last;
	tw_report_send(w->report, block);
}

/*
 * Turns the clock to `second`. Seconds without a packet are told as long as flows are active in them; after
 * that there is nothing to tell, and the aggregator knows silence when it sees none.
 */
static void turn(struct tw_worker *w, uint64_t second)
{
	if (w->block != NULL) {
		uint64_t silent = w->block->second + 1;

		close_second(w, w->block, false);
		for (; silent < second && tw_flow_active(w->flows) > 0; silent++)
			close_second(w, take_block(w, silent), false);
	}
	w->block = take_block(w, second);
}

int tw_worker_run(void *arg)
{
	struct tw_worker *w = arg;
	bool end = false;

	while (!end) {
		struct tw_burst *burst = next_burst(w);

		end = burst->end;
		if (burst->second != TW_SECOND_NONE) {
			if (w->block == NULL || w->block->second != burst->second)
				turn(w, burst->second);
			tw_classify(w->table, burst);
			tw_attribute(w->map, burst);
			tw_count(w->block, &w->peers, burst);
			w->block->totals.flow_overflow +=
				tw_flow_burst(w->flows, burst, w->block->series);
		}
		if (w->exchange != NULL)
			tw_exchange_give_back(w->exchange, burst);
	}
	if (w->block != NULL)
		close_second(w, w->block, true);
	return 0;
}
