/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_GUARD_H
#define TW_GUARD_H

/*
 * Memory that ends at a page nobody may read: a frame laid against its end makes a parser that reads one octet
 * too far crash, with or without a sanitizer.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TW_GUARD_SIZE (1u << 18) /* the largest frame that fits */

/* Returns the end of the readable memory; there is one for the whole program. */
static inline uint8_t *tw_guard_end(void)
{
	static uint8_t *end;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *base;

	if (end != NULL)
		return end;
	base = mmap(NULL, TW_GUARD_SIZE + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);
	if (base == MAP_FAILED || mprotect(base + TW_GUARD_SIZE, page, PROT_NONE) != 0)
		abort();
	end = base + TW_GUARD_SIZE;
	return end;
}

/* Lays `size` octets (at most TW_GUARD_SIZE) against the end and returns where they start. */
static inline const uint8_t *tw_guard_lay(const uint8_t *data, size_t size)
{
	return memcpy(tw_guard_end() - size, data, size);
}

#endif
