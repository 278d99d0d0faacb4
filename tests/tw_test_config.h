/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEST_CONFIG_H
#define TW_TEST_CONFIG_H

/* Configurations that are written, loaded, and compared line by line with what is said of them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "config_yaml.h"

static char folder[] = "/tmp/tw_config.XXXXXX";
static char path[64];

static inline void write_bytes(const char *bytes, size_t size)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
}

static inline struct tw_config *load(const char *text, struct tw_diag *diag)
{
	write_bytes(text, strlen(text));
	return tw_config_load(path, diag);
}

static inline struct tw_config *load_good(const char *text)
{
	struct tw_diag diag = {0};
	struct tw_config *config = load(text, &diag);

	if (config == NULL)
		fail_msg("%s", diag.n_lines > 0 ? diag.lines[0] : "no line");
	assert_int_equal(diag.n_lines, 0);
	return config;
}

/* Loading tw_config's file `path` fails with exactly these lines, '@' standing for the path. */
static inline void check_refused(
	struct tw_config *config, struct tw_diag *diag, const char *expected)
{
	char *got = NULL;
	size_t size;
	FILE *out = open_memstream(&got, &size);

	for (unsigned int i = 0; i < diag->n_lines; i++) {
		const char *line = diag->lines[i];

		assert_null(strchr(line, '\n'));
		if (strncmp(line, path, strlen(path)) == 0)
			fprintf(out, "@%s\n", line + strlen(path));
		else
			fprintf(out, "%s\n", line);
	}
	fclose(out);
	assert_string_equal(got, expected);
	assert_null(config);
	free(got);
	tw_diag_free(diag);
}

static inline void refused(const char *text, const char *expected)
{
	struct tw_diag diag = {0};
	struct tw_config *config = load(text, &diag);

	check_refused(config, &diag, expected);
}

static const char full[] = "targets:\n"
			   "  - name: KP\n"
			   "    asns: [131279, AS18]\n"
			   "    country: KP\n"
			   "    prefixes: [175.45.176.0/22, \"2001:db8::/32\"]\n"
			   "  - name: 'DPRK, \"other\"'\n"
			   "    prefixes: [210.52.109.0/24]\n"
			   "databases:\n"
			   "  asn: asn.mmdb\n"
			   "  country: /abs/country.mmdb\n"
			   "  overrides: sub/o.csv\n"
			   "upstreams:\n"
			   "  - asn: 4837\n"
			   "    name: China Unicom\n"
			   "    links: [{vlan: 100}, {port: 0, mac: \"02:00:00:00:48:37\"}]\n"
			   "  - asn: AS4294967295\n"
			   "    links:\n"
			   "      - {vlan: 200, inner_vlan: 4094, port: 65535}\n"
			   "attribution: [vlan, mac]\n"
			   "decapsulate: [gtpu, gre]\n"
			   "flows: {idle_timeout: 3600, max_per_worker: 67108864}\n"
			   "workers: 64\n"
			   "ports:\n"
			   "  - device: \"0000:03:00.0\"\n"
			   "  - {device: 'net_af_packet0,iface=eth1', queues: 2, descriptors: 64,\n"
			   "     mtu: 9000, mbufs: 8192}\n"
			   "dispatch: software\n"
			   "poll: busy\n"
			   "http: {listen: \"[::1]:80\", history: 86400, certificate: c.pem,\n"
			   "       key: /k.pem, user: u, password_file: p, token_file: t}\n";

#define TARGET "targets: [{name: a, prefixes: [10.0.0.0/8]}]\n"
/* A text of `head`, then `n` times `item` with its number, then `tail`; the caller frees. */
static inline char *repeat(const char *head, const char *item, unsigned int n, const char *tail)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs(head, out);
	for (unsigned int i = 1; i <= n; i++)
		for (const char *at = item; *at != '\0'; at++)
			*at == '#' ? fprintf(out, "%u", i) : fputc(*at, out);
	fputs(tail, out);
	fclose(out);
	return text;
}

static inline void check_repeated(
	const char *head, const char *item, unsigned int n, const char *tail, const char *expected)
{
	char *text = repeat(head, item, n, tail);

	if (expected != NULL)
		refused(text, expected);
	else
		tw_config_free(load_good(text));
	free(text);
}

static inline char *print(const struct tw_config *config)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(tw_config_print(config, out), 0);
	fclose(out);
	return text;
}

static inline int set_up(void **state)
{
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/c.yaml", folder);
	return 0;
}

static inline int tear_down(void **state)
{
	unlink(path);
	return rmdir(folder);
}

#endif
