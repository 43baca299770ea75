// SPDX-License-Identifier: Apache-2.0
// CodeMirror for rule files: YAML, the condition language coloured inside it, fields completed, the
// server's complaints underlined. It lives in a shadow root, where its styles are constructed sheets
// and no <style> element has to be allowed.
import {
	autocompletion,
	closeBrackets,
	closeBracketsKeymap,
	type CompletionContext,
	completionKeymap,
	insertBracket,
} from '@codemirror/autocomplete';
import {
	defaultKeymap,
	history,
	historyKeymap,
	indentLess,
	indentMore,
} from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import {
	bracketMatching,
	HighlightStyle,
	indentOnInput,
	indentUnit,
	syntaxHighlighting,
} from '@codemirror/language';
import { type Diagnostic, forceLinting, linter, lintGutter, lintKeymap } from '@codemirror/lint';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { EditorState, RangeSetBuilder, type Text } from '@codemirror/state';
import {
	Decoration,
	drawSelection,
	EditorView,
	highlightActiveLine,
	highlightActiveLineGutter,
	highlightSpecialChars,
	keymap,
	lineNumbers,
	ViewPlugin,
	type ViewUpdate,
} from '@codemirror/view';
import { tags as t } from '@lezer/highlight';
import { tokens } from '../lib/highlight';
import type { Issue } from '../lib/types';
import type { FieldDoc } from './panel';

export interface EditorHandle {
	text: () => string;
	jump: (issue: Issue) => void;
	recheck: () => void;
	close: () => void;
}

export interface Hooks {
	check: (text: string) => Promise<Issue[]>;
	fields: () => Promise<FieldDoc[]>;
	changed: (text: string) => void;
}

const look = EditorView.theme({
	'&': {
		height: '100%',
		fontSize: '13px',
		backgroundColor: 'var(--surface)',
		color: 'var(--text)',
	},
	'.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55' },
	'.cm-content': { caretColor: 'var(--text)', padding: '10px 0' },
	'.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--faint)', border: 'none' },
	'.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--hover)' },
	'&.cm-focused': { outline: 'none' },
	'.cm-cursor': { borderLeftColor: 'var(--text)' },
	'&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground':
		{ backgroundColor: 'var(--select) !important' },
	'.cm-selectionMatch': { backgroundColor: 'var(--accent-dim)' },
	'.cm-matchingBracket': {
		backgroundColor: 'var(--accent-dim) !important',
		outline: '1px solid var(--accent)',
	},
	'.cm-tooltip': {
		backgroundColor: 'var(--raised)',
		border: '1px solid var(--line-strong)',
		borderRadius: '6px',
		color: 'var(--text)',
		overflow: 'hidden',
	},
	'.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', maxHeight: '240px' },
	'.cm-tooltip-autocomplete ul li[aria-selected]': {
		backgroundColor: 'var(--accent-strong)',
		color: 'var(--on-accent)',
	},
	'.cm-completionDetail': { opacity: '.7' },
	'.cm-completionInfo': { padding: '6px 8px', maxWidth: '320px', fontFamily: 'var(--sans)' },
	'.cm-diagnostic': {
		padding: '6px 10px',
		borderLeft: '3px solid var(--error)',
		fontFamily: 'var(--sans)',
	},
	'.cm-diagnostic-warning': { borderLeftColor: 'var(--warning)' },
	'.cm-panels': {
		backgroundColor: 'var(--raised)',
		color: 'var(--text)',
		borderColor: 'var(--line)',
	},
	'.cm-panels input, .cm-panels button': {
		color: 'inherit',
		background: 'var(--surface)',
		border: '1px solid var(--line-strong)',
		borderRadius: '4px',
	},
	'.tk-field': { color: 'var(--code-field)' },
	'.tk-word': { color: 'var(--code-word)' },
	'.tk-operator': { color: 'var(--code-word)' },
	'.tk-placeholder': { color: 'var(--code-field)' },
});

const colours = HighlightStyle.define([
	{ tag: [t.propertyName, t.definition(t.propertyName)], color: 'var(--code-key)' },
	{ tag: t.comment, color: 'var(--faint)', fontStyle: 'italic' },
	{ tag: t.string, color: 'var(--code-string)' },
	{ tag: [t.keyword, t.atom, t.bool, t.number], color: 'var(--code-word)' },
	{ tag: [t.separator, t.punctuation, t.squareBracket, t.meta], color: 'var(--muted)' },
]);

