/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks: a session by its cookie, or a bearer token. Both are random and kept as hashes alone;
 * a session ends when it was not used for a while, and after some days whatever happens.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "face/console/private.h"
#include "face/console/secret.h"

enum {
	SESSION_IDLE_S = 12 * 3600,
	SESSION_MAX_S = 7 * 24 * 3600,
	FIRST_TOKEN_S = 30 * 60,
	DETAIL_MAX = 2000,
};

static const char first_user[] = "admin";

const char *auth_cookie_name(const struct console *c)
{
	return c->is_tls ? "__Host-koban_session" : "koban_session";
}

static enum role role_of(enum store_role r)
{
	return r == STORE_ADMIN ? ROLE_ADMIN : r == STORE_ANALYST ? ROLE_ANALYST : ROLE_VIEWER;
}

static uint64_t or_default(uint64_t s, uint64_t otherwise)
{
	return (s ? s : otherwise) * NSEC_PER_SEC;
}

/* ---- who ------------------------------------------------------------------------------------ */

static void forget(struct request *q)
{
	q->who = (struct identity){.role = ROLE_PUBLIC};
}

/*
 * The token of the hash, if it is of this kind and in use. The user decides what it may: a token
 * never has more than its own role, nor more than its user has now.
 */
static int find_token(struct request *q, struct str secret, const char *prefix,
	enum store_token_kind kind, struct store_token *ret)
{
	char hash[SECRET_HASH_TEXT + 1];
	struct err e = {0};

	if (secret.len != SECRET_TEXT || secret_hash(prefix, secret, hash) < 0)
		return -ENOENT;
	int r = store_token_use(q->console->store, str_of(hash), &q->arena, ret, &e);
	if (r == 0 && ret->kind != kind)
		r = -ENOENT;
	if (r < 0 && r != -ENOENT)
		request_fail_err(q, r, &e);
	return r;
}

static int take_user(struct request *q, const struct store_token *t)
{
	struct store_user u = {0};
	struct err e = {0};
	int r = store_user_get(q->console->store, t->user, &q->arena, &u, &e);

	if (r < 0 || u.is_disabled || !str_copy(u.name, q->who.user, sizeof(q->who.user))) {
		forget(q);
		return r < 0 && r != -ENOENT ? request_fail_err(q, r, &e) : 0;
	}
	q->who.role = role_of(u.role);
	q->who.must_change_password = u.must_change_password;
	return 0;
}

static int identify_token(struct request *q, struct str header)
{
	struct store_token t = {0};
	int r = find_token(
		q, str_trim(str_skip(header, strlen("Bearer "))), "token", STORE_TOKEN_API, &t);

	if (r < 0)
		return r == -ENOENT ? 0 : 503;
	str_copy(t.id, q->who.token, sizeof(q->who.token));
	if (t.user.len) {
		int status = take_user(q, &t);

		if (status || q->who.role == ROLE_PUBLIC)
			return status;
		str_copy(t.id, q->who.token, sizeof(q->who.token));
		if (role_of(t.role) < q->who.role)
			q->who.role = role_of(t.role);
		return 0;
	}
	q->who.role = role_of(t.role);
	snprintf(q->who.user, sizeof(q->who.user), "token:%.50s", t.name.s);
	return 0;
}

static bool is_idle(const struct console *c, const struct store_token *t)
{
	uint64_t last = t->last_ns ? t->last_ns : t->created_ns;

	return clock_epoch_ns() > last + or_default(c->o.session_idle_s, SESSION_IDLE_S);
}

static int identify_session(struct request *q, struct str secret)
{
	struct store_token t = {0};
	int r = find_token(q, secret, "session", STORE_TOKEN_SESSION, &t);

	if (r < 0)
		return r == -ENOENT ? 0 : 503;
	if (is_idle(q->console, &t)) {
		struct err e = {0};

		(void)store_token_delete(q->console->store, t.id, &e);
		return 0;
	}
	int status = take_user(q, &t);
	if (status || q->who.role == ROLE_PUBLIC)
		return status;
	/* both follow from the secret, which only the browser has */
	if (secret_hash("session", secret, q->who.session) < 0 ||
		secret_hash("csrf", secret, q->who.csrf) < 0)
		forget(q);
	return 0;
}

int auth_identify(struct request *q)
{
	struct str header = request_header(q, MHD_HTTP_HEADER_AUTHORIZATION);
	struct str cookies = request_header(q, MHD_HTTP_HEADER_COOKIE);

	forget(q);
	if (header.s && str_ieq(str_head(header, strlen("Bearer ")), STR("Bearer ")))
		return identify_token(q, header);
	struct str secret = cookie_get(cookies, str_of(auth_cookie_name(q->console)));
	return secret.s ? identify_session(q, secret) : 0;
}

/* ---- sessions ------------------------------------------------------------------------------- */

