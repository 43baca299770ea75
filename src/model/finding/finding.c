/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings as text and as JSON, in Falco's schema: keys in byte order, times in nanoseconds. Both
 * write straight into a buffer and build no tree. What a finding holds comes from the attacker's
 * own process names and paths; escaping is what keeps it one line and valid JSON. Decides nothing:
 * which findings there are, and where they go, is the work of detect and of the outputs.
 */
#include "model/finding/private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"

static const char *const priorities[PRIORITY_COUNT] = {
	[PRIORITY_EMERGENCY] = "Emergency",
	[PRIORITY_ALERT] = "Alert",
	[PRIORITY_CRITICAL] = "Critical",
	[PRIORITY_ERROR] = "Error",
	[PRIORITY_WARNING] = "Warning",
	[PRIORITY_NOTICE] = "Notice",
	[PRIORITY_INFORMATIONAL] = "Informational",
	[PRIORITY_DEBUG] = "Debug",
};

const char *priority_name(enum priority p)
{
	return (unsigned)p < PRIORITY_COUNT ? priorities[p] : "Unknown";
}

bool priority_parse(struct str s, enum priority *ret)
{
	if (str_ieq(s, STR("info"))) {
		*ret = PRIORITY_INFORMATIONAL;
		return true;
	}
	for (int p = 0; p < PRIORITY_COUNT; p++) {
		if (str_ieq(s, str_of(priorities[p]))) {
			*ret = (enum priority)p;
			return true;
		}
	}
	return false;
}

/* As the field evt.time.iso8601 has it: with the offset of UTC in digits, not "Z". */
static void add_iso_time(struct buf *out, uint64_t ns)
{
	clock_add_strftime(out, ns, "%Y-%m-%dT%H:%M:%S", true);
	buf_printf(out, ".%09u+0000", (unsigned)(ns % NSEC_PER_SEC));
}

static void add_line(const struct finding *f, bool iso_time, struct buf *out)
{
	if (iso_time)
		add_iso_time(out, f->ts_ns);
	else
		clock_add_hms(out, f->ts_ns);
	buf_add_cstr(out, ": ");
	buf_add_cstr(out, priority_name(f->priority));
	buf_add_char(out, ' ');
	json_add_escaped(out, f->output);
}

void finding_format_text(const struct finding *f, bool iso_time, struct buf *out)
{
	add_line(f, iso_time, out);
}

/* The shortest digits that read back as the same number, with a point so that it stays a double. */
void finding_add_double(double d, struct buf *out)
{
	char text[40];

	if (!isfinite(d)) {
		buf_add_cstr(out, "null"); /* JSON has no word for it */
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, d);
		if (strtod(text, NULL) == d)
			break;
	}
	buf_add_cstr(out, text);
	if (!strpbrk(text, ".e"))
		buf_add_cstr(out, ".0");
}

static void add_value(const struct finding_field *field, struct buf *out)
{
	switch (field->type) {
	case FV_STR:
		json_add_str(out, field->s);
		break;
	case FV_U64:
		buf_add_u64(out, field->u);
		break;
	case FV_S64:
		buf_add_s64(out, field->i);
		break;
	case FV_DOUBLE:
		finding_add_double(field->d, out);
		break;
	case FV_BOOL:
		buf_add_cstr(out, field->b ? "true" : "false");
		break;
	default:
		buf_add_cstr(out, "null");
		break;
	}
}

const struct finding_field *finding_next_field(const struct finding *f, const struct str *last)
{
	const struct finding_field *best = NULL;

	for (size_t i = 0; i < f->nfields; i++) {
		const struct finding_field *c = &f->fields[i];

		if (last && str_cmp(c->name, *last) <= 0)
			continue;
		if (!best || str_cmp(c->name, best->name) < 0)
			best = c;
	}
	return best;
}

static void add_member_name(struct buf *out, bool *first, struct str name)
{
	if (!*first)
		buf_add_char(out, ',');
	*first = false;
	json_add_str(out, name);
	buf_add_char(out, ':');
}

static void add_time_field(const struct finding *f, bool iso_time, struct buf *out)
{
	if (!iso_time) {
		buf_add_u64(out, f->ts_ns);
		return;
	}
	buf_add_char(out, '"');
	add_iso_time(out, f->ts_ns);
	buf_add_char(out, '"');
}

/*
 * Members in byte order without sorting a copy: a rule's output has some ten fields. The time
 * of the event is always among them, but not for koban's own messages, which have no event.
 */
static void add_fields(const struct finding *f, bool iso_time, struct buf *out)
{
	struct str time_name = iso_time ? STR("evt.time.iso8601") : STR("evt.time");
	bool time_is_due = !str_is(f->source, "internal"), first = true;
	const struct finding_field *field = NULL;

	buf_add_char(out, '{');
	for (;;) {
		field = finding_next_field(f, field ? &field->name : NULL);
		int order = field ? str_cmp(field->name, time_name) : 1;

		if (time_is_due && order >= 0) {
			add_member_name(out, &first, time_name);
			add_time_field(f, iso_time, out);
			time_is_due = false;
			if (order == 0)
				continue;
		}
		if (!field)
			break;
		add_member_name(out, &first, field->name);
		add_value(field, out);
	}
	buf_add_char(out, '}');
}

static void add_tags(const struct finding *f, struct buf *out)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < f->ntags; i++) {
		if (i)
			buf_add_char(out, ',');
		json_add_str(out, f->tags[i]);
	}
	buf_add_char(out, ']');
}

static void add_str_member(struct buf *out, bool *first, const char *key, struct str value)
{
	json_add_key(out, first, key);
	json_add_str(out, value);
}

static void add_time_member(struct buf *out, bool *first, const char *key, uint64_t ns)
{
	json_add_key(out, first, key);
	buf_add_char(out, '"');
	clock_add_iso8601(out, ns);
	buf_add_char(out, '"');
}

void finding_format_json(
	const struct finding *f, const struct finding_json_options *o, struct buf *out)
{
	bool first = true, is_folded = o->fold && f->count > 1;

	buf_add_char(out, '{');
	if (is_folded) {
		json_add_key(out, &first, "count");
		buf_add_u64(out, f->count);
		add_time_member(out, &first, "first_time", f->first_ns);
	}
	add_str_member(out, &first, "hostname", f->hostname);
	if (o->message)
		add_str_member(out, &first, "message", f->output);
	if (o->output) {
		json_add_key(out, &first, "output");
		buf_add_char(out, '"');
		add_line(f, o->iso_time, out);
		buf_add_char(out, '"');
	}
	if (o->output_fields) {
		json_add_key(out, &first, "output_fields");
		add_fields(f, o->iso_time, out);
	}
	add_str_member(out, &first, "priority", str_of(priority_name(f->priority)));
	add_str_member(out, &first, "rule", f->rule);
	add_str_member(out, &first, "source", f->source);
	if (o->tags && !str_is(f->source, "internal")) {
		json_add_key(out, &first, "tags");
		add_tags(f, out);
	}
	add_time_member(out, &first, "time", f->ts_ns);
	buf_add_char(out, '}');
}
