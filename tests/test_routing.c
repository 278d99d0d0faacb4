/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * From routes to vias: what a routing keeps up by deltas must be what one made anew of the same RIB says, and what the
 * routes of each address say one by one.
 */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tw_routing.h"
#include "tw_test_table.h"

#define N_PREFIXES 60
#define N_PEERS    5

static const char *const bases[] = {
	"175.45.176.0/22", "1.0.0.128/25", "2001:4860:4860::/48", "8.8.8.0/24", "2400:cb00::/32"};
static const struct tw_upstream configured[] = {{4837, "China Unicom", TW_UPSTREAM_CONFIGURED},
	{20485, "TransTeleCom", TW_UPSTREAM_CONFIGURED}};
static const uint32_t uplinks[] = {4837, 20485, 3356, 1299, 174, 6939};
static struct tw_prefix prefixes[N_PREFIXES];

static void make_prefixes(void)
{
	for (unsigned int i = 0; i < N_PREFIXES; i++) {
		struct tw_prefix base = prefix_of(bases[i % RTE_DIM(bases)]);
		unsigned int bits = tw_addr_bits(base.addr.family);
		tw_u128 number, last;

		tw_prefix_range(&base, &number, &last);
		base.length = (uint8_t)(base.length - 4 + (unsigned int)random() % 12);
		number |= random_number() & (last - number);
		number &= ~(tw_u128)0 << (bits - base.length);
		base.addr = tw_addr_from_number(base.addr.family, number);
		prefixes[i] = base;
	}
}

static struct tw_rib *make_rib(struct tw_sources *sources)
{
	struct tw_target_range *ranges[2];
	struct tw_rib_spec spec = {
		.targets = targets, .n_targets = 2, .majority = 50, .max_routes = 100000};
	struct tw_rib *rib;

	assert_int_equal(tw_sources_target_ranges(sources, 4, &ranges[0], &spec.n_ranges[0]), 0);
	assert_int_equal(tw_sources_target_ranges(sources, 6, &ranges[1], &spec.n_ranges[1]), 0);
	spec.ranges[0] = ranges[0];
	spec.ranges[1] = ranges[1];
	rib = tw_rib_create(&spec);
	assert_non_null(rib);
	free(ranges[0]);
	free(ranges[1]);
	return rib;
}

/* A route or a withdrawal of one of the first `n` prefixes by a random vantage point. */
static void change(struct tw_rib *rib, unsigned int n)
{
	struct tw_bgp_peer peer = {.asn = 64500 + (uint32_t)random() % N_PEERS};
	uint32_t origin = random() % 8 == 0 ? 64512 : random() % 2 == 0 ? 131279 : 13335;
	uint32_t asns[] = {htonl(uplinks[random() % RTE_DIM(uplinks)]), htonl(origin)};
	unsigned int skip = random() % 10 == 0; /* the origin alone: direct */
	uint8_t segments[2 + sizeof(asns)] = {TW_BGP_SEQUENCE, (uint8_t)(2 - skip)};
	struct tw_bgp_route route = {.prefix = prefixes[(unsigned int)random() % n],
		.withdrawn = random() % 3 == 0,
		.path = {segments, sizeof(segments) - 4 * skip}};

	peer.addr = tw_addr_from_number(4, 0x0a000000 + peer.asn);
	memcpy(segments + 2, asns + skip, sizeof(asns) - 4 * skip);
	if (route.withdrawn)
		route.path = (struct tw_bgp_path){0};
	if (tw_rib_wants(rib, &route.prefix))
		assert_true(tw_rib_route(rib, tw_rib_peer(rib, &peer), &route) >= 0);
}

struct parts {
	struct tw_sources *sources;
	struct tw_rib *rib;
	struct tw_table *table;
	struct tw_link_map *map;
	struct tw_upstream_list upstreams;
	struct tw_routing_spec spec;
};

