/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_LISTEN_H
#define TW_LISTEN_H

/*
 * A TCP socket that listens on an address given as in tw_endpoint.h; "[::]" is IPv6 alone.
 */

#include <sys/socket.h>

#include "tw_addr.h"
#include "tw_diag.h"
#include "tw_endpoint.h"

/*
 * Returns a socket that does not block, and in taken[] where it listens, with the port that was chosen where `text`
 * has 0; or -errno with a line in *diag.
 */
int tw_listen_open(const char *text, char taken[static TW_ENDPOINT_TEXT], struct tw_diag *diag);

/* The address of a socket's end. */
struct tw_addr tw_listen_addr(const struct sockaddr_storage *end);

#endif
