/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a request, on libmicrohttpd's thread: the line and the head come, are judged as far
 * as that needs no store, the body is collected within its limit, a worker runs the handler while
 * the connection sleeps, and the answer is sent.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "face/console/assets.h"
#include "face/console/hub.h"
#include "face/console/private.h"
#include "face/console/secret.h"
#include "face/console/stream.h"
#include "face/console/tls.h"

/* ---- requests ------------------------------------------------------------------------------ */

static struct request *request_new(struct console *c, struct MHD_Connection *mhd, const char *uri)
{
	struct request *q = calloc(1, sizeof(*q));
	const union MHD_ConnectionInfo *i;

	if (!q)
		return NULL;
	q->console = c;
	q->mhd = mhd;
	q->began_ns = clock_boot_ns();
	arena_init(&q->arena, REQUEST_MEMORY_MAX);
	q->out = BUF_INIT(ANSWER_MAX);
	struct str text = arena_str(&q->arena, str_of(uri));
	ptrdiff_t mark = str_find_char(text, '?');
	q->raw_path = mark < 0 ? text : str_head(text, (size_t)mark);
	q->raw_query = mark < 0 ? STR("") : str_skip(text, (size_t)mark + 1);
	i = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	q->connection = i ? i->socket_context : NULL;
	return q;
}

static void request_free(struct request *q)
{
	atomic_fetch_sub(&q->console->body_bytes, q->body.len);
	atomic_fetch_sub(&q->console->answer_bytes, q->held_bytes);
	json_decref(q->json);
	if (q->listener)
		listener_free(q->listener);
	secret_wipe(q->body.s ? q->body.s : "", q->body.s ? q->body.len : 0);
	buf_done(&q->body);
	buf_done(&q->out);
	arena_done(&q->arena);
	free(q);
}

/* Called with the request line as it came, before anything is decoded. */
static void *on_uri(void *arg, const char *uri, struct MHD_Connection *mhd)
{
	struct console *c = arg;
	struct request *q = request_new(c, mhd, uri);

	if (q)
		connection_expect(c->connections, q->connection, REQUEST_S);
	return q;
}

/* ---- body ---------------------------------------------------------------------------------- */

static size_t body_limit(const struct request *q)
{
	/* what a route does not ask for may come, "{}" say, and is not looked at */
	if (!q->route || (!q->route->body && !q->route->is_text_body))
		return BODY_IGNORED_BYTES;
	return q->route->body_bytes ? q->route->body_bytes : BODY_DEFAULT_BYTES;
}

/* MHD_NO closes the connection: who goes on sending what was refused gets no answer. */
static enum MHD_Result take_body(struct request *q, const char *data, size_t *size)
{
	struct console *c = q->console;
	size_t limit = body_limit(q), n = *size;

	*size = 0;
	if (q->too_large || q->body.len + n > limit) {
		if (q->too_large && q->body.max > 2 * limit + BODY_DEFAULT_BYTES)
			return MHD_NO;
		q->too_large = true;
		q->body.max += n;
		return MHD_YES;
	}
	if (atomic_fetch_add(&c->body_bytes, n) + n > BODIES_MAX) {
		atomic_fetch_sub(&c->body_bytes, n);
		atomic_fetch_add(&c->count.refused_full, 1);
		return MHD_NO;
	}
	q->body.max = limit;
	buf_add(&q->body, str_make(data, n));
	return q->body.cut ? MHD_NO : MHD_YES;
}

/* ---- work ---------------------------------------------------------------------------------- */

