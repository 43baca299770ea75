// SPDX-License-Identifier: Apache-2.0
// Mutes: what is kept out of sight, why, by whom, until when.
import { del, may } from '../lib/api';
import { count, stamp } from '../lib/format';
import { useQuery, invalidate } from '../lib/query';
import type { List, Mute } from '../lib/types';
import { ask, Form } from '../ui/dialog';
import { Icon } from '../ui/icon';
import { Ago, Empty, Failed, Loading, Page } from '../ui/parts';
import { say } from '../ui/toast';
import { askMute } from '../ui/triage';

const what = (m: Mute) =>
	m.filter ? (
		<code>{m.filter}</code>
	) : m.rule ? (
		<a href={`/rules/${encodeURIComponent(m.rule)}`}>{m.rule}</a>
	) : (
		<>
			the same as <code>{m.fingerprint}</code>
		</>
	);

const over = (m: Mute) => !!m.expired;

function askEnd(m: Mute) {
	ask(() => (
		<Form
			title="End this mute"
			verb="End it"
			fields={[]}
			submit={async () => {
				await del(`/mutes/${encodeURIComponent(m.id)}`);
				say('Ended; new findings that fit are open again');
				invalidate('/mutes');
			}}
		>
			<p class="form-lead">
				{what(m)}: {m.reason}. What it has muted stays muted.
			</p>
		</Form>
	));
}

export default function Mutes() {
	const q = useQuery<List<Mute>>('/mutes');
	const add = may('analyst') && (
		<button class="button primary" onClick={() => askMute(null)}>
			<Icon name="plus" size={14} /> New mute
		</button>
	);
	let body;
	if (q.error && !q.data) body = <Failed error={q.error} retry={q.reload} />;
	else if (!q.data) body = <Loading />;
	else if (!q.data.items.length) {
		body = (
			<Empty
				icon="mutes"
				title="Nothing is muted"
				action={
					<a class="button" href="/findings">
						To the findings
					</a>
				}
			>
				A mute keeps findings that are known and harmless out of sight, with a reason and an
				end. Press <kbd>m</kbd> on a finding, or write a filter here.
			</Empty>
		);
	} else {
		body = (
			<div class="panel table-scroll" tabIndex={0} role="group" aria-label="Mutes">
				<table class="table mutes">
					<thead>
						<tr>
							<th scope="col">What</th>
							<th scope="col">Why</th>
							<th scope="col">By</th>
							<th scope="col">Until</th>
							<th scope="col" class="num">
								Muted
							</th>
							<th scope="col">
								<span class="sr">Do</span>
							</th>
						</tr>
					</thead>
					<tbody>
						{[...q.data.items]
							.sort((a, b) => Number(over(a)) - Number(over(b)))
							.map((m) => (
								<tr key={m.id} class={over(m) ? 'over' : ''}>
									<td>{what(m)}</td>
									<td class="wrap">{m.reason}</td>
									<td class="muted">
										{m.created_by} <Ago time={m.created} />
									</td>
									<td>
										{m.until ? (
											over(m) ? (
												<span class="badge">ended</span>
											) : (
												<time title={stamp(m.until)}>
													{stamp(m.until).slice(0, 16)}
												</time>
											)
										) : (
											'ended by hand'
										)}
									</td>
									<td class="num">{count(m.muted_count ?? 0)}</td>
									<td class="narrow">
										{may('analyst') && (
											<button class="button small" onClick={() => askEnd(m)}>
												{over(m) ? 'Remove' : 'End'}
											</button>
										)}
									</td>
								</tr>
							))}
					</tbody>
				</table>
			</div>
		);
	}
	return (
		<Page title="Mutes" actions={add}>
			{body}
		</Page>
	);
}
