/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include <rte_malloc.h>
#include <rte_ring.h>

#include "tw_exchange.h"

struct tw_exchange {
	struct rte_ring *full;
	struct rte_ring *empty;
	uint8_t *objects;
};

static struct rte_ring *make_ring(
	const char *name, const char *what, unsigned int id, unsigned int n, int socket)
{
	char ring_name[RTE_RING_NAMESIZE];

	snprintf(ring_name, sizeof(ring_name), "%s_%s_%u", name, what, id);
	return rte_ring_create(
		ring_name, n, socket, RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
}

struct tw_exchange *tw_exchange_create(const char *name, unsigned int id, unsigned int n,
	size_t size, int socket, struct tw_diag *diag)
{
	struct tw_exchange *exchange = rte_zmalloc_socket(name, sizeof(*exchange), 0, socket);
	size_t stride = RTE_CACHE_LINE_ROUNDUP(size);

	if (exchange == NULL)
		goto no_memory;
	exchange->objects = rte_zmalloc_socket(name, n * stride, RTE_CACHE_LINE_SIZE, socket);
	exchange->full = make_ring(name, "full", id, n, socket);
	exchange->empty = make_ring(name, "empty", id, n, socket);
	if (exchange->objects == NULL || exchange->full == NULL || exchange->empty == NULL)
		goto no_memory;
	for (unsigned int i = 0; i < n; i++)
		rte_ring_sp_enqueue(exchange->empty, exchange->objects + i * stride);
	return exchange;

no_memory:
	tw_diag_add(diag, -ENOMEM,
		"%s %u: no memory for %u x %zu octets: give the EAL more (-- -m MEGABYTES)", name,
		id, n, size);
	tw_exchange_free(exchange);
	return NULL;
}

void tw_exchange_free(struct tw_exchange *exchange)
{
	if (exchange == NULL)
		return;
	rte_ring_free(exchange->full);
	rte_ring_free(exchange->empty);
	rte_free(exchange->objects);
	rte_free(exchange);
}

static void *dequeue(struct rte_ring *ring)
{
	void *object;

	return rte_ring_sc_dequeue(ring, &object) == 0 ? object : NULL;
}

void *tw_exchange_take(struct tw_exchange *exchange)
{
	return dequeue(exchange->empty);
}

void tw_exchange_send(struct tw_exchange *exchange, void *object)
{
	rte_ring_sp_enqueue(exchange->full, object);
}

void *tw_exchange_receive(struct tw_exchange *exchange)
{
	return dequeue(exchange->full);
}

void tw_exchange_give_back(struct tw_exchange *exchange, void *object)
{
	rte_ring_sp_enqueue(exchange->empty, object);
}
