/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One comparison of a filter, judged by the filter room for a value that comes from the database:
 * a program of one root, whose only field is "the value".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "sink/store/filter.h"

enum { DISTINCT_MAX = 50000 };

static bool get_value(const struct field_ctx *ctx, const struct field_arg *arg, struct value *ret)
{
	*ret = *(const struct value *)ctx->subject;
	return true;
}

/* One for each type that a field of the store has. */
static const struct field_def value_fields[] = {
	{.name = "v", .type = VT_STR, .get = get_value},
	{.name = "v", .type = VT_U64, .get = get_value},
	{.name = "v", .type = VT_S64, .get = get_value},
	{.name = "v", .type = VT_ABSTIME, .get = get_value},
	{.name = "v", .type = VT_PORT, .get = get_value},
	{.name = "v", .type = VT_IP, .get = get_value},
};
static const struct field_class value_class = {.name = "value",
	.fields = value_fields,
	.nfields = sizeof(value_fields) / sizeof(*value_fields)};
static const struct field_class *const value_classes[] = {&value_class};
static const struct field_set value_set = {value_classes, 1};

static const struct field_def *value_field(enum value_type type)
{
	for (size_t i = 0; i < value_class.nfields; i++)
		if (value_fields[i].type == type)
			return &value_fields[i];
	return NULL;
}

/* A copy of an operand with the field put in the place of its own. */
static bool replace_field(
	struct arena *a, const struct operand *from, struct operand *to, enum value_type *type)
{
	*to = *from;
	if (from->kind == OPERAND_FIELD) {
		*type = from->field->type;
		to->field = value_field(from->field->type);
		to->field_name = STR("v");
		to->arg = (struct field_arg){0};
		return to->field != NULL;
	}
	to->args = arena_array(a, struct operand, from->nargs + 1);
	if (!to->args)
		return false;
	for (size_t i = 0; i < from->nargs; i++)
		if (!replace_field(a, &from->args[i], &to->args[i], type))
			return false;
	return true;
}

int filter_leaf_new(
	struct arena *a, const struct ast *check, struct filter_leaf **ret, struct err *e)
{
	struct filter_leaf *leaf = arena_new(a, struct filter_leaf);
	struct filter_error fe = {0};
	struct ast copy = *check;

	if (!leaf || !replace_field(a, &check->left, &copy.left, &leaf->type))
		return err_set(e, ENOMEM, "no memory for a filter");
	leaf->is_number = leaf->type != VT_STR && leaf->type != VT_IP;
	leaf->program = filter_program_new(&value_set);
	if (!leaf->program)
		return err_set(e, ENOMEM, "no memory for a filter");
	int rc = filter_program_add(leaf->program, &copy, &leaf->root, &fe);
	if (rc < 0)
		rc = err_set(e, EINVAL, "filter, line %u, column %u: %s", fe.pos.line,
			fe.pos.column, fe.msg);
	else
		rc = filter_program_seal(leaf->program, e);
	if (rc == 0 && !(leaf->eval = filter_eval_new(leaf->program)))
		rc = err_set(e, ENOMEM, "no memory for a filter");
	if (rc < 0) {
		filter_leaf_done(leaf);
		return rc;
	}
	*ret = leaf;
	return 0;
}

void filter_leaf_done(struct filter_leaf *leaf)
{
	filter_eval_free(leaf->eval);
	filter_program_free(leaf->program);
	leaf->eval = NULL;
	leaf->program = NULL;
}

static bool make_value(const struct filter_leaf *leaf, struct str text, bool is_number,
	int64_t number, struct value *ret)
{
	char ip[INET6_ADDRSTRLEN];

	*ret = (struct value){.type = leaf->type, .i = number};
	if (leaf->is_number)
		return is_number;
	if (is_number)
		return false;
	if (leaf->type == VT_STR) {
		ret->s = text;
		return true;
	}
	if (!str_copy(text, ip, sizeof(ip)))
		return false;
	memset(&ret->ip, 0, sizeof(ret->ip));
	if (inet_pton(AF_INET, ip, ret->ip.bytes) == 1)
		return true;
	ret->ip.is_v6 = true;
	return inet_pton(AF_INET6, ip, ret->ip.bytes) == 1;
}

bool filter_leaf_holds(const void *p, struct str text, bool is_number, int64_t number)
{
	const struct filter_leaf *leaf = p;
	struct value v;

	if (!make_value(leaf, text, is_number, number, &v))
		return false;
	filter_eval_begin(leaf->eval, &v);
	return filter_eval_root(leaf->eval, leaf->root);
}

static int judge_values(struct stmt *st, struct filter_leaf *leaf, struct buf *out, struct err *e)
{
	unsigned n = 0;
	int rc = 0;

	while ((rc = stmt_step(st, e)) > 0) {
		struct str text = stmt_get_text(st, 0);
		int64_t number = leaf->is_number ? stmt_get_int(st, 0) : 0;

		if (++n > DISTINCT_MAX)
			return err_set(e, EINVAL,
				"the filter's pattern would have to be compared with more than %d "
				"different values; narrow it by time, or with a comparison by =",
				DISTINCT_MAX);
		if (filter_leaf_holds(leaf, text, leaf->is_number, number))
			dialect_array_item(out, text);
	}
	if (rc == 0 && out->cut)
		return err_set(e, EINVAL, "the filter's pattern fits too many different values");
	return rc;
}

int filter_leaf_values(struct db *db, struct arena *a, struct filter_leaf *leaf, const char *value,
	const struct store_query *scope, bool reads_record, struct str *ret, struct err *e)
{
	struct buf list = BUF_INIT(16 << 20);
	struct stmt *st = NULL;
	struct sql q;
	int rc = 0;

	sql_init(&q, db->ops->engine, a);
	sql_add(&q, "SELECT DISTINCT ");
	sql_add(&q, value);
	sql_add(&q, " FROM finding f {then} rule u ON u.id = f.rule");
	if (reads_record)
		sql_add(&q, " {then} evidence r ON r.n = f.n");
	sql_add(&q, " WHERE ");
	sql_add(&q, value);
	sql_add(&q, " IS NOT NULL");
	select_add_time(&q, scope);
	sql_add(&q, " LIMIT ");
	sql_int(&q, DISTINCT_MAX + 1);
	rc = sql_prepare(&q, db, &st, e);
	if (rc == 0)
		rc = judge_values(st, leaf, &list, e);
	stmt_done(st);
	buf_add_cstr(&list, list.len ? "}" : "{}");
	*ret = arena_str(a, buf_str(&list));
	if (rc == 0 && !ret->s)
		rc = err_set(e, ENOMEM, "no memory for a filter");
	buf_done(&list);
	sql_done(&q);
	return rc;
}

bool utf8_is_good(struct str s)
{
	while (s.len) {
		size_t n = utf8_len(s);

		if (!n || !s.s[0])
			return false;
		s = str_skip(s, n);
	}
	return true;
}
