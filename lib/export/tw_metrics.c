/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The two formats differ in three things: OpenMetrics names a counter's family without its "_total", knows the type
 * "info", and ends with a line that says so.
 */

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tw_metrics.h"

struct writer {
	struct tw_buffer *out;
	bool open;
	const char *name; /* of the family at hand */
};

enum kind {
	COUNTER,
	GAUGE,
	INFO
};

/* What a label's value may not hold as it is: the same three in both formats. */
static void put_escaped(struct tw_buffer *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\')
			tw_buffer_text(out, "\\\\");
		else if (*text == '"')
			tw_buffer_text(out, "\\\"");
		else if (*text == '\n')
			tw_buffer_text(out, "\\n");
		else
			tw_buffer_add(out, text, 1);
	}
}

/* Begins a family: all samples of it follow. `name` is without "_total" and "_info". */
static void family(struct writer *w, const char *name, enum kind kind, const char *help)
{
	static const char *const suffixes[] = {"_total", "", "_info"};
	static const char *const types[] = {"counter", "gauge", "gauge"};
	const char *suffix = w->open ? "" : suffixes[kind];
	const char *type = w->open && kind == INFO ? "info" : types[kind];

	tw_buffer_format(
		w->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix, type);
	w->name = name;
}

static void put_name(const struct writer *w, const char *suffix)
{
	tw_buffer_text(w->out, w->name);
	tw_buffer_text(w->out, suffix);
}

/* A sample with up to two labels; NULL ends them. */
static void put_labels(const struct writer *w, const char *key1, const char *value1,
	const char *key2, const char *value2)
{
	if (key1 == NULL)
		return;
	tw_buffer_format(w->out, "{%s=\"", key1);
	put_escaped(w->out, value1);
	if (key2 != NULL) {
		tw_buffer_format(w->out, "\",%s=\"", key2);
		put_escaped(w->out, value2);
	}
	tw_buffer_text(w->out, "\"}");
}

static void put_number(const struct writer *w, uint64_t number)
{
	tw_buffer_text(w->out, " ");
	tw_buffer_number(w->out, number);
	tw_buffer_text(w->out, "\n");
}

static void put_real(const struct writer *w, double number)
{
	tw_buffer_format(w->out, " %.15g\n", number);
}

static void count(const struct writer *w, const char *key, const char *value, uint64_t number)
{
	put_name(w, "_total");
	put_labels(w, key, value, NULL, NULL);
	put_number(w, number);
}

static void gauge(const struct writer *w, const char *key, const char *value, double number)
{
	put_name(w, "");
	put_labels(w, key, value, NULL, NULL);
	put_real(w, number);
}

/* ---- series ---- */

static void encode_labels(const struct tw_view *view, uint32_t series, struct tw_buffer *out)
{
	struct tw_series_key key = tw_series_key(view->n_vias, series);

	tw_buffer_text(out, "{target=\"");
	put_escaped(out, view->targets[key.target].name);
	tw_buffer_format(out,
		"\",upstream=\"%" PRIu32 "\",method=\"%s\",direction=\"%s\",ip_version=\"%u\"} ",
		tw_view_asn(view, key.via), tw_method_name(view->vias[key.via].method),
		key.direction == TW_DIR_TO ? "to" : "from", key.version);
}

static void put_series(struct writer *w, const struct tw_metrics *m,
	const struct tw_series_count *series, size_t member, const char *suffix)
{
	for (uint32_t i = 0; i < m->view->n_series; i++) {
		put_name(w, suffix);
		tw_buffer_text(w->out, m->labels[i]);
		tw_buffer_number(w->out, *(const uint64_t *)((const char *)&series[i] + member));
		tw_buffer_text(w->out, "\n");
	}
}

static void write_series(
	struct writer *w, const struct tw_metrics *m, const struct tw_series_count *series)
{
	const struct tw_view *view = m->view;

	family(w, "transitwatch_packets", COUNTER, "Packets to and from targets.");
	put_series(w, m, series, offsetof(struct tw_series_count, packets), "_total");
	family(w, "transitwatch_bytes", COUNTER, "Layer-3 octets to and from targets.");
	put_series(w, m, series, offsetof(struct tw_series_count, bytes), "_total");
	family(w, "transitwatch_flows", COUNTER, "Flows to and from targets, when they open.");
	put_series(w, m, series, offsetof(struct tw_series_count, flows), "_total");
	family(w, "transitwatch_active_flows", GAUGE, "Flows alive at the end of a second.");
	put_series(w, m, series, offsetof(struct tw_series_count, active_flows), "");

	family(w, "transitwatch_upstream", INFO, "The configured name of an upstream.");
	for (unsigned int i = 0; i < view->n_upstreams; i++) {
		char asn[16];

		snprintf(asn, sizeof(asn), "%" PRIu32, view->upstreams[i].asn);
		put_name(w, "_info");
		put_labels(w, "upstream", asn, "name", view->upstreams[i].name);
		put_number(w, 1);
	}
}

/* ---- what was received, and what was not ---- */

