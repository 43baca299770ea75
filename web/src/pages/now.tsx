// SPDX-License-Identifier: Apache-2.0
// Now: what is open, what arrives this second, what watching costs, what was lost.
import { useMemo } from 'preact/hooks';
import { bytes, count, percent, plural, span, toMs, whole } from '../lib/format';
import { useQuery } from '../lib/query';
import { go } from '../lib/router';
import { leave } from '../lib/trail';
import { arrived, link, type Sample, samples } from '../lib/stream';
import type { Finding, Now as NowAnswer, Priority } from '../lib/types';
import { PRIORITIES } from '../lib/types';
import { Chart } from '../ui/chart';
import { FindingCells, FindingHead, findingHref } from '../ui/findingrow';
import { Spark } from '../ui/histogram';
import { Icon } from '../ui/icon';
import { Empty, Failed, Loading, Page, Panel } from '../ui/parts';
import { Rows, useNarrow } from '../ui/rows';
import { Severity, tone } from '../ui/severity';

export default function Now() {
	const now = useQuery<NowAnswer>('/now', undefined, 15_000);
	const narrow = useNarrow();
	const recent = now.data?.recent ?? [];
	const seen = useMemo(() => new Set(recent.map((f) => f.id)), [recent]);
	const list = useMemo(() => merge(arrived.value, recent), [arrived.value, recent]);

	if (now.error && !now.data)
		return (
			<Page title="Now">
				<Failed error={now.error} retry={now.reload} />
			</Page>
		);
	if (!now.data)
		return (
			<Page title="Now">
				<Loading />
			</Page>
		);
	const { sensor, counts } = now.data;
	return (
		<Page title="Now" fill actions={<SensorState now={now.data} />}>
			<div class="now">
				<div class="now-counts">
					<Open counts={counts} />
					<Panel
						title="Last hour"
						class="now-hour"
						aside={plural(
							counts.last_hour.reduce((a, b) => a + b, 0),
							'finding',
						)}
					>
						<Spark
							values={counts.last_hour}
							height={56}
							label="Findings of the last 60 minutes, one bar a minute"
						/>
						<div class="spark-foot" aria-hidden="true">
							<span>−60 m</span>
							<span>now</span>
						</div>
					</Panel>
				</div>
				<section class="now-list panel" aria-label="Newest findings">
					<header class="panel-head">
						<h2>Newest findings</h2>
						<div class="panel-aside">
							<a href="/findings?state=open">All open</a>
						</div>
					</header>
					{list.length ? (
						<Rows
							label="Newest findings"
							class="findings"
							rows={list}
							id={(f) => f.id}
							height={narrow ? 58 : 34}
							head={<FindingHead />}
							total={list.length + 1}
							open={(f) => {
								leave(
									list.map((x) => x.id),
									f.id,
								);
								go(findingHref(f));
							}}
							cells={(f) => <FindingCells f={f} fresh={!seen.has(f.id)} />}
						/>
					) : (
						<Quiet up={sensor.up} />
					)}
				</section>
				<aside class="now-side" aria-label="The sensor">
					<Rates now={now.data} />
					<Losses drops={sensor.drops ?? {}} total={sensor.events_total ?? 0} />
				</aside>
			</div>
		</Page>
	);
}

function merge(live: Finding[], recent: Finding[]): Finding[] {
	const all = new Map<string, Finding>();
	for (const f of [...recent, ...live]) if (!all.has(f.id)) all.set(f.id, f);
	return [...all.values()]
		.sort((a, b) => toMs(b.last_time ?? b.time) - toMs(a.last_time ?? a.time))
		.slice(0, 200);
}

function SensorState({ now }: { now: NowAnswer }) {
	const s = now.sensor;
	if (!s.up) {
		return (
			<span class="badge bad">
				<Icon name="close" size={13} /> The sensor is not running
			</span>
		);
	}
	return (
		<span class="now-sensor">
			<span class="badge good">
				<Icon name="check" size={13} /> Watching
			</span>
			<span class="muted">
				{s.hostname}
				{s.since && <> for {span((Date.now() - toMs(s.since)) / 1000)}</>}
				{s.rules !== undefined && <>, {plural(s.rules, 'rule')}</>}
			</span>
		</span>
	);
}

const SHOWN: Priority[] = ['Critical', 'Error', 'Warning', 'Notice', 'Informational'];

