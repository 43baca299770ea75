/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Events as a capture has them: a thread's number, parameters, and nothing more. */
#include <errno.h>
#include <sys/socket.h>

#include "events.h"

struct cap {
	struct state *s;
	struct arena a;
	const struct process *p; /* of the last event */
	const struct event *ev;
};

static inline struct cap cap_new(struct state_options o)
{
	o.no_proc = o.descriptors = true;
	struct cap c = {.s = new_state(o)};

	arena_init(&c.a, 1 << 20);
	return c;
}

static inline void cap_free(struct cap *c)
{
	state_free(c->s);
	arena_done(&c->a);
}

/* An event of the thread, by its name: the current one. */
static inline struct made_event *cap_make(const char *name, uint32_t tid)
{
	uint16_t codes[16];
	size_t n = event_codes_by_name(str_of(name), codes, 16);
	struct made_event *m = NULL;

	for (size_t i = 0; i < n && !m; i++)
		if (!(event_def(codes[i])->flags & (EF_ENTER | EF_OLD)))
			m = make(codes[i], 0, 0);
	assert_non_null(m);
	m->ev.tid = tid;
	return m;
}

static inline void cap_apply(struct cap *c, struct made_event *m)
{
	arena_reset(&c->a);
	state_complete(c->s, &c->a, &m->ev);
	c->p = state_apply(c->s, &m->ev);
	c->ev = &m->ev;
}

static inline void cap_add(
	struct cap *c, uint32_t tid, uint32_t pid, uint32_t ppid, const char *comm, const char *cwd)
{
	struct process p = {.pid = pid,
		.ppid = ppid,
		.vpid = pid,
		.uid = 1000,
		.comm = str_of(comm),
		.exe = str_of(comm),
		.cwd = str_of(cwd)};

	assert_int_equal(state_add_thread(c->s, tid, tid, &p), 0);
}

static inline void cap_open(
	struct cap *c, uint32_t tid, int64_t fd, const char *path, uint32_t flags)
{
	struct made_event *m = cap_make("openat", tid);

	set_num(m, "fd", fd);
	set_num(m, "dirfd", -100);
	set_str(m, "name", path);
	set_num(m, "flags", flags);
	cap_apply(c, m);
}

static inline void cap_fd(struct cap *c, const char *event, uint32_t tid, int64_t fd)
{
	struct made_event *m = cap_make(event, tid);

	set_num(m, "res", 0);
	set_num(m, "fd", fd);
	cap_apply(c, m);
}

static inline void cap_tuple(struct made_event *m, const char *from, uint16_t from_port,
	const char *to, uint16_t to_port)
{
	uint8_t raw[13] = {AF_INET};
	unsigned a[4], b[4];

	assert_int_equal(sscanf(from, "%u.%u.%u.%u", a, a + 1, a + 2, a + 3), 4);
	assert_int_equal(sscanf(to, "%u.%u.%u.%u", b, b + 1, b + 2, b + 3), 4);
	for (int i = 0; i < 4; i++) {
		raw[1 + i] = (uint8_t)a[i];
		raw[7 + i] = (uint8_t)b[i];
	}
	memcpy(raw + 5, &from_port, 2);
	memcpy(raw + 11, &to_port, 2);
	set_raw(m, "tuple", raw, sizeof(raw));
}

static inline struct str cap_fd_name(struct cap *c)
{
	static struct buf b = {.max = 4096};

	buf_clear(&b);
	event_fd_name_format(c->ev, c->ev->path.name, &b);
	return buf_str(&b);
}
