/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event blocks of every version, written by hand and read back: values, numbers, flags, what old
 * files lack, how enters find their exits, sections in the middle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>

#include "blocks.h"
#include "source/capture/capture.h"

static struct buf file;
static struct arena arena;
static struct event ev;
static struct err err;

static int set_up(void **state)
{
	file = BUF_INIT(MADE_MAX_BYTES);
	arena_init(&arena, 1 << 20);
	memset(&ev, 0xa5, sizeof(ev)); /* nothing may lean on zeroes */
	err = (struct err){0};
	return 0;
}

static int tear_down(void **state)
{
	buf_done(&file);
	arena_done(&arena);
	return 0;
}

static struct capture *open_made(struct capture_options o)
{
	struct capture *c = NULL;
	int r = capture_open_memory(file.s, file.len, &o, &c, &err);

	if (r < 0)
		print_error("%s\n", err.msg);
	assert_int_equal(r, 0);
	return c;
}

static int next(struct capture *c)
{
	arena_reset(&arena);
	int r = capture_next(c, &arena, &ev, &err);
	if (r < 0)
		print_message("# %s\n", err.msg);
	return r;
}

static const int64_t three = 3, minus = -2;
static const struct str three_param = {(const char *)&three, 8};
static const struct str minus_param = {(const char *)&minus, 8};

static void check_close(uint32_t block, bool state_only)
{
	assert_int_equal(ev.ts_ns, 1234567890);
	assert_int_equal(ev.tid, 4711);
	assert_int_equal(ev.cpu, 5);
	assert_int_equal(ev.code, EV_CLOSE);
	assert_ptr_equal(ev.def, event_def(EV_CLOSE));
	assert_int_equal(ev.pid, 0);
	assert_int_equal(ev.start_ns, 0);
	assert_int_equal(ev.enter_ns, 0);
	assert_int_equal(ev.uid, UINT32_MAX);
	assert_int_equal(ev.gid, UINT32_MAX);
	assert_int_equal(ev.fd.num, INT64_MIN);
	assert_int_equal(ev.path.name.len, 0);
	assert_int_equal(ev.exepath.len, 0);
	assert_false(ev.has_fd);
	assert_false(ev.is_io_uring);
	assert_int_equal(ev.is_state_only, state_only);
	assert_true(str_eq(ev.params[0], minus_param));
}

static void put_close(uint32_t block, uint32_t flags)
{
	put_event(&file, (struct made_event){.block = block,
				 .flags = flags,
				 .cpu = 5,
				 .ts = 1234567890,
				 .tid = 4711,
				 .code = EV_CLOSE,
				 .nparams = 1,
				 .params = {minus_param}});
}

static void every_block_version(void **state)
{
	const uint32_t types[] = {BLOCK_EVENT, BLOCK_EVENT_FLAGS, BLOCK_EVENT_LARGE,
		BLOCK_EVENT_FLAGS_LARGE, BLOCK_EVENT_V1, BLOCK_EVENT_OLD, BLOCK_EVENT_FLAGS_V1};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		buf_clear(&file);
		put_section(&file);
		put_close(types[i], EVENT_STATE_ONLY);
		put_close(types[i], 0);
		struct capture *c = open_made((struct capture_options){0});
		assert_int_equal(next(c), 1);
		assert_int_equal(ev.num, 1);
		check_close(types[i], made_has_flags(types[i]));
		assert_int_equal(next(c), 1);
		assert_int_equal(ev.num, 2);
		check_close(types[i], false);
		assert_int_equal(next(c), 0);
		assert_int_equal(next(c), 0);
		assert_int_equal(capture_info(c)->state_only, made_has_flags(types[i]));
		assert_int_equal(capture_info(c)->events, 2);
		assert_int_equal(capture_info(c)->given, 2);
		capture_close(c);
	}
}

/* The oldest blocks have no count, and the schema has grown since. */
static void fewer_params_than_today(void **state)
{
	put_section(&file);
	put_event(&file, (struct made_event){.block = BLOCK_EVENT_V1,
				 .tid = 1,
				 .code = EV_OPENAT,
				 .nparams = 2,
				 .params = {three_param, three_param}});
	put_event(&file, (struct made_event){.tid = 1,
				 .code = EV_OPENAT,
				 .nparams = 2,
				 .params = {three_param, three_param}});
	struct capture *c = open_made((struct capture_options){.raw = true});
	for (int i = 0; i < 2; i++) {
		assert_int_equal(next(c), 1);
		assert_int_equal(ev.nparams, 2);
		assert_true(str_eq(ev.params[1], three_param));
	}
	capture_close(c);
}

