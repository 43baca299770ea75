/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of JSON → struct record: cleaned, parsed, checked for what its type must have, with the
 * rows and the entities that follow from it. Touches no database, so that callers do it in
 * parallel. What is refused is refused with a reason that the sender can log.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "sink/store/private.h"

bool record_refuse(struct record *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->result->reason, sizeof(r->result->reason), fmt, ap);
	va_end(ap);
	/* It may quote what the sender wrote. */
	for (char *c = r->result->reason; *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
			*c = '?';
	r->result->code = STORE_REFUSED;
	return false;
}

static bool parse_type(struct record *r)
{
	struct str type = node_str(r->json, "type");
	struct number version = node_number(r->json, "v");

	if (!version.there || version.v != 1)
		return record_refuse(r, "not a record of version 1 (\"v\":1)");
	for (int t = 0; t < STORE_TYPE_COUNT; t++) {
		if (str_is(type, store_type_name((enum store_type)t))) {
			r->type = (enum store_type)t;
			return true;
		}
	}
	return record_refuse(r, "unknown type '%.*s'", STR_ARG(str_head(type, 40)));
}

static bool parse_time(struct record *r)
{
	struct number t = node_number(r->json, "time_ns");

	if (!t.there || t.v < 1000)
		return record_refuse(r, "\"time_ns\" must be a number of nanoseconds since 1970");
	r->time_ns = t.v;
	return true;
}

static bool id_is_good(struct str id)
{
	if (!id.len || id.len > ID_MAX)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		char c = id.s[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
			!strchr("-_.:", c))
			return false;
	}
	return true;
}

static bool parse_id(struct record *r, const char *key)
{
	r->id = node_str(r->json, key);
	if (!id_is_good(r->id))
		return record_refuse(
			r, "\"%s\" must be 1 to %d letters, digits or any of -_.:", key, ID_MAX);
	return true;
}

static bool parse_finding(struct arena *a, struct record *r, enum db_engine engine)
{
	if (!parse_id(r, "id") || !parse_time(r) || !row_parse(a, r))
		return false;
	if (!derive_facts(a, r))
		return r->result->code == STORE_REFUSED ? false : record_refuse(r, "too large");
	r->search = search_text(a, &r->row);
	if (engine == DB_POSTGRES)
		r->words = search_tsvector(a, r->search);
	return true;
}

static bool parse_run(struct arena *a, struct record *r)
{
	if (!parse_id(r, "id") || !parse_time(r))
		return false;
	return derive_given(a, r);
}

static bool is_of(const struct node *object, const char *key, enum node_type type)
{
	const struct node *n = node_get(object, key);

	return n && n->type == type;
}

static bool parse_by_type(struct arena *a, struct record *r, enum db_engine engine)
{
	switch (r->type) {
	case STORE_FINDING:
		return parse_finding(a, r, engine);
	case STORE_AROUND:
		if (!is_of(r->json, "events", NODE_ARRAY))
			return record_refuse(r, "\"events\" must be an array");
		return parse_id(r, "finding");
	case STORE_INVENTORY:
		if (!node_str(r->json, "hostname").len)
			return record_refuse(r, "\"hostname\" must not be empty");
		return parse_time(r) && derive_facts(a, r);
	case STORE_METRICS:
		if (!is_of(r->json, "values", NODE_OBJECT))
			return record_refuse(r, "\"values\" must be an object");
		return parse_time(r);
	case STORE_SCAN:
	case STORE_SESSION:
		return parse_run(a, r);
	case STORE_TYPE_COUNT:
		break;
	}
	return false;
}

/* Most lines are good as they are; only one that is not is cleaned, and tried once more. */
static bool parse_json(struct arena *a, struct str line, struct record *r)
{
	struct arena *nodes = r->nodes ? r->nodes : a;
	const char *why = NULL;
	size_t where = 0;

	r->text = str_trim(line);
	if (r->text.len <= STORE_RECORD_MAX)
		r->json = node_parse_apart(nodes, a, r->text, &why, &where);
	if (r->json)
		return true;
	if (!record_clean(a, line, &r->text, r->result->reason, sizeof(r->result->reason))) {
		r->result->code = STORE_REFUSED;
		return false;
	}
	r->json = node_parse_apart(nodes, a, r->text, &why, &where);
	return r->json ? true : record_refuse(r, "no JSON: %s at byte %zu", why, where + 1);
}

bool record_parse(struct arena *a, struct str line, enum db_engine engine, struct record *r)
{
	r->result->code = STORE_STORED;
	r->result->reason[0] = '\0';
	if (!parse_json(a, line, r))
		return false;
	if (r->json->type != NODE_OBJECT)
		return record_refuse(r, "no JSON object");
	if (!parse_type(r))
		return false;
	/* what is put of the others is read off their trees */
	if (r->nodes && r->type != STORE_FINDING &&
		!(r->json = node_parse(a, r->text, &(const char *){NULL}, &(size_t){0})))
		return record_refuse(r, "too large");
	return parse_by_type(a, r, engine);
}
