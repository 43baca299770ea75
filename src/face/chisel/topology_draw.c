/* SPDX-License-Identifier: Apache-2.0 */
/* The graph of topology.c as a tree in text, for Graphviz, and as JSON lines. */
#include <stdlib.h>

#include "base/json.h"
#include "face/chisel/topology.h"

enum { DEPTH_MAX = 32, INDENT_BYTES = 1024 };

/* ---- a tree --------------------------------------------------------------------------------- */

struct drawing {
	struct topology_graph *g;
	struct buf *out;
	char indent[INDENT_BYTES];
	size_t depth;
};

static void add_count(struct buf *out, uint64_t n, const char *one)
{
	buf_printf(out, "%llu %s%s", (unsigned long long)n, one, n == 1 ? "" : "s");
}

static void add_bytes(struct buf *out, uint64_t n)
{
	static const struct group_column bytes = {.agg = GROUP_SUM, .unit = GROUP_BYTES};
	struct value v = {.type = VT_U64, .u = n};

	group_value_format(&bytes, &v, out);
	if (n < 1024)
		buf_add_char(out, 'B');
}

/* A process in green, what is outside plain. */
static void add_node(struct drawing *d, const struct topology_node *n)
{
	bool colour = d->g->colour && !n->is_outside;

	buf_add_cstr(d->out, colour ? "\033[32m" : "");
	json_add_escaped(d->out, n->label);
	buf_add_cstr(d->out, colour ? "\033[0m" : "");
}

static void add_edge(struct drawing *d, const struct topology_edge *e)
{
	struct topology_node *to = &d->g->nodes[e->to];
	bool is_path = str_is(e->proto, "unix");

	buf_printf(d->out, "%.*s ", STR_ARG(e->proto));
	if (!is_path || !to->is_outside) {
		json_add_escaped(d->out, e->service);
		buf_add_cstr(d->out, " → ");
	}
	add_node(d, to);
	buf_add_cstr(d->out, "  ");
	add_count(d->out, e->connections, is_path ? "caller" : "connection");
	buf_add_cstr(d->out, ", ");
	add_bytes(d->out, e->bytes_out);
	buf_add_cstr(d->out, " out, ");
	add_bytes(d->out, e->bytes_in);
	buf_add_cstr(d->out, " in");
	if (e->from == e->to)
		buf_add_cstr(d->out, "  (itself)");
	else if (to->is_drawn && to->nedges)
		buf_add_cstr(d->out, "  (drawn above)");
	buf_add_char(d->out, '\n');
}

static void draw_edges(struct drawing *d, struct topology_node *n);

static void draw_edge(struct drawing *d, const struct topology_edge *e, bool is_last)
{
	struct topology_node *to = &d->g->nodes[e->to];
	size_t before = strlen(d->indent);

	buf_add_cstr(d->out, d->indent);
	buf_add_cstr(d->out, is_last ? "└─ " : "├─ ");
	add_edge(d, e);
	if (to->is_drawn || d->depth >= DEPTH_MAX)
		return;
	strncat(d->indent, is_last ? "   " : "│  ", sizeof(d->indent) - before - 1);
	draw_edges(d, to);
	d->indent[before] = 0;
}

static void draw_edges(struct drawing *d, struct topology_node *n)
{
	size_t shown = d->g->top && n->nedges > d->g->top ? d->g->top : n->nedges;

	n->is_drawn = true;
	d->depth++;
	for (size_t i = 0; i < shown; i++)
		draw_edge(d, &d->g->edges[n->edges[i]], i + 1 == n->nedges);
	if (shown < n->nedges)
		buf_printf(d->out, "%s└─ … and %zu more\n", d->indent, n->nedges - shown);
	d->depth--;
}

/* Who is called by nobody first, then who moves most. */
static int root_order(const void *x, const void *y, void *arg)
{
	const struct topology_graph *g = arg;
	const struct topology_node *a = &g->nodes[*(const size_t *)x];
	const struct topology_node *b = &g->nodes[*(const size_t *)y];

	if (!a->callers != !b->callers)
		return a->callers ? 1 : -1;
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return str_cmp(a->label, b->label);
}

