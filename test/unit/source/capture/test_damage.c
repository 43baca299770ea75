/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are cut off, damaged, hostile or no captures: what came before is given, the error
 * names the place, nothing is read beyond the end and memory stays bounded. And where bytes come
 * from: files, pipes, gzip.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>
#include <zlib.h>

#include "base/io.h"
#include "blocks.h"
#include "source/capture/capture.h"

static struct buf file;
static struct arena arena;
static struct err err;
static struct event ev;

static int set_up(void **state)
{
	file = BUF_INIT(MADE_MAX_BYTES);
	arena_init(&arena, 1 << 20);
	err = (struct err){0};
	return 0;
}

static int tear_down(void **state)
{
	buf_done(&file);
	arena_done(&arena);
	return 0;
}

static void put_closes(unsigned n)
{
	const int64_t fd = 3;

	for (unsigned i = 0; i < n; i++)
		put_event(&file, (struct made_event){.tid = 1,
					 .code = EV_CLOSE,
					 .nparams = 1,
					 .params = {{(const char *)&fd, 8}}});
}

/* Every byte of the parameters is touched: the sanitizer says whose it is. */
static unsigned touch(const struct event *e)
{
	unsigned n = 0;

	for (unsigned i = 0; i < e->nparams; i++)
		for (size_t k = 0; k < e->params[i].len; k++)
			n += (uint8_t)e->params[i].s[k];
	return n;
}

/* Reads to the end; events seen, and how it ended in *r. */
static unsigned drain(struct capture *c, int *r)
{
	volatile unsigned sum = 0;
	unsigned n = 0;

	while ((*r = capture_next(c, &arena, &ev, &err)) > 0) {
		arena_reset(&arena);
		sum += touch(&ev);
		n++;
	}
	return n;
}

/* The events and the error of bytes that lie in a block of exactly their size. */
static unsigned read_exact(const char *bytes, size_t size, int *r)
{
	char *copy = malloc(size ? size : 1);
	struct capture *c;
	unsigned n = 0;

	memcpy(copy, bytes, size);
	err = (struct err){0};
	*r = capture_open_memory(copy, size, NULL, &c, &err);
	if (*r == 0) {
		n = drain(c, r);
		assert_int_equal(capture_next(c, &arena, &ev, NULL), *r);
		capture_close(c);
	}
	free(copy);
	return n;
}

/* Where blocks end, a file may end. */
static bool is_block_end(size_t size)
{
	size_t at = 0;

	while (at < size) {
		uint32_t length;
		memcpy(&length, file.s + at + 4, 4);
		at += length;
	}
	return at == size;
}

static void cut_off_anywhere(void **state)
{
	int r;

	put_small(&file);
	put_closes(2);
	for (size_t size = 0; size < file.len; size++) {
		unsigned n = read_exact(file.s, size, &r);
		if (size && is_block_end(size)) {
			assert_int_equal(r, 0);
			continue;
		}
		assert_true(r == -EBADMSG || r == -ENOTSUP || r == -ENODATA);
		assert_true(err.msg[0]);
		assert_true(n <= 2);
	}
	assert_int_equal(read_exact(file.s, file.len, &r), 3);
	assert_int_equal(r, 0);
}

static struct buf pack(struct str s)
{
	struct buf out = BUF_INIT(MADE_MAX_BYTES);
	z_stream z = {0};
	size_t room = s.len + 1000;
	char *bytes = malloc(room);

	deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	z.next_in = (Bytef *)(uintptr_t)s.s;
	z.avail_in = (uInt)s.len;
	z.next_out = (Bytef *)bytes;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_add(&out, str_make(bytes, room - z.avail_out));
	deflateEnd(&z);
	free(bytes);
	return out;
}

static void gzip_cut_off_anywhere(void **state)
{
	int r;

	put_small(&file);
	put_closes(1);
	struct buf packed = pack(buf_str(&file));
	for (size_t size = 2; size < packed.len; size++) {
		read_exact(packed.s, size, &r);
		assert_true(r < 0);
		assert_non_null(strstr(err.msg, "gzip"));
	}
	assert_int_equal(read_exact(packed.s, packed.len, &r), 2);
	assert_int_equal(r, 0);
	buf_done(&packed);
}

static void gzip_with_a_wrong_byte(void **state)
{
	int r;

	put_small(&file);
	put_closes(1);
	struct buf packed = pack(buf_str(&file));
	for (size_t i = 10; i < packed.len; i++) {
		packed.s[i] ^= 0x55;
		read_exact(packed.s, packed.len, &r);
		assert_true(r < 0); /* the checksum at the latest */
		packed.s[i] ^= 0x55;
	}
	buf_done(&packed);
}

