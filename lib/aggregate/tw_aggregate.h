/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_AGGREGATE_H
#define TW_AGGREGATE_H

/*
 * The aggregator: workers' blocks to seconds that close once, in order, and never reopen.
 *
 * A second closes when every worker has sent a block of that second or of a later one, or its last. Seconds
 * between two that have packets are closed too, as zeros: a silence is a finding. Only a silence longer than
 * TW_GAP_MAX seconds (a capture made on two days) is told as one gap instead.
 *
 * Exporters are sinks: each closed second is shown to all of them, in order, and is theirs to read until they
 * return. At the end they get the summary.
 *
 * Threads: one. Knows no ring and no clock: blocks are handed in, time is theirs.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tw_diag.h"
#include "tw_report.h"
#include "tw_table.h"
#include "tw_upstream.h"

/* A silence longer than this many seconds is a gap, not zeros: one day. */
#define TW_GAP_MAX 86400
/* Far-end ASNs in a summary, per direction. */
#define TW_PEERS_MAX 20

struct tw_event;
struct tw_event_rules;

/* The routes that decide from a second on. */
struct tw_routes_view {
	uint64_t number;  /* another where the shares are others */
	uint64_t since;   /* the first second that they decide */
	uint64_t time;    /* Unix time that they are of: of the newest dump or message */
	uint32_t n_peers; /* vantage points with a route, and of them the stale ones */
	uint32_t n_stale;
	const struct tw_route_share *shares; /* [n_targets][n_upstreams][2]: IPv4, IPv6 */
};

/* What the shares hold of a target and upstream in one IP version, 4 or 6. */
static inline const struct tw_route_share *tw_route_share(const struct tw_routes_view *routes,
	unsigned int n_upstreams, unsigned int target, unsigned int upstream, unsigned int version)
{
	return &routes->shares[((size_t)target * n_upstreams + upstream) * 2 + (version == 6)];
}

/*
 * The names behind the indices, shared by all sinks. An index keeps its meaning for the whole run; a live run has more of
 * them than there are targets, upstreams and vias, for those that routes find or a reload adds: what is not there yet has
 * no counts, and is left out of every list.
 */
struct tw_view {
	const struct tw_target *targets; /* read by tw_view_target_...() */
	unsigned int n_targets;
	const uint32_t *targets_gone; /* bits of targets that are configured no more; NULL: none */
	const struct tw_upstream *upstreams; /* read by tw_view_upstream_...() */
	unsigned int n_upstreams;
	const struct tw_via *vias; /* whether one is there: tw_view_via_there() */
	unsigned int n_vias;
	uint32_t n_series;
	struct tw_pair_shape pairs;
	uint32_t n_pairs; /* 0 without routes */
	/*
	 * The routes that decide a second, NULL for none; asked for rising seconds. It holds until the next call. NULL
	 * without routes.
	 */
	const struct tw_routes_view *(*routes)(void *arg, uint64_t second);
	void *routes_arg;
	const char *config_path;
	const char *version; /* of the program */
	const struct tw_database *databases;
	unsigned int n_databases;
	const char *const *ports; /* devices that are watched; none in a replay */
	unsigned int n_ports;
	unsigned int n_workers;
	const struct tw_event_rules *event_rules; /* NULL: no events */
};

/*
 * Of an upstream: its ASN, 0 where it has none, its name ("unknown" of TW_UPSTREAM_UNKNOWN), and its kind. Of a via
 * likewise.
 *
 * Entries that are there are read in any thread while the control thread sets others, or another name or kind: names hold
 * until the end of the run. Of an upstream the name is published before the ASN: it is valid where the ASN, read before
 * it, is there. These functions are how to read them.
 */
uint32_t tw_view_upstream_asn(const struct tw_view *view, unsigned int upstream);
const char *tw_view_upstream_name(const struct tw_view *view, unsigned int upstream);
enum tw_upstream_kind tw_view_upstream_kind(const struct tw_view *view, unsigned int upstream);
uint32_t tw_view_asn(const struct tw_view *view, unsigned int via);
const char *tw_view_name(const struct tw_view *view, unsigned int via);

/* "" of a place that no target has. */
const char *tw_view_target_name(const struct tw_view *view, unsigned int target);
bool tw_view_target_there(const struct tw_view *view, unsigned int target);
/* Whether it is there and configured: one that a reload left out has its counters, but is watched no more. */
bool tw_view_target_listed(const struct tw_view *view, unsigned int target);

/* Whether there is such a via yet: where it is, its upstream is there too. */
bool tw_view_via_there(const struct tw_view *view, unsigned int via);
/* Whether target and via of a series are there. */
bool tw_view_series_there(const struct tw_view *view, uint32_t series);

/* Whether there is such an upstream yet: of a place, whether it is taken. Lists leave out what is not. */
bool tw_view_upstream_there(const struct tw_view *view, unsigned int upstream);
/*
 * A text that no two upstreams share: the ASN in digits, "0" of TW_UPSTREAM_UNKNOWN, and of what has no ASN the name of its
 * kind ("other", "direct", "foreign", "ambiguous").
 */
#define TW_UPSTREAM_LABEL 16
const char *tw_view_upstream_label(
	const struct tw_view *view, unsigned int upstream, char text[static TW_UPSTREAM_LABEL]);

/* What a target's links and routes say of each other, summed over its pairs. */
enum tw_agreement {
	TW_AGREE,
	TW_DISAGREE,
	TW_UNDECIDED, /* ambiguous or foreign routes */
	TW_NO_ROUTE,
	TW_AGREEMENT_MAX,
};
/* "agree", "disagree", "undecided", "no_route" */
const char *tw_agreement_name(enum tw_agreement agreement);
enum tw_agreement tw_view_agreement(
	const struct tw_view *view, unsigned int observed, unsigned int expected);
