// SPDX-License-Identifier: Apache-2.0
// The sensor: what it is, what it lost, and its numbers over time.
import { useState } from 'preact/hooks';
import { bytes, count, percent, span, toMs, whole } from '../lib/format';
import { useQuery } from '../lib/query';
import type { List, Sensor, Series, System as Answer } from '../lib/types';
import { Chart } from '../ui/chart';
import { Empty, Facts, Failed, Loading, Panel, Segments } from '../ui/parts';

export function SensorTab() {
	const q = useQuery<Answer>('/system', undefined, 15_000);
	const [range, setRange] = useState<'1' | '6' | '24'>('1');
	if (q.error && !q.data) return <Failed error={q.error} retry={q.reload} />;
	if (!q.data) return <Loading />;
	const s: Sensor = q.data.sensor ?? { up: false };
	if (!s.up && !s.hostname) {
		return (
			<Empty icon="host" title="No sensor is connected" command="sudo koban up">
				The console shows what a sensor sends to its socket. This starts the sensor and the
				console together:
			</Empty>
		);
	}
	return (
		<div class="system">
			<Panel
				title="Sensor"
				aside={
					s.up ? (
						<span class="badge good">running</span>
					) : (
						<span class="badge bad">stopped</span>
					)
				}
			>
				<Facts
					rows={[
						['Host', s.hostname],
						['Kernel', s.kernel && <code>{s.kernel}</code>],
						['Version', s.version],
						['Running for', s.since && span((Date.now() - toMs(s.since)) / 1000)],
						['Rules', count(s.rules)],
						[
							'Events',
							`${count(s.events_per_s)} a second, ${whole(s.events_total)} in all`,
						],
						[
							'Left in the kernel',
							s.dull_total !== undefined &&
								`${whole(s.dull_total)} calls that no rule can match`,
						],
						['CPU', percent(s.cpu_percent)],
						['Memory', bytes(s.rss_bytes)],
					]}
				/>
			</Panel>
			<Panel title="Losses by cause">
				<Facts
					rows={Object.entries(s.drops ?? {}).map(([k, n]) => [
						k,
						<b class={n ? 'lost' : 'faint'}>{whole(n)}</b>,
					])}
				/>
			</Panel>
			<Panel
				title="Over time"
				class="wide"
				aside={
					<Segments
						label="How long"
						value={range}
						choose={setRange}
						choices={[
							{ value: '1', label: '1 hour' },
							{ value: '6', label: '6 hours' },
							{ value: '24', label: '24 hours' },
						]}
					/>
				}
			>
				<History hours={Number(range)} />
			</Panel>
		</div>
	);
}

function History({ hours }: { hours: number }) {
	const [from] = useState(() => new Map<number, string>());
	if (!from.has(hours))
		from.set(
			hours,
			new Date(Math.floor(Date.now() / 60e3) * 60e3 - hours * 3600e3).toISOString(),
		);
	const q = useQuery<List<Series>>(
		'/metrics',
		{ names: 'events_per_s,cpu_percent,rss_bytes', from: from.get(hours), points: 240 },
		30_000,
	);
	if (q.error && !q.data) return <Failed error={q.error} retry={q.reload} />;
	if (!q.data) return <Loading rows={3} />;
	const line = (name: string) => q.data!.items.find((s) => s.name === name)?.points ?? [];
	if (!line('events_per_s').length)
		return (
			<p class="hint">
				No samples in this time. They are kept while a console is open or the sensor
				reports.
			</p>
		);
	return (
		<div class="history">
			<Plot
				title="Events a second"
				token="accent"
				points={line('events_per_s')}
				format={count}
			/>
			<Plot
				title="CPU of one core"
				token="chart-2"
				points={line('cpu_percent')}
				format={(n) => `${Number(n.toFixed(1))} %`}
			/>
			<Plot
				title="Memory"
				token="chart-3"
				points={line('rss_bytes')}
				format={bytes}
				axis={(n) => `${Math.round(n / 2 ** 20)} M`}
			/>
		</div>
	);
}

function Plot({
	title,
	token,
	points,
	format,
	axis,
}: {
	title: string;
	token: string;
	points: Series['points'];
	format: (n: number) => string;
	axis?: (n: number) => string;
}) {
	const last = points[points.length - 1];
	return (
		<figure>
			<figcaption>
				{title} {last && <b>{format(last.mean)}</b>}
			</figcaption>
			<Chart
				label={`${title}${last ? `, last ${format(last.mean)}` : ''}`}
				height={130}
				times={points.map((p) => toMs(p.time) / 1000)}
				values={[points.map((p) => p.mean)]}
				lines={[{ label: title, token, fill: true, format, axis }]}
			/>
		</figure>
	);
}
