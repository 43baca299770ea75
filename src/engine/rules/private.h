/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the files of engine/rules share while they load. The way of a rules file:
 *
 *   read.c       YAML items → definitions and updates, each with its place
 *   collect.c    define, append, replace, enable: names, order, visibility
 *   exception.c  exceptions → condition text
 *   expand.c     lists into text, macros into the AST
 *   compile.c    parse, check, compile, index; rule rows of the ruleset
 *   place.c      which byte of which file a place in an expanded condition was written at
 *   report.c     issues: collecting and writing them
 *   describe.c   the ruleset as JSON
 *
 * All definitions live in loader.tmp and die with the loader; what the ruleset keeps is in its own
 * arena, what the report keeps in the report's.
 */
#include "base/table.h"
#include "base/yaml.h"
#include "engine/rules/rules.h"

enum {
	RULES_FILE_BYTES_MAX = 16 << 20,
	RULES_FILES_MAX = 1024,
	RULES_RULES_MAX = 65536,
	RULES_NAMES_MAX = 65536,        /* lists, and macros */
	RULES_LIST_ITEMS_MAX = 1 << 18, /* of one list, expanded */
	RULES_TEXT_MAX = 4 << 20,       /* one condition, expanded */
	RULES_NODES_MAX = 200000,       /* one condition, macros resolved */
	RULES_DEPTH_MAX = 1000,
	RULES_ISSUES_MAX = 10000, /* kept; all are counted */
};

/* ---- places ------------------------------------------------------------------------------- */

struct source {
	struct load_file *report;
	struct str text;
	size_t *lines; /* byte offset of each line */
	size_t nlines;
};

struct place {
	const struct source *src;
	unsigned line, column; /* from 1 */
};

/* A chain from the innermost item out to the file. */
struct context {
	const struct context *parent;
	const char *type; /* Falco's item types: "rule", "macro condition" … */
	struct str name;
	struct place at;
};

/* A stretch of a composed text: from `start` on, written at byte `offset` of a YAML scalar. */
struct span {
	size_t start;
	const struct context *ctx;      /* of the scalar (its place), or of what made the text */
	const struct yaml_node *scalar; /* NULL: the place of ctx is all that is known */
	size_t offset;
	bool fixed; /* every byte of it came from that one offset */
};

/* A condition as it goes to the parser, which still knows where each byte was written. */
struct composed {
	struct buf text;
	struct span *spans;
	size_t nspans;
	struct arena *arena; /* of the spans */
};

void composed_add(struct composed *c, struct str s, const struct span *from);
void composed_done(struct composed *c);
const struct span *composed_span(const struct composed *c, size_t pos);
/* Where byte `pos` was written. */
struct place composed_place(const struct composed *c, size_t pos, const struct context *fallback);

struct source *source_new(struct arena *a, struct load_file *report, struct str text);
size_t source_offset(const struct source *src, unsigned line, unsigned column);
struct place place_of(const struct source *src, const struct yaml_node *n);
/* The place of byte `offset` of the decoded scalar; the scalar's own place if it cannot be told. */
struct place place_in_scalar(const struct source *src, const struct yaml_node *n, size_t offset);
/* The line with a caret below the place. */
struct str place_snippet(struct arena *a, struct place p);

/* ---- definitions -------------------------------------------------------------------------- */

/* What lists, macros and rules have in common; the first member of each. */
struct def {
	struct str name;
	const struct context *ctx;
	uint32_t index, visibility;
	bool used;
	bool broken; /* an error was reported: what refers to it stays silent */
};

struct defs {
	struct def **all; /* by index */
	size_t n;
	struct table names;
};

/* A text of one or more YAML scalars (appends). */
struct written {
	struct str text;
	const struct context *ctx;
	struct composed *pieces;
};

struct list_def {
	struct def d;
	struct str *items;
	size_t nitems;
	/* expanded */
	int state; /* 0 = not yet, 1 = under way, 2 = done */
	struct str *full;
	size_t nfull;
	struct str joined; /* quoted, ", " between */
	struct str *lists; /* names it took items from */
	size_t nlists;
};

struct name_set {
	struct str *names;
	size_t n;
};

/* A field or an event type that does not exist: matters once a rule uses it. */
struct unknown_field {
	struct unknown_field *next;
	struct str message;
	const struct context *ctx;
	bool reported;
};

/* A parsed condition, before macros are put in. */
struct parsed {
	struct ast *ast;
	size_t nodes, depth;             /* with macros put in */
	struct unknown_field *unknown;   /* written here */
	struct unknown_field *inherited; /* of a macro used here */
	struct name_set macros, lists;   /* named here */
};

struct macro_def {
	struct def d;
	struct written cond;
	struct composed text;
	struct parsed p;
	int state; /* of resolving: 0, 1, 2 */
};

struct exception_entry {
	bool is_set, is_list;
	struct str item;
	struct exception_entry *items;
	size_t nitems;
};

struct exception_def {
	struct exception_def *next;
	struct str name;
	const struct context *ctx;
	struct exception_entry fields, comps;
	struct exception_entry *values;
	size_t nvalues;
};

enum rule_key {
	KEY_CONDITION = 1 << 0,
	KEY_OUTPUT = 1 << 1,
	KEY_DESC = 1 << 2,
	KEY_PRIORITY = 1 << 3,
	KEY_SOURCE = 1 << 4,
	KEY_ENABLED = 1 << 5,
	KEY_CAPTURE = 1 << 6,
	KEY_CAPTURE_DURATION = 1 << 7,
	KEY_WARN_EVTTYPES = 1 << 8,
	KEY_SKIP_UNKNOWN = 1 << 9,
	KEY_TAGS = 1 << 10,
	KEY_EXCEPTIONS = 1 << 11,
};

