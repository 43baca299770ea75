/* SPDX-License-Identifier: Apache-2.0 */
/* What lies where in a tar: names in all their forms, links, and headers that lie. */
#include "common.h"

#include <sys/mman.h>
#include <unistd.h>

static struct buf tar;
static struct arena arena;
static struct tar_index idx;
static struct err error;

static void add_header(const char *name, char type, const char *size, const char *target)
{
	char h[512] = {0};
	unsigned sum = 0;

	memcpy(h, name, strnlen(name, 100));
	memcpy(h + 100, "0000644", 8);
	memcpy(h + 124, size, strnlen(size, 12));
	h[156] = type;
	memcpy(h + 157, target, strnlen(target, 100));
	memcpy(h + 257,
		"ustar\0"
		"00",
		8);
	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	buf_add(&tar, str_make(h, sizeof(h)));
}

static void add_content(const char *text, size_t len)
{
	static const char zeros[512];

	buf_add(&tar, str_make(text, len));
	if (len % 512)
		buf_add(&tar, str_make(zeros, 512 - len % 512));
}

static void add_file(const char *name, const char *text)
{
	char size[32];

	snprintf(size, sizeof(size), "%011zo", strlen(text));
	add_header(name, '0', size, "");
	add_content(text, strlen(text));
}

static void add_extension(char type, const char *text, size_t len)
{
	char size[32];

	snprintf(size, sizeof(size), "%011zo", len);
	add_header("@ext", type, size, "");
	add_content(text, len);
}

static int index_it(void)
{
	int fd = memfd_create("tar", MFD_CLOEXEC);

	arena_done(&arena);
	arena_init(&arena, SOURCE_MEMORY);
	error = (struct err){0};
	assert_true(fd >= 0 && write(fd, tar.s, tar.len) == (ssize_t)tar.len);
	int r = tar_index_read(fd, "it", &arena, &idx, &error);

	close(fd);
	return r;
}

static void assert_file(const char *name, const char *text)
{
	const struct tar_file *f = tar_index_find(&idx, str_of(name));

	if (!f)
		fail_msg("%s is not there", name);
	assert_text(str_make(tar.s + f->offset, f->size), text);
}

static void finish(void)
{
	static const char zeros[1024];

	buf_add(&tar, str_make(zeros, sizeof(zeros)));
}

static void finds_names(void **unused)
{
	char pax[400], long_name[301];

	memset(long_name, 'n', 300);
	long_name[300] = 0;
	buf_clear(&tar);
	add_file("a", "one");
	add_file("./b/c", "two");
	add_file("/d", "three");
	add_file("e/", "");
	snprintf(pax, sizeof(pax), "310 path=%s\n", long_name);
	add_extension('x', pax, 310);
	add_file("short", "four");
	add_extension('L', "gnu/long", 9);
	add_file("short", "five");
	add_extension('g', "12 path=all\n", 12); /* of all members: none has such a name */
	add_extension('x', "10 size=7\n", 10);
	add_header("sized", '0', "00000000000", "");
	add_content("sixsix!", 7);
	add_file("a", "last");
	finish();
	assert_int_equal(index_it(), 0);
	assert_file("b/c", "two");
	assert_file("./b/c", "two");
	assert_file("d", "three");
	assert_file(long_name, "four");
	assert_file("gnu/long", "five");
	assert_file("sized", "sixsix!");
	assert_file("a", "last"); /* as when it is unpacked */
	assert_null(tar_index_find(&idx, STR("short")));
	assert_null(tar_index_find(&idx, STR("")));
}

static void follows_links(void **unused)
{
	buf_clear(&tar);
	add_file("x/layer.tar", "layer");
	add_header("y/layer.tar", '2', "00000000000", "../x/layer.tar");
	add_header("z", '1', "00000000000", "x/layer.tar");
	add_header("abs", '2', "00000000000", "/x/layer.tar");
	add_header("out", '2', "00000000000", "../../etc/passwd");
	add_header("loop1", '2', "00000000000", "loop2");
	add_header("loop2", '2', "00000000000", "loop1");
	add_header("self", '2', "00000000000", "self");
	add_header("sized-link", '2', "00000001000", "x/layer.tar");
	finish();
	assert_int_equal(index_it(), 0);
	assert_file("y/layer.tar", "layer");
	assert_file("z", "layer");
	assert_file("abs", "layer");
	assert_file("sized-link", "layer");
	assert_null(tar_index_find(&idx, STR("out")));
	assert_null(tar_index_find(&idx, STR("loop1")));
	assert_null(tar_index_find(&idx, STR("self")));
}

static void expect(const char *says)
{
	assert_int_equal(index_it(), -EBADMSG);
	assert_says(&error, says);
}

static void refuses(void **unused)
{
	static const char *const pax[] = {"5 a=b\n", "x path=a\n", "999 path=a\n", "0 a=b\n",
		"6a=b\n", "11 size=-1\n", "12 size=99x\n", "", " ", "18446744073709551615 a=b\n"};

	buf_clear(&tar);
	expect("middle");
	add_file("a", "one");
	tar.s[0] = 'b';
	expect("checksum");
	buf_clear(&tar);
	add_header("a", '0', "77777777777", "");
	expect("larger");
	buf_clear(&tar);
	add_header("a", '0', "0000000000x", "");
	expect("checksum");
	buf_clear(&tar);
	add_header("a", '0', "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "");
	expect("checksum");
	buf_clear(&tar);
	add_header("a", '0', "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "");
	expect("checksum");
	for (size_t i = 0; i < sizeof(pax) / sizeof(*pax); i++) {
		buf_clear(&tar);
		add_extension('x', pax[i], strlen(pax[i]));
		add_file("a", "one");
		finish();
		if (strlen(pax[i]) == 0)
			assert_int_equal(index_it(), 0);
		else if (index_it() != -EBADMSG)
			fail_msg("\"%s\" was taken", pax[i]);
	}
	buf_clear(&tar);
	add_header("a", 'x', "00001000000", ""); /* 256 KiB */
	for (int i = 0; i < 512; i++)
		add_content("x", 1);
	expect("64 KiB");
	buf_clear(&tar);
	for (int i = 0; i < 20001; i++)
		add_header("a", '0', "00000000000", "");
	expect("members");
}

/* A header of its own that says more than there is, in each byte of a sound archive. */
static void survives_flips(void **unused)
{
	buf_clear(&tar);
	add_extension('x', "10 path=p\n", 10);
	add_file("short", "four");
	add_header("link", '2', "00000000000", "p");
	finish();
	for (size_t i = 0; i < tar.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			tar.s[i] ^= (char)(1 << bit);
			if (index_it() == 0)
				for (size_t k = 0; k < idx.nfiles; k++)
					assert_true(
						idx.files[k].offset + idx.files[k].size <= tar.len);
			tar.s[i] ^= (char)(1 << bit);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_names),
		cmocka_unit_test(follows_links),
		cmocka_unit_test(refuses),
		cmocka_unit_test(survives_flips),
	};

	tar = BUF_INIT(64 << 20);
	arena_init(&arena, SOURCE_MEMORY);
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	arena_done(&arena);
	buf_done(&tar);
	return r;
}
