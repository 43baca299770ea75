/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seeds of the fuzzer: small captures with every block version and every event, made here and
 * kept in test/fuzz/corpus/scap. Run with a folder as argument it writes them; as a test it reads
 * each and says when one in the tree is not what is made here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/io.h"
#include "blocks.h"
#include "model/event/event.h"
#include "source/capture/capture.h"

#define FOLDER "test/fuzz/corpus/scap"

/* A value that fits the parameter's type; what has no table gets eight bytes. */
static struct str value_of(const struct event_def *def, unsigned i)
{
	static const int64_t number = 3;
	enum param_type t = def->params ? (enum param_type)def->params[i].type : PT_INT64;
	bool is_signed;

	switch (t) {
	case PT_CHARBUF:
	case PT_FSPATH:
		return STR("/tmp/a\0");
	case PT_FSRELPATH:
		return STR("a/../b\0");
	case PT_STRINGS:
		return STR("a=/docker/0123456789ab\0b=/\0");
	case PT_BYTEBUF:
		return STR("GET / HTTP/1.1\r\n");
	case PT_SOCKADDR:
		return STR("\2\12\0\0\1\273\1");
	case PT_SOCKTUPLE:
		return STR("\2\12\0\0\5\100\234\12\0\0\1\273\1");
	case PT_FDLIST:
		return STR("\2\0\3\0\0\0\0\0\0\0\1\0\4\0\0\0\0\0\0\0\2\0");
	case PT_DYN:
		return STR("\1\3\0\0\0\0\0\0\0");
	default:
		return str_make((const char *)&number,
			param_type_size(t, &is_signed) ? param_type_size(t, &is_signed) : 8);
	}
}

static void put_by_code(struct buf *b, uint16_t code, uint32_t block)
{
	const struct event_def *def = event_def(code);
	size_t at = block_begin(b, block);
	uint32_t len = made_is_v1(block) ? EVENT_HEADER_V1_BYTES : EVENT_HEADER_BYTES;
	uint32_t width = def->flags & EF_LARGE ? 4 : 2;

	for (unsigned i = 0; i < def->nparams; i++)
		len += width + (uint32_t)value_of(def, i).len;
	put_u16(b, 1);
	if (made_has_flags(block))
		put_u32(b, 0);
	put_u64(b, 1000 + code);
	put_u64(b, 100);
	put_u32(b, len);
	put_u16(b, code);
	if (!made_is_v1(block))
		put_u32(b, def->nparams);
	for (unsigned i = 0; i < def->nparams; i++) {
		uint32_t n = (uint32_t)value_of(def, i).len;
		put(b, &n, width);
	}
	for (unsigned i = 0; i < def->nparams; i++)
		buf_add(b, value_of(def, i));
	block_end(b, at);
}

/* Codes first to last, each enter before its exit. */
static void put_codes(struct buf *b, uint16_t first, uint16_t last)
{
	put_small(b);
	for (uint16_t code = first; code <= last; code++)
		if (event_def(code))
			put_by_code(b, code, BLOCK_EVENT);
}

static void put_old_lists(struct buf *b, unsigned first, unsigned last)
{
	static const uint32_t types[] = {0, BLOCK_PROCESSES_V1, BLOCK_PROCESSES_V2,
		BLOCK_PROCESSES_V3, BLOCK_PROCESSES_V4, BLOCK_PROCESSES_V5, BLOCK_PROCESSES_V6,
		BLOCK_PROCESSES_V7, BLOCK_PROCESSES_V8, BLOCK_PROCESSES_V9};
	size_t at;

	put_section(b);
	at = block_begin(b, BLOCK_INTERFACES_V1);
	put_interface(b, false, SCAP_IF_IPV4_NO_SPEED, "10.0.0.1");
	put_interface(b, false, SCAP_IF_IPV6, "2001:db8::1");
	block_end(b, at);
	at = block_begin(b, BLOCK_USERS_V1);
	put_user(b, false, 0, "root");
	put_group(b, false, 0, "root");
	block_end(b, at);
	for (unsigned v = first; v <= last; v++) {
		at = block_begin(b, types[v]);
		put_process(b, v, 100 + v, SIZE_MAX);
		block_end(b, at);
	}
	at = block_begin(b, BLOCK_FDS_V1);
	put_u64(b, 100 + first);
	fd_begin(b, false, 5, SCAP_FD_UNIX);
	put_u64(b, 1);
	put_u64(b, 2);
	put_str16(b, STR("/run/s"));
	fd_begin(b, false, 6, SCAP_FD_FIFO);
	put_str16(b, STR("pipe:[1]"));
	block_end(b, at);
	put_by_code(b, EV_CLOSE - 1, BLOCK_EVENT_V1);
	put_by_code(b, EV_CLOSE, BLOCK_EVENT_FLAGS_V1);
}

static void put_container(struct buf *b)
{
	put_small(b);
	put_event(b, (struct made_event){.block = BLOCK_EVENT_FLAGS_LARGE,
			     .flags = EVENT_STATE_ONLY,
			     .tid = UINT64_MAX,
			     .code = EV_ASYNCEVENT,
			     .nparams = 3,
			     .large_lengths = true,
			     .params = {STR("\0\0\0\0"), STR("container\0"),
				     STR("{\"container\":{\"id\":\"0123456789ab\",\"name\":\"n\","
					 "\"image\":\"i:1\",\"type\":0,\"Mounts\":[{\"Source\":"
					 "\"/a\",\"Destination\":\"/b\",\"RW\":true}],\"labels\":"
					 "{\"a\":\"b\"}}}\0")}});
	put_codes(b, EV_USERADDED, EV_GROUPDELETED);
}

