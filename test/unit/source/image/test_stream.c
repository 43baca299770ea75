/* SPDX-License-Identifier: Apache-2.0 */
/* Streams that verify themselves: the end is only reached by what was promised. */
#include "common.h"

#include <sys/mman.h>
#include <unistd.h>

static struct image_stream *open_text(const char *text, const char *digest, uint64_t size)
{
	int fd = memfd_create("text", MFD_CLOEXEC);
	struct image_stream *st;

	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	assert_int_equal(image_stream_of_file(fd, 0, strlen(text), &st, NULL), 0);
	image_stream_init(st, "layer 0");
	assert_int_equal(verifier_init(&st->verifier, str_of(digest), size, NULL), 0);
	return st;
}

static int read_to_end(struct image_stream *st, size_t step, struct err *e)
{
	char chunk[64];
	ptrdiff_t n;

	while ((n = image_stream_read(st, chunk, step, e)) > 0)
		;
	return (int)n;
}

#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC512                                                                                     \
	"sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a8"  \
	"36ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static void verifies(void **unused)
{
	static const struct {
		const char *text, *digest;
		uint64_t size;
		int code;
		const char *says;
	} rows[] = {
		{"abc", ABC, 3, 0, ""},
		{"abc", ABC, UINT64_MAX, 0, ""},
		{"abc", ABC512, 3, 0, ""},
		{"abc", "", UINT64_MAX, 0, ""},
		{"", D0, 0, 0, ""},
		{"abd", ABC, 3, -EBADMSG, "not what its digest says"},
		{"ab", ABC, 3, -EBADMSG, "ends after 2 of the 3"},
		{"abcd", ABC, 3, -EBADMSG, "longer than the 3"},
		{"ab", ABC, UINT64_MAX, -EBADMSG, "not what"},
		{"", ABC, UINT64_MAX, -EBADMSG, "not what"},
		{"abc", ABC512, 4, -EBADMSG, "ends after"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t step = 1; step < 5; step++) {
			struct image_stream *st =
				open_text(rows[i].text, rows[i].digest, rows[i].size);
			struct err e = {0};

			assert_int_equal(read_to_end(st, step, &e), rows[i].code);
			assert_says(&e, rows[i].says);
			/* and so it stays */
			if (rows[i].code)
				assert_true(image_stream_read(st, &(char){0}, 1, &e) < 0);
			else
				assert_int_equal(image_stream_read(st, &(char){0}, 1, &e), 0);
			image_stream_close(st);
		}
}

static void knows_digests(void **unused)
{
	static const char *const bad[] = {"", "sha256:", "sha256", "sha256:abc", D0 "0",
		"md5:d41d8cd98f00b204e9800998ecf8427e", "SHA256:" HEX64, "sha512:" HEX64,
		"sha256:../../../../../../../../../../../../../../../../../../etc/passwd123"};
	char digest[DIGEST_TEXT_SIZE];

	assert_true(digest_is_valid(STR(D0)) && digest_is_valid(STR(ABC512)));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(digest_is_valid(str_of(bad[i])));
	image_digest(STR("abc"), STR_NULL, digest);
	assert_string_equal(digest, ABC);
	image_digest(STR("abc"), STR("sha512:"), digest);
	assert_string_equal(digest, ABC512);
	struct verifier v;

	assert_int_equal(verifier_init(&v, STR("md5:x"), 0, NULL), -EBADMSG);
}

static void reads_all(void **unused)
{
	struct arena a;
	struct str got;
	struct err e = {0};

	arena_init(&a, 1 << 20);
	assert_int_equal(image_stream_read_all(open_text("abc", ABC, 3), 3, &a, &got, &e), 0);
	assert_text(got, "abc");
	assert_int_equal(
		image_stream_read_all(open_text("abc", "", UINT64_MAX), 2, &a, &got, &e), -EFBIG);
	assert_int_equal(
		image_stream_read_all(open_text("abd", ABC, 3), 10, &a, &got, &e), -EBADMSG);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifies),
		cmocka_unit_test(knows_digests),
		cmocka_unit_test(reads_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
