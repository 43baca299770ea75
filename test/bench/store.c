/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store costs beside bare SQLite: many findings put in, block by block in turns with the
 * same rows into a plain table and its full-text index in a file of its own, which grows as the
 * store does, with the same pragmas and the same 2000 findings a transaction; then a first page,
 * filters and full-text searches, each in turns with the same query by sqlite3's own functions on
 * the same file. Prints rates, 95th percentiles and their ratios; ratios are what counts, the
 * machine is shared.
 *
 * The store is given lines of JSON and also writes entities, relations and counts; bare SQLite is
 * given rows. So there are four yardsticks: rows into a table and its full-text index, that with
 * the store's other indexes, and both with the time added that making the rows of the lines takes
 * (by the store's own reader, without entities). Every other block is put by one thread with
 * store_put(), the others as the console does it: one thread reads a batch while another puts the
 * one before. Bare programs have one thread.
 *
 *   bench-store [FINDINGS [FOLDER]]      default 1000000 in /var/tmp, where it needs 15 KB each
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "sink/store/read.h"

enum { BATCH = 2000, BLOCK = 50000, REPEATS = 200 };

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(1);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(void)
{
	return (double)clock_cpu_ns() / 1e9;
}

static uint64_t mix(uint64_t x)
{
	return hash_u64(x + 0x9e3779b97f4a7c15);
}

/* ---- findings ------------------------------------------------------------------------------- */

static const char *const programs[] = {"bash", "curl", "python3", "nginx", "postgres", "java",
	"node", "sh", "cron", "apt", "ssh", "wget", "perl", "redis-server", "mysqld", "php-fpm",
	"systemd", "dockerd", "kubelet", "xmrig"};
static const char *const words[] = {"opened", "started", "below", "connection", "unexpected",
	"sensitive", "shell", "outbound", "binary", "modified", "library", "package", "manager",
	"credentials", "terminal", "directory"};
static const char *const priorities[] = {"Critical", "Error", "Warning", "Notice"};
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static void add_process(struct buf *b, unsigned i, unsigned depth, unsigned pid)
{
	const char *name = programs[mix(pid) % (COUNT(programs) - 1)];

	/* one in a thousand is worth finding */
	if (depth == 0 && i % 1000 == 0)
		name = "xmrig";
	buf_printf(b,
		"%s{\"pid\":%u,\"start_ns\":%u000,\"started_ns\":18000000000000000,\"name\":\"%s\","
		"\"exe\":\"/usr/bin/%s\",\"cmdline\":\"%s --config /etc/%s/conf.d/%u.conf --job "
		"%u\","
		"\"cwd\":\"/srv/%s\",\"user\":\"user%u\",\"uid\":%u,\"loginuid\":-1,\"tty\":0,"
		"\"vpid\":%u,\"flags\":[\"upper_layer\"]}",
		depth ? "," : "", pid, pid, name, name, name, name, (unsigned)(mix(pid) % 5000),
		pid, name, pid % 20, pid % 20, 1 + pid % 30000);
}

static void build(struct buf *b, unsigned i)
{
	uint64_t r = mix(i);
	unsigned pid = 1000 + i / 4, container = (unsigned)(mix(pid) % 500), rule = r % 40;

	buf_clear(b);
	buf_printf(b,
		"{\"v\":1,\"type\":\"finding\",\"id\":\"%016llx%016x\",\"time_ns\":%" PRIu64
		",\"rule\":\"Rule %s number %u\",\"priority\":\"%s\",\"source\":\"syscall\",",
		0x123456789abcdefULL, i, (uint64_t)1800000000000000000 + (uint64_t)i * 37000003,
		words[rule % COUNT(words)], rule, priorities[rule % COUNT(priorities)]);
	buf_printf(b,
		"\"output\":\"%s %s %s by user%u (file=/etc/app/%u.conf pid=%u container=web-%u "
		"image=registry.example/team/app-%u)\",\"hostname\":\"node-%u\",",
		words[r % COUNT(words)], words[(r >> 8) % COUNT(words)],
		words[(r >> 16) % COUNT(words)], pid % 20, (unsigned)(r % 5000), pid, container,
		container % 60, container % 20);
	buf_printf(b,
		"\"tags\":[\"container\",\"mitre_execution\",\"T10%02u\"],\"fingerprint\":\"%"
		"016" PRIx64 "\",\"count\":1,\"fields\":{\"proc.name\":\"x\",\"evt.time\":%" PRIu64
		",\"user.name\":\"user%u\",\"fd.name\":\"/etc/app/%u.conf\"},",
		rule, mix(r % 20000), (uint64_t)1800000000000000000 + (uint64_t)i * 37000003,
		pid % 20, (unsigned)(r % 5000));
	buf_printf(b,
		"\"event\":{\"type\":\"openat\",\"args\":\"dirfd=-100 name=/etc/app/%u.conf "
		"flags=O_RDONLY mode=0\",\"res\":3,\"cpu\":1},",
		(unsigned)(r % 5000));
	if (i % 3 == 0)
		buf_printf(b,
			"\"connection\":{\"proto\":\"tcp\",\"local\":\"10.0.0.%u:4444\",\"remote\":"
			"\"93.%u.%u.9:443\",\"role\":\"client\",\"domain\":\"ipv4\"},",
			pid % 250, (unsigned)(r % 200), (unsigned)(r >> 8) % 100);
	else
		buf_printf(b,
			"\"file\":{\"asked\":\"/etc/app/%u.conf\",\"real\":\"/etc/app/%u.conf\"},",
			(unsigned)(r % 5000), (unsigned)(r % 5000));
	buf_add_cstr(b, "\"processes\":[");
	add_process(b, i, 0, pid);
	add_process(b, i, 1, 500 + container);
	add_process(b, i, 2, 400);
	add_process(b, i, 3, 1);
	buf_printf(b,
		"],\"container\":{\"id\":\"%012x\",\"full_id\":\"%064x\",\"name\":\"web-%u\","
		"\"image\":\"registry.example/team/app-%u:1.%u\",\"digest\":\"sha256:%064x\","
		"\"engine\":\"containerd\",\"privileged\":false,\"pod\":\"web-%u\",\"namespace\":"
		"\"shop\",\"mounts\":[],\"host_network\":false,\"host_pid\":false}}",
		container, container, container, container % 60, container % 7, container,
		container);
}

/* ---- bare SQLite ---------------------------------------------------------------------------- */

static void must(sqlite3 *h, int rc)
{
	if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
		die("sqlite", sqlite3_errmsg(h));
}

static void run(sqlite3 *h, const char *sql)
{
	must(h, sqlite3_exec(h, sql, NULL, NULL, NULL));
}

#define X(name, max, is_searched) #name ", "
#define Y(name)                   #name ", "
static const char columns[] =
	ROW_TEXTS(X) ROW_NUMBERS(Y) "n, id, time_ns, last_ns, count, rule, "
				    "priority, state, fingerprint, output, record, search";
#undef X
#undef Y

struct bare {
	sqlite3 *h;
	sqlite3_stmt *row, *words;
};

static void bare_open(struct bare *b, const char *path, bool with_indexes)
{
	const char *key = strstr(columns, "n, id");
	char sql[2000];

	must(NULL, sqlite3_open(path, &b->h));
	run(b->h, "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA "
		  "synchronous=FULL; PRAGMA wal_autocheckpoint=16000; PRAGMA secure_delete=FAST; "
		  "PRAGMA cache_size=-65536;"
		  "PRAGMA temp_store=MEMORY");
	snprintf(sql, sizeof(sql),
		"CREATE TABLE finding (%.*s n INTEGER PRIMARY KEY, %s); "
		"CREATE VIRTUAL TABLE fts USING fts5(search, content='finding', content_rowid='n',"
		"tokenize='ascii', columnsize=0)",
		(int)(key - columns), columns, key + 3);
	run(b->h, sql);
	if (with_indexes)
		run(b->h, "CREATE UNIQUE INDEX i1 ON finding (id); CREATE INDEX i2 ON finding "
			  "(rule, n); CREATE INDEX i3 ON finding (priority, n); CREATE INDEX i4 ON "
			  "finding (state, n)");
	size_t at =
		(size_t)snprintf(sql, sizeof(sql), "INSERT INTO finding (%s) VALUES (?", columns);
	for (const char *c = columns; *c; c++)
		if (*c == ',')
			at += (size_t)snprintf(sql + at, sizeof(sql) - at, ", ?");
	snprintf(sql + at, sizeof(sql) - at, ")");
	must(b->h, sqlite3_prepare_v2(b->h, sql, -1, &b->row, NULL));
	must(b->h, sqlite3_prepare_v2(b->h, "INSERT INTO fts (rowid, search) VALUES (?, ?)", -1,
			   &b->words, NULL));
}

static void bind_text(sqlite3_stmt *st, int i, struct str s)
{
	if (s.len)
		sqlite3_bind_text(st, i, s.s, (int)s.len, SQLITE_STATIC);
	else
		sqlite3_bind_null(st, i);
}

static void bare_put(struct bare *b, const struct record *r)
{
	const struct row *row = &r->row;
	int i = 0;

#define X(name, max, is_searched) bind_text(b->row, ++i, row->name);
	ROW_TEXTS(X)
#undef X
#define X(name) sqlite3_bind_int64(b->row, ++i, row->name.v);
	ROW_NUMBERS(X)
#undef X
	sqlite3_bind_int64(b->row, ++i, row->n);
	bind_text(b->row, ++i, row->id);
	sqlite3_bind_int64(b->row, ++i, row->time_ns);
	sqlite3_bind_int64(b->row, ++i, row->last_ns);
	sqlite3_bind_int64(b->row, ++i, row->count);
	sqlite3_bind_int64(b->row, ++i, (int64_t)(str_hash(row->rule) % 1000));
	sqlite3_bind_int64(b->row, ++i, row->priority);
	sqlite3_bind_int64(b->row, ++i, row->state);
	sqlite3_bind_int64(b->row, ++i, row->fingerprint);
	bind_text(b->row, ++i, row->output);
	bind_text(b->row, ++i, r->text);
	bind_text(b->row, ++i, r->search);
	must(b->h, sqlite3_step(b->row));
	sqlite3_reset(b->row);
	sqlite3_bind_int64(b->words, 1, row->n);
	bind_text(b->words, 2, r->search);
	must(b->h, sqlite3_step(b->words));
	sqlite3_reset(b->words);
}

/* ---- putting in turns ----------------------------------------------------------------------- */

struct spent {
	double wall, cpu, written, fetched; /* bytes that were given to write(), asked of read() */
	unsigned n;                         /* findings */
};

struct times {
	struct spent alone, two, bare, indexed, read;
	size_t bytes;
};

static double io_bytes(const char *name)
{
	FILE *f = fopen("/proc/self/io", "r");
	char line[100], format[20];
	double bytes = 0;

	snprintf(format, sizeof(format), "%s: %%lf", name);
	while (f && fgets(line, sizeof(line), f) && sscanf(line, format, &bytes) != 1)
		;
	if (f)
		fclose(f);
	return bytes;
}

static struct spent start(void)
{
	return (struct spent){.written = io_bytes("wchar"),
		.fetched = io_bytes("rchar"),
		.wall = now_s(),
		.cpu = cpu_s()};
}

static void stop(const struct spent *start, struct spent *total)
{
	total->wall += now_s() - start->wall;
	total->cpu += cpu_s() - start->cpu;
	total->written += io_bytes("wchar") - start->written;
	total->fetched += io_bytes("rchar") - start->fetched;
	total->n += BLOCK;
}

static void bare_block(struct bare *b, struct record *records, struct spent *total)
{
	struct spent began = start();

	for (unsigned i = 0; i < BLOCK; i++) {
		if (i % BATCH == 0)
			run(b->h, i ? "COMMIT; BEGIN" : "BEGIN");
		bare_put(b, &records[i]);
	}
	run(b->h, "COMMIT");
	stop(&began, total);
}

/* What a program must do that is given the lines: a row and its words of each. */
static void read_block(const struct str *lines, struct spent *total)
{
	struct spent began = start();
	struct store_put_result result;
	const char *why = NULL;
	size_t where = 0;
	struct arena a;

	arena_init(&a, (size_t)1 << 30);
	for (unsigned i = 0; i < BLOCK; i++) {
		struct record r = {.text = lines[i], .result = &result};

		if (i % BATCH == 0)
			arena_reset(&a);
		r.json = node_parse(&a, r.text, &why, &where);
		if (!r.json || !row_parse(&a, &r))
			die("reading", why ? why : result.reason);
		r.search = search_text(&a, &r.row);
	}
	arena_done(&a);
	stop(&began, total);
}

static void check_put(int rc, const struct store_put_result *results, const struct err *e)
{
	if (rc < 0 || results[BATCH - 1].code != STORE_STORED)
		die("putting", rc < 0 ? e->msg : results[BATCH - 1].reason);
}

/* Nothing of a block is left for the next. */
static void settle(struct store *s)
{
	struct err e = {0};

	if (store_settle(s, &e) < 0)
		die("settling", e.msg);
}

static void alone_block(struct store *s, const struct str *lines, struct spent *total)
{
	static struct store_put_result results[BATCH];
	struct spent began = start();
	struct err e = {0};

	for (unsigned i = 0; i < BLOCK; i += BATCH)
		check_put(store_put(s, lines + i, BATCH, results, &e), results, &e);
	settle(s);
	stop(&began, total);
}

/* A ring of two batches, as face/console/putter.c has it. */
static struct {
	struct store_batch *batch[2];
	struct store_put_result results[2][BATCH];
	sem_t full, empty;
} ring;

static void *put_batches(void *arg)
{
	struct err e = {0};

	for (unsigned i = 0; i < BLOCK / BATCH; i++) {
		sem_wait(&ring.full);
		check_put(store_batch_put(ring.batch[i % 2], &e), ring.results[i % 2], &e);
		sem_post(&ring.empty);
	}
	return NULL;
}

static void two_block(struct store *s, const struct str *lines, struct spent *total)
{
	struct spent began = start();
	struct err e = {0};
	pthread_t thread;

	sem_init(&ring.full, 0, 0);
	sem_init(&ring.empty, 0, 2);
	if (pthread_create(&thread, NULL, put_batches, NULL))
		die("pthread_create", "failed");
	for (unsigned i = 0; i < BLOCK / BATCH; i++) {
		sem_wait(&ring.empty);
		if (store_batch_read(ring.batch[i % 2], lines + (size_t)i * BATCH, BATCH,
			    ring.results[i % 2], &e) < 0)
			die("store_batch_read", e.msg);
		sem_post(&ring.full);
	}
	pthread_join(thread, NULL);
	settle(s);
	stop(&began, total);
}

static void put_block(
	struct store *s, struct bare *bare, struct bare *indexed, unsigned first, struct times *t)
{
	static struct str lines[BLOCK];
	static struct record records[BLOCK];
	static struct store_put_result ignored;
	struct buf b = BUF_INIT(1 << 20);
	struct arena a, nodes;

	arena_init(&a, (size_t)4 << 30);
	arena_init(&nodes, 0);
	for (unsigned i = 0; i < BLOCK; i++) {
		build(&b, first + i);
		lines[i] = arena_str(&a, buf_str(&b));
		t->bytes += lines[i].len;
		records[i] = (struct record){.result = &ignored, .nodes = &nodes};
		if (!record_parse(&a, lines[i], DB_SQLITE, &records[i]))
			die("record", ignored.reason);
		arena_reset(&nodes);
	}
	if (first / BLOCK % 2)
		two_block(s, lines, &t->two);
	else
		alone_block(s, lines, &t->alone);
	bare_block(bare, records, &t->bare);
	bare_block(indexed, records, &t->indexed);
	read_block(lines, &t->read);
	arena_done(&nodes);
	arena_done(&a);
	buf_done(&b);
}

static double us(double seconds, const struct spent *of)
{
	return seconds / of->n * 1e6;
}

static void report_pages(const char *name, const struct spent *of)
{
	printf("pages of 4 KiB a finding: %s: %.2f written (log and file), %.2f read\n", name,
		of->written / of->n / 4096, of->fetched / of->n / 4096);
}

static void report_ratio(const char *name, const struct times *t, const struct spent *bare)
{
	const struct spent *const stores[] = {&t->two, &t->alone};
	double wall = us(bare->wall, bare), cpu = us(bare->cpu, bare);
	double read_wall = us(t->read.wall, &t->read), read_cpu = us(t->read.cpu, &t->read);

	printf("put: %s: %.0f/s, CPU %.0f us a finding; reading the lines too: %.0f/s, %.0f us\n",
		name, 1e6 / wall, cpu, 1e6 / (wall + read_wall), cpu + read_cpu);
	for (int i = 0; i < 2; i++) {
		double ours = us(stores[i]->wall, stores[i]);
		double ours_cpu = us(stores[i]->cpu, stores[i]);

		printf("put: ratio of %s to it: %.2f (CPU %.2f); to one that reads the lines: "
		       "%.2f (CPU %.2f)\n",
			i ? "one thread" : "two threads", wall / ours, cpu / ours_cpu,
			(wall + read_wall) / ours, (cpu + read_cpu) / ours_cpu);
	}
}

static void add_times(struct times *sum, const struct times *t)
{
	struct spent *const to[] = {&sum->alone, &sum->two, &sum->bare, &sum->indexed, &sum->read};
	const struct spent *const from[] = {&t->alone, &t->two, &t->bare, &t->indexed, &t->read};

	for (size_t i = 0; i < COUNT(to); i++) {
		to[i]->wall += from[i]->wall;
		to[i]->cpu += from[i]->cpu;
		to[i]->written += from[i]->written;
		to[i]->fetched += from[i]->fetched;
		to[i]->n += from[i]->n;
	}
	sum->bytes += t->bytes;
}

/* How it goes as the store grows. */
static void report_block(unsigned first, const struct times *t)
{
	double wall = us(t->bare.wall, &t->bare), cpu = us(t->bare.cpu, &t->bare);

	fprintf(stderr,
		"bench: findings from %u on, against bare table + full text: two threads %.2f (CPU "
		"%.2f), one thread %.2f (CPU %.2f)\n",
		first, wall / us(t->two.wall, &t->two), cpu / us(t->two.cpu, &t->two),
		wall / us(t->alone.wall, &t->alone), cpu / us(t->alone.cpu, &t->alone));
}

static void report_put(const struct times *t)
{
	printf("put: store, two threads: %.0f/s, CPU %.0f us a finding; one thread: %.0f/s, %.0f "
	       "us\n",
		1e6 / us(t->two.wall, &t->two), us(t->two.cpu, &t->two),
		1e6 / us(t->alone.wall, &t->alone), us(t->alone.cpu, &t->alone));
	report_pages("store, two threads", &t->two);
	report_pages("bare table + full text", &t->bare);
	report_pages("the same with the store's indexes", &t->indexed);
	report_ratio("bare table + full text", t, &t->bare);
	report_ratio("the same with the store's indexes", t, &t->indexed);
}

/* ---- queries in turns ----------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double p95(double *t, unsigned n)
{
	qsort(t, n, sizeof(*t), by_size);
	return t[n * 95 / 100];
}

static size_t bare_query(sqlite3_stmt *st, const char *a, const char *b)
{
	size_t n = 0, bytes = 0;

	if (a)
		sqlite3_bind_text(st, 1, a, -1, SQLITE_STATIC);
	if (b)
		sqlite3_bind_text(st, 2, b, -1, SQLITE_STATIC);
	while (sqlite3_step(st) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(st); i++) {
			sqlite3_column_text(st, i);
			bytes += (size_t)sqlite3_column_bytes(st, i);
		}
		n++;
	}
	sqlite3_reset(st);
	return n > 50 ? 50 : n + bytes * 0;
}

struct query_case {
	const char *name, *where, *filter, *search;
	const char *(*first)(unsigned i, char *out), *(*second)(unsigned i, char *out);
	unsigned repeats; /* 0 = REPEATS */
};

