/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A target's second goes through three questions, in this order, since each takes the answer of those before for
 * granted: is the target there, which upstreams are there, and who has which share.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tw_disagreement.h"
#include "tw_events.h"
#include "tw_presence.h"
#include "tw_trend.h"

struct upstream {
	struct tw_presence presence;
	struct tw_trend overtakes;
	struct tw_trend rises, falls;
	uint64_t bytes; /* since the last event */
};

struct target {
	struct tw_presence presence;
	bool learned;
	unsigned int leader;        /* upstream, or n_upstreams: nobody */
	unsigned int n_seconds;     /* with packets, since the last event */
	uint64_t packets, bytes;    /* since the last event */
	struct upstream *upstreams; /* [n_upstreams + 1], unknown as the last */
	struct tw_disagreement disagreement;
};

struct tw_events {
	const struct tw_view *view;
	struct tw_event_rules rules;
	struct target *targets;
	struct upstream *upstreams; /* of all targets */
	uint64_t *packets, *bytes;  /* [n_upstreams + 1], of the target at hand */
	struct tw_event *fired;
	unsigned int n_fired;
	unsigned int quiet; /* exact seconds since the last that was not; enough at the start */
};

static double share(uint64_t part, uint64_t total)
{
	return total > 0 ? (double)part / (double)total : 0;
}

static uint16_t name_of(const struct tw_events *e, unsigned int upstream)
{
	return upstream == e->view->n_upstreams ? TW_UPSTREAM_UNKNOWN : (uint16_t)upstream;
}

/* The second's own evidence, which the caller completes. */
static struct tw_event *fire(struct tw_events *e, enum tw_event_type type,
	const struct tw_second *second, const struct target *target, unsigned int upstream)
{
	struct tw_event *event = &e->fired[e->n_fired++];

	*event = (struct tw_event){
		.type = type,
		.time = second->time,
		.since = second->time,
		.target = target != NULL ? (uint16_t)(target - e->targets) : TW_EVENT_NONE,
		.upstream = upstream == TW_EVENT_NONE ? TW_EVENT_NONE : name_of(e, upstream),
		.other = TW_EVENT_NONE,
		.exact = second->exact,
	};
	return event;
}

/* ---- there or not ---- */

/* Forgets shares and trends: what was known of them is of another time. */
static void start_anew(struct tw_events *e, struct target *target)
{
	target->packets = target->bytes = target->n_seconds = 0;
	for (unsigned int u = 0; u <= e->view->n_upstreams; u++) {
		struct upstream *upstream = &target->upstreams[u];

		upstream->bytes = 0;
		upstream->rises = upstream->falls = (struct tw_trend){0};
	}
}

/* Whether an upstream may lead: not one that stands for what is not known. */
static bool may_lead(const struct tw_events *e, unsigned int upstream)
{
	enum tw_upstream_kind kind = tw_view_upstream_kind(e->view, upstream);

	return kind == TW_UPSTREAM_CONFIGURED || kind == TW_UPSTREAM_FOUND ||
	       kind == TW_UPSTREAM_DIRECT;
}

/* Whoever has most bytes since the last event and is there, of those that have a name. */
static unsigned int largest(const struct tw_events *e, const struct target *target)
{
	unsigned int best = e->view->n_upstreams;

	for (unsigned int u = 0; u < e->view->n_upstreams; u++)
		if (target->upstreams[u].presence.there && may_lead(e, u) &&
			(best == e->view->n_upstreams ||
				target->upstreams[u].bytes > target->upstreams[best].bytes))
			best = u;
	return best;
}

static void stop_trends(struct tw_events *e, struct target *target)
{
	for (unsigned int u = 0; u <= e->view->n_upstreams; u++) {
		struct upstream *upstream = &target->upstreams[u];

		upstream->overtakes = upstream->rises = upstream->falls = (struct tw_trend){0};
	}
}

/* ---- a target's second ---- */

static void learn(struct tw_events *e, struct target *target)
{
	if (target->n_seconds < e->rules.learn_seconds || target->packets < e->rules.learn_packets)
		return;
	target->learned = true;
	target->presence.there = true;
	for (unsigned int u = 0; u <= e->view->n_upstreams; u++)
		target->upstreams[u].presence.there = target->upstreams[u].bytes > 0;
	target->leader = largest(e, target);
}

