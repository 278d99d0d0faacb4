/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Fuzz target of MRT and BGP. An input is two octets and an MRT stream:
 *
 *     what is wanted | octets that are handed in at a time, 0 for all | records...
 *
 * With libFuzzer: clang -fsanitize=fuzzer,address -DTW_LIBFUZZER -Ilib/base -Ilib/upstream tests/fuzz_mrt.c
 * lib/base/tw_addr.c lib/upstream/tw_{bgp,bgp_path,mrt,mrt_table,mrt_bgp4mp,mrt_source}.c -lz -lbz2
 *
 * Without it, a program that mutates records of files, the same way each time for one seed, and replays inputs that
 * once failed:
 *
 *     fuzz_mrt [-n COUNT] [-s SEED] FILE...
 *
 * FILE.fuzz is an input. Any other is an MRT file whose records are mutated, or a folder of such; a folder that is not
 * there is told and left out.
 */

#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tw_guard.h"
#include "tw_mrt.h"
#include "tw_mrt_source_priv.h"
#include "tw_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) ((condition) ? (void)0 : die(#condition))

static void die(const char *condition)
{
	fprintf(stderr, "fuzz_mrt: does not hold: %s\n", condition);
	abort();
}

/* What a reader told. */
struct heard {
	uint8_t wants; /* 0: all; else what has this remainder of 2 or 3 */
	uint64_t n_routes, n_malformed, n_down;
	uint64_t digest; /* of all, in order */
	uint64_t last_record;
};

static void digest(struct heard *heard, const void *what, size_t size)
{
	const uint8_t *octets = what;

	for (size_t i = 0; i < size; i++)
		heard->digest = (heard->digest ^ octets[i]) * 0x100000001b3;
}

static void check_path(const struct tw_bgp_path *path)
{
	struct tw_cursor cursor = tw_cursor(path->segments, path->size);
	unsigned int last_type = 0, last_count = 0;

	MUST(path->size <= TW_BGP_PATH_SIZE);
	while (tw_cursor_left(&cursor) > 0) {
		uint8_t type = tw_cursor_u8(&cursor), count = tw_cursor_u8(&cursor);

		tw_cursor_take(&cursor, count * 4u);
		MUST(!cursor.failed);
		MUST(type == TW_BGP_SET || type == TW_BGP_SEQUENCE);
		MUST(count > 0);
		MUST(type != TW_BGP_SEQUENCE || last_type != TW_BGP_SEQUENCE || last_count == 255);
		last_type = type;
		last_count = count;
	}
}

static bool wants(void *arg, const struct tw_prefix *prefix)
{
	const struct heard *heard = arg;

	return prefix->addr.bytes[0] % 2 == heard->wants % 2;
}

static void take_route(
	void *arg, uint64_t time, const struct tw_bgp_peer *peer, const struct tw_bgp_route *route)
{
	static char text[4096];
	struct heard *heard = arg;
	tw_u128 first, last;

	MUST(peer->addr.family == 4 || peer->addr.family == 6);
	MUST(route->prefix.addr.family == 4 || route->prefix.addr.family == 6);
	MUST(route->prefix.length <= tw_addr_bits(route->prefix.addr.family));
	tw_prefix_range(&route->prefix, &first, &last);
	MUST(tw_addr_number(&route->prefix.addr) == (first & ~(last - first)));
	MUST(!route->withdrawn || route->path.size == 0);
	MUST(heard->wants == 0 || wants(heard, &route->prefix));
	check_path(&route->path);
	MUST(strlen(tw_bgp_path_format(&route->path, text, sizeof(text))) < sizeof(text));
	heard->n_routes++;
	digest(heard, &time, sizeof(time));
	digest(heard, peer->addr.bytes, 16);
	digest(heard, &peer->asn, 4);
	digest(heard, route->prefix.addr.bytes, 16);
	digest(heard, &route->prefix.length, 1);
	digest(heard, &route->path_id, 4);
	digest(heard, &route->withdrawn, 1);
	if (route->path.size > 0)
		digest(heard, route->path.segments, route->path.size);
}

static void take_down(void *arg, uint64_t time, const struct tw_bgp_peer *peer)
{
	struct heard *heard = arg;

	heard->n_down++;
	digest(heard, peer->addr.bytes, 16);
}

static void take_malformed(void *arg, uint64_t record, uint64_t offset, const char *why)
{
	struct heard *heard = arg;

	MUST(record > heard->last_record); /* one error a record */
	MUST(why != NULL && why[0] != '\0');
	heard->last_record = record;
	heard->n_malformed++;
	digest(heard, why, strlen(why));
	digest(heard, &offset, sizeof(offset));
}

