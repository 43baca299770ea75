/* SPDX-License-Identifier: Apache-2.0 */
/* Pages, orders, totals, full text, groups, time lines: the same answers from both engines. */
#include "common.h"

static void put_some(struct fixture *f)
{
	put_findings(f,
		{.id = "a",
			.at_s = 10,
			.rule = "Shell",
			.priority = "Notice",
			.process = "bash",
			.output = "a shell was started",
			.tags = "\"T1059.004\",\"shell\""},
		{.id = "b",
			.at_s = 20,
			.rule = "Miner",
			.priority = "Critical",
			.process = "xmrig",
			.output = "xmrig talks to pool.example:3333",
			.tags = "\"T1496\"",
			.container = "0123456789ab",
			.name = "web",
			.remote = "203.0.113.9:3333",
			.fingerprint = "1"},
		{.id = "c",
			.at_s = 30,
			.rule = "Miner",
			.priority = "Critical",
			.process = "xmrig",
			.output = "xmrig again",
			.tags = "\"T1496\"",
			.container = "0123456789ab",
			.name = "web",
			.fingerprint = "1"},
		{.id = "d",
			.at_s = 40,
			.rule = "Shadow",
			.priority = "Warning",
			.process = "cat",
			.cmdline = "cat /etc/shadow",
			.file = "/etc/shadow",
			.user = "mallory",
			.uid = 1001,
			.hostname = "node-2"},
		{.id = "e",
			.at_s = 50,
			.rule = "Shell",
			.priority = "Notice",
			.process = "dash",
			.user = "mallory",
			.uid = 1001,
			.container = "ba9876543210",
			.name = "db",
			.image = "postgres:15",
			.tags = "\"T1059.004\",\"shell\""});
}

static void pages_follow_each_other(void **state)
{
	struct fixture *f = *state;
	struct store_query q = {.limit = 2, .want_total = true};
	struct store_page p;
	struct err e = {0};

	put_some(f);
	assert_ok(&e, store_findings(f->s, &q, &f->a, &p, NULL, &e));
	assert_string_equal(ids_of(f, &p), "e d");
	assert_int_equal(p.total, 5);
	q.cursor = p.next;
	assert_ok(&e, store_findings(f->s, &q, &f->a, &p, NULL, &e));
	assert_string_equal(ids_of(f, &p), "c b");
	q.cursor = p.next;
	/* what comes meanwhile does not move the pages */
	put_findings(f, {.id = "z", .at_s = 99});
	assert_ok(&e, store_findings(f->s, &q, &f->a, &p, NULL, &e));
	assert_string_equal(ids_of(f, &p), "a");
	assert_int_equal(p.next.len, 0);
}

static void orders(void **state)
{
	struct fixture *f = *state;
	struct store_query q = {.limit = 2, .order = STORE_WORST};
	struct store_page p;
	struct err e = {0};

	put_some(f);
	assert_string_equal(find_ids(f, .order = STORE_OLDEST), "a b c d e");
	assert_string_equal(find_ids(f, .order = STORE_WORST), "c b d e a");
	assert_ok(&e, store_findings(f->s, &q, &f->a, &p, NULL, &e));
	assert_string_equal(ids_of(f, &p), "c b");
	q.cursor = p.next;
	assert_ok(&e, store_findings(f->s, &q, &f->a, &p, NULL, &e));
	assert_string_equal(ids_of(f, &p), "d e");
	q.cursor = p.next;
	assert_ok(&e, store_findings(f->s, &q, &f->a, &p, NULL, &e));
	assert_string_equal(ids_of(f, &p), "a");
	/* a cursor belongs to its order */
	q.order = STORE_NEWEST;
	q.cursor = STR("Wdeadbeef.2");
	assert_int_equal(store_findings(f->s, &q, &f->a, &p, NULL, &e), -EINVAL);
	q.cursor = STR("n'; DROP TABLE finding; --");
	assert_int_equal(store_findings(f->s, &q, &f->a, &p, NULL, &e), -EINVAL);
}