static void decide_silence(
	struct tw_events *e, struct target *target, const struct tw_second *second)
{
	struct tw_presence *p = &target->presence;
	struct tw_event *event;

	if (!target->learned)
		p->rate.silent++;
	if (!p->there || !tw_presence_ends(p, &e->rules, second, 0, 0))
		return;
	event = fire(e, TW_EVENT_TARGET_DARK, second, target, TW_EVENT_NONE);
	tw_presence_tell_silence(p, event);
	stop_trends(e, target);
}

/* Returns whether the target is there. */
static bool decide_back(struct tw_events *e, struct target *target, const struct tw_second *second,
	uint64_t packets, uint64_t bytes)
{
	struct tw_presence *p = &target->presence;
	struct tw_event *event;

	if (p->there) {
		tw_presence_go_on(p, packets);
		return true;
	}
	tw_presence_come(p, second, packets, bytes, bytes);
	if (!tw_presence_is_proven(p, &e->rules))
		return false;
	event = fire(e, TW_EVENT_TARGET_BACK, second, target, TW_EVENT_NONE);
	tw_presence_tell(p, event);
	p->there = true;
	tw_presence_go_on(p, packets);
	return true;
}

static void decide_vanished(struct tw_events *e, struct target *target, unsigned int u,
	const struct tw_second *second, uint64_t packets, uint64_t bytes)
{
	struct tw_presence *p = &target->upstreams[u].presence;
	struct tw_event *event;

	if (!tw_presence_ends(p, &e->rules, second, packets, bytes))
		return;
	event = fire(e, TW_EVENT_UPSTREAM_VANISHED, second, target, u);
	tw_presence_tell_silence(p, event);
	event->share_before = share(target->upstreams[u].bytes, target->bytes);
	if (target->leader == u)
		target->leader = largest(e, target);
	stop_trends(e, target);
	start_anew(e, target);
}

static void decide_appeared(
	struct tw_events *e, struct target *target, unsigned int u, const struct tw_second *second)
{
	struct tw_presence *p = &target->upstreams[u].presence;
	struct tw_event *event;

	if (!tw_presence_is_proven(p, &e->rules))
		return;
	event = fire(e, TW_EVENT_UPSTREAM_APPEARED, second, target, u);
	tw_presence_tell(p, event);
	tw_presence_begin(p, event);
	start_anew(e, target);
	if (target->leader == e->view->n_upstreams && u < e->view->n_upstreams && may_lead(e, u))
		target->leader = u;
}

static void decide_presence(struct tw_events *e, struct target *target,
	const struct tw_second *second, uint64_t packets, uint64_t bytes)
{
	for (unsigned int u = 0; u <= e->view->n_upstreams; u++) {
		struct tw_presence *p = &target->upstreams[u].presence;

		if (!p->there) {
			tw_presence_come(p, second, e->packets[u], e->bytes[u], bytes);
			if (e->packets[u] > 0)
				decide_appeared(e, target, u, second);
		} else if (e->packets[u] > 0) {
			tw_presence_go_on(p, e->packets[u]);
		} else {
			decide_vanished(e, target, u, second, packets, bytes);
		}
	}
}

/* Few packets fall all to one side now and then. */
static bool proven(const struct tw_events *e, const struct tw_trend *trend)
{
	return trend->packets >= e->rules.learn_packets;
}

static struct tw_event *fire_trend(struct tw_events *e, enum tw_event_type type,
	const struct tw_second *second, struct target *target, unsigned int u,
	const struct tw_trend *trend)
{
	struct tw_event *event = fire(e, type, second, target, u);

	event->since = trend->since;
	event->share = share(trend->own, trend->bytes);
	event->packets = trend->packets;
	event->bytes = trend->bytes;
	event->exact = trend->exact;
	return event;
}

