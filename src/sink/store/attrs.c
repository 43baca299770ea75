/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is shown of an entity, as a small JSON object: a process's executable and command line, an
 * image's digest. Made only when the record says something new of it.
 */
#include "base/json.h"
#include "sink/store/private.h"

enum { ATTRS_MAX = 8 << 10 };

static void add_str(struct buf *b, bool *first, const char *key, struct str s)
{
	if (!s.len)
		return;
	json_add_key(b, first, key);
	json_add_str(b, utf8_head(s, NAME_COLUMN_MAX));
}

static void add_number(struct buf *b, bool *first, const char *key, struct number n)
{
	if (!n.there)
		return;
	json_add_key(b, first, key);
	buf_add_s64(b, n.v);
}

static void add_process(struct buf *b, bool *first, const struct node *p)
{
	add_number(b, first, "pid", node_number(p, "pid"));
	add_str(b, first, "exe", node_str(p, "exe"));
	add_str(b, first, "cmdline", node_str(p, "cmdline"));
	add_str(b, first, "user", node_str(p, "user"));
	add_number(b, first, "started_ns", node_number(p, "started_ns"));
}

static void add_container(struct buf *b, bool *first, const struct node *c)
{
	add_str(b, first, "id", node_str(c, "id"));
	add_str(b, first, "engine", node_str(c, "engine"));
	add_str(b, first, "image", node_str(c, "image"));
	if (node_is_true(node_get(c, "privileged"))) {
		json_add_key(b, first, "privileged");
		buf_add_cstr(b, "true");
	}
}

/* A scan states them itself. */
static struct str given(struct arena *a, const struct node *about)
{
	bool is_good = about->type == NODE_OBJECT && about->raw.len <= TEXT_COLUMN_MAX;

	return is_good ? arena_str(a, about->raw) : STR("{}");
}

static struct str attrs_of(struct arena *a, enum store_entity_kind kind, const struct node *about)
{
	struct buf b = BUF_INIT(ATTRS_MAX);
	struct str s = STR_NULL;
	bool first = true;

	buf_add_char(&b, '{');
	if (kind == STORE_PROCESS && node_get(about, "pid"))
		add_process(&b, &first, about);
	else if (kind == STORE_CONTAINER && (node_get(about, "id") || node_get(about, "full_id")))
		add_container(&b, &first, about);
	else if (kind == STORE_IMAGE && node_get(about, "image"))
		add_str(&b, &first, "digest", node_str(about, "digest"));
	else if (kind == STORE_POD && node_get(about, "pod"))
		add_str(&b, &first, "uid", node_str(about, "pod_uid"));
	else
		s = given(a, about);
	buf_add_char(&b, '}');
	if (!s.len && !b.cut)
		s = arena_str(a, buf_str(&b));
	buf_done(&b);
	return s.len ? s : STR("{}");
}

struct str entity_attrs(struct arena *a, enum store_entity_kind kind, struct str about)
{
	const struct node *n = NULL;
	struct str s = STR("{}");
	const char *why = NULL;
	size_t where = 0;
	struct arena nodes;

	arena_init(&nodes, 0);
	n = about.len ? node_parse(&nodes, about, &why, &where) : NULL;
	if (n)
		s = attrs_of(a, kind, n);
	arena_done(&nodes);
	return s;
}
