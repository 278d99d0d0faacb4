/* SPDX-License-Identifier: BSD-3-Clause */

#include <rte_branch_prediction.h>
#include <rte_ethdev.h>
#include <rte_prefetch.h>

#include "port_source.h"
#include "tw_burst_plain.h"

enum {
	/*
	 * Frames that a queue is asked for at a time, until it has no more or the burst is full. Few, so that the
	 * processor parses some while it waits for the memory that the driver copies the next from; but not less than 8:
	 * the widest vector drivers take eights alone, and would return none.
	 */
	RECEIVE = 8,
	RECEIVE_ONES = 32, /* for a reader, who tells frames one by one */
	AHEAD = 4,         /* frames fetched ahead of the parser */
	HEADERS_MAX = 512, /* octets in which the parser is done, whatever is stacked */
	TAG = 4,
	DRAIN_NS = 20000000,
};

_Static_assert(TW_BURST_MAX % RECEIVE == 0, "whole ones go into a burst");

/* It may go back by a moment, where the wall clock was set back and the control core looked late. */
static void look_at_clock(struct tw_port_source *source)
{
	uint64_t now = tw_wall_ns(source->wall);

	if (now > source->base.clock)
		source->base.clock = now;
}

/* Whether it is time to end, as far as the clock goes: the queues are emptied first, unless they never are. */
static bool ends(struct tw_port_source *source)
{
	if (likely(!atomic_load_explicit(source->stop, memory_order_relaxed)))
		return false;
	if (source->drain_until == 0)
		source->drain_until = source->base.clock + DRAIN_NS;
	return source->base.clock >= source->drain_until;
}

/* Asks the queues in turn until one has something. Returns whether one had. */
static bool receive(struct tw_port_source *source, uint16_t most)
{
	for (unsigned int i = 0; i < source->n_queues; i++) {
		const struct tw_port_queue *queue = &source->queues[source->turn];

		if (++source->turn == source->n_queues)
			source->turn = 0;
		source->n = rte_eth_rx_burst(queue->port, queue->queue, source->mbufs, most);
		source->index = queue->index;
		if (source->n > 0) {
			source->idle.n = 0;
			return true;
		}
	}
	return false;
}

/* A frame as the parser takes it. What hardware stripped off is told beside it. */
static inline void to_frame(struct tw_port_source *source, struct rte_mbuf *mbuf)
{
	struct tw_frame *frame = &source->base.frame;

	frame->length = mbuf->pkt_len;
	frame->captured = mbuf->data_len;
	frame->data = rte_pktmbuf_mtod(mbuf, const uint8_t *);
	frame->port = source->index;
	frame->vlan_stripped = TW_VLAN_NONE;
	if (unlikely(mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED))
		frame->vlan_stripped = mbuf->vlan_tci;
	if (unlikely(mbuf->data_len < mbuf->pkt_len && mbuf->data_len < HEADERS_MAX)) {
		frame->captured = RTE_MIN(mbuf->pkt_len, (uint32_t)sizeof(source->bounce));
		frame->data = rte_pktmbuf_read(mbuf, 0, frame->captured, source->bounce);
	}
}

/* A frame with a tag taken off, a tunnel to be taken off, or whatever else is not plain. */
static __rte_noinline void take_special(
	struct tw_port_source *source, struct tw_burst *burst, struct rte_mbuf *mbuf)
{
	struct tw_source *base = &source->base;

	to_frame(source, mbuf);
	if (base->frame.vlan_stripped != TW_VLAN_NONE)
		burst->rx.bytes += TAG;
	tw_burst_parse(burst, &base->frame, base->decapsulate, base->clock);
}

/*
 * 0 where a buffer can go back to `pool` as it is. Its second cache line, which nobody else here needs, is not asked:
 * what is one segment has no next.
 */
static inline uint64_t is_odd(const struct rte_mbuf *mbuf, const struct rte_mempool *pool)
{
	return (mbuf->ol_flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL)) |
	       (uint64_t)(mbuf->refcnt ^ 1) | (uint64_t)(mbuf->nb_segs ^ 1) |
	       ((uintptr_t)mbuf->pool ^ (uintptr_t)pool);
}

