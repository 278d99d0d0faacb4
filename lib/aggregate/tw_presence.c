/* SPDX-License-Identifier: BSD-3-Clause */

#include <math.h>
#include <string.h>

#include "tw_presence.h"

enum {
	RATE_PACKETS = 512, /* a rate forgets half of what is older */
	RATE_SECONDS = 120, /* but never what is younger */
};

void tw_presence_come(struct tw_presence *p, const struct tw_second *second, uint64_t packets,
	uint64_t bytes, uint64_t all_bytes)
{
	p->at = (p->at + 1) % TW_PRESENCE_WINDOW;
	p->packets[p->at] = packets;
	p->bytes[p->at] = bytes;
	p->all_bytes[p->at] = all_bytes;
	p->when[p->at] = second->time;
	p->exact[p->at] = second->exact;
}

static uint64_t sum_of(const uint64_t *window)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < TW_PRESENCE_WINDOW; i++)
		sum += window[i];
	return sum;
}

static double share(const struct tw_presence *p)
{
	uint64_t all = sum_of(p->all_bytes);

	return all > 0 ? (double)sum_of(p->bytes) / (double)all : 0;
}

bool tw_presence_is_proven(const struct tw_presence *p, const struct tw_event_rules *rules)
{
	return sum_of(p->packets) >= rules->evidence_packets &&
	       share(p) * 100 >= rules->presence_share;
}

void tw_presence_tell(const struct tw_presence *p, struct tw_event *event)
{
	bool begun = false;

	event->packets = sum_of(p->packets);
	event->bytes = sum_of(p->bytes);
	event->share = share(p);
	for (unsigned int i = 1; i <= TW_PRESENCE_WINDOW; i++) {
		unsigned int at = (p->at + i) % TW_PRESENCE_WINDOW;

		if (!begun && p->packets[at] == 0)
			continue;
		if (!begun)
			event->since = p->when[at];
		begun = true;
		event->exact &= p->exact[at];
	}
}

void tw_presence_begin(struct tw_presence *p, const struct tw_event *event)
{
	p->there = true;
	p->rate.packets = (double)event->packets;
	p->rate.seconds = (double)(event->time - event->since + 1);
}

void tw_presence_go_on(struct tw_presence *p, uint64_t packets)
{
	struct tw_rate *rate = &p->rate;

	rate->packets += (double)packets;
	rate->seconds += 1 + rate->silent;
	rate->silent = 0;
	if (rate->packets > RATE_PACKETS && rate->seconds > RATE_SECONDS) {
		rate->packets /= 2;
		rate->seconds /= 2;
	}
}

bool tw_presence_ends(struct tw_presence *p, const struct tw_event_rules *rules,
	const struct tw_second *second, uint64_t packets, uint64_t bytes)
{
	if (p->rate.silent == 0) {
		p->silent_since = second->time;
		p->silent_packets = p->silent_bytes = 0;
		p->silent_exact = true;
	}
	p->silent_packets += packets;
	p->silent_bytes += bytes;
	p->silent_exact &= second->exact;
	p->rate.silent++;
	if (p->rate.silent < rules->silence_seconds || p->rate.seconds == 0 ||
		p->rate.packets * log1p(p->rate.silent / p->rate.seconds) < rules->silence_packets)
		return false;
	p->there = false;
	p->rate.silent = 0; /* of the seconds to come, these tell nothing */
	memset(p->packets, 0, sizeof(p->packets));
	memset(p->bytes, 0, sizeof(p->bytes));
	memset(p->all_bytes, 0, sizeof(p->all_bytes));
	return true;
}

void tw_presence_tell_silence(const struct tw_presence *p, struct tw_event *event)
{
	event->since = p->silent_since;
	event->packets = p->silent_packets;
	event->bytes = p->silent_bytes;
	event->exact = p->silent_exact;
}
