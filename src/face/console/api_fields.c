/* SPDX-License-Identifier: Apache-2.0 */
/* What filters over findings, and what conditions of rules, can name: for help while one types. */
#include "engine/field/field.h"
#include "face/console/private.h"
#include "face/console/write.h"

int api_finding_fields(struct request *q)
{
	size_t n = 0;
	const struct store_field *f = store_fields(&n);

	write_list_begin(&q->out);
	for (size_t i = 0; i < n; i++) {
		bool first = true;

		buf_add_cstr(&q->out, i ? ",{" : "{");
		write_str(&q->out, &first, "name", str_of(f[i].name));
		write_str(&q->out, &first, "type", str_of(f[i].type));
		write_str(&q->out, &first, "doc", str_of(f[i].doc));
		write_bool(&q->out, &first, "fast", f[i].is_fast);
		buf_add_char(&q->out, '}');
	}
	write_list_end(&q->out, STR_NULL, n, true);
	return 200;
}

static const char *type_of(enum value_type t)
{
	static const char *const names[] = {
		[VT_STR] = "text",
		[VT_BOOL] = "bool",
		[VT_U64] = "number",
		[VT_S64] = "number",
		[VT_DOUBLE] = "number",
		[VT_RELTIME] = "duration",
		[VT_ABSTIME] = "time",
		[VT_BYTES] = "bytes",
		[VT_IP] = "address",
		[VT_NET] = "network",
		[VT_PORT] = "port",
		[VT_PATH] = "path",
		[VT_DYNAMIC] = "any",
	};

	return names[t];
}

static void add_field(struct buf *b, const struct field_def *f)
{
	bool first = true;

	buf_add_char(b, '{');
	write_str(b, &first, "name", str_of(f->name));
	write_str(b, &first, "type", str_of(type_of(f->type)));
	write_bool(b, &first, "list", f->flags & FIELD_LIST);
	write_bool(b, &first, "argument", f->flags & (FIELD_ARG_OPTIONAL | FIELD_ARG_REQUIRED));
	write_str(b, &first, "doc", str_of(f->doc));
	buf_add_char(b, '}');
}

int api_rule_fields(struct request *q)
{
	const struct field_set *set = &field_set_syscall;
	size_t n = 0;

	write_list_begin(&q->out);
	for (size_t i = 0; i < set->nclasses; i++)
		for (size_t k = 0; k < set->classes[i]->nfields; k++) {
			const struct field_def *f = &set->classes[i]->fields[k];

			if (f->flags & (FIELD_TABLE_ONLY | FIELD_DEPRECATED))
				continue;
			if (n++)
				buf_add_char(&q->out, ',');
			add_field(&q->out, f);
		}
	write_list_end(&q->out, STR_NULL, n, true);
	return 200;
}
