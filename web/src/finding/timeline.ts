// SPDX-License-Identifier: Apache-2.0
// /stats/timeline as bars: a row a time and priority, gathered to a bar a time.
import { toMs } from '../lib/format';
import type { Priority } from '../lib/types';
import { type Bar, ORDER } from '../ui/histogram';
import { tone } from '../ui/severity';

export interface Bucket {
	time: string;
	total: number;
	by_priority: Partial<Record<Priority, number>>;
}

export function barsOf(buckets: Bucket[] | undefined): Bar[] {
	if (!buckets || buckets.length < 2) return [];
	const times = buckets.map((b) => toMs(b.time));
	const step = times[1]! - times[0]!;
	return buckets.map((b, i) => {
		const sums = new Map<string, number>();
		for (const [p, n] of Object.entries(b.by_priority)) {
			const t = tone(p as Priority);
			sums.set(t, (sums.get(t) ?? 0) + (n ?? 0));
		}
		return {
			from: times[i]!,
			to: times[i]! + step,
			parts: ORDER.filter((t) => sums.get(t)).map((t) => ({ tone: t, n: sums.get(t)! })),
		};
	});
}
