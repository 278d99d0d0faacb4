/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEST_EAL_H
#define TW_TEST_EAL_H

/*
 * The EAL for a unit test: once per program, without huge pages, devices or files, and with a prefix of its
 * own so that tests run side by side. Wide SIMD is allowed, as in the program itself.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>

/* The EAL leaves an empty folder behind. */
static void tw_test_eal_remove_folder(void)
{
	(void)rmdir(rte_eal_get_runtime_dir());
}

/* Returns 0, or -1 where the EAL refuses to start (rte_errno tells why). */
static inline int tw_test_eal_init(const char *megabytes)
{
	static char prefix[64];
	static char size[16];
	const char *args[] = {"test", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
		"-m", size, "--lcores", "0", "--force-max-simd-bitwidth=512",
		"--log-level=lib.eal:error", "--file-prefix", prefix, NULL};

	snprintf(prefix, sizeof(prefix), "twtest%d", (int)getpid());
	snprintf(size, sizeof(size), "%s", megabytes);
	atexit(tw_test_eal_remove_folder);
	return rte_eal_init((int)RTE_DIM(args) - 1, (char **)(uintptr_t)args) < 0 ? -1 : 0;
}

#endif
