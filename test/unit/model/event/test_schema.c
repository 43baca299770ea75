/* SPDX-License-Identifier: Apache-2.0 */
/* The schema against the reference: every code, name, parameter and type, once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/io.h"
#include "model/event/event.h"
#include "model/event/param.h"

/* clang-format off */
static const struct { const char *abbreviation; uint8_t types[3]; } abbreviations[] = {
	{"s8", {PT_INT8}}, {"s16", {PT_INT16}}, {"s32", {PT_INT32}}, {"s64", {PT_INT64}},
	{"u8", {PT_UINT8}}, {"u16", {PT_UINT16}}, {"u32", {PT_UINT32}}, {"u64", {PT_UINT64}},
	{"str", {PT_CHARBUF}}, {"bytes", {PT_BYTEBUF, PT_STRINGS}}, {"path", {PT_FSPATH}},
	{"relpath", {PT_FSRELPATH}}, {"errno", {PT_ERRNO}}, {"fd", {PT_FD}}, {"pid", {PT_PID}},
	{"fd32", {PT_FD32}}, {"pid32", {PT_PID32}}, {"f8", {PT_FLAGS8}}, {"f16", {PT_FLAGS16}},
	{"f32", {PT_FLAGS32}}, {"e8", {PT_ENUMFLAGS8}}, {"e16", {PT_ENUMFLAGS16}},
	{"e32", {PT_ENUMFLAGS32}}, {"sockaddr", {PT_SOCKADDR}}, {"tuple", {PT_SOCKTUPLE}},
	{"fdlist", {PT_FDLIST}}, {"sysid", {PT_SYSCALLID}}, {"sig", {PT_SIGTYPE}},
	{"reltime", {PT_RELTIME}}, {"abstime", {PT_ABSTIME}}, {"uid", {PT_UID}},
	{"gid", {PT_GID}}, {"mode", {PT_MODE}}, {"sigset", {PT_SIGSET}}, {"dyn", {PT_DYN}},
	{"strs", {PT_STRINGS}}, {"bool", {PT_BOOL}}, {"ip4", {PT_IPV4ADDR}},
	{"ip6", {PT_IPV6ADDR}}, {"port", {PT_PORT}},
};
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool type_matches(struct str abbreviation, uint8_t type)
{
	for (size_t i = 0; i < COUNT(abbreviations); i++)
		if (str_is(abbreviation, abbreviations[i].abbreviation))
			return memchr(abbreviations[i].types, type, 2) != NULL;
	return false;
}

/*
 * The part of the reference between the fences behind a heading; STR_NULL without the reference.
 * cmocka's skip() would be "not ok" in TAP, so the caller returns.
 */
static struct str reference_block(struct arena *a, const char *heading)
{
	const char *shared = getenv("KOBAN_SHARED");

	struct str path = arena_printf(a, "%s/reference/runtime.md", shared ? shared : "../shared");
	struct str text;

	if (io_read_file(a, AT_FDCWD, path.s, 1 << 24, &text, NULL) < 0) {
		print_message("# skipped: needs ../shared/reference/runtime.md\n");
		return STR_NULL;
	}
	ptrdiff_t at = str_find(text, str_of(heading));

	assert_true(at >= 0);
	text = str_skip(text, (size_t)at);
	at = str_find(text, STR("```\n"));
	assert_true(at >= 0);
	text = str_skip(text, (size_t)at + 4);
	at = str_find(text, STR("\n```"));
	assert_true(at >= 0);
	return str_head(text, (size_t)at);
}

static void check_row(struct str row)
{
	struct str code_text = str_cut(&row, ' ');
	uint64_t code;

	assert_true(str_to_u64(code_text, 10, &code));
	const struct event_def *def = event_def((uint16_t)code);

	assert_non_null(def);
	assert_false(def->flags & EF_OLD);
	assert_true(str_is(str_cut(&row, ' '), def->name));
	int n = 0;

	for (; row.s && row.len; n++) {
		struct str type = str_cut(&row, ' '), name = str_cut(&type, ':');

		if (n >= def->nparams || !str_is(name, def->params[n].name) ||
			!type_matches(type, def->params[n].type))
			fail_msg("event %u %s: parameter %d is not %.*s:%.*s", def->code, def->name,
				n, STR_ARG(name), STR_ARG(type));
	}
	assert_int_equal(n, def->nparams);
}

