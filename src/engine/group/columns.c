/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns as data: the list that views and chisels have in their YAML. Each is compiled by itself
 * when it is read, so that a mistake is named with its line.
 */
#include <errno.h>

#include "engine/group/private.h"

enum { WIDTH_MAX = 1000 };

static const char *const column_keys[] = {"name", "field", "filter", "agg", "unit", "width",
	"description", "key", "hidden", "sort", NULL};
/* in the order of the enumerations */
static const char *const agg_words[] = {
	"key", "sum", "rate", "avg", "min", "max", "count", "last", "distinct", NULL};
static const char *const unit_words[] = {"plain", "bytes", "time", "percent", NULL};
static const char *const sort_words[] = {"descending", "ascending", NULL};

/* Compiled by itself, so that what is wrong with it has its line. */
static int try_column(struct yaml_reading *r, const struct yaml_node *at,
	const struct field_set *fields, struct group_column *c)
{
	struct group_spec spec = {.columns = c, .ncolumns = 1, .sort_column = -1, .fields = fields};
	struct group_table *g = NULL;
	struct err why = {0};

	if (group_new(&spec, &g, &why) < 0)
		return yaml_mistake(r, at, "%s", why.msg);
	group_free(g);
	return 0;
}

static int read_sort(
	struct yaml_reading *r, const struct yaml_node *at, struct group_columns *v, size_t i)
{
	const struct yaml_node *n = yaml_get(at, "sort");
	unsigned word = 0;

	if (!n)
		return 0;
	if (v->sort >= 0)
		return yaml_mistake(r, n, "another column sorts already");
	v->sort = (int)i;
	if (yaml_read_word(r, at, "sort", sort_words, &word) < 0)
		return -EINVAL;
	v->ascending = word == 1;
	return 0;
}

static int read_column(struct yaml_reading *r, const struct yaml_node *at,
	const struct field_set *fields, struct group_columns *v, size_t i)
{
	struct group_column *c = &v->columns[i];
	unsigned agg = GROUP_LAST, unit = GROUP_PLAIN;
	bool key = false;
	int64_t width = 0;

	if (yaml_check_keys(r, at, column_keys, "a column") < 0 ||
		yaml_read_text(r, at, "name", true, &c->name) < 0 ||
		yaml_read_text(r, at, "field", true, &c->field) < 0 ||
		yaml_read_text(r, at, "filter", false, &c->filter) < 0 ||
		yaml_read_text(r, at, "description", false, &c->desc) < 0 ||
		yaml_read_word(r, at, "agg", agg_words, &agg) < 0 ||
		yaml_read_word(r, at, "unit", unit_words, &unit) < 0 ||
		yaml_read_bool(r, at, "key", &key) < 0 ||
		yaml_read_bool(r, at, "hidden", &v->hidden[i]) < 0 ||
		yaml_read_number(r, at, "width", 0, WIDTH_MAX, &width) < 0 ||
		read_sort(r, at, v, i) < 0)
		return -EINVAL;
	if (key && yaml_get(at, "agg"))
		return yaml_mistake(
			r, yaml_get(at, "agg"), "a key tells rows apart: it has no \"agg\"");
	c->agg = key ? GROUP_KEY : (enum group_agg)agg;
	c->unit = (enum group_unit)unit;
	c->width = (unsigned)width;
	v->nkeys += key;
	return try_column(r, at, fields, c);
}

int group_columns_read(struct yaml_reading *r, const struct yaml_node *map,
	const struct field_set *fields, struct group_columns *ret)
{
	const struct yaml_node *list = yaml_get(map, "columns");

	if (!list || list->kind != YAML_SEQ || !list->nitems || list->nitems > GROUP_COLUMNS_MAX)
		return yaml_mistake(r, list ? list : map,
			"\"columns\" must be a list of 1 to %d columns", GROUP_COLUMNS_MAX);
	*ret = (struct group_columns){
		.columns = arena_array(r->arena, struct group_column, list->nitems),
		.hidden = arena_array(r->arena, bool, list->nitems),
		.n = list->nitems,
		.sort = -1,
	};
	if (!ret->columns || !ret->hidden)
		return err_set(r->e, ENOMEM, "out of memory");
	for (size_t i = 0; i < ret->n; i++)
		if (read_column(r, list->items[i], fields, ret, i) < 0)
			return -EINVAL;
	return 0;
}

int group_filter_check(struct yaml_reading *r, const struct yaml_node *at, struct str filter,
	const struct field_set *fields)
{
	struct group_column one = {.name = STR("N"), .field = STR("evt.count"), .agg = GROUP_COUNT};
	struct group_spec spec = {.columns = &one,
		.ncolumns = 1,
		.filter = filter,
		.sort_column = -1,
		.fields = fields};
	struct group_table *g = NULL;
	struct err why = {0};

	if (!filter.len)
		return 0;
	if (group_new(&spec, &g, &why) < 0)
		return yaml_mistake(r, at, "%s", why.msg);
	group_free(g);
	return 0;
}
