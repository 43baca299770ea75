/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The expression language of Falco's conditions and outputs: parse, check, compile, evaluate.
 * It knows no field: a `struct field_set` says which exist and how to read them from a subject
 * that this room never looks into.
 *
 *   text ──filter_parse()──▶ AST ──filter_program_add()──▶ one program shared by all expressions
 *
 * The program is a graph of unique nodes: equal sub-expressions of all rules are one node, which is
 * evaluated at most once a subject; a field is extracted at most once a subject; `in` lists are
 * hash sets, `pmatch` lists and `startswith` alternatives tries, many literals over one field one
 * automaton. Evaluation allocates nothing.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* ---- fields: the rows that a field room gives --------------------------------------------- */

enum value_type {
	VT_STR,
	VT_BOOL,
	VT_U64,
	VT_S64,
	VT_DOUBLE,
	VT_RELTIME,
	VT_ABSTIME,
	VT_BYTES,
	VT_IP,
	VT_NET,
	VT_PORT,
	VT_PATH,    /* VT_PATH: a VT_STR that pmatch and glob expect */
	VT_DYNAMIC, /* the type of the event argument at hand (evt.rawarg) */
};

struct ip_addr {
	uint8_t bytes[16]; /* network order; IPv4 in the first four */
	bool is_v6;
};

struct ip_net {
	struct ip_addr addr;
	uint8_t prefix_len;
};

struct value {
	enum value_type type;
	union {
		struct str s; /* VT_STR, VT_PATH, VT_BYTES; VT_IP values that come as text do not
				 exist */
		uint64_t u;   /* VT_U64, VT_BOOL (0, 1), VT_RELTIME, VT_ABSTIME, VT_PORT */
		int64_t i;    /* VT_S64 */
		double d;
		struct ip_addr ip;
		struct ip_net net;
	};
};

/* A list-valued or single-valued result. */
struct values {
	const struct value *v; /* borrowed until the subject changes */
	size_t n;              /* 0 = missing */
};

enum field_flags {
	FIELD_ARG_OPTIONAL = 1 << 0,
	FIELD_ARG_REQUIRED = 1 << 1,
	FIELD_ARG_INDEX = 1 << 2, /* the argument may be a number */
	FIELD_ARG_KEY = 1 << 3,   /* the argument may be a name; may also be written ".name" */
	FIELD_LIST = 1 << 4,      /* list-valued: only in, intersects, exists */
	FIELD_DEPRECATED = 1 << 5,
	FIELD_TABLE_ONLY = 1 << 6,  /* hidden from listings */
	FIELD_FILTER_ONLY = 1 << 7, /* cannot be printed */
	FIELD_NO_RHS = 1 << 8,      /* no val() on either side */
	FIELD_NO_TRANSFORMER = 1 << 9,
	FIELD_NAMED = 1 << 10, /* depends on the file name under judgement (filter_eval_rename) */
};

struct field_arg {
	struct str text; /* as written, without brackets; len 0 = none */
	bool is_index;
	uint64_t index;
	uint64_t resolved; /* what field_def.resolve made of it */
};

enum cmp_op {
	OP_EQ,
	OP_NE,
	OP_LT,
	OP_LE,
	OP_GT,
	OP_GE,
	OP_CONTAINS,
	OP_ICONTAINS,
	OP_BCONTAINS,
	OP_STARTSWITH,
	OP_BSTARTSWITH,
	OP_ENDSWITH,
	OP_GLOB,
	OP_IGLOB,
	OP_REGEX,
	OP_IN,
	OP_INTERSECTS,
	OP_PMATCH,
	OP_EXISTS,
	OP_COUNT
};
const char *cmp_op_name(enum cmp_op op);
enum cmp_modifier { MOD_NONE, MOD_ONEOF, MOD_ANYOF, MOD_ALLOF };

struct comparison; /* operator and compiled right-hand side */

/*
 * Does `v` satisfy the comparison's operator and right-hand side? For fields with a comparator of
 * their own, which try several values (both ends of a socket, every ancestor).
 */
bool comparison_holds(const struct comparison *c, const struct value *v);
enum cmp_op comparison_op(const struct comparison *c);
/* The written right-hand values (for host names and the like). */
const struct str *comparison_texts(const struct comparison *c, size_t *n);

/*
 * Scratch for getters: strings that they build live in `arena` until the subject changes. The
 * arena is warm, so that no malloc happens on the event path.
 */
struct field_ctx {
	const void *subject;
	struct arena *arena;
};

enum { FIELD_PUT_MAX = 64 };

