/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters that no column of the schema can say: polled descriptors, pairs, what is a name only
 * sometimes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "record_make.h"

static struct made_record rec;
static struct arena arena;
static struct decoder decoder;

static struct event decode(void)
{
	struct event ev;

	arena_reset(&arena);
	assert_int_equal(decode_record(&decoder, rec.bytes, rec.len, &arena, &ev), 0);
	return ev;
}

static struct str param(const struct event *ev, const char *name)
{
	return event_param(ev, (unsigned)event_param_index(ev->def, str_of(name)));
}

static int64_t number(const struct event *ev, const char *name)
{
	int64_t v = INT64_MIN;

	event_param_s64(ev, (unsigned)event_param_index(ev->def, str_of(name)), &v);
	return v;
}

static void begin_pair(uint16_t code, const int32_t pair[2])
{
	record_begin(&rec, code, 0);
	record_read(&rec, 0, pair, 8);
}

static void test_pipe(void **state)
{
	struct fact_file f = {
		.fd = 0, .ino = 77, .mode = S_IFIFO | 0600, .magic = 0x50495045 /* pipefs */};

	/* the second descriptor, whatever its number; what the kernel calls its path is no name */
	begin_pair(EV_PIPE2, (const int32_t[]){4, 0});
	record_fact(&rec, FACT_FILE, &f, sizeof(f));
	record_fact_str(&rec, FACT_REAL, "/");
	struct event ev = decode();
	assert_true(ev.has_fd);
	assert_int_equal(ev.fd.num, 0);
	assert_int_equal(ev.fd.type, FD_FIFO);
	assert_int_equal(number(&ev, "fd1"), 4);
	assert_int_equal(number(&ev, "ino"), 77);
	assert_int_equal(ev.path.name.len, 0);
	assert_true(str_is(ev.fd.other_name, "pipe:[77]"));
	/* a FIFO of a folder has one */
	f.magic = 0xef53;
	record_begin(&rec, EV_READ, 1);
	record_fact(&rec, FACT_FILE, &f, sizeof(f));
	record_fact_str(&rec, FACT_REAL, "/run/fifo");
	ev = decode();
	assert_true(str_is(ev.path.name, "/run/fifo"));
}

static void test_pair_failed(void **state)
{
	record_begin(&rec, EV_PIPE, -24);
	record_read(&rec, 0, "\0\0\0\0\1\0\0\0", 8);
	struct event ev = decode();
	assert_false(ev.has_fd);
	record_begin(&rec, EV_PIPE, 0); /* its numbers could not be read */
	ev = decode();
	assert_false(ev.has_fd);
}

static void test_socketpair(void **state)
{
	struct fact_file f = {.fd = 6, .mode = S_IFSOCK};
	struct fact_sock s = {.sock = 0xbeef, .peer = 0xcafe, .family = AF_UNIX};

	begin_pair(EV_SOCKETPAIR, (const int32_t[]){5, 6});
	record_fact(&rec, FACT_FILE, &f, sizeof(f));
	record_fact(&rec, FACT_SOCK, &s, sizeof(s));
	struct event ev = decode();
	assert_int_equal(ev.fd.num, 6);
	assert_int_equal(ev.fd.type, FD_UNIX);
	assert_int_equal(number(&ev, "source"), 0xcafe);
	assert_int_equal(number(&ev, "peer"), 0xbeef);
}

/* As .scap has it: number and events of those that returned something. */
static void test_poll(void **state)
{
	const struct pollfd fds[] = {
		{3, POLLIN, POLLIN | POLLHUP}, {4, POLLOUT, 0}, {-1, 0, 0}, {9, POLLIN, POLLNVAL}};
	struct buf b = BUF_INIT(256);

	record_begin(&rec, EV_POLL, 2);
	record_read(&rec, 0, fds, sizeof(fds));
	struct event ev = decode();
	event_param_format(&ev, 1, &b);
	assert_string_equal(b.s, "3:?21 9:?40");
	/* cut in the middle of an entry, and not readable */
	buf_clear(&b);
	record_begin(&rec, EV_PPOLL, 1);
	record_read(&rec, 0, fds, sizeof(*fds) + 3);
	ev = decode();
	event_param_format(&ev, 1, &b);
	assert_string_equal(b.s, "3:?21");
	record_begin(&rec, EV_POLL, 1);
	ev = decode();
	assert_int_equal(param(&ev, "fds").len, 0);
	buf_done(&b);
}

static void test_sometimes(void **state)
{
	record_begin(&rec, EV_GETCWD, 5);
	record_read_str(&rec, 0, "/tmp");
	struct event ev = decode();
	assert_int_equal(param(&ev, "path").len, 5);
	record_begin(&rec, EV_GETCWD, -34);
	record_read_str(&rec, 0, "rest");
	ev = decode();
	assert_int_equal(param(&ev, "path").len, 0);
	record_begin(&rec, EV_RECVMSG, 1);
	record_read(&rec, 0, "x", 1);
	record_read(&rec, 1, "control", 7);
	ev = decode();
	assert_true(str_is(param(&ev, "msgcontrol"), "control"));
}

/* fstat by descriptor: of a socket, the kernel's name for it is nobody's path. */
static void test_empty_path(void **state)
{
	struct fact_file f = {.fd = 3, .mode = S_IFSOCK};

	record_begin(&rec, EV_NEWFSTATAT, 0);
	record_head(&rec)->args[0] = 3;
	record_read_str(&rec, 0, "");
	record_fact(&rec, FACT_FILE, &f, sizeof(f));
	record_fact_str(&rec, FACT_DIR, "/UNIX-STREAM");
	struct event ev = decode();
	assert_int_equal(ev.path.name.len, 0);
	f.mode = S_IFREG;
	record_begin(&rec, EV_NEWFSTATAT, 0);
	record_head(&rec)->args[0] = 3;
	record_read_str(&rec, 0, "");
	record_fact(&rec, FACT_FILE, &f, sizeof(f));
	record_fact_str(&rec, FACT_DIR, "/etc/hosts");
	ev = decode();
	assert_true(str_is(ev.path.name, "/etc/hosts"));
}

static int set_up(void **state)
{
	arena_init(&arena, 1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	arena_done(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_pair_failed),
		cmocka_unit_test(test_socketpair),
		cmocka_unit_test(test_poll),
		cmocka_unit_test(test_sometimes),
		cmocka_unit_test(test_empty_path),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