static void compare(struct store *s, sqlite3 *h, const struct query_case *c)
{
	double ours[REPEATS], bare[REPEATS];
	sqlite3_stmt *st = NULL;
	char sql[2000], x[100], y[100];
	unsigned repeats = c->repeats ? c->repeats : REPEATS;
	size_t rows = 0;

	snprintf(sql, sizeof(sql), "SELECT %s FROM %s LIMIT 51", finding_columns, c->where);
	must(h, sqlite3_prepare_v2(h, sql, -1, &st, NULL));
	for (unsigned i = 0; i < repeats; i++) {
		const char *a = c->first ? c->first(i, x) : NULL;
		const char *b = c->second ? c->second(i, y) : NULL;
		struct store_query q = {.limit = 50};
		struct store_page p = {0};
		char filter[300], search[300];
		struct arena arena;
		struct err e = {0};

		if (c->filter) {
			snprintf(filter, sizeof(filter), c->filter, a, b);
			q.filter = str_of(filter);
		}
		if (c->search) {
			snprintf(search, sizeof(search), c->search, a);
			q.search = str_of(search);
		}
		arena_init(&arena, 0);
		double t = now_s();
		if (store_findings(s, &q, &arena, &p, NULL, &e) < 0)
			die(c->name, e.msg);
		ours[i] = now_s() - t;
		arena_done(&arena);
		t = now_s();
		size_t n = bare_query(st, a, b);
		bare[i] = now_s() - t;
		if (n != p.n) {
			fprintf(stderr, "bench: %s: %zu rows, bare %zu\n", c->name, p.n, n);
			exit(1);
		}
		rows += n;
	}
	sqlite3_finalize(st);
	double o = p95(ours, repeats), r = p95(bare, repeats);
	printf("%s: p95 %.2f ms, bare %.2f ms, ratio %.2f (median %.2f ms, %.2f ms; %.1f rows)\n",
		c->name, o * 1e3, r * 1e3, r / o, ours[repeats / 2] * 1e3, bare[repeats / 2] * 1e3,
		(double)rows / repeats);
}

