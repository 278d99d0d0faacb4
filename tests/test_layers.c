/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What lies between the databases and the compiled table, against brute force: step functions,
 * nested prefixes flattened, routes, and the operator's overrides.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tw_overrides.h"
#include "tw_routes.h"

/* A prefix near others: few distinct leading bits, any length, so that much nests and touches. */
static struct tw_prefix random_prefix(uint8_t family)
{
	unsigned int bits = tw_addr_bits(family);
	struct tw_prefix prefix = {.length = (uint8_t)(random() % (bits + 1))};
	tw_u128 number = 0;

	for (unsigned int i = 0; i < bits; i++)
		number = number << 1 | (random() % 8 == 0);
	if (random() % 8 == 0)
		number = ~number & tw_family_last(family);
	if (prefix.length < bits)
		number &= ~(tw_family_last(family) >> prefix.length);
	prefix.addr = tw_addr_from_number(family, number);
	return prefix;
}

static struct tw_prefix prefix_of(const char *text)
{
	struct tw_prefix prefix;

	assert_int_equal(tw_prefix_parse(text, &prefix), 0);
	return prefix;
}

/* By definition: the lowest rank that covers the address, in it the longest prefix. */
static uint32_t brute_value(
	const struct tw_nested *nested, uint32_t n, uint8_t family, tw_u128 address)
{
	struct tw_prefix host = {.addr = tw_addr_from_number(family, address),
		.length = (uint8_t)tw_addr_bits(family)};
	const struct tw_nested *best = NULL;

	for (uint32_t i = 0; i < n; i++) {
		if (!tw_prefix_contains(&nested[i].prefix, &host))
			continue;
		if (best == NULL || nested[i].rank < best->rank ||
			(nested[i].rank == best->rank &&
				nested[i].prefix.length > best->prefix.length))
			best = &nested[i];
	}
	return best != NULL ? best->value : 0;
}

static uint32_t value_at(const struct tw_steps *steps, tw_u128 address)
{
	return steps->value[tw_steps_find(steps, address)];
}

/* By definition: the longest route that covers the address. */
static uint32_t route_at(const struct tw_routes *routes, tw_u128 address)
{
	uint32_t value = 0;

	for (uint32_t i = 0; i < routes->n && routes->routes[i].first <= address; i++) {
		const struct tw_route *route = &routes->routes[i];

		if (tw_family_prefix_last(routes->family, route->first, route->length) >= address)
			value = route->value;
	}
	return value;
}

/* Calls for every address at which something begins or ends, and its neighbours. */
static void at_boundaries(const struct tw_nested *nested, uint32_t n, const struct tw_steps *steps,
	const struct tw_routes *routes)
{
	for (uint32_t i = 0; i < n; i++) {
		tw_u128 around[6];

		if (nested[i].prefix.addr.family != steps->family)
			continue;
		tw_prefix_range(&nested[i].prefix, &around[1], &around[3]);
		around[0] = (around[1] - 1) & tw_family_last(steps->family);
		around[2] = around[1] + (around[3] - around[1]) / 2;
		around[4] = (around[3] + 1) & tw_family_last(steps->family);
		around[5] = tw_addr_number(&nested[(i + 1) % n].prefix.addr) &
			    tw_family_last(steps->family);
		for (unsigned int k = 0; k < 6; k++) {
			uint32_t expected = brute_value(nested, n, steps->family, around[k]);

			assert_int_equal(value_at(steps, around[k]), expected);
			assert_int_equal(route_at(routes, around[k]), expected);
		}
	}
}