static void make_parts(struct parts *p, unsigned int n_known, unsigned int n_places)
{
	static const enum tw_method order[] = {TW_METHOD_RIB};
	struct tw_link_spec spec = {.order = order, .n_order = 1};
	struct tw_diag diag = {0};
	struct tw_prefix cuts[N_PREFIXES];

	p->sources = tw_sources_load(&everything, &diag);
	assert_non_null(p->sources);
	p->rib = make_rib(p->sources);
	for (unsigned int i = 0; i < n_known; i++)
		if (tw_rib_wants(p->rib, &prefixes[i]))
			tw_rib_know(p->rib, &prefixes[i]);
	p->spec.n_cuts = tw_rib_n_prefixes(p->rib);
	for (uint32_t i = 0; i < p->spec.n_cuts; i++)
		cuts[i] = *tw_rib_prefix(p->rib, i);
	p->table = tw_table_make(p->sources, cuts, p->spec.n_cuts, SOCKET_ID_ANY, &diag);
	assert_non_null(p->table);
	assert_int_equal(tw_upstream_list_make(&p->upstreams,
				 &(struct tw_upstream_list_spec){.configured = configured,
					 .n_configured = 2,
					 .routed = true,
					 .n_places = n_places}),
		0);
	spec.upstreams = p->upstreams.upstreams;
	spec.n_upstreams = p->upstreams.n;
	p->map = tw_link_map_create(&spec, NULL);
	p->spec.table = p->table;
	p->spec.map = p->map;
	p->spec.upstreams = &p->upstreams;
	p->spec.n_targets = 2;
	p->spec.rib = p->rib;
}

static void free_parts(struct parts *p)
{
	tw_table_free(p->table);
	tw_link_map_free(p->map);
	tw_rib_free(p->rib);
	tw_upstream_list_free(&p->upstreams);
	tw_sources_release(p->sources);
}

/* What every address of every prefix's edge has: the via of the longest prefix with a route. */
static void check_addresses(struct parts *p, const struct tw_routing *r)
{
	const uint16_t *vias = tw_routing_vias(r);

	for (unsigned int i = 0; i < N_PREFIXES; i++) {
		uint8_t family = prefixes[i].addr.family;
		tw_u128 edges[2];

		tw_prefix_range(&prefixes[i], &edges[0], &edges[1]);
		for (unsigned int k = 0; k < 2; k++) {
			struct tw_addr addr = tw_addr_from_number(family, edges[k]);
			uint32_t origin = look_up(p->table, &addr);
			unsigned int target = tw_table_origin(p->table, origin)->target;
			struct tw_route_verdict verdict = {0};
			struct tw_prefix host = {addr, (uint8_t)tw_addr_bits(family)};
			int best = -1;

			if (target == TW_TARGET_NONE)
				continue;
			for (uint32_t n = 0; n < tw_rib_n_prefixes(p->rib); n++) {
				const struct tw_prefix *prefix = tw_rib_prefix(p->rib, n);
				struct tw_route_verdict one = tw_rib_decide(p->rib, n, target);

				if (one.kind != TW_VERDICT_NONE && prefix->length > best &&
					tw_prefix_contains(prefix, &host)) {
					best = prefix->length;
					verdict = one;
				}
			}
			assert_int_equal(vias[origin],
				tw_link_map_route_via(p->map, tw_routing_upstream(r, &verdict)));
		}
	}
}

static void deltas_lead_where_a_new_routing_starts(void **state)
{
	uint32_t n_origins, n_shares;
	struct tw_routing *r, *anew;
	struct tw_route_share *shares;
	struct parts p = {0};
	unsigned int n_changed = 0, n_other = 0;
	uint16_t *vias;

	make_prefixes();
	make_parts(&p, N_PREFIXES, 3);
	r = tw_routing_create(&p.spec);
	assert_non_null(r);
	n_origins = tw_table_n_target_origins(p.table) + 1;
	n_shares = 2 * p.upstreams.n * 2;
	vias = calloc(n_origins, sizeof(*vias));
	shares = calloc(n_shares, sizeof(*shares));
	for (unsigned int step = 0; step < 600; step++) {
		struct tw_routing_delta delta;
		int changed;

		for (unsigned int i = (unsigned int)random() % 6; i > 0; i--)
			change(p.rib, N_PREFIXES);
		changed = tw_routing_update(r, &delta);
		assert_true(changed >= 0);
		n_changed += changed == 1;
		for (uint32_t i = 0; i < delta.n_vias; i++)
			vias[delta.vias[i].origin] = delta.vias[i].via;
		for (uint32_t i = 0; i < delta.n_shares; i++) {
			shares[delta.shares[i].index].prefixes +=
				(uint64_t)delta.shares[i].prefixes;
			shares[delta.shares[i].index].addresses +=
				(uint64_t)delta.shares[i].addresses;
		}
		tw_routing_delta_free(&delta);
		anew = tw_routing_create(&p.spec);
		assert_memory_equal(vias, tw_routing_vias(r), n_origins * sizeof(*vias));
		assert_memory_equal(vias, tw_routing_vias(anew), n_origins * sizeof(*vias));
		assert_memory_equal(shares, tw_routing_shares(r), n_shares * sizeof(*shares));
		assert_memory_equal(shares, tw_routing_shares(anew), n_shares * sizeof(*shares));
		tw_routing_free(anew);
		if (step % 20 == 0)
			check_addresses(&p, r);
		for (unsigned int t = 0; t < 2; t++)
			n_other += shares[tw_share_index(p.upstreams.n, t,
						  tw_upstream_list_kind(
							  &p.upstreams, TW_UPSTREAM_OTHER),
						  4)]
					   .prefixes > 0;
		assert_false(tw_routing_outgrown(r));
	}
	assert_true(n_changed > 300);
	/* Three of four that are not configured have a place, what is left is `other`. */
	assert_int_equal(p.upstreams.n_taken, 3);
	assert_true(n_other > 20);
	tw_routing_free(r);
	free(vias);
	free(shares);
	free_parts(&p);
}

