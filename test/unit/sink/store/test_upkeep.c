/* SPDX-License-Identifier: Apache-2.0 */
/* Retention, checks, damage, backups, many threads, a server that goes away. */
#include "common.h"

#include <pthread.h>

static void maintain_all(struct fixture *f)
{
	bool more = true;
	struct err e = {0};

	for (int i = 0; more && i < 1000; i++)
		assert_ok(&e, store_maintain(f->s, &more, &e));
	assert_false(more);
}

static void put_many(struct fixture *f, unsigned from, unsigned n, double step_s)
{
	struct str *lines = arena_array(&f->a, struct str, n);
	struct store_put_result *r = arena_array(&f->a, struct store_put_result, n);
	struct err e = {0};

	for (unsigned i = 0; i < n; i++) {
		struct buf b = BUF_INIT(1 << 20);
		char id[32], cmdline[64];

		snprintf(id, sizeof(id), "n%u", from + i);
		snprintf(cmdline, sizeof(cmdline), "job number%u", from + i);
		build_finding(&b, &(struct spec){.id = id,
					  .at_s = (from + i) * step_s,
					  .cmdline = cmdline,
					  .pid = 1000 + (from + i) % 50,
					  .container = "0123456789ab"});
		lines[i] = arena_str(&f->a, buf_str(&b));
		buf_done(&b);
	}
	assert_ok(&e, store_put(f->s, lines, n, r, &e));
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(r[i].code, STORE_STORED);
}

static void old_findings_go(void **state)
{
	struct fixture *f = *state;
	struct store_retention r = {.age_ns = 1000 * SEC};
	struct store_container c;
	struct store_counts counts;
	struct store_detail d;
	struct err e = {0};

	put_many(f, 0, 2000, 1);
	put_line(f, "{\"v\":1,\"type\":\"around\",\"finding\":\"n5\",\"events\":[{\"time_ns\":"
		    "1800000005000000000}]}");
	store_retention_set(f->s, &r);
	test_now = T0_NS + 2000 * SEC;
	maintain_all(f);
	assert_ok(&e, store_counts(f->s, &counts, &e));
	assert_int_equal(counts.findings, 1000);
	assert_int_equal(store_finding_get(f->s, STR("n999"), &f->a, &d, &e), -ENOENT);
	assert_ok(&e, store_finding_get(f->s, STR("n1000"), &f->a, &d, &e));
	assert_string_equal(find_ids(f, .search = STR("number999")), "");
	assert_string_equal(find_ids(f, .search = STR("number1000")), "n1000");
	assert_ok(&e, store_container_get(f->s, STR("web"), &f->a, &c, &e));
	assert_int_equal(c.findings, 1000);
	assert_int_equal(c.open, 1000);
	assert_ok(&e, store_check(f->s, &e));
	/* all of it, and what hung on it */
	test_now = T0_NS + 10000 * SEC;
	maintain_all(f);
	maintain_all(f);
	struct store_stats st;
	assert_ok(&e, store_stats(f->s, &f->a, &st, &e));
	assert_int_equal(st.findings, 0);
	assert_int_equal(st.entities, 0);
	assert_int_equal(st.relations, 0);
	assert_int_equal(store_container_get(f->s, STR("web"), &f->a, &c, &e), -ENOENT);
	/* the same entities come again under new ids */
	put_many(f, 20000, 10, 1);
	assert_ok(&e, store_check(f->s, &e));
}

static void the_oldest_go_when_it_is_large(void **state)
{
	struct fixture *f = *state;
	struct store_retention r = {0};
	struct store_stats before, after;
	struct err e = {0};

	if (!is_sqlite(f))
		return; /* PostgreSQL gives room back in its own time */
	put_many(f, 0, 3000, 1);
	assert_ok(&e, store_stats(f->s, &f->a, &before, &e));
	r.size_bytes = before.size_bytes / 2;
	store_retention_set(f->s, &r);
	maintain_all(f);
	assert_ok(&e, store_stats(f->s, &f->a, &after, &e));
	assert_true(after.size_bytes <= r.size_bytes);
	assert_true(after.findings > 500 && after.findings < 2500);
	assert_true(after.oldest_ns > before.oldest_ns);
	assert_string_equal(find_ids(f, .search = STR("number2999")), "n2999");
	assert_ok(&e, store_check(f->s, &e));
}

static void copy_file(const char *from, const char *to)
{
	char cmd[500];

	snprintf(cmd, sizeof(cmd), "cp '%s' '%s'", from, to);
	assert_int_equal(system(cmd), 0);
}

