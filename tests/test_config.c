/* SPDX-License-Identifier: BSD-3-Clause */

/* The configuration: what is read, what is printed, and every kind of problem by its exact line. */

#include "tw_test_config.h"

static void check_full_http(const struct tw_config *config)
{
	char beside[64];

	assert_true(config->serve);
	assert_string_equal(config->http.listen, "[::1]:80");
	assert_int_equal(config->http.history, 86400);
	snprintf(beside, sizeof(beside), "%s/c.pem", folder);
	assert_string_equal(config->http.certificate, beside);
	assert_string_equal(config->http.key, "/k.pem");
	assert_string_equal(config->http.user, "u");
	snprintf(beside, sizeof(beside), "%s/p", folder);
	assert_string_equal(config->http.password_file, beside);
	snprintf(beside, sizeof(beside), "%s/t", folder);
	assert_string_equal(config->http.token_file, beside);
}

static void check_full(const struct tw_config *config, const char *asn_database)
{
	const struct tw_table_spec *table = &config->table;
	const struct tw_link_rule *rules = config->rules;
	char text[TW_PREFIX_TEXT], mac[18], expected[128];

	assert_int_equal(table->n_targets, 2);
	assert_string_equal(table->targets[0].name, "KP");
	assert_int_equal(table->targets[0].n_asns, 2);
	assert_int_equal(table->targets[0].asns[0], 131279);
	assert_int_equal(table->targets[0].asns[1], 18);
	assert_string_equal(table->targets[0].country, "KP");
	assert_int_equal(table->targets[0].n_prefixes, 2);
	assert_string_equal(
		tw_prefix_format(&table->targets[0].prefixes[1], text), "2001:db8::/32");
	assert_string_equal(table->targets[1].name, "DPRK, \"other\"");
	assert_int_equal(table->targets[1].n_asns, 0);
	assert_null(table->targets[1].country);
	assert_string_equal(
		tw_prefix_format(&table->targets[1].prefixes[0], text), "210.52.109.0/24");

	assert_string_equal(table->asn_database, asn_database);
	assert_string_equal(table->country_database, "/abs/country.mmdb");
	snprintf(expected, sizeof(expected), "%s/sub/o.csv", folder);
	assert_string_equal(table->overrides, expected);

	assert_int_equal(config->n_upstreams, 2);
	assert_int_equal(config->upstreams[0].asn, 4837);
	assert_string_equal(config->upstreams[0].name, "China Unicom");
	assert_int_equal(config->upstreams[1].asn, UINT32_MAX);
	assert_string_equal(config->upstreams[1].name, "");
	assert_int_equal(config->n_rules, 3);
	assert_int_equal(rules[0].fields, TW_MATCH_VLAN);
	assert_int_equal(rules[0].vlan, 100);
	assert_int_equal(rules[0].upstream, 0);
	assert_int_equal(rules[1].fields, TW_MATCH_MAC | TW_MATCH_PORT);
	assert_int_equal(rules[1].port, 0);
	assert_string_equal(tw_mac_format(rules[1].mac, mac), "02:00:00:00:48:37");
	assert_int_equal(rules[2].fields, TW_MATCH_VLAN | TW_MATCH_INNER_VLAN | TW_MATCH_PORT);
	assert_int_equal(rules[2].inner_vlan, 4094);
	assert_int_equal(rules[2].port, 65535);
	assert_int_equal(rules[2].upstream, 1);

	assert_int_equal(config->n_attribution, 2);
	assert_int_equal(config->attribution[0], TW_METHOD_VLAN);
	assert_int_equal(config->attribution[1], TW_METHOD_MAC);
	assert_int_equal(config->decapsulate, TW_DECAP_GTPU | TW_DECAP_GRE);
	assert_int_equal(config->idle_timeout, 3600);
	assert_int_equal(config->flows_max_per_worker, 67108864);
	assert_int_equal(config->workers, 64);

	assert_int_equal(config->n_ports, 2);
	assert_string_equal(config->ports[0].device, "0000:03:00.0");
	assert_int_equal(config->ports[0].queues, 0);
	assert_int_equal(config->ports[0].descriptors, 4096);
	assert_int_equal(config->ports[0].mtu, 1500);
	assert_int_equal(config->ports[0].mbufs, 0);
	assert_string_equal(config->ports[1].device, "net_af_packet0,iface=eth1");
	assert_int_equal(config->ports[1].queues, 2);
	assert_int_equal(config->ports[1].descriptors, 64);
	assert_int_equal(config->ports[1].mtu, 9000);
	assert_int_equal(config->ports[1].mbufs, 8192);
	assert_int_equal(config->dispatch, TW_DISPATCH_SOFTWARE);
	assert_int_equal(config->poll, TW_POLL_BUSY);
	check_full_http(config);
}

