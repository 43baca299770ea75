/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the tests of this room share: a chisel from a text, events made by hand, what it printed. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "face/chisel/private.h"

#define SEC 1000000000ULL

struct bench {
	char dir[32], path[64];
	struct chisel_catalogue *catalogue;
	struct chisel *chisel;
	struct chisel_env env;
	struct buf out;
	struct state *state;
	struct event ev;
	struct process proc;
	struct field_subject subject;
	int64_t moved;
	uint64_t now_ns, num;
	struct err e;
};

static void bench_print(struct str text, void *arg)
{
	buf_add(&((struct bench *)arg)->out, text);
}

static inline void bench_init(struct bench *b)
{
	struct state_options so = {.no_proc = true, .descriptors = true};

	*b = (struct bench){.dir = "/tmp/koban-chisel-XXXXXX", .now_ns = 1000 * SEC};
	b->out = BUF_INIT(1 << 20);
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->path, sizeof(b->path), "%s/x.yaml", b->dir);
	b->state = state_new(&so, &b->e);
	assert_non_null(b->state);
	b->env = (struct chisel_env){.print = bench_print, .arg = b, .state = b->state};
}

static inline void bench_done(struct bench *b)
{
	chisel_close(b->chisel);
	chisel_catalogue_free(b->catalogue);
	state_free(b->state);
	unlink(b->path);
	rmdir(b->dir);
	buf_done(&b->out);
}

/* The file x.yaml and what the catalogue makes of it; NULL when it is broken. */
static inline const struct chisel_info *bench_file(struct bench *b, const char *text)
{
	const char *dirs[] = {b->dir};
	FILE *f = fopen(b->path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chisel_catalogue_free(b->catalogue);
	b->catalogue = NULL;
	assert_int_equal(chisel_catalogue_load(dirs, 1, &b->catalogue, &b->e), 0);
	return chisel_catalogue_find(b->catalogue, STR("x"), &b->e);
}

/* Opens a chisel from a text, with arguments that end in NULL. */
static inline int bench_open(struct bench *b, const char *text, const char *const *args)
{
	const struct chisel_info *info = bench_file(b, text);
	struct str values[8];
	size_t n = 0;

	if (!info)
		return -EINVAL;
	for (; args && args[n]; n++)
		values[n] = str_of(args[n]);
	chisel_close(b->chisel);
	b->chisel = NULL;
	buf_clear(&b->out);
	return chisel_open(info, values, n, &b->env, &b->chisel, &b->e);
}

static inline void bench_must_open(struct bench *b, const char *text, const char *const *args)
{
	if (bench_open(b, text, args) < 0)
		fail_msg("%s", b->e.msg);
}

/* A read or a write of so many bytes that took a millisecond; negative = it failed. */
static inline struct event *bench_event(struct bench *b, uint16_t code, const char *comm,
	uint32_t pid, const char *file, int64_t bytes)
{
	b->moved = bytes;
	b->proc = (struct process){.pid = pid, .comm = str_of(comm), .nthreads = 1};
	b->ev = (struct event){
		.num = ++b->num,
		.ts_ns = b->now_ns,
		.enter_ns = b->now_ns - 1000000,
		.code = code,
		.def = event_def(code),
		.pid = pid,
		.tid = pid,
		.has_fd = true,
		.fd = {.num = 3, .type = FD_FILE},
		.path = {.name = str_of(file)},
	};
	b->ev.nparams = b->ev.def->nparams;
	b->ev.params[event_param_index(b->ev.def, STR("res"))] =
		str_make((const char *)&b->moved, sizeof(b->moved));
	b->subject = (struct field_subject){.ev = &b->ev, .proc = &b->proc, .state = b->state};
	return &b->ev;
}

static inline int bench_give(struct bench *b)
{
	return chisel_event(b->chisel, &b->subject, &b->e);
}

static inline int bench_read(struct bench *b, const char *comm, const char *file, int64_t bytes)
{
	bench_event(b, EV_READ, comm, 7, file, bytes);
	return bench_give(b);
}

static inline void bench_end(struct bench *b)
{
	assert_int_equal(chisel_end(b->chisel, &b->e), 0);
}

static inline void bench_expect(struct bench *b, const char *text)
{
	if (!str_is(buf_str(&b->out), text))
		fail_msg("printed:\n%.*s\nexpected:\n%s", (int)b->out.len, b->out.s ? b->out.s : "",
			text);
	buf_clear(&b->out);
}

static inline void bench_says(struct bench *b, const char *part)
{
	if (!strstr(b->e.msg, part))
		fail_msg("\"%s\" does not say \"%s\"", b->e.msg, part);
}
