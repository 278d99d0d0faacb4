/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tw_out.h"

void tw_out_use(struct tw_out *out, int fd)
{
	struct stat st = {0};

	(void)fstat(fd, &st);
	*out = (struct tw_out){.fd = fd,
		.regular = S_ISREG(st.st_mode),
		.pipe = S_ISFIFO(st.st_mode),
		.device = st.st_dev,
		.inode = st.st_ino,
		.empty = !S_ISREG(st.st_mode) || st.st_size == 0};
}

int tw_out_open(struct tw_out *out, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND | O_NONBLOCK, 0644);

	if (fd < 0)
		return -errno;
	/* Once a pipe has a reader, writing waits for it. */
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	tw_out_use(out, fd);
	out->own = true;
	return 0;
}

/* Returns how many of the octets written are left. */
static size_t take_back(const struct tw_out *out, const char *text, size_t done)
{
	size_t part = 0;
	off_t end;

	while (part < done && text[done - part - 1] != '\n')
		part++;
	if (part == 0 || !out->regular || !out->own)
		return done;
	end = lseek(out->fd, 0, SEEK_END);
	return end >= (off_t)part && ftruncate(out->fd, end - (off_t)part) == 0 ? done - part
										: done;
}

size_t tw_out_write(const struct tw_out *out, const char *text, size_t length, int *error)
{
	size_t done = 0;

	*error = 0;
	while (*error == 0 && done < length) {
		ssize_t n;
		int err;

		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
		n = write(out->fd, text + done, length - done);
		err = n < 0 ? -errno : 0;
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
		if (n > 0)
			done += (size_t)n;
		else if (err != -EINTR)
			*error = err;
	}
	return *error != 0 ? take_back(out, text, done) : done;
}

int tw_out_close(struct tw_out *out)
{
	int fd = out->own ? out->fd : -1;

	out->fd = -1;
	return fd < 0 || close(fd) == 0 ? 0 : -errno;
}
