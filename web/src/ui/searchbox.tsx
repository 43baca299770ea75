// SPDX-License-Identifier: Apache-2.0
// Where a list is narrowed while somebody types.
import { useKeys } from '../lib/keys';
import { Icon } from './icon';

/* The search of a page; `/` goes there. */
export function SearchBox({
	label,
	hint,
	text,
	setText,
}: {
	label: string;
	hint: string;
	text: string;
	setText: (text: string) => void;
}) {
	useKeys([
		{ keys: '/', label: 'Search', run: () => document.getElementById('search')?.focus() },
	]);
	return (
		<form class="search" role="search" onSubmit={(e) => e.preventDefault()}>
			<Icon name="search" size={15} />
			<input
				id="search"
				value={text}
				aria-label={label}
				placeholder={hint}
				spellcheck={false}
				autocomplete="off"
				onInput={(e) => setText(e.currentTarget.value)}
				onKeyDown={(e) =>
					e.key === 'Escape' && (text ? setText('') : e.currentTarget.blur())
				}
			/>
		</form>
	);
}
