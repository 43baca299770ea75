/* SPDX-License-Identifier: Apache-2.0 */
/* Users, bearer tokens and the audit log: for admins. Secrets go in or come out once, never back.
 */
#include <errno.h>

#include "base/clock.h"
#include "base/json.h"
#include "face/console/hub.h"
#include "face/console/private.h"
#include "face/console/secret.h"
#include "face/console/write.h"

static int done(struct request *q)
{
	buf_add_cstr(&q->out, "{\"ok\":true}");
	return 200;
}

/* ---- users ---------------------------------------------------------------------------------- */

static void add_user(struct buf *b, const struct store_user *u)
{
	bool first = true;

	buf_add_char(b, '{');
	write_str(b, &first, "name", u->name);
	write_str(b, &first, "role", str_of(store_role_name(u->role)));
	write_time(b, &first, "created", u->created_ns);
	write_time(b, &first, "last_login", u->last_login_ns);
	write_bool(b, &first, "disabled", u->is_disabled);
	write_bool(b, &first, "has_password", u->password_hash.len > 0);
	write_bool(b, &first, "must_change_password", u->must_change_password);
	buf_add_char(b, '}');
}

int api_users(struct request *q)
{
	struct store_user *users;
	size_t n = 0;
	struct err e = {0};
	int r = store_user_list(q->console->store, &q->arena, &users, &n, &e);

	if (r < 0)
		return request_fail_err(q, r, &e);
	write_list_begin(&q->out);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(&q->out, ',');
		add_user(&q->out, &users[i]);
	}
	write_list_end(&q->out, STR_NULL, n, true);
	return 200;
}

/* Names stand in logs, URLs and on other people's screens. */
static bool is_user_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.s[i];
		bool is_plain =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!is_plain && (i == 0 || !strchr("-_.@+", c)))
			return false;
	}
	return name.len > 0 && name.len <= USER_NAME_MAX;
}

static int set_password(struct request *q, struct store_user *u, char hash[PASSWORD_HASH_MAX])
{
	struct str password = request_text(q, "password");
	struct err e = {0};

	if (!password.s)
		return 0;
	if (!password_is_fit(password, u->name, &e))
		return request_fail(q, 400, "weak_password", "%s", e.msg);
	if (password_hash(password, hash) < 0)
		return request_fail(q, 500, "internal", "out of memory");
	u->password_hash = str_of(hash);
	return 0;
}

int api_user_add(struct request *q)
{
	struct store_user u = {.name = request_text(q, "name"),
		.password_hash = STR(""),
		.created_ns = clock_epoch_ns(),
		/* somebody else knows it */
		.must_change_password = true};
	char hash[PASSWORD_HASH_MAX];
	struct err e = {0};
	int status, r;

	if (!is_user_name(u.name))
		return request_fail(q, 400, "bad_name",
			"a user's name is letters, digits, '-', '_', '.', '@' and '+', and begins "
			"with a letter or digit");
	(void)store_role_parse(request_text(q, "role"), &u.role);
	status = set_password(q, &u, hash);
	if (status == 0)
		status = audit(q, "user_add", u.name, "role %s", store_role_name(u.role));
	if (status)
		return status;
	r = store_user_add(q->console->store, &u, &e);
	if (r < 0)
		return request_fail_err(q, r, &e);
	add_user(&q->out, &u);
	return 200;
}

/* Sessions that were begun with the old password or the old role are over. */
static int end_sessions(struct request *q, struct str user)
{
	bool is_self = str_is(user, q->who.user);
	struct err e = {0};
	int r = store_token_delete_sessions(
		q->console->store, user, is_self ? str_of(q->who.session) : STR(""), &e);

	if (!is_self)
		hub_end(q->console->hub, user.s, NULL);
	return r < 0 ? request_fail_err(q, r, &e) : 0;
}

int api_user_change(struct request *q)
{
	struct str role = request_text(q, "role");
	char hash[PASSWORD_HASH_MAX];
	struct store_user u = {0};
	struct err e = {0};
	int r = store_user_get(q->console->store, q->id, &q->arena, &u, &e), status;

	if (r < 0)
		return request_fail_err(q, r, &e);
	bool is_new_password = request_text(q, "password").s != NULL;
	bool is_self = str_is(u.name, q->who.user);
	if (is_self && is_new_password)
		return request_fail(
			q, 400, "own_password", "set your own with PUT /api/v1/me/password");
	if (role.s)
		(void)store_role_parse(role, &u.role);
	u.is_disabled = request_flag(q, "disabled", u.is_disabled);
	u.must_change_password =
		request_flag(q, "must_change_password", is_new_password || u.must_change_password);
	status = set_password(q, &u, hash);
	if (status == 0)
		status = audit(q, "user_change", u.name, "role %s%s%s", store_role_name(u.role),
			u.is_disabled ? ", disabled" : "", is_new_password ? ", new password" : "");
	if (status)
		return status;
	r = store_user_change(q->console->store, &u, &e);
	if (r < 0)
		return request_fail_err(q, r, &e);
	status = end_sessions(q, u.name);
	if (status)
		return status;
	add_user(&q->out, &u);
	return 200;
}

