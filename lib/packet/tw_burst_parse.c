/* SPDX-License-Identifier: BSD-3-Clause */

#include "tw_burst.h"
#include "tw_burst_plain.h"

void tw_burst_parse(struct tw_burst *burst, const struct tw_frame *frame, unsigned int decapsulate,
	uint64_t time)
{
	struct tw_packet packet;

	/* In this order: two neighbours in one load would wait until both are stored. */
	if (frame->link_type == TW_LINK_ETHERNET && frame->captured >= TW_PLAIN_SHORTEST &&
		frame->vlan_stripped == TW_VLAN_NONE && decapsulate == 0 &&
		tw_burst_parse_plain(burst,
			&(struct tw_plain){.data = frame->data,
				.captured = frame->captured,
				.length = frame->length,
				.port = frame->port,
				.time = time},
			NULL))
		return;
	switch (tw_parse(frame, decapsulate, &packet)) {
	case TW_VERDICT_IP:
		tw_burst_append(burst, &packet, time);
		break;
	case TW_VERDICT_NOT_IP:
		burst->rx.not_ip++;
		break;
	case TW_VERDICT_MALFORMED:
		burst->rx.malformed[packet.malformed]++;
		break;
	}
}