static void test_current_events_equal_appendix_b(void **state)
{
	struct arena a;
	size_t rows = 0, current = 0;

	arena_init(&a, 0);
	struct str block = reference_block(&a, "## Appendix B");

	if (!block.s) {
		arena_done(&a);
		return;
	}
	while (block.s) {
		check_row(str_cut(&block, '\n'));
		rows++;
	}
	for (unsigned code = 0; code < EVENT_CODE_MAX; code++)
		current +=
			event_def((uint16_t)code) && !(event_def((uint16_t)code)->flags & EF_OLD);
	assert_int_equal(rows, 196);
	assert_int_equal(current, rows);
	arena_done(&a);
}

static void test_old_events_equal_appendix_c(void **state)
{
	struct arena a;
	size_t rows = 0, old = 0;

	arena_init(&a, 0);
	struct str block = reference_block(&a, "## Appendix C");

	if (!block.s) {
		arena_done(&a);
		return;
	}
	ptrdiff_t text;

	while ((text = str_find(block, STR("\n"))) >= 0)
		block = str_skip(block, (size_t)text + 1);
	for (; block.s; rows++) {
		struct str count = str_cut(&block, ' ');
		struct str code = str_cut(&count, ':'), name = str_cut(&count, '/');
		uint64_t n, c;

		assert_true(str_to_u64(code, 10, &c) && str_to_u64(count, 10, &n));
		const struct event_def *def = event_def((uint16_t)c);

		assert_non_null(def);
		assert_true(def->flags & EF_OLD);
		assert_true(str_is(name, def->name));
		assert_int_equal(n, def->nparams);
	}
	for (unsigned code = 0; code < EVENT_CODE_MAX; code++)
		old += event_def((uint16_t)code) && (event_def((uint16_t)code)->flags & EF_OLD);
	assert_int_equal(rows, 223);
	assert_int_equal(old, rows);
	arena_done(&a);
}

static void test_no_code_beyond_the_schema(void **state)
{
	assert_null(event_def(EVENT_CODE_MAX));
	assert_null(event_def(EVENT_FORK));
	assert_null(event_def(UINT16_MAX));
	assert_null(event_def(17)); /* never used */
	assert_string_equal(event_def(307)->name, "openat");
	assert_int_equal(EV_OPENAT, 307);
	assert_int_equal(EV_OPENAT_E, 306);
}

static void test_rows_are_sound(void **state)
{
	for (unsigned code = 0; code < EVENT_CODE_MAX; code++) {
		const struct event_def *def = event_def((uint16_t)code);

		if (!def)
			continue;
		assert_int_equal(def->code, code);
		assert_true(def->nparams <= EVENT_PARAMS_MAX);
		for (int i = 0; i < def->nparams; i++) {
			const struct param_def *p = &def->params[i];

			assert_int_equal(event_param_index(def, str_of(p->name)), i);
			/* event_result() reads the first parameter only */
			if (strcmp(p->name, "res") == 0)
				assert_int_equal(i, 0);
			if (p->type == PT_DYN)
				assert_non_null(p->flags);
		}
	}
}

