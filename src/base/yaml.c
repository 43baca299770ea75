/* SPDX-License-Identifier: Apache-2.0 */
/* YAML as a tree with places: a recursive walk over libyaml's events, with limits. */
#include "base/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <yaml.h>

#include "base/table.h"

struct anchor {
	struct str name;
	struct yaml_node *node;
};

struct reader {
	yaml_parser_t p;
	yaml_event_t ev;
	struct str text;
	struct arena *a;
	struct table anchors; /* of this document */
	size_t nodes, max_nodes, max_depth;
	struct yaml_error *ye;
};

static int fail(struct reader *r, yaml_mark_t at, const char *msg)
{
	r->ye->line = (unsigned)at.line + 1;
	r->ye->column = (unsigned)at.column + 1;
	snprintf(r->ye->msg, sizeof(r->ye->msg), "%s", msg);
	return -EINVAL;
}

static int out_of_memory(struct reader *r)
{
	fail(r, r->ev.start_mark, "out of memory");
	return -ENOMEM;
}

/* Of a byte that is no text: libyaml reads ahead, and says only how far it is with its tokens. */
static yaml_mark_t mark_of(struct str before)
{
	yaml_mark_t at = {0};

	for (size_t i = 0; i < before.len; i++) {
		at.column += ((unsigned char)before.s[i] & 0xc0) != 0x80;
		if (before.s[i] == '\n') {
			at.line++;
			at.column = 0;
		}
	}
	return at;
}

static int next(struct reader *r)
{
	yaml_event_delete(&r->ev);
	if (yaml_parser_parse(&r->p, &r->ev))
		return 0;
	if (r->p.error == YAML_MEMORY_ERROR)
		return out_of_memory(r);
	yaml_mark_t at = r->p.problem_mark;
	if (r->p.error == YAML_READER_ERROR)
		at = mark_of(str_head(r->text, r->p.problem_offset));
	return fail(r, at, r->p.problem ? r->p.problem : "not valid YAML");
}

static int new_node(struct reader *r, enum yaml_kind kind, struct yaml_node **ret)
{
	struct yaml_node *n = arena_new(r->a, struct yaml_node);

	if (!n)
		return out_of_memory(r);
	n->kind = kind;
	n->line = (unsigned)r->ev.start_mark.line + 1;
	n->column = (unsigned)r->ev.start_mark.column + 1;
	*ret = n;
	return 0;
}

static bool anchor_eq(const void *row, const void *key)
{
	return str_eq(((const struct anchor *)row)->name, *(const struct str *)key);
}

/* The node bears this name from now on; one that bore it before does no more. */
static int remember(struct reader *r, const yaml_char_t *anchor, struct yaml_node *n)
{
	if (!anchor)
		return 0;
	struct str name = str_of((const char *)anchor);
	uint64_t hash = str_hash(name);
	struct anchor *an = table_find(&r->anchors, hash, &name);

	if (!an &&
		(!(an = arena_new(r->a, struct anchor)) || !(an->name = arena_str(r->a, name)).s ||
			table_put(&r->anchors, hash, an) < 0))
		return out_of_memory(r);
	an->node = n;
	return 0;
}

static int push(struct reader *r, struct yaml_node ***items, size_t n, struct yaml_node *item)
{
	/* grow at powers of two; the arena keeps the old arrays until the end, a factor of two */
	if ((n & (n - 1)) == 0) {
		struct yaml_node **more = arena_array(r->a, struct yaml_node *, n ? n * 2 : 1);

		if (!more)
			return out_of_memory(r);
		if (n)
			memcpy(more, *items, n * sizeof(**items));
		*items = more;
	}
	(*items)[n] = item;
	return 0;
}

static int read_node(struct reader *r, size_t depth, struct yaml_node **ret);

static int read_scalar(struct reader *r, struct yaml_node **ret)
{
	struct yaml_node *n;
	int e = new_node(r, YAML_SCALAR, &n);

	if (e < 0)
		return e;
	n->plain = r->ev.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	n->text = arena_str(
		r->a, str_make((const char *)r->ev.data.scalar.value, r->ev.data.scalar.length));
	if (!n->text.s)
		return out_of_memory(r);
	if (n->plain && (n->text.len == 0 || str_is(n->text, "~") || str_is(n->text, "null") ||
				str_is(n->text, "Null") || str_is(n->text, "NULL")))
		n->kind = YAML_NULL;
	*ret = n;
	return remember(r, r->ev.data.scalar.anchor, n);
}

static int read_seq(struct reader *r, size_t depth, struct yaml_node **ret)
{
	struct yaml_node *n, *item;
	int e = new_node(r, YAML_SEQ, &n);

	if (e == 0)
		e = remember(r, r->ev.data.sequence_start.anchor, n);
	while (e == 0 && (e = next(r)) == 0 && r->ev.type != YAML_SEQUENCE_END_EVENT) {
		if ((e = read_node(r, depth + 1, &item)) == 0 &&
			(e = push(r, &n->items, n->nitems, item)) == 0)
			n->nitems++;
	}
	if (e == 0)
		*ret = n;
	return e;
}

