/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the store's tests share: a store in SQLite or in PostgreSQL for each test, findings in a few
 * words. Every test runs with both engines; PostgreSQL is a real server that the program starts for
 * itself, in a folder of its own, on a unix socket, as an unprivileged user.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <inttypes.h>
#include <jansson.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "base/json.h"
#include "sink/store/store.h"

#define T0_S  ((uint64_t)1800000000) /* the tests' time */
#define SEC   ((uint64_t)1000000000)
#define T0_NS (T0_S * SEC)

static uint64_t test_now = T0_NS;

static inline uint64_t now_of_test(void)
{
	return test_now;
}

struct server {
	char dir[64], url[200];
	pid_t pid;
};

struct fixture {
	const char *engine;
	char dir[64], url[300];
	struct store *s;
	struct arena a;
	struct store_options options;
};

static struct server server;
static const char *engine_of_group = "sqlite";

#define assert_ok(e, call)                                                                         \
	do {                                                                                       \
		int rc_ = (call);                                                                  \
		if (rc_ < 0)                                                                       \
			fail_msg("%s: %d: %s", #call, rc_, (e)->msg);                              \
	} while (0)
#define assert_str(x, text) assert_string_equal((x).s, (text))

/* ---- PostgreSQL ----------------------------------------------------------------------------- */

static inline const char *pg_program(const char *name, char *out, size_t size)
{
	glob_t g = {0};
	char pattern[200];

	snprintf(pattern, sizeof(pattern), "/usr/lib/postgresql/*/bin/%s", name);
	out[0] = '\0';
	if (glob(pattern, 0, NULL, &g) == 0)
		snprintf(out, size, "%s", g.gl_pathv[g.gl_pathc - 1]);
	globfree(&g);
	return out[0] ? out : NULL;
}

/* A server must not be root. */
static inline pid_t pg_spawn(char *const argv[])
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	int null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	if (!getenv("PG_TEST_VERBOSE"))
		dup2(null, 2);
	if (geteuid() == 0) {
		struct passwd *pw = getpwnam("postgres");

		if (!pw)
			pw = getpwnam("nobody");
		if (!pw || setgroups(0, NULL) || setgid(pw->pw_gid) || setuid(pw->pw_uid))
			_exit(126);
	}
	if (chdir("/"))
		_exit(126);
	execv(argv[0], argv);
	_exit(127);
}

static inline void remove_tree(const char *dir)
{
	char cmd[300];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	if (system(cmd))
		fprintf(stderr, "# %s is left behind\n", dir);
}

static inline bool pg_wait_ready(void)
{
	for (int i = 0; i < 600; i++) {
		PGconn *c = PQconnectdb(server.url);
		bool ok = PQstatus(c) == CONNECTION_OK;

		PQfinish(c);
		if (ok)
			return true;
		if (waitpid(server.pid, NULL, WNOHANG) == server.pid)
			return false;
		usleep(50000);
	}
	return false;
}

static inline void pg_stop(void)
{
	if (server.pid > 0) {
		kill(server.pid, SIGINT); /* fast shutdown */
		waitpid(server.pid, NULL, 0);
	}
	if (server.dir[0])
		remove_tree(server.dir);
	memset(&server, 0, sizeof(server));
}

/* Starts the server again over the same data (a test that takes it away). */
static inline bool pg_start(void)
{
	char postgres[200], data[100];

	if (!pg_program("postgres", postgres, sizeof(postgres)))
		return false;
	snprintf(data, sizeof(data), "%s/data", server.dir);
	char *const argv[] = {postgres, "-D", data, "-k", server.dir, "-c",
		"listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=32MB", "-c",
		"max_connections=30", NULL};
	server.pid = pg_spawn(argv);
	return server.pid > 0 && pg_wait_ready();
}

