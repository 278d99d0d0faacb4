/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A live run: ports in, seconds out, until a signal. The control core opens the ports, starts the workers (and the
 * reader, where the ports have fewer queues than there are workers), aggregates, and reads the ports' own counters once
 * a second: before the first block of a second is taken in, that is right behind the second's end.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#include "tw_clock.h"
#include "engine.h"
#include "options.h"
#include "port.h"
#include "port_source.h"
#include "reload.h"
#include "serve.h"
#include "station.h"
#include "telemetry.h"
#include "signals.h"

/* Between two looks at empty rings. */
#define NAP_NS 1000000
/* Between two looks at the routers' sessions. */
#define LOOK_NS 500000000

struct run {
	struct tw_engine engine; /* first: before_block() casts */
	struct tw_ports ports;
	struct tw_port_source *sources; /* one for each worker, or the reader's alone */
	struct tw_port_queue (*queues)[TW_PORTS_MAX * TW_WORKERS_MAX]; /* of each source */
	unsigned int n_sources;
	const char *names[TW_PORTS_MAX];
	struct tw_reload reload;
	struct tw_station *station; /* NULL: no routers are listened to */
	struct tw_station_info routers;
	uint64_t routers_due; /* monotonic nanoseconds: when they are looked at next */
	struct tw_serve serve;
	uint64_t closed;  /* seconds, as the service manager knows */
	uint64_t sampled; /* the second that the ports' counters are read for */
};

/* ---- making and unmaking ---- */

static int make_sources(struct run *r, struct tw_source **sources, struct tw_diag *diag)
{
	const struct tw_config *config = r->engine.setup.config;
	unsigned int n = r->ports.direct ? config->workers : 1;

	r->sources = aligned_alloc(_Alignof(struct tw_port_source), n * sizeof(*r->sources));
	r->queues = calloc(n, sizeof(*r->queues));
	if (r->sources == NULL || r->queues == NULL)
		return tw_diag_add(diag, -ENOMEM, "no memory for %u sources", n);
	for (r->n_sources = 0; r->n_sources < n; r->n_sources++) {
		unsigned int i = r->n_sources;
		unsigned int n_queues = tw_ports_queues(&r->ports, i, n, r->queues[i]);

		tw_port_source_init(&r->sources[i], r->queues[i], n_queues, config->decapsulate,
			config->poll == TW_POLL_BUSY, &r->engine.wall, &tw_signals.stop);
		sources[i] = &r->sources[i].base;
	}
	return 0;
}

static void name_ports(struct run *r)
{
	struct tw_view *view = &r->engine.setup.view;

	for (unsigned int i = 0; i < r->ports.n_ports; i++)
		r->names[i] = r->ports.ports[i].config->device;
	view->ports = r->names;
	view->n_ports = r->ports.n_ports;
}

/* Takes what the ports lost since they were looked at last into a second. */
static void sample(struct tw_engine *engine, uint64_t second)
{
	struct run *r = (struct run *)engine;

	if (second <= r->sampled)
		return;
	r->sampled = second;
	atomic_store(&engine->ports_down, tw_ports_down(&r->ports));
	for (unsigned int i = 0; i < r->ports.n_ports; i++) {
		uint64_t losses[TW_DROP_PORT_MAX];

		tw_port_losses(&r->ports.ports[i], losses);
		for (unsigned int cause = 0; cause < TW_DROP_PORT_MAX; cause++)
			if (losses[cause] > 0 && engine->error == 0)
				engine->error = tw_aggregate_port_loss(engine->aggregate, second, i,
					(enum tw_drop)cause, losses[cause]);
	}
}

static int start_station(struct run *r, struct tw_diag *diag)
{
	const struct tw_bmp_config *bmp = &r->engine.setup.config->bmp;
	const struct tw_station_config config = {.listen = bmp->listen,
		.allow = bmp->allow,
		.n_allow = bmp->n_allow,
		.hold = bmp->hold,
		.sessions = bmp->sessions,
		.peers = bmp->peers};

	if (!bmp->configured || !r->engine.setup.feed.on)
		return 0;
	r->station = tw_station_start(&config, &r->engine.setup.feed.live, diag);
	return r->station != NULL ? 0 : -EIO;
}

static int make(struct run *r, const struct tw_options *options, struct tw_diag *diag)
{
	struct tw_source *sources[TW_WORKERS_MAX] = {NULL};
	const struct tw_clocks now = tw_clocks_now();
	int err = tw_setup_load(&r->engine.setup, options, diag);

	tw_wall_start(&r->engine.wall, &now);
	if (err != 0)
		return err;
	err = tw_ports_open(&r->ports, r->engine.setup.config, diag);
	if (err == 0)
		err = make_sources(r, sources, diag);
	if (err != 0)
		return err;
	name_ports(r);
	r->engine.before_block = sample;
	err = tw_serve_make(&r->serve, &r->engine, options, diag);
	if (err == 0)
		err = tw_engine_make(
			&r->engine, options, r->ports.direct ? sources : NULL, sources[0], diag);
	if (err == 0)
		err = start_station(r, diag);
	r->serve.station = r->station;
	if (err == 0 && tw_telemetry_start(&r->serve) != 0)
		err = tw_diag_add(diag, -ENOMEM, "no memory for telemetry");
	return err == 0 ? tw_serve_start(&r->serve, options, diag) : err;
}

