/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that no rule tells from others. Most rules about opened files name folders; few tell the
 * files of one folder by their names, and of most folders none does. This collects by what the
 * conditions tell names: in which folders at all, and by which pieces of a name wherever it lies.
 * For every other name in every other folder the conditions are all true or all false, so that one
 * open can be judged for all of them (detect_is_folder_dull(), bpf/verdict.h). A comparison that is
 * not understood here switches that off, and nothing else. It judges nothing.
 */
#include "engine/rules/private.h"

/* A path is folder and name: "/etc/" and "shadow"; the folder of a bare name is empty. */
struct told_folders {
	struct str *folders; /* in which names are told */
	size_t nfolders;
	struct str *ends; /* of folders in which they are: ".ssh/" */
	size_t nends;
	size_t max; /* rows that each array, and the marks, have room for */
	/* Marks by a name's first byte (MARK_IS, MARK_STARTS), by its last (MARK_ENDS), all
	 * MARK_HAS: number of the first one + 1, and from each to the next. */
	uint16_t by_first[256], by_last[256], has;
	uint16_t *next;
};

enum { TOLD_MAX = 4096 };

/* The whole path, as asked or as opened. */
static const char *const path_fields[] = {
	"fd.name", "fd.nameraw", "fd.realpath", "fd.knownpath", "fs.path.name", "fs.path.nameraw"};
/* Of decided fields (project.c), those that are the same for all regular files of a folder. */
static const char *const folder_fields[] = {"evt.type", "evt.dir", "evt.is_open_read",
	"evt.is_open_write", "evt.is_open_create", "evt.failed", "evt.res", "evt.rawres", "evt.num",
	"fd.num", "fd.type", "fd.typechar", "fd.directory"};

#define HAS(list, s) has(list, sizeof(list) / sizeof(*(list)), s)

static bool has(const char *const *list, size_t n, struct str s)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(s, list[i]))
			return true;
	return false;
}

bool ordinary_begin(struct ruleset *rs)
{
	struct told_folders *t = arena_new(&rs->arena, struct told_folders);

	if (!t)
		return false;
	t->max = TOLD_MAX;
	t->folders = arena_array(&rs->arena, struct str, t->max);
	t->ends = arena_array(&rs->arena, struct str, t->max);
	rs->name_marks = arena_array(&rs->arena, struct name_mark, t->max);
	t->next = arena_array(&rs->arena, uint16_t, t->max);
	rs->told_folders = t;
	return t->folders && t->ends && t->next && rs->name_marks;
}

static bool add_str(struct str *list, size_t *n, struct str s)
{
	for (size_t i = 0; i < *n; i++)
		if (str_eq(list[i], s))
			return true;
	if (*n == TOLD_MAX)
		return false;
	list[(*n)++] = s;
	return true;
}

/* The list that a mark belongs to. */
static uint16_t *marks_list(struct told_folders *t, const struct name_mark *m)
{
	switch (m->kind) {
	case MARK_HAS:
		return &t->has;
	case MARK_ENDS:
		return &t->by_last[(unsigned char)m->text.s[m->text.len - 1]];
	default:
		return &t->by_first[(unsigned char)m->text.s[0]];
	}
}

static bool has_mark(const struct name_mark *m, struct str name)
{
	switch (m->kind) {
	case MARK_IS:
		return str_eq(name, m->text);
	case MARK_STARTS:
		return str_starts(name, m->text);
	case MARK_ENDS:
		return str_ends(name, m->text);
	case MARK_HAS:
		return str_find(name, m->text) >= 0;
	}
	return true;
}

static bool has_any(const struct ruleset *rs, uint16_t list, struct str name)
{
	for (; list; list = rs->told_folders->next[list - 1])
		if (has_mark(&rs->name_marks[list - 1], name))
			return true;
	return false;
}

bool ruleset_is_ordinary(const struct ruleset *rs, struct str name)
{
	const struct told_folders *t = rs->told_folders;

	return name.len && !has_any(rs, t->by_first[(unsigned char)name.s[0]], name) &&
	       !has_any(rs, t->by_last[(unsigned char)name.s[name.len - 1]], name) &&
	       !has_any(rs, t->has, name);
}

static bool add_mark(struct ruleset *rs, int kind, struct str text)
{
	struct told_folders *t = (struct told_folders *)rs->told_folders;

	/* an empty piece is in every name, and the name that stands for all must have none */
	if (!text.len)
		return true;
	if (str_find_char(text, ORDINARY_NAME[0]) >= 0 || rs->nname_marks == TOLD_MAX)
		return false;
	for (size_t i = 0; i < rs->nname_marks; i++)
		if ((int)rs->name_marks[i].kind == kind && str_eq(rs->name_marks[i].text, text))
			return true;
	struct name_mark *m = &rs->name_marks[rs->nname_marks];
	*m = (struct name_mark){.kind = kind, .text = text};
	uint16_t *list = marks_list(t, m);
	t->next[rs->nname_marks++] = *list;
	*list = (uint16_t)rs->nname_marks;
	return true;
}

