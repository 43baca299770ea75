// SPDX-License-Identifier: Apache-2.0
// One container: what it is, what it may do, what it talks to, what was found in it.
import { bytes, count, percent, plural, shortId } from '../lib/format';
import { cpuPercent } from '../lib/rates';
import { useQuery } from '../lib/query';
import { go, type Match } from '../lib/router';
import type { Connection, Container as Item, Finding, List } from '../lib/types';
import { FindingCells, FindingHead, findingHref } from '../ui/findingrow';
import { Icon } from '../ui/icon';
import { Ago, CopyButton, Empty, Facts, Failed, Loading, Page, Panel } from '../ui/parts';
import { Rows, useNarrow } from '../ui/rows';
import { isRunning } from './containers';

export default function Container({ params }: { params: Match }) {
	const q = useQuery<Item>(`/containers/${encodeURIComponent(params.id!)}`, undefined, 10_000);
	const findings = useQuery<List<Finding>>('/findings', {
		container: params.id,
		limit: 200,
		total: true,
	});
	const narrow = useNarrow();
	const c = q.data;
	const crumbs = [{ name: 'Containers', href: '/containers' }];
	if (q.error && !c)
		return (
			<Page title="Container" crumbs={crumbs}>
				<Failed error={q.error} retry={q.reload} />
			</Page>
		);
	if (!c)
		return (
			<Page title="Container" crumbs={crumbs}>
				<Loading rows={8} />
			</Page>
		);
	const list = findings.data?.items ?? [];
	return (
		<Page
			title={c.name || c.id}
			crumbs={crumbs}
			actions={
				<>
					{isRunning(c) ? (
						<span class="badge good">
							<Icon name="play" size={11} /> running
						</span>
					) : (
						<span class="badge">ended</span>
					)}
					{c.entity && (
						<a class="button" href={`/graph?root=${encodeURIComponent(c.entity)}`}>
							<Icon name="graph" size={14} /> Graph
						</a>
					)}
					{c.entity && (
						<a
							class="button"
							href={`/graph?root=${encodeURIComponent(c.entity)}&to=internet`}
						>
							<Icon name="route" size={14} /> Path to the internet
						</a>
					)}
				</>
			}
		>
			<div class="container-page">
				<div class="tiles">
					<Tile name="CPU" value={percent(cpuPercent(c))} />
					<Tile name="Memory" value={bytes(c.rss_bytes)} />
					<Tile name="Processes" value={count(c.nprocesses)} />
					<Tile name="Connections" value={count(c.connections?.length)} />
					<Tile
						name="Open findings"
						value={count(c.open ?? list.filter((f) => f.state === 'open').length)}
					/>
				</div>
				<div class="container-columns">
					<Panel title="What it is">
						<Facts
							rows={[
								[
									'Image',
									c.image && (
										<>
											<code>{c.image}</code>{' '}
											<a
												class="quiet"
												href={`/findings?state=all&image=${encodeURIComponent(c.image)}`}
											>
												findings of this image
											</a>
											<a
												class="quiet"
												href={`/images?q=${encodeURIComponent(c.image)}`}
											>
												what is in it
											</a>
										</>
									),
								],
								[
									'Digest',
									c.digest && (
										<code class="cut" title={c.digest}>
											{c.digest}
										</code>
									),
								],
								[
									'Id',
									<>
										<code>{shortId(c.full_id || c.id)}</code>{' '}
										<CopyButton text={c.full_id || c.id} />
									</>,
								],
								['Engine', c.engine],
								[
									'Pod',
									c.pod && (
										<>
											<code>
												{c.namespace}/{c.pod}
											</code>
										</>
									),
								],
								['Host', c.hostname],
								[
									'Started',
									c.started && (
										<>
											<Ago time={c.started} /> ago
										</>
									),
								],
								[
									'First seen',
									c.first && (
										<>
											<Ago time={c.first} /> ago
										</>
									),
								],
							]}
						/>
					</Panel>
					<Panel title="What it may do">
						<ul class="powers">
							<Power
								on={!!c.privileged}
								yes="Privileged: it can do what root on the host can"
								no="Not privileged"
							/>
							<Power
								on={!!c.host_network}
								yes="Uses the host’s network"
								no="Network of its own"
							/>
							<Power
								on={!!c.host_pid}
								yes="Sees the host’s processes"
								no="Sees only its own processes"
							/>
							{c.mounts?.map((m) => (
								<Power
									key={m.dest}
									on={!!m.rw && isSensitive(m.source)}
									neutral={!isSensitive(m.source)}
									yes={
										<>
											<code>{m.source}</code> at <code>{m.dest}</code>,
											writable
										</>
									}
									no={
										<>
											<code>{m.source}</code> at <code>{m.dest}</code>
											{m.rw ? '' : ', read-only'}
										</>
									}
								/>
							))}
						</ul>
					</Panel>
				</div>
				<Panel
					title="Findings"
					aside={
						<a href={`/findings?state=all&container=${encodeURIComponent(c.id)}`}>
							{plural(findings.data?.total ?? list.length, 'finding')}
						</a>
					}
					flush
					class="container-findings"
				>
					{list.length ? (
						<Rows
							label="Findings of this container"
							class="findings"
							rows={list}
							id={(f) => f.id}
							height={narrow ? 58 : 34}
							open={(f) => go(findingHref(f))}
							head={<FindingHead />}
							cells={(f) => <FindingCells f={f} />}
						/>
					) : findings.loading ? (
						<Loading rows={3} />
					) : (
						<Empty icon="check" title="Nothing was found in it">
							koban has watched it since its first process, or since koban started.
						</Empty>
					)}
				</Panel>
				<Panel title="Connections" aside={c.connections?.length ?? 0} flush>
					<Connections list={c.connections ?? []} />
				</Panel>
			</div>
		</Page>
	);
}

