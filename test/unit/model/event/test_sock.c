/* SPDX-License-Identifier: Apache-2.0 */
/* Which end is which, and the names of descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "make_event.h"

static struct event_sock pair_of(uint8_t role)
{
	return (struct event_sock){.role = role,
		.has_local = true,
		.has_remote = true,
		.local = {10, 0, 0, 1},
		.local_port = 1111,
		.remote = {10, 0, 0, 2},
		.remote_port = 2222};
}

static void test_ends(void **state)
{
	struct event_sock s = pair_of(ROLE_CLIENT);
	struct sock_ends e = event_sock_ends(&s);

	assert_ptr_equal(e.client_ip, s.local);
	assert_int_equal(e.server_port, 2222);
	s = pair_of(ROLE_SERVER);
	e = event_sock_ends(&s);
	assert_ptr_equal(e.client_ip, s.remote);
	assert_ptr_equal(e.server_ip, s.local);
	assert_int_equal(e.client_port, 2222);
	s = pair_of(ROLE_NONE); /* not known: the local end speaks first */
	e = event_sock_ends(&s);
	assert_ptr_equal(e.client_ip, s.local);
	s.has_remote = false; /* bound or listening */
	e = event_sock_ends(&s);
	assert_false(e.has_client);
	assert_null(e.client_ip);
	assert_int_equal(e.client_port, 0);
	assert_ptr_equal(e.server_ip, s.local);
	s = (struct event_sock){0};
	e = event_sock_ends(&s);
	assert_false(e.has_client || e.has_server);
	assert_null(e.server_ip);
}

static void test_names(void **state)
{
	struct buf b = BUF_INIT(512);
	struct event ev = {.has_fd = true};

	ev.fd.type = FD_IPV4;
	ev.fd.sock = pair_of(ROLE_SERVER);
	event_fd_name_format(&ev, STR_NULL, &b);
	assert_buf(&b, "10.0.0.2:2222->10.0.0.1:1111"); /* client first */
	ev.fd.sock.has_remote = false;
	event_fd_name_format(&ev, STR_NULL, &b);
	assert_buf(&b, "10.0.0.1:1111");
	ev.fd.sock = (struct event_sock){0};
	event_fd_name_format(&ev, STR_NULL, &b);
	assert_buf(&b, "");
	ev.fd.sock = (struct event_sock){
		.role = ROLE_CLIENT, .has_remote = true, .remote = {8, 8, 8, 8}, .remote_port = 53};
	event_fd_name_format(&ev, STR_NULL, &b);
	assert_buf(&b, "0.0.0.0:0->8.8.8.8:53");
	ev.fd.type = FD_UNIX;
	ev.fd.sock.unix_path = STR("/run/docker.sock");
	event_fd_name_format(&ev, STR_NULL, &b);
	assert_buf(&b, "/run/docker.sock");
	ev.fd.type = FD_FILE;
	event_fd_name_format(&ev, STR("/etc/shadow"), &b);
	assert_buf(&b, "/etc/shadow");
	ev.fd.type = FD_MEMFD;
	ev.fd.other_name = STR("memfd:x");
	event_fd_name_format(&ev, STR_NULL, &b);
	assert_buf(&b, "memfd:x");
	buf_done(&b);
}

static void test_ipv6(void **state)
{
	struct buf b = BUF_INIT(512);
	struct event ev = {.has_fd = true};
	struct event_sock *s = &ev.fd.sock;

	ev.fd.type = FD_IPV6;
	*s = (struct event_sock){.role = ROLE_CLIENT,
		.has_local = true,
		.has_remote = true,
		.local = {[15] = 1},
		.local_port = 5,
		.remote = {0xfe, 0x80, [15] = 2},
		.remote_port = 6};
	event_fd_name_format(&ev, STR_NULL, &b);
	assert_buf(&b, "::1:5->fe80::2:6");
	memcpy(s->local, (uint8_t[]){[10] = 255, 255, 1, 2, 3, 4}, 16);
	event_fd_name_format(&ev, STR_NULL, &b);
	assert_buf(&b, "::ffff:1.2.3.4:5->fe80::2:6"); /* one end mapped: both stay IPv6 */
	memcpy(s->remote, (uint8_t[]){[10] = 255, 255, 5, 6, 7, 8}, 16);
	event_fd_name_format(&ev, STR_NULL, &b);
	assert_buf(&b, "1.2.3.4:5->5.6.7.8:6");
	ip_format((uint8_t[]){192, 168, 0, 1}, false, &b);
	assert_buf(&b, "192.168.0.1");
	ip_format((uint8_t[16]){0x20, 1, 0xd, 0xb8}, true, &b);
	assert_buf(&b, "2001:db8::");
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
