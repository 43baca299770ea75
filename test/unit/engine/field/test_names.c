/* SPDX-License-Identifier: Apache-2.0 */
/* Host names of addresses, without a name server; and that getters do not allocate. */
#include <errno.h>
#include <malloc.h>

#include "fixture.h"

static const struct ip_addr server = {.bytes = {192, 0, 2, 9}}, other = {.bytes = {192, 0, 2, 1}};

static void compare(void **state)
{
	struct field_names *n = field_names_new();
	struct fixture fx;

	fixture_init(&fx);
	fixture_event(&fx, EV_CONNECT);
	set_tcp(&fx, 3);
	/* no cache at all: missing */
	assert_not(&fx, "fd.sip.name = a.example.org");
	assert_not(&fx, "fd.sip.name != a.example.org");
	assert_missing(&fx, "fd.sip.name");
	fx.subject.names = n;
	assert_int_equal(field_names_add(n, STR("a.example.org")), 0);
	assert_int_equal(field_names_add(n, STR("b.example.org")), 0);
	/* not resolved yet: missing still */
	assert_not(&fx, "fd.sip.name = a.example.org");
	assert_not(&fx, "fd.sip.name != a.example.org");
	field_names_set(n, STR("a.example.org"), &server, 1);
	field_names_set(n, STR("b.example.org"), &other, 1);
	assert_holds(&fx, "fd.sip.name = a.example.org");
	assert_holds(&fx, "fd.sip.name = A.Example.Org");
	assert_not(&fx, "fd.sip.name != a.example.org");
	assert_not(&fx, "fd.sip.name = b.example.org");
	assert_holds(&fx, "fd.sip.name != b.example.org");
	assert_holds(&fx, "fd.rip.name in (b.example.org, a.example.org)");
	assert_not(&fx, "fd.cip.name in (b.example.org, a.example.org)");
	assert_holds(&fx, "fd.sip.name startswith a.");
	assert_shown(&fx, "fd.sip.name", "a.example.org");
	assert_missing(&fx, "fd.cip.name");
	/* two names of one address: each is its name */
	field_names_set(n, STR("b.example.org"), &server, 1);
	assert_holds(&fx, "fd.sip.name = b.example.org");
	assert_holds(&fx, "fd.sip.name = a.example.org");
	field_names_free(n);
	fixture_done(&fx);
}

static void limits(void **state)
{
	struct field_names *n = field_names_new();
	char name[300];

	memset(name, 'a', sizeof(name));
	assert_int_equal(field_names_add(n, STR("")), -EINVAL);
	assert_int_equal(field_names_add(n, str_make(name, 254)), -EINVAL);
	assert_int_equal(field_names_add(n, STR("a\0b")), -EINVAL);
	for (int i = 0; i < 1024; i++) {
		snprintf(name, sizeof(name), "h%d.example.org", i);
		assert_int_equal(field_names_add(n, str_of(name)), 0);
		assert_int_equal(field_names_add(n, str_of(name)), 0); /* once */
	}
	assert_int_equal(field_names_add(n, STR("one.more")), -ENOSPC);
	field_names_set(n, STR("unknown"), &server, 1);
	field_names_free(n);
	field_names_free(NULL);
}

static void collect_and_run(void **state)
{
	struct filter_parse_options o = {.fields = &field_set_syscall};
	struct field_names *n = field_names_new();
	struct filter_error fe = {0};
	struct fixture fx;
	struct ast *ast;

	fixture_init(&fx);
	assert_int_equal(
		filter_parse(&fx.arena,
			STR("proc.name = cat and not (fd.sip.name in (localhost, b.invalid) or "
			    "fd.cip.name = c.invalid)"),
			&o, &ast, &fe),
		0);
	field_names_collect(n, ast);
	fixture_event(&fx, EV_CONNECT);
	set_tcp(&fx, 3);
	fx.subject.names = n;
	field_names_set(n, STR("c.invalid"), &server, 1);
	assert_holds(&fx, "fd.sip.name = c.invalid");
	/* the thread starts and ends whether or not there is a name server */
	assert_int_equal(field_names_start(n), 0);
	assert_int_equal(field_names_add(n, STR("late.example.org")), -EBUSY);
	field_names_free(n);
	fixture_done(&fx);
}

/* Every field, with and without a value, on a warm arena: not one malloc. */
static void getters_do_not_allocate(void **state)
{
	struct fixture fx;
	uint64_t mallocs = 0;
	size_t in_use = 0;

	fixture_init(&fx);
	enter_container(&fx);
	set_file(&fx, 3, "/etc/shadow");
	set_text(&fx, "name", "/etc/shadow");
	set_number(&fx, "flags", 7);
	struct field_ctx ctx = {&fx.subject, &fx.event_arena};

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < field_set_syscall.nclasses; i++) {
			const struct field_class *c = field_set_syscall.classes[i];

			for (size_t j = 0; j < c->nfields; j++) {
				const struct field_def *f = &c->fields[j];
				struct field_arg arg = {0};
				struct value v;

				if (f->flags & FIELD_ARG_REQUIRED)
					arg.text = STR("name");
				if (f->get)
					f->get(&ctx, &arg, &v);
			}
		}
		arena_reset(&fx.event_arena);
		struct mallinfo2 m = mallinfo2();

		if (round == 1) {
			mallocs = fx.event_arena.nmallocs;
			in_use = m.uordblks;
		} else if (round == 2) {
			assert_int_equal(fx.event_arena.nmallocs, mallocs);
			assert_int_equal(m.uordblks, in_use);
		}
	}
	fixture_done(&fx);
}

/* A full arena makes values short or missing, never a crash. */
static void full_arena(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	enter_container(&fx);
	set_file(&fx, 3, "/etc/shadow");
	arena_done(&fx.event_arena);
	arena_init(&fx.event_arena, 1);
	struct field_ctx ctx = {&fx.subject, &fx.event_arena};

	for (size_t i = 0; i < field_set_syscall.nclasses; i++) {
		const struct field_class *c = field_set_syscall.classes[i];

		for (size_t j = 0; j < c->nfields; j++) {
			struct field_arg arg = {.text = STR("name")};
			struct value v;

			if (c->fields[j].get)
				c->fields[j].get(&ctx, &arg, &v);
		}
	}
	fixture_done(&fx);
}

static void stamp(void **state)
{
	struct field_names *n = field_names_new();
	const struct ip_addr both[] = {server, other}, turned[] = {other, server};

	assert_int_equal(field_names_add(n, STR("a.example.org")), 0);
	assert_int_equal(field_names_add(n, STR("b.example.org")), 0);
	uint64_t none = field_names_stamp(n);
	field_names_set(n, STR("a.example.org"), &server, 0);
	uint64_t empty = field_names_stamp(n);
	field_names_set(n, STR("a.example.org"), both, 2);
	uint64_t two = field_names_stamp(n);
	assert_true(none != empty && empty != two && none != two);
	field_names_set(n, STR("a.example.org"), turned, 2);
	assert_true(field_names_stamp(n) == two);
	field_names_set(n, STR("a.example.org"), &server, 1);
	uint64_t one = field_names_stamp(n);
	field_names_set(n, STR("a.example.org"), &server, 0);
	field_names_set(n, STR("b.example.org"), &server, 1);
	assert_true(one != two && field_names_stamp(n) != one);
	field_names_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compare),
		cmocka_unit_test(limits),
		cmocka_unit_test(stamp),
		cmocka_unit_test(collect_and_run),
		cmocka_unit_test(getters_do_not_allocate),
		cmocka_unit_test(full_arena),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
