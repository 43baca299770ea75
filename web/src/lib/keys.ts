// SPDX-License-Identifier: Apache-2.0
// Keys: 'j', 'g f' (one after the other), 'mod+k'. What is on the page registers its own and takes
// them away with it; the list that `?` shows is what is registered. Nobody's typing is stolen.
import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';

export interface Key {
	keys: string;
	label: string;
	group?: string;
	run: (event: KeyboardEvent) => void;
	/* Also while somebody types. */
	always?: boolean;
}

export const registered = signal<Key[]>([]);
const SEQUENCE_MS = 1200;
let before = '';
let timer = 0;

const mac = /Mac|iPhone|iPad/.test(navigator.platform);

export function nameOf(event: KeyboardEvent): string {
	const mod = mac ? event.metaKey : event.ctrlKey;
	const other = mac ? event.ctrlKey : event.metaKey;
	if (other || event.altKey) return '';
	const key = event.key.length === 1 ? event.key : event.key.toLowerCase();
	return mod ? `mod+${key.toLowerCase()}` : key;
}

function isTyping(event: KeyboardEvent): boolean {
	const target = event.composedPath()[0] as HTMLElement;
	if (!target?.closest) return false;
	return !!target.closest(
		'input:not([type=checkbox]), textarea, select, [contenteditable], [role=menu]',
	);
}

addEventListener('keydown', (event) => {
	if (event.defaultPrevented || event.isComposing) return;
	const name = nameOf(event);
	if (!name) return;
	const typing = isTyping(event);
	const inDialog = !!document.querySelector('dialog[open]');
	// The newest registration wins: what lies on top.
	const all = [...registered.peek()].reverse();
	const pick = (keys: string) =>
		all.find((k) => k.keys === keys && (k.always || (!typing && !inDialog)));
	const found = (before && pick(`${before} ${name}`)) || pick(name);
	before = '';
	clearTimeout(timer);
	if (found) {
		// Enter and space on a link or button are theirs.
		const target = event.target as HTMLElement;
		if ((name === 'enter' || name === ' ') && target.closest('a, button, summary')) return;
		event.preventDefault();
		found.run(event);
	} else if (!typing && all.some((k) => k.keys.startsWith(`${name} `))) {
		before = name;
		timer = window.setTimeout(() => (before = ''), SEQUENCE_MS);
	}
});

export function useKeys(keys: Key[], on = true) {
	const now = useRef(keys);
	now.current = keys;
	const signature = keys.map((k) => k.keys).join('|');
	// With the drawing, not after it: what can be seen can be worked by keys.
	useLayoutEffect(() => {
		if (!on) return;
		// Indirect, so that a key runs what the newest drawing of the page means by it.
		const mine = now.current.map((k, i) => ({
			...k,
			run: (event: KeyboardEvent) => now.current[i]?.run(event),
		}));
		registered.value = [...registered.peek(), ...mine];
		return () => {
			registered.value = registered.peek().filter((k) => !mine.includes(k as never));
		};
	}, [signature, on]);
}

/* 'mod+k' as the keyboard at hand has it. */
export const keyCaps = (keys: string): string[] =>
	keys.split(' ').map((k) =>
		k
			.replace('mod+', mac ? '⌘' : 'Ctrl ')
			.replace(/^enter$/, '↵')
			.replace(/^escape$/, 'Esc')
			.replace(/^arrowdown$/, '↓')
			.replace(/^arrowup$/, '↑')
			.replace(/^ $/, 'Space')
			.replace(/(Ctrl |⌘)([a-z])$/, (_, m, c) => m + c.toUpperCase()),
	);
