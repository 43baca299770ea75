// SPDX-License-Identifier: Apache-2.0
// A rule's text, coloured: keys, strings, fields, operators. Reading only; the editor is elsewhere.
import { tokens } from '../lib/highlight';
import { CopyButton } from './parts';

export function RuleSource({ text }: { text: string }) {
	if (!text.trim())
		return (
			<p class="hint">
				The text of this rule is not at hand: its file is gone or was changed since.
			</p>
		);
	return (
		<div class="source">
			<pre tabIndex={0} aria-label="Text of the rule">
				<code>
					{tokens(text.replace(/\s+$/, '')).map((t, i) =>
						t.kind ? (
							<span key={i} class={`t-${t.kind}`}>
								{t.text}
							</span>
						) : (
							t.text
						),
					)}
				</code>
			</pre>
			<CopyButton text={text} label="Copy the text" />
		</div>
	);
}

/* The file's name; the folder when one asks for it. */
export function RulePlace({ file, line }: { file: string; line?: number }) {
	return (
		<span class="mono muted" title={file}>
			{file.split('/').pop()}
			{line ? `:${line}` : ''}
		</span>
	);
}
