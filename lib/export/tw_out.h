/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_OUT_H
#define TW_OUT_H

/*
 * A file that whole lines are added to: of one that a full disk took in part, the part is taken back, where that can be.
 *
 * Threads: one. Where the thread disables cancelling, it can be cancelled while it writes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tw_out {
	int fd;   /* -1: a pipe without a reader */
	bool own; /* opened here */
	bool regular;
	bool pipe;
	dev_t device; /* with the inode: which file it is */
	ino_t inode;
	bool empty; /* nothing was in it when it was opened */
};

/*
 * Opens or makes the file to add to, without waiting for the reader of a pipe: -ENXIO where there is none. Returns 0 or
 * -errno.
 */
int tw_out_open(struct tw_out *out, const char *path);

/* The same with what is open, and stays the caller's. */
void tw_out_use(struct tw_out *out, int fd);

/*
 * Writes; may wait for the reader of a pipe. Returns how many octets are in the file, with -errno in *error where that is
 * not all of them.
 */
size_t tw_out_write(const struct tw_out *out, const char *text, size_t length, int *error);

/* Returns 0 or -errno. */
int tw_out_close(struct tw_out *out);

#endif
