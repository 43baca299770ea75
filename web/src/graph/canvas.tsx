// SPDX-License-Identifier: Apache-2.0
// The graph on the page: gestures, keys, and the worker's last picture moved to where it belongs.
import { useEffect, useRef, useState } from 'preact/hooks';
import { colour } from '../lib/colour';
import { shown } from '../lib/settings';
import type { Graph, GraphNode } from '../lib/types';
import { ICONS, kindIcon } from '../ui/icon';
import { tone } from '../ui/severity';
import type { FromWorker, ToWorker, View } from './protocol';

declare const WORKER_URL: string;

const TOKENS = [
	'canvas',
	'surface',
	'text',
	'muted',
	'faint',
	'critical',
	'error',
	'warning',
	'notice',
	'info',
];
export const KINDS = [
	'host',
	'container',
	'image',
	'layer',
	'package',
	'process',
	'user',
	'file',
	'address',
	'domain',
	'wallet',
	'actor',
	'pod',
	'namespace',
	'network',
	'internet',
	'identity',
	'resource',
	'vulnerability',
];

export interface CanvasHandle {
	fit: () => void;
	zoom: (factor: number) => void;
	center: (id: string) => void;
	/* For tests: how many pictures were moved and how many were drawn. */
	frames: { moved: number; drawn: number };
}

export function GraphCanvas({
	graph,
	selected,
	path,
	root,
	select,
	open,
	handle,
}: {
	graph: Graph;
	selected: string | null;
	path: string[];
	root: string | null;
	select: (id: string | null) => void;
	open: (id: string) => void;
	handle: (h: CanvasHandle) => void;
}) {
	const canvas = useRef<HTMLCanvasElement>(null);
	const [progress, setProgress] = useState(0);
	const s = useRef(new Stage()).current;
	s.select = select;
	s.open = open;
	const look = shown.value;

	useEffect(() => {
		s.start(canvas.current!, setProgress);
		handle(s);
		return () => s.stop();
	}, []);
	useEffect(() => s.colours(), [look]);
	useEffect(() => s.show(graph, root), [graph]);
	useEffect(() => s.mark(selected, path), [selected, path, graph]);

	return (
		<div class="graph-canvas">
			<canvas
				ref={canvas}
				tabIndex={0}
				role="application"
				aria-roledescription="graph"
				aria-label={`Graph of ${graph.nodes.length} entities and ${graph.edges.length} relations. Arrows walk it, Enter expands, the list beside it says the same.`}
				onKeyDown={(e) => s.key(e)}
			/>
			{progress < 1 && graph.nodes.length > 300 && (
				<div
					class="graph-progress"
					role="progressbar"
					aria-label="Arranging"
					aria-valuenow={Math.round(progress * 100)}
					aria-valuemin={0}
					aria-valuemax={100}
				>
					<span style={{ width: `${progress * 100}%` }} />
				</div>
			)}
		</div>
	);
}

const MIN_K = 0.05;
const MAX_K = 4;

class Stage implements CanvasHandle {
	select: (id: string | null) => void = () => {};
	open: (id: string) => void = () => {};
	frames = { moved: 0, drawn: 0 };
	private worker!: Worker;
	private el!: HTMLCanvasElement;
	private c!: CanvasRenderingContext2D;
	private view: View = { k: 1, x: 0, y: 0, w: 0, h: 0, dpr: 1 };
	private drawn: { bitmap: ImageBitmap; view: View } | null = null;
	private nodes: GraphNode[] = [];
	private edges: Graph['edges'] = [];
	private xy: Float32Array = new Float32Array();
	private byUser = false;
	private waiting = false;
	private stale = false;
	private raf = 0;
	private size?: ResizeObserver;
	private selected: string | null = null;
	private root: string | null = null;

	start(el: HTMLCanvasElement, progress: (p: number) => void) {
		this.el = el;
		this.c = el.getContext('2d', { alpha: false })!;
		this.worker = new Worker(WORKER_URL);
		this.worker.onmessage = ({ data: m }: MessageEvent<FromWorker>) => {
			if (m.type === 'frame') {
				this.drawn?.bitmap.close();
				this.drawn = m;
				this.waiting = false;
				this.frames.drawn++;
				if (this.stale) this.ask();
				this.draw();
			} else {
				this.xy = m.xy;
				progress(m.settled ? 1 : m.progress);
				if (!this.byUser) this.fit(false);
			}
		};
		this.colours();
		this.size = new ResizeObserver(() => this.resize());
		this.size.observe(el);
		this.resize();
		el.addEventListener('pointerdown', this.down);
		el.addEventListener('wheel', this.wheel, { passive: false });
		el.addEventListener('dblclick', this.double);
	}

	stop() {
		cancelAnimationFrame(this.raf);
		this.size?.disconnect();
		this.worker.terminate();
		this.drawn?.bitmap.close();
		this.drawn = null;
	}

	private send(m: ToWorker) {
		this.worker?.postMessage(m);
	}

