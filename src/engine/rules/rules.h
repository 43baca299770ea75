/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Falco rule files → one immutable ruleset, and the report of loading them. Loading goes on after
 * errors and reports them all; a ruleset comes only when there was none.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "engine/field/field.h"
#include "engine/filter/filter.h"
#include "model/finding/finding.h"

enum load_code {
	/* errors */
	LOAD_ERR_FILE_READ,
	LOAD_ERR_YAML_PARSE,
	LOAD_ERR_YAML_VALIDATE,
	LOAD_ERR_COMPILE_CONDITION,
	LOAD_ERR_COMPILE_OUTPUT,
	LOAD_ERR_VALIDATE,
	LOAD_ERR_EXTENSION,
	/* warnings */
	LOAD_UNKNOWN_SOURCE,
	LOAD_UNSAFE_NA_CHECK,
	LOAD_NO_EVTTYPE,
	LOAD_UNKNOWN_FILTER,
	LOAD_UNUSED_MACRO,
	LOAD_UNUSED_LIST,
	LOAD_UNKNOWN_ITEM,
	LOAD_DEPRECATED_ITEM,
	LOAD_WARNING_EXTENSION,
	LOAD_APPEND_NO_VALUES,
	LOAD_EXCEPTION_NAME_NOT_UNIQUE,
	LOAD_INVALID_MACRO_NAME,
	LOAD_INVALID_LIST_NAME,
	LOAD_COMPILE_CONDITION,
	LOAD_UNKNOWN_KEY,
	LOAD_CODE_COUNT
};
const char *load_code_name(enum load_code c); /* "LOAD_ERR_VALIDATE" */
const char *load_code_desc(enum load_code c); /* one sentence */
bool load_code_is_error(enum load_code c);

struct load_location {
	struct str item_type, item_name; /* "rule", "Terminal shell in container" */
	struct str file;
	unsigned line, column; /* from 1 */
	size_t offset;
};

struct load_issue {
	struct load_issue *next;
	enum load_code code;
	struct str message; /* says what and how to mend; a suggestion for a misspelling */
	struct load_location *locations; /* outermost first: file, item, condition */
	size_t nlocations;
	struct str snippet; /* the lines with a caret below the place */
};

struct load_file {
	struct load_file *next;
	struct str name;
	struct load_issue *issues; /* in order of place */
	size_t nerrors, nwarnings;
};

struct load_report {
	struct arena arena;
	struct load_file *files;
	size_t nerrors, nwarnings;
};

struct rule {
	uint32_t index; /* position: order of evaluation */
	struct str name, desc, condition /* as written, appends included */, output, source;
	struct str condition_compiled; /* macros and lists resolved */
	enum priority priority;
	const struct str *tags; /* sorted, unique */
	size_t ntags;
	bool enabled;
	bool capture;
	uint64_t capture_duration_ms;
	struct load_location where;
	struct ast *ast; /* resolved */
	struct format *format;
	uint32_t root; /* in the ruleset's program; enabled rules only */
	/* What is left of it when only an open's names, flags and result are looked at: where this
	 * is false, the rule is, whoever opens. None where that is true of every open. */
	uint32_t open_root;
	bool has_open_root;
	uint64_t codes[(EVENT_CODE_MAX + 63) / 64]; /* event codes it can match */
	bool is_named;                              /* may differ between the names of a file */
	const struct rule_details *details;         /* private: for describing */
};

struct macro_info {
	struct str name, condition;
	struct load_location where;
	bool used;
};
struct list_info {
	struct str name;
	const struct str *items;
	size_t nitems;
	struct load_location where;
	bool used;
};

/* Which paths rules name: the sensor knows these by identity too. */
struct named_path {
	struct str path; /* absolute, normalised, no trailing '/' */
	bool is_dir;     /* a rule names what is below it (prefix, pmatch, fd.directory) */
};

/* Stands for all names without a mark: no file's, and none of its bytes is in a mark. */
#define ORDINARY_NAME "\x01"

/* What some rule tells a file's last name by, whatever the folder. */
struct name_mark {
	enum { MARK_IS, MARK_STARTS, MARK_ENDS, MARK_HAS } kind;
	struct str text; /* not empty */
};

