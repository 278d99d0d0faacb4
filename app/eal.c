/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#include "eal.h"

enum {
	ARGS_MAX = 128,
	TEXT_MAX = 8192,
};

/* Options of the user's that take the place of a default; a single letter may carry its value. */
static const char *const instead_of_memory[] = {"--in-memory", "--huge-dir", "--socket-mem",
	"--legacy-mem", "--single-file-segments", "--huge-unlink", NULL};
static const char *const instead_of_size[] = {
	"-m", "--in-memory", "--huge-dir", "--socket-mem", NULL};
static const char *const instead_of_lcores[] = {"-l", "-c", "--lcores", "-s", NULL};
static const char *const instead_of_prefix[] = {"--file-prefix", "--in-memory", NULL};

struct args {
	const char *text[ARGS_MAX + 1];
	int n;
};

static bool is_option(const char *arg, const char *option)
{
	size_t length = strlen(option);

	if (strncmp(arg, option, length) != 0)
		return false;
	return arg[length] == '\0' || arg[length] == '=' || option[1] != '-';
}

static bool user_has(const struct tw_eal *eal, const char *const *options)
{
	for (unsigned int i = 0; i < eal->n_args; i++)
		for (const char *const *option = options; *option != NULL; option++)
			if (is_option(eal->args[i], *option))
				return true;
	return false;
}

static void add(struct args *args, const char *text)
{
	if (args->n < ARGS_MAX)
		args->text[args->n++] = text;
}

/* "(0-2)@(0,1)": the lcores float over the processors that the process may use. */
static void write_lcores(char *text, size_t size, unsigned int n_lcores)
{
	cpu_set_t set;
	size_t at = 0;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		CPU_SET(0, &set);
	at += (size_t)snprintf(text, size, "(0-%u)@(", n_lcores - 1);
	for (unsigned int cpu = 0, n = 0; cpu < CPU_SETSIZE && at + 8 < size; cpu++)
		if (CPU_ISSET(cpu, &set))
			at += (size_t)snprintf(text + at, size - at, "%s%u", n++ ? "," : "", cpu);
	snprintf(text + at, size - at, ")");
}

static void wake(int number)
{
	(void)number;
}

/*
 * rte_eal_init(), without the tenth of a second that it sleeps to find the rate of the time stamp counter, which no
 * command here reads: a signal ends the sleep, and what was measured until then is the rate.
 */
static int start_soon(int argc, char **argv)
{
	const struct itimerval often = {
		.it_interval = {.tv_usec = 3000}, .it_value = {.tv_usec = 3000}};
	const struct itimerval never = {{0}, {0}};
	/* Nothing but a sleep is disturbed. */
	struct sigaction action = {.sa_handler = wake, .sa_flags = SA_RESTART}, before;
	int result;

	sigaction(SIGALRM, &action, &before);
	setitimer(ITIMER_REAL, &often, NULL);
	result = rte_eal_init(argc, argv);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &before, NULL);
	return result;
}

int tw_eal_start(const struct tw_eal *eal, struct tw_diag *diag)
{
	static char lcores[TEXT_MAX], prefix[32], megabytes[16];
	static struct args args; /* the EAL keeps pointers into it */

	args.n = 0;
	add(&args, "transitwatch");
	add(&args, "--no-shconf");
	add(&args, "--no-telemetry");
	add(&args, "--no-pci");
	add(&args, "--force-max-simd-bitwidth=512");
	add(&args, "--log-level=error");
	add(&args, "--log-level=lib.lpm:critical"); /* the table's own line says more */
	if (!user_has(eal, instead_of_memory))
		add(&args, "--no-huge");
	if (!user_has(eal, instead_of_size)) {
		snprintf(megabytes, sizeof(megabytes), "%u", eal->megabytes);
		add(&args, "-m");
		add(&args, megabytes);
	}
	if (!user_has(eal, instead_of_lcores)) {
		write_lcores(lcores, sizeof(lcores), eal->n_lcores);
		add(&args, "--lcores");
		add(&args, lcores);
	}
	if (!user_has(eal, instead_of_prefix)) {
		snprintf(prefix, sizeof(prefix), "transitwatch%d", (int)getpid());
		add(&args, "--file-prefix");
		add(&args, prefix);
	}
	for (unsigned int i = 0; i < eal->n_args; i++)
		add(&args, eal->args[i]);
	args.text[args.n] = NULL;

	if (start_soon(args.n, (char **)(uintptr_t)args.text) < 0)
		return tw_diag_add(diag, -rte_errno,
			"DPDK does not start: %s: check the arguments behind --, and that %u MB of "
			"memory are free",
			rte_strerror(rte_errno), eal->megabytes);
	if (rte_lcore_count() < eal->n_lcores)
		return tw_diag_add(diag, -EINVAL,
			"lcores: %u given behind --: %u are needed: give more, or fewer workers",
			rte_lcore_count(), eal->n_lcores);
	return 0;
}

void tw_eal_stop(void)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	(void)rmdir(folder); /* nothing is in it unless the user asked for shared files */
}