/* Sums a target's pairs. Returns whether there was anything. */
bool tw_view_compare(const struct tw_view *view, const struct tw_pair_count *pairs,
	unsigned int target, struct tw_pair_count sums[static TW_AGREEMENT_MAX]);

/* Packets lost by one cause at one place. */
struct tw_loss {
	enum tw_drop cause;
	unsigned int index; /* of the port, or of the worker, as the cause goes */
	uint64_t packets;
};

/* Cycles of a worker in a second, of a live run; 0 in a replay. */
struct tw_load {
	uint64_t cycles;
	uint64_t busy_cycles; /* on bursts that brought packets */
};

struct tw_second {
	uint64_t time; /* Unix time */
	bool exact;    /* no packet was lost in it */
	struct tw_totals totals;
	const struct tw_loss *losses; /* by cause, then index; none in an exact second */
	unsigned int n_losses;
	const struct tw_load *loads; /* by worker; none in a second of silence */
	unsigned int n_loads;
	const struct tw_series_count *series; /* [view->n_series] */
	const struct tw_pair_count *pairs;    /* [view->n_pairs] */
	const struct tw_routes_view *routes;  /* that decided it, or NULL */
};

/* The age of the routes in a second, in seconds; 0 where they are newer. */
static inline uint64_t tw_routes_age(const struct tw_routes_view *routes, uint64_t second)
{
	return routes->time < second ? second - routes->time : 0;
}

struct tw_peer {
	uint32_t asn;
	const char *name;
	uint8_t direction; /* enum tw_direction */
	uint64_t packets;
	uint64_t bytes;
};

struct tw_summary {
	uint64_t seconds; /* seconds closed, zeros included */
	uint64_t inexact; /* of them not exact */
	uint64_t first;   /* time of the first and of the last; 0 where there is none */
	uint64_t last;
	bool exact;
	struct tw_totals totals;
	const struct tw_loss *losses;
	unsigned int n_losses;
	const struct tw_series_count *series; /* sums; active_flows as in the last second */
	const struct tw_pair_count *pairs;    /* sums */
	const struct tw_routes_view *routes;  /* of the last second */
	const struct tw_peer *
		peers; /* `to` first, then `from`; each by bytes, then packets falling, ASN rising */
	unsigned int n_peers;
};

/* An exporter. Each function may be NULL. They return 0 or -errno; the first error stops that sink. */
struct tw_sink {
	int (*start)(struct tw_sink *sink, const struct tw_view *view);
	/* Before the first second that other routes decide. */
	int (*routes)(struct tw_sink *sink, const struct tw_routes_view *routes);
	int (*second)(struct tw_sink *sink, const struct tw_second *second);
	/* Behind the second that decided it. */
	int (*event)(struct tw_sink *sink, const struct tw_event *event);
	int (*gap)(struct tw_sink *sink, uint64_t first, uint64_t last);
	int (*summary)(struct tw_sink *sink, const struct tw_summary *summary);
	int (*reopen)(struct tw_sink *sink); /* the file was moved away */
	int (*close)(struct tw_sink *sink);  /* flushes and releases the sink; called once */
};

struct tw_aggregate;

/*
 * Makes an aggregator for `n_workers`. `view` and the sinks outlive it; it starts the sinks. Returns NULL with
 * a line in *diag.
 */
struct tw_aggregate *tw_aggregate_create(const struct tw_view *view, unsigned int n_workers,
	struct tw_sink *const *sinks, unsigned int n_sinks, struct tw_diag *diag);
void tw_aggregate_free(struct tw_aggregate *aggregate);

/*
 * Takes a block's counters (the block may be returned to its worker at once) and closes every second that
 * this completes. A worker's blocks come with rising seconds. Returns 0 or -ENOMEM.
 */
int tw_aggregate_block(
	struct tw_aggregate *aggregate, unsigned int worker, const struct tw_block *block);

/*
 * Adds what a port lost in a second; where that is closed, in the first that is open. Causes below
 * TW_DROP_PORT_MAX: those of workers come in their blocks. Returns 0 or -ENOMEM.
 */
int tw_aggregate_port_loss(struct tw_aggregate *aggregate, uint64_t second, unsigned int port,
	enum tw_drop cause, uint64_t packets);

/*
 * Takes the peers of a table that no worker uses any more, before it is freed: they are counted by its origins.
 * Returns 0 or -ENOMEM.
 */
int tw_aggregate_retire(struct tw_aggregate *aggregate, const struct tw_table *table,
	const struct tw_peers *const *peers, unsigned int n_peers);

/*
 * After every worker's last block: takes the last table's peers, ranks all by ASN, and gives the sinks the
 * summary. Returns 0, or the first error that any sink had since the start.
 */
int tw_aggregate_finish(struct tw_aggregate *aggregate, const struct tw_table *table,
	const struct tw_peers *const *peers, unsigned int n_peers);

/*
 * Shows who the far ends are so far, ranked as in the summary; names hold during the call. The workers go on
 * counting: what they count meanwhile is in or not. Returns 0 or -ENOMEM.
 */
int tw_aggregate_peers(const struct tw_aggregate *aggregate, const struct tw_table *table,
	const struct tw_peers *const *peers, unsigned int n_peers,
	void (*show)(void *arg, const struct tw_peer *peers, unsigned int n), void *arg);

/* Seconds closed so far. */
uint64_t tw_aggregate_seconds(const struct tw_aggregate *aggregate);

#endif
