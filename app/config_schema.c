/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Numbers that may be absent and may not be 0 are 0 where absent: their rules refuse an explicit 0. Texts are
 * kept as written, so that the effective configuration shows the operator's own words.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_schema.h"

#define COUNT(array)  (uint32_t)(sizeof(array) / sizeof((array)[0]))
#define OPTIONAL      (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)
#define OPTIONAL_FLOW (OPTIONAL | CYAML_FLAG_FLOW)

#define FIELD_TEXT(key, flags, type, member) \
	CYAML_FIELD_STRING_PTR(key, flags, type, member, 0, CYAML_UNLIMITED)
#define FIELD_LIST(key, flags, type, member, entry, min, max) \
	CYAML_FIELD_SEQUENCE_COUNT(key, flags, type, member, n_##member, entry, min, max)

static const cyaml_strval_t methods[] = {
	{"mac", TW_METHOD_MAC},
	{"vlan", TW_METHOD_VLAN},
	{"port", TW_METHOD_PORT},
	{"rib", TW_METHOD_RIB},
};

static const cyaml_strval_t decaps[] = {
	{"gre", TW_DECAP_GRE},
	{"erspan", TW_DECAP_ERSPAN},
	{"vxlan", TW_DECAP_VXLAN},
	{"ipip", TW_DECAP_IPIP},
	{"gtpu", TW_DECAP_GTPU},
};

static const cyaml_strval_t dispatch_modes[] = {
	{"auto", TW_DISPATCH_AUTO},
	{"software", TW_DISPATCH_SOFTWARE},
};

static const cyaml_strval_t poll_modes[] = {
	{"adaptive", TW_POLL_ADAPTIVE},
	{"busy", TW_POLL_BUSY},
};

static const cyaml_schema_value_t text_entry = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, CYAML_UNLIMITED),
};

static const cyaml_schema_field_t target_fields[] = {
	FIELD_TEXT("name", CYAML_FLAG_POINTER, struct tw_raw_target, name),
	FIELD_LIST(
		"asns", OPTIONAL_FLOW, struct tw_raw_target, asns, &text_entry, 0, CYAML_UNLIMITED),
	FIELD_TEXT("country", OPTIONAL, struct tw_raw_target, country),
	FIELD_LIST("prefixes", OPTIONAL_FLOW, struct tw_raw_target, prefixes, &text_entry, 0,
		CYAML_UNLIMITED),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t target_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct tw_raw_target, target_fields),
};

static const cyaml_schema_field_t database_fields[] = {
	FIELD_TEXT("asn", OPTIONAL, struct tw_raw_databases, asn),
	FIELD_TEXT("country", OPTIONAL, struct tw_raw_databases, country),
	FIELD_TEXT("overrides", OPTIONAL, struct tw_raw_databases, overrides),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t link_fields[] = {
	FIELD_TEXT("mac", OPTIONAL, struct tw_raw_link, mac),
	CYAML_FIELD_UINT_PTR("vlan", OPTIONAL, struct tw_raw_link, vlan),
	CYAML_FIELD_UINT_PTR("inner_vlan", OPTIONAL, struct tw_raw_link, inner_vlan),
	CYAML_FIELD_UINT_PTR("port", OPTIONAL, struct tw_raw_link, port),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t link_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_FLOW, struct tw_raw_link, link_fields),
};

static const cyaml_schema_field_t upstream_fields[] = {
	FIELD_TEXT("asn", CYAML_FLAG_POINTER, struct tw_raw_upstream, asn),
	FIELD_TEXT("name", OPTIONAL, struct tw_raw_upstream, name),
	FIELD_LIST("links", OPTIONAL, struct tw_raw_upstream, links, &link_entry, 0, 1024),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t upstream_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct tw_raw_upstream, upstream_fields),
};

static const cyaml_schema_value_t method_entry = {
	CYAML_VALUE_ENUM(CYAML_FLAG_STRICT, enum tw_method, methods, COUNT(methods)),
};

