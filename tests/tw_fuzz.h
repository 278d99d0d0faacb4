/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_FUZZ_H
#define TW_FUZZ_H

/* What the mutating mains of the fuzz targets share: a sequence that is the same everywhere, and their options. */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t random_state = 131279;

/* xorshift64*: as good as any for choosing octets. */
static inline uint32_t random_below(uint32_t n)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545f4914f6cdd1d >> 32) * n >> 32);
}

/* -n mutations, -s seed; what follows begins at optind. */
static inline bool fuzz_options(int argc, char **argv, unsigned long *count)
{
	int option;

	*count = 5000000;
	while ((option = getopt(argc, argv, "n:s:")) != -1) {
		if (option == 'n')
			*count = strtoul(optarg, NULL, 10);
		else if (option == 's')
			random_state = strtoull(optarg, NULL, 10) | 1;
		else
			return false;
	}
	return true;
}

#endif
