/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include "capture.h"
#include "pcapng.h"

enum {
	STREAM_BUFFER = 1 << 20,
	POLL_MS = 100, /* how long `stop` may go unseen */
};

struct tw_capture {
	const char *const *paths;
	unsigned int n_paths;
	bool port_per_file;
	const atomic_bool *stop;

	unsigned int next_path;
	pcap_t *pcap; /* the open file, or NULL */
	int fd;
	bool regular; /* the open file never keeps a reader waiting */
	uint8_t link_type;
	uint64_t n_packets; /* of the open file */
	struct tw_pcapng pcapng;
	uint8_t magic[4]; /* the open file's first octets, to tell a compressed one */
	uint8_t n_magic;

	struct tw_diag problems;
	_Atomic uint64_t bytes; /* written by the reading thread alone */
	uint64_t total;
};

static const struct {
	int dlt;
	enum tw_link_type link_type;
} link_types[] = {
	{DLT_EN10MB, TW_LINK_ETHERNET},
	{DLT_RAW, TW_LINK_RAW_IP},
	{DLT_IPV4, TW_LINK_RAW_IPV4},
	{DLT_IPV6, TW_LINK_RAW_IPV6},
	{DLT_LINUX_SLL, TW_LINK_SLL},
	{DLT_LINUX_SLL2, TW_LINK_SLL2},
	{DLT_NULL, TW_LINK_NULL},
	{DLT_LOOP, TW_LINK_NULL},
	{DLT_PPP, TW_LINK_PPP},
	{DLT_PPP_SERIAL, TW_LINK_PPP},
	{DLT_PPP_ETHER, TW_LINK_PPPOE},
};

/* The total size of the files, or 0 where it cannot be known. */
static uint64_t total_size(const char *const *paths, unsigned int n_paths)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < n_paths; i++) {
		struct stat st;

		if (strcmp(paths[i], "-") == 0 || stat(paths[i], &st) != 0 || !S_ISREG(st.st_mode))
			return 0;
		total += (uint64_t)st.st_size;
	}
	return total;
}

struct tw_capture *tw_capture_create(
	const char *const *paths, unsigned int n_paths, bool port_per_file, const atomic_bool *stop)
{
	struct tw_capture *capture = calloc(1, sizeof(*capture));

	if (capture == NULL)
		return NULL;
	capture->paths = paths;
	capture->n_paths = n_paths;
	capture->port_per_file = port_per_file;
	capture->stop = stop;
	capture->total = total_size(paths, n_paths);
	return capture;
}

static bool stopped(const struct tw_capture *capture)
{
	return atomic_load_explicit(capture->stop, memory_order_relaxed);
}

/* Waits for octets of a pipe or a terminal. Returns whether to read on: false when the capture is to end. */
static bool wait_readable(const struct tw_capture *capture)
{
	struct pollfd wanted = {.fd = capture->fd, .events = POLLIN};

	while (!stopped(capture))
		if (capture->regular || poll(&wanted, 1, POLL_MS) > 0)
			return true;
	return false;
}

