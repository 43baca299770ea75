/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which findings speak of an entity: its key, taken apart again, as conditions on columns; the
 * full-text index finds the few rows whose words are the key's. So a finding needs no row for each
 * of its entities, which was a third of what putting one cost.
 */
#include <errno.h>

#include "sink/store/read.h"

bool entity_has_columns(enum store_entity_kind kind)
{
	switch (kind) {
	case STORE_HOST:
	case STORE_CONTAINER:
	case STORE_IMAGE:
	case STORE_PROCESS:
	case STORE_USER:
	case STORE_FILE:
	case STORE_ADDRESS:
	case STORE_POD:
	case STORE_NAMESPACE:
		return true;
	default:
		return false;
	}
}

/* Off the end of *rest, behind the last '|'. */
static struct str cut_last(struct str *rest)
{
	ptrdiff_t bar = str_rfind_char(*rest, '|');
	struct str last = str_skip(*rest, (size_t)(bar + 1));

	*rest = str_head(*rest, bar < 0 ? 0 : (size_t)bar);
	return last;
}

static void narrow(struct select *sel, struct str value)
{
	if (value.len && value.len <= NAME_COLUMN_MAX)
		(void)search_add_value(sel->a, &sel->search, value, ++sel->any);
}

int entity_select(struct select *sel, struct err *e)
{
	struct str key = STR_NULL;
	int rc = entity_read(sel->db, sel->q->entity, sel->a, &sel->entity, e);

	if (rc < 0)
		return rc;
	key = sel->entity.key;
	sel->by_columns = entity_has_columns(sel->entity.kind);
	switch (sel->entity.kind) {
	case STORE_CONTAINER:
		narrow(sel, str_head(key, 12));
		break;
	case STORE_HOST:
	case STORE_IMAGE:
	case STORE_ADDRESS:
	case STORE_NAMESPACE:
		narrow(sel, key);
		break;
	case STORE_POD:
		narrow(sel, cut_last(&key));
		break;
	case STORE_PROCESS:
		(void)cut_last(&key);
		narrow(sel, arena_printf(sel->a, "pid%.*s", STR_ARG(cut_last(&key))));
		break;
	case STORE_USER:
		(void)cut_last(&key);
		narrow(sel, key);
		break;
	case STORE_FILE:
		(void)str_cut(&key, '|');
		narrow(sel, key);
		break;
	default:
		break;
	}
	return 0;
}

static void equal(struct sql *sql, const char *column, struct str value)
{
	sql_add(sql, " AND ");
	sql_add(sql, column);
	if (!value.len) {
		sql_add(sql, " IS NULL");
		return;
	}
	sql_add(sql, " = ");
	sql_text(sql, value);
}

static void equal_number(struct sql *sql, const char *expr, struct str text)
{
	int64_t v = -1;

	if (!str_to_s64(text, 10, &v))
		v = -1;
	sql_add(sql, " AND ");
	sql_add(sql, expr);
	sql_add(sql, " = ");
	sql_int(sql, v);
}

/* "where|path": where is a container's short id, or the host. */
static void file_conditions(struct sql *sql, struct str key)
{
	struct str where = str_cut(&key, '|');
	unsigned n = sql_bind_text(sql, where);

	equal(sql, "f.file", key);
	buf_printf(&sql->text,
		" AND (f.container = ?%u OR (f.container IS NULL AND f.hostname = ?%u))", n, n);
}

static void process_conditions(struct sql *sql, struct str key)
{
	struct str start = cut_last(&key), pid = cut_last(&key);

	equal_number(sql, "f.pid", pid);
	equal_number(sql, "coalesce(f.start_ns, 0)", start);
	equal(sql, "f.hostname", key);
}

void entity_conditions(struct select *sel, struct sql *sql)
{
	struct str key = sel->entity.key, last = STR_NULL;

	if (!sel->by_columns)
		return;
	switch (sel->entity.kind) {
	case STORE_HOST:
		equal(sql, "f.hostname", key);
		break;
	case STORE_CONTAINER:
		equal(sql, "f.container", str_head(key, 12));
		break;
	case STORE_IMAGE:
		equal(sql, "f.image", key);
		break;
	case STORE_ADDRESS:
		equal(sql, "f.remote_ip", key);
		break;
	case STORE_NAMESPACE:
		equal(sql, "f.namespace", key);
		break;
	case STORE_POD:
		last = cut_last(&key);
		equal(sql, "f.pod", last);
		equal(sql, "f.namespace", key);
		break;
	case STORE_USER:
		last = cut_last(&key);
		equal_number(sql, "f.uid", last);
		equal(sql, "f.hostname", key);
		break;
	case STORE_FILE:
		file_conditions(sql, key);
		break;
	default:
		process_conditions(sql, key);
		break;
	}
}
