/* SPDX-License-Identifier: Apache-2.0 */
/* Which end of a message between sockets that are not connected is the client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "record_make.h"

static struct made_record rec;
static struct arena arena;
static struct decoder decoder;

static struct event decode(void)
{
	struct event ev;

	arena_reset(&arena);
	assert_int_equal(decode_record(&decoder, rec.bytes, rec.len, &arena, &ev), 0);
	return ev;
}

/* A message that port `local` got from, or sent to, port `remote`. */
static enum sock_role role(uint16_t code, uint16_t local, uint16_t remote, bool is_bound)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(remote)};
	struct fact_sock f = {.family = AF_INET,
		.type = SOCK_DGRAM,
		.proto = IPPROTO_UDP,
		.lport = local,
		.is_bound = is_bound,
		.laddr = {127, 0, 0, 1}};

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	record_begin(&rec, code, 1);
	record_fact(&rec, FACT_SOCK, &f, sizeof(f));
	record_fact(&rec, FACT_ADDR, &in, sizeof(in));
	struct event ev = decode();
	assert_int_equal(ev.fd.sock.remote_port, remote);
	return ev.fd.sock.role;
}

static void test_datagrams(void **state)
{
	assert_int_equal(role(EV_SENDTO, 40000, 53, false), ROLE_CLIENT);
	assert_int_equal(role(EV_RECVFROM, 40000, 53, false), ROLE_CLIENT);
	assert_int_equal(role(EV_RECVFROM, 53, 40000, true), ROLE_SERVER);
	/* both as high: the one that chose its port serves */
	assert_int_equal(role(EV_RECVFROM, 40000, 50000, true), ROLE_SERVER);
	assert_int_equal(role(EV_RECVMSG, 50000, 40000, false), ROLE_CLIENT);
	/* a client that bound a high port of its own */
	assert_int_equal(role(EV_RECVFROM, 40000, 53, true), ROLE_CLIENT);
}

static int set_up(void **state)
{
	arena_init(&arena, 1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	arena_done(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_datagrams)};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
