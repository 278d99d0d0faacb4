/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * One thread, one poll() over a fixed set of places: who may connect is few. Each turn takes at most READ_MAX octets
 * of a session, so that none keeps the others waiting, and holds the lock for what those octets say, no longer.
 *
 * Lines for the operator are bounded like everything else: one for a session's beginning and one for its end, one for
 * its first malformed message, and of connections that are refused one in ten seconds.
 */

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <rte_lcore.h>

#include "tw_clock.h"
#include "listen.h"
#include "station.h"

enum {
	READ_MAX = 65536,
	ACCEPT_MAX = 16, /* connections a turn */
	TURN_MS = 200,   /* how long nothing may happen; hold times are as exact as that */
	KEEP_IDLE = 30,  /* seconds of silence before TCP asks, */
	KEEP_EVERY = 10, /* between two questions, */
	KEEP_COUNT = 3,  /* and how many without an answer end it */
};

static const uint64_t MILLISECOND = 1000000;
static const uint64_t SECOND = 1000000000;

struct session {
	int fd; /* -1: none */
	struct tw_addr addr;
	struct tw_router *router;
	uint8_t *buffer; /* TW_BMP_MESSAGE_MAX */
	size_t used;
};

struct tw_station {
	struct tw_live_rib *live;
	struct tw_prefix *allow;
	unsigned int n_allow;
	unsigned int max_sessions;
	unsigned int hold; /* seconds */
	FILE *log;
	uint64_t (*clock)(void *arg);
	void *clock_arg;
	char address[TW_ENDPOINT_TEXT];
	pthread_t thread;
	bool running;
	int listener;
	int wake; /* eventfd */
	atomic_bool stop;
	atomic_bool resync;

	/* Written by the station's thread under the live RIB's lock, read under it. */
	struct tw_routers *routers;
	struct tw_station_info totals; /* of it all but the routers */

	/* The station's thread's alone. */
	struct session sessions[TW_STATION_SESSIONS_MAX];
	uint64_t ticked;
	uint64_t refusal_told;
	uint64_t accept_from; /* no descriptor or memory was left: when to try again */
};

const char *tw_station_end_name(enum tw_station_end end)
{
	static const char *const names[TW_STATION_END_MAX] = {
		[TW_STATION_CLOSED] = "closed",
		[TW_STATION_TERMINATED] = "terminated",
		[TW_STATION_BROKEN] = "broken",
		[TW_STATION_GARBAGE] = "garbage",
		[TW_STATION_REPLACED] = "replaced",
		[TW_STATION_RESYNC] = "resync",
	};

	return names[end];
}

static uint64_t system_clock(void *arg)
{
	return tw_monotonic_ns();
}

/* ---- sessions ---- */

static void close_session(struct session *session)
{
	close(session->fd);
	free(session->buffer);
	*session = (struct session){.fd = -1};
}

/* `why` is for the operator. */
static void end_session(struct tw_station *s, struct session *session, enum tw_station_end end,
	const char *why, uint64_t now)
{
	char label[TW_ROUTER_TEXT];

	pthread_mutex_lock(&s->live->lock);
	tw_router_label(session->router, label);
	tw_router_lost(session->router, now);
	s->totals.ended[end]++;
	s->totals.sessions--;
	pthread_mutex_unlock(&s->live->lock);
	close_session(session);
	fprintf(s->log, "transitwatch: bmp: %s: session over: %s; its routes are kept for %u s\n",
		label, why, s->hold);
}

/* Hands on what is in the buffer. Returns as tw_bmp_feed(). */
static ssize_t take(struct tw_station *s, struct session *session, uint64_t now, const char **why)
{
	ssize_t n;

	pthread_mutex_lock(&s->live->lock);
	n = tw_router_feed(session->router, session->buffer, session->used, now, why);
	pthread_mutex_unlock(&s->live->lock);
	if (n > 0) {
		session->used -= (size_t)n;
		memmove(session->buffer, session->buffer + n, session->used);
	}
	return n;
}

static void hear(struct tw_station *s, struct session *session, uint64_t now)
{
	/* Never 0: what fills the buffer is a whole message, or was refused for its length. */
	size_t room = TW_BMP_MESSAGE_MAX - session->used;
	const char *why = NULL;
	ssize_t n = recv(session->fd, session->buffer + session->used,
		room < READ_MAX ? room : READ_MAX, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		end_session(s, session, TW_STATION_BROKEN, strerror(errno), now);
		return;
	}
	if (n == 0) {
		end_session(s, session, TW_STATION_CLOSED, "the router closed it", now);
		return;
	}
	session->used += (size_t)n;
	n = take(s, session, now, &why);
	if (n == -ESHUTDOWN)
		end_session(s, session, TW_STATION_TERMINATED, "the router ended it", now);
	else if (n < 0)
		end_session(s, session, TW_STATION_GARBAGE, why, now);
}

/* ---- connections ---- */

