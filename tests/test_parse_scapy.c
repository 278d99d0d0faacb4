/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The parser against packets that gen_packets.py wrote, each with the answers that its making dictates.
 *
 *     test_parse_scapy FILE...        FILE.pcap and FILE.expect; the latter's format is told in gen_packets.py
 *
 * Whole, a packet must give its answer for every set of tunnels to take off. Cut at every octet by the snaplen
 * it must give the same, ports excepted, once the addresses are there, and short_capture before. Cut at every
 * octet by the frame it must not be counted as IP, unless all that was cut is padding.
 */

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tw_guard.h"
#include "tw_parse_both.h"
#include "tw_test_pcap.h"

#define ANSWERS_MAX 12
#define REPORTS_MAX 20

struct answer {
	char name[256];
	uint32_t masks; /* bit m: holds where decapsulate is m */
	enum tw_verdict verdict;
	struct tw_packet packet;
	uint32_t
		addresses; /* offsets behind the addresses, the extension headers, the ports, the padding's start */
	uint32_t chain;
	uint32_t ports;
	uint32_t end;
};

/* A packet and all its answers. */
struct sample {
	const char *file;
	unsigned long number;
	uint8_t link_type;
	uint8_t *data;
	uint32_t length;
	struct answer answers[ANSWERS_MAX];
	unsigned int n_answers;
};

static struct {
	unsigned long packets, parses, failures, reports;
} total;

static const char *verdict_name(enum tw_verdict verdict, const struct tw_packet *packet)
{
	return verdict == TW_VERDICT_IP       ? "ip"
	       : verdict == TW_VERDICT_NOT_IP ? "not_ip"
					      : tw_malformed_name(packet->malformed);
}

static void fail(const struct sample *sample, unsigned int mask, const char *cut, uint32_t k,
	const char *what, const char *got)
{
	static const char *file;
	static unsigned long number;

	/* One report a packet: a wrong octet fails at many cuts. */
	if (total.failures++ != 0 && file == sample->file && number == sample->number)
		return;
	file = sample->file;
	number = sample->number;
	if (total.reports++ >= REPORTS_MAX)
		return;
	fprintf(stderr,
		"%s packet %lu (%s), decapsulate %u, %s %" PRIu32 " of %" PRIu32
		": expected %s, got %s\n  ",
		sample->file, sample->number, sample->answers[0].name, mask, cut, k, sample->length,
		what, got);
	for (uint32_t i = 0; i < sample->length; i++)
		fprintf(stderr, "%02x", sample->data[i]);
	fprintf(stderr, "\n");
}

/* Parses the first `captured` octets, laid where the octet behind them cannot be read. */
static enum tw_verdict parse(const struct sample *sample, unsigned int mask, uint32_t captured,
	uint32_t length, struct tw_packet *packet)
{
	struct tw_frame frame = {
		.data = tw_guard_lay(sample->data, captured),
		.captured = captured,
		.length = length,
		.port = 7,
		.link_type = sample->link_type,
		.vlan_stripped = TW_VLAN_NONE,
	};

	total.parses++;
	memset(packet, 0xa5, sizeof(*packet));
	return tw_parse_both(&frame, mask, packet);
}

static bool same_addresses(const struct tw_packet *a, const struct tw_packet *b)
{
	if (a->version != b->version || a->bytes != b->bytes)
		return false;
	return a->version == 4 ? memcmp(a->ip4, b->ip4, sizeof(a->ip4)) == 0
			       : memcmp(a->ip6, b->ip6, sizeof(a->ip6)) == 0;
}

static bool same_link(const struct tw_link *a, const struct tw_link *b)
{
	return a->mac_src == b->mac_src && a->mac_dst == b->mac_dst && a->port == b->port &&
	       memcmp(a->vlan, b->vlan, sizeof(a->vlan)) == 0;
}

static bool no_ports(const struct tw_transport *transport)
{
	return transport->port_src == 0 && transport->port_dst == 0;
}

static bool same_transport(const struct tw_transport *a, const struct tw_transport *b)
{
	return a->port_src == b->port_src && a->port_dst == b->port_dst &&
	       a->protocol == b->protocol && a->flags == b->flags;
}

static bool same(const struct tw_packet *a, const struct tw_packet *b)
{
	return same_addresses(a, b) && same_link(&a->link, &b->link) &&
	       same_transport(&a->transport, &b->transport);
}

