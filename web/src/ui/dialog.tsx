// SPDX-License-Identifier: Apache-2.0
// Dialogs are the browser's own <dialog>: it holds the focus, closes on Escape, and hides the rest.
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Icon } from './icon';

export function Dialog({
	title,
	children,
	onClose,
	wide,
	plain,
}: {
	title: string;
	children: ComponentChildren;
	onClose: () => void;
	wide?: boolean;
	plain?: boolean;
}) {
	const ref = useRef<HTMLDialogElement>(null);
	// Before the next key is pressed: what is typed blindly goes into the dialog.
	useLayoutEffect(() => {
		const before = document.activeElement as HTMLElement | null;
		ref.current?.showModal();
		return () => before?.isConnected && before.focus?.();
	}, []);
	return (
		<dialog
			ref={ref}
			class={`dialog ${wide ? 'wide' : ''} ${plain ? 'plain' : ''}`}
			aria-label={title}
			onClose={onClose}
			onClick={(e) => e.target === ref.current && ref.current?.close()}
		>
			<div class="dialog-body">
				{!plain && (
					<header class="dialog-head">
						<h2>{title}</h2>
						<button
							class="button ghost square"
							aria-label="Close"
							type="button"
							onClick={() => ref.current?.close()}
						>
							<Icon name="close" />
						</button>
					</header>
				)}
				{children}
			</div>
		</dialog>
	);
}

/* The dialog that is open, for those who ask from anywhere. */
export const asked = signal<(() => ComponentChildren) | null>(null);
export const ask = (make: () => ComponentChildren) => (asked.value = make);
export const answer = () => (asked.value = null);

export interface Field {
	name: string;
	label: string;
	kind?: 'text' | 'area' | 'select' | 'password' | 'check';
	value?: string;
	choices?: { value: string; label: string }[];
	hint?: string;
	required?: boolean;
	mono?: boolean;
	autocomplete?: string;
	placeholder?: string;
}

/* A form in a dialog. `submit` may throw: its sentence is shown and the form stays. */
export function Form({
	title,
	fields,
	verb,
	submit,
	danger,
	children,
}: {
	title: string;
	fields: Field[];
	verb: string;
	submit: (values: Record<string, string>) => Promise<unknown>;
	danger?: boolean;
	children?: ComponentChildren;
}) {
	const [error, setError] = useState('');
	const [busy, setBusy] = useState(false);
	const onSubmit = async (event: Event) => {
		event.preventDefault();
		const form = new FormData(event.target as HTMLFormElement);
		const values: Record<string, string> = {};
		for (const f of fields) values[f.name] = String(form.get(f.name) ?? '');
		setBusy(true);
		setError('');
		try {
			await submit(values);
			answer();
		} catch (e) {
			setError((e as Error).message);
			setBusy(false);
		}
	};
	return (
		<Dialog title={title} onClose={answer}>
			<form onSubmit={onSubmit} class="form">
				{children}
				{fields.map((f, i) => (
					<Input key={f.name} field={f} first={i === 0} />
				))}
				{error && (
					<p class="form-error" role="alert">
						{error}
					</p>
				)}
				<footer class="form-foot">
					<button type="button" class="button" onClick={answer}>
						Cancel
					</button>
					<button
						type="submit"
						class={`button ${danger ? 'danger' : 'primary'}`}
						disabled={busy}
					>
						{busy ? 'One moment…' : verb}
					</button>
				</footer>
			</form>
		</Dialog>
	);
}

export function Input({ field: f, first }: { field: Field; first?: boolean }) {
	const id = `f-${f.name}`;
	const common = {
		id,
		name: f.name,
		required: f.required,
		autofocus: first,
		placeholder: f.placeholder,
		class: `input ${f.mono ? 'mono' : ''}`,
		'aria-describedby': f.hint ? `${id}-hint` : undefined,
		autocomplete: f.autocomplete ?? 'off',
	};
	if (f.kind === 'check') {
		return (
			<div class="field-check">
				<input type="checkbox" id={id} name={f.name} defaultChecked={f.value === 'on'} />
				<label for={id}>{f.label}</label>
			</div>
		);
	}
	return (
		<div class="field">
			<label for={id}>{f.label}</label>
			{f.kind === 'area' ? (
				<textarea {...common} rows={3} spellcheck={false}>
					{f.value}
				</textarea>
			) : f.kind === 'select' ? (
				<select {...common}>
					{f.choices?.map((c) => (
						<option key={c.value} value={c.value} selected={c.value === f.value}>
							{c.label}
						</option>
					))}
				</select>
			) : (
				<input
					{...common}
					type={f.kind ?? 'text'}
					defaultValue={f.value}
					spellcheck={false}
				/>
			)}
			{f.hint && (
				<p class="hint" id={`${id}-hint`}>
					{f.hint}
				</p>
			)}
		</div>
	);
}
