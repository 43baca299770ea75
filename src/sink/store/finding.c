/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of findings: a query's rows in order, cut where the next page goes on. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sink/store/read.h"

const char finding_columns[] =
	"f.n, f.id, f.time_ns, f.last_ns, f.count, u.name, u.source, u.tags, f.priority, f.output, "
	"f.hostname, f.container, f.container_name, f.image, f.pod, f.namespace, f.pid, "
	"f.start_ns, "
	"f.process, f.exe, f.cmdline, f.username, f.event, f.file, f.local, f.remote, f.state, "
	"f.assignee, f.fingerprint, f.mute";

struct str take_str(struct arena *a, struct str s)
{
	struct str copy = arena_str(a, s);

	return copy.s ? copy : STR("");
}

struct str fingerprint_text(struct arena *a, int64_t fingerprint)
{
	struct str s = arena_printf(a, "%016" PRIx64, (uint64_t)fingerprint);

	return s.s ? s : STR("");
}

static void take_tags(struct arena *a, struct str json, struct store_finding *ret)
{
	const char *why = NULL;
	size_t where = 0;
	const struct node *tags = node_parse(a, take_str(a, json), &why, &where);
	struct str *out = arena_array(a, struct str, TAGS_MAX);

	ret->tags = out;
	for (const struct node *x = node_first(tags); out && x; x = x->next)
		if (node_text(x).len && ret->ntags < TAGS_MAX)
			out[ret->ntags++] = take_str(a, node_text(x));
}

void finding_take(struct stmt *st, struct arena *a, struct store_finding *ret, int64_t *ret_n)
{
	int i = 0;

	*ret = (struct store_finding){0};
	*ret_n = stmt_get_int(st, i++);
	ret->id = stmt_take_text(st, i++, a);
	ret->time_ns = stmt_get_u64(st, i++);
	ret->last_ns = stmt_get_u64(st, i++);
	ret->count = stmt_get_u64(st, i++);
	ret->rule = stmt_take_text(st, i++, a);
	ret->source = stmt_take_text(st, i++, a);
	take_tags(a, stmt_get_text(st, i++), ret);
	ret->priority = (enum priority)stmt_get_int(st, i++);
	struct str *const texts[] = {&ret->output, &ret->hostname, &ret->container_id,
		&ret->container_name, &ret->image, &ret->pod, &ret->namespace_name};
	for (size_t k = 0; k < sizeof(texts) / sizeof(*texts); k++)
		*texts[k] = stmt_take_text(st, i++, a);
	ret->pid = stmt_get_u64(st, i++);
	ret->start_ns = stmt_get_u64(st, i++);
	struct str *const more[] = {&ret->process, &ret->exe, &ret->cmdline, &ret->user,
		&ret->event, &ret->file, &ret->local, &ret->remote};
	for (size_t k = 0; k < sizeof(more) / sizeof(*more); k++)
		*more[k] = stmt_take_text(st, i++, a);
	ret->state = (enum store_state)stmt_get_int(st, i++);
	ret->assignee = stmt_take_text(st, i++, a);
	ret->fingerprint = fingerprint_text(a, stmt_get_int(st, i++));
	ret->mute_id = stmt_take_text(st, i++, a);
}

/* The same from a row on its way in. */
void finding_of_row(struct arena *a, const struct row *row, struct store_finding *ret)
{
	*ret = (struct store_finding){
		.id = take_str(a, row->id),
		.time_ns = (uint64_t)row->time_ns,
		.last_ns = (uint64_t)row->last_ns,
		.count = (uint64_t)row->count,
		.rule = take_str(a, row->rule),
		.source = take_str(a, row->source),
		.priority = row->priority,
		.output = take_str(a, row->output),
		.hostname = take_str(a, row->hostname),
		.container_id = take_str(a, row->container),
		.container_name = take_str(a, row->container_name),
		.image = take_str(a, row->image),
		.pod = take_str(a, row->pod),
		.namespace_name = take_str(a, row->namespace),
		.pid = (uint64_t)row->pid.v,
		.start_ns = (uint64_t)row->start_ns.v,
		.process = take_str(a, row->process),
		.exe = take_str(a, row->exe),
		.cmdline = take_str(a, row->cmdline),
		.user = take_str(a, row->username),
		.event = take_str(a, row->event),
		.file = take_str(a, row->file),
		.local = take_str(a, row->local),
		.remote = take_str(a, row->remote),
		.state = row->state,
		.assignee = STR(""),
		.fingerprint = fingerprint_text(a, row->fingerprint),
		.mute_id = row->mute ? arena_printf(a, "%" PRId64, row->mute) : STR(""),
	};
	take_tags(a, row->tags, ret);
}

/* ---- cursors -------------------------------------------------------------------------------- */

struct str cursor_make(struct arena *a, char kind, int64_t x, int64_t y)
{
	struct str s = arena_printf(a, "%c%" PRIx64 ".%" PRIx64, kind, (uint64_t)x, (uint64_t)y);

	return s.s ? s : STR("");
}

int cursor_read(struct str text, char kind, int64_t *x, int64_t *y, struct err *e)
{
	struct str rest = str_skip(text, 1), first = STR_NULL;
	uint64_t a = 0, b = 0;

	if (text.len && text.s[0] == kind)
		first = str_cut(&rest, '.');
	if (!str_to_u64(first, 16, &a) || !str_to_u64(rest, 16, &b))
		return err_set(e, EINVAL,
			"the cursor is not one that this list gave out; begin at the first page");
	*x = (int64_t)a;
	*y = (int64_t)b;
	return 0;
}

