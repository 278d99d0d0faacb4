/* SPDX-License-Identifier: BSD-3-Clause */

/* What one path says of a target. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tw_test_rib.h"

static void expect_path(
	struct tw_bgp_path path, unsigned int target, enum tw_verdict_kind kind, uint32_t asn)
{
	struct tw_route_verdict verdict =
		tw_path_verdict(&path, 2914, targets[target].asns, targets[target].n_asns);

	assert_string_equal(tw_verdict_name(verdict.kind), tw_verdict_name(kind));
	assert_int_equal(verdict.asn, asn);
	assert_int_equal(verdict.n_for, 1);
	assert_int_equal(verdict.n_votes, 1);
	assert_false(verdict.stale);
}

static void the_as_left_of_the_origin_is_the_upstream(void **state)
{
	expect_path(PATH(2914, 1239, UNICOM, KP), 0, TW_VERDICT_UPSTREAM, UNICOM);
	expect_path(PATH(TTK, KP), 0, TW_VERDICT_UPSTREAM, TTK);
	expect_path(PATH(2914, 1239, UNICOM, KP, KP, KP), 0, TW_VERDICT_UPSTREAM, UNICOM);
	/* A set that is not next to the target is no matter. */
	expect_path(PATH(2914, SET(2), 1, 2, UNICOM, KP), 0, TW_VERDICT_UPSTREAM, UNICOM);
}

static void all_of_a_targets_asns_are_walked_past(void **state)
{
	expect_path(PATH(2914, UNICOM, 64512, KP, 64512, KP), 1, TW_VERDICT_UPSTREAM, UNICOM);
	expect_path(PATH(2914, UNICOM, 64512, KP), 0, TW_VERDICT_UPSTREAM, 64512);
	/* The target's own AS further left is no part of the walk. */
	expect_path(PATH(KP, UNICOM, KP), 0, TW_VERDICT_UPSTREAM, UNICOM);
}

static void a_path_of_the_target_alone_is_direct(void **state)
{
	expect_path(PATH(KP), 0, TW_VERDICT_DIRECT, 0);
	expect_path(PATH(KP, KP), 0, TW_VERDICT_DIRECT, 0);
	expect_path(PATH(64512, KP), 1, TW_VERDICT_DIRECT, 0);
}

static void a_set_at_the_origin_or_the_upstream_is_ambiguous(void **state)
{
	expect_path(PATH(2914, 1239, SET(2), UNICOM, TTK, KP), 0, TW_VERDICT_AMBIGUOUS, 0);
	expect_path(PATH(2914, 1239, SET(2), KP, 64512), 0, TW_VERDICT_AMBIGUOUS, 0);
	expect_path(PATH(2914, 1239, SET(2), 64500, 64501), 0, TW_VERDICT_AMBIGUOUS, 0);
	expect_path(PATH(2914, 1239, SET(1), KP), 0, TW_VERDICT_AMBIGUOUS, 0);
	expect_path(PATH(UNICOM, SET(1), KP, KP), 0, TW_VERDICT_AMBIGUOUS, 0);
	expect_path(PATH(SET(2), KP, 64512), 2, TW_VERDICT_AMBIGUOUS, 0);
}

static void a_set_is_not_the_as_0(void **state)
{
	static const uint32_t zero[] = {0};
	struct tw_bgp_path path = PATH(UNICOM, SET(2), 1, 2);

	assert_int_equal(tw_path_verdict(&path, 2914, zero, 1).kind, TW_VERDICT_AMBIGUOUS);
}

static void an_origin_of_others_is_foreign(void **state)
{
	expect_path(PATH(2914, 64500), 0, TW_VERDICT_FOREIGN, 64500);
	expect_path(PATH(2914, KP, 64500), 0, TW_VERDICT_FOREIGN, 64500);
	expect_path(PATH(2914, UNICOM, KP, 64512), 0, TW_VERDICT_FOREIGN, 64512);
}