static int parse_body(struct request *q)
{
	json_error_t why;
	struct err e = {0};

	if (!router_body(q->console->router, q->route) || q->route->is_text_body)
		return 0;
	struct str type = request_header(q, MHD_HTTP_HEADER_CONTENT_TYPE);
	if (!str_ieq(str_head(type, strlen("application/json")), STR("application/json")))
		return request_fail(q, 415, "not_json",
			"the body has to be application/json, not '%.*s'",
			STR_ARG(str_head(type, 80)));
	q->json = json_loadb(q->body.s ? q->body.s : "", q->body.len, JSON_REJECT_DUPLICATES, &why);
	if (!q->json) {
		q->error_line = why.line > 0 ? (unsigned)why.line : 0;
		q->error_column = why.column > 0 ? (unsigned)why.column : 0;
		return request_fail(q, 400, "bad_json", "the body is no JSON: %s", why.text);
	}
	if (router_check_body(q->console->router, q->route, q->json, &e) < 0)
		return request_fail(q, 400, "bad_body", "%s", e.msg);
	return 0;
}

/* On a worker. */
static void run(struct request *q)
{
	int status = guard_request(q);

	if (status == 0)
		status = parse_body(q);
	if (status == 0)
		status = q->route->run(q);
	if (q->out.cut && status < 400)
		status = request_fail(q, 500, "too_large", "the answer is too large; ask for less");
	q->status = (unsigned)status;
	q->is_done = true;
	MHD_resume_connection(q->mhd);
}

