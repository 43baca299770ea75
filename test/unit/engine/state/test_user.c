/* SPDX-License-Identifier: Apache-2.0 */
/* passwd and group files, their cache, and roots that try to lead out. */
#include <sys/stat.h>
#include <unistd.h>

#include "events.h"

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void parsing(void **unused)
{
	struct arena a;
	struct user *u;
	struct group *g;

	arena_init(&a, 0);
	size_t n = users_parse(&a,
		STR("root:x:0:0:root:/root:/bin/bash\n"
		    "toor:x:0:0::/:/bin/sh\n"
		    "# comment\n\nbroken\n:x:5:5:::\nneg:x:-1:0:::\nbig:x:4294967296:0:::\n"
		    "max:x:4294967295:0:::\nshort:x:7:8\n"
		    "dev:x:1000:100:Dev,,,:/home/dev:/bin/zsh"),
		&u);
	assert_int_equal(n, 4);
	assert_str(u[0].name, "root"); /* the first of two counts */
	assert_str(u[1].name, "toor");
	assert_str(u[2].name, "short");
	assert_int_equal(u[2].gid, 8);
	assert_int_equal(u[2].home.len, 0);
	assert_str(u[3].name, "dev");
	assert_str(u[3].home, "/home/dev");
	assert_str(u[3].shell, "/bin/zsh");
	assert_int_equal(u[3].gid, 100);
	n = groups_parse(&a, STR("wheel:x:10:a,b\nroot:x:0:\nbad\n"), &g);
	assert_int_equal(n, 2);
	assert_str(g[0].name, "root");
	assert_str(g[1].name, "wheel");
	assert_int_equal(users_parse(&a, STR(""), &u), 0);
	arena_done(&a);
}

static void host(void **unused)
{
	char dir[] = "/tmp/koban-user-XXXXXX", cmd[1024], etc[256];

	assert_non_null(mkdtemp(dir));
	snprintf(etc, sizeof(etc), "%s/etc", dir);
	assert_int_equal(mkdir(etc, 0755), 0);
	write_file(dir, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
	write_file(dir, "etc/group", "root:x:0:\n");
	struct state *s = new_state((struct state_options){.host_root = dir});
	struct process *p = apply(s, make(CODE_CLOSE, 10, TICK));

	assert_str(state_user(s, p, 0)->name, "root");
	assert_str(state_group(s, p, 0)->name, "root");
	assert_null(state_user(s, p, 1));
	assert_null(state_group(s, p, 1));
	for (int i = 0; i < 1000; i++)
		state_user(s, p, 0);
	assert_int_equal(state_counters(s).user_files_read, 1);
	/* changed: seen after a second, not before */
	write_file(dir, "etc/passwd", "admin:x:0:0:root:/root:/bin/sh\nnew:x:1:1::/:/bin/sh\n");
	assert_str(state_user(s, p, 0)->name, "root");
	usleep(1100 * 1000);
	assert_str(state_user(s, p, 0)->name, "admin");
	assert_str(state_user(s, p, 1)->name, "new");
	assert_int_equal(state_counters(s).user_files_read, 2);
	state_free(s);

	/* a link that leads out is resolved inside */
	snprintf(cmd, sizeof(cmd), "rm %s/passwd && ln -s ../../../../../../etc/hostname %s/passwd",
		etc, etc);
	assert_int_equal(system(cmd), 0);
	write_file(dir, "etc/hostname", "x:x:77:77::/:\n");
	s = new_state((struct state_options){.host_root = dir});
	p = apply(s, make(CODE_CLOSE, 10, TICK));
	assert_str(state_user(s, p, 77)->name, "x");
	state_free(s);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	assert_int_equal(system(cmd), 0);
}

static void cap(void **unused)
{
	struct state *s = new_state((struct state_options){.max_user_files = 3});
	char text[128];

	for (uint32_t i = 0; i < 10; i++) {
		struct made_event *m = make(EVENT_CGROUP, 0x3fffff00 + i, TICK);

		snprintf(text, sizeof(text), "cpu=/lxc/c%u", i);
		m->ev.cgroups = str_of(text);
		assert_null(state_user(s, apply(s, m), 0)); /* no such process: no such root */
	}
	assert_int_equal(state_counters(s).user_files_evicted, 7);
	state_free(s);
	s = new_blind_state();
	assert_null(state_user(s, NULL, 0));
	state_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parsing),
		cmocka_unit_test(host),
		cmocka_unit_test(cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
