/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_bus_pci.h>
#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>

#include "port.h"

enum {
	SPARE_MBUFS = 2048,  /* in bursts and caches, on their way */
	CACHE = 256,         /* mbufs that a core keeps for itself */
	FRAME_OVERHEAD = 38, /* Ethernet header, FCS, and tags that a mirror adds */
	LINK_WAIT_MS = 2000,
	XDP_MTU =
		3498, /* fits every driver: page, headroom, and what the kernel keeps behind a frame */
};

/* The same for both directions of a flow: 0x6d5a over and over (Woo and Park, 2012). */
static uint8_t symmetric_key[64];

bool tw_port_is_pci(const char *device)
{
	struct rte_pci_addr address;

	return rte_pci_addr_parse(device, &address) == 0;
}

static unsigned int queues_wanted(const struct tw_config *config, const struct tw_port_config *port)
{
	if (port->queues > 0)
		return port->queues;
	return config->dispatch == TW_DISPATCH_AUTO ? config->workers : 1;
}

static unsigned int data_room(const struct tw_port_config *port)
{
	unsigned int frame = port->mtu + FRAME_OVERHEAD;

	return RTE_PKTMBUF_HEADROOM + RTE_MAX(RTE_ALIGN_CEIL(frame, 128u), 2048u);
}

static unsigned int mbufs_wanted(const struct tw_port_config *port, unsigned int n_queues)
{
	return port->mbufs > 0 ? port->mbufs : n_queues * port->descriptors + SPARE_MBUFS;
}

unsigned int tw_ports_megabytes(const struct tw_config *config)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < config->n_ports; i++) {
		const struct tw_port_config *port = &config->ports[i];

		bytes += (uint64_t)mbufs_wanted(port, queues_wanted(config, port)) *
			 (data_room(port) + sizeof(struct rte_mbuf) + 2 * RTE_CACHE_LINE_SIZE);
	}
	return (unsigned int)(bytes >> 20) + 8;
}

/* ---- finding a device ---- */

static int refuse_pci(const char *device, struct tw_diag *diag)
{
	char path[PATH_MAX], driver[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", device);
	if (access(path, F_OK) != 0)
		return tw_diag_add(diag, -ENODEV,
			"port %s: no such PCI device: dpdk-devbind.py --status lists them", device);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", device);
	n = readlink(path, driver, sizeof(driver) - 1);
	if (n < 0)
		return tw_diag_add(diag, -ENODEV,
			"port %s: bound to no driver: dpdk-devbind.py --bind=vfio-pci %s", device,
			device);
	driver[n] = '\0';
	return tw_diag_add(diag, -ENODEV,
		"port %s: bound to %s, and DPDK cannot take it: dpdk-devbind.py --bind=vfio-pci %s",
		device, strrchr(driver, '/') != NULL ? strrchr(driver, '/') + 1 : driver, device);
}

static int refuse_virtual(const char *device, int err, struct tw_diag *diag)
{
	const char *iface = strstr(device, "iface=");
	char name[IF_NAMESIZE] = "";

	if (iface != NULL)
		sscanf(iface, "iface=%15[^,]", name);
	if (name[0] != '\0' && if_nametoindex(name) == 0)
		return tw_diag_add(diag, -ENODEV,
			"port %s: no interface %s: ip link shows those that there are", device,
			name);
	if (err == -EPERM || (err != 0 && geteuid() != 0))
		return tw_diag_add(diag, err,
			"port %s: cannot be opened: %s: run as root, or with CAP_NET_RAW and "
			"CAP_NET_ADMIN",
			device, rte_strerror(-err));
	return tw_diag_add(diag, err != 0 ? err : -ENODEV,
		"port %s: cannot be opened: %s: check the device's name and arguments", device,
		err != 0 ? rte_strerror(-err) : "no such driver");
}

static int probe(struct tw_port *port, struct tw_diag *diag)
{
	const char *device = port->config->device;
	char name[RTE_DEV_NAME_MAX_LEN];
	int err = 0;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(device, ","), device);
	/* Names of PCI devices were given to the EAL, which has taken them. */
	if (rte_eth_dev_get_port_by_name(name, &port->id) != 0 && !tw_port_is_pci(name))
		err = rte_dev_probe(device);
	if (rte_eth_dev_get_port_by_name(name, &port->id) != 0)
		return tw_port_is_pci(name) ? refuse_pci(name, diag)
					    : refuse_virtual(device, err, diag);
	port->probed = true;
	return 0;
}

/* ---- making it ready ---- */

/* What a device spreads over queues by itself is worth as many queues as there are workers. */
static uint16_t count_queues(const struct tw_port *port, const struct tw_config *config,
	const struct rte_eth_dev_info *info)
{
	unsigned int wanted = queues_wanted(config, port->config);

	if (port->config->queues == 0 && info->flow_type_rss_offloads == 0)
		wanted = 1;
	return (uint16_t)RTE_MIN(wanted, (unsigned int)info->max_rx_queues);
}

