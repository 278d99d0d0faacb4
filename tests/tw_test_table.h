/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEST_TABLE_H
#define TW_TEST_TABLE_H

/*
 * What the tests of the compiled table share: loading, look-ups of one address, and a table of
 * every source at once on the databases of make_test_mmdb.pl. Include cmocka.h first.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_memory.h>

#include "tw_table_priv.h"
#include "tw_test_eal.h"

static const char *data_folder;

static inline char *in_folder(const char *file)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", data_folder, file) > 0);
	return path;
}

static inline struct tw_prefix prefix_of(const char *text)
{
	struct tw_prefix prefix;

	assert_int_equal(tw_prefix_parse(text, &prefix), 0);
	return prefix;
}

/* A file that lives as long as the test. */
static const char *temporary_file(const char *text)
{
	static char path[32];
	int fd;

	if (path[0] != '\0')
		unlink(path);
	snprintf(path, sizeof(path), "/tmp/test_table.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return path;
}

static inline struct tw_table *must_load(const struct tw_table_spec *spec)
{
	struct tw_diag diag = {0};
	struct tw_table *table = tw_table_load(spec, SOCKET_ID_ANY, &diag);

	if (table == NULL)
		fail_msg("%s", diag.n_lines > 0 ? diag.lines[0] : "no message");
	assert_int_equal(diag.n_lines, 0);
	return table;
}

static inline uint32_t look_up(const struct tw_table *table, const struct tw_addr *addr)
{
	uint32_t ip = (uint32_t)tw_addr_number(addr);
	uint64_t origin;

	if (addr->family == 4)
		tw_table_lookup4(table, &ip, &origin, 1);
	else
		tw_table_lookup6(table, (const uint8_t(*)[16])addr->bytes, &origin, 1);
	assert_true(origin < tw_table_n_origins(table));
	return (uint32_t)origin;
}

static inline tw_u128 random_number(void)
{
	tw_u128 number = 0;

	for (unsigned int i = 0; i < 8; i++)
		number = number << 16 | ((uint32_t)random() & 0xffff);
	return number;
}

/* Every source at once, on the fixtures. */
static struct tw_prefix kp_prefixes[2], second_prefixes[2];
static const uint32_t kp_asns[] = {131279, 64600};
static const struct tw_target targets[] = {
	{.name = "KP",
		.asns = kp_asns,
		.n_asns = 2,
		.country = "KP",
		.prefixes = kp_prefixes,
		.n_prefixes = 2},
	{.name = "second",
		.asns = (const uint32_t[]){13335, 131279},
		.n_asns = 2,
		.prefixes = second_prefixes,
		.n_prefixes = 2},
};
static struct tw_table_spec everything = {.targets = targets, .n_targets = 2};

static const char overrides_text[] = "prefix,asn,name\n"
				     "8.8.8.64/26,64600,\"Ours, now\"\n"
				     "8.8.8.96/27,15169\n"
				     "2400:cb00:1234::/47,64601,Six\n"
				     "2002:0a00::/24,64602,Ten by 6to4\n"
				     "240.0.0.0/4,13335\n";

static inline int set_up(void **state)
{
	kp_prefixes[0] = prefix_of("175.45.176.0/22");
	kp_prefixes[1] = prefix_of("1.0.0.128/25");
	second_prefixes[0] =
		prefix_of("175.45.176.0/23"); /* inside the first target's: never wins */
	second_prefixes[1] = prefix_of("2001:4860:4860::/48");
	everything.asn_database = in_folder("asn-28.mmdb");
	everything.country_database = in_folder("country.mmdb");
	everything.overrides = temporary_file(overrides_text);
	return 0;
}

static inline int tear_down(void **state)
{
	unlink(everything.overrides);
	free((char *)(uintptr_t)everything.asn_database);
	free((char *)(uintptr_t)everything.country_database);
	return 0;
}

/*
 * Starts the EAL where the folder (NULL: the one in TW_TEST_DATA) has the file `needed`. Returns 0,
 * or the program's exit status: 77 where it is skipped.
 */
static inline int test_start(const char *folder, const char *needed, const char *megabytes)
{
	char *path;
	int found;

	data_folder = folder != NULL ? folder : getenv("TW_TEST_DATA");
	if (data_folder == NULL) {
		printf("skipped: TW_TEST_DATA is not set\n");
		return 77;
	}
	path = in_folder(needed);
	found = access(path, R_OK);
	if (found != 0)
		printf("skipped: no %s\n", path);
	free(path);
	if (found != 0)
		return 77;
	if (tw_test_eal_init(megabytes) != 0) {
		fprintf(stderr, "the EAL does not start\n");
		return 1;
	}
	return 0;
}

#endif