/* And a later schema may have grown as well. */
static void more_params_than_today(void **state)
{
	put_section(&file);
	put_event(&file, (struct made_event){.tid = 1,
				 .code = EV_CLOSE,
				 .nparams = 4,
				 .params = {three_param, three_param, minus_param, minus_param}});
	struct capture *c = open_made((struct capture_options){.raw = true});
	assert_int_equal(next(c), 1);
	assert_int_equal(ev.nparams, event_def(EV_CLOSE)->nparams);
	assert_int_equal(next(c), 0);
	capture_close(c);
}

/* Notifications of the oldest blocks say three bytes too many. */
static void old_notifications(void **state)
{
	put_section(&file);
	size_t at = file.len;
	put_event(&file, (struct made_event){.block = BLOCK_EVENT_V1,
				 .tid = 1,
				 .code = EV_NOTIFICATION,
				 .nparams = 2,
				 .params = {STR("12\0"), STR("hello\0")}});
	uint32_t len;
	memcpy(&len, file.s + at + 8 + 2 + 16, 4);
	patch_u32(&file, at + 8 + 2 + 16, len + 3);
	struct capture *c = open_made((struct capture_options){.raw = true});
	/* the block must hold what the event says: it is padded by at least as much */
	assert_int_equal(next(c), 1);
	assert_int_equal(ev.nparams, 2);
	assert_string_equal(ev.params[1].s, "hello");
	capture_close(c);
}

static void large_parameters(void **state)
{
	enum { BIG = 200000 };
	char *big = calloc(1, BIG);

	memset(big, 'x', BIG);
	put_section(&file);
	for (int i = 0; i < 30; i++) /* more than the buffer has */
		put_event(&file,
			(struct made_event){.block = BLOCK_EVENT_LARGE,
				.tid = UINT64_MAX,
				.code = EV_ASYNCEVENT,
				.nparams = 3,
				.large_lengths = true,
				.params = {STR("\1\0\0\0"), STR("container\0"), {big, BIG}}});
	struct capture *c = open_made((struct capture_options){0});
	for (int i = 0; i < 30; i++) {
		assert_int_equal(next(c), 1);
		assert_int_equal(ev.params[2].len, BIG);
		assert_int_equal(ev.params[2].s[BIG - 1], 'x');
		assert_int_equal(ev.tid, UINT32_MAX);
	}
	assert_int_equal(next(c), 0);
	capture_close(c);
	free(big);
}

static void unknown_codes_are_skipped(void **state)
{
	put_section(&file);
	put_close(BLOCK_EVENT, 0);
	put_event(&file, (struct made_event){.tid = 1, .code = 454});
	put_event(&file, (struct made_event){.tid = 1, .code = 17});
	put_event(&file, (struct made_event){.tid = 1, .code = UINT16_MAX});
	put_close(BLOCK_EVENT, 0);
	struct capture *c = open_made((struct capture_options){0});
	assert_int_equal(next(c), 1);
	assert_int_equal(ev.num, 1);
	assert_int_equal(next(c), 1);
	assert_int_equal(ev.num, 5);
	assert_int_equal(next(c), 0);
	assert_int_equal(capture_info(c)->unknown_events, 3);
	capture_close(c);
}

static void put_call(uint64_t tid, uint16_t code, uint64_t ts)
{
	put_event(&file,
		(struct made_event){
			.tid = tid, .ts = ts, .code = code, .nparams = 1, .params = {three_param}});
}

enum { CLOSE_E = EV_CLOSE - 1, READ_E = EV_READ - 1 };

