// SPDX-License-Identifier: Apache-2.0
// Findings: searched, grouped, triaged. The address holds the whole question, so that a view can be
// kept and sent.
import { useEffect, useRef, useState } from 'preact/hooks';
import { may } from '../lib/api';
import { plural, whole } from '../lib/format';
import { useKeys } from '../lib/keys';
import { usePages, useQuery } from '../lib/query';
import { go, setQuery } from '../lib/router';
import { saved } from '../lib/settings';
import { lastSeen, leave } from '../lib/trail';
import type { Finding, Group, List } from '../lib/types';
import { FindingCells, FindingHead, findingHref } from '../ui/findingrow';
import { useCommands } from '../ui/palette';
import { Empty, Failed, Loading, Page } from '../ui/parts';
import { Rows, useNarrow } from '../ui/rows';
import { say } from '../ui/toast';
import {
	type Action,
	actQuietly,
	askAssign,
	askComment,
	askMute,
	STATE_AFTER,
	type Target,
} from '../ui/triage';
import { useQuestion } from '../finding/question';
import { GROUPS, Actions, Tools, Timeline } from '../finding/tools';
import { Groups } from '../finding/groups';
import { Bulk } from '../finding/bulk';

export default function Findings() {
	const question = useQuestion();
	const { params, tab, group } = question;
	const list = usePages<Finding>(
		group ? null : '/findings',
		{ ...params, order: question.order, total: true },
		200,
	);
	const groups = useQuery<List<Group>>(group ? '/findings/groups' : null, {
		...params,
		by: group,
		limit: 500,
	});
	const [picked, setPicked] = useState<Set<string>>(new Set());
	const [current, setCurrent] = useState<Finding>();
	const lastPick = useRef<string>();
	useEffect(() => setPicked(new Set()), [JSON.stringify(params), group]);

	// Called from rows that were drawn a while ago: nothing here is taken from this drawing.
	const loaded = useRef<Finding[]>([]);
	loaded.current = list.data ?? [];
	const pick = (f: Finding, range: boolean) => {
		const rows = loaded.current;
		const from = rows.findIndex((r) => r.id === lastPick.current);
		const to = rows.findIndex((r) => r.id === f.id);
		lastPick.current = f.id;
		setPicked((before) => {
			const next = new Set(before);
			if (range && from >= 0) {
				for (let i = Math.min(from, to); i <= Math.max(from, to); i++)
					next.add(rows[i]!.id);
			} else if (!next.delete(f.id)) next.add(f.id);
			return next;
		});
	};
	const target = (): Target | null =>
		picked.size ? { ids: [...picked] } : current ? { ids: [current.id] } : null;
	const does = (action: Action) => {
		const t = target();
		if (!t || !may('analyst'))
			return say(
				t ? 'A viewer cannot change findings' : 'No finding is current: move with j and k',
				{ bad: !!t },
			);
		const state = STATE_AFTER[action];
		if (state && 'ids' in t) list.patch((f) => (t.ids.includes(f.id) ? { ...f, state } : f));
		actQuietly(t, action);
		setPicked(new Set());
	};
	const withTarget = (f: (t: Target) => void) => () => {
		const t = target();
		if (t && may('analyst')) f(t);
	};
	const mute = () => {
		const rows = list.data ?? [];
		const f = picked.size === 1 ? rows.find((r) => picked.has(r.id)) : current;
		if (f && may('analyst')) askMute(f);
	};
	useKeys([
		{ keys: '/', label: 'Search', run: () => document.getElementById('search')?.focus() },
		{ keys: 'a', label: 'Acknowledge', group: 'Triage', run: () => does('acknowledge') },
		{ keys: 'r', label: 'Resolve', group: 'Triage', run: () => does('resolve') },
		{ keys: 'o', label: 'Reopen', group: 'Triage', run: () => does('reopen') },
		{ keys: 'm', label: 'Mute…', group: 'Triage', run: mute },
		{ keys: 'c', label: 'Comment…', group: 'Triage', run: withTarget(askComment) },
		{ keys: 'i', label: 'Assign…', group: 'Triage', run: withTarget(askAssign) },
		{
			keys: '*',
			label: 'Pick all that are loaded',
			group: 'Triage',
			run: () => setPicked(new Set(list.data?.map((f) => f.id))),
		},
		{ keys: 'escape', label: 'Pick none', group: 'Triage', run: () => setPicked(new Set()) },
	]);
	useCommands(
		[
			...GROUPS.slice(1).map((g) => ({
				name: `Group by ${g}`,
				group: 'Findings',
				icon: 'filter' as const,
				run: () => setQuery({ group: g }),
			})),
			...saved.value.map((s) => ({
				name: s.name,
				group: 'Saved view',
				icon: 'save' as const,
				run: () => go(`/findings?${s.query}`),
			})),
		],
		[saved.value],
	);

	return (
		<Page title="Findings" fill actions={<Actions />} tools={<Tools question={question} />}>
			<div class="findings-page">
				<Timeline params={question.base} state={tab} />
				{picked.size > 0 && (
					<Bulk
						n={picked.size}
						all={list.data?.length ?? 0}
						total={list.total}
						does={does}
						params={params}
						clear={() => setPicked(new Set())}
						pickAll={() => setPicked(new Set(list.data?.map((f) => f.id)))}
						comment={withTarget(askComment)}
						assign={withTarget(askAssign)}
						mute={picked.size === 1 ? mute : undefined}
					/>
				)}
				{group ? (
					<Groups query={groups} by={group} />
				) : (
					<FindingList
						list={list}
						picked={picked}
						pick={may('analyst') ? pick : undefined}
						setCurrent={setCurrent}
						question={question}
					/>
				)}
			</div>
		</Page>
	);
}

