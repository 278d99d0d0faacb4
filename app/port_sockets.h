/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_PORT_SOCKETS_H
#define TW_PORT_SOCKETS_H

/*
 * The sockets that drivers open for interfaces of the kernel, and what the kernel had no room for in them. The drivers
 * tell none of it (net_af_packet), or not all (net_af_xdp), but the kernel tells whoever holds the socket, and that is
 * this process: its file descriptors are looked through.
 *
 * Threads: the control core's.
 */

#include <stdint.h>

#include "config.h"

struct tw_port_sockets {
	int fd[TW_WORKERS_MAX];
	unsigned int n;
	int domain;    /* AF_PACKET, AF_XDP, or 0: the driver has none */
	uint64_t seen; /* as read last, where the kernel goes on counting */
};

/*
 * Finds the sockets of a port that has just been started. `ifindex` is its interface's; of net_af_xdp those count that came
 * after `before`, the sockets of the ports before it.
 */
void tw_port_sockets_find(struct tw_port_sockets *sockets, const char *driver, int ifindex,
	const struct tw_port_sockets *const *before, unsigned int n_before);

/* Packets that the kernel had no room for since it was asked last. */
uint64_t tw_port_sockets_losses(struct tw_port_sockets *sockets);

#endif
