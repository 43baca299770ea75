/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finding's row from its record: the columns that lists, filters and groups need. Columns are
 * capped; the record keeps the whole text. What is missing or of another type is absent, only what
 * makes a finding one (id, time, rule, priority) is asked for.
 */
#include <errno.h>
#include <inttypes.h>

#include "sink/store/private.h"

/* The id as engines show it: 12 digits of the full one. */
static struct str short_id(const struct node *container)
{
	struct str id = node_str(container, "id");

	return str_head(id.len ? id : node_str(container, "full_id"), 12);
}

/* "registry:5000/team/app:1.2@sha256:…" → "registry:5000/team/app" */
static struct str repository_of(struct str image)
{
	ptrdiff_t at = str_find_char(image, '@');
	ptrdiff_t slash = 0, colon = 0;

	if (at >= 0)
		image = str_head(image, (size_t)at);
	slash = str_rfind_char(image, '/');
	colon = str_rfind_char(image, ':');
	return colon > slash ? str_head(image, (size_t)colon) : image;
}

static void take_container(struct row *row, const struct node *c)
{
	row->container = short_id(c);
	row->container_name = node_str(c, "name");
	row->image = node_str(c, "image");
	row->repository = repository_of(row->image);
	row->pod = node_str(c, "pod");
	row->namespace = node_str(c, "namespace");
}

static void take_process(struct row *row, const struct node *processes)
{
	const struct node *p = node_at(processes, 0);

	row->pid = node_number(p, "pid");
	row->start_ns = node_number(p, "start_ns");
	row->process = node_str(p, "name");
	row->exe = node_str(p, "exe");
	row->cmdline = node_str(p, "cmdline");
	row->username = node_str(p, "user");
	row->uid = node_number(p, "uid");
	row->parent = node_str(node_at(processes, 1), "name");
}

static void split_endpoint(struct str text, struct str *ip, struct number *port)
{
	ptrdiff_t colon = str_rfind_char(text, ':');
	uint64_t n = 0;

	*ip = text;
	if (colon < 0 || !str_to_u64(str_skip(text, (size_t)colon + 1), 10, &n) || n > 65535)
		return;
	*ip = str_head(text, (size_t)colon);
	if (ip->len > 2 && ip->s[0] == '[' && ip->s[ip->len - 1] == ']')
		*ip = str_make(ip->s + 1, ip->len - 2);
	*port = (struct number){(int64_t)n, true};
}

static void take_connection(struct row *row, const struct node *c)
{
	row->local = node_str(c, "local");
	row->remote = node_str(c, "remote");
	row->proto = node_str(c, "proto");
	if (str_is(node_str(c, "domain"), "unix"))
		return;
	split_endpoint(row->local, &row->local_ip, &row->local_port);
	split_endpoint(row->remote, &row->remote_ip, &row->remote_port);
}

/* A tag list as JSON text: what rules are told apart by. */
static bool take_tags(struct arena *a, struct record *r)
{
	const struct node *tags = node_get(r->json, "tags");
	struct str *out = NULL;
	size_t n = 0;

	for (const struct node *x = node_first(tags); x && n < TAGS_MAX; x = x->next)
		n++;
	out = arena_array(a, struct str, n + 1);
	if (!out)
		return record_refuse(r, "too large");
	for (const struct node *x = node_first(tags); x; x = x->next) {
		struct str tag = node_text(x);

		if (!tag.len || tag.len > NAME_COLUMN_MAX)
			continue;
		if (r->row.ntags == TAGS_MAX)
			return record_refuse(r, "more than %d tags", TAGS_MAX);
		out[r->row.ntags++] = tag;
	}
	r->row.tag = out;
	r->row.tags = tags && tags->type == NODE_ARRAY ? tags->raw : STR("[]");
	return true;
}

static void cap_columns(struct row *row)
{
#define X(name, max, is_searched) row->name = utf8_head(row->name, max);
	ROW_TEXTS(X)
#undef X
	row->output = utf8_head(row->output, TEXT_COLUMN_MAX);
}

bool row_parse(struct arena *a, struct record *r)
{
	struct row *row = &r->row;
	struct number count = node_number(r->json, "count");
	struct str fingerprint = node_str(r->json, "fingerprint");
	const struct node *file = node_get(r->json, "file");
	uint64_t fp = 0;

	row->json = r->json;
	row->text = r->text;
	row->id = r->id;
	row->time_ns = row->last_ns = r->time_ns;
	row->n = r->time_ns / 1000;
	row->count = count.there && count.v > 0 ? count.v : 1;
	row->rule = utf8_head(node_str(r->json, "rule"), NAME_COLUMN_MAX);
	if (!row->rule.len)
		return record_refuse(r, "\"rule\" must not be empty");
	if (!priority_parse(node_str(r->json, "priority"), &row->priority))
		return record_refuse(r, "unknown priority '%.*s'",
			STR_ARG(str_head(node_str(r->json, "priority"), 40)));
	if (fingerprint.len > 16 || (fingerprint.len && !str_to_u64(fingerprint, 16, &fp)))
		return record_refuse(r, "\"fingerprint\" must be up to 16 hexadecimal digits");
	row->fingerprint = (int64_t)fp;
	row->source = utf8_head(node_str(r->json, "source"), NAME_COLUMN_MAX);
	row->output = node_str(r->json, "output");
	row->hostname = node_str(r->json, "hostname");
	row->event = node_str(node_get(r->json, "event"), "type");
	row->file = node_str(file, "real");
	if (!row->file.len)
		row->file = node_str(file, "asked");
	take_container(row, node_get(r->json, "container"));
	take_process(row, node_get(r->json, "processes"));
	take_connection(row, node_get(r->json, "connection"));
	cap_columns(row);
	return take_tags(a, r);
}
