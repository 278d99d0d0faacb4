/* SPDX-License-Identifier: BSD-3-Clause */

#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "port_sockets.h"

enum {
	FD_MAX = 1024,
};

/* The kernel tells the interface of a packet socket, and not that of an XDP socket. */
static bool is_of(int fd, int domain, int ifindex)
{
	struct sockaddr_ll bound = {0};
	socklen_t size = sizeof(bound);
	socklen_t domain_size = sizeof(int);
	int its_domain = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &its_domain, &domain_size) != 0 ||
		its_domain != domain)
		return false;
	if (domain == AF_XDP)
		return true;
	return getsockname(fd, (struct sockaddr *)&bound, &size) == 0 &&
	       bound.sll_ifindex == ifindex;
}

static bool is_taken(int fd, const struct tw_port_sockets *const *before, unsigned int n_before)
{
	for (unsigned int i = 0; i < n_before; i++)
		for (unsigned int k = 0; k < before[i]->n; k++)
			if (before[i]->fd[k] == fd)
				return true;
	return false;
}

void tw_port_sockets_find(struct tw_port_sockets *sockets, const char *driver, int ifindex,
	const struct tw_port_sockets *const *before, unsigned int n_before)
{
	*sockets = (struct tw_port_sockets){0};
	if (strcmp(driver, "net_af_packet") == 0)
		sockets->domain = AF_PACKET;
	else if (strcmp(driver, "net_af_xdp") == 0)
		sockets->domain = AF_XDP;
	for (int fd = 3; sockets->domain != 0 && fd < FD_MAX && sockets->n < TW_WORKERS_MAX; fd++)
		if (is_of(fd, sockets->domain, ifindex) && !is_taken(fd, before, n_before))
			sockets->fd[sockets->n++] = fd;
}

/* Since the last call: asking sets the count back. */
static uint64_t packet_losses(int fd)
{
	struct tpacket_stats stats = {0};
	socklen_t size = sizeof(stats);

	return getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0 ? stats.tp_drops
										 : 0;
}

/* Ever: for want of a buffer, and for want of room in the ring, which the driver leaves out. */
static uint64_t xdp_losses(int fd)
{
	struct xdp_statistics stats = {0};
	socklen_t size = sizeof(stats);

	return getsockopt(fd, SOL_XDP, XDP_STATISTICS, &stats, &size) == 0
		       ? stats.rx_dropped + stats.rx_ring_full
		       : 0;
}

uint64_t tw_port_sockets_losses(struct tw_port_sockets *sockets)
{
	uint64_t losses = 0, before = sockets->seen;

	for (unsigned int i = 0; i < sockets->n; i++)
		losses += sockets->domain == AF_XDP ? xdp_losses(sockets->fd[i])
						    : packet_losses(sockets->fd[i]);
	if (sockets->domain != AF_XDP)
		return losses;
	sockets->seen = losses;
	return losses >= before ? losses - before : losses;
}
