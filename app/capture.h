/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_CAPTURE_H
#define TW_CAPTURE_H

/*
 * Captures as one stream of frames, read with libpcap: pcap and pcapng, micro- and nanoseconds, several files in
 * order, "-" for standard input.
 *
 * What libpcap does not tell is the interface that a pcapng packet came in by. So libpcap reads through a stream
 * of ours, which notes the interface of each packet block as the octets pass (draft-ietf-opsawg-pcapng).
 *
 * A file that cannot be read, or is cut, costs one line in `problems` and the rest of that file; the next file
 * is read all the same.
 *
 * Threads: all calls from one, but tw_capture_progress(), which any may call.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tw_diag.h"
#include "tw_parse.h"

struct tw_capture;

/*
 * `paths` outlives the capture. With `port_per_file` a frame's port is its file's position, 0-based; else it is
 * the interface number in a pcapng file, and 0 in a pcap file. `stop`, set by anyone, ends the wait for a pipe
 * and the capture. Opens nothing yet. Returns NULL without memory.
 */
struct tw_capture *tw_capture_create(const char *const *paths, unsigned int n_paths,
	bool port_per_file, const atomic_bool *stop);
void tw_capture_free(struct tw_capture *capture);

/*
 * The next frame and its time in nanoseconds since 1970, as recorded (it may run backwards). frame->data is
 * valid until the next call. Returns false at the end of the last file.
 */
bool tw_capture_next(struct tw_capture *capture, struct tw_frame *frame, uint64_t *time);

/* What could not be read, one line each; complete once tw_capture_next() returned false. */
const struct tw_diag *tw_capture_problems(const struct tw_capture *capture);

struct tw_progress {
	uint64_t bytes; /* read so far */
	uint64_t total; /* of all files, 0 where one is no regular file */
};
void tw_capture_progress(const struct tw_capture *capture, struct tw_progress *progress);

#endif
