// SPDX-License-Identifier: Apache-2.0
// The address bar as signals. Links are plain <a href>; a click on one inside the console is caught
// here, so that it opens no new document.
import { computed, signal } from '@preact/signals';

const here = signal(location.pathname + location.search);

export const path = computed(() => here.value.split('?')[0]!);
export const query = computed(() => new URLSearchParams(here.value.split('?')[1] ?? ''));

export function go(to: string, replace = false) {
	if (to === here.peek()) return;
	const moved = to.split('?')[0] !== path.peek();
	history[replace ? 'replaceState' : 'pushState'](null, '', to);
	here.value = to;
	if (moved) scrollTo(0, 0);
}

/* Changes parts of the query; empty ones go. The page stays, and so does its place in history. */
export function setQuery(change: Record<string, string | null | undefined>, replace = true) {
	const next = new URLSearchParams(query.peek());
	for (const [key, value] of Object.entries(change)) {
		if (value) next.set(key, value);
		else next.delete(key);
	}
	const text = next.toString();
	go(path.peek() + (text ? `?${text}` : ''), replace);
}

export type Match = Record<string, string>;

/* '/rules/:name' against '/rules/Read%20shadow' gives { name: 'Read shadow' }, else null. */
export function match(pattern: string, at: string): Match | null {
	const want = pattern.split('/');
	const have = at.replace(/(.)\/$/, '$1').split('/');
	if (want.length !== have.length) return null;
	const out: Match = {};
	for (let i = 0; i < want.length; i++) {
		if (want[i]!.startsWith(':')) {
			try {
				out[want[i]!.slice(1)] = decodeURIComponent(have[i]!);
			} catch {
				return null;
			}
		} else if (want[i] !== have[i]) return null;
	}
	return out;
}

addEventListener('popstate', () => {
	here.value = location.pathname + location.search;
});

document.addEventListener('click', (event) => {
	if (
		event.defaultPrevented ||
		event.button ||
		event.metaKey ||
		event.ctrlKey ||
		event.shiftKey ||
		event.altKey
	)
		return;
	const link = (event.target as Element).closest?.('a');
	if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin)
		return;
	if (/^\/(api|metrics|healthz|openapi\.json|third-party\.txt)/.test(link.pathname)) return;
	if (link.hash && link.pathname === location.pathname) return;
	event.preventDefault();
	go(link.pathname + link.search);
});
