/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Fuzz target of the parser. An input is three octets and a frame:
 *
 *     link type | decapsulate | octets that a snaplen cut off, in units of 1 below 128, of 1024 above | frame...
 *
 * With libFuzzer: clang -fsanitize=fuzzer,address -DTW_LIBFUZZER tests/fuzz_parse.c lib/packet/{tw_parse,tw_parse_tunnel,tw_burst,tw_burst_parse}.c
 *
 * Without it, a program that mutates captures of gen_packets.py, the same way each time for one seed, and
 * replays inputs that once failed:
 *
 *     fuzz_parse [-n COUNT] [-s SEED] FILE...        FILE.pcap: frames to mutate; any other: an input
 */

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tw_guard.h"
#include "tw_parse_both.h"
#include "tw_test_pcap.h"
#include "tw_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) ((condition) ? (void)0 : die(#condition))

static void die(const char *condition)
{
	fprintf(stderr, "fuzz_parse: does not hold: %s\n", condition);
	abort();
}

static void check_packet(const struct tw_frame *frame, const struct tw_packet *packet)
{
	bool tagged = true;

	MUST(packet->version == 4 || packet->version == 6);
	MUST(packet->bytes >= (packet->version == 4 ? 20 : 40) && packet->bytes <= frame->length);
	MUST(packet->link.mac_src >> 48 == 0 || packet->link.mac_src == TW_MAC_NONE);
	MUST(packet->link.mac_dst >> 48 == 0 || packet->link.mac_dst == TW_MAC_NONE);
	MUST(packet->link.port == frame->port);
	for (int i = 0; i < TW_VLAN_MAX; i++) {
		MUST(packet->link.vlan[i] < 4096 || packet->link.vlan[i] == TW_VLAN_NONE);
		MUST(tagged || packet->link.vlan[i] == TW_VLAN_NONE);
		tagged = packet->link.vlan[i] != TW_VLAN_NONE;
	}
	MUST((packet->transport.flags & ~TW_PACKET_NO_FLOW) == 0);
	MUST(packet->transport.flags == 0 ||
		(packet->transport.port_src == 0 && packet->transport.port_dst == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tw_frame frame = {.port = 1, .vlan_stripped = TW_VLAN_NONE};
	struct tw_packet packet;

	if (size < 3 || size - 3 > TW_GUARD_SIZE)
		return 0;
	frame.link_type = data[0];
	frame.captured = (uint32_t)(size - 3);
	frame.length = frame.captured + (data[2] & 0x7fu) * (data[2] & 0x80 ? 1024 : 1);
	frame.data = tw_guard_lay(data + 3, frame.captured);
	memset(&packet, 0xa5, sizeof(packet));
	switch (tw_parse_both(&frame, data[1], &packet)) {
	case TW_VERDICT_IP:
		check_packet(&frame, &packet);
		break;
	case TW_VERDICT_MALFORMED:
		MUST(packet.malformed < TW_BAD_MAX);
		MUST(packet.malformed != TW_BAD_SHORT_CAPTURE || frame.captured < frame.length);
		break;
	case TW_VERDICT_NOT_IP:
		break;
	default:
		die("a verdict of enum tw_verdict");
	}
	return 0;
}

#ifndef TW_LIBFUZZER

#define INPUT_MAX 4096

struct input {
	uint32_t size;
	uint8_t data[INPUT_MAX];
};

static struct {
	struct input **inputs;
	size_t n, capacity;
} corpus;

static void add(uint8_t link_type, const uint8_t *frame, uint32_t length)
{
	struct input *input = malloc(offsetof(struct input, data) + length + 3);

	if (corpus.n == corpus.capacity) {
		corpus.capacity = corpus.capacity ? 2 * corpus.capacity : 1024;
		corpus.inputs = realloc(corpus.inputs, corpus.capacity * sizeof(struct input *));
	}
	if (input == NULL || corpus.inputs == NULL)
		die("memory for the corpus");
	input->size = length + 3;
	input->data[0] = link_type;
	input->data[1] = 0;
	input->data[2] = 0;
	memcpy(input->data + 3, frame, length);
	corpus.inputs[corpus.n++] = input;
}

static bool read_capture(FILE *file)
{
	uint8_t frame[INPUT_MAX - 3];
	uint32_t length;
	int link_type = tw_test_pcap_start(file);

	if (link_type < 0)
		return false;
	while (tw_test_pcap_next(file, frame, sizeof(frame), &length))
		add((uint8_t)link_type, frame, length);
	return true;
}

static bool read_file(const char *path)
{
	static uint8_t data[INPUT_MAX];
	const char *dot = strrchr(path, '.');
	FILE *file = fopen(path, "rb");
	bool read = file != NULL;

	if (read && dot != NULL && strcmp(dot, ".pcap") == 0)
		read = read_capture(file);
	else if (read)
		LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof(data), file));
	if (!read)
		fprintf(stderr, "fuzz_parse: %s: cannot read it as a capture or an input\n", path);
	if (file != NULL)
		fclose(file);
	return read;
}

