// SPDX-License-Identifier: Apache-2.0
// Where the console begins: who is signed in, then the page that the address names.
import 'uplot/dist/uPlot.min.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/parts.css';
import './styles/pages.css';
import { effect } from '@preact/signals';
import { render } from 'preact';
import { get, me } from './lib/api';
import { forget } from './lib/query';
import { go, path } from './lib/router';
import './lib/settings';
import './lib/stream';
import type { Me } from './lib/types';
import { Shell } from './shell';

/* Who never signed in here has no session: asking would only be answered with a refusal. */
async function begin() {
	if (!localStorage.getItem('koban.user')) {
		me.value = null;
		return;
	}
	try {
		me.value = await get<Me>('/me');
	} catch {
		me.value = null;
	}
}

effect(() => {
	if (me.value) localStorage.setItem('koban.user', me.value.user);
	if (me.value === null) {
		localStorage.removeItem('koban.user');
		forget();
		if (path.peek() !== '/login') {
			const to = location.pathname + location.search;
			go(to === '/' ? '/login' : `/login?to=${encodeURIComponent(to)}`, true);
		}
	}
});
effect(() => {
	if (me.value && path.value === '/') go('/now', true);
});

render(<Shell />, document.getElementById('app')!);
begin();
