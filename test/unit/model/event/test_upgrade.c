/* SPDX-License-Identifier: Apache-2.0 */
/* Old events become today's: by name, by the table of exceptions, and never by guessing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "make_event.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct fixture {
	struct event_upgrader *u;
	struct arena a;
	struct made exit, enter;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->u = event_upgrader_new();
	assert_non_null(f->u);
	arena_init(&f->a, 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	event_upgrader_free(f->u);
	arena_done(&f->a);
	free(f);
	event_upgrader_free(NULL);
	return 0;
}

static void make_pair(struct fixture *f, uint16_t exit_code)
{
	arena_reset(&f->a);
	make_event(&f->exit, exit_code);
	f->exit.ev.ts_ns = 2000;
	if (exit_code % 2 == 0)
		return;
	make_event(&f->enter, (uint16_t)(exit_code - 1));
	f->enter.ev.ts_ns = 1000;
}

static bool upgrade(struct fixture *f)
{
	return event_upgrade(f->u, &f->exit.ev, &f->enter.ev, &f->a);
}

static struct str param_of(const struct event *ev, const char *name)
{
	int i = event_param_index(ev->def, str_of(name));

	if (i < 0)
		fail_msg("%s has no %s", ev->def->name, name);
	return event_param(ev, (unsigned)i);
}

static int64_t number_of(const struct event *ev, const char *name)
{
	int64_t v;
	int i = event_param_index(ev->def, str_of(name));

	if (i < 0 || !event_param_s64(ev, (unsigned)i, &v))
		fail_msg("%s of %s is no number", name, ev->def->name);
	return v;
}

static void assert_text(const struct event *ev, const char *name, const char *text)
{
	struct str s = param_of(ev, name);

	if (s.len != strlen(text) + 1 || memcmp(s.s, text, s.len) != 0)
		fail_msg("%s of %s is \"%.*s\"", name, ev->def->name, STR_ARG(s));
}

static void assert_is(const struct event *ev, uint16_t code)
{
	assert_int_equal(ev->code, code);
	assert_ptr_equal(ev->def, event_def(code));
	assert_int_equal(ev->nparams, ev->def->nparams);
}

static void test_complete_events_stay(void **state)
{
	struct fixture *f = *state;

	make_pair(f, EV_OPENAT);
	make_num(&f->exit, "fd", 3);
	make_str(&f->exit, "name", "/etc/passwd");
	make_str(&f->enter, "name", "/etc/shadow");
	make_num(&f->enter, "mode", 0600);
	struct event before = f->exit.ev;

	assert_true(upgrade(f));
	assert_is(&f->exit.ev, EV_OPENAT);
	assert_memory_equal(f->exit.ev.params, before.params, sizeof(before.params));
	assert_int_equal(f->exit.ev.enter_ns, 1000);
	assert_int_equal(f->exit.ev.ts_ns, 2000);
	assert_int_equal(f->a.held, 0);
	assert_false(event_upgrade_wants_enter(f->u, EV_OPENAT, 7));
	/* of a newer schema: more than is known is not looked at */
	f->exit.ev.nparams = 9;
	assert_true(event_upgrade(f->u, &f->exit.ev, NULL, &f->a));
	assert_int_equal(f->exit.ev.nparams, 7);
}

