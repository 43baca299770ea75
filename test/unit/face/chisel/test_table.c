/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and lists: what counts, what is shown, intervals, JSON, what is there without events. */
#include "bench.h"

#define HEAD "kind: table\ncategory: C\nsummary: s\ndescription: d\n"
#define COLUMNS                                                                                    \
	"columns:\n"                                                                               \
	"  - {name: BYTES, field: evt.buflen, agg: sum, unit: bytes, sort: descending}\n"          \
	"  - {name: FILE, field: fd.name, key: true}\n"                                            \
	"  - {name: CONTAINER, field: container.name, key: true, only: containers}\n"

static void feed(struct bench *b)
{
	bench_read(b, "cat", "/etc/passwd", 2048);
	bench_read(b, "cat", "/tmp/a", 10);
	bench_read(b, "cat", "/tmp/a", 20);
	bench_read(b, "cat", "/tmp/empty", 0);
	bench_read(b, "cat", "/tmp/denied", -13);
}

static void test_rows(void **state)
{
	struct bench b;

	bench_init(&b);
	bench_must_open(&b, HEAD COLUMNS, NULL);
	feed(&b);
	bench_expect(&b, ""); /* nothing before the end */
	bench_end(&b);
	bench_expect(&b, "BYTES  FILE\n"
			 "2.00K  /etc/passwd\n"
			 "   30  /tmp/a\n");
	/* at most so many; a column that is for containers only */
	b.env.container = true;
	bench_must_open(&b, HEAD "top: 1\n" COLUMNS, NULL);
	feed(&b);
	bench_end(&b);
	bench_expect(&b, "BYTES  FILE         CONTAINER\n"
			 "2.00K  /etc/passwd  host\n");
	b.env.json = true;
	bench_must_open(&b, HEAD COLUMNS, NULL);
	feed(&b);
	bench_end(&b);
	bench_expect(&b, "{\"BYTES\":2048,\"FILE\":\"/etc/passwd\",\"CONTAINER\":\"host\"}\n"
			 "{\"BYTES\":30,\"FILE\":\"/tmp/a\",\"CONTAINER\":\"host\"}\n");
	bench_done(&b);
}

static void test_filter_and_arguments(void **state)
{
	static const char text[] = HEAD "args:\n"
					"  - {name: what, description: d, type: field}\n"
					"  - name: file\n"
					"    description: d\n"
					"    optional: true\n"
					"    filter: fd.name = {file}\n"
					"    otherwise: fd.name startswith /tmp\n"
					"filter: evt.is_io = true\n"
					"columns:\n"
					"  - {name: \"{what}\", field: \"{what}\", key: true}\n"
					"  - {name: N, field: evt.count, agg: sum}\n";
	struct bench b;

	bench_init(&b);
	bench_must_open(&b, text, (const char *[]){"fd.name", NULL});
	feed(&b);
	bench_end(&b);
	bench_expect(&b, "fd.name      N\n/tmp/a       2\n/tmp/denied  1\n/tmp/empty   1\n");
	/* a value is one literal, whatever it holds */
	bench_must_open(&b, text, (const char *[]){"proc.name", "/tmp/a\" or evt.num > 0", NULL});
	feed(&b);
	bench_read(&b, "cat", "/tmp/a\" or evt.num > 0", 1);
	bench_end(&b);
	bench_expect(&b, "proc.name  N\ncat        1\n");
	assert_int_equal(bench_open(&b, text, NULL), -EINVAL);
	bench_says(&b, "chisel x: its argument what is missing");
	assert_int_equal(bench_open(&b, text, (const char *[]){"fd.nam", NULL}), -EINVAL);
	bench_says(&b, "did you mean 'fd.num'");
	assert_int_equal(
		bench_open(&b, text, (const char *[]){"fd.name", "a", "b", NULL}), -EINVAL);
	bench_says(&b, "it takes 2 arguments: \"b\" is too much");
	bench_done(&b);
}

/* Which events it wants is known, so that a live source need not send the others. */
static void test_codes(void **state)
{
	struct bench b;

	bench_init(&b);
	bench_must_open(&b, HEAD "filter: evt.type = read\n" COLUMNS, NULL);
	const uint64_t *codes = chisel_codes(b.chisel);
	assert_non_null(codes);
	assert_true(codes[EV_READ / 64] >> EV_READ % 64 & 1);
	assert_false(codes[EV_WRITE / 64] >> EV_WRITE % 64 & 1);
	bench_must_open(&b, HEAD COLUMNS, NULL);
	assert_null(chisel_codes(b.chisel));
	bench_done(&b);
}

