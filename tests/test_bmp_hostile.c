/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/upstream: BMP, as no router should speak it. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tw_test_bmp_told.h"

static void malformed_messages_cost_themselves_alone(void **state)
{
	uint64_t n = 0;

	bring_up(&peer);
	/* Every length that a message can be cut to, of every type. */
	for (unsigned int type = 0; type <= 7; type++) {
		struct tw_test_wire *whole = calloc(1, sizeof(*whole));

		assert_non_null(whole);
		if (type == 0)
			tw_put_route(whole, &peer, &route6);
		else if (type == 2)
			tw_put_peer_down(whole, &peer, 2);
		else if (type == 3)
			tw_put_peer_up(whole, &peer, &all, &all);
		else if (type == 4)
			tw_put_initiation(whole, "edge1");
		else if (type == 5)
			tw_put(whole, 0, 6);
		else
			tw_put_other(whole, (uint8_t)type, &peer);
		for (size_t size = 6; size < whole->size; size++) {
			uint64_t before = tw_bmp_counts(bmp)->malformed;

			memcpy(wire.data, whole->data, size);
			wire.size = size;
			tw_put_length(&wire, 1, 4, 0);
			feed();
			n += tw_bmp_counts(bmp)->malformed - before;
			/* Whole up to its TLVs, or without any that are read. */
			if (type == 0 || (type == 3 && size < whole->size) ||
				(type == 2 && size < 6 + 42))
				assert_int_equal(tw_bmp_counts(bmp)->malformed, before + 1);
			told[0] = '\0';
			if (tw_bmp_n_peers(bmp) == 0)
				bring_up(&peer);
			tw_put_route(&wire, &peer, &route);
			expect("192.0.2.1 AS2914: + 175.45.176.0/24 [2914 4837 131279]\n");
		}
		free(whole);
	}
	assert_true(n > 200);
}

static void an_open_that_lies_of_its_length_is_malformed(void **state)
{
	/* The lengths of the message, of its parameters, of the capabilities, and of one. */
	static const size_t at[] = {17, 28, 30, 32};
	size_t open = 6 + 42 + 20;

	for (unsigned int i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		for (int by = -1; by <= 1; by += 2) {
			tw_put_peer_up(&wire, &peer, &all, &all);
			wire.data[open + at[i]] = (uint8_t)(wire.data[open + at[i]] + by);
			feed();
			assert_int_equal(tw_bmp_n_peers(bmp), 0);
			assert_non_null(strstr(told, "malformed: "));
			told[0] = '\0';
		}
	}
	tw_put_peer_up(&wire, &peer, &all, &all);
	wire.data[open + 18] = 2;
	expect("malformed: no OPEN where one should be\n");
	tw_put_peer_up(&wire, &peer, &all, &all);
	wire.data[open + 3] = 0;
	expect("malformed: no OPEN where one should be\n");
	tw_put_peer_up(&wire, &peer, &all, &all);
	expect("192.0.2.1 AS2914: up\n");
}

static void routes_of_nobody_are_stray(void **state)
{
	tw_put_route(&wire, &peer, &route);
	tw_put_end_of_rib(&wire, &peer, 4);
	tw_put_peer_down(&wire, &peer, 1);
	expect("");
	assert_int_equal(tw_bmp_counts(bmp)->stray, 3);
}

static void a_stream_that_cannot_be_followed_ends(void **state)
{
	static const struct {
		uint8_t data[6];
		size_t size;
	} streams[] = {
		{{4}, 1},
		{{'G', 'E', 'T', ' ', '/'}, 5},
		{{3, 0, 0, 0, 5, 4}, 6},
		{{3, 0, 0, 0, 0, 4}, 6},
		{{3, 0, 4, 0, 1, 4}, 6}, /* TW_BMP_MESSAGE_MAX and one */
		{{3, 0xff, 0xff, 0xff, 0xff, 4}, 6},
	};
	const char *why;

	for (unsigned int i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		why = NULL;
		assert_int_equal(tw_bmp_feed(bmp, tw_guard_lay(streams[i].data, streams[i].size),
					 streams[i].size, &why),
			-EBADMSG);
		assert_non_null(why);
	}
	/* What came before counts. */
	tw_put_peer_up(&wire, &peer, &all, &all);
	tw_put(&wire, 1, 1);
	assert_int_equal(tw_bmp_feed(bmp, wire.data, wire.size, &why), -EBADMSG);
	assert_string_equal(told, "192.0.2.1 AS2914: up\n");
	assert_int_equal(tw_bmp_feed(bmp, wire.data, 0, &why), 0);
}

static void the_longest_message_is_taken(void **state)
{
	size_t start = tw_put_bmp(&wire, 6);
	const char *why;

	memset(wire.data + wire.size, 0, TW_BMP_MESSAGE_MAX - wire.size);
	wire.size = TW_BMP_MESSAGE_MAX;
	tw_put_bmp_end(&wire, start);
	assert_int_equal(tw_bmp_feed(bmp, wire.data, wire.size - 1, &why), 0);
	expect("");
	assert_int_equal(tw_bmp_counts(bmp)->skipped, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BMP_TEST(malformed_messages_cost_themselves_alone),
		BMP_TEST(an_open_that_lies_of_its_length_is_malformed),
		BMP_TEST(routes_of_nobody_are_stray),
		BMP_TEST(a_stream_that_cannot_be_followed_ends),
		BMP_TEST(the_longest_message_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