/* A sound database file with its middle overwritten. */
static void damage(struct fixture *f, char *path, size_t size)
{
	struct stat st;

	snprintf(path, size, "%s/koban.db", f->dir);
	put_many(f, 0, 500, 1);
	store_close(f->s);
	f->s = NULL;
	assert_int_equal(stat(path, &st), 0);
	int fd = open(path, O_WRONLY);
	for (off_t at = 4096; at < st.st_size; at += 8192)
		assert_int_equal(pwrite(fd, "rubbish rubbish rubbish rubbish", 31, at), 31);
	/* as after an unclean end, if anything of it can still be read */
	close(fd);
}

static void damage_is_said_and_moved_only_on_request(void **state)
{
	struct fixture *f = *state;
	char path[200], pattern[240];
	struct store *s = NULL;
	struct err e = {0};
	glob_t g = {0};

	if (!is_sqlite(f))
		return;
	damage(f, path, sizeof(path));
	assert_int_equal(store_open(&f->options, &s, &e), -EUCLEAN);
	assert_non_null(strstr(e.msg, path));
	assert_non_null(strstr(e.msg, "damaged"));
	assert_non_null(strstr(e.msg, "backup"));
	f->options.move_damaged_aside = true;
	open_store(f);
	assert_string_equal(find_ids(f, .limit = 1), "");
	put_findings(f, {.id = "new"});
	snprintf(pattern, sizeof(pattern), "%s.damaged-*", path);
	assert_int_equal(glob(pattern, 0, NULL, &g), 0);
	assert_int_equal(g.gl_pathc, 1);
	globfree(&g);
}

static void not_a_database(void **state)
{
	struct fixture *f = *state;
	char path[200];
	struct store *s = NULL;
	struct err e = {0};

	if (!is_sqlite(f))
		return;
	snprintf(path, sizeof(path), "%s/other.db", f->dir);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(write(fd, "this is a diary\n", 16), 16);
	close(fd);
	f->options.url = path;
	assert_int_equal(store_open(&f->options, &s, &e), -EUCLEAN);
	f->options.url = "mysql://x";
	assert_int_equal(store_open(&f->options, &s, &e), -EINVAL);
	f->options.url = "/nonexistent/folder/koban.db";
	assert_int_equal(store_open(&f->options, &s, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "folder"));
}

static void a_newer_database_is_left_alone(void **state)
{
	struct fixture *f = *state;
	char cmd[300];
	struct err e = {0};

	store_close(f->s);
	f->s = NULL;
	if (is_sqlite(f)) {
		snprintf(cmd, sizeof(cmd), "sqlite3 %s/koban.db 'PRAGMA user_version=99'", f->dir);
		assert_int_equal(system(cmd), 0);
	} else {
		pg_sql("UPDATE koban_version SET value = 99");
	}
	assert_int_equal(store_open(&f->options, &f->s, &e), -EPROTO);
	assert_non_null(strstr(e.msg, "newer koban"));
	f->s = NULL;
}

static void an_unclean_end_is_looked_at(void **state)
{
	struct fixture *f = *state;
	char from[200], to[200];
	struct store_stats st;
	struct err e = {0};

	if (!is_sqlite(f))
		return;
	put_many(f, 0, 50, 1);
	/* a copy of a database in use is what a power cut leaves */
	snprintf(from, sizeof(from), "%s/koban.db", f->dir);
	snprintf(to, sizeof(to), "%s/cut.db", f->dir);
	copy_file(from, to);
	strcat(from, "-wal");
	strcat(to, "-wal");
	copy_file(from, to);
	store_close(f->s);
	snprintf(f->url, sizeof(f->url), "%s/cut.db", f->dir);
	open_store(f);
	assert_ok(&e, store_stats(f->s, &f->a, &st, &e));
	assert_true(st.was_unclean);
	assert_false(st.check_unfinished);
	assert_int_equal(st.findings, 50);
}

struct told {
	unsigned times;
	uint64_t done, total;
	unsigned stop_after;
};

static bool tell(uint64_t done, uint64_t total, void *arg)
{
	struct told *t = arg;

	assert_true(done <= total);
	t->done = done;
	t->total = total;
	return ++t->times != t->stop_after;
}

static void backups(void **state)
{
	struct fixture *f = *state;
	struct told t = {0};
	char path[200];
	struct stat st;
	struct err e = {0};

	snprintf(path, sizeof(path), "%s/copy.db", f->dir);
	if (!is_sqlite(f)) {
		assert_int_equal(store_backup(f->s, path, tell, &t, &e), -ENOTSUP);
		assert_non_null(strstr(e.msg, "pg_dump"));
		return;
	}
	put_many(f, 0, 1000, 1);
	assert_ok(&e, store_backup(f->s, path, tell, &t, &e));
	assert_true(t.times >= 1 && t.done == t.total && t.total > 0);
	assert_int_equal(store_backup(f->s, path, tell, &t, &e), -EEXIST);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	t = (struct told){.stop_after = 1};
	strcat(path, "2");
	assert_int_equal(store_backup(f->s, path, tell, &t, &e), -ECANCELED);
	assert_int_equal(access(path, F_OK), -1);
	strcat(path, ".part");
	assert_int_equal(access(path, F_OK), -1);
	put_many(f, 1000, 10, 1);
	store_close(f->s);
	snprintf(f->url, sizeof(f->url), "%s/copy.db", f->dir);
	open_store(f);
	assert_ok(&e, store_check(f->s, &e));
	assert_string_equal(find_ids(f, .search = STR("number999")), "n999");
	assert_string_equal(find_ids(f, .search = STR("number1001")), "");
}