/* Moves the input's end from `at` on by `by` octets; false where that has no room. */
static bool shift(struct input *input, uint32_t at, int by)
{
	uint32_t rest = input->size - at;

	if ((by < 0 && (uint32_t)-by > rest) ||
		input->size + (uint32_t)(by < 0 ? 0 : by) > INPUT_MAX)
		return false;
	if (by < 0)
		memmove(input->data + at, input->data + at - by, rest + (uint32_t)by);
	else
		memmove(input->data + at + by, input->data + at, rest);
	input->size = (uint32_t)((int)input->size + by);
	return true;
}

/* One change such as a lying, broken or malicious sender makes. */
static void mutate(struct input *input)
{
	static const uint16_t numbers[] = {0, 1, 4, 5, 19, 20, 40, 255, 0x0800, 0x86dd, 0x8100,
		0x88a8, 0x8847, 0x8864, 0x88be, 0x22eb, 0x6558, 2152, 4789, 0x7fff, 0x8000, 0xffff};
	static const uint8_t octets[] = {
		0, 1, 4, 17, 41, 43, 44, 47, 51, 60, 135, 0x40, 0x45, 0x4f, 0x60, 0x7f, 0x80, 0xff};
	const struct input *other = corpus.inputs[random_below((uint32_t)corpus.n)];
	uint32_t at = 3 + random_below(input->size - 2), n = 1 + random_below(40);

	if (at >= input->size)
		return;
	switch (random_below(8)) {
	case 0:
		input->data[at] ^= (uint8_t)(1u << random_below(8));
		break;
	case 1:
		input->data[at] = octets[random_below(sizeof(octets))];
		break;
	case 2:
		if (at + 1 < input->size) {
			uint16_t number =
				numbers[random_below(sizeof(numbers) / sizeof(numbers[0]))];

			input->data[at] = (uint8_t)(number >> 8);
			input->data[at + 1] = (uint8_t)number;
		}
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
	case 6: /* the rest of another frame */
		if (at < other->size) {
			memcpy(input->data + at, other->data + at, other->size - at);
			input->size = other->size;
		}
		break;
	case 7:
		input->size = at;
		break;
	}
}

static void run(unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		const struct input *origin = corpus.inputs[random_below((uint32_t)corpus.n)];
		static struct input input;

		memcpy(&input, origin, offsetof(struct input, data) + origin->size);
		if (random_below(16) == 0)
			input.data[0] = (uint8_t)random_below(TW_LINK_PPPOE + 2);
		input.data[1] = (uint8_t)random_below(32);
		if (random_below(4) == 0)
			input.data[2] = (uint8_t)random_below(256);
		for (uint32_t n = random_below(5); n > 0; n--)
			mutate(&input);
		LLVMFuzzerTestOneInput(input.data, input.size);
	}
}

int main(int argc, char **argv)
{
	unsigned long count;
	bool read = argc > 1;

	if (!fuzz_options(argc, argv, &count))
		return 1;
	for (int i = optind; i < argc; i++)
		read = read_file(argv[i]) && read;
	if (corpus.n > 0)
		run(count);
	printf("%zu frames, %lu mutations\n", corpus.n, corpus.n > 0 ? count : 0);
	for (size_t i = 0; i < corpus.n; i++)
		free(corpus.inputs[i]);
	free(corpus.inputs);
	return read ? 0 : 1;
}

#endif
