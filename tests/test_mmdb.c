/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The MMDB reader against libmaxminddb's own look-ups, and against files that are wrong in every
 * way.
 *
 *   test_mmdb FIXTURES        the databases of make_test_mmdb.pl (or the folder in TW_TEST_DATA)
 *   test_mmdb --shared DATA   large and corrupt databases of others; skipped (77) where absent
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <dirent.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tw_mmdb.h"

static const char *data_folder;

static const char *in_folder(const char *file)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", data_folder, file);
	return path;
}

/* Looks a number up in a step function; returns the value's number, 0 where there is none. */
static uint32_t number_at(const struct tw_mmdb *mmdb, uint8_t family, tw_u128 address)
{
	const struct tw_steps *steps = family == 4 ? &mmdb->steps4 : &mmdb->steps6;
	uint32_t value = steps->value[tw_steps_find(steps, address)];

	if (tw_step_is_alias(value)) {
		unsigned int length = value - TW_STEP_ALIAS;

		return number_at(mmdb, 4, (uint32_t)(address >> (96 - length)));
	}
	return value == 0 ? 0 : mmdb->values[value - 1].number;
}

static uint32_t number_of(const struct tw_mmdb *mmdb, const char *text)
{
	struct tw_addr addr;

	assert_int_equal(tw_addr_parse(text, &addr), 0);
	return number_at(mmdb, addr.family, tw_addr_number(&addr));
}

static const char *name_of(
	const struct tw_mmdb *mmdb, const struct tw_names *names, uint32_t number)
{
	for (uint32_t i = 0; i < mmdb->n_values; i++) {
		if (mmdb->values[i].number == number)
			return tw_names_get(names, mmdb->values[i].name);
	}
	return NULL;
}

/* The same by libmaxminddb. */
static uint32_t library_number(
	MMDB_s *db, enum tw_mmdb_field field, uint8_t family, tw_u128 address, unsigned int *length)
{
	static const char *const country[] = {"country_code", NULL};
	static const char *const asn[] = {"autonomous_system_number", NULL};
	struct tw_addr addr = tw_addr_from_number(family, address);
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	MMDB_lookup_result_s result;
	MMDB_entry_data_s data;
	int error;

	memcpy(&four.sin_addr, addr.bytes, 4);
	memcpy(&six.sin6_addr, addr.bytes, 16);
	result = MMDB_lookup_sockaddr(
		db, family == 4 ? (struct sockaddr *)&four : (struct sockaddr *)&six, &error);
	assert_int_equal(error, MMDB_SUCCESS);
	*length = result.netmask;
	if (family == 4 && db->metadata.ip_version == 6)
		*length = result.netmask > 96 ? result.netmask - 96u : 0;
	if (!result.found_entry || MMDB_aget_value(&result.entry, &data,
					   field == TW_MMDB_ASN ? asn : country) != MMDB_SUCCESS)
		return 0;
	if (field == TW_MMDB_ASN)
		return data.uint32;
	return data.data_size == 2 ? (uint32_t)(data.utf8_string[0] << 8 | data.utf8_string[1]) : 0;
}

/*
 * First, last and an inner address of every run agree with libmaxminddb, and the run is its prefix.
 */
static void compare_family(
	const struct tw_mmdb *mmdb, MMDB_s *db, enum tw_mmdb_field field, uint8_t family)
{
	const struct tw_steps *steps = family == 4 ? &mmdb->steps4 : &mmdb->steps6;

	for (uint32_t run = 0; run < steps->n; run++) {
		tw_u128 first = steps->first[run], last = tw_steps_last(steps, run);
		tw_u128 inner = first + (last - first) / 3;
		unsigned int length;

		assert_int_equal(tw_steps_find(steps, first), run);
		assert_int_equal(tw_steps_find(steps, last), run);
		if (number_at(mmdb, family, last) !=
				library_number(db, field, family, last, &length) ||
			number_at(mmdb, family, inner) !=
				library_number(db, field, family, inner, &length) ||
			number_at(mmdb, family, first) !=
				library_number(db, field, family, first, &length))
			fail_msg("family %u, run %u differs", family, run);
		if (steps->value[run] != 0 && !tw_step_is_alias(steps->value[run]) &&
			last != tw_family_prefix_last(family, first, length))
			fail_msg("family %u, run %u is no /%u", family, run, length);
	}
}

