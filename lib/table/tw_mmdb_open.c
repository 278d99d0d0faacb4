/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Opening a database that nobody vouches for.
 *
 * libmaxminddb maps the file and trusts it in ways that a corrupt one turns into a crash: it skips
 * nested data by recursion without a limit, expands the metadata's pointers as often as they say,
 * computes the tree's size in 32 bits, and reads up to three octets behind a section that is
 * shorter than that. And a file that is overwritten while it is mapped ends the process with
 * SIGBUS.
 *
 * So the file is copied into anonymous memory, with zeros behind its end; its metadata is decoded
 * here first, bounded in depth and in work; and the tree's size is checked in 64 bits. Then
 * libmaxminddb opens the copy.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tw_mmdb_priv.h"

#define MARKER             "\xab\xcd\xefMaxMind.com"
#define MARKER_SIZE        (sizeof(MARKER) - 1)
#define METADATA_SIZE_MAX  (128 * 1024)
#define METADATA_ITEMS_MAX 65536
#define SEPARATOR_SIZE     16
#define NESTING_MAX        32
#define PADDING            64

struct item {
	uint32_t type;
	uint32_t size;    /* octets of a scalar, entries of a map or array */
	uint32_t pointer; /* where type is a pointer */
	uint32_t next;    /* offset behind the item, or behind the head of a map or array */
};

/* Big-endian; the caller has seen that the octets are there. */
static uint32_t read_number(const uint8_t *bytes, unsigned int n)
{
	uint32_t number = 0;

	for (unsigned int i = 0; i < n; i++)
		number = number << 8 | bytes[i];
	return number;
}

static bool read_pointer(
	const struct tw_mmdb_data *data, uint8_t control, uint32_t at, struct item *item)
{
	static const uint32_t bias[] = {0, 2048, 526336, 0};
	unsigned int n = control >> 3 & 3;

	if (data->size - at < n + 1)
		return false;
	item->pointer = read_number(&data->bytes[at], n + 1) + bias[n];
	if (n < 3)
		item->pointer += (uint32_t)(control & 7) << 8 * (n + 1);
	item->next = at + n + 1;
	return true;
}

/* The size of an item, which up to three octets behind its control octet extend. */
static bool read_size(
	const struct tw_mmdb_data *data, uint8_t control, uint32_t *at, uint32_t *size)
{
	static const uint32_t bias[] = {29, 285, 65821};
	unsigned int n = (control & 31) < 29 ? 0 : (control & 31) - 28;

	*size = control & 31;
	if (n == 0)
		return true;
	if (data->size - *at < n)
		return false;
	*size = bias[n - 1] + read_number(&data->bytes[*at], n);
	*at += n;
	return true;
}

/* True where a scalar of the type may have the size. */
static bool scalar_size_ok(uint32_t type, uint32_t size)
{
	switch (type) {
	case MMDB_DATA_TYPE_UTF8_STRING:
	case MMDB_DATA_TYPE_BYTES:
		return true;
	case MMDB_DATA_TYPE_UINT16:
		return size <= 2;
	case MMDB_DATA_TYPE_UINT32:
	case MMDB_DATA_TYPE_INT32:
		return size <= 4;
	case MMDB_DATA_TYPE_UINT64:
		return size <= 8;
	case MMDB_DATA_TYPE_UINT128:
		return size <= 16;
	case MMDB_DATA_TYPE_DOUBLE:
		return size == 8;
	case MMDB_DATA_TYPE_FLOAT:
		return size == 4;
	default:
		return false;
	}
}

static bool read_item(struct tw_mmdb_data *data, uint32_t at, struct item *item)
{
	uint8_t control;

	if (at >= data->size || data->budget == 0)
		return false;
	data->budget--;
	control = data->bytes[at++];
	item->type = control >> 5;
	if (item->type == MMDB_DATA_TYPE_POINTER)
		return read_pointer(data, control, at, item);
	if (item->type == MMDB_DATA_TYPE_EXTENDED) {
		if (at == data->size)
			return false;
		item->type = 7u + data->bytes[at++];
	}
	if (!read_size(data, control, &at, &item->size))
		return false;
	item->next = at;
	if (item->type == MMDB_DATA_TYPE_MAP || item->type == MMDB_DATA_TYPE_ARRAY)
		return true;
	if (item->type == MMDB_DATA_TYPE_BOOLEAN)
		return item->size <= 1;
	if (!scalar_size_ok(item->type, item->size) || data->size - at < item->size)
		return false;
	item->next = at + item->size;
	return true;
}

/* Decodes the value at *at and moves *at behind it. A pointer to a pointer is no value. */
static bool value_ok(struct tw_mmdb_data *data, uint32_t *at, unsigned int nesting)
{
	struct item item;
	uint32_t target;

	if (nesting > NESTING_MAX || !read_item(data, *at, &item))
		return false;
	*at = item.next;
	if (item.type == MMDB_DATA_TYPE_POINTER) {
		struct item pointed;

		target = item.pointer;
		return read_item(data, target, &pointed) &&
		       pointed.type != MMDB_DATA_TYPE_POINTER &&
		       value_ok(data, &target, nesting + 1);
	}
	if (item.type != MMDB_DATA_TYPE_MAP && item.type != MMDB_DATA_TYPE_ARRAY)
		return true;
	for (uint32_t i = 0; i < item.size; i++) {
		if (item.type == MMDB_DATA_TYPE_MAP) {
			struct item key;

			target = *at;
			if (!read_item(data, target, &key))
				return false;
			if (key.type == MMDB_DATA_TYPE_POINTER) {
				*at = key.next;
				if (!read_item(data, key.pointer, &key))
					return false;
			} else {
				*at = key.next;
			}
			if (key.type != MMDB_DATA_TYPE_UTF8_STRING)
				return false;
		}
		if (!value_ok(data, at, nesting + 1))
			return false;
	}
	return true;
}

