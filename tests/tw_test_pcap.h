/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEST_PCAP_H
#define TW_TEST_PCAP_H

/*
 * Just enough of a capture reader for the files that gen_packets.py writes: classic pcap in this machine's byte
 * order, never cut by a snaplen. The program's own reader is not used, so that it cannot hide what it does.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tw_parse.h"

/* Reads the file header. Returns the enum tw_link_type, or -1 where it is no such capture. */
static inline int tw_test_pcap_start(FILE *pcap)
{
	static const struct {
		uint32_t linktype;
		enum tw_link_type link_type;
	} known[] = {
		{1, TW_LINK_ETHERNET},
		{101, TW_LINK_RAW_IP},
		{228, TW_LINK_RAW_IPV4},
		{229, TW_LINK_RAW_IPV6},
		{113, TW_LINK_SLL},
		{276, TW_LINK_SLL2},
		{0, TW_LINK_NULL},
		{9, TW_LINK_PPP},
		{51, TW_LINK_PPPOE},
	};
	uint32_t header[6];

	if (fread(header, sizeof(header), 1, pcap) != 1 || header[0] != 0xa1b2c3d4)
		return -1;
	for (unsigned int i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].linktype == header[5])
			return (int)known[i].link_type;
	return -1;
}

/* Reads the next frame into `data`. Returns false at the end, or where it is larger than `size`. */
static inline bool tw_test_pcap_next(FILE *pcap, uint8_t *data, uint32_t size, uint32_t *length)
{
	uint32_t record[4];

	if (fread(record, sizeof(record), 1, pcap) != 1 || record[2] > size)
		return false;
	*length = record[2];
	return fread(data, 1, record[2], pcap) == record[2];
}

#endif
