/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The compiled table: what the fast path says, what explanations say, and what the sources say must
 * be one.
 *
 *   test_table FIXTURES        on databases of make_test_mmdb.pl (default: TW_TEST_DATA)
 *   test_table --shared DATA   on full-size databases; skipped (77) where DATA is absent
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <rte_malloc.h>

#include "tw_test_table.h"

static const struct tw_origin *origin_of(const struct tw_table *table, const char *text)
{
	struct tw_addr addr;

	assert_int_equal(tw_addr_parse(text, &addr), 0);
	return tw_table_origin(table, look_up(table, &addr));
}

static struct tw_explanation explanation_of(const struct tw_table *table, const char *text)
{
	struct tw_explanation explanation;
	struct tw_addr addr;

	assert_int_equal(tw_addr_parse(text, &addr), 0);
	tw_table_explain(table, &addr, &explanation);
	return explanation;
}

static void assert_origin(const struct tw_origin *origin, uint32_t asn, const char *name,
	const char *country, uint8_t target)
{
	assert_int_equal(origin->asn, asn);
	assert_string_equal(origin->name, name);
	assert_string_equal(origin->country, country);
	assert_int_equal(origin->target, target);
}

static void assert_prefix(const struct tw_prefix *prefix, const char *expected)
{
	char text[TW_PREFIX_TEXT];

	assert_string_equal(tw_prefix_format(prefix, text), expected);
}

/* Both families' fast path against the explanation, 128 addresses at a time as a burst has them. */
struct agreement {
	const struct tw_table *table;
	uint32_t ip4[128];
	uint8_t ip6[128][16];
	unsigned int n4;
	unsigned int n6;
	uint64_t checked;
};

static void check_one(struct agreement *with, uint8_t family, const uint8_t *bytes, uint64_t origin)
{
	struct tw_explanation explanation;
	struct tw_addr addr = {.family = family};
	const struct tw_origin *fast;
	char text[64];

	memcpy(addr.bytes, bytes, family == 4 ? 4 : 16);
	assert_true(origin < tw_table_n_origins(with->table));
	fast = tw_table_origin(with->table, (uint32_t)origin);
	tw_table_explain(with->table, &addr, &explanation);
	if (fast->asn != explanation.origin.asn ||
		strcmp(fast->name, explanation.origin.name) != 0 ||
		strcmp(fast->country, explanation.origin.country) != 0 ||
		fast->target != explanation.origin.target)
		fail_msg("%s: fast path AS%u %s target %u, explained AS%u %s target %u",
			tw_addr_format(&addr, text), fast->asn, fast->country, fast->target,
			explanation.origin.asn, explanation.origin.country,
			explanation.origin.target);
	with->checked++;
}

static void flush(struct agreement *with)
{
	uint64_t origins[128];

	tw_table_lookup4(with->table, with->ip4, origins, with->n4);
	for (unsigned int i = 0; i < with->n4; i++) {
		struct tw_addr addr = tw_addr_from_number(4, with->ip4[i]);

		check_one(with, 4, addr.bytes, origins[i]);
	}
	tw_table_lookup6(with->table, (const uint8_t(*)[16])with->ip6, origins, with->n6);
	for (unsigned int i = 0; i < with->n6; i++)
		check_one(with, 6, with->ip6[i], origins[i]);
	with->n4 = with->n6 = 0;
}

static void add_address(struct agreement *with, uint8_t family, tw_u128 number)
{
	struct tw_addr addr = tw_addr_from_number(family, number);

	if (family == 4)
		with->ip4[with->n4++] = (uint32_t)number;
	else
		memcpy(with->ip6[with->n6++], addr.bytes, 16);
	if (with->n4 == 128 || with->n6 == 128)
		flush(with);
}

