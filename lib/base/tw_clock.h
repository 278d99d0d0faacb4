/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_CLOCK_H
#define TW_CLOCK_H

/*
 * The kernel's clocks in nanoseconds, from the vDSO: no system call. Threads: any.
 */

#include <stdint.h>
#include <time.h>

#define TW_NS_PER_SECOND UINT64_C(1000000000)

static inline uint64_t tw_clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * TW_NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static inline uint64_t tw_monotonic_ns(void)
{
	return tw_clock_ns(CLOCK_MONOTONIC);
}

static inline time_t tw_monotonic_seconds(void)
{
	return (time_t)(tw_monotonic_ns() / TW_NS_PER_SECOND);
}

#endif
