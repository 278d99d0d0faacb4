/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TREND_H
#define TW_TREND_H

/*
 * A drift in one direction: the rule "trend" of tw_events.h.
 *
 * Threads: one.
 */

#include "tw_aggregate.h"

struct tw_trend {
	double sum;
	double squares;
	uint64_t since;
	uint64_t packets, bytes; /* of the target since then */
	uint64_t own, others;    /* bytes of the upstream, and of whom it is measured by */
	bool exact;
};

/* Adds a second. Returns whether it is one by now, at so many standard deviations. */
bool tw_trend_goes_on(
	struct tw_trend *trend, unsigned int limit, double x, const struct tw_second *second);
/* Adds the same second to the evidence. */
void tw_trend_add(
	struct tw_trend *trend, uint64_t packets, uint64_t bytes, uint64_t own, uint64_t others);

#endif
