// SPDX-License-Identifier: Apache-2.0
// How well letters fit a name: every letter in order; more for beginnings of words and for runs.

export function fuzzy(wanted: string, name: string): number {
	const w = wanted.toLowerCase().replace(/\s+/g, '');
	const n = name.toLowerCase();
	if (!w) return 1;
	const whole = n.indexOf(wanted.trim().toLowerCase());
	// Two letters in the middle of a word are an accident.
	if (whole >= 0 && (w.length > 2 || isStart(n, whole)))
		return 1000 - whole - n.length / 100 + (isStart(n, whole) ? 200 : 0);
	const best = place(w, n, 0, -1, new Map());
	return best === null ? 0 : Math.max(0.1, best / w.length - n.length / 200);
}

/* The best places for the letters from the i-th on, all of them behind `at`: the next one, the next
 * one that begins a word, or any. */
function place(
	w: string,
	n: string,
	i: number,
	at: number,
	known: Map<number, number | null>,
): number | null {
	if (i === w.length) return 0;
	const key = i * 1000 + at;
	const before = known.get(key);
	if (before !== undefined) return before;
	const any = n.indexOf(w[i]!, at + 1);
	let start = any;
	while (start >= 0 && !isStart(n, start)) start = n.indexOf(w[i]!, start + 1);
	let best: number | null = null;
	for (const next of new Set([any, start])) {
		const rest = next < 0 ? null : place(w, n, i + 1, next, known);
		if (rest === null) continue;
		const own = next === at + 1 ? 6 : isStart(n, next) ? 8 : 1;
		const score = own - Math.min(3, (next - at - 1) / 6) + rest;
		if (best === null || score > best) best = score;
	}
	known.set(key, best);
	return best;
}

const isStart = (name: string, at: number) => at === 0 || /[\s_./:-]/.test(name[at - 1]!);
