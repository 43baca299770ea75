/* SPDX-License-Identifier: Apache-2.0 */
/* Every engine's bundles, found below test/golden/bundles and read through events. */
#include <unistd.h>

#include "events.h"

#define HEX16    "0123456789abcdef"
#define REP4(x)  x x x x
#define REP16(x) REP4(x) REP4(x) REP4(x) REP4(x)
#define REP64(x) REP4(REP16(x))

static const struct container *seen_in(const char *root, const char *cgroup, struct state **ret)
{
	char path[512];

	snprintf(path, sizeof(path), "test/golden/bundles/%s", root);
	struct state *s = new_state((struct state_options){.host_root = path});
	struct made_event *m = make_fork(100, 5 * TICK, 200, 6 * TICK);

	m->ev.cgroups = str_of(cgroup);
	apply(s, m);
	*ret = s;
	return state_process_by_pid(s, 200)->container;
}

static bool label_is(const struct label *l, size_t n, const char *key, const char *value)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(l[i].key, key))
			return str_is(l[i].value, value);
	return false;
}

static bool has_env(const struct container *c, const char *text)
{
	for (size_t i = 0; i < c->nenv; i++)
		if (str_is(c->env[i], text))
			return true;
	return false;
}

static void podman(void **unused)
{
	struct state *s;
	const struct container *c = seen_in(
		"podman", "memory=/libpod_parent/libpod-2222222222222222" HEX16 HEX16 HEX16, &s);

	assert_non_null(c);
	assert_true(c->is_complete);
	assert_int_equal(c->type, CONTAINER_PODMAN);
	assert_str(c->id, "222222222222");
	assert_str(c->name, "kst_state");
	assert_str(c->image, "localhost/kobantest:1.0");
	assert_str(c->image_repo, "localhost/kobantest");
	assert_str(c->image_tag, "1.0");
	assert_true(str_starts(c->image_digest, STR("sha256:")));
	assert_int_equal(c->image_id.len, 64);
	assert_false(c->is_privileged);
	assert_false(c->host_pid);
	assert_false(c->host_network);
	assert_int_equal(c->uid, 0);
	assert_int_equal(c->nmounts, 1);
	assert_str(c->mounts[0].source, "/srv/data");
	assert_str(c->mounts[0].dest, "/mnt");
	assert_str(c->mounts[0].propagation, "rprivate");
	assert_false(c->mounts[0].is_rw);
	assert_true(has_env(c, "FOO=bar") && has_env(c, "container=podman"));
	assert_true(c->created_ns > 1700000000ULL * 1000000000ULL);
	assert_true(str_ends(c->bundle, STR("/userdata")));
	assert_int_equal(state_counters(s).container_lookups, 1);
	assert_ptr_equal(state_container_find(s, STR("222222222222")), c);
	state_free(s);
}

static void podman_privileged(void **unused)
{
	struct state *s;
	const struct container *c = seen_in("podman",
		"cpu=/x"
		"\0"
		"memory=/machine.slice/libpod-1111111111111111" HEX16 HEX16 HEX16
		".scope/container",
		&s);

	/* the list is cut at the NUL by str_of: give it again as a whole */
	assert_null(c);
	static const char both[] =
		"cpu=/x\0memory=/machine.slice/libpod-1111111111111111" HEX16 HEX16 HEX16
		".scope/container";
	struct made_event *m = make(EVENT_CGROUP, 200, 6 * TICK);

	m->ev.cgroups = str_make(both, sizeof(both)); /* with its last NUL */
	c = apply(s, m)->container;
	assert_non_null(c);
	assert_str(c->name, "kst_priv");
	assert_true(c->is_privileged);
	assert_true(c->host_pid);
	assert_false(c->host_ipc);
	assert_int_equal(c->uid, 1000);
	state_free(s);
}

static void rootless(void **unused)
{
	struct state *s;
	const struct container *c = seen_in("podman-rootless",
		"0=/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" REP64(
			"9") ".scope/container",
		&s);

	assert_true(c && c->is_complete);
	assert_str(c->name, "mine");
	assert_str(c->image, "localhost/kobantest:1.0");
	state_free(s);
}