int api_user_delete(struct request *q)
{
	struct err e = {0};
	int status, r;

	if (str_is(q->id, q->who.user))
		return request_fail(q, 409, "not_possible", "nobody removes themselves");
	status = audit(q, "user_delete", q->id, "%s", "");
	if (status)
		return status;
	r = store_user_delete(q->console->store, q->id, &e);
	if (r < 0)
		return request_fail_err(q, r, &e);
	hub_end(q->console->hub, q->id.s, NULL);
	return done(q);
}

/* ---- tokens --------------------------------------------------------------------------------- */

int api_tokens(struct request *q)
{
	struct store_token *t;
	size_t n = 0;
	struct err e = {0};
	int r = store_token_list(
		q->console->store, STORE_TOKEN_API, STR(""), &q->arena, &t, &n, &e);

	if (r < 0)
		return request_fail_err(q, r, &e);
	write_list_begin(&q->out);
	for (size_t i = 0; i < n; i++) {
		bool first = true;

		buf_add_cstr(&q->out, i ? ",{" : "{");
		write_str(&q->out, &first, "id", t[i].id);
		write_str(&q->out, &first, "name", t[i].name);
		write_str(&q->out, &first, "role", str_of(store_role_name(t[i].role)));
		write_str(&q->out, &first, "created_by", t[i].user);
		write_time(&q->out, &first, "created", t[i].created_ns);
		write_time(&q->out, &first, "expires", t[i].expires_ns);
		write_time(&q->out, &first, "last_used", t[i].last_ns);
		buf_add_char(&q->out, '}');
	}
	write_list_end(&q->out, STR_NULL, n, true);
	return 200;
}

/* A token that was made on the command line belongs to nobody. */
static bool has_account(const struct request *q)
{
	return !str_starts(str_of(q->who.user), STR("token:"));
}

int api_token_add(struct request *q)
{
	char secret[SECRET_TEXT + 1], hash[SECRET_HASH_TEXT + 1];
	struct str expires = request_text(q, "expires"), id;
	struct store_token t = {.kind = STORE_TOKEN_API,
		/* it goes when its maker goes, and may never more than its maker */
		.user = has_account(q) ? str_of(q->who.user) : STR(""),
		.name = request_text(q, "name"),
		.created_ns = clock_epoch_ns()};
	struct err e = {0};
	bool first = true;
	int status, r;

	if (secret_make(secret) < 0 || secret_hash("token", str_of(secret), hash) < 0)
		return request_fail(q, 500, "internal", "no random numbers to be had");
	(void)store_role_parse(request_text(q, "role"), &t.role);
	if (expires.len)
		(void)schema_parse_time(expires, &t.expires_ns);
	if (t.expires_ns && t.expires_ns <= t.created_ns)
		return request_fail(q, 400, "bad_body", "expires: lies in the past");
	t.hash = str_of(hash);
	status = audit(q, "token_add", t.name, "role %s", store_role_name(t.role));
	if (status)
		return status;
	r = store_token_add(q->console->store, &t, &q->arena, &id, &e);
	if (r < 0)
		return request_fail_err(q, r, &e);
	buf_add_char(&q->out, '{');
	write_str(&q->out, &first, "id", id);
	write_str(&q->out, &first, "token", str_of(secret));
	buf_add_char(&q->out, '}');
	secret_wipe(secret, sizeof(secret));
	return 200;
}

/* Sessions and tokens have ids of one kind: only what the list shows can be revoked here. */
static bool is_listed(struct request *q, struct str id)
{
	struct store_token *t;
	size_t n = 0;
	struct err e = {0};

	if (store_token_list(q->console->store, STORE_TOKEN_API, STR(""), &q->arena, &t, &n, &e) <
		0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (str_eq(t[i].id, id))
			return true;
	return false;
}

int api_token_delete(struct request *q)
{
	struct err e = {0};
	int status, r;

	if (!is_listed(q, q->id))
		return request_fail(q, 404, "not_found", "no such token");
	status = audit(q, "token_delete", q->id, "%s", "");
	if (status)
		return status;
	r = store_token_delete(q->console->store, q->id, &e);
	if (r < 0)
		return request_fail_err(q, r, &e);
	hub_end(q->console->hub, NULL, q->id.s);
	return done(q);
}

/* ---- audit ---------------------------------------------------------------------------------- */

int api_audit(struct request *q)
{
	struct str who = request_query(q, "who"), cursor = request_query(q, "cursor"), next;
	struct store_audit *rows;
	size_t n = 0;
	struct err e = {0};
	int r = store_audit_list(q->console->store, who.s ? who : STR(""),
		cursor.s ? cursor : STR(""), (unsigned)request_query_int(q, "limit", 0), &q->arena,
		&rows, &n, &next, &e);

	if (r < 0)
		return request_fail_err(q, r, &e);
	write_list_begin(&q->out);
	for (size_t i = 0; i < n; i++) {
		bool first = true;

		buf_add_cstr(&q->out, i ? ",{" : "{");
		write_id(&q->out, &first, "id", rows[i].id);
		write_time(&q->out, &first, "time", rows[i].time_ns);
		write_str(&q->out, &first, "who", rows[i].who);
		write_str(&q->out, &first, "action", rows[i].action);
		write_str(&q->out, &first, "target", rows[i].object);
		write_str(&q->out, &first, "detail", rows[i].detail);
		write_str(&q->out, &first, "address", rows[i].address);
		buf_add_char(&q->out, '}');
	}
	write_list_end(&q->out, next, 0, false);
	return 200;
}
