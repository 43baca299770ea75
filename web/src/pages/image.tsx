// SPDX-License-Identifier: Apache-2.0
// One image: the verdict and why, what was found where, its layers as they lie on one another, its
// packages, what could not be read, and the containers that run it.
import { useMemo, useState } from 'preact/hooks';
import { bytes, count, plural, shortImage } from '../lib/format';
import {
	type ImageDetail,
	type ImageFinding,
	type ImageLayer,
	placeOf,
	reachOf,
	SEVERITIES,
	spoken,
	verdictTone,
} from '../lib/images';
import { useQuery } from '../lib/query';
import type { Match } from '../lib/router';
import type { Container, List } from '../lib/types';
import { Icon } from '../ui/icon';
import { Ago, CopyButton, Empty, Facts, Failed, Loading, Page, Panel } from '../ui/parts';
import { containerHref, isRunning } from './containers';

const PACKAGES_SHOWN = 200;

export default function Image({ params }: { params: Match }) {
	const q = useQuery<ImageDetail>(`/images/${encodeURIComponent(params.id!)}`);
	const containers = useQuery<List<Container>>('/containers', { limit: 1000 }, 30_000);
	const [layer, setLayer] = useState<number | null>(null);
	const i = q.data;
	const crumbs = [{ name: 'Images', href: '/images' }];
	if (!i)
		return (
			<Page title="Image" crumbs={crumbs}>
				{q.error ? <Failed error={q.error} retry={q.reload} /> : <Loading rows={8} />}
			</Page>
		);
	const runs = (containers.data?.items ?? []).filter(
		(c) => c.image === i.name || c.image === i.ref || (!!i.digest && c.digest === i.digest),
	);
	const findings = i.report.findings ?? [];
	const shown = layer === null ? findings : findings.filter((f) => isOf(f, layer));
	return (
		<Page
			title={shortImage(i.name)}
			crumbs={crumbs}
			actions={
				<>
					<span class={`badge ${verdictTone(i.verdict)}`}>{i.verdict}</span>
					<a
						class="button"
						href={`/findings?state=all&image=${encodeURIComponent(i.name)}`}
					>
						<Icon name="findings" size={14} /> Findings of its containers
					</a>
				</>
			}
		>
			<div class="container-page image-page">
				<p class={`verdict-line ${verdictTone(i.verdict)}`}>{i.reason}</p>
				<div class="container-columns">
					<About i={i} />
					<Runs list={runs} />
				</div>
				<div class="image-columns">
					<Stack i={i} findings={findings} chosen={layer} choose={setLayer} />
					<Panel
						title={layer === null ? 'Findings' : `Findings in layer ${layer + 1}`}
						aside={plural(shown.length, 'finding')}
					>
						{shown.length ? (
							<ul class="image-findings">
								{shown.map((f, n) => (
									<Found key={n} f={f} />
								))}
							</ul>
						) : (
							<Empty icon="check" title="Nothing was found here" />
						)}
					</Panel>
				</div>
				<Packages i={i} />
				<Gaps i={i} />
			</div>
		</Page>
	);
}

const isOf = (f: ImageFinding, layer: number) => f.place === 'file' && (f.layer ?? 0) === layer;

function About({ i }: { i: ImageDetail }) {
	const d = i.report.distro;
	return (
		<Panel title="What it is">
			<Facts
				rows={[
					['Name', <code key="n">{i.name}</code>],
					[
						'Digest',
						i.digest && (
							<>
								<code class="cut" title={i.digest}>
									{i.digest}
								</code>{' '}
								<CopyButton text={i.digest} />
							</>
						),
					],
					['Platform', i.platform],
					[
						'System',
						i.system && (
							<>
								{i.system}
								{d?.end_of_life && (
									<span class={d.is_ended ? 'lost' : 'muted'}>
										{d.is_ended ? ', support ended on ' : ', supported until '}
										{d.end_of_life}
									</span>
								)}
							</>
						),
					],
					[
						'Labels',
						i.labels.map((l) => (
							<a
								key={l}
								class="badge"
								href={`/images?label=${encodeURIComponent(l)}`}
							>
								{spoken(l)}
							</a>
						)),
					],
					[
						'Scanned',
						<>
							<Ago time={i.scanned} /> ago by {i.report.scanner ?? 'koban'}
						</>,
					],
				]}
			/>
		</Panel>
	);
}

/* Containers that were started from it. */
function Runs({ list }: { list: Container[] }) {
	return (
		<Panel title="Where it runs" aside={plural(list.filter(isRunning).length, 'container')}>
			{list.length ? (
				<ul class="image-runs">
					{list.slice(0, 12).map((c) => (
						<li key={c.id}>
							<a href={containerHref(c)}>{c.name || c.id}</a>
							{isRunning(c) ? (
								<span class="badge good">running</span>
							) : (
								<span class="badge">ended</span>
							)}
							{!!c.open && (
								<a href={`/findings?container=${encodeURIComponent(c.id)}`}>
									{plural(c.open, 'open finding')}
								</a>
							)}
						</li>
					))}
				</ul>
			) : (
				<p class="muted">No container of it was seen by the sensor.</p>
			)}
		</Panel>
	);
}

/* The layers, the uppermost first as they lie; each as wide as what it brought. */
function Stack({
	i,
	findings,
	chosen,
	choose,
}: {
	i: ImageDetail;
	findings: ImageFinding[];
	chosen: number | null;
	choose: (layer: number | null) => void;
}) {
	const layers = i.report.image.layers ?? [];
	const most = Math.max(1, ...layers.map((l) => l.unpacked_size ?? l.size ?? 0));
	return (
		<Panel
			title="Layers"
			aside={`${plural(layers.length, 'layer')}, ${bytes(i.size_bytes)}`}
			flush
		>
			<ol class="layer-stack" reversed>
				{layers
					.map((l, n) => (
						<Layer
							key={n}
							l={l}
							n={n}
							most={most}
							of={findings}
							chosen={chosen === n}
							choose={() => choose(chosen === n ? null : n)}
						/>
					))
					.reverse()}
			</ol>
		</Panel>
	);
}

