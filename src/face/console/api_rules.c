/* SPDX-License-Identifier: Apache-2.0 */
/* Rules: what there is, checking a text, the files that are written here, trying a text. */
#include <errno.h>

#include "base/clock.h"
#include "base/json.h"
#include "face/console/api_query.h"
#include "face/console/rulebook.h"
#include "face/console/rulefile.h"
#include "face/console/runner.h"
#include "face/console/write.h"

/* ---- listing -------------------------------------------------------------------------------- */

struct counted {
	struct store_group *groups;
	size_t n;
};

static uint64_t count_of(const struct counted *c, struct str rule)
{
	for (size_t i = 0; i < c->n; i++)
		if (str_eq(c->groups[i].key, rule))
			return c->groups[i].findings;
	return 0;
}

/* A store that is slow now does not hide the rules. */
static struct counted count_rules(struct request *q)
{
	struct counted c = {0};
	struct err e = {0};

	if (store_rule_counts(q->console->store, 0, 0, &q->arena, &c.groups, &c.n, &e) < 0)
		c.n = 0;
	return c;
}

static void add_rule(struct request *q, const struct rule *r, const struct counted *c, bool *first)
{
	struct buf *b = &q->out;

	write_str(b, first, "name", r->name);
	write_bool(b, first, "enabled", r->enabled);
	write_priority(b, first, "priority", r->priority);
	write_strs(b, first, "tags", r->tags, r->ntags);
	write_str(b, first, "source", r->source);
	write_str(b, first, "desc", str_trim(r->desc));
	write_str(b, first, "file", r->where.file);
	write_u64(b, first, "line", r->where.line);
	write_u64(b, first, "findings", count_of(c, r->name));
	write_bool(b, first, "own", rulebook_is_own(q->console->rules, r));
}

int api_rules(struct request *q)
{
	struct counted c = count_rules(q);
	const struct ruleset *rs = rulebook_read(q->console->rules);
	size_t n = rs ? rs->nrules : 0;

	write_list_begin(&q->out);
	for (size_t i = 0; i < n; i++) {
		bool first = true;

		buf_add_cstr(&q->out, i ? ",{" : "{");
		add_rule(q, rs->rules[i], &c, &first);
		buf_add_char(&q->out, '}');
	}
	write_list_end(&q->out, STR_NULL, n, true);
	rulebook_done(q->console->rules);
	return 200;
}

int api_rule(struct request *q)
{
	struct counted c = count_rules(q);
	const struct ruleset *rs = rulebook_read(q->console->rules);
	const struct rule *r = rulebook_find(rs, q->id);
	bool first = true;

	if (r) {
		buf_add_char(&q->out, '{');
		add_rule(q, r, &c, &first);
		write_str(&q->out, &first, "condition", r->condition);
		write_str(&q->out, &first, "output", r->output);
		write_str(&q->out, &first, "text", rulebook_text(q->console->rules, r));
		write_str(&q->out, &first, "explain", r->condition_compiled);
		buf_add_char(&q->out, '}');
	}
	rulebook_done(q->console->rules);
	return r ? 200 : request_fail(q, 404, "not_found", "no such rule");
}

int api_rule_enable(struct request *q)
{
	bool enabled = request_flag(q, "enabled", true);
	struct err e = {0};
	int status = audit(q, enabled ? "rule_on" : "rule_off", q->id, "%s", "");
	int r;

	if (status)
		return status;
	r = rulebook_enable(q->console->rules, q->id, enabled, &e);
	if (r < 0)
		return request_fail_err(q, r, &e);
	buf_add_cstr(&q->out, "{\"ok\":true}");
	return 200;
}

/* ---- checking ------------------------------------------------------------------------------- */

/* The innermost place in this file: where the caret stands. */
static const struct load_location *place_of(const struct load_issue *i)
{
	return i->nlocations ? &i->locations[i->nlocations - 1] : NULL;
}

static void add_issue(struct buf *b, const struct load_issue *i, struct str file, struct str name)
{
	const struct load_location *at = place_of(i);
	bool is_here = str_eq(file, name), first = true;

	buf_add_char(b, '{');
	write_str(b, &first, "code", str_of(load_code_name(i->code)));
	write_str(
		b, &first, "severity", load_code_is_error(i->code) ? STR("error") : STR("warning"));
	json_add_key(b, &first, "message");
	buf_add_char(b, '"');
	if (!is_here) {
		json_add_escaped(b, file);
		buf_add_cstr(b, ": ");
	}
	json_add_escaped(b, i->message);
	buf_add_char(b, '"');
	write_u64(b, &first, "line", at && is_here ? at->line : 1);
	write_u64(b, &first, "column", at && is_here ? at->column : 1);
	write_str(b, &first, "snippet", i->snippet);
	buf_add_char(b, '}');
}

