/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_EAL_H
#define TW_EAL_H

/*
 * DPDK's environment layer, started with what the command needs: without huge pages, devices or files, as any
 * user. What the user gives behind "--" is added, and takes the place of the default that it contradicts.
 */

#include <stdbool.h>

#include "tw_diag.h"

struct tw_eal {
	unsigned int n_lcores;  /* the main one included */
	unsigned int megabytes; /* memory; taken as it is used */
	char **args;            /* the user's own */
	unsigned int n_args;
	/*
	 * For ports: each lcore but the main one has a processor of its own as long as there are enough, huge pages are
	 * used where enough of them are free, and the clock's rate is measured.
	 */
	bool live;
	bool shared;            /* a device shares the EAL's memory with another process */
	const char *const *pci; /* addresses of the devices to take; others are left alone */
	unsigned int n_pci;
};

/*
 * Once per process. The lcores are 0 .. n_lcores - 1 unless the user numbers them, and share the processors that
 * the process may run on. Returns 0, or -errno with a line in *diag.
 */
int tw_eal_start(const struct tw_eal *eal, struct tw_diag *diag);
void tw_eal_stop(void);

/* What memory it runs on, for the log: "huge pages", or why there are none. Valid once started. */
const char *tw_eal_memory(void);

#endif
