/* SPDX-License-Identifier: Apache-2.0 */
/* Entities that are written later than their findings: nobody may see the difference. */
#include "common.h"

enum { MANY = 600 };

/* Number i of many: one host, 5 containers of one image, a file of its own, 50 addresses. */
static struct str finding(struct fixture *f, int i, const char *prefix)
{
	struct buf b = BUF_INIT(1 << 20);
	char id[30], container[20], file[40], remote[30];

	snprintf(id, sizeof(id), "%s%d", prefix, i);
	snprintf(container, sizeof(container), "%012d", i % 5);
	snprintf(file, sizeof(file), "/etc/%d.conf", i);
	snprintf(remote, sizeof(remote), "93.184.216.%d:443", i % 50);
	build_finding(&b, &(struct spec){.id = id,
				  .at_s = i * 0.001,
				  .pid = 100 + (unsigned)i / 4,
				  .priority = i % 3 ? "Warning" : "Critical",
				  .container = container,
				  .file = file,
				  .remote = remote});
	struct str line = arena_str(&f->a, buf_str(&b));
	buf_done(&b);
	return line;
}

/* In batches of `batch`. */
static void put_many(struct fixture *f, const char *prefix, int n, int batch)
{
	static struct store_put_result results[MANY];
	struct str lines[MANY];
	struct err e = {0};

	for (int i = 0; i < n; i++)
		lines[i] = finding(f, i, prefix);
	for (int i = 0; i < n; i += batch) {
		int some = n - i < batch ? n - i : batch;

		assert_ok(&e, store_put(f->s, lines + i, (size_t)some, results, &e));
		for (int k = 0; k < some; k++)
			assert_int_equal(results[k].code, STORE_STORED);
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All that is derived, without ids: a line for each entity and for what hangs on it, in order. */
static const char *derived(struct fixture *f)
{
	struct store_entity_query q = {.limit = STORE_PAGE_MAX};
	struct buf all = BUF_INIT(16 << 20);
	const char *lines[5000];
	struct store_entity *x = NULL;
	size_t n = 0, nlines = 0;
	struct err e = {0};

	do {
		assert_ok(&e, store_entities(f->s, &q, &f->a, &x, &n, &q.cursor, &e));
		for (size_t i = 0; i < n; i++) {
			struct store_graph g;
			struct arena a;

			arena_init(&a, 0);
			assert_ok(&e,
				store_graph_around(f->s, x[i].id, 1, STORE_GRAPH_MAX, &a, &g, &e));
			lines[nlines++] = arena_printf(&f->a,
				"%d %.*s '%.*s' %.*s: %" PRIu64 " findings, %" PRIu64
				" open, worst %d, %" PRIu64 " to %" PRIu64 ", %zu edges\n",
				x[i].kind, STR_ARG(x[i].key), STR_ARG(x[i].name),
				STR_ARG(x[i].attrs), x[i].findings, x[i].open, x[i].worst,
				x[i].first_ns, x[i].last_ns, g.nedges)
						  .s;
			arena_done(&a);
		}
	} while (q.cursor.len);
	qsort(lines, nlines, sizeof(*lines), by_text);
	for (size_t i = 0; i < nlines; i++)
		buf_add_cstr(&all, lines[i]);
	struct str s = arena_str(&f->a, buf_str(&all));
	buf_done(&all);
	return s.s;
}

/* The same findings, put one by one into a store of their own. */
static const char *derived_at_once(struct fixture *f, int n)
{
	struct store *s = f->s;
	struct store_options o = {.url = "sqlite::memory:", .now_ns = now_of_test};
	struct err e = {0};

	assert_ok(&e, store_open(&o, &f->s, &e));
	put_many(f, "a", n, 1);
	const char *text = derived(f);
	store_close(f->s);
	f->s = s;
	return text;
}

static uint64_t count_of(struct fixture *f, enum store_entity_kind kind, const char *key)
{
	struct store_entity x;
	struct err e = {0};

	assert_ok(&e, store_entity_find(f->s, kind, str_of(key), &f->a, &x, &e));
	return x.findings;
}

static void large_batches_say_the_same(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	put_many(f, "a", MANY, 300);
	assert_string_equal(derived(f), derived_at_once(f, MANY));
	assert_ok(&e, store_check(f->s, &e));
}

static void a_finding_names_its_entities_at_once(void **state)
{
	struct fixture *f = *state;
	struct store_detail d;
	struct err e = {0};

	put_many(f, "a", MANY, MANY);
	assert_ok(&e, store_finding_get(f->s, STR("a599"), &f->a, &d, &e));
	assert_int_equal(d.nentities, 8);
	assert_str(d.roles[0], "process");
	assert_str(d.entities[0].key, "node-1|249|2490");
}

static void findings_of_an_entity_are_all_there(void **state)
{
	struct fixture *f = *state;
	struct store_entity x;
	struct store_page page;
	struct store_query q = {.limit = STORE_PAGE_MAX};
	struct store_group *groups = NULL;
	struct err e = {0};
	size_t n = 0;

	put_many(f, "a", 50, 50);
	assert_ok(&e, store_entity_find(f->s, STORE_ADDRESS, STR("93.184.216.7"), &f->a, &x, &e));
	q.entity = x.id;
	put_many(f, "b", MANY, MANY);
	assert_ok(&e, store_findings(f->s, &q, &f->a, &page, NULL, &e));
	assert_int_equal(page.n, 1 + MANY / 50);
	put_many(f, "c", MANY, MANY);
	assert_ok(&e, store_groups(f->s, &q, STORE_BY_RULE, &f->a, &groups, &n, NULL, &e));
	assert_int_equal(n, 1);
	assert_int_equal(groups[0].findings, 1 + 2 * MANY / 50);
}

static void small_batches_write_what_waits(void **state)
{
	struct fixture *f = *state;

	put_many(f, "a", MANY, MANY);
	put_many(f, "b", 10, 10);
	assert_int_equal(count_of(f, STORE_HOST, "node-1"), MANY + 10);
}

/* Others' records speak of the same host: nothing is counted twice, nothing is left out. */
static void an_inventory_among_them(void **state)
{
	struct fixture *f = *state;
	struct str lines[401];
	struct store_put_result results[401];
	struct err e = {0};

	put_many(f, "a", 300, 300);
	for (int i = 0; i < 400; i++)
		lines[i] = finding(f, i, "b");
	lines[400] = STR("{\"v\":1,\"type\":\"inventory\",\"time_ns\":1800000000000000000,"
			 "\"hostname\":\"node-1\",\"containers\":[]}");
	assert_ok(&e, store_put(f->s, lines, 401, results, &e));
	assert_int_equal(count_of(f, STORE_HOST, "node-1"), 700);
	assert_ok(&e, store_check(f->s, &e));
}

static void triage_counts_what_waits(void **state)
{
	struct fixture *f = *state;
	const struct str ids[] = {STR("a0"), STR("a5")};
	struct store_triage t = {
		.ids = ids, .nids = 2, .action = STORE_DID_ACKNOWLEDGE, .who = STR("me")};
	struct store_entity x;
	uint64_t changed = 0;
	struct err e = {0};

	put_many(f, "a", MANY, MANY);
	assert_ok(&e, store_triage(f->s, &t, &changed, NULL, &e));
	assert_int_equal(changed, 2);
	assert_ok(&e, store_entity_find(f->s, STORE_HOST, STR("node-1"), &f->a, &x, &e));
	assert_int_equal(x.findings, MANY);
	assert_int_equal(x.open, MANY - 2);
}

static void retention_takes_back_what_waits(void **state)
{
	struct fixture *f = *state;
	struct store_entity x;
	bool more = true;
	struct err e = {0};

	put_many(f, "a", MANY, MANY);
	store_retention_set(f->s, &(struct store_retention){.age_ns = SEC});
	test_now = T0_NS + 3600 * SEC;
	while (more)
		assert_ok(&e, store_maintain(f->s, &more, &e));
	assert_int_equal(
		store_entity_find(f->s, STORE_HOST, STR("node-1"), &f->a, &x, &e), -ENOENT);
	put_many(f, "b", MANY, MANY);
	assert_int_equal(count_of(f, STORE_HOST, "node-1"), MANY);
	assert_ok(&e, store_check(f->s, &e));
}

/* A program that puts and is gone without a word. */
static void put_and_die(struct fixture *f, const char *prefix, int n)
{
	int status = 0;

	store_close(f->s);
	pid_t pid = fork();
	if (pid == 0) {
		open_store(f);
		put_many(f, prefix, n, n);
		_exit(7);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	open_store(f);
}

static void a_kill_loses_nothing(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	put_and_die(f, "a", MANY);
	assert_string_equal(derived(f), derived_at_once(f, MANY));
	assert_ok(&e, store_check(f->s, &e));
	/* and what is muted is not open again */
	struct store_mute m = {
		.rule = STR("Shell in container"), .reason = STR("known"), .created_by = STR("me")};
	struct str id;
	assert_ok(&e, store_mute_add(f->s, &m, false, &f->a, &id, NULL, NULL, &e));
	put_and_die(f, "b", MANY);
	struct store_entity x;
	assert_ok(&e, store_entity_find(f->s, STORE_HOST, STR("node-1"), &f->a, &x, &e));
	assert_int_equal(x.findings, 2 * MANY);
	assert_int_equal(x.open, MANY);
}

/* PostgreSQL's index does not take a key of 4000 bytes that do not compress. */
static struct str finding_with_a_huge_key(struct fixture *f)
{
	struct buf b = BUF_INIT(1 << 20);
	char file[4001] = "/";

	for (size_t i = 1; i < sizeof(file) - 1; i++)
		file[i] = (char)('a' + hash_u64(i) % 26);
	build_finding(&b, &(struct spec){.id = "huge", .at_s = 9, .file = file});
	struct str line = arena_str(&f->a, buf_str(&b));
	buf_done(&b);
	return line;
}

static void what_the_database_refuses_is_left_out_alone(void **state)
{
	struct fixture *f = *state;
	struct str lines[301];
	struct store_put_result results[301];
	struct store_detail d;
	struct err e = {0};

	for (int i = 0; i < 300; i++)
		lines[i] = finding(f, i, "a");
	lines[300] = finding_with_a_huge_key(f);
	assert_ok(&e, store_put(f->s, lines, 301, results, &e));
	put_many(f, "b", 3, 1);
	assert_int_equal(count_of(f, STORE_HOST, "node-1"), is_sqlite(f) ? 304 : 303);
	assert_ok(&e, store_finding_get(f->s, STR("huge"), &f->a, &d, &e));
	assert_int_equal(d.nentities, is_sqlite(f) ? 5 : 0);
	assert_ok(&e, store_finding_get(f->s, STR("a299"), &f->a, &d, &e));
	assert_int_equal(d.nentities, 8);
	assert_ok(&e, store_check(f->s, &e));
}

/* What version 1 of the schema had: the list of entities beside the record, files by full ids. */
#define TO_VERSION_1                                                                               \
	"ALTER TABLE evidence ADD COLUMN entities TEXT NOT NULL DEFAULT '';"                       \
	"UPDATE evidence SET entities = (SELECT m.entities FROM mention m WHERE m.n = "            \
	"evidence.n);"                                                                             \
	"DROP TABLE mention; DROP TABLE underived;"                                                \
	"UPDATE entity SET key = substr(key, 1, 12) || '%052d' || substr(key, 13) WHERE kind = "   \
	"%d;"

static void an_older_database_says_the_same(void **state)
{
	struct fixture *f = *state;
	struct store_detail d;
	char sql[1000], cmd[2000];
	struct err e = {0};

	put_many(f, "a", MANY, 50);
	store_close(f->s);
	snprintf(sql, sizeof(sql), TO_VERSION_1 "%s", 0, STORE_FILE,
		is_sqlite(f) ? "PRAGMA user_version = 1" : "UPDATE koban_version SET value = 1");
	snprintf(cmd, sizeof(cmd), "sqlite3 %s/koban.db \"%s\"", f->dir, sql);
	if (!is_sqlite(f))
		pg_sql(sql);
	else
		assert_int_equal(system(cmd), 0);
	open_store(f);
	assert_string_equal(derived(f), derived_at_once(f, MANY));
	assert_ok(&e, store_finding_get(f->s, STR("a7"), &f->a, &d, &e));
	assert_int_equal(d.nentities, 8);
	assert_ok(&e, store_check(f->s, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(large_batches_say_the_same),
		TEST(a_finding_names_its_entities_at_once),
		TEST(findings_of_an_entity_are_all_there),
		TEST(small_batches_write_what_waits),
		TEST(an_inventory_among_them),
		TEST(triage_counts_what_waits),
		TEST(retention_takes_back_what_waits),
		TEST(a_kill_loses_nothing),
		TEST(what_the_database_refuses_is_left_out_alone),
		TEST(an_older_database_says_the_same),
	};

	return run_both(tests);
}