static void test_missing_ones_come_from_the_enter(void **state)
{
	struct fixture *f = *state;

	make_pair(f, EV_CLOSE);
	make_num(&f->exit, "res", 0);
	f->exit.ev.nparams = 1;
	make_num(&f->enter, "fd", 7);
	assert_true(event_upgrade_wants_enter(f->u, EV_CLOSE, 1));
	assert_true(upgrade(f));
	assert_is(&f->exit.ev, EV_CLOSE);
	assert_int_equal(number_of(&f->exit.ev, "res"), 0);
	assert_int_equal(number_of(&f->exit.ev, "fd"), 7);

	make_pair(f, EV_SENDTO);
	make_num(&f->exit, "res", 5);
	make_raw(&f->exit, "data", "hello", 5);
	f->exit.ev.nparams = 2;
	make_num(&f->enter, "fd", 4);
	make_num(&f->enter, "size", 5);
	make_raw(&f->enter, "tuple", "\1abcdefgh", 9);
	assert_true(upgrade(f));
	assert_int_equal(number_of(&f->exit.ev, "fd"), 4);
	assert_int_equal(number_of(&f->exit.ev, "size"), 5);
	assert_int_equal(param_of(&f->exit.ev, "tuple").len, 9);

	make_pair(f, EV_MMAP);
	make_num(&f->exit, "res", 0x7f0000000000);
	f->exit.ev.nparams = 4;
	make_num(&f->enter, "length", 4096);
	make_num(&f->enter, "fd", (uint64_t)-1);
	f->enter.ev.nparams = 5; /* cut short: no offset */
	assert_true(upgrade(f));
	assert_int_equal(number_of(&f->exit.ev, "length"), 4096);
	assert_int_equal(number_of(&f->exit.ev, "fd"), -1);
	assert_int_equal(param_of(&f->exit.ev, "offset").len, 0);
}

static void test_what_no_event_has_is_empty(void **state)
{
	struct fixture *f = *state;

	make_pair(f, EV_SOCKET);
	make_num(&f->exit, "fd", 3);
	f->exit.ev.nparams = 1;
	f->exit.ev.params[1] = STR("left from before");
	assert_true(event_upgrade(f->u, &f->exit.ev, NULL, &f->a));
	assert_is(&f->exit.ev, EV_SOCKET);
	assert_int_equal(f->exit.ev.enter_ns, 0);
	for (unsigned i = 1; i < f->exit.ev.nparams; i++)
		assert_int_equal(event_param(&f->exit.ev, i).len, 0);

	make_pair(f, EV_SENDMMSG); /* an exit without a parameter and an enter without one */
	f->exit.ev.nparams = 0;
	assert_true(upgrade(f));
	assert_int_equal(f->exit.ev.nparams, 5);
	assert_int_equal(f->exit.ev.enter_ns, 1000);
	assert_int_equal(param_of(&f->exit.ev, "res").len, 0);
}

static void test_enter_of_another_call(void **state)
{
	struct fixture *f = *state;

	make_pair(f, EV_CLOSE);
	f->exit.ev.nparams = 1;
	make_event(&f->enter, 6); /* read */
	make_num(&f->enter, "fd", 7);
	f->enter.ev.ts_ns = 1000;
	assert_true(upgrade(f));
	assert_int_equal(f->exit.ev.enter_ns, 0);
	assert_int_equal(param_of(&f->exit.ev, "fd").len, 0);

	make_pair(f, EV_DROP); /* the event before it in the schema is no enter event */
	assert_true(upgrade(f));
	assert_int_equal(f->exit.ev.enter_ns, 0);

	make_pair(f, EV_PROCEXIT); /* no call: what came before it is no part of it */
	make_event(&f->enter, 185);
	f->exit.ev.nparams = 1;
	assert_true(upgrade(f));
	assert_int_equal(f->exit.ev.enter_ns, 0);
}