/* Reads a stream, `piece` octets more at a time, each time against the guard. */
static struct tw_mrt_counts read_stream(
	const uint8_t *data, size_t size, size_t piece, struct heard *heard)
{
	const struct tw_mrt_handler handler = {
		.wants = heard->wants != 0 ? wants : NULL,
		.route = take_route,
		.down = take_down,
		.malformed = take_malformed,
		.arg = heard,
	};
	struct tw_mrt *mrt = tw_mrt_create(&handler);
	struct tw_mrt_counts counts;
	size_t given = 0, taken = 0;
	uint64_t record, offset;

	MUST(mrt != NULL);
	while (given < size) {
		size_t n;

		given = given + piece < size ? given + piece : size;
		n = given - taken;
		taken += tw_mrt_feed(mrt, tw_guard_lay(data + taken, n), n);
		MUST(taken <= given);
	}
	counts = *tw_mrt_counts(mrt);
	MUST(counts.bytes == taken);
	MUST(tw_mrt_is_cut(mrt, given - taken, &record, &offset) || taken == given);
	MUST(offset <= counts.bytes && record <= counts.records + 1);
	MUST(counts.wanted == heard->n_routes);
	MUST(counts.wanted <= counts.routes);
	MUST(counts.malformed == heard->n_malformed);
	MUST(counts.first_time <= counts.last_time);
	MUST(counts.tables + counts.messages + counts.states + counts.local + counts.generic +
			counts.unknown <=
		counts.records);
	tw_mrt_free(mrt);
	return counts;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard whole = {0}, again = {0};
	struct tw_mrt_counts counts, counts_again;

	if (size < 2 || size - 2 > TW_GUARD_SIZE)
		return 0;
	whole.wants = again.wants = data[0] % 3;
	counts = read_stream(data + 2, size - 2, size, &whole);
	if (data[1] == 0)
		return 0;
	counts_again = read_stream(data + 2, size - 2, data[1], &again);
	MUST(whole.digest == again.digest);
	MUST(memcmp(&counts, &counts_again, sizeof(counts)) == 0);
	return 0;
}

#ifndef TW_LIBFUZZER

#define INPUT_MAX      8192
#define RECORDS_A_FILE 4000 /* and no more of each: a full table is much of the same */

struct input {
	uint32_t size;
	uint8_t data[INPUT_MAX];
};

static struct {
	struct input **inputs;
	size_t n, capacity;
} corpus;

/* An input of the table of peers that a record needs, if any, and the record. */
static void add(const struct tw_cursor *peers, const struct tw_cursor *record)
{
	size_t n_peers = tw_cursor_left(peers), n = tw_cursor_left(record);
	struct input *input = malloc(sizeof(*input));

	if (corpus.n == corpus.capacity) {
		corpus.capacity = corpus.capacity ? 2 * corpus.capacity : 1024;
		corpus.inputs = realloc(corpus.inputs, corpus.capacity * sizeof(struct input *));
	}
	if (input == NULL || corpus.inputs == NULL)
		die("memory for the corpus");
	input->size = (uint32_t)(2 + n_peers + n);
	input->data[0] = input->data[1] = 0;
	memcpy(input->data + 2, peers->at, n_peers);
	memcpy(input->data + 2 + n_peers, record->at, n);
	corpus.inputs[corpus.n++] = input;
}

/* Takes the records apart; those that are too long for an input are left out. */
static void add_records(struct tw_cursor stream)
{
	struct tw_cursor peers = {.at = stream.at, .end = stream.at};

	for (unsigned int i = 0; i < RECORDS_A_FILE && tw_cursor_left(&stream) > 0;) {
		struct tw_cursor header = stream, record;
		uint16_t type, subtype;

		tw_cursor_u32(&header);
		type = tw_cursor_u16(&header);
		subtype = tw_cursor_u16(&header);
		record = tw_cursor_part(&stream, 12ul + tw_cursor_u32(&header));
		if (type == 13 && subtype == 1)
			peers = record;
		if (tw_cursor_left(&peers) + tw_cursor_left(&record) + 2 > INPUT_MAX ||
			record.failed)
			continue;
		add(&peers, &record);
		i++;
	}
}

static bool read_mrt(const char *path)
{
	const size_t most = 8 << 20;
	int err;
	struct tw_mrt_source *source = tw_mrt_source_open(path, &err);
	uint8_t *data = malloc(most);
	ssize_t n = source != NULL && data != NULL ? tw_mrt_source_read(source, data, most) : -1;

	if (n > 0)
		add_records(tw_cursor(data, (size_t)n));
	else
		fprintf(stderr, "fuzz_mrt: %s: cannot read it\n", path);
	free(data);
	tw_mrt_source_close(source);
	return n > 0;
}

static bool read_input(const char *path)
{
	static uint8_t data[INPUT_MAX];
	FILE *file = fopen(path, "rb");

	if (file == NULL) {
		perror(path);
		return false;
	}
	LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof(data), file));
	fclose(file);
	return true;
}

