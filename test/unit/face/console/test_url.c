/* SPDX-License-Identifier: Apache-2.0 */
/* URLs, cookies, hosts: what is read, and what is refused rather than repaired. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "face/console/url.h"

static struct arena a;

static void decodes(const char *in, const char *out, bool is_form)
{
	struct str s;

	assert_true(url_decode(&a, str_of(in), is_form, &s));
	assert_true(str_is(s, out));
}

static void test_decode(void **state)
{
	struct str s;

	decodes("a%20b", "a b", false);
	decodes("a+b", "a+b", false);
	decodes("a+b%2B", "a b+", true);
	decodes("%e2%82%ac", "\xe2\x82\xac", false);
	decodes("%2e%2E", "..", false);
	decodes("a%0Ab", "a\nb", true);
	static const char *const bad[] = {
		"%", "%2", "a%", "a%4", "%zz", "%00", "%0a", "%7f", "%ff", "%c0%ae", "%ed%a0%80"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(url_decode(&a, str_of(bad[i]), false, &s));
	assert_false(url_decode(&a, STR("%00"), true, &s));
}

static void test_path(void **state)
{
	struct path p;

	assert_true(url_parse_path(&a, STR("/"), &p));
	assert_int_equal(p.n, 0);
	assert_true(url_parse_path(&a, STR("/api/v1/findings/a%20b"), &p));
	assert_int_equal(p.n, 4);
	assert_true(str_is(p.segment[3], "a b"));
	assert_true(url_parse_path(&a, STR("/rules/a%2Fb"), &p));
	assert_true(p.n == 2 && str_is(p.segment[1], "a/b"));
	static const char *const bad[] = {"", "api", "//", "/a//b", "/a/", "/.", "/..", "/a/../b",
		"/%2e%2e/b", "/a%00", "/1/2/3/4/5/6/7/8/9"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(url_parse_path(&a, str_of(bad[i]), &p));
}

static void test_query(void **state)
{
	struct buf many = BUF_INIT(4096);
	struct url_params p;

	assert_true(url_parse_query(&a, STR(""), &p));
	assert_int_equal(p.n, 0);
	assert_true(url_parse_query(&a, STR("a=1&&b=x%26y&c"), &p));
	assert_int_equal(p.n, 3);
	assert_true(str_is(params_get(&p, "b"), "x&y"));
	assert_true(str_is(params_get(&p, "c"), ""));
	assert_null(params_get(&p, "d").s);
	assert_false(url_parse_query(&a, STR("a=1&a=2"), &p));
	assert_false(url_parse_query(&a, STR("a=1&%61=2"), &p));
	assert_false(url_parse_query(&a, STR("a=%"), &p));
	for (int i = 0; i <= PARAMS_MAX; i++)
		buf_printf(&many, "p%d=1&", i);
	assert_false(url_parse_query(&a, buf_str(&many), &p));
	buf_done(&many);
}

static void test_cookie(void **state)
{
	const struct str name = STR("s");

	assert_true(str_is(cookie_get(STR("s=1"), name), "1"));
	assert_true(str_is(cookie_get(STR("a=b; s=1=2 ;c"), name), "1=2"));
	assert_null(cookie_get(STR("ss=1; xs=2; S=3"), name).s);
	assert_null(cookie_get(STR(""), name).s);
	/* somebody has planted another: neither is believed */
	assert_null(cookie_get(STR("s=1; s=2"), name).s);
}

static void test_host(void **state)
{
	struct str name;
	uint16_t port;

	assert_true(host_parse(STR("localhost:8766"), &name, &port));
	assert_true(str_is(name, "localhost"));
	assert_int_equal(port, 8766);
	assert_true(host_parse(STR("[::1]:1"), &name, &port) && host_is_loopback(name));
	assert_true(host_parse(STR("127.9.9.9"), &name, &port) && host_is_loopback(name));
	assert_int_equal(port, 0);
	static const char *const bad[] = {"", ":80", "a:0", "a:65536", "a:b", "a b", "a@b", "[::1",
		"[::1]x", "a/b", "a,b", "a#b"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(host_parse(str_of(bad[i]), &name, &port));
	static const char *const foreign[] = {"evil.example", "127.0.0.1.evil.example",
		"localhost.x", "0.0.0.0", "128.0.0.1", "::", "2130706433", "127.1",
		"::ffff:1.2.3.4"};
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		assert_false(host_is_loopback(str_of(foreign[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_cookie),
		cmocka_unit_test(test_host),
	};

	arena_init(&a, 0);
	int failed = cmocka_run_group_tests_name("url", tests, NULL, NULL);
	arena_done(&a);
	return failed;
}
