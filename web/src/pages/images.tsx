// SPDX-License-Identifier: Apache-2.0
// Images that were scanned: their verdicts, scans under way, and what a survey adds up to.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { may, post } from '../lib/api';
import { fuzzy } from '../lib/fuzzy';
import { bytes, count, plural, shortImage } from '../lib/format';
import {
	type ImageRow,
	type ImageScan,
	spoken,
	type Survey,
	type SurveyRow,
	VERDICTS,
	type Verdict,
	verdictTone,
	worst,
} from '../lib/images';
import { invalidate, useQuery } from '../lib/query';
import { go, query, setQuery } from '../lib/router';
import type { List } from '../lib/types';
import { ask, Form } from '../ui/dialog';
import { Icon } from '../ui/icon';
import { Ago, Empty, Failed, Loading, Page, Panel, Segments } from '../ui/parts';
import { SearchBox } from '../ui/searchbox';
import { Rows, useNarrow } from '../ui/rows';
import { say } from '../ui/toast';

const imageHref = (i: ImageRow) => `/images/${encodeURIComponent(i.id)}`;
const isUnderWay = (s: ImageScan) => s.state === 'waiting' || s.state === 'running';

const askForScan = () =>
	ask(() => (
		<Form
			title="Scan an image"
			verb="Scan it"
			fields={[
				{
					name: 'ref',
					label: 'Image',
					placeholder: 'registry.example.org/team/app:1.2',
					hint: 'A name in a registry. It is read once, layer by layer, and not run.',
					required: true,
					mono: true,
					autocomplete: 'off',
				},
			]}
			submit={async ({ ref }) => {
				await post('/image-scans', { ref });
				say('The scan begins');
				invalidate('/image-scans');
			}}
		/>
	));

export default function Images() {
	const images = useQuery<List<ImageRow>>('/images', { limit: 500 }, 30_000);
	const [text, setText] = useState(query.peek().get('q') ?? '');
	const verdict = query.value.get('verdict') as Verdict | null;
	const label = query.value.get('label');
	const narrow = useNarrow();
	const all = images.data?.items ?? [];
	const rows = useMemo(
		() =>
			all.filter(
				(i) =>
					(!verdict || i.verdict === verdict) &&
					(!label || i.labels.includes(label)) &&
					(!text.trim() || fuzzy(text, `${i.name} ${i.ref} ${i.system}`) > 3),
			),
		[images.data, text, verdict, label],
	);
	let body;
	if (images.error && !images.data) body = <Failed error={images.error} retry={images.reload} />;
	else if (!images.data) body = <Loading rows={10} />;
	else if (!all.length)
		body = (
			<Empty
				icon="image"
				title="No image was scanned yet"
				command="koban image scan --json debian:12 | curl -H 'Authorization: Bearer …' --data-binary @- http://127.0.0.1:8766/api/v1/images"
			>
				Scan one here by its name, or send a report of <code>koban image scan</code> from
				where the image is built:
			</Empty>
		);
	else if (!rows.length)
		body = (
			<Empty icon="search" title="No image fits">
				<button
					class="button"
					onClick={() => {
						setText('');
						setQuery({ verdict: null, label: null });
					}}
				>
					Show all
				</button>
			</Empty>
		);
	else
		body = (
			<Rows
				label="Images"
				class="images"
				rows={rows}
				id={(i) => i.id}
				height={narrow ? 62 : 40}
				open={(i) => go(imageHref(i))}
				head={<Head />}
				cells={(i) => <Cells i={i} />}
				foot={<p class="rows-foot">{plural(rows.length, 'image')}</p>}
			/>
		);
	return (
		<Page
			title="Images"
			fill
			actions={
				may('analyst') && (
					<button class="button primary" onClick={askForScan}>
						<Icon name="plus" size={14} /> Scan an image
					</button>
				)
			}
			tools={
				<>
					<SearchBox
						label="Search images"
						hint="Name, system"
						text={text}
						setText={setText}
					/>
					<div class="tools-rest">
						{label && (
							<button class="button" onClick={() => setQuery({ label: null })}>
								{spoken(label)} <Icon name="close" size={12} />
							</button>
						)}
						<Segments
							label="Verdict"
							value={verdict ?? 'all'}
							choices={[
								{ value: 'all' as Verdict | 'all', label: 'All' },
								...VERDICTS.map((v) => ({
									value: v as Verdict | 'all',
									label: spoken(v),
									count: all.filter((i) => i.verdict === v).length,
								})),
							]}
							choose={(v) => setQuery({ verdict: v === 'all' ? null : v })}
						/>
					</div>
				</>
			}
		>
			<Scans />
			{body}
			<SurveyCharts />
		</Page>
	);
}