static void write_received(struct writer *w, const struct tw_totals *totals)
{
	uint64_t malformed = 0;

	for (unsigned int i = 0; i < TW_BAD_MAX; i++)
		malformed += totals->rx.malformed[i];
	family(w, "transitwatch_received_packets", COUNTER, "Packets received: all classes.");
	count(w, NULL, NULL, totals->rx.packets);
	family(w, "transitwatch_received_bytes", COUNTER, "Octets of the frames received.");
	count(w, NULL, NULL, totals->rx.bytes);
	family(w, "transitwatch_class_packets", COUNTER, "What became of the packets received.");
	count(w, "class", "target", totals->target);
	count(w, "class", "internal", totals->internal);
	count(w, "class", "other", totals->other);
	count(w, "class", "not_ip", totals->rx.not_ip);
	count(w, "class", "malformed", malformed);
	family(w, "transitwatch_malformed_packets", COUNTER, "Malformed packets by reason.");
	for (unsigned int i = 0; i < TW_BAD_MAX; i++)
		count(w, "reason", tw_malformed_name(i), totals->rx.malformed[i]);
	family(w, "transitwatch_late_packets", COUNTER, "Packets whose clock ran backwards.");
	count(w, NULL, NULL, totals->rx.late);
	family(w, "transitwatch_flow_overflow_packets", COUNTER,
		"Packets that would have opened a flow in a full table.");
	count(w, NULL, NULL, totals->flow_overflow);
}

static uint64_t lost(const struct tw_summary *summary, enum tw_drop cause, unsigned int index)
{
	for (unsigned int i = 0; i < summary->n_losses; i++)
		if (summary->losses[i].cause == cause && summary->losses[i].index == index)
			return summary->losses[i].packets;
	return 0;
}

static void write_losses(struct writer *w, const struct tw_view *view,
	const struct tw_summary *summary, unsigned int n_workers)
{
	char number[16];

	family(w, "transitwatch_port_dropped_packets", COUNTER, "Packets that a port lost.");
	for (unsigned int i = 0; i < view->n_ports; i++)
		for (unsigned int cause = 0; cause < TW_DROP_PORT_MAX; cause++) {
			snprintf(number, sizeof(number), "%u", i);
			put_name(w, "_total{device=\"");
			put_escaped(w->out, view->ports[i]);
			tw_buffer_format(w->out, "\",port=\"%s\",cause=\"%s\"}", number,
				tw_drop_name(cause));
			put_number(w, lost(summary, cause, i));
		}
	family(w, "transitwatch_worker_dropped_packets", COUNTER,
		"Packets that were lost on their way to a worker, or in it.");
	for (unsigned int i = 0; i < n_workers; i++)
		for (unsigned int cause = TW_DROP_PORT_MAX; cause < TW_DROP_MAX; cause++) {
			snprintf(number, sizeof(number), "%u", i);
			put_name(w, "_total");
			put_labels(w, "worker", number, "cause", tw_drop_name(cause));
			put_number(w, lost(summary, cause, i));
		}
}

static void write_workers(struct writer *w, const struct tw_load *loads, unsigned int n_workers)
{
	char number[16];

	family(w, "transitwatch_worker_busy_ratio", GAUGE,
		"Share of a worker's time that went into packets, in the last closed second.");
	for (unsigned int i = 0; i < n_workers; i++) {
		snprintf(number, sizeof(number), "%u", i);
		gauge(w, "worker", number,
			loads[i].cycles > 0 ? (double)loads[i].busy_cycles / (double)loads[i].cycles
					    : 0);
	}
}

/* ---- the program itself ---- */

static void write_seconds(struct writer *w, const struct tw_summary *summary)
{
	family(w, "transitwatch_seconds", COUNTER, "Seconds closed.");
	count(w, NULL, NULL, summary->seconds);
	family(w, "transitwatch_inexact_seconds", COUNTER, "Seconds in which packets were lost.");
	count(w, NULL, NULL, summary->inexact);
	family(w, "transitwatch_last_second_timestamp_seconds", GAUGE,
		"The newest closed second, as Unix time.");
	gauge(w, NULL, NULL, (double)summary->last);
}

static void write_events(
	struct writer *w, const struct tw_view *view, const struct tw_snapshot *snapshot)
{
	family(w, "transitwatch_events", COUNTER, "Events, when they are decided.");
	for (unsigned int type = 0; type < TW_EVENT_MAX; type++) {
		bool of_target = type != TW_EVENT_LOSS;

		for (unsigned int i = 0; i < (of_target ? view->n_targets : 1); i++) {
			put_name(w, "_total");
			put_labels(w, "type", tw_event_name(type), "target",
				of_target ? view->targets[i].name : "");
			put_number(w, snapshot->events[type][of_target ? i : TW_TARGET_MAX]);
		}
	}
}

