/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory, opening and reading fail at each step of reading an image from a layout and a folder: an
 * error, or all of it; never half an image that looks whole, and nothing that is lost on the way.
 */
#include "common.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"

/* libarchive 3.6 loses an extended attribute when memory is out while it copies it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libarchive.so";
}

static char dir[] = "/tmp/koban-image-faults-XXXXXX";

static void write_file(const char *name, struct str text)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0 && write(fd, text.s, text.len) == (ssize_t)text.len);
	close(fd);
}

static void write_blob(struct str text, char digest[DIGEST_TEXT_SIZE])
{
	char name[200];

	image_digest(text, STR_NULL, digest);
	snprintf(name, sizeof(name), "blobs/sha256/%s", digest + 7);
	write_file(name, text);
}

static void make_layout(void)
{
	char layer[DIGEST_TEXT_SIZE], config[DIGEST_TEXT_SIZE], manifest[DIGEST_TEXT_SIZE],
		text[1000], path[400];
	static const char *const folders[] = {"blobs", "blobs/sha256", "root", "root/etc"};

	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, folders[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	write_file("root/etc/hello", STR("hello\n"));
	write_blob(STR("the layer"), layer);
	snprintf(text, sizeof(text),
		"{\"os\":\"linux\",\"config\":{\"Env\":[\"A=B\"]},\"rootfs\":{\"diff_ids\":[\"%s\"]"
		"}}",
		layer);
	write_blob(str_of(text), config);
	snprintf(text, sizeof(text),
		"{\"schemaVersion\":2,\"config\":{\"digest\":\"%s\"},\"layers\":[{\"digest\":\"%"
		"s\","
		"\"size\":9}]}",
		config, layer);
	write_blob(str_of(text), manifest);
	snprintf(text, sizeof(text), "{\"manifests\":[{\"digest\":\"%s\"}]}", manifest);
	write_file("index.json", str_of(text));
	write_file("oci-layout", STR("{\"imageLayoutVersion\":\"1.0.0\"}"));
}

static int read_all(const char *ref, struct buf *got, struct err *e)
{
	struct image_source *s;
	struct image_stream *st = NULL;
	char chunk[1000];
	ptrdiff_t n;
	int r = image_open(ref, NULL, &s, e);

	buf_clear(got);
	if (r < 0)
		return r;
	assert_int_equal(image_describe(s)->nlayers, 1);
	n = image_layer_open(s, 0, &st, e);
	while (n == 0 && (n = image_stream_read(st, chunk, sizeof(chunk), e)) > 0) {
		buf_add(got, str_make(chunk, (size_t)n));
		n = 0;
	}
	image_stream_close(st);
	image_close(s);
	return (int)n;
}

static void try_all(const char *ref, enum fault_kind kind, int code)
{
	struct buf whole = BUF_INIT(1 << 20), got = BUF_INIT(1 << 20);
	struct err e = {0};
	unsigned failures = 0;

	assert_int_equal(read_all(ref, &whole, &e), 0);
	buf_reserve(&got, whole.len);
	for (unsigned n = 1; n; n = fault_was_reached() ? n + 1 : 0) {
		e = (struct err){0};
		fault_arm(kind, n, code);
		int r = read_all(ref, &got, &e);

		fault_disarm();
		if (r < 0 && !e.code)
			fail_msg("%s: step %u of kind %d failed without a word", ref, n, kind);
		if (r == 0 && kind != FAULT_READ && !str_eq(buf_str(&got), buf_str(&whole)))
			fail_msg("%s: step %u of kind %d: another layer", ref, n, kind);
		failures += r < 0;
	}
	print_message("# %s: %u failures of kind %d were told\n", ref, failures, kind);
	assert_true(failures > 0 || kind != FAULT_ALLOC);
	buf_done(&whole);
	buf_done(&got);
}

static void reads_or_says_why(void **unused)
{
	static const char *const kinds[] = {"oci:%s", "dir:%s/root"};
	char ref[400];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		snprintf(ref, sizeof(ref), kinds[i], dir);
		try_all(ref, FAULT_ALLOC, ENOMEM);
		try_all(ref, FAULT_OPEN, EMFILE);
		try_all(ref, FAULT_READ, EIO);
	}
}

static int remove_all(void **unused)
{
	char cmd[100];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reads_or_says_why)};

	make_layout();
	return cmocka_run_group_tests(tests, NULL, remove_all);
}
