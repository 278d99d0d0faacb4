/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The classify stage against its definition, packet by packet.
 *
 *   test_classify FIXTURES     on databases of make_test_mmdb.pl (default: TW_TEST_DATA)
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tw_test_table.h"

/* The packets of a burst and what classify must say of them, packet by packet. */
static void append(
	struct tw_burst *burst, const struct tw_addr *source, const struct tw_addr *destination)
{
	struct tw_packet packet = {.version = source->family};

	if (source->family == 4) {
		packet.ip4[0] = (uint32_t)tw_addr_number(source);
		packet.ip4[1] = (uint32_t)tw_addr_number(destination);
	} else {
		memcpy(packet.ip6[0], source->bytes, 16);
		memcpy(packet.ip6[1], destination->bytes, 16);
	}
	tw_burst_append(burst, &packet, 0);
}

static void assert_hit(const struct tw_hit *hit, unsigned int slot, unsigned int direction,
	uint32_t own, uint32_t peer, const struct tw_table *table, unsigned int version)
{
	assert_int_equal(hit->slot, slot);
	assert_int_equal(hit->direction, direction);
	assert_int_equal(hit->own, own);
	assert_int_equal(hit->peer, peer);
	assert_int_equal(hit->version, version);
	assert_int_equal(hit->target, tw_table_origin(table, own)->target);
}

static struct tw_addr random_end(uint8_t family, unsigned int rarity)
{
	static const char *const four[] = {"175.45.176.9", "1.0.0.1", "210.52.109.1", "8.8.8.70"};
	static const char *const six[] = {
		"2001:4860:4860::8888", "2400:cb00::1", "::ffff:175.45.176.1", "2002:100:1::"};
	struct tw_addr addr = tw_addr_from_number(family, random_number() & tw_family_last(family));

	if ((unsigned int)random() % rarity == 0)
		tw_addr_parse(family == 4 ? four[random() % 4] : six[random() % 4], &addr);
	return addr;
}

/* An address at an edge of a target, or not far from one. Some stand for IPv4 addresses. */
static struct tw_addr end_near_target(uint8_t family, unsigned int rarity)
{
	static const char *const edges[] = {"175.45.176.0", "175.45.179.255", "1.0.0.128",
		"1.0.0.255", "8.8.8.64", "8.8.8.95", "210.52.109.0", "240.0.0.0",
		"255.255.255.255"};
	static const char *const edges6[] = {"2001:4860:4860::", "2400:cb00::", "2400:cb00:1234::",
		"2002:af2d:b000::", "::ffff:175.45.179.255", "2001:0:af2d:b000::", "2002:a00::"};
	static const unsigned int reach[] = {1, 2, 0x100, 0x10000, 0x1000000};
	struct tw_addr addr;
	tw_u128 far;

	if ((unsigned int)random() % rarity == 0)
		return tw_addr_from_number(family, random_number() & tw_family_last(family));
	tw_addr_parse(family == 4 ? edges[(size_t)random() % RTE_DIM(edges)]
				  : edges6[(size_t)random() % RTE_DIM(edges6)],
		&addr);
	far = (unsigned int)random() % reach[(size_t)random() % RTE_DIM(reach)];
	if (family == 6 && random() % 2 == 0)
		far <<= random() % 96;
	return tw_addr_from_number(
		family, (tw_addr_number(&addr) + (random() % 2 == 0 ? far : -far)) &
				tw_family_last(family));
}

typedef struct tw_addr (*make_end)(uint8_t family, unsigned int rarity);

/* Bursts of such ends against the definition: what the table says of each address. */
static void classify_many(make_end make)
{
	static struct tw_burst burst;
	struct tw_table *table = must_load(&everything);
	uint64_t n_hits = 0, n_internal = 0, n_double = 0;

	srandom(63);
	for (unsigned int round = 0; round < 4000; round++) {
		struct tw_addr ends[TW_BURST_MAX][2];
		unsigned int n = (unsigned int)random() % (TW_BURST_MAX + 1);
		unsigned int rarity = round % 3 == 0 ? 1000 : 1 + (unsigned int)random() % 6;
		unsigned int hit = 0, internal = 0, target = 0;

		tw_burst_reset(&burst, 0);
		for (unsigned int slot = 0; slot < n; slot++) {
			uint8_t family = random() % 3 == 0 ? 6 : 4;

			ends[slot][0] = make(family, rarity);
			ends[slot][1] = make(family, rarity);
			append(&burst, &ends[slot][0], &ends[slot][1]);
		}
		tw_classify(table, &burst);
		for (unsigned int slot = 0; slot < n; slot++) {
			uint32_t source = look_up(table, &ends[slot][0]);
			uint32_t destination = look_up(table, &ends[slot][1]);
			uint8_t from = tw_table_origin(table, source)->target;
			uint8_t to = tw_table_origin(table, destination)->target;
			unsigned int before = hit;

			if (from == to) {
				internal += from != TW_TARGET_NONE;
				continue;
			}
			if (to != TW_TARGET_NONE)
				assert_hit(&burst.hits[hit++], slot, TW_DIR_TO, destination, source,
					table, ends[slot][0].family);
			if (from != TW_TARGET_NONE)
				assert_hit(&burst.hits[hit++], slot, TW_DIR_FROM, source,
					destination, table, ends[slot][0].family);
			target++;
			n_double += hit - before == 2;
		}
		assert_int_equal(burst.n_hits, hit);
		assert_int_equal(burst.n_internal, internal);
		assert_int_equal(burst.n_target, target);
		for (unsigned int i = 0; i < hit; i++) {
			const struct tw_hit *h = &burst.hits[i];

			assert_int_equal(h->slot, h->version == 4 ? burst.slot4[h->address]
								  : burst.slot6[h->address]);
		}
		n_hits += hit;
		n_internal += internal;
	}
	assert_true(n_hits > 10000 && n_internal > 1000 && n_double > 1000);
	tw_table_free(table);
}

static void hits_come_by_slot_to_before_from_in_mixed_bursts(void **state)
{
	classify_many(random_end);
}

static void nothing_near_a_target_is_missed(void **state)
{
	classify_many(end_near_target);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hits_come_by_slot_to_before_from_in_mixed_bursts),
		cmocka_unit_test(nothing_near_a_target_is_missed),
	};
	int status = test_start(argc > 1 ? argv[1] : NULL, "asn-24.mmdb", "512");

	return status != 0 ? status : cmocka_run_group_tests(tests, set_up, tear_down);
}