static inline bool pg_make(void)
{
	char initdb[200], data[100];
	int status = 1;

	strcpy(server.dir, "/tmp/koban-pg-XXXXXX");
	if (!pg_program("initdb", initdb, sizeof(initdb)) || !mkdtemp(server.dir))
		return false;
	if (geteuid() == 0) {
		struct passwd *pw = getpwnam("postgres");

		if (!pw)
			pw = getpwnam("nobody");
		if (!pw || chown(server.dir, pw->pw_uid, pw->pw_gid))
			return false;
	}
	snprintf(data, sizeof(data), "%s/data", server.dir);
	snprintf(
		server.url, sizeof(server.url), "postgresql://koban@/postgres?host=%s", server.dir);
	char *const argv[] = {initdb, "-D", data, "-U", "koban", "-A", "trust", "-E", "UTF8",
		"--locale=C.UTF-8", "--no-sync", NULL};
	pid_t pid = pg_spawn(argv);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 && pg_start();
}

static inline void pg_ignore_notice(void *arg, const PGresult *r)
{
}

static inline void pg_sql(const char *sql)
{
	PGconn *c = PQconnectdb(server.url);

	PQsetNoticeReceiver(c, pg_ignore_notice, NULL);
	PGresult *r = PQexec(c, sql);

	if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(c));
	PQclear(r);
	PQfinish(c);
}

/* ---- a store for each test ------------------------------------------------------------------ */

static inline bool is_sqlite(const struct fixture *f)
{
	return strcmp(f->engine, "sqlite") == 0;
}

static inline void open_store(struct fixture *f)
{
	struct err e = {0};

	f->options.url = f->url;
	f->options.now_ns = now_of_test;
	assert_ok(&e, store_open(&f->options, &f->s, &e));
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	test_now = T0_NS;
	f->engine = engine_of_group;
	strcpy(f->dir, "/tmp/koban-store-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	if (is_sqlite(f)) {
		snprintf(f->url, sizeof(f->url), "sqlite:%s/koban.db", f->dir);
	} else {
		snprintf(f->url, sizeof(f->url), "%s", server.url);
		pg_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
	}
	arena_init(&f->a, 0);
	open_store(f);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->s);
	arena_done(&f->a);
	remove_tree(f->dir);
	free(f);
	return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* Runs a group with each engine. */
#define run_both(tests)                                                                            \
	({                                                                                         \
		engine_of_group = "sqlite";                                                        \
		int failed_ = cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);            \
		if (pg_make()) {                                                                   \
			engine_of_group = "postgresql";                                            \
			failed_ += cmocka_run_group_tests_name("postgresql", tests, NULL, NULL);   \
		} else {                                                                           \
			printf("1..0 # skip the PostgreSQL part: needs Debian's package "          \
			       "postgresql\n");                                                    \
		}                                                                                  \
		pg_stop();                                                                         \
		failed_;                                                                           \
	})

/* ---- records -------------------------------------------------------------------------------- */

struct spec {
	const char *id, *rule, *priority, *output, *hostname, *tags, *fingerprint;
	double at_s; /* after T0 */
	unsigned count, pid, ppid;
	const char *process, *exe, *cmdline, *parent, *user;
	unsigned uid;
	const char *container, *name, *image, *pod, *ns, *file, *remote, *role, *fields;
};

static inline void add_member(struct buf *b, const char *key, const char *value)
{
	if (!value)
		return;
	buf_printf(b, ",\"%s\":", key);
	json_add_str(b, str_of(value));
}

