// SPDX-License-Identifier: Apache-2.0
// One finding: what happened, why it matters, where it stands among processes and events, and what
// to do.
import { may } from '../lib/api';
import { plural, shortImage, stamp } from '../lib/format';
import { useKeys } from '../lib/keys';
import { useQuery } from '../lib/query';
import { go, type Match } from '../lib/router';
import { along, lastSeen } from '../lib/trail';
import type { Detail, Finding as Item, RuleText, TimelineEvent } from '../lib/types';
import { Evidence } from '../finding/evidence';
import { Events } from '../finding/events';
import { Lineage } from '../finding/lineage';
import { FindingLinks, findingHref, gist } from '../ui/findingrow';
import { Avatar, Icon } from '../ui/icon';
import { Menu } from '../ui/menu';
import { useCommands } from '../ui/palette';
import { Ago, CopyButton, Failed, Loading, Page, Panel } from '../ui/parts';
import { Severity, StateMark } from '../ui/severity';
import { say } from '../ui/toast';
import { type Action, actQuietly, askAssign, askComment, askMute } from '../ui/triage';
import { RulePlace, RuleSource } from '../ui/source';

type Related = Record<'same_fingerprint' | 'same_process' | 'same_container', Item[]>;

export const ruleOf = (d: Detail): RuleText =>
	typeof d.rule === 'string' ? { name: d.rule } : d.rule;

/* The detail as the row that it also is. */
const rowOf = (d: Detail): Item => ({ ...d, rule: ruleOf(d).name }) as Item;

export default function Finding({ params }: { params: Match }) {
	const at = `/findings/${encodeURIComponent(params.id!)}`;
	const q = useQuery<Detail>(at);
	const events = useQuery<{ items: TimelineEvent[] }>(`${at}/events`);
	const related = useQuery<Related>(`${at}/related`);
	const d = q.data;
	const ids = { ids: [params.id!] };
	const allowed = may('analyst') && !!d;
	const does = (a: Action) => () => allowed && actQuietly(ids, a);
	const step = (by: number) => {
		const next = along(params.id!, by);
		if (next) go(findingHref({ id: next }), true);
		else
			say(
				by > 0 ? 'That was the last one of the list' : 'That was the first one of the list',
			);
	};
	useKeys([
		{ keys: 'a', label: 'Acknowledge', group: 'Triage', run: does('acknowledge') },
		{ keys: 'r', label: 'Resolve', group: 'Triage', run: does('resolve') },
		{ keys: 'o', label: 'Reopen', group: 'Triage', run: does('reopen') },
		{ keys: 'm', label: 'Mute…', group: 'Triage', run: () => allowed && askMute(rowOf(d)) },
		{ keys: 'c', label: 'Comment…', group: 'Triage', run: () => allowed && askComment(ids) },
		{
			keys: 'i',
			label: 'Assign…',
			group: 'Triage',
			run: () => {
				if (allowed) askAssign(ids);
			},
		},
		{ keys: 'j', label: 'Next finding of the list', run: () => step(1) },
		{ keys: 'k', label: 'Previous finding of the list', run: () => step(-1) },
		{
			keys: 'u',
			label: 'Back to the list',
			run: () => (lastSeen() && history.length > 1 ? history.back() : go('/findings')),
		},
	]);
	useCommands(
		d
			? [
					{
						name: `Rule ${ruleOf(d).name}`,
						group: 'Here',
						icon: 'rule',
						run: () => go(`/rules/${encodeURIComponent(ruleOf(d).name)}`),
					},
					...(d.entities ?? []).slice(0, 6).map((e) => ({
						name: `Graph of ${e.name}`,
						group: 'Here',
						icon: 'graph' as const,
						run: () => go(`/graph?root=${encodeURIComponent(e.id)}`),
					})),
				]
			: [],
		[d],
	);

	const crumbs = [{ name: 'Findings', href: '/findings' }];
	if (q.error && !d)
		return (
			<Page title="Finding" crumbs={crumbs}>
				<Failed error={q.error} retry={q.reload} />
			</Page>
		);
	if (!d)
		return (
			<Page title="Finding" crumbs={crumbs}>
				<Loading rows={10} />
			</Page>
		);
	const rule = ruleOf(d);
	return (
		<Page title={rule.name} crumbs={crumbs} actions={<Triage d={d} does={does} />}>
			<article class="finding">
				<Head d={d} />
				<div class="finding-columns">
					<div class="finding-main">
						{d.why && (
							<Panel title="Why this was found">
								<p class="why">{d.why}</p>
							</Panel>
						)}
						<Panel
							title="Processes"
							aside={<span class="muted">oldest first; the last one did it</span>}
						>
							<Lineage d={d} />
						</Panel>
						<Panel
							title="Around it"
							flush
							aside={
								events.data && (
									<span class="muted">
										{plural(events.data.items.length, 'event')} of the same
										container or process tree
									</span>
								)
							}
						>
							<Events query={events} at={d.time} />
						</Panel>
						<Panel
							title={
								<>
									The rule{' '}
									<a href={`/rules/${encodeURIComponent(rule.name)}`}>
										{rule.name}
									</a>
								</>
							}
							aside={rule.file && <RulePlace file={rule.file} line={rule.line} />}
						>
							{rule.desc && <p class="why">{rule.desc}</p>}
							<RuleSource text={rule.text ?? rule.condition ?? ''} />
						</Panel>
						<Evidence d={d} />
					</div>
					<aside class="finding-side" aria-label="What to do and what is related">
						{!!d.advice?.length && (
							<Panel title="What to do">
								<ol class="advice">
									{d.advice.map((a) => (
										<li key={a}>{a}</li>
									))}
								</ol>
							</Panel>
						)}
						<Techniques d={d} />
						<Talk d={d} ids={ids} />
						<RelatedPanel
							title="The same thing before"
							items={related.data?.same_fingerprint}
						/>
						<RelatedPanel title="The same process" items={related.data?.same_process} />
						<RelatedPanel
							title="The same container"
							items={related.data?.same_container}
						/>
					</aside>
				</div>
			</article>
		</Page>
	);
}

