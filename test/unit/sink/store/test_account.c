/* SPDX-License-Identifier: Apache-2.0 */
/* Users, sessions, tokens, the audit log, settings. */
#include "common.h"

static struct store_user user(const char *name, enum store_role role)
{
	return (struct store_user){
		.name = str_of(name), .role = role, .password_hash = STR("$hash$")};
}

static void users(void **state)
{
	struct fixture *f = *state;
	struct store_user ada = user("ada", STORE_ADMIN), bob = user("bob", STORE_VIEWER), got,
			  *all;
	struct err e = {0};
	size_t n = 0;

	assert_ok(&e, store_user_add(f->s, &ada, &e));
	assert_ok(&e, store_user_add(f->s, &bob, &e));
	assert_int_equal(store_user_add(f->s, &bob, &e), -EEXIST);
	assert_ok(&e, store_user_get(f->s, STR("ada"), &f->a, &got, &e));
	assert_int_equal(got.role, STORE_ADMIN);
	assert_str(got.password_hash, "$hash$");
	assert_true(got.created_ns == T0_NS);
	assert_int_equal(store_user_get(f->s, STR("ad"), &f->a, &got, &e), -ENOENT);
	assert_int_equal(store_user_get(f->s, STR("' OR 1=1"), &f->a, &got, &e), -ENOENT);
	/* the last admin stays one */
	ada.role = STORE_VIEWER;
	assert_int_equal(store_user_change(f->s, &ada, &e), -EPERM);
	ada.role = STORE_ADMIN;
	ada.is_disabled = true;
	assert_int_equal(store_user_change(f->s, &ada, &e), -EPERM);
	assert_int_equal(store_user_delete(f->s, STR("ada"), &e), -EPERM);
	assert_ok(&e, store_user_get(f->s, STR("ada"), &f->a, &got, &e));
	assert_int_equal(got.role, STORE_ADMIN);
	bob.role = STORE_ADMIN;
	bob.must_change_password = true;
	assert_ok(&e, store_user_change(f->s, &bob, &e));
	assert_ok(&e, store_user_delete(f->s, STR("ada"), &e));
	assert_int_equal(store_user_delete(f->s, STR("ada"), &e), -ENOENT);
	test_now += SEC;
	assert_ok(&e, store_user_logged_in(f->s, STR("bob"), &e));
	assert_ok(&e, store_user_list(f->s, &f->a, &all, &n, &e));
	assert_int_equal(n, 1);
	assert_true(all[0].must_change_password);
	assert_true(all[0].last_login_ns == T0_NS + SEC);
	struct store_user bad = user("a\nb", STORE_VIEWER);
	assert_int_equal(store_user_add(f->s, &bad, &e), -EINVAL);
	bad.name = STR("");
	assert_int_equal(store_user_add(f->s, &bad, &e), -EINVAL);
	bad.name = STR("a\xff");
	assert_int_equal(store_user_add(f->s, &bad, &e), -EINVAL);
}

