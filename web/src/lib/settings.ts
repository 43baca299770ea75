// SPDX-License-Identifier: Apache-2.0
// What one browser remembers: theme, filters that were saved. Nothing of it is secret.
import { signal } from '@preact/signals';

export type Theme = 'dark' | 'light' | 'system';

function read(): Theme {
	const kept = localStorage.getItem('koban.theme');
	return kept === 'dark' || kept === 'light' ? kept : 'system';
}

const light = matchMedia('(prefers-color-scheme: light)');

export const theme = signal<Theme>(read());

/* What is on the screen now; charts and the graph draw with its colours. */
export const shown = signal<'dark' | 'light'>('dark');

function apply() {
	const now = theme.value === 'system' ? (light.matches ? 'light' : 'dark') : theme.value;
	document.documentElement.dataset.theme = now;
	shown.value = now;
}

theme.subscribe((value) => {
	if (value === 'system') localStorage.removeItem('koban.theme');
	else localStorage.setItem('koban.theme', value);
	apply();
});
light.addEventListener('change', apply);

export const nextTheme = () => {
	theme.value = shown.value === 'dark' ? 'light' : 'dark';
};

export interface Saved {
	name: string;
	query: string;
}

function readSaved(): Saved[] {
	try {
		const kept = JSON.parse(localStorage.getItem('koban.saved') ?? '[]');
		return Array.isArray(kept)
			? kept.filter((s) => s?.name && typeof s.query === 'string')
			: [];
	} catch {
		return [];
	}
}

export const saved = signal<Saved[]>(readSaved());
saved.subscribe((list) => localStorage.setItem('koban.saved', JSON.stringify(list)));
