/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_ENDPOINT_H
#define TW_ENDPOINT_H

/*
 * Where to listen, an address and a port in numbers:
 *
 *   127.0.0.1:9817          IPv4; short forms too, as inet_aton(3) has them (127.1); "*" is 0.0.0.0
 *   [::1]:9817              IPv6, in brackets
 *   [fe80::1%eth0]:9817     and of one link (RFC 4007), by name or number of the interface, which has to be there
 *
 * Names of hosts and services are not resolved. Port 0 leaves the choice to the kernel.
 *
 * Threads: any.
 */

#include <sys/socket.h>

#include "tw_diag.h"

/* The longest text of one with its terminating NUL: an address, a link, brackets and a port. */
#define TW_ENDPOINT_TEXT 80

struct tw_endpoint {
	struct sockaddr_storage address;
	socklen_t length; /* of the address */
};

/* Returns 0, -EINVAL, or -ERANGE where a port is given that is none. */
int tw_endpoint_parse(const char *text, struct tw_endpoint *endpoint);

/*
 * The same of a configuration's `key`: what is wrong is a line in *diag, which shows what would be right with `port`.
 */
int tw_endpoint_read(const char *key, const char *text, unsigned int port,
	struct tw_endpoint *endpoint, struct tw_diag *diag);

/* Writes where a socket is bound to, in the form above, "" where it is not. Returns `text`. */
char *tw_endpoint_of(int fd, char text[static TW_ENDPOINT_TEXT]);

#endif