static const cyaml_schema_field_t rib_fields[] = {
	FIELD_LIST("files", OPTIONAL_FLOW, struct tw_raw_rib, files, &text_entry, 0, 64),
	FIELD_LIST("vantage", OPTIONAL_FLOW, struct tw_raw_rib, vantage, &text_entry, 0, 64),
	CYAML_FIELD_UINT("majority", CYAML_FLAG_OPTIONAL, struct tw_raw_rib, majority),
	CYAML_FIELD_UINT_PTR("upstreams", OPTIONAL, struct tw_raw_rib, upstreams),
	CYAML_FIELD_UINT("max_age", CYAML_FLAG_OPTIONAL, struct tw_raw_rib, max_age),
	CYAML_FIELD_UINT("max_routes", CYAML_FLAG_OPTIONAL, struct tw_raw_rib, max_routes),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t bmp_fields[] = {
	FIELD_TEXT("listen", OPTIONAL, struct tw_raw_bmp, listen),
	FIELD_LIST("allow", OPTIONAL_FLOW, struct tw_raw_bmp, allow, &text_entry, 0, 64),
	CYAML_FIELD_UINT("hold", CYAML_FLAG_OPTIONAL, struct tw_raw_bmp, hold),
	CYAML_FIELD_UINT("sessions", CYAML_FLAG_OPTIONAL, struct tw_raw_bmp, sessions),
	CYAML_FIELD_UINT("peers", CYAML_FLAG_OPTIONAL, struct tw_raw_bmp, peers),
	CYAML_FIELD_UINT("max_routes", CYAML_FLAG_OPTIONAL, struct tw_raw_bmp, max_routes),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t flow_fields[] = {
	CYAML_FIELD_UINT("idle_timeout", CYAML_FLAG_OPTIONAL, struct tw_raw_flows, idle_timeout),
	CYAML_FIELD_UINT(
		"max_per_worker", CYAML_FLAG_OPTIONAL, struct tw_raw_flows, max_per_worker),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t port_fields[] = {
	FIELD_TEXT("device", CYAML_FLAG_POINTER, struct tw_raw_port, device),
	CYAML_FIELD_UINT_PTR("queues", OPTIONAL, struct tw_raw_port, queues),
	CYAML_FIELD_UINT("descriptors", CYAML_FLAG_OPTIONAL, struct tw_raw_port, descriptors),
	CYAML_FIELD_UINT("mtu", CYAML_FLAG_OPTIONAL, struct tw_raw_port, mtu),
	CYAML_FIELD_UINT_PTR("mbufs", OPTIONAL, struct tw_raw_port, mbufs),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t port_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct tw_raw_port, port_fields),
};

static const cyaml_schema_field_t event_fields[] = {
	CYAML_FIELD_UINT_PTR("learn_seconds", OPTIONAL, struct tw_raw_events, learn_seconds),
	CYAML_FIELD_UINT_PTR("learn_packets", OPTIONAL, struct tw_raw_events, learn_packets),
	CYAML_FIELD_UINT_PTR("silence_seconds", OPTIONAL, struct tw_raw_events, silence_seconds),
	CYAML_FIELD_UINT_PTR("silence_packets", OPTIONAL, struct tw_raw_events, silence_packets),
	CYAML_FIELD_UINT_PTR("evidence_packets", OPTIONAL, struct tw_raw_events, evidence_packets),
	CYAML_FIELD_UINT_PTR("presence_share", OPTIONAL, struct tw_raw_events, presence_share),
	CYAML_FIELD_UINT_PTR("margin", OPTIONAL, struct tw_raw_events, margin),
	CYAML_FIELD_UINT_PTR("shift", OPTIONAL, struct tw_raw_events, shift),
	CYAML_FIELD_UINT_PTR("trend", OPTIONAL, struct tw_raw_events, trend),
	CYAML_FIELD_UINT_PTR("quiet_seconds", OPTIONAL, struct tw_raw_events, quiet_seconds),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t http_fields[] = {
	FIELD_TEXT("listen", OPTIONAL, struct tw_raw_http, listen),
	CYAML_FIELD_UINT("history", CYAML_FLAG_OPTIONAL, struct tw_raw_http, history),
	FIELD_TEXT("certificate", OPTIONAL, struct tw_raw_http, certificate),
	FIELD_TEXT("key", OPTIONAL, struct tw_raw_http, key),
	FIELD_TEXT("user", OPTIONAL, struct tw_raw_http, user),
	FIELD_TEXT("password_file", OPTIONAL, struct tw_raw_http, password_file),
	FIELD_TEXT("token_file", OPTIONAL, struct tw_raw_http, token_file),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t config_fields[] = {
	FIELD_LIST("targets", CYAML_FLAG_POINTER, struct tw_raw_config, targets, &target_entry, 1,
		TW_TARGET_MAX),
	CYAML_FIELD_MAPPING(
		"databases", CYAML_FLAG_OPTIONAL, struct tw_raw_config, databases, database_fields),
	FIELD_LIST("upstreams", OPTIONAL, struct tw_raw_config, upstreams, &upstream_entry, 0,
		TW_UPSTREAM_MAX),
	FIELD_LIST("attribution", OPTIONAL_FLOW, struct tw_raw_config, attribution, &method_entry,
		1, COUNT(methods)),
	CYAML_FIELD_MAPPING_PTR("rib", OPTIONAL, struct tw_raw_config, rib, rib_fields),
	CYAML_FIELD_MAPPING_PTR("bmp", OPTIONAL, struct tw_raw_config, bmp, bmp_fields),
	CYAML_FIELD_FLAGS("decapsulate", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT,
		struct tw_raw_config, decapsulate, decaps, COUNT(decaps)),
	CYAML_FIELD_MAPPING("flows", CYAML_FLAG_OPTIONAL, struct tw_raw_config, flows, flow_fields),
	CYAML_FIELD_UINT("workers", CYAML_FLAG_OPTIONAL, struct tw_raw_config, workers),
	FIELD_LIST("ports", OPTIONAL, struct tw_raw_config, ports, &port_entry, 0, TW_PORTS_MAX),
	CYAML_FIELD_ENUM("dispatch", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct tw_raw_config,
		dispatch, dispatch_modes, COUNT(dispatch_modes)),
	CYAML_FIELD_ENUM("poll", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct tw_raw_config,
		poll, poll_modes, COUNT(poll_modes)),
	CYAML_FIELD_MAPPING(
		"events", CYAML_FLAG_OPTIONAL, struct tw_raw_config, events, event_fields),
	FIELD_LIST("on_event", OPTIONAL_FLOW, struct tw_raw_config, on_event, &text_entry, 1, 64),
	CYAML_FIELD_MAPPING_PTR("http", OPTIONAL, struct tw_raw_config, http, http_fields),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t tw_config_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct tw_raw_config, config_fields),
};

#define ASN_WANTS "an AS number from 1 to 4294967295, like 20485 or AS20485"

static const struct tw_config_rule rules[] = {
	{"targets", .wants = "a list of targets, each with name and asns, country or prefixes"},
	{"targets[]", tw_check_target},
	{"targets[].name", tw_check_name, .max = 63, .unique = true},
	{"targets[].asns", tw_check_target_asns, "a list of AS numbers, like [131279]"},
	{"targets[].asns[]", tw_check_asn, ASN_WANTS},
	{"targets[].country", tw_check_country,
		"an ISO 3166-1 code of two capital letters, like KP"},
	{"targets[].prefixes", .wants = "a list of prefixes, like [175.45.176.0/22]"},
	{"targets[].prefixes[]", tw_check_prefix,
		"a prefix, like 175.45.176.0/22 or 2001:db8::/32"},
	{"databases.asn", tw_check_path, "the path of an MMDB file"},
	{"databases.country", tw_check_path, "the path of an MMDB file"},
	{"databases.overrides", tw_check_path, "the path of a CSV file"},
	{"upstreams", .wants = "a list of upstreams, each with asn, name and links"},
	{"upstreams[].asn", tw_check_asn, ASN_WANTS, .unique = true},
	{"upstreams[].name", tw_check_name, .max = 127},
	{"upstreams[].links", .wants = "a list of links, like [{vlan: 200}]"},
	{"upstreams[].links[]", tw_check_link, .unique = true},
	{"upstreams[].links[].mac", tw_check_mac, "a MAC address, like \"02:00:00:00:20:48\""},
	{"upstreams[].links[].vlan", tw_check_number, .min = 1, .max = 4094},
	{"upstreams[].links[].inner_vlan", tw_check_number, .min = 1, .max = 4094},
	{"upstreams[].links[].port", tw_check_number, .min = 0, .max = UINT16_MAX},
	{"attribution", .wants = "a list of methods, like [mac, vlan, port, rib]"},
	{"attribution[]", .unique = true},
	{"rib.files", .wants = "a list of MRT files, like [rib.20171001.0600.bz2]"},
	{"rib.files[]", tw_check_path, "the path of an MRT file", .unique = true},
	{"rib.vantage", .wants = "a list of vantage points, like [AS3356, 192.0.2.1]"},
	{"rib.vantage[]", tw_check_vantage, "an AS number or an address, like AS3356 or 192.0.2.1",
		.unique = true},
	{"rib.majority", tw_check_number, .min = 1, .max = 100},
	{"rib.upstreams", tw_check_number, .min = 0, .max = TW_UPSTREAM_PLACES_MAX},
	{"rib.max_age", tw_check_number, .min = 1, .max = 31536000},
	{"rib.max_routes", tw_check_number, .min = 1, .max = TW_MAX_ROUTES_MAX},
	{"bmp.listen", tw_check_name,
		"an address and a port, like 127.0.0.1:11019 or \"[::1]:11019\"", .max = 127},
	{"bmp.allow", .wants = "a list of routers' prefixes, like [192.0.2.0/24]"},
	{"bmp.allow[]", tw_check_prefix, "a prefix, like 192.0.2.0/24 or 2001:db8::/32",
		.unique = true},
	{"bmp.hold", tw_check_number, .min = 1, .max = 86400},
	{"bmp.sessions", tw_check_number, .min = 1, .max = 32},
	{"bmp.peers", tw_check_number, .min = 1, .max = 16384},
	{"bmp.max_routes", tw_check_share, .min = 1, .max = TW_MAX_ROUTES_MAX},
	{"decapsulate", .wants = "a list of tunnels, like [gre, vxlan]"},
	{"decapsulate[]", .unique = true},
	{"flows.idle_timeout", tw_check_number, .min = 1, .max = TW_IDLE_TIMEOUT_MAX},
	{"flows.max_per_worker", tw_check_number, .min = 1, .max = TW_FLOWS_MAX},
	{"workers", tw_check_number, .min = 1, .max = TW_WORKERS_MAX},
	{"ports", .wants = "a list of ports, like [{device: \"0000:03:00.0\"}]"},
	{"ports[].device", tw_check_name,
		"a PCI address, or a virtual device like net_af_packet0,iface=eth1", .max = 1023,
		.unique = true},
	{"ports[].queues", tw_check_number, .min = 1, .max = TW_WORKERS_MAX},
	{"ports[].descriptors", tw_check_number, .min = 64, .max = 32768},
	{"ports[].mtu", tw_check_number, .min = 68, .max = 65535},
	{"ports[].mbufs", tw_check_number, .min = 1024, .max = 1u << 22},
	{"events.learn_seconds", tw_check_number, .min = 1, .max = 86400},
	{"events.learn_packets", tw_check_number, .min = 1, .max = 1000000000},
	{"events.silence_seconds", tw_check_number, .min = 1, .max = 86400},
	{"events.silence_packets", tw_check_number, .min = 1, .max = 1000},
	{"events.evidence_packets", tw_check_number, .min = 1, .max = 1000000000},
	{"events.presence_share", tw_check_number, .min = 0, .max = 100},
	{"events.margin", tw_check_number, .min = 0, .max = 100},
	{"events.shift", tw_check_number, .min = 1, .max = 100},
	{"events.trend", tw_check_number, .min = 1, .max = 100},
	{"events.quiet_seconds", tw_check_number, .min = 1, .max = 86400},
	{"on_event", .wants = "a command and its arguments, like [/usr/local/bin/tell, --now]"},
	{"http", tw_check_http},
	{"http.listen", tw_check_name,
		"an address and a port, like 127.0.0.1:9817 or \"[::1]:9817\"", .max = 127},
	{"http.history", tw_check_number, .min = 60, .max = 86400},
	{"http.certificate", tw_check_path, "the path of a PEM file"},
	{"http.key", tw_check_path, "the path of a PEM file"},
	{"http.user", tw_check_name, .max = 127},
	{"http.password_file", tw_check_path, "the path of a file that holds the password"},
	{"http.token_file", tw_check_path, "the path of a file that holds the token"},
};

const struct tw_config_rule *tw_config_rule(const char *path)
{
	for (size_t i = 0; i < COUNT(rules); i++)
		if (strcmp(rules[i].path, path) == 0)
			return &rules[i];
	return NULL;
}

int tw_raw_defaults(struct tw_raw_config *raw)
{
	if (raw->n_attribution == 0) {
		raw->attribution = calloc(COUNT(methods), sizeof(*raw->attribution));
		if (raw->attribution == NULL)
			return -ENOMEM;
		raw->n_attribution = COUNT(methods);
		for (size_t i = 0; i < COUNT(methods); i++)
			raw->attribution[i] = (enum tw_method)methods[i].val;
	}
	if (raw->flows.idle_timeout == 0)
		raw->flows.idle_timeout = 30;
	if (raw->flows.max_per_worker == 0)
		raw->flows.max_per_worker = 262144;
	if (raw->workers == 0)
		raw->workers = 1;
	for (unsigned int i = 0; i < raw->n_ports; i++) {
		if (raw->ports[i].descriptors == 0)
			raw->ports[i].descriptors = 4096;
		if (raw->ports[i].mtu == 0)
			raw->ports[i].mtu = 1500;
	}
	if (tw_config_routes_defaults(raw) != 0)
		return -ENOMEM;
	if (raw->http != NULL && raw->http->history == 0)
		raw->http->history = TW_HISTORY_DEFAULT;
	if (raw->http != NULL && raw->http->listen == NULL) {
		raw->http->listen = strdup(TW_LISTEN_DEFAULT);
		return raw->http->listen != NULL ? 0 : -ENOMEM;
	}
	return 0;
}