static void a_prefix_that_the_table_is_not_cut_at_is_told(void **state)
{
	struct tw_routing_delta delta;
	struct tw_routing *r;
	struct parts p = {0};

	make_parts(&p, N_PREFIXES / 2, 3);
	r = tw_routing_create(&p.spec);
	for (unsigned int i = 0; i < 50; i++)
		change(p.rib, N_PREFIXES / 2);
	assert_true(tw_routing_update(r, &delta) >= 0);
	tw_routing_delta_free(&delta);
	assert_false(tw_routing_outgrown(r));
	check_addresses(&p, r);
	while (tw_rib_n_prefixes(p.rib) == p.spec.n_cuts)
		change(p.rib, N_PREFIXES);
	assert_true(tw_routing_update(r, &delta) >= 0);
	tw_routing_delta_free(&delta);
	assert_true(tw_routing_outgrown(r));
	tw_routing_free(r);
	/* Made of a RIB that is larger than the cuts, a routing says so at once. */
	r = tw_routing_create(&p.spec);
	assert_true(tw_routing_outgrown(r));
	tw_routing_free(r);
	free_parts(&p);
}

static void places_go_to_whom_most_prefixes_show_and_stay(void **state)
{
	static const struct {
		const char *prefix;
		uint32_t upstream;
	} routes[] = {{"175.45.176.0/24", 174}, {"175.45.177.0/24", 3356},
		{"175.45.178.0/24", 3356}, {"175.45.179.0/24", 1299}};
	struct tw_bgp_peer peer = {.addr = tw_addr_from_number(4, 1), .asn = 64500};
	struct tw_routing *r;
	struct parts p = {0};

	for (unsigned int i = 0; i < RTE_DIM(routes); i++)
		prefixes[i] = prefix_of(routes[i].prefix);
	make_parts(&p, RTE_DIM(routes), 2);
	for (unsigned int i = 0; i < RTE_DIM(routes); i++) {
		uint32_t asns[] = {htonl(routes[i].upstream), htonl(131279)};
		uint8_t segments[2 + sizeof(asns)] = {TW_BGP_SEQUENCE, 2};
		struct tw_bgp_route route = {
			.prefix = prefixes[i], .path = {segments, sizeof(segments)}};

		memcpy(segments + 2, asns, sizeof(asns));
		assert_int_equal(tw_rib_route(p.rib, tw_rib_peer(p.rib, &peer), &route), 1);
	}
	r = tw_routing_create(&p.spec);
	assert_int_equal(p.upstreams.upstreams[2].asn, 3356);
	assert_int_equal(p.upstreams.upstreams[3].asn, 174);
	assert_int_equal(tw_upstream_list_find(&p.upstreams, 1299, ""),
		tw_upstream_list_kind(&p.upstreams, TW_UPSTREAM_OTHER));
	assert_int_equal(tw_upstream_list_find(&p.upstreams, 4837, ""), 0);
	assert_int_equal(tw_upstream_list_find(&p.upstreams, 174, ""), 3);
	assert_int_equal(tw_routing_shares(r)[tw_share_index(p.upstreams.n, 0, 2, 4)].prefixes, 2);
	assert_int_equal(
		tw_routing_shares(r)[tw_share_index(p.upstreams.n, 0, 2, 4)].addresses, 512);
	tw_routing_free(r);
	free_parts(&p);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deltas_lead_where_a_new_routing_starts),
		cmocka_unit_test(a_prefix_that_the_table_is_not_cut_at_is_told),
		cmocka_unit_test(places_go_to_whom_most_prefixes_show_and_stay),
	};
	int status = test_start(argc > 1 ? argv[1] : NULL, "asn-28.mmdb", "512");

	srandom(11);
	return status != 0 ? status
			   : cmocka_run_group_tests_name("routing", tests, set_up, tear_down);
}
