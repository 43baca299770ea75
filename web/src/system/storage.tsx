// SPDX-License-Identifier: Apache-2.0
// The store with its backup, the server, and how programs come in.
import { useState } from 'preact/hooks';
import { may, post } from '../lib/api';
import { bytes, span, stamp, whole } from '../lib/format';
import { useQuery } from '../lib/query';
import type { System as Answer } from '../lib/types';
import { Icon } from '../ui/icon';
import { Ago, Command, Facts, Failed, Loading, Panel, Progress } from '../ui/parts';
import { complain, say } from '../ui/toast';

export function Storage() {
	const q = useQuery<Answer>('/system');
	const [busy, setBusy] = useState(false);
	const [done, setDone] = useState('');
	if (q.error && !q.data) return <Failed error={q.error} retry={q.reload} />;
	if (!q.data) return <Loading />;
	const { store, version } = q.data;
	const backup = async () => {
		setBusy(true);
		try {
			const b = await post<{ path?: string; size_bytes?: number }>('/system/backup');
			setDone(b?.path ?? 'done');
			say('The backup is complete');
		} catch (e) {
			complain(e);
		}
		setBusy(false);
	};
	return (
		<div class="system">
			<Panel title="Store">
				<Facts
					rows={[
						['Engine', `${store.engine} ${store.version ?? ''}`],
						['Place', store.path && <code>{store.path}</code>],
						['Size', bytes(store.size_bytes)],
						['Findings', whole(store.findings)],
						['Oldest', store.oldest && stamp(store.oldest)],
						['Kept', keptFor(store.retention)],
						[
							'Entities',
							store.entities !== undefined &&
								`${whole(store.entities)}, ${whole(store.relations)} relations`,
						],
						['koban', version],
					]}
				/>
			</Panel>
			<Panel title="Backup">
				<p class="why">
					A copy of the database, made while it is in use, beside the database. It holds
					findings, users and tokens (as hashes).
				</p>
				{busy ? (
					<Progress label="Copying the database" />
				) : (
					<button
						class="button"
						onClick={backup}
						disabled={!may('admin')}
						title={may('admin') ? undefined : 'Only an admin can make a backup'}
					>
						<Icon name="download" size={14} /> Back up now
					</button>
				)}
				{done && (
					<p class="hint">
						Written to <code>{done}</code>
					</p>
				)}
			</Panel>
			{q.data.ingest && q.data.server && (
				<Panel
					title="Server"
					class="wide"
					aside={
						q.data.ingest.stuck && (
							<span class="badge bad">not storing: {q.data.ingest.why}</span>
						)
					}
				>
					<div class="evidence">
						<Facts
							rows={[
								['Address', <code>{q.data.server.address}</code>],
								['TLS', q.data.server.tls ? 'yes' : 'no: loopback only'],
								['Running for', <Ago time={q.data.server.since} />],
								[
									'Requests',
									`${whole(q.data.server.requests)}, ${whole(q.data.server.errors)} answered with an error`,
								],
							]}
						/>
						<Facts
							rows={[
								['Sensors', whole(q.data.ingest.clients)],
								['Records', whole(q.data.ingest.records)],
								['Refused', whole(q.data.ingest.refused)],
								['Live pages', whole(q.data.server.streams)],
							]}
						/>
					</div>
				</Panel>
			)}
			<Panel title="The API" class="wide">
				<p class="why">
					All that this console shows is at <code>/api/v1</code>;{' '}
					<a href="/openapi.json">openapi.json</a> describes it, <code>/metrics</code> is
					for Prometheus. A program comes in with a token:
				</p>
				<Command
					text={`curl -H 'Authorization: Bearer TOKEN' '${location.origin}/api/v1/findings?state=open'`}
				/>
				<p class="hint">
					Made with the packages in <a href="/third-party.txt">third-party.txt</a>.
				</p>
			</Panel>
		</div>
	);
}

function keptFor(r: Answer['store']['retention']): string {
	const parts = [r?.age_s && span(r.age_s), r?.size_bytes && `at most ${bytes(r.size_bytes)}`];
	return parts.filter(Boolean).join(', ') || 'for ever';
}
