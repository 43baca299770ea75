// SPDX-License-Identifier: Apache-2.0
// Where a graph begins: an entity, found by a part of its name.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { count } from '../lib/format';
import { useQuery } from '../lib/query';
import { setQuery } from '../lib/router';
import type { GraphNode, List } from '../lib/types';
import { Icon, kindIcon } from '../ui/icon';
import { Empty, Failed, Loading, Page } from '../ui/parts';
import { rank, Severity } from '../ui/severity';

/* Where to begin. */
export function Choose() {
	const [text, setText] = useState('');
	const [asked, setAsked] = useState('');
	useEffect(() => {
		const timer = setTimeout(() => setAsked(text.trim()), 180);
		return () => clearTimeout(timer);
	}, [text]);
	const list = useQuery<List<GraphNode>>('/entities', { q: asked, limit: 200 });
	const items = list.data?.items ?? [];
	const sorted = useMemo(
		() =>
			[...items].sort(
				(a, b) =>
					rank(a.worst_priority) - rank(b.worst_priority) ||
					(b.findings ?? 0) - (a.findings ?? 0),
			),
		[list.data],
	);
	return (
		<Page title="Graph">
			<div class="choose">
				<form
					class="search big"
					role="search"
					onSubmit={(e) => {
						e.preventDefault();
						if (sorted[0]) setQuery({ root: sorted[0].id }, false);
					}}
				>
					<Icon name="search" size={16} />
					<input
						id="search"
						autofocus
						value={text}
						placeholder="A container, image, process, address, user, host…"
						aria-label="Begin with"
						spellcheck={false}
						autocomplete="off"
						onInput={(e) => setText(e.currentTarget.value)}
					/>
				</form>
				{list.error && !list.data ? (
					<Failed error={list.error} retry={list.reload} />
				) : !list.data ? (
					<Loading />
				) : !items.length ? (
					asked ? (
						<Empty icon="search" title={`Nothing is called “${asked}”`}>
							Names, ids and addresses are searched, any part of them.
						</Empty>
					) : (
						<Empty icon="graph" title="The graph is empty" command="sudo koban up">
							Hosts, containers, images, processes and addresses come into it with the
							sensor’s inventory and with every finding.
						</Empty>
					)
				) : (
					<ul class="entity-list panel">
						{sorted.slice(0, 100).map((e) => (
							<li key={e.id}>
								<a href={`/graph?root=${encodeURIComponent(e.id)}`}>
									<Icon name={kindIcon(e.kind)} size={15} />
									<span class="mono">{e.name}</span>
									<span class="muted">{e.kind}</span>
									{!!e.findings && (
										<span class="entity-found">
											{e.worst_priority && (
												<Severity of={e.worst_priority} size={12} />
											)}{' '}
											{count(e.findings)}
										</span>
									)}
								</a>
							</li>
						))}
					</ul>
				)}
			</div>
		</Page>
	);
}