const isSensitive = (source: string) =>
	/^\/(etc|proc|sys|dev|root|boot|var\/run|run|var\/lib\/(docker|kubelet|containers))?(\/|$)/.test(
		source,
	);

function Tile({ name, value }: { name: string; value: string }) {
	return (
		<div class="tile">
			<span class="figure">{value}</span>
			<span class="figure-label">{name}</span>
		</div>
	);
}

function Power({
	on,
	yes,
	no,
	neutral,
}: {
	on: boolean;
	yes: preact.ComponentChildren;
	no: preact.ComponentChildren;
	neutral?: boolean;
}) {
	return (
		<li class={on ? 'on' : neutral ? 'neutral' : 'off'}>
			<Icon name={on ? 'findings' : neutral ? 'file' : 'check'} size={14} />
			<span>{on ? yes : no}</span>
		</li>
	);
}

export function Connections({ list }: { list: Connection[] }) {
	if (!list.length)
		return (
			<Empty icon="address" title="No connection is open">
				Listening sockets and open connections of its processes are listed here, ten seconds
				fresh.
			</Empty>
		);
	return (
		<div class="table-scroll" tabIndex={0} role="group" aria-label="Connections">
			<table class="table">
				<thead>
					<tr>
						<th scope="col">Process</th>
						<th scope="col">Protocol</th>
						<th scope="col">Local</th>
						<th scope="col">Direction</th>
						<th scope="col">Remote</th>
						<th scope="col">State</th>
					</tr>
				</thead>
				<tbody>
					{list.map((x, i) => (
						<tr key={i}>
							<td class="mono">
								{x.process} <span class="faint">{x.pid}</span>
							</td>
							<td>{x.proto}</td>
							<td class="mono">{x.local}</td>
							<td class="muted">
								{x.role === 'server' ? (x.remote ? 'from' : 'listens') : 'to'}
							</td>
							<td class="mono">{x.remote}</td>
							<td class="muted">{x.state}</td>
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}
