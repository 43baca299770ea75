/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of findings, what they have in common, how they lie in time. */
#include "base/clock.h"
#include "base/json.h"
#include "face/console/api_query.h"
#include "face/console/write.h"

int api_findings(struct request *q)
{
	struct store_query query;
	struct store_page page = {0};
	struct store_place place = {0};
	struct err e = {0};
	int status = query_from_params(q, &query), r;
	bool first = false;

	if (status)
		return status;
	r = store_findings(q->console->store, &query, &q->arena, &page, &place, &e);
	if (r < 0)
		return query_fail(q, r, &e, &place);
	write_list_begin(&q->out);
	write_findings(&q->out, page.items, page.n);
	buf_add_char(&q->out, ']');
	write_str_or_null(&q->out, &first, "next", page.next);
	if (query.want_total) {
		write_u64(&q->out, &first, "total", page.total);
		write_bool(&q->out, &first, "total_capped", page.total_is_capped);
	} else {
		write_raw(&q->out, &first, "total", STR_NULL, "null");
	}
	buf_add_char(&q->out, '}');
	return 200;
}

static void add_group(struct buf *b, const struct store_group *g)
{
	bool first = true;

	buf_add_char(b, '{');
	write_str(b, &first, "key", g->key);
	write_str(b, &first, "name", g->label);
	write_u64(b, &first, "count", g->count);
	write_u64(b, &first, "findings", g->findings);
	write_u64(b, &first, "open", g->open);
	write_time(b, &first, "first", g->first_ns);
	write_time(b, &first, "last", g->last_ns);
	write_priority(b, &first, "worst_priority", g->worst);
	buf_add_char(b, '}');
}

int api_groups(struct request *q)
{
	enum store_group_by by = STORE_BY_RULE;
	struct store_query query;
	struct store_group *groups;
	struct store_place place = {0};
	struct err e = {0};
	size_t n = 0;
	int status = query_from_params(q, &query), r;

	if (status)
		return status;
	if (!store_group_by_parse(request_query(q, "by"), &by))
		return request_fail(q, 400, "bad_query", "by: not known");
	r = store_groups(q->console->store, &query, by, &q->arena, &groups, &n, &place, &e);
	if (r < 0)
		return query_fail(q, r, &e, &place);
	write_list_begin(&q->out);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(&q->out, ',');
		add_group(&q->out, &groups[i]);
	}
	write_list_end(&q->out, STR_NULL, n, true);
	return 200;
}

int api_filter_check(struct request *q)
{
	struct store_place place = {0};
	struct err e = {0};
	int r = store_filter_check(request_text(q, "filter"), &place, &e);

	place.is_filter = true;
	if (r < 0)
		return query_fail(q, r, &e, &place);
	buf_add_cstr(&q->out, "{\"ok\":true}");
	return 200;
}

/* ---- over time ------------------------------------------------------------------------------ */

enum { BUCKETS_DEFAULT = 60 };

static void add_bucket(struct buf *b, const struct store_bucket *k)
{
	bool first = true, inner = true;
	uint64_t total = 0;

	for (enum priority p = 0; p < PRIORITY_COUNT; p++)
		total += k->by_priority[p];
	buf_add_char(b, '{');
	write_time(b, &first, "time", k->start_ns);
	write_u64(b, &first, "total", total);
	json_add_key(b, &first, "by_priority");
	buf_add_char(b, '{');
	for (enum priority p = 0; p < PRIORITY_COUNT; p++)
		if (k->by_priority[p])
			write_u64(b, &inner, priority_name(p), k->by_priority[p]);
	buf_add_cstr(b, "}}");
}

int api_timeline(struct request *q)
{
	unsigned n = (unsigned)request_query_int(q, "buckets", BUCKETS_DEFAULT);
	struct store_query query;
	struct store_bucket *buckets;
	struct store_place place = {0};
	struct err e = {0};
	int status = query_from_params(q, &query), r;

	if (status)
		return status;
	/* a range that has no end, or no beginning: the last day */
	if (!query.to_ns)
		query.to_ns = clock_epoch_ns();
	if (!query.from_ns)
		query.from_ns = query.to_ns - 24 * 3600 * NSEC_PER_SEC;
	if (query.from_ns >= query.to_ns)
		return request_fail(q, 400, "bad_query", "from has to be before to");
	r = store_timeline(q->console->store, &query, n, &q->arena, &buckets, &place, &e);
	if (r < 0)
		return query_fail(q, r, &e, &place);
	write_list_begin(&q->out);
	for (unsigned i = 0; i < n; i++) {
		if (i)
			buf_add_char(&q->out, ',');
		add_bucket(&q->out, &buckets[i]);
	}
	write_list_end(&q->out, STR_NULL, n, true);
	return 200;
}
