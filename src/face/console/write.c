/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of the API: one shape for each noun, wherever it is shown. */
#include "face/console/write.h"

#include <math.h>

#include "base/clock.h"
#include "base/json.h"

void write_str(struct buf *b, bool *first, const char *key, struct str v)
{
	json_add_key(b, first, key);
	json_add_str(b, v);
}

void write_u64(struct buf *b, bool *first, const char *key, uint64_t v)
{
	json_add_key(b, first, key);
	buf_add_u64(b, v);
}

void write_bool(struct buf *b, bool *first, const char *key, bool v)
{
	json_add_key(b, first, key);
	buf_add_cstr(b, v ? "true" : "false");
}

void write_time(struct buf *b, bool *first, const char *key, uint64_t ns)
{
	json_add_key(b, first, key);
	if (!ns) {
		buf_add_cstr(b, "null");
		return;
	}
	buf_add_char(b, '"');
	clock_add_iso8601(b, ns);
	buf_add_char(b, '"');
}

void write_str_or_null(struct buf *b, bool *first, const char *key, struct str v)
{
	if (v.len)
		write_str(b, first, key, v);
	else
		write_raw(b, first, key, STR_NULL, "null");
}

void write_double(struct buf *b, double v)
{
	buf_printf(b, "%.6g", isfinite(v) ? v : 0.0);
}

void write_raw(struct buf *b, bool *first, const char *key, struct str json, const char *otherwise)
{
	json_add_key(b, first, key);
	buf_add(b, json.len ? json : str_of(otherwise));
}

void write_strs(struct buf *b, bool *first, const char *key, const struct str *v, size_t n)
{
	json_add_key(b, first, key);
	buf_add_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(b, ',');
		json_add_str(b, v[i]);
	}
	buf_add_char(b, ']');
}

void write_id(struct buf *b, bool *first, const char *key, uint64_t id)
{
	json_add_key(b, first, key);
	buf_printf(b, "\"%llu\"", (unsigned long long)id);
}

void write_priority(struct buf *b, bool *first, const char *key, enum priority p)
{
	if (p < PRIORITY_COUNT)
		write_str(b, first, key, str_of(priority_name(p)));
	else
		write_raw(b, first, key, STR_NULL, "null");
}

void write_list_begin(struct buf *b)
{
	buf_add_cstr(b, "{\"items\":[");
}

void write_list_end(struct buf *b, struct str next, uint64_t total, bool has_total)
{
	bool first = false;

	buf_add_char(b, ']');
	write_str_or_null(b, &first, "next", next);
	if (has_total)
		write_u64(b, &first, "total", total);
	else
		write_raw(b, &first, "total", STR_NULL, "null");
	buf_add_char(b, '}');
}

/* ---- findings ------------------------------------------------------------------------------- */

static void write_container(struct buf *b, bool *outer, const struct store_finding *f)
{
	bool first = true;

	if (!f->container_id.len)
		return;
	json_add_key(b, outer, "container");
	buf_add_char(b, '{');
	write_str(b, &first, "id", f->container_id);
	write_str(b, &first, "name", f->container_name);
	write_str(b, &first, "image", f->image);
	write_str(b, &first, "pod", f->pod);
	write_str(b, &first, "namespace", f->namespace_name);
	buf_add_char(b, '}');
}

static void write_process(struct buf *b, bool *outer, const struct store_finding *f)
{
	bool first = true;

	if (!f->pid && !f->process.len)
		return;
	json_add_key(b, outer, "process");
	buf_add_char(b, '{');
	write_u64(b, &first, "pid", f->pid);
	write_str(b, &first, "name", f->process);
	write_str(b, &first, "exe", f->exe);
	write_str(b, &first, "cmdline", f->cmdline);
	buf_add_char(b, '}');
}

void write_finding_row(struct buf *b, bool *first, const struct store_finding *f)
{
	write_str(b, first, "id", f->id);
	write_time(b, first, "time", f->time_ns);
	write_time(b, first, "last_time", f->last_ns ? f->last_ns : f->time_ns);
	write_u64(b, first, "count", f->count);
	write_priority(b, first, "priority", f->priority);
	write_str(b, first, "source", f->source);
	write_str(b, first, "output", f->output);
	write_str(b, first, "hostname", f->hostname);
	write_process(b, first, f);
	write_str(b, first, "user", f->user);
	write_strs(b, first, "tags", f->tags, f->ntags);
	write_str(b, first, "state", str_of(store_state_name(f->state)));
	write_str_or_null(b, first, "assignee", f->assignee);
	write_str(b, first, "fingerprint", f->fingerprint);
	write_str_or_null(b, first, "mute", f->mute_id);
}

void write_finding(struct buf *b, const struct store_finding *f)
{
	bool first = true;

	buf_add_char(b, '{');
	write_finding_row(b, &first, f);
	write_str(b, &first, "rule", f->rule);
	write_container(b, &first, f);
	buf_add_char(b, '}');
}

void write_findings(struct buf *b, const struct store_finding *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(b, ',');
		write_finding(b, &f[i]);
	}
}

void write_entity(struct buf *b, const struct store_entity *e)
{
	bool first = true;

	buf_add_char(b, '{');
	write_id(b, &first, "id", e->id);
	write_str(b, &first, "kind", str_of(store_entity_kind_name(e->kind)));
	write_str(b, &first, "key", e->key);
	write_str(b, &first, "name", e->name);
	write_u64(b, &first, "findings", e->findings);
	write_u64(b, &first, "open", e->open);
	write_priority(b, &first, "worst_priority", e->worst);
	write_time(b, &first, "first", e->first_ns);
	write_time(b, &first, "last", e->last_ns);
	write_raw(b, &first, "attrs", e->attrs, "{}");
	buf_add_char(b, '}');
}