static void split(struct str path, struct str *folder, struct str *name)
{
	ptrdiff_t slash = str_rfind_char(path, '/');

	*folder = str_head(path, slash < 0 ? 0 : (size_t)slash + 1);
	*name = str_skip(path, folder->len);
}

static bool is_plain_text(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (strchr("*?[\\", s.s[i]) || !s.s[i])
			return false;
	return true;
}

/* What lies behind the pattern's last '/' decides; in front of it only folders are matched. */
static bool tell_glob(struct ruleset *rs, struct str pattern)
{
	struct str folder, name;

	split(pattern, &folder, &name);
	if (!name.len || str_is(name, "*"))
		return true;
	if (is_plain_text(name))
		return add_mark(rs, MARK_IS, name);
	if (name.s[0] == '*' && is_plain_text(str_skip(name, 1)))
		return add_mark(rs, MARK_ENDS, str_skip(name, 1));
	if (name.s[name.len - 1] == '*' && is_plain_text(str_head(name, name.len - 1)))
		return add_mark(rs, MARK_STARTS, str_head(name, name.len - 1));
	return false;
}

/* One right-hand text of a comparison with a whole path. */
static bool tell_path(struct ruleset *rs, enum cmp_op op, struct str text)
{
	struct told_folders *t = (struct told_folders *)rs->told_folders;
	struct str folder, name;

	if (op == OP_PMATCH)
		while (text.len && text.s[text.len - 1] == '/')
			text.len--;
	split(text, &folder, &name);
	switch (op) {
	case OP_EQ:
	case OP_NE:
	case OP_IN:
	case OP_INTERSECTS:
	case OP_STARTSWITH:
		return !name.len || add_str(t->folders, &t->nfolders, folder);
	case OP_PMATCH: /* by components, however many '/' are between and before them */
		return add_mark(rs, MARK_IS, name);
	case OP_ENDSWITH:
		if (!folder.len || str_is(folder, "/"))
			return add_mark(rs, folder.len ? MARK_IS : MARK_ENDS, name);
		return !name.len || add_str(t->ends, &t->nends, folder);
	case OP_CONTAINS:
		if (!folder.len)
			return add_mark(rs, MARK_HAS, name);
		if (str_is(folder, "/"))
			return add_mark(rs, MARK_STARTS, name);
		return !name.len || add_str(t->ends, &t->nends, folder);
	case OP_GLOB:
		return tell_glob(rs, text);
	default:
		return false;
	}
}

/* The same for fd.filename. */
static bool tell_name(struct ruleset *rs, enum cmp_op op, struct str text)
{
	switch (op) {
	case OP_EQ:
	case OP_NE:
	case OP_IN:
	case OP_INTERSECTS:
		return add_mark(rs, MARK_IS, text);
	case OP_STARTSWITH:
		return add_mark(rs, MARK_STARTS, text);
	case OP_ENDSWITH:
		return add_mark(rs, MARK_ENDS, text);
	case OP_CONTAINS:
		return add_mark(rs, MARK_HAS, text);
	default:
		return false;
	}
}

static int tell_check(struct ast *node, void *arg)
{
	struct ruleset *rs = arg;

	if (node->kind != AST_CHECK)
		return 0;
	if (node->left.kind != OPERAND_FIELD || !node->left.field)
		return -1;
	struct str field = str_of(node->left.field->name), argument = node->left.arg.text;
	bool is_arg = str_is(field, "evt.arg") || str_is(field, "evt.rawarg");
	bool is_path = HAS(path_fields, field) || (is_arg && str_is(argument, "name"));

	if (node->op == OP_EXISTS || HAS(folder_fields, field) || (is_arg && !is_path))
		return 0;
	if (!is_path && !str_is(field, "fd.filename"))
		return -1;
	for (size_t i = 0; i < node->nright; i++) {
		const struct operand *o = &node->right[i];
		bool is_text = o->kind == OPERAND_LITERAL;

		if (!is_text || !(is_path ? tell_path : tell_name)(rs, node->op, o->text))
			return -1;
	}
	return 0;
}

bool ordinary_add(struct ruleset *rs, struct ast *left)
{
	return ast_walk(left, tell_check, rs) == 0;
}

bool ruleset_tells_names_in(const struct ruleset *rs, struct str folder)
{
	const struct told_folders *t = rs->told_folders;

	for (size_t i = 0; i < t->nfolders; i++)
		if (str_eq(t->folders[i], folder))
			return true;
	for (size_t i = 0; i < t->nends; i++)
		if (str_ends(folder, t->ends[i]))
			return true;
	return false;
}