/* `cat a.scap.gz b.scap.gz`, padded with zeroes as tapes were. */
static void gzip_files_behind_each_other(void **state)
{
	int r;

	put_small(&file);
	struct buf packed = pack(buf_str(&file)), twice = BUF_INIT(MADE_MAX_BYTES);
	buf_add(&twice, buf_str(&packed));
	buf_add(&twice, buf_str(&packed));
	assert_int_equal(read_exact(twice.s, twice.len, &r), 2);
	assert_int_equal(r, 0);
	for (int i = 0; i < 512; i++)
		buf_add_char(&twice, 0);
	assert_int_equal(read_exact(twice.s, twice.len, &r), 2);
	assert_int_equal(r, 0);
	buf_add_cstr(&packed, "no gzip");
	assert_int_equal(read_exact(packed.s, packed.len, &r), 1);
	assert_int_equal(r, -EBADMSG);
	buf_done(&packed);
	buf_done(&twice);
}

static uint64_t random_state = 1;

static uint32_t next_random(void)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(random_state >> 33);
}

/* One to three bytes of the file are something else, as on a bad disk. */
static void wrong_bytes_anywhere(void **state)
{
	int r;

	put_small(&file);
	put_closes(3);
	char *copy = malloc(file.len);
	for (int round = 0; round < 20000; round++) {
		memcpy(copy, file.s, file.len);
		for (unsigned k = 0; k <= next_random() % 3; k++)
			copy[next_random() % file.len] = (char)next_random();
		read_exact(copy, file.len, &r);
		assert_true(r == 0 || r == -EBADMSG || r == -ENOTSUP);
	}
	free(copy);
}

static void every_length_that_may_be_said(void **state)
{
	const uint32_t lengths[] = {0, 1, 4, 8, 11, 12, 13, 99999999, INT32_MAX, 0x80000000,
		UINT32_MAX - 3, UINT32_MAX};
	int r;

	put_small(&file);
	for (size_t at = 0; at < file.len;) {
		uint32_t length;
		memcpy(&length, file.s + at + 4, 4);
		for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			patch_u32(&file, at + 4, lengths[i]);
			read_exact(file.s, file.len, &r);
			assert_int_equal(r, -EBADMSG);
		}
		patch_u32(&file, at + 4, length);
		at += length;
	}
}

/* The last block of the file is an event of which something is wrong. */
static void check_bad_event(size_t at, size_t field, uint32_t value, const char *says)
{
	uint32_t good;
	int r;

	memcpy(&good, file.s + at + field, 4);
	patch_u32(&file, at + field, value);
	assert_int_equal(read_exact(file.s, file.len, &r), 1);
	assert_int_equal(r, -EBADMSG);
	if (!strstr(err.msg, says))
		fail_msg("no \"%s\" in: %s", says, err.msg);
	patch_u32(&file, at + field, good);
}

static void events_that_lie(void **state)
{
	char place[40];

	put_section(&file);
	put_closes(1);
	size_t at = file.len;
	put_closes(1);
	snprintf(place, sizeof(place), "at byte %zu:", at);
	check_bad_event(at, 4, 99999999, place);
	check_bad_event(at, 4, 99999999, "99999999");
	check_bad_event(at, 4, 11, "11 bytes");
	check_bad_event(at, 8 + 2 + 16, 25, "event of 25 bytes");
	check_bad_event(at, 8 + 2 + 16, 45, "event of 45 bytes");
	check_bad_event(at, 8 + 2 + 22, 33, "33 parameters");
	check_bad_event(at, 8 + 2 + 22, UINT32_MAX, "at most 32");
	check_bad_event(at, 8 + 2 + 22, 6, "too short for its 6 parameters");
	check_bad_event(at, 8 + 2 + 26, 9, "beyond the event");
	check_bad_event(at, file.len - at - 4, 7, "7 at its end");
}

static void old_events_that_do_not_add_up(void **state)
{
	const int64_t fd = 3;
	int r;

	put_section(&file);
	size_t at = file.len;
	put_event(&file, (struct made_event){.block = BLOCK_EVENT_V1,
				 .tid = 1,
				 .code = EV_CLOSE,
				 .nparams = 1,
				 .params = {{(const char *)&fd, 8}}});
	file.s[at + 8 + 2 + EVENT_HEADER_V1_BYTES] = 7;
	read_exact(file.s, file.len, &r);
	assert_int_equal(r, -EBADMSG);
	assert_non_null(strstr(err.msg, "do not add up"));
}

