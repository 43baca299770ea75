/* SPDX-License-Identifier: Apache-2.0 */
/* What people do with findings: actions on one or many, and mutes. Each leaves an audit row. */
#include <errno.h>

#include "face/console/api_query.h"
#include "face/console/write.h"

enum { IDS_MAX = 1000 };

static size_t take_ids(const struct request *q, struct str *ids)
{
	const json_t *list = json_object_get(q->json, "ids"), *v;
	size_t i, n = 0;

	json_array_foreach(list, i, v)
	{
		if (n < IDS_MAX)
			ids[n++] = str_make(json_string_value(v), json_string_length(v));
	}
	return n;
}

static struct str or_empty(struct str s)
{
	return s.s ? s : STR("");
}

int api_actions(struct request *q)
{
	struct str *ids = arena_array(&q->arena, struct str, IDS_MAX);
	struct str filter = request_text(q, "filter"), action = request_text(q, "action");
	const struct store_query query = {.filter = or_empty(filter)};
	struct store_triage t = {.ids = ids,
		.assignee = or_empty(request_text(q, "assignee")),
		.text = or_empty(request_text(q, "text")),
		.who = str_of(q->who.user)};
	struct store_place place = {0};
	struct err e = {0};
	uint64_t changed = 0;
	int r, status;

	if (!ids)
		return request_fail(q, 500, "internal", "out of memory");
	t.nids = take_ids(q, ids);
	if ((t.nids > 0) == (filter.len > 0))
		return request_fail(
			q, 400, "bad_body", "give ids or a filter that is not empty, one of them");
	if (filter.len)
		t.query = &query;
	(void)store_action_parse(action, &t.action);
	if (t.action == STORE_DID_COMMENT && !t.text.len)
		return request_fail(q, 400, "bad_body", "text: a comment says something");
	r = store_triage(q->console->store, &t, &changed, &place, &e);
	if (r < 0)
		return query_fail(q, r, &e, &place);
	status = audit(q, action.s, t.nids == 1 ? ids[0] : STR(""),
		"%zu ids, filter '%.*s', %llu "
		"changed",
		t.nids, STR_ARG(str_head(or_empty(filter), 500)), (unsigned long long)changed);
	if (status)
		return status;
	buf_printf(&q->out, "{\"changed\":%llu}", (unsigned long long)changed);
	return 200;
}

/* ---- mutes ---------------------------------------------------------------------------------- */

static void add_mute(struct buf *b, const struct store_mute *m)
{
	bool first = true;

	buf_add_char(b, '{');
	write_str(b, &first, "id", m->id);
	write_str(b, &first, "filter", m->filter);
	write_str(b, &first, "fingerprint", m->fingerprint);
	write_str(b, &first, "rule", m->rule);
	write_str(b, &first, "reason", m->reason);
	write_time(b, &first, "until", m->until_ns);
	write_str(b, &first, "created_by", m->created_by);
	write_time(b, &first, "created", m->created_ns);
	write_u64(b, &first, "muted_count", m->muted_count);
	write_time(b, &first, "last", m->last_ns);
	write_bool(b, &first, "expired", m->has_expired);
	buf_add_char(b, '}');
}

int api_mutes(struct request *q)
{
	struct store_mute *mutes;
	size_t n = 0;
	struct err e = {0};
	int r = store_mute_list(q->console->store, &q->arena, &mutes, &n, &e);

	if (r < 0)
		return request_fail_err(q, r, &e);
	write_list_begin(&q->out);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(&q->out, ',');
		add_mute(&q->out, &mutes[i]);
	}
	write_list_end(&q->out, STR_NULL, n, true);
	return 200;
}

int api_mute_add(struct request *q)
{
	struct store_mute m = {.filter = or_empty(request_text(q, "filter")),
		.fingerprint = or_empty(request_text(q, "fingerprint")),
		.rule = or_empty(request_text(q, "rule")),
		.reason = request_text(q, "reason"),
		.created_by = str_of(q->who.user)};
	struct str until = request_text(q, "until"), id;
	struct store_place place = {0};
	struct err e = {0};
	uint64_t changed = 0;
	bool first = true;
	int r, status;

	if (!m.filter.len && !m.fingerprint.len && !m.rule.len)
		return request_fail(
			q, 400, "bad_body", "say what to mute: a filter, a fingerprint or a rule");
	if (until.len)
		(void)schema_parse_time(until, &m.until_ns);
	r = store_mute_add(q->console->store, &m, request_flag(q, "existing", false), &q->arena,
		&id, &changed, &place, &e);
	if (r < 0)
		return query_fail(q, r, &e, &place);
	status = audit(q, "mute", id,
		"rule '%.*s', fingerprint '%.*s', filter '%.*s', reason '%.*s'",
		STR_ARG(str_head(m.rule, 200)), STR_ARG(m.fingerprint),
		STR_ARG(str_head(m.filter, 500)), STR_ARG(str_head(m.reason, 500)));
	if (status)
		return status;
	buf_add_char(&q->out, '{');
	write_str(&q->out, &first, "id", id);
	write_u64(&q->out, &first, "changed", changed);
	buf_add_char(&q->out, '}');
	return 200;
}

int api_mute_delete(struct request *q)
{
	struct err e = {0};
	int r = store_mute_delete(q->console->store, q->id, &e);
	int status = r < 0 ? request_fail_err(q, r, &e) : audit(q, "unmute", q->id, "%s", "");

	if (status)
		return status;
	buf_add_cstr(&q->out, "{\"ok\":true}");
	return 200;
}
