/* SPDX-License-Identifier: BSD-3-Clause */

/* The C library reads the address, since it alone knows interfaces; ports it would take modulo 65536. */

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tw_endpoint.h"

static int parse_port(const char *text, in_port_t *port)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long number = strtoul(text, NULL, 10);

	if (digits == 0 || text[digits] != '\0')
		return -EINVAL;
	if (number > UINT16_MAX)
		return -ERANGE;
	*port = htons((uint16_t)number);
	return 0;
}

static int parse_host(const char *host, struct tw_endpoint *endpoint)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;

	if (getaddrinfo(strcmp(host, "*") == 0 ? "0.0.0.0" : host, NULL, &hints, &found) != 0)
		return -EINVAL;
	*endpoint = (struct tw_endpoint){.length = found->ai_addrlen};
	memcpy(&endpoint->address, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

int tw_endpoint_parse(const char *text, struct tw_endpoint *endpoint)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;
	bool brackets = n >= 2 && text[0] == '[' && text[n - 1] == ']';
	char host[TW_ENDPOINT_TEXT];
	in_port_t port = 0;
	int err;

	if (n == 0 || n >= sizeof(host))
		return -EINVAL;
	snprintf(host, sizeof(host), "%.*s", (int)n - 2 * brackets, text + brackets);
	/* Without brackets, which colon is the port's? */
	if ((strchr(host, ':') != NULL && !brackets) || (brackets && strcmp(host, "*") == 0) ||
		parse_host(host, endpoint) != 0)
		return -EINVAL;
	err = parse_port(colon + 1, &port);
	if (endpoint->address.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&endpoint->address)->sin6_port = port;
	else
		((struct sockaddr_in *)&endpoint->address)->sin_port = port;
	return err;
}

int tw_endpoint_read(const char *key, const char *text, unsigned int port,
	struct tw_endpoint *endpoint, struct tw_diag *diag)
{
	int err = tw_endpoint_parse(text, endpoint);

	if (err == -ERANGE)
		return tw_diag_add(diag, err, "%s: %s: no port: write one from 0 to %d", key, text,
			UINT16_MAX);
	if (err != 0)
		return tw_diag_add(diag, err,
			"%s: %s: no address and port: write 127.0.0.1:%u or [::1]:%u", key, text,
			port, port);
	return 0;
}

char *tw_endpoint_of(int fd, char text[static TW_ENDPOINT_TEXT])
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof(address);
	char host[TW_ENDPOINT_TEXT - 9], port[6];
	bool brackets;

	text[0] = '\0';
	if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 ||
		getnameinfo((struct sockaddr *)&address, length, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return text;
	brackets = address.ss_family == AF_INET6;
	snprintf(text, TW_ENDPOINT_TEXT, "%s%s%s:%s", brackets ? "[" : "", host,
		brackets ? "]" : "", port);
	return text;
}
