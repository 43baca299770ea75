// SPDX-License-Identifier: Apache-2.0
// The rules: browsed, searched, switched on and off.
import { useMemo, useState } from 'preact/hooks';
import { may, put } from '../lib/api';
import { count, isTechnique, plural } from '../lib/format';
import { fuzzy } from '../lib/fuzzy';
import { useKeys } from '../lib/keys';
import { invalidate, useQuery } from '../lib/query';
import { go, query, setQuery } from '../lib/router';
import type { List, Rule } from '../lib/types';
import { Icon } from '../ui/icon';
import { Empty, Failed, Loading, Page, Segments, Switch } from '../ui/parts';
import { SearchBox } from '../ui/searchbox';
import { Rows, useNarrow } from '../ui/rows';
import { rank, Severity } from '../ui/severity';
import { complain, say } from '../ui/toast';

export const ruleHref = (name: string) => `/rules/${encodeURIComponent(name)}`;

export async function toggleRule(r: Rule) {
	try {
		await put(`/rules/${encodeURIComponent(r.name)}/enabled`, { enabled: !r.enabled });
		say(`${r.name} is ${r.enabled ? 'off' : 'on'}; the sensor takes it over within seconds`);
		invalidate('/rules', '/attack');
	} catch (e) {
		complain(e);
	}
}

type Which = 'all' | 'on' | 'off' | 'found';

export default function Rules() {
	const q = useQuery<List<Rule>>('/rules');
	const narrow = useNarrow();
	const [text, setText] = useState('');
	const which = (query.value.get('show') ?? 'all') as Which;
	const [current, setCurrent] = useState<Rule>();
	const rows = useMemo(() => {
		const all = (q.data?.items ?? []).filter((r) =>
			which === 'on'
				? r.enabled
				: which === 'off'
					? !r.enabled
					: which === 'found'
						? (r.findings ?? 0) > 0
						: true,
		);
		if (!text.trim())
			return [...all].sort(
				(a, b) =>
					(b.findings ?? 0) - (a.findings ?? 0) ||
					rank(a.priority) - rank(b.priority) ||
					a.name.localeCompare(b.name),
			);
		return all
			.map((r) => ({
				r,
				score: Math.max(
					fuzzy(text, r.name),
					r.tags?.some((t) => t.toLowerCase().includes(text.toLowerCase())) ? 100 : 0,
					r.desc?.toLowerCase().includes(text.toLowerCase()) ? 20 : 0,
				),
			}))
			.filter((x) => x.score > 3)
			.sort((a, b) => b.score - a.score)
			.map((x) => x.r);
	}, [q.data, text, which]);
	useKeys([
		{
			keys: 'e',
			label: 'Switch on or off',
			run: () => {
				if (current && may('admin'))
					toggleRule(q.data!.items.find((r) => r.name === current.name)!);
			},
		},
		{ keys: 'n', label: 'New rule', run: () => go('/rules/new') },
	]);
	const all = q.data?.items ?? [];
	const on = all.filter((r) => r.enabled).length;
	let body;
	if (q.error && !q.data) body = <Failed error={q.error} retry={q.reload} />;
	else if (!q.data) body = <Loading rows={14} />;
	else if (!all.length) {
		body = (
			<Empty
				icon="rules"
				title="No rules are loaded"
				command="koban rules list"
				action={
					<a class="button primary" href="/rules/new">
						Write one here
					</a>
				}
			>
				The sensor has told nothing about its rules yet. What it would load:
			</Empty>
		);
	} else if (!rows.length) {
		body = (
			<Empty
				icon="search"
				title="No rule fits"
				action={
					<a class="button" href="/rules/new">
						Write one
					</a>
				}
			>
				Names, tags such as <code>T1059</code>, and descriptions were searched.
			</Empty>
		);
	} else {
		body = (
			<Rows
				label="Rules"
				class="rules"
				rows={rows}
				id={(r) => r.name}
				height={narrow ? 58 : 36}
				open={(r) => go(ruleHref(r.name))}
				onCurrent={setCurrent}
				head={<Head />}
				cells={(r) => <Cells r={r} />}
				foot={<p class="rows-foot">{plural(rows.length, 'rule')}</p>}
			/>
		);
	}
	return (
		<Page
			title="Rules"
			fill
			actions={
				<>
					{q.data && (
						<span class="muted">
							{on} of {all.length} on
						</span>
					)}
					<a class="button primary" href="/rules/new">
						<Icon name="plus" size={14} /> New rule
					</a>
				</>
			}
			tools={
				<>
					<SearchBox
						label="Search rules"
						hint="Name, tag, technique"
						text={text}
						setText={setText}
					/>
					<div class="tools-rest">
						<Segments
							label="Which"
							value={which}
							choose={(v) => setQuery({ show: v === 'all' ? null : v })}
							choices={[
								{ value: 'all', label: 'All' },
								{ value: 'on', label: 'On' },
								{ value: 'off', label: 'Off' },
								{ value: 'found', label: 'With findings' },
							]}
						/>
					</div>
				</>
			}
		>
			{body}
		</Page>
	);
}

function Head() {
	return (
		<>
			<span role="columnheader">
				<span class="sr">Priority</span>
			</span>
			<span role="columnheader">Rule</span>
			<span role="columnheader">Tags</span>
			<span role="columnheader" class="num">
				Findings
			</span>
			<span role="columnheader">File</span>
			<span role="columnheader" class="c-switch">
				On
			</span>
		</>
	);
}

function Cells({ r }: { r: Rule }) {
	const techniques = (r.tags ?? []).filter(isTechnique);
	return (
		<>
			<span role="gridcell">
				<Severity of={r.priority} />
			</span>
			<span role="gridcell" class={`c-what ${r.enabled ? '' : 'off'}`}>
				<a href={ruleHref(r.name)} class="c-rule" tabIndex={-1}>
					{r.name}
				</a>
				<span class="c-output">{r.desc}</span>
			</span>
			<span role="gridcell" class="c-tags">
				{techniques.slice(0, 2).map((t) => (
					<span class="chip" key={t}>
						{t}
					</span>
				))}
			</span>
			<span role="gridcell" class="num c-found">
				{r.findings ? <b>{count(r.findings)}</b> : <span class="faint">0</span>}
			</span>
			<span role="gridcell" class="c-file mono">
				{r.file?.split('/').pop()}
			</span>
			<span role="gridcell" class="c-switch">
				<Switch
					on={r.enabled}
					label={`${r.name}: on`}
					disabled={!may('admin')}
					toggle={() => toggleRule(r)}
				/>
			</span>
		</>
	);
}
