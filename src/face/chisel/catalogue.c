/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chisels of some folders, by what their files say of themselves. Nothing is compiled or run
 * here that the kind's describe() does not.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "face/chisel/private.h"

enum { CHISELS_MAX = 2000, BAD_MAX = 200 };

static const struct chisel_ops *kind_of_file(struct str path)
{
	return str_ends(path, STR(".lua")) ? chisel_kind_find(STR("script")) : NULL;
}

static int describe(const char *path, struct arena *a, struct chisel_info *ret, struct err *e)
{
	const struct chisel_ops *ops = kind_of_file(str_of(path));
	int r = ops && ops->describe ? ops->describe(path, a, ret, e)
				     : chisel_file_describe(path, a, ret, e);

	if (r != 0)
		return r;
	ret->path = arena_str(a, str_of(path));
	if (ops)
		ret->kind = str_of(ops->kind);
	if (!chisel_kind_find(ret->kind))
		return err_set(e, EINVAL,
			"%s: there is no kind of chisel \"%.*s\"; docs/chisels.md "
			"has them all",
			path, STR_ARG(ret->kind));
	return ret->path.s ? 0 : err_set(e, ENOMEM, "out of memory");
}

static bool is_known(const struct chisel_catalogue *c, struct str name)
{
	for (size_t i = 0; i < c->nchisels; i++)
		if (str_eq(c->chisels[i].name, name))
			return true;
	return false;
}

/* A file that is broken hides nobody but itself. */
static int add_file(struct chisel_catalogue *c, const char *path, struct err *e)
{
	struct chisel_info info = {0};
	struct err why = {0};
	int r = describe(path, &c->arena, &info, &why);

	if (r < 0 && c->nbad < BAD_MAX)
		c->bad[c->nbad++] = arena_str(&c->arena, str_of(why.msg));
	if (r != 0 || is_known(c, info.name))
		return 0;
	if (c->nchisels == CHISELS_MAX)
		return err_set(e, ENOSPC, "%s: more than %d chisels", path, CHISELS_MAX);
	c->chisels[c->nchisels++] = info;
	return 0;
}

static struct str stem_of(struct str file)
{
	ptrdiff_t dot = str_rfind_char(file, '.');

	return dot < 0 ? file : str_head(file, (size_t)dot);
}

/* Files of the name `only`; of every name when that is empty. */
static int add_dir(struct chisel_catalogue *c, const char *dir, struct str only, struct err *e)
{
	/* scripts too, once somebody runs them */
	const char *suffixes[] = {
		".yaml", ".yml", chisel_kind_find(STR("script")) ? ".lua" : NULL, NULL};
	struct str *names;
	size_t n;
	int r = io_list_dir(&c->arena, dir, suffixes, CHISELS_MAX, &names, &n, e);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		char path[PATH_MAX];

		/* what a folder in front hides need not be read, and scripts not be run */
		if ((only.len && !str_eq(only, stem_of(names[i]))) ||
			is_known(c, stem_of(names[i])))
			continue;
		snprintf(path, sizeof(path), "%s/%.*s", dir, STR_ARG(names[i]));
		r = add_file(c, path, e);
	}
	return r < 0 ? r : 0;
}

static int by_name(const void *x, const void *y)
{
	const struct chisel_info *a = x, *b = y;

	return str_cmp(a->name, b->name);
}

static int load(const char *const *dirs, size_t ndirs, struct str only,
	struct chisel_catalogue **ret, struct err *e)
{
	struct chisel_catalogue *c = calloc(1, sizeof(*c));
	int r = 0;

	if (!c)
		return err_set(e, ENOMEM, "out of memory");
	arena_init(&c->arena, 0);
	c->chisels = arena_array(&c->arena, struct chisel_info, CHISELS_MAX);
	c->bad = arena_array(&c->arena, struct str, BAD_MAX);
	if (!c->chisels || !c->bad) {
		chisel_catalogue_free(c);
		return err_set(e, ENOMEM, "out of memory");
	}
	for (size_t i = 0; !r && i < ndirs; i++)
		r = add_dir(c, dirs[i], only, e);
	if (r < 0) {
		chisel_catalogue_free(c);
		return r;
	}
	qsort(c->chisels, c->nchisels, sizeof(*c->chisels), by_name);
	*ret = c;
	return 0;
}

int chisel_catalogue_load(
	const char *const *dirs, size_t ndirs, struct chisel_catalogue **ret, struct err *e)
{
	return load(dirs, ndirs, STR_NULL, ret, e);
}

int chisel_catalogue_load_name(const char *const *dirs, size_t ndirs, struct str name,
	struct chisel_catalogue **ret, struct err *e)
{
	/* a path is read when it is asked for */
	return load(dirs, str_find_char(name, '/') >= 0 ? 0 : ndirs, name, ret, e);
}

void chisel_catalogue_free(struct chisel_catalogue *c)
{
	if (!c)
		return;
	arena_done(&c->arena);
	free(c);
}

/* ---- one of them ---------------------------------------------------------------------------- */

static const struct chisel_info *find_file(
	struct chisel_catalogue *c, struct str name, struct err *e)
{
	struct chisel_info *info = arena_new(&c->arena, struct chisel_info);
	struct err why = {0};
	const char *path = arena_cstr(&c->arena, name);
	int r = info && path ? describe(path, &c->arena, info, &why)
			     : err_set(&why, ENOMEM, "out of memory");

	if (r > 0 && !why.code)
		err_set(&why, EINVAL, "%s is no chisel but something that chisels use", path);
	if (r != 0 && e)
		*e = why;
	return r == 0 ? info : NULL;
}

/* A file of that name that cannot be read says more than that there is no such chisel. */
static bool find_broken(struct chisel_catalogue *c, struct str name, struct err *e)
{
	struct str file = arena_printf(&c->arena, "/%.*s.", STR_ARG(name));

	for (size_t i = 0; i < c->nbad; i++) {
		if (str_find(c->bad[i], file) < 0)
			continue;
		err_set(e, EINVAL, "%.*s", STR_ARG(c->bad[i]));
		return true;
	}
	return false;
}

const struct chisel_info *chisel_catalogue_find(
	struct chisel_catalogue *c, struct str name, struct err *e)
{
	struct str near = STR_NULL;
	unsigned best = 4;

	for (size_t i = 0; i < c->nchisels; i++) {
		unsigned d = str_distance(name, c->chisels[i].name, 3);

		if (d == 0)
			return &c->chisels[i];
		if (d < best && !c->chisels[i].is_hidden) {
			best = d;
			near = c->chisels[i].name;
		}
		if (!near.len && name.len > 2 && str_starts(c->chisels[i].name, name))
			near = c->chisels[i].name;
	}
	if (str_find_char(name, '/') >= 0)
		return find_file(c, name, e);
	if (!find_broken(c, name, e))
		err_set(e, ENOENT, "there is no chisel \"%.*s\"%s%.*s%s; koban chisels lists them",
			STR_ARG(name), near.len ? ": did you mean \"" : "", STR_ARG(near),
			near.len ? "\"?" : "");
	return NULL;
}