static void enters_find_their_exits(void **state)
{
	put_section(&file);
	put_call(1, CLOSE_E, 100);
	put_call(2, CLOSE_E, 110);
	put_call(1, EV_SWITCH, 115); /* comes between and is no exit */
	put_call(2, EV_CLOSE, 120);
	put_call(1, EV_CLOSE, 130);
	put_call(3, EV_CLOSE, 140); /* the capture began inside the call */
	struct capture *c = open_made((struct capture_options){0});
	assert_int_equal(next(c), 1);
	assert_int_equal(ev.code, EV_SWITCH);
	assert_int_equal(next(c), 1);
	assert_int_equal(ev.num, 4);
	assert_int_equal(ev.tid, 2);
	assert_int_equal(ev.enter_ns, 110);
	assert_int_equal(next(c), 1);
	assert_int_equal(ev.tid, 1);
	assert_int_equal(ev.enter_ns, 100);
	assert_int_equal(next(c), 1);
	assert_int_equal(ev.tid, 3);
	assert_int_equal(ev.enter_ns, 0);
	assert_int_equal(next(c), 0);
	assert_int_equal(capture_info(c)->joined, 2);
	assert_int_equal(capture_info(c)->lone_enters, 0);
	assert_int_equal(capture_info(c)->first_ns, 100);
	assert_int_equal(capture_info(c)->last_ns, 140);
	capture_close(c);
}

static void lone_enters_are_counted(void **state)
{
	put_section(&file);
	put_call(1, CLOSE_E, 100); /* another enter comes */
	put_call(1, CLOSE_E, 101);
	put_call(1, EV_CLOSE, 102);
	put_call(2, READ_E, 103); /* another exit comes */
	put_call(2, EV_CLOSE, 104);
	put_call(2, EV_READ, 105);
	put_call(3, READ_E, 106); /* the thread ends */
	put_call(3, EV_PROCEXIT, 107);
	put_call(3, EV_READ, 108);
	put_call(4, READ_E, 109); /* the file ends */
	struct capture *c = open_made((struct capture_options){0});
	const uint64_t enters[] = {101, 0, 0, 0, 0};
	for (int i = 0; i < 5; i++) {
		assert_int_equal(next(c), 1);
		assert_int_equal(ev.enter_ns, enters[i]);
	}
	assert_int_equal(next(c), 0);
	assert_int_equal(capture_info(c)->joined, 1);
	assert_int_equal(capture_info(c)->lone_enters, 4);
	capture_close(c);
}

static void more_threads_than_the_table(void **state)
{
	enum { THREADS = 70000, CAP = 65536 };

	put_section(&file);
	for (uint64_t i = 1; i <= THREADS; i++)
		put_call(i, CLOSE_E, i);
	for (uint64_t i = 1; i <= THREADS; i++)
		put_call(i, EV_CLOSE, 100000 + i);
	struct capture *c = open_made((struct capture_options){0});
	for (uint64_t i = 1; i <= THREADS; i++) {
		assert_int_equal(next(c), 1);
		assert_int_equal(ev.tid, i);
		/* the oldest are the ones that are lost */
		assert_int_equal(ev.enter_ns, i <= THREADS - CAP ? 0 : i);
	}
	assert_int_equal(next(c), 0);
	assert_int_equal(capture_info(c)->joined, CAP);
	assert_int_equal(capture_info(c)->lone_enters, THREADS - CAP);
	capture_close(c);
}

static void enters_as_they_are(void **state)
{
	put_section(&file);
	put_call(1, CLOSE_E, 100);
	put_call(1, EV_CLOSE, 130);
	for (int raw = 0; raw < 2; raw++) {
		struct capture *c =
			open_made((struct capture_options){.keep_enters = !raw, .raw = raw});
		assert_int_equal(next(c), 1);
		assert_int_equal(ev.code, CLOSE_E);
		assert_ptr_equal(ev.def, event_def(CLOSE_E));
		assert_int_equal(ev.num, 1);
		assert_true(str_eq(ev.params[0], three_param));
		assert_int_equal(next(c), 1);
		assert_int_equal(ev.code, EV_CLOSE);
		assert_int_equal(ev.enter_ns, raw ? 0 : 100);
		assert_int_equal(next(c), 0);
		assert_int_equal(capture_info(c)->given, 2);
		capture_close(c);
	}
}

