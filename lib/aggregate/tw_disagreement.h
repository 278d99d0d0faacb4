/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_DISAGREEMENT_H
#define TW_DISAGREEMENT_H

/*
 * Packets of a target whose link and route disagree, as something that comes and goes: attribution_disagreement of
 * tw_events.h.
 *
 * Threads: one. Memory: ten numbers a pair of the target.
 */

#include "tw_presence.h"

struct tw_disagreement {
	struct tw_presence presence;
	uint64_t *bytes; /* [TW_PRESENCE_WINDOW][pairs of the target], of the evidence */
};

/* Returns 0 or -ENOMEM. tw_disagreement_free() releases it after either. */
int tw_disagreement_init(struct tw_disagreement *d, const struct tw_view *view);
void tw_disagreement_free(struct tw_disagreement *d);

/* Shows a second of a target. Returns whether it has come with it: then it is to be told. */
bool tw_disagreement_second(struct tw_disagreement *d, const struct tw_view *view,
	const struct tw_event_rules *rules, unsigned int target, const struct tw_second *second);
/* Completes the event: the evidence, and whom the links say where most of it passes, and whom the routes. */
void tw_disagreement_tell(
	struct tw_disagreement *d, const struct tw_view *view, struct tw_event *event);

#endif
