/* SPDX-License-Identifier: BSD-3-Clause */

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tw_metrics_priv.h"

/* ---- series ---- */

static void encode_labels(const struct tw_view *view, uint32_t series, struct tw_buffer *out)
{
	struct tw_series_key key = tw_series_key(view->n_vias, series);
	char upstream[TW_UPSTREAM_LABEL];

	tw_buffer_text(out, "{target=\"");
	tw_metric_escaped(out, tw_view_target_name(view, key.target));
	tw_buffer_format(out,
		"\",upstream=\"%s\",method=\"%s\",direction=\"%s\",ip_version=\"%u\"} ",
		tw_view_upstream_label(view, view->vias[key.via].upstream, upstream),
		tw_method_name(view->vias[key.via].method),
		key.direction == TW_DIR_TO ? "to" : "from", key.version);
}

/* Labels of all series that are there by now. Returns 0 or -ENOMEM. */
static int make_labels(struct tw_metrics *m)
{
	const struct tw_view *view = m->view;
	struct tw_buffer text = {0};
	int err = 0;

	for (uint32_t i = 0; i < view->n_series; i++) {
		if (m->labels[i] != NULL || !tw_view_series_there(view, i))
			continue;
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

static void put_series(struct tw_metric_writer *w, const struct tw_metrics *m,
	const struct tw_series_count *series, size_t member, const char *suffix)
{
	for (uint32_t i = 0; i < m->view->n_series; i++) {
		if (m->labels[i] == NULL)
			continue;
		tw_metric_name(w, suffix);
		tw_buffer_text(w->out, m->labels[i]);
		tw_buffer_number(w->out, *(const uint64_t *)((const char *)&series[i] + member));
		tw_buffer_text(w->out, "\n");
	}
}

static void write_series(struct tw_metric_writer *w, const struct tw_metrics *m,
	const struct tw_series_count *series)
{
	const struct tw_view *view = m->view;

	tw_metric_family(w, "transitwatch_packets", TW_COUNTER, "Packets to and from targets.");
	put_series(w, m, series, offsetof(struct tw_series_count, packets), "_total");
	tw_metric_family(
		w, "transitwatch_bytes", TW_COUNTER, "Layer-3 octets to and from targets.");
	put_series(w, m, series, offsetof(struct tw_series_count, bytes), "_total");
	tw_metric_family(
		w, "transitwatch_flows", TW_COUNTER, "Flows to and from targets, when they open.");
	put_series(w, m, series, offsetof(struct tw_series_count, flows), "_total");
	tw_metric_family(
		w, "transitwatch_active_flows", TW_GAUGE, "Flows alive at the end of a second.");
	put_series(w, m, series, offsetof(struct tw_series_count, active_flows), "");

	tw_metric_family(w, "transitwatch_upstream", TW_INFO, "The name of an upstream.");
	for (unsigned int i = 0; i < view->n_upstreams; i++) {
		char label[TW_UPSTREAM_LABEL];

		if (!tw_view_upstream_there(view, i))
			continue;
		tw_metric_name(w, "_info");
		tw_metric_labels(w, "upstream", tw_view_upstream_label(view, i, label), "name",
			tw_view_upstream_name(view, i));
		tw_metric_number(w, 1);
	}
}

/* ---- what was received, and what was not ---- */

static void write_received(struct tw_metric_writer *w, const struct tw_totals *totals)
{
	uint64_t malformed = 0;

	for (unsigned int i = 0; i < TW_BAD_MAX; i++)
		malformed += totals->rx.malformed[i];
	tw_metric_family(
		w, "transitwatch_received_packets", TW_COUNTER, "Packets received: all classes.");
	tw_metric_count(w, NULL, NULL, totals->rx.packets);
	tw_metric_family(
		w, "transitwatch_received_bytes", TW_COUNTER, "Octets of the frames received.");
	tw_metric_count(w, NULL, NULL, totals->rx.bytes);
	tw_metric_family(w, "transitwatch_class_packets", TW_COUNTER,
		"What became of the packets received.");
	tw_metric_count(w, "class", "target", totals->target);
	tw_metric_count(w, "class", "internal", totals->internal);
	tw_metric_count(w, "class", "other", totals->other);
	tw_metric_count(w, "class", "not_ip", totals->rx.not_ip);
	tw_metric_count(w, "class", "malformed", malformed);
	tw_metric_family(
		w, "transitwatch_malformed_packets", TW_COUNTER, "Malformed packets by reason.");
	for (unsigned int i = 0; i < TW_BAD_MAX; i++)
		tw_metric_count(w, "reason", tw_malformed_name(i), totals->rx.malformed[i]);
	tw_metric_family(
		w, "transitwatch_late_packets", TW_COUNTER, "Packets whose clock ran backwards.");
	tw_metric_count(w, NULL, NULL, totals->rx.late);
	tw_metric_family(w, "transitwatch_flow_overflow_packets", TW_COUNTER,
		"Packets that would have opened a flow in a full table.");
	tw_metric_count(w, NULL, NULL, totals->flow_overflow);
}

static uint64_t lost(const struct tw_summary *summary, enum tw_drop cause, unsigned int index)
{
	for (unsigned int i = 0; i < summary->n_losses; i++)
		if (summary->losses[i].cause == cause && summary->losses[i].index == index)
			return summary->losses[i].packets;
	return 0;
}

static void write_losses(struct tw_metric_writer *w, const struct tw_view *view,
	const struct tw_summary *summary, unsigned int n_workers)
{
	char number[16];

	tw_metric_family(
		w, "transitwatch_port_dropped_packets", TW_COUNTER, "Packets that a port lost.");
	for (unsigned int i = 0; i < view->n_ports; i++)
		for (unsigned int cause = 0; cause < TW_DROP_PORT_MAX; cause++) {
			snprintf(number, sizeof(number), "%u", i);
			tw_metric_name(w, "_total{device=\"");
			tw_metric_escaped(w->out, view->ports[i]);
			tw_buffer_format(w->out, "\",port=\"%s\",cause=\"%s\"}", number,
				tw_drop_name(cause));
			tw_metric_number(w, lost(summary, cause, i));
		}
	tw_metric_family(w, "transitwatch_worker_dropped_packets", TW_COUNTER,
		"Packets that were lost on their way to a worker, or in it.");
	for (unsigned int i = 0; i < n_workers; i++)
		for (unsigned int cause = TW_DROP_PORT_MAX; cause < TW_DROP_MAX; cause++) {
			snprintf(number, sizeof(number), "%u", i);
			tw_metric_name(w, "_total");
			tw_metric_labels(w, "worker", number, "cause", tw_drop_name(cause));
			tw_metric_number(w, lost(summary, cause, i));
		}
}

static void write_workers(
	struct tw_metric_writer *w, const struct tw_load *loads, unsigned int n_workers)
{
	char number[16];

	tw_metric_family(w, "transitwatch_worker_busy_ratio", TW_GAUGE,
		"Share of a worker's time that went into packets, in the last closed second.");
	for (unsigned int i = 0; i < n_workers; i++) {
		snprintf(number, sizeof(number), "%u", i);
		tw_metric_gauge(w, "worker", number,
			loads[i].cycles > 0 ? (double)loads[i].busy_cycles / (double)loads[i].cycles
					    : 0);
	}
}

/* ---- the program itself ---- */

static void write_seconds(struct tw_metric_writer *w, const struct tw_summary *summary,
	const struct tw_status *status)
{
	tw_metric_family(w, "transitwatch_seconds", TW_COUNTER, "Seconds closed.");
	tw_metric_count(w, NULL, NULL, summary->seconds);
	tw_metric_family(w, "transitwatch_inexact_seconds", TW_COUNTER,
		"Seconds in which packets were lost.");
	tw_metric_count(w, NULL, NULL, summary->inexact);
	tw_metric_family(w, "transitwatch_last_second_timestamp_seconds", TW_GAUGE,
		"The newest closed second, as Unix time.");
	tw_metric_gauge(w, NULL, NULL, (double)summary->last);
	tw_metric_family(w, "transitwatch_clock_ahead_seconds", TW_GAUGE,
		"How far seconds are ahead of the system's clock, since that was set back.");
	tw_metric_gauge(w, NULL, NULL, status->clock_ahead);
}

static void write_events(
	struct tw_metric_writer *w, const struct tw_view *view, const struct tw_snapshot *snapshot)
{
	tw_metric_family(w, "transitwatch_events", TW_COUNTER, "Events, when they are decided.");
	for (unsigned int type = 0; type < TW_EVENT_MAX; type++) {
		bool of_target = type != TW_EVENT_LOSS;

		for (unsigned int i = 0; i < (of_target ? view->n_targets : 1); i++) {
			if (of_target && !tw_view_target_there(view, i))
				continue;
			tw_metric_name(w, "_total");
			tw_metric_labels(w, "type", tw_event_name(type), "target",
				of_target ? tw_view_target_name(view, i) : "");
			tw_metric_number(w, snapshot->events[type][of_target ? i : TW_TARGET_MAX]);
		}
	}
}

static void write_tables(struct tw_metric_writer *w, const struct tw_status *status)
{
	tw_metric_family(
		w, "transitwatch_table_build_seconds", TW_GAUGE, "What compiling the table took.");
	tw_metric_gauge(w, NULL, NULL, (double)status->table.compile_ns / 1e9);
	tw_metric_family(w, "transitwatch_table_origins", TW_GAUGE, "Origins in the table.");
	tw_metric_gauge(w, NULL, NULL, status->table.n_origins);
	tw_metric_family(w, "transitwatch_table_routes", TW_GAUGE, "Routes in the table.");
	tw_metric_gauge(w, "ip_version", "4", status->table.n_routes4);
	tw_metric_gauge(w, "ip_version", "6", status->table.n_routes6);
	tw_metric_family(w, "transitwatch_database_build_timestamp_seconds", TW_GAUGE,
		"When a database was built by its maker, as Unix time.");
	for (unsigned int i = 0; i < status->n_databases; i++) {
		tw_metric_name(w, "");
		tw_metric_labels(
			w, "path", status->databases[i].path, "type", status->databases[i].type);
		tw_metric_number(w, status->databases[i].build_epoch);
	}
	tw_metric_family(w, "transitwatch_database_prefixes", TW_GAUGE, "Prefixes in a database.");
	for (unsigned int i = 0; i < status->n_databases; i++) {
		tw_metric_name(w, "");
		tw_metric_labels(
			w, "path", status->databases[i].path, "type", status->databases[i].type);
		tw_metric_number(w, status->databases[i].n_prefixes);
	}
	tw_metric_family(w, "transitwatch_reloads", TW_COUNTER, "Reloads by their result.");
	tw_metric_count(w, "result", "good", status->reloads_good);
	tw_metric_count(w, "result", "bad", status->reloads_bad);
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

static void write_process(struct tw_metric_writer *w)
{
	struct rusage usage = {0};
	unsigned long long start;
	long resident;

	read_stat(&start, &resident);
	getrusage(RUSAGE_SELF, &usage);
	tw_metric_family(w, "process_cpu_seconds", TW_COUNTER, "Processor time of all threads.");
	tw_metric_name(w, "_total");
	tw_metric_real(w, seconds(usage.ru_utime) + seconds(usage.ru_stime));
	tw_metric_family(w, "process_resident_memory_bytes", TW_GAUGE, "Resident memory.");
	tw_metric_gauge(w, NULL, NULL, (double)resident * (double)sysconf(_SC_PAGESIZE));
	tw_metric_family(w, "process_open_fds", TW_GAUGE, "Open file descriptors.");
	tw_metric_gauge(w, NULL, NULL, open_files());
	tw_metric_family(w, "process_start_time_seconds", TW_GAUGE,
		"When the process started, as Unix time.");
	tw_metric_name(w, "");
	tw_buffer_format(
		w->out, " %.2f\n", boot_time() + (double)start / (double)sysconf(_SC_CLK_TCK));
}

void tw_metrics_write(struct tw_metrics *m, struct tw_buffer *out,
	const struct tw_snapshot *snapshot, const struct tw_status *status, bool open)
{
	struct tw_metric_writer w = {.out = out, .open = open};

	if (make_labels(m) != 0)
		out->error = -ENOMEM;
	write_series(&w, m, snapshot->series);
	tw_metrics_routes(&w, m->view, snapshot);
	write_received(&w, &snapshot->summary.totals);
	write_losses(&w, m->view, &snapshot->summary, m->view->n_workers);
	write_workers(&w, snapshot->loads, m->view->n_workers);
	write_seconds(&w, &snapshot->summary, status);
	write_events(&w, m->view, snapshot);
	write_tables(&w, status);
	tw_metric_family(&w, "transitwatch_build", TW_INFO, "Versions.");
	tw_metric_name(&w, "_info");
	tw_metric_labels(&w, "version", m->view->version, "dpdk", status->dpdk);
	tw_metric_number(&w, 1);
	write_process(&w);
	if (open)
		tw_buffer_text(out, "# EOF\n");
}

int tw_metrics_init(struct tw_metrics *m, const struct tw_view *view)
{
	*m = (struct tw_metrics){
		.view = view, .labels = calloc(view->n_series + 1, sizeof(*m->labels))};
	return m->labels != NULL ? make_labels(m) : -ENOMEM;
}

void tw_metrics_free(struct tw_metrics *m)
{
	for (uint32_t i = 0; m->labels != NULL && i < m->view->n_series; i++)
		free(m->labels[i]);
	free(m->labels);
	*m = (struct tw_metrics){0};
}
