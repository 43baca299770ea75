/* SPDX-License-Identifier: Apache-2.0 */
/* Which distribution it is, by every file that says so, and when its support ends. */
#include "base/io.h"
#include "parsed.h"

static const struct {
	const char *path, *text, *id, *version, *codename;
} rows[] = {
	{"/usr/lib/os-release",
		"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\n"
		"VERSION_ID=\"12\"\nVERSION=\"12 "
		"(bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n",
		"debian", "12", "bookworm"},
	{"/etc/os-release", "ID='alpine'\nVERSION_ID=3.18.4\n", "alpine", "3.18.4", ""},
	{"/etc/os-release", "ID=\"centos\"\nVERSION_ID=\"7\"\nVERSION=\"7 (Core)\"\n", "centos",
		"7", "Core"},
	{"/etc/os-release", "ID=We\033ird/..\nVERSION_ID=1\n", "weird..", "1", ""},
	{"/etc/debian_version", "7.11\n", "debian", "7.11", ""},
	{"/etc/debian_version", "bookworm/sid\n", "debian", "", "bookworm/sid"},
	{"/etc/alpine-release", "3.4.6\n", "alpine", "3.4.6", ""},
	{"/etc/redhat-release", "CentOS release 6.10 (Final)\n", "centos", "6.10", "Final"},
	{"/etc/redhat-release", "Red Hat Enterprise Linux Server release 5.11 (Tikanga)\n", "rhel",
		"5.11", "Tikanga"},
	{"/etc/system-release", "Amazon Linux AMI release 2018.03\n", "amzn", "2018.03", ""},
	{"/etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=8.04\nDISTRIB_CODENAME=hardy\n",
		"ubuntu", "8.04", "hardy"},
	{"/etc/SuSE-release", "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\n", "sles",
		"11", "x86_64"},
	{"/etc/arch-release", "", "arch", "", ""},
};

static void test_files(void **state)
{
	struct arena a;
	struct artifact_distro d;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(package_is_distro_file(str_of(rows[i].path)));
		assert_true(
			package_parse_distro(str_of(rows[i].path), str_of(rows[i].text), &a, &d));
		assert_str(d.id, rows[i].id);
		assert_str(d.version, rows[i].version);
		assert_str(d.codename, rows[i].codename);
		assert_str(d.path, rows[i].path);
	}
	assert_true(package_parse_distro(STR("/etc/os-release"), STR("ID=deb\0ian\n"), &a, &d));
	assert_str(d.id, "debian");
	assert_false(package_is_distro_file(STR("/srv/etc/os-release")));
	assert_false(package_parse_distro(STR("/etc/os-release"), STR("NAME=x\n"), &a, &d));
	assert_false(package_parse_distro(STR("/etc/redhat-release"), STR("My Linux 1"), &a, &d));
	assert_false(package_parse_distro(STR("/etc/debian_version"), STR(""), &a, &d));
	arena_done(&a);
}

static const struct {
	struct artifact_distro d;
	const char *end;
	bool is_ended; /* on 2026-11-28 */
} lives[] = {
	{{.id = STR("debian"), .version = STR("9")}, "2022-06-30", true},
	{{.id = STR("debian"), .version = STR("7.11")}, "2018-05-31", true},
	{{.id = STR("debian"), .version = STR("12")}, "2028-06-30", false},
	{{.id = STR("debian"), .codename = STR("sid")}, "", false},
	{{.id = STR("ubuntu"), .version = STR("20.04")}, "2025-05-31", true},
	{{.id = STR("alpine"), .version = STR("3.18.4")}, "2025-05-09", true},
	{{.id = STR("alpine"), .version = STR("3.23_alpha20250901")}, "", false},
	{{.id = STR("centos"), .version = STR("8"), .pretty_name = STR("CentOS Stream 8")},
		"2024-05-31", true},
	{{.id = STR("centos"), .version = STR("8"), .pretty_name = STR("CentOS Linux 8")},
		"2021-12-31", true},
	{{.id = STR("rhel"), .version = STR("9.4")}, "2032-05-31", false},
	{{.id = STR("amzn"), .version = STR("2018.03")}, "2023-12-31", true},
	{{.id = STR("sles"), .version = STR("15.8")}, "", false},
	{{.id = STR("sles"), .version = STR("15")}, "2019-12-31", true},
	{{.id = STR("arch")}, "", false},
	{{.id = STR("nobody-knows"), .version = STR("1")}, "", false},
};

static void test_lifetimes(void **state)
{
	const int64_t now_s = 1795824000; /* 2026-11-28 */
	struct package_lifetimes *l = NULL;
	struct err e = {0};
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	if (package_lifetimes_load("data", &l, &e) < 0)
		fail_msg("%s", e.msg);
	for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
		struct artifact_distro d = lives[i].d;

		package_lifetimes_apply(l, now_s, &d, &a);
		assert_str(d.end_of_life, lives[i].end);
		assert_int_equal(d.is_ended, lives[i].is_ended);
	}
	package_lifetimes_free(l);
	arena_done(&a);
}

/* The last day still has support; the next day what was judged before is judged again. */
static void test_last_day(void **state)
{
	const int64_t last_s = 1845936000; /* 2028-06-30 00:00 */
	const int64_t day_s = 86400;
	struct artifact_distro d = {.id = STR("debian"), .version = STR("12")};
	struct package_lifetimes *l = NULL;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(package_lifetimes_load("data", &l, NULL), 0);
	package_lifetimes_apply(l, last_s + day_s - 1, &d, &a);
	assert_false(d.is_ended);
	package_lifetimes_apply(l, last_s + day_s, &d, &a);
	assert_true(d.is_ended);
	assert_true(package_lifetimes_knowledge(l, last_s) ==
		    package_lifetimes_knowledge(l, last_s + day_s - 1));
	assert_true(package_lifetimes_knowledge(l, last_s) !=
		    package_lifetimes_knowledge(l, last_s + day_s));
	package_lifetimes_free(l);
	arena_done(&a);
}

static void test_not_there(void **state)
{
	struct package_lifetimes *l = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(package_lifetimes_load("/nowhere", &l, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "/nowhere/intel/end-of-life.yaml"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_lifetimes),
		cmocka_unit_test(test_last_day),
		cmocka_unit_test(test_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
