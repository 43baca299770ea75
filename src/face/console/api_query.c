/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters to what the store understands; their types were checked by the route's shape. */
#include "face/console/api_query.h"

#include <errno.h>

int query_fail(struct request *q, int error, const struct err *e, const struct store_place *p)
{
	int status = request_fail_err(q, error, e);

	if (error != -EINVAL || !p)
		return status;
	if (p->is_filter)
		str_copy(STR("bad_filter"), q->error_code, sizeof(q->error_code));
	q->error_line = p->line;
	q->error_column = p->column;
	return status;
}

int query_bits(struct request *q, const char *name, bool (*parse)(struct str s, unsigned *ret),
	uint32_t *ret)
{
	struct str rest = request_query(q, name);

	*ret = 0;
	while (rest.len) {
		struct str word = str_trim(str_cut(&rest, ','));
		unsigned n;

		if (!parse(word, &n))
			return request_fail(q, 400, "bad_query", "%s: '%.*s' is not known", name,
				STR_ARG(str_head(word, 80)));
		*ret |= 1U << n;
	}
	return 0;
}

static bool parse_state(struct str s, unsigned *ret)
{
	enum store_state st;

	if (!store_state_parse(s, &st))
		return false;
	*ret = st;
	return true;
}

static bool parse_priority(struct str s, unsigned *ret)
{
	enum priority p;

	if (!priority_parse(s, &p))
		return false;
	*ret = p;
	return true;
}

static struct str text_or_empty(const struct request *q, const char *name)
{
	struct str s = request_query(q, name);

	return s.s ? s : STR("");
}

int query_from_params(struct request *q, struct store_query *ret)
{
	struct str order = request_query(q, "order"), entity = request_query(q, "entity");
	int status;

	*ret = (struct store_query){
		.filter = text_or_empty(q, "filter"),
		.search = text_or_empty(q, "q"),
		.rule = text_or_empty(q, "rule"),
		.container = text_or_empty(q, "container"),
		.image = text_or_empty(q, "image"),
		.hostname = text_or_empty(q, "host"),
		.user = text_or_empty(q, "user"),
		.technique = text_or_empty(q, "technique"),
		.fingerprint = text_or_empty(q, "fingerprint"),
		.assignee = text_or_empty(q, "assignee"),
		.from_ns = request_query_time(q, "from"),
		.to_ns = request_query_time(q, "to"),
		.cursor = text_or_empty(q, "cursor"),
		.limit = (unsigned)request_query_int(q, "limit", 0),
		.want_total = str_is(request_query(q, "total"), "true"),
	};
	if (order.len)
		(void)store_order_parse(order, &ret->order);
	if (entity.len && !str_to_u64(entity, 10, &ret->entity))
		return request_fail(q, 400, "bad_query", "entity: no such id");
	status = query_bits(q, "state", parse_state, &ret->states);
	return status ? status : query_bits(q, "priority", parse_priority, &ret->priorities);
}

int query_entity(struct request *q, struct str text, uint64_t *ret)
{
	ptrdiff_t colon = str_find_char(text, ':');
	enum store_entity_kind kind;
	struct store_entity found;
	struct err e = {0};
	int r;

	if (str_to_u64(text, 10, ret) && *ret)
		return 0;
	if (colon < 0 || !store_entity_kind_parse(str_head(text, (size_t)colon), &kind))
		return request_fail(q, 400, "bad_query",
			"an entity is an id, or kind:key such as container:ID");
	r = store_entity_find(
		q->console->store, kind, str_skip(text, (size_t)colon + 1), &q->arena, &found, &e);
	*ret = r == 0 ? found.id : 0;
	return r == 0 ? 0 : request_fail_err(q, r, &e);
}
