/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Rules and turns that are replaced under a worker's hands: it holds what it took across many bursts, and must find it
 * there. What may be freed is spoilt here, which a plain build sees as a sanitizer would.
 */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rules.h"

enum {
	N_PUBLISHED = 100000,
	N_TURNS = 50000,
	HOLD = 16,  /* bursts that a worker holds rules across, at the most */
	AHEAD = 20, /* turns that wait for their second */
	SPOILT = 0,
};

static struct tw_rules_slot slot;
static struct rte_rcu_qsbr *readers;
static atomic_bool stop;
static atomic_uint_fast64_t second;

static struct tw_rules *make_rules(void)
{
	struct tw_rules *rules = aligned_alloc(_Alignof(struct tw_rules), sizeof(*rules));

	assert_non_null(rules);
	memset(rules, 0, sizeof(*rules));
	rules->n_workers = 1;
	rules->from = 1;
	return rules;
}

static int setup(void **state)
{
	size_t size = rte_rcu_qsbr_get_memsize(1);

	(void)state;
	readers = aligned_alloc(RTE_CACHE_LINE_SIZE, size);
	if (readers == NULL)
		return -1;
	rte_rcu_qsbr_init(readers, 1);
	rte_rcu_qsbr_thread_register(readers, 0);
	rte_rcu_qsbr_thread_online(readers, 0);
	slot = (struct tw_rules_slot){.readers = readers};
	atomic_store(&stop, false);
	atomic_store(&second, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(readers);
	return 0;
}

/* A worker with nothing else to do. Returns how often it found rules spoilt. */
static void *hold_rules(void *arg)
{
	const struct tw_rules *held = NULL;
	uintptr_t spoilt = 0;

	(void)arg;
	for (unsigned int burst = 0; !atomic_load_explicit(&stop, memory_order_relaxed); burst++) {
		if (burst % HOLD == 0)
			held = atomic_load_explicit(&slot.published, memory_order_acquire);
		spoilt += __atomic_load_n(&held->from, __ATOMIC_RELAXED) == SPOILT;
		tw_rules_tell(&slot, held, 0);
		spoilt += __atomic_load_n(&held->from, __ATOMIC_RELAXED) == SPOILT;
	}
	return (void *)spoilt;
}

static void *end_of(pthread_t thread)
{
	void *result;

	atomic_store(&stop, true);
	assert_int_equal(pthread_join(thread, &result), 0);
	return result;
}

static void test_no_rules_are_freed_that_a_worker_holds(void **state)
{
	struct tw_rules *rules[2] = {make_rules(), make_rules()};
	struct tw_rules_retired retired = {0};
	pthread_t worker;

	(void)state;
	atomic_store(&slot.published, rules[0]);
	assert_int_equal(pthread_create(&worker, NULL, hold_rules, NULL), 0);
	for (unsigned int i = 1; i <= N_PUBLISHED; i++) {
		__atomic_store_n(&rules[i % 2]->from, 1, __ATOMIC_RELAXED);
		tw_rules_publish(&slot, rules[i % 2], &retired);
		assert_ptr_equal(retired.rules, rules[1 - i % 2]);
		while (!tw_rules_unused(&slot, &retired))
			rte_pause();
		__atomic_store_n(&retired.rules->from, SPOILT, __ATOMIC_RELAXED);
		/* long enough for a worker that goes on with them to see it, and at another moment each time */
		for (unsigned int wait = i % 61; wait > 0; wait--)
			rte_pause();
	}
	assert_int_equal((uintptr_t)end_of(worker), 0);
	tw_rules_free(rules[0]);
	tw_rules_free(rules[1]);
}

static void test_a_worker_that_holds_rules_keeps_them(void **state)
{
	struct tw_rules *rules[2] = {make_rules(), make_rules()};
	struct tw_rules_retired retired;

	(void)state;
	atomic_store(&slot.published, rules[0]);
	tw_rules_publish(&slot, rules[1], &retired);
	for (unsigned int i = 0; i < 10; i++) {
		tw_rules_tell(&slot, rules[0], 0);
		assert_false(tw_rules_unused(&slot, &retired));
	}
	/* what a worker says that looked before they were published, and was held up until after: */
	rte_rcu_qsbr_quiescent(slot.readers, 0);
	for (unsigned int i = 0; i < 10; i++) {
		assert_false(tw_rules_unused(&slot, &retired));
		tw_rules_tell(&slot, rules[0], 0);
	}
	tw_rules_tell(&slot, rules[1], 0);
	assert_true(tw_rules_unused(&slot, &retired));
	tw_rules_free(rules[0]);
	tw_rules_free(rules[1]);
}

/* ---- turns ---- */

static struct tw_rules *make_routed(void)
{
	struct tw_rules *rules = make_rules();

	rules->turns = rules->last_turn = calloc(1, sizeof(struct tw_turn));
	rules->vias[0] = calloc(1, RTE_CACHE_LINE_SIZE);
	assert_true(rules->turns != NULL && rules->vias[0] != NULL);
	atomic_init(&rules->at[0].last, rules->turns);
	return rules;
}

static void append(struct tw_rules *rules, uint64_t from)
{
	struct tw_via_change change = {.origin = 0, .via = (uint16_t)from};
	struct tw_routing_delta delta = {.n_vias = 1, .vias = &change};

	assert_int_equal(tw_rules_turn(rules, from, &delta), 0);
}

static unsigned int count_turns(const struct tw_rules *rules)
{
	unsigned int n = 0;

	for (const struct tw_turn *turn = rules->turns; turn != NULL;
		turn = atomic_load_explicit(&turn->next, memory_order_relaxed))
		n++;
	return n;
}

/* Returns in how many of its seconds a worker had other routes than those of the second. */
static void *walk_turns(void *arg)
{
	struct tw_rules *rules = arg;
	uintptr_t wrong = 0;
	uint64_t now;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		now = atomic_load_explicit(&second, memory_order_acquire);
		tw_rules_take_turns(rules, 0, now);
		wrong += rules->vias[0][0] != (uint16_t)now;
	}
	return (void *)wrong;
}