/* stdio's read function under libpcap: every octet passes here once. */
static ssize_t stream_read(void *cookie, char *buffer, size_t size)
{
	struct tw_capture *capture = cookie;
	ssize_t n;

	do {
		if (!wait_readable(capture))
			return 0;
		n = read(capture->fd, buffer, size);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n;
	for (ssize_t i = 0; i < n && capture->n_magic < sizeof(capture->magic); i++)
		capture->magic[capture->n_magic++] = (uint8_t)buffer[i];
	if (tw_pcapng_feed(&capture->pcapng, (const uint8_t *)buffer, (size_t)n) != 0) {
		errno = ENOMEM;
		return -1;
	}
	atomic_store_explicit(&capture->bytes,
		atomic_load_explicit(&capture->bytes, memory_order_relaxed) + (uint64_t)n,
		memory_order_relaxed);
	return n;
}

static int stream_close(void *cookie)
{
	struct tw_capture *capture = cookie;

	return capture->fd == STDIN_FILENO ? 0 : close(capture->fd);
}

static const char *shown_path(const struct tw_capture *capture)
{
	const char *path = capture->paths[capture->next_path - 1];

	return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* The program that unpacks what starts with these octets, or NULL. */
static const char *unpacker(const struct tw_capture *capture)
{
	static const struct {
		uint8_t magic[4];
		uint8_t length;
		const char *program;
	} formats[] = {
		{{0x1f, 0x8b}, 2, "zcat"},
		{{0x28, 0xb5, 0x2f, 0xfd}, 4, "zstdcat"},
		{{0xfd, '7', 'z', 'X'}, 4, "xzcat"},
		{{'B', 'Z', 'h'}, 3, "bzcat"},
		{{0x04, 0x22, 0x4d, 0x18}, 4, "lz4cat"},
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (capture->n_magic >= formats[i].length &&
			memcmp(capture->magic, formats[i].magic, formats[i].length) == 0)
			return formats[i].program;
	return NULL;
}

static void refuse_format(struct tw_capture *capture, const char *why)
{
	const char *program = unpacker(capture);

	if (program != NULL)
		tw_diag_add(&capture->problems, -EINVAL,
			"%s: compressed: unpack it on the way in: %s FILE | transitwatch replay -c "
			"CONFIG -",
			shown_path(capture), program);
	else if (capture->n_magic == 0)
		tw_diag_add(&capture->problems, -EINVAL,
			"%s: empty: a pcap or pcapng file is expected", shown_path(capture));
	else
		tw_diag_add(&capture->problems, -EINVAL,
			"%s: no capture (%s): a pcap or pcapng file is expected",
			shown_path(capture), why);
}

static int find_link_type(struct tw_capture *capture)
{
	int dlt = pcap_datalink(capture->pcap);
	const char *name = pcap_datalink_val_to_name(dlt);

	for (size_t i = 0; i < sizeof(link_types) / sizeof(link_types[0]); i++)
		if (link_types[i].dlt == dlt) {
			capture->link_type = (uint8_t)link_types[i].link_type;
			return 0;
		}
	return tw_diag_add(&capture->problems, -EPROTONOSUPPORT,
		"%s: link type %s (%d): only Ethernet, raw IP, Linux cooked, BSD loopback and PPP "
		"captures "
		"carry IP that is read here",
		shown_path(capture), name != NULL ? name : "unknown", dlt);
}

static void close_file(struct tw_capture *capture)
{
	if (capture->pcap != NULL)
		pcap_close(capture->pcap);
	capture->pcap = NULL;
	tw_pcapng_reset(&capture->pcapng);
}

/* Opens the next path. Returns 0, or -errno with a line in problems and nothing left open. */
static int open_next(struct tw_capture *capture)
{
	static const cookie_io_functions_t functions = {.read = stream_read, .close = stream_close};
	const char *path = capture->paths[capture->next_path++];
	char why[PCAP_ERRBUF_SIZE];
	struct stat st = {0};
	FILE *stream;

	capture->n_packets = 0;
	capture->n_magic = 0;
	capture->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (capture->fd < 0)
		return tw_diag_add(
			&capture->problems, -errno, "%s: cannot open: %s", path, strerror(errno));
	capture->regular = fstat(capture->fd, &st) == 0 && S_ISREG(st.st_mode);
	if (!capture->regular && S_ISDIR(st.st_mode)) {
		stream_close(capture);
		return tw_diag_add(&capture->problems, -EISDIR,
			"%s: a folder: name the captures in it, as in %s/*.pcap", path, path);
	}
	(void)posix_fadvise(capture->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	stream = fopencookie(capture, "r", functions);
	if (stream == NULL) {
		stream_close(capture);
		return tw_diag_add(&capture->problems, -ENOMEM, "%s: no memory to read it", path);
	}
	setvbuf(stream, NULL, _IOFBF, STREAM_BUFFER);
	/* One thread reads it: a lock for each field of each packet costs as much as its parsing. */
	(void)__fsetlocking(stream, FSETLOCKING_BYCALLER);
	capture->pcap =
		pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, why);
	if (capture->pcap == NULL) {
		if (!stopped(capture))
			refuse_format(capture, why);
		fclose(stream);
		tw_pcapng_reset(&capture->pcapng);
		return -EINVAL;
	}
	if (find_link_type(capture) != 0) {
		close_file(capture);
		return -EPROTONOSUPPORT;
	}
	return 0;
}

/*
 * libpcap widens the 32-bit fields of a pcap file with their sign, so that seconds after 2038 come out negative;
 * the format has them unsigned. Of a time stamp that lies, what can be believed: the second where the fraction is
 * more than one, and at most the year 2262, so that nanoseconds fit.
 */
static uint64_t nanoseconds(const struct timeval *tv)
{
	const int64_t second = 1000000000, seconds_max = INT64_MAX / second - 1;
	int64_t seconds = tv->tv_sec < 0 ? (int64_t)(uint32_t)tv->tv_sec : tv->tv_sec;
	int64_t fraction = tv->tv_usec >= 0 && tv->tv_usec < second ? tv->tv_usec : 0;

	return (seconds < seconds_max ? seconds : seconds_max) * second + fraction;
}

bool tw_capture_next(struct tw_capture *capture, struct tw_frame *frame, uint64_t *time)
{
	struct pcap_pkthdr *header;
	const u_char *data;

	for (;;) {
		int got;

		while (capture->pcap == NULL) {
			if (capture->next_path == capture->n_paths || stopped(capture))
				return false;
			(void)open_next(capture);
		}
		got = pcap_next_ex(capture->pcap, &header, &data);
		if (got == 1)
			break;
		if (got == PCAP_ERROR && !stopped(capture))
			tw_diag_add(&capture->problems, -EIO,
				"%s: cut or damaged after packet %" PRIu64
				" (%s): the packets before it are counted",
				shown_path(capture), capture->n_packets,
				pcap_geterr(capture->pcap));
		close_file(capture);
	}
	capture->n_packets++;
	*time = nanoseconds(&header->ts);
	frame->data = data;
	frame->captured = header->caplen;
	frame->length = header->len > header->caplen ? header->len : header->caplen;
	frame->link_type = capture->link_type;
	frame->vlan_stripped = TW_VLAN_NONE;
	frame->port = (uint16_t)(capture->port_per_file ? capture->next_path - 1
							: tw_pcapng_next(&capture->pcapng));
	return true;
}

const struct tw_diag *tw_capture_problems(const struct tw_capture *capture)
{
	return &capture->problems;
}

void tw_capture_progress(const struct tw_capture *capture, struct tw_progress *progress)
{
	progress->bytes = atomic_load_explicit(&capture->bytes, memory_order_relaxed);
	progress->total = capture->total;
}

void tw_capture_free(struct tw_capture *capture)
{
	if (capture == NULL)
		return;
	close_file(capture);
	tw_diag_free(&capture->problems);
	free(capture);
}
