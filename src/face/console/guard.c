/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands before every handler: the Host that a rebound name would betray, how often somebody
 * may ask, where a change may come from, and whether the role is enough. A handler runs only when
 * all of it said yes.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "base/clock.h"
#include "face/console/private.h"
#include "face/console/secret.h"

/* ---- where it comes from -------------------------------------------------------------------- */

static void note_address(struct request *q, const struct sockaddr *sa)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (sa->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)sa)->sin_addr, text, sizeof(text));
	else if (sa->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)sa)->sin6_addr, text,
			sizeof(text));
	snprintf(q->address, sizeof(q->address), "%s", text);
}

static int refuse_rate(struct request *q, uint64_t wait_ms)
{
	atomic_fetch_add(&q->console->count.refused_rate, 1);
	q->retry_after_s = (unsigned)(wait_ms / 1000) + 1;
	return request_fail(
		q, 429, "too_many", "too many requests; try again in %u s", q->retry_after_s);
}

static int check_address(struct request *q)
{
	const union MHD_ConnectionInfo *i =
		MHD_get_connection_info(q->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	char key[24];

	if (!i || !i->client_addr)
		return request_fail(q, 400, "no_address", "whose request is this?");
	note_address(q, i->client_addr);
	q->address_key = arena_str(&q->arena, limit_address_key(i->client_addr, key));
	uint64_t wait_ms = limit_take(&q->console->by_address, q->address_key, clock_boot_ns());
	return wait_ms ? refuse_rate(q, wait_ms) : 0;
}

/* ---- what it is asked as -------------------------------------------------------------------- */

struct headers {
	const char *name;
	unsigned n;
};

static enum MHD_Result count_header(
	void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct headers *h = arg;

	if (str_ieq(str_of(key), str_of(h->name)))
		h->n++;
	return MHD_YES;
}

static unsigned count_headers(const struct request *q, const char *name)
{
	struct headers h = {.name = name};

	MHD_get_connection_values(q->mhd, MHD_HEADER_KIND, count_header, &h);
	return h.n;
}

static bool is_own_host(const struct console *c, struct str name)
{
	if (c->is_loopback && host_is_loopback(name))
		return true;
	for (size_t i = 0; i < c->o.nhosts; i++)
		if (str_ieq(str_of(c->o.hosts[i]), name))
			return true;
	/* beyond loopback any name may lead here, unless the operator has said which */
	return !c->is_loopback && c->o.nhosts == 0;
}

/* A page of another site whose name was made to point here sends that name (DNS rebinding). */
static int check_host(struct request *q)
{
	struct str name;
	uint16_t port;

	if (count_headers(q, MHD_HTTP_HEADER_HOST) != 1 ||
		!host_parse(request_header(q, MHD_HTTP_HEADER_HOST), &name, &port))
		return request_fail(q, 400, "bad_host", "the Host header is missing or malformed");
	if (is_own_host(q->console, name))
		return 0;
	atomic_fetch_add(&q->console->count.refused_host, 1);
	return request_fail(q, 421, "wrong_host",
		"this console does not answer to that name; give it with --host NAME");
}

int guard_head(struct request *q)
{
	int status = check_address(q);

	if (status == 0)
		status = check_host(q);
	q->allow = status == 0 && q->method == METHOD_OTHER ? "GET, HEAD, POST, PUT, DELETE" : NULL;
	if (q->allow)
		status = request_fail(
			q, 405, "bad_method", "this server knows GET, HEAD, POST, PUT and DELETE");
	return status;
}

/* ---- changes -------------------------------------------------------------------------------- */

/* "https://name:port" against Host; "null" and other schemes are foreign. */
static bool is_same_origin(const struct request *q, struct str origin)
{
	struct str scheme = q->console->is_tls ? STR("https://") : STR("http://");

	return str_starts(origin, scheme) &&
	       str_ieq(str_skip(origin, scheme.len), request_header(q, MHD_HTTP_HEADER_HOST));
}

static int check_origin(struct request *q)
{
	struct str origin = request_header(q, MHD_HTTP_HEADER_ORIGIN);
	struct str site = request_header(q, "Sec-Fetch-Site");

	if (q->who.token[0])
		return 0;
	if (origin.s && !is_same_origin(q, origin))
		return request_fail(q, 403, "foreign_origin", "a change from another site");
	if (site.s && !str_is(site, "same-origin") && !str_is(site, "none"))
		return request_fail(q, 403, "foreign_origin", "a change from another site");
	return 0;
}

static int check_csrf(struct request *q)
{
	struct str given = request_header(q, "X-CSRF-Token");

	if (!q->who.csrf[0] || secret_equal(given, str_of(q->who.csrf)))
		return 0;
	return request_fail(q, 403, "bad_csrf",
		"the header X-CSRF-Token is missing or old; GET /api/v1/me says what it has to be");
}

/* ---- the right ------------------------------------------------------------------------------ */

static int check_role(struct request *q)
{
	enum role needed = q->route->role;

	if (needed == ROLE_PUBLIC)
		return 0;
	if (q->who.role <= ROLE_PUBLIC) {
		atomic_fetch_add(&q->console->count.refused_auth, 1);
		return request_fail(q, 401, "not_signed_in", "sign in first");
	}
	if (needed == ROLE_SIGNED)
		return 0;
	if (q->who.must_change_password)
		return request_fail(
			q, 403, "password_first", "set a password first: PUT /api/v1/me/password");
	if (q->who.role >= needed)
		return 0;
	atomic_fetch_add(&q->console->count.refused_auth, 1);
	return request_fail(q, 403, "forbidden", "this needs the role %s; %s is %s",
		route_role_name(needed), q->who.user, route_role_name(q->who.role));
}

static int check_account_rate(struct request *q)
{
	if (!q->who.user[0])
		return 0;
	uint64_t wait_ms =
		limit_take(&q->console->by_account, str_of(q->who.user), clock_boot_ns());
	return wait_ms ? refuse_rate(q, wait_ms) : 0;
}

int guard_request(struct request *q)
{
	bool is_change = !method_is_safe(q->method);
	/* a browser sends reports on its own, without a token, from this very origin */
	bool is_report = q->route->is_text_body && q->route->role == ROLE_PUBLIC;
	int status = is_report ? 0 : auth_identify(q);

	if (status == 0)
		status = check_role(q);
	if (status == 0 && is_change && !is_report)
		status = check_origin(q);
	if (status == 0 && is_change && q->route->role != ROLE_PUBLIC)
		status = check_csrf(q);
	if (status == 0)
		status = check_account_rate(q);
	return status;
}
