// SPDX-License-Identifier: Apache-2.0
// One finding as a row: the same cells wherever findings are listed.
import { shortImage } from '../lib/format';
import type { Finding } from '../lib/types';
import { Avatar } from './icon';
import { Severity, StateMark } from './severity';
import { Ago } from './parts';

export const findingHref = (f: { id: string }) => `/findings/${encodeURIComponent(f.id)}`;

/* The output without the time and priority that Falco's formats begin with. */
export const gist = (output: string) =>
	output
		.replace(/^\d\d:\d\d:\d\d(\.\d+)?:?\s+/, '')
		.replace(/^(Emergency|Alert|Critical|Error|Warning|Notice|Informational|Debug):?\s+/, '');

export function FindingCells({
	f,
	picked,
	pick,
	fresh,
}: {
	f: Finding;
	picked?: boolean;
	pick?: (range: boolean) => void;
	fresh?: boolean;
}) {
	return (
		<>
			{pick && (
				<span role="gridcell" class="c-pick">
					<input
						type="checkbox"
						checked={picked}
						aria-label={`Pick ${f.rule}`}
						tabIndex={-1}
						onClick={(e) => {
							e.stopPropagation();
							pick(e.shiftKey);
						}}
					/>
				</span>
			)}
			<span role="gridcell" class="c-severity">
				<Severity of={f.priority} />
			</span>
			<span role="gridcell" class="c-what">
				<a href={findingHref(f)} class="c-rule" tabIndex={-1}>
					{f.rule}
				</a>
				<span class="c-output">{gist(f.output)}</span>
			</span>
			<span role="gridcell" class="c-where">
				{f.container?.id ? (
					<span class="chip" title={f.container.image}>
						{f.container.name || shortImage(f.container.image) || f.container.id}
					</span>
				) : (
					<span class="chip host" title="Not in a container">
						{f.hostname || 'host'}
					</span>
				)}
			</span>
			<span role="gridcell" class="c-process mono">
				{f.process?.name ?? ''}
			</span>
			<span role="gridcell" class="c-count">
				{f.count > 1 && <span title={`${f.count} times`}>×{f.count}</span>}
			</span>
			<span role="gridcell" class="c-state">
				{f.assignee && (
					<>
						<Avatar small of={f.assignee} title={`Assigned to ${f.assignee}`} />
						<span class="sr">Assigned to {f.assignee}</span>
					</>
				)}
				<StateMark of={f.state} />
			</span>
			<span role="gridcell" class={`c-time ${fresh ? 'fresh' : ''}`}>
				<Ago time={f.last_time ?? f.time} />
			</span>
		</>
	);
}

export function FindingHead({ pick }: { pick?: boolean }) {
	return (
		<>
			{pick && (
				<span role="columnheader" class="c-pick">
					<span class="sr">Picked</span>
				</span>
			)}
			<span role="columnheader" class="c-severity">
				<span class="sr">Priority</span>
			</span>
			<span role="columnheader" class="c-what">
				Rule and what happened
			</span>
			<span role="columnheader" class="c-where">
				Where
			</span>
			<span role="columnheader" class="c-process">
				Process
			</span>
			<span role="columnheader" class="c-count">
				<span class="sr">Times</span>
			</span>
			<span role="columnheader" class="c-state">
				State
			</span>
			<span role="columnheader" class="c-time">
				Last
			</span>
		</>
	);
}

/* A short list in a panel: links, no grid. */
export function FindingLinks({ items }: { items: Finding[] }) {
	return (
		<ul class="finding-links">
			{items.map((f) => (
				<li key={f.id}>
					<a href={findingHref(f)}>
						<Severity of={f.priority} />
						<span class="c-rule">{f.rule}</span>
						<span class="c-output">{gist(f.output)}</span>
						<Ago time={f.last_time ?? f.time} />
					</a>
				</li>
			))}
		</ul>
	);
}
