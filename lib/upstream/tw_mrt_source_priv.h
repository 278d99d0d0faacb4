/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_MRT_SOURCE_PRIV_H
#define TW_MRT_SOURCE_PRIV_H

/* The octets of a file, decompressed: plain, gzip (RFC 1952) or bzip2, as its first octets say. */

#include <stdint.h>
#include <sys/types.h>

struct tw_mrt_source;

/*
 * A regular file, or a pipe without a name, which a shell makes. Never waits for a writer. Returns NULL with *err = -errno;
 * of what may not be read -EISDIR, a directory; -ESPIPE, a pipe with a name; -ENODEV, a device or a socket.
 */
struct tw_mrt_source *tw_mrt_source_open(const char *path, int *err);
void tw_mrt_source_close(struct tw_mrt_source *source);

/*
 * Reads `size` octets, fewer before the end or where it fails. Returns their number; 0 at the end; -EPIPE where a
 * compressed stream is cut, -EBADMSG where it is damaged or something else stands behind it, -errno.
 */
ssize_t tw_mrt_source_read(struct tw_mrt_source *source, uint8_t *out, size_t size);

/* "plain", "gzip", "bzip2". */
const char *tw_mrt_source_kind(const struct tw_mrt_source *source);

#endif
