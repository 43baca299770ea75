/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of sockets that can be left to the kernel (engine/rules/project.c): where one is dull, no
 * rule may match another that differs in nothing by which the sensor tells them (bpf/
 * verdict_sock.h): other descriptor, other port of this end and, where it is dull whoever calls,
 * other process. Invented conditions and calls from few values, so that they meet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>

#include "invent.h"

/* What the key of a connect decides, and what it does not. */
static const char *const connect_leaves[] = {
	"fd.typechar = 4",
	"fd.typechar in (4, 6)",
	"fd.type = ipv6",
	"fd.l4proto = tcp",
	"fd.l4proto != udp",
	"fd.sip = 10.0.0.1",
	"fd.sip in (10.0.0.1, 127.0.0.1)",
	"fd.rip != 127.0.0.1",
	"fd.ip = 10.0.0.1",
	"fd.ip != 10.0.0.2",
	"fd.net != 127.0.0.0/8",
	"fd.snet in (10.0.0.0/8, 127.0.0.0/8)",
	"fd.cnet in (10.0.0.0/8)",
	"fd.lip = 10.0.0.2",
	"fd.cip exists",
	"fd.sport = 443",
	"fd.rport in (80, 443)",
	"fd.sport > 100",
	"fd.sproto = \"443\"",
	"fd.connected = true",
	"fd.is_server = false",
	"fd.num >= 0",
	"evt.rawres = 0",
	"evt.rawres >= 0",
	"evt.res = EINPROGRESS",
	"evt.failed = true",
	"evt.arg.res = ECONNREFUSED",
	"evt.num = 0",
	"fd.sip.name = \"host.example\"",
	"fd.port = 443",
	"fd.cport = 40000",
	"fd.lport != 40001",
	"fd.cport < 40000",
	"fd.name contains 40001",
	"fd.name endswith :443",
	"fd.num = 3",
	"fd.cproto = \"40000\"",
	"proc.name = curl",
	"proc.name in (cat, wget)",
	"proc.exepath startswith /usr/",
	"proc.cmdline contains curl",
	"proc.pid = 7",
	"evt.args contains 40000",
	"fd.sport = fd.cport",
};

static const char *const socket_leaves[] = {
	"evt.arg.domain contains AF_INET",
	"evt.arg.domain = AF_PACKET",
	"evt.rawarg.type = 3",
	"evt.rawarg.type in (1, 2)",
	"evt.arg.proto = 6",
	"evt.rawres >= 0",
	"evt.rawres < 0",
	"evt.rawres = 3",
	"evt.failed = false",
	"evt.res = SUCCESS",
	"fd.num >= 0",
	"fd.num = 4",
	"fd.num > 3",
	"proc.name = curl",
	"proc.exepath startswith /usr/",
	"proc.pid = 7",
	"evt.args contains fd=3",
};

static void invent_condition(struct buf *out, bool is_connect)
{
	for (unsigned i = 0, n = 1 + below(4); i < n; i++) {
		if (i)
			buf_add_cstr(out, below(2) ? " and " : " or ");
		buf_add_cstr(out, below(3) ? "" : "not ");
		buf_add_cstr(out, is_connect ? ONE_OF(connect_leaves) : ONE_OF(socket_leaves));
	}
}

static struct detect *invent_rules(bool is_connect)
{
	struct buf text = BUF_INIT(1 << 16);
	struct detect *d = NULL;

	for (unsigned i = 0, n = 1 + below(3); i < n; i++) {
		buf_printf(&text, "- rule: r%u\n  desc: d\n  condition: evt.type = %s and (", i,
			is_connect ? "connect" : "socket");
		invent_condition(&text, is_connect);
		buf_add_cstr(&text, ")\n  output: o\n  priority: INFO\n");
	}
	d = detector_of(buf_str(&text), false);
	buf_done(&text);
	return d;
}

/* An event, with its numbers. */
struct call {
	struct event ev;
	struct process proc;
	int64_t res, fd;
	uint32_t numbers[4];
};

static void set_param(struct call *c, const char *name, const void *p, size_t size)
{
	c->ev.params[event_param_index(c->ev.def, str_of(name))] = str_make(p, size);
}

static void begin(struct call *c, uint16_t code)
{
	memset(c, 0, sizeof(*c));
	c->ev.code = code;
	c->ev.def = event_def(code);
	c->ev.nparams = c->ev.def->nparams;
	c->ev.num = 1;
}