/* Before, first, inner, last and behind each run of each layer, and random addresses. */
static void assert_explained_as_looked_up(const struct tw_table *table)
{
	struct agreement *with = calloc(1, sizeof(*with));

	assert_non_null(with);
	with->table = table;
	for (uint8_t family = 4; family <= 6; family += 2) {
		const struct tw_steps *layers[TW_LAYER_MAX];
		tw_u128 mask = tw_family_last(family);

		tw_sources_layers(table->sources, family, layers);
		for (unsigned int layer = 0; layer < TW_LAYER_MAX; layer++) {
			for (uint32_t run = 0; run < layers[layer]->n; run++) {
				tw_u128 first = layers[layer]->first[run],
					last = tw_steps_last(layers[layer], run);

				add_address(with, family, (first - 1) & mask);
				add_address(with, family, first);
				add_address(
					with, family, first + (random_number() & (last - first)));
				add_address(with, family, last);
			}
		}
		for (unsigned int i = 0; i < 100000; i++)
			add_address(with, family, random_number() & mask);
		for (unsigned int i = 0; i < 20000 && family == 6; i++) {
			uint32_t ip = (uint32_t)random_number();

			add_address(with, 6, ip);
			add_address(with, 6, (tw_u128)0xffff << 32 | ip);
			add_address(with, 6,
				(tw_u128)0x2002 << 112 | (tw_u128)ip << 80 |
					(random_number() >> 48));
			add_address(with, 6,
				(tw_u128)0x20010000 << 96 | (tw_u128)ip << 64 |
					(random_number() >> 64));
		}
	}
	flush(with);
	print_message("%lu addresses explained as looked up\n", (unsigned long)with->checked);
	free(with);
}

static void sources_rule_in_their_order(void **state)
{
	struct tw_table *table = must_load(&everything);
	struct tw_explanation why;

	assert_origin(origin_of(table, "8.8.8.1"), 15169, "Google LLC", "US", TW_TARGET_NONE);
	assert_origin(origin_of(table, "8.8.8.64"), 64600, "Ours, now", "US", 0);
	/* An override without a name has the database's; the longest override wins. */
	assert_origin(origin_of(table, "8.8.8.127"), 15169, "Google LLC", "US", TW_TARGET_NONE);
	assert_origin(origin_of(table, "8.8.8.128"), 4294967294,
		"Org, with \"quotes\" and R\xc3\xa9seau", "US", TW_TARGET_NONE);
	assert_origin(origin_of(table, "255.255.255.254"), 13335, "Cloudflare", "", 1);
	assert_origin(origin_of(table, "2400:cb00:1235::1"), 64601, "Six", "KP", 0);
	assert_origin(origin_of(table, "7.7.7.7"), 0, "", "", TW_TARGET_NONE);
	assert_origin(origin_of(table, "175.45.178.1"), 131279, "Star JV", "CN", 0);
	/* The first target wins, whichever way each takes the address. */
	assert_origin(origin_of(table, "1.0.0.1"), 13335, "Cloudflare", "", 1);
	assert_origin(origin_of(table, "1.0.0.129"), 13335, "Cloudflare", "", 0);
	assert_origin(origin_of(table, "210.52.109.7"), 0, "", "KP", 0);

	why = explanation_of(table, "8.8.8.65");
	assert_int_equal(why.asn_source, TW_SOURCE_OVERRIDE);
	assert_int_equal(why.asn_line, 2);
	assert_prefix(&why.asn_prefix, "8.8.8.64/26");
	assert_int_equal(why.country_source, TW_SOURCE_DATABASE);
	assert_prefix(&why.country_prefix, "8.8.8.0/24");
	assert_int_equal(why.target_source, TW_SOURCE_TARGET_ASN);
	why = explanation_of(table, "175.45.177.1");
	assert_int_equal(why.asn_source, TW_SOURCE_DATABASE);
	assert_prefix(&why.asn_prefix, "175.45.176.0/22");
	assert_prefix(&why.country_prefix, "175.45.176.0/23");
	assert_int_equal(why.target_source, TW_SOURCE_TARGET_PREFIX);
	assert_prefix(&why.target_prefix, "175.45.176.0/22");
	why = explanation_of(table, "210.52.109.7");
	assert_int_equal(why.asn_source, TW_SOURCE_NONE);
	assert_int_equal(why.target_source, TW_SOURCE_TARGET_COUNTRY);
	why = explanation_of(table, "7.7.7.7");
	assert_int_equal(why.asn_source, TW_SOURCE_NONE);
	assert_int_equal(why.country_source, TW_SOURCE_NONE);
	assert_int_equal(why.target_source, TW_SOURCE_NONE);
	tw_table_free(table);
}