static void test_full(void **state)
{
	struct tw_config *config = load_good(full);
	char asn[64], where[96];

	snprintf(asn, sizeof(asn), "%s/asn.mmdb", folder); /* beside the file, not in the cwd */
	check_full(config, asn);
	assert_string_equal(config->path, path);
	snprintf(where, sizeof(where), "%s:18: upstreams[1].links[0]", path);
	assert_string_equal(config->rules[2].where, where);
	tw_config_free(config);
}

static void test_defaults(void **state)
{
	static const enum tw_method order[] = {
		TW_METHOD_MAC, TW_METHOD_VLAN, TW_METHOD_PORT, TW_METHOD_RIB};
	struct tw_config *config =
		load_good("targets: [{name: a, prefixes: [10.0.0.0/8]}]\n# nothing else\n");

	assert_null(config->table.asn_database);
	assert_null(config->table.country_database);
	assert_null(config->table.overrides);
	assert_int_equal(config->n_upstreams, 0);
	assert_int_equal(config->n_rules, 0);
	assert_int_equal(config->n_attribution, 4);
	assert_memory_equal(config->attribution, order, sizeof(order));
	assert_int_equal(config->decapsulate, 0);
	assert_int_equal(config->idle_timeout, 30);
	assert_int_equal(config->flows_max_per_worker, 262144);
	assert_int_equal(config->workers, 1);
	assert_int_equal(config->n_ports, 0);
	assert_int_equal(config->dispatch, TW_DISPATCH_AUTO);
	assert_int_equal(config->poll, TW_POLL_ADAPTIVE);
	assert_false(config->serve);
	assert_string_equal(config->http.listen, "127.0.0.1:9817");
	assert_int_equal(config->http.history, 3600);
	assert_false(config->rib.configured);
	assert_int_equal(config->rib.majority, 50);
	assert_int_equal(config->rib.places, 16);
	assert_int_equal(config->rib.max_age, 86400);
	assert_int_equal(config->rib.max_routes, 1000000);
	assert_false(config->bmp.configured);
	tw_config_free(config);
}

static void check_routes(const struct tw_config *config)
{
	char text[TW_PREFIX_TEXT], expected[64];

	assert_true(config->rib.configured);
	assert_int_equal(config->rib.n_files, 2);
	snprintf(expected, sizeof(expected), "%s/a.mrt", folder);
	assert_string_equal(config->rib.files[0], expected);
	assert_string_equal(config->rib.files[1], "/abs/b.bz2");
	assert_int_equal(config->rib.n_vantage, 3);
	assert_int_equal(config->rib.vantage[0].asn, 3356);
	assert_int_equal(config->rib.vantage[0].addr.family, 0);
	assert_int_equal(config->rib.vantage[1].asn, 0);
	assert_string_equal(tw_addr_format(&config->rib.vantage[1].addr, text), "192.0.2.1");
	assert_string_equal(tw_addr_format(&config->rib.vantage[2].addr, text), "2001:db8::1");
	assert_int_equal(config->rib.majority, 67);
	assert_int_equal(config->rib.places, 0);
	assert_int_equal(config->rib.max_age, 7200);
	assert_int_equal(config->rib.max_routes, 5000);
	assert_true(config->bmp.configured);
	assert_string_equal(config->bmp.listen, "[::1]:0");
	assert_int_equal(config->bmp.n_allow, 1);
	assert_string_equal(tw_prefix_format(&config->bmp.allow[0], text), "10.0.0.0/8");
	assert_int_equal(config->bmp.hold, 60);
	assert_int_equal(config->bmp.sessions, 2);
	assert_int_equal(config->bmp.peers, 7);
	assert_int_equal(config->bmp.max_routes, 4000);
}