static void test_replaced_versions(void **state)
{
	struct fixture *f = *state;

	make_pair(f, 103); /* openat whose exit had the descriptor only */
	make_num(&f->exit, "fd", (uint64_t)-2);
	make_num(&f->enter, "dirfd", (uint64_t)-100);
	make_str(&f->enter, "name", "passwd");
	make_num(&f->enter, "flags", 1);
	make_num(&f->enter, "mode", 0);
	assert_true(upgrade(f));
	assert_is(&f->exit.ev, EV_OPENAT);
	assert_int_equal(number_of(&f->exit.ev, "fd"), -2);
	assert_int_equal(number_of(&f->exit.ev, "dirfd"), -100);
	assert_text(&f->exit.ev, "name", "passwd");
	assert_int_equal(number_of(&f->exit.ev, "flags"), 1);
	assert_int_equal(param_of(&f->exit.ev, "ino").len, 0);
	assert_int_equal(f->exit.ev.enter_ns, 1000);

	make_pair(f, 99); /* mkdir */
	make_num(&f->exit, "res", 0);
	make_str(&f->enter, "path", "/tmp/x");
	make_num(&f->enter, "mode", 0755);
	assert_true(upgrade(f));
	assert_is(&f->exit.ev, EV_MKDIR);
	assert_text(&f->exit.ev, "path", "/tmp/x");
	assert_int_equal(number_of(&f->exit.ev, "mode"), 0755);

	make_pair(f, 27);
	make_num(&f->exit, "fd", 5);
	make_num(&f->exit, "queuepct", 50);
	assert_true(upgrade(f));
	assert_is(&f->exit.ev, EV_ACCEPT);
	assert_int_equal(number_of(&f->exit.ev, "queuepct"), 50);
	assert_int_equal(param_of(&f->exit.ev, "queuelen").len, 0);

	make_pair(f, 57); /* accept4, called accept then */
	make_num(&f->exit, "fd", 6);
	make_num(&f->enter, "flags", 3);
	assert_true(upgrade(f));
	assert_is(&f->exit.ev, EV_ACCEPT4);
	assert_string_equal(f->exit.ev.def->name, "accept4");
	assert_int_equal(number_of(&f->exit.ev, "flags"), 3);

	make_pair(f, 85);
	make_num(&f->exit, "res", 1);
	assert_true(upgrade(f));
	assert_is(&f->exit.ev, EV_SELECT);
	assert_int_equal(number_of(&f->exit.ev, "res"), 1);

	make_pair(f, 259); /* its flags say nothing that umount has a place for */
	make_str(&f->exit, "name", "/mnt");
	make_num(&f->enter, "flags", 2);
	assert_true(upgrade(f));
	assert_is(&f->exit.ev, EV_UMOUNT);
	assert_text(&f->exit.ev, "name", "/mnt");
}

/* A parameter that was put in the middle moves those behind it. */
static void test_processes_of_every_version(void **state)
{
	static const uint16_t execs[] = {13, 155, 173, 215, 231, 283, 289};
	static const uint16_t clones[] = {15, 157, 217};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(execs); i++) {
		make_pair(f, execs[i]);
		make_num(&f->exit, "res", 0);
		make_str(&f->exit, "exe", "/bin/ls");
		make_raw(&f->exit, "args", "-l\0", 3);
		make_num(&f->exit, "fdlimit", 1024);
		if (execs[i] >= 173)
			make_raw(&f->exit, "env", "A=1\0", 4);
		if (execs[i] == 289)
			make_str(&f->enter, "filename", "/bin/ls");
		assert_true(upgrade(f));
		assert_is(&f->exit.ev, EV_EXECVE);
		assert_text(&f->exit.ev, "exe", "/bin/ls");
		assert_int_equal(number_of(&f->exit.ev, "fdlimit"), 1024);
		assert_int_equal(param_of(&f->exit.ev, "env").len, execs[i] >= 173 ? 4 : 0);
		assert_int_equal(param_of(&f->exit.ev, "filename").len, execs[i] == 289 ? 8 : 0);
		assert_int_equal(param_of(&f->exit.ev, "uid").len, 0);
	}
	for (size_t i = 0; i < COUNT(clones); i++) {
		make_pair(f, clones[i]);
		make_num(&f->exit, "res", 42);
		make_num(&f->exit, "flags", 0x10);
		make_num(&f->exit, "uid", 1000);
		assert_true(upgrade(f));
		assert_is(&f->exit.ev, EV_CLONE);
		assert_int_equal(number_of(&f->exit.ev, "res"), 42);
		assert_int_equal(number_of(&f->exit.ev, "flags"), 0x10);
		assert_int_equal(number_of(&f->exit.ev, "uid"), 1000);
		assert_int_equal(param_of(&f->exit.ev, "vtid").len, 0);
	}
	make_pair(f, 16);
	assert_true(upgrade(f));
	assert_is(&f->exit.ev, EV_PROCEXIT);
	assert_int_equal(param_of(&f->exit.ev, "status").len, 0);
	make_pair(f, 146);
	make_num(&f->exit, "next", 99);
	assert_true(upgrade(f));
	assert_is(&f->exit.ev, EV_SWITCH);
	assert_int_equal(number_of(&f->exit.ev, "next"), 99);
	make_pair(f, EV_SYSCALL);
	make_num(&f->exit, "ID", 3);
	f->exit.ev.nparams = 1;
	make_num(&f->enter, "ID", 3);
	make_num(&f->enter, "nativeID", 0);
	assert_true(upgrade(f));
	assert_int_equal(number_of(&f->exit.ev, "nativeID"), 0);
}