static const char *a_word(unsigned i, char *out)
{
	snprintf(out, 100, "%s", words[i % COUNT(words)]);
	return out;
}

static const char *a_number(unsigned i, char *out)
{
	snprintf(out, 100, "%u", (unsigned)(mix(i) % 5000));
	return out;
}

/* "mri": of one process in a thousand; "zqz7" is nowhere. */
static const char *a_part(unsigned i, char *out)
{
	snprintf(out, 100, "%s", i % 2 ? "zqz7" : "mri");
	return out;
}

static const char *a_process(unsigned i, char *out)
{
	snprintf(out, 100, "%s", programs[i % COUNT(programs)]);
	return out;
}

static const char *a_user(unsigned i, char *out)
{
	snprintf(out, 100, "user%u", i % 20);
	return out;
}

#define JOINED "finding f CROSS JOIN rule u ON u.id = f.rule "
static const struct query_case cases[] = {
	{.name = "first page", .where = JOINED "ORDER BY f.n DESC"},
	{.name = "filter by process and user",
		.where = JOINED "WHERE f.process = ?1 AND f.username = ?2 ORDER BY f.n DESC",
		.filter = "proc.name = %s and user.name = %s",
		.first = a_process,
		.second = a_user},
	{.name = "filter by part of a command line",
		.where = JOINED
		"WHERE instr(f.cmdline, 'conf.d/' || ?1 || '.conf') > 0 ORDER BY f.n "
		"DESC",
		.filter = "proc.cmdline contains 'conf.d/%s.conf'",
		.first = a_number,
		.repeats = 20},
	{.name = "filter by part of a word",
		.where = JOINED "WHERE instr(f.cmdline, ?1) > 0 ORDER BY f.n DESC",
		.filter = "proc.cmdline contains '%s'",
		.first = a_part,
		.repeats = 20},
	{.name = "full text, a common word",
		.where = "fts s CROSS JOIN finding f ON f.n = s.rowid CROSS JOIN rule u ON u.id = "
			 "f.rule WHERE s.fts MATCH ?1 ORDER BY s.rowid DESC",
		.search = "%s",
		.first = a_word},
	{.name = "full text, a rare word",
		.where = "fts s CROSS JOIN finding f ON f.n = s.rowid CROSS JOIN rule u ON u.id = "
			 "f.rule WHERE s.fts MATCH '\"' || ?1 || ' conf\"' ORDER BY s.rowid DESC",
		.search = "\"%s conf\"",
		.first = a_number},
};

