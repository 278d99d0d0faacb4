/* SPDX-License-Identifier: BSD-3-Clause */

/* An answer has 16 KiB of room in all, and a string 128 octets: hence ten of a kind at a time. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_telemetry.h>

#include "telemetry.h"

enum {
	PAGE = 10,
};

/* Commands have no argument of their own; under the lock, since the EAL's thread ends after what it asks. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tw_serve *asked;

static void put(struct rte_tel_data *d, const char *key, uint64_t number)
{
	rte_tel_data_add_dict_u64(d, key, number);
}

static void put_text(struct rte_tel_data *d, const char *key, const char *text)
{
	char cut[RTE_TEL_MAX_STRING_LEN];
	size_t n = strnlen(text, sizeof(cut) - 1);

	while (n > 0 && (text[n] & 0xc0) == 0x80)
		n--; /* not within a character */
	/* The EAL writes JSON without escapes. */
	for (size_t i = 0; i < n; i++)
		cut[i] = text[i];
	for (size_t i = 0; i < n; i++)
		if (cut[i] == '"' || cut[i] == '\\')
			cut[i] = '\'';
	cut[n] = '\0';
	rte_tel_data_add_dict_string(d, key, cut);
}

/* The number behind the comma, `missing` where there is none. Returns false where it is no number. */
static bool number_of(const char *params, uint64_t missing, uint64_t *number)
{
	char *end;

	*number = missing;
	if (params == NULL || *params == '\0')
		return true;
	errno = 0;
	*number = strtoull(params, &end, 10);
	return *params >= '0' && *params <= '9' && *end == '\0' && errno == 0;
}

/* Every command begins and ends alike. */
static int locked(int (*answer)(const char *params, struct rte_tel_data *d), const char *params,
	struct rte_tel_data *d)
{
	int err;

	pthread_mutex_lock(&lock);
	err = asked != NULL ? answer(params, d) : -ESHUTDOWN;
	pthread_mutex_unlock(&lock);
	return err;
}

static void put_totals(struct rte_tel_data *d, const struct tw_totals *totals)
{
	uint64_t malformed = 0;
	char key[64];

	for (unsigned int i = 0; i < TW_BAD_MAX; i++)
		malformed += totals->rx.malformed[i];
	put(d, "received_packets", totals->rx.packets);
	put(d, "received_bytes", totals->rx.bytes);
	put(d, "target", totals->target);
	put(d, "internal", totals->internal);
	put(d, "other", totals->other);
	put(d, "not_ip", totals->rx.not_ip);
	put(d, "malformed", malformed);
	for (unsigned int i = 0; i < TW_DROP_MAX; i++) {
		snprintf(key, sizeof(key), "dropped_%s", tw_drop_name(i));
		put(d, key, totals->dropped[i]);
	}
}

static int answer_summary(const char *params, struct rte_tel_data *d)
{
	struct tw_snapshot snapshot;

	(void)params;
	if (tw_history_snapshot(asked->history, &snapshot) != 0)
		return -ENOMEM;
	rte_tel_data_start_dict(d);
	put(d, "seconds", snapshot.summary.seconds);
	put(d, "inexact", snapshot.summary.inexact);
	put(d, "first", snapshot.summary.first);
	put(d, "last", snapshot.summary.last);
	put_totals(d, &snapshot.summary.totals);
	tw_snapshot_free(&snapshot);
	return 0;
}

static void put_series(struct rte_tel_data *d, uint32_t series, const struct tw_series_count *count)
{
	const struct tw_view *view = asked->source.view;
	struct tw_series_key key = tw_series_key(view->n_vias, series);
	struct rte_tel_data *one = rte_tel_data_alloc();
	char name[16];

	if (one == NULL)
		return;
	rte_tel_data_start_dict(one);
	put_text(one, "target", tw_view_target_name(view, key.target));
	put(one, "upstream", tw_view_asn(view, key.via));
	put_text(one, "name", tw_view_name(view, key.via));
	put_text(one, "method", tw_method_name(view->vias[key.via].method));
	put_text(one, "direction", key.direction == TW_DIR_TO ? "to" : "from");
	put(one, "ip_version", key.version);
	put(one, "packets", count->packets);
	put(one, "bytes", count->bytes);
	put(one, "flows", count->flows);
	put(one, "active_flows", count->active_flows);
	snprintf(name, sizeof(name), "%" PRIu32, series);
	rte_tel_data_add_dict_container(d, name, one, 0);
}

