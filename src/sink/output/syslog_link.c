/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket behind a syslog output. Datagrams (unix, UDP) carry a message each; TCP and TLS carry
 * "LENGTH SP MESSAGE" (RFC 6587 §3.4.1, RFC 5425 §4.3). Syslog has no acknowledgement: what the
 * kernel took just before a peer died is lost. To keep that small, a stream is looked at for a
 * peer's goodbye before each message.
 */
#include "sink/output/syslog.h"

#include <errno.h>
#include <fcntl.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

struct syslog_link {
	struct sender_env env;
	enum transport transport;
	bool is_stream; /* octet counting; for unix: a line end */
	char host[256], port[16];
	struct sockaddr_un unix_path;
	SSL_CTX *tls_context;
	SSL *tls;
	int fd;
	struct buf frame;
};

/* ---- addresses ------------------------------------------------------------------------------- */

static const struct scheme {
	const char *prefix;
	enum transport transport;
	const char *port;
} schemes[] = {
	{"unix:", TRANSPORT_UNIX, NULL},
	{"udp://", TRANSPORT_UDP, "514"},
	{"tcp://", TRANSPORT_TCP, "601"},
	{"tls://", TRANSPORT_TLS, "6514"},
};

static bool split_host(struct syslog_link *l, struct str rest, const char *default_port)
{
	struct str host = rest, port = str_of(default_port);
	ptrdiff_t colon = str_rfind_char(rest, ':');

	if (rest.len && rest.s[0] == '[') { /* [2001:db8::1]:514 */
		ptrdiff_t end = str_find_char(rest, ']');

		if (end < 0)
			return false;
		host = str_make(rest.s + 1, (size_t)end - 1);
		rest = str_skip(rest, (size_t)end + 1);
		if (rest.len && rest.s[0] != ':')
			return false;
		if (rest.len)
			port = str_skip(rest, 1);
	} else if (colon >= 0) {
		host = str_head(rest, (size_t)colon);
		port = str_skip(rest, (size_t)colon + 1);
	}
	uint64_t n;
	return host.len && str_to_u64(port, 10, &n) && n > 0 && n < 65536 &&
	       str_copy(host, l->host, sizeof(l->host)) && str_copy(port, l->port, sizeof(l->port));
}

static int parse_address(struct syslog_link *l, const char *address, struct err *e)
{
	struct str a = str_of(address ? address : "unix:/dev/log");

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		struct str prefix = str_of(schemes[i].prefix);

		if (!str_starts(a, prefix))
			continue;
		l->transport = schemes[i].transport;
		l->is_stream = l->transport == TRANSPORT_TCP || l->transport == TRANSPORT_TLS;
		a = str_skip(a, prefix.len);
		if (l->transport != TRANSPORT_UNIX && split_host(l, a, schemes[i].port))
			return 0;
		l->unix_path.sun_family = AF_UNIX;
		if (l->transport == TRANSPORT_UNIX && a.len &&
			str_copy(a, l->unix_path.sun_path, sizeof(l->unix_path.sun_path)))
			return 0;
	}
	return err_set(e, EINVAL,
		"'%s' is no syslog address; write unix:/dev/log, udp://host:514, tcp://host:601 or "
		"tls://host:6514",
		address ? address : "");
}

/* ---- TLS ------------------------------------------------------------------------------------- */

static int tls_failed(struct err *e, const char *what)
{
	char text[256] = "unknown error";
	unsigned long code = ERR_get_error();

	if (code)
		ERR_error_string_n(code, text, sizeof(text));
	ERR_clear_error();
	return err_set(e, EPROTO, "TLS: %s: %s", what, text);
}