function Layer({
	l,
	n,
	most,
	of,
	chosen,
	choose,
}: {
	l: ImageLayer;
	n: number;
	most: number;
	of: ImageFinding[];
	chosen: boolean;
	choose: () => void;
}) {
	const size = l.unpacked_size ?? l.size ?? 0;
	const own = of.filter((f) => isOf(f, n));
	const gone = of.filter((f) => f.deleted_in === n).length;
	return (
		<li>
			<button class="layer" aria-pressed={chosen} onClick={choose}>
				<span class="layer-head">
					<b>{n + 1}</b>
					<code class="cut" title={l.created_by}>
						{l.created_by || 'no word of how it was made'}
					</code>
				</span>
				<svg class="bar" height="6" width="100%" aria-hidden="true">
					<rect
						class="bar-share"
						x="0"
						y="0"
						height="6"
						width={`${Math.max(1, (100 * size) / most).toFixed(2)}%`}
					/>
				</svg>
				<span class="layer-foot">
					{bytes(size)}, {plural(l.nfiles ?? 0, 'file')}
					{SEVERITIES.slice(0, 4).map((s) => {
						const k = own.filter((f) => f.severity === s).length;
						return k ? (
							<span key={s} class={`sev-${s}`}>
								{k} {s}
							</span>
						) : null;
					})}
					{gone > 0 && <span class="badge warn">deletes {gone} found below</span>}
				</span>
			</button>
		</li>
	);
}

function Found({ f }: { f: ImageFinding }) {
	const reach = reachOf(f);
	return (
		<li class={f.is_ignored ? 'ignored' : ''}>
			<details>
				<summary>
					<span class={`badge sev-${f.severity}`}>{f.severity}</span>
					<span class="found-title">{f.title}</span>
					<code class="found-place">{placeOf(f)}</code>
				</summary>
				<Facts
					rows={[
						['Label', spoken(f.label)],
						['Layer', f.place === 'file' && `${(f.layer ?? 0) + 1}`],
						['Made by', f.created_by && <code>{f.created_by}</code>],
						['Reached', reach],
						[
							'Deleted',
							f.deleted_in !== undefined &&
								`in layer ${f.deleted_in + 1}, and still in the image`,
						],
						['Excerpt', f.excerpt && <code>{f.excerpt}</code>],
						...(f.facts ?? []).map((x): [string, preact.ComponentChildren] => [
							spoken(x.key),
							<code key={x.key}>{x.value}</code>,
						]),
						['What to do', f.mend],
						['Ignored', f.is_ignored && f.ignored_why],
						['Check', <code key="c">{f.check}</code>],
					]}
				/>
			</details>
		</li>
	);
}

function Packages({ i }: { i: ImageDetail }) {
	const [text, setText] = useState('');
	const all = i.report.packages ?? [];
	const fit = useMemo(() => {
		const wanted = text.trim().toLowerCase();
		return wanted
			? all.filter((p) =>
					`${p.name} ${p.version ?? ''} ${p.type}`.toLowerCase().includes(wanted),
				)
			: all;
	}, [text, i]);
	return (
		<Panel title="Packages" aside={plural(i.packages, 'package')} flush>
			{all.length ? (
				<>
					<div class="packages-search">
						<input
							value={text}
							aria-label="Search packages"
							placeholder="Name, version, kind"
							spellcheck={false}
							onInput={(e) => setText(e.currentTarget.value)}
						/>
					</div>
					<div
						class="table-scroll packages-list"
						tabIndex={0}
						role="group"
						aria-label="Packages"
					>
						<table class="table">
							<thead>
								<tr>
									<th scope="col">Package</th>
									<th scope="col">Version</th>
									<th scope="col">Kind</th>
									<th scope="col">From</th>
								</tr>
							</thead>
							<tbody>
								{fit.slice(0, PACKAGES_SHOWN).map((p, n) => (
									<tr key={n}>
										<td>
											{p.name}{' '}
											{p.deleted_in !== undefined && (
												<span class="badge">deleted</span>
											)}
										</td>
										<td class="mono">{p.version}</td>
										<td class="muted">{p.type}</td>
										<td class="mono muted">{p.path}</td>
									</tr>
								))}
							</tbody>
						</table>
					</div>
					{fit.length > PACKAGES_SHOWN && (
						<p class="rows-foot">
							{count(fit.length - PACKAGES_SHOWN)} more: search for what you look for
						</p>
					)}
				</>
			) : (
				<Empty
					icon="package"
					title={i.left_out ? 'The list was too long to be kept' : 'No package was found'}
				/>
			)}
		</Panel>
	);
}

/* What the scan did not see: a clean verdict is worth as much as this list is short. */
function Gaps({ i }: { i: ImageDetail }) {
	const c = i.report.coverage;
	const gaps = c?.gaps ?? [];
	return (
		<Panel
			title="What was not read"
			aside={`${count(c?.files)} files and ${bytes(c?.bytes)} were`}
		>
			{gaps.length ? (
				<ul class="gaps">
					{gaps.map((g, n) => (
						<li key={n}>
							{g.is_serious && <span class="badge warn">look at it</span>}
							<code>{g.what}</code>
							{(g.count ?? 1) > 1 && ` and ${count(g.count! - 1)} more`}: {g.why}
						</li>
					))}
				</ul>
			) : (
				<p class="muted">Everything was read.</p>
			)}
		</Panel>
	);
}
