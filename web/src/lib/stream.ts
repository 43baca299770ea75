// SPDX-License-Identifier: Apache-2.0
// The live stream. One connection for the whole console; the browser reconnects by itself and says
// which finding it saw last, so that none is missed.
import { batch, signal } from '@preact/signals';
import { get, me } from './api';
import { invalidate } from './query';
import { reveal } from './reveal';
import type { Finding, List, Metrics, Series } from './types';

const KEPT_FINDINGS = 200;
const KEPT_SAMPLES = 300;

export type Link = 'off' | 'connecting' | 'live' | 'lost';
export const link = signal<Link>('off');

/* The newest first. */
export const arrived = signal<Finding[]>([]);

/* One row a second, the oldest first; times in seconds. */
export interface Sample {
	time: number;
	values: Metrics['values'];
}
export const samples = signal<Sample[]>([]);

let source: EventSource | undefined;
let refresh = 0;

/* Findings come in bursts; pages that show counts ask again once a burst has passed. */
function soon() {
	if (refresh) return;
	refresh = window.setTimeout(() => {
		refresh = 0;
		invalidate('/now', '/findings?', '/findings/groups', '/stats/timeline', '/attack');
	}, 1500);
}

function parse<T>(event: Event): T | undefined {
	try {
		return JSON.parse(reveal((event as MessageEvent).data)) as T;
	} catch {
		return undefined;
	}
}

function open() {
	if (source) return;
	link.value = 'connecting';
	source = new EventSource('/api/v1/stream');
	source.onopen = () => (link.value = 'live');
	source.onerror = () => {
		link.value = 'lost';
		// A refusal closes for good: try again later, as long as somebody is signed in.
		if (source?.readyState === EventSource.CLOSED) {
			close();
			setTimeout(() => me.peek() && open(), 5000);
		}
	};
	source.addEventListener('finding', (event) => {
		const finding = parse<Finding>(event);
		if (!finding) return;
		const rest = arrived.peek().filter((f) => f.id !== finding.id);
		arrived.value = [finding, ...rest].slice(0, KEPT_FINDINGS);
		soon();
	});
	source.addEventListener('metrics', (event) => {
		const metrics = parse<Metrics>(event);
		if (!metrics) return;
		const values = metrics.values ?? (metrics as unknown as Metrics['values']);
		const time = metrics.time ? Date.parse(metrics.time) / 1000 : Date.now() / 1000;
		batch(() => {
			samples.value = [...samples.peek(), { time, values }].slice(-KEPT_SAMPLES);
		});
	});
	source.addEventListener('inventory', () => invalidate('/containers'));
}

/* What the store remembers of the last minutes, so that the charts do not begin empty. */
async function seed() {
	const from = new Date(Date.now() - KEPT_SAMPLES * 1000).toISOString();
	const names = ['events_per_s', 'cpu_percent', 'rss_bytes'];
	try {
		const { items } = await get<List<Series>>('/metrics', {
			names: names.join(','),
			from,
			points: KEPT_SAMPLES,
		});
		const rows = new Map<number, Metrics['values']>();
		for (const s of items) {
			for (const p of s.points) {
				const time = Math.round(Date.parse(p.time) / 1000);
				rows.set(time, { ...rows.get(time), [s.name]: p.mean });
			}
		}
		const live = samples.peek();
		const until = live[0]?.time ?? Infinity;
		const old = [...rows]
			.filter(([t]) => t < until)
			.map(([time, values]) => ({ time, values }));
		samples.value = [...old.sort((a, b) => a.time - b.time), ...live].slice(-KEPT_SAMPLES);
	} catch {
		// no history: the charts begin with what comes
	}
}

function close() {
	source?.close();
	source = undefined;
}

// A page that is left says so at once: the server need not find out by itself.
addEventListener('pagehide', close);
addEventListener('pageshow', (event) => event.persisted && me.peek() && open());

me.subscribe((user) => {
	if (user && !user.must_change_password) {
		if (source) return;
		open();
		seed();
	} else {
		close();
		link.value = 'off';
		arrived.value = [];
		samples.value = [];
	}
});
