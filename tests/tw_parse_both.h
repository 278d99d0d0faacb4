/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_PARSE_BOTH_H
#define TW_PARSE_BOTH_H

/*
 * tw_parse(), and the parse stage of the fast path beside it: whatever a test feeds the one, the other must make the
 * same of, or the program aborts with the frame on stderr.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tw_burst.h"

static inline bool tw_same_slot(const struct tw_burst *burst, const struct tw_packet *packet)
{
	if (burst->n != 1 || burst->n4 != (packet->version == 4) ||
		burst->n6 != (packet->version == 6))
		return false;
	if (packet->version == 4 ? burst->slot4[0] != 0 || memcmp(burst->ip4, packet->ip4, 8) != 0
				 : burst->slot6[0] != 0 || memcmp(burst->ip6, packet->ip6, 32) != 0)
		return false;
	return burst->bytes[0] == packet->bytes && burst->time[0] == 42 &&
	       memcmp(&burst->transport[0], &packet->transport, sizeof(packet->transport)) == 0 &&
	       memcmp(&burst->link[0], &packet->link, sizeof(packet->link)) == 0;
}

static inline enum tw_verdict tw_parse_both(
	const struct tw_frame *frame, unsigned int decapsulate, struct tw_packet *packet)
{
	static struct tw_burst burst;
	struct tw_rx_count expected = {0};
	enum tw_verdict verdict;
	bool same;

	memset(&burst, 0x5a, sizeof(burst));
	tw_burst_reset(&burst, 1);
	tw_burst_parse(&burst, frame, decapsulate, 42);
	verdict = tw_parse(frame, decapsulate, packet);
	expected.not_ip = verdict == TW_VERDICT_NOT_IP;
	if (verdict == TW_VERDICT_MALFORMED)
		expected.malformed[packet->malformed] = 1;
	same = memcmp(&burst.rx, &expected, sizeof(expected)) == 0 &&
	       (verdict == TW_VERDICT_IP ? tw_same_slot(&burst, packet) : burst.n == 0);
	if (same)
		return verdict;
	fprintf(stderr, "tw_burst_parse() and tw_parse() disagree, link type %u, of %u octets: ",
		frame->link_type, frame->length);
	for (uint32_t i = 0; i < frame->captured; i++)
		fprintf(stderr, "%02x", frame->data[i]);
	fprintf(stderr, "\n");
	abort();
}

#endif
