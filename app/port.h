/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_PORT_H
#define TW_PORT_H

/*
 * Ports: opened to receive and never to send, all multicast and every address let in, tags left in the frame where the
 * device leaves them.
 *
 * Threads: the control core's, but for the queues, each of which one polling core has to itself.
 */

#include <stdbool.h>

#include <rte_mempool.h>

#include "config.h"
#include "port_sockets.h"
#include "port_source.h"
#include "tw_report.h"

struct tw_port {
	const struct tw_port_config *config;
	uint16_t id;       /* ethdev's number */
	uint16_t n_queues; /* to receive from */
	bool probed;
	bool started;
	struct rte_mempool *pool;
	uint64_t seen[TW_DROP_PORT_MAX]; /* the counters as read last */
	const char *driver;
	int ifindex; /* where the device is an interface of the kernel's */
	struct tw_port_sockets sockets;
};

struct tw_ports {
	struct tw_port ports[TW_PORTS_MAX];
	unsigned int n_ports;
	bool direct; /* workers poll; else one reader does for all of them */
	struct tw_port_queue queues[TW_PORTS_MAX * TW_WORKERS_MAX];
};

/* Megabytes of buffers that the ports will need. */
unsigned int tw_ports_megabytes(const struct tw_config *config);

/* True where the device is named by a PCI address. */
bool tw_port_is_pci(const char *device);

/*
 * Probes, configures and starts all ports, and decides who polls. Returns 0, or -errno with a line for each port that
 * cannot be watched; a port without a link is told in *diag too, and watched. tw_ports_close() releases in any case.
 */
int tw_ports_open(struct tw_ports *ports, const struct tw_config *config, struct tw_diag *diag);
void tw_ports_close(struct tw_ports *ports);

/* Writes the queues of a worker (of the reader, where !ports->direct) to `queues`. Returns how many. */
unsigned int tw_ports_queues(const struct tw_ports *ports, unsigned int worker,
	unsigned int n_workers, struct tw_port_queue *queues);

/* Packets that a port lost since the last call, by cause. */
void tw_port_losses(struct tw_port *port, uint64_t losses[static TW_DROP_PORT_MAX]);

/* How many have no link. */
unsigned int tw_ports_down(const struct tw_ports *ports);

#endif
