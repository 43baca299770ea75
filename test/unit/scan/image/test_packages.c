/* SPDX-License-Identifier: Apache-2.0 */
/* Packages of a layer: what stands in several files is one; files in windows; the distribution. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fake_ledger.h"

extern const struct analyzer_ops analyzer_packages;

static struct ledger l;
static void *self;

static int set_up(void **state)
{
	struct err e = {0};

	(void)state;
	fake_ledger_init(&l);
	if (analyzer_packages.open(&(struct analyzer_options){.data_dir = "data"}, &self, &e) < 0)
		fail_msg("%s", e.msg);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	analyzer_packages.close(self);
	fake_ledger_done(&l);
	return 0;
}

static void show(const char *path, const char *content)
{
	fake_show(&analyzer_packages, self, &l, path, 0644, str_of(content));
}

static void end_layer(void)
{
	fake_end_layer(&analyzer_packages, self, &l);
}

static const struct artifact_package *find(const char *name)
{
	for (size_t i = 0; i < l.npackages; i++)
		if (str_is(l.packages[i].name, name))
			return &l.packages[i];
	return NULL;
}

static bool owns(const struct artifact_package *p, const char *path)
{
	uint64_t hash = str_hash(str_of(path));

	for (size_t i = 0; p && i < p->nfiles; i++) {
		assert_true(i == 0 || p->files[i - 1] < p->files[i]);
		if (p->files[i] == hash)
			return true;
	}
	return false;
}

/* Lists before and behind the status file; both lists of one package; two architectures. */
static void test_dpkg(void **state)
{
	(void)state;
	show("/var/lib/dpkg/info/a.md5sums", "d41d8cd98f00b204e9800998ecf8427e  usr/bin/a\n");
	show("/var/lib/dpkg/info/b:i386.list", "/usr/lib/i386/b.so\n");
	show("/var/lib/dpkg/status", "Package: a\nVersion: 1\nArchitecture: amd64\n\n"
				     "Package: b\nVersion: 2\nArchitecture: amd64\n\n"
				     "Package: b\nVersion: 2\nArchitecture: i386\n\n"
				     "Package: c\nVersion: 3\nArchitecture: all\n");
	show("/var/lib/dpkg/info/b:amd64.list", "/usr/lib/amd64/b.so\n");
	show("/var/lib/dpkg/info/a.list", "/usr/bin\n/usr/bin/a\n/etc/a.conf\n");
	show("/var/lib/dpkg/info/unknown.list", "/usr/bin/unknown\n");
	end_layer();
	assert_int_equal(l.npackages, 4);
	assert_int_equal(find("a")->nfiles, 2);
	assert_true(owns(find("a"), "/usr/bin/a"));
	assert_true(owns(find("a"), "/etc/a.conf"));
	for (size_t i = 0; i < 4; i++)
		if (str_is(l.packages[i].name, "b")) {
			bool is_amd64 = str_is(l.packages[i].arch, "amd64");

			assert_int_equal(l.packages[i].nfiles, 1);
			assert_true(owns(&l.packages[i],
				is_amd64 ? "/usr/lib/amd64/b.so" : "/usr/lib/i386/b.so"));
		}
	assert_int_equal(find("c")->nfiles, 0);
}

/* The next layer knows nothing of the one before. */
static void test_layers(void **state)
{
	(void)state;
	show("/var/lib/dpkg/status", "Package: a\nVersion: 1\n");
	show("/var/lib/dpkg/info/b.list", "/usr/bin/b\n");
	end_layer();
	fake_ledger_clear(&l);
	show("/var/lib/dpkg/status", "Package: b\nVersion: 2\n");
	end_layer();
	assert_int_equal(l.npackages, 1);
	assert_int_equal(find("b")->nfiles, 0);
}

static void test_python(void **state)
{
	(void)state;
	show("/venv/lib/python3.11/site-packages/x-1.dist-info/RECORD",
		"x/y.py,,\n../../../bin/x,,\n");
	show("/venv/lib/python3.11/site-packages/x-1.dist-info/METADATA", "Name: x\nVersion: 1\n");
	end_layer();
	assert_int_equal(l.npackages, 1);
	assert_true(owns(find("x"), "/venv/lib/python3.11/site-packages/x/y.py"));
	assert_true(owns(find("x"), "/venv/bin/x"));
}

static void show_member(const char *path, const char *content)
{
	struct artifact_file f = {
		.path = str_of(path), .kind = ARTIFACT_FILE, .mode = 0644, .depth = 1};

	fake_show_file(&analyzer_packages, self, &l, &f, str_of(content));
}

