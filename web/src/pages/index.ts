// SPDX-License-Identifier: Apache-2.0
// Every page of the console, in the order of the navigation. A page is a file here with a default
// export, and one row.
import type { ComponentType } from 'preact';
import type { Match } from '../lib/router';
import type { IconName } from '../ui/icon';

export interface PageRow {
	path: string;
	name: string;
	load: () => Promise<{ default: ComponentType<{ params: Match }> }>;
	/* In the navigation, with this icon; `g` and then `key` goes there. */
	icon?: IconName;
	key?: string;
	/* For the navigation: which entry a page without one belongs to. */
	under?: string;
	/* More words by which the command palette finds it. */
	also?: string;
}

export const PAGES: PageRow[] = [
	{ path: '/now', name: 'Now', icon: 'now', key: 'n', load: () => import('./now') },
	{
		path: '/findings',
		name: 'Findings',
		icon: 'findings',
		key: 'f',
		load: () => import('./findings'),
	},
	{ path: '/findings/:id', name: 'Finding', under: '/findings', load: () => import('./finding') },
	{
		path: '/containers',
		name: 'Containers',
		icon: 'containers',
		key: 'c',
		load: () => import('./containers'),
	},
	{
		path: '/containers/:id',
		name: 'Container',
		under: '/containers',
		load: () => import('./container'),
	},
	{
		path: '/images',
		name: 'Images',
		icon: 'image',
		key: 'i',
		also: 'scan layers packages secrets verdict survey',
		load: () => import('./images'),
	},
	{ path: '/images/:id', name: 'Image', under: '/images', load: () => import('./image') },
	{
		path: '/graph',
		name: 'Graph',
		icon: 'graph',
		key: 'g',
		also: 'path entities',
		load: () => import('./graph'),
	},
	{
		path: '/attack',
		name: 'ATT&CK',
		icon: 'attack',
		key: 'a',
		also: 'attack mitre matrix techniques',
		load: () => import('./attack'),
	},
	{ path: '/rules', name: 'Rules', icon: 'rules', key: 'r', load: () => import('./rules') },
	{ path: '/rules/:name', name: 'Rule', under: '/rules', load: () => import('./rule') },
	{ path: '/mutes', name: 'Mutes', icon: 'mutes', key: 'm', load: () => import('./mutes') },
	{
		path: '/system',
		name: 'System',
		icon: 'system',
		key: 's',
		also: 'sensor storage users tokens audit',
		load: () => import('./system'),
	},
];
