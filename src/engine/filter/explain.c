/* SPDX-License-Identifier: Apache-2.0 */
/* The program of one expression as indented text, for people who write rules. */
#include <stdlib.h>

#include "engine/filter/program.h"

enum { INDENT_MAX = 60 };

/* How many roots reach each node; NULL when memory is out. */
static uint32_t *count_roots(const struct filter_program *p)
{
	uint32_t *counts = calloc(p->nnodes + 1, sizeof(*counts));
	uint8_t *seen = malloc(p->nnodes + 1);

	for (size_t r = 0; counts && seen && r < p->nroots; r++) {
		memset(seen, 0, p->nnodes + 1);
		seen[p->roots[r]] = 1;
		for (size_t i = p->roots[r] + 1; i-- > 0;) {
			const struct node *n = p->nodes[i];

			counts[i] += seen[i];
			for (size_t k = 0; seen[i] && k < n->nkids; k++)
				seen[n->kids[k]] = 1;
		}
	}
	free(seen);
	return counts;
}

static const char *how_name(const struct leaf *l)
{
	static const char *const matchers[] = {
		"shared table", "shared prefix trie", "shared suffix trie", "shared path trie"};

	switch (l->how) {
	case HOW_FIELD_EXISTS:
	case HOW_FIELD_COMPARE:
		return "the field's own comparison";
	case HOW_IDS:
		return matchers[l->matcher];
	case HOW_BITS:
		return "shared automaton";
	case HOW_SLOTS:
		return "field against field";
	case HOW_VALUE:
		return l->body.op == OP_REGEX ? "regex" : "";
	default:
		return "";
	}
}

static void add_notes(const struct node *n, uint32_t roots, struct buf *out)
{
	const char *how = n->leaf ? how_name(n->leaf) : "";

	if (*how)
		buf_printf(out, "  [%s]", how);
	if (roots > 1)
		buf_printf(out, "  [shared by %u]", roots);
	if (n->is_named && n->leaf)
		buf_add_cstr(out, "  [once a file name]");
	buf_add_char(out, '\n');
}

static void explain_node(const struct filter_program *p, const uint32_t *counts, uint32_t id,
	int depth, struct buf *out)
{
	static const char *const names[] = {[AST_AND] = "and",
		[AST_OR] = "or",
		[AST_NOT] = "not",
		[AST_TRUE] = "always true",
		[AST_FALSE] = "never true"};
	const struct node *n = p->nodes[id];
	int indent = depth < INDENT_MAX ? depth : INDENT_MAX;

	if (out->cut)
		return;
	buf_printf(out, "%*s#%u ", indent * 2, "", id);
	if (n->leaf)
		buf_add(out, n->text);
	else
		buf_add_cstr(out, names[n->kind]);
	add_notes(n, counts ? counts[id] : 0, out);
	for (size_t i = 0; i < n->nkids; i++)
		explain_node(p, counts, n->kids[i], depth + 1, out);
}

void filter_program_explain(const struct filter_program *p, uint32_t root, struct buf *out)
{
	if (root >= p->nnodes)
		return;
	uint32_t *counts = count_roots(p);

	explain_node(p, counts, root, 0, out);
	free(counts);
}