static void test_renamed_and_false_friends(void **state)
{
	struct fixture *f = *state;

	make_pair(f, 125); /* dup: fd of the enter is oldfd now */
	make_num(&f->exit, "res", 4);
	make_num(&f->enter, "fd", 3);
	assert_true(event_upgrade_wants_enter(f->u, 125, 1));
	assert_true(upgrade(f));
	assert_is(&f->exit.ev, EV_DUP);
	assert_int_equal(number_of(&f->exit.ev, "res"), 4);
	assert_int_equal(number_of(&f->exit.ev, "oldfd"), 3);

	const uint16_t dups[] = {EV_DUP, EV_DUP2, EV_DUP3};

	for (size_t i = 0; i < COUNT(dups); i++) {
		make_pair(f, dups[i]);
		f->exit.ev.nparams = 1;
		make_num(&f->enter, "fd", 3);
		assert_true(upgrade(f));
		assert_int_equal(number_of(&f->exit.ev, "oldfd"), 3);
	}

	make_pair(f, EV_EXECVEAT); /* the enter's flags are AT_EMPTY_PATH and such */
	f->exit.ev.nparams = 19;
	make_num(&f->enter, "flags", 0x1000);
	assert_false(event_upgrade_wants_enter(f->u, EV_EXECVEAT, 19));
	assert_true(upgrade(f));
	assert_int_equal(f->exit.ev.nparams, 30);
	assert_int_equal(param_of(&f->exit.ev, "flags").len, 0);
	make_pair(f, EV_EXECVEAT);
	make_num(&f->exit, "flags", 1);
	f->exit.ev.nparams = 20;
	assert_true(upgrade(f));
	assert_int_equal(number_of(&f->exit.ev, "flags"), 1);

	make_pair(f, 11); /* brk: half an address is nothing */
	make_num(&f->exit, "res", 0x5555000);
	make_num(&f->enter, "size", 0x5555000);
	assert_true(upgrade(f));
	assert_is(&f->exit.ev, EV_BRK);
	assert_int_equal(number_of(&f->exit.ev, "res"), 0x5555000);
	assert_int_equal(param_of(&f->exit.ev, "vm_size").len, 0);
	assert_int_equal(param_of(&f->exit.ev, "addr").len, 0);
}

static void test_bpf(void **state)
{
	struct fixture *f = *state;

	make_pair(f, 297);
	make_raw(&f->exit, "res_or_fd", "\0\5\0\0\0\0\0\0\0", 9);
	make_num(&f->enter, "cmd", 5); /* 64 bits then, 32 now */
	assert_true(upgrade(f));
	assert_is(&f->exit.ev, EV_BPF);
	assert_int_equal(number_of(&f->exit.ev, "fd"), 5);
	assert_int_equal(number_of(&f->exit.ev, "cmd"), 5);
	assert_int_equal(param_of(&f->exit.ev, "cmd").len, 4);

	make_pair(f, 297);
	make_raw(&f->exit, "res_or_fd", "\1\377\377\377\377\377\377\377\377", 9);
	assert_true(upgrade(f));
	assert_int_equal(number_of(&f->exit.ev, "fd"), -1);

	static const char *const broken[] = {"", "\0", "\2\5\0\0\0\0\0\0\0", "\377"};
	static const size_t sizes[] = {0, 1, 9, 1};

	for (size_t i = 0; i < COUNT(sizes); i++) {
		make_pair(f, 297);
		make_raw(&f->exit, "res_or_fd", broken[i], sizes[i]);
		assert_true(upgrade(f));
		assert_int_equal(param_of(&f->exit.ev, "fd").len, 0);
	}
}

