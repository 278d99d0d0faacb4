/* SPDX-License-Identifier: BSD-3-Clause */

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_memory.h>

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

/* Copies the pages that hold anything, told by the kernel, to the same places in `to`. */
static int copy_resident(char *to, char *from, size_t length, size_t page)
{
	unsigned char *resident = malloc(length / page);

	if (resident == NULL || mincore(from, length, resident) != 0) {
		free(resident);
		return -1;
	}
	for (size_t i = 0; i < length / page; i++)
		if (resident[i] & 1)
			memcpy(to + i * page, from + i * page, page);
	free(resident);
	return 0;
}

/*
 * Without huge pages the EAL's memory is a file in memory, which the kernel gives small pages only; a table of hundreds
 * of megabytes then costs a walk of the page table with nearly every look-up. The same addresses get anonymous memory,
 * which may be backed by transparent huge pages, right behind the start, while nobody but this thread works: a fifth
 * more packets. The kernel may take a second to find such pages, which only a live run has. Where anything fails, all
 * stays as it was.
 */
static int move_to_anonymous(const struct rte_memseg_list *list, void *arg)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *fresh;

	if (list->external || list->page_sz != page)
		return 0;
	fresh = mmap(NULL, list->len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (fresh == MAP_FAILED)
		return 0;
	if (copy_resident(fresh, list->base_va, list->len, page) != 0 ||
		mremap(fresh, list->len, list->len, MREMAP_MAYMOVE | MREMAP_FIXED, list->base_va) ==
			MAP_FAILED) {
		munmap(fresh, list->len);
		return 0;
	}
	(void)madvise(list->base_va, list->len, MADV_HUGEPAGE);
	return 0;
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

/* "0@(0,1),1@1,2@0": polling lcores from the last processor on, which the system uses least. */
static void write_pinned(char *text, size_t size, unsigned int n_lcores)
{
	unsigned int cpus[CPU_SETSIZE], n = 0;
	cpu_set_t set;
	size_t at = 0;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		CPU_SET(0, &set);
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[n++] = cpu;
	at += (size_t)snprintf(text, size, "0@(");
	for (unsigned int i = 0; i < n && at + 8 < size; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%u", i > 0 ? "," : "", cpus[i]);
	at += (size_t)snprintf(text + at, size - at, ")");
	for (unsigned int i = 1; i < n_lcores && at + 16 < size; i++)
		at += (size_t)snprintf(
			text + at, size - at, ",%u@%u", i, cpus[n - 1 - (i - 1) % n]);
}

/* Megabytes of free huge pages of all sizes. */
static unsigned int free_huge_megabytes(void)
{
	static const char folder[] = "/sys/kernel/mm/hugepages";
	DIR *sizes = opendir(folder);
	unsigned long megabytes = 0;
	struct dirent *entry;

	while (sizes != NULL && (entry = readdir(sizes)) != NULL) {
		unsigned long kilobytes, pages = 0;
		char path[PATH_MAX];
		FILE *in;

		if (sscanf(entry->d_name, "hugepages-%lukB", &kilobytes) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/%s/free_hugepages", folder, entry->d_name);
		in = fopen(path, "r");
		if (in != NULL && fscanf(in, "%lu", &pages) == 1)
			megabytes += pages * kilobytes / 1024;
		if (in != NULL)
			fclose(in);
	}
	if (sizes != NULL)
		closedir(sizes);
	return (unsigned int)megabytes;
}

static char memory[160];

const char *tw_eal_memory(void)
{
	return memory;
}

/* Adds the options for memory, unless they are the user's. */
static void add_memory(struct args *args, const struct tw_eal *eal)
{
	static char megabytes[16];
	unsigned int huge = eal->live ? free_huge_megabytes() : 0;
	bool use_huge = huge >= eal->megabytes && huge > 0;

	if (user_has(eal, instead_of_memory)) {
		snprintf(memory, sizeof(memory), "memory as told behind --");
	} else if (use_huge) {
		/* Nothing is left in the huge pages' file system, whatever ends the process. */
		add(args, "--in-memory");
		snprintf(memory, sizeof(memory), "huge pages, %u MB free", huge);
	} else {
		add(args, "--no-huge");
		snprintf(memory, sizeof(memory),
			"ordinary pages: %u MB of huge pages are free, %u MB are needed", huge,
			eal->megabytes);
	}
	if (!user_has(eal, instead_of_size) && !use_huge) {
		snprintf(megabytes, sizeof(megabytes), "%u", eal->megabytes);
		add(args, "-m");
		add(args, megabytes);
	}
}

static void add_devices(struct args *args, const struct tw_eal *eal)
{
	if (eal->n_pci == 0)
		add(args, "--no-pci");
	for (unsigned int i = 0; i < eal->n_pci; i++) {
		add(args, "-a");
		add(args, eal->pci[i]);
	}
}

int tw_eal_start(const struct tw_eal *eal, struct tw_diag *diag)
{
	static char lcores[TEXT_MAX], prefix[32];
	static struct args args; /* the EAL keeps pointers into it */

	int started;

	args.n = 0;
	add(&args, "transitwatch");
	add(&args, "--no-shconf");
	if (!eal->live)
		add(&args, "--no-telemetry");
	add(&args, "--force-max-simd-bitwidth=512");
	add(&args, "--log-level=error");
	add(&args, "--log-level=lib.lpm:critical"); /* the table's own line says more */
	add_devices(&args, eal);
	add_memory(&args, eal);
	if (!user_has(eal, instead_of_lcores)) {
		if (eal->live)
			write_pinned(lcores, sizeof(lcores), eal->n_lcores);
		else
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

	started = eal->live ? rte_eal_init(args.n, (char **)(uintptr_t)args.text)
			    : start_soon(args.n, (char **)(uintptr_t)args.text);
	if (started < 0)
		return tw_diag_add(diag, -rte_errno,
			"DPDK does not start: %s: check the arguments behind --, and that %u MB of "
			"memory are free",
			rte_strerror(rte_errno), eal->megabytes);
	if (rte_lcore_count() < eal->n_lcores)
		return tw_diag_add(diag, -EINVAL,
			"lcores: %u given behind --: %u are needed: give more, or fewer workers",
			rte_lcore_count(), eal->n_lcores);
	if (eal->live && !rte_eal_has_hugepages() && !eal->shared)
		rte_memseg_list_walk(move_to_anonymous, NULL);
	return 0;
}

/* The EAL leaves its telemetry socket behind until the process has ended. */
static void remove_sockets(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, "dpdk_telemetry", strlen("dpdk_telemetry")) == 0)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
}

void tw_eal_stop(void)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	remove_sockets(folder);
	(void)rmdir(folder); /* nothing is in it unless the user asked for shared files */
}
