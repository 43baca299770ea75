// SPDX-License-Identifier: Apache-2.0
// CPU as a rate: inventories count nanoseconds; what is used now is the difference of two of them.
import { watchAnswers } from './query';
import type { Container, List } from './types';

interface Seen {
	cpu_ns: number;
	at: number;
	percent?: number;
}

const seen = new Map<string, Seen>();

export function note(id: string, cpu_ns: number, at: number) {
	const before = seen.get(id);
	if (before && cpu_ns === before.cpu_ns) return;
	const percent =
		before && cpu_ns > before.cpu_ns
			? (cpu_ns - before.cpu_ns) / 1e4 / Math.max(1, at - before.at)
			: undefined;
	seen.set(id, { cpu_ns, at, percent: percent ?? before?.percent });
}

watchAnswers((path, data) => {
	if (path !== '/containers') return;
	for (const c of (data as List<Container>).items) {
		if (c.cpu_ns !== undefined) note(c.id, c.cpu_ns, Date.now());
	}
});

/* Percent of one core; the mean over its life until two inventories have come. */
export function cpuPercent(c: Container, now = Date.now()): number | undefined {
	const rate = seen.get(c.id)?.percent;
	if (rate !== undefined) return rate;
	const age_ms = c.started ? now - Date.parse(c.started) : 0;
	return c.cpu_ns !== undefined && age_ms > 0 ? c.cpu_ns / 1e4 / age_ms : undefined;
}
