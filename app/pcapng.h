/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_PCAPNG_H
#define TW_PCAPNG_H

/*
 * Watches the octets of a capture file go by and queues the interface number of every packet block of a pcapng
 * file, in the order in which a reader of the same octets sees the packets. Knows three block types and skips
 * the rest; where the file's structure is broken it stops watching, and the reader tells what is wrong.
 */

#include <stddef.h>
#include <stdint.h>

enum tw_pcapng_state {
	TW_PCAPNG_UNDECIDED, /* the first block header is not complete */
	TW_PCAPNG_WATCHING,
	TW_PCAPNG_OTHER, /* no pcapng file, or broken from here on */
};

struct tw_pcapng {
	uint8_t state;
	uint8_t swapped;    /* the section is in the other byte order */
	uint8_t n_header;   /* octets of the current block's head collected */
	uint8_t header[12]; /* type, length, first word of the body */
	uint64_t skip;      /* octets to the next block */
	uint32_t *queue;    /* ring of interface numbers */
	uint32_t capacity;  /* a power of two */
	uint32_t in;
	uint32_t out;
};

/* Takes the next octets of the file. Returns 0 or -ENOMEM. */
int tw_pcapng_feed(struct tw_pcapng *pcapng, const uint8_t *data, size_t size);

/* The interface of the next packet; 0 where none is queued. */
uint32_t tw_pcapng_next(struct tw_pcapng *pcapng);

void tw_pcapng_reset(struct tw_pcapng *pcapng);

#endif