static void addresses_that_stand_for_ipv4_get_its_origin(void **state)
{
	static const char *const forms[] = {
		"2002:808:801::1", "::ffff:8.8.8.1", "::8.8.8.1", "2001:0:808:801::1"};
	struct tw_table *table = must_load(&everything);
	struct tw_explanation why;

	for (unsigned int i = 0; i < RTE_DIM(forms); i++) {
		assert_origin(
			origin_of(table, forms[i]), 15169, "Google LLC", "US", TW_TARGET_NONE);
		why = explanation_of(table, forms[i]);
		assert_prefix(&why.asn_prefix, "8.8.8.0/25");
	}
	assert_origin(origin_of(table, "2002:af2d:b001::1"), 131279, "Star JV", "KP", 0);
	/* An override inside the range stands alone. */
	assert_origin(origin_of(table, "2002:0a00:1::1"), 64602, "Ten by 6to4", "", TW_TARGET_NONE);
	assert_origin(origin_of(table, "2001:4860:4860::8888"), 15169, "Google LLC", "", 1);
	tw_table_free(table);
}

static void targets_have_the_first_origins(void **state)
{
	struct tw_table *table = must_load(&everything);
	uint32_t n = tw_table_n_origins(table);
	const struct tw_database *databases;
	struct tw_table_info info;
	uint32_t n_targets = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct tw_origin *origin = tw_table_origin(table, i);

		n_targets += origin->target != TW_TARGET_NONE;
		assert_int_equal(
			origin->target != TW_TARGET_NONE, i >= 1 && i <= table->n_target_origins);
		/* Equal origins are one. */
		for (uint32_t j = 0; j < i; j++) {
			const struct tw_origin *other = tw_table_origin(table, j);

			assert_true(origin->asn != other->asn || origin->target != other->target ||
				    strcmp(origin->name, other->name) != 0 ||
				    strcmp(origin->country, other->country) != 0);
		}
	}
	assert_true(n_targets > 3);
	assert_origin(tw_table_origin(table, 0), 0, "", "", TW_TARGET_NONE);

	tw_table_info(table, &info);
	assert_int_equal(info.n_origins, n);
	assert_true(info.n_routes4 > 10 && info.n_routes6 > 5 && info.compile_ns > 0);
	assert_int_equal(tw_table_databases(table, &databases), 2);
	assert_string_equal(databases[0].path, everything.asn_database);
	assert_string_equal(databases[0].type, "GeoLite2-ASN");
	assert_string_equal(databases[1].type, "GeoLite2-Country");
	assert_int_equal(databases[1].n_prefixes, 6);
	assert_true(databases[0].build_epoch > 1000000000);
	assert_string_equal(tw_table_asn_name(table, 64600), "Ours, now");
	assert_string_equal(tw_table_asn_name(table, 13335), "Cloudflare");
	assert_string_equal(tw_table_asn_name(table, 64500), "");
	assert_string_equal(tw_table_asn_name(table, 99), "");
	tw_table_free(table);
}

static void explanations_agree_with_the_fast_path(void **state)
{
	static const char *const files[] = {"asn-24.mmdb", "asn-28.mmdb", "asn-32.mmdb",
		"asn-ipv4.mmdb", "asn-no-alias.mmdb", "asn-default.mmdb"};
	struct tw_table_spec spec = everything;

	srandom(4837);
	for (unsigned int i = 0; i < RTE_DIM(files); i++) {
		char *path = in_folder(files[i]);
		struct tw_table *table;

		spec.asn_database = path;
		spec.overrides = i % 2 ? NULL : everything.overrides;
		table = must_load(&spec);
		assert_explained_as_looked_up(table);
		tw_table_free(table);
		free(path);
	}
}

/*
 * Overrides that crowd in few places, of every length: what rte_fib's groups and the RIB are sized
 * by.
 */