/* `next` leads to a current event: from an old exit to its kin, from an enter to its exit's kin. */
static void test_next(void **state)
{
	for (unsigned code = 0; code < EVENT_CODE_MAX; code++) {
		const struct event_def *def = event_def((uint16_t)code);

		if (!def)
			continue;
		bool is_enter = def->flags & EF_ENTER;
		bool is_gone = code == 260 || code == 268 || code == 270; /* k8s, tracer, mesos */

		assert_int_equal(def->next != 0, (is_enter || (def->flags & EF_OLD)) && !is_gone);
		if (!def->next)
			continue;
		const struct event_def *to = event_def(def->next);

		assert_non_null(to);
		assert_false(to->flags & (EF_OLD | EF_ENTER));
		/* the second version of accept has been called accept4 only since */
		assert_true(strcmp(def->name, to->name) == 0 ||
			    (strcmp(def->name, "accept") == 0 && to->code == EV_ACCEPT4));
		assert_int_equal(def->flags & (EF_META | EF_STATE | EF_OPEN),
			to->flags & (EF_META | EF_STATE | EF_OPEN));
		if (!is_enter)
			continue;
		/* an enter event has the even code before its exit */
		const struct event_def *exit = event_def((uint16_t)(code + 1));

		assert_int_equal(code % 2, 0);
		assert_non_null(exit);
		assert_string_equal(exit->name, def->name);
		assert_int_equal(exit->flags & EF_OLD ? exit->next : exit->code, def->next);
	}
}

static void test_old_parameters(void **state)
{
	const struct event_def *def = event_def(102); /* openat, enter */

	assert_int_equal(def->category, EC_FILE);
	assert_int_equal(def->next, EV_OPENAT);
	assert_int_equal(event_param_index(def, STR("dirfd")), 0);
	assert_int_equal(event_param_index(def, STR("flags")), 2);
	assert_int_equal(event_param_index(def, STR("fd")), -1);
	assert_ptr_equal(def->params[2].flags, event_def(EV_OPENAT)->params[3].flags);
	assert_int_equal(event_def(283)->params[16].type, PT_INT32); /* execve's tty, signed once */
	assert_int_equal(event_def(15)->params[2].type, PT_STRINGS); /* clone's args */
	assert_int_equal(event_def(EV_OPEN_E)->next, EV_OPEN);
	assert_int_equal(event_def(EV_OPEN)->next, 0);
	assert_int_equal(event_def(16)->next, EV_PROCEXIT);
	assert_int_equal(event_def(0)->next, EV_SYSCALL);
	assert_int_equal(event_def(12)->next, EV_EXECVE);
}

static void test_codes_by_name(void **state)
{
	uint16_t codes[4];

	assert_int_equal(event_codes_by_name(STR("openat"), codes, 4), 1);
	assert_int_equal(codes[0], 307); /* not the enter event, not the old versions */
	assert_int_equal(event_codes_by_name(STR("execve"), codes, 4), 1);
	assert_int_equal(codes[0], 293);
	assert_int_equal(event_codes_by_name(STR("drop"), codes, 4), 2);
	codes[1] = 9999;
	assert_int_equal(event_codes_by_name(STR("drop"), codes, 1), 2);
	assert_int_equal(codes[1], 9999);
	assert_int_equal(event_codes_by_name(STR("no such call"), codes, 4), 0);
	assert_int_equal(event_codes_by_name(STR_NULL, codes, 4), 0);
}

static void test_flags_of_events(void **state)
{
	assert_true(event_def(EV_OPENAT)->flags & EF_OPEN);
	assert_true(event_def(EV_OPENAT)->flags & EF_CREATES_FD);
	assert_true(event_def(EV_READ)->flags & EF_READS_FD);
	assert_true(event_def(EV_SENDTO)->flags & EF_WRITES_FD);
	assert_true(event_def(EV_OPENAT_E)->flags & EF_ENTER);
	assert_true(event_def(EV_ASYNCEVENT)->flags & EF_META);
	assert_true(event_def(EV_ASYNCEVENT)->flags & EF_LARGE);
	assert_false(event_def(EV_PROCEXIT)->flags & EF_META);
	for (const uint16_t *c = (const uint16_t[]){EV_CLONE, EV_CLONE3, EV_EXECVE, EV_EXECVEAT,
		     EV_PROCEXIT, EV_SETUID, EV_SETRESGID, EV_CHDIR, EV_CAPSET, EV_PRCTL, 0};
		*c; c++)
		assert_true(event_def(*c)->flags & EF_STATE);
	assert_false(event_def(EV_OPEN)->flags & EF_STATE);
	assert_true(event_def(236)->flags & EF_ENTER);  /* getdents, old */
	assert_false(event_def(272)->flags & EF_ENTER); /* container, old and no call */
}

