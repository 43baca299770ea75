/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Hand-made subjects for the field tests: an event whose parameters are set by name, a process with
 * two ancestors, a container. Fields are asked for as rules and outputs ask, through the real
 * parser, so that arguments and types are checked with them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "engine/field/field.h"
#include "engine/filter/filter.h"

#define SEC 1000000000ULL
#define NOW (1700000000ULL * SEC)

struct fixture {
	struct arena arena; /* what the test makes */
	struct arena event_arena;
	struct event ev;
	struct process proc, parent, grand;
	struct container box;
	struct field_subject subject;
};

static inline void fixture_event(struct fixture *fx, uint16_t code)
{
	memset(&fx->ev, 0, sizeof(fx->ev));
	fx->ev.code = code;
	fx->ev.def = event_def(code);
	fx->ev.nparams = fx->ev.def ? fx->ev.def->nparams : 0;
	fx->ev.num = 7;
	fx->ev.ts_ns = NOW;
	fx->ev.pid = 300;
	fx->ev.tid = 300;
	fx->ev.uid = 1000;
	fx->ev.gid = 100;
	fx->ev.fd.num = INT64_MIN;
}

/* sshd (100) > bash (200) > cat (300) /etc/shadow */
static inline void fixture_init(struct fixture *fx)
{
	memset(fx, 0, sizeof(*fx));
	arena_init(&fx->arena, 0);
	arena_init(&fx->event_arena, 0);
	fixture_event(fx, EV_OPENAT);
	fx->grand = (struct process){
		.pid = 100,
		.vpid = 100,
		.sid = 100,
		.vsid = 100,
		.pgid = 100,
		.vpgid = 100,
		.comm = STR("sshd"),
		.exe = STR("/usr/sbin/sshd"),
		.exepath = STR("/usr/sbin/sshd"),
		.args = STR("-D\0"),
		.env = STR("LANG=C\0"),
		.start_epoch_ns = NOW - 1000 * SEC,
	};
	fx->parent = (struct process){
		.pid = 200,
		.vpid = 200,
		.ppid = 100,
		.parent = &fx->grand,
		.sid = 200,
		.vsid = 200,
		.pgid = 200,
		.vpgid = 200,
		.comm = STR("bash"),
		.exe = STR("-bash"),
		.exepath = STR("/usr/bin/bash"),
		.args = STR("-c\0cat /etc/shadow\0"),
		.env = STR("HOME=/root\0SECRET= x \0"),
		.start_epoch_ns = NOW - 100 * SEC,
	};
	fx->proc = (struct process){
		.pid = 300,
		.vpid = 300,
		.ppid = 200,
		.parent = &fx->parent,
		.sid = 200,
		.vsid = 200,
		.pgid = 300,
		.vpgid = 300,
		.loginuid = UINT32_MAX,
		.tty = 34816,
		.nthreads = 3,
		.comm = STR("cat"),
		.exe = STR("/bin/cat"),
		.exepath = STR("/usr/bin/cat"),
		.args = STR("-n\0/etc/shadow\0"),
		.env = STR("PATH=/bin\0TERM=xterm\0"),
		.cwd = STR("/root"),
		.cgroups = STR("cpuset=/a\0memory=/b\0"),
		.start_epoch_ns = NOW - 2 * SEC,
	};
	fx->subject = (struct field_subject){
		.ev = &fx->ev,
		.proc = &fx->proc,
		.hostname = "node1",
		.first_ts_ns = NOW - 5 * SEC,
		.last_ts_ns = NOW - 1500,
	};
}

static inline void fixture_done(struct fixture *fx)
{
	arena_done(&fx->arena);
	arena_done(&fx->event_arena);
}

static inline void set_bytes(struct fixture *fx, const char *name, const void *data, size_t n)
{
	int i = event_param_index(fx->ev.def, str_of(name));

	assert_true(i >= 0);
	fx->ev.params[i] = arena_str(&fx->arena, str_make(data, n));
}

static inline void set_text(struct fixture *fx, const char *name, const char *text)
{
	set_bytes(fx, name, text, strlen(text) + 1);
}

/* Little-endian, as wide as the parameter's type. */
static inline void set_number(struct fixture *fx, const char *name, int64_t v)
{
	int i = event_param_index(fx->ev.def, str_of(name));
	size_t n = 8;

	assert_true(i >= 0);
	switch (fx->ev.def->params[i].type) {
	case PT_INT8:
	case PT_UINT8:
	case PT_SIGTYPE:
	case PT_FLAGS8:
	case PT_ENUMFLAGS8:
		n = 1;
		break;
	case PT_UINT16:
	case PT_INT16:
	case PT_SYSCALLID:
	case PT_PORT:
	case PT_FLAGS16:
	case PT_ENUMFLAGS16:
		n = 2;
		break;
	case PT_INT32:
	case PT_UINT32:
	case PT_BOOL:
	case PT_FLAGS32:
	case PT_UID:
	case PT_GID:
	case PT_MODE:
	case PT_ENUMFLAGS32:
		n = 4;
		break;
	default:
		break;
	}
	set_bytes(fx, name, &v, n);
}

static inline void set_file(struct fixture *fx, int64_t num, const char *path)
{
	fx->ev.has_fd = true;
	fx->ev.fd.num = num;
	fx->ev.fd.type = FD_FILE;
	fx->ev.path.name = fx->ev.path.raw = str_of(path);
}

