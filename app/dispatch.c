/* SPDX-License-Identifier: BSD-3-Clause */

#include <rte_branch_prediction.h>

#include "dispatch.h"
#include "spin.h"

/* An empty burst for the worker; a live reader may find none, and d->bursts[worker] is NULL. */
static void take(struct tw_dispatch *d, unsigned int worker, uint64_t second)
{
	struct tw_dispatch_loss *loss = &d->loss[worker];
	struct tw_spin wait = {0};
	struct tw_burst *burst;

	while ((burst = tw_exchange_take(d->exchanges[worker])) == NULL && !d->source->live)
		tw_spin(&wait);
	d->bursts[worker] = burst;
	if (burst == NULL)
		return;
	tw_burst_reset(burst, second);
	burst->rx.dropped = loss->packets;
	burst->drop_since = loss->since;
	loss->packets = 0;
}

static void send(struct tw_dispatch *d, unsigned int worker)
{
	if (d->bursts[worker] != NULL)
		tw_exchange_send(d->exchanges[worker], d->bursts[worker]);
	d->bursts[worker] = NULL;
}

/* Ends the open second for all workers, and opens `second`. */
static void turn(struct tw_dispatch *d, uint64_t second)
{
	for (unsigned int worker = 0; worker < d->n_workers; worker++) {
		send(d, worker);
		take(d, worker, second);
	}
}

/* The worker of a hash, without a division: the hash as a fraction of all workers. */
static unsigned int worker_of(const struct tw_dispatch *d, uint32_t hash)
{
	return (unsigned int)((uint64_t)hash * d->n_workers >> 32);
}

static void lose(struct tw_dispatch *d, unsigned int worker)
{
	struct tw_dispatch_loss *loss = &d->loss[worker];

	if (loss->packets++ == 0)
		loss->since = tw_source_second(d->source);
}

static void receive(struct tw_dispatch *d)
{
	const struct tw_source *source = d->source;
	struct tw_packet packet;
	enum tw_verdict verdict = tw_parse(&source->frame, source->decapsulate, &packet);
	unsigned int worker = verdict == TW_VERDICT_IP ? worker_of(d, tw_packet_hash(&packet)) : 0;
	struct tw_burst *burst = d->bursts[worker];

	if (burst == NULL || burst->n == TW_BURST_MAX) {
		send(d, worker);
		take(d, worker, tw_source_second(source));
		burst = d->bursts[worker];
	}
	if (unlikely(burst == NULL)) {
		lose(d, worker);
		return;
	}
	tw_source_receive(source, burst);
	if (verdict == TW_VERDICT_IP)
		tw_burst_append(burst, &packet, source->clock);
	else if (verdict == TW_VERDICT_NOT_IP)
		burst->rx.not_ip++;
	else
		burst->rx.malformed[packet.malformed]++;
}

int tw_dispatch_run(void *arg)
{
	struct tw_dispatch *d = arg;
	uint64_t open = TW_SECOND_NONE;

	for (unsigned int worker = 0; worker < d->n_workers; worker++)
		take(d, worker, open);
	while (d->source->next(d->source)) {
		uint64_t second = tw_source_second(d->source);

		if (second != open && open != TW_SECOND_NONE)
			turn(d, second);
		else if (second != open)
			for (unsigned int worker = 0; worker < d->n_workers; worker++)
				d->bursts[worker]->second = second;
		open = second;
		if (!d->source->idle)
			receive(d);
	}
	d->source->live = false; /* the end is told, whoever has to be waited for */
	for (unsigned int worker = 0; worker < d->n_workers; worker++) {
		if (d->bursts[worker] == NULL)
			take(d, worker, open);
		d->bursts[worker]->end = 1;
		send(d, worker);
	}
	return 0;
}