static void selections(void **state)
{
	struct fixture *f = *state;

	put_some(f);
	assert_string_equal(find_ids(f, .rule = STR("Shell")), "e a");
	assert_string_equal(find_ids(f, .rule = STR("No such")), "");
	assert_string_equal(find_ids(f, .container = STR("web")), "c b");
	assert_string_equal(find_ids(f, .container = STR("0123456789ab")), "c b");
	assert_string_equal(find_ids(f, .image = STR("postgres:15")), "e");
	assert_string_equal(find_ids(f, .hostname = STR("node-2")), "d");
	assert_string_equal(find_ids(f, .user = STR("mallory")), "e d");
	assert_string_equal(find_ids(f, .technique = STR("T1059")), "e a");
	assert_string_equal(find_ids(f, .technique = STR("T1059.004")), "e a");
	assert_string_equal(find_ids(f, .technique = STR("T105")), "");
	assert_string_equal(find_ids(f, .technique = STR("shell")), "e a");
	assert_string_equal(find_ids(f, .fingerprint = STR("1")), "c b");
	assert_string_equal(find_ids(f, .priorities = 1u << PRIORITY_CRITICAL), "c b");
	assert_string_equal(
		find_ids(f, .priorities = 1u << PRIORITY_CRITICAL | 1u << PRIORITY_WARNING),
		"d c b");
	assert_string_equal(find_ids(f, .states = 1u << STORE_OPEN), "e d c b a");
	assert_string_equal(find_ids(f, .states = 1u << STORE_MUTED), "");
	assert_string_equal(
		find_ids(f, .from_ns = T0_NS + 20 * SEC, .to_ns = T0_NS + 40 * SEC), "c b");
	assert_string_equal(find_ids(f, .rule = STR("Miner"), .search = STR("again"),
				    .container = STR("web"), .filter = STR("proc.name=xmrig")),
		"c");
}

static void full_text(void **state)
{
	struct fixture *f = *state;
	struct store_page p;
	struct err e = {0};

	put_some(f);
	assert_string_equal(find_ids(f, .search = STR("xmrig")), "c b");
	assert_string_equal(find_ids(f, .search = STR("XMRig pool")), "b");
	assert_string_equal(find_ids(f, .search = STR("/etc/shadow")), "d");
	assert_string_equal(find_ids(f, .search = STR("\"shadow etc\"")), "");
	assert_string_equal(find_ids(f, .search = STR("\"etc shadow\"")), "d");
	assert_string_equal(find_ids(f, .search = STR("sha*")), "d");
	assert_string_equal(find_ids(f, .search = STR("xmrig -again")), "b");
	assert_string_equal(find_ids(f, .search = STR("203.0.113.9")), "b");
	assert_string_equal(find_ids(f, .search = STR("T1496")), "c b");
	assert_string_equal(find_ids(f, .search = STR("nowhere")), "");
	assert_string_equal(find_ids(f, .search = STR("xmrig' OR \"1\"=\"1")), "");
	assert_string_equal(find_ids(f, .search = STR("xmrig"), .order = STORE_OLDEST), "b c");
	struct store_query q = {.search = STR("-xmrig")};
	assert_int_equal(store_findings(f->s, &q, &f->a, &p, NULL, &e), -EINVAL);
	q.search = STR("!!!");
	assert_int_equal(store_findings(f->s, &q, &f->a, &p, NULL, &e), -EINVAL);
	/* pages of a search */
	q = (struct store_query){.search = STR("xmrig"), .limit = 1, .want_total = true};
	assert_ok(&e, store_findings(f->s, &q, &f->a, &p, NULL, &e));
	assert_string_equal(ids_of(f, &p), "c");
	assert_int_equal(p.total, 2);
	q.cursor = p.next;
	assert_ok(&e, store_findings(f->s, &q, &f->a, &p, NULL, &e));
	assert_string_equal(ids_of(f, &p), "b");
}

static const char *group_text(struct fixture *f, enum store_group_by by)
{
	struct store_query q = {0};
	struct store_group *g = NULL;
	struct buf b = BUF_INIT(1 << 20);
	struct err e = {0};
	size_t n = 0;

	assert_ok(&e, store_groups(f->s, &q, by, &f->a, &g, &n, NULL, &e));
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%.*s(%.*s)=%u", i ? " " : "", STR_ARG(g[i].key),
			STR_ARG(g[i].label), (unsigned)g[i].findings);
	struct str s = arena_str(&f->a, buf_str(&b));
	buf_done(&b);
	return s.s;
}

