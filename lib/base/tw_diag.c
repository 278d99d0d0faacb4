/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdarg.h>
#include <stdlib.h>

#include "tw_diag.h"

int tw_diag_add(struct tw_diag *diag, int err, const char *fmt, ...)
{
	va_list args;
	char *line;
	int length;

	if (diag == NULL)
		return err;
	if (diag->n_lines == diag->capacity) {
		unsigned int capacity = diag->capacity ? diag->capacity * 2 : 8;
		char **lines = realloc(diag->lines, capacity * sizeof(*lines));

		if (lines == NULL)
			return err;
		diag->lines = lines;
		diag->capacity = capacity;
	}
	va_start(args, fmt);
	length = vasprintf(&line, fmt, args);
	va_end(args);
	if (length >= 0)
		diag->lines[diag->n_lines++] = line;
	return err;
}

void tw_diag_print(const struct tw_diag *diag, FILE *out, const char *prefix)
{
	for (unsigned int i = 0; i < diag->n_lines; i++)
		fprintf(out, "%s%s\n", prefix, diag->lines[i]);
}

void tw_diag_free(struct tw_diag *diag)
{
	for (unsigned int i = 0; i < diag->n_lines; i++)
		free(diag->lines[i]);
	free(diag->lines);
	*diag = (struct tw_diag){0};
}
