// SPDX-License-Identifier: Apache-2.0
// What `?` shows: the keys that are registered at this moment.
import { keyCaps, registered } from '../lib/keys';
import { Dialog } from './dialog';

export function KeyList({ onClose }: { onClose: () => void }) {
	const groups = new Map<string, Map<string, string[]>>();
	for (const k of registered.value) {
		const group = groups.get(k.group ?? 'This page') ?? new Map<string, string[]>();
		groups.set(k.group ?? 'This page', group);
		group.set(k.label, [...new Set([...(group.get(k.label) ?? []), k.keys])]);
	}
	return (
		<Dialog title="Keys" onClose={onClose} wide>
			<div class="keylist">
				{[...groups].reverse().map(([name, keys]) => (
					<section key={name}>
						<h3>{name}</h3>
						<dl>
							{[...keys].map(([label, all]) => (
								<div key={label}>
									<dt>{label}</dt>
									<dd>
										{all.map((k) => (
											<span class="caps" key={k}>
												{keyCaps(k).map((c) => (
													<kbd key={c}>{c}</kbd>
												))}
											</span>
										))}
									</dd>
								</div>
							))}
						</dl>
					</section>
				))}
			</div>
		</Dialog>
	);
}