static inline void build_finding(struct buf *b, const struct spec *x)
{
	buf_printf(b, "{\"v\":1,\"type\":\"finding\",\"id\":\"%s\",\"time_ns\":%" PRIu64, x->id,
		T0_NS + (uint64_t)(x->at_s * 1e9));
	add_member(b, "rule", x->rule ? x->rule : "Shell in container");
	add_member(b, "priority", x->priority ? x->priority : "Warning");
	add_member(b, "source", "syscall");
	add_member(b, "output", x->output ? x->output : "something happened");
	add_member(b, "hostname", x->hostname ? x->hostname : "node-1");
	add_member(b, "fingerprint", x->fingerprint);
	buf_printf(
		b, ",\"tags\":[%s],\"count\":%u", x->tags ? x->tags : "", x->count ? x->count : 1);
	buf_printf(b, ",\"fields\":{%s}", x->fields ? x->fields : "");
	buf_printf(b, ",\"event\":{\"type\":\"openat\",\"args\":\"a=1\",\"res\":0,\"cpu\":1}");
	if (x->file) {
		buf_printf(b, ",\"file\":{\"x\":1");
		add_member(b, "asked", x->file);
		add_member(b, "real", x->file);
		buf_printf(b, "}");
	}
	if (x->remote) {
		buf_printf(b, ",\"connection\":{\"proto\":\"tcp\",\"local\":\"10.0.0.5:4444\"");
		add_member(b, "remote", x->remote);
		add_member(b, "role", x->role ? x->role : "client");
		buf_printf(b, ",\"domain\":\"ipv4\"}");
	}
	buf_printf(b, ",\"processes\":[{\"pid\":%u,\"start_ns\":%u,\"uid\":%u",
		x->pid ? x->pid : 100, (x->pid ? x->pid : 100) * 10, x->uid);
	add_member(b, "name", x->process ? x->process : "bash");
	add_member(b, "exe", x->exe ? x->exe : "/bin/bash");
	add_member(b, "cmdline", x->cmdline ? x->cmdline : "bash -i");
	add_member(b, "user", x->user ? x->user : "root");
	add_member(b, "cwd", "/root");
	buf_printf(b, "},{\"pid\":%u,\"start_ns\":%u", x->ppid ? x->ppid : 50,
		(x->ppid ? x->ppid : 50) * 10);
	add_member(b, "name", x->parent ? x->parent : "sshd");
	buf_printf(b, "}]");
	if (x->container) {
		buf_printf(b, ",\"container\":{\"engine\":\"containerd\",\"privileged\":false");
		add_member(b, "id", x->container);
		buf_printf(b, ",\"full_id\":\"%s%052d\"", x->container, 0);
		add_member(b, "name", x->name ? x->name : "web");
		add_member(b, "image", x->image ? x->image : "docker.io/library/nginx:1.25");
		add_member(b, "pod", x->pod);
		add_member(b, "namespace", x->ns);
		buf_printf(b, "}");
	}
	buf_printf(b, "}");
}

static inline enum store_put_code put_line(struct fixture *f, const char *line)
{
	struct store_put_result r;
	struct str s = str_of(line);
	struct err e = {0};

	assert_ok(&e, store_put(f->s, &s, 1, &r, &e));
	return r.code;
}

static inline void put_specs(struct fixture *f, const struct spec *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf b = BUF_INIT(1 << 20);

		build_finding(&b, &x[i]);
		assert_int_equal(put_line(f, b.s), STORE_STORED);
		buf_done(&b);
	}
}

#define put_findings(f, ...)                                                                       \
	do {                                                                                       \
		const struct spec specs_[] = {__VA_ARGS__};                                        \
		put_specs(f, specs_, sizeof(specs_) / sizeof(*specs_));                            \
	} while (0)

/* The ids of a page as "a b c". */
static inline const char *ids_of(struct fixture *f, const struct store_page *p)
{
	struct buf b = BUF_INIT(1 << 20);

	for (size_t i = 0; i < p->n; i++) {
		if (i)
			buf_add_char(&b, ' ');
		buf_add(&b, p->items[i].id);
	}
	struct str s = arena_str(&f->a, buf_str(&b));
	buf_done(&b);
	return s.s;
}

static inline const char *query_ids(struct fixture *f, const struct store_query *q)
{
	struct store_page p;
	struct err e = {0};

	assert_ok(&e, store_findings(f->s, q, &f->a, &p, NULL, &e));
	return ids_of(f, &p);
}

#define find_ids(f, ...) query_ids(f, &(struct store_query){__VA_ARGS__})
