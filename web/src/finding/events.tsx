// SPDX-License-Identifier: Apache-2.0
// What happened around a finding, as a time line: a strip that shows when, a list that says what.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { clock, offset, toMs } from '../lib/format';
import type { Query } from '../lib/query';
import type { TimelineEvent } from '../lib/types';
import { Empty, Failed, Loading } from '../ui/parts';

const HUES = 6;
const FAR_MS = 15_000;

export function Events({ query: q, at }: { query: Query<{ items: TimelineEvent[] }>; at: string }) {
	const [only, setOnly] = useState<number | null>(null);
	const list = useRef<HTMLOListElement>(null);
	const items = q.data?.items ?? [];
	const pids = useMemo(() => [...new Set(items.map((e) => e.pid))], [items]);
	const names = useMemo(() => new Map(items.map((e) => [e.pid, e.process])), [items]);

	useEffect(() => {
		const here = list.current?.querySelector<HTMLElement>('.here');
		if (here && list.current)
			list.current.scrollTop = here.offsetTop - list.current.clientHeight / 2;
	}, [q.data]);

	if (q.error && !q.data) return <Failed error={q.error} retry={q.reload} />;
	if (!q.data) return <Loading rows={5} />;
	if (!items.length) {
		return (
			<Empty icon="clock" title="No events were kept around it">
				The sensor sends what the same container or process tree did some seconds before and
				after. Those seconds may still be under way; look again shortly.
			</Empty>
		);
	}
	const zero = toMs(at);
	const shown = only === null ? items : items.filter((e) => e.pid === only || e.is_finding);
	return (
		<div class="events">
			<Strip items={items} zero={zero} hue={(pid) => pids.indexOf(pid) % HUES} only={only} />
			<div class="events-who" role="group" aria-label="Only one process">
				{pids.length > 1 &&
					pids.slice(0, 10).map((pid, i) => (
						<button
							key={pid}
							class="chip"
							aria-pressed={only === pid}
							onClick={() => setOnly(only === pid ? null : pid)}
						>
							<span class={`dot hue-${i % HUES}`} />
							{names.get(pid)} <span class="faint">{pid}</span>
						</button>
					))}
			</div>
			<ol class="events-list" ref={list} tabIndex={0} aria-label="Events around the finding">
				{shown.map((e, i) => {
					const ms = toMs(e.time) - zero;
					const isHere = !!e.is_finding && Math.abs(ms) < 0.001;
					return (
						<li
							key={i}
							class={`${e.is_finding ? 'finding-event' : ''} ${isHere ? 'here' : ''}`}
							aria-current={isHere || undefined}
						>
							<time dateTime={e.time} title={clock(e.time, 6)}>
								{isHere ? 'here' : offset(ms)}
							</time>
							<span class={`dot hue-${pids.indexOf(e.pid) % HUES}`} />
							<span class="mono e-who">{e.process}</span>
							<span class="mono e-type">{e.type}</span>
							<span class="mono e-text">{e.text}</span>
						</li>
					);
				})}
			</ol>
		</div>
	);
}

function Strip({
	items,
	zero,
	hue,
	only,
}: {
	items: TimelineEvent[];
	zero: number;
	hue: (pid: number) => number;
	only: number | null;
}) {
	const times = items.map((e) => toMs(e.time) - zero);
	// What lies farther off stands at the edge: the seconds around it matter.
	const from = Math.max(-FAR_MS, Math.min(-1, ...times));
	const to = Math.min(FAR_MS, Math.max(1, ...times));
	const x = (ms: number) => ((Math.max(from, Math.min(to, ms)) - from) / (to - from)) * 998;
	return (
		<div class="strip" aria-hidden="true">
			<svg viewBox="0 0 1000 36" preserveAspectRatio="none" height="36">
				{items.map((e, i) => (
					<rect
						key={i}
						class={`hue-${hue(e.pid)} ${only !== null && only !== e.pid ? 'off' : ''}`}
						x={x(times[i]!)}
						y={e.is_finding ? 2 : 12}
						width="2"
						height={e.is_finding ? 32 : 14}
					/>
				))}
				<rect class="zero" x={x(0)} y="0" width="1.5" height="36" />
			</svg>
			<div class="strip-foot">
				<span>{offset(from)}</span>
				<span>{offset(to)}</span>
			</div>
		</div>
	);
}