static void set_cookie(struct request *q, const char *value, uint64_t max_age_s)
{
	struct str text = arena_printf(&q->arena,
		"%s=%s; Path=/; HttpOnly; SameSite=Strict; "
		"Max-Age=%llu%s",
		auth_cookie_name(q->console), value, (unsigned long long)max_age_s,
		q->console->is_tls ? "; Secure" : "");

	q->set_cookie = text.s;
}

/* The old one, if there is one, is over: nobody can have planted it (session fixation). */
static void end_old(struct request *q)
{
	struct store_token t = {0};
	struct str old = cookie_get(
		request_header(q, MHD_HTTP_HEADER_COOKIE), str_of(auth_cookie_name(q->console)));
	struct err e = {0};

	if (old.s && find_token(q, old, "session", STORE_TOKEN_SESSION, &t) == 0)
		(void)store_token_delete(q->console->store, t.id, &e);
}

int auth_begin_session(struct request *q, const struct store_user *u)
{
	char secret[SECRET_TEXT + 1], hash[SECRET_HASH_TEXT + 1];
	uint64_t now = clock_epoch_ns();
	uint64_t max_ns = or_default(q->console->o.session_max_s, SESSION_MAX_S);
	struct err e = {0};
	struct str id;

	if (secret_make(secret) < 0 || secret_hash("session", str_of(secret), hash) < 0)
		return request_fail(q, 500, "internal", "no random numbers to be had");
	struct store_token t = {.hash = str_of(hash),
		.kind = STORE_TOKEN_SESSION,
		.user = u->name,
		.role = u->role,
		.name = arena_str(&q->arena, str_of(q->address)),
		.created_ns = now,
		.expires_ns = now + max_ns};
	end_old(q);
	int r = store_token_add(q->console->store, &t, &q->arena, &id, &e);
	if (r < 0)
		return request_fail_err(q, r, &e);
	set_cookie(q, secret, max_ns / NSEC_PER_SEC);
	q->who.role = role_of(u->role);
	q->who.must_change_password = u->must_change_password;
	str_copy(u->name, q->who.user, sizeof(q->who.user));
	memcpy(q->who.session, hash, sizeof(hash));
	r = secret_hash("csrf", str_of(secret), q->who.csrf);
	secret_wipe(secret, sizeof(secret));
	return r < 0 ? request_fail(q, 500, "internal", "out of memory") : 0;
}

int auth_end_session(struct request *q)
{
	end_old(q);
	set_cookie(q, "", 0);
	return 0;
}

/* ---- the first start ------------------------------------------------------------------------ */

bool auth_can_anybody_sign_in(struct console *c)
{
	struct arena a;
	struct store_user *users;
	size_t n = 0;
	struct err e = {0};
	bool can = false;

	arena_init(&a, 0);
	if (store_user_list(c->store, &a, &users, &n, &e) == 0)
		for (size_t i = 0; i < n; i++)
			can |= users[i].role == STORE_ADMIN && !users[i].is_disabled &&
			       users[i].password_hash.len;
	arena_done(&a);
	return can;
}

/* The user of the first token: there at once, without a password. */
static int add_first_user(struct console *c, struct err *e)
{
	const struct store_user u = {.name = str_of(first_user),
		.role = STORE_ADMIN,
		.password_hash = STR(""),
		.must_change_password = true,
		.created_ns = clock_epoch_ns()};
	int r = store_user_add(c->store, &u, e);

	return r == -EEXIST ? store_user_change(c->store, &u, e) : r;
}

int auth_first_token(struct console *c, struct err *e)
{
	char hash[SECRET_HASH_TEXT + 1];
	struct arena a;
	struct str id;
	int r;

	if (auth_can_anybody_sign_in(c))
		return 0;
	r = add_first_user(c, e);
	if (r < 0)
		return r;
	if (secret_make(c->first_token) < 0 ||
		secret_hash("once", str_of(c->first_token), hash) < 0)
		return err_set(e, EIO, "no random numbers to be had");
	const struct store_token t = {.hash = str_of(hash),
		.kind = STORE_TOKEN_ONCE,
		.user = str_of(first_user),
		.role = STORE_ADMIN,
		.name = STR("first start"),
		.created_ns = clock_epoch_ns(),
		.expires_ns = clock_epoch_ns() + FIRST_TOKEN_S * NSEC_PER_SEC};
	arena_init(&a, 0);
	r = store_token_add(c->store, &t, &a, &id, e);
	arena_done(&a);
	return r;
}

/* ---- audit ---------------------------------------------------------------------------------- */

int audit(struct request *q, const char *action, struct str object, const char *fmt, ...)
{
	char detail[DETAIL_MAX];
	struct err e = {0};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	const struct store_audit row = {.time_ns = clock_epoch_ns(),
		.who = str_of(q->who.user),
		.action = str_of(action),
		.object = object.s ? object : STR(""),
		.detail = str_of(detail),
		.address = str_of(q->address)};
	int r = store_audit_add(q->console->store, &row, &e);
	return r < 0 ? request_fail_err(q, r, &e) : 0;
}
