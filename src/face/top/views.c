/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views as data: one YAML file a view (docs/views.md). Everything in it is checked when it is read,
 * columns and filters are compiled once to see that they can be, and a mistake is named with file
 * and line. No view is known here.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "base/yaml.h"
#include "face/top/private.h"

enum { VIEWS_MAX = 500, COLUMNS_MAX = 64, VIEW_BYTES = 1 << 16 };

struct reading {
	struct views *views;
	const char *path;
	struct err *e;
};

static int mistake(struct reading *r, const struct yaml_node *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int mistake(struct reading *r, const struct yaml_node *at, const char *fmt, ...)
{
	char msg[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return err_set(r->e, EINVAL, "%s:%u: %s", r->path, at ? at->line : 1, msg);
}

/* ---- the values of a file ------------------------------------------------------------------ */

static int check_keys(
	struct reading *r, const struct yaml_node *map, const char *const *known, const char *what)
{
	if (map->kind != YAML_MAP)
		return mistake(r, map, "%s must be a map of keys and values", what);
	for (size_t i = 0; i < map->nitems; i++) {
		const char *near = NULL;
		size_t k = 0;

		for (; known[k] && !str_is(map->keys[i]->text, known[k]); k++)
			if (str_distance(map->keys[i]->text, str_of(known[k]), 2) <= 2)
				near = known[k];
		if (!known[k])
			return mistake(r, map->keys[i], "%s has no key \"%.*s\"%s%s%s", what,
				STR_ARG(map->keys[i]->text), near ? "; did you mean \"" : "",
				near ? near : "", near ? "\"?" : "");
	}
	return 0;
}

static int read_text(struct reading *r, const struct yaml_node *map, const char *key, bool needed,
	struct str *ret)
{
	const struct yaml_node *n = yaml_get(map, key);

	if (yaml_is_null(n))
		return needed ? mistake(r, map, "\"%s\" is missing", key) : 0;
	if (n->kind != YAML_SCALAR)
		return mistake(r, n, "\"%s\" must be a text", key);
	*ret = str_trim(n->text);
	return 0;
}

static int read_texts(struct reading *r, const struct yaml_node *map, const char *key,
	struct str **ret, size_t *ret_n)
{
	const struct yaml_node *n = yaml_get(map, key);

	if (yaml_is_null(n))
		return 0;
	if (n->kind != YAML_SEQ)
		return mistake(r, n, "\"%s\" must be a list of texts", key);
	*ret = arena_array(&r->views->arena, struct str, n->nitems + 1);
	for (size_t i = 0; *ret && i < n->nitems; i++) {
		if (n->items[i]->kind != YAML_SCALAR)
			return mistake(r, n->items[i], "\"%s\" must be a list of texts", key);
		(*ret)[(*ret_n)++] = str_trim(n->items[i]->text);
	}
	return *ret ? 0 : err_set(r->e, ENOMEM, "out of memory");
}

static int read_bool(struct reading *r, const struct yaml_node *map, const char *key, bool *ret)
{
	const struct yaml_node *n = yaml_get(map, key);

	if (!n || yaml_to_bool(n, ret))
		return 0;
	return mistake(r, n, "\"%s\" must be true or false", key);
}

/* One of the words of a NULL-terminated list, as its index. */
static int read_word(struct reading *r, const struct yaml_node *map, const char *key,
	const char *const *words, unsigned *ret)
{
	const struct yaml_node *n = yaml_get(map, key);
	char all[200];
	struct buf b = {.s = all, .cap = sizeof(all), .max = sizeof(all) - 1};

	if (!n)
		return 0;
	for (unsigned i = 0; words[i]; i++) {
		if (n->kind == YAML_SCALAR && str_is(n->text, words[i])) {
			*ret = i;
			return 0;
		}
		buf_printf(&b, "%s%s", i ? ", " : "", words[i]);
	}
	return mistake(r, n, "\"%s\" must be one of: %s", key, all);
}

/* ---- columns ------------------------------------------------------------------------------- */

static const char *const column_keys[] = {"name", "field", "filter", "agg", "unit", "width",
	"description", "key", "hidden", "sort", NULL};
/* in the order of the enumerations */
static const char *const agg_words[] = {
	"key", "sum", "rate", "avg", "min", "max", "count", "last", NULL};
static const char *const unit_words[] = {"plain", "bytes", "time", "percent", NULL};
static const char *const sort_words[] = {"descending", "ascending", NULL};

/* Compiled by itself, so that what is wrong with it has its line. */
static int try_column(struct reading *r, const struct yaml_node *at, struct group_column *c)
{
	struct group_spec spec = {
		.columns = c, .ncolumns = 1, .sort_column = -1, .fields = &r->views->fields};
	struct group_table *g = NULL;
	struct err why = {0};

	if (group_new(&spec, &g, &why) < 0)
		return mistake(r, at, "%s", why.msg);
	group_free(g);
	return 0;
}

static int read_width(struct reading *r, const struct yaml_node *at, unsigned *ret)
{
	const struct yaml_node *n = yaml_get(at, "width");
	int64_t width = 0;

	if (n && (!yaml_to_s64(n, &width) || width < 0 || width > 1000))
		return mistake(r, n, "\"width\" must be 0 to 1000 characters; 0 = what is left");
	*ret = (unsigned)width;
	return 0;
}

static int read_sort(struct reading *r, const struct yaml_node *at, struct view *v, size_t i)
{
	const struct yaml_node *n = yaml_get(at, "sort");
	unsigned word = 0;

	if (!n)
		return 0;
	if (v->sort >= 0)
		return mistake(r, n, "another column sorts this view already");
	v->sort = (int)i;
	if (read_word(r, at, "sort", sort_words, &word) < 0)
		return -EINVAL;
	v->ascending = word == 1;
	return 0;
}

static int read_column(struct reading *r, const struct yaml_node *at, struct view *v, size_t i)
{
	struct group_column *c = &v->columns[i];
	unsigned agg = GROUP_LAST, unit = GROUP_PLAIN;
	bool key = false;

	if (check_keys(r, at, column_keys, "a column") < 0 ||
		read_text(r, at, "name", true, &c->name) < 0 ||
		read_text(r, at, "field", true, &c->field) < 0 ||
		read_text(r, at, "filter", false, &c->filter) < 0 ||
		read_text(r, at, "description", false, &c->desc) < 0 ||
		read_word(r, at, "agg", agg_words, &agg) < 0 ||
		read_word(r, at, "unit", unit_words, &unit) < 0 ||
		read_bool(r, at, "key", &key) < 0 ||
		read_bool(r, at, "hidden", &v->hidden[i]) < 0 || read_width(r, at, &c->width) < 0 ||
		read_sort(r, at, v, i) < 0)
		return -EINVAL;
	if (key && yaml_get(at, "agg"))
		return mistake(r, yaml_get(at, "agg"), "a key tells rows apart: it has no \"agg\"");
	c->agg = key ? GROUP_KEY : (enum group_agg)agg;
	c->unit = (enum group_unit)unit;
	return try_column(r, at, c);
}

static int read_columns(struct reading *r, const struct yaml_node *root, struct view *v)
{
	const struct yaml_node *list = yaml_get(root, "columns");
	size_t nkeys = 0;

	if (!list || list->kind != YAML_SEQ || !list->nitems || list->nitems > COLUMNS_MAX)
		return mistake(r, list ? list : root,
			"\"columns\" must be a list of 1 to %d columns", COLUMNS_MAX);
	v->ncolumns = list->nitems;
	v->columns = arena_array(&r->views->arena, struct group_column, v->ncolumns);
	v->hidden = arena_array(&r->views->arena, bool, v->ncolumns);
	if (!v->columns || !v->hidden)
		return err_set(r->e, ENOMEM, "out of memory");
	v->sort = -1;
	for (size_t i = 0; i < v->ncolumns; i++) {
		if (read_column(r, list->items[i], v, i) < 0)
			return -EINVAL;
		nkeys += v->columns[i].agg == GROUP_KEY;
	}
	if (!nkeys && v->type != VIEW_LIST)
		return mistake(r, list, "no column has \"key: true\": nothing tells rows apart");
	return 0;
}

/* ---- a view -------------------------------------------------------------------------------- */

static const char *const view_keys[] = {"id", "name", "description", "tips", "type", "from",
	"filter", "applies_to", "drilldown", "drilldown_key", "columns", NULL};
static const char *const type_words[] = {"table", "list", "spectrogram", NULL};
static const char *const from_words[] = {"events", "processes", "threads", "descriptors", NULL};

static int try_filter(struct reading *r, const struct yaml_node *root, const struct view *v)
{
	const struct yaml_node *at = yaml_get(root, "filter");
	struct group_column one = {.name = STR("N"), .field = STR("evt.count"), .agg = GROUP_COUNT};
	struct group_spec spec = {.columns = &one,
		.ncolumns = 1,
		.filter = v->filter,
		.sort_column = -1,
		.fields = &r->views->fields};
	struct group_table *g = NULL;
	struct err why = {0};

	if (!v->filter.len)
		return 0;
	if (group_new(&spec, &g, &why) < 0)
		return mistake(r, at, "%s", why.msg);
	group_free(g);
	return 0;
}

static int check_spectrogram(struct reading *r, const struct yaml_node *root, const struct view *v)
{
	if (v->type != VIEW_SPECTROGRAM || str_is(v->columns[0].field, "evt.latency.quantized"))
		return 0;
	return mistake(r, yaml_get(root, "columns"),
		"the first column of a spectrogram must be the field evt.latency.quantized");
}

static int check_drilldown(struct reading *r, const struct yaml_node *root, const struct view *v)
{
	if (!v->drilldown_key.len)
		return 0;
	for (size_t i = 0; i < v->ncolumns; i++)
		if (str_eq(v->columns[i].field, v->drilldown_key))
			return 0;
	return mistake(r, yaml_get(root, "drilldown_key"),
		"\"drilldown_key\" must be the field of one of the columns");
}

static int read_view(struct reading *r, const struct yaml_node *root, struct view *v)
{
	unsigned type = VIEW_TABLE, from = FROM_EVENTS;

	if (check_keys(r, root, view_keys, "a view") < 0 ||
		read_text(r, root, "id", true, &v->id) < 0 ||
		read_text(r, root, "name", true, &v->name) < 0 ||
		read_text(r, root, "description", true, &v->desc) < 0 ||
		read_texts(r, root, "tips", &v->tips, &v->ntips) < 0 ||
		read_word(r, root, "type", type_words, &type) < 0 ||
		read_word(r, root, "from", from_words, &from) < 0 ||
		read_text(r, root, "filter", false, &v->filter) < 0 ||
		read_texts(r, root, "applies_to", &v->applies_to, &v->napplies) < 0 ||
		read_text(r, root, "drilldown", false, &v->drilldown) < 0 ||
		read_text(r, root, "drilldown_key", false, &v->drilldown_key) < 0)
		return -EINVAL;
	v->type = (enum view_type)type;
	v->from = (enum view_from)from;
	if (try_filter(r, root, v) < 0 || read_columns(r, root, v) < 0)
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
	struct reading r = {views, path, e};
	struct yaml_error ye = {0};
	struct yaml_node **docs;
	struct view v = {0}, *slot;
	struct str text;
	size_t ndocs = 0;

	int code = io_read_file(&views->arena, AT_FDCWD, path, VIEW_BYTES, &text, e);
	if (code < 0)
		return code;
	if (yaml_parse(&views->arena, text, NULL, &docs, &ndocs, &ye) < 0)
		return err_set(e, EINVAL, "%s:%u: %s", path, ye.line, ye.msg);
	if (ndocs != 1 || !docs[0])
		return err_set(e, EINVAL, "%s:1: a file holds one view", path);
	v.file = arena_str(&views->arena, str_of(path));
	code = read_view(&r, docs[0], &v);
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

/* Next to the program when it runs from its source tree, else where it was installed. */
static bool shipped_dir(char *out, size_t size)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n > 0) {
		exe[n] = 0;
		for (char *slash; (slash = strrchr(exe, '/')) && slash != exe;) {
			*slash = 0;
			snprintf(out, size, "%.3900s/data/views", exe);
			if (access(out, R_OK) == 0)
				return true;
			snprintf(out, size, "%.3900s/share/koban/views", exe);
			if (access(out, R_OK) == 0)
				return true;
		}
	}
	snprintf(out, size, "/usr/share/koban/views");
	return access(out, R_OK) == 0;
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

/* The fields of events, and behind them those of samples. */
static int make_fields(struct views *views)
{
	size_t n = field_set_syscall.nclasses;
	const struct field_class **all =
		arena_array(&views->arena, const struct field_class *, n + 1);

	if (!all)
		return -ENOMEM;
	memcpy(all, field_set_syscall.classes, n * sizeof(*all));
	all[n] = &field_class_sample;
	views->fields = (struct field_set){all, n + 1};
	return 0;
}

int views_load(const struct top_options *o, struct views *ret, struct err *e)
{
	char shipped[PATH_MAX];
	int r;

	*ret = (struct views){0};
	arena_init(&ret->arena, 0);
	ret->v = arena_array(&ret->arena, struct view, VIEWS_MAX);
	r = !ret->v || make_fields(ret) < 0 ? err_set(e, ENOMEM, "out of memory") : 0;
	if (!r && shipped_dir(shipped, sizeof(shipped)))
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