static int visit(const char *path, const struct stat *status, int type, struct FTW *where)
{
	const char *dot = strrchr(path, '.');

	if (type != FTW_F)
		return 0;
	return (dot != NULL && strcmp(dot, ".fuzz") == 0 ? read_input(path) : read_mrt(path)) ? 0
											      : 1;
}

/* Moves the input's end from `at` on by `by` octets; false where that has no room. */
static bool shift(struct input *input, uint32_t at, int by)
{
	int64_t size = (int64_t)input->size + by;

	if (size < (int64_t)at || size > INPUT_MAX)
		return false;
	if (by < 0)
		memmove(input->data + at, input->data + at - by, (size_t)(size - at));
	else
		memmove(input->data + at + by, input->data + at, input->size - at);
	input->size = (uint32_t)size;
	return true;
}

/* One change such as a broken or malicious dumper makes. */
static void mutate(struct input *input)
{
	static const uint16_t numbers[] = {0, 1, 2, 6, 12, 13, 16, 17, 18, 19, 23, 255, 256, 4096,
		23456, 0x7fff, 0x8000, 0xffff};
	static const uint8_t octets[] = {0, 1, 2, 3, 4, 6, 8, 14, 15, 17, 24, 32, 33, 64, 128, 129,
		0x40, 0x50, 0x80, 0x90, 0xc0, 0xff};
	const struct input *other = corpus.inputs[random_below((uint32_t)corpus.n)];
	uint32_t at = 2 + random_below(input->size), n = 1 + random_below(24);
	uint16_t number = numbers[random_below(sizeof(numbers) / sizeof(numbers[0]))];

	if (at + 2 > input->size)
		return;
	switch (random_below(7)) {
	case 0:
		input->data[at] ^= (uint8_t)(1u << random_below(8));
		break;
	case 1:
		input->data[at] = octets[random_below(sizeof(octets))];
		break;
	case 2:
		input->data[at] = (uint8_t)(number >> 8);
		input->data[at + 1] = (uint8_t)number;
		break;
	case 3:
		input->data[at] = (uint8_t)(input->data[at] + random_below(9) - 4);
		break;
	case 4:
		shift(input, at, -(int)n);
		break;
	case 5:
		if (at + n <= input->size && shift(input, at, (int)n))
			memcpy(input->data + at, input->data + at + n, n);
		break;
	case 6: /* the rest of another */
		if (at < other->size) {
			memcpy(input->data + at, other->data + at, other->size - at);
			input->size = other->size;
		}
		break;
	}
}

static void put(uint8_t *at, unsigned int n, uint32_t number)
{
	while (n-- > 0)
		*at++ = (uint8_t)(number >> 8 * n);
}

/* Makes the outer lengths of the last record true again, so that what is inside is read. */
static void repair(struct input *input)
{
	struct tw_cursor stream = tw_cursor(input->data + 2, input->size - 2);
	uint8_t *record = input->data + 2, *end = input->data + input->size;

	while (tw_cursor_left(&stream) >= 12) {
		struct tw_cursor header = stream;

		record = input->data + (stream.at - input->data);
		tw_cursor_take(&header, 8);
		tw_cursor_take(&stream, 12ul + tw_cursor_u32(&header));
	}
	if (end - record < 12)
		return;
	put(record + 8, 4, (uint32_t)(end - record - 12));
	for (uint8_t *at = record + 12; at + 19 <= end; at++) {
		if (at[0] == 0xff && memcmp(at, at + 1, 15) == 0) {
			put(at + 16, 2, (uint32_t)(end - at));
			return;
		}
	}
}

static void run(unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		const struct input *origin = corpus.inputs[random_below((uint32_t)corpus.n)];
		static struct input input;

		memcpy(&input, origin, offsetof(struct input, data) + origin->size);
		for (uint32_t n = random_below(5); n > 0; n--)
			mutate(&input);
		if (random_below(4) > 0)
			repair(&input);
		input.data[0] = (uint8_t)random_below(3);
		input.data[1] = (uint8_t)(random_below(16) == 0 ? 1 + random_below(255) : 0);
		LLVMFuzzerTestOneInput(input.data, input.size);
	}
}

int main(int argc, char **argv)
{
	unsigned long count;
	bool read = argc > 1;

	if (!fuzz_options(argc, argv, &count))
		return 1;
	for (int i = optind; i < argc; i++) {
		if (access(argv[i], F_OK) != 0)
			printf("%s: not there, left out\n", argv[i]);
		else if (nftw(argv[i], visit, 8, FTW_PHYS) != 0)
			read = false;
	}
	if (corpus.n > 0)
		run(count);
	printf("%zu records, %lu mutations\n", corpus.n, corpus.n > 0 ? count : 0);
	read = read && corpus.n > 0;
	for (size_t i = 0; i < corpus.n; i++)
		free(corpus.inputs[i]);
	free(corpus.inputs);
	return read ? 0 : 1;
}

#endif