struct field_def {
	const char *name; /* "proc.aname" */
	enum value_type type;
	uint32_t flags;  /* enum field_flags */
	const char *doc; /* one paragraph: meaning, unit; for the impossible ones, why */
	/* The value, true if there is one. Never changes the subject. */
	bool (*get)(const struct field_ctx *ctx, const struct field_arg *arg, struct value *ret);
	/* FIELD_LIST: fills *ret from ctx->arena. */
	bool (*get_list)(
		const struct field_ctx *ctx, const struct field_arg *arg, struct values *ret);
	/* A comparator of its own, for every operator but `exists`; NULL = the common rules. */
	bool (*compare)(const struct field_ctx *ctx, const struct field_arg *arg,
		const struct comparison *c);
	/* `exists` where it is not "extraction succeeds"; NULL = the common rule. */
	bool (*exists)(const struct field_ctx *ctx, const struct field_arg *arg);
	/* At compile time: checks the argument, may fill arg->resolved. NULL = by the flags only.
	 */
	int (*resolve)(struct field_arg *arg, struct err *e);
	/* Operators that `compare` accepts, as bits 1 << enum cmp_op; 0 = by type. */
	uint32_t ops;
	/* For "takes: index | key | nothing" in `koban fields`; NULL = by the flags. */
	const char *arg_doc;
	/* Appends the text that outputs show, where that is quicker than or differs from the value
	 * of `get`; false = missing. NULL = the value as value_format() writes it. */
	bool (*print)(const struct field_ctx *ctx, const struct field_arg *arg, struct buf *out);
	/*
	 * The same text as above at a place that has room for FIELD_PUT_MAX bytes, of which more
	 * may be written than count; its end. NULL = missing or longer, then the others are asked.
	 * For the few fields that are in every line.
	 */
	char *(*put)(const struct field_ctx *ctx, char *to);
	/* What JSON lines have instead: times are numbers there. NULL = the value or its text. */
	bool (*json)(const struct field_ctx *ctx, const struct field_arg *arg, struct value *ret);
};

struct field_class {
	const char *name; /* "evt", "process", "fd" */
	const char *desc;
	const struct field_def *fields;
	size_t nfields;
	const char *source; /* event source: "syscall"; NULL = every source */
};

struct field_set {
	const struct field_class *const *classes;
	size_t nclasses;
};

/* Finds "proc.aname" (no argument); dotted arguments ("evt.arg.name") are the parser's work. */
const struct field_def *field_set_find(const struct field_set *set, struct str name);

/* ---- AST ---------------------------------------------------------------------------------- */

enum ast_kind { AST_AND, AST_OR, AST_NOT, AST_CHECK, AST_IDENT, AST_TRUE, AST_FALSE };
enum operand_kind { OPERAND_FIELD, OPERAND_TRANSFORM, OPERAND_LITERAL, OPERAND_LIST };
enum transformer {
	TR_TOLOWER,
	TR_TOUPPER,
	TR_B64,
	TR_BASENAME,
	TR_LEN,
	TR_JOIN,
	TR_CONCAT,
	TR_GETOPT,
	TR_COUNT
};
const char *transformer_name(enum transformer t);

struct filter_pos {
	uint32_t offset;       /* bytes into the text that was parsed */
	uint32_t line, column; /* from 1, within that text */
};

struct operand {
	enum operand_kind kind;
	struct filter_pos pos;
	const struct field_def *field; /* OPERAND_FIELD; NULL when unknown and that was allowed */
	struct str field_name;         /* as written, without the argument */
	struct field_arg arg;          /* of the field, or of the transformer's [arg] */
	enum transformer transformer;  /* OPERAND_TRANSFORM */
	struct operand *args;          /* of a transformer, or the items of a list */
	size_t nargs;
	struct str text; /* OPERAND_LITERAL, unescaped */
	bool quoted;
};

struct ast {
	enum ast_kind kind;
	struct filter_pos pos;
	struct ast **kids; /* AND, OR: nkids ≥ 2; NOT: 1 */
	size_t nkids;
	struct str ident; /* AST_IDENT: a macro's name */
	/* AST_CHECK */
	struct operand left;
	enum cmp_op op;
	enum cmp_modifier modifier;
	struct operand *right; /* literals, one list item each; or one field or transformer */
	size_t nright;
	bool right_is_ident; /* `in some_list`: right[0].text is a list's name */
};

struct filter_error {
	struct filter_pos pos;
	char msg[400]; /* with what was expected and, for a misspelt field, "did you mean …" */
	bool unknown_field; /* the only fault is a field that the set does not have */
};

struct filter_parse_options {
	const struct field_set *fields;
	const char *source; /* event source whose fields may be used; NULL = all */
	unsigned max_depth; /* 0 = 1000 */
	bool allow_unknown_fields;
};

