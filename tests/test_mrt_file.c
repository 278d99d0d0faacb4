/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * MRT files as they lie on disks: plain, compressed, several streams in one, cut and damaged at every octet, of other
 * formats, larger than the reader's buffer.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <bzlib.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include "tw_test_mrt.h"

static char folder[] = "/tmp/test_mrt_file-XXXXXX";
static char path[64];
static struct octets stream;
static struct told told;
static struct tw_mrt_counts counts;
static char line[2][512]; /* of the diag */
static unsigned int n_lines;

/* Compressed octets, and how a format makes them of a stream. */
static uint8_t packed[1 << 20];

static size_t pack_plain(const uint8_t *data, size_t size, uint8_t *out)
{
	memcpy(out, data, size);
	return size;
}

static size_t pack_gzip(const uint8_t *data, size_t size, uint8_t *out)
{
	z_stream z = {.next_in = (uint8_t *)(uintptr_t)data,
		.avail_in = (uInt)size,
		.next_out = out,
		.avail_out = sizeof(packed) / 2};

	assert_int_equal(
		deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(deflateEnd(&z), Z_OK);
	return z.total_out;
}

static size_t pack_bzip2(const uint8_t *data, size_t size, uint8_t *out)
{
	unsigned int n = sizeof(packed) / 2;

	assert_int_equal(BZ2_bzBuffToBuffCompress((char *)out, &n, (char *)(uintptr_t)data,
				 (unsigned int)size, 1, 0, 0),
		BZ_OK);
	return n;
}

static const struct {
	const char *name;
	size_t (*pack)(const uint8_t *data, size_t size, uint8_t *out);
} formats[] = {{"gzip", pack_gzip}, {"bzip2", pack_bzip2}, {"plain", pack_plain}};
#define N_COMPRESSED 2
#define N_FORMATS    3

static void write_file(const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

static int read_with(const struct tw_mrt_file *file)
{
	const struct tw_mrt_handler handler = {
		.route = tell_route, .down = tell_down, .malformed = NULL, .arg = &told};
	struct tw_diag diag = {0};
	int err;

	told.size = 0;
	told.text[0] = '\0';
	err = tw_mrt_read_file(file, &handler, &counts, &diag);
	n_lines = diag.n_lines;
	assert_true(n_lines <= 2);
	for (unsigned int i = 0; i < 2; i++)
		snprintf(line[i], sizeof(line[i]), "%s", i < n_lines ? diag.lines[i] : "");
	tw_diag_free(&diag);
	return err;
}

static int read_path(void)
{
	const struct tw_mrt_file file = {.path = path};

	return read_with(&file);
}

/* The line behind the file's name. */
static void expect_line(unsigned int i, const char *expected)
{
	assert_true(i < n_lines);
	assert_memory_equal(line[i], path, strlen(path));
	assert_string_equal(line[i] + strlen(path), expected);
}

#define DOWN "1000.000000 192.0.2.1 64500 down"

static void make_stream(unsigned int n)
{
	stream.size = 0;
	for (unsigned int i = 0; i < n; i++)
		put_record(&stream, 16, 5, SESSION_AS4 "0006 0001");
}

static void formats_by_their_first_octets(void **state)
{
	make_stream(2);
	for (unsigned int i = 0; i < N_FORMATS; i++) {
		write_file(packed, formats[i].pack(stream.data, stream.size, packed));
		assert_int_equal(read_path(), 0);
		assert_string_equal(told.text, DOWN "\n" DOWN);
		assert_int_equal(counts.records, 2);
		assert_int_equal(counts.bytes, stream.size);
		assert_int_equal(n_lines, 0);
	}
}

static void several_streams_in_a_file(void **state)
{
	make_stream(3);
	for (unsigned int i = 0; i < N_COMPRESSED; i++) {
		/* cut within a record, an empty one, and zeros behind the last */
		size_t n = formats[i].pack(stream.data, 50, packed);

		n += formats[i].pack(stream.data, 0, packed + n);
		n += formats[i].pack(stream.data + 50, stream.size - 50, packed + n);
		memset(packed + n, 0, 1000);
		write_file(packed, n + 1000);
		assert_int_equal(read_path(), 0);
		assert_int_equal(counts.records, 3);
		assert_int_equal(counts.states, 3);
		/* something else behind it */
		memset(packed + n + 990, 'x', 10);
		write_file(packed, n + 1000);
		assert_int_equal(read_path(), -EBADMSG);
		assert_int_equal(counts.records, 3);
	}
}

/* Every cut is found, and tells a record and octet that fit; all records before it are read. */
static void cut_at_every_octet(void **state)
{
	make_stream(20);
	for (unsigned int i = 0; i < N_COMPRESSED; i++) {
		size_t size = formats[i].pack(stream.data, stream.size, packed);

		for (size_t n = 4; n < size; n++) {
			char expected[512];

			write_file(packed, n);
			assert_int_equal(read_path(), -EPIPE);
			assert_int_equal(counts.bytes, counts.records * 36);
			snprintf(expected, sizeof(expected),
				": cut: its %s stream ends early, at record %" PRIu64
				", octet %" PRIu64
				" of the decompressed data; fetch or dump it again",
				formats[i].name, counts.records + 1, counts.bytes);
			assert_int_equal(n_lines, 1);
			expect_line(0, expected);
		}
	}
}

static void a_plain_file_cut_within_a_record(void **state)
{
	make_stream(2);
	for (size_t n = 37; n < 72; n++) {
		write_file(stream.data, n);
		assert_int_equal(read_path(), -EPIPE);
		assert_string_equal(told.text, DOWN);
		assert_int_equal(n_lines, 1);
		expect_line(0,
			": cut within record 2, which starts at octet 36 of its decompressed data; "
			"fetch or dump it again");
	}
}

/* Whatever octet is damaged: no crash, and the checksum of the stream finds it. */
static void damaged_at_every_octet(void **state)
{
	make_stream(20);
	for (unsigned int i = 0; i < N_COMPRESSED; i++) {
		size_t size = formats[i].pack(stream.data, stream.size, packed), n_bad = 0;

		for (size_t n = 0; n < size; n++) {
			packed[n] ^= 0x20;
			write_file(packed, size);
			n_bad += read_path() != 0;
			packed[n] ^= 0x20;
		}
		/* but for a gzip header's time and system, which say nothing, and padding bits */
		assert_true(n_bad + 10 >= size);
	}
}

static void a_damaged_file_says_where(void **state)
{
	size_t size;

	make_stream(20);
	size = pack_gzip(stream.data, stream.size, packed);
	packed[size - 8] ^= 1; /* of the checksum */
	write_file(packed, size);
	assert_int_equal(read_path(), -EBADMSG);
	assert_int_equal(counts.records, 20);
	expect_line(0,
		": damaged: no gzip stream behind record 21, octet 720 of the decompressed data; "
		"fetch or dump it again");
}

static void malformed_records_are_one_line(void **state)
{
	make_stream(1);
	put_record(&stream, 16, 5, "00");
	put_record(&stream, 16, 5, SESSION_AS4 "0006");
	put_record(&stream, 16, 5, SESSION_AS4 "0006 0001");
	write_file(stream.data, stream.size);
	assert_int_equal(read_path(), 0);
	assert_string_equal(told.text, DOWN "\n" DOWN);
	assert_int_equal(n_lines, 1);
	expect_line(0,
		": 2 malformed of 4 records, left out; the first is record 2 at octet 36 of the "
		"decompressed data: BGP4MP record is cut");
	/* and one beside why it failed */
	write_file(stream.data, stream.size - 1);
	assert_int_equal(read_path(), -EPIPE);
	assert_int_equal(n_lines, 2);
}

static void files_of_no_use(void **state)
{
	static const char text[] = "this is no MRT file at all, but text that goes on for a while";

	write_file(stream.data, 0);
	assert_int_equal(read_path(), -ENODATA);
	expect_line(0, ": empty: fetch or dump it again");
	for (unsigned int i = 0; i < N_COMPRESSED; i++) {
		write_file(packed, formats[i].pack(stream.data, 0, packed));
		assert_int_equal(read_path(), -ENODATA);
	}
	write_file((const uint8_t *)text, sizeof(text));
	assert_int_equal(read_path(), -EINVAL);
	assert_int_equal(n_lines, 1);
	expect_line(0,
		": no MRT file, plain, gzip or bzip2, that can be used: record 1 at octet 0 of the "
		"decompressed data: a record longer than 16 MiB");
	/* too short to be a record */
	write_file((const uint8_t *)text, 7);
	assert_int_equal(read_path(), -EINVAL);
	stream.size = 0;
	put_record(&stream, 11, 0, "00");
	put_record(&stream, 16, 2, "00");
	write_file(stream.data, stream.size);
	assert_int_equal(read_path(), -EINVAL);
	expect_line(0, ": none of its 2 records is of a type that is read: want MRT table dumps "
		       "(TABLE_DUMP, TABLE_DUMP_V2) or messages (BGP4MP)");
}

static void make_socket(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
}

static void files_that_cannot_be_read(void **state)
{
	unlink(path);
	assert_int_equal(read_path(), -ENOENT);
	expect_line(0, ": cannot be read: No such file or directory: give the path of an MRT file");
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(read_path(), -EISDIR);
	expect_line(0, ": a directory: give the path of an MRT file, or pipe one to /dev/stdin");
	assert_int_equal(rmdir(path), 0);
	/* Nobody will ever write to it. */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(read_path(), -ESPIPE);
	expect_line(
		0, ": a pipe with a name: give the path of an MRT file, or pipe one to /dev/stdin");
	unlink(path);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_int_equal(read_path(), -ENODEV);
	expect_line(0,
		": a device or a socket: give the path of an MRT file, or pipe one to /dev/stdin");
	unlink(path);
	make_socket();
	assert_int_equal(read_path(), -ENODEV);
	unlink(path);
}

static void a_record_that_is_too_long_is_passed_over(void **state)
{
	const uint32_t length = TW_MRT_RECORD_MAX + 1;
	const struct tw_mrt_handler handler = {
		.route = tell_route, .down = tell_down, .malformed = tell_malformed, .arg = &told};
	struct tw_mrt *mrt = tw_mrt_create(&handler);
	static uint8_t zeros[1 << 16];
	uint64_t left, cut_record, cut_offset;

	told.size = 0;
	stream.size = 0;
	put_record(&stream, 16, 5, SESSION_AS4 "0006 0001");
	put_hex(&stream, "000003e8 000d 0002");
	put_number(&stream, 4, length);
	assert_int_equal(tw_mrt_feed(mrt, stream.data, stream.size), stream.size);
	assert_true(tw_mrt_is_cut(mrt, 0, &cut_record, &cut_offset));
	assert_int_equal(cut_record, 2);
	assert_int_equal(cut_offset, stream.size - 12);
	for (left = length; left > sizeof(zeros); left -= sizeof(zeros))
		assert_int_equal(tw_mrt_feed(mrt, zeros, sizeof(zeros)), sizeof(zeros));
	/* the last of it with the next record behind, in one piece */
	stream.size = 0;
	for (uint64_t i = 0; i < left; i++)
		put_number(&stream, 1, 0);
	put_record(&stream, 16, 5, SESSION_AS4 "0006 0002");
	assert_int_equal(tw_mrt_feed(mrt, stream.data, stream.size), stream.size);
	assert_string_equal(told.text, "1000.000000 192.0.2.1 64500 down\n"
				       "record 2 at 36: a record longer than 16 MiB\n"
				       "1000.000000 192.0.2.1 64500 down");
	counts = *tw_mrt_counts(mrt);
	assert_int_equal(counts.records, 3);
	assert_int_equal(counts.malformed, 1);
	assert_int_equal(counts.bytes, 36 + 12 + (uint64_t)length + 36);
	assert_false(tw_mrt_is_cut(mrt, 0, &cut_record, &cut_offset));
	tw_mrt_free(mrt);
}

static void count_progress(void *arg, const struct tw_mrt_counts *told_counts)
{
	uint64_t *calls = arg;

	++*calls;
	assert_true(told_counts->bytes >= 1);
}

/* Appends a RIB record of `size` octets: one route with a long attribute that says nothing. */
static void write_long_record(FILE *file, size_t n_entries)
{
	static uint8_t attribute[60000];

	stream.size = 0;
	put_record(&stream, 13, 1, PEERS);
	put_hex(&stream, "000003e8 000d 0002");
	put_number(&stream, 4, 8 + n_entries * (8 + 9 + sizeof(attribute)));
	put_hex(&stream, "00000000 08 0a");
	put_number(&stream, 2, n_entries);
	fwrite(stream.data, 1, stream.size, file);
	attribute[0] = 0xd0;
	attribute[1] = 99;
	attribute[2] = (sizeof(attribute) - 4) >> 8;
	attribute[3] = (sizeof(attribute) - 4) & 0xff;
	for (size_t i = 0; i < n_entries; i++) {
		stream.size = 0;
		put_hex(&stream, "0000 5a497a00");
		put_number(&stream, 2, 9 + sizeof(attribute));
		put_hex(&stream, "40 02 06 02 01 00000001");
		fwrite(stream.data, 1, stream.size, file);
		fwrite(attribute, 1, sizeof(attribute), file);
	}
}

static void records_longer_than_the_buffer(void **state)
{
	uint64_t calls = 0;
	struct tw_mrt_file how = {
		.path = path, .progress = count_progress, .arg = &calls, .every = 1 << 20};
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	for (size_t n = 1; n <= 256; n *= 4)
		write_long_record(file, n);
	fclose(file);
	assert_int_equal(read_with(&how), 0);
	assert_int_equal(counts.records, 10);
	assert_int_equal(counts.wanted, 1 + 4 + 16 + 64 + 256);
	assert_in_range(calls, 2, 21);

	file = fopen(path, "wb");
	assert_non_null(file);
	write_long_record(file, 280); /* above 16 MiB */
	write_long_record(file, 1);
	fclose(file);
	how.progress = NULL;
	assert_int_equal(read_with(&how), 0);
	assert_int_equal(counts.records, 4);
	assert_int_equal(counts.wanted, 1);
	assert_int_equal(counts.malformed, 1);
}

static void progress_at_the_end(void **state)
{
	uint64_t calls = 0;
	const struct tw_mrt_file file = {
		.path = path, .progress = count_progress, .arg = &calls, .every = 1 << 30};

	make_stream(2);
	write_file(stream.data, stream.size);
	assert_int_equal(read_with(&file), 0);
	assert_int_equal(calls, 1);
}

static void stops_when_told(void **state)
{
	atomic_bool stop = true;
	const struct tw_mrt_file file = {.path = path, .stop = &stop};

	make_stream(2);
	write_file(stream.data, stream.size);
	assert_int_equal(read_with(&file), -ECANCELED);
	assert_int_equal(counts.records, 0);
	expect_line(0, ": stopped at record 1");
	stop = false;
	assert_int_equal(read_with(&file), 0);
}

struct slow_writer {
	size_t size; /* of the packed stream */
	int fd;
};

/* Octet by octet. */
static void *write_slowly(void *arg)
{
	const struct slow_writer *writer = arg;

	for (size_t i = 0; i < writer->size; i++) {
		usleep(100);
		if (write(writer->fd, packed + i, 1) != 1)
			break;
	}
	close(writer->fd);
	return NULL;
}

/* As a shell gives it: /dev/stdin, or /dev/fd/63 for <(COMMAND). */
static void a_pipe_that_gives_octet_by_octet(void **state)
{
	char name[32];

	make_stream(2);
	for (unsigned int i = 0; i < N_FORMATS; i++) {
		size_t size = formats[i].pack(stream.data, stream.size, packed);
		const struct tw_mrt_file file = {.path = name};
		struct slow_writer slow = {.size = size};
		pthread_t writer;
		int ends[2];

		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		slow.fd = ends[1];
		snprintf(name, sizeof(name), "/dev/fd/%d", ends[0]);
		assert_int_equal(pthread_create(&writer, NULL, write_slowly, &slow), 0);
		assert_int_equal(read_with(&file), 0);
		assert_int_equal(counts.states, 2);
		pthread_join(writer, NULL);
		close(ends[0]);
	}
}

static int set_up(void **state)
{
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/file", folder);
	return 0;
}

static int tear_down(void **state)
{
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_by_their_first_octets),
		cmocka_unit_test(several_streams_in_a_file),
		cmocka_unit_test(cut_at_every_octet),
		cmocka_unit_test(a_plain_file_cut_within_a_record),
		cmocka_unit_test(damaged_at_every_octet),
		cmocka_unit_test(a_damaged_file_says_where),
		cmocka_unit_test(malformed_records_are_one_line),
		cmocka_unit_test(files_of_no_use),
		cmocka_unit_test(files_that_cannot_be_read),
		cmocka_unit_test(a_record_that_is_too_long_is_passed_over),
		cmocka_unit_test(records_longer_than_the_buffer),
		cmocka_unit_test(progress_at_the_end),
		cmocka_unit_test(stops_when_told),
		cmocka_unit_test(a_pipe_that_gives_octet_by_octet),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