unsigned page_limit(unsigned wish)
{
	return wish == 0 ? STORE_PAGE_DEFAULT : wish > STORE_PAGE_MAX ? STORE_PAGE_MAX : wish;
}

/* ---- a page --------------------------------------------------------------------------------- */

static int add_cursor(struct select *sel, struct sql *sql, struct err *e)
{
	static const char kinds[] = "noW"; /* newest, oldest, worst */
	const struct store_query *q = sel->q;
	int64_t n = 0, priority = 0;
	int rc = 0;

	if (!q->cursor.len)
		return 0;
	rc = cursor_read(q->cursor, kinds[q->order], &n, &priority, e);
	if (rc < 0)
		return rc;
	sql_add(sql, " AND ");
	if (q->order == STORE_WORST) {
		sql_add(sql, "f.priority >= ");
		sql_int(sql, priority);
		sql_add(sql, " AND (f.priority > ");
		sql_int(sql, priority);
		sql_add(sql, " OR f.n < ");
		sql_int(sql, n);
		sql_add(sql, ")");
		return 0;
	}
	sql_add(sql, select_key(sel));
	sql_add(sql, q->order == STORE_NEWEST ? " < " : " > ");
	sql_int(sql, n);
	return 0;
}

static void add_order(const struct select *sel, struct sql *sql)
{
	sql_add(sql, " ORDER BY ");
	if (sel->q->order == STORE_WORST)
		sql_add(sql, "f.priority, f.n DESC");
	else
		sql_add(sql, select_key(sel));
	if (sel->q->order == STORE_NEWEST)
		sql_add(sql, " DESC");
}

static int take_page(struct stmt *st, const struct store_query *q, unsigned limit, struct arena *a,
	struct store_page *ret, struct err *e)
{
	static const char kinds[] = "noW";
	int64_t n = 0;
	int rc = 0;

	ret->items = arena_array(a, struct store_finding, limit + 1);
	if (!ret->items)
		return err_set(e, ENOMEM, "no memory for a page of findings");
	while ((rc = stmt_step(st, e)) > 0) {
		if (ret->n == limit) { /* one more than asked for: there is another page */
			const struct store_finding *last = &ret->items[limit - 1];

			ret->next = cursor_make(a, kinds[q->order], n, last->priority);
			return 0;
		}
		finding_take(st, a, &ret->items[ret->n++], &n);
	}
	return rc;
}

static int read_page(struct select *sel, struct store_page *ret, struct err *e)
{
	unsigned limit = page_limit(sel->q->limit);
	struct stmt *st = NULL;
	struct sql sql;
	int rc = 0;

	sql_init(&sql, sel->db->ops->engine, sel->a);
	sql_add(&sql, "SELECT ");
	sql_add(&sql, finding_columns);
	rc = select_from(sel, &sql, e);
	if (rc == 0)
		rc = add_cursor(sel, &sql, e);
	if (rc == 0) {
		add_order(sel, &sql);
		sql_add(&sql, " LIMIT ");
		sql_int(&sql, limit + 1);
		rc = sql_prepare(&sql, sel->db, &st, e);
	}
	if (rc == 0)
		rc = take_page(st, sel->q, limit, sel->a, ret, e);
	stmt_done(st);
	sql_done(&sql);
	return rc;
}

static int read_total(struct select *sel, struct store_page *ret, struct err *e)
{
	struct stmt *st = NULL;
	struct sql sql;
	int rc = 0;

	sql_init(&sql, sel->db->ops->engine, sel->a);
	sql_add(&sql, "SELECT count(*) FROM (SELECT 1 AS one");
	rc = select_from(sel, &sql, e);
	sql_add(&sql, " LIMIT ");
	sql_int(&sql, STORE_COUNT_MAX + 1);
	sql_add(&sql, ") AS c");
	if (rc == 0)
		rc = sql_prepare(&sql, sel->db, &st, e);
	if (rc == 0)
		rc = stmt_row(st, e);
	if (rc == 0) {
		ret->total = stmt_get_u64(st, 0);
		ret->total_is_capped = ret->total > STORE_COUNT_MAX;
		if (ret->total_is_capped)
			ret->total = STORE_COUNT_MAX;
	}
	stmt_done(st);
	sql_done(&sql);
	return rc;
}

static int find_page(struct store *s, struct db *db, const struct store_query *q, struct arena *a,
	struct store_page *ret, struct store_place *place, struct err *e)
{
	struct select sel = {0};
	int rc = select_init(&sel, s, db, a, q, place, e);

	*ret = (struct store_page){.next = STR("")};
	if (rc == 0)
		rc = read_page(&sel, ret, e);
	if (rc == 0 && q->want_total)
		rc = read_total(&sel, ret, e);
	select_done(&sel);
	return rc;
}

int store_findings(struct store *s, const struct store_query *q, struct arena *a,
	struct store_page *ret, struct store_place *place, struct err *e)
{
	struct db *db = NULL;
	int rc = 0;

	if ((unsigned)q->order > STORE_WORST)
		return err_set(e, EINVAL, "no such order; there are newest, oldest, worst");
	rc = store_reader_take(s, &db, e);
	if (rc < 0)
		return rc;
	rc = find_page(s, db, q, a, ret, place, e);
	store_reader_give(s, db);
	return rc;
}