static void compare_with_library(const char *path, enum tw_mmdb_field field)
{
	struct tw_names names = {0};
	struct tw_mmdb mmdb;
	MMDB_s db;

	assert_int_equal(tw_mmdb_read(&mmdb, path, field, &names, NULL), 0);
	assert_int_equal(MMDB_open(path, MMDB_MODE_MMAP, &db), MMDB_SUCCESS);
	compare_family(&mmdb, &db, field, 4);
	if (db.metadata.ip_version == 6)
		compare_family(&mmdb, &db, field, 6);
	MMDB_close(&db);
	tw_mmdb_free(&mmdb);
	tw_names_free(&names);
}

static void every_record_size_and_tree_reads_as_by_libmaxminddb(void **state)
{
	static const char *const files[] = {"asn-24.mmdb", "asn-28.mmdb", "asn-32.mmdb",
		"asn-ipv4.mmdb", "asn-no-alias.mmdb", "asn-default.mmdb"};

	for (unsigned int i = 0; i < sizeof(files) / sizeof(*files); i++)
		compare_with_library(in_folder(files[i]), TW_MMDB_ASN);
}

static void names_and_metadata_are_read(void **state)
{
	struct tw_names names = {0};
	struct tw_mmdb mmdb;

	assert_int_equal(
		tw_mmdb_read(&mmdb, in_folder("asn-28.mmdb"), TW_MMDB_ASN, &names, NULL), 0);
	assert_string_equal(mmdb.type, "GeoLite2-ASN");
	assert_true(mmdb.build_epoch > 1000000000);
	/*
	 * 8.8.8.0/24 is two leaves less its half, 2400:cb00::/32 is cut by the /48 and the /128 in
	 * it.
	 */
	assert_int_equal(number_of(&mmdb, "8.8.8.127"), 15169);
	assert_int_equal(number_of(&mmdb, "8.8.8.128"), 4294967294);
	assert_int_equal(number_of(&mmdb, "203.0.113.8"), 0);
	assert_string_equal(
		name_of(&mmdb, &names, 4294967294), "Org, with \"quotes\" and R\xc3\xa9seau");
	assert_string_equal(name_of(&mmdb, &names, 64503), "Control?Character");
	assert_string_equal(name_of(&mmdb, &names, 64500), "");
	/* No two values are the same. */
	for (uint32_t i = 0; i < mmdb.n_values; i++) {
		for (uint32_t j = 0; j < i; j++)
			assert_true(mmdb.values[i].number != mmdb.values[j].number ||
				    mmdb.values[i].name != mmdb.values[j].name);
	}
	tw_mmdb_free(&mmdb);
	tw_names_free(&names);
}

static void aliases_of_ipv4_are_one_run_each(void **state)
{
	struct tw_names names = {0};
	uint32_t n_aliases = 0;
	struct tw_mmdb mmdb;

	assert_int_equal(
		tw_mmdb_read(&mmdb, in_folder("asn-24.mmdb"), TW_MMDB_ASN, &names, NULL), 0);
	for (uint32_t i = 0; i < mmdb.steps6.n; i++)
		n_aliases += tw_step_is_alias(mmdb.steps6.value[i]);
	assert_int_equal(n_aliases, 4); /* ::/96, mapped, Teredo, 6to4 */
	assert_int_equal(number_of(&mmdb, "2002:808:801::1"), 15169);
	assert_int_equal(number_of(&mmdb, "::ffff:8.8.8.1"), 15169);
	assert_int_equal(number_of(&mmdb, "2001:0:808:801::1"), 15169);
	assert_int_equal(number_of(&mmdb, "::8.8.8.1"), 15169);
	assert_int_equal(number_of(&mmdb, "2003:808:801::1"), 0);
	tw_mmdb_free(&mmdb);

	assert_int_equal(
		tw_mmdb_read(&mmdb, in_folder("asn-no-alias.mmdb"), TW_MMDB_ASN, &names, NULL), 0);
	assert_int_equal(number_of(&mmdb, "2002:808:801::1"), 0);
	assert_int_equal(number_of(&mmdb, "2001:4860::1"), 15169);
	tw_mmdb_free(&mmdb);
	tw_names_free(&names);
}

