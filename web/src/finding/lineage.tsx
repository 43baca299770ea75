// SPDX-License-Identifier: Apache-2.0
// The processes behind a finding as a picture: ancestors first, each below its parent, the border of
// the container drawn around what runs inside it, and at the end what the last one touched. It is a
// nested list to those who do not see it.
import type { ComponentChildren } from 'preact';
import { shortImage } from '../lib/format';
import type { Detail, Process } from '../lib/types';
import { Icon, type IconName } from '../ui/icon';
import { tone } from '../ui/severity';

const FLAG_WORDS: Record<string, { text: string; title: string }> = {
	upper_layer: {
		text: 'not in the image',
		title: 'Its executable was written after the container started',
	},
	memfd: { text: 'memory only', title: 'Its executable is not on any disk (memfd)' },
	deleted: { text: 'deleted', title: 'Its executable was deleted' },
	writable: { text: 'writable', title: 'Its executable can be overwritten by its own user' },
};

export function Lineage({ d }: { d: Detail }) {
	const chain = [...(d.processes ?? [])].reverse();
	if (!chain.length)
		return (
			<p class="hint">
				The event came from the kernel or from a process that had already gone.
			</p>
		);
	// What has a pid of its own in another namespace runs in the container.
	const inside = d.container?.id
		? chain.findIndex((p) => p.vpid !== undefined && p.vpid !== p.pid)
		: -1;
	const outer = inside > 0 ? chain.slice(0, inside) : inside === 0 ? [] : chain;
	const inner = inside >= 0 ? chain.slice(inside) : [];
	const leaves = <Touched d={d} />;
	return (
		<div class="lineage" tabIndex={0} role="group" aria-label="Process tree">
			<Chain
				processes={outer}
				d={d}
				last={!inner.length}
				end={
					inner.length ? (
						<Container d={d}>
							<Chain processes={inner} d={d} last end={leaves} />
						</Container>
					) : (
						leaves
					)
				}
			/>
		</div>
	);
}

/* A list within a list within a list: that is what a line of descent is. */
function Chain({
	processes,
	d,
	last,
	end,
}: {
	processes: Process[];
	d: Detail;
	last: boolean;
	end: ComponentChildren;
}) {
	const [first, ...rest] = processes;
	if (!first) return <>{end}</>;
	const isSubject = last && !rest.length;
	return (
		<ul class="branch">
			<li>
				<ProcessCard p={first} subject={isSubject} d={d} />
				<Chain processes={rest} d={d} last={last} end={end} />
			</li>
		</ul>
	);
}

function Container({ d, children }: { d: Detail; children: ComponentChildren }) {
	return (
		<div class="lineage-container">
			<p class="lineage-border">
				<Icon name="container" size={13} />
				<a href={`/containers/${encodeURIComponent(d.container!.id)}`}>
					{d.container!.name || d.container!.id}
				</a>
				<span class="muted">{shortImage(d.container!.image)}</span>
				{d.container!.privileged && <span class="badge bad">privileged</span>}
			</p>
			{children}
		</div>
	);
}

function ProcessCard({ p, subject, d }: { p: Process; subject: boolean; d: Detail }) {
	return (
		<div class={`process ${subject ? `subject tone-${tone(d.priority)}` : ''}`}>
			<div class="process-head">
				<Icon name="process" size={14} />
				<b class="mono">{p.name || '?'}</b>
				<span class="faint mono">
					{p.pid}
					{p.vpid && p.vpid !== p.pid ? ` · ${p.vpid} inside` : ''}
				</span>
				{p.user && <span class={`chip ${p.uid === 0 ? 'root' : ''}`}>{p.user}</span>}
				{p.flags?.map((f) => (
					<span key={f} class="badge warn" title={FLAG_WORDS[f]?.title}>
						{FLAG_WORDS[f]?.text ?? f}
					</span>
				))}
			</div>
			{(p.cmdline || p.exe) && (
				<p class="process-line mono" title={p.exe}>
					{p.cmdline || p.exe}
				</p>
			)}
			{subject && p.cwd && <p class="process-line mono faint">in {p.cwd}</p>}
		</div>
	);
}

function Touched({ d }: { d: Detail }) {
	const leaves: { icon: IconName; verb: string; text: string; note?: string }[] = [];
	const verb = d.event?.type ?? '';
	if (d.file) {
		const name = d.file.real || d.file.asked || d.file.known || '';
		const asked =
			d.file.asked && d.file.asked !== name ? `asked for as ${d.file.asked}` : undefined;
		leaves.push({ icon: 'file', verb, text: name, note: asked });
	}
	if (d.connection) {
		const c = d.connection;
		leaves.push({
			icon: 'address',
			verb: c.role === 'server' ? `${verb} from` : `${verb} to`,
			text: c.remote || c.local || '',
			note: [c.proto, c.local && `from ${c.local}`].filter(Boolean).join(' '),
		});
	}
	if (!leaves.length && d.event) leaves.push({ icon: 'now', verb, text: d.event.args ?? '' });
	if (!leaves.length) return null;
	return (
		<ul class="branch">
			{leaves.map((l) => (
				<li key={l.text}>
					<div class="touched">
						<Icon name={l.icon} size={14} />
						<span class="muted mono">{l.verb}</span> <b class="mono">{l.text}</b>
						{l.note && <span class="faint mono">{l.note}</span>}
					</div>
				</li>
			))}
		</ul>
	);
}
