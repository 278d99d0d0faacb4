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

static int open_live(
	struct tw_lines *lines, const char *path, const char *header, struct tw_diag *diag)
{
	bool is_stdout = strcmp(path, "-") == 0;
	const struct tw_writer_spec spec = {
		.path = is_stdout ? NULL : path,
		.fd = STDOUT_FILENO,
		.name = is_stdout ? "standard output" : path,
		.header = header,
		.limit = TW_WRITER_LIMIT,
	};

	lines->writer = tw_writer_create(&spec, diag);
	return lines->writer != NULL ? 0 : -EIO;
}

int tw_lines_open(struct tw_lines *lines, const char *path, const char *header, bool live,
	struct tw_diag *diag)
{
	struct stat st;

	*lines = (struct tw_lines){.fd = STDOUT_FILENO};
	if (live)
		return open_live(lines, path, header, diag);
	if (strcmp(path, "-") != 0) {
		lines->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_TRUNC, 0644);
		if (lines->fd < 0)
			return tw_diag_add(
				diag, -errno, "%s: cannot write: %s", path, strerror(errno));
		lines->own_fd = true;
	}
	lines->gather = fstat(lines->fd, &st) == 0 && S_ISREG(st.st_mode);
	if (header != NULL) {
		tw_buffer_text(&lines->buffer, header);
		(void)tw_lines_end(lines); /* an error shows with the next line */
	}
	return 0;
}

void tw_lines_reopen(struct tw_lines *lines)
{
	tw_writer_reopen(lines->writer);
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

static void put(struct tw_lines *lines)
{
	struct tw_buffer *line = &lines->buffer;

	if (line->error == 0)
		tw_writer_put(lines->writer, line->text, line->n);
	else
		tw_writer_leave_out(lines->writer);
	line->n = 0;
	line->error = 0;
}

int tw_lines_end(struct tw_lines *lines)
{
	tw_buffer_add(&lines->buffer, "\n", 1);
	if (lines->writer != NULL) {
		put(lines);
		return 0;
	}
	if (lines->error == 0)
		lines->error = lines->buffer.error;
	lines->whole = lines->buffer.n;
	if (!lines->gather || lines->whole >= GATHER)
		write_out(lines, lines->whole);
	return lines->error;
}

int tw_lines_close(struct tw_lines *lines)
{
	int err = tw_writer_close(lines->writer);

	if (lines->whole > 0)
		write_out(lines, lines->whole);
	if (err == 0)
		err = lines->error;
	if (lines->own_fd && close(lines->fd) != 0 && err == 0)
		err = -errno;
	tw_buffer_free(&lines->buffer);
	return err;
}