/* Parses what was received into the burst, and lets go of it. */
static void take(struct tw_port_source *source, struct tw_burst *burst)
{
	struct rte_mempool *pool = source->mbufs[0]->pool;
	struct tw_source *base = &source->base;
	/* Where tunnels are taken off, all frames are treated as those whose tag was. */
	uint64_t flags = base->decapsulate != 0 ? RTE_MBUF_F_RX_VLAN_STRIPPED : 0;
	uint64_t bytes = 0, odd = 0;
	const struct tw_near *near = base->near;
	struct tw_plain frame = {.port = source->index, .time = base->clock};

	for (unsigned int i = 0; i < AHEAD && i < source->n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(source->mbufs[i], void *));
	for (unsigned int i = 0; i < source->n; i++) {
		struct rte_mbuf *mbuf = source->mbufs[i];

		if (i + AHEAD < source->n)
			rte_prefetch0(rte_pktmbuf_mtod(source->mbufs[i + AHEAD], void *));
		bytes += mbuf->pkt_len;
		odd |= is_odd(mbuf, pool);
		frame.data = rte_pktmbuf_mtod(mbuf, const uint8_t *);
		frame.captured = mbuf->data_len;
		frame.length = mbuf->pkt_len;
		if (unlikely(((mbuf->ol_flags | flags) & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0 ||
			     !tw_burst_parse_plain(burst, &frame, near)))
			take_special(source, burst, mbuf);
	}
	burst->rx.packets += source->n;
	burst->rx.bytes += bytes;
	base->n_frames += source->n;
	if (likely(odd == 0))
		rte_mempool_put_bulk(pool, (void *const *)source->mbufs, source->n);
	else
		rte_pktmbuf_free_bulk(source->mbufs, source->n);
	source->n = 0;
}

static void fill(struct tw_source *base, struct tw_burst *burst)
{
	struct tw_port_source *source = (struct tw_port_source *)base;

	look_at_clock(source);
	tw_burst_reset(burst, tw_source_second(base));
	if (unlikely(ends(source)) || !receive(source, RECEIVE)) {
		burst->end = source->drain_until != 0;
		tw_idle(&source->idle);
		return;
	}
	/* A queue that gave all that it was asked for has more: the stages behind share their cost among all. */
	do
		take(source, burst);
	while (burst->rx.packets % RECEIVE == 0 && burst->rx.packets < TW_BURST_MAX &&
		receive(source, RECEIVE));
}

void tw_port_source_release(struct tw_port_source *source)
{
	if (source->n > 0)
		rte_pktmbuf_free_bulk(source->mbufs, source->n);
	source->n = source->at = 0;
}

static bool next(struct tw_source *base)
{
	struct tw_port_source *source = (struct tw_port_source *)base;

	base->idle = false;
	if (source->at == source->n) {
		tw_port_source_release(source);
		look_at_clock(source);
		if (unlikely(ends(source)))
			return false;
		base->idle = !receive(source, RECEIVE_ONES);
		if (base->idle) {
			tw_idle(&source->idle);
			return source->drain_until == 0;
		}
	}
	if (source->at + AHEAD < source->n)
		rte_prefetch0(rte_pktmbuf_mtod(source->mbufs[source->at + AHEAD], void *));
	to_frame(source, source->mbufs[source->at++]);
	base->n_frames++;
	return true;
}

void tw_port_source_init(struct tw_port_source *source, const struct tw_port_queue *queues,
	unsigned int n_queues, unsigned int decapsulate, bool busy, const struct tw_wall *wall,
	const atomic_bool *stop)
{
	*source = (struct tw_port_source){
		.base = {.fill = fill,
			.next = next,
			.decapsulate = decapsulate,
			.live = true,
			.frame = {.link_type = TW_LINK_ETHERNET}},
		.queues = queues,
		.n_queues = n_queues,
		.wall = wall,
		.stop = stop,
		.idle = {.busy = busy},
	};
}