/* Fields and words of the condition language, wherever they stand: YAML knows them as text. */
const MARK = Object.fromEntries(
	['field', 'word', 'operator', 'placeholder'].map((k) => [
		k,
		Decoration.mark({ class: `tk-${k}` }),
	]),
);
const conditions = ViewPlugin.fromClass(
	class {
		decorations;
		constructor(view: EditorView) {
			this.decorations = mark(view);
		}
		update(u: ViewUpdate) {
			if (u.docChanged || u.viewportChanged) this.decorations = mark(u.view);
		}
	},
	{ decorations: (v) => v.decorations },
);

function mark(view: EditorView) {
	const out = new RangeSetBuilder<Decoration>();
	for (const { from, to } of view.visibleRanges) {
		let at = from;
		for (const piece of tokens(view.state.sliceDoc(from, to))) {
			const m = MARK[piece.kind];
			if (m) out.add(at, at + piece.text.length, m);
			at += piece.text.length;
		}
	}
	return out.finish();
}

function position(doc: Text, line = 1, column = 1): number {
	const l = doc.line(Math.max(1, Math.min(doc.lines, line)));
	return Math.min(l.to, l.from + Math.max(0, column - 1));
}

function diagnostic(doc: Text, i: Issue): Diagnostic {
	const from = position(doc, i.line, i.column);
	const line = doc.lineAt(from);
	const word = /^[\w.%-]+/.exec(line.text.slice(from - line.from))?.[0].length ?? 1;
	const to = i.end_column ? position(doc, i.line, i.end_column) : Math.min(line.to, from + word);
	return {
		from,
		to: Math.max(to, Math.min(doc.length, from + 1)),
		severity: i.severity,
		message: i.message,
		source: i.code,
	};
}

/* Typing over a selection: left to itself the browser keeps the looks of what was there in a style
 * attribute, which the content security policy refuses. */
function overSelection(e: InputEvent, view: EditorView): boolean {
	if (
		e.inputType !== 'insertText' ||
		e.data === null ||
		view.composing ||
		view.state.selection.main.empty
	)
		return false;
	e.preventDefault();
	const { state } = view;
	view.dispatch(
		insertBracket(state, e.data) ??
			state.update(state.replaceSelection(e.data), {
				userEvent: 'input.type',
				scrollIntoView: true,
			}),
	);
	return true;
}

export function open(host: HTMLElement, text: string, hooks: Hooks): EditorHandle {
	const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
	const fields = hooks.fields();
	const complete = async (context: CompletionContext) => {
		const word = context.matchBefore(/%?[a-z][\w.]*/);
		if (!word || (word.from === word.to && !context.explicit)) return null;
		const percent = word.text.startsWith('%') ? 1 : 0;
		return {
			from: word.from + percent,
			options: (await fields).map((f) => ({
				label: f.name,
				detail: f.type,
				info: f.doc,
				type: 'property',
			})),
			validFor: /^[\w.]*$/,
		};
	};
	const view = new EditorView({
		parent: root,
		root,
		state: EditorState.create({
			doc: text,
			extensions: [
				lineNumbers(),
				highlightSpecialChars(),
				highlightActiveLineGutter(),
				highlightActiveLine(),
				history(),
				drawSelection(),
				indentOnInput(),
				bracketMatching(),
				closeBrackets(),
				highlightSelectionMatches(),
				indentUnit.of('  '),
				EditorState.tabSize.of(2),
				autocompletion({ override: [complete], icons: false }),
				yaml(),
				syntaxHighlighting(colours),
				conditions,
				look,
				lintGutter(),
				linter(
					async (v) => {
						const issues = await hooks.check(v.state.doc.toString()).catch(() => []);
						return issues.map((i) => diagnostic(v.state.doc, i));
					},
					{ delay: 350 },
				),
				EditorView.lineWrapping,
				EditorView.domEventHandlers({ beforeinput: overSelection }),
				EditorView.contentAttributes.of({
					'aria-label': 'Text of the rule; Escape and then Tab leaves the editor',
				}),
				EditorView.updateListener.of(
					(u) => u.docChanged && hooks.changed(u.state.doc.toString()),
				),
				keymap.of([
					{ key: 'Tab', run: indentMore, shift: indentLess },
					...closeBracketsKeymap,
					...defaultKeymap,
					...searchKeymap,
					...historyKeymap,
					...completionKeymap,
					...lintKeymap,
				]),
			],
		}),
	});
	// Escape lets go of Tab once, so that the keyboard is never caught (WCAG 2.1.2).
	view.contentDOM.addEventListener('keydown', (e) => {
		if (e.key === 'Escape') view.setTabFocusMode(2000);
	});
	view.focus();
	return {
		text: () => view.state.doc.toString(),
		jump: (i) => {
			view.dispatch({
				selection: { anchor: position(view.state.doc, i.line, i.column) },
				scrollIntoView: true,
			});
			view.focus();
		},
		recheck: () => forceLinting(view),
		close: () => view.destroy(),
	};
}