/* What the probe relies on: sources name arguments that exist, syscalls name events that exist. */
struct source {
	int n, m, converter; /* -1 = has none */
};

/* clang-format off */
#define S_NONE			     {-1, -1, -1}
#define S_HAND			     {-1, -1, -1}
#define S_RET			     {-1, -1, -1}
#define S_TUPLE_RET		     {-1, -1, -1}
#define S_FILE_DEV		     {-1, -1, -1}
#define S_FILE_INO		     {-1, -1, -1}
#define S_ARG(n)		     {n, -1, -1}
#define S_FDARG(n)		     {n, -1, -1}
#define S_STR(n)		     {n, -1, -1}
#define S_MSG(n)		     {n, -1, -1}
#define S_MSGSIZE(n)		     {n, -1, -1}
#define S_TIMESPEC(n)		     {n, -1, -1}
#define S_CONTROL(n)		     {n, -1, -1}
#define S_POLL(n, m)		     {n, m, -1}
#define S_TUPLE(n)		     {n, -1, -1}
#define S_DATA(n, m)		     {n, m, -1}
#define S_IOV(n, m)		     {n, m, -1}
#define S_IOVSIZE(n, m)		     {n, m, -1}
#define S_SOCKADDR(n, m)	     {n, m, -1}
#define S_U32AT(n, i)		     {n, -1, -1}
#define S_U64AT(n, i)		     {n, -1, -1}
#define S_CONV(n, what)		     {n, -1, CONV_##what}
#define S_CONV2(n, m, what)	     {n, m, CONV_##what}
#define S_CONV_U32AT(n, i, what)     {n, -1, CONV_##what}
#define S_CONV_U64AT(n, i, what)     {n, -1, CONV_##what}
/* clang-format on */

static void test_sources(void **state)
{
#define PARAM(name, TYPE, BASE, FLAGS, SOURCE)      SOURCE,
#define EVENT(code, ID, name, category, flags, ...) __VA_ARGS__
	static const struct source sources[] = {
#include "model/event/schema.def"
	};

	assert_true(COUNT(sources) > 900);
	for (size_t i = 0; i < COUNT(sources); i++) {
		assert_in_range(sources[i].n + 1, 0, 6);
		assert_in_range(sources[i].m + 1, 0, 6);
	}
}

static void test_syscalls(void **state)
{
#define SYSCALL(name, code) {#name, code},
	static const struct {
		const char *name;
		uint16_t code;
	} calls[] = {
#include "model/event/schema.def"
	};
	bool has_call[EVENT_CODE_MAX] = {false};

	for (size_t i = 0; i < COUNT(calls); i++) {
		const struct event_def *def = event_def(calls[i].code);

		assert_non_null(def);
		assert_false(def->flags & (EF_OLD | EF_ENTER | EF_META));
		has_call[calls[i].code] = true;
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(calls[i].name, calls[k].name);
	}
	/* every current event but the tracepoints, the generic one and the meta events has a call
	 */
	for (unsigned code = 2; code < EVENT_CODE_MAX; code++) {
		const struct event_def *def = event_def((uint16_t)code);
		bool is_tracepoint = code == EV_SWITCH || code == EV_PROCEXIT ||
				     code == EV_SIGNALDELIVER || code == EV_PAGE_FAULT;

		if (def && !(def->flags & (EF_OLD | EF_ENTER | EF_META)) && !is_tracepoint &&
			!has_call[code])
			fail_msg("no syscall yields event %u %s", code, def->name);
	}
}

