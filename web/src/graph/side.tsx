// SPDX-License-Identifier: Apache-2.0
// What stands beside the picture: the selected entity, the path in words, the graph as a list.
import { useMemo } from 'preact/hooks';
import { count, plural } from '../lib/format';
import { useQuery } from '../lib/query';
import { setQuery } from '../lib/router';
import type { Graph as Answer, GraphNode } from '../lib/types';
import { neighbours } from './model';
import { Icon, kindIcon } from '../ui/icon';
import { CopyButton, Facts } from '../ui/parts';
import { rank, Severity } from '../ui/severity';

export function PathBar({
	query: q,
	select,
	close,
}: {
	query: ReturnType<typeof useQuery<Answer>>;
	select: (id: string) => void;
	close: () => void;
}) {
	const nodes = q.data?.nodes ?? [];
	return (
		<div class="path-bar" role="region" aria-label="Path to the internet">
			{q.error ? (
				<span>{q.error.message}</span>
			) : !q.data ? (
				<span class="muted">Looking for a way…</span>
			) : !nodes.length ? (
				<span>
					<Icon name="check" size={14} /> No way to the internet is known from here.
				</span>
			) : (
				<ol>
					{nodes.map((n, i) => (
						<li key={n.id}>
							{i > 0 && (
								<span class="path-edge">
									{edgeBetween(q.data!, nodes[i - 1]!.id, n.id)}{' '}
									<Icon name="right" size={11} />
								</span>
							)}
							<button class="chip" onClick={() => select(n.id)}>
								<Icon name={kindIcon(n.kind)} size={12} /> {n.name}
							</button>
						</li>
					))}
				</ol>
			)}
			<button class="button ghost square small" aria-label="Leave the path" onClick={close}>
				<Icon name="close" size={12} />
			</button>
		</div>
	);
}

const edgeBetween = (g: Answer, a: string, b: string) =>
	(
		g.edges.find((e) => (e.from === a && e.to === b) || (e.from === b && e.to === a))?.kind ??
		''
	).replace(/_/g, ' ');

const LINKS: Record<string, (n: GraphNode) => string | null> = {
	container: (n) =>
		`/containers/${encodeURIComponent(String(n.attrs?.id ?? n.attrs?.full_id ?? n.name))}`,
};

export function Side({
	graph,
	members,
	id,
	root,
	select,
	expand,
	busy,
}: {
	graph: Answer;
	members?: GraphNode[];
	id: string | null;
	root: string;
	select: (id: string) => void;
	expand: (id: string) => void;
	busy: boolean;
}) {
	const n = graph.nodes.find((x) => x.id === id);
	if (!n) {
		return (
			<aside class="graph-side" aria-label="Selected entity">
				<p class="hint pad">
					Select something: click it, or use the arrow keys in the picture. A double click
					expands it.
				</p>
			</aside>
		);
	}
	const around = neighbours(graph, n.id);
	const link = members ? null : LINKS[n.kind]?.(n);
	return (
		<aside class="graph-side" aria-label="Selected entity">
			<header>
				<p class="muted graph-kind">
					<Icon name={kindIcon(n.kind)} size={14} /> {n.kind}
				</p>
				<h2 class="mono" aria-live="polite">
					{n.name} <CopyButton text={n.name} />
				</h2>
				{!!n.findings && (
					<p>
						{members ? (
							<span class="found">
								{n.worst_priority && <Severity of={n.worst_priority} />}{' '}
								{plural(n.findings, 'finding')} of all of them
							</span>
						) : (
							<a
								class="found"
								href={`/findings?state=all&entity=${encodeURIComponent(n.id)}`}
							>
								{n.worst_priority && <Severity of={n.worst_priority} />}{' '}
								{plural(n.findings, 'finding')}
							</a>
						)}
					</p>
				)}
			</header>
			<div class="graph-buttons">
				<button class="button small" onClick={() => expand(n.id)} disabled={busy}>
					{busy ? 'One moment…' : members ? 'Take apart' : 'Expand'} <kbd>e</kbd>
				</button>
				{n.id !== root && !members && (
					<button
						class="button small"
						onClick={() => setQuery({ root: n.id, to: null }, false)}
					>
						Begin here <kbd>↵</kbd>
					</button>
				)}
				{link && (
					<a class="button small" href={link}>
						Open
					</a>
				)}
			</div>
			<Facts
				rows={Object.entries(n.attrs ?? {})
					.filter(([, v]) => typeof v !== 'object')
					.slice(0, 10)
					.map(([k, v]) => [k.replace(/_/g, ' '), <code>{String(v)}</code>])}
			/>
			{members && (
				<p class="hint">
					{members.length} {n.kind} entities of the same name that hang on the same
					others.
				</p>
			)}
			<h3>{plural(around.length, 'relation')}</h3>
			<ul class="neighbours">
				{around.slice(0, 200).map((a, i) => (
					<li key={i}>
						<button onClick={() => select(a.node.id)}>
							<span class="muted">
								{a.out
									? a.kind.replace(/_/g, ' ')
									: `← ${a.kind.replace(/_/g, ' ')}`}
							</span>
							<Icon name={kindIcon(a.node.kind)} size={13} />
							<span class="mono">{a.node.name}</span>
							{a.count > 1 && <span class="faint">×{count(a.count)}</span>}
						</button>
					</li>
				))}
			</ul>
		</aside>
	);
}

export function NodeList({
	graph,
	selected,
	select,
}: {
	graph: Answer;
	selected: string | null;
	select: (id: string) => void;
}) {
	const sorted = useMemo(
		() =>
			[...graph.nodes].sort(
				(a, b) =>
					rank(a.worst_priority) - rank(b.worst_priority) ||
					a.kind.localeCompare(b.kind) ||
					a.name.localeCompare(b.name),
			),
		[graph],
	);
	return (
		<div class="table-scroll node-list" tabIndex={0} role="group" aria-label="Entities">
			<table class="table">
				<thead>
					<tr>
						<th scope="col">Kind</th>
						<th scope="col">Name</th>
						<th scope="col" class="num">
							Findings
						</th>
						<th scope="col" class="num">
							Relations
						</th>
					</tr>
				</thead>
				<tbody>
					{sorted.slice(0, 1000).map((n) => (
						<tr key={n.id} class={n.id === selected ? 'current' : ''}>
							<td class="muted">
								<Icon name={kindIcon(n.kind)} size={13} /> {n.kind}
							</td>
							<td>
								<button class="plain mono" onClick={() => select(n.id)}>
									{n.name}
								</button>
							</td>
							<td class="num">
								{n.findings ? (
									<>
										{n.worst_priority && (
											<Severity of={n.worst_priority} size={12} />
										)}{' '}
										{count(n.findings)}
									</>
								) : (
									<span class="faint">0</span>
								)}
							</td>
							<td class="num">
								{graph.edges.filter((e) => e.from === n.id || e.to === n.id).length}
							</td>
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}
