// SPDX-License-Identifier: Apache-2.0
// What the page and the graph's worker say to each other.
export interface WireNode {
	id: string;
	kind: string;
	name: string;
	tone: string; // 'critical' … or '' without findings
	findings: number;
}

export interface WireEdge {
	from: string;
	to: string;
	kind: string;
}

/* Screen = world * k + (x, y), in CSS pixels. */
export interface View {
	k: number;
	x: number;
	y: number;
	w: number;
	h: number;
	dpr: number;
}

export interface Marks {
	selected: string | null;
	path: string[];
	dim: boolean;
}

export type ToWorker =
	| { type: 'graph'; nodes: WireNode[]; edges: WireEdge[]; root: string | null; still: boolean }
	| { type: 'view'; view: View }
	| { type: 'marks'; marks: Marks }
	| { type: 'colours'; colours: Record<string, string>; icons: Record<string, string> };

export type FromWorker =
	| { type: 'frame'; bitmap: ImageBitmap; view: View }
	| { type: 'positions'; xy: Float32Array; settled: boolean; progress: number };

/* Where a kind stands on the way from what was built to what it talks to: the graph is read from
 * left to right. */
export const RANK: Record<string, number> = {
	actor: -3,
	vulnerability: -3,
	layer: -2,
	package: -2,
	image: -2,
	resource: -2,
	host: -1,
	pod: -1,
	namespace: -1,
	container: 0,
	process: 1,
	user: 2,
	identity: 2,
	file: 2,
	wallet: 3,
	address: 3,
	domain: 3,
	network: 4,
	internet: 4,
};
