/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of the schema becomes a plan that the probe can follow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "source/sensor/plan.h"

enum { ARGS = 6, ANY = 0xff };

/* The read that a source needs; the bytes that READ_FIXED has to bring. */
static uint8_t needed(const struct param_source *s, unsigned *bytes)
{
	*bytes = 0;
	switch ((enum source_kind)s->kind) {
	case SRC_STR:
		return READ_STR;
	case SRC_DATA:
		return READ_DATA;
	case SRC_IOV:
		return READ_IOV;
	case SRC_MSG:
		return READ_MSG;
	case SRC_SOCKADDR:
		return READ_SOCKADDR;
	case SRC_U32AT:
	case SRC_CONV_U32AT:
		*bytes = 4u * (s->b + 1u);
		return READ_FIXED;
	case SRC_U64AT:
	case SRC_CONV_U64AT:
		*bytes = 8u * (s->b + 1u);
		return READ_FIXED;
	case SRC_TIMESPEC:
		*bytes = 16;
		return READ_FIXED;
	default:
		return READ_NONE;
	}
}

static void check_param(const struct event_def *def, const struct event_plan *ep, unsigned i)
{
	const struct param_source *s = &ep->sources[i];
	unsigned bytes;
	uint8_t kind = needed(s, &bytes);

	if (kind == READ_NONE)
		return;
	if (ep->slot[i] >= ep->plan.nreads)
		fail_msg("%s.%s has no read: at most %d fit", def->name, def->params[i].name,
			RECORD_READS_MAX);
	const struct plan_read *r = &ep->plan.reads[ep->slot[i]];

	if (r->kind != kind || r->a != s->a || (kind == READ_FIXED && r->b < bytes))
		fail_msg("%s.%s has the wrong read", def->name, def->params[i].name);
}

static void check_plan(const struct event_def *def, const struct event_plan *ep)
{
	const struct plan *p = &ep->plan;

	assert_true(p->nreads <= RECORD_READS_MAX);
	assert_true(p->npaths <= 2);
	assert_true(p->fd < ARGS || p->fd == PLAN_NONE || p->fd == PLAN_FD_RET ||
		    p->fd == PLAN_FD_PAIR);
	/* the pair is what the first read finds */
	if (p->fd == PLAN_FD_PAIR)
		assert_true(p->reads[0].kind == READ_FIXED && p->reads[0].b == 8);
	for (unsigned i = 0; i < p->nreads; i++) {
		assert_true(p->reads[i].kind > READ_NONE && p->reads[i].kind <= READ_POLL);
		assert_true(p->reads[i].a < ARGS);
		if (p->reads[i].kind != READ_FIXED)
			assert_true(p->reads[i].b < ARGS);
	}
	for (unsigned i = 0; i < p->npaths; i++) {
		assert_true(p->path_read[i] < p->nreads);
		assert_int_equal(p->reads[p->path_read[i]].kind, READ_STR);
		assert_true(p->path_dir[i] < ARGS || p->path_dir[i] == PLAN_NONE);
	}
	for (unsigned i = 0; i < def->nparams; i++)
		check_param(def, ep, i);
	if (def->flags & EF_CREATES_FD)
		assert_true(p->fd == PLAN_FD_RET || p->fd == PLAN_FD_PAIR);
}

static void test_all(void **state)
{
	unsigned n = 0;

	for (uint16_t code = 0; code < EVENT_CODE_MAX; code++) {
		const struct event_def *def = event_def(code);
		const struct event_plan *ep = event_plan(code);

		if (!def || !ep)
			continue;
		check_plan(def, ep);
		n++;
	}
	assert_true(n > 150);
	assert_null(event_plan(EVENT_CODE_MAX));
	assert_null(event_plan(0xffff));
}

static void test_syscalls(void **state)
{
	const struct syscall_row *const tables[] = {syscalls_native, syscalls_compat};

	for (int t = 0; t < 2; t++) {
		for (const struct syscall_row *r = tables[t]; r->name; r++) {
			const struct event_def *def = event_def(r->code);

			assert_true(r->nr < PROBE_SYSCALLS);
			assert_true(r->code < PROBE_CODES);
			if (!def || (def->flags & (EF_ENTER | EF_META | EF_OLD)))
				fail_msg("%s yields event %u, which is no exit event", r->name,
					r->code);
			assert_non_null(event_plan(r->code));
		}
	}
}

static void expect(uint16_t code, uint8_t fd, uint8_t dir1, uint8_t dir2)
{
	const struct plan *p = &event_plan(code)->plan;

	assert_int_equal(p->fd, fd);
	assert_int_equal(p->npaths, (dir1 != ANY) + (dir2 != ANY));
	if (dir1 != ANY)
		assert_int_equal(p->path_dir[0], dir1 == 9 ? PLAN_NONE : dir1);
	if (dir2 != ANY)
		assert_int_equal(p->path_dir[1], dir2 == 9 ? PLAN_NONE : dir2);
}

static void test_some(void **state)
{
	/* 9: from the working folder */
	expect(EV_OPEN, PLAN_FD_RET, 9, ANY);
	expect(EV_OPENAT, PLAN_FD_RET, 0, ANY);
	expect(EV_OPENAT2, PLAN_FD_RET, 0, ANY);
	expect(EV_RENAME, PLAN_NONE, 9, 9);
	expect(EV_RENAMEAT2, event_plan(EV_RENAMEAT2)->plan.fd, 0, 2);
	expect(EV_LINKAT, event_plan(EV_LINKAT)->plan.fd, 0, 2);
	expect(EV_CONNECT, 0, ANY, ANY);
	expect(EV_CLOSE, 0, ANY, ANY);
	assert_true(event_plan(EV_SENDTO)->plan.flags & PLAN_ADDR);
	assert_int_equal(event_plan(EV_SENDTO)->plan.addr_arg, 4);
	assert_int_equal(event_plan(EV_SENDMSG)->plan.msg_arg, 1);
	assert_true(event_plan(EV_CHDIR)->plan.flags & PLAN_CWD_AFTER);
	assert_true(event_plan(EV_EXECVE)->plan.flags & PLAN_FAIL_ONLY);
	assert_int_equal(event_plan(EV_EXECVEAT)->plan.reads[0].a, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_syscalls),
		cmocka_unit_test(test_some),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
