/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections become a graph: which end is the server, one node for each name, one edge for all
 * connections of a node to a service of another. It reads what topology.c has gathered and draws
 * nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include "face/chisel/topology.h"

struct building {
	const struct table *connections;
	const struct event_style *style; /* names of ports */
	struct arena *arena;
	struct topology_graph *g;
	struct table nodes, edges;
};

/* What an edge or a node is looked up by; a node's `to` says whether it is outside. */
struct key {
	size_t from, to;
	struct str text, proto;
};

static bool is_node(const void *row, const void *key)
{
	const struct topology_node *n = row;
	const struct key *k = key;

	return n->is_outside == (k->to != 0) && str_eq(n->label, k->text);
}

static bool is_edge(const void *row, const void *key)
{
	const struct topology_edge *e = row;
	const struct key *k = key;

	return e->from == k->from && e->to == k->to && str_eq(e->service, k->text) &&
	       str_eq(e->proto, k->proto);
}

/* Each connection makes at most two nodes and one edge. */
static int begin(struct building *b)
{
	size_t n = b->connections->count;

	b->g->nodes = arena_array(b->arena, struct topology_node, 2 * n + 1);
	b->g->edges = arena_array(b->arena, struct topology_edge, n + 1);
	table_init(&b->nodes, is_node, 2 * n + 1);
	table_init(&b->edges, is_edge, n + 1);
	if (!b->g->nodes || !b->g->edges || table_reserve(&b->nodes, 2 * n + 1) < 0 ||
		table_reserve(&b->edges, n + 1) < 0)
		return -ENOMEM;
	return 0;
}

static size_t node_of(struct building *b, struct str label, bool is_outside)
{
	struct key key = {.to = is_outside, .text = label};
	uint64_t hash = str_hash(label) + is_outside;
	struct topology_node *n = table_find(&b->nodes, hash, &key);

	if (!n) {
		n = &b->g->nodes[b->g->nnodes++];
		*n = (struct topology_node){.label = label, .is_outside = is_outside};
		(void)!table_put(&b->nodes, hash, n); /* there is room */
	}
	return (size_t)(n - b->g->nodes);
}

static struct topology_edge *edge_of(
	struct building *b, size_t from, size_t to, struct str service, const struct connection *c)
{
	struct key key = {from, to, service, c->proto};
	uint64_t hash = hash_u64(from << 32 | to) ^ str_hash(service);
	struct topology_edge *e = table_find(&b->edges, hash, &key);

	if (!e) {
		e = &b->g->edges[b->g->nedges++];
		*e = (struct topology_edge){
			.from = from, .to = to, .proto = c->proto, .service = service};
		(void)!table_put(&b->edges, hash, e);
	}
	return e;
}

/* The server of a unix socket is in another row: that of the path without a caller. */
static struct str unix_server(struct building *b, const struct connection *c)
{
	struct str key = arena_str(b->arena, c->key);

	key.len = 1 + c->path.len + 1;
	const struct connection *server = table_find(b->connections, str_hash(key), &key);

	return server ? server->ends[1].label : STR_NULL;
}

static struct str service_text(struct building *b, uint16_t port, uint8_t l4proto)
{
	const struct event_style *st = b->style;
	const char *name = st->service_of ? st->service_of(st->services, port, l4proto) : NULL;

	return name ? str_of(name) : arena_printf(b->arena, "%u", port);
}

static void add_edge(struct building *b, const struct connection *c, const struct end *caller,
	const struct end *server, struct str server_label, struct str service)
{
	bool is_path = c->path.len > 0;
	size_t from =
		caller->label.s ? node_of(b, caller->label, false) : node_of(b, caller->ip, true);
	size_t to = server_label.s ? node_of(b, server_label, false)
				   : node_of(b, is_path ? c->path : server->ip, true);
	struct topology_edge *e = edge_of(b, from, to, service, c);

	e->connections++;
	e->calls += caller->calls + server->calls;
	/* both ends saw the same bytes */
	e->bytes_out += caller->label.s ? caller->bytes_out : server->bytes_in;
	e->bytes_in += caller->label.s ? caller->bytes_in : server->bytes_out;
}

static void add_connection(struct building *b, const struct connection *c)
{
	const struct end *ends = c->ends;
	size_t server = ends[1].votes > ends[0].votes;

	if (c->path.len) {
		/* a server that nobody was seen to call is no edge */
		if (ends[0].label.s)
			add_edge(b, c, &ends[0], &ends[1], unix_server(b, c), c->path);
		return;
	}
	/* nobody is sure: the lower port serves */
	if (ends[0].votes < VOTE_SURE && ends[1].votes < VOTE_SURE)
		server = ends[1].port < ends[0].port;
	struct str service = service_text(b, ends[server].port, c->l4proto);
	add_edge(b, c, &ends[!server], &ends[server], ends[server].label, service);
}

static uint64_t edge_bytes(const struct topology_edge *e)
{
	return e->bytes_in + e->bytes_out;
}

static int by_bytes(const void *x, const void *y, void *arg)
{
	const struct topology_graph *g = arg;
	const struct topology_edge *a = &g->edges[*(const size_t *)x];
	const struct topology_edge *b = &g->edges[*(const size_t *)y];
	int order;

	if (edge_bytes(a) != edge_bytes(b))
		return edge_bytes(a) < edge_bytes(b) ? 1 : -1;
	order = str_cmp(g->nodes[a->to].label, g->nodes[b->to].label);
	return order ? order : str_cmp(a->service, b->service);
}

static int link_edges(struct building *b)
{
	struct topology_graph *g = b->g;

	for (size_t i = 0; i < g->nedges; i++) {
		struct topology_edge *e = &g->edges[i];

		g->nodes[e->from].nedges++;
		g->nodes[e->from].bytes += edge_bytes(e);
		g->nodes[e->to].bytes += edge_bytes(e);
		g->nodes[e->to].callers += e->from != e->to;
	}
	for (size_t i = 0; i < g->nnodes; i++) {
		struct topology_node *n = &g->nodes[i];

		n->edges = arena_array(b->arena, size_t, n->nedges + 1);
		n->nedges = 0;
		if (!n->edges)
			return -ENOMEM;
	}
	for (size_t i = 0; i < g->nedges; i++) {
		struct topology_node *n = &g->nodes[g->edges[i].from];

		n->edges[n->nedges++] = i;
	}
	for (size_t i = 0; i < g->nnodes; i++)
		qsort_r(g->nodes[i].edges, g->nodes[i].nedges, sizeof(size_t), by_bytes, g);
	return 0;
}

int topology_graph_build(const struct table *connections, const struct event_style *style,
	struct arena *a, struct topology_graph *g)
{
	struct building b = {.connections = connections, .style = style, .arena = a, .g = g};
	const struct connection *c;
	size_t pos = 0;
	int r = begin(&b);

	while (r == 0 && (c = table_next(connections, &pos)))
		add_connection(&b, c);
	if (r == 0)
		r = link_edges(&b);
	table_done(&b.nodes);
	table_done(&b.edges);
	return r;
}
