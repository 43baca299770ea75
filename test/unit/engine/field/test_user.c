/* SPDX-License-Identifier: Apache-2.0 */
/* user.* and group.* fields, with a host root of the test's own. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

static void put(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/etc/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void drop(const char *dir)
{
	static const char *const names[] = {"/etc/passwd", "/etc/group"};
	char path[256];

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s%s", dir, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/etc", dir);
	rmdir(path);
	rmdir(dir);
}

static void names_from_files(void **state)
{
	char dir[] = "/tmp/koban-test-XXXXXX", path[256];
	struct state_options o = {.host_root = dir};
	struct fixture fx;
	struct err e = {0};

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/etc", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	put(dir, "passwd",
		"toor:x:0:0:r:/home/toor:/bin/zsh\nada:x:1000:100:A:/home/ada:/bin/sh\n");
	put(dir, "group", "users:x:100:\n");
	fixture_init(&fx);
	fx.subject.state = state_new(&o, &e);
	if (!fx.subject.state)
		fail_msg("%s", e.msg);
	fx.proc.loginuid = 0;
	assert_shown(&fx, "user.name", "ada");
	assert_shown(&fx, "user.homedir", "/home/ada");
	assert_shown(&fx, "user.shell", "/bin/sh");
	assert_shown(&fx, "user.loginname", "toor");
	assert_shown(&fx, "user.loginuid", "0");
	assert_shown(&fx, "group.name", "users");
	/* captures know ids from the state only */
	fx.ev.uid = fx.ev.gid = UINT32_MAX;
	fx.proc.uid = 4;
	fx.proc.gid = 5;
	assert_shown(&fx, "user.uid", "4");
	assert_shown(&fx, "user.name", "<NA>");
	assert_shown(&fx, "user.homedir", "<NA>");
	assert_shown(&fx, "group.gid", "5");
	assert_shown(&fx, "group.name", "<NA>");
	state_free(fx.subject.state);
	fixture_done(&fx);
	drop(dir);
}

static void without_files(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	fx.proc.loginuid = 1000;
	assert_shown(&fx, "user.name", "<NA>");
	assert_shown(&fx, "user.shell", "<NA>");
	assert_shown(&fx, "user.loginuid", "1000");
	assert_shown(&fx, "user.loginname", "<NA>");
	fx.proc.loginuid = UINT32_MAX;
	assert_shown(&fx, "user.loginuid", "-1");
	assert_shown(&fx, "user.loginname", "<NA>");
	assert_holds(&fx, "user.loginuid = -1");
	fx.ev.uid = fx.ev.gid = 0;
	assert_shown(&fx, "user.name", "root");
	assert_shown(&fx, "user.homedir", "/root");
	assert_shown(&fx, "group.name", "root");
	fx.subject.proc = NULL;
	assert_missing(&fx, "user.name");
	assert_missing(&fx, "group.name");
	fixture_done(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_from_files),
		cmocka_unit_test(without_files),
	};

	return cmocka_run_group_tests_name("user", tests, NULL, NULL);
}
