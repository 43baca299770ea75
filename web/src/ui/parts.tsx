// SPDX-License-Identifier: Apache-2.0
// Small parts that every page uses: its frame, panels, what is shown while there is nothing.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ApiError } from '../lib/api';
import { ago, stamp } from '../lib/format';
import { Icon, type IconName } from './icon';
import { say } from './toast';

/* A page: its name, what can be done with all of it, and its body. */
export function Page({
	title,
	crumbs,
	actions,
	children,
	fill,
	tools,
}: {
	title: string;
	crumbs?: { name: string; href: string }[];
	actions?: ComponentChildren;
	children: ComponentChildren;
	/* The body fills the window and scrolls inside. */
	fill?: boolean;
	tools?: ComponentChildren;
}) {
	useEffect(() => {
		document.title = `${title} · koban`;
	}, [title]);
	return (
		<>
			<header class="page-head">
				<div class="page-title">
					{crumbs?.map((c) => (
						<span key={c.href} class="crumb">
							<a href={c.href}>{c.name}</a>
							<Icon name="right" size={12} />
						</span>
					))}
					<h1 tabIndex={-1}>{title}</h1>
				</div>
				<div class="page-actions">{actions}</div>
			</header>
			{tools && <div class="page-tools">{tools}</div>}
			<div class={`page-body ${fill ? 'fill' : ''}`}>{children}</div>
		</>
	);
}

export function Panel({
	title,
	aside,
	children,
	flush,
	class: extra,
	id,
}: {
	title?: ComponentChildren;
	aside?: ComponentChildren;
	children: ComponentChildren;
	flush?: boolean;
	class?: string;
	id?: string;
}) {
	return (
		<section class={`panel ${extra ?? ''}`} id={id}>
			{title && (
				<header class="panel-head">
					<h2>{title}</h2>
					{aside && <div class="panel-aside">{aside}</div>}
				</header>
			)}
			<div class={`panel-body ${flush ? 'flush' : ''}`}>{children}</div>
		</section>
	);
}

/* Nothing is here: why that is, and what to do next. */
export function Empty({
	icon,
	title,
	children,
	command,
	action,
}: {
	icon: IconName;
	title: string;
	children?: ComponentChildren;
	command?: string;
	action?: ComponentChildren;
}) {
	return (
		<div class="empty">
			<span class="empty-icon">
				<Icon name={icon} size={28} />
			</span>
			<p class="empty-title">{title}</p>
			{children && <div class="empty-text">{children}</div>}
			{command && <Command text={command} />}
			{action}
		</div>
	);
}

export function Failed({ error, retry }: { error: ApiError | Error; retry?: () => void }) {
	return (
		<div class="empty" role="alert">
			<span class="empty-icon bad">
				<Icon name="findings" size={28} />
			</span>
			<p class="empty-title">That did not work</p>
			<div class="empty-text">{error.message}</div>
			{retry && (
				<button class="button" onClick={retry}>
					Try again
				</button>
			)}
		</div>
	);
}

/* Waits a moment before it shows: what is quick should not flicker. */
export function Loading({ rows = 6, label = 'Loading' }: { rows?: number; label?: string }) {
	const [late, setLate] = useState(false);
	useEffect(() => {
		const timer = setTimeout(() => setLate(true), 150);
		return () => clearTimeout(timer);
	}, []);
	return (
		<div class={`loading ${late ? 'late' : ''}`} role="status" aria-label={label}>
			{Array.from({ length: rows }, (_, i) => (
				<div key={i} class={`ghost-row w${i % 4}`} />
			))}
		</div>
	);
}

export async function copy(text: string) {
	try {
		await navigator.clipboard.writeText(text);
		say('Copied');
	} catch {
		say('The browser does not let this page copy; select the text by hand', { bad: true });
	}
}

export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
	return (
		<button
			class="button ghost square small copy"
			aria-label={label}
			title={label}
			onClick={(e) => {
				e.preventDefault();
				e.stopPropagation();
				copy(text);
			}}
		>
			<Icon name="copy" size={13} />
		</button>
	);
}

export function Command({ text }: { text: string }) {
	return (
		<div class="command">
			<code>{text}</code>
			<CopyButton text={text} label="Copy the command" />
		</div>
	);
}

/* How long ago; the full time on hover. Ticks. */
export function Ago({ time }: { time: string | undefined | null }) {
	useTick();
	if (!time) return <span class="faint">–</span>;
	return (
		<time dateTime={time} title={stamp(time, 3)}>
			{ago(time)}
		</time>
	);
}

const ticking = new Set<() => void>();
setInterval(() => ticking.forEach((f) => f()), 10_000);

function useTick() {
	const [, draw] = useState(0);
	useEffect(() => {
		const f = () => draw((n) => n + 1);
		ticking.add(f);
		return () => void ticking.delete(f);
	}, []);
}

/* Names and values side by side; what is empty is left out. */
export function Facts({ rows }: { rows: [string, ComponentChildren][] }) {
	const there = rows.filter(([, v]) => v !== undefined && v !== null && v !== '' && v !== false);
	return (
		<dl class="facts">
			{there.map(([k, v]) => (
				<div key={k}>
					<dt>{k}</dt>
					<dd>{v}</dd>
				</div>
			))}
		</dl>
	);
}

export function Switch({
	on,
	label,
	disabled,
	toggle,
}: {
	on: boolean;
	label: string;
	disabled?: boolean;
	toggle: () => void;
}) {
	return (
		<button
			type="button"
			role="switch"
			class="switch"
			aria-checked={on}
			aria-label={label}
			disabled={disabled}
			onClick={(e) => {
				e.stopPropagation();
				toggle();
			}}
		>
			<span />
		</button>
	);
}

/* Choices of which one holds. */
export function Segments<T extends string>({
	label,
	value,
	choices,
	choose,
}: {
	label: string;
	value: T;
	choices: { value: T; label: ComponentChildren; count?: number | string }[];
	choose: (value: T) => void;
}) {
	return (
		<div class="segments" role="group" aria-label={label}>
			{choices.map((c) => (
				<button
					key={c.value}
					type="button"
					aria-pressed={c.value === value}
					onClick={() => choose(c.value)}
				>
					{c.label}
					{c.count !== undefined && <span class="segment-count">{c.count}</span>}
				</button>
			))}
		</div>
	);
}

export function Progress({ label }: { label: string }) {
	return (
		<div class="progress" role="progressbar" aria-label={label}>
			<span />
			<p>{label}</p>
		</div>
	);
}
