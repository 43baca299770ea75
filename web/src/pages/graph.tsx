// SPDX-License-Identifier: Apache-2.0
// The graph: what hangs together with an entity, and the shortest way from it to the internet.
import { useMemo, useRef, useState } from 'preact/hooks';
import { get } from '../lib/api';
import { plural } from '../lib/format';
import { useKeys } from '../lib/keys';
import { useQuery } from '../lib/query';
import { go, query, setQuery } from '../lib/router';
import type { Graph as Answer, GraphNode } from '../lib/types';
import { type CanvasHandle, GraphCanvas } from '../graph/canvas';
import { bundle, merge } from '../graph/model';
import { Icon } from '../ui/icon';
import { Failed, Loading, Page, Segments } from '../ui/parts';
import { complain, say } from '../ui/toast';
import { PathBar, Side, NodeList } from '../graph/side';
import { Choose } from '../graph/choose';

const LIMIT = 2000;

export default function Graph() {
	const q = query.value;
	const root = q.get('root');
	return root ? (
		<Around
			key={root}
			root={root}
			depth={q.get('depth') ?? '2'}
			to={q.get('to')}
			apart={q.get('apart') === '1'}
		/>
	) : (
		<Choose />
	);
}

function Around({
	root,
	depth,
	to,
	apart,
}: {
	root: string;
	depth: string;
	to: string | null;
	apart: boolean;
}) {
	const first = useQuery<Answer>('/graph', { root, depth, limit: LIMIT });
	const way = useQuery<Answer>(to ? '/graph/path' : null, { from: root, to: to ?? '' });
	const [more, setMore] = useState<Answer>({ nodes: [], edges: [] });
	const [selected, setSelected] = useState<string | null>(root);
	const [busy, setBusy] = useState(false);
	const [as, setAs] = useState<'picture' | 'list'>('picture');
	const canvas = useRef<CanvasHandle>();
	const [opened, setOpened] = useState<Set<string>>(new Set());
	const all = useMemo(() => merge(first.data, more, way.data), [first.data, more, way.data]);
	const path = useMemo(() => way.data?.nodes.map((n) => n.id) ?? [], [way.data]);
	const { graph, members } = useMemo(
		() =>
			apart
				? { graph: all, members: new Map<string, GraphNode[]>() }
				: bundle(all, new Set([root, ...path, ...opened])),
		[all, apart, path, opened],
	);
	const here = graph.nodes.find((n) => n.id === root);

	const expand = async (id: string) => {
		const inside = members.get(id);
		if (inside) {
			setOpened(new Set([...opened, ...inside.map((n) => n.id)]));
			say(`${plural(inside.length, 'entity', 'entities')} taken apart`);
			return;
		}
		setBusy(true);
		try {
			const got = await get<Answer>('/graph', { root: id, depth: 1, limit: 500 });
			const fresh = got.nodes.filter((n) => !all.nodes.some((o) => o.id === n.id)).length;
			say(
				fresh
					? `${plural(fresh, 'entity', 'entities')} more`
					: 'Everything around it is already shown',
			);
			setMore((m) => merge(m, got));
		} catch (e) {
			complain(e);
		}
		setBusy(false);
	};
	useKeys([
		{
			keys: 'e',
			label: 'Expand',
			group: 'Graph',
			run: () => {
				if (selected) expand(selected);
			},
		},
		{
			keys: 'p',
			label: 'Path to the internet',
			group: 'Graph',
			run: () => setQuery({ to: to ? null : 'internet', root: selected ?? root }, false),
		},
		{
			keys: 'enter',
			label: 'Begin with this one',
			group: 'Graph',
			run: () => {
				if (selected && selected !== root) setQuery({ root: selected, to: null }, false);
			},
		},
		{ keys: '0', label: 'Show all of it', group: 'Graph', run: () => canvas.current?.fit() },
		{ keys: '+', label: 'Closer', group: 'Graph', run: () => canvas.current?.zoom(1.3) },
		{ keys: '-', label: 'Farther', group: 'Graph', run: () => canvas.current?.zoom(1 / 1.3) },
		{
			keys: 'l',
			label: 'As picture or list',
			group: 'Graph',
			run: () => setAs(as === 'list' ? 'picture' : 'list'),
		},
		{ keys: '/', label: 'Begin elsewhere', run: () => go('/graph') },
	]);
	const crumbs = [{ name: 'Graph', href: '/graph' }];
	if (first.error && !first.data)
		return (
			<Page title="Graph" crumbs={crumbs}>
				<Failed error={first.error} retry={first.reload} />
			</Page>
		);
	return (
		<Page
			title={here?.name ?? 'Graph'}
			crumbs={crumbs}
			fill
			actions={
				<span class="muted">
					{plural(all.nodes.length, 'entity', 'entities')},{' '}
					{plural(all.edges.length, 'relation')}
					{first.data?.truncated ? ', cut off' : ''}
				</span>
			}
			tools={
				<>
					<div class="tools-rest">
						<Segments
							label="Steps"
							value={depth}
							choose={(v) => setQuery({ depth: v })}
							choices={['1', '2', '3', '4'].map((v) => ({
								value: v,
								label: v === '1' ? '1 step' : v,
							}))}
						/>
						<button
							class={`button ${to ? 'on' : ''}`}
							aria-pressed={!!to}
							onClick={() => setQuery({ to: to ? null : 'internet' }, false)}
						>
							<Icon name="route" size={14} /> Path to the internet <kbd>p</kbd>
						</button>
						<button
							class={`button ${apart ? '' : 'on'}`}
							aria-pressed={!apart}
							title="Draw entities that are alike and hang on the same as one"
							onClick={() => setQuery({ apart: apart ? null : '1' })}
						>
							Bundle alike
						</button>
						<Segments
							label="As"
							value={as}
							choose={setAs}
							choices={[
								{ value: 'picture', label: 'Picture' },
								{ value: 'list', label: 'List' },
							]}
						/>
						<span class="grow" />
						<button
							class="button square"
							aria-label="Farther"
							onClick={() => canvas.current?.zoom(1 / 1.3)}
						>
							−
						</button>
						<button
							class="button square"
							aria-label="Closer"
							onClick={() => canvas.current?.zoom(1.3)}
						>
							+
						</button>
						<button
							class="button square"
							aria-label="Show all of it"
							onClick={() => canvas.current?.fit()}
						>
							<Icon name="fit" size={14} />
						</button>
					</div>
				</>
			}
		>
			<div class="graph-page">
				<div class="graph-stage">
					{!first.data ? (
						<Loading />
					) : as === 'list' ? (
						<NodeList graph={graph} selected={selected} select={setSelected} />
					) : (
						<GraphCanvas
							graph={graph}
							root={root}
							selected={selected}
							path={to ? path : []}
							select={setSelected}
							open={expand}
							handle={(h) => {
								canvas.current = h;
								// The frame counters, for whoever measures.
								(window as unknown as { graphFrames: unknown }).graphFrames =
									h.frames;
							}}
						/>
					)}
					{to && (
						<PathBar
							query={way}
							select={setSelected}
							close={() => setQuery({ to: null }, false)}
						/>
					)}
				</div>
				<Side
					graph={graph}
					members={selected ? members.get(selected) : undefined}
					id={selected}
					root={root}
					busy={busy}
					select={(id) => {
						setSelected(id);
						canvas.current?.center(id);
					}}
					expand={expand}
				/>
			</div>
		</Page>
	);
}
