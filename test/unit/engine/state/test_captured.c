/* SPDX-License-Identifier: Apache-2.0 */
/* What a capture tells beside syscalls: users, groups, containers and their JSON. */
#include "captured.h"

#define FULL_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char json[] =
	"{\"container\":{\"type\":7,\"id\":\"0123456789ab\",\"name\":\"web\",\"image\":\"nginx:1\","
	"\"imagerepo\":\"nginx\",\"imagetag\":\"1\",\"ip\":\"172.17.0.2\",\"User\":\"101:5\","
	"\"privileged\":true,\"created_time\":1700000000,\"labels\":{\"a\":\"b\","
	"\"io.kubernetes.pod.name\":\"pod\"},\"pod_sandbox_labels\":null,\"env\":[\"A=1\"],"
	"\"Mounts\":[{\"Source\":\"/src\",\"Destination\":\"/dst\",\"Mode\":\"\",\"RW\":true,"
	"\"Propagation\":\"rprivate\"}],\"Healthcheck\":{\"exe\":\"curl\",\"args\":[\"-f\",\"x\"]}}"
	"}";

static void check(const struct container *c)
{
	assert_int_equal(c->type, CONTAINER_CONTAINERD);
	assert_str(c->id, "0123456789ab");
	assert_str(c->name, "web");
	assert_str(c->image, "nginx:1");
	assert_str(c->image_repo, "nginx");
	assert_str(c->image_tag, "1");
	assert_str(c->ip, "172.17.0.2");
	assert_int_equal(c->uid, 101);
	assert_true(c->is_privileged);
	assert_true(c->created_ns == 1700000000ULL * 1000000000);
	assert_int_equal(c->nlabels, 2);
	assert_str(c->pod_name, "pod");
	assert_int_equal(c->nenv, 1);
	assert_str(c->env[0], "A=1");
	assert_int_equal(c->nmounts, 1);
	assert_str(c->mounts[0].dest, "/dst");
	assert_true(c->mounts[0].is_rw);
	assert_str(c->healthcheck, "curl -f x");
}

static void there_and_back(void **unused)
{
	struct container *c = container_new(CONTAINER_UNKNOWN, STR_NULL), *again;
	struct buf b = BUF_INIT(1 << 16);
	struct err e = {0};

	assert_int_equal(container_from_json(c, str_of(json), &e), 0);
	check(c);
	c->uid = 101;
	container_to_json(c, &b);
	again = container_new(CONTAINER_UNKNOWN, STR_NULL);
	assert_int_equal(container_from_json(again, buf_str(&b), &e), 0);
	check(again);
	container_unref(c);
	container_unref(again);
	buf_done(&b);
}

static void broken(void **unused)
{
	static const char *const texts[] = {"", "{", "[]", "null", "{\"container\":5}"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct container *c = container_new(CONTAINER_UNKNOWN, STR_NULL);
		struct err e = {0};

		assert_true(container_from_json(c, str_of(texts[i]), &e) < 0);
		assert_true(e.msg[0] != 0);
		container_unref(c);
	}
}

static void tell(struct cap *c, const char *event, const char *param, const char *text)
{
	struct made_event *m = cap_make(event, UINT32_MAX);

	if (strcmp(event, "asyncevent") == 0)
		set_str(m, "name", "container");
	set_str(m, param, text);
	cap_apply(c, m);
}

static void enter(struct cap *c)
{
	struct made_event *m = cap_make("execve", 10);

	set_num(m, "res", 0);
	set_str(m, "exe", "/bin/sh");
	set_str(m, "cgroups", "cpu=/docker/" FULL_ID);
	cap_apply(c, m);
}

/* The JSON may come before the processes or after, by either event. */
static void containers(void **unused)
{
	for (int order = 0; order < 2; order++) {
		struct cap c = cap_new((struct state_options){0});

		cap_add(&c, 10, 10, 1, "a", "/");
		if (order == 0)
			tell(&c, "container", "json", json);
		enter(&c);
		assert_non_null(c.p->container);
		if (order == 1) {
			assert_int_equal(c.p->container->name.len, 0);
			tell(&c, "asyncevent", "data", json);
			cap_fd(&c, "read", 10, 0);
		}
		check(c.p->container);
		assert_str(c.p->container->full_id, FULL_ID);
		assert_int_equal(state_counters(c.s).containers, 1);
		state_tick(c.s, 1ULL << 62);
		assert_non_null(state_container_find(c.s, STR("0123456789ab")));
		cap_free(&c);
	}
}

static void users(void **unused)
{
	struct cap c = cap_new((struct state_options){0});
	struct user u = {.uid = 5, .gid = 6, .name = STR("host5"), .home = STR("/h")};
	struct group g = {.gid = 6, .name = STR("host6")};
	struct made_event *m;
	size_t pos = 0;

	assert_int_equal(state_add_user(c.s, STR(""), &u), 0);
	assert_int_equal(state_add_group(c.s, STR(""), &g), 0);
	cap_add(&c, 10, 10, 1, "a", "/");
	cap_fd(&c, "read", 10, 0);
	assert_str(state_user(c.s, c.p, 5)->name, "host5");
	assert_str(state_user(c.s, c.p, 5)->home, "/h");
	assert_str(state_group(c.s, c.p, 6)->name, "host6");
	assert_null(state_user(c.s, c.p, 77));
	enter(&c);
	assert_str(state_user(c.s, c.p, 5)->name, "host5"); /* nobody told of the container's */
	m = cap_make("useradded", UINT32_MAX);
	set_num(m, "uid", 5);
	set_num(m, "gid", 6);
	set_str(m, "name", "inside");
	set_str(m, "container_id", "0123456789ab");
	cap_apply(&c, m);
	const struct process *p = state_process_by_pid(c.s, 10);

	assert_str(state_user(c.s, p, 5)->name, "inside");
	assert_str(state_group(c.s, p, 6)->name, "host6");
	m = cap_make("userdeleted", UINT32_MAX);
	set_num(m, "uid", 5);
	set_str(m, "container_id", "0123456789ab");
	cap_apply(&c, m);
	assert_null(state_user(c.s, p, 5));
	const struct user *first = state_user_next(c.s, &pos);

	assert_str(first->name, "host5");
	assert_null(state_user_next(c.s, &pos));
	pos = 0;
	const struct group *first_group = state_group_next(c.s, &pos);

	assert_str(first_group->name, "host6");
	cap_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(broken),
		cmocka_unit_test(containers),
		cmocka_unit_test(users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
