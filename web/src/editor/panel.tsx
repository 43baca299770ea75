// SPDX-License-Identifier: Apache-2.0
// The rule editor with what belongs to it: problems, what a try found, saving. The editor itself is
// large and comes when it is needed.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, get, may, post } from '../lib/api';
import { plural, span } from '../lib/format';
import { useKeys } from '../lib/keys';
import type { Finding, Issue, List } from '../lib/types';
import { FindingLinks, gist } from '../ui/findingrow';
import { Icon } from '../ui/icon';
import { Progress } from '../ui/parts';
import { Severity } from '../ui/severity';
import { complain } from '../ui/toast';
import type { EditorHandle } from './editor';

interface Check {
	ok: boolean;
	issues: Issue[];
}
interface Tried {
	captures: number;
	events: number;
	findings: Finding[];
	took_ms: number;
}
export interface FieldDoc {
	name: string;
	type?: string;
	doc?: string;
}

export function Editor({
	start,
	save,
	cancel,
	note,
}: {
	start: string;
	save: (text: string) => Promise<void>;
	cancel: () => void;
	note?: string;
}) {
	const host = useRef<HTMLDivElement>(null);
	const editor = useRef<EditorHandle>();
	const [ready, setReady] = useState(false);
	const [check, setCheck] = useState<Check | null>(null);
	const [busy, setBusy] = useState<'' | 'saving' | 'trying'>('');
	const [tried, setTried] = useState<Tried | Error | null>(null);
	const [changed, setChanged] = useState(false);

	useEffect(() => {
		let gone = false;
		import('./editor').then(({ open }) => {
			if (gone) return;
			editor.current = open(host.current!, start, {
				check: async (text) => {
					const answer = await post<Check>('/rules/check', { text });
					setCheck(answer);
					return answer.issues;
				},
				fields: () =>
					get<List<FieldDoc>>('/fields').then(
						(l) => l.items,
						() => [],
					),
				changed: (text) => setChanged(text !== start),
			});
			setReady(true);
		}, complain);
		return () => {
			gone = true;
			editor.current?.close();
		};
	}, []);

	const doSave = async () => {
		if (!editor.current || !may('admin')) return;
		setBusy('saving');
		try {
			await save(editor.current.text());
		} catch (e) {
			complain(e);
			editor.current?.recheck();
		}
		setBusy('');
	};
	const doTry = async () => {
		if (!editor.current) return;
		setBusy('trying');
		setTried(null);
		try {
			setTried(await post<Tried>('/rules/try', { text: editor.current.text() }));
		} catch (e) {
			setTried(e as Error);
		}
		setBusy('');
	};
	useKeys([
		{ keys: 'mod+s', label: 'Save', group: 'Editor', always: true, run: doSave },
		{
			keys: 'mod+enter',
			label: 'Try over stored events',
			group: 'Editor',
			always: true,
			run: doTry,
		},
	]);
	const errors = check?.issues.filter((i) => i.severity === 'error').length ?? 0;
	return (
		<div class="editor-page">
			<div class="editor-side-by-side">
				<div class="editor-box">
					{!ready && <Progress label="Loading the editor" />}
					<div ref={host} class="editor-host" />
				</div>
				<div class="editor-results" aria-live="polite">
					{note && (
						<p class="note">
							<Icon name="lock" size={13} /> {note}
						</p>
					)}
					<Problems check={check} jump={(i) => editor.current?.jump(i)} />
					{busy === 'trying' && (
						<Progress label="Replaying stored events with this text" />
					)}
					{tried instanceof Error ? (
						<p class="form-error" role="alert">
							{tried.message}
							{tried instanceof ApiError && tried.place?.line
								? ` (line ${tried.place.line})`
								: ''}
						</p>
					) : (
						tried && <TriedList t={tried} />
					)}
					{!tried && busy !== 'trying' && (
						<p class="hint">
							<b>Try</b> replays what the flight recorder kept, or the recorded
							break-in that koban ships, with the text as it stands. Nothing is saved
							and nothing live is touched.
						</p>
					)}
				</div>
			</div>
			<footer class="editor-foot">
				<span class="muted grow">
					{check &&
						(errors
							? `${plural(errors, 'error')}: cannot be saved yet`
							: changed
								? 'Not saved yet'
								: 'Nothing changed')}
				</span>
				<button class="button" onClick={cancel}>
					{changed ? 'Discard' : 'Close'}
				</button>
				<button class="button" onClick={doTry} disabled={!ready || !!busy}>
					<Icon name="play" size={13} /> {busy === 'trying' ? 'Trying…' : 'Try'}
				</button>
				<button
					class="button primary"
					onClick={doSave}
					disabled={!ready || !!busy || errors > 0 || !may('admin')}
					title={may('admin') ? undefined : 'Only an admin can save rules'}
				>
					{busy === 'saving' ? 'Saving…' : 'Save'}
				</button>
			</footer>
		</div>
	);
}

function Problems({ check, jump }: { check: Check | null; jump: (i: Issue) => void }) {
	if (!check) return null;
	if (!check.issues.length)
		return (
			<p class="problems-none">
				<Icon name="check" size={14} /> No problems
			</p>
		);
	return (
		<ul class="problems" aria-label="Problems">
			{check.issues.map((i, n) => (
				<li key={n}>
					<button class={`problem ${i.severity}`} onClick={() => jump(i)}>
						<Icon name={i.severity === 'error' ? 'close' : 'findings'} size={13} />
						<span class="problem-at mono">
							{i.line ?? 1}:{i.column ?? 1}
						</span>
						<span>{i.message}</span>
					</button>
				</li>
			))}
		</ul>
	);
}

function TriedList({ t }: { t: Tried }) {
	const real = t.findings.filter((f) => f.id);
	return (
		<section class="tried" aria-label="What it would have found">
			<h2>
				{t.findings.length
					? plural(t.findings.length, 'finding')
					: 'It would have found nothing'}
			</h2>
			<p class="muted">
				in {plural(t.events, 'event')} of {plural(t.captures, 'capture')},{' '}
				{span(t.took_ms / 1000)}
			</p>
			{real.length === t.findings.length && real.length > 0 ? (
				<FindingLinks items={real.slice(0, 100)} />
			) : (
				<ul class="tried-list">
					{t.findings.slice(0, 100).map((f, i) => (
						<li key={i}>
							<Severity of={f.priority} /> <b>{f.rule}</b>{' '}
							<span class="mono muted">{gist(f.output)}</span>
						</li>
					))}
				</ul>
			)}
			{!t.findings.length && (
				<p class="hint">
					Loosen one part of the condition at a time and try again to see which one
					refuses.
				</p>
			)}
		</section>
	);
}