static bool announces_body(const struct request *q)
{
	struct str length = request_header(q, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return request_header(q, MHD_HTTP_HEADER_TRANSFER_ENCODING).s ||
	       (length.s && !str_is(length, "0"));
}

/*
 * What the head alone decides. An answer before the body closes the connection, so that the body
 * need not be read; without one the connection can go on.
 */
static enum MHD_Result decide(struct request *q, int status)
{
	q->status = (unsigned)status;
	q->is_done = true;
	return announces_body(q) ? answer_send(q) : MHD_YES;
}

static enum MHD_Result begin_work(struct request *q)
{
	struct console *c = q->console;

	if (q->too_large) {
		atomic_fetch_add(&c->count.too_large, 1);
		q->status = (unsigned)request_fail(
			q, 413, "too_large", "the body is larger than %zu bytes", body_limit(q));
		q->is_done = true;
		return answer_send(q);
	}
	connection_expect(c->connections, q->connection, 0);
	q->is_queued = true;
	MHD_suspend_connection(q->mhd);
	if (workers_add(c->workers, q))
		return MHD_YES;
	atomic_fetch_add(&c->count.refused_full, 1);
	q->retry_after_s = 1;
	q->status = (unsigned)request_fail(
		q, 503, "busy", "too many requests are waiting; try again in a second");
	q->is_done = true;
	MHD_resume_connection(q->mhd);
	return MHD_YES;
}

/* ---- the head ------------------------------------------------------------------------------ */

static int refuse_declared_body(struct request *q)
{
	struct str length = request_header(q, MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t n = 0;

	if (!length.s)
		return 0;
	if (request_header(q, MHD_HTTP_HEADER_TRANSFER_ENCODING).s || !str_to_u64(length, 10, &n))
		return request_fail(q, 400, "bad_length", "the length of the body is not clear");
	if (n <= body_limit(q))
		return 0;
	atomic_fetch_add(&q->console->count.too_large, 1);
	return request_fail(
		q, 413, "too_large", "the body is larger than %zu bytes", body_limit(q));
}

static int find_route(struct request *q)
{
	struct router_match m = router_find(q->console->router, q->method, &q->path);
	struct buf allow = BUF_INIT(200);
	struct err e = {0};

	q->route = m.route;
	q->id = m.id;
	if (!m.route && m.is_path) {
		router_add_methods(q->console->router, &q->path, &allow);
		q->allow = arena_cstr(&q->arena, buf_str(&allow));
		buf_done(&allow);
		return request_fail(q, 405, "bad_method", "ask with %s", q->allow);
	}
	if (!m.route)
		return 0;
	if (!url_parse_query(&q->arena, q->raw_query, &q->query))
		return request_fail(q, 400, "bad_query", "the parameters behind '?' are malformed");
	if (router_check_query(q->console->router, m.route, &q->query, &e) < 0)
		return request_fail(q, 400, "bad_query", "%s", e.msg);
	return 0;
}

/* A page of the application, or a file of it. */
static int find_asset(struct request *q)
{
	bool is_api = q->path.n &&
		      (str_is(q->path.segment[0], "api") || str_is(q->path.segment[0], "assets"));

	q->asset = assets_find(q->raw_path);
	if (!q->asset && !is_api)
		q->asset = assets_find(STR("/index.html"));
	if (!q->asset)
		return request_fail(q, 404, "not_found", "there is nothing at this address");
	q->allow = "GET";
	if (q->method != METHOD_GET)
		return request_fail(q, 405, "bad_method", "ask with GET");
	q->allow = NULL;
	q->kind = ANSWER_ASSET;
	return 200;
}

/* 0 = go on and read the body; else the status to answer with at once. */
static int judge_head(struct request *q, const char *method)
{
	int status;

	q->method = method_parse(method);
	status = guard_head(q);
	if (status)
		return status;
	if (!url_parse_path(&q->arena, q->raw_path, &q->path))
		return request_fail(q, 400, "bad_path", "this path is malformed");
	status = find_route(q);
	if (status)
		return status;
	if (!q->route)
		return find_asset(q);
	return refuse_declared_body(q);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **state)
{
	struct request *q = *state;

	if (!q)
		return MHD_NO;
	if (q->is_done)
		return answer_send(q);
	if (!q->seen_head) {
		q->seen_head = true;
		atomic_fetch_add(&q->console->count.requests, 1);
		int status = judge_head(q, method);
		return status ? decide(q, status) : MHD_YES;
	}
	if (*size)
		return take_body(q, data, size);
	return begin_work(q);
}

static void on_completed(
	void *arg, struct MHD_Connection *mhd, void **state, enum MHD_RequestTerminationCode why)
{
	struct request *q = *state;
	struct console *c = arg;

	if (!q)
		return;
	*state = NULL;
	connection_expect(c->connections, q->connection, IDLE_S);
	request_free(q);
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode what)
{
	struct console *c = arg;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *i =
			MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

		*context = i ? connection_open(c->connections, i->connect_fd) : NULL;
	} else {
		connection_close(c->connections, *context);
		*context = NULL;
	}
}

/* Paths are decoded by url.c, once. */
static size_t leave_escaped(void *arg, struct MHD_Connection *mhd, char *s)
{
	return strlen(s);
}

/* ---- start and stop ------------------------------------------------------------------------ */

#define COMMON_OPTIONS(c)                                                                          \
	MHD_OPTION_LISTEN_SOCKET, (c)->listen_fd, MHD_OPTION_CONNECTION_LIMIT,                     \
		(unsigned)CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,                     \
		(unsigned)CONNECTIONS_PER_IP, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,     \
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,                     \
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, on_uri, c,           \
		MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_NOTIFY_COMPLETED,    \
		on_completed, c, MHD_OPTION_NOTIFY_CONNECTION, on_connection, c, MHD_OPTION_END

int http_start(struct console *c, struct err *e)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
			 (c->is_tls ? MHD_USE_TLS : 0);
	int r = workers_new(WORKERS, QUEUE_MAX, run, &c->workers, e);
	if (r < 0)
		return r;
	if (c->is_tls)
		tls_use(c->tls);
	errno = 0;
	if (c->is_tls)
		c->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, c,
			MHD_OPTION_HTTPS_CERT_CALLBACK2, tls_retrieve, MHD_OPTION_HTTPS_PRIORITIES,
			tls_priorities, COMMON_OPTIONS(c));
	else
		c->daemon =
			MHD_start_daemon(flags, 0, NULL, NULL, on_request, c, COMMON_OPTIONS(c));
	if (!c->daemon)
		return err_set(e, errno ? errno : EIO, "cannot start the HTTP server: %s",
			strerror(errno ? errno : EIO));
	return 0;
}

void http_quiesce(struct console *c)
{
	if (c->daemon)
		MHD_quiesce_daemon(c->daemon);
}

void http_stop(struct console *c)
{
	workers_free(c->workers);
	c->workers = NULL;
	if (c->daemon)
		MHD_stop_daemon(c->daemon);
	c->daemon = NULL;
}
