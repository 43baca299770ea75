// SPDX-License-Identifier: Apache-2.0
// The command palette: pages, commands, rules, entities, and a search over findings.
import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { get } from '../lib/api';
import { classify } from '../lib/filter';
import { fuzzy } from '../lib/fuzzy';
import { keyCaps, useKeys } from '../lib/keys';
import { go } from '../lib/router';
import type { GraphNode, List, Rule } from '../lib/types';
import { Dialog } from './dialog';
import { Icon, type IconName, kindIcon } from './icon';

export interface Command {
	name: string;
	group: string;
	icon: IconName;
	keys?: string;
	hint?: string;
	also?: string;
	run: () => void;
}

const open = signal(false);
export const openPalette = () => (open.value = true);

/* What the page at hand adds to the list. */
export const pageCommands = signal<Command[]>([]);

export function useCommands(commands: Command[], deps: unknown[]) {
	useEffect(() => {
		pageCommands.value = commands;
		return () => (pageCommands.value = []);
	}, deps);
}

export function Palette({ commands }: { commands: Command[] }) {
	useKeys([
		{
			keys: 'mod+k',
			label: 'Command palette',
			group: 'Everywhere',
			always: true,
			run: () => (open.value = !open.value),
		},
	]);
	return open.value ? <Open commands={commands} /> : null;
}

function Open({ commands }: { commands: Command[] }) {
	const [text, setText] = useState('');
	const [at, setAt] = useState(0);
	const [found, setFound] = useState<Command[]>([]);
	const list = useRef<HTMLUListElement>(null);
	const close = () => (open.value = false);

	useEffect(() => {
		setFound([]);
		if (text.trim().length < 2) return;
		const abort = new AbortController();
		const timer = setTimeout(
			() => look(text.trim(), abort.signal).then(setFound, () => {}),
			160,
		);
		return () => {
			clearTimeout(timer);
			abort.abort();
		};
	}, [text]);

	const all = [...pageCommands.value, ...commands];
	const fitting = text.trim()
		? all
				.map((c) => ({
					c,
					score: Math.max(
						fuzzy(text, `${c.group} ${c.name}`),
						c.also ? fuzzy(text, c.also) - 1 : 0,
					),
				}))
				.filter((x) => x.score > 0)
				.sort((a, b) => b.score - a.score)
				.slice(0, 12)
				.map((x) => x.c)
		: all;
	const search: Command[] = text.trim()
		? [
				{
					name: `Findings ${classify(text).filter ? 'where' : 'with'} “${text.trim()}”`,
					group: 'Search',
					icon: 'search',
					run: () => go(`/findings?search=${encodeURIComponent(text.trim())}&state=all`),
				},
			]
		: [];
	const shown = [...fitting, ...search, ...found];
	const now = Math.min(at, shown.length - 1);

	useEffect(() => {
		list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
	}, [now]);

	const run = (c: Command | undefined) => {
		if (!c) return;
		close();
		// After the dialog has given the focus back.
		setTimeout(c.run);
	};
	return (
		<Dialog title="Command palette" onClose={close} plain>
			<div class="palette">
				<div class="palette-input">
					<Icon name="search" />
					<input
						role="combobox"
						aria-expanded="true"
						aria-controls="palette-list"
						aria-autocomplete="list"
						aria-activedescendant={shown.length ? `palette-${now}` : undefined}
						aria-label="Go to, do, or find"
						placeholder="Go to, do, or find…"
						autofocus
						spellcheck={false}
						autocomplete="off"
						value={text}
						onInput={(e) => {
							setText(e.currentTarget.value);
							setAt(0);
						}}
						onKeyDown={(e) => {
							const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
							if (step)
								setAt((now + step + shown.length) % Math.max(1, shown.length));
							else if (e.key === 'Enter') run(shown[now]);
							else return;
							e.preventDefault();
						}}
					/>
					<kbd>Esc</kbd>
				</div>
				<ul role="listbox" id="palette-list" aria-label="Results" ref={list}>
					{shown.map((c, i) => (
						<li
							key={i}
							id={`palette-${i}`}
							role="option"
							aria-selected={i === now}
							onPointerMove={() => setAt(i)}
							onClick={() => run(c)}
						>
							<Icon name={c.icon} />
							<span class="palette-name">{c.name}</span>
							<span class="palette-group">{c.hint ?? c.group}</span>
							{c.keys && (
								<span class="caps">
									{keyCaps(c.keys).map((k) => (
										<kbd key={k}>{k}</kbd>
									))}
								</span>
							)}
						</li>
					))}
				</ul>
			</div>
		</Dialog>
	);
}

let rules: Promise<List<Rule>> | undefined;

async function look(text: string, abort: AbortSignal): Promise<Command[]> {
	rules ??= get<List<Rule>>('/rules');
	rules.catch(() => (rules = undefined));
	const [ruleList, entities] = await Promise.all([
		rules,
		get<List<GraphNode>>('/entities', { q: text, limit: 8 }, abort),
	]);
	const some = ruleList.items
		.map((r) => ({ r, score: fuzzy(text, r.name) }))
		.filter((x) => x.score > 0)
		.sort((a, b) => b.score - a.score)
		.slice(0, 6);
	return [
		...some.map(({ r }): Command => ({
			name: r.name,
			group: 'Rule',
			icon: 'rule',
			run: () => go(`/rules/${encodeURIComponent(r.name)}`),
		})),
		...entities.items.map((e): Command => ({
			name: e.name,
			group: e.kind,
			icon: kindIcon(e.kind),
			run: () => go(`/graph?root=${encodeURIComponent(e.id)}`),
		})),
	];
}
