// SPDX-License-Identifier: Apache-2.0
// What the address of the list of findings asks for.
import { useMemo } from 'preact/hooks';
import { type Params } from '../lib/api';
import { classify, rangeFrom } from '../lib/filter';
import { query } from '../lib/router';
import type { State } from '../lib/types';

export type Tab = State | 'all';

/* What a list is narrowed by without a filter: a link from elsewhere, a group that was opened. */
export const NARROWING = [
	'rule',
	'container',
	'image',
	'host',
	'user',
	'technique',
	'fingerprint',
	'assignee',
	'entity',
];

/* What the address asks for, as the API takes it. */
export function useQuestion() {
	const q = query.value;
	const text = q.get('search') ?? '';
	const tab = (q.get('state') ?? 'open') as Tab;
	const range = q.get('range') ?? '';
	return useMemo(() => {
		const base: Params = {
			...classify(text),
			priority: q.get('priority'),
			...Object.fromEntries(NARROWING.map((k) => [k, q.get(k)])),
			from: q.get('from') ?? rangeFrom(range),
			to: q.get('to'),
		};
		return {
			text,
			tab,
			range,
			group: q.get('group') ?? '',
			order: q.get('order') ?? '',
			base,
			params: { ...base, state: tab === 'all' ? null : tab } as Params,
		};
	}, [q.toString()]);
}
