/* SPDX-License-Identifier: Apache-2.0 */
/* .kobanignore: what a line may say, what it does, and how a wrong one is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "scan/image/image.h"

static char path[] = "/tmp/koban-ignore-XXXXXX";

static struct artifact_finding finding(const char *check, const char *where)
{
	return (struct artifact_finding){.check = str_of(check),
		.title = STR("A thing"),
		.label = LABEL_SECRETS,
		.severity = ARTIFACT_HIGH,
		.confidence = 90,
		.path = str_of(where),
		.deleted_in = -1};
}

static int open_text(const char *text, struct scan_ignore **g, struct err *e)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
	return scan_ignore_open(path, g, e);
}

/* Applied to one finding. */
static struct artifact_finding apply(const char *text, struct artifact_finding f, struct arena *a)
{
	struct artifact_report r = {.findings = &f, .nfindings = 1};
	struct scan_ignore *g;
	struct err e = {0};

	assert_int_equal(open_text(text, &g, &e), 0);
	scan_ignore_apply(g, &r, a);
	scan_ignore_close(g);
	assert_int_equal(r.verdict, r.findings[0].is_ignored ? VERDICT_CLEAN : VERDICT_RISKY);
	return r.findings[0];
}

static void what_lines_do(void **state)
{
	struct arena a;
	struct artifact_finding f = finding("secret-x", "/usr/share/doc/a.jar!/key"), r;
	char id[64];

	arena_init(&a, 0);
	assert_false(apply("# nothing\n\n", f, &a).is_ignored);
	r = apply("secret-x  # examples\n", f, &a);
	assert_true(r.is_ignored);
	assert_true(str_is(r.ignored_why, "examples"));
	assert_true(apply("secret-* /usr/share/doc/*  # x\n", f, &a).is_ignored);
	assert_true(apply("secret-x */key # x", f, &a).is_ignored);
	assert_false(apply("secret-x /opt/* # x", f, &a).is_ignored);
	assert_false(apply("secret-y # x", f, &a).is_ignored);
	snprintf(id, sizeof(id), "%016llx # by Ann, until: 2999-01-01\n",
		(unsigned long long)artifact_finding_fingerprint(&f));
	r = apply(id, f, &a);
	assert_true(r.is_ignored);
	assert_true(str_is(r.ignored_why, "by Ann"));
	/* one that has ended is said */
	r = apply("\nsecret-x # by Ann, until: 2001-02-28\n", f, &a);
	assert_false(r.is_ignored);
	assert_true(str_find(r.ignored_why, STR(":2 ended on 2001-02-28: by Ann")) > 0);
	/* and another may hold */
	assert_true(apply("secret-x # a, until: 2001-01-01\nsecret-x # b", f, &a).is_ignored);
	arena_done(&a);
}

static void wrong(const char *text, const char *why)
{
	struct scan_ignore *g;
	struct err e = {0};

	assert_true(open_text(text, &g, &e) < 0);
	assert_null(g);
	assert_non_null(strstr(e.msg, path));
	assert_non_null(strstr(e.msg, why));
}

static void what_is_refused(void **state)
{
	struct scan_ignore *g;
	struct err e = {0};

	wrong("ok # x\nsecret-x\n", ":2: an exception needs its reason");
	wrong("secret-x #\n", ":1: the reason behind");
	wrong("secret-x # until: 2030-01-01\n", ":1: the reason behind");
	wrong("secret-x # a, until: soon\n", ":1: behind \"until:\"");
	wrong("secret-x # a, until: 2030-02-31\n", ":1: behind \"until:\"");
	wrong("secret-x etc/passwd # a\n", ":1: a path begins");
	wrong("0123456789abcdef /etc # a\n", ":1: an id names one");
	wrong("a # b\n\n # fine\nb", ":4: an exception needs");
	assert_true(scan_ignore_open("/nowhere/at-all", &g, &e) < 0);
	assert_non_null(strstr(e.msg, "/nowhere/at-all"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_lines_do),
		cmocka_unit_test(what_is_refused),
	};

	close(mkstemp(path));
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
