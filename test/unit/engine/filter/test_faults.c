/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions and formats when memory runs out, at each allocation and with an arena of each size:
 * an error with a sentence, or a program that judges as it should; never one that judges otherwise.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "fault.h"
#include "test/unit/engine/filter/subject.h"

/* One of each kind of matcher, and what it says of the usual subject. */
static const struct {
	const char *text;
	bool holds;
} conditions[] = {
	{"evt.type in (open, openat, openat2) and not proc.name in (cron, sshd)", true},
	{"fd.name startswith /etc or fd.name startswith /var or fd.name startswith /root", true},
	{"fd.name pmatch (/srv, /etc/ssh) or fd.name glob /etc/shad*", true},
	{"fd.name in (/a, /b, '/c d') or fd.name endswith .conf", false},
	{"proc.cmdline contains one or proc.cmdline contains two or proc.cmdline contains Cat",
		true},
	{"proc.cmdline regex '.*(c|C)at.*' and tolower(proc.cmdline) icontains CAT", true},
	{"fd.cnet in (10.0.0.0/8, 192.168.0.0/16) and fd.ip = 192.0.2.7", true},
	{"fd.cport in (80, 443, 8080) and fd.types intersects (file, pipe)", true},
	{"not (proc.aname = sshd or fd.name exists)", false},
};
enum { CONDITIONS = sizeof(conditions) / sizeof(conditions[0]) };

/* 0 when each condition judges as it should; else -errno, and `fe` or `e` says why. */
static int judge(struct arena *a, struct filter_program *p, struct filter_error *fe, struct err *e)
{
	uint32_t roots[CONDITIONS];
	struct ast *ast;
	int r;

	for (size_t i = 0; i < CONDITIONS; i++) {
		if ((r = filter_parse(a, str_of(conditions[i].text), &test_options, &ast, fe)) <
				0 ||
			(r = filter_program_add(p, ast, &roots[i], fe)) < 0)
			return r;
	}
	if ((r = filter_program_seal(p, e)) < 0)
		return r;
	struct filter_eval *ev = filter_eval_new(p);
	if (!ev) {
		err_set(e, ENOMEM, "no evaluator");
		return -ENOMEM;
	}
	/* what fails while judging may be missed once; it must not stay so, and must not crash */
	filter_eval_begin(ev, &usual);
	for (size_t i = 0; i < CONDITIONS; i++)
		filter_eval_root(ev, roots[i]);
	fault_disarm();
	filter_eval_begin(ev, &usual);
	for (size_t i = 0; i < CONDITIONS; i++)
		if (filter_eval_root(ev, roots[i]) != conditions[i].holds)
			fail_msg("judged otherwise: %s", conditions[i].text);
	filter_eval_free(ev);
	return 0;
}

static int build_and_judge(size_t arena_bytes)
{
	struct filter_program *p = filter_program_new(&test_fields);
	struct filter_error fe = {0};
	struct err e = {0};
	struct arena a;

	if (!p)
		return -ENOMEM;
	arena_init(&a, arena_bytes);
	int r = judge(&a, p, &fe, &e);
	fault_disarm();
	if (r < 0 && !fe.msg[0] && !e.msg[0])
		fail_msg("refused (%d) without a word", r);
	filter_program_free(p);
	arena_done(&a);
	return r;
}

static void allocations_that_fail(void **state)
{
	unsigned refused = 0;

	assert_int_equal(build_and_judge(0), 0);
	for (unsigned n = 1; n; n = fault_was_reached() ? n + 1 : 0) {
		fault_arm(FAULT_ALLOC, n, ENOMEM);
		refused += build_and_judge(0) < 0;
	}
	assert_true(refused > 10);
}

static void arenas_that_are_full(void **state)
{
	size_t bytes = 16;

	while (build_and_judge(bytes) < 0 && bytes < 1 << 20)
		bytes += 48;
	assert_true(bytes > 2000 && bytes < 1 << 20);
}

static void formats(void **state)
{
	static const char text[] =
		"*%evt.type by %20proc.name %toupper(proc.cmdline) %fd.name %fd.types";
	struct buf whole = BUF_INIT(1000), now = BUF_INIT(1000);
	unsigned refused = 0;

	for (size_t bytes = 1 << 16;; bytes = bytes == 1 << 16 ? 16 : bytes + 16) {
		struct arena a, values;
		struct format *f = NULL;
		struct filter_error fe = {0};

		arena_init(&a, bytes);
		arena_init(&values, 0);
		int r = format_compile(&a, str_of(text), &test_options, &f, &fe);
		struct field_ctx ctx = {.subject = &usual, .arena = &values};
		buf_clear(&now);
		if (r == 0)
			format_render(f, &ctx, &now);
		else if (!fe.msg[0])
			fail_msg("%zu bytes: refused without a word", bytes);
		arena_done(&a);
		arena_done(&values);
		if (bytes == 1 << 16) {
			assert_int_equal(r, 0);
			buf_add(&whole, buf_str(&now));
		} else if (r == 0) {
			assert_string_equal(now.s, whole.s);
			break;
		}
		refused += r < 0;
	}
	assert_true(refused > 10);
	buf_done(&whole);
	buf_done(&now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allocations_that_fail),
		cmocka_unit_test(arenas_that_are_full),
		cmocka_unit_test(formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
