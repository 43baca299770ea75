/* SPDX-License-Identifier: Apache-2.0 */
/* A container that its runtime announces, and that is gone from the disk when it is asked about. */
#include <unistd.h>

#include "events.h"

#define ID      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TASKS   "/run/containerd/io.containerd.runtime.v2.task/"
#define ARGS(x) str_make(x, sizeof(x) - 1)

static void command_lines(void **unused)
{
	static const char shim[] = "-namespace\0default\0-id\0web-1\0-address\0/run/x.sock";
	static const char long_id[] = "-id\0" ID "\0-namespace\0moby";
	static const char runc[] = "--root\0/run/r\0create\0--bundle\0" TASKS "k8s.io/" ID "\0" ID;
	static const char equal[] = "create\0--bundle=" TASKS "default/web-1\0web-1";
	static const char podman[] = "create\0--bundle\0/var/lib/x-containers/" ID "/userdata\0" ID;
	struct cgroup_match m;

	assert_true(container_announced(STR("containerd-shim"), ARGS(shim), &m));
	assert_str(m.ns, "default");
	assert_str(m.id, "web-1");
	assert_true(m.is_guess);
	assert_true(container_announced(STR("containerd-shim-runc-v2"), ARGS(long_id), &m));
	assert_str(m.id, ID);
	assert_int_equal(m.type, CONTAINER_DOCKER);
	assert_false(m.is_guess);
	assert_true(container_announced(STR("runc"), ARGS(runc), &m));
	assert_str(m.ns, "k8s.io");
	assert_str(m.id, ID);
	assert_int_equal(m.type, CONTAINER_CONTAINERD);
	assert_true(container_announced(STR("crun"), ARGS(equal), &m));
	assert_str(m.id, "web-1");

	assert_false(container_announced(STR("runc"), ARGS(podman), &m));
	assert_false(container_announced(STR("runc"), ARGS("create\0--bundle"), &m));
	assert_false(container_announced(STR("runc"), ARGS("--bundle=" TASKS), &m));
	assert_false(container_announced(STR("runc"), ARGS("--bundle=" TASKS "default/"), &m));
	assert_false(container_announced(STR("containerd-shim"), ARGS("-id\0web-1"), &m));
	assert_false(container_announced(STR("containerd-shim"), ARGS("-id"), &m));
	assert_false(container_announced(STR("containerd-shim"), STR_NULL, &m));
	assert_false(container_announced(STR("sh"), ARGS(shim), &m));
}

static struct made_event *make_shim(uint32_t uid)
{
	static const char args[] = "-namespace\0default\0-id\0web-1\0-address\0/run/x.sock";
	struct made_event *m =
		make_exec(100, 5 * TICK, "/usr/bin/containerd-shim-runc-v2", "containerd-shim");

	set_raw(m, "args", args, sizeof(args));
	set_num(m, "uid", uid);
	return m;
}

/* The container of process 200, whose cgroup is web-1's. */
static const struct container *seen(struct state *s)
{
	struct made_event *m = make_fork(100, 5 * TICK, 200, 6 * TICK);

	m->ev.cgroups = STR("memory=/default/web-1");
	apply(s, m);
	return state_process_by_pid(s, 200)->container;
}

static void gone_when_it_is_seen(void **unused)
{
	char dir[] = "/tmp/koban-announce-XXXXXX", cmd[256];

	assert_non_null(mkdtemp(dir));
	snprintf(cmd, sizeof(cmd), "cp -r test/golden/bundles/containerd/. %s", dir);
	assert_int_equal(system(cmd), 0);
	struct state *s = new_state((struct state_options){.host_root = dir});

	/* the shim itself is no container's */
	assert_null(apply(s, make_shim(0))->container);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	assert_int_equal(system(cmd), 0);
	const struct container *c = seen(s);

	assert_true(c && c->is_complete);
	assert_str(c->name, "web-1");
	assert_str(c->image_repo, "localhost/kobantest");
	state_free(s);
}

/* Even the announcement came too late: its name is all that is known, but the host's it is not. */
static void gone_when_it_is_announced(void **unused)
{
	struct state *s =
		new_state((struct state_options){.host_root = "test/golden/bundles/crio"});

	apply(s, make_shim(0));
	const struct container *c = seen(s);

	assert_true(c && !c->is_complete);
	assert_int_equal(c->type, CONTAINER_CONTAINERD);
	assert_str(c->name, "web-1");
	assert_int_equal(c->image.len, 0);
	state_free(s);
}

static void only_root_is_believed(void **unused)
{
	struct state *s =
		new_state((struct state_options){.host_root = "test/golden/bundles/crio"});

	apply(s, make_shim(1000));
	assert_null(seen(s));
	assert_int_equal(state_counters(s).containers, 0);
	state_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_lines),
		cmocka_unit_test(gone_when_it_is_seen),
		cmocka_unit_test(gone_when_it_is_announced),
		cmocka_unit_test(only_root_is_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