static int answer_series(const char *params, struct rte_tel_data *d)
{
	uint32_t n = asked->source.view->n_series;
	struct tw_snapshot snapshot;
	unsigned int shown = 0;
	uint64_t i;

	if (!number_of(params, 0, &i))
		return -EINVAL;
	if (tw_history_snapshot(asked->history, &snapshot) != 0)
		return -ENOMEM;
	rte_tel_data_start_dict(d);
	for (; i < n && shown < PAGE; i++)
		if (tw_series_listed(&snapshot.series[i])) {
			put_series(d, (uint32_t)i, &snapshot.series[i]);
			shown++;
		}
	for (; i < n && !tw_series_listed(&snapshot.series[i]); i++)
		;
	if (i < n)
		put(d, "next", i);
	tw_snapshot_free(&snapshot);
	return 0;
}

static void put_share(struct rte_tel_data *d, const struct tw_routes_view *routes, uint32_t i)
{
	const struct tw_view *view = asked->source.view;
	unsigned int upstream = i / 2 % view->n_upstreams;
	struct rte_tel_data *one = rte_tel_data_alloc();
	char name[24];

	if (one == NULL)
		return;
	rte_tel_data_start_dict(one);
	put_text(one, "target", tw_view_target_name(view, i / 2 / view->n_upstreams));
	put(one, "upstream", tw_view_upstream_asn(view, upstream));
	put_text(one, "name", tw_view_upstream_name(view, upstream));
	put(one, "ip_version", i % 2 == 0 ? 4 : 6);
	put(one, "prefixes", routes->shares[i].prefixes);
	put(one, "addresses", routes->shares[i].addresses);
	snprintf(name, sizeof(name), "share_%" PRIu32, i);
	rte_tel_data_add_dict_container(d, name, one, 0);
}

static void put_pair(struct rte_tel_data *d, const struct tw_pair_count *pairs, uint32_t i)
{
	const struct tw_view *view = asked->source.view;
	unsigned int expected = i % view->pairs.n_expected;
	unsigned int observed = i / view->pairs.n_expected % view->pairs.n_observed;
	struct rte_tel_data *one = rte_tel_data_alloc();
	char name[24];

	if (one == NULL)
		return;
	rte_tel_data_start_dict(one);
	put_text(one, "target",
		tw_view_target_name(view, i / view->pairs.n_expected / view->pairs.n_observed));
	put(one, "observed", tw_view_upstream_asn(view, observed));
	put(one, "expected", expected > 0 ? tw_view_upstream_asn(view, expected - 1) : 0);
	put_text(one, "expected_name",
		expected > 0 ? tw_view_upstream_name(view, expected - 1)
			     : tw_agreement_name(TW_NO_ROUTE));
	put_text(one, "verdict", tw_agreement_name(tw_view_agreement(view, observed, expected)));
	put(one, "packets", pairs[i].packets);
	put(one, "bytes", pairs[i].bytes);
	snprintf(name, sizeof(name), "pair_%" PRIu32, i);
	rte_tel_data_add_dict_container(d, name, one, 0);
}

/* Of shares and the pairs behind them, the first from `i` on that has anything; their number where none has. */
static uint64_t next_of_routes(
	const struct tw_snapshot *snapshot, uint64_t i, uint64_t n_shares, uint64_t n)
{
	for (; i < n; i++)
		if (i < n_shares ? (snapshot->shares[i].prefixes | snapshot->shares[i].addresses) !=
					   0
				 : snapshot->pairs[i - n_shares].packets != 0)
			break;
	return i;
}

