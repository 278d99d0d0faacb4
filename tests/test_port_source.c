/* SPDX-License-Identifier: BSD-3-Clause */

/* The live source on a port made of a ring, with mbufs as cards hand them over: in pieces, and with tags taken off. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "port_source.h"
#include "tw_test_eal.h"

static struct rte_mempool *pool;
static struct rte_ring *ring;
static uint16_t port;
static atomic_bool stop;
static struct tw_wall wall;
static struct tw_port_source source;
static struct tw_burst burst;
static const struct tw_port_queue queue = {.index = 5};
static struct tw_port_queue queues[1];

/* 192.0.2.1 to 198.51.100.2, UDP 4660 to 22136, 60 octets of IPv4 in an Ethernet frame without tag. */
static const uint8_t plain[74] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 60, 0, 0, 0,
	0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2, 0x12, 0x34, 0x56, 0x78, 0, 40};

/* The frame in segments of at most `piece` octets. */
static struct rte_mbuf *make(const uint8_t *frame, uint32_t length, uint32_t piece)
{
	struct rte_mbuf *head = NULL;

	for (uint32_t at = 0; at < length; at += piece) {
		uint32_t n = length - at < piece ? length - at : piece;
		struct rte_mbuf *segment = rte_pktmbuf_alloc(pool);

		assert_non_null(segment);
		memcpy(rte_pktmbuf_append(segment, (uint16_t)n), frame + at, n);
		if (head == NULL)
			head = segment;
		else
			assert_int_equal(rte_pktmbuf_chain(head, segment), 0);
	}
	return head;
}

static void give(struct rte_mbuf *mbuf)
{
	assert_int_equal(rte_ring_enqueue(ring, mbuf), 0);
}

static void begin(void)
{
	const struct tw_clocks now = tw_clocks_now();

	atomic_store(&stop, false);
	tw_wall_start(&wall, &now);
	tw_port_source_init(&source, queues, 1, 0, true, &wall, &stop);
}

