/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Fuzz target of the BMP decoder, and so of BGP messages. An input is what a router sends, from its first octet on.
 *
 * With libFuzzer: clang -fsanitize=fuzzer,address -DTW_LIBFUZZER -Ilib/base -Ilib/upstream tests/fuzz_bmp.c
 *	lib/upstream/{tw_bmp,tw_bgp,tw_bgp_open,tw_bgp_path}.c lib/base/tw_{addr,text}.c
 *
 * Without it, a program that mutates sessions of its own, the same way each time for one seed, and replays inputs
 * that once failed:
 *
 *     fuzz_bmp [-n COUNT] [-s SEED] [INPUT...]
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tw_bmp.h"
#include "tw_guard.h"
#include "tw_test_bmp.h"
#include "tw_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) ((condition) ? (void)0 : die(#condition))
#define MAX_PEERS       4

static void die(const char *condition)
{
	fprintf(stderr, "fuzz_bmp: does not hold: %s\n", condition);
	abort();
}

/* What a decoder told, as numbers. */
struct heard {
	uint64_t hash;
	uint64_t routes;
	uint64_t malformed;
	unsigned int up; /* announced and not taken back; a peer may come up twice */
};

static void mix(struct heard *heard, const void *data, size_t size)
{
	const uint8_t *at = data;

	for (size_t i = 0; i < size; i++)
		heard->hash = (heard->hash ^ at[i]) * 0x100000001b3; /* FNV-1a */
}

static void mix_peer(struct heard *heard, char what, const struct tw_bgp_peer *peer)
{
	MUST(peer->addr.family == 0 || peer->addr.family == 4 || peer->addr.family == 6);
	mix(heard, &what, 1);
	mix(heard, &peer->addr, sizeof(peer->addr));
	mix(heard, &peer->distinguisher, sizeof(peer->distinguisher));
	mix(heard, &peer->asn, sizeof(peer->asn));
}

/* Half of all prefixes, the same ones each time. */
static bool on_wants(void *arg, const struct tw_prefix *prefix)
{
	return (prefix->addr.bytes[0] & 1) != 0;
}

static void check_path(const struct tw_bgp_path *path)
{
	size_t at = 0;

	MUST(path->size <= TW_BGP_PATH_SIZE);
	while (at < path->size) {
		uint8_t type = path->segments[at];

		MUST(path->size - at >= 2);
		MUST(type == TW_BGP_SET || type == TW_BGP_SEQUENCE);
		MUST(path->segments[at + 1] > 0);
		at += 2 + 4u * path->segments[at + 1];
	}
	MUST(at == path->size);
}

static void on_route(void *arg, const struct tw_bgp_peer *peer, const struct tw_bgp_route *route)
{
	struct heard *heard = arg;
	const struct tw_prefix *prefix = &route->prefix;
	tw_u128 first, last;

	MUST(prefix->addr.family == 4 || prefix->addr.family == 6);
	MUST(prefix->length <= tw_addr_bits(prefix->addr.family));
	tw_prefix_range(prefix, &first, &last);
	MUST(first == tw_addr_number(&prefix->addr));
	MUST(on_wants(arg, prefix));
	MUST(!route->withdrawn || route->path.size == 0);
	check_path(&route->path);
	mix_peer(heard, route->withdrawn ? '-' : '+', peer);
	mix(heard, &prefix->addr, sizeof(prefix->addr));
	mix(heard, &prefix->length, sizeof(prefix->length));
	mix(heard, &route->path_id, sizeof(route->path_id));
	if (route->path.size > 0)
		mix(heard, route->path.segments, route->path.size);
	heard->routes++;
}

static void on_up(void *arg, const struct tw_bgp_peer *peer)
{
	mix_peer(arg, 'u', peer);
	((struct heard *)arg)->up++;
}

static void on_down(void *arg, const struct tw_bgp_peer *peer)
{
	MUST(((struct heard *)arg)->up > 0);
	mix_peer(arg, 'd', peer);
}

static void on_end_of_rib(void *arg, const struct tw_bgp_peer *peer)
{
	mix_peer(arg, 'e', peer);
}

static void on_name(void *arg, const char *name)
{
	MUST(strlen(name) <= 4 * TW_BMP_NAME_MAX);
	mix(arg, name, strlen(name));
}

static void on_malformed(void *arg, const char *why)
{
	MUST(why != NULL && why[0] != '\0');
	mix(arg, why, strlen(why));
	((struct heard *)arg)->malformed++;
}