static void check_whole(const struct sample *sample, const struct answer *answer, unsigned int mask)
{
	struct tw_packet packet;
	enum tw_verdict verdict = parse(sample, mask, sample->length, sample->length, &packet);
	const struct tw_packet *want = &answer->packet;
	char text[160];

	if (verdict != answer->verdict) {
		fail(sample, mask, "captured", sample->length, verdict_name(answer->verdict, want),
			verdict_name(verdict, &packet));
	} else if (verdict == TW_VERDICT_IP && !same(&packet, want)) {
		snprintf(text, sizeof(text),
			"addresses and bytes %s (%u, %u), link %s (vlan %u), transport %s (%u: %u "
			"%u)",
			same_addresses(&packet, want) ? "right" : "WRONG", packet.version,
			packet.bytes, same_link(&packet.link, &want->link) ? "right" : "WRONG",
			packet.link.vlan[0],
			same_transport(&packet.transport, &want->transport) ? "right" : "WRONG",
			packet.transport.protocol, packet.transport.port_src,
			packet.transport.port_dst);
		fail(sample, mask, "captured", sample->length, "all fields as built", text);
	}
}

/* With the addresses captured: everything but what lies behind the cut. */
static bool right_when_cut(const struct answer *answer, const struct tw_packet *got, uint32_t k)
{
	const struct tw_packet *want = &answer->packet;

	if (!same_addresses(got, want) || !same_link(&got->link, &want->link))
		return false;
	if (k >= answer->ports)
		return same_transport(&got->transport, &want->transport);
	if (k >= answer->chain && (got->transport.protocol != want->transport.protocol ||
					  got->transport.flags != want->transport.flags))
		return false;
	return no_ports(&got->transport);
}

/*
 * What would tell a tunnel from an ordinary packet may itself be cut off, extension headers or the rest of a UDP
 * header: then the outer header counts.
 */
static bool outer_counts(const struct sample *sample, const struct answer *inner,
	const struct tw_packet *got, uint32_t k)
{
	for (unsigned int i = 0; i < sample->n_answers; i++) {
		const struct answer *outer = &sample->answers[i];
		bool udp = outer->packet.transport.protocol == 17;
		uint32_t told = udp ? outer->ports + 4 : outer->chain;

		if (outer->verdict != TW_VERDICT_IP || outer == inner)
			continue;
		if (inner->verdict == TW_VERDICT_IP && inner->addresses < outer->addresses)
			continue;
		if (k >= outer->addresses && k < told && right_when_cut(outer, got, k))
			return true;
	}
	return false;
}

/* GRE whose own header is cut may or may not be of a kind to take off: either reading is right. */
static bool gre_untold(const struct answer *answer, unsigned int mask, uint32_t k)
{
	return answer->packet.transport.protocol == 47 &&
	       (mask & (TW_DECAP_GRE | TW_DECAP_ERSPAN)) != 0 && k < answer->ports + 4;
}

static void check_snaplen(
	const struct sample *sample, const struct answer *answer, unsigned int mask)
{
	for (uint32_t k = 0; k < sample->length; k++) {
		struct tw_packet packet;
		enum tw_verdict verdict = parse(sample, mask, k, sample->length, &packet);
		bool short_capture =
			verdict == TW_VERDICT_MALFORMED && packet.malformed == TW_BAD_SHORT_CAPTURE;
		bool right;

		if (verdict == TW_VERDICT_IP && outer_counts(sample, answer, &packet, k))
			continue;
		if (answer->verdict != TW_VERDICT_IP)
			right = verdict == answer->verdict || short_capture;
		else if (k < answer->addresses)
			right = short_capture;
		else
			right = (verdict == TW_VERDICT_IP && right_when_cut(answer, &packet, k)) ||
				(short_capture && gre_untold(answer, mask, k));
		if (!right)
			fail(sample, mask, "captured", k,
				answer->verdict != TW_VERDICT_IP ? "not_ip or short_capture"
				: k < answer->addresses          ? "short_capture"
								 : "ip with all that was captured",
				verdict_name(verdict, &packet));
	}
}

static void check_frame(const struct sample *sample, const struct answer *answer, unsigned int mask)
{
	for (uint32_t k = 0; k < sample->length; k++) {
		struct tw_packet packet;
		enum tw_verdict verdict = parse(sample, mask, k, k, &packet);
		bool right;

		if (k < answer->end || answer->verdict != TW_VERDICT_IP)
			right = verdict == TW_VERDICT_NOT_IP ||
				(verdict == TW_VERDICT_MALFORMED &&
					packet.malformed != TW_BAD_SHORT_CAPTURE);
		else
			right = verdict == TW_VERDICT_IP && same(&packet, &answer->packet);
		if (!right)
			fail(sample, mask, "frame cut to", k,
				k < answer->end ? "malformed or not_ip"
						: "the same answer without padding",
				verdict_name(verdict, &packet));
	}
}

static void check(const struct sample *sample)
{
	uint32_t covered = 0;

	for (unsigned int i = 0; i < sample->n_answers; i++) {
		const struct answer *answer = &sample->answers[i];
		unsigned int first;

		if (answer->masks == 0)
			continue;
		first = (unsigned int)__builtin_ctz(answer->masks);
		for (unsigned int mask = 0; mask < 32; mask++)
			if (answer->masks & (1u << mask))
				check_whole(sample, answer, mask);
		check_snaplen(sample, answer, first);
		check_frame(sample, answer, first);
		covered |= answer->masks;
	}
	if (covered != UINT32_MAX)
		fail(sample, 0, "masks", covered, "an answer for every mask",
			"a gap in the expectations");
	total.packets++;
}

