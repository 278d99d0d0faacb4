/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_SERVE_H
#define TW_SERVE_H

/*
 * What a run shows over HTTP: its history, and what the control core knows of tables and reloads.
 *
 * Threads: the control core's; the HTTP server's thread asks back under the engine's lock.
 */

#include "engine.h"
#include "station.h"
#include "tw_http.h"

struct tw_serve {
	struct tw_engine *engine;
	struct tw_station *station; /* whose routers are told by telemetry; NULL: none */
	bool wanted;                /* over HTTP */
	struct tw_history *history; /* NULL: nobody asks */
	struct tw_http *http;
	struct tw_http_source source;
	uint64_t peers_due; /* monotonic nanoseconds */
};

/*
 * Makes the history, as a sink of the engine to be, of a live run or where HTTP is asked for. Between
 * tw_setup_load() and tw_engine_make(). Returns 0, or -errno with a line in *diag.
 */
int tw_serve_make(struct tw_serve *serve, struct tw_engine *engine,
	const struct tw_options *options, struct tw_diag *diag);

/* Opens the port, behind tw_engine_make(), and tells where. Returns 0, or -errno with a line in *diag. */
int tw_serve_start(struct tw_serve *serve, const struct tw_options *options, struct tw_diag *diag);

/* Reads the files that guard the server again, and tells. */
void tw_serve_reload(struct tw_serve *serve);

/* Keeps the far ends up to date. To be called every now and then. */
void tw_serve_step(struct tw_serve *serve);

/* Ends the server and releases the history; before the engine is freed. */
void tw_serve_free(struct tw_serve *serve);

#endif
