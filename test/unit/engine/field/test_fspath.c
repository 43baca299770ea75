/* SPDX-License-Identifier: Apache-2.0 */
/* fs.path.*: the paths of calls that act on one path or two, and which of them failed calls keep.
 */
#include "fixture.h"

static void one_path(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	fixture_event(&fx, EV_UNLINKAT);
	set_number(&fx, "res", 0);
	set_text(&fx, "name", "x");
	fx.ev.path.name = STR("/tmp/x");
	fx.ev.path.real = STR("/mnt/x");
	assert_shown(&fx, "fs.path.name", "/tmp/x");
	assert_shown(&fx, "fs.path.nameraw", "x");
	assert_missing(&fx, "fs.path.source");
	assert_missing(&fx, "fs.path.target");
	fx.subject.name = NAME_REAL;
	assert_shown(&fx, "fs.path.name", "/mnt/x");
	assert_shown(&fx, "fs.path.nameraw", "x");
	set_number(&fx, "res", -2);
	assert_missing(&fx, "fs.path.name");
	fixture_done(&fx);
}

static void opens(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	set_number(&fx, "fd", -2);
	set_text(&fx, "name", "../x");
	assert_shown(&fx, "fs.path.name", "/x"); /* made absolute from the directory, /root */
	fx.ev.path.name = STR("/y");
	assert_shown(&fx, "fs.path.name", "/y");
	fixture_event(&fx, EV_CONNECT);
	assert_missing(&fx, "fs.path.name");
	fixture_done(&fx);
}

static void two_paths(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	fixture_event(&fx, EV_RENAME);
	set_number(&fx, "res", 0);
	set_text(&fx, "oldpath", "a");
	set_text(&fx, "newpath", "b");
	fx.ev.path.name = STR("/tmp/a");
	fx.ev.target.name = STR("/tmp/b");
	assert_shown(&fx, "fs.path.source", "/tmp/a");
	assert_shown(&fx, "fs.path.sourceraw", "a");
	assert_shown(&fx, "fs.path.target", "/tmp/b");
	assert_shown(&fx, "fs.path.targetraw", "b");
	assert_missing(&fx, "fs.path.name");
	/* of a link, the new name is the source */
	fixture_event(&fx, EV_LINKAT);
	set_number(&fx, "res", 0);
	set_text(&fx, "oldpath", "shadow");
	set_text(&fx, "newpath", "l");
	fx.ev.path.name = STR("/etc/shadow");
	fx.ev.target.name = STR("/tmp/l");
	assert_shown(&fx, "fs.path.source", "/tmp/l");
	assert_shown(&fx, "fs.path.sourceraw", "l");
	assert_shown(&fx, "fs.path.target", "/etc/shadow");
	assert_shown(&fx, "fs.path.targetraw", "shadow");
	fixture_event(&fx, EV_SYMLINKAT);
	set_number(&fx, "res", 0);
	set_text(&fx, "target", "/etc/shadow");
	set_text(&fx, "linkpath", "l");
	fx.ev.target.name = STR("/tmp/l");
	assert_shown(&fx, "fs.path.source", "/tmp/l");
	assert_shown(&fx, "fs.path.target", "/etc/shadow");
	assert_shown(&fx, "fs.path.targetraw", "/etc/shadow");
	fixture_done(&fx);
}

static void descriptors(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	fixture_event(&fx, EV_FCHMOD);
	set_number(&fx, "res", 0);
	set_file(&fx, 3, "/etc/passwd");
	assert_shown(&fx, "fs.path.name", "/etc/passwd");
	fixture_event(&fx, EV_MOUNT);
	set_number(&fx, "res", 0);
	set_text(&fx, "dev", "/dev/sda1");
	set_text(&fx, "dir", "/mnt");
	assert_shown(&fx, "fs.path.source", "/dev/sda1");
	assert_shown(&fx, "fs.path.target", "/mnt");
	fixture_done(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_path),
		cmocka_unit_test(opens),
		cmocka_unit_test(two_paths),
		cmocka_unit_test(descriptors),
	};

	return cmocka_run_group_tests_name("fspath", tests, NULL, NULL);
}