static void test_jars(void **state)
{
	(void)state;
	/* says itself what it is: its name and manifest are not asked */
	show("/app/core-9.jar", "PK");
	show_member("/app/core-9.jar!/META-INF/MANIFEST.MF", "Implementation-Version: 8\n\n");
	show_member("/app/core-9.jar!/META-INF/maven/org.x/core/pom.properties",
		"#Generated\ngroupId=org.x\nartifactId=core\nversion=7.0\n");
	show_member("/app/core-9.jar!/META-INF/maven/org.y/shaded/pom.properties",
		"groupId=org.y\r\nartifactId=shaded\r\nversion=1.1\r\n");
	/* manifest and name together */
	show("/app/plain.jar", "PK");
	show_member("/app/plain.jar!/META-INF/MANIFEST.MF",
		"Manifest-Version: 1.0\nBundle-SymbolicName: org.z.plain;singleton:=true\n"
		"Bundle-Version: 1.2.3\n\nName: x\nImplementation-Version: 9\n");
	/* the name alone, of one inside another */
	show("/app/boot.jar", "PK");
	show_member("/app/boot.jar!/BOOT-INF/lib/guava-31.1-jre.jar", "PK");
	/* a name without a version says nothing */
	show("/app/nothing.jar", "PK");
	end_layer();
	assert_int_equal(l.npackages, 4);
	assert_true(str_is(find("core")->version, "7.0"));
	assert_true(str_is(find("core")->group, "org.x"));
	assert_true(str_is(find("core")->path, "/app/core-9.jar"));
	assert_true(str_is(find("shaded")->version, "1.1"));
	assert_true(str_is(find("plain")->version, "1.2.3"));
	assert_true(str_is(find("plain")->group, "org.z"));
	assert_true(str_is(find("guava")->version, "31.1-jre"));
}

/* A status file in windows of 64 bytes that overlap by 16. */
static void test_windows(void **state)
{
	struct artifact_file f = {
		.path = STR("/lib/apk/db/installed"), .kind = ARTIFACT_FILE, .mode = 0644};
	struct buf text = BUF_INIT(1 << 20);

	(void)state;
	for (int i = 0; i < 100; i++)
		buf_printf(&text, "P:package-%d\nV:%d.0\nF:usr/bin\nR:tool-%d\n\n", i, i, i);
	f.size = text.len;
	fake_show_windows(&analyzer_packages, self, &l, &f, buf_str(&text), 64, 16);
	end_layer();
	assert_int_equal(l.npackages, 100);
	assert_true(str_is(find("package-63")->version, "63.0"));
	assert_true(owns(find("package-63"), "/usr/bin/tool-63"));
	assert_int_equal(l.ngaps, 0);
	buf_done(&text);
}

/* Too large, damaged: a gap, and what could be read. */
static void test_gaps(void **state)
{
	struct artifact_file f = {.path = STR("/x/node_modules/y/package.json"),
		.kind = ARTIFACT_FILE,
		.size = 5 << 20};

	(void)state;
	struct file_view v = {.file = &f, .content = STR("{"), .is_first = true};
	analyzer_packages.file(self, &v, &l);
	v = (struct file_view){.file = &f, .content = STR("}"), .offset = 1, .is_last = true};
	analyzer_packages.file(self, &v, &l);
	assert_int_equal(l.ngaps, 1);
	assert_true(str_find(l.gaps[0].why, STR("4 MiB")) >= 0);
	show("/lib/apk/db/installed", "P:a\nV:1\n\nnonsense\n");
	assert_int_equal(l.ngaps, 2);
	assert_int_equal(l.npackages, 1);
}

static void test_distro_ended(void **state)
{
	const struct artifact_finding *f;

	(void)state;
	show("/etc/debian_version", "9.13\n");
	show("/usr/lib/os-release",
		"ID=debian\nVERSION_ID=9\nPRETTY_NAME=\"Debian GNU/Linux 9 (stretch)\"\n");
	show("/etc/os-release", "ID=debian\nVERSION_ID=9\n");
	end_layer();
	assert_int_equal(l.ndistros, 1);
	assert_true(l.distros[0].is_ended);
	assert_true(str_is(l.distros[0].end_of_life, "2022-06-30"));
	assert_int_equal(fake_count(&l, "distro-ended"), 1);
	f = fake_find(&l, "distro-ended");
	assert_int_equal(f->label, LABEL_OUTDATED);
	assert_true(str_is(f->title,
		"Debian GNU/Linux 9 (stretch) has had no security support since 2022-06-30"));
	assert_true(str_is(f->path, "/usr/lib/os-release"));
}

/* One with support, one that nobody knows, one so old that it has no os-release. */
static void test_distro_others(void **state)
{
	(void)state;
	show("/etc/os-release", "ID=arch\nPRETTY_NAME=\"Arch Linux\"\n");
	end_layer();
	assert_int_equal(l.ndistros, 1);
	assert_int_equal(l.nfindings, 0);
	fake_ledger_clear(&l);
	show("/etc/redhat-release", "CentOS release 6.10 (Final)\n");
	assert_int_equal(l.ndistros, 0);
	end_layer();
	assert_int_equal(l.ndistros, 1);
	assert_int_equal(fake_count(&l, "distro-ended"), 1);
	fake_ledger_clear(&l);
	end_layer();
	assert_int_equal(l.ndistros, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_dpkg, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_layers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_python, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_jars, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_windows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gaps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_distro_ended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_distro_others, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