static void make_connect(struct call *c)
{
	static const uint8_t hosts[][4] = {{10, 0, 0, 1}, {10, 0, 0, 2}, {127, 0, 0, 1}};
	static const int results[] = {0, 0, -EINPROGRESS, -ECONNREFUSED};
	static const uint16_t ports[] = {80, 443};

	begin(c, EV_CONNECT);
	struct event_fd *fd = &c->ev.fd;
	bool is_v6 = below(5) == 0;

	c->ev.has_fd = true;
	fd->type = is_v6 ? FD_IPV6 : FD_IPV4;
	fd->connected = true;
	fd->sock = (struct event_sock){.family = is_v6 ? AF_INET6 : AF_INET,
		.type = SOCK_STREAM,
		.l4proto = below(3) ? 6 : 17,
		.role = ROLE_CLIENT,
		.has_local = true,
		.has_remote = true,
		.remote_port = ONE_OF(ports)};
	memcpy(fd->sock.local, hosts[below(3)], 4);
	memcpy(fd->sock.remote, hosts[below(3)], 4);
	c->res = ONE_OF(results);
}

static void make_socket(struct call *c)
{
	static const uint32_t domains[] = {AF_INET, AF_INET6, AF_PACKET};

	begin(c, EV_SOCKET);
	c->numbers[0] = ONE_OF(domains);
	c->numbers[1] = 1 + below(3);
	c->numbers[2] = below(2) ? 6 : 0;
	c->res = below(4) ? 0 : -EPERM;
}

/* What no key holds. */
static void vary(struct call *c, bool is_connect, bool same_process)
{
	c->fd = 3 + below(3);
	if (!same_process) {
		c->ev.pid = c->ev.tid = c->proc.pid = 7 + below(2);
		c->proc.comm = below(2) ? STR("curl") : STR("cat");
		c->proc.exepath = below(2) ? STR("/usr/bin/curl") : STR("/tmp/curl");
		c->proc.loginuid = UINT32_MAX;
	}
	if (is_connect) {
		c->ev.fd.num = c->fd;
		c->ev.fd.sock.local_port = (uint16_t)(39999 + below(3));
		set_param(c, "fd", &c->fd, 8);
		set_param(c, "res", &c->res, 8);
		return;
	}
	if (c->res >= 0)
		c->res = c->fd;
	c->ev.has_fd = c->res >= 0;
	c->ev.fd.num = c->res >= 0 ? c->res : INT64_MIN;
	set_param(c, "fd", &c->res, 8);
	set_param(c, "domain", &c->numbers[0], 4);
	set_param(c, "type", &c->numbers[1], 4);
	set_param(c, "proto", &c->numbers[2], 4);
	set_param(c, "flags", &c->numbers[3], 4);
}

static void print_rules(const struct ruleset *rs)
{
	for (size_t r = 0; r < rs->nrules; r++)
		print_error("%.*s\n", STR_ARG(rs->rules[r]->condition));
}

static void try_calls(bool is_connect)
{
	unsigned dull[3] = {0}, matched = 0, rulesets = 0;

	for (seed = 1; rulesets < 3000;) {
		struct detect *d = invent_rules(is_connect);
		struct call c;

		if (!d)
			continue;
		rulesets++;
		for (unsigned i = 0; i < 20; i++) {
			(is_connect ? make_connect : make_socket)(&c);
			vary(&c, is_connect, false);
			enum dull is_dull = detect_is_dull(d, &c.ev, &c.proc, NULL);

			dull[is_dull]++;
			for (unsigned j = 0; j < 10; j++) {
				vary(&c, is_connect, is_dull == DULL_OF_ONE);
				bool match = detect_event(d, &c.ev, &c.proc, NULL, NULL, NULL) > 0;

				matched += match;
				if (is_dull == DULL_NOT || !match)
					continue;
				print_rules(detect_ruleset(d));
				fail_msg("a call that is dull matches");
			}
		}
		detect_free(d);
	}
	/* it must have had something to say */
	assert_true(dull[DULL_OF_ALL] > 1000 && dull[DULL_OF_ONE] > 1000);
	assert_true(matched > 10000);
}

static void test_connects(void **arg)
{
	try_calls(true);
}

static void test_sockets(void **arg)
{
	try_calls(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connects),
		cmocka_unit_test(test_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
