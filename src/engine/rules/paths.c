/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The absolute paths that rules name, read off the resolved conditions of enabled rules. The
 * sensor learns the inodes behind them, so that a file is recognised by whatever name it is opened.
 * Only what a rule wants to match counts, not what it excludes: polarity is followed through NOT.
 */
#include "engine/rules/private.h"

#include <errno.h>
#include <stdlib.h>

static const struct {
	const char *field;
	bool is_dir; /* the field is a directory: what lies below is meant */
} path_fields[] = {
	{"fd.name", false},
	{"fd.directory", true},
	{"fs.path.name", false},
	{"fs.path.source", false},
	{"fs.path.target", false},
	{"proc.exepath", false},
	{"proc.pexepath", false},
	{"proc.aexepath", false},
};

struct paths {
	struct arena *arena;
	struct named_path *all;
	size_t n;
	bool out_of_memory;
};

static void add_path(struct paths *ps, struct str text, bool is_dir)
{
	if (text.len < 2 || text.s[0] != '/' || memchr(text.s, 0, text.len))
		return;
	struct str path = path_normalise(ps->arena, STR("/"), text);

	while (path.len > 1 && path.s[path.len - 1] == '/')
		path.len--;
	if (path.len < 2)
		return; /* the root names nothing in particular */
	if ((ps->n & (ps->n - 1)) == 0) {
		struct named_path *more =
			arena_array(ps->arena, struct named_path, ps->n ? ps->n * 2 : 1);

		if (!more) {
			ps->out_of_memory = true;
			return;
		}
		if (ps->n)
			memcpy(more, ps->all, ps->n * sizeof(*more));
		ps->all = more;
	}
	ps->all[ps->n++] = (struct named_path){path, is_dir || str_ends(text, STR("/"))};
}

static void add_glob(struct paths *ps, struct str text)
{
	size_t slash = 0, wild = text.len;

	for (size_t i = 0; i < text.len && wild == text.len; i++)
		if (strchr("*?[\\", text.s[i]))
			wild = i;
	if (wild == text.len) {
		add_path(ps, text, false);
		return;
	}
	for (size_t i = 0; i < text.len; i++)
		if (text.s[i] == '/')
			slash = i;
	if (slash > 0 && slash < wild)
		add_path(ps, str_head(text, slash), true);
}

static void add_check(struct paths *ps, const struct ast *n, bool is_dir)
{
	for (size_t i = 0; i < n->nright; i++) {
		const struct operand *r = &n->right[i];

		if (r->kind != OPERAND_LITERAL)
			continue;
		switch (n->op) {
		case OP_EQ:
		case OP_NE:
		case OP_IN:
		case OP_INTERSECTS:
			add_path(ps, r->text, is_dir);
			break;
		case OP_STARTSWITH:
		case OP_PMATCH:
			add_path(ps, r->text, true);
			break;
		case OP_GLOB:
			add_glob(ps, r->text);
			break;
		default:
			break;
		}
	}
}

static void walk(struct paths *ps, const struct ast *n, bool positive)
{
	if (n->kind == AST_NOT)
		positive = !positive;
	for (size_t i = 0; i < n->nkids; i++)
		walk(ps, n->kids[i], positive);
	if (n->kind != AST_CHECK || n->left.kind != OPERAND_FIELD || positive == (n->op == OP_NE))
		return;
	for (size_t i = 0; i < sizeof(path_fields) / sizeof(path_fields[0]); i++)
		if (str_is(n->left.field_name, path_fields[i].field))
			add_check(ps, n, path_fields[i].is_dir);
}

static int compare_paths(const void *a, const void *b)
{
	return str_cmp(((const struct named_path *)a)->path, ((const struct named_path *)b)->path);
}

int ruleset_collect_paths(struct ruleset *rs)
{
	struct paths ps = {.arena = &rs->arena};
	size_t n = 0;

	for (size_t i = 0; i < rs->nrules; i++)
		if (rs->rules[i]->enabled)
			walk(&ps, rs->rules[i]->ast, true);
	if (ps.out_of_memory)
		return -ENOMEM;
	if (ps.n)
		qsort(ps.all, ps.n, sizeof(*ps.all), compare_paths);
	for (size_t i = 0; i < ps.n; i++) {
		if (n == 0 || !str_eq(ps.all[n - 1].path, ps.all[i].path))
			ps.all[n++] = ps.all[i];
		else
			ps.all[n - 1].is_dir |= ps.all[i].is_dir;
	}
	rs->paths = ps.all;
	rs->npaths = n;
	return 0;
}
