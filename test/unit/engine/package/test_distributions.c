/* SPDX-License-Identifier: Apache-2.0 */
/* Databases of distributions that are texts: dpkg's and apk's, with the files that packages own. */
#include "parsed.h"

static const char status_text[] =
	"Package: libc6\n"
	"Status: install ok installed\n"
	"Priority: optional\n"
	"Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>\n"
	"Architecture: amd64\n"
	"Multi-Arch: same\n"
	"Source: glibc (2.36-9+deb12u4)\n"
	"Version: 2.36-9+deb12u4+b1\n"
	"Description: GNU C Library\n"
	" Package: not-a-package\n"
	" .\n"
	" more words\n"
	"\n"
	"Package: gone\n"
	"Status: deinstall ok config-files\n"
	"Version: 1.0\n"
	"\n"
	"Package: half\n"
	"Status: install reinstreq half-installed\n"
	"Architecture: all\n"
	"Version: 2:1.0~rc1\n";

static void test_status(void **state)
{
	struct parsed *x = parsed_of("/var/lib/dpkg/status", str_of(status_text));

	(void)state;
	assert_int_equal(x->r, 0);
	assert_int_equal(x->n, 2);
	assert_int_equal(x->p[0].type, PACKAGE_DPKG);
	assert_str(x->p[0].name, "libc6");
	assert_str(x->p[0].version, "2.36-9+deb12u4+b1");
	assert_str(x->p[0].source, "glibc");
	assert_str(x->p[0].source_version, "2.36-9+deb12u4");
	assert_str(x->p[0].arch, "amd64");
	assert_str(x->p[0].path, "/var/lib/dpkg/status");
	assert_int_equal(x->p[0].deleted_in, -1);
	assert_str(x->p[1].name, "half");
	assert_str(x->p[1].version, "2:1.0~rc1");
	assert_str(x->p[1].source, "half");
	assert_str(x->p[1].source_version, "2:1.0~rc1");
	parsed_done(x);
}

/* CRLF, a paragraph without a name, one that ends in the middle: what is whole counts. */
static void test_status_damaged(void **state)
{
	struct parsed *x = parsed_of(
		"/var/lib/dpkg/status", STR("Package: a\r\nVersion: 1\r\n\r\nVersion: "
					    "7\r\n\r\nPackage: b\nVersion: 2\n\nPackage: c\nVers"));

	(void)state;
	assert_int_equal(x->r, -EBADMSG);
	assert_int_equal(x->n, 2);
	assert_str(x->p[0].version, "1");
	assert_str(x->p[1].name, "b");
	parsed_done(x);
}

/* Controls in a name, an endless version: no package; a name is shown and becomes part of a URL. */
static void test_status_hostile(void **state)
{
	char text[4096];

	(void)state;
	snprintf(text, sizeof(text),
		"Package: a\033[2J\nVersion: 1\n\nPackage: b\nVersion: %0600d\n", 1);
	struct parsed *x = parsed_of("/var/lib/dpkg/status", str_of(text));
	assert_int_equal(x->n, 1);
	assert_str(x->p[0].name, "b");
	assert_str(x->p[0].version, "");
	parsed_done(x);
}

static void test_list(void **state)
{
	struct parsed *x = parsed_of("/var/lib/dpkg/info/libc6:amd64.list",
		STR("/.\n/lib\n/lib/x86_64-linux-gnu\n/usr\n/lib/x86_64-linux-gnu/libc.so.6\n"
		    "/usr/share\n/usr/share/doc\n/usr/share/doc/libc6\n/usr/share/doc/libc6/"
		    "copyright\n"));

	(void)state;
	assert_int_equal(x->r, 0);
	assert_int_equal(x->n, 1);
	assert_str(x->p[0].name, "libc6");
	assert_str(x->p[0].arch, "amd64");
	/* under both names that a merged /usr gives it */
	assert_int_equal(x->p[0].nfiles, 3);
	assert_true(parsed_owns(&x->p[0], "/lib/x86_64-linux-gnu/libc.so.6"));
	assert_true(parsed_owns(&x->p[0], "/usr/lib/x86_64-linux-gnu/libc.so.6"));
	assert_true(parsed_owns(&x->p[0], "/usr/share/doc/libc6/copyright"));
	parsed_done(x);
}

