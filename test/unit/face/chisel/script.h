/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A script from its text, run by the kind "script" itself, with what it printed. Events are those
 * of the field tests' fixture.
 */
#include "../../engine/field/fixture.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "face/chisel/lua_private.h"

struct run {
	struct fixture fx;
	struct chisel_env env;
	struct chisel_info info;
	struct chisel c;
	struct buf out;
	struct err e;
	struct arena arena;
	char dir[64], path[96];
	const char *dirs[1];
	double progress;
};

static inline void run_print(struct str text, void *arg)
{
	buf_add(&((struct run *)arg)->out, text);
}

static inline double run_progress(void *arg)
{
	return ((struct run *)arg)->progress;
}

static inline void run_write(struct run *r, const char *name, const char *text)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static inline struct run *run_new(void)
{
	struct run *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	fixture_init(&r->fx);
	arena_init(&r->arena, 0);
	snprintf(r->dir, sizeof(r->dir), "/tmp/koban-script-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/script.lua", r->dir);
	r->dirs[0] = r->dir;
	r->out = (struct buf){.max = 1 << 20};
	r->env = (struct chisel_env){
		.colour = true,
		.dirs = r->dirs,
		.ndirs = 1,
		.print = run_print,
		.progress = run_progress,
		.arg = r,
	};
	r->info = (struct chisel_info){.name = STR("script"), .path = str_of(r->path)};
	r->c = (struct chisel){.ops = &chisel_ops_script, .info = &r->info, .env = &r->env};
	return r;
}

static inline void run_free(struct run *r)
{
	struct dirent *de;

	chisel_ops_script.close(&r->c);
	DIR *d = opendir(r->dir);
	while (d && (de = readdir(d))) {
		char path[400];

		snprintf(path, sizeof(path), "%s/%s", r->dir, de->d_name);
		if (de->d_name[0] != '.')
			unlink(path);
	}
	closedir(d);
	rmdir(r->dir);
	buf_done(&r->out);
	fixture_done(&r->fx);
	arena_done(&r->arena);
	free(r);
}

static inline int run_open_with(
	struct run *r, const char *text, const struct str *args, size_t nargs)
{
	run_write(r, "script.lua", text);
	r->e = (struct err){0};
	return chisel_ops_script.open(&r->c, args, nargs, &r->e);
}

static inline int run_try(struct run *r, const char *text)
{
	return run_open_with(r, text, NULL, 0);
}

static inline void run_open(struct run *r, const char *text)
{
	if (run_try(r, text) != 0)
		fail_msg("%s\n%s", r->e.msg, text);
}

/* The fixture's event; what the kind answers. */
static inline int run_event(struct run *r)
{
	r->e = (struct err){0};
	return chisel_ops_script.event(&r->c, &r->fx.subject, &r->e);
}

static inline int run_end(struct run *r)
{
	r->e = (struct err){0};
	return chisel_ops_script.end(&r->c, &r->e);
}

static inline const char *run_text(struct run *r)
{
	return r->out.s ? r->out.s : "";
}

/* What the text prints when it is run as a script's top. */
static inline void says(const char *code, const char *expected)
{
	struct run *r = run_new();

	run_open(r, code);
	if (strcmp(run_text(r), expected) != 0)
		fail_msg("%s\nprints: %s\nwanted: %s", code, run_text(r), expected);
	run_free(r);
}

static inline void fails_within(
	const char *code, const char *part, uint64_t max_memory, uint64_t max_call_ns)
{
	struct run *r = run_new();

	r->env.max_memory = max_memory;
	r->env.max_call_ns = max_call_ns;
	if (run_try(r, code) == 0)
		fail_msg("%s\ndid not fail", code);
	if (!strstr(r->e.msg, part))
		fail_msg("%s\nsays:   %s\nwanted: %s", code, r->e.msg, part);
	run_free(r);
}

/* It fails, with this in its message; it has time. */
static inline void fails(const char *code, const char *part)
{
	fails_within(code, part, 64 << 20, 20000000000);
}