static struct tw_bmp *decoder(struct heard *heard)
{
	const struct tw_bmp_handler handler = {
		on_wants, on_route, on_up, on_down, on_end_of_rib, on_name, on_malformed, heard};
	const struct tw_addr router = {.family = 4, .bytes = {192, 0, 2, 1}};
	struct tw_bmp *bmp = tw_bmp_create(&router, MAX_PEERS, &handler);

	*heard = (struct heard){.hash = 0xcbf29ce484222325};
	if (bmp == NULL)
		die("memory for a decoder");
	return bmp;
}

static void check_counts(const struct tw_bmp *bmp, const struct heard *heard)
{
	const struct tw_bmp_counts *counts = tw_bmp_counts(bmp);

	MUST(counts->wanted == heard->routes);
	MUST(counts->wanted <= counts->routes);
	MUST(counts->malformed == heard->malformed);
	MUST(counts->statistics + counts->skipped + counts->stray + counts->malformed +
			counts->peers_refused <=
		counts->messages);
	MUST(tw_bmp_n_peers(bmp) <= MAX_PEERS && tw_bmp_n_peers(bmp) <= heard->up);
}

/* In one piece. Returns what tw_bmp_feed() returns. */
static ssize_t hear_whole(const uint8_t *data, size_t size, struct heard *heard)
{
	struct tw_bmp *bmp = decoder(heard);
	const char *why = NULL;
	ssize_t n = tw_bmp_feed(bmp, tw_guard_lay(data, size), size, &why);

	MUST(n <= (ssize_t)size);
	MUST(n >= 0 || n == -ESHUTDOWN || (n == -EBADMSG && why != NULL));
	check_counts(bmp, heard);
	tw_bmp_free(bmp);
	return n;
}

/* In pieces whose sizes follow from the input. */
static ssize_t hear_pieces(const uint8_t *data, size_t size, struct heard *heard)
{
	struct tw_bmp *bmp = decoder(heard);
	const char *why = NULL;
	size_t from = 0, to = 0;
	ssize_t n = 0;

	while (to < size && n >= 0) {
		size_t step = 1 + (data[to] * 7u + to) % 97;

		to += step < size - to ? step : size - to;
		n = tw_bmp_feed(bmp, tw_guard_lay(data + from, to - from), to - from, &why);
		from += n > 0 ? (size_t)n : 0;
	}
	check_counts(bmp, heard);
	tw_bmp_free(bmp);
	return n < 0 ? n : (ssize_t)from;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard whole, pieces;
	ssize_t n;

	if (size > TW_GUARD_SIZE)
		return 0;
	n = hear_whole(data, size, &whole);
	MUST(hear_pieces(data, size, &pieces) == n);
	MUST(pieces.hash == whole.hash);
	return 0;
}

#ifndef TW_LIBFUZZER

/* ---- sessions to mutate ---- */

#define SESSIONS 32

static struct tw_test_wire corpus[SESSIONS];
static void make_route(struct tw_test_wire *wire, const struct tw_test_peer *peer, bool numbered)
{
	static const char *const prefixes[] = {"175.45.176.0/24", "1.0.0.0/8", "192.0.2.0/23",
		"2001:db8:1::/48", "0.0.0.0/0", "2100::/12"};
	uint32_t path[8];
	struct tw_test_route route = {
		.prefix = prefixes[random_below(6)],
		.path_id = numbered ? (int64_t)random_below(3) : -1,
		.withdrawn = random_below(4) == 0,
		.path = path,
		.n_path = random_below(8),
	};

	for (unsigned int i = 0; i < route.n_path; i++)
		path[i] = 1 + random_below(200000);
	tw_put_route(wire, peer, &route);
}

static void make_session(struct tw_test_wire *wire)
{
	static const char *const addrs[] = {"192.0.2.1", "2001:db8::1", NULL};
	const struct tw_test_open open = {
		.as4 = random_below(4) != 0,
		.ipv4 = random_below(2) != 0,
		.ipv6 = random_below(2) != 0,
		.add_path = {(uint8_t)random_below(4), (uint8_t)random_below(4)},
		.extended = random_below(4) == 0,
	};
	struct tw_test_peer peer = {.addr = addrs[random_below(3)], .asn = random_below(400000)};

	if (peer.addr == NULL)
		peer.type = TW_TEST_PEER_LOC_RIB;
	else if (random_below(4) == 0)
		peer.flags = TW_TEST_AS2;
	tw_put_initiation(wire, "edge1");
	tw_put_peer_up(wire, &peer, &open, &open);
	for (uint32_t n = random_below(8); n > 0; n--)
		make_route(wire, &peer, open.add_path[0] == 3);
	if (random_below(2) == 0)
		tw_put_end_of_rib(wire, &peer, 4);
	tw_put_end_of_rib(wire, &peer, 6);
	if (random_below(2) == 0)
		tw_put_other(wire, (uint8_t)random_below(8), &peer);
	if (random_below(2) == 0)
		tw_put_peer_down(wire, &peer, (uint8_t)(1 + random_below(6)));
	if (random_below(2) == 0)
		tw_put_termination(wire);
}

