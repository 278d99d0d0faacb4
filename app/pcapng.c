/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pcapng.h"

enum {
	BLOCK_SECTION = 0x0a0d0d0a, /* reads the same in both byte orders */
	BLOCK_PACKET = 2,           /* obsolete: a 16-bit interface, then drops */
	BLOCK_SIMPLE_PACKET = 3,    /* interface 0 */
	BLOCK_ENHANCED_PACKET = 6,
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
};

static uint32_t word(const struct tw_pcapng *p, unsigned int at)
{
	uint32_t value;

	memcpy(&value, p->header + at, sizeof(value));
	return p->swapped ? __builtin_bswap32(value) : value;
}

static int push(struct tw_pcapng *p, uint32_t interface)
{
	if (p->in - p->out == p->capacity) {
		uint32_t capacity = p->capacity ? 2 * p->capacity : 1024;
		uint32_t *queue = malloc(capacity * sizeof(*queue));
		uint32_t n = p->in - p->out;

		if (queue == NULL)
			return -ENOMEM;
		for (uint32_t i = 0; i < n; i++)
			queue[i] = p->queue[(p->out + i) & (p->capacity - 1)];
		free(p->queue);
		p->queue = queue;
		p->capacity = capacity;
		p->out = 0;
		p->in = n;
	}
	p->queue[p->in++ & (p->capacity - 1)] = interface;
	return 0;
}

/* A block's first twelve octets are there; every block has at least as many. */
static int see_block(struct tw_pcapng *p)
{
	uint32_t type, length;
	int err = 0;

	memcpy(&type, p->header, sizeof(type));
	if (type == BLOCK_SECTION) {
		p->swapped = 0;
		p->swapped = word(p, 8) != BYTE_ORDER_MAGIC;
	}
	type = word(p, 0);
	length = word(p, 4);
	if ((p->state == TW_PCAPNG_UNDECIDED && type != BLOCK_SECTION) ||
		(type == BLOCK_SECTION && word(p, 8) != BYTE_ORDER_MAGIC) || length < 12) {
		p->state = TW_PCAPNG_OTHER;
		return 0;
	}
	p->state = TW_PCAPNG_WATCHING;
	if (type == BLOCK_ENHANCED_PACKET)
		err = push(p, word(p, 8));
	else if (type == BLOCK_PACKET)
		err = push(p, p->swapped ? word(p, 8) >> 16 : word(p, 8) & 0xffff);
	else if (type == BLOCK_SIMPLE_PACKET)
		err = push(p, 0);
	p->skip = (((uint64_t)length + 3) & ~(uint64_t)3) - 12;
	p->n_header = 0;
	return err;
}

int tw_pcapng_feed(struct tw_pcapng *p, const uint8_t *data, size_t size)
{
	while (size > 0 && p->state != TW_PCAPNG_OTHER) {
		size_t n;

		if (p->skip > 0) {
			n = p->skip < size ? (size_t)p->skip : size;
			p->skip -= n;
		} else {
			n = sizeof(p->header) - p->n_header;
			if (n > size)
				n = size;
			memcpy(p->header + p->n_header, data, n);
			p->n_header += (uint8_t)n;
		}
		data += n;
		size -= n;
		if (p->n_header == sizeof(p->header)) {
			int err = see_block(p);

			if (err != 0)
				return err;
		}
	}
	return 0;
}

uint32_t tw_pcapng_next(struct tw_pcapng *p)
{
	return p->in == p->out ? 0 : p->queue[p->out++ & (p->capacity - 1)];
}

void tw_pcapng_reset(struct tw_pcapng *p)
{
	free(p->queue);
	*p = (struct tw_pcapng){0};
}