/* A few bytes that ask for all memory there is. */
static void memory_is_bounded(void **state)
{
	const uint32_t types[] = {BLOCK_EVENT, BLOCK_EVENT_LARGE, BLOCK_PROCESSES_V9,
		BLOCK_USERS_V2, BLOCK_FDS_V2, 0x4711};
	struct rusage before, after;
	int r;

	getrusage(RUSAGE_SELF, &before);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		buf_clear(&file);
		put_section(&file);
		put_u32(&file, types[i]);
		put_u32(&file, 0xfffffff0);
		for (int k = 0; k < 100; k++)
			put_u32(&file, 0x7fffffff);
		read_exact(file.s, file.len, &r);
		assert_int_equal(r, -EBADMSG);
	}
	getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_maxrss - before.ru_maxrss < 64 << 10);
}

static void check_refused(const char *bytes, size_t size, int code, const char *says)
{
	int r;

	read_exact(bytes, size, &r);
	assert_int_equal(r, code);
	if (!strstr(err.msg, says))
		fail_msg("no \"%s\" in: %s", says, err.msg);
}

static void what_is_no_capture(void **state)
{
	check_refused("", 0, -ENODATA, "empty");
	check_refused("#!/bin/sh\nexit\n", 15, -ENOTSUP, "no capture");
	check_refused("x", 1, -ENOTSUP, "no capture");
	check_refused("\xd4\xc3\xb2\xa1\2\0\4\0", 8, -ENOTSUP, "network capture");
	put_section(&file);
	patch_u32(&file, 8, SECTION_MAGIC_SWAPPED);
	check_refused(file.s, file.len, -ENOTSUP, "byte order");
	patch_u32(&file, 8, 0x12345678);
	check_refused(file.s, file.len, -EBADMSG, "12345678");
	patch_u32(&file, 8, SECTION_MAGIC);
	file.s[12] = 2; /* major */
	check_refused(file.s, file.len, -ENOTSUP, "version 2.2");
}

static void network_captures(void **state)
{
	const uint32_t blocks[] = {6, 3, 2};

	for (int i = 0; i < 3; i++) {
		buf_clear(&file);
		put_section(&file);
		size_t at = block_begin(&file, 1); /* an interface */
		put_u64(&file, 1);
		block_end(&file, at);
		check_refused(file.s, file.len, -ENOTSUP, "network capture");
		at = block_begin(&file, blocks[i]);
		put_u64(&file, 1);
		block_end(&file, at);
		put_machine(&file, BLOCK_MACHINE);
		check_refused(file.s, file.len, -ENOTSUP, "network capture");
	}
}

/* ---- files and pipes ---- */

static unsigned read_path(const char *path, int *r)
{
	struct capture *c;
	unsigned n = 0;

	err = (struct err){0};
	*r = capture_open(path, NULL, &c, &err);
	if (*r < 0)
		return 0;
	n = drain(c, r);
	capture_close(c);
	return n;
}

static void write_file(const char *path, struct str s)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, s), 0);
	close(fd);
}

static void from_a_file(void **state)
{
	char path[] = "/tmp/koban-capture-XXXXXX";
	struct capture *c;
	int r;

	close(mkstemp(path));
	put_section(&file);
	put_closes(200000); /* several times the buffer */
	write_file(path, buf_str(&file));
	assert_int_equal(read_path(path, &r), 200000);
	assert_int_equal(r, 0);
	assert_int_equal(capture_open(path, NULL, &c, &err), 0);
	assert_int_equal(capture_info(c)->size_bytes, file.len);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(capture_next(c, &arena, &ev, &err), 1);
	assert_true(capture_progress(c) > 0.4 && capture_progress(c) < 0.6);
	/* cut short while it is read: an end like any other */
	assert_int_equal(truncate(path, (off_t)file.len / 2 + 7000), 0);
	drain(c, &r);
	assert_true(r == 0 || r == -EBADMSG);
	capture_close(c);
	struct buf packed = pack(buf_str(&file));
	write_file(path, buf_str(&packed));
	assert_int_equal(read_path(path, &r), 200000);
	buf_done(&packed);
	unlink(path);
	assert_int_equal(read_path(path, &r), 0);
	assert_int_equal(r, -ENOENT);
	assert_non_null(strstr(err.msg, path));
	read_path("/tmp", &r);
	assert_int_equal(r, -EISDIR);
}

static int note_opened(void *arg, struct err *e)
{
	(*(int *)arg)++;
	return *(int *)arg > 1 ? err_set(e, EPERM, "no") : 1;
}