static void test_routes(void **state)
{
	struct tw_config *config =
		load_good("targets: [{name: a, prefixes: [10.0.0.0/8]}]\n"
			  "rib:\n  files: [a.mrt, /abs/b.bz2]\n  vantage: [AS3356, 192.0.2.1, "
			  "\"2001:db8::1\"]\n"
			  "  majority: 67\n  upstreams: 0\n  max_age: 7200\n  max_routes: 5000\n"
			  "bmp: {listen: \"[::1]:0\", allow: [10.0.0.0/8], hold: 60, sessions: 2, "
			  "peers: 7, max_routes: 4000}\n");
	char *text = print(config);

	check_routes(config);
	tw_config_free(config);
	config = load_good(text);
	check_routes(config);
	tw_config_free(config);
	free(text);

	config = load_good("targets: [{name: a, prefixes: [10.0.0.0/8]}]\nbmp: {}\nrib: {}\n");
	assert_int_equal(config->rib.n_files, 0);
	assert_string_equal(config->bmp.listen, "127.0.0.1:11019");
	assert_int_equal(config->bmp.n_allow, 2);
	assert_int_equal(config->bmp.hold, 300);
	assert_int_equal(config->bmp.max_routes, 1000000 / 9);
	text = print(config);
	tw_config_free(config);
	assert_non_null(strstr(text, "127.0.0.0/8"));
	config = load_good(text);
	tw_config_free(config);
	free(text);

	config = load_good("targets: [{name: a, prefixes: [10.0.0.0/8]}]\nbmp: {sessions: 3}\n"
			   "rib: {max_routes: 1000}\n");
	assert_int_equal(config->bmp.max_routes, 250);
	tw_config_free(config);
	config = load_good("targets: [{name: a, prefixes: [10.0.0.0/8]}]\nbmp: {}\n"
			   "rib: {max_routes: 8}\n");
	assert_int_equal(config->bmp.max_routes, 1);
	tw_config_free(config);
}

static void test_print_loads_again(void **state)
{
	struct tw_config *config = load_good(full);
	char *text = print(config), *again, asn[64];

	tw_config_free(config);
	config = load_good(text);
	snprintf(asn, sizeof(asn), "%s/asn.mmdb", folder);
	check_full(config, asn);
	again = print(config);
	assert_string_equal(again, text);
	tw_config_free(config);
	free(text);
	free(again);

	config = load_good("targets: [{name: a, prefixes: [10.0.0.0/8]}]\n");
	text = print(config);
	tw_config_free(config);
	assert_non_null(strstr(text, "attribution: [mac, vlan, port, rib]"));
	assert_non_null(strstr(text, "idle_timeout: 30\n"));
	assert_non_null(strstr(text, "max_per_worker: 262144\n"));
	assert_non_null(strstr(text, "workers: 1\n"));
	config = load_good(text);
	tw_config_free(config);
	free(text);
}

/* Printed for another folder, a path beside the file still leads to it. */
static void test_print_makes_paths_absolute(void **state)
{
	char *cwd = getcwd(NULL, 0), *text, expected[64];
	struct tw_diag diag = {0};
	struct tw_config *config;

	write_bytes(full, strlen(full));
	assert_int_equal(chdir(folder), 0);
	config = tw_config_load(strrchr(path, '/') + 1, &diag);
	assert_non_null(config);
	assert_string_equal(config->table.asn_database, "asn.mmdb");
	text = print(config);
	snprintf(expected, sizeof(expected), "asn: %s/asn.mmdb\n", folder);
	assert_non_null(strstr(text, expected));
	assert_int_equal(chdir(cwd), 0);
	tw_config_free(config);
	free(text);
	free(cwd);
}

/* ---- one problem each: the line under the key, and what is said of it ---- */

#define ASN "write an AS number from 1 to 4294967295, like 20485 or AS20485\n"

