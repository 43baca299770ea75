/* SPDX-License-Identifier: Apache-2.0 */
/* container.*, k8s.* and proc.is_container_* fields. */
#include "fixture.h"

static void on_the_host(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	assert_shown(&fx, "container.id", "host");
	assert_shown(&fx, "container.full_id", "host");
	assert_shown(&fx, "container.name", "host");
	assert_shown(&fx, "container.type", "host");
	assert_shown(&fx, "container.image", "");
	assert_shown(&fx, "container.image.repository", "");
	assert_shown(&fx, "container.privileged", "false");
	assert_shown(&fx, "container.mounts", "");
	assert_missing(&fx, "container.mount[0]");
	assert_missing(&fx, "container.start_ts");
	assert_missing(&fx, "container.duration");
	assert_missing(&fx, "container.label.app");
	assert_missing(&fx, "k8s.pod.name");
	assert_missing(&fx, "k8s.pod.label.app");
	assert_holds(&fx, "container.id = host");
	assert_not(&fx, "container.id != host");
	fixture_done(&fx);
}

static void in_a_container(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	enter_container(&fx);
	assert_shown(&fx, "container.type", "containerd");
	assert_shown(&fx, "container.name", "web");
	assert_shown(&fx, "container.image", "docker.io/library/nginx:1.27");
	assert_shown(&fx, "container.image.tag", "1.27");
	assert_shown(&fx, "container.image.digest", "");
	assert_shown(&fx, "container.host_pid", "false");
	assert_shown(&fx, "container.duration", "60000000000");
	assert_shown(&fx, "container.label.app", "web");
	assert_shown(&fx, "container.label[io.kubernetes.pod.name]", "web-1");
	assert_shown(&fx, "container.label.empty", "");
	assert_missing(&fx, "container.label.none");
	assert_shown(&fx, "container.labels", "app:web, empty");
	assert_shown(&fx, "container.env[PATH]", "/bin");
	assert_shown(&fx, "container.env.MODE", "");
	assert_missing(&fx, "container.env[PA]");
	assert_missing(&fx, "container.healthcheck");
	assert_missing(&fx, "proc.is_container_healthcheck");
	fx.box.healthcheck = STR("/bin/cat -n /etc/shadow");
	assert_shown(&fx, "proc.is_container_healthcheck", "true");
	fx.box.healthcheck = STR("/bin/true");
	assert_shown(&fx, "proc.is_container_healthcheck", "false");
	fixture_done(&fx);
}

static void mounts(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	enter_container(&fx);
	assert_shown(&fx, "container.mount[0]", "/var/lib/x:/data:rw:true:rprivate");
	assert_shown(&fx, "container.mount[/proc]", "/proc:/host/proc:ro:false:rslave");
	assert_shown(&fx, "container.mount.dest[/var/*]", "/data");
	assert_shown(&fx, "container.mount.source[/host/*]", "/proc");
	assert_shown(&fx, "container.mount.mode[1]", "ro");
	assert_shown(&fx, "container.mount.rdwr[/proc]", "false");
	assert_shown(&fx, "container.mount.propagation[0]", "rprivate");
	assert_missing(&fx, "container.mount[2]");
	assert_missing(&fx, "container.mount.dest[/etc*]");
	assert_missing(&fx, "container.mount.source[/proc]"); /* by its destination */
	assert_holds(&fx, "container.mount.dest[/proc*] exists");
	assert_holds(&fx, "container.mount.dest[/proc*] != \"N/A\"");
	assert_not(&fx, "container.mount.dest[/etc*] != \"N/A\"");
	assert_false(parses(&fx, "container.mount = x"));
	fixture_done(&fx);
}

/* Only the id is known yet: everything else is missing, not empty. */
static void incomplete(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	fx.box = (struct container){.type = CONTAINER_UNKNOWN, .id = STR("3ad7b26ded6d")};
	fx.proc.container = &fx.box;
	assert_shown(&fx, "container.id", "3ad7b26ded6d");
	assert_missing(&fx, "container.name");
	assert_missing(&fx, "container.type");
	assert_missing(&fx, "container.image.repository");
	assert_missing(&fx, "container.privileged");
	assert_missing(&fx, "container.mounts");
	assert_missing(&fx, "container.labels");
	assert_not(&fx, "container.image.repository != x");
	fixture_done(&fx);
}

static void pods(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	enter_container(&fx);
	fx.box.pod_sandbox_id = STR("63060edc2d3a");
	fx.box.ip = STR("10.1.2.3");
	assert_shown(&fx, "k8s.pod.uid", "3e41dc6b-08a8-44db-bc2a-3724b18ab19a");
	assert_shown(&fx, "k8s.pod.id", "3e41dc6b-08a8-44db-bc2a-3724b18ab19a");
	assert_shown(&fx, "k8s.pod.sandbox_id", "63060edc2d3a");
	assert_missing(&fx, "k8s.pod.full_sandbox_id");
	assert_shown(&fx, "k8s.pod.label.app", "web");
	assert_missing(&fx, "k8s.pod.label[none]");
	assert_shown(&fx, "k8s.pod.labels", "app:web");
	assert_shown(&fx, "k8s.pod.ip", "10.1.2.3");
	assert_missing(&fx, "k8s.pod.cni.json");
	assert_missing(&fx, "k8s.deployment.name");
	assert_missing(&fx, "k8s.svc.label[x]");
	fixture_done(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_the_host),
		cmocka_unit_test(in_a_container),
		cmocka_unit_test(mounts),
		cmocka_unit_test(incomplete),
		cmocka_unit_test(pods),
	};

	return cmocka_run_group_tests_name("container", tests, NULL, NULL);
}
