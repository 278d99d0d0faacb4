/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_ON_EVENT_H
#define TW_ON_EVENT_H

/*
 * The operator's own command on every event: `on_event: [COMMAND, ARGUMENT...]`. It is started without a shell, with
 * the event as a JSON line on its standard input, one at a time, and killed with all that it started when it takes too
 * long. Nobody waits for it; what it cannot keep up with is told in the log and left out.
 *
 * Threads: the control core's.
 */

#include "tw_aggregate.h"
#include "tw_diag.h"

enum {
	TW_ON_EVENT_SECONDS = 10, /* a command may take */
	TW_ON_EVENT_WAITING = 64, /* events, at most */
};

struct tw_on_event;

/* `argv` ends with NULL, and outlives it. Returns NULL with a line in *diag. */
struct tw_on_event *tw_on_event_create(char *const *argv, struct tw_diag *diag);

/* The sink that events come by; its close() waits for what is left to be told, TW_ON_EVENT_SECONDS at most, and frees. */
struct tw_sink *tw_on_event_sink(struct tw_on_event *on_event);

/* Starts and ends commands, and never waits. NULL is none. */
void tw_on_event_step(struct tw_on_event *on_event);

#endif
