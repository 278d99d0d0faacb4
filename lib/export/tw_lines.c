/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tw_lines.h"

enum {
	GATHER = 1 << 16,
};

static int open_path(const char *path, bool live)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (live ? O_APPEND : O_TRUNC), 0644);

	return fd < 0 ? -errno : fd;
}

int tw_lines_open(struct tw_lines *lines, const char *path, bool live, struct tw_diag *diag)
{
	struct stat st;

	*lines = (struct tw_lines){.fd = STDOUT_FILENO};
	if (strcmp(path, "-") != 0) {
		lines->fd = open_path(path, live);
		if (lines->fd < 0)
			return tw_diag_add(diag, lines->fd, "%s: cannot write: %s", path,
				strerror(-lines->fd));
		lines->own_fd = true;
	}
	lines->live = live;
	lines->gather = !live && fstat(lines->fd, &st) == 0 && S_ISREG(st.st_mode);
	return 0;
}

int tw_lines_reopen(struct tw_lines *lines, const char *path)
{
	int fd;

	if (!lines->own_fd)
		return 0;
	fd = open_path(path, true);
	if (fd < 0)
		return fd;
	close(lines->fd);
	lines->fd = fd;
	/* A new file may have the room that the old one lacked. */
	lines->error = lines->buffer.error = 0;
	return 0;
}

static void write_out(struct tw_lines *lines, size_t length)
{
	size_t done = 0;

	while (lines->error == 0 && done < length) {
		ssize_t n = write(lines->fd, lines->buffer.text + done, length - done);

		if (n < 0 && errno != EINTR)
			lines->error = -errno;
		if (n > 0)
			done += (size_t)n;
	}
	tw_buffer_drop(&lines->buffer, length);
	lines->whole = 0;
}

int tw_lines_end(struct tw_lines *lines)
{
	tw_buffer_add(&lines->buffer, "\n", 1);
	if (lines->error == 0)
		lines->error = lines->buffer.error;
	lines->whole = lines->buffer.n;
	if (!lines->gather || lines->whole >= GATHER)
		write_out(lines, lines->whole);
	return lines->error;
}

int tw_lines_close(struct tw_lines *lines)
{
	int err;

	if (lines->whole > 0)
		write_out(lines, lines->whole);
	err = lines->error;
	if (lines->own_fd && close(lines->fd) != 0 && err == 0)
		err = -errno;
	tw_buffer_free(&lines->buffer);
	return err;
}
