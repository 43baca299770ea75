/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What compilers leave in ELF files, in files made here byte by byte: Go's build information in
 * both forms and both byte orders, in windows, next to bytes that only look like it;
 * cargo-auditable's section. test/system/test_packages.py reads real programs.
 */
#include <elf.h>
#include <zlib.h>

#include "base/buf.h"
#include "parsed.h"

#define MAGIC "\xff Go buildinf:"
#define FRAME "0123456789abcdef" /* as long as the real one */
#define MODULES                                                                                    \
	FRAME "path\texample.invalid/app\nmod\texample.invalid/app\tv1.0.0\th1:x\n"                \
	      "dep\tgolang.org/x/net\tv0.1.0\th1:y\ndep\told.invalid/a\tv1.0.0\n"                  \
	      "=>\tnew.invalid/b\tv2.0.0\th1:z\ndep\tlocal.invalid/c\tv3.0.0\n=>\t./c\t\n"         \
	      "build\t-compiler=gc\n" FRAME

enum { DATA_AT = 0x1000, ADDRESS = 0x500000, LAST = DATA_AT + 0x800 };

/* A 64-bit file with one writable segment from DATA_AT on, full of zeros. */
static struct buf make_elf(size_t size)
{
	struct buf b = BUF_INIT(1 << 20);
	Elf64_Ehdr eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
		.e_type = ET_EXEC,
		.e_phoff = sizeof(eh),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2};
	Elf64_Phdr ph[2] = {
		{.p_type = PT_LOAD,
			.p_flags = PF_R | PF_X,
			.p_filesz = DATA_AT,
			.p_vaddr = 0x400000},
		{.p_type = PT_LOAD,
			.p_flags = PF_R | PF_W,
			.p_offset = DATA_AT,
			.p_filesz = size - DATA_AT,
			.p_vaddr = ADDRESS},
	};

	buf_add(&b, str_make((const char *)&eh, sizeof(eh)));
	buf_add(&b, str_make((const char *)ph, sizeof(ph)));
	while (b.len < size)
		buf_add_char(&b, 0);
	return b;
}

static void put(struct buf *b, size_t at, struct str s)
{
	assert_true(at + s.len <= b->len);
	memcpy(b->s + at, s.s, s.len);
}

