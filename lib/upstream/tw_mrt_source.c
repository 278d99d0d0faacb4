/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Decompression. A compressed file may be several streams one after the other (RFC 1952 section 2.2; what pbzip2
 * writes is so), and may be padded with zeros behind the last.
 *
 * libbz2 and zlib are driven from one window of input, so that both tell a file that is cut from one that is damaged:
 * the window is at its end while a stream is within, or the library complains.
 */

#include <bzlib.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <zlib.h>

#include "tw_mrt_source_priv.h"

#define WINDOW (256u << 10)

/* A format: takes input from the window, and gives output. */
struct format {
	const char *name;
	uint8_t magic[4];
	size_t magic_size;
	/* A stream begins. 0 or -ENOMEM. */
	int (*begin)(struct tw_mrt_source *source);
	/* Takes from the window, writes to *out; sets `within` to false where the stream ends. 0 or -errno. */
	int (*run)(struct tw_mrt_source *source, uint8_t **out, size_t *size);
	void (*end)(struct tw_mrt_source *source);
};

struct tw_mrt_source {
	int fd;
	const struct format *format;
	bool input_ended;
	bool within; /* a stream that has begun and not ended */
	bool first_stream;
	bool began; /* `end` is due */
	int err;    /* found behind octets that were handed out first */
	size_t at, n;
	union {
		z_stream gzip;
		bz_stream bzip2;
	};
	uint8_t window[WINDOW];
};

static int gzip_begin(struct tw_mrt_source *source)
{
	const int gzip_only = 16;

	source->gzip = (z_stream){0};
	return inflateInit2(&source->gzip, MAX_WBITS + gzip_only) == Z_OK ? 0 : -ENOMEM;
}

static int gzip_run(struct tw_mrt_source *source, uint8_t **out, size_t *size)
{
	z_stream *z = &source->gzip;
	int status;

	z->next_in = source->window + source->at;
	z->avail_in = (uInt)(source->n - source->at);
	z->next_out = *out;
	z->avail_out = (uInt)*size;
	status = inflate(z, Z_NO_FLUSH);
	source->at = source->n - z->avail_in;
	*size = z->avail_out;
	*out = z->next_out;
	if (status == Z_STREAM_END)
		source->within = false;
	if (status == Z_MEM_ERROR)
		return -ENOMEM;
	return status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR ? 0 : -EBADMSG;
}

static void gzip_end(struct tw_mrt_source *source)
{
	inflateEnd(&source->gzip);
}

static int bzip2_begin(struct tw_mrt_source *source)
{
	source->bzip2 = (bz_stream){0};
	return BZ2_bzDecompressInit(&source->bzip2, 0, 0) == BZ_OK ? 0 : -ENOMEM;
}

static int bzip2_run(struct tw_mrt_source *source, uint8_t **out, size_t *size)
{
	bz_stream *bz = &source->bzip2;
	int status;

	bz->next_in = (char *)source->window + source->at;
	bz->avail_in = (unsigned int)(source->n - source->at);
	bz->next_out = (char *)*out;
	bz->avail_out = (unsigned int)*size;
	status = BZ2_bzDecompress(bz);
	source->at = source->n - bz->avail_in;
	*size = bz->avail_out;
	*out = (uint8_t *)bz->next_out;
	if (status == BZ_STREAM_END)
		source->within = false;
	if (status == BZ_MEM_ERROR)
		return -ENOMEM;
	return status == BZ_OK || status == BZ_STREAM_END ? 0 : -EBADMSG;
}

static void bzip2_end(struct tw_mrt_source *source)
{
	BZ2_bzDecompressEnd(&source->bzip2);
}

static const struct format formats[] = {
	{"gzip", {0x1f, 0x8b}, 2, gzip_begin, gzip_run, gzip_end},
	{"bzip2", {'B', 'Z', 'h'}, 3, bzip2_begin, bzip2_run, bzip2_end},
	{"plain", {0}, 0, NULL, NULL, NULL},
};

/* Reads behind what the window holds. 0 or -errno; sets input_ended. */
static int fill(struct tw_mrt_source *source)
{
	ssize_t n;

	do
		n = read(source->fd, source->window + source->n, WINDOW - source->n);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	source->n += (size_t)n;
	source->input_ended = n == 0;
	return 0;
}

