/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views as data: one YAML file a view (docs/views.md). Everything in it is checked when it is read,
 * columns and filters are compiled once to see that they can be, and a mistake is named with file
 * and line. No view is known here.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"
#include "face/top/private.h"

enum { VIEWS_MAX = 500, VIEW_BYTES = 1 << 16 };

static const char *const view_keys[] = {"id", "name", "description", "tips", "type", "from",
	"filter", "applies_to", "drilldown", "drilldown_key", "columns", NULL};
static const char *const type_words[] = {"table", "list", "spectrogram", NULL};
static const char *const from_words[] = {"events", "processes", "threads", "descriptors", NULL};

static int read_columns(struct yaml_reading *r, const struct yaml_node *root,
	const struct views *views, struct view *v)
{
	struct group_columns c;

	if (group_columns_read(r, root, &views->fields, &c) < 0)
		return -EINVAL;
	if (!c.nkeys && v->type != VIEW_LIST)
		return yaml_mistake(r, yaml_get(root, "columns"),
			"no column has \"key: true\": nothing tells rows apart");
	v->columns = c.columns;
	v->hidden = c.hidden;
	v->ncolumns = c.n;
	v->sort = c.sort;
	v->ascending = c.ascending;
	return 0;
}

static int check_spectrogram(
	struct yaml_reading *r, const struct yaml_node *root, const struct view *v)
{
	if (v->type != VIEW_SPECTROGRAM || str_is(v->columns[0].field, "evt.latency.quantized"))
		return 0;
	return yaml_mistake(r, yaml_get(root, "columns"),
		"the first column of a spectrogram must be the field evt.latency.quantized");
}

static int check_drilldown(
	struct yaml_reading *r, const struct yaml_node *root, const struct view *v)
{
	if (!v->drilldown_key.len)
		return 0;
	for (size_t i = 0; i < v->ncolumns; i++)
		if (str_eq(v->columns[i].field, v->drilldown_key))
			return 0;
	return yaml_mistake(r, yaml_get(root, "drilldown_key"),
		"\"drilldown_key\" must be the field of one of the columns");
}

static int read_view(struct yaml_reading *r, const struct yaml_node *root,
	const struct views *views, struct view *v)
{
	unsigned type = VIEW_TABLE, from = GROUP_FROM_EVENTS;

	if (yaml_check_keys(r, root, view_keys, "a view") < 0 ||
		yaml_read_text(r, root, "id", true, &v->id) < 0 ||
		yaml_read_text(r, root, "name", true, &v->name) < 0 ||
		yaml_read_text(r, root, "description", true, &v->desc) < 0 ||
		yaml_read_texts(r, root, "tips", &v->tips, &v->ntips) < 0 ||
		yaml_read_word(r, root, "type", type_words, &type) < 0 ||
		yaml_read_word(r, root, "from", from_words, &from) < 0 ||
		yaml_read_text(r, root, "filter", false, &v->filter) < 0 ||
		yaml_read_texts(r, root, "applies_to", &v->applies_to, &v->napplies) < 0 ||
		yaml_read_text(r, root, "drilldown", false, &v->drilldown) < 0 ||
		yaml_read_text(r, root, "drilldown_key", false, &v->drilldown_key) < 0)
		return -EINVAL;
	v->type = (enum view_type)type;
	v->from = (enum group_from)from;
	if (group_filter_check(r, yaml_get(root, "filter"), v->filter, &views->fields) < 0 ||
		read_columns(r, root, views, v) < 0)
		return -EINVAL;
	if (check_spectrogram(r, root, v) < 0)
		return -EINVAL;
	return check_drilldown(r, root, v);
}

static struct view *slot_of(struct views *views, struct str id)
{
	for (size_t i = 0; i < views->n; i++)
		if (str_eq(views->v[i].id, id))
			return &views->v[i];
	return views->n < VIEWS_MAX ? &views->v[views->n++] : NULL;
}

