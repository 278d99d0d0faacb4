/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "listen.h"

enum {
	BACKLOG = 16,
	PORT = 11019, /* of the example where the configured one is wrong */
};

struct tw_addr tw_listen_addr(const struct sockaddr_storage *end)
{
	struct tw_addr addr = {.family = end->ss_family == AF_INET6 ? 6 : 4};

	if (addr.family == 6)
		memcpy(addr.bytes, &((const struct sockaddr_in6 *)end)->sin6_addr, 16);
	else
		memcpy(addr.bytes, &((const struct sockaddr_in *)end)->sin_addr, 4);
	return addr;
}

/* Returns a socket, or -errno. */
static int open_socket(const struct tw_endpoint *endpoint)
{
	const int on = 1;
	int fd = socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (endpoint->address.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&endpoint->address, endpoint->length) == 0 &&
		listen(fd, BACKLOG) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int tw_listen_open(const char *text, char taken[static TW_ENDPOINT_TEXT], struct tw_diag *diag)
{
	struct tw_endpoint endpoint;
	int fd, err = tw_endpoint_read("bmp.listen", text, PORT, &endpoint, diag);

	if (err != 0)
		return err;
	fd = open_socket(&endpoint);
	if (fd < 0)
		return tw_diag_add(diag, fd,
			"bmp.listen: %s: cannot be listened on: %s: choose another address or port",
			text, strerror(-fd));
	tw_endpoint_of(fd, taken);
	return fd;
}
