/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a finding: all that a store keeps of it, as one line of JSON. Every string has a
 * budget of its own, counted in bytes as they are written, so that whatever an attacker names his
 * processes and files, the record keeps its shape and stays below FINDING_RECORD_MAX. Like the
 * other formats it writes straight into a buffer and builds no tree.
 */
#include <stdio.h>

#include "base/json.h"
#include "model/finding/private.h"

/* Bytes of JSON; docs/outputs.md states them. Their sum stays below FINDING_RECORD_MAX. */
enum {
	NAME_BYTES = 512,
	OUTPUT_BYTES = 24 << 10,
	TAG_BYTES = 128,
	TAGS = 32,
	FIELD_BYTES = 8 << 10,
	FIELDS_BYTES = 48 << 10, /* of all fields; the one that passes it is the last */
	ARGS_BYTES = 12 << 10,
	PATH_BYTES = 6 << 10,
	ADDRESS_BYTES = 1 << 10,
	COMMAND_BYTES = 8 << 10,
	/* of the ancestors, who are many */
	OLD_COMMAND_BYTES = 1536,
	OLD_EXE_BYTES = 1 << 10,
	OLD_CWD_BYTES = 512,
	MOUNTS = 32,
};

/* ---- strings within a budget --------------------------------------------------------------- */

/* An object that is being written: where the comma is due. */
struct object {
	struct buf *out;
	bool first;
};

static struct object object_begin(struct buf *out)
{
	buf_add_char(out, '{');
	return (struct object){out, true};
}

static void object_end(struct object *o)
{
	buf_add_char(o->out, '}');
}

static void put_key(struct object *o, const char *key)
{
	json_add_key(o->out, &o->first, key);
}

static void put_text(struct object *o, const char *key, struct str s, size_t max)
{
	put_key(o, key);
	json_add_text(o->out, s, max);
}

static void put_some_text(struct object *o, const char *key, struct str s, size_t max)
{
	if (s.len)
		put_text(o, key, s, max);
}

static void put_u64(struct object *o, const char *key, uint64_t v)
{
	put_key(o, key);
	/* what reads it has signed numbers */
	buf_add_u64(o->out, v < INT64_MAX ? v : INT64_MAX);
}

static void put_bool(struct object *o, const char *key, bool b)
{
	put_key(o, key);
	buf_add_cstr(o->out, b ? "true" : "false");
}

/* ---- the parts ----------------------------------------------------------------------------- */

static void add_value(const struct finding_field *f, struct buf *out)
{
	switch (f->type) {
	case FV_STR:
		json_add_text(out, f->s, FIELD_BYTES);
		break;
	case FV_U64:
		buf_printf(out, f->u > INT64_MAX ? "\"%llu\"" : "%llu", (unsigned long long)f->u);
		break;
	case FV_S64:
		buf_add_s64(out, f->i);
		break;
	case FV_DOUBLE:
		finding_add_double(f->d, out);
		break;
	case FV_BOOL:
		buf_add_cstr(out, f->b ? "true" : "false");
		break;
	default:
		buf_add_cstr(out, "null");
	}
}

static void put_fields(struct object *o, const struct finding *f)
{
	const struct finding_field *field = NULL;
	size_t start = o->out->len;
	bool first = true;

	put_key(o, "fields");
	buf_add_char(o->out, '{');
	while (o->out->len - start < FIELDS_BYTES &&
		(field = finding_next_field(f, field ? &field->name : NULL))) {
		if (!first)
			buf_add_char(o->out, ',');
		first = false;
		json_add_text(o->out, field->name, NAME_BYTES);
		buf_add_char(o->out, ':');
		add_value(field, o->out);
	}
	buf_add_char(o->out, '}');
}

static void put_tags(struct object *o, const struct finding *f)
{
	put_key(o, "tags");
	buf_add_char(o->out, '[');
	for (size_t i = 0; i < f->ntags && i < TAGS; i++) {
		if (i)
			buf_add_char(o->out, ',');
		json_add_text(o->out, f->tags[i], TAG_BYTES);
	}
	buf_add_char(o->out, ']');
}

static void put_event(struct object *o, const struct finding_context *c)
{
	put_key(o, "event");
	struct object x = object_begin(o->out);
	put_text(&x, "type", c->event_type, NAME_BYTES);
	put_text(&x, "args", c->event_args, ARGS_BYTES);
	put_key(&x, "res");
	if (c->has_result)
		buf_add_s64(x.out, c->result);
	else
		buf_add_cstr(x.out, "null");
	put_u64(&x, "cpu", c->cpu);
	object_end(&x);
}

static void put_file(struct object *o, const struct finding_file *f)
{
	if (!f->asked.len && !f->real.len && !f->known.len)
		return;
	put_key(o, "file");
	struct object x = object_begin(o->out);
	put_some_text(&x, "asked", f->asked, PATH_BYTES);
	put_some_text(&x, "real", f->real, PATH_BYTES);
	put_some_text(&x, "known", f->known, PATH_BYTES);
	object_end(&x);
}

static void put_connection(struct object *o, const struct finding_connection *c)
{
	if (!c->proto)
		return;
	put_key(o, "connection");
	struct object x = object_begin(o->out);
	put_text(&x, "proto", str_of(c->proto), NAME_BYTES);
	put_some_text(&x, "local", c->local, ADDRESS_BYTES);
	put_some_text(&x, "remote", c->remote, ADDRESS_BYTES);
	put_some_text(&x, "role", str_of(c->role), NAME_BYTES);
	put_some_text(&x, "domain", str_of(c->domain), NAME_BYTES);
	object_end(&x);
}

