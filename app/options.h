/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_OPTIONS_H
#define TW_OPTIONS_H

/*
 * The command line: one table of commands and one of options drive parsing, checks and help alike.
 */

#include <stdbool.h>
#include <stdio.h>

enum tw_exit {
	TW_EXIT_OK = 0,
	TW_EXIT_USAGE = 1,   /* command line or configuration */
	TW_EXIT_CAPTURE = 2, /* a capture could not be read, or not to its end */
};

struct tw_command;

/* The values of an option that may be given several times. */
#define TW_OPTION_LIST_MAX 64
struct tw_option_list {
	const char *items[TW_OPTION_LIST_MAX];
	unsigned int n;
};

struct tw_options {
	const struct tw_command *command;
	const char *config;
	const char *output;
	const char *csv;
	unsigned int workers; /* 0: as configured */
	bool port_per_file;
	bool serve;
	const char *listen;        /* or NULL: as configured */
	unsigned int speed;        /* of a replay, times the recorded one; 0: as fast as it goes */
	struct tw_option_list rib; /* instead of the configured files */
	struct tw_option_list updates; /* of a replay */
	bool table;
	bool every_second;
	bool live; /* the command is `run` */
	bool json;
	bool from_stdin;

	char **args; /* what stands behind the options */
	unsigned int n_args;
	char **eal_args; /* what stands behind "--" */
	unsigned int n_eal_args;
};

struct tw_command {
	const char *name;
	const char *usage; /* its arguments */
	const char *help;
	unsigned int args_min;
	int (*run)(const struct tw_options *options);
};

/*
 * Reads a command line. Returns -1 where there is something to run; else the exit status, with help or version
 * printed to standard output, or one line on standard error. Points into argv.
 */
int tw_options_parse(int argc, char **argv, struct tw_options *options);

int tw_replay(const struct tw_options *options);
int tw_run(const struct tw_options *options);
int tw_explain(const struct tw_options *options);
int tw_check(const struct tw_options *options);

#endif
