// SPDX-License-Identifier: Apache-2.0
// Runs before the first paint, so that nobody sees the other theme flash by. Not a module.
const kept = localStorage.getItem('koban.theme');
document.documentElement.dataset.theme =
	kept === 'dark' || kept === 'light'
		? kept
		: matchMedia('(prefers-color-scheme: light)').matches
			? 'light'
			: 'dark';
