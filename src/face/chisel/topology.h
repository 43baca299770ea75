/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What topology.c gathers, topology_graph.c makes a graph of, and topology_draw.c draws. */
#include "base/table.h"
#include "face/chisel/private.h"

enum { VOTE_GUESS = 1, VOTE_SURE = 1 << 20 };

/* One end of a connection: its address, and what its process was seen to do. */
struct end {
	struct str ip;
	uint16_t port;
	struct str label; /* of the process; s NULL = not seen */
	uint64_t calls, bytes_out, bytes_in;
	uint64_t
		votes; /* events that took this end for the server, those that know counting most */
};

struct connection {
	struct str key; /* protocol and both ends; of unix sockets the path and who calls */
	struct str proto;
	uint8_t l4proto;
	struct str path;    /* of unix sockets */
	struct end ends[2]; /* in the order of their texts; of unix sockets caller, server */
};

struct topology_node {
	struct str label;
	bool is_outside; /* an address or a path of which no process was seen */
	size_t *edges;   /* that go out of it, the busiest first */
	size_t nedges;
	size_t callers; /* others that call it */
	uint64_t bytes; /* over its edges, both ways */
	bool is_drawn;
};

struct topology_edge {
	size_t from, to;           /* nodes */
	struct str proto, service; /* "tcp", "443"; "unix", "/run/docker.sock" */
	uint64_t connections, calls;
	uint64_t bytes_out, bytes_in; /* as the caller sees them */
};

struct topology_graph {
	struct topology_node *nodes;
	size_t nnodes;
	struct topology_edge *edges;
	size_t nedges;
	uint64_t lost; /* connections that found no room */
	size_t top;    /* so many callees of a node and callers are drawn; 0 = all */
	bool colour;
};

/* nodes and edges of a graph of connections, in the arena. 0 or -ENOMEM. */
int topology_graph_build(const struct table *connections, const struct event_style *style,
	struct arena *a, struct topology_graph *g);

/* A tree for each node that nobody calls; a node that was drawn before is only named. */
void topology_draw_tree(struct topology_graph *g, struct buf *out);
/* Graphviz. */
void topology_draw_dot(const struct topology_graph *g, struct buf *out);
/* An object for each edge, a line each. */
void topology_draw_json(const struct topology_graph *g, struct buf *out);
