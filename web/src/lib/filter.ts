// SPDX-License-Identifier: Apache-2.0
// What is typed into a search field: words, or an expression of koban's filter language; and
// expressions built from a click on a value. The server judges expressions; here nothing is parsed.

const OPERATORS = [
	'=',
	'==',
	'!=',
	'<',
	'<=',
	'>',
	'>=',
	'contains',
	'icontains',
	'bcontains',
	'startswith',
	'bstartswith',
	'endswith',
	'in',
	'intersects',
	'pmatch',
	'glob',
	'iglob',
	'regex',
	'exists',
] as const;

const FIRST = new RegExp(
	String.raw`^[\s(]*(?:not[\s(]+)*[\s(]*(?:[a-z_]+\()*[a-z][a-z0-9_]*(?:\.[a-z0-9_]+(?:\[[^\]]*\])?)+\)*` +
		String.raw`\s*(?:[=<>]|!=|(?:${OPERATORS.filter((o) => /[a-z]/.test(o)).join('|')})\b)`,
	'i',
);

export type Search = { q?: string; filter?: string };

/* `proc.name = bash` is an expression; `nginx 10.0.0.1` are words. */
export function classify(text: string): Search {
	const trimmed = text.trim();
	if (!trimmed) return {};
	return FIRST.test(trimmed) ? { filter: trimmed } : { q: trimmed };
}

/* A value as the language writes it: bare when nothing in it could be misread. */
export function quote(value: string | number): string {
	const text = String(value);
	if (/^[A-Za-z0-9_./:@%+-]+$/.test(text) && !/^(and|or|not|in|exists|true|false)$/i.test(text))
		return text;
	return `"${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"')}"`;
}

export const term = (field: string, value: string | number, not = false) =>
	`${field} ${not ? '!=' : '='} ${quote(value)}`;

/* Adds a term to what is typed. Words make way: they cannot be joined with an expression. */
export function and(text: string, more: string): string {
	const { filter } = classify(text);
	if (!filter) return more;
	if (splitAnd(filter).includes(more)) return filter;
	return `${/\bor\b/i.test(strip(filter)) ? `(${filter})` : filter} and ${more}`;
}

/* Without its quoted parts. */
const strip = (text: string) => text.replace(/"(?:\\.|[^"\\])*"/g, '""');

/* Terms that stand side by side: 'a = 1 and b = 2' → two. Anything with `or` or brackets is one. */
export function splitAnd(filter: string): string[] {
	const bare = strip(filter);
	if (/\bor\b/i.test(bare) || /[()]/.test(bare)) return [filter];
	const out: string[] = [];
	let rest = filter;
	let m;
	while ((m = /^((?:"(?:\\.|[^"\\])*"|[^"])*?)\s+and\s+/i.exec(rest))) {
		out.push(m[1]!);
		rest = rest.slice(m[0].length);
	}
	return [...out, rest];
}

export const RANGES: { key: string; name: string; ms: number }[] = [
	{ key: '1h', name: 'Last hour', ms: 3600e3 },
	{ key: '24h', name: 'Last 24 hours', ms: 86400e3 },
	{ key: '7d', name: 'Last 7 days', ms: 7 * 86400e3 },
	{ key: '30d', name: 'Last 30 days', ms: 30 * 86400e3 },
	{ key: '', name: 'All time', ms: 0 },
];

/* The start of a named range, cut to the minute so that the same question is the same address. */
export function rangeFrom(key: string | null, now = Date.now()): string | undefined {
	const range = RANGES.find((r) => r.key === key);
	if (!range?.ms) return undefined;
	return new Date(Math.floor((now - range.ms) / 60e3) * 60e3).toISOString();
}

export interface Completion {
	from: number;
	to: number;
	names: string[];
}

const MIN_TYPED = 3;
const MAX_OFFERED = 8;

/* Fields that begin with what stands before the caret; not within quotes, not when it is one. */
export function complete(text: string, caret: number, fields: string[]): Completion | null {
	const before = text.slice(0, caret);
	if ((strip(before).match(/"/g) ?? []).length % 2) return null;
	const word = /(?:^|[\s(])([a-z][a-z0-9_.]*)$/.exec(before)?.[1];
	if (!word || word.length < MIN_TYPED || fields.includes(word)) return null;
	const names = fields.filter((f) => f.startsWith(word)).slice(0, MAX_OFFERED);
	return names.length ? { from: caret - word.length, to: caret, names } : null;
}
