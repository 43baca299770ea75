// SPDX-License-Identifier: Apache-2.0
// Above the list of findings: search, state, priority, time, order, groups, saved views.
import { useMemo } from 'preact/hooks';
import { type Params } from '../lib/api';
import { classify, RANGES, splitAnd } from '../lib/filter';
import { clock, date } from '../lib/format';
import { useQuery } from '../lib/query';
import { go, query, setQuery } from '../lib/router';
import { saved } from '../lib/settings';
import type { List, Priority, System } from '../lib/types';
import { PRIORITIES } from '../lib/types';
import { ask, Form } from '../ui/dialog';
import { Histogram } from '../ui/histogram';
import { Icon } from '../ui/icon';
import { Menu } from '../ui/menu';
import { Segments } from '../ui/parts';
import { Severity } from '../ui/severity';
import { say } from '../ui/toast';
import { SearchField } from './searchfield';
import { barsOf, type Bucket } from './timeline';
import { NARROWING, type Tab, type useQuestion } from './question';

export const GROUPS = [
	'',
	'rule',
	'fingerprint',
	'container',
	'image',
	'host',
	'user',
	'technique',
	'priority',
];

export function Actions() {
	const save = () =>
		ask(() => (
			<Form
				title="Save this view"
				verb="Save"
				fields={[
					{
						name: 'name',
						label: 'Name',
						required: true,
						hint: 'Kept in this browser. The address of the page can be sent to others.',
					},
				]}
				submit={async (v) => {
					saved.value = [
						...saved.value.filter((s) => s.name !== v.name),
						{ name: v.name!, query: query.peek().toString() },
					];
					say('Saved');
				}}
			/>
		));
	return (
		<Menu
			button="button ghost"
			align="end"
			choices={[
				...saved.value.map((s) => ({
					label: s.name,
					icon: 'save' as const,
					run: () => go(`/findings?${s.query}`),
				})),
				{
					label: 'Save this view…',
					icon: 'plus',
					run: save,
					above: saved.value.length ? 'line' : undefined,
				},
				...(saved.value.length
					? [
							{
								label: 'Forget all saved views',
								icon: 'trash' as const,
								run: () => (saved.value = []),
							},
						]
					: []),
			]}
		>
			<Icon name="save" size={14} /> Views
		</Menu>
	);
}

const ORDERS = [
	{ key: '', name: 'Newest first' },
	{ key: 'worst', name: 'Worst first' },
	{ key: 'oldest', name: 'Oldest first' },
];

const TABS: { value: Tab; label: string }[] = [
	{ value: 'open', label: 'Open' },
	{ value: 'acknowledged', label: 'Acknowledged' },
	{ value: 'resolved', label: 'Resolved' },
	{ value: 'muted', label: 'Muted' },
	{ value: 'all', label: 'All' },
];

export function Tools({ question }: { question: ReturnType<typeof useQuestion> }) {
	const q = query.value;
	const priorities = (q.get('priority') ?? '').split(',').filter(Boolean) as Priority[];
	const toggle = (p: Priority) => {
		const next = priorities.includes(p)
			? priorities.filter((x) => x !== p)
			: [...priorities, p];
		setQuery({ priority: next.join(',') });
	};
	const span =
		q.get('from') &&
		`${date(q.get('from')!)} ${clock(q.get('from')!).slice(0, 5)} – ${q.get('to') ? clock(q.get('to')!).slice(0, 5) : ''}`;
	return (
		<>
			<SearchField text={question.text} />
			<div class="tools-rest">
				<Segments
					label="State"
					value={question.tab}
					choices={TABS}
					choose={(v) => setQuery({ state: v })}
				/>
				<Menu
					button={`button ${priorities.length ? 'on' : ''}`}
					choices={PRIORITIES.map((p) => ({
						label: <Severity of={p} text />,
						checked: priorities.includes(p),
						run: () => toggle(p),
					}))}
				>
					{priorities.length ? (
						priorities.length === 1 ? (
							<Severity of={priorities[0]!} text />
						) : (
							`${priorities.length} priorities`
						)
					) : (
						'Priority'
					)}
					<Icon name="down" size={12} />
				</Menu>
				<Menu
					button={`button ${question.range || span ? 'on' : ''}`}
					choices={RANGES.map((r) => ({
						label: r.name,
						checked: !span && r.key === question.range,
						run: () => setQuery({ range: r.key, from: null, to: null }),
					}))}
				>
					<Icon name="clock" size={13} />
					{span || RANGES.find((r) => r.key === question.range)?.name}
					<Icon name="down" size={12} />
				</Menu>
				<Menu
					button={`button ${question.order ? 'on' : ''}`}
					choices={ORDERS.map((o) => ({
						label: o.name,
						checked: o.key === question.order,
						run: () => setQuery({ order: o.key }),
					}))}
				>
					{ORDERS.find((o) => o.key === question.order)?.name ?? 'Order'}
					<Icon name="down" size={12} />
				</Menu>
				<Menu
					button={`button ${question.group ? 'on' : ''}`}
					choices={GROUPS.map((g) => ({
						label: g ? `By ${g}` : 'Not grouped',
						checked: g === question.group,
						run: () => setQuery({ group: g }),
					}))}
				>
					{question.group ? `By ${question.group}` : 'Group'}
					<Icon name="down" size={12} />
				</Menu>
			</div>
			<Terms />
		</>
	);
}

/* What narrows the list beside the field, each to be taken away. */
function Terms() {
	const q = query.value;
	const terms = NARROWING.filter((k) => q.get(k));
	const { filter } = classify(q.get('search') ?? '');
	const parts = filter ? splitAnd(filter) : [];
	if (!terms.length && parts.length < 2) return null;
	return (
		<div class="terms">
			{terms.map((k) => (
				<button
					key={k}
					class="term"
					onClick={() => setQuery({ [k]: null })}
					aria-label={`Take away ${k} ${q.get(k)}`}
				>
					<span class="faint">{k}</span> {q.get(k)} <Icon name="close" size={11} />
				</button>
			))}
			{parts.length > 1 &&
				parts.map((p, i) => (
					<button
						key={p}
						class="term mono"
						aria-label={`Take away ${p}`}
						onClick={() =>
							setQuery({ search: parts.filter((_, j) => j !== i).join(' and ') })
						}
					>
						{p} <Icon name="close" size={11} />
					</button>
				))}
		</div>
	);
}

export function Timeline({ params, state }: { params: Params; state: Tab }) {
	// All time begins with the oldest finding; the server would show a day.
	const system = useQuery<System>(params.from ? null : '/system');
	const from = params.from ?? system.data?.store.oldest;
	const answer = useQuery<List<Bucket>>(from ? '/stats/timeline' : null, {
		...params,
		from,
		state: state === 'all' ? null : state,
		buckets: 90,
		by: 'priority',
	});
	const bars = useMemo(() => barsOf(answer.data?.items), [answer.data]);
	return (
		<div class="findings-timeline">
			<Histogram
				bars={bars}
				label="Findings over time"
				height={44}
				onSpan={(from, to) =>
					setQuery(
						{
							from: new Date(from).toISOString(),
							to: new Date(to).toISOString(),
							range: null,
						},
						false,
					)
				}
			/>
		</div>
	);
}