/* The guide for authors names every kind of source that the schema uses. */
static void test_guide_names_every_source(void **state)
{
#define PARAM(name, TYPE, BASE, FLAGS, SOURCE)      #SOURCE,
#define EVENT(code, ID, name, category, flags, ...) __VA_ARGS__
	static const char *const sources[] = {
#include "model/event/schema.def"
	};
	struct arena a;
	struct str guide;

	arena_init(&a, 0);
	assert_int_equal(
		io_read_file(&a, AT_FDCWD, "docs/adding-a-syscall.md", 1 << 20, &guide, NULL), 0);
	for (size_t i = 0; i < COUNT(sources); i++) {
		struct str rest = str_of(sources[i]), kind = str_cut(&rest, '(');

		if (str_find(guide, kind) < 0)
			fail_msg("docs/adding-a-syscall.md does not name %.*s", STR_ARG(kind));
	}
	arena_done(&a);
}

static void test_syscall_ids(void **state)
{
	assert_string_equal(syscall_id_name(3), "read");
	assert_int_equal(syscall_id_by_name(STR("read")), 3);
	assert_string_equal(syscall_id_name(453), "rseq_slice_yield");
	assert_null(syscall_id_name(454));
	assert_null(syscall_id_name(UINT32_MAX));
	assert_int_equal(syscall_id_by_name(STR("unknown")), -1);
	for (unsigned id = 1; id < 454; id++) /* a name has one number, a number one name */
		if (syscall_id_name(id))
			assert_int_equal(syscall_id_by_name(str_of(syscall_id_name(id))), id);
}

static void test_type_name(void **state)
{
	int id = syscall_id_by_name(STR("personality"));
	uint16_t raw = (uint16_t)id;
	struct event ev = {.code = EV_SYSCALL, .def = event_def(EV_SYSCALL), .nparams = 1};

	assert_true(id > 0);
	ev.params[0] = str_make((const char *)&raw, 2);
	assert_true(str_is(event_type_name(&ev), "personality"));
	raw = 60000; /* of a newer schema */
	assert_true(str_is(event_type_name(&ev), "syscall"));
	ev.params[0] = STR_NULL;
	assert_true(str_is(event_type_name(&ev), "syscall"));
	raw = (uint16_t)id;
	ev.params[0] = str_make((const char *)&raw, 2);
	ev.code = 0; /* its enter event */
	ev.def = event_def(0);
	assert_true(str_is(event_type_name(&ev), "personality"));
	ev.code = 102;
	ev.def = event_def(102);
	assert_true(str_is(event_type_name(&ev), "openat"));
	ev.def = NULL;
	assert_int_equal(event_type_name(&ev).len, 0);
}

static void test_categories(void **state)
{
	struct event ev = {.code = EV_READ, .def = event_def(EV_READ), .has_fd = true};

	assert_string_equal(event_category_name(EC_FILE), "file");
	assert_string_equal(event_category_name(EC_IO_READ), "unknown");
	assert_string_equal(event_category_name((enum event_category)99), "unknown");
	ev.fd.type = FD_IPV6;
	assert_string_equal(event_category_text(&ev), "net");
	ev.fd.type = FD_FILE;
	assert_string_equal(event_category_text(&ev), "file");
	ev.fd.type = FD_FIFO;
	assert_string_equal(event_category_text(&ev), "ipc");
	ev.fd.type = FD_BPF;
	assert_string_equal(event_category_text(&ev), "unknown");
	ev.def = event_def(EV_MMAP);
	assert_string_equal(event_category_text(&ev), "memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_current_events_equal_appendix_b),
		cmocka_unit_test(test_old_events_equal_appendix_c),
		cmocka_unit_test(test_no_code_beyond_the_schema),
		cmocka_unit_test(test_rows_are_sound),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_old_parameters),
		cmocka_unit_test(test_codes_by_name),
		cmocka_unit_test(test_flags_of_events),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_syscalls),
		cmocka_unit_test(test_guide_names_every_source),
		cmocka_unit_test(test_syscall_ids),
		cmocka_unit_test(test_type_name),
		cmocka_unit_test(test_categories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