static const char *random_overrides(unsigned int n)
{
	static char text[1 << 19];
	size_t at = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint8_t family = random() % 2 ? 4 : 6;
		unsigned int bits = tw_addr_bits(family);
		tw_u128 number = 0;
		struct tw_prefix prefix = {
			.length = (uint8_t)((unsigned long)random() % (bits + 1))};
		char name[TW_PREFIX_TEXT];

		for (unsigned int bit = 0; bit < bits; bit++)
			number = number << 1 | (random() % 12 == 0);
		if (random() % 6 == 0)
			number = ~number & tw_family_last(family);
		if (prefix.length < bits)
			number &= ~(tw_family_last(family) >> prefix.length);
		prefix.addr = tw_addr_from_number(family, number);
		tw_prefix_format(&prefix, name);
		/*
		 * A prefix drawn before would be refused as double: a line is found by its
		 * beginning.
		 */
		strcat(name, ",");
		if (at > 0 && strstr(text, name) != NULL)
			continue;
		at += (size_t)snprintf(
			text + at, sizeof(text) - at, "%s%lu\n", name, 1 + random() % 50);
	}
	return text;
}

static void tables_of_any_shape_compile_and_agree(void **state)
{
	srandom(2017);
	for (unsigned int round = 0; round < 12; round++) {
		struct tw_table_spec spec = {.targets = targets, .n_targets = 2};
		struct tw_table *table;

		spec.overrides = temporary_file(random_overrides(round < 6 ? 1 + round * 3 : 3000));
		table = must_load(&spec);
		assert_explained_as_looked_up(table);
		tw_table_free(table);
	}
	everything.overrides = temporary_file(overrides_text);
}

/* n prefixes of n ASNs: entries of one octet, two or four, and either side of the steps between them. */
static void check_width(unsigned int n)
{
	struct tw_table_spec spec = {0};
	struct tw_table *table;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (unsigned int i = 0; i < n; i++)
		fprintf(out, "%u.%u.%u.0/24,%u\n%x:%x::/32,%u\n", 1 + (i >> 16), i >> 8 & 0xff,
			i & 0xff, 1000 + i, 0x2400 + (i >> 16), i & 0xffff, 1000 + i);
	fclose(out);
	spec.overrides = temporary_file(text);
	free(text);
	table = must_load(&spec);
	assert_int_equal(tw_table_n_origins(table), n + 1);
	/* by bursts: a single look-up takes another way through rte_fib */
	for (unsigned int first = 0; first <= n; first += 32) {
		uint8_t ips6[32][16];
		uint32_t ips4[32];
		uint64_t origins[64];

		for (unsigned int i = 0; i < 32; i++) {
			tw_u128 six = ((tw_u128)0x24000000 + first + i) << 96 | 77;

			ips4[i] = (1u << 24) + ((first + i) << 8) + 77;
			memcpy(ips6[i], tw_addr_from_number(6, six).bytes, 16);
		}
		tw_table_lookup4(table, ips4, origins, 32);
		tw_table_lookup6(table, (const uint8_t(*)[16])ips6, origins + 32, 32);
		for (unsigned int i = 0; i < 64; i++)
			assert_int_equal(tw_table_origin(table, (uint32_t)origins[i])->asn,
				first + i % 32 < n ? 1000 + first + i % 32 : 0);
	}
	tw_table_free(table);
}

static void every_width_of_entry_holds_its_next_hops(void **state)
{
	static const unsigned int steps[] = {INT8_MAX, INT16_MAX};

	check_width(1);
	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int n = steps[i] - 3; n <= steps[i] + 3; n++)
			check_width(n);
	everything.overrides = temporary_file(overrides_text);
}

static void without_sources_everything_is_unknown(void **state)
{
	struct tw_table_spec spec = {0};
	struct tw_table *table = must_load(&spec);
	const struct tw_database *databases;

	assert_int_equal(tw_table_n_origins(table), 1);
	assert_origin(origin_of(table, "8.8.8.8"), 0, "", "", TW_TARGET_NONE);
	assert_origin(origin_of(table, "2001:db8::1"), 0, "", "", TW_TARGET_NONE);
	assert_int_equal(tw_table_databases(table, &databases), 0);
	tw_table_free(table);
}

static size_t heap_in_use(void)
{
	size_t total = 0;

	for (int socket = 0; socket < RTE_MAX_NUMA_NODES; socket++) {
		struct rte_malloc_socket_stats stats;

		if (rte_malloc_get_socket_stats(socket, &stats) == 0)
			total += stats.heap_allocsz_bytes;
	}
	return total;
}

