/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpm's headers and the three forms of its database. SQLite's is made by SQLite itself, in all page
 * sizes; the others byte by byte (test/system/test_packages.py has real ones). Each is then damaged
 * at every place.
 */
#include <sqlite3.h>

#include "base/buf.h"
#include "parsed.h"

static void add_be(struct buf *b, uint64_t v, int size)
{
	for (int i = size - 1; i >= 0; i--)
		buf_add_char(b, (char)(v >> (8 * i)));
}

/* Of more than eight bytes the others are zero. */
static void add_le(struct buf *b, uint64_t v, int size)
{
	for (int i = 0; i < size; i++)
		buf_add_char(b, (char)(i < 8 ? v >> (8 * i) : 0));
}

static void add_zeros(struct buf *b, size_t len)
{
	while (b->len < len)
		buf_add_char(b, 0);
}

/* ---- a header -------------------------------------------------------------------------------- */

struct header {
	struct buf entries, data;
	unsigned n;
};

static void header_add(
	struct header *h, unsigned tag, unsigned type, unsigned count, struct str data)
{
	add_be(&h->entries, tag, 4);
	add_be(&h->entries, type, 4);
	add_be(&h->entries, h->data.len, 4);
	add_be(&h->entries, count, 4);
	buf_add(&h->data, data);
	h->n++;
}

#define HEADER_TEXT(h, tag, text) header_add(h, tag, 6, 1, STR(text "\0"))

static struct buf header_done(struct header *h)
{
	struct buf b = BUF_INIT(1 << 20);

	add_be(&b, h->n, 4);
	add_be(&b, h->data.len, 4);
	buf_add(&b, buf_str(&h->entries));
	buf_add(&b, buf_str(&h->data));
	buf_done(&h->entries);
	buf_done(&h->data);
	return b;
}

/* A package with two files and a folder, and `extra` bytes of a description. */
static struct buf make_header(int number, size_t extra)
{
	struct header h = {.entries = BUF_INIT(1 << 16), .data = BUF_INIT(1 << 20)};
	struct buf text = BUF_INIT(1 << 20);
	char name[32];

	snprintf(name, sizeof(name), "package-%d", number);
	header_add(&h, 1000, 6, 1, str_make(name, strlen(name) + 1));
	HEADER_TEXT(&h, 1001, "1.0~rc1");
	HEADER_TEXT(&h, 1002, "2.el9");
	header_add(&h, 1003, 4, 1, str_make("\0\0\0\7", 4));
	HEADER_TEXT(&h, 1022, "noarch");
	HEADER_TEXT(&h, 1014, "MIT");
	HEADER_TEXT(&h, 1044, "my-source-1.0~rc1-2.el9.src.rpm");
	while (text.len < extra)
		buf_add_char(&text, 'x');
	buf_add_char(&text, 0);
	header_add(&h, 1005, 9, 1, buf_str(&text));
	header_add(&h, 1117, 8, 3, str_make("tool\0tool.d\0lib.so\0", 19));
	header_add(&h, 1116, 4, 3, str_make("\0\0\0\0\0\0\0\1\0\0\0\2", 12));
	header_add(&h, 1118, 8, 3, str_make("/usr/bin/\0/etc/\0/lib64/\0", 24));
	header_add(&h, 1030, 3, 3, str_make("\x81\xed\x41\xed\x81\xa4", 6));
	buf_done(&text);
	return header_done(&h);
}

static void check_package(const struct artifact_package *p, const char *name)
{
	assert_str(p->name, name);
	assert_int_equal(p->type, PACKAGE_RPM);
	assert_str(p->version, "7:1.0~rc1-2.el9");
	assert_str(p->arch, "noarch");
	assert_str(p->license, "MIT");
	assert_str(p->source, "my-source");
	assert_str(p->source_version, "1.0~rc1-2.el9");
	assert_int_equal(p->nfiles, 3);
	assert_true(parsed_owns(p, "/usr/bin/tool"));
	assert_true(parsed_owns(p, "/lib64/lib.so"));
	assert_true(parsed_owns(p, "/usr/lib64/lib.so"));
	assert_false(parsed_owns(p, "/etc/tool.d"));
}

