/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sinkhole: the other inhabitant of a detonation's network. One process, one loop: it accepts
 * whatever the steering brings (network.c), finds out by the first bytes what is spoken, answers
 * just enough that the other side goes on, and writes down what was said. It has no rights but its
 * sockets and the pipe of its log, and nothing it does can reach outside: there is no outside.
 */
#include "scan/detonate/sink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cell.h"
#include "base/clock.h"
#include "base/sanitized.h"

enum {
	GREET_MS = 300,
	TICK_MS = 100,
	IDLE_S = 300,
	DATAGRAM_MAX = 65536,
	LINE_BYTES = 60 << 10,
	ACCEPTS_AT_ONCE = 64,
};
#define ADDRESS_SPACE (4ULL << 30)

/* ---- places -------------------------------------------------------------------------------- */

static void place_of(const struct sink *s, const struct sockaddr_storage *a, struct place *ret)
{
	struct sockaddr_in v4 = {0};
	struct sockaddr_in6 v6 = {0};
	bool is_v4 = a->ss_family == AF_INET;
	const void *ip = is_v4 ? (const void *)&v4.sin_addr : &v6.sin6_addr;

	memcpy(is_v4 ? (void *)&v4 : &v6, a, is_v4 ? sizeof(v4) : sizeof(v6));
	if (!inet_ntop(is_v4 ? AF_INET : AF_INET6, ip, ret->address, sizeof(ret->address)))
		ret->address[0] = 0;
	ret->port = ntohs(is_v4 ? v4.sin_port : v6.sin6_port);
	ret->name = dns_name_of(s, is_v4 ? AF_INET : AF_INET6, ip);
}

/* ---- all of them --------------------------------------------------------------------------- */

static struct talk *free_talk(struct sink *s)
{
	for (size_t i = 0; i < TALKS_MAX; i++)
		if (s->talks[i].fd < 0)
			return &s->talks[i];
	return NULL;
}

static void accept_one(struct sink *s, int fd)
{
	struct sockaddr_storage to = {0};
	socklen_t size = sizeof(to);
	struct talk *t = free_talk(s);
	struct place place = {0};

	if (getsockname(fd, (struct sockaddr *)&to, &size) == 0)
		place_of(s, &to, &place);
	if (!t) {
		if (log_begin(s, "tcp", &place, false)) {
			buf_printf(&s->line, ",\"since\":%llu,\"in\":0,\"out\":0",
				(unsigned long long)clock_boot_ns());
			log_end(s);
		}
		close(fd);
		return;
	}
	struct buf pending = t->pending, out = t->out;
	*t = (struct talk){.sink = s,
		.fd = fd,
		.to = place,
		.since_ns = clock_boot_ns(),
		.pending = pending,
		.out = out};
	buf_clear(&t->pending);
	buf_clear(&t->out);
}

static void accept_some(struct sink *s, int listener)
{
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		accept_one(s, fd);
	}
}

/* Some servers speak first; who waits for them is served. */
static void greet(struct talk *t, uint64_t now_ns)
{
	const char *text = greeting_of(t->to.port);

	if (t->is_greeted || t->in_bytes || t->ssl || now_ns - t->since_ns < GREET_MS * 1000000ULL)
		return;
	t->is_greeted = true;
	if (text)
		talk_say(t, str_of(text));
	talk_flush(t);
}

/* ---- datagrams ----------------------------------------------------------------------------- */

static bool destination_of(struct msghdr *m, struct sockaddr_storage *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_ORIGDSTADDR) {
			memcpy(ret, CMSG_DATA(c), sizeof(struct sockaddr_in));
			return true;
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_ORIGDSTADDR) {
			memcpy(ret, CMSG_DATA(c), sizeof(struct sockaddr_in6));
			return true;
		}
	}
	return false;
}

/* From the address and port that was asked. Not connected: else it would take what comes next. */
static void reply(const struct sockaddr_storage *from, const struct sockaddr_storage *to,
	const uint8_t *bytes, size_t n)
{
	socklen_t size = from->ss_family == AF_INET ? sizeof(struct sockaddr_in)
						    : sizeof(struct sockaddr_in6);
	int fd = socket(from->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (from->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)from, size) == 0)
		(void)!sendto(fd, bytes, n, MSG_DONTWAIT, (const struct sockaddr *)to, size);
	close(fd);
}

static void log_datagram(struct sink *s, const struct place *to, struct str bytes, size_t answered)
{
	if (!log_begin(s, "udp", to, false))
		return;
	buf_printf(&s->line, ",\"in\":%zu,\"out\":%zu", bytes.len, answered);
	log_bytes(s, "first_in", bytes.s, bytes.len < FIRST_MAX ? bytes.len : FIRST_MAX);
	log_end(s);
}

