/* SPDX-License-Identifier: Apache-2.0 */
/*
 * koban rules check|list|explain|test: what a detection engineer asks about rule files before they
 * go anywhere. Wiring and tables; the loader and its report are engine/rules.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "cmd/rules.h"
#include "cmd/verbs.h"

enum { OUT_MAX = 512 << 20, WIDTH_DEFAULT = 100, WIDTH_MIN = 60, WIDTH_MAX = 200 };

struct options {
	const char *const *paths;
	size_t npaths;
	bool json, verbose, colour;
	const char *rule;
};

static const char help[] =
	"Usage: koban rules check|list|explain|test FILE…\n"
	"\n"
	"Works on rule files in Falco's language. FILE is a rules file or a folder of them; "
	"several\n"
	"are read in order, as one set, so that later ones can override earlier ones.\n"
	"\n"
	"  check    loads the files and reports every error and warning, with its place\n"
	"  list     the rules: priority, whether enabled, tags, the events they need\n"
	"  explain  what a rule became: its resolved condition, the compiled program\n"
	"  test     runs the events in FILE_test.yaml beside FILE.yaml against the rules\n"
	"\n"
	"\"koban rules VERB --help\" tells more.\n";

static const char help_check[] =
	"Usage: koban rules check FILE… [--json] [--verbose]\n"
	"\n"
	"Loads rule files and reports all that is wrong with them: all errors of all files, not "
	"only\n"
	"the first. Exit code 0 = the rules can be used, 2 = they cannot.\n"
	"\n"
	"  --json     one object, as Falco's --validate with json_output: falco_load_results\n"
	"  --verbose  with each issue the items around it and what its code means\n"
	"\n"
	"Examples:\n"
	"  koban rules check /etc/falco/falco_rules.yaml my_rules.yaml\n"
	"  koban rules check rules.d --json | jq '.falco_load_results[].errors'\n";

static const char help_list[] =
	"Usage: koban rules list FILE… [--json]\n"
	"\n"
	"Lists the rules in the order in which they are evaluated.\n"
	"\n"
	"  --json     one object, as Falco's -L: rules, macros and lists with what they use\n"
	"\n"
	"Examples:\n"
	"  koban rules list /etc/falco/falco_rules.yaml\n"
	"  koban rules list rules.d --json | jq '.rules[].details.condition_fields'\n";

static const char help_explain[] =
	"Usage: koban rules explain FILE… [--rule NAME]\n"
	"\n"
	"Shows what rules became: the condition with its macros and lists put in, the program it "
	"was\n"
	"compiled to (nodes that other rules share are marked: they are computed once an event), "
	"the\n"
	"events it needs from the kernel, the paths it names, and how much it costs compared with\n"
	"the other rules.\n"
	"\n"
	"  --rule NAME  only this rule, disabled or not\n"
	"\n"
	"Example:\n"
	"  koban rules explain falco_rules.yaml --rule 'Terminal shell in container'\n";

static const char help_test[] =
	"Usage: koban rules test FILE… [--json] [--verbose]\n"
	"\n"
	"Runs the tests of rules: events that a rule must match and events that it must not. For\n"
	"x.yaml they are in x_test.yaml (or x.events.yaml) beside it; for a folder, in all such "
	"files\n"
	"of it. When a rule does not match, the parts of its condition that were false are shown.\n"
	"Exit code 0 = all pass, 1 = some fail, 2 = rules or tests cannot be read.\n"
	"\n"
	"  --json     one object: failures, rules, counts\n"
	"  --verbose  names the rules without tests\n"
	"\n"
	"A test:\n"
	"  - rule: Read sensitive file untrusted\n"
	"    match:\n"
	"      - type: openat\n"
	"        args: {flags: O_RDONLY}\n"
	"        fd: {name: /etc/shadow}\n"
	"        proc: {name: cat, exepath: /usr/bin/cat}\n"
	"    no_match:\n"
	"      - type: openat\n"
	"        args: {flags: O_RDONLY}\n"
	"        fd: {name: /etc/hostname}\n"
	"        proc: {name: cat, exepath: /usr/bin/cat}\n"
	"\n"
	"All keys of an event: docs/testing-rules.md.\n";

static size_t terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize w;
	uint64_t n = WIDTH_DEFAULT;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col)
		n = w.ws_col;
	else if (columns)
		str_to_u64(str_of(columns), 10, &n);
	return n < WIDTH_MIN ? WIDTH_MIN : n > WIDTH_MAX ? WIDTH_MAX : (size_t)n;
}

/* ---- loading -------------------------------------------------------------------------------- */

