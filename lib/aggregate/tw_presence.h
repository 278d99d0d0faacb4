/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_PRESENCE_H
#define TW_PRESENCE_H

/*
 * Something that comes and goes: a target, an upstream of it, packets whose link and route disagree. How it comes, and when
 * its silence is one, are the rules "presence" and "silence" of tw_events.h.
 *
 *   not there   tw_presence_come() each second that counts, until tw_presence_is_proven(): then tw_presence_begin()
 *   there       tw_presence_go_on() each second that has packets of it, tw_presence_ends() each that has none
 *
 * Threads: one.
 */

#include "tw_events.h"

/* Seconds of evidence. */
#define TW_PRESENCE_WINDOW 10

/* Packets a second. */
struct tw_rate {
	double packets;
	double seconds;
	double silent; /* seconds of a silence that may be one, not yet in `seconds` */
};

struct tw_presence {
	bool there;
	struct tw_rate rate;
	/* A silence that may be one: its first second, and what the target had meanwhile. */
	uint64_t silent_since;
	uint64_t silent_packets, silent_bytes;
	bool silent_exact;
	/* Where it is not there: the latest seconds. */
	uint64_t packets[TW_PRESENCE_WINDOW];
	uint64_t bytes[TW_PRESENCE_WINDOW];
	uint64_t all_bytes[TW_PRESENCE_WINDOW]; /* of what it is measured by in the same seconds */
	uint64_t when[TW_PRESENCE_WINDOW];
	bool exact[TW_PRESENCE_WINDOW];
	unsigned int at; /* the newest */
};

/* Adds a second to the evidence. */
void tw_presence_come(struct tw_presence *p, const struct tw_second *second, uint64_t packets,
	uint64_t bytes, uint64_t all_bytes);
bool tw_presence_is_proven(const struct tw_presence *p, const struct tw_event_rules *rules);
/* Makes the seconds of the evidence, from the first with packets on, the event's: its start, counts, share, exactness. */
void tw_presence_tell(const struct tw_presence *p, struct tw_event *event);
/* It is there, at the rate of the event's evidence. */
void tw_presence_begin(struct tw_presence *p, const struct tw_event *event);

void tw_presence_go_on(struct tw_presence *p, uint64_t packets);
/* A second without a packet, in which what it is measured by has these. Returns whether it is gone by now. */
bool tw_presence_ends(struct tw_presence *p, const struct tw_event_rules *rules,
	const struct tw_second *second, uint64_t packets, uint64_t bytes);
/* Makes the silence the event's evidence. */
void tw_presence_tell_silence(const struct tw_presence *p, struct tw_event *event);

#endif