static const struct {
	const char *text;
	const char *expected;
} problems[] = {
	{"workers: 1\n", "@:1: targets: missing: write a list of targets, each with name and "
			 "asns, country or prefixes\n"},
	{"targets: []\n", "@:1: targets: an empty list: write at least 1\n"},
	{"targets:\n", "@:1: targets: empty: write a list of targets, each with name and asns, "
		       "country or prefixes\n"},
	{"[]\n", "@:1: a list: write a mapping with targets, databases, upstreams, attribution, "
		 "rib, bmp, decapsulate, flows, workers, ports, dispatch, poll, events, on_event "
		 "or http\n"},
	{"just text\n", "@:1: just text: write a mapping with targets, databases, upstreams, "
			"attribution, rib, bmp, decapsulate, flows, workers, ports, dispatch, "
			"poll, events, "
			"on_event or http\n"},
	{TARGET "worker: 2\n", "@:2: worker: unknown key: did you mean workers?\n"},
	{TARGET "colour: red\n",
		"@:2: colour: unknown key: use targets, databases, upstreams, "
		"attribution, rib, bmp, decapsulate, flows, workers, ports, dispatch, poll, "
		"events, on_event or http\n"},
	{TARGET "[a]: 1\n", "@:2: a list as a key: write KEY: VALUE\n"},
	{TARGET "workers: 1\nflows: {}\nworkers: 2\n",
		"@:4: workers: written twice, first in line 2: remove one\n"},
	{TARGET "workers: 0\n", "@:2: workers: 0: write a number from 1 to 64\n"},
	{TARGET "workers: 65\n", "@:2: workers: 65: write a number from 1 to 64\n"},
	{TARGET "workers: 010\n", "@:2: workers: 010: write a number from 1 to 64\n"},
	{TARGET "workers: two\n", "@:2: workers: two: write a number from 1 to 64\n"},
	{TARGET "workers: -1\n", "@:2: workers: -1: write a number from 1 to 64\n"},
	{TARGET "workers: 1.0\n", "@:2: workers: 1.0: write a number from 1 to 64\n"},
	{TARGET "workers: 18446744073709551617\n",
		"@:2: workers: 18446744073709551617: write a number from 1 to 64\n"},
	{TARGET "workers: [1]\n", "@:2: workers: a list: write a number from 1 to 64\n"},
	{TARGET "flows: {idle_timeout: 3601}\n",
		"@:2: flows.idle_timeout: 3601: write a number from 1 to 3600\n"},
	{TARGET "flows: {max_per_worker: 67108865}\n",
		"@:2: flows.max_per_worker: 67108865: write a number from 1 to 67108864\n"},
	{TARGET "flows: 30\n",
		"@:2: flows: 30: write a mapping with idle_timeout or max_per_worker\n"},
	{TARGET "attribution: [vlan, bgp]\n",
		"@:2: attribution[1]: bgp: write mac, vlan, port or rib\n"},
	{TARGET "attribution: [vlan, vlan]\n",
		"@:2: attribution[1]: vlan: the same as attribution[0] in line 2: remove one\n"},
	{TARGET "attribution: []\n", "@:2: attribution: an empty list: write at least 1\n"},
	{TARGET "attribution: vlan\n",
		"@:2: attribution: vlan: write a list of methods, like [mac, vlan, port, rib]\n"},
	{TARGET "decapsulate: [mpls]\n",
		"@:2: decapsulate[0]: mpls: write gre, erspan, vxlan, ipip or gtpu\n"},
	{TARGET "decapsulate: [gre, gre]\n",
		"@:2: decapsulate[1]: gre: the same as decapsulate[0] in line 2: remove one\n"},

	{"targets: [{name: a}]\n", "@:1: targets[0]: watches nothing: write at least one of "
				   "asns, country, prefixes\n"},
	{"targets: [{prefixes: [10.0.0.0/8]}]\n",
		"@:1: targets[0].name: missing: write one value\n"},
	{"targets: [{name: '', prefixes: [10.0.0.0/8]}]\n",
		"@:1: targets[0].name: empty: write 1 to 63 bytes of text without control "
		"characters\n"},
	{"targets: [{name: \"a\\nb\", prefixes: [10.0.0.0/8]}]\n",
		"@:1: targets[0].name: a?b: write 1 to 63 bytes of text without control "
		"characters\n"},
	{"targets: [{name: a, prefixes: [10.0.0.0/8]}, {name: a, prefixes: [10.0.0.0/8]}]\n",
		"@:1: targets[1].name: a: the same as targets[0].name in line 1: remove one\n"},
	{"targets: [{name: a, prefixes: [10.0.0.1/8]}]\n",
		"@:1: targets[0].prefixes[0]: 10.0.0.1/8: bits set behind the prefix length: "
		"write 10.0.0.0/8\n"},
	{"targets: [{name: a, prefixes: [10.0.0.0/33, 10.0.0, \"::/129\", x]}]\n",
		"@:1: targets[0].prefixes[0]: 10.0.0.0/33: write a prefix, like 175.45.176.0/22 or "
		"2001:db8::/32\n"
		"@:1: targets[0].prefixes[1]: 10.0.0: write a prefix, like 175.45.176.0/22 or "
		"2001:db8::/32\n"
		"@:1: targets[0].prefixes[2]: ::/129: write a prefix, like 175.45.176.0/22 or "
		"2001:db8::/32\n"
		"@:1: targets[0].prefixes[3]: x: write a prefix, like 175.45.176.0/22 or "
		"2001:db8::/32\n"},
	{"targets: [{name: a, asns: [1]}]\n", "@:1: targets[0].asns: needs an ASN database: "
					      "write databases.asn or databases.overrides\n"},
	{"targets: [{name: a, asns: [0, AS0, 4294967296, ASx, -1]}]\ndatabases: {asn: x}\n",
		"@:1: targets[0].asns[0]: 0: " ASN "@:1: targets[0].asns[1]: AS0: " ASN
		"@:1: targets[0].asns[2]: 4294967296: " ASN "@:1: targets[0].asns[3]: ASx: " ASN
		"@:1: targets[0].asns[4]: -1: " ASN},
	{"targets: [{name: a, country: KP}]\n", "@:1: targets[0].country: KP: needs a country "
						"database: write databases.country\n"},
	{"targets: [{name: a, country: kp}]\ndatabases: {country: x}\n",
		"@:1: targets[0].country: kp: write capital letters: KP\n"},
	{"targets: [{name: a, country: PRK}]\ndatabases: {country: x}\n",
		"@:1: targets[0].country: PRK: write an ISO 3166-1 code of two capital letters, "
		"like KP\n"},
	{TARGET "ports: [{queues: 1}]\n",
		"@:2: ports[0].device: missing: write a PCI address, or a virtual device like "
		"net_af_packet0,iface=eth1\n"},
	{TARGET "ports: [{device: a, queues: 0, mtu: 67, descriptors: 63, mbufs: 9}]\n",
		"@:2: ports[0].queues: 0: write a number from 1 to 64\n"
		"@:2: ports[0].mtu: 67: write a number from 68 to 65535\n"
		"@:2: ports[0].descriptors: 63: write a number from 64 to 32768\n"
		"@:2: ports[0].mbufs: 9: write a number from 1024 to 4194304\n"},
	{TARGET "ports: [{device: a}, {device: a}]\n",
		"@:2: ports[1].device: a: the same as ports[0].device in line 2: remove one\n"},
	{TARGET "http: {key: k}\n",
		"@:2: http: key needs certificate beside it: write both or neither\n"},
	{TARGET "http: {history: 0, port: 1}\n",
		"@:2: http.history: 0: write a number from 60 to 86400\n"
		"@:2: http.port: unknown key: use listen, history, certificate, key, user, "
		"password_file or token_file\n"},
	{TARGET "dispatch: rss\npoll: lazy\n", "@:2: dispatch: rss: write auto or software\n"
					       "@:3: poll: lazy: write adaptive or busy\n"},
	{TARGET "databases: {asn: ''}\n",
		"@:2: databases.asn: empty: write the path of an MMDB file\n"},

	{TARGET "upstreams: [{name: x}]\n", "@:2: upstreams[0].asn: missing: " ASN},
	{TARGET "upstreams: [{asn: 1}, {asn: AS1}]\n",
		"@:2: upstreams[1].asn: 1: the same as upstreams[0].asn in line 2: remove one\n"},
	{TARGET "upstreams: [{asn: 1, links: [{}]}]\n",
		"@:2: upstreams[0].links[0]: names no field: write at least one of mac, vlan, "
		"inner_vlan, port\n"},
	{TARGET "upstreams: [{asn: 1, links: [{vlam: 3}]}]\n",
		"@:2: upstreams[0].links[0].vlam: unknown key: did you mean vlan?\n"},
	{TARGET "upstreams: [{asn: 1, links: [{vlan: 0}]}]\n",
		"@:2: upstreams[0].links[0].vlan: 0: write a number from 1 to 4094\n"},
	{TARGET "upstreams: [{asn: 1, links: [{vlan: 4095}]}]\n",
		"@:2: upstreams[0].links[0].vlan: 4095: write a number from 1 to 4094\n"},
	{TARGET "upstreams: [{asn: 1, links: [{port: 65536}]}]\n",
		"@:2: upstreams[0].links[0].port: 65536: write a number from 0 to 65535\n"},
	{TARGET "upstreams: [{asn: 1, links: [{mac: \"02:00:00:00:20\"}]}]\n",
		"@:2: upstreams[0].links[0].mac: 02:00:00:00:20: write a MAC address, like "
		"\"02:00:00:00:20:48\"\n"},
	{TARGET "upstreams: [{asn: 1, links: [{mac: \"01:00:5e:00:00:01\"}]}]\n",
		"@:2: upstreams[0].links[0].mac: 01:00:5e:00:00:01: a group address is no "
		"neighbour's: write the neighbour's own\n"},
	{TARGET "upstreams:\n  - asn: 1\n    links: [{vlan: 3, port: 1}]\n"
		"  - asn: 2\n    links: [{port: 1, vlan: 3}]\n",
		"@:6: upstreams[1].links[0]: {vlan: 3, port: 1}: the same as upstreams[0].links[0] "
		"in line 4: remove one\n"},
	{TARGET "upstreams: [{asn: 1, links: {vlan: 3}}]\n",
		"@:2: upstreams[0].links: a mapping: write a list of links, like [{vlan: 200}]\n"},
	{TARGET "rib: {files: [a.mrt, a.mrt]}\n",
		"@:2: rib.files[1]: a.mrt: the same as rib.files[0] in line 2: remove one\n"},
	{TARGET "rib: {files: a.mrt}\n", "@:2: rib.files: a.mrt: write a list of MRT files, like "
					 "[rib.20171001.0600.bz2]\n"},
	{TARGET "rib: {vantage: [peer]}\n",
		"@:2: rib.vantage[0]: peer: write an AS number or an address, like AS3356 or "
		"192.0.2.1\n"},
	{TARGET "rib: {vantage: [AS7, 7]}\n",
		"@:2: rib.vantage[1]: 7: the same as rib.vantage[0] in line 2: remove one\n"},
	{TARGET "rib: {majority: 101}\n", "@:2: rib.majority: 101: write a number from 1 to 100\n"},
	{TARGET "rib: {upstreams: 65}\n", "@:2: rib.upstreams: 65: write a number from 0 to 64\n"},
	{TARGET "bmp: {allow: [10.0.0.1/8]}\n",
		"@:2: bmp.allow[0]: 10.0.0.1/8: bits set behind the prefix length: write "
		"10.0.0.0/8\n"},
	{TARGET "bmp: {hold: 0}\n", "@:2: bmp.hold: 0: write a number from 1 to 86400\n"},
	{TARGET "bmp: {max_routes: 0}\n",
		"@:2: bmp.max_routes: 0: write a number from 1 to 1000000\n"},
	{TARGET "bmp: {max_routes: 1000001}\n",
		"@:2: bmp.max_routes: 1000001: more than all routes, of which rib.max_routes is "
		"1000000: write a number from 1 to that, or raise it\n"},
	{TARGET "rib: {max_routes: 500}\nbmp: {max_routes: 501}\n",
		"@:3: bmp.max_routes: 501: more than all routes, of which rib.max_routes is 500: "
		"write a number from 1 to that, or raise it\n"},
	{TARGET "rib: {max_routes: x}\nbmp: {max_routes: 501}\n",
		"@:2: rib.max_routes: x: write a number from 1 to 100000000\n"},
	{TARGET "upstreams: {asn: 1}\n",
		"@:2: upstreams: a mapping: write a list of upstreams, each with asn, name and "
		"links\n"},

	/* not a configuration at all */
	{"", "@: empty: write at least one target\n"},
	{"# only a remark\n", "@: empty: write at least one target\n"},
	{"--- {}\n--- {}\n", "@:2: a second document: keep one\n"},
	{"a: &x 1\nb: *x\n", "@:1: anchors and aliases are not supported: write the value out\n"},
	{"a: *x\n", "@:1: anchors and aliases are not supported: write the value out\n"},
	{"a: !!str 1\n", "@:1: tags are not supported: remove it\n"},
	{"a: \"x\\0y\"\n", "@:1: a NUL in a text: remove it\n"},
	{"targets:\n\t- name: a\n", "@:2:1: not YAML: found character that cannot start any token: "
				    "indent by spaces, not by tabs\n"},
	{"targets: [\n", "@:2:1: not YAML: did not find expected node content: mend it there or "
			 "just before (while parsing a flow node that begins in line 2)\n"},
	{"a: \"b\nc: d\n", "@:3:1: not YAML: found unexpected end of stream: mend it there or just "
			   "before (while scanning a quoted scalar that begins in line 1)\n"},
	{"a: \xff\n", "@:1:4: not YAML: invalid leading UTF-8 octet: write UTF-8 text\n"},
};

