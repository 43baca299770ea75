/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP output against servers of the test's own: what is sent, which answers mean what, TLS. */
#include <microhttpd.h>

#include "peer.h"

/* ---- a plain server with scripted answers ---------------------------------------------------- */

struct server {
	struct MHD_Daemon *daemon;
	uint16_t port;
	char url[64];
	pthread_mutex_t lock;
	unsigned numbers[5000], n, requests, connections;
	const unsigned *answers; /* one a request, 0 ends: then 200 */
	bool bad_request;
	const char *content_type, *user_agent, *extra;
};

struct upload {
	char body[4096];
	size_t len;
};

static bool has_header(struct MHD_Connection *c, const char *name, const char *want)
{
	const char *got = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);

	return !want || (got && strcmp(got, want) == 0);
}

static unsigned judge(
	struct server *s, struct MHD_Connection *c, const char *method, const struct upload *u)
{
	pthread_mutex_lock(&s->lock);
	unsigned status = 200;
	if (s->answers && *s->answers)
		status = *s->answers++;
	s->requests++;
	if (strcmp(method, "POST") != 0 || !has_header(c, "Content-Type", s->content_type) ||
		!has_header(c, "User-Agent", s->user_agent) || !has_header(c, "X-Token", s->extra))
		s->bad_request = true;
	if (status == 200)
		s->numbers[s->n++] = number_of(u->body);
	pthread_mutex_unlock(&s->lock);
	return status;
}

static enum MHD_Result serve(void *arg, struct MHD_Connection *c, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **state)
{
	struct upload *u = *state;

	if (!u) {
		*state = calloc(1, sizeof(*u));
		return MHD_YES;
	}
	if (*size) {
		size_t n =
			*size < sizeof(u->body) - 1 - u->len ? *size : sizeof(u->body) - 1 - u->len;
		memcpy(u->body + u->len, data, n);
		u->len += n;
		*size = 0;
		return MHD_YES;
	}
	struct MHD_Response *r =
		MHD_create_response_from_buffer(2, (void *)"ok", MHD_RESPMEM_PERSISTENT);
	enum MHD_Result done = MHD_queue_response(c, judge(arg, c, method, u), r);
	MHD_destroy_response(r);
	return done;
}

static void finished(
	void *arg, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
	free(*state);
}

static void connected(
	void *arg, struct MHD_Connection *c, void **state, enum MHD_ConnectionNotificationCode code)
{
	struct server *s = arg;

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		__atomic_fetch_add(&s->connections, 1, __ATOMIC_RELAXED);
}

static void server_up(struct server *s)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
		.sin_port = htons(s->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	s->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, s->port, NULL,
		NULL, serve, s, MHD_OPTION_SOCK_ADDR, &sa, MHD_OPTION_NOTIFY_COMPLETED, finished,
		NULL, MHD_OPTION_NOTIFY_CONNECTION, connected, s,
		MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
	assert_non_null(s->daemon);
	s->port = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u/findings", s->port);
}

static struct server *new_server(void)
{
	struct server *s = calloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	server_up(s);
	return s;
}