static void test_container(void **state)
{
	struct fixture *f = *state;

	make_pair(f, 228);
	make_str(&f->exit, "id", "3ad7b26ded6d");
	make_num(&f->exit, "type", 0);
	make_str(&f->exit, "name", "we\"b\n\377");
	make_str(&f->exit, "image", "alpine:3");
	assert_true(event_upgrade(f->u, &f->exit.ev, NULL, &f->a));
	assert_is(&f->exit.ev, EV_CONTAINER);
	assert_text(&f->exit.ev, "json",
		"{\"container\":{\"id\":\"3ad7b26ded6d\",\"type\":0,"
		"\"name\":\"we\\\"b\\n\xef\xbf\xbd\",\"image\":\"alpine:3\"}}");

	make_pair(f, 228); /* nothing in it */
	f->exit.ev.nparams = 0;
	assert_true(event_upgrade(f->u, &f->exit.ev, NULL, &f->a));
	assert_text(&f->exit.ev, "json",
		"{\"container\":{\"id\":\"\",\"type\":0,\"name\":\"\",\"image\":\"\"}}");

	static char long_text[70000]; /* the longest texts, of the bytes that escape worst */

	memset(long_text, 1, sizeof(long_text) - 1);
	make_pair(f, 228);
	f->exit.ev.params[0] = f->exit.ev.params[2] = f->exit.ev.params[3] =
		str_make(long_text, sizeof(long_text));
	assert_true(event_upgrade(f->u, &f->exit.ev, NULL, &f->a));
	struct str json = param_of(&f->exit.ev, "json");

	assert_int_equal(json.len,
		3 * 6 * 4096 + strlen("{'container':{'id':'','type':0,'name':'','image':''}}") + 1);
	assert_string_equal(json.s + json.len - 3, "}}");

	make_pair(f, 272);
	make_str(&f->exit, "json", "{}");
	assert_true(event_upgrade(f->u, &f->exit.ev, NULL, &f->a));
	assert_is(&f->exit.ev, EV_CONTAINER);
	assert_text(&f->exit.ev, "json", "{}");
}

static void test_widths(void **state)
{
	struct fixture *f = *state;

	make_pair(f, 145); /* prlimit: pid became a plain number of the same width */
	f->exit.ev.nparams = 5;
	make_num(&f->enter, "pid", (uint64_t)-1);
	assert_true(upgrade(f));
	assert_int_equal(number_of(&f->exit.ev, "pid"), -1);

	make_pair(
		f, EV_CLOSE); /* a signed number of four bytes, an unsigned one of two, odd ones */
	f->exit.ev.nparams = 1;
	make_raw(&f->enter, "fd", "\376\377\377\377", 4);
	assert_true(upgrade(f));
	assert_int_equal(number_of(&f->exit.ev, "fd"), -2);
	make_pair(f, EV_READ);
	f->exit.ev.nparams = 2;
	make_raw(&f->enter, "fd", "\3\0\0", 3);
	make_raw(&f->enter, "size", "\377\377", 2);
	assert_true(upgrade(f));
	assert_int_equal(number_of(&f->exit.ev, "fd"), 3);
	assert_int_equal(number_of(&f->exit.ev, "size"), 0xffff);
	make_pair(f, EV_READ);
	f->exit.ev.nparams = 2;
	make_raw(&f->enter, "size", "\1\2\3\4\5\6\7\10", 8);
	assert_true(upgrade(f));
	assert_int_equal(number_of(&f->exit.ev, "size"), 0x04030201);
	assert_int_equal(param_of(&f->exit.ev, "size").len, 4);
}

