/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who talks to whom: one connection seen from both ends is one edge between processes; what is
 * outside is an address; trees, Graphviz and JSON of the same graph.
 */
#include "bench.h"

#define TEXT                                                                                       \
	"kind: topology\ncategory: C\nsummary: s\ndescription: d\n"                                \
	"args:\n  - {name: draw, description: d, default: tree}\n"                                 \
	"node: '%proc.name'\ndraw: '{draw}'\n"

struct place {
	uint8_t ip[4];
	uint16_t port;
};

/* A read or write over a connection, as the process at its local end sees it. */
static void talk(struct bench *b, uint16_t code, const char *comm, enum sock_role role,
	struct place local, struct place remote, int64_t bytes)
{
	struct event *ev = bench_event(b, code, comm, 7, "", bytes);

	ev->fd = (struct event_fd){.num = 4,
		.type = FD_IPV4,
		.sock = {.family = 2,
			.type = 1,
			.l4proto = IPPROTO_TCP,
			.role = role,
			.has_local = true,
			.has_remote = true,
			.local_port = local.port,
			.remote_port = remote.port}};
	memcpy(ev->fd.sock.local, local.ip, 4);
	memcpy(ev->fd.sock.remote, remote.ip, 4);
	assert_int_equal(bench_give(b), 0);
}

static void talk_unix(struct bench *b, uint16_t code, const char *comm, enum sock_role role,
	const char *path, int64_t bytes)
{
	struct event *ev = bench_event(b, code, comm, 7, "", bytes);

	ev->fd = (struct event_fd){.num = 4,
		.type = FD_UNIX,
		.sock = {.family = 1, .role = role, .unix_path = str_of(path)}};
	assert_int_equal(bench_give(b), 0);
}

static const struct place web = {{10, 0, 0, 1}, 80}, caller = {{10, 0, 0, 1}, 40000},
			  outside = {{9, 9, 9, 9}, 443}, visitor = {{8, 8, 8, 8}, 50000};

static void feed(struct bench *b)
{
	/* curl and nginx on this machine: the same bytes from both ends */
	talk(b, EV_WRITE, "curl", ROLE_CLIENT, caller, web, 100);
	talk(b, EV_READ, "nginx", ROLE_SERVER, web, caller, 100);
	talk(b, EV_WRITE, "nginx", ROLE_SERVER, web, caller, 5000);
	talk(b, EV_READ, "curl", ROLE_CLIENT, caller, web, 5000);
	/* nginx asks php, by a path, and an address outside */
	talk_unix(b, EV_WRITE, "nginx", ROLE_CLIENT, "/run/php.sock", 30);
	talk_unix(b, EV_READ, "php", ROLE_SERVER, "/run/php.sock", 30);
	talk(b, EV_WRITE, "nginx", ROLE_CLIENT, (struct place){{10, 0, 0, 1}, 41000}, outside, 7);
	/* somebody from outside comes to nginx */
	talk(b, EV_READ, "nginx", ROLE_SERVER, web, visitor, 9);
	/* files are no connections */
	bench_read(b, "cat", "/etc/passwd", 10);
}

static void test_tree(void **state)
{
	struct bench b;

	bench_init(&b);
	bench_must_open(&b, TEXT, NULL);
	feed(&b);
	bench_end(&b);
	bench_expect(&b, "curl\n"
			 "└─ tcp 80 → nginx  1 connection, 100B out, 4.88K in\n"
			 "   ├─ unix /run/php.sock → php  1 caller, 30B out, 0B in\n"
			 "   └─ tcp 443 → 9.9.9.9  1 connection, 7B out, 0B in\n"
			 "8.8.8.8\n"
			 "└─ tcp 80 → nginx  1 connection, 9B out, 0B in  (drawn above)\n");
	bench_must_open(&b, TEXT, NULL);
	bench_end(&b);
	bench_expect(&b, "no connections\n");
	bench_done(&b);
}

/* Of a socket that is older than the look both ends guess that they called: the lower port serves.
 */
static void test_guesses(void **state)
{
	struct bench b;

	bench_init(&b);
	bench_must_open(&b, TEXT, NULL);
	talk(&b, EV_READ, "nginx", ROLE_NONE, web, caller, 1);
	talk(&b, EV_READ, "curl", ROLE_NONE, caller, web, 2);
	bench_end(&b);
	bench_expect(&b, "curl\n└─ tcp 80 → nginx  1 connection, 0B out, 2B in\n");
	bench_done(&b);
}

/* A connection of which only one end is seen, and that is older than the look. */
static void test_one_end(void **state)
{
	struct bench b;

	bench_init(&b);
	bench_must_open(&b, TEXT, NULL);
	talk(&b, EV_READ, "nginx", ROLE_NONE, web, visitor, 1);
	bench_end(&b);
	bench_expect(&b, "8.8.8.8\n└─ tcp 80 → nginx  1 connection, 1B out, 0B in\n");
	bench_done(&b);
}

