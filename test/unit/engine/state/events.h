/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Events for this room's tests, made by hand as a sensor would make them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the ones above */
#include <cmocka.h>
#include <sched.h>

#include "engine/state/private.h"

enum {
	CODE_EXECVE = 293,
	CODE_PROCEXIT = 186,
	CODE_SETUID = 199,
	CODE_SETRESUID = 193,
	CODE_SETGID = 201,
	CODE_SETSID = 275,
	CODE_SETPGID = 295,
	CODE_CHDIR = 95,
	CODE_CHROOT = 267,
	CODE_CAPSET = 353,
	CODE_PRCTL = 401,
	CODE_CLOSE = 5
};

#define TICK             ((uint64_t)TICK_NS)
#define assert_str(s, c) assert_true_msg(str_is(s, c), s, c, __LINE__)

static inline void assert_true_msg(bool ok, struct str got, const char *want, int line)
{
	if (!ok)
		fail_msg("line %d: \"%.*s\", expected \"%s\"", line, STR_ARG(got), want);
}

struct made_event {
	struct event ev;
	char bytes[8192];
	size_t used;
};

static inline struct made_event *make(uint16_t code, uint32_t pid, uint64_t start_ns)
{
	static struct made_event pool[4];
	static unsigned next;
	static uint64_t ts = 1000000000ULL;
	struct made_event *m = &pool[next++ % 4];

	memset(&m->ev, 0, sizeof(m->ev));
	m->used = 0;
	ts += 1000;
	m->ev = (struct event){.code = code,
		.pid = pid,
		.tid = pid,
		.start_ns = start_ns,
		.ts_ns = ts,
		.uid = UINT32_MAX,
		.gid = UINT32_MAX,
		.def = event_def(code)};
	m->ev.fd.num = INT64_MIN;
	m->ev.nparams = m->ev.def ? m->ev.def->nparams : 0;
	return m;
}

static inline void set_raw(struct made_event *m, const char *name, const void *data, size_t len)
{
	int i = event_param_index(m->ev.def, str_of(name));

	assert_true(i >= 0 && m->used + len <= sizeof(m->bytes));
	memcpy(m->bytes + m->used, data, len);
	m->ev.params[i] = str_make(m->bytes + m->used, len);
	m->used += len;
}

static inline void set_str(struct made_event *m, const char *name, const char *value)
{
	set_raw(m, name, value, strlen(value) + 1);
}

static inline size_t type_size(uint8_t type)
{
	switch (type) {
	case PT_INT8:
	case PT_UINT8:
	case PT_FLAGS8:
	case PT_ENUMFLAGS8:
	case PT_SIGTYPE:
		return 1;
	case PT_INT16:
	case PT_UINT16:
	case PT_FLAGS16:
	case PT_ENUMFLAGS16:
		return 2;
	case PT_INT32:
	case PT_UINT32:
	case PT_FLAGS32:
	case PT_ENUMFLAGS32:
	case PT_UID:
	case PT_GID:
	case PT_FD32:
	case PT_PID32:
	case PT_MODE:
		return 4;
	default:
		return 8;
	}
}

static inline void set_num(struct made_event *m, const char *name, int64_t value)
{
	int i = event_param_index(m->ev.def, str_of(name));

	assert_true(i >= 0);
	set_raw(m, name, &value, type_size(m->ev.def->params[i].type));
}

static inline struct process *apply(struct state *s, struct made_event *m)
{
	return state_apply(s, &m->ev);
}

static inline struct made_event *make_fork(
	uint32_t pid, uint64_t start, uint32_t child, uint64_t child_start)
{
	struct made_event *m = make(EVENT_FORK, pid, start);

	m->ev.fork = (struct event_fork){.child_pid = child,
		.child_tid = child,
		.parent_pid = pid,
		.child_start_ns = child_start,
		.parent_start_ns = start,
		.vpid = child,
		.vtid = child};
	return m;
}

static inline struct made_event *make_exit(uint32_t pid, uint64_t start, uint32_t reaper)
{
	struct made_event *m = make(CODE_PROCEXIT, pid, start);

	if (reaper)
		set_num(m, "reaper_tid", reaper);
	return m;
}

static inline struct made_event *make_exec(
	uint32_t pid, uint64_t start, const char *exepath, const char *comm)
{
	struct made_event *m = make(CODE_EXECVE, pid, start);

	set_num(m, "res", 0);
	set_str(m, "exe", exepath);
	set_str(m, "comm", comm);
	m->ev.exepath = str_of(exepath);
	return m;
}

static inline struct state *new_state(struct state_options o)
{
	struct err e = {0};
	struct state *s = state_new(&o, &e);

	if (!s)
		fail_msg("%s", e.msg);
	return s;
}

static inline struct state *new_blind_state(void)
{
	return new_state((struct state_options){.no_proc = true});
}