static void free_server(struct server *s)
{
	MHD_stop_daemon(s->daemon);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static struct outputs *open_http(struct output_config c, const char *dir)
{
	struct outputs_options o = {
		.outputs = &c, .noutputs = 1, .spool_dir = dir ? in_dir(dir, "spool") : NULL};
	struct outputs *all = NULL;
	struct err e = {0};

	c.kind = OUTPUT_HTTP;
	assert_ok(&e, outputs_open_tuned(&o, &quick, &all, &e));
	return all;
}

static void assert_numbers(const struct server *s, unsigned n)
{
	assert_int_equal(s->n, n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(s->numbers[i], i + 1);
}

static void one_post_a_finding_on_one_connection(void **state)
{
	static const char *const headers[] = {"X-Token: secret", NULL};

	for (int json = 0; json < 2; json++) {
		struct server *s = new_server();

		s->content_type = json ? "application/json" : "text/plain";
		s->user_agent = json ? "tester/1" : "koban";
		s->extra = "secret";
		struct outputs *o = open_http((struct output_config){.url = s->url,
						      .json = json,
						      .json_options = {.output = true},
						      .headers = headers,
						      .user_agent = json ? "tester/1" : NULL},
			NULL);
		for (unsigned n = 1; n <= 100; n++)
			emit_number(o, n);
		wait_until(o, now.sent == 100);
		assert_balanced(o, 0);
		outputs_close(o, 1000);
		assert_numbers(s, 100);
		assert_false(s->bad_request);
		assert_int_equal(s->connections, 1);
		free_server(s);
	}
}

static void answers_mean_what_they_say(void **state)
{
	static const unsigned answers[] = {503, 500, 408, 429, 200, /* 1: taken at the fifth try */
		400, 200,                                           /* 2: refused; 3: taken */
		404, 413, 302, 200, 0};                             /* 4, 5, 6: refused; 7 */
	static const unsigned taken[] = {1, 3, 7};
	struct server *s = new_server();

	s->answers = answers;
	struct outputs *o = open_http((struct output_config){.url = s->url}, *state);
	for (unsigned n = 1; n <= 7; n++)
		emit_number(o, n);
	wait_until(o, now.sent == 3 && now.refused == 4);
	assert_balanced(o, 0);
	assert_int_equal(counters_of(o).failed_tries, 4);
	assert_int_equal(counters_of(o).dropped, 4);
	outputs_close(o, 1000);
	assert_int_equal(s->requests, 11);
	assert_int_equal(s->n, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(s->numbers[i], taken[i]);
	free_server(s);
}

static void what_a_server_missed_comes_later(void **state)
{
	struct server *s = new_server();

	MHD_stop_daemon(s->daemon);
	struct outputs *o = open_http((struct output_config){.url = s->url}, *state);
	for (unsigned n = 1; n <= 50; n++)
		emit_number(o, n);
	wait_until(o, now.spooled == 50);
	server_up(s);
	wait_until(o, now.sent == 50);
	MHD_stop_daemon(s->daemon);
	for (unsigned n = 51; n <= 80; n++)
		emit_number(o, n);
	wait_until(o, now.spooled == 30);
	outputs_close(o, 100);
	server_up(s);
	o = open_http((struct output_config){.url = s->url}, *state);
	emit_number(o, 81);
	wait_until(o, now.sent == 31);
	assert_balanced(o, 0);
	outputs_close(o, 1000);
	assert_numbers(s, 81);
	free_server(s);
}

/* A server that accepts and never answers: the timeout counts, closing does not hang. */
static void a_silent_server_times_out(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	char url[64];

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 64), 0);
	getsockname(fd, (struct sockaddr *)&sa, &len);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(sa.sin_port));
	struct outputs *o = open_http((struct output_config){.url = url, .timeout_ms = 30}, *state);
	emit_number(o, 1);
	wait_until(o, now.failed_tries >= 2 && now.spooled == 1);
	outputs_close(o, 10);
	/* a long timeout is cut short by the end */
	o = open_http((struct output_config){.url = url, .timeout_ms = 60000}, *state);
	usleep(20000);
	uint64_t start = clock_boot_ns();
	outputs_close(o, 10);
	assert_true(clock_boot_ns() - start < 5 * NSEC_PER_SEC);
	close(fd);
}

/* ---- TLS ------------------------------------------------------------------------------------- */

/* Serves `n` requests, each on a connection of its own; *arg counts those that came through. */
struct tls_server {
	SSL_CTX *ctx;
	int fd;
	char url[64];
	unsigned served;
	pthread_t thread;
};

static void *tls_run(void *arg)
{
	struct tls_server *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		static const char answer[] =
			"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
		SSL *tls = SSL_new(s->ctx);
		char buf[8192];
		int len = 0, n;

		SSL_set_fd(tls, fd);
		SSL_set_accept_state(tls);
		while ((n = SSL_read(tls, buf + len, (int)sizeof(buf) - 1 - len)) > 0) {
			buf[len += n] = 0;
			if (number_of(buf)) { /* the body is there */
				SSL_write(tls, answer, sizeof(answer) - 1);
				__atomic_fetch_add(&s->served, 1, __ATOMIC_SEQ_CST);
				SSL_shutdown(tls);
				break;
			}
		}
		ERR_clear_error();
		SSL_free(tls);
		close(fd);
	}
	return NULL;
}