	colours() {
		if (!this.worker) return;
		const colours: Record<string, string> = Object.fromEntries(
			TOKENS.map((t) => [t, colour(t)]),
		);
		colours.edge = colour('graph-edge');
		colours.lit = colour('accent');
		colours.path = colour('path');
		for (const k of KINDS) colours[`kind-${k}`] = colour(`kind-${k}`) || colours.faint!;
		colours.font = colour('sans');
		const icons: Record<string, string> = { other: ICONS.other };
		for (const k of KINDS) icons[k] = ICONS[kindIcon(k)];
		this.send({ type: 'colours', colours, icons });
	}

	show(graph: Graph, root: string | null) {
		const known = new Set(this.nodes.map((n) => n.id));
		if (!graph.nodes.some((n) => known.has(n.id))) this.byUser = false;
		this.root = root;
		this.nodes = graph.nodes;
		this.edges = graph.edges;
		this.send({
			type: 'graph',
			root,
			still: matchMedia('(prefers-reduced-motion: reduce)').matches,
			nodes: graph.nodes.map((n) => ({
				id: n.id,
				kind: n.kind,
				name: n.name,
				findings: n.findings ?? 0,
				tone: n.findings && n.worst_priority ? tone(n.worst_priority) : '',
			})),
			edges: graph.edges,
		});
	}

	mark(selected: string | null, path: string[]) {
		this.selected = selected;
		this.send({ type: 'marks', marks: { selected, path, dim: selected !== this.root } });
	}

	private resize() {
		const w = this.el.clientWidth;
		const h = this.el.clientHeight;
		if (!w || !h) return;
		const dpr = Math.min(2, devicePixelRatio || 1);
		this.el.width = Math.round(w * dpr);
		this.el.height = Math.round(h * dpr);
		this.view = { ...this.view, w, h, dpr };
		if (!this.byUser) this.fit(false);
		this.moved();
	}

	/* The view has changed: move the last picture at once, ask for a new one. */
	private moved() {
		this.ask();
		if (!this.raf)
			this.raf = requestAnimationFrame(() => {
				this.raf = 0;
				this.draw();
			});
	}

	private ask() {
		if (this.waiting) {
			this.stale = true;
			return;
		}
		this.waiting = true;
		this.stale = false;
		this.send({ type: 'view', view: this.view });
		// A picture without content is not drawn; do not wait for it for ever.
		if (!this.nodes.length) this.waiting = false;
	}

	private draw() {
		const { c, view, drawn } = this;
		c.setTransform(1, 0, 0, 1, 0, 0);
		if (!drawn) {
			c.fillStyle = colour('canvas');
			c.fillRect(0, 0, this.el.width, this.el.height);
			return;
		}
		const f = view.k / drawn.view.k;
		const x = (view.x - drawn.view.x * f) * view.dpr;
		const y = (view.y - drawn.view.y * f) * view.dpr;
		if (f !== 1 || x || y) {
			c.fillStyle = colour('canvas');
			c.fillRect(0, 0, this.el.width, this.el.height);
		}
		c.setTransform(f, 0, 0, f, f === 1 ? Math.round(x) : x, f === 1 ? Math.round(y) : y);
		c.imageSmoothingEnabled = f !== 1;
		c.imageSmoothingQuality = 'low';
		c.drawImage(drawn.bitmap, 0, 0);
		this.frames.moved++;
	}

	fit(byUser = true) {
		const n = this.xy.length / 2;
		if (!n || !this.view.w) return;
		let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
		for (let i = 0; i < n; i++) {
			x0 = Math.min(x0, this.xy[i * 2]!);
			x1 = Math.max(x1, this.xy[i * 2]!);
			y0 = Math.min(y0, this.xy[i * 2 + 1]!);
			y1 = Math.max(y1, this.xy[i * 2 + 1]!);
		}
		const k = Math.max(
			MIN_K,
			Math.min(
				1.7,
				(this.view.w - 160) / (x1 - x0 || 1),
				(this.view.h - 110) / (y1 - y0 || 1),
			),
		);
		this.view = {
			...this.view,
			k,
			x: this.view.w / 2 - ((x0 + x1) / 2) * k,
			y: this.view.h / 2 - ((y0 + y1) / 2) * k,
		};
		if (byUser) this.byUser = false;
		this.moved();
	}

	zoom(factor: number, cx = this.view.w / 2, cy = this.view.h / 2) {
		const k = Math.max(MIN_K, Math.min(MAX_K, this.view.k * factor));
		const f = k / this.view.k;
		this.view = {
			...this.view,
			k,
			x: cx - (cx - this.view.x) * f,
			y: cy - (cy - this.view.y) * f,
		};
		this.byUser = true;
		this.moved();
	}

	center(id: string) {
		const i = this.nodes.findIndex((n) => n.id === id);
		if (i < 0 || !this.xy.length) return;
		const x = this.xy[i * 2]! * this.view.k + this.view.x;
		const y = this.xy[i * 2 + 1]! * this.view.k + this.view.y;
		if (x > 60 && y > 60 && x < this.view.w - 60 && y < this.view.h - 60) return;
		this.pan(this.view.w / 2 - x, this.view.h / 2 - y);
	}