static void asn_is_read_in_every_form(void **state)
{
	struct tw_names names = {0};
	struct tw_mmdb mmdb;

	assert_int_equal(
		tw_mmdb_read(&mmdb, in_folder("ipinfo.mmdb"), TW_MMDB_ASN, &names, NULL), 0);
	assert_int_equal(number_of(&mmdb, "8.8.8.8"), 15169);
	assert_int_equal(number_of(&mmdb, "2001:4860::8"), 15169);
	assert_int_equal(number_of(&mmdb, "175.45.176.1"), 131279);
	assert_int_equal(number_of(&mmdb, "1.0.0.1"), 0);
	assert_string_equal(name_of(&mmdb, &names, 15169), "Google LLC");
	assert_string_equal(name_of(&mmdb, &names, 131279), "Star JV");
	tw_mmdb_free(&mmdb);

	assert_int_equal(
		tw_mmdb_read(&mmdb, in_folder("number.mmdb"), TW_MMDB_ASN, &names, NULL), 0);
	assert_int_equal(number_of(&mmdb, "8.8.8.8"), 15169);
	assert_int_equal(number_of(&mmdb, "9.9.9.9"), 0);
	assert_string_equal(name_of(&mmdb, &names, 15169), "Google LLC");
	tw_mmdb_free(&mmdb);
	tw_names_free(&names);
}

static void country_is_read_in_every_form(void **state)
{
	struct tw_names names = {0};
	struct tw_mmdb mmdb;

	assert_int_equal(
		tw_mmdb_read(&mmdb, in_folder("country.mmdb"), TW_MMDB_COUNTRY, &names, NULL), 0);
	assert_int_equal(number_of(&mmdb, "8.8.8.8"), 'U' << 8 | 'S');
	assert_int_equal(number_of(&mmdb, "175.45.176.1"), 'K' << 8 | 'P');
	assert_int_equal(number_of(&mmdb, "175.45.178.1"), 'C' << 8 | 'N');
	assert_int_equal(number_of(&mmdb, "9.9.9.9"), 0);
	tw_mmdb_free(&mmdb);
	assert_int_equal(tw_mmdb_read(&mmdb, in_folder("country-string.mmdb"), TW_MMDB_COUNTRY,
				 &names, NULL),
		0);
	assert_int_equal(number_of(&mmdb, "8.8.8.8"), 'U' << 8 | 'S');
	assert_int_equal(number_of(&mmdb, "9.9.9.9"), 0);
	tw_mmdb_free(&mmdb);
	assert_int_equal(
		tw_mmdb_read(&mmdb, in_folder("ipinfo.mmdb"), TW_MMDB_COUNTRY, &names, NULL), 0);
	assert_int_equal(number_of(&mmdb, "175.45.176.1"), 'K' << 8 | 'P');
	tw_mmdb_free(&mmdb);
	tw_names_free(&names);
}