/* Returns whether anybody is on the way to overtake the leader. */
static bool decide_overtaking(struct tw_events *e, struct target *target,
	const struct tw_second *second, uint64_t packets, uint64_t bytes)
{
	bool pending = false;

	for (unsigned int u = 0; u < e->view->n_upstreams; u++) {
		struct tw_trend *trend = &target->upstreams[u].overtakes;
		unsigned int leader = target->leader;
		struct tw_event *event;
		bool fires;
		double x;

		if (u == leader || leader == e->view->n_upstreams || !may_lead(e, u))
			continue;
		x = (double)e->bytes[u] - (double)e->bytes[leader] -
		    e->rules.margin / 100.0 * (double)bytes;
		fires = tw_trend_goes_on(trend, e->rules.trend, x, second);
		tw_trend_add(trend, packets, bytes, e->bytes[u], e->bytes[leader]);
		pending |= trend->sum > 0;
		if (!fires || !proven(e, trend))
			continue;
		event = fire_trend(e, TW_EVENT_UPSTREAM_OVERTOOK, second, target, u, trend);
		event->other = name_of(e, leader);
		event->other_share = share(trend->others, trend->bytes);
		target->leader = u;
		stop_trends(e, target);
		start_anew(e, target);
		return true;
	}
	return pending;
}

/* One event of the target at most: the first that has shifted enough, and all shares are learned anew. */
static void decide_shifts(struct tw_events *e, struct target *target,
	const struct tw_second *second, uint64_t packets, uint64_t bytes, bool pending)
{
	for (unsigned int u = 0; u <= e->view->n_upstreams; u++) {
		struct upstream *upstream = &target->upstreams[u];
		double before = share(upstream->bytes, target->bytes);
		double x = (double)e->bytes[u] - before * (double)bytes;
		double half = e->rules.shift / 200.0 * (double)bytes;
		struct tw_trend *trends[2] = {&upstream->rises, &upstream->falls};

		for (unsigned int i = 0; i < 2; i++) {
			bool fires = tw_trend_goes_on(
				trends[i], e->rules.trend, (i == 0 ? x : -x) - half, second);
			double moved;

			tw_trend_add(trends[i], packets, bytes, e->bytes[u], 0);
			moved = fabs(share(trends[i]->own, trends[i]->bytes) - before) * 100;
			if (!fires || !proven(e, trends[i]) || pending || moved < e->rules.shift)
				continue;
			fire_trend(e, TW_EVENT_SHARE_SHIFT, second, target, u, trends[i])
				->share_before = before;
			start_anew(e, target);
			return;
		}
	}
}

static void decide_shares(struct tw_events *e, struct target *target,
	const struct tw_second *second, uint64_t packets, uint64_t bytes)
{
	unsigned int before = e->n_fired;
	bool pending = decide_overtaking(e, target, second, packets, bytes);

	if (e->n_fired != before)
		return;
	if (target->n_seconds >= e->rules.learn_seconds &&
		target->packets >= e->rules.learn_packets)
		decide_shifts(e, target, second, packets, bytes, pending);
}

/* Seconds of a trend that may be one are not yet what a share is measured by. */
static bool on_the_move(const struct tw_events *e, const struct target *target)
{
	for (unsigned int u = 0; u <= e->view->n_upstreams; u++) {
		const struct upstream *upstream = &target->upstreams[u];
		const struct tw_trend *trends[2] = {&upstream->rises, &upstream->falls};

		for (unsigned int i = 0; i < 2; i++)
			if (trends[i]->sum > e->rules.trend * sqrt(trends[i]->squares) / 2)
				return true;
	}
	return false;
}

static void decide_target(struct tw_events *e, struct target *target,
	const struct tw_second *second, uint64_t packets, uint64_t bytes)
{
	unsigned int before = e->n_fired;

	if (packets == 0) {
		decide_silence(e, target, second);
		return;
	}
	if (target->learned) {
		if (!decide_back(e, target, second, packets, bytes))
			return;
		decide_presence(e, target, second, packets, bytes);
		decide_shares(e, target, second, packets, bytes);
	} else {
		tw_presence_go_on(&target->presence, packets);
		for (unsigned int u = 0; u <= e->view->n_upstreams; u++)
			if (e->packets[u] > 0)
				tw_presence_go_on(&target->upstreams[u].presence, e->packets[u]);
			else
				target->upstreams[u].presence.rate.silent++;
	}
	if (e->n_fired == before && !(target->learned && on_the_move(e, target))) {
		target->n_seconds++;
		target->packets += packets;
		target->bytes += bytes;
		for (unsigned int u = 0; u <= e->view->n_upstreams; u++)
			target->upstreams[u].bytes += e->bytes[u];
	}
	if (!target->learned)
		learn(e, target);
}