function Triage({ d, does }: { d: Detail; does: (a: Action) => () => void }) {
	if (!may('analyst')) return null;
	const ids = { ids: [d.id] };
	return (
		<>
			{d.state !== 'acknowledged' && d.state !== 'resolved' && (
				<button class="button" onClick={does('acknowledge')}>
					Acknowledge <kbd>a</kbd>
				</button>
			)}
			{d.state !== 'resolved' ? (
				<button class="button primary" onClick={does('resolve')}>
					Resolve <kbd>r</kbd>
				</button>
			) : (
				<button class="button" onClick={does('reopen')}>
					Reopen <kbd>o</kbd>
				</button>
			)}
			<Menu
				align="end"
				label="More"
				button="button square"
				choices={[
					{ label: 'Comment…', icon: 'comment', hint: 'c', run: () => askComment(ids) },
					{ label: 'Assign…', icon: 'user', hint: 'i', run: () => askAssign(ids) },
					{ label: 'Mute…', icon: 'mutes', hint: 'm', run: () => askMute(rowOf(d)) },
					{
						label: 'Reopen',
						icon: 'findings',
						hint: 'o',
						above: 'line',
						disabled: d.state === 'open',
						run: does('reopen'),
					},
					{
						label: 'Download as JSON',
						icon: 'download',
						above: 'line',
						run: () => download(d),
					},
				]}
			>
				<Icon name="more" />
			</Menu>
		</>
	);
}

