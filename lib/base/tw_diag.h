/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_DIAG_H
#define TW_DIAG_H

/*
 * Problems for the operator, one line each, in the order found.
 *
 * A function that reads outside input (a configuration, a database, a capture) takes a `struct tw_diag *`
 * and adds a line for each problem: which file, where in it, which value, and what would be right. It still
 * returns 0 or -errno, so that the caller decides; the text is for people.
 *
 * Threads: a diag belongs to one thread. Ownership: tw_diag_free() releases the lines; the struct itself is
 * the caller's, zero-initialised (`struct tw_diag d = {0};`). A NULL diag is allowed everywhere: the lines
 * are then dropped.
 */

#include <stdio.h>

struct tw_diag {
	char **lines;
	unsigned int n_lines;
	unsigned int capacity;
};

/*
 * Adds one line (no newline at its end). Returns `err` as given, so that
 * `return tw_diag_add(diag, -EINVAL, ...)` reads as one step.
 */
int tw_diag_add(struct tw_diag *diag, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Prints every line, each behind `prefix` ("" for none) and ended by a newline. */
void tw_diag_print(const struct tw_diag *diag, FILE *out, const char *prefix);

void tw_diag_free(struct tw_diag *diag);

#endif