static void containerd(void **unused)
{
	struct state *s;
	const struct container *c = seen_in("containerd", "memory=/default/web-1", &s);

	assert_true(c && c->is_complete);
	assert_int_equal(c->type, CONTAINER_CONTAINERD);
	assert_str(c->full_id, "web-1");
	assert_str(c->id, "web-1");
	assert_str(c->name, "web-1");
	assert_false(c->is_privileged);
	/* told by containerd's database */
	assert_str(c->image, "localhost/kobantest:1.0");
	assert_str(c->image_repo, "localhost/kobantest");
	assert_str(c->image_tag, "1.0");
	assert_str(c->image_digest,
		"sha256:c1fdf7920ed5000559dae28f4820fdff78ce58ae89d85233a5ba976be32c2c1e");
	assert_true(label_is(
		c->labels, c->nlabels, "io.containerd.image.config.stop-signal", "SIGTERM"));
	state_free(s);

	/* the same shape of path, and nothing there: one look, then silence for a second */
	assert_null(seen_in("containerd", "memory=/jobs/6ba089c99d99", &s));
	struct made_event *m = make_exec(200, 6 * TICK, "/bin/x", "x");
	assert_null(apply(s, m)->container);
	assert_int_equal(state_counters(s).containers, 0);
	state_free(s);
	/* the right name in another namespace */
	assert_null(seen_in("containerd", "memory=/other/web-1", &s));
	state_free(s);
}

static void cri_containerd(void **unused)
{
	struct state *s;
	const struct container *c =
		seen_in("cri-containerd", "memory=/kubepods/burstable/podx/" REP64("c"), &s);

	assert_true(c && c->is_complete);
	assert_int_equal(c->type, CONTAINER_CONTAINERD);
	assert_str(c->name, "nginx");
	assert_str(c->image, "docker.io/library/nginx:1.25");
	assert_str(c->image_repo, "docker.io/library/nginx");
	assert_str(c->image_tag, "1.25");
	assert_str(c->pod_name, "web-7d9f");
	assert_str(c->pod_ns, "shop");
	assert_str(c->pod_uid, "6a1e2f5c-1111-2222-3333-444455556666");
	assert_str(c->pod_sandbox_id, "bbbbbbbbbbbb");
	assert_str(c->pod_full_sandbox_id, REP64("b"));
	assert_false(c->is_sandbox);
	/* told by the sandbox's bundle */
	assert_true(c->host_network);
	assert_true(c->host_ipc == false);
	assert_false(c->host_pid);
	assert_true(label_is(c->labels, c->nlabels, "io.kubernetes.pod.name", "web-7d9f"));
	assert_int_equal(c->nmounts, 2);
	assert_str(c->mounts[1].source, "/etc");
	assert_true(c->mounts[1].is_rw);
	assert_str(c->mounts[1].propagation, "rslave");
	state_free(s);

	c = seen_in("cri-containerd", "memory=/kubepods/burstable/podx/" REP64("b"), &s);
	assert_true(c && c->is_sandbox);
	assert_str(c->image, "registry.k8s.io/pause:3.9");
	assert_int_equal(c->uid, 65535);
	state_free(s);
}

static void crio(void **unused)
{
	struct state *s;
	const struct container *c = seen_in(
		"crio", "memory=/kubepods.slice/kubepods-pod1.slice/crio-" REP64("e") ".scope", &s);

	assert_true(c && c->is_complete);
	assert_int_equal(c->type, CONTAINER_CRIO);
	assert_str(c->name, "api");
	assert_str(c->image, "quay.io/bank/api:2.1");
	assert_str(c->image_id, REP64("1"));
	assert_str(c->image_digest, "sha256:" REP64("f"));
	assert_str(c->pod_name, "pay-0");
	assert_str(c->pod_ns, "bank");
	assert_true(c->is_privileged);
	assert_str(c->ip, "10.88.0.7");
	assert_str(c->cni_json, "{\"cniVersion\":\"1.0.0\"}");
	assert_true(label_is(c->labels, c->nlabels, "tier", "back"));
	assert_true(label_is(c->pod_labels, c->npod_labels, "app", "pay"));
	assert_true(c->created_ns == 1772360430500000000ULL);
	state_free(s);
}

