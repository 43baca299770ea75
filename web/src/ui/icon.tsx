// SPDX-License-Identifier: Apache-2.0
// koban's own icons: outlines on a grid of 16, as path data, because the graph draws the same ones
// on a canvas. An icon is decoration; the words beside it carry the meaning.

export const ICONS = {
	now: 'M1.5 8.5h3l2-5 3 9 2-4h3',
	findings: 'M8 1.8 14.2 13H1.8zM8 6v3.2M8 11v.2',
	containers: 'M2 5.2 8 2l6 3.2v5.6L8 14l-6-3.2zM2 5.2l6 3.1 6-3.1M8 8.3V14',
	graph: 'M3.5 5.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM12.5 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM5 14.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM5.4 4.2l5.2 2.2M10.9 8.4 6.6 11.3M3.8 5.5l.8 5',
	attack: 'M2 2.5h3.3v4H2zM2 9.5h3.3v4H2zM6.9 2.5h3.2v2.6H6.9zM6.9 8h3.2v5.5H6.9zM11.6 2.5H14v6.2h-2.4zM11.6 11.6H14v1.9h-2.4z',
	rules: 'M5.5 3.5H14M5.5 8H14M5.5 12.5H14M2 3.2l.7.7L4 2.5M2 7.7l.7.7L4 7M2 12.2l.7.7L4 11.5',
	mutes: 'M4.2 11.5c.7-1 .8-2 .8-4a3 3 0 0 1 5-2.2M11 8c0 1.7.2 2.6.8 3.5H4.2M6.7 13.5a1.4 1.4 0 0 0 2.6 0M2 14 14 2',
	system: 'M2 2.5h12v4H2zM2 9.5h12v4H2zM4.5 4.5h.1M4.5 11.5h.1M7 4.5h4.5M7 11.5h4.5',
	search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.6 10.6 14.2 14.2',
	user: 'M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 14c.5-3 2.5-4.3 5.5-4.3s5 1.3 5.5 4.3',
	sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
	moon: 'M13.5 9.7A6 6 0 0 1 6.3 2.5a6 6 0 1 0 7.2 7.2z',
	keyboard: 'M1.5 4h13v8h-13zM4 6.5h.1M6.7 6.5h.1M9.3 6.5h.1M12 6.5h.1M5 9.5h6',
	check: 'M3 8.5 6.5 12 13 4.5',
	close: 'M4 4l8 8M12 4l-8 8',
	more: 'M3.5 8h.1M8 8h.1M12.5 8h.1',
	down: 'M4 6l4 4 4-4',
	right: 'M6 4l4 4-4 4',
	left: 'M10 4 6 8l4 4',
	plus: 'M8 3v10M3 8h10',
	comment: 'M2 3h12v8H7.5L4.5 13.5V11H2z',
	clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.2 1.5',
	copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
	link: 'M9.5 2.5h4v4M13.5 2.5 7.5 8.5M11.5 9v4.5h-9v-9H7',
	save: 'M4 2h8v12l-4-3-4 3z',
	play: 'M4.5 2.5v11l8.5-5.5z',
	external: 'M9.5 2.5h4v4M13.5 2.5 7.5 8.5M11.5 9v4.5h-9v-9H7',
	filter: 'M2 3h12L9.5 8.5V13l-3-1.5v-3z',
	out: 'M9.5 2.5h-7v11h7M6.5 8H14M11.5 5.5 14 8l-2.5 2.5',
	trash: 'M2.5 4h11M6 4V2.5h4V4M4 4l.7 9.5h6.6L12 4',
	edit: 'M2.5 13.5l.7-3L10.5 3l2.5 2.5-7.5 7.3z',
	lock: 'M3.5 7h9v7h-9zM5.5 7V4.8a2.5 2.5 0 0 1 5 0V7',
	download: 'M8 2v8M4.8 7 8 10.2 11.2 7M2.5 13.5h11',
	fit: 'M2 5.5V2h3.5M10.5 2H14v3.5M14 10.5V14h-3.5M5.5 14H2v-3.5',
	route: 'M3.5 14.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM12.5 5.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM5.5 12.5H11a2.2 2.2 0 0 0 0-4.5H5a2.2 2.2 0 0 1 0-4.5h5.5',
	menu: 'M2 4h12M2 8h12M2 12h12',

	// kinds of entities
	host: 'M2 3h12v8H2zM5.5 14h5M8 11v3',
	container: 'M2 5.2 8 2l6 3.2v5.6L8 14l-6-3.2zM2 5.2l6 3.1 6-3.1M8 8.3V14',
	image: 'M8 2l6 3-6 3-6-3zM2 8l6 3 6-3M2 11l6 3 6-3',
	layer: 'M8 4l6 3-6 3-6-3zM2 10l6 3 6-3',
	package: 'M2.5 4.5h11v9h-11zM2.5 4.5 4 2h8l1.5 2.5M6.5 7.5h3',
	process: 'M2 3h12v10H2zM4.5 6l2 2-2 2M8 10.2h3.5',
	address:
		'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM2 8h12M8 2c-4.5 4-4.5 8 0 12M8 2c4.5 4 4.5 8 0 12',
	internet: 'M4.5 12.5a3 3 0 0 1-.3-6 4 4 0 0 1 7.7-.3 3.2 3.2 0 0 1-.4 6.3z',
	file: 'M4 1.8h5.2L12.5 5v9.2H4zM9 2v3.2h3.3',
	pod: 'M8 1.5 13.6 4.8v6.4L8 14.5l-5.6-3.3V4.8zM8 8m-2 0a2 2 0 1 0 4 0 2 2 0 1 0-4 0',
	namespace: 'M5.5 2C3.5 2 4.5 7.5 2.5 8c2 .5 1 6 3 6M10.5 2c2 0 1 5.5 3 6-2 .5-1 6-3 6',
	domain: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM2.5 6h11M2.5 10h11',
	wallet: 'M2 4.5h12v8.5H2zM2 4.5 11 2v2.5M14 7.5h-3.5v2.5H14',
	identity:
		'M2 3h12v10H2zM6 8.2a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM3.8 11c.4-1.4 1.2-2 2.2-2s1.8.6 2.2 2M10 6h2.5M10 9h2.5',
	rule: 'M3 2.5h10v11H3zM5.5 5.5h5M5.5 8h5M5.5 10.5h3',
	other: 'M8 13.5A5.5 5.5 0 1 0 8 2.5a5.5 5.5 0 0 0 0 11z',
} as const;