static void write_tables(struct writer *w, const struct tw_status *status)
{
	family(w, "transitwatch_table_build_seconds", GAUGE, "What compiling the table took.");
	gauge(w, NULL, NULL, (double)status->table.compile_ns / 1e9);
	family(w, "transitwatch_table_origins", GAUGE, "Origins in the table.");
	gauge(w, NULL, NULL, status->table.n_origins);
	family(w, "transitwatch_table_routes", GAUGE, "Routes in the table.");
	gauge(w, "ip_version", "4", status->table.n_routes4);
	gauge(w, "ip_version", "6", status->table.n_routes6);
	family(w, "transitwatch_database_build_timestamp_seconds", GAUGE,
		"When a database was built by its maker, as Unix time.");
	for (unsigned int i = 0; i < status->n_databases; i++) {
		put_name(w, "");
		put_labels(w, "path", status->databases[i].path, "type", status->databases[i].type);
		put_number(w, status->databases[i].build_epoch);
	}
	family(w, "transitwatch_database_prefixes", GAUGE, "Prefixes in a database.");
	for (unsigned int i = 0; i < status->n_databases; i++) {
		put_name(w, "");
		put_labels(w, "path", status->databases[i].path, "type", status->databases[i].type);
		put_number(w, status->databases[i].n_prefixes);
	}
	family(w, "transitwatch_reloads", COUNTER, "Reloads by their result.");
	count(w, "result", "good", status->reloads_good);
	count(w, "result", "bad", status->reloads_bad);
}

/* The fields of /proc/self/stat behind the name, which may hold anything, from field 3 on. */
static void read_stat(unsigned long long *start, long *resident)
{
	char text[1024] = "";
	FILE *in = fopen("/proc/self/stat", "r");
	size_t n = in != NULL ? fread(text, 1, sizeof(text) - 1, in) : 0;
	const char *at;

	*start = 0;
	*resident = 0;
	if (in != NULL)
		fclose(in);
	text[n] = '\0';
	at = strrchr(text, ')');
	if (at == NULL)
		return;
	(void)sscanf(at + 1,
		" %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		"%llu %*s %ld",
		start, resident);
}

static double boot_time(void)
{
	FILE *in = fopen("/proc/stat", "r");
	unsigned long long boot = 0;
	char line[256];

	while (in != NULL && fgets(line, sizeof(line), in) != NULL)
		if (sscanf(line, "btime %llu", &boot) == 1)
			break;
	if (in != NULL)
		fclose(in);
	return (double)boot;
}

static unsigned int open_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned int n = 0;

	if (folder == NULL)
		return 0;
	while (readdir(folder) != NULL)
		n++;
	closedir(folder);
	return n > 3 ? n - 3 : 0; /* ".", ".." and the folder's own */
}

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void write_process(struct writer *w)
{
	struct rusage usage = {0};
	unsigned long long start;
	long resident;

	read_stat(&start, &resident);
	getrusage(RUSAGE_SELF, &usage);
	family(w, "process_cpu_seconds", COUNTER, "Processor time of all threads.");
	put_name(w, "_total");
	put_real(w, seconds(usage.ru_utime) + seconds(usage.ru_stime));
	family(w, "process_resident_memory_bytes", GAUGE, "Resident memory.");
	gauge(w, NULL, NULL, (double)resident * (double)sysconf(_SC_PAGESIZE));
	family(w, "process_open_fds", GAUGE, "Open file descriptors.");
	gauge(w, NULL, NULL, open_files());
	family(w, "process_start_time_seconds", GAUGE, "When the process started, as Unix time.");
	put_name(w, "");
	tw_buffer_format(
		w->out, " %.2f\n", boot_time() + (double)start / (double)sysconf(_SC_CLK_TCK));
}

void tw_metrics_write(const struct tw_metrics *m, struct tw_buffer *out,
	const struct tw_snapshot *snapshot, const struct tw_status *status, bool open)
{
	struct writer w = {.out = out, .open = open};

	write_series(&w, m, snapshot->series);
	write_received(&w, &snapshot->summary.totals);
	write_losses(&w, m->view, &snapshot->summary, m->view->n_workers);
	write_workers(&w, snapshot->loads, m->view->n_workers);
	write_seconds(&w, &snapshot->summary);
	write_events(&w, m->view, snapshot);
	write_tables(&w, status);
	family(&w, "transitwatch_build", INFO, "Versions.");
	put_name(&w, "_info");
	put_labels(&w, "version", m->view->version, "dpdk", status->dpdk);
	put_number(&w, 1);
	write_process(&w);
	if (open)
		tw_buffer_text(out, "# EOF\n");
}

int tw_metrics_init(struct tw_metrics *m, const struct tw_view *view)
{
	struct tw_buffer text = {0};
	int err = 0;

	*m = (struct tw_metrics){
		.view = view, .labels = calloc(view->n_series + 1, sizeof(*m->labels))};
	if (m->labels == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < view->n_series; i++) {
		text.n = 0;
		encode_labels(view, i, &text);
		if (text.error == 0)
			m->labels[i] = strndup(text.text, text.n);
		if (m->labels[i] == NULL)
			err = -ENOMEM;
	}
	tw_buffer_free(&text);
	return err;
}

void tw_metrics_free(struct tw_metrics *m)
{
	for (uint32_t i = 0; m->labels != NULL && i < m->view->n_series; i++)
		free(m->labels[i]);
	free(m->labels);
	*m = (struct tw_metrics){0};
}
