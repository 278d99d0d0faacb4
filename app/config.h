/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_CONFIG_H
#define TW_CONFIG_H

/*
 * The configuration file: YAML, read by libcyaml, checked in one go, and handed on as ready values.
 */

#include <stdbool.h>
#include <stdio.h>

#include "tw_diag.h"
#include "tw_events.h"
#include "tw_rib.h"
#include "tw_table.h"
#include "tw_upstream_list.h"

#define TW_WORKERS_MAX        64
#define TW_IDLE_TIMEOUT_MAX   3600
#define TW_FLOWS_MAX          (1u << 26)
#define TW_PORTS_MAX          16
#define TW_LISTEN_DEFAULT     "127.0.0.1:9817"
#define TW_HISTORY_DEFAULT    3600
#define TW_MAX_ROUTES_MAX     100000000
#define TW_MAX_ROUTES_DEFAULT 1000000

/* A port to watch. */
struct tw_port_config {
	const char *device;       /* PCI address, or a virtual device with its arguments */
	unsigned int queues;      /* 0: as many as there are workers, or as the device has */
	unsigned int descriptors; /* of each queue */
	unsigned int mtu;
	unsigned int mbufs; /* of the port's pool; 0: as many as the queues need */
};

/* Who takes packets from the ports. */
enum tw_dispatch_mode {
	TW_DISPATCH_AUTO, /* the workers where every port has a queue for each; else a core of its own */
	TW_DISPATCH_SOFTWARE, /* always a core of its own, which hashes what is inside MPLS and PPPoE too */
};

/* What a core does that finds no packet. */
enum tw_poll_mode {
	TW_POLL_ADAPTIVE, /* naps of some ten microseconds after a while */
	TW_POLL_BUSY,     /* looks again */
};

/* How answers over HTTP are served. */
struct tw_http_settings {
	const char *listen;      /* address and port */
	unsigned int history;    /* seconds kept */
	const char *certificate; /* of TLS, PEM; with `key`, or NULL */
	const char *key;
	const char *user; /* of basic authentication; with `password_file`, or NULL */
	const char *password_file;
	const char *token_file; /* or NULL */
};

/* Where routes are read from, and who of those that tell them decides. */
struct tw_rib_config {
	bool configured;
	const char *const *files; /* MRT */
	unsigned int n_files;
	const struct tw_rib_vantage *vantage;
	unsigned int n_vantage;
	unsigned int majority; /* percent */
	unsigned int places;   /* for upstreams that only routes show */
	unsigned int max_age;  /* seconds, after which routes are told to be old */
	unsigned int max_routes;
};

/* The station that routers tell their routes to. */
struct tw_bmp_config {
	bool configured;
	const char *listen;
	const struct tw_prefix *allow; /* routers' addresses */
	unsigned int n_allow;
	unsigned int hold; /* seconds that a lost session's routes are taken for good */
	unsigned int sessions;
	unsigned int peers;      /* of a session */
	unsigned int max_routes; /* of a router, over all of its peers */
};

struct tw_config {
	const char *path; /* as given */

	struct tw_table_spec
		table; /* targets, and database paths made relative to the file's folder */

	const struct tw_upstream *upstreams; /* name "" where the file gives none */
	unsigned int n_upstreams;
	const struct tw_link_rule *rules; /* every link of every upstream */
	unsigned int n_rules;
	enum tw_method attribution[TW_METHOD_MAX];
	unsigned int n_attribution;
	struct tw_rib_config rib;
	struct tw_bmp_config bmp;

	unsigned int decapsulate;          /* set of enum tw_decap */
	unsigned int idle_timeout;         /* seconds, 1 to TW_IDLE_TIMEOUT_MAX */
	unsigned int flows_max_per_worker; /* 1 to TW_FLOWS_MAX */
	unsigned int workers;              /* 1 to TW_WORKERS_MAX */

	const struct tw_port_config *ports;
	unsigned int n_ports; /* up to TW_PORTS_MAX */
	enum tw_dispatch_mode dispatch;
	enum tw_poll_mode poll;

	struct tw_event_rules events;
	char *const *on_event; /* a command and its arguments, ended by NULL; or NULL */

	bool serve; /* `http` is configured */
	struct tw_http_settings http;
};

/*
 * Reads and checks a file. Returns NULL with one line for each problem, "FILE:LINE: KEY: VALUE: remedy". The
 * files that it names are not opened here: tw_table_load() does that. tw_config_free() releases everything.
 */
struct tw_config *tw_config_load(const char *path, struct tw_diag *diag);
void tw_config_free(struct tw_config *config);

/*
 * Makes targets and upstreams be told by their places in a run: `targets`, of which there are `n`, takes the place of the
 * configured ones, and the links' upstreams become upstreams[them] (NULL: they stay). Returns 0 or -ENOMEM.
 */
int tw_config_place(struct tw_config *config, const struct tw_target *targets, unsigned int n,
	const uint16_t *upstreams);

/* Prints the effective configuration, defaults included, as YAML that tw_config_load() accepts. */
int tw_config_print(const struct tw_config *config, FILE *out);

#endif
