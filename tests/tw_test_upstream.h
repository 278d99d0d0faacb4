/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEST_UPSTREAM_H
#define TW_TEST_UPSTREAM_H

/* What the tests of attribution share: links of packets, and short names of fields. */

#include "tw_upstream.h"

#define M TW_MATCH_MAC
#define V TW_MATCH_VLAN
#define I TW_MATCH_INNER_VLAN
#define P TW_MATCH_PORT

static const enum tw_method all_methods[] = {TW_METHOD_MAC, TW_METHOD_VLAN, TW_METHOD_PORT};

/* A packet's link: untagged, unless said otherwise. */
static inline struct tw_link link_of(uint64_t mac_src, uint64_t mac_dst, uint16_t port)
{
	return (struct tw_link){.mac_src = mac_src,
		.mac_dst = mac_dst,
		.port = port,
		.vlan = {TW_VLAN_NONE, TW_VLAN_NONE, TW_VLAN_NONE, TW_VLAN_NONE}};
}

static inline struct tw_link tagged(
	uint16_t outer, uint16_t second, uint16_t third, uint16_t fourth)
{
	return (struct tw_link){.mac_src = TW_MAC_NONE,
		.mac_dst = TW_MAC_NONE,
		.vlan = {outer, second, third, fourth}};
}

#endif