/* Whatever else is decided, and from the first second on: it needs nothing to be known before. */
static void decide_disagreement(
	struct tw_events *e, struct target *target, const struct tw_second *second)
{
	unsigned int t = (unsigned int)(target - e->targets);

	if (tw_disagreement_second(&target->disagreement, e->view, &e->rules, t, second))
		tw_disagreement_tell(&target->disagreement, e->view,
			fire(e, TW_EVENT_DISAGREEMENT, second, target, TW_EVENT_NONE));
}

/* ---- seconds ---- */

static void decide_loss(struct tw_events *e, const struct tw_second *second)
{
	struct tw_event *event;

	if (second->exact) {
		e->quiet += e->quiet < e->rules.quiet_seconds;
		return;
	}
	if (e->quiet >= e->rules.quiet_seconds) {
		event = fire(e, TW_EVENT_LOSS, second, NULL, TW_EVENT_NONE);
		for (unsigned int i = 0; i < second->n_losses; i++)
			event->packets += second->losses[i].packets;
	}
	e->quiet = 0;
}

unsigned int tw_events_second(
	struct tw_events *e, const struct tw_second *second, const struct tw_event **fired)
{
	const struct tw_view *view = e->view;
	uint32_t n = view->n_vias * 4;

	e->n_fired = 0;
	decide_loss(e, second);
	for (unsigned int t = 0; t < view->n_targets; t++) {
		uint64_t packets = 0, bytes = 0;

		if (!tw_view_target_listed(view, t))
			continue;
		memset(e->packets, 0, (view->n_upstreams + 1) * sizeof(*e->packets));
		memset(e->bytes, 0, (view->n_upstreams + 1) * sizeof(*e->bytes));
		for (uint32_t i = t * n; i < (t + 1) * n; i++) {
			unsigned int u = view->vias[tw_series_key(view->n_vias, i).via].upstream;
			unsigned int at = u == TW_UPSTREAM_UNKNOWN ? view->n_upstreams : u;

			e->packets[at] += second->series[i].packets;
			e->bytes[at] += second->series[i].bytes;
			packets += second->series[i].packets;
			bytes += second->series[i].bytes;
		}
		decide_target(e, &e->targets[t], second, packets, bytes);
		decide_disagreement(e, &e->targets[t], second);
	}
	*fired = e->fired;
	return e->n_fired;
}

void tw_events_gap(struct tw_events *e)
{
	for (unsigned int t = 0; t < e->view->n_targets; t++)
		stop_trends(e, &e->targets[t]);
}

/* ---- making ---- */

struct tw_events *tw_events_create(const struct tw_view *view, const struct tw_event_rules *rules)
{
	struct tw_events *e = calloc(1, sizeof(*e));
	unsigned int n = view->n_upstreams + 1;

	if (e == NULL)
		return NULL;
	e->view = view;
	e->rules = *rules;
	e->quiet = rules->quiet_seconds;
	e->targets = calloc(view->n_targets + 1, sizeof(*e->targets));
	e->upstreams = calloc((size_t)(view->n_targets + 1) * n, sizeof(*e->upstreams));
	e->packets = calloc(n, sizeof(*e->packets));
	e->bytes = calloc(n, sizeof(*e->bytes));
	/* of a target: dark or back, one trend, each upstream here or gone, a disagreement; and the loss */
	e->fired = calloc((size_t)(view->n_targets + 1) * (n + 3) + 1, sizeof(*e->fired));
	if (e->targets == NULL || e->upstreams == NULL || e->packets == NULL || e->bytes == NULL ||
		e->fired == NULL) {
		tw_events_free(e);
		return NULL;
	}
	for (unsigned int t = 0; t < view->n_targets; t++) {
		e->targets[t].upstreams = &e->upstreams[(size_t)t * n];
		e->targets[t].leader = view->n_upstreams;
		if (tw_disagreement_init(&e->targets[t].disagreement, view) != 0) {
			tw_events_free(e);
			return NULL;
		}
	}
	return e;
}

void tw_events_free(struct tw_events *e)
{
	if (e == NULL)
		return;
	for (unsigned int t = 0; e->targets != NULL && t < e->view->n_targets; t++)
		tw_disagreement_free(&e->targets[t].disagreement);
	free(e->targets);
	free(e->upstreams);
	free(e->packets);
	free(e->bytes);
	free(e->fired);
	free(e);
}