static void nested_prefixes_flatten_and_come_back_as_routes(void **state)
{
	static struct tw_nested nested[400], sorted[400];
	uint64_t n_runs = 0, n_routes = 0;

	srandom(20485);
	for (unsigned int round = 0; round < 60; round++) {
		uint32_t n = round < 30 ? round + 1 : 300 + (uint32_t)(random() % 100);
		unsigned int n_ranks = round % 2 == 0 ? 1 : 4;

		for (uint32_t i = 0; i < n; i++) {
			nested[i] =
				(struct tw_nested){.prefix = random_prefix(random() % 2 ? 4 : 6),
					.value = i + 1,
					.rank = (uint32_t)random() % n_ranks};
			for (uint32_t j = 0; j < i; j++) {
				/* The same prefix twice in a rank has no answer by definition. */
				if (memcmp(&nested[j].prefix, &nested[i].prefix,
					    sizeof(nested[i].prefix)) == 0) {
					i--;
					break;
				}
			}
		}
		for (uint8_t family = 4; family <= 6; family += 2) {
			struct tw_routes routes;
			struct tw_steps steps;

			memcpy(sorted, nested, sizeof(sorted));
			assert_int_equal(tw_steps_flatten(&steps, family, sorted, n), 0);
			assert_int_equal(tw_routes_make(&routes, &steps), 0);
			at_boundaries(nested, n, &steps, &routes);
			n_runs += steps.n;
			n_routes += routes.n;
			for (uint32_t i = 1; i < steps.n; i++)
				assert_true(steps.first[i - 1] < steps.first[i]);
			tw_routes_free(&routes);
			tw_steps_free(&steps);
		}
	}
	print_message(
		"%lu runs became %lu routes\n", (unsigned long)n_runs, (unsigned long)n_routes);
}

static void a_hole_costs_one_route_not_one_for_each_bit(void **state)
{
	struct tw_nested nested[] = {{.prefix = prefix_of("2001:db8::/32"), .value = 1},
		{.prefix = prefix_of("2001:db8:8000::/48"), .value = 2}};
	struct tw_routes routes;
	struct tw_steps steps;

	assert_int_equal(tw_steps_flatten(&steps, 6, nested, 2), 0);
	assert_int_equal(tw_routes_make(&routes, &steps), 0);
	assert_int_equal(routes.n, 2);
	tw_routes_free(&routes);
	tw_steps_free(&steps);
}

static void the_index_finds_every_run_of_a_crowded_function(void **state)
{
	/* All of 40,000 runs under one 16-bit top, plus one in each of the next tops. */
	for (uint8_t family = 4; family <= 6; family += 2) {
		unsigned int shift = tw_addr_bits(family) - 32;
		struct tw_steps steps;
		uint32_t n = 0;

		assert_int_equal(tw_steps_init(&steps, family), 0);
		for (uint32_t i = 0; i < 40000; i++) {
			tw_u128 first =
				(tw_u128)(0x2a000000 + (i < 30000 ? i * 2 : (i - 30000) << 16))
				<< shift;

			if (i >= 30000 && i - 30000 < 2)
				continue;
			assert_int_equal(tw_steps_append(&steps, first, first, ++n), 0);
			if (i >= 30000 && i - 30000 > 0x1000)
				break;
		}
		assert_int_equal(tw_steps_finish(&steps), 0);
		for (uint32_t run = 0; run < steps.n; run++) {
			assert_int_equal(tw_steps_find(&steps, steps.first[run]), run);
			assert_int_equal(tw_steps_find(&steps, tw_steps_last(&steps, run)), run);
		}
		tw_steps_free(&steps);
	}
}

/* Reads `text` as a file of overrides. */
static int read_text(struct tw_overrides *overrides, struct tw_names *names, struct tw_diag *diag,
	const char *text)
{
	char path[] = "/tmp/overrides.XXXXXX";
	int fd = mkstemp(path);
	int err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	err = tw_overrides_read(overrides, path, names, diag);
	unlink(path);
	/* Messages begin with the path, which is another each time. */
	for (unsigned int i = 0; i < diag->n_lines; i++)
		memmove(diag->lines[i], diag->lines[i] + strlen(path),
			strlen(diag->lines[i] + strlen(path)) + 1);
	return err;
}