function Open({ counts }: { counts: NowAnswer['counts'] }) {
	// Emergency and Alert stand with Critical unless there are some.
	const rows = PRIORITIES.filter((p) => SHOWN.includes(p) || counts.by_priority[p]);
	return (
		<section class="panel now-open" aria-label="Open findings by priority">
			<a class="now-open-all" href="/findings?state=open">
				<span class="figure">{whole(counts.open)}</span>
				<span class="figure-label">open</span>
			</a>
			{rows.map((p) => {
				const n = counts.by_priority[p] ?? 0;
				return (
					<a
						key={p}
						class={`now-open-one ${n ? `tone-${tone(p)}` : 'none'}`}
						href={`/findings?state=open&priority=${p}`}
					>
						<span class="figure">{count(n)}</span>
						<span class="figure-label">
							<Severity of={p} text="short" size={12} />
						</span>
					</a>
				);
			})}
		</section>
	);
}

const series = (list: Sample[], name: string) =>
	list.map((s) => (typeof s.values[name] === 'number' ? (s.values[name] as number) : null));

function Rates({ now }: { now: NowAnswer }) {
	const list = samples.value;
	const last = list[list.length - 1]?.values;
	const s = now.sensor;
	const value = (name: 'events_per_s' | 'cpu_percent' | 'rss_bytes') =>
		typeof last?.[name] === 'number' ? (last[name] as number) : s[name];
	const times = useMemo(() => list.map((x) => x.time), [list]);
	const events = useMemo(() => [series(list, 'events_per_s')], [list]);
	const cpu = useMemo(() => [series(list, 'cpu_percent')], [list]);
	return (
		<Panel title="What watching costs">
			<div class="rate">
				<div class="rate-head">
					<span>Events a second</span>
					<b>{count(value('events_per_s'))}</b>
				</div>
				<Live ready={list.length > 1}>
					<Chart
						label={`Events a second, now ${count(value('events_per_s'))}`}
						times={times}
						values={events}
						height={92}
						lines={[
							{
								label: 'Events a second',
								token: 'accent',
								fill: true,
								format: count,
							},
						]}
					/>
				</Live>
			</div>
			<div class="rate">
				<div class="rate-head">
					<span>CPU of one core</span>
					<b>{percent(value('cpu_percent'))}</b>
				</div>
				<Live ready={list.length > 1}>
					<Chart
						label={`CPU, now ${percent(value('cpu_percent'))}`}
						times={times}
						values={cpu}
						height={76}
						max={2}
						lines={[
							{
								label: 'CPU',
								token: 'chart-2',
								fill: true,
								format: (n) => `${Number(n.toFixed(1))} %`,
							},
						]}
					/>
				</Live>
			</div>
			<dl class="figures">
				<div>
					<dt>Memory</dt>
					<dd>{bytes(value('rss_bytes'))}</dd>
				</div>
				<div>
					<dt>Events so far</dt>
					<dd>{count(s.events_total)}</dd>
				</div>
				<div title="Calls that no rule can match, ended in the kernel">
					<dt>Left in the kernel</dt>
					<dd>{count(s.dull_total)}</dd>
				</div>
			</dl>
		</Panel>
	);
}

function Live({ ready, children }: { ready: boolean; children: preact.ComponentChildren }) {
	if (ready) return <>{children}</>;
	return (
		<p class="chart-wait">
			{link.value === 'live'
				? 'The first samples arrive in a second or two.'
				: 'Waiting for the live stream.'}
		</p>
	);
}

function Losses({ drops, total }: { drops: Record<string, number>; total: number }) {
	const causes = Object.entries(drops)
		.filter(([, n]) => n > 0)
		.sort((a, b) => b[1] - a[1]);
	const sum = causes.reduce((n, [, v]) => n + v, 0);
	return (
		<Panel
			title="Lost"
			aside={
				sum ? (
					<span class="badge warn">{whole(sum)}</span>
				) : (
					<span class="badge good">nothing</span>
				)
			}
		>
			{sum ? (
				<>
					<ul class="bars">
						{causes.map(([cause, n]) => (
							<li key={cause}>
								<span class="mono">{cause}</span>
								<b>{whole(n)}</b>
								<span class="bar">
									<span style={{ width: `${(n / causes[0]![1]) * 100}%` }} />
								</span>
							</li>
						))}
					</ul>
					<p class="hint">
						{total ? `${((sum / total) * 1e6).toFixed(1)} of a million events. ` : ''}A
						full ring can be made larger: <code>sensor.buffer</code> in koban.yaml.
					</p>
				</>
			) : (
				<p class="hint">
					Every event that the sensor made was judged. Each place where one could be lost
					has a counter, and all of them stand at zero.
				</p>
			)}
		</Panel>
	);
}

function Quiet({ up }: { up: boolean }) {
	return up ? (
		<Empty icon="check" title="Nothing found yet" command="sudo cat /etc/shadow">
			koban is watching. To see a finding arrive here, do something that a rule looks for,
			such as reading the password file:
		</Empty>
	) : (
		<Empty icon="host" title="No sensor is connected" command="sudo koban up">
			The console shows what <code>koban watch</code> sends to it. Start both at once:
		</Empty>
	);
}