static void test_turns_are_kept_until_taken(void **state)
{
	struct tw_rules *rules = make_routed();
	unsigned int most = 0;
	pthread_t worker;

	(void)state;
	assert_int_equal(pthread_create(&worker, NULL, walk_turns, rules), 0);
	for (uint64_t from = 1; from <= N_TURNS; from++) {
		append(rules, from);
		if (from > AHEAD)
			atomic_store_explicit(&second, from - AHEAD, memory_order_release);
		/* there is always one that waits: that keeps none of those before it */
		while (count_turns(rules) > AHEAD + 100)
			tw_rules_forget(rules);
		most = RTE_MAX(most, count_turns(rules));
	}
	assert_int_equal((uintptr_t)end_of(worker), 0);
	assert_in_range(most, AHEAD, AHEAD + 101);
	tw_rules_take_turns(rules, 0, N_TURNS - AHEAD); /* it was ended on its way there, perhaps */
	tw_rules_forget(rules);
	assert_int_equal(count_turns(rules), AHEAD + 1);
	tw_rules_free(rules);
}

static void test_turns_wait_for_the_last_worker(void **state)
{
	struct tw_rules *rules = make_routed();

	(void)state;
	rules->n_workers = 2;
	rules->vias[1] = calloc(1, RTE_CACHE_LINE_SIZE);
	atomic_init(&rules->at[1].last, rules->turns);
	for (uint64_t from = 1; from <= 5; from++)
		append(rules, from);
	tw_rules_take_turns(rules, 0, 5);
	tw_rules_forget(rules);
	assert_int_equal(count_turns(rules), 6); /* the other is still at the first */
	tw_rules_take_turns(rules, 1, 3);
	tw_rules_forget(rules);
	assert_int_equal(count_turns(rules), 3);
	assert_int_equal(rules->vias[1][0], 3);
	tw_rules_take_turns(rules, 1, 9);
	tw_rules_forget(rules);
	assert_int_equal(count_turns(rules), 1);
	assert_int_equal(rules->vias[1][0], 5);
	rules->n_workers = 1;
	tw_rules_free(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_no_rules_are_freed_that_a_worker_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_worker_that_holds_rules_keeps_them, setup, teardown),
		cmocka_unit_test_setup_teardown(test_turns_are_kept_until_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_turns_wait_for_the_last_worker, setup, teardown),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
