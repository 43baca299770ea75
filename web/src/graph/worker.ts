// SPDX-License-Identifier: Apache-2.0
// The graph's worker: it arranges the nodes (d3-force) and draws them, off the page's thread, and
// hands over finished pictures. The page moves the last picture about while the next is drawn, so
// that panning stays smooth without a graphics card.
import {
	forceCollide,
	forceLink,
	forceManyBody,
	forceSimulation,
	forceX,
	forceY,
	type Simulation,
	type SimulationNodeDatum,
} from 'd3-force';
import {
	type FromWorker,
	type Marks,
	RANK,
	type ToWorker,
	type View,
	type WireNode,
} from './protocol';

interface Node extends SimulationNodeDatum, WireNode {
	x: number;
	y: number;
	degree: number;
}
interface Edge {
	source: Node;
	target: Node;
	kind: string;
}

const scope = self as unknown as {
	postMessage(m: FromWorker, transfer?: Transferable[]): void;
	onmessage: ((e: MessageEvent<ToWorker>) => void) | null;
};

let nodes: Node[] = [];
let edges: Edge[] = [];
let byId = new Map<string, Node>();
let view: View = { k: 1, x: 0, y: 0, w: 0, h: 0, dpr: 1 };
let marks: Marks = { selected: null, path: [], dim: false };
let colours: Record<string, string> = {};
let icons: Record<string, Path2D> = {};
let simulation: Simulation<Node, Edge> | undefined;
let canvas: OffscreenCanvas | undefined;
let still = false;
let dirty = false;
let drawing = 0;

scope.onmessage = ({ data: m }) => {
	if (m.type === 'graph') arrange(m);
	else if (m.type === 'view') view = m.view;
	else if (m.type === 'marks') marks = m.marks;
	else {
		colours = m.colours;
		icons = Object.fromEntries(Object.entries(m.icons).map(([k, d]) => [k, new Path2D(d)]));
		sprites.clear();
	}
	soon();
};

/* ---- arranging ---------------------------------------------------------------------------- */

const RANK_WIDTH = 150;
const SETTLED = 0.02;

function arrange(m: Extract<ToWorker, { type: 'graph' }>) {
	still = m.still;
	const old = byId;
	byId = new Map();
	nodes = m.nodes.map((n, i) => {
		const before = old.get(n.id);
		// A new node begins near one that it hangs on, else on a spiral in its column.
		const near = before ?? neighbour(n.id, m.edges, old);
		const angle = i * 2.4;
		const node: Node = {
			...n,
			degree: 0,
			x: near
				? near.x + (before ? 0 : Math.cos(angle) * 30)
				: (RANK[n.kind] ?? 1) * RANK_WIDTH + Math.cos(angle) * 8,
			y: near
				? near.y + (before ? 0 : Math.sin(angle) * 30)
				: Math.sin(angle) * 12 * Math.sqrt(i + 1),
		};
		byId.set(n.id, node);
		return node;
	});
	edges = [];
	for (const e of m.edges) {
		const source = byId.get(e.from);
		const target = byId.get(e.to);
		if (!source || !target) continue;
		source.degree++;
		target.degree++;
		edges.push({ source, target, kind: e.kind });
	}
	const many = nodes.length > 600;
	simulation?.stop();
	simulation = forceSimulation<Node, Edge>(nodes)
		.force(
			'link',
			forceLink<Node, Edge>(edges)
				.distance(many ? 34 : 70)
				.strength((e) => 1 / Math.min(e.source.degree, e.target.degree, 8)),
		)
		.force(
			'charge',
			forceManyBody<Node>()
				.strength(many ? -45 : -220)
				.distanceMax(many ? 300 : 700)
				.theta(1.1),
		)
		.force(
			'x',
			forceX<Node>((n) => (RANK[n.kind] ?? 1) * RANK_WIDTH * (many ? 1.6 : 1)).strength(0.12),
		)
		.force('y', forceY<Node>(0).strength(many ? 0.05 : 0.07))
		.force('collide', forceCollide<Node>(many ? 9 : 22).iterations(1))
		.alphaMin(SETTLED)
		.alphaDecay(many ? 0.06 : 0.04)
		.stop();
	if (old.size && nodes.some((n) => old.has(n.id))) simulation.alpha(0.5);
	const mine = simulation;
	const step = () => {
		if (simulation !== mine) return;
		const until = performance.now() + 24;
		do mine.tick();
		while (performance.now() < until && mine.alpha() > SETTLED);
		const settled = mine.alpha() <= SETTLED;
		tell(settled, Math.min(1, Math.log(mine.alpha()) / Math.log(SETTLED)));
		if (settled || !still) soon();
		if (!settled) setTimeout(step);
	};
	step();
}

function neighbour(
	id: string,
	list: { from: string; to: string }[],
	old: Map<string, Node>,
): Node | undefined {
	for (const e of list) {
		const n = e.from === id ? old.get(e.to) : e.to === id ? old.get(e.from) : undefined;
		if (n) return n;
	}
	return undefined;
}