/* A TCP socket of a client here: 10.0.0.5:40000 > 192.0.2.9:443 */
static inline void set_tcp(struct fixture *fx, int64_t num)
{
	struct event_sock *s = &fx->ev.fd.sock;

	fx->ev.has_fd = true;
	fx->ev.fd.num = num;
	fx->ev.fd.type = FD_IPV4;
	s->family = AF_INET;
	s->type = SOCK_STREAM;
	s->l4proto = IPPROTO_TCP;
	s->role = ROLE_CLIENT;
	s->has_local = s->has_remote = true;
	inet_pton(AF_INET, "10.0.0.5", s->local);
	inet_pton(AF_INET, "192.0.2.9", s->remote);
	s->local_port = 40000;
	s->remote_port = 443;
}

static inline void enter_container(struct fixture *fx)
{
	static struct container_mount mounts[] = {
		{STR("/var/lib/x"), STR("/data"), STR("rw"), STR("rprivate"), true},
		{STR("/proc"), STR("/host/proc"), STR("ro"), STR("rslave"), false},
	};
	static struct label labels[] = {
		{STR("app"), STR("web")},
		{STR("io.kubernetes.pod.name"), STR("web-1")},
		{STR("empty"), STR("")},
	};
	static struct str env[] = {STR("PATH=/bin"), STR("MODE=")};

	fx->box = (struct container){
		.type = CONTAINER_CONTAINERD,
		.id = STR("3ad7b26ded6d"),
		.full_id = STR("3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e"),
		.name = STR("web"),
		.image = STR("docker.io/library/nginx:1.27"),
		.image_repo = STR("docker.io/library/nginx"),
		.image_tag = STR("1.27"),
		.is_complete = true,
		.is_privileged = true,
		.mounts = mounts,
		.nmounts = 2,
		.labels = labels,
		.nlabels = 3,
		.env = env,
		.nenv = 2,
		.pod_name = STR("web-1"),
		.pod_ns = STR("shop"),
		.pod_uid = STR("3e41dc6b-08a8-44db-bc2a-3724b18ab19a"),
		.pod_labels = labels,
		.npod_labels = 1,
	};
	fx->proc.container = &fx->box;
	fx->proc.pidns_init_start_ns = NOW - 60 * SEC;
}

/* What an output prints for the field; NULL when it is missing. */
static inline const char *shown(struct fixture *fx, const char *field)
{
	struct filter_parse_options o = {.fields = &field_set_syscall};
	struct field_ctx ctx = {&fx->subject, &fx->event_arena};
	struct buf b = BUF_INIT(1 << 20);
	struct filter_error fe = {0};
	struct format *f;
	struct value v;

	arena_reset(&fx->event_arena);
	buf_printf(&b, "*%%%s", field);
	if (format_compile(&fx->arena, buf_str(&b), &o, &f, &fe) < 0)
		fail_msg("%s: %s", field, fe.msg);
	buf_clear(&b);
	bool found = format_field_value(f, 0, &ctx, &v);

	if (found)
		value_format(&v, &b);
	const char *text = found ? arena_cstr(&fx->arena, buf_str(&b)) : NULL;

	buf_done(&b);
	return text;
}

#define assert_shown(fx, field, expected)                                                          \
	do {                                                                                       \
		const char *got_ = shown(fx, field), *want_ = expected;                            \
		if (!got_ || strcmp(got_, want_) != 0)                                             \
			fail_msg("%s: got %s, want %s", field, got_ ? got_ : "(missing)", want_);  \
	} while (0)

#define assert_missing(fx, field)                                                                  \
	do {                                                                                       \
		const char *got_ = shown(fx, field);                                               \
		if (got_)                                                                          \
			fail_msg("%s: got \"%s\", want it missing", field, got_);                  \
	} while (0)

static inline bool holds(struct fixture *fx, const char *condition)
{
	struct filter_parse_options o = {.fields = &field_set_syscall};
	struct filter_program *p = filter_program_new(&field_set_syscall);
	struct filter_error fe = {0};
	struct err e = {0};
	struct ast *ast;
	uint32_t root;

	if (filter_parse(&fx->arena, str_of(condition), &o, &ast, &fe) < 0 ||
		filter_program_add(p, ast, &root, &fe) < 0)
		fail_msg("%s: %s", condition, fe.msg);
	if (filter_program_seal(p, &e) < 0)
		fail_msg("%s: %s", condition, e.msg);
	struct filter_eval *eval = filter_eval_new(p);

	filter_eval_begin(eval, &fx->subject);
	bool r = filter_eval_root(eval, root);

	filter_eval_free(eval);
	filter_program_free(p);
	return r;
}

#define assert_holds(fx, condition)                                                                \
	do {                                                                                       \
		if (!holds(fx, condition))                                                         \
			fail_msg("should be true: %s", condition);                                 \
	} while (0)

#define assert_not(fx, condition)                                                                  \
	do {                                                                                       \
		if (holds(fx, condition))                                                          \
			fail_msg("should be false: %s", condition);                                \
	} while (0)

/* Does the condition compile? */
static inline bool parses(struct fixture *fx, const char *condition)
{
	struct filter_parse_options o = {.fields = &field_set_syscall};
	struct filter_error fe = {0};
	struct ast *ast;

	return filter_parse(&fx->arena, str_of(condition), &o, &ast, &fe) == 0;
}
