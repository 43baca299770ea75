// SPDX-License-Identifier: Apache-2.0
// Findings over time as stacked bars. A span can be drawn with the pointer to look only at it.
import { useRef, useState } from 'preact/hooks';
import { clock, date, plural } from '../lib/format';

export interface Bar {
	from: number;
	to: number;
	parts: { tone: string; n: number }[];
}

export const ORDER = ['critical', 'error', 'warning', 'notice', 'info'];

export function Histogram({
	bars,
	height = 56,
	onSpan,
	label,
}: {
	bars: Bar[];
	height?: number;
	onSpan?: (from: number, to: number) => void;
	label: string;
}) {
	const box = useRef<HTMLDivElement>(null);
	const [drag, setDrag] = useState<[number, number] | null>(null);
	const [over, setOver] = useState<number | null>(null);
	const sums = bars.map((b) => b.parts.reduce((n, p) => n + p.n, 0));
	const top = Math.max(1, ...sums);
	const all = sums.reduce((a, b) => a + b, 0);
	const at = (e: PointerEvent) => {
		const r = box.current!.getBoundingClientRect();
		return Math.max(
			0,
			Math.min(bars.length - 1, Math.floor(((e.clientX - r.left) / r.width) * bars.length)),
		);
	};
	const shown = over !== null && bars[over];
	return (
		<div
			class="histogram"
			ref={box}
			role="img"
			aria-label={`${label}: ${plural(all, 'finding')}, at most ${top} in one bar`}
			onPointerDown={(e) => {
				if (!onSpan) return;
				box.current!.setPointerCapture(e.pointerId);
				setDrag([at(e), at(e)]);
			}}
			onPointerMove={(e) => {
				setOver(at(e));
				if (drag) setDrag([drag[0], at(e)]);
			}}
			onPointerLeave={() => setOver(null)}
			onPointerUp={() => {
				if (!drag) return;
				const [a, b] = [Math.min(...drag), Math.max(...drag)];
				setDrag(null);
				onSpan?.(bars[a]!.from, bars[b]!.to);
			}}
		>
			<svg
				viewBox={`0 0 ${bars.length} ${height}`}
				preserveAspectRatio="none"
				height={height}
				aria-hidden="true"
			>
				{drag && (
					<rect
						class="brush"
						x={Math.min(...drag)}
						width={Math.abs(drag[1] - drag[0]) + 1}
						y={0}
						height={height}
					/>
				)}
				{bars.map((b, i) => {
					let y = height - 1;
					return (
						<g key={i} class={over === i ? 'over' : ''}>
							{ORDER.map((t) => {
								const n = b.parts.find((p) => p.tone === t)?.n ?? 0;
								if (!n) return null;
								const h = Math.max(2, (n / top) * (height - 4));
								y -= h;
								return (
									<rect
										key={t}
										class={`fill-${t}`}
										x={i + 0.12}
										width={0.76}
										y={y}
										height={h}
									/>
								);
							})}
						</g>
					);
				})}
				<rect class="axis" x={0} y={height - 1} width={bars.length} height={1} />
			</svg>
			{bars.length > 0 && (
				<div class="histogram-foot" aria-hidden="true">
					{shown ? (
						<span>
							{date(shown.from)} {clock(shown.from)} – {clock(shown.to)}:{' '}
							{plural(sums[over!]!, 'finding')}
						</span>
					) : (
						<>
							<span>{tick(bars[0]!.from, bars)}</span>
							<span>{tick(bars[bars.length - 1]!.to, bars)}</span>
						</>
					)}
				</div>
			)}
		</div>
	);
}

function tick(ms: number, bars: Bar[]): string {
	const whole = bars[bars.length - 1]!.to - bars[0]!.from;
	return whole > 2 * 86400e3
		? date(ms)
		: `${whole > 86400e3 / 2 ? `${date(ms).slice(5)} ` : ''}${clock(ms).slice(0, 5)}`;
}

/* One number a minute, as bars without axes. */
export function Spark({
	values,
	label,
	height = 32,
}: {
	values: number[];
	label: string;
	height?: number;
}) {
	const top = Math.max(1, ...values);
	return (
		<svg
			class="spark"
			viewBox={`0 0 ${values.length} ${height}`}
			preserveAspectRatio="none"
			height={height}
			role="img"
			aria-label={label}
		>
			{values.map((v, i) => {
				const h = v ? Math.max(2, (v / top) * height) : 1;
				return (
					<rect
						key={i}
						class={v ? '' : 'zero'}
						x={i + 0.15}
						width={0.7}
						y={height - h}
						height={h}
					/>
				);
			})}
		</svg>
	);
}
