// SPDX-License-Identifier: Apache-2.0
// Graphs put together and read. Pure.
import { type Graph, type GraphEdge, type GraphNode, PRIORITIES } from '../lib/types';

const keyOf = (e: GraphEdge) => `${e.from}\n${e.to}\n${e.kind}`;

/* Each node and edge once; the first one met stays. */
export function merge(...graphs: (Graph | undefined)[]): Graph {
	const nodes = new Map<string, GraphNode>();
	const edges = new Map<string, GraphEdge>();
	for (const g of graphs) {
		for (const n of g?.nodes ?? []) if (!nodes.has(n.id)) nodes.set(n.id, n);
		for (const e of g?.edges ?? []) if (!edges.has(keyOf(e))) edges.set(keyOf(e), e);
	}
	return {
		nodes: [...nodes.values()],
		edges: [...edges.values()].filter((e) => nodes.has(e.from) && nodes.has(e.to)),
	};
}

export interface Neighbour {
	node: GraphNode;
	kind: string;
	out: boolean;
	count: number;
}

export function neighbours(g: Graph, id: string): Neighbour[] {
	const byId = new Map(g.nodes.map((n) => [n.id, n]));
	const out: Neighbour[] = [];
	for (const e of g.edges) {
		if (e.from !== id && e.to !== id) continue;
		const node = byId.get(e.from === id ? e.to : e.from);
		if (node) out.push({ node, kind: e.kind, out: e.from === id, count: e.count ?? 1 });
	}
	return out.sort(
		(a, b) =>
			Number(b.out) - Number(a.out) ||
			a.kind.localeCompare(b.kind) ||
			a.node.name.localeCompare(b.node.name),
	);
}

export interface Bundled {
	graph: Graph;
	/* What stands for several: its members. */
	members: Map<string, GraphNode[]>;
}

const ROUNDS = 4;
const MIN_ALIKE = 3;
/* Of these there are many; a host or a container is always itself. */
const MANY = new Set(['process', 'file', 'package', 'layer']);

/*
 * Processes (files …) of the same name that hang on the same others in the same way are drawn as
 * one: ninety sshd of a host say nothing that "sshd ×90" does not. Alike are those whose neighbours
 * are alike, too, some steps far.
 */
export function bundle(g: Graph, keep: Set<string>): Bundled {
	const groups = new Map<number, string[]>();
	for (const [id, colour] of colours(g, keep))
		groups.set(colour, [...(groups.get(colour) ?? []), id]);
	const stands = new Map<string, string>();
	for (const ids of groups.values()) {
		for (const id of ids) stands.set(id, ids.length < MIN_ALIKE ? id : ids[0]!);
	}
	return gather(g, stands);
}

/* Nodes of one colour cannot be told apart (colour refinement: each round looks a step farther). */
function colours(g: Graph, keep: Set<string>): Map<string, number> {
	let names = new Map<string, number>();
	const numbered = (name: string) => {
		if (!names.has(name)) names.set(name, names.size);
		return names.get(name)!;
	};
	let now = new Map(
		g.nodes.map(
			(n) =>
				[
					n.id,
					numbered(
						MANY.has(n.kind) && !keep.has(n.id) ? `${n.kind}\n${n.name}` : `\0${n.id}`,
					),
				] as const,
		),
	);
	for (let round = 0; round < ROUNDS; round++) {
		const ties = new Map<string, Set<string>>(g.nodes.map((n) => [n.id, new Set()]));
		for (const e of g.edges) {
			ties.get(e.from)!.add(`>${e.kind} ${now.get(e.to)}`);
			ties.get(e.to)!.add(`<${e.kind} ${now.get(e.from)}`);
		}
		names = new Map();
		const before = now;
		now = new Map(
			g.nodes.map(
				(n) =>
					[
						n.id,
						numbered(`${before.get(n.id)}\n${[...ties.get(n.id)!].sort().join('\n')}`),
					] as const,
			),
		);
	}
	return now;
}

function gather(g: Graph, stands: Map<string, string>): Bundled {
	const members = new Map<string, GraphNode[]>();
	for (const n of g.nodes) {
		const by = stands.get(n.id)!;
		members.set(by, [...(members.get(by) ?? []), n]);
	}
	const nodes: GraphNode[] = [];
	for (const [id, list] of members) {
		const first = list.find((n) => n.id === id)!;
		if (list.length === 1) {
			nodes.push(first);
			members.delete(id);
			continue;
		}
		const worst = list
			.map((n) => n.worst_priority)
			.sort((a, b) => PRIORITIES.indexOf(a!) - PRIORITIES.indexOf(b!))
			.find((p) => p);
		nodes.push({
			...first,
			name: `${first.name} ×${list.length}`,
			findings: list.reduce((n, x) => n + (x.findings ?? 0), 0),
			worst_priority: worst ?? null,
			attrs: {},
		});
	}
	const edges = new Map<string, GraphEdge>();
	for (const e of g.edges) {
		const whole = { ...e, from: stands.get(e.from)!, to: stands.get(e.to)! };
		const before = edges.get(keyOf(whole));
		if (before) before.count = (before.count ?? 1) + (e.count ?? 1);
		else edges.set(keyOf(whole), whole);
	}
	return { graph: { ...g, nodes, edges: [...edges.values()] }, members };
}
