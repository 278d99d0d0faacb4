/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_EVENTS_H
#define TW_EVENTS_H

/*
 * Events: what changed between closed seconds, told only when chance does not explain it.
 *
 * For each target, both directions together. p and b are the packets and bytes of a second, p_u and b_u those of
 * upstream u. A silent second is one with p = 0; it is left out of everything but silence itself.
 *
 *   silence   s seconds on end without a packet, where
 *             s >= silence_seconds and n * ln(1 + s / t) >= silence_packets: whoever sent n packets in t seconds at
 *             random does that once in e^silence_packets times, the error of so short a measurement included.
 *             Of a target: target_dark. Of an upstream, in seconds that are not the target's own silence:
 *             upstream_vanished. n and t forget what is older than 512 packets and 120 s.
 *   presence  evidence_packets within 10 seconds that the target has any in: target_back; of an upstream that is not there, with presence_share of the
 *             bytes of those seconds besides: upstream_appeared.
 *   trend     x_t of consecutive seconds, taken from where their sum was last 0, with sum(x) / sqrt(sum(x^2)) >= trend:
 *             a walk without a drift comes there once in e^(trend^2 / 2) tries. learn_packets are in it at least.
 *             upstream_overtook: x = b_u - b_leader - margin * b.
 *             share_shift: x = +-(b_u - share_u * b) - shift / 2 * b, and the mean of the share has moved by `shift`;
 *             not beside an event of another type in the same seconds.
 *
 * share_u is the share of bytes over all seconds since the last event of the target, known after learn_seconds and
 * learn_packets. So much has to be seen, too, before a target has events at all: who is there by then has not
 * appeared. "unknown", and of what routes give "other", "foreign" and "ambiguous", appear and vanish, but lead nobody. Where a leader vanishes, the largest of the others leads, and
 * nobody has overtaken anybody.
 *
 *   attribution_disagreement   d and c are the packets and bytes that links and routes disagree on, and those that they
 *             agree or disagree on: what is undecided or has no route is in neither. A second with c = 0 is left out.
 *             Presence of d, with presence_share of the bytes of c; then no more before d has fallen silent, in seconds
 *             that have any of c. It needs nothing to be learned: disagreement that is there at the start is told, too. It
 *             names the pair that has most bytes in the evidence: `upstream` by the links, `other` by the routes.
 *
 *   loss      the first second that is not exact, and the next one after quiet_seconds exact ones.
 *
 * A gap makes no event, and ends trends.
 *
 * Threads: one. Knows no clock. Memory: targets x upstreams, and ten numbers a pair of link and route.
 */

#include "tw_aggregate.h"

enum tw_event_type {
	TW_EVENT_UPSTREAM_APPEARED,
	TW_EVENT_UPSTREAM_VANISHED,
	TW_EVENT_UPSTREAM_OVERTOOK,
	TW_EVENT_TARGET_DARK,
	TW_EVENT_TARGET_BACK,
	TW_EVENT_SHARE_SHIFT,
	TW_EVENT_DISAGREEMENT, /* attribution_disagreement */
	TW_EVENT_LOSS,
	TW_EVENT_MAX,
};
/* "upstream_appeared", ... */
const char *tw_event_name(enum tw_event_type type);

struct tw_event_rules {
	unsigned int learn_seconds;    /* 30 */
	unsigned int learn_packets;    /* 200 */
	unsigned int silence_seconds;  /* 10 */
	unsigned int silence_packets;  /* 17 */
	unsigned int evidence_packets; /* 10 */
	unsigned int presence_share;   /* percent: 5 */
	unsigned int margin;           /* points: 5 */
	unsigned int shift;            /* points: 15 */
	unsigned int trend;            /* standard deviations: 5 */
	unsigned int quiet_seconds;    /* 60 */
};
void tw_event_rules_default(struct tw_event_rules *rules);

/* No target (a loss), or no upstream (an event of the target itself). TW_UPSTREAM_UNKNOWN is "unknown". */
#define TW_EVENT_NONE UINT16_MAX

struct tw_event {
	enum tw_event_type type;
	uint64_t time;  /* the second that decided */
	uint64_t since; /* the first second of the evidence */
	uint16_t target;
	uint16_t upstream;
	uint16_t other;      /* upstream_overtook: whom; attribution_disagreement: by the routes */
	double share;        /* of upstream in the evidence, 0 to 1; of the disagreement */
	double other_share;  /* likewise */
	double share_before; /* share_shift: the share that was known */
	/* In the evidence: of who or what came (appeared, back, disagreement), else of the target; of a loss, those lost. */
	uint64_t packets;
	uint64_t bytes;
	bool exact; /* all seconds of the evidence were */
};

struct tw_events;

/* `view` outlives it. Returns NULL without memory. */
struct tw_events *tw_events_create(const struct tw_view *view, const struct tw_event_rules *rules);
void tw_events_free(struct tw_events *events);

/* Shows a closed second. Returns how many events it decided; *fired holds until the next call. */
unsigned int tw_events_second(
	struct tw_events *events, const struct tw_second *second, const struct tw_event **fired);
void tw_events_gap(struct tw_events *events);

#endif