static void tls_up(struct tls_server *s, const char *dir)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);

	signal(SIGPIPE, SIG_IGN);
	*s = (struct tls_server){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	make_certificate(in_dir(dir, "cert.pem"), in_dir(dir, "key.pem"));
	make_certificate(in_dir(dir, "client.pem"), in_dir(dir, "client.key"));
	s->ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate_file(s->ctx, in_dir(dir, "cert.pem"), SSL_FILETYPE_PEM);
	SSL_CTX_use_PrivateKey_file(s->ctx, in_dir(dir, "key.pem"), SSL_FILETYPE_PEM);
	SSL_CTX_load_verify_locations(s->ctx, in_dir(dir, "client.pem"), NULL);
	SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(s->fd, 16), 0);
	getsockname(s->fd, (struct sockaddr *)&sa, &len);
	snprintf(s->url, sizeof(s->url), "https://127.0.0.1:%u/", ntohs(sa.sin_port));
	assert_int_equal(pthread_create(&s->thread, NULL, tls_run, s), 0);
}

static void both_sides_show_a_certificate(void **state)
{
	struct tls_server s;
	const char *dir = *state;

	tls_up(&s, dir);
	const struct {
		struct output_config c;
		bool works;
	} cases[] = {
		{{.url = s.url}, false}, /* a server that nobody vouches for */
		{{.url = s.url, .ca_cert = in_dir(dir, "cert.pem")}, false}, /* and we show none */
		{{.url = s.url,
			 .ca_cert = in_dir(dir, "client.pem"),
			 .client_cert = in_dir(dir, "client.pem"),
			 .client_key = in_dir(dir, "client.key")},
			false},
		{{.url = s.url,
			 .ca_cert = in_dir(dir, "cert.pem"),
			 .client_cert = in_dir(dir, "client.pem"),
			 .client_key = in_dir(dir, "client.key")},
			true},
		{{.url = s.url,
			 .insecure = true,
			 .client_cert = in_dir(dir, "client.pem"),
			 .client_key = in_dir(dir, "client.key")},
			true},
	};
	unsigned served = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct outputs *o = open_http(cases[i].c, NULL);

		emit_number(o, 1);
		if (cases[i].works)
			wait_until(o, now.sent == 1);
		else
			wait_until(o, now.failed_tries >= 1);
		outputs_close(o, 0);
		served += cases[i].works;
		assert_int_equal(__atomic_load_n(&s.served, __ATOMIC_SEQ_CST), served);
	}
	shutdown(s.fd, SHUT_RDWR);
	pthread_join(s.thread, NULL);
	close(s.fd);
	SSL_CTX_free(s.ctx);
}

static void bad_headers_are_said(void **state)
{
	static const char *const bad[][2] = {{"no colon", NULL}, {"A: b\r\nC: d", NULL}};

	for (size_t i = 0; i < 2; i++) {
		struct output_config c = {
			.kind = OUTPUT_HTTP, .url = "http://127.0.0.1/", .headers = bad[i]};
		struct outputs_options o = {.outputs = &c, .noutputs = 1};
		struct outputs *all = NULL;
		struct err e = {0};

		assert_int_equal(outputs_open(&o, &all, &e), -EINVAL);
		assert_non_null(strstr(e.msg, "is no header line"));
	}
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, dir_setup, dir_teardown)
	const struct CMUnitTest tests[] = {
		IN_DIR(one_post_a_finding_on_one_connection),
		IN_DIR(answers_mean_what_they_say),
		IN_DIR(what_a_server_missed_comes_later),
		IN_DIR(a_silent_server_times_out),
		IN_DIR(both_sides_show_a_certificate),
		IN_DIR(bad_headers_are_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
