// SPDX-License-Identifier: Apache-2.0
// The field above the findings: words search while they are typed; an expression runs on Enter, and
// the names of fields are offered as one types.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { classify, complete, type Completion } from '../lib/filter';
import { useQuery } from '../lib/query';
import { setQuery } from '../lib/router';
import type { List } from '../lib/types';
import { Icon } from '../ui/icon';

interface FieldDoc {
	name: string;
	type: string;
	doc: string;
}

const WORDS_MS = 250;

export function SearchField({ text }: { text: string }) {
	const [typed, setTyped] = useState(text);
	const [offer, setOffer] = useState<Completion | null>(null);
	const [at, setAt] = useState(-1);
	const [touched, setTouched] = useState(false);
	const fields = useQuery<List<FieldDoc>>(touched ? '/findings/fields' : null);
	const docs = useMemo(() => new Map(fields.data?.items.map((f) => [f.name, f])), [fields.data]);
	const input = useRef<HTMLInputElement>(null);
	const timer = useRef(0);
	// what comes back of our own question is older than what was typed since
	const asked = useRef(text);
	useEffect(() => {
		if (text !== asked.current) setTyped(text);
		asked.current = text;
	}, [text]);

	const ask = (value: string) => {
		asked.current = value.trim();
		setQuery({ search: asked.current || null });
	};
	const run = (value: string) => {
		clearTimeout(timer.current);
		setOffer(null);
		ask(value);
	};
	const type = (value: string, caret: number) => {
		setTyped(value);
		setAt(-1);
		setOffer(complete(value, caret, [...docs.keys()]));
		clearTimeout(timer.current);
		if (!classify(value).filter)
			timer.current = window.setTimeout(() => ask(value), WORDS_MS);
	};
	const take = (name: string) => {
		const value = `${typed.slice(0, offer!.from)}${name} ${typed.slice(offer!.to)}`;
		clearTimeout(timer.current);
		const caret = offer!.from + name.length + 1;
		// at once: the next key must find the caret there
		input.current!.value = value;
		input.current!.setSelectionRange(caret, caret);
		setTyped(value);
		setOffer(null);
	};
	const onKeyDown = (e: KeyboardEvent) => {
		const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
		if (offer && step) setAt((at + step + offer.names.length) % offer.names.length);
		else if (offer && e.key === 'Tab' && !e.shiftKey) take(offer.names[Math.max(0, at)]!);
		else if (offer && e.key === 'Enter' && at >= 0) take(offer.names[at]!);
		else if (e.key !== 'Escape') return;
		else if (offer) setOffer(null);
		else if (typed) {
			setTyped('');
			run('');
		} else input.current?.blur();
		e.preventDefault();
	};
	const isFilter = !!classify(typed).filter;
	return (
		<form
			class="search"
			role="search"
			onSubmit={(e) => {
				e.preventDefault();
				run(typed);
			}}
		>
			<Icon name="search" size={15} />
			<input
				id="search"
				ref={input}
				class={isFilter ? 'mono' : ''}
				value={typed}
				spellcheck={false}
				autocomplete="off"
				role="combobox"
				aria-expanded={!!offer}
				aria-controls="search-offer"
				aria-autocomplete="list"
				aria-activedescendant={offer && at >= 0 ? `search-offer-${at}` : undefined}
				aria-label="Search findings: words, or a filter such as proc.name = bash"
				placeholder="Words, or proc.name = bash and container.image contains nginx"
				onFocus={() => setTouched(true)}
				onBlur={() => setOffer(null)}
				onInput={(e) =>
					type(
						e.currentTarget.value,
						e.currentTarget.selectionStart ?? e.currentTarget.value.length,
					)
				}
				onKeyDown={onKeyDown}
			/>
			{typed && <span class="search-kind">{isFilter ? 'filter ↵' : 'words'}</span>}
			<ul
				id="search-offer"
				role="listbox"
				aria-label="Fields"
				class={`offer ${offer ? '' : 'none'}`}
			>
				{offer?.names.map((name, i) => (
					<li
						key={name}
						id={`search-offer-${i}`}
						role="option"
						aria-selected={i === at}
						onPointerDown={(e) => {
							e.preventDefault();
							take(name);
						}}
					>
						<b class="mono">{name}</b>
						<span>{docs.get(name)?.doc}</span>
					</li>
				))}
			</ul>
		</form>
	);
}
