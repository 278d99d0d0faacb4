/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdio.h>

#include "options.h"

int main(int argc, char **argv)
{
	struct tw_options options;
	int status = tw_options_parse(argc, argv, &options);

	if (status < 0)
		status = options.command->run(&options);
	if (fflush(stdout) != 0 && status == TW_EXIT_OK) {
		fprintf(stderr, "transitwatch: standard output: cannot write\n");
		status = TW_EXIT_USAGE;
	}
	return status;
}
