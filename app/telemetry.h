/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TELEMETRY_H
#define TW_TELEMETRY_H

/*
 * What a live run tells DPDK's own telemetry clients (dpdk-telemetry.py), beside what the EAL and its drivers do:
 *
 *   /transitwatch/summary          the sums so far
 *   /transitwatch/series[,N]       ten of the sums by series, from the N-th on; `next` where there are more
 *   /transitwatch/seconds[,TIME]   ten closed seconds from TIME on, the latest without it
 *   /transitwatch/workers          how busy each is, and what was lost on its way
 *   /transitwatch/table            sizes of the table in force, and reloads
 *   /transitwatch/explain,IP       what an address is
 *
 * Threads: the EAL's own call back; the functions here are the control core's.
 */

#include "serve.h"

/* Registers the commands. Returns 0 or -errno. */
int tw_telemetry_start(struct tw_serve *serve);
/* Nothing is answered any more; before `serve` is freed. */
void tw_telemetry_stop(void);

#endif
