/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEST_RIB_H
#define TW_TEST_RIB_H

/* Targets, vantage points, prefixes and paths in words. Paths hold until 16 others were made. */

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "tw_rib.h"

#define KP     131279
#define UNICOM 4837
#define TTK    20485

static inline struct tw_prefix pfx(const char *text)
{
	struct tw_prefix prefix;

	assert_int_equal(tw_prefix_parse(text, &prefix), 0);
	return prefix;
}

/* A path of n ASNs; SET(2), 1, 2 among them is the set of 1 and 2. */
#define SET(n) (UINT32_MAX - (n))

static inline struct tw_bgp_path path_of(const uint32_t *words, size_t n)
{
	static uint8_t buffers[16][6 * 64];
	static unsigned int turn;
	uint8_t *buffer = buffers[turn++ % 16], *at = buffer, *sequence = NULL;

	for (size_t i = 0, in_set = 0; i < n; i++) {
		uint32_t asn = htonl(words[i]);

		if (words[i] > UINT32_MAX - 256) {
			in_set = UINT32_MAX - words[i];
			*at++ = TW_BGP_SET;
			*at++ = (uint8_t)in_set;
			sequence = NULL;
			continue;
		}
		if (in_set > 0) {
			in_set--;
		} else {
			if (sequence == NULL || sequence[1] == UINT8_MAX) {
				sequence = at;
				*at++ = TW_BGP_SEQUENCE;
				*at++ = 0;
			}
			sequence[1]++;
		}
		memcpy(at, &asn, sizeof(asn));
		at += sizeof(asn);
	}
	return (struct tw_bgp_path){buffer, (size_t)(at - buffer)};
}
#define PATH(...)                                \
	path_of((const uint32_t[]){__VA_ARGS__}, \
		sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
#define EMPTY_PATH ((struct tw_bgp_path){NULL, 0})

/* A vantage point of an MRT file, or behind a BMP router (10.0.0.x). */
static inline struct tw_bgp_peer peer_of(uint32_t asn, uint8_t router)
{
	struct tw_bgp_peer peer = {
		.addr = {.family = 4, .bytes = {192, 0, 2, (uint8_t)asn}}, .asn = asn};

	if (router > 0)
		peer.router = (struct tw_addr){.family = 4, .bytes = {10, 0, 0, router}};
	return peer;
}

static const uint32_t kp[] = {KP};
static const uint32_t kp_two[] = {64512, KP};

/* The first says who is of AS131279, the second has an ASN more, the third is known by addresses alone. */
static const struct tw_target targets[] = {
	{.name = "KP", .asns = kp, .n_asns = 1},
	{.name = "KP2", .asns = kp_two, .n_asns = 2},
	{.name = "addresses"},
};

/* 175.45.176.0/22, 2001:db8::/32 */
static const struct tw_target_range ranges4[] = {{0xaf2db000, 0xaf2db3ff, 0}};
static const struct tw_target_range ranges6[] = {
	{(tw_u128)0x20010db8 << 96, ((tw_u128)0x20010db9 << 96) - 1, 0}};

static const struct tw_rib_spec everybody = {
	.targets = targets,
	.n_targets = 3,
	.ranges = {ranges4, ranges6},
	.n_ranges = {1, 1},
	.majority = 50,
	.max_routes = 1000,
};

static inline struct tw_rib *make(const struct tw_rib_spec *spec)
{
	struct tw_rib *rib = tw_rib_create(spec);

	assert_non_null(rib);
	return rib;
}

static inline uint32_t add_peer(struct tw_rib *rib, uint32_t asn)
{
	struct tw_bgp_peer peer = peer_of(asn, 0);

	return tw_rib_peer(rib, &peer);
}

static inline int tell_id(struct tw_rib *rib, uint32_t peer, const char *prefix, uint32_t path_id,
	struct tw_bgp_path path)
{
	struct tw_bgp_route route = {.prefix = pfx(prefix), .path_id = path_id, .path = path};

	return tw_rib_route(rib, peer, &route);
}

static inline int tell(
	struct tw_rib *rib, uint32_t peer, const char *prefix, struct tw_bgp_path path)
{
	return tell_id(rib, peer, prefix, 0, path);
}

static inline int withdraw_id(
	struct tw_rib *rib, uint32_t peer, const char *prefix, uint32_t path_id)
{
	struct tw_bgp_route route = {.prefix = pfx(prefix), .path_id = path_id, .withdrawn = true};

	return tw_rib_route(rib, peer, &route);
}

static inline int withdraw(struct tw_rib *rib, uint32_t peer, const char *prefix)
{
	return withdraw_id(rib, peer, prefix, 0);
}

static inline uint32_t number_of(const struct tw_rib *rib, const char *text)
{
	struct tw_prefix prefix = pfx(text);

	return tw_rib_find(rib, &prefix);
}

static inline void expect(const struct tw_rib *rib, const char *prefix, enum tw_verdict_kind kind,
	uint32_t asn, uint32_t n_for, uint32_t n_votes)
{
	uint32_t number = number_of(rib, prefix);
	struct tw_route_verdict verdict;

	assert_int_not_equal(number, TW_RIB_NONE);
	verdict = tw_rib_decide(rib, number, 0);
	assert_string_equal(tw_verdict_name(verdict.kind), tw_verdict_name(kind));
	assert_int_equal(verdict.asn, asn);
	assert_int_equal(verdict.n_for, n_for);
	assert_int_equal(verdict.n_votes, n_votes);
	assert_int_equal(verdict.prefix, n_votes > 0 ? number : TW_RIB_NONE);
}

static inline struct tw_rib_info info_of(const struct tw_rib *rib)
{
	struct tw_rib_info info;

	tw_rib_info(rib, &info);
	return info;
}

#endif
