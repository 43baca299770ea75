/* SPDX-License-Identifier: Apache-2.0 */
/* gzip and zstd in every cut: blocks of one byte and of many, several members, damage at each byte.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "scan/image/unpack.h"

struct feed {
	struct str s;
	size_t at, step;
};

static ptrdiff_t next(void *arg, const void **block)
{
	struct feed *f = arg;
	size_t n = f->s.len - f->at < f->step ? f->s.len - f->at : f->step;

	*block = f->s.s + f->at;
	f->at += n;
	return (ptrdiff_t)n;
}

/* All that comes out. 0, or what unpack_read() said at last. */
static ptrdiff_t unpack_all(struct str s, size_t step, size_t room, struct buf *out, bool *trailing)
{
	struct feed f = {s, 0, step};
	struct unpack u;
	uint8_t to[4096];
	ptrdiff_t n = unpack_open(&u, (struct byte_source){next, &f});

	if (n == 0)
		while ((n = unpack_read(&u, to, room)) > 0)
			buf_add(out, str_make((const char *)to, (size_t)n));
	if (trailing)
		*trailing = u.has_trailing;
	unpack_close(&u);
	return n;
}

static void gzip(struct str s, int level, struct buf *out)
{
	z_stream z = {0};
	uint8_t to[1 << 16];

	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 31, 8, 0), Z_OK);
	z.next_in = (Bytef *)s.s;
	z.avail_in = (uInt)s.len;
	do {
		z.next_out = to;
		z.avail_out = sizeof(to);
		deflate(&z, Z_FINISH);
		buf_add(out, str_make((const char *)to, sizeof(to) - z.avail_out));
	} while (!z.avail_out);
	deflateEnd(&z);
}

static void zstd(struct str s, struct buf *out)
{
	size_t cap = ZSTD_compressBound(s.len);
	char *to = malloc(cap);

	buf_add(out, str_make(to, ZSTD_compress(to, cap, s.s, s.len, 3)));
	free(to);
}

static void make_text(struct buf *b, size_t n)
{
	uint32_t x = 7;

	while (b->len < n) {
		x = x * 1664525 + 1013904223;
		if (x >> 30)
			buf_printf(b, "word%u ", x >> 20);
		else
			buf_add_char(b, (char)(x >> 16));
	}
}

static void same(struct str stored, const struct buf *plain)
{
	static const size_t steps[] = {1, 2, 7, 100, 4096, 1 << 20}, rooms[] = {1, 13, 4096};

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		for (size_t k = 0; k < sizeof(rooms) / sizeof(*rooms); k++) {
			struct buf out = BUF_INIT(8 << 20);

			assert_int_equal(unpack_all(stored, steps[i], rooms[k], &out, NULL), 0);
			assert_true(str_eq(buf_str(&out), buf_str(plain)));
			buf_done(&out);
		}
}

static void test_forms(void **state)
{
	struct buf plain = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);

	make_text(&plain, 50000);
	same(buf_str(&plain), &plain);
	for (int level = 0; level <= 9; level += 3) {
		buf_clear(&b);
		gzip(buf_str(&plain), level, &b);
		same(buf_str(&b), &plain);
	}
	/* many members, also empty ones */
	buf_clear(&b);
	for (size_t at = 0; at < plain.len; at += 777) {
		gzip(str_head(str_skip(buf_str(&plain), at), 777), 6, &b);
		gzip(STR(""), 6, &b);
	}
	same(buf_str(&b), &plain);
	/* frames between skippable ones */
	buf_clear(&b);
	buf_add(&b, STR("\x5f\x2a\x4d\x18\3\0\0\0abc"));
	zstd(str_head(buf_str(&plain), 1000), &b);
	buf_add(&b, STR("\x50\x2a\x4d\x18\0\0\0\0"));
	zstd(str_skip(buf_str(&plain), 1000), &b);
	same(buf_str(&b), &plain);
	buf_done(&plain);
	buf_done(&b);
}

static void test_trailing(void **state)
{
	struct buf b = BUF_INIT(1 << 16), out = BUF_INIT(1 << 16);
	bool trailing = false;

	gzip(STR("hello"), 6, &b);
	buf_add(&b, STR("rubbish"));
	assert_int_equal(unpack_all(buf_str(&b), 3, 100, &out, &trailing), 0);
	assert_true(trailing);
	assert_true(str_is(buf_str(&out), "hello"));
	buf_done(&b);
	buf_done(&out);
}

/* Cut or flipped anywhere: an error or less, never more than there was, never a fault. */
static void damage(struct str stored, const struct buf *plain)
{
	char *copy = malloc(stored.len);

	for (size_t i = 0; i < stored.len; i++) {
		struct buf out = BUF_INIT(1 << 16);

		/* behind a whole frame a cut is the end */
		ptrdiff_t r = unpack_all(str_head(stored, i), 5, 100, &out, NULL);
		assert_true(r == 0 || r == -EBADMSG);
		assert_true(i < 3 || out.len < plain->len || r == -EBADMSG);
		memcpy(copy, stored.s, stored.len);
		copy[i] ^= 0x41;
		buf_clear(&out);
		r = unpack_all(str_make(copy, stored.len), 9, 100, &out, NULL);
		assert_true(r == 0 || r == -EBADMSG);
		buf_done(&out);
	}
	free(copy);
}

static void test_damage(void **state)
{
	struct buf plain = BUF_INIT(1 << 16), b = BUF_INIT(1 << 16);

	make_text(&plain, 600);
	gzip(buf_str(&plain), 6, &b);
	damage(buf_str(&b), &plain);
	buf_clear(&b);
	zstd(buf_str(&plain), &b);
	damage(buf_str(&b), &plain);
	buf_done(&plain);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_trailing),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