static void two_tables_live_at_once_and_leave_nothing_behind(void **state)
{
	size_t before;
	struct tw_table *old, *new;

	/* The first allocation of a kind may stay: EAL's own lists. */
	tw_table_free(must_load(&everything));
	before = heap_in_use();
	old = must_load(&everything);
	for (unsigned int i = 0; i < 3; i++) {
		new = must_load(&everything);
		assert_origin(origin_of(old, "8.8.8.1"), 15169, "Google LLC", "US", TW_TARGET_NONE);
		tw_table_free(old);
		assert_origin(origin_of(new, "8.8.8.1"), 15169, "Google LLC", "US", TW_TARGET_NONE);
		old = new;
	}
	tw_table_free(old);
	tw_table_free(NULL);
	assert_int_equal(heap_in_use(), before);
}

static void a_failed_load_tells_every_file_and_leaves_nothing_behind(void **state)
{
	struct tw_table_spec spec = everything;
	struct tw_diag diag = {0};
	char *path = in_folder("wrong-map.mmdb");
	struct tw_table *tables[64];
	unsigned int n = 0;
	size_t before = heap_in_use();

	spec.asn_database = path;
	spec.country_database = "/nonexistent.mmdb";
	spec.overrides = "/nonexistent.csv";
	assert_null(tw_table_load(&spec, SOCKET_ID_ANY, &diag));
	assert_int_equal(diag.n_lines, 3);
	tw_diag_free(&diag);
	assert_int_equal(heap_in_use(), before);
	free(path);

	/*
	 * Out of memory in whichever part it happens: one line, and room for the next table after a
	 * free.
	 */
	while (n < RTE_DIM(tables) &&
		(tables[n] = tw_table_load(&everything, SOCKET_ID_ANY, &diag)) != NULL)
		n++;
	assert_in_range(n, 1, RTE_DIM(tables) - 1);
	assert_int_equal(diag.n_lines, 1);
	assert_non_null(strstr(diag.lines[0], "give more with -m"));
	tw_diag_free(&diag);
	while (n > 0)
		tw_table_free(tables[--n]);
	assert_int_equal(heap_in_use(), before);
	tw_table_free(must_load(&everything));
}

/* Shared data. */

static void full_size_tables_agree(void **state)
{
	struct tw_prefix prefixes[] = {prefix_of("175.45.176.0/22"), prefix_of("2a00::/16")};
	const struct tw_target target = {.name = "KP",
		.asns = kp_asns,
		.n_asns = 2,
		.country = "KP",
		.prefixes = prefixes,
		.n_prefixes = 2};
	char *asn = in_folder("mmdb/asn-24.mmdb"),
	     *country = in_folder("mmdb/geo-whois-asn-country.mmdb");
	struct tw_table_spec spec = {.targets = &target, .n_targets = 1, .asn_database = asn};
	struct tw_table *table;

	table = must_load(&spec);
	assert_explained_as_looked_up(table);
	assert_true(origin_of(table, "175.45.176.1")->asn == 131279);
	tw_table_free(table);
	spec.country_database = country;
	spec.overrides = temporary_file(overrides_text);
	table = must_load(&spec);
	assert_explained_as_looked_up(table);
	tw_table_free(table);
	unlink(spec.overrides);
	free(asn);
	free(country);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_rule_in_their_order),
		cmocka_unit_test(addresses_that_stand_for_ipv4_get_its_origin),
		cmocka_unit_test(targets_have_the_first_origins),
		cmocka_unit_test(explanations_agree_with_the_fast_path),
		cmocka_unit_test(tables_of_any_shape_compile_and_agree),
		cmocka_unit_test(every_width_of_entry_holds_its_next_hops),
		cmocka_unit_test(without_sources_everything_is_unknown),
		cmocka_unit_test(two_tables_live_at_once_and_leave_nothing_behind),
		cmocka_unit_test(a_failed_load_tells_every_file_and_leaves_nothing_behind),
	};
	const struct CMUnitTest shared[] = {cmocka_unit_test(full_size_tables_agree)};
	bool with_shared = argc > 2 && strcmp(argv[1], "--shared") == 0;
	int status = with_shared ? test_start(argv[2], "mmdb/asn-24.mmdb", "1024")
				 : test_start(argc > 1 ? argv[1] : NULL, "asn-24.mmdb", "512");

	if (status != 0)
		return status;
	if (with_shared)
		return cmocka_run_group_tests(shared, NULL, NULL);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