static void put_flags(struct object *o, unsigned flags)
{
	static const char *const names[] = {"upper_layer", "memfd", "deleted", "writable"};
	bool first = true;

	put_key(o, "flags");
	buf_add_char(o->out, '[');
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!(flags & (1U << i)))
			continue;
		if (!first)
			buf_add_char(o->out, ',');
		first = false;
		json_add_str(o->out, str_of(names[i]));
	}
	buf_add_char(o->out, ']');
}

static void add_process(struct buf *out, const struct finding_process *p, bool is_old)
{
	struct object x = object_begin(out);

	put_u64(&x, "pid", p->pid);
	put_u64(&x, "start_ns", p->start_ns);
	put_u64(&x, "started_ns", p->started_ns);
	put_text(&x, "name", p->name, TAG_BYTES);
	put_text(&x, "exe", p->exe, is_old ? OLD_EXE_BYTES : PATH_BYTES);
	put_text(&x, "cmdline", p->cmdline, is_old ? OLD_COMMAND_BYTES : COMMAND_BYTES);
	put_text(&x, "cwd", p->cwd, is_old ? OLD_CWD_BYTES : PATH_BYTES);
	put_text(&x, "user", p->user, TAG_BYTES);
	put_u64(&x, "uid", p->uid);
	put_key(&x, "loginuid");
	buf_add_s64(out, p->loginuid == UINT32_MAX ? -1 : (int64_t)p->loginuid);
	put_u64(&x, "tty", p->tty);
	put_u64(&x, "vpid", p->vpid);
	put_flags(&x, p->flags);
	object_end(&x);
}

static void put_processes(struct object *o, const struct finding_context *c)
{
	put_key(o, "processes");
	buf_add_char(o->out, '[');
	for (size_t i = 0; i < c->nprocesses && i < FINDING_PROCESSES_MAX; i++) {
		if (i)
			buf_add_char(o->out, ',');
		add_process(o->out, &c->processes[i], i > 0);
	}
	buf_add_char(o->out, ']');
}

static void put_mounts(struct object *o, const struct finding_container *k)
{
	put_key(o, "mounts");
	buf_add_char(o->out, '[');
	for (size_t i = 0; i < k->nmounts && i < MOUNTS; i++) {
		if (i)
			buf_add_char(o->out, ',');
		struct object x = object_begin(o->out);
		put_text(&x, "source", k->mounts[i].source, NAME_BYTES);
		put_text(&x, "dest", k->mounts[i].dest, NAME_BYTES);
		put_bool(&x, "rw", k->mounts[i].is_rw);
		object_end(&x);
	}
	buf_add_char(o->out, ']');
}

void finding_add_container(const struct finding_container *k, struct buf *out)
{
	struct object x = {out, true};

	put_text(&x, "id", k->id, NAME_BYTES);
	put_text(&x, "full_id", k->full_id, NAME_BYTES);
	put_text(&x, "name", k->name, NAME_BYTES);
	put_text(&x, "image", k->image, NAME_BYTES);
	put_text(&x, "digest", k->digest, NAME_BYTES);
	put_text(&x, "engine", str_of(k->engine), NAME_BYTES);
	put_bool(&x, "privileged", k->is_privileged);
	put_some_text(&x, "pod", k->pod, NAME_BYTES);
	put_some_text(&x, "namespace", k->pod_ns, NAME_BYTES);
	put_some_text(&x, "pod_uid", k->pod_uid, NAME_BYTES);
	put_mounts(&x, k);
	put_bool(&x, "host_network", k->host_network);
	put_bool(&x, "host_pid", k->host_pid);
}

/* ---- the whole ----------------------------------------------------------------------------- */

static void put_context(struct object *o, const struct finding_context *c)
{
	put_event(o, c);
	put_file(o, &c->file);
	put_connection(o, &c->connection);
	put_processes(o, c);
	if (c->container) {
		put_key(o, "container");
		buf_add_char(o->out, '{');
		finding_add_container(c->container, o->out);
		buf_add_char(o->out, '}');
	}
	put_some_text(o, "capture", c->capture, ADDRESS_BYTES);
}

void finding_format_id(const struct finding *f, char ret[FINDING_ID_CHARS + 1])
{
	snprintf(ret, FINDING_ID_CHARS + 1, "%016llx%016llx", (unsigned long long)f->run,
		(unsigned long long)f->num);
}

void finding_format_record(const struct finding *f, struct buf *out)
{
	char text[FINDING_ID_CHARS + 1];
	struct object o = object_begin(out);

	put_u64(&o, "v", 1);
	put_text(&o, "type", STR("finding"), NAME_BYTES);
	finding_format_id(f, text);
	put_text(&o, "id", str_of(text), NAME_BYTES);
	put_u64(&o, "time_ns", f->ts_ns);
	put_text(&o, "rule", f->rule, NAME_BYTES);
	put_text(&o, "priority", str_of(priority_name(f->priority)), NAME_BYTES);
	put_text(&o, "source", f->source, NAME_BYTES);
	put_text(&o, "output", f->output, OUTPUT_BYTES);
	put_text(&o, "hostname", f->hostname, NAME_BYTES);
	put_tags(&o, f);
	snprintf(text, sizeof(text), "%016llx", (unsigned long long)f->fingerprint);
	put_text(&o, "fingerprint", str_of(text), NAME_BYTES);
	put_u64(&o, "count", f->count);
	put_fields(&o, f);
	if (f->context)
		put_context(&o, f->context);
	object_end(&o);
}
