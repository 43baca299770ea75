/* SPDX-License-Identifier: Apache-2.0 */
/* A condition by itself, as the command line has it: compiled once, with the place of a mistake. */
#include <errno.h>
#include <stdlib.h>

#include "engine/field/field.h"

struct event_filter {
	struct arena arena;
	struct filter_program *program;
	struct filter_eval *eval;
	uint32_t root;
	bool is_named;
	uint64_t codes[(EVENT_CODE_MAX + 63) / 64];
};

/* The line of `text` that pos is in. */
static struct str line_at(struct str text, const struct filter_pos *pos)
{
	struct str before = str_head(text, pos->offset);
	ptrdiff_t start = str_rfind_char(before, '\n');
	struct str line = str_skip(text, (size_t)(start + 1));

	return str_cut(&line, '\n');
}

int event_filter_syntax_error(
	const char *what, struct str text, const struct filter_error *fe, struct err *e)
{
	struct str line = line_at(text, &fe->pos);
	unsigned column = fe->pos.column ? fe->pos.column : 1;

	/* a mark under the place, where the line is one that fits on a screen */
	if (line.len > 100 || column > line.len + 1)
		return err_set(e, EINVAL, "%s:%u:%u: %s", what, fe->pos.line, column, fe->msg);
	return err_set(e, EINVAL, "%s:%u:%u: %s\n  %.*s\n  %*s", what, fe->pos.line, column,
		fe->msg, STR_ARG(line), (int)column, "^");
}

static int compile(struct event_filter *f, struct str text, const char *what, struct err *e)
{
	struct filter_parse_options o = {.fields = &field_set_syscall};
	struct filter_error fe = {0};
	struct ast *ast;

	if (filter_parse(&f->arena, text, &o, &ast, &fe) < 0 ||
		!(f->program = filter_program_new(&field_set_syscall)) ||
		filter_program_add(f->program, ast, &f->root, &fe) < 0)
		return event_filter_syntax_error(what, text, &fe, e);
	field_event_codes(ast, f->codes);
	int r = filter_program_seal(f->program, e);
	if (r < 0)
		return r;
	f->is_named = filter_program_is_named(f->program, f->root);
	f->eval = filter_eval_new(f->program);
	return f->eval ? 0 : err_set(e, ENOMEM, "out of memory");
}

int event_filter_open(struct str text, const char *what, struct event_filter **ret, struct err *e)
{
	*ret = NULL;
	if (!str_trim(text).len)
		return 0;
	struct event_filter *f = calloc(1, sizeof(*f));
	if (!f)
		return err_set(e, ENOMEM, "out of memory");
	arena_init(&f->arena, 0);
	int r = compile(f, text, what, e);
	if (r < 0)
		event_filter_close(f);
	else
		*ret = f;
	return r;
}

const uint64_t *event_filter_codes(const struct event_filter *f)
{
	return f->codes;
}

/* The file's other names, which only live events have. */
static bool passes_renamed(struct event_filter *f, struct field_subject *s)
{
	enum name_kind kinds[EVENT_NAMES_MAX];
	unsigned n = field_name_kinds(s->ev, kinds);
	bool passes = false;

	for (unsigned i = 1; i < n && !passes; i++) {
		s->name = kinds[i];
		filter_eval_rename(f->eval);
		passes = filter_eval_root(f->eval, f->root);
	}
	s->name = NAME_ASKED;
	return passes;
}

/* Not inline: without a filter there is nothing to set up. */
static __attribute__((noinline)) bool passes(struct event_filter *f, struct field_subject *s)
{
	filter_eval_begin(f->eval, s);
	return filter_eval_root(f->eval, f->root) || (f->is_named && passes_renamed(f, s));
}

bool event_filter_passes(struct event_filter *f, struct field_subject *s)
{
	return !f || passes(f, s);
}

void event_filter_close(struct event_filter *f)
{
	if (!f)
		return;
	filter_eval_free(f->eval);
	filter_program_free(f->program);
	arena_done(&f->arena);
	free(f);
}
