// SPDX-License-Identifier: Apache-2.0
// A priority is told by shape first and by colour second, and by its name for those who hear it.
import type { Priority, State } from '../lib/types';
import { PRIORITIES } from '../lib/types';

/* critical, error, warning, notice, info: the five colours of the style sheet. */
export const TONE: Record<Priority, 'critical' | 'error' | 'warning' | 'notice' | 'info'> = {
	Emergency: 'critical',
	Alert: 'critical',
	Critical: 'critical',
	Error: 'error',
	Warning: 'warning',
	Notice: 'notice',
	Informational: 'info',
	Debug: 'info',
};

export const tone = (p: Priority | null | undefined) => (p && TONE[p]) || 'info';
export const rank = (p: Priority | null | undefined) => (p ? PRIORITIES.indexOf(p) : 99);

/* octagon, diamond, triangle, ring, dot: filled where somebody should get up. */
const SHAPES: Record<Priority, { d: string; open?: boolean; bang?: string }> = {
	Emergency: {
		d: 'M5 1.5h6L14.5 5v6L11 14.5H5L1.5 11V5z',
		bang: 'M6.5 4.8v3.7M6.5 10.8v.2M9.5 4.8v3.7M9.5 10.8v.2',
	},
	Alert: { d: 'M5 1.5h6L14.5 5v6L11 14.5H5L1.5 11V5z', bang: 'M8 4.5v4.3M8 11v.2' },
	Critical: { d: 'M8 1 15 8l-7 7-7-7z', bang: 'M8 5v3.8M8 10.9v.2' },
	Error: { d: 'M8 2 15 14H1z', bang: 'M8 6.5v3.3M8 11.7v.2' },
	Warning: { d: 'M8 2.8 13.9 13H2.1z', open: true },
	Notice: { d: 'M8 13A5 5 0 1 0 8 3a5 5 0 0 0 0 10z', open: true },
	Informational: { d: 'M8 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z', open: true },
	Debug: { d: 'M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z' },
};

export function Severity({
	of,
	text = false,
	size = 14,
}: {
	of: Priority;
	text?: boolean | 'short';
	size?: number;
}) {
	const shape = SHAPES[of] ?? SHAPES.Debug;
	return (
		<span class={`severity tone-${tone(of)}`} title={text ? undefined : of}>
			<svg
				viewBox="0 0 16 16"
				width={size}
				height={size}
				aria-hidden="true"
				class={shape.open ? 'open' : 'filled'}
			>
				<path d={shape.d} />
				{shape.bang && <path d={shape.bang} class="bang" />}
			</svg>
			{text === 'short' && of === 'Informational' ? (
				'Info'
			) : text ? (
				of
			) : (
				<span class="sr">{of}</span>
			)}
		</span>
	);
}

const STATE_SHAPES: Record<State, string> = {
	open: 'M8 13.5A5.5 5.5 0 1 0 8 2.5a5.5 5.5 0 0 0 0 11z',
	acknowledged: 'M8 13.5A5.5 5.5 0 1 0 8 2.5a5.5 5.5 0 0 0 0 11zM8 5v3l2 1.5',
	resolved: 'M8 13.5A5.5 5.5 0 1 0 8 2.5a5.5 5.5 0 0 0 0 11zM5.5 8.2l1.8 1.8 3.2-3.7',
	muted: 'M8 13.5A5.5 5.5 0 1 0 8 2.5a5.5 5.5 0 0 0 0 11zM4.2 11.8l7.6-7.6',
};

export function StateMark({ of, text = false }: { of: State; text?: boolean }) {
	const name = of[0]!.toUpperCase() + of.slice(1);
	return (
		<span class={`state state-${of}`} title={text ? undefined : name}>
			<svg viewBox="0 0 16 16" width={14} height={14} aria-hidden="true">
				<path d={STATE_SHAPES[of] ?? STATE_SHAPES.open} />
			</svg>
			{text ? name : <span class="sr">{name}</span>}
		</span>
	);
}