function Head() {
	return (
		<>
			<span role="columnheader">Verdict</span>
			<span role="columnheader">Image</span>
			<span role="columnheader">Labels</span>
			<span role="columnheader" class="num">
				Findings
			</span>
			<span role="columnheader" class="num">
				Packages
			</span>
			<span role="columnheader" class="num">
				Size
			</span>
			<span role="columnheader" class="c-time">
				Scanned
			</span>
		</>
	);
}

function Cells({ i }: { i: ImageRow }) {
	const bad = worst(i);
	return (
		<>
			<span role="gridcell">
				<span class={`badge ${verdictTone(i.verdict)}`}>{i.verdict}</span>
			</span>
			<span role="gridcell" class="c-name" title={i.reason}>
				<a href={imageHref(i)} tabIndex={-1}>
					{shortImage(i.name)}
				</a>
				<span class="muted">{i.system}</span>
			</span>
			<span role="gridcell" class="c-labels">
				{i.labels.map(spoken).join(', ')}
			</span>
			<span role="gridcell" class="num c-found">
				{bad ? (
					<span class={`sev-${bad}`}>
						{count(i.findings[bad])} {bad}
					</span>
				) : (
					<span class="faint">0</span>
				)}
			</span>
			<span role="gridcell" class="num c-packages">
				{count(i.packages)}
			</span>
			<span role="gridcell" class="num c-size">
				{bytes(i.size_bytes)}
			</span>
			<span role="gridcell" class="c-time">
				<Ago time={i.scanned} />
			</span>
		</>
	);
}

/* Scans that wait or run, and those that failed lately. */
function Scans() {
	const [busy, setBusy] = useState(false);
	const q = useQuery<List<ImageScan>>('/image-scans', undefined, busy ? 1000 : 10_000);
	const shown = (q.data?.items ?? []).filter((s) => isUnderWay(s) || s.state === 'failed');
	const now = shown.some(isUnderWay);
	useEffect(() => {
		if (busy && !now) invalidate('/images');
		setBusy(now);
	}, [now]);
	if (!shown.length) return null;
	return (
		<ul class="scans" aria-label="Scans">
			{shown.slice(0, 5).map((s) => (
				<li key={s.number}>
					<code class="cut">{s.ref}</code>
					{s.state === 'failed' ? (
						<span class="scan-problem">
							<span class="badge bad">failed</span> {s.problem}
						</span>
					) : (
						<>
							<progress max={100} value={s.percent} aria-label={`Scan of ${s.ref}`} />
							<span class="muted">
								{s.state === 'waiting' ? 'waits' : `${Math.floor(s.percent)} %`}
							</span>
						</>
					)}
				</li>
			))}
		</ul>
	);
}

const TABLES = ['categories', 'verdicts', 'secrets', 'impostors', 'wallets', 'systems'];

/* The tables of a survey as bars, each with the interval in which the whole's share lies. */
function SurveyCharts() {
	const q = useQuery<Survey>('/survey');
	const s = q.data?.survey;
	if (!s) return null;
	return (
		<section class="survey" aria-label="Survey">
			<h2>
				A survey of {plural(s.images, 'image')}
				<span class="muted">
					{' '}
					{count(s.malicious)} malicious, {count(s.flagged)} flagged;{' '}
					<Ago time={q.data!.taken} /> ago
				</span>
			</h2>
			<div class="survey-tables">
				{TABLES.filter((t) => s.tables[t]?.rows.length).map((t) => (
					<Panel key={t} title={s.tables[t]!.title} aside={s.tables[t]!.of}>
						<table class="bars">
							<tbody>
								{s.tables[t]!.rows.slice(0, 10).map((r) => (
									<Bar key={r.name} r={r} />
								))}
							</tbody>
						</table>
					</Panel>
				))}
			</div>
		</section>
	);
}

function Bar({ r }: { r: SurveyRow }) {
	const at = (v: number) => `${(100 * v).toFixed(2)}%`;
	return (
		<tr>
			<th scope="row" title={r.name}>
				{r.name}
			</th>
			<td class="num">{count(r.images)}</td>
			<td
				class="bar-cell"
				title={`${(100 * r.share).toFixed(1)} %, with 95 % certainty between ${(100 * r.low).toFixed(1)} and ${(100 * r.high).toFixed(1)} %`}
			>
				<svg class="bar" height="14" width="100%" aria-hidden="true">
					<rect class="bar-share" x="0" y="2" height="10" width={at(r.share)} />
					<line class="bar-range" x1={at(r.low)} x2={at(r.high)} y1="7" y2="7" />
				</svg>
			</td>
			<td class="num">{(100 * r.share).toFixed(1)} %</td>
		</tr>
	);
}