static int tls_setup(struct syslog_link *l, struct err *e)
{
	const struct output_config *c = l->env.config;

	if (l->transport != TRANSPORT_TLS)
		return 0;
	if (!(l->tls_context = SSL_CTX_new(TLS_client_method())))
		return tls_failed(e, "cannot start");
	SSL_CTX_set_min_proto_version(l->tls_context, TLS1_2_VERSION);
	SSL_CTX_set_mode(l->tls_context, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_verify(l->tls_context, c->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	if (c->ca_cert || c->ca_path) {
		if (!SSL_CTX_load_verify_locations(l->tls_context, c->ca_cert, c->ca_path))
			return tls_failed(e, c->ca_cert ? c->ca_cert : c->ca_path);
	} else {
		SSL_CTX_set_default_verify_paths(l->tls_context);
	}
	if (c->client_cert &&
		SSL_CTX_use_certificate_chain_file(l->tls_context, c->client_cert) != 1)
		return tls_failed(e, c->client_cert);
	const char *key = c->client_key ? c->client_key : c->client_cert;
	if (key && SSL_CTX_use_PrivateKey_file(l->tls_context, key, SSL_FILETYPE_PEM) != 1)
		return tls_failed(e, key);
	return 0;
}

/* Waits for what TLS wants next. 0 = call again. */
static int tls_wait(struct syslog_link *l, int n, uint64_t deadline_ns, struct err *e)
{
	int want = SSL_get_error(l->tls, n);

	if (want != SSL_ERROR_WANT_READ && want != SSL_ERROR_WANT_WRITE) {
		long verify = SSL_get_verify_result(l->tls);

		if (verify != X509_V_OK) {
			ERR_clear_error();
			return err_set(e, EPROTO, "TLS: the server's certificate: %s",
				X509_verify_cert_error_string(verify));
		}
		return tls_failed(e, "connection");
	}
	int r = wait_fd(
		l->fd, want == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, l->env.stop_fd, deadline_ns);
	return r < 0 ? err_set(e, -r, "TLS: %s", strerror(-r)) : 0;
}

static int tls_connect(struct syslog_link *l, uint64_t deadline_ns, struct err *e)
{
	struct in6_addr ip;
	int n, r;

	if (!(l->tls = SSL_new(l->tls_context)) || !SSL_set_fd(l->tls, l->fd))
		return tls_failed(e, "cannot start");
	bool is_ip =
		inet_pton(AF_INET, l->host, &ip) == 1 || inet_pton(AF_INET6, l->host, &ip) == 1;
	if (is_ip) {
		X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(l->tls), l->host);
	} else {
		SSL_set1_host(l->tls, l->host);
		SSL_set_tlsext_host_name(l->tls, l->host);
	}
	while ((n = SSL_connect(l->tls)) != 1)
		if ((r = tls_wait(l, n, deadline_ns, e)) < 0)
			return r;
	return 0;
}

/* ---- connecting ------------------------------------------------------------------------------ */

void syslog_link_drop(struct syslog_link *l)
{
	if (l->tls && SSL_is_init_finished(l->tls))
		SSL_shutdown(l->tls);
	SSL_free(l->tls);
	l->tls = NULL;
	ERR_clear_error();
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static int connect_fd(struct syslog_link *l, const struct sockaddr *sa, socklen_t len, int type,
	uint64_t deadline)
{
	int problem = 0;
	socklen_t size = sizeof(problem);

	l->fd = socket(sa->sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return -errno;
	if (connect(l->fd, sa, len) == 0)
		return 0;
	int r = -errno;
	if (r == -EINPROGRESS && (r = wait_fd(l->fd, POLLOUT, l->env.stop_fd, deadline)) == 0) {
		getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &problem, &size);
		r = -problem;
	}
	if (r < 0) {
		close(l->fd);
		l->fd = -1;
	}
	return r;
}

static int connect_unix(struct syslog_link *l, uint64_t deadline, struct err *e)
{
	const struct sockaddr *sa = (const struct sockaddr *)&l->unix_path;

	l->is_stream = false;
	int r = connect_fd(l, sa, sizeof(l->unix_path), SOCK_DGRAM, deadline);
	if (r == -EPROTOTYPE) {
		r = connect_fd(l, sa, sizeof(l->unix_path), SOCK_STREAM, deadline);
		l->is_stream = true;
	}
	return r < 0 ? err_set(e, -r, "%s: cannot connect: %s", l->unix_path.sun_path, strerror(-r))
		     : 0;
}

static int connect_inet(struct syslog_link *l, uint64_t deadline, struct err *e)
{
	int type = l->transport == TRANSPORT_UDP ? SOCK_DGRAM : SOCK_STREAM, on = 1;
	struct addrinfo hints = {.ai_socktype = type, .ai_flags = AI_NUMERICSERV}, *all = NULL;
	int r = getaddrinfo(l->host, l->port, &hints, &all);

	if (r)
		return err_set(e, EHOSTUNREACH, "%s: cannot resolve: %s", l->host, gai_strerror(r));
	r = -EHOSTUNREACH;
	for (const struct addrinfo *a = all; a && r < 0 && r != -ECANCELED; a = a->ai_next)
		r = connect_fd(l, a->ai_addr, a->ai_addrlen, type, deadline);
	freeaddrinfo(all);
	if (r < 0)
		return err_set(e, -r, "%s:%s: cannot connect: %s", l->host, l->port, strerror(-r));
	if (type == SOCK_STREAM) {
		setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(l->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	}
	return 0;
}

static int connect_link(struct syslog_link *l, uint64_t deadline, struct err *e)
{
	if (l->fd >= 0)
		return 0;
	int r = l->transport == TRANSPORT_UNIX ? connect_unix(l, deadline, e)
					       : connect_inet(l, deadline, e);
	if (r == 0 && l->transport == TRANSPORT_TLS)
		r = tls_connect(l, deadline, e);
	if (r < 0)
		syslog_link_drop(l);
	return r;
}

/* ---- sending --------------------------------------------------------------------------------- */

/* A server never speaks in syslog; if a stream has something to read, it is the end. */
static void notice_goodbye(struct syslog_link *l)
{
	char tmp[256];
	ssize_t n;

	if (l->fd < 0 || !l->is_stream)
		return;
	if (l->tls) {
		/* TLS 1.3 sends session tickets: reading lets the library take them */
		int m = SSL_read(l->tls, tmp, sizeof(tmp));

		if (m > 0 || SSL_get_error(l->tls, m) == SSL_ERROR_WANT_READ) {
			ERR_clear_error();
			return;
		}
		syslog_link_drop(l);
		return;
	}
	while ((n = recv(l->fd, tmp, sizeof(tmp), MSG_DONTWAIT)) > 0)
		;
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		syslog_link_drop(l);
}

static int send_tls(struct syslog_link *l, struct str s, uint64_t deadline, struct err *e)
{
	int n, r;

	while ((n = SSL_write(l->tls, s.s, (int)s.len)) <= 0)
		if ((r = tls_wait(l, n, deadline, e)) < 0)
			return r;
	return 0;
}

static int send_plain(struct syslog_link *l, struct str s, uint64_t deadline, struct err *e)
{
	while (s.len) {
		ssize_t n = send(l->fd, s.s, s.len, MSG_NOSIGNAL);
		int r = n < 0 && errno != EINTR ? -errno : 0;

		if (n >= 0)
			s = str_skip(s, l->is_stream ? (size_t)n : s.len);
		else if (r == -EAGAIN)
			r = wait_fd(l->fd, POLLOUT, l->env.stop_fd, deadline);
		if (r < 0)
			return err_set(e, -r, "cannot send to %s: %s", l->host, strerror(-r));
	}
	return 0;
}

static struct str frame_of(struct syslog_link *l, struct str message)
{
	if (!l->is_stream)
		return message;
	buf_clear(&l->frame);
	if (l->transport != TRANSPORT_UNIX)
		buf_printf(&l->frame, "%zu ", message.len);
	buf_add(&l->frame, message);
	if (l->transport == TRANSPORT_UNIX)
		buf_add_char(&l->frame, '\n');
	return buf_str(&l->frame);
}

enum send_result syslog_link_send(struct syslog_link *l, struct str message, struct err *e)
{
	uint64_t deadline = clock_boot_ns() + l->env.timeout_ms * 1000000;

	notice_goodbye(l);
	int r = connect_link(l, deadline, e);
	if (r < 0)
		return SEND_RETRY;
	struct str frame = frame_of(l, message);
	r = l->tls ? send_tls(l, frame, deadline, e) : send_plain(l, frame, deadline, e);
	if (r == 0)
		return SEND_OK;
	if (r == -EMSGSIZE)
		return SEND_REFUSED; /* no datagram can hold it */
	syslog_link_drop(l);
	return SEND_RETRY;
}

int syslog_link_open(const struct sender_env *env, struct syslog_link **ret, struct err *e)
{
	struct syslog_link *l = calloc(1, sizeof(*l));

	if (!l)
		return err_set(e, ENOMEM, "out of memory");
	l->env = *env;
	l->fd = -1;
	l->frame = BUF_INIT(RECORD_MAX + 32);
	int r = parse_address(l, env->config->address, e);
	if (r == 0)
		r = tls_setup(l, e);
	if (r < 0) {
		syslog_link_close(l);
		return r;
	}
	/* what messages call the peer */
	if (l->transport == TRANSPORT_UNIX)
		str_copy(str_of(l->unix_path.sun_path), l->host, sizeof(l->host));
	*ret = l;
	return 0;
}

void syslog_link_close(struct syslog_link *l)
{
	syslog_link_drop(l);
	SSL_CTX_free(l->tls_context);
	buf_done(&l->frame);
	free(l);
}
