/* SPDX-License-Identifier: BSD-3-Clause */

#include <math.h>

#include "tw_trend.h"

bool tw_trend_goes_on(
	struct tw_trend *trend, unsigned int limit, double x, const struct tw_second *second)
{
	if (trend->sum + x <= 0) {
		*trend = (struct tw_trend){0};
		return false;
	}
	if (trend->sum == 0) {
		trend->since = second->time;
		trend->exact = true;
	}
	trend->sum += x;
	trend->squares += x * x;
	trend->exact &= second->exact;
	/* Seconds that are all alike come to the limit exactly, but for rounding. */
	return trend->sum >= limit * sqrt(trend->squares) * (1 - 1e-9);
}

void tw_trend_add(
	struct tw_trend *trend, uint64_t packets, uint64_t bytes, uint64_t own, uint64_t others)
{
	if (trend->sum == 0)
		return;
	trend->packets += packets;
	trend->bytes += bytes;
	trend->own += own;
	trend->others += others;
}
