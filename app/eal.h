/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_EAL_H
#define TW_EAL_H

/*
 * DPDK's environment layer, started with what the command needs: without huge pages, devices or files, as any
 * user. What the user gives behind "--" is added, and takes the place of the default that it contradicts.
 */

#include "tw_diag.h"

struct tw_eal {
	unsigned int n_lcores;  /* the main one included */
	unsigned int megabytes; /* memory; taken as it is used */
	char **args;            /* the user's own */
	unsigned int n_args;
};

/*
 * Once per process. The lcores are 0 .. n_lcores - 1 unless the user numbers them, and share the processors that
 * the process may run on. Returns 0, or -errno with a line in *diag.
 */
int tw_eal_start(const struct tw_eal *eal, struct tw_diag *diag);
void tw_eal_stop(void);

#endif
