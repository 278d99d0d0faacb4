/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The RIB where memory runs out: each allocation fails once, in turn; what was asked is refused as a whole and can be
 * asked again. The linker hands the library's allocations to this file.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tw_test_rib.h"

/* The names are the linker's. NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *at, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *at, size_t size);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static unsigned int countdown; /* 0: none fails */
static unsigned int n_failed;

static bool fails(void)
{
	bool now = countdown > 0 && --countdown == 0;

	n_failed += now;
	return now;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *at, size_t size)
{
	return fails() ? NULL : __real_realloc(at, size);
}

enum {
	N_PEERS = 60,
	N_PREFIXES = 40
};

static struct tw_bgp_route nth_route(uint32_t i, struct tw_bgp_path path)
{
	return (struct tw_bgp_route){
		.prefix = {tw_addr_from_number(4, 0xaf2db000 + i), 32}, .path = path};
}

/* What could not be taken left nothing behind. */
static void check(const struct tw_rib *rib, uint32_t n_routes, uint32_t n_prefixes)
{
	struct tw_rib_info info = info_of(rib);

	assert_int_equal(info.n_routes, n_routes);
	assert_int_equal(info.n_prefixes, n_prefixes);
	assert_int_equal(tw_rib_n_prefixes(rib), n_prefixes);
	assert_int_equal(info.refused, 0);
}

static void fill(struct tw_rib *rib)
{
	uint32_t n_routes = 0;

	for (uint32_t i = 0; i < N_PREFIXES; i++)
		for (uint32_t k = 0; k < N_PEERS; k++) {
			struct tw_bgp_route route = nth_route(i, PATH(k, 1000 + i, KP));
			uint32_t peer = add_peer(rib, k), before = n_failed;
			int err;

			if (peer == TW_RIB_NONE)
				peer = add_peer(rib, k);
			assert_int_equal(peer, k);
			err = tw_rib_route(rib, peer, &route);
			if (err != 1) {
				assert_int_equal(err, -ENOMEM);
				assert_int_equal(n_failed, before + 1);
				check(rib, n_routes, k == 0 ? i : i + 1);
				assert_int_equal(tw_rib_route(rib, peer, &route), 1);
			}
			check(rib, ++n_routes, i + 1);
		}
}

static void replace(struct tw_rib *rib)
{
	for (uint32_t i = 0; i < N_PREFIXES; i++) {
		struct tw_bgp_route route = nth_route(i, PATH(7, 7, 2000 + i, KP));
		int err = tw_rib_route(rib, 0, &route);

		if (err == 1)
			continue;
		/* The path before is true no more, the new one found no room. */
		assert_int_equal(err, -ENOMEM);
		assert_int_equal(tw_rib_decide(rib, i, 0).n_votes, N_PEERS - 1);
		assert_int_equal(tw_rib_route(rib, 0, &route), 1);
	}
	for (uint32_t i = 0; i < N_PREFIXES; i++) {
		struct tw_route_verdict verdict = tw_rib_decide(rib, i, 0);

		assert_int_equal(verdict.kind, TW_VERDICT_UPSTREAM);
		assert_int_equal(verdict.asn, 1000 + i);
		assert_int_equal(verdict.n_for, N_PEERS - 1);
	}
	check(rib, N_PREFIXES * N_PEERS, N_PREFIXES);
}

static void every_allocation_may_fail(void **state)
{
	struct tw_rib_spec spec = everybody;
	unsigned int nth = 0, without_rib = 0;

	spec.max_routes = N_PREFIXES * N_PEERS;
	do {
		struct tw_rib *rib;
		unsigned int before = n_failed;

		countdown = ++nth;
		rib = tw_rib_create(&spec);
		if (rib == NULL) {
			assert_int_equal(n_failed, before + 1);
			without_rib++;
			rib = make(&spec);
		}
		fill(rib);
		replace(rib);
		tw_rib_free(rib);
	} while (countdown == 0 && nth < 10000);
	countdown = 0;
	/* Two thousand paths, and all the tables beside. */
	assert_in_range(n_failed, N_PREFIXES * N_PEERS + 20, 9999);
	assert_in_range(without_rib, 5, 10);
}

static void a_move_without_memory_says_so(void **state)
{
	struct tw_rib_spec spec = everybody;
	struct tw_rib *from;
	unsigned int nth = 0;
	int err;

	spec.max_routes = N_PREFIXES * N_PEERS;
	from = make(&spec);
	for (uint32_t i = 0; i < N_PREFIXES; i++) {
		struct tw_bgp_route route = nth_route(i, PATH(1000 + i, KP));
		struct tw_bgp_peer peer = peer_of(i, 1);

		assert_int_equal(tw_rib_route(from, tw_rib_peer(from, &peer), &route), 1);
	}
	do {
		struct tw_rib *rib = make(&spec);

		countdown = ++nth;
		err = tw_rib_adopt_live(rib, from);
		assert_int_equal(err, countdown == 0 ? -ENOMEM : 0);
		countdown = 0;
		assert_int_equal(tw_rib_adopt_live(rib, from), 0);
		assert_int_equal(info_of(rib).n_routes, N_PREFIXES);
		tw_rib_free(rib);
	} while (err != 0);
	assert_in_range(nth, N_PREFIXES, 1000);
	tw_rib_free(from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(a_move_without_memory_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