/* The window has something to take, or the input has ended. */
static int refill(struct tw_mrt_source *source)
{
	if (source->at < source->n || source->input_ended)
		return 0;
	source->at = source->n = 0;
	return fill(source);
}

/* Reads on until the first octets tell the format: a pipe may give them one by one. */
static int recognise(struct tw_mrt_source *source)
{
	int err = 0;

	while (err == 0 && source->n < sizeof(formats[0].magic) && !source->input_ended)
		err = fill(source);
	source->format = formats;
	while (source->n < source->format->magic_size ||
		memcmp(source->window, source->format->magic, source->format->magic_size) != 0)
		source->format++;
	return err;
}

/* A pipe with a name may never have a writer, and a reload could not read it again; 0 where it may be read. */
static int check_kind(int fd)
{
	struct statfs system;
	struct stat file;

	if (fstat(fd, &file) != 0 || fstatfs(fd, &system) != 0)
		return -errno;
	if (S_ISDIR(file.st_mode))
		return -EISDIR;
	if (S_ISFIFO(file.st_mode))
		return system.f_type == PIPEFS_MAGIC ? 0 : -ESPIPE;
	return S_ISREG(file.st_mode) ? 0 : -ENODEV;
}

/* Opening waits for nobody; reading does. Returns the descriptor, or -errno. */
static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err;

	if (fd < 0)
		return errno == ENXIO ? -ENODEV : -errno;
	err = check_kind(fd);
	if (err == 0 && fcntl(fd, F_SETFL, 0) != 0)
		err = -errno;
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

struct tw_mrt_source *tw_mrt_source_open(const char *path, int *err)
{
	struct tw_mrt_source *source = calloc(1, sizeof(*source));

	*err = -ENOMEM;
	if (source == NULL)
		return NULL;
	source->first_stream = true;
	source->fd = open_file(path);
	*err = source->fd < 0 ? source->fd : recognise(source);
	if (*err != 0) {
		tw_mrt_source_close(source);
		return NULL;
	}
	(void)posix_fadvise(source->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return source;
}

void tw_mrt_source_close(struct tw_mrt_source *source)
{
	if (source == NULL)
		return;
	if (source->began)
		source->format->end(source);
	if (source->fd >= 0)
		close(source->fd);
	free(source);
}

const char *tw_mrt_source_kind(const struct tw_mrt_source *source)
{
	return source->format->name;
}

/* Past padding to the next stream, if there is one. */
static int begin_stream(struct tw_mrt_source *source)
{
	int err = 0;

	while (!source->first_stream && err == 0 && source->at < source->n &&
		source->window[source->at] == 0) {
		source->at++;
		err = refill(source);
	}
	if (err != 0 || source->at == source->n)
		return err;
	source->first_stream = false;
	if (source->began)
		source->format->end(source);
	err = source->format->begin(source);
	source->began = source->within = err == 0;
	return err;
}

/* The library may hold output that had no room when the input ended: it is asked until nothing more comes. */
static int decompress(struct tw_mrt_source *source, uint8_t **out, size_t *size)
{
	int err = source->within ? 0 : begin_stream(source);
	bool starved = source->at == source->n;
	size_t room = *size;

	if (err != 0 || !source->within)
		return err;
	err = source->format->run(source, out, size);
	if (err == 0 && starved && source->within && *size == room)
		return -EPIPE;
	return err;
}

static int copy(struct tw_mrt_source *source, uint8_t **out, size_t *size)
{
	size_t n = source->n - source->at;

	n = n < *size ? n : *size;
	memcpy(*out, source->window + source->at, n);
	source->at += n;
	*out += n;
	*size -= n;
	return 0;
}

ssize_t tw_mrt_source_read(struct tw_mrt_source *source, uint8_t *out, size_t size)
{
	uint8_t *at = out;

	while (size > 0 && source->err == 0) {
		source->err = refill(source);
		if (source->err != 0 || (source->at == source->n && !source->within))
			break;
		source->err = source->format->run != NULL ? decompress(source, &at, &size)
							  : copy(source, &at, &size);
	}
	return at > out ? at - out : source->err;
}