static int read_map(struct reader *r, size_t depth, struct yaml_node **ret)
{
	struct yaml_node *n, *key, *value;
	int e = new_node(r, YAML_MAP, &n);

	if (e == 0)
		e = remember(r, r->ev.data.mapping_start.anchor, n);
	while (e == 0 && (e = next(r)) == 0 && r->ev.type != YAML_MAPPING_END_EVENT) {
		if ((e = read_node(r, depth + 1, &key)) < 0 || (e = next(r)) < 0 ||
			(e = read_node(r, depth + 1, &value)) < 0 ||
			(e = push(r, &n->keys, n->nitems, key)) < 0 ||
			(e = push(r, &n->items, n->nitems, value)) < 0)
			break;
		n->nitems++;
	}
	if (e == 0)
		*ret = n;
	return e;
}

static int read_alias(struct reader *r, struct yaml_node **ret)
{
	struct str name = str_of((const char *)r->ev.data.alias.anchor);

	const struct anchor *an = table_find(&r->anchors, str_hash(name), &name);

	if (!an)
		return fail(r, r->ev.start_mark, "alias without an anchor");
	/* an alias to a node that is still open would be a cycle; limit walks by refusing it */
	if (an->node->kind == YAML_SEQ || an->node->kind == YAML_MAP)
		return fail(r, r->ev.start_mark,
			"an alias may stand for a scalar only; write the value out");
	*ret = an->node;
	return 0;
}

static int read_node(struct reader *r, size_t depth, struct yaml_node **ret)
{
	if (depth > r->max_depth)
		return fail(r, r->ev.start_mark, "nested too deeply");
	if (++r->nodes > r->max_nodes)
		return fail(r, r->ev.start_mark, "too many nodes");
	switch (r->ev.type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(r, ret);
	case YAML_SEQUENCE_START_EVENT:
		return read_seq(r, depth, ret);
	case YAML_MAPPING_START_EVENT:
		return read_map(r, depth, ret);
	case YAML_ALIAS_EVENT:
		return read_alias(r, ret);
	default:
		return fail(r, r->ev.start_mark, "not a value");
	}
}

static int read_docs(struct reader *r, struct yaml_node ***docs, size_t *n)
{
	for (;;) {
		struct yaml_node *root;
		int e = next(r);

		if (e < 0)
			return e;
		if (r->ev.type == YAML_STREAM_END_EVENT)
			return 0;
		if (r->ev.type != YAML_DOCUMENT_START_EVENT)
			continue;
		table_done(&r->anchors);
		if ((e = next(r)) < 0 || (e = read_node(r, 0, &root)) < 0 ||
			(e = push(r, docs, *n, root)) < 0)
			return e;
		++*n;
	}
}

int yaml_parse(struct arena *a, struct str text, const struct yaml_limits *limits,
	struct yaml_node ***ret_docs, size_t *ret_n, struct yaml_error *ye)
{
	struct yaml_error unused;
	struct reader r = {
		.text = text,
		.a = a,
		.max_nodes = limits && limits->max_nodes ? limits->max_nodes : 1000000,
		.max_depth = limits && limits->max_depth ? limits->max_depth : 64,
		.ye = ye ? ye : &unused,
	};

	*ret_docs = NULL;
	*ret_n = 0;
	if (!yaml_parser_initialize(&r.p))
		return out_of_memory(&r);
	table_init(&r.anchors, anchor_eq, r.max_nodes);
	yaml_parser_set_input_string(&r.p, (const unsigned char *)(text.s ? text.s : ""), text.len);
	int e = read_docs(&r, ret_docs, ret_n);
	table_done(&r.anchors);
	yaml_event_delete(&r.ev);
	yaml_parser_delete(&r.p);
	return e;
}

struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->nitems; i++)
		if (map->keys[i]->kind == YAML_SCALAR && str_is(map->keys[i]->text, key))
			return map->items[i];
	return NULL;
}

bool yaml_is_null(const struct yaml_node *n)
{
	return !n || n->kind == YAML_NULL;
}

bool yaml_to_bool(const struct yaml_node *n, bool *ret)
{
	static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {
									"false", "no", "off"};

	if (!n || n->kind != YAML_SCALAR || !n->plain)
		return false;
	for (int i = 0; i < 3; i++) {
		if (str_ieq(n->text, str_of(yes[i])) || str_ieq(n->text, str_of(no[i]))) {
			*ret = str_ieq(n->text, str_of(yes[i]));
			return true;
		}
	}
	return false;
}

bool yaml_to_s64(const struct yaml_node *n, int64_t *ret)
{
	return n && n->kind == YAML_SCALAR && n->plain && str_to_s64(n->text, 10, ret);
}
