// SPDX-License-Identifier: Apache-2.0
// A list of any length: only what is in sight is in the document. One row is current; j and k move
// it, Enter opens it, x picks it. Assistive technology sees a grid with its true number of rows.
import {
	Virtualizer,
	elementScroll,
	observeElementOffset,
	observeElementRect,
} from '@tanstack/virtual-core';
import type { ComponentChildren } from 'preact';
import { memo } from 'preact/compat';
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';
import { useKeys } from '../lib/keys';

export interface RowsProps<T> {
	label: string;
	rows: T[];
	id: (row: T) => string;
	/* Cells of a row, each with role="gridcell". */
	cells: (row: T, current: boolean) => ComponentChildren;
	head?: ComponentChildren;
	class: string;
	height: number;
	open?: (row: T) => void;
	href?: (row: T) => string;
	picked?: Set<string>;
	pick?: (row: T, range: boolean) => void;
	more?: boolean;
	loadMore?: () => void;
	foot?: ComponentChildren;
	total?: number | null;
	onCurrent?: (row: T | undefined) => void;
	/* The row to begin with, if it is among the first. */
	start?: string;
	/* Keys are left to another list of the page. */
	quiet?: boolean;
}

export function Rows<T>(p: RowsProps<T>) {
	const scroller = useRef<HTMLDivElement>(null);
	const [, redraw] = useReducer((n: number) => n + 1, 0);
	const [current, setCurrent] = useState(-1);
	const currentId = useRef<string>();

	const options = {
		count: p.rows.length,
		getScrollElement: () => scroller.current,
		estimateSize: () => p.height,
		overscan: 8,
		observeElementRect,
		observeElementOffset,
		scrollToFn: elementScroll,
		getItemKey: (i: number) => p.id(p.rows[i]!),
		onChange: (_: unknown, sync: boolean) => redraw(Number(sync)),
	};
	const [virtual] = useState(
		() => new Virtualizer<HTMLDivElement, HTMLDivElement>(options as never),
	);
	virtual.setOptions(options as never);
	useEffect(() => virtual._didMount(), []);
	useLayoutEffect(() => virtual._willUpdate());
	useLayoutEffect(() => virtual.measure(), [p.height]);

	// New rows come in above: the current one stays the current one.
	useLayoutEffect(() => {
		if (current < 0 || !currentId.current) return;
		if (p.rows[current] && p.id(p.rows[current]!) === currentId.current) return;
		const at = p.rows.findIndex((r) => p.id(r) === currentId.current);
		if (at >= 0) setCurrent(at);
		else setCurrent(Math.min(current, p.rows.length - 1));
	}, [p.rows]);

	useLayoutEffect(() => {
		const at = p.start ? p.rows.findIndex((r) => p.id(r) === p.start) : -1;
		if (at < 0) return;
		currentId.current = p.start;
		setCurrent(at);
		p.onCurrent?.(p.rows[at]);
		virtual.scrollToIndex(at, { align: 'center' });
	}, []);

	const move = (to: number) => {
		if (!p.rows.length) return;
		const at = Math.max(0, Math.min(p.rows.length - 1, to));
		currentId.current = p.id(p.rows[at]!);
		setCurrent(at);
		p.onCurrent?.(p.rows[at]);
		virtual.scrollToIndex(at, { align: 'auto' });
		if (at > p.rows.length - 20 && p.more) p.loadMore?.();
	};

	const page = () =>
		Math.max(1, Math.floor((scroller.current?.clientHeight ?? 400) / p.height) - 1);
	const row = () => p.rows[current];
	const group = 'List';
	useKeys(
		[
			{ keys: 'j', label: 'Next', group, run: () => move(current + 1) },
			{ keys: 'k', label: 'Previous', group, run: () => move(current - 1) },
			{ keys: 'arrowdown', label: 'Next', group, run: () => move(current + 1) },
			{ keys: 'arrowup', label: 'Previous', group, run: () => move(current - 1) },
			{ keys: 'pagedown', label: 'A screen down', group, run: () => move(current + page()) },
			{ keys: 'pageup', label: 'A screen up', group, run: () => move(current - page()) },
			{ keys: 'home', label: 'First', group, run: () => move(0) },
			{ keys: 'end', label: 'Last', group, run: () => move(p.rows.length - 1) },
			{ keys: 'G', label: 'Last', group, run: () => move(p.rows.length - 1) },
			...(p.open
				? [{ keys: 'enter', label: 'Open', group, run: () => row() && p.open!(row()!) }]
				: []),
			...(p.pick
				? [
						{
							keys: 'x',
							label: 'Pick',
							group,
							run: () => row() && p.pick!(row()!, false),
						},
						{
							keys: 'X',
							label: 'Pick up to here',
							group,
							run: () => row() && p.pick!(row()!, true),
						},
					]
				: []),
		],
		!p.quiet,
	);

	const items = virtual.getVirtualItems();
	const last = items[items.length - 1];
	useEffect(() => {
		if (last && last.index > p.rows.length - 30 && p.more) p.loadMore?.();
	}, [last?.index, p.rows.length, p.more]);

	// Rows ask here for what the newest drawing of the list means; so none is drawn anew for a scroll.
	const list = useRef<ListOf<unknown>>({} as ListOf<unknown>).current;
	list.props = p as unknown as RowsProps<unknown>;
	list.click = (r, shift) => {
		const row = r as T;
		currentId.current = p.id(row);
		setCurrent(p.rows.indexOf(row));
		p.onCurrent?.(row);
		if (shift && p.pick) p.pick(row, true);
		else p.open?.(row);
	};
	const gridId = `rows-${p.class.split(' ')[0]}`;
	return (
		<div
			class={`rows ${p.class}`}
			role="grid"
			aria-label={p.label}
			aria-multiselectable={!!p.pick}
			aria-rowcount={p.total ?? (p.more ? -1 : p.rows.length + (p.head ? 1 : 0))}
		>
			{p.head && (
				<div role="rowgroup" class="rows-headgroup">
					<div class="row rows-head" role="row" aria-rowindex={1}>
						{p.head}
					</div>
				</div>
			)}
			<div
				class="rows-scroll"
				ref={scroller}
				tabIndex={0}
				role="rowgroup"
				aria-label={p.label}
				aria-activedescendant={current >= 0 ? `${gridId}-${current}` : undefined}
			>
				<div
					class="rows-all"
					style={{ height: `${virtual.getTotalSize()}px` }}
					role="presentation"
				>
					{items.map((item) => {
						const r = p.rows[item.index];
						if (!r) return null;
						const id = p.id(r);
						return (
							<Line
								key={id}
								row={r}
								id={`${gridId}-${item.index}`}
								start={item.start}
								height={p.height}
								index={item.index + (p.head ? 2 : 1)}
								isCurrent={item.index === current}
								isPicked={!!p.picked?.has(id)}
								list={list}
							/>
						);
					})}
				</div>
				{p.foot}
			</div>
		</div>
	);
}