static bool is_allowed(const struct tw_station *s, const struct tw_addr *addr)
{
	const struct tw_prefix host = {
		.addr = *addr, .length = (uint8_t)tw_addr_bits(addr->family)};

	for (unsigned int i = 0; i < s->n_allow; i++)
		if (tw_prefix_contains(&s->allow[i], &host))
			return true;
	return false;
}

static void refuse(
	struct tw_station *s, int fd, const struct tw_addr *addr, uint64_t *count, const char *why)
{
	uint64_t now = s->clock(s->clock_arg);
	char text[TW_PREFIX_TEXT];
	uint64_t n;

	pthread_mutex_lock(&s->live->lock);
	n = ++*count;
	pthread_mutex_unlock(&s->live->lock);
	close(fd);
	if (s->refusal_told != 0 && now - s->refusal_told < 10 * SECOND)
		return;
	s->refusal_told = now;
	fprintf(s->log, "transitwatch: bmp: %s: connection refused: %s (%" PRIu64 " so far)\n",
		tw_addr_format(addr, text), why, n);
}

/* The place for a new session: that of the router's old one, which it ends, or a free one; NULL where there is none. */
static struct session *place_for(struct tw_station *s, const struct tw_addr *addr, uint64_t now)
{
	struct session *unused = NULL;

	for (unsigned int i = 0; i < s->max_sessions; i++) {
		struct session *session = &s->sessions[i];

		if (session->fd < 0) {
			unused = session;
		} else if (memcmp(&session->addr, addr, sizeof(*addr)) == 0) {
			end_session(
				s, session, TW_STATION_REPLACED, "the router connected anew", now);
			return session;
		}
	}
	return unused;
}

