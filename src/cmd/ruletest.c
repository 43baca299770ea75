/* SPDX-License-Identifier: Apache-2.0 */
/*
 * koban rules test: events that a rule must match and events that it must not, written beside the
 * rule. Each is judged by the real engine; a rule that fails says which part of its condition was
 * false. The format is documented in docs/testing-rules.md.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "cmd/rules.h"

enum { TEST_FILE_MAX = 16 << 20, REPORT_MAX = 64 << 20 };

struct run {
	const struct ruletest_options *o;
	struct ruleset *rs;
	struct detect *detect;
	struct state *state;
	struct buf *out, *complaints;
	struct arena arena; /* of a test file */
	const char *file;
	char users[64];   /* a root with etc/passwd, for events that name their user */
	unsigned *tested; /* events per rule index */
	unsigned *failed; /* of them */
	unsigned npassed, nfailed, nuntested, nbroken, nevents;
	bool first_json;
};

/* ---- one event ------------------------------------------------------------------------------ */

struct seen {
	const struct rule *wanted;
	bool hit;
	struct buf others;
};

static void see(const struct finding *f, const struct rule *rule, void *arg)
{
	struct seen *s = arg;

	if (rule == s->wanted) {
		s->hit = true;
		return;
	}
	buf_printf(&s->others, "%s\"%.*s\"", s->others.len ? ", " : "", STR_ARG(rule->name));
}

static int write_text(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : io_write_all(fd, str_of(text));

	if (fd >= 0)
		close(fd);
	return r;
}

static int remove_users(struct run *r)
{
	static const char *const parts[] = {
		"/proc/1000/root", "/proc/1000", "/proc", "/etc/passwd", "/etc/group", "/etc", ""};
	char path[128];

	for (size_t i = 0; r->users[0] && i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", r->users, parts[i]);
		if (remove(path) < 0 && errno != ENOENT)
			return -errno;
	}
	r->users[0] = 0;
	return 0;
}

