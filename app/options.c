/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A row of the table below is all there is to an option: its names, the commands that take it, where its value
 * goes, and its help. getopt_long's own tables are made from it.
 */

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <maxminddb.h>
#include <pcap/pcap.h>
#include <rte_common.h>
#include <rte_version.h>

#include "config.h"
#include "options.h"

enum {
	REPLAY = 1 << 0,
	RUN = 1 << 1,
	EXPLAIN = 1 << 2,
	CHECK = 1 << 3,
	EVERY = REPLAY | EXPLAIN | CHECK | RUN,
};

static const struct tw_command commands[] = {
	{"replay", "-c FILE [OPTION...] CAPTURE...",
		"count the packets of captures, second by second, per upstream", 1, tw_replay},
	{"run", "-c FILE [OPTION...]",
		"watch live ports, second by second, until SIGINT or SIGTERM", 0, tw_run},
	{"explain", "-c FILE [OPTION...] IP...", "tell what is known of addresses, and from where",
		0, tw_explain},
	{"check", "-c FILE", "validate a configuration and print it with all defaults", 0,
		tw_check},
};

enum kind {
	FLAG,
	TEXT,
	NUMBER,
	LIST,
};

static const struct option_row {
	const char *name;
	char letter;
	enum kind kind;
	unsigned int commands; /* bit i: commands[i] */
	size_t offset;         /* of the value in struct tw_options */
	const char *value;
	const char *help;
	unsigned int max; /* of a number */
} rows[] = {
	{"config", 'c', TEXT, EVERY, offsetof(struct tw_options, config), "FILE",
		"the configuration (YAML)"},
	{"output", 'o', TEXT, REPLAY | RUN, offsetof(struct tw_options, output), "FILE",
		"write JSON lines to FILE, - is standard output"},
	{"csv", 0, TEXT, REPLAY | RUN, offsetof(struct tw_options, csv), "FILE",
		"write the series as CSV to FILE, - is standard output"},
	{"table", 't', FLAG, REPLAY | RUN, offsetof(struct tw_options, table), NULL,
		"print a table of seconds with each upstream's share"},
	{"every-second", 0, FLAG, REPLAY | RUN, offsetof(struct tw_options, every_second), NULL,
		"with --table: do not fold seconds that are alike"},
	{"workers", 'w', NUMBER, REPLAY | RUN, offsetof(struct tw_options, workers), "N",
		"workers, instead of the configuration's", TW_WORKERS_MAX},
	{"serve", 's', FLAG, REPLAY | RUN, offsetof(struct tw_options, serve), NULL,
		"serve page, API and metrics over HTTP, at http.listen"},
	{"listen", 0, TEXT, REPLAY | RUN, offsetof(struct tw_options, listen), "ADDRESS:PORT",
		"serve there instead"},
	{"speed", 0, NUMBER, REPLAY, offsetof(struct tw_options, speed), "N",
		"read at N times the recorded pace, not as fast as it goes", 1000000},
	{"rib", 0, LIST, REPLAY | EXPLAIN, offsetof(struct tw_options, rib), "FILE",
		"routes of an MRT table, instead of rib.files; may be repeated"},
	{"updates", 0, LIST, REPLAY, offsetof(struct tw_options, updates), "FILE",
		"change routes as the MRT messages of FILE say; may be repeated"},
	{"port-per-file", 0, FLAG, REPLAY, offsetof(struct tw_options, port_per_file), NULL,
		"port is the capture's position, not its pcapng interface"},
	{"json", 'j', FLAG, EXPLAIN, offsetof(struct tw_options, json), NULL,
		"one JSON object a line"},
	{"stdin", 0, FLAG, EXPLAIN, offsetof(struct tw_options, from_stdin), NULL,
		"take addresses from standard input, one a line"},
};

enum {
	HELP_LETTER = 'h',
	LONG_ONLY = 256, /* + row: the value getopt_long returns for a row without a letter */
};

static void print_option(FILE *out, const struct option_row *row)
{
	char names[48];
	int n = 0;

	n += snprintf(names, sizeof(names), row->letter ? "-%c, " : "    ", row->letter);
	snprintf(names + n, sizeof(names) - (size_t)n, "--%s%s%s", row->name,
		row->value != NULL ? " " : "", row->value != NULL ? row->value : "");
	fprintf(out, "  %-24s %s\n", names, row->help);
}

static void print_command_help(FILE *out, const struct tw_command *command)
{
	unsigned int bit = 1u << (command - commands);

	fprintf(out, "usage: transitwatch %s %s [-- EAL-ARGUMENT...]\n\n%s\n\n", command->name,
		command->usage, command->help);
	for (size_t i = 0; i < RTE_DIM(rows); i++)
		if (rows[i].commands & bit)
			print_option(out, &rows[i]);
	fprintf(out, "  %-24s %s\n", "-h, --help", "this text");
	if (command->run == tw_run)
		fprintf(out,
			"\nSIGHUP reloads the configuration and its databases, as does replacing "
			"one of these files;\nit names what is taken at the next start alone.\n"
			"SIGUSR1 opens the files of --output and --csv anew: rename them first.\n"
			"Exit status: 0 ended by a signal, 1 usage, configuration, or lines of an "
			"output are missing.\n");
	if (command->run == tw_replay)
		fprintf(out, "\nA CAPTURE is a pcap or pcapng file, - is standard input; several "
			     "are read in order as one.\n"
			     "Exit status: 0 all read, 1 usage or configuration, 2 a capture could "
			     "not be read to its end.\n");
}

