// SPDX-License-Identifier: Apache-2.0
// Everything that was recorded with a finding, each value ready to be searched for.
import { term } from '../lib/filter';
import { bytes, shortId } from '../lib/format';
import type { Detail } from '../lib/types';
import { Icon, kindIcon } from '../ui/icon';
import { CopyButton, Facts, Panel } from '../ui/parts';

export function Evidence({ d }: { d: Detail }) {
	const fields = Object.entries(d.fields ?? {}).filter(([, v]) => v !== null && v !== '');
	return (
		<>
			<Panel title="Evidence">
				<div class="evidence">
					<Facts
						rows={[
							['Event', d.event && <code>{d.event.type}</code>],
							['Arguments', d.event?.args && <code>{d.event.args}</code>],
							[
								'Result',
								d.event?.res !== undefined && d.event?.res !== null && (
									<code>{String(d.event.res)}</code>
								),
							],
							['File as asked for', d.file?.asked && <code>{d.file.asked}</code>],
							['File as resolved', d.file?.real && <code>{d.file.real}</code>],
							['File as known', d.file?.known && <code>{d.file.known}</code>],
							['Local', d.connection?.local && <code>{d.connection.local}</code>],
							['Remote', d.connection?.remote && <code>{d.connection.remote}</code>],
							['Fingerprint', d.fingerprint && <code>{d.fingerprint}</code>],
						]}
					/>
					{d.container?.id && (
						<Facts
							rows={[
								[
									'Container',
									<code>{shortId(d.container.full_id || d.container.id)}</code>,
								],
								['Image', d.container.image && <code>{d.container.image}</code>],
								[
									'Digest',
									d.container.digest && (
										<code class="cut">{d.container.digest}</code>
									),
								],
								['Engine', d.container.engine],
								[
									'Pod',
									d.container.pod &&
										`${d.container.namespace ?? ''}/${d.container.pod}`,
								],
								['Host network', d.container.host_network && 'yes'],
								['Host processes', d.container.host_pid && 'visible'],
							]}
						/>
					)}
				</div>
				{d.capture && (
					<p class="capture">
						<Icon name="download" size={13} /> The flight recorder kept the seconds
						around it: <code>{d.capture}</code>{' '}
						<CopyButton
							text={`koban read ${d.capture}`}
							label="Copy the command that reads it"
						/>
					</p>
				)}
			</Panel>
			{!!fields.length && (
				<Panel title="Fields" aside={fields.length} flush>
					<table class="table fields">
						<thead class="sr">
							<tr>
								<th scope="col">Field</th>
								<th scope="col">Value</th>
								<th scope="col">Search</th>
							</tr>
						</thead>
						<tbody>
							{fields.map(([k, v]) => (
								<tr key={k}>
									<th scope="row" class="mono">
										{k}
									</th>
									<td class="mono">
										{k.endsWith('bytes') && typeof v === 'number'
											? bytes(v)
											: String(v)}
									</td>
									<td class="narrow">
										<a
											class="button ghost square small"
											aria-label={`Findings where ${k} is the same`}
											title="Findings with the same value"
											href={`/findings?state=all&search=${encodeURIComponent(term(k, String(v)))}`}
										>
											<Icon name="search" size={12} />
										</a>
									</td>
								</tr>
							))}
						</tbody>
					</table>
				</Panel>
			)}
			{!!d.entities?.length && (
				<Panel title="In the graph" flush>
					<ul class="entity-list">
						{d.entities.map((e) => (
							<li key={e.id + e.role}>
								<a href={`/graph?root=${encodeURIComponent(e.id)}`}>
									<Icon name={kindIcon(e.kind)} size={14} />
									<span class="mono">{e.name}</span>
									<span class="muted">{e.role || e.kind}</span>
								</a>
							</li>
						))}
					</ul>
				</Panel>
			)}
		</>
	);
}