static void overrides_are_read_in_every_form(void **state)
{
	struct tw_overrides overrides;
	struct tw_names names = {0};
	struct tw_diag diag = {0};

	assert_int_equal(read_text(&overrides, &names, &diag,
				 "\xef\xbb\xbf# ours\r\n\r\nPrefix,ASN,Name\r\n"
				 "10.0.0.0/8,64512,Lab\r\n"
				 "10.1.0.0/16 , AS4294967295 , \"Quoted, \"\"twice\"\"\" \n"
				 "  2001:db8::/32,as64513\n"
				 "192.0.2.1,64514,\n"
				 "\"198.51.100.0/24\",\"64515\",\"\"\n"
				 "0.0.0.0/0,1,no newline at the end"),
		0);
	assert_int_equal(diag.n_lines, 0);
	assert_int_equal(overrides.n, 6);
	assert_int_equal(overrides.entries[0].asn, 64512);
	assert_int_equal(overrides.entries[0].line, 4);
	assert_string_equal(tw_names_get(&names, overrides.entries[0].name), "Lab");
	assert_int_equal(overrides.entries[1].asn, 4294967295);
	assert_string_equal(tw_names_get(&names, overrides.entries[1].name), "Quoted, \"twice\"");
	assert_int_equal(overrides.entries[2].prefix.addr.family, 6);
	assert_int_equal(overrides.entries[2].name, 0);
	assert_int_equal(overrides.entries[3].prefix.length, 32);
	assert_int_equal(overrides.entries[4].name, 0);
	assert_int_equal(overrides.entries[5].prefix.length, 0);
	tw_overrides_free(&overrides);

	assert_int_equal(read_text(&overrides, &names, &diag, ""), 0);
	assert_int_equal(overrides.n, 0);
	tw_overrides_free(&overrides);
	tw_names_free(&names);
}

static void every_bad_line_of_overrides_is_told_at_once(void **state)
{
	static const char *const expected[] = {
		":1: prefix: 10.0.0.1/8: has bits set behind its length: write 10.0.0.0/8",
		":2: prefix: \"10.0.0.0/33\": write a prefix such as 192.0.2.0/24 or 2001:db8::/32",
		":3: asn: \"0\": write 1 to 4294967295, or AS15169",
		":4: asn: \"4294967296\": write 1 to 4294967295, or AS15169",
		":5: asn: \"\": write 1 to 4294967295, or AS15169",
		":6: \" Inc.\": more than three fields: put a name that has a comma in quotes",
		":7: a quote that does not end its field: write \"...\", and \"\" for a quote "
		"inside",
		":10: asn: \"-1\": write 1 to 4294967295, or AS15169",
		":11: prefix: \"prefix\": write a prefix such as 192.0.2.0/24 or 2001:db8::/32",
		":11: asn: \"asn\": write 1 to 4294967295, or AS15169",
		":9: prefix: 192.0.2.0/24: already on line 8: keep one of them",
	};
	struct tw_overrides overrides;
	struct tw_names names = {0};
	struct tw_diag diag = {0};

	assert_int_equal(
		read_text(&overrides, &names, &diag,
			"10.0.0.1/8,1\n10.0.0.0/33,1\n10.0.0.0/8,0\n10.0.0.0/"
			"8,4294967296\n10.0.0.0/8\n"
			"1.0.0.0/24,13335,Cloudflare, Inc.\n1.0.0.0/24,13335,\"Cloudflare\n"
			"192.0.2.0/24,1\n192.0.2.0/24,1\n192.0.3.0/24,-1\nprefix,asn,name\n"),
		-EINVAL);
	for (unsigned int i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		assert_true(i < diag.n_lines);
		assert_string_equal(diag.lines[i], expected[i]);
	}
	assert_int_equal(diag.n_lines, sizeof(expected) / sizeof(*expected));
	assert_int_equal(overrides.n, 0);
	assert_null(overrides.entries);
	tw_diag_free(&diag);

	assert_int_equal(tw_overrides_read(&overrides, "/nonexistent.csv", &names, &diag), -ENOENT);
	assert_int_equal(diag.n_lines, 1);
	assert_int_equal(tw_overrides_read(&overrides, "/tmp", &names, &diag), -EIO);
	assert_int_equal(diag.n_lines, 2);
	tw_diag_free(&diag);
	tw_names_free(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nested_prefixes_flatten_and_come_back_as_routes),
		cmocka_unit_test(a_hole_costs_one_route_not_one_for_each_bit),
		cmocka_unit_test(the_index_finds_every_run_of_a_crowded_function),
		cmocka_unit_test(overrides_are_read_in_every_form),
		cmocka_unit_test(every_bad_line_of_overrides_is_told_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
