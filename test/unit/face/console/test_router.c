/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the routes: each is whole, and a path leads to one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "face/console/route.h"

static struct router *r;

static struct router_match find(enum method m, const char *path)
{
	struct arena a;
	struct path p;

	arena_init(&a, 0);
	assert_true(url_parse_path(&a, str_of(path), &p));
	struct router_match found = router_find(r, m, &p);
	/* the id would lie in the arena */
	found.id = found.id.s ? str_make("", found.id.len) : STR_NULL;
	arena_done(&a);
	return found;
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < nroutes; i++) {
		const struct route *row = &routes[i];

		assert_true(row->role > ROLE_MISSING && row->role <= ROLE_ADMIN);
		assert_true(row->method < METHOD_OTHER);
		/* a change is for those who are known; signing in makes them known */
		if (row->role == ROLE_PUBLIC && !method_is_safe(row->method))
			assert_true(strcmp(row->path, "/api/v1/login") == 0 ||
				    strcmp(row->path, "/api/v1/csp-report") == 0);
		/* a reader changes nothing */
		if (row->role == ROLE_VIEWER && !method_is_safe(row->method))
			assert_non_null(strstr(row->path, "check"));
		/* nothing stands twice */
		for (size_t j = 0; j < i; j++)
			assert_false(routes[j].method == row->method &&
				     strcmp(routes[j].path, row->path) == 0);
		if (router_query(r, row))
			assert_int_equal(router_query(r, row)->kind, SCHEMA_MAP);
	}
}

static void test_find(void **state)
{
	struct router_match m = find(METHOD_GET, "/api/v1/findings/abc/events");

	assert_string_equal(m.route->path, "/api/v1/findings/{id}/events");
	assert_int_equal(m.id.len, 3);
	/* a name of a route is not an id */
	assert_string_equal(
		find(METHOD_GET, "/api/v1/findings/groups").route->path, "/api/v1/findings/groups");
	m = find(METHOD_DELETE, "/api/v1/findings/abc");
	assert_null(m.route);
	assert_true(m.is_path);
	assert_false(find(METHOD_GET, "/api/v1").is_path);
	assert_false(find(METHOD_GET, "/").is_path);
	assert_false(find(METHOD_GET, "/api/v1/me/more").is_path);
}

static void test_methods(void **state)
{
	struct buf b = BUF_INIT(100);
	struct arena a;
	struct path p;

	arena_init(&a, 0);
	assert_true(url_parse_path(&a, STR("/api/v1/rulefiles/x.yaml"), &p));
	router_add_methods(r, &p, &b);
	assert_string_equal(b.s, "GET, PUT, DELETE");
	buf_done(&b);
	arena_done(&a);
}

static void test_query(void **state)
{
	const struct route *row = find(METHOD_GET, "/api/v1/findings/groups").route;
	struct url_params p = {.n = 1, .p = {{STR("by"), STR("rule")}}};
	struct err e = {0};

	assert_int_equal(router_check_query(r, row, &p, &e), 0);
	p.n = 0;
	assert_int_equal(router_check_query(r, row, &p, &e), -EINVAL);
	assert_string_equal(e.msg, "the parameter 'by' is missing");
	p = (struct url_params){.n = 1, .p = {{STR("nope"), STR("")}}};
	assert_int_equal(router_check_query(r, row, &p, &e), -EINVAL);
	assert_string_equal(e.msg, "no parameter 'nope' here");
}

static void test_openapi(void **state)
{
	struct str text = router_openapi(r);
	json_error_t why;
	json_t *v = json_loadb(text.s, text.len, JSON_REJECT_DUPLICATES, &why);

	assert_non_null(v);
	assert_string_equal(json_string_value(json_object_get(v, "openapi")), "3.1.0");
	json_t *paths = json_object_get(v, "paths");
	for (size_t i = 0; i < nroutes; i++)
		assert_non_null(json_object_get(paths, routes[i].path));
	json_decref(v);
}

static void test_roles(void **state)
{
	assert_int_equal(route_role_parse(STR("analyst")), ROLE_ANALYST);
	assert_int_equal(route_role_parse(STR("public")), ROLE_MISSING);
	assert_int_equal(route_role_parse(STR("root")), ROLE_MISSING);
	assert_int_equal(method_parse("HEAD"), METHOD_GET);
	assert_int_equal(method_parse("get"), METHOD_OTHER);
	assert_int_equal(method_parse("PATCH"), METHOD_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_openapi),
		cmocka_unit_test(test_roles),
	};
	struct err e = {0};

	if (router_new(&r, &e) < 0) {
		print_error("%s\n", e.msg);
		return 1;
	}
	int failed = cmocka_run_group_tests_name("router", tests, NULL, NULL);
	router_free(r);
	return failed;
}