static void test_no_current_form(void **state)
{
	static const uint16_t codes[] = {0, 4, 16 + 4, 102, 260, 268, 270, EV_OPEN_E, EV_OPENAT_E};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(codes); i++) {
		make_event(&f->exit, codes[i]);
		struct made before = f->exit;

		assert_false(event_upgrade(f->u, &f->exit.ev, NULL, &f->a));
		assert_memory_equal(&f->exit.ev, &before.ev, sizeof(before.ev));
		assert_false(event_upgrade_wants_enter(f->u, codes[i], 0));
	}
	f->exit.ev.code = EVENT_FORK;
	assert_false(event_upgrade(f->u, &f->exit.ev, NULL, &f->a));
	f->exit.ev.code = 17; /* never used */
	assert_false(event_upgrade(f->u, &f->exit.ev, NULL, &f->a));
	f->exit.ev.code = UINT16_MAX;
	assert_false(event_upgrade(f->u, &f->exit.ev, NULL, &f->a));
	assert_false(event_upgrade_wants_enter(f->u, UINT16_MAX, 0));
}

static bool is_number(const struct param_def *p)
{
	bool is_signed;

	return param_type_size(p->type, &is_signed) > 0;
}

static bool is_text(const struct param_def *p)
{
	return p->type == PT_CHARBUF || p->type == PT_FSPATH || p->type == PT_FSRELPATH;
}

/* Each byte of a value says where it comes from: 1 … 32 the exit's parameters, 33 … the enter's. */
static void mark(struct made *m, unsigned first)
{
	for (unsigned i = 0; i < m->ev.def->nparams; i++) {
		char *at = m->bytes + m->used;

		memset(at, (int)(first + i), 8);
		m->ev.params[i] = str_make(at, 8);
		m->used += 8;
	}
}

static bool is_exception(uint16_t code, const char *name)
{
	return code == 228 || code == 125 || code == 297 ||
	       (code == EV_EXECVEAT && strcmp(name, "flags") == 0) ||
	       ((code == EV_DUP || code == EV_DUP2 || code == EV_DUP3) &&
		       strcmp(name, "oldfd") == 0);
}

static void check_by_name(struct fixture *f, uint16_t code, unsigned nparams)
{
	const struct event_def *exit = event_def(code), *enter = f->enter.ev.def;
	bool is_wanted = false, wants = event_upgrade_wants_enter(f->u, code, nparams);

	f->exit.ev.nparams = (uint8_t)nparams;
	assert_true(upgrade(f));
	const struct event_def *to = f->exit.ev.def;

	for (unsigned i = 0; i < to->nparams; i++) {
		int own = event_param_index(exit, str_of(to->params[i].name));
		int other = event_param_index(enter, str_of(to->params[i].name));
		struct str got = event_param(&f->exit.ev, i);

		if (is_exception(code, to->params[i].name)) {
			is_wanted = wants;
			continue;
		}
		unsigned expect = own >= 0 && own < (int)nparams ? 1 + (unsigned)own
				  : other >= 0                   ? 33 + (unsigned)other
								 : 0;

		is_wanted |= expect >= 33;
		if (!expect) {
			assert_int_equal(got.len, 0);
			continue;
		}
		assert_int_equal((uint8_t)got.s[0], expect);
		const struct param_def *p =
			expect < 33 ? &exit->params[own] : &enter->params[other];

		/* no number becomes a text, or the other way round */
		assert_true(p->type == to->params[i].type ||
			    (is_number(p) && is_number(&to->params[i])) ||
			    (is_text(p) && is_text(&to->params[i])));
	}
	assert_int_equal(wants, is_wanted);
}