/* Refused with exactly one line that names the file and holds `part`. */
static void assert_refused(const char *path, enum tw_mmdb_field field, const char *part)
{
	struct tw_names names = {0};
	struct tw_diag diag = {0};
	struct tw_mmdb mmdb;

	assert_true(tw_mmdb_read(&mmdb, path, field, &names, &diag) < 0);
	assert_int_equal(diag.n_lines, 1);
	assert_int_equal(strncmp(diag.lines[0], path, strlen(path)), 0);
	if (strstr(diag.lines[0], part) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", diag.lines[0], part);
	assert_null(mmdb.values);
	tw_diag_free(&diag);
	tw_names_free(&names);
}

static void wrong_files_are_refused_with_one_line(void **state)
{
	char path[] = "/tmp/test_mmdb.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_refused(path, TW_MMDB_ASN, "not a MaxMind DB");
	assert_int_equal(write(fd, "prefix,asn,name\n", 16), 16);
	assert_refused(path, TW_MMDB_ASN, "not a MaxMind DB");
	assert_int_equal(write(fd, "\xab\xcd\xefMaxMind.com", 14), 14);
	assert_refused(path, TW_MMDB_ASN, "corrupt metadata");
	close(fd);
	unlink(path);
	assert_refused("/nonexistent/GeoLite2-ASN.mmdb", TW_MMDB_ASN, "No such file");
	assert_refused("/tmp", TW_MMDB_ASN, "Is a directory");
	assert_refused(in_folder("none.mmdb"), TW_MMDB_ASN,
		"no record has autonomous_system_number or asn");
	assert_refused(in_folder("country.mmdb"), TW_MMDB_ASN, "its type is GeoLite2-Country");
	assert_refused(in_folder("asn-24.mmdb"), TW_MMDB_COUNTRY, "no record has country.iso_code");
	assert_refused(in_folder("wrong-map.mmdb"), TW_MMDB_ASN, "at 8.8.8.0/24: the AS number is");
	assert_refused(
		in_folder("wrong-text.mmdb"), TW_MMDB_ASN, "at 8.8.8.0/24: the AS number is");
	assert_refused(
		in_folder("wrong-range.mmdb"), TW_MMDB_ASN, "at 8.8.8.0/24: the AS number is");
	assert_refused(in_folder("wrong-name.mmdb"), TW_MMDB_ASN, "name is no string");
	assert_refused(
		in_folder("wrong-country.mmdb"), TW_MMDB_COUNTRY, "the country is no string");
}

/* Reads a copy, refused or not: every look-up in what was accepted must stay inside it. */
static bool survives(const uint8_t *bytes, size_t size, const char *path)
{
	struct tw_names names = {0};
	FILE *out = fopen(path, "we");
	struct tw_mmdb mmdb;
	int err;

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	fclose(out);
	err = tw_mmdb_read(&mmdb, path, TW_MMDB_ASN, &names, NULL);
	for (uint32_t i = 0; err == 0 && i < mmdb.steps4.n; i++)
		assert_true(mmdb.steps4.value[i] <= mmdb.n_values);
	for (uint32_t i = 0; err == 0 && i < mmdb.steps6.n; i++) {
		assert_true(mmdb.steps6.value[i] <= mmdb.n_values ||
			    tw_step_is_alias(mmdb.steps6.value[i]));
		assert_true(i == 0 || mmdb.steps6.first[i - 1] < mmdb.steps6.first[i]);
	}
	tw_mmdb_free(&mmdb);
	tw_names_free(&names);
	return err == 0;
}

static void cut_and_mutated_files_are_refused_or_harmless(void **state)
{
	static const char *const files[] = {
		"asn-24.mmdb", "asn-28.mmdb", "asn-32.mmdb", "ipinfo.mmdb"};
	unsigned int accepted = 0, n = 0;
	char path[] = "/tmp/test_mmdb.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	srandom(131279);
	for (unsigned int f = 0; f < sizeof(files) / sizeof(*files); f++) {
		static uint8_t bytes[1 << 16], copy[1 << 16];
		FILE *in = fopen(in_folder(files[f]), "re");
		size_t size;

		assert_non_null(in);
		size = fread(bytes, 1, sizeof(bytes), in);
		fclose(in);
		assert_true(size > 0 && size < sizeof(bytes));
		for (size_t cut = 0; cut < size; cut += 13)
			assert_false(survives(bytes, cut, path) && cut + 200 < size);
		for (unsigned int round = 0; round < 1500; round++, n++) {
			memcpy(copy, bytes, size);
			for (long i = random() % 4; i >= 0; i--)
				copy[(size_t)random() % size] = (uint8_t)random();
			accepted += survives(copy, size, path);
		}
	}
	unlink(path);
	print_message("%u of %u mutated files were accepted\n", accepted, n);
}

static void a_second_way_to_a_node_is_refused(void **state)
{
	char path[] = "/tmp/test_mmdb.XXXXXX";
	uint8_t bytes[1 << 14];
	FILE *in = fopen(in_folder("asn-ipv4.mmdb"), "re");
	int fd = mkstemp(path);
	size_t size;

	assert_non_null(in);
	size = fread(bytes, 1, sizeof(bytes), in);
	fclose(in);
	/* Both halves of the root become the left one: no cycle, every record valid, 2^n ways down. */
	memcpy(bytes + 3, bytes, 3);
	assert_int_equal(write(fd, bytes, size), size);
	assert_refused(path, TW_MMDB_ASN, "at 128.0.0.0/1: corrupt search tree");
	/* The root's left half is the root itself. */
	memset(bytes, 0, 3);
	assert_int_equal(pwrite(fd, bytes, size, 0), size);
	assert_refused(path, TW_MMDB_ASN, "corrupt search tree");
	close(fd);
	unlink(path);
}

/* Shared data. */

static void full_size_databases_read_as_by_libmaxminddb(void **state)
{
	compare_with_library(in_folder("mmdb/asn-24.mmdb"), TW_MMDB_ASN);
	compare_with_library(in_folder("mmdb/geo-whois-asn-country.mmdb"), TW_MMDB_COUNTRY);
	compare_with_library(in_folder("mmdb/asn-small-24.mmdb"), TW_MMDB_ASN);
	compare_with_library(
		in_folder("mmdb/maxmind-db/test-data/GeoLite2-ASN-Test.mmdb"), TW_MMDB_ASN);
	compare_with_library(
		in_folder("mmdb/maxmind-db/test-data/GeoIP2-ISP-Test.mmdb"), TW_MMDB_ASN);
}

/* Reads every database of a folder both ways; returns how many were accepted for ASN or country. */
static unsigned int read_all(const char *folder, unsigned int *n_files)
{
	char path[4096 + 257];
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned int accepted = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (strstr(entry->d_name, ".mmdb") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		for (enum tw_mmdb_field field = TW_MMDB_ASN; field <= TW_MMDB_COUNTRY; field++) {
			struct tw_names names = {0};
			struct tw_diag diag = {0};
			struct tw_mmdb mmdb;
			int err = tw_mmdb_read(&mmdb, path, field, &names, &diag);

			accepted += err == 0;
			assert_int_equal(diag.n_lines, err == 0 ? 0 : 1);
			tw_mmdb_free(&mmdb);
			tw_diag_free(&diag);
			tw_names_free(&names);
		}
		++*n_files;
	}
	closedir(dir);
	return accepted;
}

static void corrupt_databases_of_others_are_refused(void **state)
{
	static const char *const folders[] = {"mmdb/maxmind-db/bad-data/libmaxminddb",
		"mmdb/maxmind-db/bad-data/maxminddb-golang",
		"mmdb/maxmind-db/bad-data/maxminddb-python"};
	unsigned int n_files = 0;

	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(read_all(in_folder(folders[i]), &n_files), 0);
	assert_true(n_files >= 20);
	assert_refused(
		in_folder("mmdb/maxmind-db/test-data/MaxMind-DB-test-broken-search-tree-24.mmdb"),
		TW_MMDB_ASN, "corrupt search tree");
	assert_refused(
		in_folder("mmdb/maxmind-db/test-data/MaxMind-DB-test-broken-pointers-24.mmdb"),
		TW_MMDB_ASN, "corrupt data");
	assert_refused(
		in_folder("mmdb/maxmind-db/test-data/GeoIP2-City-Test-Broken-Double-Format.mmdb"),
		TW_MMDB_COUNTRY, "corrupt data");
	assert_refused(
		in_folder("mmdb/maxmind-db/test-data/GeoIP2-City-Test-Invalid-Node-Count.mmdb"),
		TW_MMDB_COUNTRY, "metadata");
}

static void test_databases_of_others_are_accepted_where_they_have_the_field(void **state)
{
	unsigned int n_files = 0;

	/* Two with ASNs; City, Country, Enterprise and Precision Enterprise with countries. */
	assert_int_equal(read_all(in_folder("mmdb/maxmind-db/test-data"), &n_files), 12);
	assert_true(n_files >= 40);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_record_size_and_tree_reads_as_by_libmaxminddb),
		cmocka_unit_test(names_and_metadata_are_read),
		cmocka_unit_test(aliases_of_ipv4_are_one_run_each),
		cmocka_unit_test(asn_is_read_in_every_form),
		cmocka_unit_test(country_is_read_in_every_form),
		cmocka_unit_test(wrong_files_are_refused_with_one_line),
		cmocka_unit_test(a_second_way_to_a_node_is_refused),
		cmocka_unit_test(cut_and_mutated_files_are_refused_or_harmless),
	};
	const struct CMUnitTest shared[] = {
		cmocka_unit_test(full_size_databases_read_as_by_libmaxminddb),
		cmocka_unit_test(corrupt_databases_of_others_are_refused),
		cmocka_unit_test(test_databases_of_others_are_accepted_where_they_have_the_field),
	};

	if (argc > 2 && strcmp(argv[1], "--shared") == 0) {
		data_folder = argv[2];
		if (access(in_folder("mmdb/asn-24.mmdb"), R_OK) != 0) {
			printf("skipped: no shared data at %s\n", data_folder);
			return 77;
		}
		return cmocka_run_group_tests(shared, NULL, NULL);
	}
	data_folder = argc > 1 ? argv[1] : getenv("TW_TEST_DATA");
	if (data_folder == NULL || access(in_folder("asn-24.mmdb"), R_OK) != 0) {
		printf("skipped: no databases of make_test_mmdb.pl at %s\n",
			data_folder != NULL ? data_folder : "(unset)");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