static int load_file(struct views *views, const char *path, struct err *e)
{
	struct yaml_reading r = {path, &views->arena, e};
	const struct yaml_node *root;
	struct view v = {0}, *slot;
	int code = yaml_read_file(&r, VIEW_BYTES, "view", &root);

	if (code < 0)
		return code;
	v.file = arena_str(&views->arena, str_of(path));
	code = read_view(&r, root, views, &v);
	if (code < 0)
		return code;
	slot = slot_of(views, v.id);
	if (!slot)
		return err_set(e, ENOSPC, "%s: more than %d views", path, VIEWS_MAX);
	*slot = v;
	return 0;
}

static int load_dir(struct views *views, const char *dir, struct err *e)
{
	static const char *const suffixes[] = {".yaml", ".yml", NULL};
	struct str *names;
	size_t n;
	int r = io_list_dir(&views->arena, dir, suffixes, VIEWS_MAX, &names, &n, e);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%.*s", dir, STR_ARG(names[i]));
		r = load_file(views, path, e);
	}
	return r;
}

static int by_name(const void *x, const void *y)
{
	const struct view *a = x, *b = y;

	return str_cmp(a->name, b->name);
}

static int check_targets(const struct views *views, struct err *e)
{
	for (size_t i = 0; i < views->n; i++) {
		const struct view *v = &views->v[i];

		if (v->drilldown.len && !views_find(views, v->drilldown))
			return err_set(e, EINVAL, "%.*s: its drilldown \"%.*s\" is no view",
				STR_ARG(v->file), STR_ARG(v->drilldown));
	}
	return 0;
}

int views_load(const struct top_options *o, struct views *ret, struct err *e)
{
	char shipped[PATH_MAX];
	int r;

	*ret = (struct views){0};
	arena_init(&ret->arena, 0);
	ret->v = arena_array(&ret->arena, struct view, VIEWS_MAX);
	r = !ret->v || group_field_set(&ret->arena, &ret->fields) < 0
		    ? err_set(e, ENOMEM, "out of memory")
		    : 0;
	if (!r && io_data_dir("views", shipped, sizeof(shipped)))
		r = load_dir(ret, shipped, e);
	for (size_t i = 0; !r && i < o->ndirs; i++)
		r = load_dir(ret, o->dirs[i], e);
	if (!r && !ret->n)
		r = err_set(e, ENOENT,
			"no views found: they are installed in /usr/share/koban/views; --views DIR "
			"names another folder");
	r = r ? r : check_targets(ret, e);
	if (r < 0) {
		views_done(ret);
		return r;
	}
	qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return 0;
}

void views_done(struct views *v)
{
	arena_done(&v->arena);
	v->v = NULL;
	v->n = 0;
}

const struct view *views_find(const struct views *v, struct str id)
{
	for (size_t i = 0; i < v->n; i++)
		if (str_eq(v->v[i].id, id))
			return &v->v[i];
	return NULL;
}

int views_get(const struct views *v, struct str id, const struct view **ret, struct err *e)
{
	struct str near = STR_NULL;
	unsigned best = 4;

	*ret = views_find(v, id);
	if (*ret)
		return 0;
	for (size_t i = 0; i < v->n; i++) {
		unsigned d = str_distance(id, v->v[i].id, 3);

		if (d < best) {
			best = d;
			near = v->v[i].id;
		}
	}
	return err_set(e, ENOENT,
		"there is no view \"%.*s\"%s%.*s%s; koban top --list-views lists them", STR_ARG(id),
		near.len ? ": did you mean \"" : "", STR_ARG(near), near.len ? "\"" : "");
}

int top_list(const struct top_options *o, struct buf *out, struct err *e)
{
	struct views views;
	int r = views_load(o, &views, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < views.n; i++) {
		const struct view *v = &views.v[i];

		buf_printf(out, "%-18.*s %-22.*s %.*s\n", STR_ARG(v->id), STR_ARG(v->name),
			STR_ARG(v->desc));
	}
	views_done(&views);
	return 0;
}