static void docker(void **unused)
{
	struct state *s;
	const struct container *c = seen_in("docker", "cpu=/docker/" REP16("a1") REP16("a1"), &s);

	assert_true(c && c->is_complete);
	assert_int_equal(c->type, CONTAINER_DOCKER);
	assert_str(c->name, "shop-db");
	assert_str(c->image, "postgres:16");
	assert_str(c->image_repo, "postgres");
	assert_str(c->image_tag, "16");
	assert_str(c->image_id, REP16("77") REP16("77"));
	assert_str(c->image_digest, "sha256:" REP64("5"));
	assert_str(c->ip, "172.18.0.3");
	assert_str(c->healthcheck, "pg_isready");
	assert_true(c->is_privileged);
	assert_true(c->host_pid);
	assert_false(c->host_network);
	assert_int_equal(c->nmounts, 1);
	assert_str(c->mounts[0].source, "/srv/pg");
	assert_str(c->mounts[0].mode, "z");
	assert_true(label_is(c->labels, c->nlabels, "com.docker.compose.service", "db"));
	state_free(s);
}

static void runc_state(void **unused)
{
	struct state *s;
	const struct container *c = seen_in("runc", "cpu=/docker/" REP64("8"), &s);

	assert_true(c && c->is_complete);
	assert_int_equal(c->type, CONTAINER_PODMAN);
	assert_str(c->bundle, "/srv/bundles/one");
	state_free(s);
}

static void extra_glob(void **unused)
{
	static const char *const globs[] = {"srv/*/one/config.json", NULL};
	struct state *s = new_state((struct state_options){
		.host_root = "test/golden/bundles/runc", .bundle_globs = globs});
	struct made_event *m = make(EVENT_CGROUP, 9, 5 * TICK);

	m->ev.cgroups = STR("cpu=/docker/" HEX16 HEX16 HEX16 HEX16);
	assert_true(apply(s, m)->container->is_complete);
	state_free(s);
}

static void inheritance(void **unused)
{
	struct state *s;
	const struct container *c = seen_in("docker", "cpu=/docker/" REP16("a1") REP16("a1"), &s);
	struct made_event *m = make_fork(200, 6 * TICK, 201, 7 * TICK);

	apply(s, m);
	assert_ptr_equal(state_process_by_pid(s, 201)->container, c);
	/* leaving the cgroup is no way out */
	m = make(EVENT_CGROUP, 201, 7 * TICK);
	m->ev.cgroups = STR("cpu=/");
	assert_ptr_equal(apply(s, m)->container, c);
	/* another container is */
	m = make(EVENT_CGROUP, 201, 7 * TICK);
	m->ev.cgroups = STR("cpu=/docker/" REP64("7"));
	assert_str(apply(s, m)->container->id, "777777777777");
	assert_false(state_process_by_pid(s, 201)->container->is_complete);
	assert_int_equal(state_counters(s).container_misses, 1);
	assert_int_equal(state_counters(s).containers, 2);
	size_t pos = 0, n = 0;
	while (state_container_next(s, &pos))
		n++;
	assert_int_equal(n, 2);
	state_free(s);
}

/* A bundle that comes late is found by the next exec, and by the tick. */
static void late_bundle(void **unused)
{
	char dir[] = "/tmp/koban-bundle-XXXXXX", cmd[1024];

	assert_non_null(mkdtemp(dir));
	struct state *s = new_state((struct state_options){.host_root = dir});
	struct made_event *m = make(EVENT_CGROUP, 300, 5 * TICK);

	m->ev.cgroups = STR("cpu=/docker/" REP16("a1") REP16("a1"));
	assert_false(apply(s, m)->container->is_complete);
	snprintf(cmd, sizeof(cmd), "cp -r test/golden/bundles/docker/. %s/", dir);
	assert_int_equal(system(cmd), 0);
	m = make_exec(300, 5 * TICK, "/bin/x", "x");
	assert_true(apply(s, m)->container->is_complete);
	assert_str(apply(s, m)->container->name, "shop-db");

	m = make(EVENT_CGROUP, 301, 6 * TICK);
	m->ev.cgroups = STR("cpu=/docker/" REP64("3"));
	assert_false(apply(s, m)->container->is_complete);
	snprintf(cmd, sizeof(cmd), "cd %s/var/lib/docker/containers && mv a1* " REP64("3"), dir);
	assert_int_equal(system(cmd), 0);
	m = make(CODE_CLOSE, 301, 6 * TICK);
	uint64_t now = m->ev.ts_ns;
	apply(s, m);
	state_tick(s, now + 1000);
	state_tick(s, now + 5000000000ULL);
	assert_true(state_container_find(s, STR("333333333333"))->is_complete);
	assert_ptr_equal(state_process_by_pid(s, 301)->container,
		state_container_find(s, STR("333333333333")));
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	assert_int_equal(system(cmd), 0);
	state_free(s);
}