/* Intervals go by the events' own time and begin at whole multiples. */
static void test_intervals(void **state)
{
	static const char text[] = HEAD "interval: 2\n" COLUMNS;
	struct bench b;

	bench_init(&b);
	b.env.json = true;
	b.now_ns = 1001 * SEC;
	bench_must_open(&b, text, NULL);
	bench_read(&b, "cat", "/a", 1);
	b.now_ns = 1001 * SEC + SEC / 2;
	bench_read(&b, "cat", "/a", 2);
	bench_expect(&b, "");
	b.now_ns = 1002 * SEC;
	bench_read(&b, "cat", "/a", 4);
	bench_expect(&b, "{\"time_ns\":1002000000000,\"BYTES\":3,\"FILE\":\"/a\"}\n");
	/* time goes by without events, too */
	assert_int_equal(chisel_tick(b.chisel, 1003 * SEC, &b.e), 0);
	bench_expect(&b, "");
	assert_int_equal(chisel_tick(b.chisel, 1004 * SEC, &b.e), 0);
	bench_expect(&b, "{\"time_ns\":1004000000000,\"BYTES\":4,\"FILE\":\"/a\"}\n");
	bench_end(&b);
	bench_expect(&b, "");
	bench_done(&b);
}

/* On a terminal the table is drawn anew once a second, and is no higher than the screen. */
static void test_screen(void **state)
{
	struct bench b;

	bench_init(&b);
	b.env.is_live = b.env.is_tty = true;
	b.env.height = 3;
	b.env.width = 14;
	bench_must_open(&b, HEAD COLUMNS, NULL);
	feed(&b);
	b.now_ns += SEC;
	bench_read(&b, "cat", "/tmp/b", 1);
	bench_expect(&b, "\033[H\033[2JBYTES  FILE\n2.00K  /etc/pa\n");
	bench_end(&b);
	bench_expect(&b, ""); /* what is on the screen stays */
	bench_done(&b);
}

static void add_process(struct bench *b, uint32_t pid, const char *comm, bool has_socket)
{
	struct process p = {.pid = pid, .vpid = pid, .comm = str_of(comm), .vmrss_kb = 2048};
	struct event_fd fd = {.num = 3,
		.type = FD_IPV4,
		.sock = {.family = 2,
			.l4proto = 6,
			.role = ROLE_SERVER,
			.has_local = true,
			.local = {127, 0, 0, 1},
			.local_port = 80}};

	assert_int_equal(state_add_thread(b->state, pid, pid, &p), 0);
	if (has_socket)
		assert_int_equal(state_add_descriptor(b->state, pid, &fd, STR_NULL), 0);
}

#define LIST                                                                                       \
	"kind: list\ncategory: C\nsummary: s\ndescription: d\n"                                    \
	"from: descriptors\nfilter: fd.type = ipv4\ncolumns:\n"                                    \
	"  - {name: PID, field: proc.pid}\n"                                                       \
	"  - {name: SERVER, field: fd.sip}\n"                                                      \
	"  - {name: CLIENT, field: fd.cip}\n"                                                      \
	"  - {name: NUM, field: fd.num, hidden: true}\n"

/* What is there, at the first event, and nothing after it; a value may be missing. */
static void test_list(void **state)
{
	struct bench b;

	bench_init(&b);
	add_process(&b, 20, "nginx", true);
	add_process(&b, 3, "sleep", false);
	bench_must_open(&b, LIST, NULL);
	assert_int_equal(bench_read(&b, "cat", "/a", 1), 1);
	bench_expect(&b, "PID  SERVER     CLIENT\n20   127.0.0.1\n");
	assert_int_equal(bench_read(&b, "cat", "/a", 1), 1);
	bench_end(&b);
	bench_expect(&b, "");
	/* a file without events has its state all the same */
	b.env.json = true;
	bench_must_open(&b, LIST, NULL);
	bench_end(&b);
	bench_expect(&b, "{\"PID\":20,\"SERVER\":\"127.0.0.1\",\"CLIENT\":null}\n");
	bench_done(&b);
}

/* Once its keys and texts are known, a table asks for no more memory. */
static void test_warm(void **state)
{
	struct bench b;

	bench_init(&b);
	bench_must_open(&b, HEAD "filter: evt.is_io = true\n" COLUMNS, NULL);
	feed(&b);
	struct event *ev = bench_event(&b, EV_READ, "cat", 7, "/tmp/a", 1);
	for (int i = 0; i < 1000; i++) {
		ev->num++;
		assert_int_equal(bench_give(&b), 0);
	}
	bench_end(&b);
	bench_expect(&b, "BYTES  FILE\n2.00K  /etc/passwd\n1.01K  /tmp/a\n");
	bench_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_filter_and_arguments),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_screen),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_warm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
