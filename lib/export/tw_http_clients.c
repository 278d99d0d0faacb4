/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * How long a client may take to ask. libmicrohttpd's own time-out is one of silence: who sends an octet now and then
 * would keep his connection for ever. Here a request has so many seconds from the connection, or from the end of the
 * answer before, to its last octet. An answer under way takes as long as its reader does.
 *
 *   connected ─► waits for a request ─► is answered ─┐        late: shutdown(), and libmicrohttpd finds it closed
 *                 ▲                                  │
 *                 └─────────── answer sent ──────────┘
 *
 * The server's thread notes who waits; a thread of its own looks once a second. It never closes a socket: that is
 * libmicrohttpd's, which says so here first, under the same lock, so that no other connection's is meant.
 */

#include <sys/socket.h>
#include <time.h>

#include "tw_clock.h"
#include "tw_http_priv.h"
#include "tw_thread.h"

enum {
	PATIENCE = 15, /* seconds for a request */
	NOBODY = -1,
};

/* ---- the server's thread ---- */

static void wait_for(struct tw_client *client)
{
	client->since = tw_monotonic_seconds();
	client->waits = true;
}

static struct tw_client *client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

static struct tw_client *take_in(struct tw_clients *clients, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	for (unsigned int i = 0; info != NULL && i < TW_HTTP_CLIENTS; i++) {
		struct tw_client *client = &clients->clients[i];

		if (client->fd != NOBODY)
			continue;
		client->fd = info->connect_fd;
		wait_for(client);
		return client;
	}
	return NULL;
}

void tw_clients_notify(void *arg, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode what)
{
	struct tw_clients *clients = &((struct tw_http *)arg)->clients;
	struct tw_client *client = *context;

	pthread_mutex_lock(&clients->lock);
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		*context = take_in(clients, connection);
	else if (client != NULL)
		client->fd = NOBODY;
	pthread_mutex_unlock(&clients->lock);
}

void tw_clients_answer(struct tw_http *http, struct MHD_Connection *connection)
{
	struct tw_client *client = client_of(connection);

	pthread_mutex_lock(&http->clients.lock);
	if (client != NULL)
		client->waits = false;
	pthread_mutex_unlock(&http->clients.lock);
}

void tw_clients_answered(void *arg, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode how)
{
	struct tw_clients *clients = &((struct tw_http *)arg)->clients;
	struct tw_client *client = client_of(connection);

	(void)state;
	(void)how;
	pthread_mutex_lock(&clients->lock);
	if (client != NULL)
		wait_for(client);
	pthread_mutex_unlock(&clients->lock);
}

/* ---- the thread that looks ---- */

/* Under the lock. */
static void let_go_of_late_ones(struct tw_clients *clients, time_t time)
{
	for (unsigned int i = 0; i < TW_HTTP_CLIENTS; i++) {
		struct tw_client *client = &clients->clients[i];

		if (client->fd == NOBODY || !client->waits || time - client->since <= PATIENCE)
			continue;
		shutdown(client->fd, SHUT_RDWR);
		client->waits = false;
	}
}

static void *look_after(void *arg)
{
	struct tw_clients *clients = arg;
	struct timespec until;

	pthread_mutex_lock(&clients->lock);
	while (!clients->ends) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		let_go_of_late_ones(clients, until.tv_sec);
		until.tv_sec++;
		(void)pthread_cond_timedwait(&clients->end, &clients->lock, &until);
	}
	pthread_mutex_unlock(&clients->lock);
	return NULL;
}

void tw_clients_init(struct tw_clients *clients)
{
	pthread_mutex_init(&clients->lock, NULL);
	tw_cond_init(&clients->end);
	for (unsigned int i = 0; i < TW_HTTP_CLIENTS; i++)
		clients->clients[i].fd = NOBODY;
}

int tw_clients_start(struct tw_clients *clients)
{
	int err = tw_thread_start(&clients->thread, look_after, clients, 0);

	clients->runs = err == 0;
	return err;
}

void tw_clients_stop(struct tw_clients *clients)
{
	if (clients->runs) {
		pthread_mutex_lock(&clients->lock);
		clients->ends = true;
		pthread_cond_signal(&clients->end);
		pthread_mutex_unlock(&clients->lock);
		pthread_join(clients->thread, NULL);
	}
	pthread_cond_destroy(&clients->end);
	pthread_mutex_destroy(&clients->lock);
}