function FindingList({
	list,
	picked,
	pick,
	setCurrent,
	question,
}: {
	list: ReturnType<typeof usePages<Finding>>;
	picked: Set<string>;
	pick?: (f: Finding, range: boolean) => void;
	setCurrent: (f: Finding | undefined) => void;
	question: ReturnType<typeof useQuestion>;
}) {
	const narrow = useNarrow();
	if (list.error) return <Failed error={list.error} retry={list.reload} />;
	if (!list.data) return <Loading rows={14} />;
	if (!list.data.length) return <NoFindings question={question} />;
	return (
		<Rows
			label="Findings"
			class={`findings ${pick ? 'pickable' : ''}`}
			rows={list.data}
			id={(f) => f.id}
			height={narrow ? 58 : 34}
			head={<FindingHead pick={!!pick} />}
			picked={picked}
			pick={pick}
			more={list.more}
			loadMore={list.loadMore}
			total={list.total}
			onCurrent={setCurrent}
			start={lastSeen()}
			open={(f) => {
				leave(
					list.data!.map((x) => x.id),
					f.id,
				);
				go(findingHref(f));
			}}
			cells={(f) => (
				<FindingCells
					f={f}
					picked={picked.has(f.id)}
					pick={pick && ((range) => pick(f, range))}
				/>
			)}
			foot={
				<p class="rows-foot">
					{list.more
						? `${whole(list.data.length)} of ${list.total ? whole(list.total) : 'many'} loaded`
						: plural(list.data.length, 'finding')}
				</p>
			}
		/>
	);
}

function NoFindings({ question: q }: { question: ReturnType<typeof useQuestion> }) {
	const narrowed = q.text || q.range || Object.values(q.base).some(Boolean);
	if (narrowed) {
		return (
			<Empty
				icon="search"
				title="No finding fits"
				action={
					<a class="button" href="/findings?state=all">
						Show every finding
					</a>
				}
			>
				{q.tab !== 'all' ? (
					<>
						Only findings that are <b>{q.tab}</b> were searched.{' '}
					</>
				) : null}
				Words search the output, rule and names; an expression such as{' '}
				<code>proc.name = bash and container.image contains nginx</code> filters by field.
			</Empty>
		);
	}
	if (q.tab === 'open') {
		return (
			<Empty
				icon="check"
				title="Nothing is open"
				command="sudo cat /etc/shadow"
				action={
					<a class="button" href="/findings?state=all">
						Show every finding
					</a>
				}
			>
				Everything was looked at, or nothing has happened yet. To see one arrive:
			</Empty>
		);
	}
	return (
		<Empty
			icon="findings"
			title={q.tab === 'all' ? 'No findings yet' : `No finding is ${q.tab}`}
			action={
				<a class="button" href="/findings?state=all">
					Show every finding
				</a>
			}
		>
			{q.tab === 'muted' ? (
				<>
					What fits a <a href="/mutes">mute</a> is kept here, out of the way. Press{' '}
					<kbd>m</kbd> on a finding to make one.
				</>
			) : (
				<>
					Move through open findings with <kbd>j</kbd> and <kbd>k</kbd>; <kbd>a</kbd>{' '}
					acknowledges, <kbd>r</kbd> resolves.
				</>
			)}
		</Empty>
	);
}
