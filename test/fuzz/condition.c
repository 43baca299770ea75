/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text as a condition and as an output format: whatever parses must be written as a text that
 * parses to the same text, must compile, and must evaluate alike twice.
 */
#include <stdlib.h>

#include "test/unit/engine/filter/subject.h"

enum { INPUT_MAX = 4096 };

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void format_again(struct arena *a, const struct ast *ast)
{
	struct buf once = BUF_INIT(1 << 20), twice = BUF_INIT(1 << 20);
	struct filter_error fe;
	struct ast *again;

	ast_format(ast, &once);
	require(!filter_parse(a, buf_str(&once), &test_options, &again, &fe));
	ast_format(again, &twice);
	require(str_eq(buf_str(&once), buf_str(&twice)));
	buf_done(&once);
	buf_done(&twice);
}

static void ignore_warning(const struct filter_pos *pos, const char *msg, void *arg)
{
	require(pos->line && *msg);
}

static void evaluate(const struct ast *ast)
{
	struct filter_program *p = filter_program_new(&test_fields);
	struct buf out = BUF_INIT(1 << 20);
	struct filter_error fe;
	struct err e = {0};
	uint32_t root;

	if (p && !filter_program_add(p, ast, &root, &fe)) {
		require(!filter_program_seal(p, &e));
		struct filter_eval *ev = filter_eval_new(p);

		filter_eval_begin(ev, &usual);
		bool first = filter_eval_root(ev, root);
		filter_eval_rename(ev);
		require(filter_eval_root(ev, root) == first);
		filter_eval_begin(ev, &usual);
		require(filter_eval_root(ev, root) == first);
		filter_program_explain(p, root, &out);
		filter_eval_free(ev);
	}
	buf_done(&out);
	filter_program_free(p);
}

static void render(struct arena *a, struct str text)
{
	struct field_ctx ctx = {&usual, a};
	struct buf out = BUF_INIT(1 << 16);
	struct filter_error fe;
	struct format *f;

	if (!format_compile(a, text, &test_options, &f, &fe)) {
		format_render(f, &ctx, &out);
		for (size_t i = 0; i < format_nfields(f); i++) {
			struct value v;

			format_field_value(f, i, &ctx, &v);
		}
	}
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make((const char *)data, size);
	struct filter_error fe = {0};
	struct arena a;
	struct ast *ast;

	if (size > INPUT_MAX)
		return 0;
	arena_init(&a, 64 << 20);
	if (!filter_parse(&a, text, &test_options, &ast, &fe)) {
		filter_lint(ast, &test_fields, ignore_warning, NULL);
		format_again(&a, ast);
		evaluate(ast);
	} else {
		require(fe.msg[0] && fe.pos.line);
	}
	render(&a, text);
	arena_done(&a);
	return 0;
}
