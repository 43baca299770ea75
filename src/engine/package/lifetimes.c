/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a distribution's support ends, by data/intel/end-of-life.yaml, whose head says what its keys
 * mean. A release that is not listed is not known to have ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/yaml.h"
#include "engine/package/private.h"

enum {
	LIFETIMES_BYTES = 1 << 20,
	LIFETIMES_ARENA = 16 << 20,
	DAY_LEN = 10, /* "2028-06-30" */
};

struct lifetimes_block {
	struct yaml_node *ids, *ends; /* ends is NULL when it has no releases */
	struct str pretty;
	int64_t parts;
};

struct package_lifetimes {
	struct arena arena;
	struct lifetimes_block *blocks;
	size_t nblocks;
	uint64_t hash;
};

static bool is_day(struct str s)
{
	if (s.len != DAY_LEN)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if ((i == 4 || i == 7) ? s.s[i] != '-' : (s.s[i] < '0' || s.s[i] > '9'))
			return false;
	return true;
}

static int bad_node(const char *path, const struct yaml_node *n, const char *what, struct err *e)
{
	return err_set(e, EINVAL, "%s:%u:%u: %s", path, n->line, n->column, what);
}

static int read_block(
	const char *path, struct yaml_node *n, struct lifetimes_block *ret, struct err *e)
{
	bool rolling = false;

	ret->ids = yaml_get(n, "ids");
	ret->ends = yaml_get(n, "ends");
	if (!ret->ids || ret->ids->kind != YAML_SEQ)
		return bad_node(path, n, "a distribution needs `ids`, a list", e);
	if (yaml_get(n, "pretty"))
		ret->pretty = yaml_get(n, "pretty")->text;
	yaml_to_bool(yaml_get(n, "rolling"), &rolling);
	if (rolling) {
		ret->ends = NULL;
		return 0;
	}
	if (!ret->ends || ret->ends->kind != YAML_MAP)
		return bad_node(path, n, "a distribution needs `ends` or `rolling: true`", e);
	if (!yaml_to_s64(yaml_get(n, "parts"), &ret->parts) || ret->parts < 1 || ret->parts > 3)
		return bad_node(path, n, "a distribution needs `parts`, 1 to 3", e);
	for (size_t i = 0; i < ret->ends->nitems; i++)
		if (!is_day(ret->ends->items[i]->text))
			return bad_node(
				path, ret->ends->items[i], "a day is written 2028-06-30", e);
	return 0;
}

static int read_blocks(
	struct package_lifetimes *l, const char *path, struct str text, struct err *e)
{
	struct yaml_node **docs = NULL;
	struct yaml_error ye;
	size_t ndocs = 0;
	int r = yaml_parse(&l->arena, text, NULL, &docs, &ndocs, &ye);

	if (r < 0)
		return err_set(e, -r, "%s:%u:%u: %s", path, ye.line, ye.column, ye.msg);
	if (ndocs != 1 || docs[0]->kind != YAML_SEQ)
		return err_set(e, EINVAL, "%s: a list of distributions was expected", path);
	l->nblocks = docs[0]->nitems;
	l->blocks = arena_array(&l->arena, struct lifetimes_block, l->nblocks);
	if (!l->blocks)
		return err_set(e, ENOMEM, "%s: no memory", path);
	for (size_t i = 0; i < l->nblocks; i++)
		if ((r = read_block(path, docs[0]->items[i], &l->blocks[i], e)) < 0)
			return r;
	return 0;
}

int package_lifetimes_load(const char *data_dir, struct package_lifetimes **ret, struct err *e)
{
	char dir[4096], path[4200];
	struct str text;
	int r;

	if (data_dir)
		snprintf(dir, sizeof(dir), "%s/intel", data_dir);
	else
		io_data_dir("intel", dir, sizeof(dir)); /* if it is not there, reading says so */
	snprintf(path, sizeof(path), "%s/end-of-life.yaml", dir);
	struct package_lifetimes *l = calloc(1, sizeof(*l));
	if (!l)
		return err_set(e, ENOMEM, "%s: no memory", path);
	arena_init(&l->arena, LIFETIMES_ARENA);
	r = io_read_file(&l->arena, AT_FDCWD, path, LIFETIMES_BYTES, &text, e);
	if (r == 0)
		r = read_blocks(l, path, text, e);
	if (r < 0) {
		package_lifetimes_free(l);
		return r;
	}
	l->hash = str_hash(text);
	*ret = l;
	return 0;
}

void package_lifetimes_free(struct package_lifetimes *l)
{
	if (!l)
		return;
	arena_done(&l->arena);
	free(l);
}

static bool is_block_of(const struct lifetimes_block *b, const struct artifact_distro *d)
{
	if (b->pretty.len && str_find(d->pretty_name, b->pretty) < 0)
		return false;
	for (size_t i = 0; i < b->ids->nitems; i++)
		if (str_eq(b->ids->items[i]->text, d->id))
			return true;
	return false;
}

/* Its first `parts` numbers: "3.18" of "3.18.4". */
static struct str release_of(struct str version, int64_t parts)
{
	for (size_t i = 0; i < version.len; i++)
		if (version.s[i] == '.' && --parts == 0)
			return str_head(version, i);
	return version;
}

static struct str end_of(const struct lifetimes_block *b, struct str version)
{
	struct str release = release_of(version, b->parts);

	for (size_t i = 0; b->ends && i < b->ends->nitems; i++)
		if (str_eq(b->ends->keys[i]->text, release))
			return b->ends->items[i]->text;
	return STR_NULL;
}

static struct buf today(char memory[32], int64_t now_s)
{
	struct buf b = buf_fixed(memory, 32);

	clock_add_strftime(&b, (uint64_t)(now_s > 0 ? now_s : 0) * NSEC_PER_SEC, "%Y-%m-%d", true);
	return b;
}

void package_lifetimes_apply(const struct package_lifetimes *l, int64_t now_s,
	struct artifact_distro *d, struct arena *a)
{
	char memory[32];
	struct buf now = today(memory, now_s);

	for (size_t i = 0; i < l->nblocks; i++) {
		if (!is_block_of(&l->blocks[i], d))
			continue;
		d->end_of_life = arena_str(a, end_of(&l->blocks[i], d->version));
		/* days in this form are in the order of their bytes */
		d->is_ended = d->end_of_life.len && str_cmp(buf_str(&now), d->end_of_life) > 0;
		return;
	}
}

uint64_t package_lifetimes_knowledge(const struct package_lifetimes *l, int64_t now_s)
{
	char memory[32];
	struct buf now = today(memory, now_s);
	uint64_t nended = 0;

	for (size_t i = 0; i < l->nblocks; i++)
		for (size_t k = 0; l->blocks[i].ends && k < l->blocks[i].ends->nitems; k++)
			nended += str_cmp(buf_str(&now), l->blocks[i].ends->items[k]->text) > 0;
	return hash_u64(l->hash ^ nended);
}