static int load(const struct options *o, const struct rule_selection *sel, struct ruleset **ret,
	struct load_report **report)
{
	struct ruleset_options ro = {
		.paths = o->paths,
		.npaths = o->npaths,
		.min_priority = PRIORITY_DEBUG,
		.selections = sel,
		.nselections = sel ? 1 : 0,
	};

	return ruleset_load(&ro, ret, report);
}

/* For list and explain: the rules, or what is wrong with them on stderr. */
static struct ruleset *load_or_complain(const struct options *o, const struct rule_selection *sel)
{
	struct load_report *report;
	struct ruleset *rs;

	if (load(o, sel, &rs, &report) < 0) {
		struct buf b = BUF_INIT(OUT_MAX);

		if (report)
			load_report_format_text(report, log_is_colour(), false, &b);
		io_write_all(STDERR_FILENO, buf_str(&b));
		buf_done(&b);
	}
	load_report_free(report);
	return rs;
}

/* ---- check ---------------------------------------------------------------------------------- */

static int check(const struct options *o)
{
	struct load_report *report;
	struct ruleset *rs;
	struct buf b = BUF_INIT(OUT_MAX);
	int e = load(o, NULL, &rs, &report);

	if (report && o->json) {
		load_report_format_json(report, &b);
		buf_add_char(&b, '\n');
	} else if (report) {
		load_report_format_text(report, o->colour, o->verbose, &b);
	}
	io_write_all(STDOUT_FILENO, buf_str(&b));
	buf_done(&b);
	load_report_free(report);
	ruleset_unref(rs);
	return e < 0 ? 2 : 0;
}

/* ---- list ----------------------------------------------------------------------------------- */

static void add_cell(struct buf *b, struct str s, size_t width)
{
	size_t n = 0;

	/* cut and padded by characters, so that columns stay in line */
	for (size_t i = 0; i < s.len && n < width; n++) {
		size_t len = utf8_len(str_skip(s, i));

		len = len ? len : 1;
		if (n + 1 == width && i + len < s.len)
			buf_add_cstr(b, "…");
		else
			buf_add(b, str_make(s.s + i, len));
		i += len;
	}
	for (; n < width; n++)
		buf_add_char(b, ' ');
	buf_add_char(b, ' ');
}

static void add_joined(struct buf *b, const struct str *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(b, ' ');
		buf_add(b, v[i]);
	}
}

/* Names of current events, each once. */
static void add_events(struct buf *b, const struct rule *r)
{
	size_t begin = b->len, count = 0;

	for (unsigned c = 0; c < EVENT_CODE_MAX; c++) {
		const struct event_def *def = event_def((uint16_t)c);

		if (!def || !(r->codes[c / 64] >> (c % 64) & 1) ||
			(def->flags & (EF_OLD | EF_ENTER)))
			continue;
		if (++count > 60) {
			b->len = begin;
			buf_add_cstr(b, "(nearly all)");
			return;
		}
		if (b->len > begin)
			buf_add_char(b, ' ');
		buf_add_cstr(b, def->name);
	}
}

static void add_list(const struct options *o, const struct ruleset *rs, struct buf *b)
{
	size_t width = terminal_width(), name = 10, left;
	struct buf cell = BUF_INIT(64 << 10);

	for (size_t i = 0; i < rs->nrules; i++)
		name = rs->rules[i]->name.len > name ? rs->rules[i]->name.len : name;
	if (name > width / 2)
		name = width / 2;
	left = width - name - 1 - 14 - 4;
	add_cell(b, STR("RULE"), name);
	add_cell(b, STR("PRIORITY"), 13);
	add_cell(b, STR("ON"), 3);
	add_cell(b, STR("EVENTS"), left / 2);
	buf_add_cstr(b, "TAGS\n");
	for (size_t i = 0; i < rs->nrules; i++) {
		const struct rule *r = rs->rules[i];

		add_cell(b, r->name, name);
		add_cell(b, str_of(priority_name(r->priority)), 13);
		add_cell(b, r->enabled ? STR("yes") : STR("no"), 3);
		buf_clear(&cell);
		add_events(&cell, r);
		add_cell(b, buf_str(&cell), left / 2);
		buf_clear(&cell);
		add_joined(&cell, r->tags, r->ntags);
		add_cell(b, buf_str(&cell), left - left / 2 - 2);
		while (b->len && b->s[b->len - 1] == ' ')
			b->len--;
		buf_add_char(b, '\n');
	}
	buf_done(&cell);
}

