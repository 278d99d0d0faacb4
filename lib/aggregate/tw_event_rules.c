/* SPDX-License-Identifier: BSD-3-Clause */

#include "tw_events.h"

const char *tw_event_name(enum tw_event_type type)
{
	static const char *const names[TW_EVENT_MAX] = {
		[TW_EVENT_UPSTREAM_APPEARED] = "upstream_appeared",
		[TW_EVENT_UPSTREAM_VANISHED] = "upstream_vanished",
		[TW_EVENT_UPSTREAM_OVERTOOK] = "upstream_overtook",
		[TW_EVENT_TARGET_DARK] = "target_dark",
		[TW_EVENT_TARGET_BACK] = "target_back",
		[TW_EVENT_SHARE_SHIFT] = "share_shift",
		[TW_EVENT_DISAGREEMENT] = "attribution_disagreement",
		[TW_EVENT_LOSS] = "loss",
	};

	return names[type];
}

void tw_event_rules_default(struct tw_event_rules *rules)
{
	*rules = (struct tw_event_rules){
		.learn_seconds = 30,
		.learn_packets = 200,
		.silence_seconds = 10,
		.silence_packets = 17,
		.evidence_packets = 10,
		.presence_share = 5,
		.margin = 5,
		.shift = 15,
		.trend = 5,
		.quiet_seconds = 60,
	};
}
