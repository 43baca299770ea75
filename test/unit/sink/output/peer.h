/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A syslog server of the test's own: unix datagrams, UDP, TCP or TLS, on loopback. It keeps the
 * messages it got, and can go down and come back at the same address.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common.h"

enum peer_kind { PEER_UNIX, PEER_UNIX_STREAM, PEER_UDP, PEER_TCP, PEER_TLS };

struct peer {
	enum peer_kind kind;
	char path[128], address[160];
	uint16_t port; /* 0 = any; stays the same when it comes back */
	int fd, stop[2];
	SSL_CTX *tls;
	pthread_t thread;
	pthread_mutex_t lock;
	char *messages[5000];
	unsigned n;
	bool bad_frame;
};

static inline void peer_keep(struct peer *p, const char *text, size_t len)
{
	pthread_mutex_lock(&p->lock);
	if (p->n < 5000)
		p->messages[p->n++] = strndup(text, len);
	pthread_mutex_unlock(&p->lock);
}

static inline unsigned peer_count(struct peer *p)
{
	pthread_mutex_lock(&p->lock);
	unsigned n = p->n;
	pthread_mutex_unlock(&p->lock);
	return n;
}

/* Cuts whole frames off the front: "LENGTH SP MESSAGE", or lines. */
static inline size_t peer_frames(struct peer *p, const char *buf, size_t len)
{
	size_t at = 0;

	for (;;) {
		const char *sep =
			memchr(buf + at, p->kind == PEER_UNIX_STREAM ? '\n' : ' ', len - at);
		size_t size, head;

		if (!sep)
			return at;
		head = (size_t)(sep - (buf + at)) + 1;
		size = p->kind == PEER_UNIX_STREAM ? 0 : strtoul(buf + at, NULL, 10);
		if (p->kind == PEER_UNIX_STREAM) {
			peer_keep(p, buf + at, head - 1);
		} else {
			if (buf[at] < '1' || buf[at] > '9')
				p->bad_frame = true;
			if (at + head + size > len)
				return at;
			peer_keep(p, buf + at + head, size);
		}
		at += head + size;
	}
}

static inline bool peer_wait(struct peer *p, int fd)
{
	struct pollfd f[2] = {{.fd = fd, .events = POLLIN}, {.fd = p->stop[0], .events = POLLIN}};

	poll(f, 2, -1);
	return !f[1].revents;
}

static inline void peer_stream(struct peer *p, int fd)
{
	static char buf[1 << 20];
	size_t len = 0;
	SSL *tls = p->tls ? SSL_new(p->tls) : NULL;

	if (tls) {
		SSL_set_fd(tls, fd);
		if (SSL_accept(tls) != 1)
			goto end;
	}
	while ((tls && SSL_pending(tls)) || peer_wait(p, fd)) {
		ssize_t n = tls ? SSL_read(tls, buf + len, (int)(sizeof(buf) - len))
				: read(fd, buf + len, sizeof(buf) - len);

		if (n <= 0)
			break;
		len += (size_t)n;
		size_t done = peer_frames(p, buf, len);
		memmove(buf, buf + done, len - done);
		len -= done;
	}
end:
	ERR_clear_error();
	SSL_free(tls);
	close(fd);
}

static inline void *peer_run(void *arg)
{
	struct peer *p = arg;
	static char buf[70000];

	while (peer_wait(p, p->fd)) {
		if (p->kind == PEER_UNIX || p->kind == PEER_UDP) {
			ssize_t n = recv(p->fd, buf, sizeof(buf), 0);

			if (n > 0)
				peer_keep(p, buf, (size_t)n);
			continue;
		}
		int fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			peer_stream(p, fd);
	}
	return NULL;
}

static inline void peer_up(struct peer *p)
{
	bool is_unix = p->kind == PEER_UNIX || p->kind == PEER_UNIX_STREAM;
	bool is_datagram = p->kind == PEER_UNIX || p->kind == PEER_UDP;
	static const char *const schemes[] = {"unix:", "unix:", "udp://", "tcp://", "tls://"};
	int on = 1;

	signal(SIGPIPE, SIG_IGN); /* of SSL_free in the peer */
	p->fd = socket(is_unix ? AF_UNIX : AF_INET,
		(is_datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	assert_true(p->fd >= 0);
	if (is_unix) {
		struct sockaddr_un sa = {.sun_family = AF_UNIX};

		str_copy(str_of(p->path), sa.sun_path, sizeof(sa.sun_path));
		unlink(p->path);
		assert_int_equal(bind(p->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
		snprintf(p->address, sizeof(p->address), "unix:%s", p->path);
	} else {
		struct sockaddr_in sa = {.sin_family = AF_INET,
			.sin_port = htons(p->port),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		socklen_t len = sizeof(sa);

		setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		assert_int_equal(bind(p->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
		assert_int_equal(getsockname(p->fd, (struct sockaddr *)&sa, &len), 0);
		p->port = ntohs(sa.sin_port);
		snprintf(p->address, sizeof(p->address), "%s127.0.0.1:%u", schemes[p->kind],
			p->port);
	}
	if (!is_datagram)
		assert_int_equal(listen(p->fd, 8), 0);
	assert_int_equal(pipe2(p->stop, O_CLOEXEC), 0);
	pthread_mutex_init(&p->lock, NULL);
	assert_int_equal(pthread_create(&p->thread, NULL, peer_run, p), 0);
}

static inline void peer_down(struct peer *p)
{
	close(p->stop[1]);
	pthread_join(p->thread, NULL);
	close(p->stop[0]);
	close(p->fd);
	if (p->kind == PEER_UNIX || p->kind == PEER_UNIX_STREAM)
		unlink(p->path);
}

static inline void peer_forget(struct peer *p)
{
	while (p->n)
		free(p->messages[--p->n]);
}

/* ---- a throw-away certificate ---------------------------------------------------------------- */

/* Writes cert.pem and key.pem, self-signed, for 127.0.0.1 alone. */
static inline void make_certificate(const char *cert_path, const char *key_path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509V3_CTX ctx;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), (long)(clock_epoch_ns() % 1000000000));
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
		(const unsigned char *)"koban test", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, "IP:127.0.0.1");
	X509_add_ext(x, san, -1);
	X509_EXTENSION_free(san);
	X509_sign(x, key, EVP_sha256());

	FILE *f = fopen(cert_path, "w");
	PEM_write_X509(f, x);
	fclose(f);
	f = fopen(key_path, "w");
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
}