/* The AST lives in the arena. 0 or -EINVAL with `fe` filled. Types and operators are checked too.
 */
int filter_parse(struct arena *a, struct str text, const struct filter_parse_options *o,
	struct ast **ret, struct filter_error *fe);
/* Writes the AST as a condition that parses to the same AST. */
void ast_format(const struct ast *ast, struct buf *out);
/* Calls fn for every node (parents first), or stops when it returns non-zero, which is returned. */
int ast_walk(struct ast *ast, int (*fn)(struct ast *node, void *arg), void *arg);
/* Calls fn for every field operand, on both sides and inside transformers. */
int ast_walk_fields(
	struct ast *ast, int (*fn)(struct operand *op, struct ast *check, void *arg), void *arg);
/* Things worth a warning: a regex that could be `contains`, a field's name used as a literal … */
typedef void (*filter_warn_fn)(const struct filter_pos *pos, const char *msg, void *arg);
void filter_lint(
	const struct ast *ast, const struct field_set *fields, filter_warn_fn fn, void *arg);

/* ---- program ------------------------------------------------------------------------------ */

struct filter_program;

struct filter_program *filter_program_new(const struct field_set *fields);
void filter_program_free(struct filter_program *p);
/* Adds an expression without identifiers (macros resolved before); *ret_root names it for eval. */
int filter_program_add(struct filter_program *p, const struct ast *ast, uint32_t *ret_root,
	struct filter_error *fe);
/* Builds sets, tries, automata; after it the program does not change. 0 or -errno. */
int filter_program_seal(struct filter_program *p, struct err *e);

struct filter_program_stats {
	size_t nodes;   /* unique */
	size_t leaves;  /* unique comparisons */
	size_t written; /* nodes as written, before sharing */
	size_t fields;  /* unique extractions */
	size_t sets, tries, automata, regexes;
};
struct filter_program_stats filter_program_stats(const struct filter_program *p);
/* The program of one root as indented text: node numbers, how many roots share each. */
void filter_program_explain(const struct filter_program *p, uint32_t root, struct buf *out);
/* True if the root's value can differ between names of the same file (uses a FIELD_NAMED field). */
bool filter_program_is_named(const struct filter_program *p, uint32_t root);

/* One evaluator a thread; the program is shared and read-only. */
struct filter_eval;
struct filter_eval *filter_eval_new(const struct filter_program *p);
void filter_eval_free(struct filter_eval *ev);
/* A new subject: forgets all results. O(1). */
void filter_eval_begin(struct filter_eval *ev, const void *subject);
/* The same subject under another name: forgets what depends on FIELD_NAMED fields only. */
void filter_eval_rename(struct filter_eval *ev);
bool filter_eval_root(struct filter_eval *ev, uint32_t root);
/* Calls to malloc by this evaluator since it was made: stands still once it is warm. */
uint64_t filter_eval_mallocs(const struct filter_eval *ev);

/* ---- output formats ----------------------------------------------------------------------- */

struct format;

/*
 * Compiles "%proc.name opened %20fd.name": % with optional width (pads or cuts), a field with its
 * argument or a transformer call; `*` in front = print even if values are missing. -EINVAL with
 * `fe` filled on an unknown field, a field that cannot be printed, or a % at the end.
 */
int format_compile(struct arena *a, struct str text, const struct filter_parse_options *o,
	struct format **ret, struct filter_error *fe);
/* Renders; missing values are "<NA>". False when a value was missing and no `*` was given. */
bool format_render(const struct format *f, const struct field_ctx *ctx, struct buf *out);
/*
 * The same for a line of text that somebody looks at: control bytes that a field holds (a file name
 * with a newline, with a terminal's commands) come as \n, \x1b; bytes that are no UTF-8 too. With
 * `lines`, newlines and tabs stay: what was asked for has several lines (hex dumps).
 */
bool format_render_line(
	const struct format *f, const struct field_ctx *ctx, bool lines, struct buf *out);
/*
 * One JSON object with the format's fields in byte order of their names, numbers as numbers, what
 * is missing as null; the texts between the fields are not in it.
 */
bool format_render_json(const struct format *f, const struct field_ctx *ctx, struct buf *out);
/* The %field tokens: name as written ("proc.aname[2]", "toupper(proc.name)"). */
size_t format_nfields(const struct format *f);
struct str format_field_name(const struct format *f, size_t i);
const struct operand *format_field_operand(const struct format *f, size_t i);
/* The value of token i; false when missing. List values come joined as in the rendered text. */
bool format_field_value(
	const struct format *f, size_t i, const struct field_ctx *ctx, struct value *ret);
/* A value as outputs print it. */
void value_format(const struct value *v, struct buf *out);