/* What is open at the first event, unless the command line's filter is against it. */
static void test_idle(void **state)
{
	static const char tree[] = "curl\n└─ tcp 443 → 9.9.9.9  1 connection, 0B out, 0B in\n";
	struct process p = {.pid = 20, .vpid = 20, .comm = STR("curl")};
	struct event_fd fd = {.num = 3,
		.type = FD_IPV4,
		.sock = {.family = 2,
			.l4proto = IPPROTO_TCP,
			.role = ROLE_CLIENT,
			.has_local = true,
			.has_remote = true,
			.local = {10, 0, 0, 1},
			.remote = {9, 9, 9, 9},
			.local_port = 40000,
			.remote_port = 443}};
	struct bench b;

	bench_init(&b);
	assert_int_equal(state_add_thread(b.state, 20, 20, &p), 0);
	assert_int_equal(state_add_descriptor(b.state, 20, &fd, STR_NULL), 0);
	bench_must_open(&b, TEXT "idle: true\n", NULL);
	bench_read(&b, "cat", "/a", 1);
	bench_end(&b);
	bench_expect(&b, tree);
	/* a file without events */
	bench_must_open(&b, TEXT "idle: true\n", NULL);
	bench_end(&b);
	bench_expect(&b, tree);
	b.env.filter = STR("proc.name = cat");
	bench_must_open(&b, TEXT "idle: true\n", NULL);
	bench_end(&b);
	bench_expect(&b, "no connections\n");
	bench_done(&b);
}

/* Two that call each other: each is drawn once, and it ends. */
static void test_circle(void **state)
{
	static const struct place a = {{10, 0, 0, 1}, 1000}, b_ = {{10, 0, 0, 1}, 2000},
				  x = {{10, 0, 0, 1}, 50001}, y = {{10, 0, 0, 1}, 50002};
	struct bench b;

	bench_init(&b);
	bench_must_open(&b, TEXT, NULL);
	talk(&b, EV_WRITE, "one", ROLE_CLIENT, x, b_, 5);
	talk(&b, EV_READ, "two", ROLE_SERVER, b_, x, 5);
	talk(&b, EV_WRITE, "two", ROLE_CLIENT, y, a, 3);
	talk(&b, EV_READ, "one", ROLE_SERVER, a, y, 3);
	bench_end(&b);
	bench_expect(&b, "one\n"
			 "└─ tcp 2000 → two  1 connection, 5B out, 0B in\n"
			 "   └─ tcp 1000 → one  1 connection, 3B out, 0B in  (drawn above)\n");
	bench_done(&b);
}

static void test_dot(void **state)
{
	struct bench b;

	bench_init(&b);
	bench_must_open(&b, TEXT, (const char *[]){"dot", NULL});
	talk(&b, EV_WRITE, "cu\"rl", ROLE_CLIENT, caller, outside, 5);
	bench_end(&b);
	bench_expect(&b, "digraph koban {\n"
			 "\trankdir=LR;\n"
			 "\tnode [fontname=\"sans-serif\"];\n"
			 "\tn0 [label=\"cu\\\"rl\", shape=box];\n"
			 "\tn1 [label=\"9.9.9.9\", shape=ellipse];\n"
			 "\tn0 -> n1 [label=\"tcp 443\\n5B out, 0B in\"];\n"
			 "}\n");
	bench_done(&b);
}

static void test_json(void **state)
{
	struct bench b;

	bench_init(&b);
	b.env.json = true;
	bench_must_open(&b, TEXT, NULL);
	talk(&b, EV_WRITE, "curl", ROLE_CLIENT, caller, outside, 5);
	bench_end(&b);
	bench_expect(&b, "{\"from\":{\"outside\":false,\"name\":\"curl\"},"
			 "\"to\":{\"outside\":true,\"name\":\"9.9.9.9\"},\"proto\":\"tcp\","
			 "\"service\":\"443\",\"connections\":1,\"calls\":1,\"bytes_out\":5,"
			 "\"bytes_in\":0}\n");
	bench_done(&b);
}

/* A scan: many addresses, few lines, and no time lost over them. */
static void test_many(void **state)
{
	struct bench b;

	bench_init(&b);
	bench_must_open(&b, TEXT "top: 3\n", NULL);
	for (uint32_t i = 0; i < 70000; i++)
		talk(&b, EV_WRITE, "scan", ROLE_CLIENT, caller,
			(struct place){{10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}, 22},
			1);
	bench_end(&b);
	assert_non_null(strstr(b.out.s, "└─ … and 65533 more\n"));
	assert_non_null(strstr(b.out.s, "4464 events of more connections found no room\n"));
	bench_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_guesses),
		cmocka_unit_test(test_one_end),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_circle),
		cmocka_unit_test(test_dot),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