interface ListOf<T> {
	props: RowsProps<T>;
	click: (row: T, shift: boolean) => void;
}

interface LineProps {
	row: unknown;
	id: string;
	start: number;
	height: number;
	index: number;
	isCurrent: boolean;
	isPicked: boolean;
	list: ListOf<unknown>;
}

const Line = memo(
	({ row, id, start, height, index, isCurrent, isPicked, list }: LineProps) => (
		<div
			id={id}
			role="row"
			class={`row ${isCurrent ? 'current' : ''} ${isPicked ? 'picked' : ''}`}
			aria-rowindex={index}
			aria-selected={list.props.pick ? isPicked : isCurrent}
			style={{ top: `${start}px`, height: `${height}px` }}
			onClick={(e) => {
				const inner = (e.target as Element).closest('a, button, input');
				// The row's own link opens as the row does, unless it is asked to open elsewhere.
				const isOwn =
					inner?.matches('a.c-rule') &&
					!(e.ctrlKey || e.metaKey || e.shiftKey || e.altKey);
				if (inner && !(isOwn && list.props.open)) return;
				if (isOwn) e.preventDefault();
				list.click(row, e.shiftKey);
			}}
		>
			{list.props.cells(row, isCurrent)}
		</div>
	),
	(a, b) =>
		a.row === b.row &&
		a.start === b.start &&
		a.index === b.index &&
		a.isCurrent === b.isCurrent &&
		a.isPicked === b.isPicked &&
		a.height === b.height,
);

const narrow = matchMedia('(max-width: 720px)');

/* The rows' height: two lines on a phone. */
export function useNarrow(): boolean {
	const [is, set] = useState(narrow.matches);
	useEffect(() => {
		const f = () => set(narrow.matches);
		narrow.addEventListener('change', f);
		return () => narrow.removeEventListener('change', f);
	}, []);
	return is;
}