/* A definition, or what an item changes of one: `has` says which members are set. */
struct rule_def {
	struct def d;
	unsigned has; /* enum rule_key */
	struct written cond, output;
	struct str desc, source;
	enum priority priority;
	bool enabled, capture, warn_evttypes, skip_unknown, unknown_source;
	uint64_t capture_duration_ms;
	struct str *tags;
	size_t ntags;
	struct exception_def *exceptions; /* in order */
};

struct plugin_requirement {
	struct str name, version;
	struct plugin_requirement *alternatives;
	size_t nalternatives;
};

/* What describe.c tells beyond the public rows. */
struct rule_details {
	struct name_set macros, lists;
	struct name_set exception_names, exception_fields, exception_operators;
	struct str written_output, compiled_output;
};

struct macro_details {
	struct ast *ast; /* NULL: never resolved without error */
	struct name_set macros, lists;
	struct str compiled;
};

struct list_details {
	struct str *full;
	size_t nfull;
	struct name_set lists;
};

struct ruleset_details {
	struct macro_details *macros; /* as ruleset.macros */
	struct list_details *lists;   /* as ruleset.lists */
	struct plugin_requirement *plugins;
	size_t nplugins;
};

struct loader {
	const struct ruleset_options *o;
	struct load_report *report;
	struct load_file *last_file;
	struct ruleset *rs;
	struct arena tmp;
	struct defs lists, macros, rules;
	struct list_def **odd_lists; /* names that are no single word */
	size_t nodd_lists;
	struct plugin_requirement *plugins;
	size_t nplugins;
	uint32_t next_index;
	unsigned engine_minor, engine_patch; /* the highest required */
	bool engine_required;
	size_t nsuggestions;
	unsigned macro_depth;
	bool incomplete; /* a file could not be read: what it would define is not missed */
	bool out_of_memory;
};

/* ---- shared helpers ----------------------------------------------------------------------- */

/* Room for one more item behind `n` (grown at powers of two); NULL and out_of_memory set. */
void *loader_grow(struct loader *l, struct arena *a, void *items, size_t n, size_t item_size);
/* Never NULL but for a first context (parent NULL) when memory is out. */
const struct context *context_new(struct loader *l, const struct context *parent, const char *type,
	struct str name, struct place at);
void name_set_add(struct loader *l, struct arena *a, struct name_set *set, struct str name);

/* report.c */
struct source *report_file(struct loader *l, struct str name, struct str text);
void issue_add(struct loader *l, enum load_code code, const struct context *ctx, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));
/* "; did you mean 'x'?" or "" */
const char *suggest(struct loader *l, struct str name, const struct str *among, size_t n);
const char *suggest_def(struct loader *l, struct str name, const struct defs *defs);
const char *suggest_field(struct loader *l, struct str name);
const char *suggest_event(struct loader *l, struct str name);
void report_finish(struct load_report *r);

/* read.c */
void read_rules_text(struct loader *l, struct source *src);

/* plugin.c */
void require_engine(struct loader *l, const struct yaml_node *value, const struct context *ctx);
void require_plugins(struct loader *l, const struct yaml_node *value, const struct context *ctx);
struct str required_engine_version(struct loader *l);

/* collect.c */
int written_append(struct loader *l, struct written *to, const struct written *from);
void *defs_find(const struct defs *defs, struct str name);
/* Remembers a name whose item was wrong, so that what refers to it is not reported too. */
void collect_broken(struct loader *l, struct defs *defs, struct str name, size_t size,
	const struct context *ctx);
int collect_list(struct loader *l, struct list_def *def, bool append);
int collect_macro(struct loader *l, struct macro_def *def, bool append);
int collect_rule(struct loader *l, struct rule_def *def);
int collect_rule_append(struct loader *l, struct rule_def *update);
int collect_rule_replace(struct loader *l, struct rule_def *update);
int collect_rule_enable(struct loader *l, struct rule_def *update);

/* exception.c */
void written_compose(struct composed *out, const struct written *w);
int exception_check(struct loader *l, struct exception_def *ex, bool source_known);
/* (condition) and not (exception) … 0 or -EINVAL, reported. */
int exceptions_compose(struct loader *l, const struct rule_def *r, struct composed *out,
	struct rule_details *details);
/* In double quotes, escaped, unless the filter language can read it bare. */
void quote_word(struct buf *out, struct str s, bool in_list);

/* expand.c */
void expand_lists(struct loader *l);
/* The text with every list name replaced; names is filled. False: it grew too large, reported. */
bool expand_text(struct loader *l, const struct composed *in, struct composed *out,
	struct name_set *lists, const struct context *ctx);
/* Parses a macro or rule condition: 0, or -EINVAL and reported. */
int condition_parse(struct loader *l, const struct composed *in, struct composed *text,
	struct parsed *p, const struct context *ctx);
void expand_macros(struct loader *l);
/* Puts macros in. -EINVAL: reported, or a macro was broken. */
int condition_resolve(struct loader *l, struct parsed *p, uint32_t visibility,
	const struct composed *text, const struct context *ctx);

/* compile.c */
void compile_all(struct loader *l);
/* project.c: fills rs->push */
void rules_project(struct loader *l);
/* ordinary.c: what the projected condition of a rule tells names by, into the ruleset; false: it
 * cannot be said, or no memory. */
bool ordinary_begin(struct ruleset *rs);
bool ordinary_add(struct ruleset *rs, struct ast *left);
/* paths.c */
int ruleset_collect_paths(struct ruleset *rs);