function tell(settled: boolean, progress: number) {
	const xy = new Float32Array(nodes.length * 2);
	nodes.forEach((n, i) => {
		xy[i * 2] = n.x;
		xy[i * 2 + 1] = n.y;
	});
	scope.postMessage({ type: 'positions', xy, settled, progress }, [xy.buffer]);
}

/* ---- drawing ------------------------------------------------------------------------------- */

function soon() {
	dirty = true;
	if (!drawing) drawing = setTimeout(frame) as unknown as number;
}

function frame() {
	drawing = 0;
	if (!dirty || !view.w || !colours.text) return;
	dirty = false;
	const w = Math.round(view.w * view.dpr);
	const h = Math.round(view.h * view.dpr);
	if (!canvas || canvas.width !== w || canvas.height !== h) canvas = new OffscreenCanvas(w, h);
	const c = canvas.getContext('2d', { alpha: false })!;
	c.setTransform(view.dpr, 0, 0, view.dpr, 0, 0);
	c.fillStyle = colours.canvas!;
	c.fillRect(0, 0, view.w, view.h);
	draw(c);
	const bitmap = canvas.transferToImageBitmap();
	scope.postMessage({ type: 'frame', bitmap, view }, [bitmap]);
}

const sx = (n: Node) => n.x * view.k + view.x;
const sy = (n: Node) => n.y * view.k + view.y;
const isSeen = (x: number, y: number, m: number) =>
	x > -m && y > -m && x < view.w + m && y < view.h + m;

/* A node's radius on the screen: it grows more slowly than the distances. */
const radius = () => Math.max(2.5, Math.min(15, 11 * Math.sqrt(view.k)));

function draw(c: OffscreenCanvasRenderingContext2D) {
	const path = new Set(marks.path);
	const chosen = marks.selected ? byId.get(marks.selected) : undefined;
	const near = new Set<Node>();
	if (chosen) {
		near.add(chosen);
		for (const e of edges) {
			if (e.source === chosen) near.add(e.target);
			if (e.target === chosen) near.add(e.source);
		}
	}
	const isLit = (e: Edge) =>
		path.size > 1
			? path.has(e.source.id) && path.has(e.target.id)
			: e.source === chosen || e.target === chosen;
	lines(
		c,
		edges.filter((e) => !isLit(e)),
		colours.edge!,
		1,
	);
	const lit = edges.filter(isLit);
	lines(c, lit, path.size > 1 ? colours.path! : colours.lit!, path.size > 1 ? 2.5 : 1.5);
	const r = radius();
	arrows(
		c,
		lit.length && lit.length < 200 ? lit : [],
		path.size > 1 ? colours.path! : colours.lit!,
		r,
	);
	if (view.k > 0.8 && edges.length < 900)
		arrows(
			c,
			edges.filter((e) => !isLit(e)),
			colours.edge!,
			r,
		);
	for (const n of nodes) {
		const x = sx(n);
		const y = sy(n);
		if (!isSeen(x, y, 24)) continue;
		const faded =
			path.size > 1 ? !path.has(n.id) : marks.dim && chosen !== undefined && !near.has(n);
		const s = sprite(n, r, faded);
		const size = s.width / view.dpr;
		c.drawImage(s, x - size / 2, y - size / 2, size, size);
	}
	if (chosen) ring(c, chosen, r);
	if (lit.length <= MAX_EDGE_LABELS) edgeLabels(c, lit);
	labels(c, r, path, path.size > 1 ? new Set() : near);
}

/* Many short paths: one path of thousands of lines is far slower to fill without a GPU. */
function lines(c: OffscreenCanvasRenderingContext2D, list: Edge[], colour: string, width: number) {
	c.strokeStyle = colour;
	c.lineWidth = width;
	c.beginPath();
	let n = 0;
	for (const e of list) {
		const ax = sx(e.source),
			ay = sy(e.source),
			bx = sx(e.target),
			by = sy(e.target);
		if (
			(ax < 0 && bx < 0) ||
			(ay < 0 && by < 0) ||
			(ax > view.w && bx > view.w) ||
			(ay > view.h && by > view.h)
		)
			continue;
		c.moveTo(ax, ay);
		c.lineTo(bx, by);
		if (++n % 100 === 0) {
			c.stroke();
			c.beginPath();
		}
	}
	c.stroke();
}

function arrows(c: OffscreenCanvasRenderingContext2D, list: Edge[], colour: string, r: number) {
	c.fillStyle = colour;
	for (const e of list) {
		const bx = sx(e.target),
			by = sy(e.target);
		if (!isSeen(bx, by, 20)) continue;
		const a = Math.atan2(by - sy(e.source), bx - sx(e.source));
		const tx = bx - Math.cos(a) * (r + 2),
			ty = by - Math.sin(a) * (r + 2);
		c.beginPath();
		c.moveTo(tx, ty);
		c.lineTo(tx - Math.cos(a - 0.4) * 7, ty - Math.sin(a - 0.4) * 7);
		c.lineTo(tx - Math.cos(a + 0.4) * 7, ty - Math.sin(a + 0.4) * 7);
		c.fill();
	}
}

