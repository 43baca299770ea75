/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP server for machines that watch koban: /healthz, /versions, /metrics, nothing else.
 * It trusts nobody: few connections, short waits, request heads of a few kilobytes, no bodies.
 */
#include "sink/output/output.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>

enum { MAX_CONNECTIONS = 32, MAX_PER_ADDRESS = 16, TIMEOUT_S = 10, MEMORY_LIMIT = 16 * 1024 };
enum { METRICS_MAX = 16 << 20 };

struct metrics_server {
	struct MHD_Daemon *daemon;
	metrics_fn fn;
	void *arg;
	pthread_mutex_t lock;
	char *versions;
};

/* The body is copied: it may change while a slow client reads. */
static enum MHD_Result answer(
	struct MHD_Connection *c, unsigned status, const char *type, struct str body)
{
	struct MHD_Response *r =
		MHD_create_response_from_buffer(body.len, (void *)body.s, MHD_RESPMEM_MUST_COPY);

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	enum MHD_Result done = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return done;
}

static enum MHD_Result answer_metrics(struct metrics_server *m, struct MHD_Connection *c)
{
	struct buf b = BUF_INIT(METRICS_MAX);

	if (m->fn)
		m->fn(&b, m->arg);
	enum MHD_Result r =
		answer(c, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", buf_str(&b));
	buf_done(&b);
	return r;
}

static enum MHD_Result answer_versions(struct metrics_server *m, struct MHD_Connection *c)
{
	pthread_mutex_lock(&m->lock);
	enum MHD_Result r = answer(
		c, MHD_HTTP_OK, "application/json", m->versions ? str_of(m->versions) : STR("{}"));
	pthread_mutex_unlock(&m->lock);
	return r;
}

static enum MHD_Result serve(void *arg, struct MHD_Connection *c, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **state)
{
	struct metrics_server *m = arg;
	static char seen;

	/* the first call shows the head alone; what a client sends behind it is thrown away */
	if (*state == NULL) {
		*state = &seen;
		return MHD_YES;
	}
	if (*size) {
		*size = 0;
		return MHD_YES;
	}
	bool is_get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	struct str path = str_of(url);
	bool is_known =
		str_is(path, "/healthz") || str_is(path, "/versions") || str_is(path, "/metrics");
	if (!is_known)
		return answer(c, MHD_HTTP_NOT_FOUND, "text/plain", STR("not found\n"));
	if (!is_get)
		return answer(
			c, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", STR("only GET and HEAD\n"));
	if (str_is(path, "/metrics"))
		return answer_metrics(m, c);
	if (str_is(path, "/versions"))
		return answer_versions(m, c);
	return answer(c, MHD_HTTP_OK, "application/json", STR("{\"status\": \"ok\"}"));
}

static int parse_listen(
	const char *address, uint16_t port, struct sockaddr_storage *ret, struct err *e)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	*ret = (struct sockaddr_storage){0};
	if (!address || !*address || strcmp(address, "localhost") == 0)
		address = "127.0.0.1";
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return 0;
	}
	if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		return 0;
	}
	return err_set(e, EINVAL, "webserver: '%s' is no IP address", address);
}

int metrics_server_open(const char *listen_address, uint16_t port, metrics_fn fn, void *arg,
	struct metrics_server **ret, struct err *e)
{
	struct sockaddr_storage sa;
	int r = parse_listen(listen_address, port, &sa, e);

	if (r < 0)
		return r;
	struct metrics_server *m = calloc(1, sizeof(*m));
	if (!m)
		return err_set(e, ENOMEM, "webserver: out of memory");
	m->fn = fn;
	m->arg = arg;
	pthread_mutex_init(&m->lock, NULL);
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO |
			 (sa.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0);
	errno = 0;
	m->daemon = MHD_start_daemon(flags, port, NULL, NULL, serve, m, MHD_OPTION_SOCK_ADDR, &sa,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)MAX_PER_ADDRESS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_LIMIT, MHD_OPTION_END);
	if (!m->daemon) {
		int problem = errno ? errno : EADDRINUSE;

		metrics_server_close(m);
		return err_set(e, problem, "webserver: cannot listen on %s port %u: %s",
			listen_address ? listen_address : "127.0.0.1", port, strerror(problem));
	}
	*ret = m;
	return 0;
}

uint16_t metrics_server_port(const struct metrics_server *m)
{
	const union MHD_DaemonInfo *i = MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return i ? i->port : 0;
}

int metrics_server_set_versions(struct metrics_server *m, const char *json)
{
	char *copy = strdup(json);

	if (!copy)
		return -ENOMEM;
	pthread_mutex_lock(&m->lock);
	free(m->versions);
	m->versions = copy;
	pthread_mutex_unlock(&m->lock);
	return 0;
}

void metrics_server_close(struct metrics_server *m)
{
	if (!m)
		return;
	if (m->daemon)
		MHD_stop_daemon(m->daemon);
	pthread_mutex_destroy(&m->lock);
	free(m->versions);
	free(m);
}
