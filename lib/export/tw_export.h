/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_EXPORT_H
#define TW_EXPORT_H

/*
 * Exporters: sinks of the aggregator (tw_aggregate.h), one file each.
 *
 * A series is listed in a second where any of its counters is not 0, in the order of tw_series.h: target,
 * upstream (unknown first), method, direction, version. Its `name` and `upstream` (an ASN, 0 where there is none) come
 * from the configuration, or from a route. One of method rib has the age of the routes in seconds, `rib_age`.
 *
 * Ownership: a constructor returns a sink, whose close() releases it, or NULL with a line in *diag. Threads: the
 * aggregator's.
 *
 * Errors of writing: the call returns -errno, once, and close() again, so that whoever closes can tell. Files of a live
 * run recover, and say so themselves (tw_writer.h): their calls return 0, and close() -ENODATA where lines are missing.
 */

#include <stdbool.h>
#include <stdio.h>

#include "tw_aggregate.h"
#include "tw_diag.h"

/*
 * JSON lines: start, one line a second, event, gap, other routes, summary. Lines are whole: to a regular file up to 64 KiB of
 * them are written at once, to anything else each by itself, as always where `live`. "-" is standard output. A live
 * file is added to, never cut; `path` outlives the sink, whose reopen() opens it anew.
 */
struct tw_sink *tw_json_sink(const char *path, bool live, struct tw_diag *diag);

/*
 * The same series flat (RFC 4180, with a header line). A second without any series is one row with `time` and
 * `exact` alone: a silence is a finding.
 */
struct tw_sink *tw_csv_sink(const char *path, bool live, struct tw_diag *diag);

/* How tables for people look. */
struct tw_text_style {
	bool table;        /* a row a second */
	bool every_second; /* rows that are alike are not folded */
	bool summary;
	bool color; /* ANSI colours; `out` is a terminal */
	bool utf8;  /* `out` shows UTF-8: block elements; else ASCII */
};

/*
 * Tables for people, 80 columns, to `out`, which stays the caller's.
 *
 * A row a second and target: packets, bit rate of layer 3, flows, and a bar that shares its width among the
 * upstreams by their bytes, both directions together. Two rows or more that follow are folded into one line while the same
 * upstreams carry the traffic and none of their shares is further than 15 points from what was shown last. What routes
 * found and the legend does not have yet is told in a line of its own, above the first row that shows it.
 */
struct tw_sink *tw_text_sink(FILE *out, const struct tw_text_style *style, struct tw_diag *diag);

/*
 * The live table, 80 columns, each second drawn over the one before where style->color (a terminal); the summary at the
 * end. A row a target, upstream and direction, of what routes found only where it has traffic; below them links beside routes, how
 * busy the workers are, and what was lost.
 */
struct tw_sink *tw_live_sink(FILE *out, const struct tw_text_style *style, struct tw_diag *diag);

/* Events, a line each as they are decided, to `out`, which stays the caller's: the log of a service. */
struct tw_sink *tw_event_log_sink(FILE *out, struct tw_diag *diag);

#endif