static void put_gzip(struct buf *b)
{
	struct buf plain = BUF_INIT(MADE_MAX_BYTES);
	char packed[8192];
	z_stream z = {.next_out = (Bytef *)packed, .avail_out = sizeof(packed)};

	put_small(&plain);
	deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	z.next_in = (Bytef *)plain.s;
	z.avail_in = (uInt)plain.len;
	deflate(&z, Z_FINISH);
	buf_add(b, str_make(packed, sizeof(packed) - z.avail_out));
	deflateEnd(&z);
	buf_done(&plain);
}

/* The fuzzer's other form: kinds 0 (event) and 15 (processes), see test/fuzz/scap.c. */
static void put_pieces(struct buf *b)
{
	struct buf plain = BUF_INIT(MADE_MAX_BYTES);

	put_codes(&plain, EV_OPENAT_E, EV_OPENAT);
	for (size_t at = 0; at < plain.len;) {
		uint32_t type, length;
		memcpy(&type, plain.s + at, 4);
		memcpy(&length, plain.s + at + 4, 4);
		if (type == BLOCK_EVENT || type == BLOCK_PROCESSES_V9) {
			put_u8(b, type == BLOCK_EVENT ? 0 : 15);
			put_u16(b, (uint16_t)(length - 12));
			put(b, plain.s + at + 8, length - 12);
		}
		at += length;
	}
	buf_done(&plain);
}

enum { CODES_A_SEED = 46, SEEDS = 15 };

/* The n-th seed and its name. */
static void make_seed(unsigned n, struct buf *b, char *name, size_t size)
{
	uint16_t first = (uint16_t)((n - 5) * CODES_A_SEED);

	buf_clear(b);
	switch (n) {
	case 0:
		snprintf(name, size, "small");
		put_small(b);
		return;
	case 1:
		snprintf(name, size, "old-lists");
		put_old_lists(b, 1, 5);
		return;
	case 2:
		snprintf(name, size, "newer-lists");
		put_old_lists(b, 6, 9);
		return;
	case 3:
		snprintf(name, size, "gzip");
		put_gzip(b);
		return;
	case 4:
		snprintf(name, size, "pieces");
		put_pieces(b);
		return;
	case SEEDS:
		snprintf(name, size, "container");
		put_container(b);
		return;
	default:
		snprintf(name, size, "codes-%03u", first);
		put_codes(b, first, (uint16_t)(first + CODES_A_SEED - 1));
		return;
	}
}

static void seeds_are_readable(void **state)
{
	struct buf b = BUF_INIT(MADE_MAX_BYTES);
	struct arena a;
	struct event ev;
	struct err e;
	struct capture *c;
	char name[40];
	uint64_t events = 0;
	int r;

	arena_init(&a, 1 << 20);
	for (unsigned n = 0; n <= SEEDS; n++) {
		make_seed(n, &b, name, sizeof(name));
		if (strcmp(name, "pieces") == 0)
			continue;
		assert_int_equal(capture_open_memory(b.s, b.len, NULL, &c, &e), 0);
		while ((r = capture_next(c, &a, &ev, &e)) > 0)
			arena_reset(&a);
		if (r < 0)
			fail_msg("%s: %s", name, e.msg);
		assert_int_equal(capture_info(c)->bad_entries, 0);
		events += capture_info(c)->events;
		capture_close(c);
	}
	assert_true(events > 400);
	buf_done(&b);
	arena_done(&a);
}

static void seeds_in_the_tree_are_these(void **state)
{
	struct buf b = BUF_INIT(MADE_MAX_BYTES);
	struct arena a;
	char name[40], path[200];

	if (access(FOLDER, R_OK) < 0) {
		print_message("skipped: needs the source tree as working folder\n");
		skip();
	}
	arena_init(&a, 0);
	for (unsigned n = 0; n <= SEEDS; n++) {
		struct str have;
		struct err e = {0};
		make_seed(n, &b, name, sizeof(name));
		snprintf(path, sizeof(path), "%s/%s", FOLDER, name);
		if (io_read_file(&a, AT_FDCWD, path, 1 << 20, &have, &e) < 0)
			fail_msg("%s", e.msg);
		if (!str_eq(have, buf_str(&b)) && strcmp(name, "gzip") != 0)
			fail_msg("%s differs: write the seeds again", path);
	}
	buf_done(&b);
	arena_done(&a);
}

static int write_seeds(const char *dir)
{
	struct buf b = BUF_INIT(MADE_MAX_BYTES);
	char name[40], path[4096];

	for (unsigned n = 0; n <= SEEDS; n++) {
		make_seed(n, &b, name, sizeof(name));
		snprintf(path, sizeof(path), "%s/%s", dir, name);
		FILE *f = fopen(path, "wb");
		if (!f || fwrite(b.s, 1, b.len, f) != b.len || fclose(f) != 0)
			return 1;
	}
	buf_done(&b);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seeds_are_readable),
		cmocka_unit_test(seeds_in_the_tree_are_these),
	};

	return argc > 1 ? write_seeds(argv[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}
