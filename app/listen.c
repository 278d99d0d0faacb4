/* SPDX-License-Identifier: BSD-3-Clause */

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "listen.h"

enum {
	BACKLOG = 16
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

/* "127.0.0.1:11019", "[::1]:11019" */
static int parse_address(const char *text, struct sockaddr_storage *address, socklen_t *length)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;
	struct sockaddr_in *in4 = (struct sockaddr_in *)address;
	const char *colon = strrchr(text, ':');
	bool brackets = text[0] == '[' && colon != NULL && colon[-1] == ']';
	char host[TW_LISTEN_TEXT], *end;
	struct tw_addr addr;
	unsigned long port;

	if (colon == NULL || colon - text >= TW_LISTEN_TEXT || colon[1] < '0' || colon[1] > '9')
		return -EINVAL;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text) - 2 * brackets, text + brackets);
	port = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || port > UINT16_MAX || tw_addr_parse(host, &addr) != 0 ||
		(addr.family == 6) != brackets)
		return -EINVAL;
	if (brackets) {
		*in6 = (struct sockaddr_in6){
			.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
		memcpy(&in6->sin6_addr, addr.bytes, 16);
	} else {
		*in4 = (struct sockaddr_in){
			.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
		memcpy(&in4->sin_addr, addr.bytes, 4);
	}
	*length = brackets ? sizeof(*in6) : sizeof(*in4);
	return 0;
}

/* Writes the address that was taken. */
static void format_address(int fd, char taken[static TW_LISTEN_TEXT])
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof(address);
	char host[TW_PREFIX_TEXT] = "", port[8] = "";
	bool brackets;

	getsockname(fd, (struct sockaddr *)&address, &length);
	getnameinfo((struct sockaddr *)&address, length, host, sizeof(host), port, sizeof(port),
		NI_NUMERICHOST | NI_NUMERICSERV);
	brackets = address.ss_family == AF_INET6;
	snprintf(taken, TW_LISTEN_TEXT, "%s%s%s:%s", brackets ? "[" : "", host, brackets ? "]" : "",
		port);
}

/* Returns a socket, or -errno. */
static int open_socket(const struct sockaddr_storage *address, socklen_t length)
{
	const int on = 1;
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)address, length) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int tw_listen_open(const char *text, char taken[static TW_LISTEN_TEXT], struct tw_diag *diag)
{
	struct sockaddr_storage address = {0};
	socklen_t length = 0;
	int fd;

	if (parse_address(text, &address, &length) != 0)
		return tw_diag_add(diag, -EINVAL,
			"bmp.listen: %s: no address and port: write 127.0.0.1:11019 or [::1]:11019",
			text);
	fd = open_socket(&address, length);
	if (fd < 0)
		return tw_diag_add(diag, fd,
			"bmp.listen: %s: cannot be listened on: %s: choose another address or port",
			text, strerror(-fd));
	format_address(fd, taken);
	return fd;
}