function ring(c: OffscreenCanvasRenderingContext2D, n: Node, r: number) {
	c.strokeStyle = colours.lit!;
	c.lineWidth = 2;
	c.beginPath();
	c.arc(sx(n), sy(n), r + 4, 0, 7);
	c.stroke();
}

/* One picture for every look of a node; drawing thousands is then copying. */
const FADED = 0.4;
const sprites = new Map<string, OffscreenCanvas>();

function sprite(n: Node, r: number, faded: boolean): OffscreenCanvas {
	const size = Math.round(r * 2) / 2;
	const key = `${n.kind} ${n.tone} ${size} ${faded} ${view.dpr}`;
	const kept = sprites.get(key);
	if (kept) return kept;
	if (sprites.size > 600) sprites.clear();
	const side = Math.ceil((size + 3) * 2 * view.dpr);
	const s = new OffscreenCanvas(side, side);
	const c = s.getContext('2d')!;
	c.scale(view.dpr, view.dpr);
	c.translate(side / view.dpr / 2, side / view.dpr / 2);
	c.globalAlpha = faded ? FADED : 1;
	const line = n.tone ? colours[n.tone]! : (colours[`kind-${n.kind}`] ?? colours.faint!);
	c.lineWidth = size > 6 ? 1.6 : 1;
	c.fillStyle = size > 6 ? colours.surface! : line;
	c.strokeStyle = line;
	c.beginPath();
	c.arc(0, 0, size, 0, 7);
	c.fill();
	c.stroke();
	if (n.tone && size > 6) {
		c.globalAlpha = faded ? 0.1 : 0.22;
		c.fillStyle = line;
		c.fill();
		c.globalAlpha = faded ? FADED : 1;
	}
	const icon = icons[n.kind] ?? icons.other;
	if (size > 6 && icon) {
		const k = (size * 1.15) / 16;
		c.scale(k, k);
		c.translate(-8, -8);
		c.strokeStyle = n.tone ? line : colours.text!;
		c.lineWidth = 1.1 / k;
		c.lineCap = c.lineJoin = 'round';
		c.stroke(icon);
	}
	sprites.set(key, s);
	return s;
}

const MAX_LABELS = 120;
const MAX_EDGE_LABELS = 12;

function labels(
	c: OffscreenCanvasRenderingContext2D,
	r: number,
	path: Set<string>,
	near: Set<Node>,
) {
	const wanted = nodes
		.map((n) => ({
			n,
			weight:
				(path.has(n.id) || n.id === marks.selected ? 1e6 : 0) +
				(near.has(n) ? 1e5 : 0) +
				(n.tone ? 100 : 0) +
				n.degree,
		}))
		.filter(
			({ n, weight }) =>
				isSeen(sx(n), sy(n), 0) &&
				(weight >= 1e5 ||
					(path.size < 2 &&
						(view.k > 0.75 || (view.k > 0.4 && (weight >= 100 || n.degree > 6))))),
		)
		.sort((a, b) => b.weight - a.weight);
	c.font = `11px ${colours.font}`;
	c.textAlign = 'center';
	c.textBaseline = 'top';
	c.lineWidth = 3;
	c.lineJoin = 'round';
	c.strokeStyle = colours.canvas!;
	const taken: [number, number, number, number][] = [];
	let drawn = 0;
	for (const { n, weight } of wanted) {
		if (drawn >= MAX_LABELS) break;
		const text = n.name.length > 28 ? `${n.name.slice(0, 13)}…${n.name.slice(-13)}` : n.name;
		const half = c.measureText(text).width / 2 + 3;
		const x = sx(n),
			y = sy(n) + r + 4;
		const box: [number, number, number, number] = [x - half, y, x + half, y + 13];
		if (
			weight < 1e6 &&
			taken.some((b) => b[0] < box[2] && b[2] > box[0] && b[1] < box[3] && b[3] > box[1])
		)
			continue;
		taken.push(box);
		c.fillStyle = weight >= 1e5 || n.tone ? colours.text! : colours.muted!;
		c.strokeText(text, x, y);
		c.fillText(text, x, y);
		drawn++;
	}
}

function edgeLabels(c: OffscreenCanvasRenderingContext2D, list: Edge[]) {
	c.font = `10px ${colours.font}`;
	c.textAlign = 'center';
	c.textBaseline = 'middle';
	c.lineWidth = 3;
	c.strokeStyle = colours.canvas!;
	c.fillStyle = colours.muted!;
	for (const e of list) {
		const dx = sx(e.target) - sx(e.source),
			dy = sy(e.target) - sy(e.source);
		if (dx * dx + dy * dy < 80 * 80) continue;
		const x = sx(e.source) + dx / 2,
			y = sy(e.source) + dy / 2;
		const text = e.kind.replace(/_/g, ' ');
		c.strokeText(text, x, y);
		c.fillText(text, x, y);
	}
}