static void without_asns_any_origin_is_the_targets(void **state)
{
	expect_path(PATH(2914, UNICOM, 64500, 64500), 2, TW_VERDICT_UPSTREAM, UNICOM);
	expect_path(PATH(64500, 64500), 2, TW_VERDICT_DIRECT, 0);
	expect_path(PATH(2914, SET(2), 1, 2, 64500), 2, TW_VERDICT_AMBIGUOUS, 0);
	expect_path(EMPTY_PATH, 2, TW_VERDICT_DIRECT, 0);
}

static void an_empty_path_is_of_the_speaker(void **state)
{
	struct tw_bgp_path empty = EMPTY_PATH;

	expect_path(empty, 0, TW_VERDICT_FOREIGN, 2914);
	assert_int_equal(tw_path_verdict(&empty, KP, kp, 1).kind, TW_VERDICT_DIRECT);
	assert_int_equal(tw_path_verdict(&empty, 23456, kp, 1).kind, TW_VERDICT_AMBIGUOUS);
}

static void nobody_is_neither_upstream_nor_hijacker(void **state)
{
	expect_path(PATH(2914, 23456, KP), 0, TW_VERDICT_AMBIGUOUS, 0);
	expect_path(PATH(2914, 0, KP), 0, TW_VERDICT_AMBIGUOUS, 0);
	expect_path(PATH(2914, UNICOM, 23456), 0, TW_VERDICT_AMBIGUOUS, 0);
	expect_path(PATH(2914, UNICOM, 0), 0, TW_VERDICT_AMBIGUOUS, 0);
	expect_path(PATH(2914, 23456, 23456), 2, TW_VERDICT_AMBIGUOUS, 0);
	expect_path(PATH(2914, 23456, UNICOM, KP), 0, TW_VERDICT_UPSTREAM, UNICOM);
}

static void a_path_of_many_segments_is_one_path(void **state)
{
	enum {
		LENGTH = 600
	};
	uint8_t octets[6 * LENGTH], *at = octets;
	struct tw_bgp_path path = {octets, 0};

	/* UNICOM, then KP 599 times, each in a segment of its own, some of them empty. */
	for (unsigned int i = 0; i < LENGTH; i++) {
		uint32_t asn = htonl(i == 0 ? UNICOM : KP);

		*at++ = TW_BGP_SEQUENCE;
		*at++ = i % 7 != 6;
		if (i % 7 == 6)
			continue;
		memcpy(at, &asn, 4);
		at += 4;
	}
	path.size = (size_t)(at - octets);
	expect_path(path, 0, TW_VERDICT_UPSTREAM, UNICOM);
}

static void octets_that_are_no_path_are_ambiguous(void **state)
{
	static const uint8_t whole[] = {2, 2, 0, 0, 0x12, 0xe5, 0, 2, 0, 0xcf};
	static const uint8_t confederation[] = {3, 1, 0, 2, 0, 0xcf};

	expect_path((struct tw_bgp_path){whole, 10}, 0, TW_VERDICT_UPSTREAM, UNICOM);
	for (size_t cut = 1; cut < 10; cut++) {
		/* Of its own size, so that a sanitizer sees a read beyond. */
		uint8_t *octets = malloc(cut);

		assert_non_null(octets);
		memcpy(octets, whole, cut);
		expect_path((struct tw_bgp_path){octets, cut}, 0, TW_VERDICT_AMBIGUOUS, 0);
		free(octets);
	}
	expect_path((struct tw_bgp_path){confederation, 6}, 0, TW_VERDICT_AMBIGUOUS, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_as_left_of_the_origin_is_the_upstream),
		cmocka_unit_test(all_of_a_targets_asns_are_walked_past),
		cmocka_unit_test(a_path_of_the_target_alone_is_direct),
		cmocka_unit_test(a_set_at_the_origin_or_the_upstream_is_ambiguous),
		cmocka_unit_test(a_set_is_not_the_as_0),
		cmocka_unit_test(an_origin_of_others_is_foreign),
		cmocka_unit_test(without_asns_any_origin_is_the_targets),
		cmocka_unit_test(an_empty_path_is_of_the_speaker),
		cmocka_unit_test(nobody_is_neither_upstream_nor_hijacker),
		cmocka_unit_test(a_path_of_many_segments_is_one_path),
		cmocka_unit_test(octets_that_are_no_path_are_ambiguous),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