static void groups(void **state)
{
	struct fixture *f = *state;
	struct store_group *g = NULL;
	struct store_query q = {.filter = STR("proc.name = xmrig")};
	struct err e = {0};
	size_t n = 0;

	put_some(f);
	assert_string_equal(
		group_text(f, STORE_BY_RULE), "Miner(Miner)=2 Shell(Shell)=2 Shadow(Shadow)=1");
	assert_string_equal(
		group_text(f, STORE_BY_TECHNIQUE), "T1059.004(T1059.004)=2 T1496(T1496)=2");
	assert_string_equal(group_text(f, STORE_BY_PRIORITY),
		"Critical(Critical)=2 Notice(Notice)=2 Warning(Warning)=1");
	assert_string_equal(group_text(f, STORE_BY_HOST), "node-1(node-1)=4 node-2(node-2)=1");
	assert_string_equal(group_text(f, STORE_BY_USER), "root(root)=3 mallory(mallory)=2");
	assert_string_equal(group_text(f, STORE_BY_STATE), "open(open)=5");
	assert_string_equal(group_text(f, STORE_BY_FINGERPRINT),
		"0000000000000000(Shell)=3 0000000000000001(Miner)=2");
	assert_ok(&e, store_groups(f->s, &q, STORE_BY_CONTAINER, &f->a, &g, &n, NULL, &e));
	assert_int_equal(n, 1);
	assert_str(g[0].key, "0123456789ab");
	assert_str(g[0].label, "web");
	assert_int_equal(g[0].worst, PRIORITY_CRITICAL);
	assert_true(g[0].first_ns == T0_NS + 20 * SEC && g[0].last_ns == T0_NS + 30 * SEC);
}

static void over_time(void **state)
{
	struct fixture *f = *state;
	struct store_query q = {.from_ns = T0_NS, .to_ns = T0_NS + 60 * SEC};
	struct store_bucket *b = NULL;
	struct store_technique *t = NULL;
	struct store_group *g = NULL;
	struct err e = {0};
	size_t n = 0;

	put_some(f);
	assert_ok(&e, store_timeline(f->s, &q, 6, &f->a, &b, NULL, &e));
	assert_int_equal(b[0].by_priority[PRIORITY_NOTICE], 0);
	assert_int_equal(b[1].by_priority[PRIORITY_NOTICE], 1);
	assert_int_equal(b[2].by_priority[PRIORITY_CRITICAL], 1);
	assert_int_equal(b[3].by_priority[PRIORITY_CRITICAL], 1);
	assert_int_equal(b[5].by_priority[PRIORITY_NOTICE], 1);
	assert_true(b[5].start_ns == T0_NS + 50 * SEC);
	assert_ok(&e, store_techniques(f->s, 0, 0, &f->a, &t, &n, &e));
	assert_int_equal(n, 2);
	assert_str(t[0].id, "T1059.004");
	assert_str(t[0].rule, "Shell");
	assert_int_equal(t[0].findings, 2);
	assert_ok(&e, store_techniques(f->s, T0_NS + 45 * SEC, 0, &f->a, &t, &n, &e));
	assert_int_equal(n, 1);
	assert_int_equal(t[0].findings, 1);
	assert_ok(&e, store_rule_counts(f->s, 0, 0, &f->a, &g, &n, &e));
	assert_int_equal(n, 3);
	assert_str(g[0].key, "Miner");
}

static void counts(void **state)
{
	struct fixture *f = *state;
	struct store_counts c;
	struct err e = {0};

	put_some(f);
	assert_ok(&e, store_counts(f->s, &c, &e));
	assert_int_equal(c.findings, 5);
	assert_int_equal(c.by_state[STORE_OPEN], 5);
	assert_int_equal(c.open_by_priority[PRIORITY_CRITICAL], 2);
	assert_int_equal(c.open_by_priority[PRIORITY_NOTICE], 2);
}

static void moments_and_related(void **state)
{
	struct fixture *f = *state;
	struct store_moment *m = NULL;
	struct store_related r;
	struct err e = {0};
	size_t n = 0;

	put_some(f);
	const char *around =
		"{\"v\":1,\"type\":\"around\",\"finding\":\"b\",\"events\":[{\"time_ns\":"
		"1800000019000000000,\"pid\":7,\"process\":\"sh\",\"type\":\"execve\",\"text\":"
		"\"xmrig\"}]}";
	assert_int_equal(put_line(f, around), STORE_STORED);
	assert_int_equal(put_line(f, around), STORE_KNOWN);
	assert_ok(&e, store_moments(f->s, STR("b"), &f->a, &m, &n, &e));
	assert_int_equal(n, 3);
	assert_str(m[0].type, "execve");
	assert_str(m[0].finding, "");
	assert_str(m[1].finding, "b");
	assert_str(m[2].finding, "c");
	assert_ok(&e, store_related(f->s, STR("b"), 10, &f->a, &r, &e));
	assert_string_equal(ids_of(f, &r.same_fingerprint), "c");
	assert_string_equal(ids_of(f, &r.same_container), "c");
	assert_int_equal(store_related(f->s, STR("q"), 10, &f->a, &r, &e), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pages_follow_each_other),
		TEST(orders),
		TEST(selections),
		TEST(full_text),
		TEST(groups),
		TEST(over_time),
		TEST(counts),
		TEST(moments_and_related),
	};

	return run_both(tests);
}
