/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is out at any step: an error or fewer packages, never harm, and nothing is leaked. */
#include "base/buf.h"
#include "fault.h"
#include "parsed.h"

static void take_nothing(void *arg, const struct artifact_package *p)
{
	struct arena *a = arg;

	assert_true(p->name.len > 0);
	package_purl(p, NULL, a);
}

static int parse(const char *path, struct str content)
{
	const struct package_parser *p = package_parser_for(str_of(path));
	struct err e = {0};
	struct arena a;

	arena_init(&a, 16 << 20);
	int r = package_parse(p, str_of(path), content, &a, take_nothing, &a, &e);
	arena_done(&a);
	return r;
}

static void try_every_step(const char *path, struct str content)
{
	for (unsigned n = 1; n; n = fault_was_reached() ? n + 1 : 0) {
		fault_arm(FAULT_ALLOC, n, ENOMEM);
		int r = parse(path, content);
		fault_disarm();
		assert_true(r == 0 || r == -ENOMEM || r == -EBADMSG);
	}
	assert_int_equal(parse(path, content), 0);
}

static void test_parsers(void **state)
{
	struct buf many = BUF_INIT(1 << 20);

	(void)state;
	buf_add_cstr(&many, "P:a\nV:1\nF:usr\n");
	for (int i = 0; i < 5000; i++)
		buf_printf(&many, "R:file-%d\n", i);
	try_every_step("/lib/apk/db/installed", buf_str(&many));
	buf_clear(&many);
	for (int i = 0; i < 1000; i++)
		buf_printf(&many, "/usr/share/x/%d\n", i);
	try_every_step("/var/lib/dpkg/info/a.list", buf_str(&many));
	buf_done(&many);
	try_every_step("/node_modules/a/package.json",
		STR("{\"name\": \"\\u0061\", \"version\": \"\\u0031\"}"));
	try_every_step("/vendor/composer/installed.json",
		STR("[{\"name\": \"a\\/b\", \"version\": \"1\", \"license\": [\"\\u004d\"]}]"));
}

/* All memory at the end: whoever asks for a file's packages hears of it. */
static void test_no_files(void **state)
{
	struct str text = STR("P:a\nV:1\nF:usr\nR:b\n");

	(void)state;
	fault_arm_from(FAULT_ALLOC, 1, ENOMEM);
	int r = parse("/lib/apk/db/installed", text);
	fault_disarm();
	assert_int_equal(r, -ENOMEM);
}

static void test_lifetimes(void **state)
{
	struct package_lifetimes *l = NULL;

	(void)state;
	for (unsigned n = 1; n; n = fault_was_reached() ? n + 1 : 0) {
		struct err e = {0};

		l = NULL;
		fault_arm(FAULT_ALLOC, n, ENOMEM);
		int r = package_lifetimes_load("data", &l, &e);
		fault_disarm();
		assert_true(r == 0 || (r < 0 && e.msg[0] && !l));
		package_lifetimes_free(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parsers),
		cmocka_unit_test(test_no_files),
		cmocka_unit_test(test_lifetimes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
