// SPDX-License-Identifier: Apache-2.0
// What to do with the findings that are picked.
import { type Params } from '../lib/api';
import { whole } from '../lib/format';
import { ask, Form } from '../ui/dialog';
import { type Action, act } from '../ui/triage';

export function Bulk({
	n,
	all,
	total,
	does,
	clear,
	pickAll,
	comment,
	assign,
	mute,
	params,
}: {
	n: number;
	all: number;
	total: number | null;
	does: (a: Action) => void;
	clear: () => void;
	pickAll: () => void;
	comment: () => void;
	assign: () => void;
	mute?: () => void;
	params: Params;
}) {
	const everything = () =>
		ask(() => (
			<Form
				title={`Resolve all ${total ? whole(total) : ''} findings of this view`}
				verb="Resolve them all"
				danger
				fields={[{ name: 'text', label: 'Why', kind: 'area', required: true }]}
				submit={(v) => act({ filter: String(params.filter) }, 'resolve', { text: v.text })}
			/>
		));
	return (
		<div class="bulk" role="toolbar" aria-label="What to do with the picked findings">
			<b>{n} picked</b>
			<button class="button small" onClick={() => does('acknowledge')}>
				Acknowledge <kbd>a</kbd>
			</button>
			<button class="button small" onClick={() => does('resolve')}>
				Resolve <kbd>r</kbd>
			</button>
			<button class="button small" onClick={() => does('reopen')}>
				Reopen <kbd>o</kbd>
			</button>
			<button class="button small" onClick={assign}>
				Assign <kbd>i</kbd>
			</button>
			<button class="button small" onClick={comment}>
				Comment <kbd>c</kbd>
			</button>
			{mute && (
				<button class="button small" onClick={mute}>
					Mute <kbd>m</kbd>
				</button>
			)}
			<span class="grow" />
			{n < all && (
				<button class="button small ghost" onClick={pickAll}>
					Pick all {whole(all)} loaded
				</button>
			)}
			{n === all && params.filter && total && total > all && (
				<button class="button small ghost" onClick={everything}>
					Resolve all {whole(total)} that fit…
				</button>
			)}
			<button class="button small ghost" onClick={clear}>
				None
			</button>
		</div>
	);
}
