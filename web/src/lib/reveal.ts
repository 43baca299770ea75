// SPDX-License-Identifier: Apache-2.0
// Names come from programs that may want to deceive: a file called "cod\u202egnp.exe" shows as
// "codexe.png". Characters that are not seen themselves but change what is seen are shown as their
// escapes. Works on JSON text, before it is parsed. Pure.

/* Directional marks, zero widths, line separators, the byte order mark. */
const HIDDEN = /[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
/* Every escape of JSON in turn, so that an escaped backslash is not taken for the start of one. */
const ESCAPES = /\\(?:u([0-9a-fA-F]{4})|.)/g;

const isHidden = (code: number) =>
	(code < 32 && code !== 9 && code !== 10 && code !== 13) ||
	(code >= 0x7f && code <= 0x9f) ||
	String.fromCharCode(code).match(HIDDEN) !== null;

export function reveal(json: string): string {
	return json
		.replace(ESCAPES, (whole, hex) =>
			hex && isHidden(parseInt(hex, 16))
				? `\\\\u${hex}`
				: whole === '\\b' || whole === '\\f'
					? `\\${whole}`
					: whole,
		)
		.replace(HIDDEN, (c) => `\\\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
		.replace(
			/[\u007f-\u009f]/g,
			(c) => `\\\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
		);
}