static int list(const struct options *o)
{
	struct ruleset *rs = load_or_complain(o, NULL);
	struct buf b = BUF_INIT(OUT_MAX);

	if (!rs)
		return 2;
	if (o->json) {
		ruleset_describe_json(rs, STR_NULL, &b);
		buf_add_char(&b, '\n');
	} else {
		add_list(o, rs, &b);
	}
	io_write_all(STDOUT_FILENO, buf_str(&b));
	buf_done(&b);
	ruleset_unref(rs);
	return 0;
}

/* ---- explain -------------------------------------------------------------------------------- */

/* A guess for comparing rules: comparisons by kind, the dearer ones weighing more. */
static int add_cost(struct ast *n, void *arg)
{
	size_t *cost = arg;

	if (n->kind != AST_CHECK)
		return 0;
	switch (n->op) {
	case OP_REGEX:
		*cost += 50;
		break;
	case OP_GLOB:
	case OP_IGLOB:
	case OP_CONTAINS:
	case OP_ICONTAINS:
		*cost += 4 * n->nright;
		break;
	default:
		*cost += 1;
	}
	return 0;
}

static size_t count_codes(const struct rule *r)
{
	size_t n = 0;

	for (size_t i = 0; i < sizeof(r->codes) / sizeof(r->codes[0]); i++)
		n += (size_t)__builtin_popcountll(r->codes[i]);
	return n;
}

static size_t cost_of(const struct rule *r)
{
	size_t cost = 0;

	ast_walk(r->ast, add_cost, &cost);
	return cost;
}

/* The named paths that occur in the rule's own condition. */
static void add_paths(struct buf *b, const struct ruleset *rs, const struct rule *r)
{
	bool first = true;

	for (size_t i = 0; i < rs->npaths; i++) {
		if (str_find(r->condition_compiled, rs->paths[i].path) < 0)
			continue;
		buf_printf(b, "%s%.*s%s", first ? "" : " ", STR_ARG(rs->paths[i].path),
			rs->paths[i].is_dir ? "/" : "");
		first = false;
	}
	if (first)
		buf_add_cstr(b, "none");
}

static void add_explained(const struct options *o, const struct ruleset *rs, const struct rule *r,
	size_t mean, struct buf *b)
{
	const char *bold = o->colour ? "\033[1m" : "", *plain = o->colour ? "\033[0m" : "";
	size_t cost = cost_of(r);

	buf_printf(b, "%s%.*s%s  (%.*s:%u)\n", bold, STR_ARG(r->name), plain,
		STR_ARG(r->where.file), r->where.line);
	buf_printf(
		b, "  %s, %s\n", priority_name(r->priority), r->enabled ? "enabled" : "disabled");
	buf_printf(b, "\n  condition, macros and lists put in:\n    %.*s\n",
		STR_ARG(r->condition_compiled));
	if (r->enabled) {
		buf_add_cstr(b, "\n  program:\n");
		filter_program_explain(rs->program, r->root, b);
	}
	buf_add_cstr(b, "\n  events: ");
	add_events(b, r);
	buf_add_cstr(b, "\n  named paths: ");
	add_paths(b, rs, r);
	buf_printf(b, "\n  judged under every name of a file: %s", r->is_named ? "yes" : "no");
	buf_printf(b,
		"\n  cost: %zu comparisons weighted, %zu.%zu times the mean rule; %zu event "
		"codes\n",
		cost, cost * 10 / (mean ? mean : 1) / 10, cost * 10 / (mean ? mean : 1) % 10,
		count_codes(r));
}