export type IconName = keyof typeof ICONS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
	return (
		<svg class="icon" viewBox="0 0 16 16" width={size} height={size} aria-hidden="true">
			<path d={ICONS[name]} />
		</svg>
	);
}

const ALIAS: Record<string, IconName> = {
	ip: 'address',
	network: 'internet',
	resource: 'package',
	vulnerability: 'findings',
	net: 'address',
	sa: 'identity',
	role: 'identity',
	actor: 'user',
};

export const kindIcon = (kind: string): IconName =>
	kind in ICONS ? (kind as IconName) : (ALIAS[kind] ?? 'other');

/* Two letters of a name; the name itself stands beside it or in its title. */
export function Avatar({ of, small, title }: { of: string; small?: boolean; title?: string }) {
	return (
		<span
			class={`avatar ${small ? 'small' : ''}`}
			data-letters={of.slice(0, 2)}
			aria-hidden="true"
			title={title}
		/>
	);
}

export function Mark({ size = 22 }: { size?: number }) {
	return (
		<svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" class="mark">
			<ellipse cx="16" cy="16" rx="10.5" ry="14" />
			<ellipse cx="16" cy="16" rx="8.6" ry="12" class="rim" />
			<path d="M16 8.5v15M12 12.2h8M12 19.8h8" />
		</svg>
	);
}