void topology_draw_tree(struct topology_graph *g, struct buf *out)
{
	struct drawing d = {.g = g, .out = out};
	size_t *order = calloc(g->nnodes + 1, sizeof(*order)), left = 0, drawn = 0;

	for (size_t i = 0; order && i < g->nnodes; i++)
		order[i] = i;
	if (order)
		qsort_r(order, g->nnodes, sizeof(*order), root_order, g);
	for (size_t i = 0; order && i < g->nnodes; i++) {
		struct topology_node *n = &g->nodes[order[i]];

		if (n->is_drawn || !n->nedges)
			continue;
		if (g->top && drawn == g->top) {
			left++;
			continue;
		}
		drawn++;
		add_node(&d, n);
		buf_add_char(out, '\n');
		draw_edges(&d, n);
	}
	if (left)
		buf_printf(out, "… and %zu more that call others\n", left);
	if (!g->nedges)
		buf_add_cstr(out, "no connections\n");
	if (g->lost)
		buf_printf(out, "%llu events of more connections found no room\n",
			(unsigned long long)g->lost);
	free(order);
}

/* ---- Graphviz ------------------------------------------------------------------------------- */

static void add_dot_label(struct buf *out, struct str label)
{
	buf_add_char(out, '"');
	json_add_escaped(out, label);
	buf_add_char(out, '"');
}

void topology_draw_dot(const struct topology_graph *g, struct buf *out)
{
	buf_add_cstr(out, "digraph koban {\n\trankdir=LR;\n\tnode [fontname=\"sans-serif\"];\n");
	for (size_t i = 0; i < g->nnodes; i++) {
		buf_printf(out, "\tn%zu [label=", i);
		add_dot_label(out, g->nodes[i].label);
		buf_printf(out, ", shape=%s];\n", g->nodes[i].is_outside ? "ellipse" : "box");
	}
	for (size_t i = 0; i < g->nedges; i++) {
		const struct topology_edge *e = &g->edges[i];

		buf_printf(out, "\tn%zu -> n%zu [label=\"%.*s ", e->from, e->to, STR_ARG(e->proto));
		json_add_escaped(out, e->service);
		buf_add_cstr(out, "\\n");
		add_bytes(out, e->bytes_out);
		buf_add_cstr(out, " out, ");
		add_bytes(out, e->bytes_in);
		buf_add_cstr(out, " in\"];\n");
	}
	buf_add_cstr(out, "}\n");
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void add_json_end(
	const struct topology_graph *g, size_t i, const char *key, bool *first, struct buf *out)
{
	json_add_key(out, first, key);
	buf_add_char(out, '{');
	buf_add_cstr(out, g->nodes[i].is_outside ? "\"outside\":true,\"name\":"
						 : "\"outside\":false,\"name\":");
	json_add_str(out, g->nodes[i].label);
	buf_add_char(out, '}');
}

static void add_json_number(struct buf *out, bool *first, const char *key, uint64_t n)
{
	json_add_key(out, first, key);
	buf_add_u64(out, n);
}

void topology_draw_json(const struct topology_graph *g, struct buf *out)
{
	for (size_t i = 0; i < g->nedges; i++) {
		const struct topology_edge *e = &g->edges[i];
		bool first = true;

		buf_add_char(out, '{');
		add_json_end(g, e->from, "from", &first, out);
		add_json_end(g, e->to, "to", &first, out);
		json_add_key(out, &first, "proto");
		json_add_str(out, e->proto);
		json_add_key(out, &first, "service");
		json_add_str(out, e->service);
		add_json_number(out, &first, "connections", e->connections);
		add_json_number(out, &first, "calls", e->calls);
		add_json_number(out, &first, "bytes_out", e->bytes_out);
		add_json_number(out, &first, "bytes_in", e->bytes_in);
		buf_add_cstr(out, "}\n");
	}
}