static void tokens(void **state)
{
	struct fixture *f = *state;
	struct store_user ada = user("ada", STORE_ADMIN), eve = user("eve", STORE_VIEWER);
	struct store_token t = {.hash = STR("h1"),
		.kind = STORE_TOKEN_SESSION,
		.user = STR("eve"),
		.role = STORE_VIEWER,
		.data = STR("csrf"),
		.expires_ns = T0_NS + 60 * SEC};
	struct store_token got, *all = NULL;
	struct str id;
	struct err e = {0};
	size_t n = 0;

	assert_ok(&e, store_user_add(f->s, &ada, &e));
	assert_ok(&e, store_user_add(f->s, &eve, &e));
	assert_ok(&e, store_token_add(f->s, &t, &f->a, &id, &e));
	assert_int_equal(store_token_add(f->s, &t, &f->a, &id, &e), -EEXIST);
	assert_ok(&e, store_token_use(f->s, STR("h1"), &f->a, &got, &e));
	assert_str(got.user, "eve");
	assert_str(got.data, "csrf");
	assert_int_equal(store_token_use(f->s, STR("h2"), &f->a, &got, &e), -ENOENT);
	test_now = T0_NS + 60 * SEC;
	assert_int_equal(store_token_use(f->s, STR("h1"), &f->a, &got, &e), -ENOENT);
	/* once means once */
	t = (struct store_token){.hash = STR("once"), .kind = STORE_TOKEN_ONCE};
	assert_ok(&e, store_token_add(f->s, &t, &f->a, &id, &e));
	assert_ok(&e, store_token_take(f->s, STR("once"), &f->a, &got, &e));
	assert_int_equal(store_token_take(f->s, STR("once"), &f->a, &got, &e), -ENOENT);
	/* a new password ends the other sessions, a deleted user all */
	for (int i = 0; i < 3; i++) {
		char hash[8];

		snprintf(hash, sizeof(hash), "s%d", i);
		t = (struct store_token){
			.hash = str_of(hash), .kind = STORE_TOKEN_SESSION, .user = STR("eve")};
		assert_ok(&e, store_token_add(f->s, &t, &f->a, &id, &e));
	}
	assert_ok(&e, store_token_delete_sessions(f->s, STR("eve"), STR("s1"), &e));
	assert_ok(&e, store_token_list(f->s, STORE_TOKEN_SESSION, STR("eve"), &f->a, &all, &n, &e));
	assert_int_equal(n, 1);
	assert_str(all[0].hash, "");
	assert_ok(&e, store_token_use(f->s, STR("s1"), &f->a, &got, &e));
	assert_ok(&e, store_user_delete(f->s, STR("eve"), &e));
	assert_int_equal(store_token_use(f->s, STR("s1"), &f->a, &got, &e), -ENOENT);
	t = (struct store_token){.hash = STR("api"), .kind = STORE_TOKEN_API, .user = STR("ada")};
	assert_ok(&e, store_token_add(f->s, &t, &f->a, &id, &e));
	test_now += 120 * SEC;
	assert_ok(&e, store_token_use(f->s, STR("api"), &f->a, &got, &e));
	assert_ok(&e, store_token_list(f->s, STORE_TOKEN_API, STR(""), &f->a, &all, &n, &e));
	assert_true(all[0].last_ns == test_now);
	assert_ok(&e, store_token_delete(f->s, id, &e));
	assert_int_equal(store_token_delete(f->s, id, &e), -ENOENT);
}

static void audit(void **state)
{
	struct fixture *f = *state;
	struct store_audit *x = NULL;
	struct str next;
	struct err e = {0};
	size_t n = 0;

	for (int i = 0; i < 5; i++) {
		struct store_audit row = {.who = i % 2 ? STR("ada") : STR("bob"),
			.action = STR("login"),
			.detail = STR("with \xff and \0 inside"),
			.address = STR("127.0.0.1")};

		assert_ok(&e, store_audit_add(f->s, &row, &e));
	}
	assert_ok(&e, store_audit_list(f->s, STR(""), STR(""), 3, &f->a, &x, &n, &next, &e));
	assert_int_equal(n, 3);
	assert_str(x[0].who, "bob");
	assert_str(x[0].detail, "with ? and ? inside");
	assert_ok(&e, store_audit_list(f->s, STR(""), next, 3, &f->a, &x, &n, &next, &e));
	assert_int_equal(n, 2);
	assert_int_equal(next.len, 0);
	assert_ok(&e, store_audit_list(f->s, STR("ada"), STR(""), 9, &f->a, &x, &n, &next, &e));
	assert_int_equal(n, 2);
}

static void settings(void **state)
{
	struct fixture *f = *state;
	struct str v;
	struct err e = {0};

	assert_int_equal(store_setting_get(f->s, STR("x"), &f->a, &v, &e), -ENOENT);
	assert_ok(&e, store_setting_set(f->s, STR("x"), STR("1"), &e));
	assert_ok(&e, store_setting_set(f->s, STR("x"), STR("2"), &e));
	assert_ok(&e, store_setting_get(f->s, STR("x"), &f->a, &v, &e));
	assert_str(v, "2");
	assert_int_equal(store_setting_set(f->s, STR("store.clean"), STR("1"), &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(users), TEST(tokens), TEST(audit), TEST(settings)};

	return run_both(tests);
}
