/* SPDX-License-Identifier: BSD-3-Clause */

/* Files that are no configuration, or mean harm: one line, no crash, and no more time than their size is worth. */

#include "tw_test_config.h"

static void refused_path(const char *other, const char *expected)
{
	struct tw_diag diag = {0};
	struct tw_config *config = tw_config_load(other, &diag);

	check_refused(config, &diag, expected);
}

static void test_no_file(void **state)
{
	refused_path("/none/here.yaml", "/none/here.yaml: cannot be read: No such file or "
					"directory: give the path of a configuration file\n");
	refused_path("/", "/: cannot be read: Is a directory: give the path of a configuration "
			  "file\n");
}

static void test_harmful_files(void **state)
{
	static const char nul[] = "targets:\n  - name: a\0b\n";
	char *text;

	write_bytes(nul, sizeof(nul) - 1);
	refused_path(path, "@:2: a NUL byte: not a text file: give the path of a configuration "
			   "file\n");

	write_bytes("", 0);
	assert_int_equal(truncate(path, 100 << 20), 0);
	refused_path(path, "@: larger than 1048576 bytes: give the path of a configuration file\n");

	check_repeated(
		"a: ", "[", 500000, "", "@:1: nested too deeply: no key of a configuration is\n");
	check_repeated(
		"", "a: {", 100, "", "@:1: nested too deeply: no key of a configuration is\n");

	refused("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
		"c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n",
		"@:1: anchors and aliases are not supported: write the value out\n");

	/* a value of any length, or of another script, makes no long line and is not cut in a letter */
	text = repeat(TARGET "workers: ", "통", 5000, "\n");
	refused(text, "@:2: workers: 통통통통통통통통통통통통통통통통통통통통...: write a number "
		      "from 1 to 64\n");
	free(text);
	check_repeated(TARGET "? ", "k", 5000, "\n: 1\n",
		"@:2: kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk...: unknown "
		"key: "
		"use targets, databases, upstreams, attribution, rib, bmp, decapsulate, flows, "
		"workers, "
		"ports, dispatch, poll, events, on_event or http\n");
}

/* What a file of 1 MiB costs grows with its size, not with its square: the test's time limit is the check. */
static void test_large_files(void **state)
{
	struct tw_diag diag = {0};
	char *text;

	text = repeat("targets: [{name: a, asns: [", "1, ", 30000, "]}]\ndatabases: {asn: x}\n");
	tw_config_free(load(text, &diag));
	free(text);
	text = repeat(TARGET "attribution: [", "vlan, ", 150000, "]\n");
	assert_null(load(text, &diag));
	free(text);
	text = repeat(TARGET, "workers: 1\n", 90000, "");
	assert_null(load(text, &diag));
	free(text);
	tw_diag_free(&diag);
}

/* ---- mutations of a good file ---- */

static uint64_t next_random(uint64_t *state)
{
	*state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
	uint64_t z = *state;

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void mutate(char *bytes, size_t *size, size_t room, uint64_t *state)
{
	static const char telling[] = "[]{}:,-#&*!|>'\"%@` \n\t0aA~\\";
	size_t at = next_random(state) % *size, n = next_random(state) % 24;

	switch (next_random(state) % 5) {
	case 0:
		bytes[at] = (char)next_random(state);
		break;
	case 1:
		bytes[at] = telling[next_random(state) % (sizeof(telling) - 1)];
		break;
	case 2: /* cut a piece out */
		n = n < *size - at ? n : *size - at - 1;
		memmove(bytes + at, bytes + at + n, *size - at - n);
		*size -= n;
		break;
	case 3: /* double a piece */
		n = n < *size - at ? n : *size - at;
		if (*size + n <= room) {
			memmove(bytes + at + n, bytes + at, *size - at);
			*size += n;
		}
		break;
	default: /* swap two lines' worth */
		n = n < *size - at ? n : *size - at;
		for (size_t i = 0, from = next_random(state) % *size; i < n && from + i < *size;
			i++) {
			char kept = bytes[at + i];

			bytes[at + i] = bytes[from + i];
			bytes[from + i] = kept;
		}
	}
}

static void test_mutations(void **state)
{
	unsigned int good = 0, bad = 0;
	uint64_t random = 1;

	for (unsigned int i = 0; i < 6000; i++) {
		struct tw_diag diag = {0};
		struct tw_config *config;
		char bytes[4096];
		size_t size = sizeof(full) - 1;

		memcpy(bytes, full, size);
		for (uint64_t n = 1 + next_random(&random) % 3; n > 0; n--)
			mutate(bytes, &size, sizeof(bytes), &random);
		write_bytes(bytes, size);
		config = tw_config_load(path, &diag);
		if (config != NULL) {
			char *text = print(config);

			/* what is accepted is also printed so that it is accepted */
			assert_int_equal(diag.n_lines, 0);
			tw_config_free(config);
			config = load_good(text);
			free(text);
			good++;
		} else {
			assert_true(diag.n_lines > 0);
			bad++;
		}
		for (unsigned int line = 0; line < diag.n_lines; line++) {
			assert_null(strpbrk(diag.lines[line], "\n\r\t\033"));
			/* cyaml finds nothing that the walk has not found, and told better */
			assert_null(strstr(diag.lines[line], "cannot be loaded"));
		}
		tw_config_free(config);
		tw_diag_free(&diag);
	}
	assert_in_range(good, 100, 5000); /* both kinds were seen */
	assert_in_range(bad, 100, 5900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_harmful_files),
		cmocka_unit_test(test_large_files),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
