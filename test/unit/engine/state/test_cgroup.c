/* SPDX-License-Identifier: Apache-2.0 */
/* Ids in cgroup paths: what every engine writes, and what only looks like it. */
#include "events.h"

#define ID   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2  "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define POD  "pod6a1e2f5c-1111-2222-3333-444455556666"
#define PODU "pod6a1e2f5c_1111_2222_3333_444455556666"

static const struct {
	const char *path, *id; /* id NULL = none */
	enum container_type type;
} cases[] = {
	/* docker */
	{"/docker/" ID, ID, CONTAINER_DOCKER},
	{"/system.slice/docker-" ID ".scope", ID, CONTAINER_DOCKER},
	{"/ecs/0f0f/" ID, ID, CONTAINER_DOCKER},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID ".scope", ID,
		CONTAINER_DOCKER},
	{"/actions_job/" ID, ID, CONTAINER_DOCKER},
	/* docker in docker, kind: the inner one */
	{"/docker/" ID "/docker/" ID2, ID2, CONTAINER_DOCKER},
	{"/docker/" ID "/kubelet/kubepods/burstable/" POD "/" ID2, ID2, CONTAINER_CRI},
	{"/docker/" ID "/system.slice/sshd.service", ID, CONTAINER_DOCKER},
	{"/system.slice/docker-" ID ".scope/init.scope", ID, CONTAINER_DOCKER},
	/* containerd under kubelet */
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-" PODU
	 ".slice/cri-containerd-" ID ".scope",
		ID, CONTAINER_CONTAINERD},
	{"/kubepods/besteffort/" POD "/" ID, ID, CONTAINER_CRI},
	{"/kubepods/" POD "/" ID, ID, CONTAINER_CRI},
	{"/system.slice/containerd.service/kubepods-burstable-" PODU ".slice:cri-containerd:" ID,
		ID, CONTAINER_CONTAINERD},
	{"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-" PODU ".slice/cri-containerd-" ID
	 ".scope",
		ID, CONTAINER_CONTAINERD},
	{"/../../kubepods/besteffort/" POD "/" ID, ID, CONTAINER_CRI},
	{"/k8s.io/" ID, ID, CONTAINER_CONTAINERD},
	{"/default/" ID, ID, CONTAINER_CONTAINERD},
	{"/system.slice/nerdctl-" ID ".scope", ID, CONTAINER_CONTAINERD},
	/* CRI-O */
	{"/kubepods.slice/kubepods-" PODU ".slice/crio-" ID ".scope", ID, CONTAINER_CRIO},
	{"/kubepods.slice/kubepods-" PODU ".slice/crio-" ID ".scope/container", ID, CONTAINER_CRIO},
	{"/kubepods/burstable/" POD "/crio-" ID, ID, CONTAINER_CRIO},
	{"/kubepods.slice/kubepods-" PODU ".slice/crio-conmon-" ID ".scope", NULL, 0},
	{"/kubepods/burstable/" POD "/crio-conmon-" ID, NULL, 0},
	{"/system.slice/crio.service", NULL, 0},
	/* Podman */
	{"/machine.slice/libpod-" ID ".scope", ID, CONTAINER_PODMAN},
	{"/machine.slice/libpod-" ID ".scope/container", ID, CONTAINER_PODMAN},
	{"/libpod_parent/libpod-" ID, ID, CONTAINER_PODMAN},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope", ID,
		CONTAINER_PODMAN},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/user-libpod_pod_" ID2
	 ".slice/libpod-" ID ".scope/container",
		ID, CONTAINER_PODMAN},
	{"/system.slice/web.service/libpod-payload-" ID, ID, CONTAINER_PODMAN},
	{"/system.slice/web.service/libpod-payload-" ID ".scope", ID, CONTAINER_PODMAN},
	{"/machine.slice/machine-libpod_pod_" ID2 ".slice/libpod-" ID ".scope", ID,
		CONTAINER_PODMAN},
	{"/libpod_parent/" ID2 "/libpod-" ID, ID, CONTAINER_PODMAN},
	{"/machine.slice/libpod-conmon-" ID ".scope", NULL, 0},
	{"/libpod_parent/conmon", NULL, 0},
	{"/libpod_parent/libpod-conmon-" ID, NULL, 0},
	{"/libpod_parent/" ID "/conmon", NULL, 0},
	{"/libpod_parent/" ID, NULL, 0},
	{"/docker/" ID "/machine.slice/libpod-conmon-" ID2 ".scope", ID, CONTAINER_DOCKER},
	/* lxc, libvirt, bpm */
	{"/lxc/web", "web", CONTAINER_LXC},
	{"/lxc.payload/web", "web", CONTAINER_LXC},
	{"/lxc.payload.web", "web", CONTAINER_LXC},
	{"/lxc.payload.web/system.slice/cron.service", "web", CONTAINER_LXC},
	{"/lxc.monitor.web", NULL, 0},
	{"/libvirt/lxc/vm1", "vm1", CONTAINER_LIBVIRT_LXC},
	{"/machine/vm1.libvirt-lxc", "vm1", CONTAINER_LIBVIRT_LXC},
	{"/machine.slice/machine-lxc\\x2d42\\x2dvm1.scope", "42\\x2dvm1", CONTAINER_LIBVIRT_LXC},
	{"/machine.slice/machine-lxc\\x2d42\\x2dvm1.scope/libvirt", "42\\x2dvm1",
		CONTAINER_LIBVIRT_LXC},
	{"/system.slice/bpm-uaa.scope", "uaa", CONTAINER_BPM},
	/* none */
	{"/", NULL, 0},
	{"", NULL, 0},
	{"docker/" ID, NULL, 0},
	{"/init.scope", NULL, 0},
	{"/system.slice/docker.service", NULL, 0},
	{"/system.slice/containerd.service", NULL, 0},
	{"/user.slice/user-1000.slice/session-2.scope", NULL, 0},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-" PODU ".slice", NULL, 0},
	{"/kubepods/burstable/" POD, NULL, 0},
	{"/docker/0123456789ab", NULL, 0},
	{"/docker/" ID "0", NULL, 0},
	{"/docker/g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde", NULL, 0},
	{"/system.slice/docker-" ID, ID, CONTAINER_DOCKER},
	{"/system.slice/docker-0123.scope", NULL, 0},
	{"/memory/6ba089c99d99fba2c7e1ca6dfd67ae62", NULL, 0},
};

static void ids(void **unused)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct str id = STR_NULL;
		enum container_type type = CONTAINER_UNKNOWN;
		bool found = container_id_from_cgroup(str_of(cases[i].path), &id, &type);

		if (found != (cases[i].id != NULL))
			fail_msg("%s: %s", cases[i].path, found ? "matched" : "not matched");
		if (!found)
			continue;
		assert_str(id, cases[i].id);
		if (type != cases[i].type)
			fail_msg("%s: type %d", cases[i].path, type);
	}
}

static void guesses(void **unused)
{
	struct cgroup_match m;

	assert_true(cgroup_parse(STR("/default/web-1"), &m) && m.is_guess);
	assert_str(m.ns, "default");
	assert_str(m.id, "web-1");
	assert_true(cgroup_parse(STR("/default/web-1/child"), &m) && m.is_guess);
	assert_false(cgroup_parse(STR("/default/-web"), &m));
	assert_false(cgroup_parse(STR("/default/.."), &m));
	assert_false(cgroup_parse(STR("/user.slice/web"), &m));
	assert_false(cgroup_parse(STR("/default/a b"), &m));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids),
		cmocka_unit_test(guesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