static void cap(void **unused)
{
	struct state *s = new_state((struct state_options){.no_proc = true, .max_containers = 4});
	char text[128];

	for (uint32_t i = 0; i < 20; i++) {
		struct made_event *m = make(EVENT_CGROUP, 10 + i, 5 * TICK);

		snprintf(text, sizeof(text), "cpu=/docker/%064x", i);
		m->ev.cgroups = str_of(text);
		/* every one is known to be in a container, listed or not */
		assert_non_null(apply(s, m)->container);
	}
	assert_int_equal(state_counters(s).containers, 4);
	for (uint32_t i = 0; i < 20; i++)
		apply(s, make_exit(10 + i, 5 * TICK, 1));
	apply(s, make(CODE_CLOSE, 1, 5 * TICK));
	struct made_event *m = make(EVENT_CGROUP, 99, 5 * TICK);
	m->ev.cgroups = STR("cpu=/docker/" REP64("e"));
	apply(s, m);
	assert_non_null(state_container_find(s, STR("eeeeeeeeeeee")));
	state_tick(s, 50 * 1000000000ULL);
	state_tick(s, 100 * 1000000000ULL);
	assert_int_equal(state_counters(s).containers, 1);
	state_free(s);
}

static const struct {
	const char *image, *name, *repo, *tag, *digest, *id;
} references[] = {
	{"nginx", "nginx", "nginx", "", "", ""},
	{"nginx:1.25", "nginx:1.25", "nginx", "1.25", "", ""},
	{"host:5000/a/b", "host:5000/a/b", "host:5000/a/b", "", "", ""},
	{"host:5000/a/b:t", "host:5000/a/b:t", "host:5000/a/b", "t", "", ""},
	{"a/b@sha256:12", "a/b@sha256:12", "a/b", "", "sha256:12", ""},
	{"a/b:t@sha256:12", "a/b:t@sha256:12", "a/b", "t", "sha256:12", ""},
	{"sha256:12", "", "", "", "", "12"},
};

static void image_names(void **unused)
{
	for (size_t i = 0; i < sizeof(references) / sizeof(*references); i++) {
		struct container *c = container_new(CONTAINER_CRI, STR("x"));

		container_split_image(c, str_of(references[i].image));
		assert_str(c->image, references[i].name);
		assert_str(c->image_repo, references[i].repo);
		assert_str(c->image_tag, references[i].tag);
		assert_str(c->image_digest, references[i].digest);
		assert_str(c->image_id, references[i].id);
		container_unref(c);
	}
}

static void broken(void **unused)
{
	static const char *const texts[] = {
		"", "[]", "{", "{}", "{\"ociVersion\":1}", "{\"ociVersion\":\"1\"} x"};
	static const char *const odd = "{\"ociVersion\":\"1\",\"process\":7,\"mounts\":{},"
				       "\"linux\":[],\"annotations\":{\"io.container.manager\":3}}";

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct container *c = container_new(CONTAINER_CRI, STR("x"));
		struct err e = {0};

		assert_int_equal(container_parse_bundle(c, str_of(texts[i]), &e), -22);
		assert_true(strlen(e.msg) > 0);
		container_unref(c);
	}
	struct container *c = container_new(CONTAINER_CRI, STR("x"));
	assert_int_equal(container_parse_bundle(c, str_of(odd), NULL), 0);
	assert_int_equal(c->nmounts, 0);
	container_unref(c);
}

static void times(void **unused)
{
	assert_true(time_from_rfc3339(STR("1970-01-01T00:00:01Z")) == 1000000000ULL);
	assert_true(time_from_rfc3339(STR("2026-03-01T10:20:30.5Z")) == 1772360430500000000ULL);
	assert_true(time_from_rfc3339(STR("1970-01-01T02:00:01+02:00")) == 1000000000ULL);
	assert_true(time_from_rfc3339(STR("yesterday")) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(podman),
		cmocka_unit_test(podman_privileged),
		cmocka_unit_test(rootless),
		cmocka_unit_test(containerd),
		cmocka_unit_test(cri_containerd),
		cmocka_unit_test(crio),
		cmocka_unit_test(docker),
		cmocka_unit_test(runc_state),
		cmocka_unit_test(extra_glob),
		cmocka_unit_test(inheritance),
		cmocka_unit_test(late_bundle),
		cmocka_unit_test(cap),
		cmocka_unit_test(image_names),
		cmocka_unit_test(broken),
		cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