static void compare_all(struct store *s, const char *path)
{
	sqlite3 *h = NULL;

	must(NULL, sqlite3_open_v2(path, &h, SQLITE_OPEN_READONLY, NULL));
	run(h, "PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY");
	for (size_t i = 0; i < COUNT(cases); i++)
		compare(s, h, &cases[i]);
	sqlite3_close(h);
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000000;
	char dir[200], path[300];
	struct bare bare, indexed;
	struct store *s = NULL;
	struct times t = {0};
	struct err e = {0};
	struct stat st;

	setvbuf(stdout, NULL, _IOLBF, 0);
	n = (n + 2 * BLOCK - 1) / (2 * BLOCK) * (2 * BLOCK);
	snprintf(dir, sizeof(dir), "%s/koban-bench-store-XXXXXX", argc > 2 ? argv[2] : "/var/tmp");
	if (!mkdtemp(dir))
		die(dir, strerror(errno));
	snprintf(path, sizeof(path), "%s/bare.db", dir);
	bare_open(&bare, path, false);
	snprintf(path, sizeof(path), "%s/indexed.db", dir);
	bare_open(&indexed, path, true);
	snprintf(path, sizeof(path), "%s/koban.db", dir);
	if (store_open(&(struct store_options){.url = path, .query_timeout_ms = 60000}, &s, &e) < 0)
		die(path, e.msg);
	for (int i = 0; i < 2; i++)
		ring.batch[i] = store_batch_new(s);
	for (unsigned i = 0; i < n; i += 2 * BLOCK) {
		struct times now = {0};

		put_block(s, &bare, &indexed, i, &now);
		put_block(s, &bare, &indexed, i + BLOCK, &now);
		report_block(i, &now);
		add_times(&t, &now);
	}
	for (int i = 0; i < 2; i++)
		store_batch_free(ring.batch[i]);
	printf("%u findings of %zu bytes\n", n, t.bytes / n);
	report_put(&t);
	if (stat(path, &st) == 0)
		printf("size: %.0f bytes a finding\n", (double)st.st_size / n);
	sqlite3_close_v2(bare.h);
	sqlite3_close_v2(indexed.h);
	compare_all(s, path);
	store_close(s);
	snprintf(path, sizeof(path), "rm -rf '%s'", dir);
	return system(path) != 0;
}