static void test_distroless(void **state)
{
	struct parsed *x = parsed_of("/var/lib/dpkg/status.d/tzdata",
		STR("Package: tzdata\nVersion: 2024a-0+deb12u1\nArchitecture: all\n"));
	struct parsed *y = parsed_of("/var/lib/dpkg/status.d/tzdata.md5sums",
		STR("d41d8cd98f00b204e9800998ecf8427e  usr/share/zoneinfo/UTC\n"));

	(void)state;
	assert_int_equal(x->n, 1);
	assert_str(x->p[0].name, "tzdata");
	assert_int_equal(y->n, 1);
	assert_true(parsed_owns(&y->p[0], "/usr/share/zoneinfo/UTC"));
	assert_true(package_is_same(&x->p[0], &y->p[0]));
	assert_true(package_key(&x->p[0]) == package_key(&y->p[0]));
	parsed_done(x);
	parsed_done(y);
}

static void test_same_name_other_architecture(void **state)
{
	struct artifact_package p = {.type = PACKAGE_DPKG, .name = STR("a"), .arch = STR("i386")};
	struct artifact_package files = {.type = PACKAGE_DPKG, .name = STR("a")};

	(void)state;
	assert_true(package_is_same(&p, &files));
	files.arch = STR("amd64");
	assert_false(package_is_same(&p, &files));
}

static const char apk_text[] = "C:Q1pSfYTkaHWqBLqQ2gdRPbpBlPwKw=\n"
			       "P:musl\n"
			       "V:1.2.5-r0\n"
			       "A:x86_64\n"
			       "S:406901\n"
			       "T:the musl c library (libc) implementation\n"
			       "L:MIT\n"
			       "o:musl\n"
			       "m:Somebody <somebody@example.invalid>\n"
			       "F:lib\n"
			       "R:ld-musl-x86_64.so.1\n"
			       "a:0:0:755\n"
			       "Z:Q1wGbTkGrZvKTpGyZzlYcOEYHGJ9c=\n"
			       "R:libc.musl-x86_64.so.1\n"
			       "F:usr\n"
			       "F:usr/share\n"
			       "\n"
			       "P:ssl_client\n"
			       "V:1.36.1-r29\n"
			       "A:x86_64\n"
			       "L:GPL-2.0-only\n"
			       "o:busybox\n"
			       "F:usr/bin\n"
			       "R:ssl_client\n"
			       "\n";

static void test_apk(void **state)
{
	static const char *const paths[] = {"/lib/apk/db/installed", "/usr/lib/apk/db/installed"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct parsed *x = parsed_of(paths[i], str_of(apk_text));

		assert_int_equal(x->r, 0);
		assert_int_equal(x->n, 2);
		assert_int_equal(x->p[0].type, PACKAGE_APK);
		assert_str(x->p[0].name, "musl");
		assert_str(x->p[0].version, "1.2.5-r0");
		assert_str(x->p[0].license, "MIT");
		assert_true(parsed_owns(&x->p[0], "/lib/ld-musl-x86_64.so.1"));
		assert_true(parsed_owns(&x->p[0], "/lib/libc.musl-x86_64.so.1"));
		assert_str(x->p[1].source, "busybox");
		assert_str(x->p[1].source_version, "1.36.1-r29");
		assert_int_equal(x->p[1].nfiles, 1);
		assert_true(parsed_owns(&x->p[1], "/usr/bin/ssl_client"));
		parsed_done(x);
	}
}

static void test_apk_damaged(void **state)
{
	struct parsed *x = parsed_of("/lib/apk/db/installed",
		STR("P:a\nV:1\n\nwhat is this\nR:file-of-nobody\n\nP:b\nV:2\nF:e"));

	(void)state;
	assert_int_equal(x->r, -EBADMSG);
	assert_int_equal(x->n, 2);
	assert_str(x->p[1].name, "b");
	assert_int_equal(x->p[1].nfiles, 0);
	parsed_done(x);
}

static void test_places(void **state)
{
	(void)state;
	assert_null(package_parser_for(STR("/srv/chroot/var/lib/dpkg/status")));
	assert_null(package_parser_for(STR("/root.tar!/var/lib/dpkg/status")));
	assert_null(package_parser_for(STR("/var/lib/dpkg/status-old")));
	assert_null(package_parser_for(STR("")));
	assert_string_equal(package_parser_name(package_parser_for(STR("/var/lib/dpkg/status"))),
		"dpkg-status");
}

/* Each row says what it is, once. */
static void test_rows(void **state)
{
	const char *names[64], *doc;
	size_t n = 0;

	(void)state;
	for (; package_parser_row(n, &names[n], &doc); n++) {
		assert_true(n < 63 && names[n][0] && doc[0]);
		for (size_t i = 0; i < n; i++)
			assert_string_not_equal(names[i], names[n]);
	}
	assert_true(n > 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_status_damaged),
		cmocka_unit_test(test_status_hostile),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_distroless),
		cmocka_unit_test(test_same_name_other_architecture),
		cmocka_unit_test(test_apk),
		cmocka_unit_test(test_apk_damaged),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