static int answer_routes(const char *params, struct rte_tel_data *d)
{
	const struct tw_view *view = asked->source.view;
	uint64_t n_shares = (uint64_t)view->n_targets * view->n_upstreams * 2, i;
	uint64_t n = n_shares + view->n_pairs;
	struct tw_snapshot snapshot;
	const struct tw_routes_view *routes;

	if (!number_of(params, 0, &i))
		return -EINVAL;
	if (tw_history_snapshot(asked->history, &snapshot) != 0)
		return -ENOMEM;
	routes = snapshot.summary.routes;
	rte_tel_data_start_dict(d);
	put(d, "vantage_points", routes != NULL ? routes->n_peers : 0);
	put(d, "stale", routes != NULL ? routes->n_stale : 0);
	if (routes != NULL) {
		put(d, "routes_time", routes->time);
		put(d, "age", tw_routes_age(routes, snapshot.summary.last));
	} else if (i < n_shares)
		i = n_shares; /* those of routes that are no more */
	i = next_of_routes(&snapshot, i, n_shares, n);
	for (unsigned int shown = 0; i < n && shown < PAGE; shown++) {
		if (i < n_shares)
			put_share(d, &snapshot.routes, (uint32_t)i);
		else
			put_pair(d, snapshot.pairs, (uint32_t)(i - n_shares));
		i = next_of_routes(&snapshot, i + 1, n_shares, n);
	}
	if (i < n)
		put(d, "next", i);
	tw_snapshot_free(&snapshot);
	return 0;
}

static void put_router(struct rte_tel_data *d, unsigned int i, const struct tw_router_info *router)
{
	struct rte_tel_data *one = rte_tel_data_alloc();
	char text[TW_PREFIX_TEXT], name[16];

	if (one == NULL)
		return;
	rte_tel_data_start_dict(one);
	put_text(one, "address", tw_addr_format(&router->addr, text));
	put_text(one, "name", router->name);
	put(one, "connected", router->connected);
	put(one, "peers_up", router->peers_up);
	put(one, "peers_held", router->peers_held);
	put(one, "peers_stale", router->peers_stale);
	put(one, "routes", router->routes);
	put(one, "refused", router->refused);
	snprintf(name, sizeof(name), "router_%u", i);
	rte_tel_data_add_dict_container(d, name, one, 0);
}

static int answer_routers(const char *params, struct rte_tel_data *d)
{
	struct tw_station_info info = {0};
	uint64_t i, end;

	if (!number_of(params, 0, &i))
		return -EINVAL;
	if (asked->station != NULL)
		tw_station_info(asked->station, &info);
	rte_tel_data_start_dict(d);
	put(d, "sessions", info.sessions);
	put(d, "routes_refused", info.routes_refused);
	end = i < info.n_routers && info.n_routers - i > PAGE ? i + PAGE : info.n_routers;
	for (; i < end; i++)
		put_router(d, (unsigned int)i, &info.routers[i]);
	if (end < info.n_routers)
		put(d, "next", end);
	return 0;
}

static void put_second(struct rte_tel_data *d, const struct tw_record *record)
{
	struct rte_tel_data *one = rte_tel_data_alloc();
	char time[24];

	if (one == NULL)
		return;
	rte_tel_data_start_dict(one);
	put(one, "exact", record->exact);
	put_totals(one, &record->totals);
	snprintf(time, sizeof(time), "%" PRIu64, record->time);
	rte_tel_data_add_dict_container(d, time, one, 0);
}

static int answer_seconds(const char *params, struct rte_tel_data *d)
{
	const struct tw_record *records[2 * PAGE];
	uint64_t time, at;
	unsigned int n, shown = 0;

	if (!number_of(params, UINT64_MAX, &time))
		return -EINVAL;
	at = tw_history_find(asked->history, time);
	if (time == UINT64_MAX)
		at -= at < PAGE ? at : PAGE;
	n = tw_history_records(asked->history, at, records, 2 * PAGE);
	rte_tel_data_start_dict(d);
	for (unsigned int i = 0; i < n && shown < PAGE; i++)
		if (records[i]->kind == TW_RECORD_SECOND) {
			put_second(d, records[i]);
			shown++;
		}
	tw_history_release(asked->history, records, n);
	return 0;
}

static int answer_workers(const char *params, struct rte_tel_data *d)
{
	const struct tw_view *view = asked->source.view;
	struct tw_snapshot snapshot;

	(void)params;
	if (tw_history_snapshot(asked->history, &snapshot) != 0)
		return -ENOMEM;
	rte_tel_data_start_dict(d);
	for (unsigned int w = 0; w < view->n_workers; w++) {
		const struct tw_load *load = &snapshot.loads[w];
		struct rte_tel_data *one = rte_tel_data_alloc();
		char name[16];

		if (one == NULL)
			break;
		rte_tel_data_start_dict(one);
		put(one, "busy_percent",
			load->cycles > 0 ? 100 * load->busy_cycles / load->cycles : 0);
		for (unsigned int i = 0; i < snapshot.summary.n_losses; i++) {
			const struct tw_loss *loss = &snapshot.losses[i];

			if (loss->cause >= TW_DROP_PORT_MAX && loss->index == w)
				put(one, tw_drop_name(loss->cause), loss->packets);
		}
		snprintf(name, sizeof(name), "%u", w);
		rte_tel_data_add_dict_container(d, name, one, 0);
	}
	tw_snapshot_free(&snapshot);
	return 0;
}