/* Of other files only errors: their warnings are not this text's. */
static void add_check(struct buf *b, const struct load_report *r, struct str name)
{
	bool first = true;

	buf_printf(b, "{\"ok\":%s,\"issues\":[", r->nerrors ? "false" : "true");
	for (const struct load_file *f = r->files; f; f = f->next) {
		for (const struct load_issue *i = f->issues; i; i = i->next) {
			if (!str_eq(f->name, name) && !load_code_is_error(i->code))
				continue;
			if (!first)
				buf_add_char(b, ',');
			first = false;
			add_issue(b, i, f->name, name);
		}
	}
	buf_add_cstr(b, "]}");
}

/* A name that sorts behind all files of people, when none is given. */
static struct str name_or_default(struct str name)
{
	return rulebook_is_name(name) ? name : STR("yy-edited.yaml");
}

int api_rules_check(struct request *q)
{
	struct str name = name_or_default(request_text(q, "name"));
	struct load_report *report;
	int r = rulebook_check(q->console->rules, name, request_text(q, "text"), &report);

	if (r < 0)
		return request_fail(q, 500, "internal", "the rule files cannot be read");
	add_check(&q->out, report, name);
	load_report_free(report);
	return 200;
}

/* ---- files ---------------------------------------------------------------------------------- */

static int check_name(struct request *q)
{
	return rulebook_is_name(q->id)
		       ? 0
		       : request_fail(q, 400, "bad_name",
				 "a rule file's name is letters, digits, '-', '_' and '.', begins "
				 "with a letter or digit, not with zz, and ends in .yaml");
}

int api_rulefiles(struct request *q)
{
	struct rule_file *files;
	size_t n = 0;
	struct err e = {0};
	int r = rulebook_list(q->console->rules, &q->arena, &files, &n, &e);

	if (r < 0)
		return request_fail_err(q, r, &e);
	write_list_begin(&q->out);
	for (size_t i = 0; i < n; i++) {
		bool first = true;

		buf_add_cstr(&q->out, i ? ",{" : "{");
		write_str(&q->out, &first, "name", files[i].name);
		write_u64(&q->out, &first, "size", files[i].bytes);
		buf_add_char(&q->out, '}');
	}
	write_list_end(&q->out, STR_NULL, n, true);
	return 200;
}

int api_rulefile(struct request *q)
{
	struct str text;
	struct err e = {0};
	bool first = true;
	int status = check_name(q);

	if (status)
		return status;
	if (rulebook_read_file(q->console->rules, q->id, &q->arena, &text, &e) < 0)
		return request_fail(q, 404, "not_found", "no such rule file");
	buf_add_char(&q->out, '{');
	write_str(&q->out, &first, "name", q->id);
	write_str(&q->out, &first, "text", text);
	buf_add_char(&q->out, '}');
	return 200;
}

/* Nothing is written that the sensor would not load. */
static int refuse_broken(struct request *q, const struct load_report *report)
{
	for (const struct load_file *f = report->files; f; f = f->next)
		for (const struct load_issue *i = f->issues; i; i = i->next) {
			const struct load_location *at = place_of(i);

			if (!load_code_is_error(i->code))
				continue;
			if (at && str_eq(f->name, q->id)) {
				q->error_line = at->line;
				q->error_column = at->column;
			}
			return request_fail(q, 422, "bad_rules", "%.*s: %.*s", STR_ARG(f->name),
				STR_ARG(str_head(i->message, 400)));
		}
	return request_fail(q, 422, "bad_rules", "the rules would not load");
}

static int count_files(struct request *q, size_t *ret)
{
	struct rule_file *files;
	struct err e = {0};
	int r = rulebook_list(q->console->rules, &q->arena, &files, ret, &e);

	return r < 0 ? request_fail_err(q, r, &e) : 0;
}

static int write_file(struct request *q, struct str text, const char *action)
{
	struct load_report *report;
	struct err e = {0};
	int status, r;

	if (rulebook_check(q->console->rules, q->id, text, &report) < 0)
		return request_fail(q, 500, "internal", "the rule files cannot be read");
	status = report->nerrors ? refuse_broken(q, report)
				 : audit(q, action, q->id, "%zu bytes", text.len);
	if (status == 0) {
		r = rulebook_write(q->console->rules, q->id, text, &e);
		status = r < 0 ? request_fail_err(q, r, &e) : 0;
	}
	if (status == 0 && text.s)
		add_check(&q->out, report, q->id);
	load_report_free(report);
	return status;
}