static void print_help(FILE *out)
{
	fprintf(out, "usage: transitwatch COMMAND [OPTION...] [-- EAL-ARGUMENT...]\n\n"
		     "Tells, second by second, through which upstream a country's traffic "
		     "flows.\n\n");
	for (size_t i = 0; i < RTE_DIM(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\n  transitwatch COMMAND --help   tells the command's options\n"
		     "  transitwatch --version        tells the versions\n");
}

static void print_version(void)
{
	printf("transitwatch %s\n%s\nlibmaxminddb %s\n%s\n", TW_VERSION, rte_version(),
		MMDB_lib_version(), pcap_lib_version());
}

static int refuse(const char *what, const char *value, const char *remedy)
{
	fprintf(stderr, "transitwatch: %s: %s: %s\n", what, value, remedy);
	return TW_EXIT_USAGE;
}

static const struct tw_command *find_command(const char *name)
{
	for (size_t i = 0; i < RTE_DIM(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* Cuts argv at "--": what is behind goes to the EAL. */
static int cut_eal_args(int argc, char **argv, struct tw_options *options)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--") == 0) {
			argv[i] = NULL;
			options->eal_args = argv + i + 1;
			options->n_eal_args = (unsigned int)(argc - i - 1);
			return i;
		}
	return argc;
}

static int set_value(const struct option_row *row, const char *text, struct tw_options *options)
{
	void *to = (char *)options + row->offset;
	unsigned long number;
	char *end;

	switch (row->kind) {
	case FLAG:
		*(bool *)to = true;
		return -1;
	case TEXT:
		*(const char **)to = text;
		return -1;
	case LIST:
		if (((struct tw_option_list *)to)->n == TW_OPTION_LIST_MAX)
			return refuse(row->name, text, "too many: 64 at most");
		((struct tw_option_list *)to)->items[((struct tw_option_list *)to)->n++] = text;
		return -1;
	case NUMBER:
		errno = 0;
		number = strtoul(text, &end, 10);
		if (errno != 0 || *end != '\0' || text[0] < '0' || text[0] > '9' || number < 1 ||
			number > row->max) {
			char remedy[64];

			snprintf(remedy, sizeof(remedy), "a number from 1 to %u is expected",
				row->max);
			return refuse(row->name, text, remedy);
		}
		*(unsigned int *)to = (unsigned int)number;
		return -1;
	}
	return -1;
}

/* getopt_long's tables of one command, from the rows. */
static void make_tables(
	const struct tw_command *command, struct option *longs, char *letters, size_t size)
{
	unsigned int bit = 1u << (command - commands);
	size_t n = 0;
	int l = snprintf(letters, size, ":%c", HELP_LETTER);

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		const struct option_row *row = &rows[i];

		if (!(row->commands & bit))
			continue;
		longs[n++] = (struct option){
			.name = row->name,
			.has_arg = row->kind == FLAG ? no_argument : required_argument,
			.val = LONG_ONLY + (int)i,
		};
		if (row->letter)
			l += snprintf(letters + l, size - (size_t)l, "%c%s", row->letter,
				row->kind == FLAG ? "" : ":");
	}
	longs[n++] = (struct option){.name = "help", .val = HELP_LETTER};
	longs[n] = (struct option){0};
}

static const struct option_row *find_row(int got)
{
	if (got >= LONG_ONLY)
		return &rows[got - LONG_ONLY];
	for (size_t i = 0; i < RTE_DIM(rows); i++)
		if (rows[i].letter != 0 && rows[i].letter == got)
			return &rows[i];
	return NULL;
}

static int parse_command(int argc, char **argv, struct tw_options *options)
{
	struct option longs[RTE_DIM(rows) + 2];
	char letters[2 * RTE_DIM(rows) + 4];
	int got, status;

	make_tables(options->command, longs, letters, sizeof(letters));
	opterr = 0;
	while ((got = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (got == HELP_LETTER) {
			print_command_help(stdout, options->command);
			return TW_EXIT_OK;
		}
		if (got == ':')
			return refuse(options->command->name, argv[optind - 1],
				"this option needs a value");
		if (got == '?')
			return refuse(options->command->name, argv[optind - 1],
				"no such option, or not in this form: see --help");
		status = set_value(find_row(got), optarg, options);
		if (status >= 0)
			return status;
	}
	options->args = argv + optind;
	options->n_args = (unsigned int)(argc - optind);
	return -1;
}

static int check_options(const struct tw_options *options)
{
	const struct tw_command *command = options->command;

	if (options->config == NULL)
		return refuse(command->name, "no configuration", "name one with -c FILE");
	if (options->n_args < command->args_min)
		return refuse(command->name, "nothing to read", command->usage);
	if ((command->run == tw_check || command->run == tw_run) && options->n_args > 0)
		return refuse(command->name, options->args[0], "no argument is expected here");
	if (command->run == tw_explain && (options->n_args > 0) == options->from_stdin)
		return refuse(command->name, options->from_stdin ? options->args[0] : "no address",
			"give addresses, or --stdin, and not both");
	if (options->output != NULL && options->csv != NULL &&
		strcmp(options->output, options->csv) == 0)
		return refuse(command->name, options->csv,
			"--output and --csv need a file each, and one of them may be -");
	return -1;
}

int tw_options_parse(int argc, char **argv, struct tw_options *options)
{
	int status;

	memset(options, 0, sizeof(*options));
	argc = cut_eal_args(argc, argv, options);
	if (argc < 2) {
		print_help(stderr);
		return TW_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
		strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return TW_EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		print_version();
		return TW_EXIT_OK;
	}
	options->command = find_command(argv[1]);
	if (options->command == NULL)
		return refuse("command", argv[1],
			"replay, run, explain or check is expected: see --help");
	options->live = options->command->run == tw_run;
	status = parse_command(argc - 1, argv + 1, options);
	return status >= 0 ? status : check_options(options);
}