/* All buffers are back, none was freed twice. */
static void end(void)
{
	tw_port_source_release(&source);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static void check_slot(unsigned int slot)
{
	assert_int_equal(burst.ip4[2 * slot], 0xc0000201);
	assert_int_equal(burst.ip4[2 * slot + 1], 0xc6336402);
	assert_int_equal(burst.bytes[slot], 60);
	assert_int_equal(burst.transport[slot].port_src, 4660);
	assert_int_equal(burst.link[slot].mac_src, 0x020000000002);
	assert_int_equal(burst.link[slot].port, 5);
}

static void frames_in_pieces_are_parsed(void **state)
{
	static const uint32_t pieces[] = {74, 73, 40, 34, 14, 13, 3, 1};

	begin();
	for (size_t i = 0; i < RTE_DIM(pieces); i++)
		give(make(plain, sizeof(plain), pieces[i]));
	source.base.fill(&source.base, &burst);
	assert_int_equal(burst.n, RTE_DIM(pieces));
	assert_int_equal(burst.rx.packets, RTE_DIM(pieces));
	assert_int_equal(burst.rx.bytes, RTE_DIM(pieces) * sizeof(plain));
	for (unsigned int i = 0; i < burst.n; i++)
		check_slot(i);
	end();
}

/* A jumbo frame whose first segment is shorter than the headers may be, and whose rest is 9000 octets of payload. */
static void jumbo_frames_are_parsed(void **state)
{
	static uint8_t jumbo[9014];

	memcpy(jumbo, plain, sizeof(plain));
	jumbo[16] = 9000 >> 8;
	jumbo[17] = 9000 & 0xff;
	jumbo[38] = 8980 >> 8;
	jumbo[39] = 8980 & 0xff;
	begin();
	give(make(jumbo, sizeof(jumbo), 2048));
	give(make(jumbo, sizeof(jumbo), 100));
	source.base.fill(&source.base, &burst);
	assert_int_equal(burst.n, 2);
	assert_int_equal(burst.bytes[0], 9000);
	assert_int_equal(burst.bytes[1], 9000);
	assert_int_equal(burst.rx.bytes, 2 * sizeof(jumbo));
	end();
}

static void a_tag_that_hardware_took_off_counts(void **state)
{
	struct rte_mbuf *mbuf = make(plain, sizeof(plain), sizeof(plain));

	begin();
	mbuf->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	mbuf->vlan_tci = 7 << 13 | 200;
	give(mbuf);
	mbuf = make(plain, sizeof(plain), sizeof(plain));
	mbuf->ol_flags = RTE_MBUF_F_RX_VLAN; /* told, and left in the frame */
	mbuf->vlan_tci = 300;
	give(mbuf);
	source.base.fill(&source.base, &burst);
	assert_int_equal(burst.n, 2);
	assert_int_equal(burst.link[0].vlan[0], 200);
	assert_int_equal(burst.link[0].vlan[1], TW_VLAN_NONE);
	assert_int_equal(burst.link[1].vlan[0], TW_VLAN_NONE);
	assert_int_equal(burst.rx.bytes, 2 * sizeof(plain) + 4);
	check_slot(0);
	end();
}

/* One that somebody else holds too, one that borrows its data, one of another pool: all in one look. */
static void buffers_go_back_where_they_belong(void **state)
{
	struct rte_mempool *other = rte_pktmbuf_pool_create(
		"other", 63, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	struct rte_mempool *mine = pool;
	struct rte_mbuf *held = make(plain, sizeof(plain), sizeof(plain));
	struct rte_mbuf *borrows = rte_pktmbuf_alloc(pool);

	assert_non_null(other);
	for (unsigned int odd = 0; odd < 4; odd++) {
		begin();
		give(make(plain, sizeof(plain), sizeof(plain)));
		if (odd == 1) {
			rte_mbuf_refcnt_update(held, 1);
			give(held);
		} else if (odd == 2) {
			rte_pktmbuf_attach(borrows, held);
			give(borrows);
		} else if (odd == 3) {
			pool = other;
			give(make(plain, sizeof(plain), sizeof(plain)));
			pool = mine;
		}
		give(make(plain, sizeof(plain), sizeof(plain)));
		source.base.fill(&source.base, &burst);
		assert_int_equal(burst.n, odd == 0 ? 2 : 3);
		assert_int_equal(rte_mbuf_refcnt_read(held), 1);
		assert_int_equal(rte_mempool_in_use_count(pool), odd < 2 ? 2 : 1);
		assert_int_equal(rte_mempool_in_use_count(other), 0);
	}
	rte_pktmbuf_free(held);
	end();
	rte_mempool_free(other);
}

static void a_tunnel_is_taken_off_where_it_shall_be(void **state)
{
	/* UDP to 4789, VXLAN, and the frame of above. */
	static const uint8_t outer[50] = {2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 4, 8, 0, 0x45, 0, 0, 110,
		0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x80, 0, 0x12, 0xb5, 0, 90, 0,
		0, 8};
	uint8_t frame[sizeof(outer) + sizeof(plain)];

	memcpy(frame, outer, sizeof(outer));
	memcpy(frame + sizeof(outer), plain, sizeof(plain));
	for (unsigned int off = 0; off < 2; off++) {
		begin();
		source.base.decapsulate = off ? TW_DECAP_VXLAN : 0;
		give(make(frame, sizeof(frame), sizeof(frame)));
		source.base.fill(&source.base, &burst);
		assert_int_equal(burst.n, 1);
		assert_int_equal(burst.rx.bytes, sizeof(frame));
		assert_int_equal(burst.ip4[0], off ? 0xc0000201 : 0x0a000001);
		assert_int_equal(burst.bytes[0], off ? 60 : 110);
		end();
	}
}

/* A frame that is not plain takes a slot whatever the filter says: a tag was taken off the second one. */
static void what_is_far_is_counted_and_takes_no_slot(void **state)
{
	static struct tw_near near;

	for (unsigned int is_near = 0; is_near < 2; is_near++) {
		struct rte_mbuf *mbuf = make(plain, sizeof(plain), sizeof(plain));

		begin();
		source.base.near = &near;
		give(make(plain, sizeof(plain), sizeof(plain)));
		mbuf->ol_flags = RTE_MBUF_F_RX_VLAN_STRIPPED;
		give(mbuf);
		source.base.fill(&source.base, &burst);
		assert_int_equal(burst.n, 1 + is_near);
		assert_int_equal(burst.n_far, 1 - is_near);
		assert_int_equal(burst.rx.packets, 2);
		assert_int_equal(burst.rx.bytes, 2 * sizeof(plain) + 4);
		check_slot(0);
		end();
		tw_near_add(&near, 4, 0xc6336402, 0xc6336402);
	}
}

/* Whole bursts and single frames come to the same, for any number of frames. */
static void both_ways_take_everything(void **state)
{
	for (unsigned int n = 0; n <= 200; n += 7) {
		unsigned int seen = 0;

		begin();
		for (unsigned int i = 0; i < n; i++)
			give(make(plain, sizeof(plain), sizeof(plain)));
		for (unsigned int look = 0; look < 10; look++) {
			source.base.fill(&source.base, &burst);
			assert_true(burst.n <= TW_BURST_MAX);
			assert_false(burst.end);
			seen += burst.n;
		}
		assert_int_equal(seen, n);
		assert_int_equal(source.base.n_frames, n);
		end();

		begin();
		for (unsigned int i = 0; i < n; i++)
			give(make(plain, sizeof(plain), sizeof(plain)));
		for (seen = 0; source.base.next(&source.base) && !source.base.idle; seen++)
			assert_int_equal(source.base.frame.length, sizeof(plain));
		assert_int_equal(seen, n);
		end();
	}
}

/* What the queue holds when the end is asked for is taken first. */
static void the_end_comes_after_the_last_frame(void **state)
{
	unsigned int seen = 0;

	begin();
	for (unsigned int i = 0; i < 100; i++)
		give(make(plain, sizeof(plain), sizeof(plain)));
	atomic_store(&stop, true);
	do {
		source.base.fill(&source.base, &burst);
		seen += burst.n;
	} while (!burst.end);
	assert_int_equal(seen, 100);
	end();
}

static int set_up(void **state)
{
	struct rte_eth_conf conf = {0};

	if (tw_test_eal_init("256") != 0)
		return -1;
	pool = rte_pktmbuf_pool_create(
		"pool", 4095, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	ring = rte_ring_create("ring", 1024, SOCKET_ID_ANY, 0);
	if (pool == NULL || ring == NULL)
		return -1;
	port = (uint16_t)rte_eth_from_ring(ring);
	queues[0] = queue;
	queues[0].port = port;
	return rte_eth_dev_configure(port, 1, 1, &conf) == 0 &&
			       rte_eth_rx_queue_setup(port, 0, 64, 0, NULL, pool) == 0 &&
			       rte_eth_tx_queue_setup(port, 0, 64, 0, NULL) == 0 &&
			       rte_eth_dev_start(port) == 0
		       ? 0
		       : -1;
}

static int tear_down(void **state)
{
	rte_eth_dev_stop(port);
	rte_eth_dev_close(port);
	return rte_eal_cleanup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_in_pieces_are_parsed),
		cmocka_unit_test(jumbo_frames_are_parsed),
		cmocka_unit_test(a_tag_that_hardware_took_off_counts),
		cmocka_unit_test(buffers_go_back_where_they_belong),
		cmocka_unit_test(a_tunnel_is_taken_off_where_it_shall_be),
		cmocka_unit_test(what_is_far_is_counted_and_takes_no_slot),
		cmocka_unit_test(both_ways_take_everything),
		cmocka_unit_test(the_end_comes_after_the_last_frame),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