function download(d: Detail) {
	const link = document.createElement('a');
	link.href = URL.createObjectURL(
		new Blob([JSON.stringify(d, null, 2)], { type: 'application/json' }),
	);
	link.download = `finding-${d.id}.json`;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function Head({ d }: { d: Detail }) {
	return (
		<header class={`finding-head tone-${d.priority.toLowerCase()}`}>
			<p class="finding-output mono">
				{gist(d.output)} <CopyButton text={d.output} label="Copy the output" />
			</p>
			<ul class="finding-facts">
				<li>
					<Severity of={d.priority} text />
				</li>
				<li>
					<StateMark of={d.state} text />
					{d.assignee && <span class="muted">, {d.assignee}</span>}
				</li>
				<li title={stamp(d.time, 6)}>
					<Icon name="clock" size={13} /> <Ago time={d.time} />{' '}
					<span class="muted">{stamp(d.time)}</span>
				</li>
				{d.count > 1 && (
					<li>
						×{d.count}, last <Ago time={d.last_time} />
					</li>
				)}
				{d.container?.id ? (
					<li>
						<Icon name="container" size={13} />
						<a href={`/containers/${encodeURIComponent(d.container.id)}`}>
							{d.container.name || d.container.id}
						</a>
						<span class="muted">{shortImage(d.container.image)}</span>
					</li>
				) : (
					<li>
						<Icon name="host" size={13} /> not in a container
					</li>
				)}
				{d.hostname && (
					<li>
						<Icon name="host" size={13} />{' '}
						<a href={`/findings?state=all&host=${encodeURIComponent(d.hostname)}`}>
							{d.hostname}
						</a>
					</li>
				)}
				{d.user && (
					<li>
						<Icon name="user" size={13} />{' '}
						<a href={`/findings?state=all&user=${encodeURIComponent(d.user)}`}>
							{d.user}
						</a>
					</li>
				)}
			</ul>
		</header>
	);
}

function Techniques({ d }: { d: Detail }) {
	if (!d.technique?.length && !d.tags?.length) return null;
	const others = (d.tags ?? []).filter((t) => !d.technique?.some((x) => x.id === t));
	return (
		<Panel title="ATT&CK">
			<ul class="techniques">
				{d.technique?.map((t) => (
					<li key={t.id}>
						<a href={`/findings?state=all&technique=${t.id}`} class="mono">
							{t.id}
						</a>
						<span>
							{t.name}
							{t.tactic && <span class="muted"> {t.tactic}</span>}
						</span>
						{t.url && (
							<a
								class="button ghost square small"
								href={t.url}
								target="_blank"
								rel="noreferrer noopener"
								aria-label={`${t.id} at attack.mitre.org`}
							>
								<Icon name="external" size={12} />
							</a>
						)}
					</li>
				))}
			</ul>
			{!!others.length && (
				<p class="tags">
					{others.map((t) => (
						<span class="chip" key={t}>
							{t}
						</span>
					))}
				</p>
			)}
		</Panel>
	);
}

const DID: Record<string, string> = {
	acknowledge: 'acknowledged it',
	resolve: 'resolved it',
	reopen: 'reopened it',
	assign: 'assigned it',
	mute: 'muted it',
};

function Talk({ d, ids }: { d: Detail; ids: { ids: string[] } }) {
	const entries = [
		...(d.comments ?? []).map((c) => ({ ...c, said: true })),
		...(d.history ?? [])
			.filter((h) => h.action !== 'comment')
			.map((h) => ({
				who: h.who,
				time: h.time,
				text: DID[h.action] ?? h.action,
				said: false,
			})),
	].sort((a, b) => (a.time < b.time ? -1 : 1));
	return (
		<Panel
			title="What people did"
			aside={
				may('analyst') && (
					<button class="button ghost small" onClick={() => askComment(ids)}>
						Comment
					</button>
				)
			}
		>
			{entries.length ? (
				<ol class="talk">
					{entries.map((e, i) => (
						<li key={i} class={e.said ? 'said' : ''}>
							<Avatar small of={e.who} />
							<div>
								<b>{e.who}</b> {!e.said && e.text}{' '}
								<span class="muted">
									<Ago time={e.time} />
								</span>
								{e.said && <p>{e.text}</p>}
							</div>
						</li>
					))}
				</ol>
			) : (
				<p class="hint">
					Nobody has touched it. <kbd>a</kbd> acknowledges, <kbd>c</kbd> comments.
				</p>
			)}
		</Panel>
	);
}

function RelatedPanel({ title, items }: { title: string; items?: Item[] }) {
	if (!items?.length) return null;
	return (
		<Panel title={title} aside={items.length} flush>
			<FindingLinks items={items.slice(0, 8)} />
		</Panel>
	);
}