/* Every byte changed, and cut at every length: no harm, and what it says is an error or nothing. */
static void damage(const char *path, struct str whole, size_t step)
{
	char *copy = malloc(whole.len);

	for (size_t i = 0; i < whole.len; i += step) {
		memcpy(copy, whole.s, whole.len);
		copy[i] ^= (char)0xff;
		struct parsed *x = parsed_of(path, str_make(copy, whole.len));
		assert_true(x->r == 0 || x->r == -EBADMSG);
		parsed_done(x);
		x = parsed_of(path, str_head(whole, i));
		assert_true(x->r == 0 || x->r == -EBADMSG);
		parsed_done(x);
	}
	free(copy);
}

/* ---- SQLite ---------------------------------------------------------------------------------- */

static void run_sql(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

static void insert(sqlite3 *db, int number, size_t extra)
{
	struct buf b = make_header(number, extra);
	sqlite3_stmt *s;

	sqlite3_prepare_v2(db, "INSERT INTO Packages(blob) VALUES(?)", -1, &s, NULL);
	sqlite3_bind_blob(s, 1, b.s, (int)b.len, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(s), SQLITE_DONE);
	sqlite3_finalize(s);
	buf_done(&b);
}

/* As rpm makes it, with other tables around, and rows that were deleted. */
static unsigned char *make_sqlite(int page_size, bool vacuum, int n, size_t extra, struct str *ret)
{
	sqlite3 *db;
	sqlite3_int64 size;
	char sql[100];

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	snprintf(sql, sizeof(sql), "PRAGMA page_size=%d; PRAGMA auto_vacuum=%d", page_size, vacuum);
	run_sql(db, sql);
	run_sql(db, "CREATE TABLE 'Basenames' (key TEXT, hnum INTEGER, idx INTEGER);"
		    "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB "
		    "NOT NULL);"
		    "CREATE INDEX 'Name' ON 'Basenames' (key)");
	for (int i = 0; i < 20; i++) {
		snprintf(sql, sizeof(sql), "CREATE TABLE 'Other%d' (key TEXT, more TEXT, x TEXT)",
			i);
		run_sql(db, sql);
	}
	for (int i = 0; i < n + 2; i++)
		insert(db, i, extra);
	run_sql(db, "DELETE FROM Packages WHERE hnum IN (2, 4)");
	unsigned char *data = sqlite3_serialize(db, "main", &size, 0);
	assert_non_null(data);
	sqlite3_close(db);
	*ret = str_make((const char *)data, (size_t)size);
	return data;
}

static void test_sqlite(void **state)
{
	static const size_t extras[] = {0, 300, 1000, 20000, 200000};

	(void)state;
	for (int page_size = 512; page_size <= 65536; page_size *= 2)
		for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++) {
			struct str file;
			unsigned char *data = make_sqlite(page_size, i % 2, 50, extras[i], &file);
			struct parsed *x = parsed_of("/var/lib/rpm/rpmdb.sqlite", file);

			if (x->r < 0)
				fail_msg("%s", x->e.msg);
			assert_int_equal(x->n, 50);
			check_package(&x->p[0], "package-0");
			check_package(&x->p[1], "package-2");
			check_package(&x->p[49], "package-51");
			parsed_done(x);
			sqlite3_free(data);
		}
}

static void test_sqlite_damaged(void **state)
{
	struct str file;
	unsigned char *data = make_sqlite(512, false, 4, 700, &file);

	(void)state;
	damage("/var/lib/rpm/rpmdb.sqlite", file, 1);
	sqlite3_free(data);
}