static void spread(struct rte_eth_conf *conf, const struct rte_eth_dev_info *info)
{
	const uint64_t fields = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP |
				RTE_ETH_RSS_SCTP | RTE_ETH_RSS_TUNNEL | RTE_ETH_RSS_PPPOE |
				RTE_ETH_RSS_MPLS;

	for (size_t i = 0; i < sizeof(symmetric_key); i++)
		symmetric_key[i] = i % 2 == 0 ? 0x6d : 0x5a;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_hf = fields & info->flow_type_rss_offloads;
	if (info->hash_key_size > 0 && info->hash_key_size <= sizeof(symmetric_key)) {
		conf->rx_adv_conf.rss_conf.rss_key = symmetric_key;
		conf->rx_adv_conf.rss_conf.rss_key_len = info->hash_key_size;
	}
}

/* Without a queue to send by where the driver can do without, else with one that nobody ever uses. */
static int configure(struct tw_port *port, struct rte_eth_conf *conf, uint16_t n_tx)
{
	uint16_t n_rx_desc = (uint16_t)port->config->descriptors, n_tx_desc = 64;
	int socket = rte_eth_dev_socket_id(port->id);
	int err = rte_eth_dev_configure(port->id, port->n_queues, n_tx, conf);

	if (err == 0)
		err = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &n_rx_desc, &n_tx_desc);
	for (uint16_t q = 0; q < port->n_queues && err == 0; q++)
		err = rte_eth_rx_queue_setup(
			port->id, q, n_rx_desc, (unsigned int)socket, NULL, port->pool);
	if (err == 0 && n_tx > 0)
		err = rte_eth_tx_queue_setup(port->id, 0, n_tx_desc, (unsigned int)socket, NULL);
	return err == 0 ? rte_eth_dev_start(port->id) : err;
}

static int make_pool(struct tw_port *port, unsigned int index, struct tw_diag *diag)
{
	unsigned int n = mbufs_wanted(port->config, port->n_queues);
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "tw_port_%u", index);
	port->pool = rte_pktmbuf_pool_create(name, n, CACHE, 0, (uint16_t)data_room(port->config),
		rte_eth_dev_socket_id(port->id));
	if (port->pool == NULL)
		return tw_diag_add(diag, -ENOMEM,
			"port %s: no memory for %u buffers of %u octets: lower descriptors, mbufs "
			"or mtu",
			port->config->device, n, data_room(port->config));
	return 0;
}

/* The driver says "invalid argument" to everything; libxdp has said more in a line of its own. */
static int refuse_xdp(const char *device, int ifindex, int err, struct tw_diag *diag)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int mtu = 0;

	if (fd >= 0 && if_indextoname((unsigned int)ifindex, request.ifr_name) != NULL &&
		ioctl(fd, SIOCGIFMTU, &request) == 0)
		mtu = request.ifr_mtu;
	if (fd >= 0)
		close(fd);
	if (mtu > XDP_MTU)
		return tw_diag_add(diag, err,
			"port %s: XDP wants a frame in one page, and %s has an MTU of %d: ip link "
			"set %s mtu %d, or net_af_packet",
			device, request.ifr_name, mtu, request.ifr_name, XDP_MTU);
	return tw_diag_add(diag, err,
		"port %s: XDP does not take %s (MTU %d): it wants root, since libxdp wants "
		"CAP_SYS_ADMIN, and a driver without another XDP program; net_af_packet does "
		"without",
		device, request.ifr_name, mtu);
}

static int start(struct tw_port *port, unsigned int index, const struct tw_config *config,
	struct tw_diag *diag)
{
	const char *device = port->config->device;
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	int err = rte_eth_dev_info_get(port->id, &info);

	if (err != 0)
		return tw_diag_add(diag, err, "port %s: does not tell what it can do: %s", device,
			rte_strerror(-err));
	if (port->config->mtu > info.max_mtu)
		return tw_diag_add(diag, -EINVAL, "port %s: mtu: %u: the device takes up to %u",
			device, port->config->mtu, info.max_mtu);
	port->n_queues = count_queues(port, config, &info);
	conf.rxmode.mtu = RTE_MAX(port->config->mtu, (uint32_t)info.min_mtu);
	if (port->n_queues > 1 && info.flow_type_rss_offloads != 0)
		spread(&conf, &info);
	if (make_pool(port, index, diag) != 0)
		return -ENOMEM;
	/* net_memif takes part in its rings for others where it has none of its own to send by. */
	err = strcmp(info.driver_name, "net_memif") == 0 ? -ENOTSUP : configure(port, &conf, 0);
	if (err != 0)
		err = configure(port, &conf, 1);
	if (err != 0 && strcmp(info.driver_name, "net_af_xdp") == 0)
		return refuse_xdp(device, (int)info.if_index, err, diag);
	if (err != 0)
		return tw_diag_add(diag, err,
			"port %s: does not start with %u queues of %u descriptors and an MTU of "
			"%u: %s",
			device, port->n_queues, port->config->descriptors, port->config->mtu,
			rte_strerror(-err));
	port->started = true;
	port->driver = info.driver_name;
	port->ifindex = (int)info.if_index;
	/* What cannot do this lets everything in anyway. */
	(void)rte_eth_promiscuous_enable(port->id);
	(void)rte_eth_allmulticast_enable(port->id);
	return 0;
}