static void test_problems(void **state)
{
	for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++)
		refused(problems[i].text, problems[i].expected);
}

static void test_all_problems_at_once(void **state)
{
	refused("targets:\n"
		"  - nme: KP\n"
		"    asns: [0]\n"
		"upstreams:\n"
		"  - asn: 4837\n"
		"    links:\n"
		"      - vlan: 5000\n"
		"      - {mac: zz}\n"
		"flow: {}\n"
		"workers: x\n",
		"@:2: targets[0].name: missing: write one value\n"
		"@:2: targets[0].nme: unknown key: did you mean name?\n"
		"@:3: targets[0].asns: needs an ASN database: write databases.asn or "
		"databases.overrides\n"
		"@:3: targets[0].asns[0]: 0: " ASN
		"@:7: upstreams[0].links[0].vlan: 5000: write a number from 1 to 4094\n"
		"@:8: upstreams[0].links[1].mac: zz: write a MAC address, like "
		"\"02:00:00:00:20:48\"\n"
		"@:9: flow: unknown key: did you mean flows?\n"
		"@:10: workers: x: write a number from 1 to 64\n");
}

static void test_as_many_as_there_may_be(void **state)
{
	static const char target[] = "  - {name: t#, prefixes: [10.0.#.0/24]}\n";
	static const char upstream[] = "  - {asn: #, links: [{vlan: #}]}\n";

	check_repeated("targets:\n", target, 16, "", NULL);
	check_repeated("targets:\n", target, 17, "",
		"@:18: targets[16]: one too many of 17: at most 16\n");
	check_repeated(TARGET "upstreams:\n", upstream, 255, "", NULL);
	check_repeated(TARGET "upstreams:\n", upstream, 256, "",
		"@:258: upstreams[255]: one too many of 256: at most 255\n");
	check_repeated(TARGET "upstreams: [{asn: 1, links: [", "{port: #}, ", 1024, "]}]\n", NULL);
	check_repeated(TARGET "upstreams: [{asn: 1, links: [", "{port: #}, ", 1025, "]}]\n",
		"@:2: upstreams[0].links[1024]: one too many of 1025: at most 1024\n");
	/* no bound but the file's */
	check_repeated(
		"targets: [{name: a, asns: [", "#, ", 30000, "]}]\ndatabases: {asn: x}", NULL);
}

static void test_no_more_than_a_hundred_lines(void **state)
{
	char *text = repeat(TARGET, "key#: 1\n", 2000, "");
	struct tw_diag diag = {0};
	char expected[128];

	assert_null(load(text, &diag));
	assert_int_equal(diag.n_lines, 101);
	snprintf(expected, sizeof(expected), "%s: more than 100 problems: mend these first", path);
	assert_string_equal(diag.lines[100], expected);
	tw_diag_free(&diag);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_print_loads_again),
		cmocka_unit_test(test_print_makes_paths_absolute),
		cmocka_unit_test(test_problems),
		cmocka_unit_test(test_all_problems_at_once),
		cmocka_unit_test(test_as_many_as_there_may_be),
		cmocka_unit_test(test_no_more_than_a_hundred_lines),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