static bool receive_datagram(struct sink *s, int fd)
{
	static char bytes[DATAGRAM_MAX];
	static uint8_t answer[DATAGRAM_MAX];
	struct sockaddr_storage from = {0}, to = {0};
	char control[256];
	struct iovec v = {bytes, sizeof(bytes)};
	struct msghdr m = {.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct place place = {0};
	ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);

	if (n < 0)
		return false;
	if (!destination_of(&m, &to))
		return true;
	place_of(s, &to, &place);
	struct str got = str_make(bytes, (size_t)n);
	size_t out = place.port == 53 ? dns_answer(s, got, answer, sizeof(answer)) : 0;

	if (out)
		reply(&to, &from, answer, out);
	else
		log_datagram(s, &place, got, out);
	return true;
}

/* ---- the loop ------------------------------------------------------------------------------ */

static size_t fill_polls(const struct sink *s, struct pollfd *p)
{
	size_t n = 0;

	for (int i = 0; i < SINK_SOCKETS; i++)
		p[n++] = (struct pollfd){.fd = s->fds[i], .events = POLLIN};
	for (size_t i = 0; i < TALKS_MAX; i++) {
		const struct talk *t = &s->talks[i];
		short wants = (short)(POLLIN | (t->fd >= 0 && t->out.len ? POLLOUT : 0));

		p[n++] = (struct pollfd){.fd = t->fd, .events = wants};
	}
	return n;
}

static void serve_listeners(struct sink *s, const struct pollfd *p)
{
	for (int i = 0; i < SINK_SOCKETS; i++) {
		if (!(p[i].revents & POLLIN))
			continue;
		if (i == SINK_TCP4 || i == SINK_TCP6)
			accept_some(s, s->fds[i]);
		for (int k = 0; k < ACCEPTS_AT_ONCE && (i == SINK_UDP4 || i == SINK_UDP6); k++)
			if (!receive_datagram(s, s->fds[i]))
				break;
	}
}

static void serve_talks(struct sink *s, const struct pollfd *p)
{
	uint64_t now_ns = clock_boot_ns();

	for (size_t i = 0; i < TALKS_MAX; i++) {
		struct talk *t = &s->talks[i];

		/* a row may have been filled anew since poll() looked */
		if (t->fd < 0 || (p[i].fd >= 0 && p[i].fd != t->fd))
			continue;
		if (p[i].fd == t->fd && p[i].revents)
			talk_readable(t);
		else if (now_ns - t->since_ns > IDLE_S * NSEC_PER_SEC)
			talk_end(t);
		else
			greet(t, now_ns);
	}
}

static void tell_left_out(struct sink *s, uint64_t *told)
{
	if (s->left_out == *told)
		return;
	*told = s->left_out;
	buf_clear(&s->line);
	buf_printf(
		&s->line, "{\"kind\":\"left_out\",\"count\":%llu", (unsigned long long)s->left_out);
	log_end(s);
}

__attribute__((noreturn)) static void loop(struct sink *s)
{
	static struct pollfd polls[SINK_SOCKETS + TALKS_MAX];
	uint64_t told = 0;

	for (;;) {
		size_t n = fill_polls(s, polls);

		if (poll(polls, n, TICK_MS) < 0 && errno != EINTR)
			_exit(3);
		serve_talks(s, polls + SINK_SOCKETS);
		serve_listeners(s, polls);
		tell_left_out(s, &told);
	}
}

static void give_up_rights(void)
{
	const struct cell_options cell = {.network = true,
		.accept = true,
		.max_memory_bytes = IS_SANITIZED ? 0 : ADDRESS_SPACE};
	struct err e = {0};

	/* ERR_clear_error() and friends load their tables now, while there are files */
	if (setgroups(0, NULL) < 0 || setresgid(SINK_UID, SINK_UID, SINK_UID) < 0 ||
		setresuid(SINK_UID, SINK_UID, SINK_UID) < 0 || cell_enter(&cell, &e) < 0)
		_exit(2);
}

void sink_run(const int fds[SINK_SOCKETS], int log, struct sink_authority *a)
{
	const int kept[] = {fds[SINK_TCP4], fds[SINK_UDP4], fds[SINK_TCP6], fds[SINK_UDP6], log};
	struct sink *s = calloc(1, sizeof(*s));

	/* the steering's program and map are the warden's */
	close_all_but(kept, 5);
	prctl(PR_SET_NAME, "koban-sinkhole");
	signal(SIGPIPE, SIG_IGN);
	if (!s || !(s->names = calloc(NAMES_MAX, sizeof(*s->names))))
		_exit(1);
	memcpy(s->fds, fds, sizeof(s->fds));
	s->log = log;
	s->authority = a;
	s->line = BUF_INIT(LINE_BYTES);
	for (size_t i = 0; i < TALKS_MAX; i++) {
		s->talks[i].fd = -1;
		s->talks[i].pending = BUF_INIT(PENDING_MAX);
		s->talks[i].out = BUF_INIT(PENDING_MAX);
	}
	give_up_rights();
	loop(s);
}