/* A root whose passwd file knows the event's user; a container's process has the same root. */
static int make_users(struct run *r, const struct test_event *t)
{
	const char *tmp = getenv("TMPDIR");
	char line[300], root[48];
	int dir, e;

	snprintf(r->users, sizeof(r->users), "%s/koban-test-XXXXXX",
		tmp && strlen(tmp) < 30 ? tmp : "/tmp");
	if (!mkdtemp(r->users))
		return -errno;
	dir = open(r->users, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	snprintf(line, sizeof(line), "%.*s:x:%u:%u::/home/%.*s:/bin/sh\n",
		STR_ARG(str_head(t->user_name, 60)), t->proc->uid, t->proc->gid,
		STR_ARG(str_head(t->user_name, 60)));
	snprintf(root, sizeof(root), "proc/%u", t->proc->pid);
	e = mkdirat(dir, "etc", 0700) < 0 || mkdirat(dir, "proc", 0700) < 0 ||
			    mkdirat(dir, "proc/1000", 0700) < 0 ||
			    symlinkat("../..", dir, "proc/1000/root") < 0
		    ? -errno
		    : 0;
	if (e == 0)
		e = write_text(dir, "etc/passwd", line);
	if (e == 0)
		e = write_text(dir, "etc/group", "");
	close(dir);
	return e;
}

static void judge(struct run *r, const struct test_event *t, struct seen *s)
{
	struct state_options so = {.max_processes = 16, .max_containers = 4};
	struct state *state = r->state;

	if (t->user_name.len && make_users(r, t) == 0) {
		so.host_root = r->users;
		state = state_new(&so, NULL);
	}
	detect_event(r->detect, &t->ev, t->proc, state ? state : r->state, see, s);
	if (state != r->state)
		state_free(state);
	remove_users(r);
}

/* ---- why not -------------------------------------------------------------------------------- */

/* The parts of a conjunction that are false for the event, each on its line. */
static void add_false_parts(
	struct run *r, const struct rule *rule, const struct test_event *t, struct buf *out)
{
	struct field_subject s = {
		.ev = &t->ev, .proc = t->proc, .state = r->state, .hostname = "test"};
	size_t n = rule->ast->kind == AST_AND ? rule->ast->nkids : 1;

	for (size_t i = 0; i < n; i++) {
		const struct ast *part =
			rule->ast->kind == AST_AND ? rule->ast->kids[i] : rule->ast;
		struct filter_program *p = filter_program_new(&field_set_syscall);
		struct filter_eval *eval = NULL;
		struct filter_error fe;
		uint32_t root;

		if (p && filter_program_add(p, part, &root, &fe) == 0 &&
			filter_program_seal(p, NULL) == 0)
			eval = filter_eval_new(p);
		if (eval) {
			filter_eval_begin(eval, &s);
			if (!filter_eval_root(eval, root)) {
				buf_add_cstr(out, "          false: ");
				ast_format(part, out);
				buf_add_char(out, '\n');
			}
		}
		filter_eval_free(eval);
		filter_program_free(p);
	}
}

/* ---- the test file -------------------------------------------------------------------------- */

static void complain(struct run *r, const struct yaml_node *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void complain(struct run *r, const struct yaml_node *at, const char *fmt, ...)
{
	va_list ap;

	buf_printf(r->complaints, "%s:%u:%u: error: ", r->file, at->line, at->column);
	va_start(ap, fmt);
	buf_vprintf(r->complaints, fmt, ap);
	va_end(ap);
	buf_add_char(r->complaints, '\n');
	r->nbroken++;
}

static void report_failure(struct run *r, const struct rule *rule, const struct yaml_node *at,
	const struct test_event *t, bool must, const struct seen *s)
{
	if (r->o->json) {
		buf_printf(r->out, "%s{\"file\":", r->first_json ? "" : ",");
		json_add_str(r->out, str_of(r->file));
		buf_printf(r->out, ",\"line\":%u,\"must_match\":%s,\"rule\":", at->line,
			must ? "true" : "false");
		json_add_str(r->out, rule->name);
		buf_add_char(r->out, '}');
		r->first_json = false;
		return;
	}
	buf_printf(r->out, "%s  FAIL%s  %.*s\n        %s:%u: this event must %smatch, but does%s\n",
		r->o->colour ? "\033[31m" : "", r->o->colour ? "\033[0m" : "", STR_ARG(rule->name),
		r->file, at->line, must ? "" : "not ", must ? " not" : "");
	if (must)
		add_false_parts(r, rule, t, r->out);
	if (must && s->others.len)
		buf_printf(r->out, "          other rules match: %.*s\n",
			STR_ARG(buf_str(&s->others)));
}

static void run_event(struct run *r, const struct rule *rule, const struct yaml_node *n, bool must)
{
	struct seen s = {.wanted = rule, .others = BUF_INIT(4096)};
	struct test_event t;
	struct err e = {0};

	if (test_event_build(&r->arena, n, &t, &e) < 0) {
		buf_printf(r->complaints, "%s:%s\n", r->file, e.msg);
		r->nbroken++;
		return;
	}
	r->nevents++;
	r->tested[rule->index]++;
	judge(r, &t, &s);
	if (s.hit != must) {
		r->failed[rule->index]++;
		report_failure(r, rule, n, &t, must, &s);
	}
	buf_done(&s.others);
}

static const struct rule *find_rule(struct run *r, const struct yaml_node *name)
{
	const struct rule *near = NULL;
	unsigned best = 12;

	for (size_t i = 0; i < r->rs->nrules; i++) {
		unsigned d = str_distance(r->rs->rules[i]->name, name->text, best);

		if (d == 0)
			return r->rs->rules[i];
		if (d < best) {
			best = d;
			near = r->rs->rules[i];
		}
	}
	complain(r, name, "there is no rule '%.*s'%s%.*s%s", STR_ARG(str_head(name->text, 100)),
		near ? "; did you mean '" : "", near ? (int)near->name.len : 0,
		near ? near->name.s : "", near ? "'?" : "");
	return NULL;
}

static void run_events(
	struct run *r, const struct rule *rule, const struct yaml_node *seq, bool must)
{
	if (!seq || seq->kind == YAML_NULL)
		return;
	if (seq->kind != YAML_SEQ) {
		complain(r, seq, "%s must be a sequence of events", must ? "match" : "no_match");
		return;
	}
	for (size_t i = 0; i < seq->nitems; i++)
		run_event(r, rule, seq->items[i], must);
}

static void run_item(struct run *r, const struct yaml_node *item)
{
	const struct yaml_node *name = yaml_get(item, "rule");
	const struct rule *rule;

	if (item->kind == YAML_NULL)
		return;
	if (!name || name->kind != YAML_SCALAR) {
		complain(r, item, "a test must be a map with rule, match, no_match");
		return;
	}
	for (size_t i = 0; i < item->nitems; i++) {
		struct str k = item->keys[i]->text;

		if (!str_is(k, "rule") && !str_is(k, "match") && !str_is(k, "no_match") &&
			!str_is(k, "desc"))
			complain(r, item->keys[i],
				"unknown key '%.*s': a test has rule, desc, match, no_match",
				STR_ARG(str_head(k, 60)));
	}
	rule = find_rule(r, name);
	if (!rule)
		return;
	run_events(r, rule, yaml_get(item, "match"), true);
	run_events(r, rule, yaml_get(item, "no_match"), false);
}

static void run_file(struct run *r, const char *path)
{
	struct yaml_node **docs;
	struct yaml_error ye;
	struct str text;
	struct err e;
	size_t n;

	r->file = path;
	arena_reset(&r->arena);
	if (io_read_file(&r->arena, AT_FDCWD, path, TEST_FILE_MAX, &text, &e) < 0) {
		buf_printf(r->complaints, "%s\n", e.msg);
		r->nbroken++;
		return;
	}
	if (yaml_parse(&r->arena, text, NULL, &docs, &n, &ye) < 0) {
		buf_printf(
			r->complaints, "%s:%u:%u: error: %s\n", path, ye.line, ye.column, ye.msg);
		r->nbroken++;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (docs[i]->kind == YAML_SEQ)
			for (size_t k = 0; k < docs[i]->nitems; k++)
				run_item(r, docs[i]->items[k]);
		else if (docs[i]->kind != YAML_NULL)
			complain(r, docs[i], "a test file is a sequence of tests");
	}
}

/* ---- which test files ----------------------------------------------------------------------- */

static bool ends_in(struct str s, const char *suffix)
{
	return str_ends(s, str_of(suffix));
}

/* x.yaml → x_test.yaml and x.events.yaml, those that exist. */
static void run_beside(struct run *r, struct str path)
{
	static const char *const suffixes[] = {"_test.yaml", ".events.yaml"};
	struct str stem = path;
	char file[4096];
	struct stat st;

	if (ends_in(path, ".yaml"))
		stem.len -= 5;
	else if (ends_in(path, ".yml"))
		stem.len -= 4;
	for (size_t i = 0; i < 2; i++) {
		snprintf(file, sizeof(file), "%.*s%s", STR_ARG(stem), suffixes[i]);
		if (stat(file, &st) == 0)
			run_file(r, file);
	}
}

static void run_folder(struct run *r, const char *dir)
{
	static const char *const suffixes[] = {"_test.yaml", ".events.yaml", NULL};
	struct arena a;
	struct str *names;
	struct err e;
	size_t n;

	arena_init(&a, 0);
	if (io_list_dir(&a, dir, suffixes, 4096, &names, &n, &e) < 0) {
		buf_printf(r->complaints, "%s\n", e.msg);
		r->nbroken++;
		n = 0;
	}
	for (size_t i = 0; i < n; i++) {
		struct str path = arena_printf(&a, "%s/%.*s", dir, STR_ARG(names[i]));

		if (path.s)
			run_file(r, path.s);
	}
	arena_done(&a);
}

static void run_all(struct run *r)
{
	for (size_t i = 0; i < r->o->npaths; i++) {
		struct stat st;

		if (stat(r->o->paths[i], &st) == 0 && S_ISDIR(st.st_mode))
			run_folder(r, r->o->paths[i]);
		else
			run_beside(r, str_of(r->o->paths[i]));
	}
}

/* ---- summary -------------------------------------------------------------------------------- */

static void count_rules(struct run *r)
{
	for (size_t i = 0; i < r->rs->nrules; i++) {
		const struct rule *rule = r->rs->rules[i];
		bool ok = r->tested[i] && !r->failed[i];

		r->nuntested += !r->tested[i];
		r->nfailed += r->failed[i] != 0;
		r->npassed += ok;
		if (r->o->json)
			continue;
		if (ok)
			buf_printf(r->out, "%s  ok%s    %.*s (%u event%s)\n",
				r->o->colour ? "\033[32m" : "", r->o->colour ? "\033[0m" : "",
				STR_ARG(rule->name), r->tested[i], r->tested[i] == 1 ? "" : "s");
		else if (!r->tested[i] && r->o->verbose)
			buf_printf(r->out, "  none  %.*s\n", STR_ARG(rule->name));
	}
}

static void add_summary(struct run *r)
{
	if (!r->o->json) {
		buf_printf(r->out, "%zu rules, %u events: %u passed, %u failed, %u without tests\n",
			r->rs->nrules, r->nevents, r->npassed, r->nfailed, r->nuntested);
		return;
	}
	buf_printf(r->out, "],\"rules\":[");
	for (size_t i = 0; i < r->rs->nrules; i++) {
		buf_printf(r->out, "%s{\"events\":%u,\"failed\":%u,\"rule\":", i ? "," : "",
			r->tested[i], r->failed[i]);
		json_add_str(r->out, r->rs->rules[i]->name);
		buf_add_char(r->out, '}');
	}
	buf_printf(r->out,
		"],\"events\":%u,\"passed\":%u,\"failed\":%u,\"untested\":%u,\"errors\":%u}\n",
		r->nevents, r->npassed, r->nfailed, r->nuntested, r->nbroken);
}

static int load(const struct ruletest_options *o, struct buf *complaints, struct ruleset **ret)
{
	/* disabled rules are tested too */
	static const struct rule_selection all = {.enable = true, .rule_glob = STR("*")};
	struct ruleset_options ro = {
		.paths = o->paths,
		.npaths = o->npaths,
		.selections = &all,
		.nselections = 1,
		.min_priority = PRIORITY_DEBUG,
	};
	struct load_report *report;
	int e = ruleset_load(&ro, ret, &report);

	if (e < 0 && report)
		load_report_format_text(report, o->colour, false, complaints);
	load_report_free(report);
	return e;
}

int ruletest_run(const struct ruletest_options *o, struct buf *out, struct buf *complaints)
{
	struct run r = {.o = o, .out = out, .complaints = complaints, .first_json = true};
	struct state_options so = {.no_proc = true, .max_processes = 16, .max_containers = 4};
	struct detect_options det = {.hostname = "test"};
	struct err e = {0};
	int ret = 2;

	if (load(o, complaints, &r.rs) < 0)
		return 2;
	arena_init(&r.arena, 0);
	r.detect = detect_new(r.rs, &det, &e);
	r.state = state_new(&so, &e);
	r.tested = calloc(r.rs->nrules + 1, sizeof(*r.tested));
	r.failed = calloc(r.rs->nrules + 1, sizeof(*r.failed));
	if (r.detect && r.state && r.tested && r.failed) {
		if (o->json)
			buf_add_cstr(out, "{\"failures\":[");
		run_all(&r);
		count_rules(&r);
		add_summary(&r);
		if (r.nevents == 0 && r.nbroken == 0)
			buf_add_cstr(complaints, "no tests found: they are looked for in "
						 "FILE_test.yaml and FILE.events.yaml beside "
						 "FILE.yaml\n");
		ret = r.nbroken || r.nevents == 0 ? 2 : r.nfailed ? 1 : 0;
	} else {
		buf_printf(complaints, "%s\n", e.msg);
	}
	free(r.failed);
	free(r.tested);
	detect_free(r.detect);
	state_free(r.state);
	arena_done(&r.arena);
	ruleset_unref(r.rs);
	return ret;
}
