/* SPDX-License-Identifier: BSD-3-Clause */

/* The clock of live seconds beside a wall clock that is set, forth and back. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "wall.h"

#define SECOND UINT64_C(1000000000)
#define MS     UINT64_C(1000000)

static struct tw_wall wall;
static struct tw_clocks now;

static int setup(void **state)
{
	(void)state;
	now = (struct tw_clocks){.monotonic = 5 * SECOND, .wall = 1506816000 * SECOND};
	tw_wall_start(&wall, &now);
	return 0;
}

static uint64_t here(void)
{
	return now.monotonic + atomic_load(&wall.offset);
}

/* Time passes, a millisecond a look. Returns what became of the clock in it; it was told once at the most. */
static enum tw_wall_change pass(uint64_t ms, uint64_t *by)
{
	enum tw_wall_change all = TW_WALL_STEADY;

	for (uint64_t i = 0; i < ms; i++) {
		uint64_t before = here(), most;
		enum tw_wall_change change;

		now.monotonic += MS;
		now.wall += MS;
		change = tw_wall_look(&wall, &now, by);
		assert_true(here() >= before);
		most = here() - before;
		assert_true(change == TW_WALL_FORWARD || most <= MS);
		assert_true(most >= MS - MS / 20);
		assert_true(change == TW_WALL_STEADY || all == TW_WALL_STEADY);
		all = change != TW_WALL_STEADY ? change : all;
	}
	return all;
}

static void test_it_is_the_wall_clock(void **state)
{
	uint64_t by;

	(void)state;
	assert_int_equal(here(), now.wall);
	assert_int_equal(pass(5000, &by), TW_WALL_STEADY);
	assert_int_equal(here(), now.wall);
	now.wall -= 3 * MS; /* read a moment later */
	assert_int_equal(pass(1, &by), TW_WALL_STEADY);
	now.wall += 5 * MS;
	assert_int_equal(pass(1, &by), TW_WALL_STEADY);
	assert_int_equal(atomic_load(&wall.ahead), 0);
}

static void test_set_forward_it_jumps(void **state)
{
	uint64_t by;

	(void)state;
	now.wall += 3600 * SECOND;
	assert_int_equal(pass(1, &by), TW_WALL_FORWARD);
	assert_int_equal(by, 3600 * SECOND);
	assert_int_equal(here(), now.wall);
	assert_int_equal(pass(1000, &by), TW_WALL_STEADY);
}

static void test_set_back_it_runs_slower(void **state)
{
	uint64_t by;

	(void)state;
	now.wall -= SECOND;
	assert_int_equal(pass(1, &by), TW_WALL_BACK);
	assert_in_range(by, SECOND - MS, SECOND);
	assert_int_equal(pass(10000, &by), TW_WALL_STEADY);
	assert_in_range(atomic_load(&wall.ahead), SECOND / 2 - MS, SECOND / 2 + MS);
	assert_int_equal(here() - now.wall, atomic_load(&wall.ahead));
	assert_int_equal(pass(10001, &by), TW_WALL_CAUGHT_UP);
	assert_int_equal(atomic_load(&wall.ahead), 0);
	assert_int_equal(here(), now.wall);
}

static void test_set_back_again(void **state)
{
	uint64_t by;

	(void)state;
	now.wall -= 10 * SECOND;
	assert_int_equal(pass(1000, &by), TW_WALL_BACK);
	now.wall -= 20 * SECOND;
	assert_int_equal(pass(1000, &by), TW_WALL_BACK);
	assert_in_range(by, 20 * SECOND - MS, 20 * SECOND);
	/* set right: there is nothing left to wait for */
	now.wall += 30 * SECOND;
	assert_int_equal(pass(1000, &by), TW_WALL_FORWARD);
	assert_in_range(by, 90 * MS, 110 * MS);
	assert_int_equal(here(), now.wall);
}

/* Set back, and forward again by less: some is left. */
static void test_set_back_and_nearly_right(void **state)
{
	uint64_t by;

	(void)state;
	now.wall -= 60 * SECOND;
	assert_int_equal(pass(1, &by), TW_WALL_BACK);
	now.wall += 59 * SECOND;
	assert_int_equal(pass(1, &by), TW_WALL_STEADY);
	assert_in_range(atomic_load(&wall.ahead), SECOND - 2 * MS, SECOND);
	assert_int_equal(pass(20000, &by), TW_WALL_CAUGHT_UP);
}

static void test_the_next_second(void **state)
{
	struct tw_clocks real = tw_clocks_now();
	uint64_t second, next;

	(void)state;
	tw_wall_start(&wall, &real);
	do {
		second = tw_wall_ns(&wall) / SECOND;
		next = tw_wall_next_second(&wall, 0);
	} while (tw_wall_ns(&wall) / SECOND != second);
	assert_int_equal(next, second + 1);
	assert_in_range(tw_wall_next_second(&wall, SECOND), second + 2, second + 3);
	assert_in_range(tw_wall_ns(&wall), real.wall, real.wall + 10 * SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_it_is_the_wall_clock, setup),
		cmocka_unit_test_setup(test_set_forward_it_jumps, setup),
		cmocka_unit_test_setup(test_set_back_it_runs_slower, setup),
		cmocka_unit_test_setup(test_set_back_again, setup),
		cmocka_unit_test_setup(test_set_back_and_nearly_right, setup),
		cmocka_unit_test(test_the_next_second),
	};

	return cmocka_run_group_tests_name("wall", tests, NULL, NULL);
}
