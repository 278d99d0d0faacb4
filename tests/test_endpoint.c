/* SPDX-License-Identifier: BSD-3-Clause */

/* lib/base: where to listen, as it is written in a configuration. */

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tw_endpoint.h"

static void must_be(const char *text, const char *host, uint16_t port, uint32_t scope)
{
	struct tw_endpoint e;
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)&e.address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&e.address;
	bool v6 = strchr(host, ':') != NULL;
	uint8_t expected[16];

	if (tw_endpoint_parse(text, &e) != 0)
		fail_msg("%s is refused", text);
	assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, host, expected), 1);
	assert_int_equal(e.address.ss_family, v6 ? AF_INET6 : AF_INET);
	assert_int_equal(e.length, v6 ? sizeof(*in6) : sizeof(*in4));
	assert_int_equal(ntohs(v6 ? in6->sin6_port : in4->sin_port), port);
	if (v6)
		assert_memory_equal(&in6->sin6_addr, expected, 16);
	else
		assert_memory_equal(&in4->sin_addr, expected, 4);
	assert_int_equal(v6 ? in6->sin6_scope_id : 0, scope);
}

static void addresses_and_ports_are_read(void **state)
{
	must_be("127.0.0.1:9817", "127.0.0.1", 9817, 0);
	must_be("0.0.0.0:0", "0.0.0.0", 0, 0);
	must_be("192.0.2.1:65535", "192.0.2.1", 65535, 0);
	must_be("192.0.2.1:080", "192.0.2.1", 80, 0);
	must_be("127.1:80", "127.0.0.1", 80, 0);
	must_be("*:80", "0.0.0.0", 80, 0);
	must_be("[::1]:9817", "::1", 9817, 0);
	must_be("[::]:0", "::", 0, 0);
	must_be("[2001:DB8::1]:65535", "2001:db8::1", 65535, 0);
	must_be("[::ffff:192.0.2.1]:1", "::ffff:192.0.2.1", 1, 0);
	/* Needless, and never refused. */
	must_be("[127.0.0.1]:80", "127.0.0.1", 80, 0);
}

static void links_are_read(void **state)
{
	char text[TW_ENDPOINT_TEXT];
	struct if_nameindex *links = if_nameindex();

	must_be("[fe80::1%7]:80", "fe80::1", 80, 7);
	for (struct if_nameindex *link = links; link != NULL && link->if_index != 0; link++) {
		snprintf(text, sizeof(text), "[fe80::1%%%s]:80", link->if_name);
		must_be(text, "fe80::1", 80, link->if_index);
	}
	if_freenameindex(links);
}

static void what_is_none_is_refused(void **state)
{
	static const char *const bad[] = {"", ":", ":80", "80", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:x", "127.0.0.1:80x", "127.0.0.1:-1", "127.0.0.1:+1",
		"127.0.0.1: 80", "127.0.0.1:80 ", " 127.0.0.1:80", "127.0.0.1:*", "127.0.0.1:http",
		"256.0.0.1:80", "1.2.3.4.5:80", "localhost:80", "localhost", "example.org:80",
		"::1:80", "::1", "[::1]", "[::1]80", "[::1:80", "::1]:80", "[]:80", "[:80", "]:80",
		"[[::1]]:80", "[*]:80", "[localhost]:80", "[::1]:80:90",
		"[fe80::1%nowhere-at-all]:80", "fe80::1%1:80", "[fe80::1%]:80", "127.0.0.1%1:80",
		"[1111:2222:3333:4444:5555:6666:7777:8888%1111111111111111111111111111111111111111"
		"1]:80"};
	static const char *const beyond[] = {
		"127.0.0.1:65536", "[::1]:65536", "127.0.0.1:99999999999999999999999"};
	struct tw_endpoint e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (tw_endpoint_parse(bad[i], &e) != -EINVAL)
			fail_msg("\"%s\" is taken", bad[i]);
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++)
		if (tw_endpoint_parse(beyond[i], &e) != -ERANGE)
			fail_msg("\"%s\" is taken, or is no address", beyond[i]);
}

static void refusals_say_key_value_and_remedy(void **state)
{
	struct tw_diag diag = {0};
	struct tw_endpoint e;

	assert_int_equal(tw_endpoint_read("bmp.listen", "[::1]:0", 11019, &e, &diag), 0);
	assert_int_equal(diag.n_lines, 0);
	assert_int_equal(tw_endpoint_read("bmp.listen", "::1:80", 11019, &e, &diag), -EINVAL);
	assert_int_equal(
		tw_endpoint_read("http.listen", "127.0.0.1:65536", 9817, &e, &diag), -ERANGE);
	assert_int_equal(diag.n_lines, 2);
	assert_string_equal(diag.lines[0],
		"bmp.listen: ::1:80: no address and port: write 127.0.0.1:11019 or [::1]:11019");
	assert_string_equal(
		diag.lines[1], "http.listen: 127.0.0.1:65536: no port: write one from 0 to 65535");
	tw_diag_free(&diag);
}

static void a_socket_says_where_it_is(void **state)
{
	static const char *const hosts[] = {"127.0.0.1", "[::1]"};
	char text[TW_ENDPOINT_TEXT], again[TW_ENDPOINT_TEXT];

	for (size_t i = 0; i < 2; i++) {
		struct tw_endpoint e;
		int fd;

		snprintf(text, sizeof(text), "%s:0", hosts[i]);
		assert_int_equal(tw_endpoint_parse(text, &e), 0);
		fd = socket(e.address.ss_family, SOCK_STREAM, 0);
		if (fd < 0 || bind(fd, (const struct sockaddr *)&e.address, e.length) != 0) {
			print_message("%s: skipped: there is no such address here\n", hosts[i]);
			close(fd);
			continue;
		}
		assert_ptr_equal(tw_endpoint_of(fd, text), text);
		close(fd);
		assert_int_equal(tw_endpoint_parse(text, &e), 0);
		assert_int_equal(strncmp(text, hosts[i], strlen(hosts[i])), 0);
		snprintf(again, sizeof(again), "%s:%u", hosts[i],
			ntohs(((const struct sockaddr_in *)&e.address)->sin_port));
		assert_string_equal(text, again);
	}
	assert_string_equal(tw_endpoint_of(-1, text), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_ports_are_read),
		cmocka_unit_test(links_are_read),
		cmocka_unit_test(what_is_none_is_refused),
		cmocka_unit_test(refusals_say_key_value_and_remedy),
		cmocka_unit_test(a_socket_says_where_it_is),
	};

	return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