static void test_every_event_with_every_count(void **state)
{
	struct fixture *f = *state;

	for (uint16_t code = 0; code < EVENT_CODE_MAX; code++) {
		const struct event_def *def = event_def(code);

		if (!def || (def->flags & EF_ENTER) || (def->flags & EF_OLD && !def->next))
			continue;
		for (unsigned n = 0; n <= def->nparams; n++) {
			make_event(&f->exit, code);
			mark(&f->exit, 1);
			memset(&f->enter, 0, sizeof(f->enter));
			const struct event_def *enter = event_def((uint16_t)(code - 1));

			if (code % 2 && enter && enter->flags & EF_ENTER) {
				make_event(&f->enter, (uint16_t)(code - 1));
				mark(&f->enter, 33);
			}
			check_by_name(f, code, n);
		}
	}
}

/* Parameters of any number, length and content, each exactly so long, for the sanitizers. */
static void make_hostile(struct event *ev, char **heap, uint16_t code, uint64_t *seed)
{
	*ev = (struct event){.code = code, .def = event_def(code)};
	ev->nparams = (uint8_t)((*seed = hash_u64(*seed + 1)) % (EVENT_PARAMS_MAX + 1));
	for (unsigned i = 0; i < EVENT_PARAMS_MAX; i++) {
		size_t len = (*seed = hash_u64(*seed + 1)) % 12;

		heap[i] = malloc(len ? len : 1);
		assert_non_null(heap[i]);
		memset(heap[i], (int)(*seed % 3), len ? len : 1);
		if (i < ev->nparams)
			ev->params[i] = str_make(heap[i], len);
	}
}

static void read_all(const struct event *ev)
{
	struct buf b = BUF_INIT(65536);

	event_args_format(ev, &b);
	for (unsigned i = 0; i < ev->nparams; i++) {
		struct str s = event_param(ev, i);

		assert_true(s.len == 0 || s.s[s.len - 1] + s.s[0] != 12345); /* read it */
	}
	buf_done(&b);
}

static void test_hostile_parameters(void **state)
{
	struct fixture *f = *state;
	uint64_t seed = 1;

	for (uint16_t code = 0; code < EVENT_CODE_MAX; code++) {
		char *heap[2][EVENT_PARAMS_MAX];
		struct event ev, enter;

		if (!event_def(code))
			continue;
		make_hostile(&ev, heap[0], code, &seed);
		make_hostile(&enter, heap[1], (uint16_t)(code - 1), &seed);
		arena_reset(&f->a);
		if (event_upgrade(f->u, &ev, &enter, &f->a))
			assert_is(&ev, ev.code);
		read_all(&ev);
		for (unsigned i = 0; i < EVENT_PARAMS_MAX; i++) {
			free(heap[0][i]);
			free(heap[1][i]);
		}
	}
}

static void test_warm_upgrades_allocate_nothing(void **state)
{
	struct fixture *f = *state;
	uint64_t before = 0;

	for (int round = 0; round < 3; round++) {
		make_pair(f, EV_CLOSE);
		f->exit.ev.nparams = 1;
		make_raw(&f->enter, "fd", "\376\377\377\377", 4); /* needs new bytes */
		assert_true(upgrade(f));
		if (round == 0)
			before = f->a.nmallocs;
	}
	assert_true(before > 0);
	assert_int_equal(f->a.nmallocs, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complete_events_stay),
		cmocka_unit_test(test_missing_ones_come_from_the_enter),
		cmocka_unit_test(test_what_no_event_has_is_empty),
		cmocka_unit_test(test_enter_of_another_call),
		cmocka_unit_test(test_replaced_versions),
		cmocka_unit_test(test_processes_of_every_version),
		cmocka_unit_test(test_renamed_and_false_friends),
		cmocka_unit_test(test_bpf),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_no_current_form),
		cmocka_unit_test(test_every_event_with_every_count),
		cmocka_unit_test(test_hostile_parameters),
		cmocka_unit_test(test_warm_upgrades_allocate_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