	pan(dx: number, dy: number) {
		this.view = { ...this.view, x: this.view.x + dx, y: this.view.y + dy };
		this.byUser = true;
		this.moved();
	}

	/* The node at a point of the canvas, or the nearest within a finger's width. */
	private at(px: number, py: number): string | null {
		let best = 18 * 18;
		let found: string | null = null;
		for (let i = 0; i < this.nodes.length; i++) {
			const dx = this.xy[i * 2]! * this.view.k + this.view.x - px;
			const dy = this.xy[i * 2 + 1]! * this.view.k + this.view.y - py;
			const d = dx * dx + dy * dy;
			if (d < best) {
				best = d;
				found = this.nodes[i]!.id;
			}
		}
		return found;
	}

	private pointers = new Map<number, PointerEvent>();

	private down = (e: PointerEvent) => {
		this.el.setPointerCapture(e.pointerId);
		this.pointers.set(e.pointerId, e);
		const start = { x: e.offsetX, y: e.offsetY };
		let dragged = false;
		const move = (m: PointerEvent) => {
			const last = this.pointers.get(m.pointerId);
			if (!last) return;
			if (this.pointers.size === 2) {
				const other = [...this.pointers.values()].find((p) => p.pointerId !== m.pointerId)!;
				const before = Math.hypot(
					last.offsetX - other.offsetX,
					last.offsetY - other.offsetY,
				);
				const now = Math.hypot(m.offsetX - other.offsetX, m.offsetY - other.offsetY);
				if (before > 0)
					this.zoom(
						now / before,
						(m.offsetX + other.offsetX) / 2,
						(m.offsetY + other.offsetY) / 2,
					);
				dragged = true;
			} else {
				dragged ||= Math.hypot(m.offsetX - start.x, m.offsetY - start.y) > 4;
				if (dragged) this.pan(m.offsetX - last.offsetX, m.offsetY - last.offsetY);
			}
			this.pointers.set(m.pointerId, m);
		};
		const up = (m: PointerEvent) => {
			if (m.pointerId !== e.pointerId) return;
			this.pointers.delete(e.pointerId);
			this.el.removeEventListener('pointermove', move);
			this.el.removeEventListener('pointerup', up);
			this.el.removeEventListener('pointercancel', up);
			if (!dragged && m.type === 'pointerup') this.select(this.at(m.offsetX, m.offsetY));
		};
		this.el.addEventListener('pointermove', move);
		this.el.addEventListener('pointerup', up);
		this.el.addEventListener('pointercancel', up);
	};

	private wheel = (e: WheelEvent) => {
		e.preventDefault();
		const step = e.deltaMode === 1 ? e.deltaY * 16 : e.deltaY;
		this.zoom(Math.exp(-step * 0.0016), e.offsetX, e.offsetY);
	};

	private double = (e: MouseEvent) => {
		const id = this.at(e.offsetX, e.offsetY);
		if (id) this.open(id);
	};

	/* Arrows go to the nearest node in that direction, Enter expands it. */
	key(e: KeyboardEvent) {
		const direction = {
			ArrowLeft: [-1, 0],
			ArrowRight: [1, 0],
			ArrowUp: [0, -1],
			ArrowDown: [0, 1],
		}[e.key];
		if (direction) this.walk(direction[0]!, direction[1]!);
		else if (e.key === '+' || e.key === '=') this.zoom(1.3);
		else if (e.key === '-') this.zoom(1 / 1.3);
		else if (e.key === '0') this.fit();
		else if (e.key === 'Enter' && this.selected) this.open(this.selected);
		else if (e.key === 'Escape') this.select(null);
		else return;
		e.preventDefault();
		e.stopPropagation();
	}

	private walk(dx: number, dy: number) {
		const from = this.nodes.findIndex((n) => n.id === this.selected);
		if (from < 0) {
			if (this.nodes[0]) this.select(this.nodes[0].id);
			return;
		}
		const linked = new Set<string>();
		for (const e of this.edges) {
			if (e.from === this.selected) linked.add(e.to);
			if (e.to === this.selected) linked.add(e.from);
		}
		let best = Infinity;
		let found = -1;
		for (let i = 0; i < this.nodes.length; i++) {
			if (i === from) continue;
			const x = this.xy[i * 2]! - this.xy[from * 2]!;
			const y = this.xy[i * 2 + 1]! - this.xy[from * 2 + 1]!;
			const ahead = x * dx + y * dy;
			const aside = Math.abs(x * dy) + Math.abs(y * dx);
			if (ahead <= 0 || aside > ahead * 1.7) continue;
			const cost = (ahead + aside * 2) * (linked.has(this.nodes[i]!.id) ? 0.4 : 1);
			if (cost < best) {
				best = cost;
				found = i;
			}
		}
		if (found >= 0) {
			this.select(this.nodes[found]!.id);
			this.center(this.nodes[found]!.id);
		}
	}
}