/* The hook comes before any parsing, and can say no. */
static void opened_is_called(void **state)
{
	int calls = 0, r;
	struct capture_options o = {.opened = note_opened, .opened_arg = &calls};
	struct capture *c;

	put_small(&file);
	assert_int_equal(capture_open_memory(file.s, file.len, &o, &c, &err), 0);
	assert_int_equal(drain(c, &r), 1);
	capture_close(c);
	assert_int_equal(capture_open_memory("junk", 4, &o, &c, &err), -EPERM);
	assert_int_equal(calls, 2);
}

struct feeder {
	int fd;
	struct str s;
	unsigned pause_us;
};

static void *feed(void *arg)
{
	struct feeder *f = arg;

	/* in pieces that fit no block */
	for (size_t at = 0; at < f->s.len; at += 4093) {
		struct str piece = str_head(str_skip(f->s, at), 4093);
		if (io_write_all(f->fd, piece) < 0)
			break;
		usleep(f->pause_us);
	}
	close(f->fd);
	return NULL;
}

/* Standard input is a pipe for as long as the test runs. */
static unsigned read_pipe(struct str s, unsigned pause_us, int *r)
{
	int fds[2], saved = dup(STDIN_FILENO);
	pthread_t t;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	dup2(fds[0], STDIN_FILENO);
	close(fds[0]);
	struct feeder f = {fds[1], s, pause_us};
	pthread_create(&t, NULL, feed, &f);
	unsigned n = read_path("-", r);
	dup2(saved, STDIN_FILENO);
	close(saved);
	pthread_join(t, NULL);
	return n;
}

static void from_a_pipe(void **state)
{
	int r;

	put_small(&file);
	put_closes(5000);
	struct buf packed = pack(buf_str(&file));
	assert_int_equal(read_pipe(buf_str(&file), 0, &r), 5001);
	assert_int_equal(r, 0);
	assert_int_equal(read_pipe(buf_str(&packed), 100, &r), 5001);
	assert_int_equal(r, 0);
	assert_true(read_pipe(str_head(buf_str(&file), file.len - 5), 0, &r) == 5000);
	assert_int_equal(r, -EBADMSG);
	assert_non_null(strstr(err.msg, "standard input"));
	buf_done(&packed);
}

static void on_alarm(int sig)
{
}

/* Somebody presses Ctrl-C while the pipe has nothing to say: the caller gets its turn. */
static void a_signal_ends_the_wait(void **state)
{
	struct sigaction sa = {.sa_handler = on_alarm}, old;
	struct itimerval soon = {.it_value = {.tv_usec = 20000}};
	int fds[2], saved = dup(STDIN_FILENO);
	struct capture *c;

	put_section(&file);
	put_closes(2);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	dup2(fds[0], STDIN_FILENO);
	close(fds[0]);
	assert_int_equal(io_write_all(fds[1], str_head(buf_str(&file), file.len - 10)), 0);
	assert_int_equal(capture_open("-", NULL, &c, &err), 0);
	assert_int_equal(capture_next(c, &arena, &ev, &err), 1);
	sigaction(SIGALRM, &sa, &old);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(capture_next(c, &arena, &ev, &err), -EINTR);
	sigaction(SIGALRM, &old, NULL);
	/* and nothing was lost */
	assert_int_equal(io_write_all(fds[1], str_skip(buf_str(&file), file.len - 10)), 0);
	close(fds[1]);
	assert_int_equal(capture_next(c, &arena, &ev, &err), 1);
	assert_int_equal(ev.num, 2);
	assert_int_equal(capture_next(c, &arena, &ev, &err), 0);
	capture_close(c);
	dup2(saved, STDIN_FILENO);
	close(saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(cut_off_anywhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(gzip_cut_off_anywhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(gzip_with_a_wrong_byte, set_up, tear_down),
		cmocka_unit_test_setup_teardown(gzip_files_behind_each_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_bytes_anywhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_length_that_may_be_said, set_up, tear_down),
		cmocka_unit_test_setup_teardown(events_that_lie, set_up, tear_down),
		cmocka_unit_test_setup_teardown(old_events_that_do_not_add_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_is_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_capture, set_up, tear_down),
		cmocka_unit_test_setup_teardown(network_captures, set_up, tear_down),
		cmocka_unit_test_setup_teardown(from_a_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(opened_is_called, set_up, tear_down),
		cmocka_unit_test_setup_teardown(from_a_pipe, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_signal_ends_the_wait, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