/* As many sections as one likes, each with its own lists: `cat a.scap b.scap`. */
static void sections_behind_each_other(void **state)
{
	put_small(&file);
	put_small(&file);
	struct capture *c = open_made((struct capture_options){0});
	assert_int_equal(capture_info(c)->threads, 1);
	for (uint64_t i = 1; i <= 2; i++) {
		assert_int_equal(next(c), 1);
		assert_int_equal(ev.num, 2 * i);
		assert_int_equal(ev.enter_ns, 1000);
	}
	assert_int_equal(next(c), 0);
	assert_int_equal(capture_info(c)->threads, 2);
	assert_int_equal(capture_info(c)->offset_bytes, file.len);
	assert_true(capture_progress(c) == 1.0);
	capture_close(c);
}

/* What sysdig takes for the initial state has no number. */
static void initial_events_have_no_number(void **state)
{
	const uint16_t codes[] = {
		EV_USERADDED, EV_GROUPADDED, EV_USERADDED, EV_CLOSE, EV_USERADDED};
	const uint64_t nums[] = {0, 0, 0, 1, 2};

	put_section(&file);
	for (int i = 0; i < 5; i++)
		put_event(&file, (struct made_event){.tid = 1, .code = codes[i]});
	struct capture *c = open_made((struct capture_options){0});
	for (int i = 0; i < 5; i++) {
		assert_int_equal(next(c), 1);
		assert_int_equal(ev.code, codes[i]);
		assert_int_equal(ev.num, nums[i]);
		assert_int_equal(ev.is_state_only, nums[i] == 0);
	}
	assert_int_equal(next(c), 0);
	assert_int_equal(capture_info(c)->initial_events, 3);
	capture_close(c);
}

static void unknown_blocks_are_skipped(void **state)
{
	put_section(&file);
	for (int i = 0; i < 2; i++) {
		size_t at = block_begin(&file, 0x4711);
		buf_add_cstr(&file, "what a later version writes");
		block_end(&file, at);
		put_close(BLOCK_EVENT, 0);
	}
	struct capture *c = open_made((struct capture_options){0});
	assert_int_equal(next(c), 1);
	assert_int_equal(next(c), 1);
	assert_int_equal(next(c), 0);
	assert_int_equal(capture_info(c)->unknown_blocks, 2);
	assert_int_equal(capture_info(c)->blocks, 5);
	capture_close(c);
}

/* pcapng options, as `editcap` adds comments. */
static void section_options(void **state)
{
	size_t at = block_begin(&file, BLOCK_SECTION);

	put_u32(&file, SECTION_MAGIC);
	put_u16(&file, 1);
	put_u16(&file, 1);
	put_u64(&file, UINT64_MAX);
	put_u16(&file, 1);
	put_str16(&file, STR("a comment"));
	block_end(&file, at);
	put_close(BLOCK_EVENT, 0);
	struct capture *c = open_made((struct capture_options){0});
	assert_int_equal(capture_info(c)->major, 1);
	assert_int_equal(capture_info(c)->minor, 1);
	assert_int_equal(next(c), 1);
	capture_close(c);
}

static void no_events_at_all(void **state)
{
	put_section(&file);
	struct capture *c = open_made((struct capture_options){0});
	assert_int_equal(next(c), 0);
	capture_close(c);
}

/* An event keeps nothing of the one before it, and asks for no memory once warm. */
static void nothing_is_allocated_once_warm(void **state)
{
	put_section(&file);
	for (unsigned i = 0; i < 1000; i++) {
		put_call(i % 10, CLOSE_E, i);
		put_call(i % 10, EV_CLOSE, i);
	}
	struct capture *c = open_made((struct capture_options){0});
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(next(c), 1);
		assert_int_equal(ev.fd.num, INT64_MIN);
		ev.fd.num = 5;
		ev.has_fd = true;
	}
	assert_true(arena.nmallocs <= 1);
	capture_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_block_version, set_up, tear_down),
		cmocka_unit_test_setup_teardown(fewer_params_than_today, set_up, tear_down),
		cmocka_unit_test_setup_teardown(more_params_than_today, set_up, tear_down),
		cmocka_unit_test_setup_teardown(old_notifications, set_up, tear_down),
		cmocka_unit_test_setup_teardown(large_parameters, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unknown_codes_are_skipped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(enters_find_their_exits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lone_enters_are_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(more_threads_than_the_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(enters_as_they_are, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sections_behind_each_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(initial_events_have_no_number, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unknown_blocks_are_skipped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(section_options, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_events_at_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_allocated_once_warm, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
