// SPDX-License-Identifier: Apache-2.0
// What runs: containers with their image, findings, resources and connections.
import { useMemo, useState } from 'preact/hooks';
import { fuzzy } from '../lib/fuzzy';
import { bytes, count, percent, plural, shortImage } from '../lib/format';
import { cpuPercent } from '../lib/rates';
import { useQuery } from '../lib/query';
import { go, query, setQuery } from '../lib/router';
import type { Container, List } from '../lib/types';
import { Icon } from '../ui/icon';
import { Ago, Empty, Failed, Loading, Page, Segments } from '../ui/parts';
import { SearchBox } from '../ui/searchbox';
import { Rows, useNarrow } from '../ui/rows';
import { rank, Severity } from '../ui/severity';

const since = (c: Container) => c.started ?? c.first ?? '';

type Sort = 'worst' | 'cpu' | 'memory' | 'newest';
const SORTS: { value: Sort; label: string }[] = [
	{ value: 'worst', label: 'Worst first' },
	{ value: 'cpu', label: 'CPU' },
	{ value: 'memory', label: 'Memory' },
	{ value: 'newest', label: 'Newest' },
];

const ORDER: Record<Sort, (a: Container, b: Container) => number> = {
	worst: (a, b) =>
		rank(a.worst_priority) - rank(b.worst_priority) ||
		(b.open ?? b.findings ?? 0) - (a.open ?? a.findings ?? 0),
	cpu: (a, b) => (cpuPercent(b) ?? 0) - (cpuPercent(a) ?? 0),
	memory: (a, b) => (b.rss_bytes ?? 0) - (a.rss_bytes ?? 0),
	newest: (a, b) => since(b).localeCompare(since(a)),
};

export const containerHref = (c: Container) => `/containers/${encodeURIComponent(c.id)}`;
export const isRunning = (c: Container) => c.running !== false;

export default function Containers() {
	const gone = query.value.get('gone') === '1';
	const q = useQuery<List<Container>>('/containers', undefined, 10_000);
	const [text, setText] = useState('');
	const sort = (query.value.get('sort') ?? 'worst') as Sort;
	const narrow = useNarrow();
	const rows = useMemo(() => {
		const all = (q.data?.items ?? []).filter((c) => gone || isRunning(c));
		const fitting = text.trim()
			? all.filter(
					(c) =>
						fuzzy(
							text,
							[c.name, c.image, c.pod, c.namespace, c.id].filter(Boolean).join(' '),
						) > 3,
				)
			: all;
		return [...fitting].sort(ORDER[sort] ?? ORDER.worst);
	}, [q.data, text, sort, gone]);

	let body;
	if (q.error && !q.data) body = <Failed error={q.error} retry={q.reload} />;
	else if (!q.data) body = <Loading rows={12} />;
	else if (!q.data.items.length) {
		body = (
			<Empty
				icon="containers"
				title="No container is known"
				command="podman run --rm -d docker.io/library/nginx"
			>
				Containers of Docker, Podman, containerd and CRI-O appear here by themselves, from
				their first process on. Nothing has to be set up. To see one:
			</Empty>
		);
	} else if (!rows.length) {
		body = (
			<Empty icon="search" title="No container fits">
				{text ? (
					<>
						Nothing is called <b>{text}</b>.{' '}
					</>
				) : (
					'None is running now. '
				)}
				{!gone && (
					<button class="button" onClick={() => setQuery({ gone: '1' })}>
						Show those that have ended
					</button>
				)}
			</Empty>
		);
	} else {
		body = (
			<Rows
				label="Containers"
				class="containers"
				rows={rows}
				id={(c) => c.id}
				height={narrow ? 62 : 40}
				open={(c) => go(containerHref(c))}
				head={<Head />}
				cells={(c) => <Cells c={c} />}
				foot={<p class="rows-foot">{plural(rows.length, 'container')}</p>}
			/>
		);
	}
	return (
		<Page
			title="Containers"
			fill
			tools={
				<>
					<SearchBox
						label="Search containers"
						hint="Name, image, pod"
						text={text}
						setText={setText}
					/>
					<div class="tools-rest">
						<Segments
							label="Order"
							value={sort}
							choices={SORTS}
							choose={(v) => setQuery({ sort: v })}
						/>
						<Segments
							label="Which"
							value={gone ? 'all' : 'running'}
							choices={[
								{ value: 'running', label: 'Running' },
								{ value: 'all', label: 'With ended ones' },
							]}
							choose={(v) => setQuery({ gone: v === 'all' ? '1' : null })}
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
				<span class="sr">Worst finding</span>
			</span>
			<span role="columnheader">Container</span>
			<span role="columnheader">Image</span>
			<span role="columnheader" class="num">
				Findings
			</span>
			<span role="columnheader" class="num">
				CPU
			</span>
			<span role="columnheader" class="num">
				Memory
			</span>
			<span role="columnheader" class="num">
				Processes
			</span>
			<span role="columnheader" class="num">
				Connections
			</span>
			<span role="columnheader" class="c-time">
				Since
			</span>
		</>
	);
}

function Cells({ c }: { c: Container }) {
	return (
		<>
			<span role="gridcell">
				{c.worst_priority ? (
					<Severity of={c.worst_priority} />
				) : (
					<span class="calm" title="No findings">
						<Icon name="check" size={13} />
						<span class="sr">No findings</span>
					</span>
				)}
			</span>
			<span role="gridcell" class="c-name">
				<a href={containerHref(c)} tabIndex={-1}>
					{c.name || c.id}
				</a>
				{c.pod && (
					<span class="muted">
						{c.namespace}/{c.pod}
					</span>
				)}
				{c.privileged && <span class="badge bad">privileged</span>}
				{!isRunning(c) && <span class="badge">ended</span>}
			</span>
			<span role="gridcell" class="c-image mono" title={c.image}>
				{shortImage(c.image)}
			</span>
			<span role="gridcell" class="num c-found">
				{c.open ? (
					<b>{count(c.open)}</b>
				) : (
					<span class="faint">{c.findings ? count(c.findings) : '0'}</span>
				)}
			</span>
			<span role="gridcell" class="num c-cpu">
				{percent(cpuPercent(c))}
			</span>
			<span role="gridcell" class="num c-mem">
				{bytes(c.rss_bytes)}
			</span>
			<span role="gridcell" class="num c-procs">
				{count(c.nprocesses)}
			</span>
			<span role="gridcell" class="num c-conns">
				{count(c.nconnections ?? c.connections?.length)}
			</span>
			<span role="gridcell" class="c-time">
				<Ago time={since(c)} />
			</span>
		</>
	);
}
