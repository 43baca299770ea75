/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared by the lexer, the parser, the checker and the output formats; private to the room. */
#include "engine/filter/filter.h"

enum {
	FILTER_TEXT_MAX = 8 << 20, /* bytes of one expression, lists expanded */
	FILTER_DEPTH_DEFAULT = 1000,
	FIELD_NAME_MAX = 128,
};

struct lexer {
	struct str text;
	size_t at;              /* next byte */
	struct filter_pos mark; /* a place whose line and column are known */
};

struct parser {
	struct lexer lex;
	struct arena *arena;
	const struct filter_parse_options *options;
	struct filter_error *fe;
	unsigned depth, max_depth;
	bool failed;        /* fe holds a fault other than an unknown field */
	bool unknown_field; /* fe holds the first unknown field */
};

/* ---- lex.c: each reads one token at the cursor, or leaves the cursor where it is ------------ */

struct filter_pos lex_pos(struct lexer *l, size_t offset);
bool lex_is_blank(char c);
bool lex_blank(struct lexer *l);
bool lex_text(struct lexer *l, const char *text);
/* A word that is not followed by a letter, a digit or '_'; the cursor stays. */
bool lex_peek_word(const struct lexer *l, const char *word);
bool lex_identifier(struct lexer *l, struct str *ret);
bool lex_field_name(struct lexer *l, struct str *ret);
bool lex_number(struct lexer *l, struct str *ret);
bool lex_bare(struct lexer *l, struct str *ret);
bool lex_bare_arg(struct lexer *l, struct str *ret);
/* 1: a string, unescaped into the arena; 0: no quote here; -EINVAL: broken, *why and *where say. */
int lex_quoted(struct lexer *l, struct arena *a, struct str *ret, const char **why, size_t *where);
bool lex_bare_char(char c);

/* ---- parse.c ------------------------------------------------------------------------------ */

void parser_init(struct parser *p, struct arena *a, struct str text,
	const struct filter_parse_options *o, struct filter_error *fe);
/* Records the first fault; returns -EINVAL. */
int parse_fail(struct parser *p, size_t offset, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Messages quote what was written: control bytes in it must not reach a terminal. */
void make_printable(char *s);
/* A field or a transformer call. 0, or -EINVAL. */
int parse_operand(struct parser *p, struct operand *ret);
/* "[…]" after a field or a transformer; an empty text when there is none. */
int parse_arg(struct parser *p, struct field_arg *ret);
/* Room for one more item behind n: arrays in an arena that double. NULL when memory is out. */
void *array_room(struct arena *a, void *items, size_t n, size_t item_size);

/* ---- check.c ------------------------------------------------------------------------------ */

struct operand_type {
	enum value_type type;
	bool is_list;
	bool known; /* false: an unknown field is in it */
};

struct operand_type operand_type(const struct operand *op);
const char *value_type_name(enum value_type t);
bool value_type_is_text(enum value_type t);
bool value_type_is_number(enum value_type t);
const struct field_def *field_find(
	const struct field_set *set, const char *source, struct str name);
/* Finds the field of op->field_name (and its dotted argument), checks op->arg. */
int check_field(struct parser *p, struct operand *op);
int check_transformer(struct parser *p, const struct operand *op);
int check_comparison(struct parser *p, const struct ast *check);

/* ---- ast.c -------------------------------------------------------------------------------- */

void operand_format(const struct operand *op, struct buf *out);
const char *modifier_name(enum cmp_modifier m);
