// SPDX-License-Identifier: Apache-2.0
// Menus: Radix does keys, focus and roles; here is how ours look. Not modal, so that nothing is
// injected into the document's styles.
import * as Radix from '@radix-ui/react-dropdown-menu';
import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon';

// Radix is typed for React; what is behind the name here is Preact.
const Root = Radix.Root as any;
const Trigger = Radix.Trigger as any;
const Portal = Radix.Portal as any;
const Content = Radix.Content as any;
const Item = Radix.Item as any;
const CheckboxItem = Radix.CheckboxItem as any;
const Label = Radix.Label as any;
const Separator = Radix.Separator as any;

export interface Choice {
	label: ComponentChildren;
	run?: () => void;
	icon?: IconName;
	hint?: string;
	checked?: boolean;
	disabled?: boolean;
	/* A line above it, or a heading. */
	above?: 'line' | string;
	href?: string;
}

export function Menu({
	button,
	children,
	choices,
	label,
	align = 'start',
	text,
}: {
	button?: string;
	children: ComponentChildren;
	choices: Choice[];
	label?: string;
	align?: 'start' | 'end';
	text?: string;
}) {
	return (
		<Root modal={false}>
			<Trigger class={button ?? 'button'} aria-label={label} title={text}>
				{children}
			</Trigger>
			<Portal>
				<Content class="menu" align={align} sideOffset={4} collisionPadding={8} loop>
					{choices.map((c, i) => (
						<Row key={i} choice={c} />
					))}
				</Content>
			</Portal>
		</Root>
	);
}

function Row({ choice: c }: { choice: Choice }) {
	const above =
		c.above === 'line' ? (
			<Separator class="menu-line" />
		) : (
			c.above && <Label class="menu-label">{c.above}</Label>
		);
	const inside = (
		<>
			<span class="menu-mark">
				{c.checked ? (
					<Icon name="check" size={14} />
				) : (
					c.icon && <Icon name={c.icon} size={14} />
				)}
			</span>
			<span class="menu-text">{c.label}</span>
			{c.hint && <kbd>{c.hint}</kbd>}
		</>
	);
	return (
		<>
			{above}
			{c.checked === undefined ? (
				<Item class="menu-item" disabled={c.disabled} onSelect={c.run}>
					{inside}
				</Item>
			) : (
				<CheckboxItem
					class="menu-item"
					checked={c.checked}
					disabled={c.disabled}
					onSelect={c.run}
				>
					{inside}
				</CheckboxItem>
			)}
		</>
	);
}