static void unmake(struct run *r)
{
	tw_telemetry_stop();
	tw_station_stop(r->station);
	tw_serve_free(&r->serve);
	for (unsigned int i = 0; i < r->n_sources; i++)
		tw_port_source_release(&r->sources[i]);
	tw_ports_close(&r->ports);
	free(r->sources);
	free(r->queues);
	tw_engine_free(&r->engine);
}

/* ---- running ---- */

static void tell(struct tw_diag *diag)
{
	tw_diag_print(diag, stderr, "transitwatch: ");
	tw_diag_free(diag);
}

static const char *plural(unsigned int n)
{
	return n == 1 ? "" : "s";
}

/* What an operator wants to see in the log of a service, once. */
static void tell_start(const struct run *r)
{
	const struct tw_config *config = r->engine.setup.config;

	fprintf(stderr, "transitwatch: watching, %s\n", tw_eal_memory());
	for (unsigned int i = 0; i < r->ports.n_ports; i++)
		fprintf(stderr, "transitwatch: port %u: %s, %u queue%s\n", i,
			config->ports[i].device, r->ports.ports[i].n_queues,
			plural(r->ports.ports[i].n_queues));
	fprintf(stderr, "transitwatch: %u worker%s, %s\n", config->workers, plural(config->workers),
		r->ports.direct ? "each polls its own queues" : "fed by one reader");
	if (r->station != NULL)
		fprintf(stderr, "transitwatch: routers may tell their routes (BMP) to %s\n",
			tw_station_address(r->station));
}

static void reopen(struct run *r)
{
	struct tw_sinks *sinks = &r->engine.sinks;

	for (unsigned int i = 0; i < sinks->n_sinks; i++) {
		struct tw_sink *sink = sinks->sinks[i];
		if (sink->reopen != NULL)
			(void)sink->reopen(sink); /* which tells by itself */
	}
}

/* The service manager hears of every second that closes: a worker that stands still keeps all from closing. */
static void feed_watchdog(struct run *r)
{
	uint64_t closed = tw_aggregate_seconds(r->engine.aggregate);

	if (closed != r->closed)
		sd_notify(0, "WATCHDOG=1");
	r->closed = closed;
}

static void follow_clock(struct run *r)
{
	const struct tw_clocks now = tw_clocks_now();
	uint64_t by = 0;

	switch (tw_wall_look(&r->engine.wall, &now, &by)) {
	case TW_WALL_STEADY:
		break;
	case TW_WALL_FORWARD:
		fprintf(stderr,
			"transitwatch: the clock was set forward by %.3f s: seconds go on from "
			"there\n",
			(double)by / (double)TW_NS_PER_SECOND);
		break;
	case TW_WALL_BACK:
		fprintf(stderr,
			"transitwatch: the clock was set back by %.3f s: seconds go on, longer by "
			"a twentieth until it has caught up: restart to follow it at once\n",
			(double)by / (double)TW_NS_PER_SECOND);
		break;
	case TW_WALL_CAUGHT_UP:
		fprintf(stderr, "transitwatch: the clock has caught up\n");
		break;
	}
}

/* Routes that routers told, and tables that they or a reload ask for. */
static void step_routes(struct run *r)
{
	struct tw_engine *engine = &r->engine;
	struct tw_rules *rules =
		atomic_load_explicit(&engine->slot.published, memory_order_relaxed);
	uint64_t now = tw_monotonic_ns();

	if (r->station != NULL && now >= r->routers_due) {
		tw_station_info(r->station, &r->routers);
		r->routers_due = now + LOOK_NS;
	}
	if (engine->setup.feed.on &&
		tw_feed_step(&engine->setup.feed, rules, &engine->wall, r->routers.sessions > 0))
		tw_reload_recut(&r->reload);
	if (tw_reload_step(&r->reload) && r->station != NULL)
		tw_station_resync(r->station);
}

static int run(struct run *r, struct tw_diag *diag)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};

	tw_signals_catch(true);
	tell_start(r);
	tw_reload_start(&r->reload, &r->engine, diag);
	tell(diag);
	tw_engine_launch(&r->engine);
	sd_notify(0, "READY=1");
	while (tw_engine_runs()) {
		if (tw_engine_drain(&r->engine) == 0)
			nanosleep(&nap, NULL);
		if (atomic_exchange_explicit(&tw_signals.rotate, false, memory_order_relaxed))
			reopen(r);
		if (atomic_exchange_explicit(&tw_signals.hang_up, false, memory_order_relaxed)) {
			tw_reload_ask(&r->reload);
			tw_serve_reload(&r->serve);
		}
		follow_clock(r);
		step_routes(r);
		tw_serve_step(&r->serve);
		feed_watchdog(r);
	}
	sd_notify(0, "STOPPING=1");
	tw_reload_stop(&r->reload);
	return tw_engine_finish(&r->engine, diag) != 0 ? TW_EXIT_USAGE : TW_EXIT_OK;
}

int tw_run(const struct tw_options *options)
{
	struct tw_diag diag = {0};
	struct run *r = calloc(1, sizeof(*r));
	int status = TW_EXIT_USAGE;

	if (r == NULL) {
		tw_diag_add(&diag, -ENOMEM, "no memory");
	} else if (make(r, options, &diag) == 0) {
		/* What is only worth knowing, a port without a link, is known before the first second. */
		tell(&diag);
		status = run(r, &diag);
	}
	if (r != NULL && tw_sinks_close(&r->engine.sinks, &diag) != 0)
		status = TW_EXIT_USAGE;
	tell(&diag);
	if (r != NULL)
		unmake(r);
	free(r);
	return status;
}