static void put_varint_string(struct buf *b, size_t *at, struct str s)
{
	size_t n = s.len;

	do {
		b->s[(*at)++] = (char)((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
		n >>= 7;
	} while (n);
	put(b, *at, s);
	*at += s.len;
}

static void put_inline(struct buf *b, size_t at, const char *version, struct str modules)
{
	put(b, at, STR(MAGIC "\x08\x02"));
	at += 32;
	put_varint_string(b, &at, str_of(version));
	put_varint_string(b, &at, modules);
}

static struct parsed *parse_windows(struct str file, size_t window, size_t overlap)
{
	struct parsed *x = calloc(1, sizeof(*x));
	struct package_binary b = {0};

	arena_init(&x->a, 64 << 20);
	for (size_t at = 0;; at += window - overlap) {
		struct str part = str_head(str_skip(file, at), window);
		char *copy = malloc(part.len ? part.len : 1);
		int r;

		memcpy(copy, part.s, part.len);
		r = package_parse_binary(&b, STR("/app"), str_make(copy, part.len), at, &x->a,
			parsed_take, x, &x->e);
		x->r = r < 0 ? r : x->r;
		free(copy);
		if (at + part.len == file.len)
			return x;
	}
}

static struct parsed *parse(const struct buf *b)
{
	return parse_windows(buf_str(b), b->len, 0);
}

static void check_modules(struct parsed *x)
{
	static const char *const expected[][2] = {{"stdlib", "1.21.3"},
		{"example.invalid/app", "v1.0.0"}, {"golang.org/x/net", "v0.1.0"},
		{"new.invalid/b", "v2.0.0"}, {"local.invalid/c", "v3.0.0"}};

	assert_int_equal(x->r, 0);
	assert_int_equal(x->n, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(x->p[i].type, PACKAGE_GO);
		assert_str(x->p[i].name, expected[i][0]);
		assert_str(x->p[i].version, expected[i][1]);
		assert_str(x->p[i].path, "/app");
	}
	parsed_done(x);
}

static void test_inline(void **state)
{
	struct buf b = make_elf(LAST);

	(void)state;
	/* looks like it, in code and in data, at a place where it cannot be */
	put(&b, 0x200, STR(MAGIC "\x08\x02"));
	put(&b, DATA_AT + 8, STR(MAGIC "\x08\x02"));
	put(&b, DATA_AT + 48, STR(MAGIC "%d"));
	put_inline(&b, DATA_AT + 0x100, "go1.21.3", STR(MODULES));
	check_modules(parse(&b));
	/* in windows, whichever way they fall, if it lies whole in one */
	for (size_t window = 0x500; window < 0x700; window += 0x31)
		check_modules(parse_windows(buf_str(&b), window, 0x300));
	buf_done(&b);
}

static void test_versions(void **state)
{
	static const struct {
		const char *text, *version;
	} rows[] = {{"go1.19.8 X:boringcrypto", "1.19.8"}, {"devel go1.23-abcdef Mon", NULL},
		{"gcc 12", NULL}, {"", NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = make_elf(LAST);

		put_inline(&b, DATA_AT, rows[i].text, STR(""));
		struct parsed *x = parse(&b);
		assert_int_equal(x->n, rows[i].version ? 1 : 0);
		if (rows[i].version)
			assert_str(x->p[0].version, rows[i].version);
		parsed_done(x);
		buf_done(&b);
	}
}

/* Go until 1.17: two pointers to a pointer and a length each. */
static void put_pointed(struct buf *b, size_t at, bool big)
{
	const char *version = "go1.21.3";
	uint64_t values[6] = {ADDRESS + 0x40, ADDRESS + 0x50, ADDRESS + 0x60, strlen(version),
		ADDRESS + 0x80, strlen(MODULES)};

	put(b, at, STR(MAGIC "\x08"));
	b->s[at + 15] = big;
	for (size_t i = 0; i < 6; i++) {
		size_t to = i < 2 ? at + 16 + 8 * i : DATA_AT + 0x40 + 8 * (i - 2);

		for (int k = 0; k < 8; k++)
			b->s[to + (size_t)k] = (char)(values[i] >> (8 * (big ? 7 - k : k)));
	}
	put(b, DATA_AT + 0x60, str_of(version));
	put(b, DATA_AT + 0x80, STR(MODULES));
}

static void test_pointed(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct buf b = make_elf(LAST);

		put_pointed(&b, DATA_AT, big);
		check_modules(parse(&b));
		/* nowhere, and in a ring */
		memset(b.s + DATA_AT + 0x40, 0x41, 32);
		struct parsed *x = parse(&b);
		assert_int_equal(x->n, 0);
		parsed_done(x);
		buf_done(&b);
	}
}

static struct buf make_rust(const char *json, size_t cut)
{
	struct buf b = BUF_INIT(1 << 20);
	static const char names[] = "\0.shstrtab\0.dep-v0";
	unsigned char packed[4096];
	uLongf size = sizeof(packed);
	Elf64_Ehdr eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = 3,
		.e_shstrndx = 1};

	assert_int_equal(compress(packed, &size, (const Bytef *)json, strlen(json)), Z_OK);
	Elf64_Shdr sh[3] = {{0}, {.sh_name = 1, .sh_offset = sizeof(eh), .sh_size = sizeof(names)},
		{.sh_name = 11, .sh_offset = sizeof(eh) + sizeof(names), .sh_size = size - cut}};
	eh.e_shoff = sizeof(eh) + sizeof(names) + size;
	buf_add(&b, str_make((const char *)&eh, sizeof(eh)));
	buf_add(&b, str_make(names, sizeof(names)));
	buf_add(&b, str_make((const char *)packed, size));
	buf_add(&b, str_make((const char *)sh, sizeof(sh)));
	return b;
}

static const char cargo_json[] =
	"{\"packages\":[{\"name\":\"app\",\"version\":\"0.1.0\",\"source\":\"local\",\"root\":true,"
	"\"dependencies\":[1]},{\"name\":\"serde\",\"version\":\"1.0.190\",\"source\":\"crates."
	"io\"},"
	"{\"name\":\"cc\",\"version\":\"1.0.83\",\"source\":\"crates.io\",\"kind\":\"build\"}],"
	"\"format\":1}";

static void test_rust(void **state)
{
	struct buf b = make_rust(cargo_json, 0);
	struct parsed *x = parse(&b);

	(void)state;
	assert_int_equal(x->r, 0);
	assert_int_equal(x->n, 2);
	assert_int_equal(x->p[1].type, PACKAGE_CARGO);
	assert_str(x->p[1].name, "serde");
	assert_str(x->p[1].version, "1.0.190");
	parsed_done(x);
	/* once, although two windows show the section headers */
	x = parse_windows(buf_str(&b), b.len - 16, b.len - 32);
	assert_true(x->n <= 2);
	parsed_done(x);
	buf_done(&b);
	b = make_rust(cargo_json, 20);
	x = parse(&b);
	assert_int_equal(x->r, -EBADMSG);
	parsed_done(x);
	buf_done(&b);
}

/* Every byte changed, and cut at every length. */
static void test_damaged(void **state)
{
	struct buf files[2] = {make_elf(LAST), make_rust(cargo_json, 0)};

	(void)state;
	put_inline(&files[0], DATA_AT + 0x10, "go1.21.3", STR(MODULES));
	for (size_t k = 0; k < 2; k++) {
		for (size_t i = 0; i < files[k].len; i++) {
			char was = files[k].s[i];

			files[k].s[i] ^= (char)0xff;
			parsed_done(parse(&files[k]));
			files[k].s[i] = was;
			parsed_done(parse_windows(str_head(buf_str(&files[k]), i), i + 1, 0));
		}
		buf_done(&files[k]);
	}
}

/* A segment at the end of what a number can say, and a window that lies behind the first. */
static void test_far_segment(void **state)
{
	struct buf b = make_elf(LAST);
	const uint64_t far = UINT64_MAX - 5;

	(void)state;
	put_inline(&b, DATA_AT + 0x10, "go1.21.3", STR(MODULES));
	put(&b, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, p_offset),
		str_make((const char *)&far, sizeof(far)));
	struct parsed *x = parse_windows(buf_str(&b), DATA_AT, 0);
	assert_int_equal(x->r, 0);
	assert_int_equal(x->n, 0);
	parsed_done(x);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inline),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_pointed),
		cmocka_unit_test(test_rust),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_far_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
