/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every answer carries: the headers that keep a browser from doing with it what it is not for
 * (fetch.spec.whatwg.org, www.w3.org/TR/CSP3), and errors in one shape.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"
#include "base/log.h"
#include "face/console/assets.h"
#include "face/console/private.h"
#include "face/console/stream.h"

/* Nothing inline, nothing from elsewhere, in no frame; breaches are reported to the console. */
static const char csp_page[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
	"font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
	"report-uri /api/v1/csp-report; report-to csp";
static const char csp_data[] = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";

static const struct {
	const char *name, *value;
} fixed[] = {
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Cross-Origin-Embedder-Policy", "require-corp"},
	{"X-Frame-Options", "DENY"},
	{"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
};

/* ---- errors -------------------------------------------------------------------------------- */

int request_fail(struct request *q, int status, const char *code, const char *fmt, ...)
{
	va_list ap;

	snprintf(q->error_code, sizeof(q->error_code), "%s", code);
	va_start(ap, fmt);
	vsnprintf(q->error_message, sizeof(q->error_message), fmt, ap);
	va_end(ap);
	return status;
}

static const struct {
	int error, status;
	const char *code;
} by_errno[] = {
	{EINVAL, 400, "bad_request"},
	{ENOENT, 404, "not_found"},
	{EEXIST, 409, "exists"},
	{EPERM, 409, "not_possible"},
	{ETIMEDOUT, 503, "too_slow"},
	{ENOSPC, 507, "disk_full"},
	{EAGAIN, 503, "busy"},
	{ENOTSUP, 501, "not_supported"},
	{EFBIG, 413, "too_large"},
};

int request_fail_err(struct request *q, int error, const struct err *e)
{
	int n = error < 0 ? -error : error;

	for (size_t i = 0; i < sizeof(by_errno) / sizeof(*by_errno); i++)
		if (by_errno[i].error == n)
			return request_fail(q, by_errno[i].status, by_errno[i].code, "%s", e->msg);
	/* what went wrong inside is for the operator */
	log_error("console: %s %.*s: %s", method_name(q->method), STR_ARG(q->raw_path), e->msg);
	return request_fail(
		q, 500, "internal", "something went wrong inside koban; its log says more");
}

void answer_add_error(struct request *q)
{
	buf_clear(&q->out);
	buf_add_cstr(&q->out, "{\"error\":{\"code\":");
	json_add_str(&q->out, str_of(q->error_code));
	buf_add_cstr(&q->out, ",\"message\":");
	json_add_str(&q->out, str_of(q->error_message));
	if (q->error_line)
		buf_printf(&q->out, ",\"place\":{\"line\":%u,\"column\":%u}", q->error_line,
			q->error_column);
	buf_add_cstr(&q->out, "}}");
}

/* ---- headers ------------------------------------------------------------------------------- */

static void add_header(struct MHD_Response *r, const char *name, const char *value)
{
	if (value)
		MHD_add_response_header(r, name, value);
}

static void add_number(struct MHD_Response *r, const char *name, unsigned value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	MHD_add_response_header(r, name, text);
}

static void add_fixed(const struct request *q, struct MHD_Response *r)
{
	bool is_page = q->kind == ANSWER_ASSET && q->status < 400;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		MHD_add_response_header(r, fixed[i].name, fixed[i].value);
	add_header(r, "Content-Security-Policy", is_page ? csp_page : csp_data);
	if (is_page)
		add_header(r, "Reporting-Endpoints", "csp=\"/api/v1/csp-report\"");
	if (q->console->is_tls)
		add_header(r, "Strict-Transport-Security", "max-age=31536000");
}

static void add_own(const struct request *q, struct MHD_Response *r)
{
	char disposition[120];

	add_header(r, "Cache-Control", q->cache ? q->cache : "no-store");
	add_header(r, "ETag", q->etag);
	add_header(r, "Set-Cookie", q->set_cookie);
	add_header(r, "Location", q->location);
	add_header(r, "Allow", q->allow);
	if (q->retry_after_s)
		add_number(r, "Retry-After", q->retry_after_s);
	if (q->status == MHD_HTTP_UNAUTHORIZED)
		add_header(r, "WWW-Authenticate", "Bearer realm=\"koban\"");
	if (!q->file_name)
		return;
	snprintf(disposition, sizeof(disposition), "attachment; filename=\"%s\"", q->file_name);
	add_header(r, "Content-Disposition", disposition);
}

/* ---- sending ------------------------------------------------------------------------------- */

static enum MHD_Result queue(struct request *q, struct MHD_Response *r)
{
	struct console *c = q->console;

	if (!r)
		return MHD_NO;
	add_fixed(q, r);
	add_own(q, r);
	atomic_fetch_add(&c->count.by_class[q->status / 100 % 6], 1);
	connection_expect(c->connections, q->connection, q->kind == ANSWER_STREAM ? 0 : ANSWER_S);
	enum MHD_Result done = MHD_queue_response(q->mhd, q->status, r);
	MHD_destroy_response(r);
	return done;
}

/* The body goes over to the answer, which frees it. */
static struct MHD_Response *take_body(struct request *q)
{
	struct MHD_Response *r;

	if (!q->out.s)
		return MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
	r = MHD_create_response_from_buffer(q->out.len, q->out.s, MHD_RESPMEM_MUST_FREE);
	if (r)
		q->out = BUF_INIT(q->out.max);
	return r;
}

/* Who asks for much and reads slowly would have us hold it all. */
static void bound_held(struct request *q)
{
	struct console *c = q->console;

	q->held_bytes = q->out.len;
	if (atomic_fetch_add(&c->answer_bytes, q->held_bytes) + q->held_bytes <= ANSWERS_MAX)
		return;
	atomic_fetch_add(&c->count.refused_full, 1);
	q->retry_after_s = 1;
	q->status = (unsigned)request_fail(
		q, 503, "busy", "too many answers are still being read; try again");
}

enum MHD_Result answer_send(struct request *q)
{
	struct MHD_Response *r;

	bound_held(q);
	if (q->status >= 400) {
		q->kind = ANSWER_BODY;
		q->type = NULL;
		q->cache = q->etag = q->file_name = NULL;
		answer_add_error(q);
	}
	if (q->kind == ANSWER_STREAM)
		return queue(q, stream_response(q));
	if (q->kind == ANSWER_ASSET)
		return queue(q, asset_response(q));
	r = take_body(q);
	if (r)
		MHD_add_response_header(
			r, MHD_HTTP_HEADER_CONTENT_TYPE, q->type ? q->type : "application/json");
	return queue(q, r);
}

/* ---- what handlers ask the request ---------------------------------------------------------- */

struct str request_header(const struct request *q, const char *name)
{
	return str_of(MHD_lookup_connection_value(q->mhd, MHD_HEADER_KIND, name));
}

struct str request_query(const struct request *q, const char *name)
{
	return params_get(&q->query, name);
}

int64_t request_query_int(const struct request *q, const char *name, int64_t otherwise)
{
	int64_t n;

	return str_to_s64(request_query(q, name), 10, &n) ? n : otherwise;
}

uint64_t request_query_time(const struct request *q, const char *name)
{
	uint64_t ns;

	return schema_parse_time(request_query(q, name), &ns) ? ns : 0;
}

struct str request_text(const struct request *q, const char *name)
{
	const json_t *v = json_object_get(q->json, name);

	return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : STR_NULL;
}

bool request_flag(const struct request *q, const char *name, bool otherwise)
{
	const json_t *v = json_object_get(q->json, name);

	return json_is_boolean(v) ? json_is_true(v) : otherwise;
}
