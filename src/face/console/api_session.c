/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing in and out, and one's own password. Every answer to a wrong attempt is the same, takes as
 * long, and slows the next one down.
 */
#include <errno.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "face/console/hub.h"
#include "face/console/private.h"
#include "face/console/secret.h"
#include "face/console/write.h"

static int answer_me(struct request *q)
{
	bool first = true;

	buf_add_char(&q->out, '{');
	write_str(&q->out, &first, "user", str_of(q->who.user));
	write_str(&q->out, &first, "role", str_of(route_role_name(q->who.role)));
	write_str(&q->out, &first, "csrf", str_of(q->who.csrf));
	write_bool(&q->out, &first, "must_change_password", q->who.must_change_password);
	buf_add_char(&q->out, '}');
	return 200;
}

int api_me(struct request *q)
{
	return answer_me(q);
}

/* ---- login ---------------------------------------------------------------------------------- */

static int refuse(struct request *q, struct str user)
{
	struct console *c = q->console;

	atomic_fetch_add(&c->count.logins_failed, 1);
	if (user.len)
		backoff_failed(&c->login_by_account, user, clock_boot_ns());
	/* a name that failed may be a password typed in the wrong field: it is not kept */
	struct store_user u = {0};
	struct err e = {0};
	bool is_known = user.len && store_user_get(c->store, user, &q->arena, &u, &e) == 0;
	int status = audit(q, "login_failed", is_known ? user : STR(""), "%s",
		is_known   ? ""
		: user.len ? "no such user"
			   : "wrong token");
	return status ? status
		      : request_fail(q, 401, "bad_login",
				user.len ? "the name or the password is wrong"
					 : "the token is wrong, was used already or is too old");
}

static int wait_first(struct request *q, struct str user)
{
	struct console *c = q->console;
	uint64_t now = clock_boot_ns();
	uint64_t ms = limit_take(&c->login_by_address, q->address_key, now);

	if (!ms && user.len)
		ms = backoff_ask(&c->login_by_account, user, now);
	if (!ms)
		return 0;
	atomic_fetch_add(&c->count.refused_rate, 1);
	q->retry_after_s = (unsigned)(ms / 1000) + 1;
	return request_fail(
		q, 429, "too_many", "too many attempts; try again in %u s", q->retry_after_s);
}

static int welcome(struct request *q, const struct store_user *u, const char *how)
{
	struct err e = {0};
	int status = auth_begin_session(q, u);

	if (status == 0)
		status = audit(q, "login", u->name, "%s", how);
	if (status)
		return status;
	/* that the time could not be noted is no reason to stay outside */
	(void)store_user_logged_in(q->console->store, u->name, &e);
	atomic_fetch_add(&q->console->count.logins, 1);
	return answer_me(q);
}

static int login_by_password(struct request *q, struct str user, struct str password)
{
	struct store_user u = {0};
	struct err e = {0};
	int r = store_user_get(q->console->store, user, &q->arena, &u, &e);

	if (r < 0 && r != -ENOENT)
		return request_fail_err(q, r, &e);
	bool is_right = password_verify(password, r == 0 ? u.password_hash : STR(""));
	if (!is_right || u.is_disabled)
		return refuse(q, user);
	backoff_succeeded(&q->console->login_by_account, user);
	return welcome(q, &u, "password");
}

static int login_by_token(struct request *q, struct str token)
{
	char hash[SECRET_HASH_TEXT + 1];
	struct store_token t = {0};
	struct store_user u = {0};
	struct err e = {0};
	int r;

	if (secret_hash("once", token, hash) < 0)
		return request_fail(q, 500, "internal", "out of memory");
	r = store_token_take(q->console->store, str_of(hash), &q->arena, &t, &e);
	if (r == 0 && t.kind != STORE_TOKEN_ONCE)
		r = -ENOENT;
	if (r == 0)
		r = store_user_get(q->console->store, t.user, &q->arena, &u, &e);
	if (r == -ENOENT)
		return refuse(q, STR(""));
	return r < 0 ? request_fail_err(q, r, &e) : welcome(q, &u, "one-time token");
}

int api_login(struct request *q)
{
	struct str user = request_text(q, "user"), password = request_text(q, "password");
	struct str token = request_text(q, "token");
	int status;

	if (token.s ? user.s || password.s : !user.s || !password.s)
		return request_fail(q, 400, "bad_body", "give user and password, or token");
	status = wait_first(q, user);
	if (status)
		return status;
	return token.s ? login_by_token(q, token) : login_by_password(q, user, password);
}

int api_logout(struct request *q)
{
	int status = audit(q, "logout", str_of(q->who.user), "%s", "");

	if (status == 0 && q->who.session[0]) {
		hub_end(q->console->hub, NULL, q->who.session);
		status = auth_end_session(q);
	}
	if (status)
		return status;
	buf_add_cstr(&q->out, "{\"ok\":true}");
	return 200;
}

/* ---- the own password ----------------------------------------------------------------------- */

static int check_current(struct request *q, const struct store_user *u)
{
	struct str current = request_text(q, "current_password");
	uint64_t ms;

	if (u->must_change_password && !u->password_hash.len)
		return 0;
	ms = backoff_ask(&q->console->login_by_account, u->name, clock_boot_ns());
	if (ms) {
		q->retry_after_s = (unsigned)(ms / 1000) + 1;
		return request_fail(q, 429, "too_many", "too many attempts; try again in %u s",
			q->retry_after_s);
	}
	if (password_verify(current, u->password_hash))
		return 0;
	backoff_failed(&q->console->login_by_account, u->name, clock_boot_ns());
	return request_fail(q, 403, "bad_password", "the current password is wrong");
}

int api_password(struct request *q)
{
	struct str password = request_text(q, "password"), user = str_of(q->who.user);
	char hash[PASSWORD_HASH_MAX];
	struct store_user u = {0};
	struct err e = {0};
	int status, r;

	if (q->who.token[0])
		return request_fail(q, 403, "forbidden", "a token has no password to set");
	r = store_user_get(q->console->store, user, &q->arena, &u, &e);
	if (r < 0)
		return request_fail_err(q, r, &e);
	status = check_current(q, &u);
	if (status)
		return status;
	if (!password_is_fit(password, user, &e))
		return request_fail(q, 400, "weak_password", "%s", e.msg);
	if (password_hash(password, hash) < 0)
		return request_fail(q, 500, "internal", "out of memory");
	u.password_hash = str_of(hash);
	u.must_change_password = false;
	status = audit(q, "password", user, "%s", "own");
	if (status)
		return status;
	r = store_user_change(q->console->store, &u, &e);
	if (r == 0)
		r = store_token_delete_sessions(
			q->console->store, user, str_of(q->who.session), &e);
	if (r < 0)
		return request_fail_err(q, r, &e);
	q->who.must_change_password = false;
	return answer_me(q);
}
