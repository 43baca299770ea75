// SPDX-License-Identifier: Apache-2.0
// Cuts a rule's YAML into pieces with a kind, for colour only: it understands nothing and therefore
// never fails. Pure.

export type TokenKind =
	'key' | 'string' | 'comment' | 'field' | 'operator' | 'word' | 'placeholder' | '';
export interface Token {
	text: string;
	kind: TokenKind;
}

const WORDS =
	/^(and|or|not|in|exists|contains|icontains|bcontains|startswith|bstartswith|endswith|intersects|pmatch|glob|iglob|regex)$/;
const PIECE = new RegExp(
	[
		String.raw`(?<comment>(?<=^|\s)#.*)`,
		String.raw`(?<key>^[ \t]*(?:- )?[A-Za-z_]+(?=:(?:\s|$)))`,
		String.raw`(?<string>"(?:\\.|[^"\\\n])*"|'(?:[^'\n]|'')*')`,
		String.raw`(?<placeholder>%[a-z][\w.]*(?:\[[^\]\n]*\])?)`,
		String.raw`(?<field>\b[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+(?:\[[^\]\n]*\])?)`,
		String.raw`(?<operator>!=|<=|>=|[=<>])`,
		String.raw`(?<word>\b[a-z]+\b)`,
	].join('|'),
	'gm',
);

export function tokens(text: string): Token[] {
	const out: Token[] = [];
	let at = 0;
	const plain = (to: number) => to > at && out.push({ text: text.slice(at, to), kind: '' });
	for (const m of text.matchAll(PIECE)) {
		const kind = Object.keys(m.groups!).find((k) => m.groups![k] !== undefined) as TokenKind;
		if (kind === 'word' && !WORDS.test(m[0])) continue;
		plain(m.index!);
		out.push({ text: m[0], kind });
		at = m.index! + m[0].length;
	}
	plain(text.length);
	return out;
}