/* A table that is its own child, and a row whose chain of pages bites its tail. */
static void test_sqlite_rings(void **state)
{
	struct str file;
	unsigned char *data = make_sqlite(512, false, 40, 2000, &file);

	(void)state;
	for (size_t page = 1; page < file.len / 512; page++) {
		unsigned char *p = data + page * 512;

		if (p[0] == 5) { /* interior: the last child */
			p[8] = p[9] = 0;
			p[10] = (unsigned char)((page + 1) >> 8);
			p[11] = (unsigned char)(page + 1);
		} else if (p[0] == 0) { /* overflow: the next page */
			p[2] = (unsigned char)((page + 1) >> 8);
			p[3] = (unsigned char)(page + 1);
		}
	}
	struct parsed *x = parsed_of("/var/lib/rpm/rpmdb.sqlite", file);
	assert_int_equal(x->r, -EBADMSG);
	parsed_done(x);
	sqlite3_free(data);
}

static void test_log(void **state)
{
	struct parsed *x = parsed_of("/var/lib/rpm/rpmdb.sqlite-wal", STR(""));
	char log[100] = "7\177\006\202";

	(void)state;
	assert_int_equal(x->r, 0);
	parsed_done(x);
	x = parsed_of("/var/lib/rpm/rpmdb.sqlite-wal", str_make(log, sizeof(log)));
	assert_int_equal(x->r, -EBADMSG);
	parsed_done(x);
}

/* ---- ndb ------------------------------------------------------------------------------------- */

static struct buf make_ndb(int n)
{
	struct buf slots = BUF_INIT(1 << 20), blobs = BUF_INIT(1 << 20);

	buf_add_cstr(&slots, "RpmP");
	add_le(&slots, 0, 4);
	add_le(&slots, 1, 4);
	add_le(&slots, 1, 4); /* pages of slots */
	add_zeros(&slots, 32);
	for (int i = 0; i < n; i++) {
		struct buf h = make_header(i, 10);

		buf_add_cstr(&slots, "Slot");
		add_le(&slots, (uint64_t)i + 1, 4);
		add_le(&slots, (4096 + blobs.len) / 16, 4);
		add_le(&slots, (h.len + 16 + 12 + 15) / 16, 4);
		buf_add_cstr(&blobs, "BlbS");
		add_le(&blobs, (uint64_t)i + 1, 4);
		add_le(&blobs, 1, 4);
		add_le(&blobs, h.len, 4);
		buf_add(&blobs, buf_str(&h));
		add_zeros(&blobs, (blobs.len + 12 + 15) / 16 * 16);
		buf_done(&h);
		/* a free one */
		buf_add_cstr(&slots, "Slot");
		add_le(&slots, 0, 12);
	}
	while (slots.len < 4096) {
		buf_add_cstr(&slots, "Slot");
		add_le(&slots, 0, 12);
	}
	buf_add(&slots, buf_str(&blobs));
	buf_done(&blobs);
	return slots;
}

static void test_ndb(void **state)
{
	struct buf b = make_ndb(5);
	struct parsed *x = parsed_of("/usr/lib/sysimage/rpm/Packages.db", buf_str(&b));

	(void)state;
	assert_int_equal(x->r, 0);
	assert_int_equal(x->n, 5);
	check_package(&x->p[4], "package-4");
	parsed_done(x);
	damage("/usr/lib/sysimage/rpm/Packages.db", buf_str(&b), 3);
	/* one blob is bad: the others count */
	b.s[4096] = 'X';
	x = parsed_of("/usr/lib/sysimage/rpm/Packages.db", buf_str(&b));
	assert_int_equal(x->r, -EBADMSG);
	assert_int_equal(x->n, 4);
	parsed_done(x);
	buf_done(&b);
}

/* ---- Berkeley DB ----------------------------------------------------------------------------- */

enum { PAGE = 512 };

static void add_page_head(
	struct buf *b, uint64_t number, uint64_t next, uint64_t entries, uint64_t free, int type)
{
	add_zeros(b, (size_t)number * PAGE + 8);
	add_le(b, number, 4);
	add_le(b, 0, 4);
	add_le(b, next, 4);
	add_le(b, entries, 2);
	add_le(b, free, 2);
	add_le(b, 0, 1);
	add_le(b, (uint64_t)type, 1);
}

