/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef TW_TEST_PARSE_H
#define TW_TEST_PARSE_H

/*
 * The parser's hand-made frames: hexadecimal text, one header a line, blanks ignored. Each is laid against
 * memory that cannot be read. Settings last for one test; the last packet parsed is in `packet`.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tw_guard.h"
#include "tw_parse_both.h"

#define MACS       "020000000002 020000000001 "
#define ETH(type)  MACS type " "
#define ADDRESSES4 "c0000201 c6336402 "
#define ADDRESSES6 "20010db8000000000000000000000001 20010db8000000000000000000000002 "
/* 28 octets: IPv4, UDP without data */
#define UDP                         "1234 0035 0008 0000 "
#define IP4_HEADER(total, protocol) "45 00 " total " 0000 0000 40 " protocol " 0000 " ADDRESSES4
#define IP4_UDP                     IP4_HEADER("001c", "11") UDP
/* 48 octets: IPv6, UDP without data */
#define IP6_HEADER(payload, next) "60000000 " payload " " next " 40 " ADDRESSES6
#define IP6_UDP                   IP6_HEADER("0008", "11") UDP
#define TCP                       "1234 0050 00000001 00000000 5002 2000 0000 0000 "

static struct tw_packet packet;
static uint8_t link_type = TW_LINK_ETHERNET;
static uint16_t vlan_stripped = TW_VLAN_NONE;
static unsigned int decapsulate;

static inline size_t unhex(const char *text, uint8_t *out, size_t size)
{
	size_t n = 0;
	int digits = 0;

	for (; *text != '\0'; text++) {
		unsigned int value;

		if (*text == ' ')
			continue;
		value = (unsigned int)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
		assert_true(n < size && value < 16);
		out[n] = (uint8_t)(digits++ % 2 == 0 ? value << 4 : out[n] | value);
		n += digits % 2 == 0;
	}
	assert_int_equal(digits % 2, 0);
	return n;
}

/* Parses `captured` octets of a frame that was `length` long. */
static inline enum tw_verdict parse_bytes(const uint8_t *data, uint32_t captured, uint32_t length)
{
	struct tw_frame frame = {
		.data = tw_guard_lay(data, captured),
		.captured = captured,
		.length = length,
		.port = 3,
		.link_type = link_type,
		.vlan_stripped = vlan_stripped,
	};

	memset(&packet, 0xa5, sizeof(packet));
	return tw_parse_both(&frame, decapsulate, &packet);
}

static inline enum tw_verdict parse(const char *text)
{
	uint8_t data[4096];
	uint32_t n = (uint32_t)unhex(text, data, sizeof(data));

	return parse_bytes(data, n, n);
}

static inline enum tw_verdict parse_cut(const char *text, uint32_t captured)
{
	uint8_t data[4096];
	uint32_t n = (uint32_t)unhex(text, data, sizeof(data));

	assert_true(captured <= n);
	return parse_bytes(data, captured, n);
}

static inline void expect_ip(const char *text, uint8_t version, uint32_t bytes)
{
	assert_int_equal(parse(text), TW_VERDICT_IP);
	assert_int_equal(packet.version, version);
	assert_int_equal(packet.bytes, bytes);
	if (version == 4) {
		assert_int_equal(packet.ip4[0], 0xc0000201);
		assert_int_equal(packet.ip4[1], 0xc6336402);
	} else {
		assert_int_equal(packet.ip6[0][15], 1);
		assert_int_equal(packet.ip6[1][15], 2);
	}
}

static inline void expect_bad(const char *text, enum tw_malformed reason)
{
	assert_int_equal(parse(text), TW_VERDICT_MALFORMED);
	assert_string_equal(tw_malformed_name(packet.malformed), tw_malformed_name(reason));
}

static inline void expect_not_ip(const char *text)
{
	assert_int_equal(parse(text), TW_VERDICT_NOT_IP);
}

static inline int reset(void **state)
{
	(void)state;
	link_type = TW_LINK_ETHERNET;
	vlan_stripped = TW_VLAN_NONE;
	decapsulate = 0;
	return 0;
}

#define CASE(name) cmocka_unit_test_setup(name, reset)

#endif