static int answer_table(const char *params, struct rte_tel_data *d)
{
	struct tw_status status = {0};

	(void)params;
	asked->source.status(asked->source.arg, &status);
	rte_tel_data_start_dict(d);
	put(d, "origins", status.table.n_origins);
	put(d, "routes_ipv4", status.table.n_routes4);
	put(d, "routes_ipv6", status.table.n_routes6);
	put(d, "build_ms", status.table.compile_ns / 1000000);
	put(d, "reloads_good", status.reloads_good);
	put(d, "reloads_bad", status.reloads_bad);
	for (unsigned int i = 0; i < status.n_databases; i++) {
		char key[32];

		snprintf(key, sizeof(key), "database_%u", i);
		put_text(d, key, status.databases[i].path);
		snprintf(key, sizeof(key), "database_%u_built", i);
		put(d, key, status.databases[i].build_epoch);
	}
	return 0;
}

static int answer_explain(const char *params, struct rte_tel_data *d)
{
	struct tw_engine *engine = asked->engine;
	const struct tw_view *view = asked->source.view;
	struct tw_explanation explanation;
	struct tw_addr addr;

	if (params == NULL || tw_addr_parse(params, &addr) != 0)
		return -EINVAL;
	pthread_mutex_lock(&engine->rules_lock);
	tw_table_explain(atomic_load(&engine->slot.published)->table, &addr, &explanation);
	rte_tel_data_start_dict(d);
	put_text(d, "ip", params);
	put(d, "asn", explanation.origin.asn);
	put_text(d, "name", explanation.origin.name);
	put_text(d, "country", explanation.origin.country);
	put_text(d, "target",
		explanation.origin.target != TW_TARGET_NONE
			? tw_view_target_name(view, explanation.origin.target)
			: "");
	pthread_mutex_unlock(&engine->rules_lock);
	return 0;
}

#define COMMAND(name)                                                                    \
	static int name(const char *command, const char *params, struct rte_tel_data *d) \
	{                                                                                \
		(void)command;                                                           \
		return locked(answer_##name, params, d);                                 \
	}

COMMAND(summary)
COMMAND(series)
COMMAND(seconds)
COMMAND(workers)
COMMAND(table)
COMMAND(explain)
COMMAND(routes)
COMMAND(routers)

int tw_telemetry_start(struct tw_serve *serve)
{
	static const struct {
		const char *path;
		telemetry_cb callback;
		const char *help;
	} commands[] = {
		{"/transitwatch/summary", summary, "Sums since the start."},
		{"/transitwatch/series", series,
			"Sums of ten series. Parameter: the first, `next` of the answer before."},
		{"/transitwatch/seconds", seconds,
			"Ten closed seconds, the latest. Parameter: a Unix time to begin with."},
		{"/transitwatch/workers", workers, "How busy workers are, and their losses."},
		{"/transitwatch/table", table, "Sizes of the table, databases, reloads."},
		{"/transitwatch/routes", routes,
			"Ten shares of routes, or pairs of link and route. Parameter: the first, "
			"`next` of the answer before."},
		{"/transitwatch/routers", routers,
			"Ten BMP routers, their peers and routes. Parameter: the first, `next` "
			"of the answer before."},
		{"/transitwatch/explain", explain, "What an address is. Parameter: the address."},
	};
	int err = 0;

	pthread_mutex_lock(&lock);
	asked = serve;
	pthread_mutex_unlock(&lock);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]) && err == 0; i++)
		err = rte_telemetry_register_cmd(
			commands[i].path, commands[i].callback, commands[i].help);
	return err;
}

void tw_telemetry_stop(void)
{
	pthread_mutex_lock(&lock);
	asked = NULL;
	pthread_mutex_unlock(&lock);
}