struct input {
	size_t size;
	uint8_t data[4096];
};

/* Where a message starts, following the lengths; the input's end where none does. */
static size_t random_message(const struct input *input)
{
	size_t at = 0;

	for (uint32_t n = random_below(12); n > 0 && at + 6 <= input->size; n--) {
		uint32_t length = (uint32_t)input->data[at + 3] << 8 | input->data[at + 4];

		if (at + length >= input->size)
			break;
		at += length;
	}
	return at;
}

/* Takes away or doubles octets inside a message and corrects its length, so that what is behind is still read. */
static void stretch(struct input *input)
{
	size_t start = random_message(input), length, at, n = 1 + random_below(24);
	bool grow = random_below(2) == 0;

	if (input->size < start + 6)
		return;
	length = (size_t)input->data[start + 3] << 8 | input->data[start + 4];
	at = start + 6 + random_below((uint32_t)(length > 6 ? length - 6 : 1));
	if (start + length > input->size || at + n > start + length ||
		input->size + n > sizeof(input->data))
		return;
	if (grow)
		memmove(input->data + at + n, input->data + at, input->size - at);
	else
		memmove(input->data + at, input->data + at + n, input->size - at - n);
	input->size += grow ? n : -n;
	length += grow ? n : -n;
	input->data[start + 3] = (uint8_t)(length >> 8);
	input->data[start + 4] = (uint8_t)length;
}

/* One change such as a lying, broken or malicious router makes. */
static void mutate(struct input *input)
{
	static const uint8_t octets[] = {
		0, 1, 2, 3, 4, 14, 15, 16, 17, 23, 24, 32, 33, 64, 65, 69, 127, 128, 129, 254, 255};
	const struct tw_test_wire *other = &corpus[random_below(SESSIONS)];
	size_t at, n;

	if (input->size == 0)
		return;
	at = random_below((uint32_t)input->size);
	switch (random_below(8)) {
	case 0:
		input->data[at] ^= (uint8_t)(1u << random_below(8));
		break;
	case 1:
		input->data[at] = octets[random_below(sizeof(octets))];
		break;
	case 2:
		input->data[at] = (uint8_t)(input->data[at] + random_below(9) - 4);
		break;
	case 3: /* the rest of another session */
		n = random_below((uint32_t)other->size);
		if (at + other->size - n <= sizeof(input->data)) {
			memcpy(input->data + at, other->data + n, other->size - n);
			input->size = at + other->size - n;
		}
		break;
	case 4:
		if (random_below(4) == 0)
			input->size = at;
		break;
	default:
		stretch(input);
		break;
	}
}

static void run(unsigned long count)
{
	static struct input input;

	for (unsigned long i = 0; i < count; i++) {
		const struct tw_test_wire *origin = &corpus[random_below(SESSIONS)];

		memcpy(input.data, origin->data, origin->size);
		input.size = origin->size;
		for (uint32_t n = random_below(6); n > 0; n--)
			mutate(&input);
		LLVMFuzzerTestOneInput(input.data, input.size);
	}
}

static bool replay(const char *path)
{
	static uint8_t data[TW_GUARD_SIZE];
	FILE *file = fopen(path, "rb");

	if (file == NULL) {
		fprintf(stderr, "fuzz_bmp: %s: cannot be read\n", path);
		return false;
	}
	LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof(data), file));
	fclose(file);
	return true;
}

int main(int argc, char **argv)
{
	unsigned long count;
	bool read = true;

	if (!fuzz_options(argc, argv, &count))
		return 1;
	for (int i = optind; i < argc; i++)
		read = replay(argv[i]) && read;
	for (int i = 0; i < SESSIONS; i++) {
		make_session(&corpus[i]);
		MUST(corpus[i].size <= sizeof(((struct input *)NULL)->data));
	}
	run(count);
	printf("%d sessions, %lu mutations\n", SESSIONS, count);
	return read ? 0 : 1;
}

#endif