/* ---- threads -------------------------------------------------------------------------------- */

enum { THREADS = 6, PUTS = 40 };

struct worker {
	struct fixture *f;
	unsigned number;
};

static void *put_and_read(void *arg)
{
	struct worker *w = arg;

	for (unsigned i = 0; i < PUTS; i++) {
		struct buf b = BUF_INIT(1 << 20);
		struct store_put_result r;
		struct store_query q = {.limit = 3, .search = STR("bash")};
		struct store_page p;
		struct arena a;
		struct err e = {0};
		char id[32];

		snprintf(id, sizeof(id), "t%u-%u", w->number, i);
		build_finding(&b, &(struct spec){.id = id, .at_s = i, .pid = 1 + i % 7});
		struct str line = buf_str(&b);
		assert_ok(&e, store_put(w->f->s, &line, 1, &r, &e));
		assert_int_equal(r.code, STORE_STORED);
		arena_init(&a, 0);
		assert_ok(&e, store_findings(w->f->s, &q, &a, &p, NULL, &e));
		assert_true(p.n > 0);
		arena_done(&a);
		buf_done(&b);
	}
	return NULL;
}

static void many_threads(void **state)
{
	struct fixture *f = *state;
	struct worker w[THREADS];
	pthread_t t[THREADS];
	struct store_stats st;
	struct err e = {0};

	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (struct worker){f, i};
		assert_int_equal(pthread_create(&t[i], NULL, put_and_read, &w[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	assert_ok(&e, store_stats(f->s, &f->a, &st, &e));
	assert_int_equal(st.findings, THREADS * PUTS);
	assert_int_equal(st.put_records, THREADS * PUTS);
	assert_ok(&e, store_check(f->s, &e));
}

static void a_query_has_its_time(void **state)
{
	struct fixture *f = *state;
	struct store_query q = {.filter = STR("finding.field[x] regex '(a|b|ab)*c' and "
					      "finding.field[y] regex '(a|b|ab)*c'")};
	struct store_page p;
	struct err e = {0};

	store_close(f->s);
	f->options.query_timeout_ms = 1;
	open_store(f);
	put_many(f, 0, 8000, 0.01);
	assert_int_equal(store_findings(f->s, &q, &f->a, &p, NULL, &e), -ETIMEDOUT);
	assert_non_null(strstr(e.msg, "narrow it"));
}

static void a_server_that_comes_back(void **state)
{
	struct fixture *f = *state;
	struct buf b = BUF_INIT(1 << 20);
	struct store_put_result r;
	struct store_page p;
	struct store_query q = {0};
	struct err e = {0};

	if (is_sqlite(f))
		return;
	put_findings(f, {.id = "before"});
	assert_string_equal(find_ids(f, .limit = 5), "before");
	kill(server.pid, SIGINT);
	waitpid(server.pid, NULL, 0);
	build_finding(&b, &(struct spec){.id = "meanwhile", .at_s = 1});
	struct str line = buf_str(&b);
	struct store_batch *batch = store_batch_new(f->s);
	assert_ok(&e, store_batch_read(batch, &line, 1, &r, &e));
	assert_int_equal(store_batch_put(batch, &e), -EAGAIN);
	assert_int_equal(store_findings(f->s, &q, &f->a, &p, NULL, &e), -EAGAIN);
	assert_true(pg_start());
	assert_ok(&e, store_batch_put(batch, &e)); /* the same, as it was read */
	assert_int_equal(r.code, STORE_STORED);
	store_batch_free(batch);
	assert_string_equal(find_ids(f, .limit = 5), "meanwhile before");
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(old_findings_go),
		TEST(the_oldest_go_when_it_is_large),
		TEST(damage_is_said_and_moved_only_on_request),
		TEST(not_a_database),
		TEST(a_newer_database_is_left_alone),
		TEST(an_unclean_end_is_looked_at),
		TEST(backups),
		TEST(many_threads),
		TEST(a_query_has_its_time),
		TEST(a_server_that_comes_back),
	};

	return run_both(tests);
}
