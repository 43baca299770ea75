// SPDX-License-Identifier: Apache-2.0
// Short notes at the edge: what was done, what went wrong. Read aloud, gone by themselves.
import { signal } from '@preact/signals';
import { Icon } from './icon';

interface Note {
	id: number;
	text: string;
	bad: boolean;
	undo?: () => void;
}

const notes = signal<Note[]>([]);
let next = 1;

function drop(id: number) {
	notes.value = notes.peek().filter((n) => n.id !== id);
}

export function say(text: string, options: { bad?: boolean; undo?: () => void } = {}) {
	const id = next++;
	notes.value = [...notes.peek(), { id, text, bad: !!options.bad, undo: options.undo }].slice(-4);
	setTimeout(() => drop(id), options.bad || options.undo ? 9000 : 4500);
}

export const complain = (e: unknown) => say((e as Error).message ?? String(e), { bad: true });

export function Toasts() {
	return (
		<div class="toasts" role="status" aria-live="polite">
			{notes.value.map((n) => (
				<div key={n.id} class={`toast ${n.bad ? 'bad' : ''}`}>
					<span>{n.text}</span>
					{n.undo && (
						<button
							class="button small"
							onClick={() => {
								n.undo!();
								drop(n.id);
							}}
						>
							Undo
						</button>
					)}
					<button
						class="button ghost square small"
						aria-label="Dismiss"
						onClick={() => drop(n.id)}
					>
						<Icon name="close" size={12} />
					</button>
				</div>
			))}
		</div>
	);
}