static size_t mean_cost(const struct ruleset *rs)
{
	size_t sum = 0;

	for (size_t i = 0; i < rs->nrules; i++)
		sum += cost_of(rs->rules[i]);
	return rs->nrules ? sum / rs->nrules : 0;
}

static int explain(const struct options *o)
{
	struct rule_selection only = {.enable = true, .rule_glob = str_of("*")};
	struct ruleset *rs = load_or_complain(o, o->rule ? &only : NULL);
	struct buf b = BUF_INIT(OUT_MAX);
	size_t shown = 0, mean;

	if (!rs)
		return 2;
	mean = mean_cost(rs);
	for (size_t i = 0; i < rs->nrules; i++) {
		if (o->rule && !str_is(rs->rules[i]->name, o->rule))
			continue;
		if (shown++)
			buf_add_char(&b, '\n');
		add_explained(o, rs, rs->rules[i], mean, &b);
	}
	if (!o->rule) {
		struct filter_program_stats s = filter_program_stats(rs->program);

		buf_printf(&b,
			"\nall enabled rules: %zu nodes written, %zu after sharing; %zu "
			"comparisons, %zu fields read, %zu sets, %zu tries, %zu automata, %zu "
			"regexes\n",
			s.written, s.nodes, s.leaves, s.fields, s.sets, s.tries, s.automata,
			s.regexes);
	}
	io_write_all(STDOUT_FILENO, buf_str(&b));
	buf_done(&b);
	if (o->rule && !shown)
		fprintf(stderr, "koban rules explain: there is no rule '%s'\n", o->rule);
	ruleset_unref(rs);
	return o->rule && !shown ? 2 : 0;
}

/* ---- test ----------------------------------------------------------------------------------- */

static int test(const struct options *o)
{
	struct ruletest_options t = {
		.paths = o->paths,
		.npaths = o->npaths,
		.json = o->json,
		.colour = o->colour,
		.verbose = o->verbose,
	};
	struct buf out = BUF_INIT(OUT_MAX), complaints = BUF_INIT(OUT_MAX);
	int r = ruletest_run(&t, &out, &complaints);

	io_write_all(STDERR_FILENO, buf_str(&complaints));
	io_write_all(STDOUT_FILENO, buf_str(&out));
	buf_done(&out);
	buf_done(&complaints);
	return r;
}

/* ---- the command ---------------------------------------------------------------------------- */

static const struct verb {
	const char *name, *help;
	int (*run)(const struct options *o);
} verbs[] = {
	{"check", help_check, check},
	{"list", help_list, list},
	{"explain", help_explain, explain},
	{"test", help_test, test},
};

/* 0 to go on, else an exit code + 1. */
static int parse_options(int argc, char **argv, const struct verb *v, struct options *o)
{
	static const struct option longs[] = {
		{"json", no_argument, NULL, 'j'},
		{"verbose", no_argument, NULL, 'v'},
		{"rule", required_argument, NULL, 'r'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	optind = 0; /* the command line may have been parsed before */
	while ((c = getopt_long(argc, argv, "jvr:h", longs, NULL)) != -1) {
		switch (c) {
		case 'j':
			o->json = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'r':
			o->rule = optarg;
			break;
		case 'h':
			fputs(v->help, stdout);
			return 1;
		default:
			fprintf(stderr, "koban rules %s: try --help\n", v->name);
			return 3;
		}
	}
	o->paths = (const char *const *)argv + optind;
	o->npaths = (size_t)(argc - optind);
	if (o->npaths)
		return 0;
	fprintf(stderr, "koban rules %s: which files? Try --help\n", v->name);
	return 3;
}

int cmd_rules(int argc, char **argv)
{
	const char *no_colour = getenv("NO_COLOR"), *name = argc > 1 ? argv[1] : "";
	struct options o = {.colour = isatty(STDOUT_FILENO) && !(no_colour && *no_colour)};

	if (!strcmp(name, "--help") || !strcmp(name, "-h")) {
		fputs(help, stdout);
		return 0;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(name, verbs[i].name) != 0)
			continue;
		int r = parse_options(argc - 1, argv + 1, &verbs[i], &o);

		return r ? r - 1 : verbs[i].run(&o);
	}
	fprintf(stderr, "koban rules: check, list, explain or test? Try \"koban rules --help\"\n");
	return 2;
}