/* Reads an `ip` line behind its name. Returns false where it is not one. */
static bool read_answer(const char *line, struct answer *answer)
{
	char src[64], dst[64];
	struct tw_packet *packet = &answer->packet;
	uint16_t *vlan = packet->link.vlan;
	unsigned int version, protocol, flags;

	if (sscanf(line,
		    "%u %" SCNu32 " %63s %63s %u %" SCNu16 " %" SCNu16 " %u %" SCNu64 " %" SCNu64
		    " %" SCNu16 ",%" SCNu16 ",%" SCNu16 ",%" SCNu16 " %" SCNu32 " %" SCNu32
		    " %" SCNu32 " %" SCNu32,
		    &version, &packet->bytes, src, dst, &protocol, &packet->transport.port_src,
		    &packet->transport.port_dst, &flags, &packet->link.mac_src,
		    &packet->link.mac_dst, &vlan[0], &vlan[1], &vlan[2], &vlan[3],
		    &answer->addresses, &answer->chain, &answer->ports, &answer->end) != 18)
		return false;
	packet->version = (uint8_t)version;
	packet->transport.protocol = (uint8_t)protocol;
	packet->transport.flags = (uint8_t)flags;
	packet->link.port = 7;
	if (version == 6)
		return inet_pton(AF_INET6, src, packet->ip6[0]) == 1 &&
		       inet_pton(AF_INET6, dst, packet->ip6[1]) == 1;
	if (inet_pton(AF_INET, src, &packet->ip4[0]) != 1 ||
		inet_pton(AF_INET, dst, &packet->ip4[1]) != 1)
		return false;
	packet->ip4[0] = ntohl(packet->ip4[0]);
	packet->ip4[1] = ntohl(packet->ip4[1]);
	return true;
}

static bool read_line(const char *line, unsigned long *number, struct answer *answer)
{
	char verdict[16];
	int at;

	memset(answer, 0, sizeof(*answer));
	if (sscanf(line, "%lu %" SCNx32 " %15s %255s %n", number, &answer->masks, verdict,
		    answer->name, &at) != 4)
		return false;
	if (strcmp(verdict, "ip") == 0)
		return read_answer(line + at, answer);
	answer->verdict = TW_VERDICT_NOT_IP;
	return strcmp(verdict, "not_ip") == 0 && sscanf(line + at, "%" SCNu32, &answer->end) == 1;
}

/* Every packet of a capture has its lines in the expectations, in the same order. */
static int run(FILE *pcap, FILE *expect, struct sample *sample)
{
	char line[1024];
	unsigned long number = 0;
	bool more;
	int type = tw_test_pcap_start(pcap);

	if (type < 0)
		return -1;
	sample->link_type = (uint8_t)type;
	more = fgets(line, sizeof(line), expect) != NULL;
	for (sample->number = 0;
		tw_test_pcap_next(pcap, sample->data, TW_GUARD_SIZE, &sample->length);
		sample->number++) {
		sample->n_answers = 0;
		while (more && sample->n_answers < ANSWERS_MAX) {
			if (!read_line(line, &number, &sample->answers[sample->n_answers]))
				return -1;
			if (number != sample->number)
				break;
			sample->n_answers++;
			more = fgets(line, sizeof(line), expect) != NULL;
		}
		check(sample);
	}
	return more || sample->number == 0 ? -1 : 0;
}

static int run_file(const char *base, struct sample *sample)
{
	char path[4096];
	FILE *pcap, *expect;
	int err = -1;

	sample->file = base;
	snprintf(path, sizeof(path), "%s.pcap", base);
	pcap = fopen(path, "rb");
	snprintf(path, sizeof(path), "%s.expect", base);
	expect = fopen(path, "r");
	if (pcap != NULL && expect != NULL)
		err = run(pcap, expect, sample);
	if (err != 0)
		fprintf(stderr, "%s: no capture with its expectations: run gen_packets.py again\n",
			base);
	if (expect != NULL)
		fclose(expect);
	if (pcap != NULL)
		fclose(pcap);
	return err;
}

int main(int argc, char **argv)
{
	static struct sample sample;
	int err = argc < 2 ? -1 : 0;

	sample.data = malloc(TW_GUARD_SIZE);
	if (sample.data == NULL)
		return 1;
	for (int i = 1; i < argc; i++)
		if (run_file(argv[i], &sample) != 0)
			err = -1;
	free(sample.data);
	printf("%lu packets, %lu parses, %lu failures\n", total.packets, total.parses,
		total.failures);
	return err != 0 || total.failures != 0 || total.packets == 0;
}