static void keep_alive(int fd)
{
	const int on = 1, idle = KEEP_IDLE, every = KEEP_EVERY, count = KEEP_COUNT;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

static void begin_session(struct tw_station *s, int fd, const struct tw_addr *addr, uint64_t now)
{
	struct session *session = place_for(s, addr, now);
	char text[TW_PREFIX_TEXT];

	if (session == NULL) {
		refuse(s, fd, addr, &s->totals.refused_full,
			"all sessions of bmp.sessions are taken");
		return;
	}
	session->buffer = malloc(TW_BMP_MESSAGE_MAX);
	pthread_mutex_lock(&s->live->lock);
	session->router = session->buffer != NULL ? tw_router_begin(s->routers, addr, now) : NULL;
	if (session->router != NULL) {
		s->totals.accepted++;
		s->totals.sessions++;
	}
	pthread_mutex_unlock(&s->live->lock);
	if (session->router == NULL) {
		free(session->buffer);
		session->buffer = NULL;
		refuse(s, fd, addr, &s->totals.refused_full, "no memory for a session");
		return;
	}
	session->fd = fd;
	session->addr = *addr;
	session->used = 0;
	keep_alive(fd);
	fprintf(s->log, "transitwatch: bmp: %s: session\n", tw_addr_format(addr, text));
}

static void accept_some(struct tw_station *s, uint64_t now)
{
	for (int i = 0; i < ACCEPT_MAX; i++) {
		struct sockaddr_storage from = {0};
		socklen_t length = sizeof(from);
		int fd = accept4(s->listener, (struct sockaddr *)&from, &length,
			SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct tw_addr addr = tw_listen_addr(&from);

		if (fd < 0 &&
			(errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
			s->accept_from = now + SECOND;
		if (fd < 0)
			return;
		if (is_allowed(s, &addr))
			begin_session(s, fd, &addr, now);
		else
			refuse(s, fd, &addr, &s->totals.refused_address,
				"bmp.allow does not name it");
	}
}

/* ---- the thread ---- */

static void resync(struct tw_station *s, uint64_t now)
{
	for (unsigned int i = 0; i < s->max_sessions; i++)
		if (s->sessions[i].fd >= 0)
			end_session(s, &s->sessions[i], TW_STATION_RESYNC,
				"ended so that the router tells everything again", now);
}

/* What a router that is there does not say has not changed: the RIB is of now. */
static void touch(struct tw_station *s)
{
	tw_rib_touch(s->live->rib, tw_clock_ns(CLOCK_REALTIME));
}

static void tick(struct tw_station *s, uint64_t now)
{
	if (now - s->ticked < TURN_MS / 4 * MILLISECOND)
		return;
	s->ticked = now;
	pthread_mutex_lock(&s->live->lock);
	tw_routers_tick(s->routers, now);
	if (s->totals.sessions > 0)
		touch(s);
	pthread_mutex_unlock(&s->live->lock);
}

/* Fills in what to wait for: wake, listener, then the sessions by place. */
static nfds_t await(const struct tw_station *s, struct pollfd *fds, uint64_t now)
{
	fds[0] = (struct pollfd){.fd = s->wake, .events = POLLIN};
	/* poll() passes over negative ones. */
	fds[1] = (struct pollfd){.fd = now >= s->accept_from ? s->listener : -1, .events = POLLIN};
	for (unsigned int i = 0; i < s->max_sessions; i++)
		fds[2 + i] = (struct pollfd){.fd = s->sessions[i].fd, .events = POLLIN};
	return 2 + s->max_sessions;
}

static void *serve(void *arg)
{
	struct tw_station *s = arg;
	struct pollfd fds[2 + TW_STATION_SESSIONS_MAX];

	while (!atomic_load(&s->stop)) {
		nfds_t n = await(s, fds, s->clock(s->clock_arg));
		int ready = poll(fds, n, TURN_MS);
		uint64_t now = s->clock(s->clock_arg), woken;

		if (ready > 0) {
			if (fds[0].revents != 0 && read(s->wake, &woken, sizeof(woken)) > 0 &&
				atomic_exchange(&s->resync, false))
				resync(s, now);
			for (unsigned int i = 0; i < s->max_sessions; i++)
				if (fds[2 + i].revents != 0 && s->sessions[i].fd >= 0)
					hear(s, &s->sessions[i], now);
			if (fds[1].revents != 0)
				accept_some(s, now);
		}
		tick(s, now);
	}
	return NULL;
}

/* ---- start and stop ---- */

static int copy_allow(struct tw_station *s, const struct tw_station_config *config)
{
	static const struct tw_prefix loopback[] = {
		{.addr = {.family = 4, .bytes = {127}}, .length = 8},
		{.addr = {.family = 6, .bytes = {[15] = 1}}, .length = 128},
	};
	const struct tw_prefix *allow = config->n_allow > 0 ? config->allow : loopback;

	s->n_allow = config->n_allow > 0 ? config->n_allow : 2;
	s->allow = calloc(s->n_allow, sizeof(*s->allow));
	if (s->allow == NULL)
		return -ENOMEM;
	memcpy(s->allow, allow, s->n_allow * sizeof(*allow));
	return 0;
}

static struct tw_station *create(const struct tw_station_config *config, struct tw_live_rib *live)
{
	const struct tw_routers_spec spec = {
		.max_routers = 2 * config->sessions,
		.max_peers = config->peers,
		.hold = config->hold * SECOND,
		.log = config->log != NULL ? config->log : stderr,
	};
	struct tw_station *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->live = live;
	s->max_sessions = config->sessions;
	s->hold = config->hold;
	s->log = spec.log;
	s->clock = config->clock != NULL ? config->clock : system_clock;
	s->clock_arg = config->clock_arg;
	s->listener = -1;
	for (unsigned int i = 0; i < TW_STATION_SESSIONS_MAX; i++)
		s->sessions[i].fd = -1;
	s->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	s->routers = tw_routers_create(&spec, live);
	if (s->wake >= 0 && s->routers != NULL && copy_allow(s, config) == 0)
		return s;
	tw_station_stop(s);
	return NULL;
}

struct tw_station *tw_station_start(
	const struct tw_station_config *config, struct tw_live_rib *live, struct tw_diag *diag)
{
	struct tw_station *s = create(config, live);
	int err;

	if (s == NULL) {
		tw_diag_add(diag, -ENOMEM, "bmp: no memory or descriptor for a station");
		return NULL;
	}
	s->listener = tw_listen_open(config->listen, s->address, diag);
	err = s->listener < 0 ? s->listener : 0;
	if (err == 0) {
		err = rte_ctrl_thread_create(&s->thread, "tw-bmp", NULL, serve, s);
		s->running = err == 0;
		if (err != 0)
			tw_diag_add(diag, err, "bmp: no thread for a station: %s", strerror(-err));
	}
	if (err == 0)
		return s;
	tw_station_stop(s);
	return NULL;
}

static void wake(struct tw_station *s)
{
	const uint64_t one = 1;

	/* It cannot fail for good: a counter that is full wakes as well. */
	if (write(s->wake, &one, sizeof(one)) < 0)
		return;
}

void tw_station_stop(struct tw_station *s)
{
	if (s == NULL)
		return;
	atomic_store(&s->stop, true);
	if (s->running) {
		wake(s);
		pthread_join(s->thread, NULL);
	}
	for (unsigned int i = 0; i < TW_STATION_SESSIONS_MAX; i++)
		if (s->sessions[i].fd >= 0)
			close_session(&s->sessions[i]);
	if (s->listener >= 0)
		close(s->listener);
	if (s->wake >= 0)
		close(s->wake);
	tw_routers_free(s->routers);
	free(s->allow);
	free(s);
}

const char *tw_station_address(const struct tw_station *station)
{
	return station->address;
}

void tw_station_info(struct tw_station *s, struct tw_station_info *info)
{
	pthread_mutex_lock(&s->live->lock);
	*info = s->totals;
	info->n_routers = tw_routers_info(
		s->routers, info->routers, TW_STATION_ROUTERS_MAX, s->clock(s->clock_arg));
	info->routes_refused = tw_routers_refused(s->routers);
	pthread_mutex_unlock(&s->live->lock);
}

void tw_station_resync(struct tw_station *station)
{
	atomic_store(&station->resync, true);
	wake(station);
}