/* Calls that the sensor can keep in the kernel, by what it tells them from others (project.c). */
enum push_kind {
	PUSH_OPEN,    /* open, openat, creat: names, flags, result */
	PUSH_SOCKET,  /* socket: arguments, success or error */
	PUSH_CONNECT, /* connect: result, addresses, port and protocol of the server */
	/* the same and who calls, as long as that process executes nothing and keeps its name */
	PUSH_OWN_SOCKET,
	PUSH_OWN_CONNECT,
	PUSH_KINDS
};

/* What is left of the rules for such calls when nothing else is looked at: one for which no root
 * holds, under any name, can match no rule. */
struct pushdown {
	bool is_on;        /* false: a rule wants them all */
	bool asks_process; /* private */
	uint32_t *roots;
	size_t nroots;
};

struct ruleset {
	struct arena arena;
	unsigned refs;
	struct rule **rules; /* all, in order, disabled ones too */
	size_t nrules;
	struct macro_info *macros;
	size_t nmacros;
	struct list_info *lists;
	size_t nlists;
	struct filter_program *program;
	uint32_t *by_code[EVENT_CODE_MAX]; /* indices of enabled rules that can match the code, in
					      order */
	uint32_t nby_code[EVENT_CODE_MAX];
	uint64_t codes[(EVENT_CODE_MAX + 63) / 64]; /* union over enabled rules */
	struct pushdown push[PUSH_KINDS];
	/*
	 * Names that have none of the marks are ordinary: where ruleset_tells_names_in() says no
	 * for the folder, all of them are the same to the roots of opens.
	 */
	bool can_push_folders;
	struct name_mark *name_marks;
	size_t nname_marks;
	const struct told_folders *told_folders; /* private */
	bool needs_latency; /* some rule reads evt.latency*: the entry time is wanted */
	struct named_path *paths;
	size_t npaths;
	struct str sha256;                     /* hex, of all files */
	struct str required_engine;            /* "0.57.0" or empty */
	const struct ruleset_details *details; /* private: for describing */
};

struct rule_selection { /* `rules:` of falco.yaml, applied in order */
	bool enable;
	struct str rule_glob, tag; /* one of them */
};

struct ruleset_options {
	const char *const *paths; /* files and folders (*.yaml, *.yml), in order */
	size_t npaths;
	const struct rule_selection *selections;
	size_t nselections;
	enum priority min_priority; /* PRIORITY_DEBUG = all */
	const char *extra_output;   /* append_output, or NULL */
	bool suggested_output;      /* add the container's and pod's fields, as Falco does */
	/* text instead of files, for tests and fuzzing: name and content pairs */
	const struct str *texts;
	const struct str *text_names;
	size_t ntexts;
};

/*
 * Whether a rule tells files of this folder by their names. The folder is a path up to and with its
 * last '/', or empty: "/etc/" where a rule says fd.name = /etc/shadow.
 */
bool ruleset_tells_names_in(const struct ruleset *rs, struct str folder);
/* Whether a file's last name has none of the marks. Only where can_push_folders. */
bool ruleset_is_ordinary(const struct ruleset *rs, struct str name);
/* The kind of an event, whoever calls, and the same of one process; PUSH_KINDS: none. */
enum push_kind ruleset_push_kind(uint16_t code);
enum push_kind push_kind_of_one(enum push_kind kind);
/* *ret_report is always filled (free it); *ret is NULL when the report has errors. 0 or -errno. */
int ruleset_load(
	const struct ruleset_options *o, struct ruleset **ret, struct load_report **ret_report);
struct ruleset *ruleset_ref(struct ruleset *r);
struct ruleset *ruleset_unref(struct ruleset *r);
void load_report_free(struct load_report *r);
/* As a person reads it: "file:line:column: error: …", snippet, caret; colour if asked. */
void load_report_format_text(
	const struct load_report *r, bool colour, bool verbose, struct buf *out);
/* Falco's {"falco_load_results":[…]} */
void load_report_format_json(const struct load_report *r, struct buf *out);
/* Falco's -L: {"rules":[…],"macros":[…],"lists":[…],…}; one rule when `only` is given. */
void ruleset_describe_json(const struct ruleset *r, struct str only, struct buf *out);
/* The version of Falco's engine whose language this is: "0.57.0"-compatible. */
extern const char rules_engine_version[];