/* Page 1 has the pairs (0, a number), (1, a chain of pages from 2 on), or the chain meets itself.
 */
static struct buf make_bdb(bool ring)
{
	struct buf b = BUF_INIT(1 << 20), h = make_header(3, 900);
	size_t room = PAGE - 26, at = 0;
	uint64_t page = 2;

	add_zeros(&b, 12);
	add_le(&b, 0x061561, 4);
	add_le(&b, 9, 4);
	add_le(&b, PAGE, 4);
	add_le(&b, 0x0800, 4); /* type 8 */
	add_page_head(&b, 1, 0, 4, 0, 13);
	/* from the end of the page down: key 0 (5 bytes), its value, key 1, its value (12 bytes) */
	add_le(&b, PAGE - 5, 2);
	add_le(&b, PAGE - 10, 2);
	add_le(&b, PAGE - 15, 2);
	add_le(&b, PAGE - 27, 2);
	add_zeros(&b, PAGE + PAGE - 27);
	add_le(&b, 3, 4);
	add_le(&b, 2, 4);
	add_le(&b, h.len, 4);
	add_le(&b, 1, 1);
	add_le(&b, 1, 4);
	add_le(&b, 1, 1);
	add_le(&b, 7, 4);
	add_le(&b, 1, 1);
	add_le(&b, 0, 4);
	for (; at < h.len; page++, at += room) {
		size_t n = h.len - at < room ? h.len - at : room;

		add_page_head(&b, page, ring ? 2 : at + n < h.len ? page + 1 : 0, 1, n, 7);
		buf_add(&b, str_make(h.s + at, n));
	}
	add_zeros(&b, (size_t)page * PAGE);
	b.s[32] = (char)(page - 1); /* the last page */
	buf_done(&h);
	return b;
}

static void test_bdb(void **state)
{
	struct buf b = make_bdb(false);
	struct parsed *x = parsed_of("/var/lib/rpm/Packages", buf_str(&b));

	(void)state;
	if (x->r < 0)
		fail_msg("%s", x->e.msg);
	assert_int_equal(x->n, 1);
	check_package(&x->p[0], "package-3");
	parsed_done(x);
	damage("/var/lib/rpm/Packages", buf_str(&b), 1);
	buf_done(&b);
	b = make_bdb(true);
	x = parsed_of("/var/lib/rpm/Packages", buf_str(&b));
	assert_true(x->n <= 1); /* it ends, whatever it is */
	parsed_done(x);
	buf_done(&b);
}

static void test_other_content(void **state)
{
	struct parsed *x = parsed_of("/var/lib/rpm/Packages", STR("not a database at all, sorry"));

	(void)state;
	assert_int_equal(x->r, -EBADMSG);
	parsed_done(x);
	x = parsed_of("/var/lib/rpm/Packages", STR(""));
	assert_int_equal(x->r, -EBADMSG);
	parsed_done(x);
}

static void test_manifest(void **state)
{
	struct parsed *x = parsed_of("/var/lib/rpmmanifest/container-manifest-2",
		STR("glibc\t2.35-3.cm2\t1\t2\tMicrosoft\t(none)\t10\tx86_64\t0\tglibc-2.35-3.cm2."
		    "src.rpm\n"
		    "tz\t1-2\t1\t2\tM\t4\t1\tnoarch\t4\ttz-1-2.src.rpm\nbroken\n"));

	(void)state;
	assert_int_equal(x->r, -EBADMSG);
	assert_int_equal(x->n, 2);
	assert_str(x->p[0].version, "2.35-3.cm2");
	assert_str(x->p[0].source, "glibc");
	assert_str(x->p[0].source_version, "2.35-3.cm2");
	assert_str(x->p[0].arch, "x86_64");
	assert_str(x->p[1].version, "4:1-2");
	parsed_done(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sqlite),
		cmocka_unit_test(test_sqlite_damaged),
		cmocka_unit_test(test_sqlite_rings),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_ndb),
		cmocka_unit_test(test_bdb),
		cmocka_unit_test(test_other_content),
		cmocka_unit_test(test_manifest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