bool tw_mmdb_data_ok(struct tw_mmdb_data *data, uint32_t offset)
{
	return value_ok(data, &offset, 0);
}

/* Copies the file into anonymous memory; returns a descriptor or -errno. */
static int copy_file(const char *path)
{
	static const uint8_t zeros[PADDING];
	uint8_t *buffer = malloc(1 << 20);
	int in = open(path, O_RDONLY | O_CLOEXEC);
	int out = memfd_create("mmdb", MFD_CLOEXEC);
	struct stat status;
	ssize_t n = 0;
	int err = 0;

	if (buffer == NULL)
		err = -ENOMEM;
	else if (in < 0 || out < 0 || fstat(in, &status) != 0)
		err = -errno;
	else if (S_ISDIR(status.st_mode))
		err = -EISDIR;
	while (err == 0 && (n = read(in, buffer, 1 << 20)) > 0) {
		if (write(out, buffer, (size_t)n) != n)
			err = -ENOSPC;
	}
	if (err == 0 && n < 0)
		err = -errno;
	if (err == 0 && write(out, zeros, sizeof(zeros)) != (ssize_t)sizeof(zeros))
		err = -ENOSPC;
	free(buffer);
	if (in >= 0)
		close(in);
	if (err != 0 && out >= 0)
		close(out);
	return err != 0 ? err : out;
}

/* The metadata behind the last marker, as libmaxminddb finds it. */
static bool find_metadata(const uint8_t *file, size_t size, struct tw_mmdb_data *metadata)
{
	const uint8_t *at = size > METADATA_SIZE_MAX ? file + size - METADATA_SIZE_MAX : file;
	const uint8_t *end = file + size;
	const uint8_t *found = NULL;

	while ((at = memmem(at, (size_t)(end - at), MARKER, MARKER_SIZE)) != NULL)
		found = at += MARKER_SIZE;
	if (found == NULL)
		return false;
	*metadata = (struct tw_mmdb_data){
		.bytes = found, .size = (uint32_t)(end - found), .budget = METADATA_ITEMS_MAX};
	return true;
}

/* What is wrong with the copy before libmaxminddb may see it, or NULL. */
static const char *check_copy(int fd)
{
	struct tw_mmdb_data metadata;
	const char *why = NULL;
	struct stat status;
	uint8_t *file;

	if (fstat(fd, &status) != 0)
		return strerror(errno);
	if (status.st_size > UINT32_MAX)
		return "larger than 4 GiB";
	file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		return strerror(errno);
	if (!find_metadata(file, (size_t)status.st_size, &metadata))
		why = "not a MaxMind DB, or cut short: no metadata in it";
	else if (metadata.bytes[0] >> 5 != MMDB_DATA_TYPE_MAP || !tw_mmdb_data_ok(&metadata, 0))
		why = "corrupt metadata";
	munmap(file, (size_t)status.st_size);
	return why;
}

static const char *check_layout(const MMDB_s *db, struct tw_mmdb_data *data)
{
	uint64_t tree = (uint64_t)db->metadata.node_count * db->full_record_byte_size;
	uint64_t end = (uint64_t)(db->metadata_section - db->file_content) - MARKER_SIZE;

	if (tree + SEPARATOR_SIZE > end)
		return "corrupt: its search tree is larger than the file";
	*data = (struct tw_mmdb_data){
		.bytes = db->data_section, .size = (uint32_t)(end - tree - SEPARATOR_SIZE)};
	/*
	 * Records share much by pointers: what they expand to is more than the section, within
	 * reason.
	 */
	data->budget = METADATA_ITEMS_MAX + 64 * (uint64_t)data->size;
	return NULL;
}

int tw_mmdb_open(MMDB_s *db, struct tw_mmdb_data *data, const char *path, struct tw_diag *diag)
{
	int fd = copy_file(path);
	const char *why;
	char copy[32];
	int status;

	if (fd < 0)
		return tw_diag_add(diag, fd, "%s: %s: give a MaxMind DB file that can be read",
			path, strerror(-fd));
	why = check_copy(fd);
	if (why == NULL) {
		snprintf(copy, sizeof(copy), "/proc/self/fd/%d", fd);
		status = MMDB_open(copy, MMDB_MODE_MMAP, db);
		if (status != MMDB_SUCCESS) {
			why = MMDB_strerror(status);
		} else {
			why = check_layout(db, data);
			if (why != NULL)
				MMDB_close(db);
		}
	}
	close(fd);
	if (why != NULL)
		return tw_diag_add(diag, -EINVAL, "%s: %s: fetch the database again", path, why);
	return 0;
}