int api_rulefile_put(struct request *q)
{
	size_t n = 0;
	int status = check_name(q);

	if (status == 0)
		status = count_files(q, &n);
	if (status == 0 && n >= RULE_FILES_MAX)
		status = request_fail(
			q, 409, "too_many", "there are %d rule files already", RULE_FILES_MAX);
	if (status == 0)
		status = write_file(q, request_text(q, "text"), "rulefile_write");
	return status ? status : 200;
}

int api_rulefile_delete(struct request *q)
{
	struct str text;
	int status = check_name(q);

	if (status == 0 && rulebook_read_file(q->console->rules, q->id, &q->arena, &text, NULL) < 0)
		status = request_fail(q, 404, "not_found", "no such rule file");
	if (status == 0)
		status = write_file(q, STR_NULL, "rulefile_remove");
	if (status)
		return status;
	buf_add_cstr(&q->out, "{\"ok\":true}");
	return 200;
}

/* ---- trying --------------------------------------------------------------------------------- */

enum { NAMES_MAX = 1000, TRIED_MAX = 500 };

struct trying {
	struct str *names;
	size_t nnames, nfound;
	bool is_cut;
};

static bool is_tried(const struct trying *t, struct str rule)
{
	for (size_t i = 0; i < t->nnames; i++)
		if (str_eq(t->names[i], rule))
			return true;
	return false;
}

static struct str member(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : STR("");
}

static void add_tried(struct request *q, struct trying *t, struct str line)
{
	json_t *f = json_loadb(line.s, line.len, 0, NULL);
	bool first = true;

	if (f && is_tried(t, member(f, "rule"))) {
		if (t->nfound >= TRIED_MAX) {
			t->is_cut = true;
		} else {
			buf_add_cstr(&q->out, t->nfound++ ? ",{" : "{");
			write_str(&q->out, &first, "time", member(f, "time"));
			write_str(&q->out, &first, "rule", member(f, "rule"));
			write_str(&q->out, &first, "priority", member(f, "priority"));
			write_str(&q->out, &first, "output", member(f, "output"));
			buf_add_char(&q->out, '}');
		}
	}
	json_decref(f);
}

/* The text has to load first: errors are told as a check tells them. */
static int check_tried(struct request *q, struct str text)
{
	struct load_report *report;
	int status = 0;

	q->id = STR("yy-edited.yaml");
	if (rulebook_check(q->console->rules, q->id, text, &report) < 0)
		return request_fail(q, 500, "internal", "the rule files cannot be read");
	if (report->nerrors)
		status = refuse_broken(q, report);
	load_report_free(report);
	return status;
}

int api_rules_try(struct request *q)
{
	struct str text = request_text(q, "text");
	struct trying t = {.names = arena_array(&q->arena, struct str, NAMES_MAX)};
	uint64_t began = clock_boot_ns();
	struct trial trial;
	struct err e = {0};
	int status = check_tried(q, text), r;

	if (status)
		return status;
	t.nnames = t.names ? rulefile_rule_names(&q->arena, text, t.names, NAMES_MAX) : 0;
	r = runner_try(q->console->runner, text, &q->arena, &trial, &e);
	if (r == -EBUSY) {
		q->retry_after_s = 2;
		return request_fail(q, 503, "busy", "%s", e.msg);
	}
	if (r < 0)
		return request_fail_err(q, r, &e);
	if (trial.complaint.len)
		return request_fail(q, 422, "not_tried", "koban replay: %.*s",
			STR_ARG(str_head(trial.complaint, 400)));
	buf_printf(&q->out, "{\"captures\":%u,\"events\":%llu,\"source\":\"%s\",\"findings\":[",
		trial.captures, (unsigned long long)trial.events,
		trial.is_demo ? "demo" : "recordings");
	for (struct str rest = trial.output; rest.len;)
		add_tried(q, &t, str_cut(&rest, '\n'));
	buf_printf(&q->out, "],\"truncated\":%s,\"took_ms\":%llu}",
		trial.is_cut || t.is_cut ? "true" : "false",
		(unsigned long long)((clock_boot_ns() - began) / 1000000));
	return 200;
}
