// SPDX-License-Identifier: Apache-2.0
// Lines over time, by uPlot. Drawn with the style sheet's colours; the last value stands beside it
// in words, so that the picture is never the only way to know.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { colour } from '../lib/colour';
import { shown } from '../lib/settings';

export interface Line {
	label: string;
	token: string;
	fill?: boolean;
	format: (n: number) => string;
	/* For the axis, where there is little room. */
	axis?: (n: number) => string;
}

export function Chart({
	times,
	values,
	lines,
	height = 120,
	label,
	max,
}: {
	times: number[];
	values: (number | null)[][];
	lines: Line[];
	height?: number;
	label: string;
	max?: number;
}) {
	const box = useRef<HTMLDivElement>(null);
	const plot = useRef<uPlot>();
	const look = shown.value;

	useEffect(() => {
		const el = box.current!;
		const grid = { stroke: colour('line'), width: 1 };
		const axis = {
			stroke: colour('faint'),
			grid,
			ticks: { show: false },
			font: `11px ${colour('sans')}`,
		};
		plot.current = new uPlot(
			{
				width: el.clientWidth,
				height,
				cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
				legend: { show: false },
				padding: [6, 14, 0, 0],
				scales: {
					x: { time: true },
					y: { range: (_u, _lo, hi) => [0, Math.max(max ?? 0, hi * 1.1, 1e-9)] },
				},
				axes: [
					{
						...axis,
						size: 22,
						grid: { show: false },
						space: 70,
						values: (_u, ticks) =>
							ticks.map((t) => new Date(t * 1000).toTimeString().slice(0, 5)),
					},
					{
						...axis,
						size: 46,
						space: 28,
						values: (_u, ticks) =>
							ticks.map((v) => (lines[0]!.axis ?? lines[0]!.format)(v)),
					},
				],
				series: [
					{},
					...lines.map((l) => ({
						label: l.label,
						stroke: colour(l.token),
						width: 1.5,
						fill: l.fill ? `${colour(l.token)}22` : undefined,
						points: { show: false },
						value: (_u: uPlot, v: number) => (v === null ? '–' : l.format(v)),
					})),
				],
			},
			[times, ...values] as uPlot.AlignedData,
			el,
		);
		const size = new ResizeObserver(() => {
			if (el.clientWidth) plot.current?.setSize({ width: el.clientWidth, height });
		});
		size.observe(el);
		return () => {
			size.disconnect();
			plot.current?.destroy();
		};
	}, [look, height, lines.map((l) => l.label).join()]);

	useEffect(() => {
		plot.current?.setData([times, ...values] as uPlot.AlignedData);
	}, [times, values]);

	return <div class="chart" ref={box} role="img" aria-label={label} />;
}