static bool is_up(const struct tw_port *port)
{
	struct rte_eth_link link;

	return rte_eth_link_get_nowait(port->id, &link) == 0 && link.link_status != 0;
}

unsigned int tw_ports_down(const struct tw_ports *ports)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < ports->n_ports; i++)
		n += !is_up(&ports->ports[i]);
	return n;
}

static void wait_for_links(struct tw_ports *ports, struct tw_diag *diag)
{
	unsigned int ms = 0;

	for (unsigned int i = 0; i < ports->n_ports; i++) {
		for (; !is_up(&ports->ports[i]) && ms < LINK_WAIT_MS; ms += 10)
			usleep(10000);
		if (!is_up(&ports->ports[i]))
			tw_diag_add(diag, -ENETDOWN,
				"port %s: no link: check the cable, or the other end; it is "
				"watched all the same",
				ports->ports[i].config->device);
	}
}

int tw_ports_open(struct tw_ports *ports, const struct tw_config *config, struct tw_diag *diag)
{
	const struct tw_port_sockets *found[TW_PORTS_MAX];
	int first = 0;

	memset(ports, 0, sizeof(*ports));
	if (config->n_ports == 0)
		return tw_diag_add(diag, -EINVAL,
			"%s: ports: missing: write a list of ports, like [{device: "
			"\"0000:03:00.0\"}]",
			config->path);
	ports->n_ports = config->n_ports;
	ports->direct = true;
	for (unsigned int i = 0; i < config->n_ports; i++) {
		struct tw_port *port = &ports->ports[i];
		int err;

		port->config = &config->ports[i];
		err = probe(port, diag);
		if (err == 0)
			err = start(port, i, config, diag);
		if (err == 0)
			tw_port_sockets_find(&port->sockets, port->driver, port->ifindex, found, i);
		found[i] = &port->sockets;
		if (err != 0 && first == 0)
			first = err;
		ports->direct &= port->n_queues >= config->workers;
	}
	if (config->dispatch == TW_DISPATCH_SOFTWARE && config->workers > 1)
		ports->direct = false;
	if (first == 0)
		wait_for_links(ports, diag);
	return first;
}

void tw_ports_close(struct tw_ports *ports)
{
	for (unsigned int i = 0; i < ports->n_ports; i++) {
		struct tw_port *port = &ports->ports[i];

		if (port->started)
			(void)rte_eth_dev_stop(port->id);
		if (port->probed)
			(void)rte_eth_dev_close(port->id);
		rte_mempool_free(port->pool);
	}
	ports->n_ports = 0;
}

unsigned int tw_ports_queues(const struct tw_ports *ports, unsigned int worker,
	unsigned int n_workers, struct tw_port_queue *queues)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < ports->n_ports; i++)
		for (uint16_t q = 0; q < ports->ports[i].n_queues; q++)
			if (!ports->direct || q % n_workers == worker)
				queues[n++] = (struct tw_port_queue){.port = ports->ports[i].id,
					.queue = q,
					.index = (uint16_t)i};
	return n;
}

void tw_port_losses(struct tw_port *port, uint64_t losses[static TW_DROP_PORT_MAX])
{
	struct rte_eth_stats stats;
	uint64_t now[TW_DROP_PORT_MAX];

	memset(losses, 0, TW_DROP_PORT_MAX * sizeof(losses[0]));
	if (rte_eth_stats_get(port->id, &stats) != 0)
		return;
	now[TW_DROP_IMISSED] = stats.imissed;
	now[TW_DROP_IERRORS] = stats.ierrors;
	now[TW_DROP_NOMBUF] = stats.rx_nombuf;
	for (unsigned int cause = 0; cause < TW_DROP_PORT_MAX; cause++) {
		/* A driver that starts anew from 0 has lost what it tells. */
		losses[cause] = now[cause] >= port->seen[cause] ? now[cause] - port->seen[cause]
								: now[cause];
		port->seen[cause] = now[cause];
	}
	/* A driver's own count of what its sockets lost is a part of theirs. */
	if (port->sockets.n > 0)
		losses[TW_DROP_IMISSED] = tw_port_sockets_losses(&port->sockets);
}
