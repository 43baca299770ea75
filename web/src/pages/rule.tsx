// SPDX-License-Identifier: Apache-2.0
// One rule: its text, what it found, how it is evaluated; and the editor, which checks while one
// types and tries a rule over stored events before it is saved.
import { useEffect, useState } from 'preact/hooks';
import { del, get, may, put } from '../lib/api';
import { count, isTechnique, plural } from '../lib/format';
import { useKeys } from '../lib/keys';
import { invalidate, useQuery } from '../lib/query';
import { go, type Match, query, setQuery } from '../lib/router';
import type { Finding, List, Rule as Item } from '../lib/types';
import { draftOf, EMPTY_RULE, fileNameOf } from '../lib/rulefile';
import { Editor } from '../editor/panel';
import { FindingLinks } from '../ui/findingrow';
import { Icon } from '../ui/icon';
import { ask, Form } from '../ui/dialog';
import { Facts, Failed, Loading, Page, Panel, Switch } from '../ui/parts';
import { RulePlace, RuleSource } from '../ui/source';
import { Severity } from '../ui/severity';
import { say } from '../ui/toast';
import { toggleRule } from './rules';

const crumbs = [{ name: 'Rules', href: '/rules' }];

export default function Rule({ params }: { params: Match }) {
	return params.name === 'new' ? <NewRule /> : <Known name={params.name!} />;
}

function NewRule() {
	const technique = query.value.get('technique') ?? '';
	return (
		<Page title="New rule" crumbs={crumbs} fill>
			<Editor
				start={EMPTY_RULE(technique)}
				save={async (text) => {
					const name = fileNameOf(text);
					await put(`/rulefiles/${encodeURIComponent(name)}`, { text });
					say('Saved; the sensor takes it over within seconds');
					invalidate('/rules', '/attack', '/rulefiles');
					const rule = /^- rule:\s*(.+)$/m
						.exec(text)?.[1]
						?.trim()
						.replace(/^["']|["']$/g, '');
					go(rule ? `/rules/${encodeURIComponent(rule)}` : '/rules');
				}}
				cancel={() => go('/rules')}
			/>
		</Page>
	);
}

/* The console's own file that has this rule, if there is one. */
function ownFile(r: Item): string | null {
	return r.own && r.file ? r.file.split('/').pop()! : null;
}

function Known({ name }: { name: string }) {
	const q = useQuery<Item>(`/rules/${encodeURIComponent(name)}`);
	const findings = useQuery<List<Finding>>('/findings', { rule: name, limit: 8, total: true });
	const editing = query.value.get('edit') === '1' && may('analyst');
	useKeys([{ keys: 'e', label: 'Edit', run: () => setQuery({ edit: '1' }, false) }], !editing);
	const r = q.data;
	if (q.error && !r)
		return (
			<Page title={name} crumbs={crumbs}>
				<Failed error={q.error} retry={q.reload} />
			</Page>
		);
	if (!r)
		return (
			<Page title={name} crumbs={crumbs}>
				<Loading rows={8} />
			</Page>
		);
	if (editing) return <Edit r={r} />;
	return (
		<Page
			title={r.name}
			crumbs={crumbs}
			actions={
				<>
					<span class="switch-line">
						<Switch
							on={r.enabled}
							label="On"
							disabled={!may('admin')}
							toggle={() => toggleRule(r)}
						/>
						{r.enabled ? 'On' : 'Off'}
					</span>
					{may('analyst') && (
						<button class="button" onClick={() => setQuery({ edit: '1' }, false)}>
							<Icon name="edit" size={14} /> Edit <kbd>e</kbd>
						</button>
					)}
					{may('admin') && ownFile(r) && <Remove r={r} />}
				</>
			}
		>
			<div class="rule-page">
				<div class="finding-main">
					<Panel
						title={<Severity of={r.priority} text />}
						aside={r.file && <RulePlace file={r.file} line={r.line} />}
					>
						{r.desc && <p class="why">{r.desc}</p>}
						<RuleSource text={r.text ?? draftOf(r)} />
					</Panel>
					{r.explain && (
						<Panel title="How it is evaluated">
							<pre class="explain" tabIndex={0} aria-label="The compiled rule">
								{r.explain}
							</pre>
						</Panel>
					)}
				</div>
				<aside class="finding-side" aria-label="About this rule">
					<Panel title="About">
						<Facts
							rows={[
								[
									'Findings',
									<a
										href={`/findings?state=all&rule=${encodeURIComponent(r.name)}`}
									>
										{count(r.findings)}
									</a>,
								],
								['Source', r.source],
								[
									'Tags',
									!!r.tags?.length && (
										<span class="tags">
											{r.tags.map((t) =>
												isTechnique(t) ? (
													<a
														class="chip"
														key={t}
														href={`/findings?state=all&technique=${t}`}
													>
														{t}
													</a>
												) : (
													<span class="chip" key={t}>
														{t}
													</span>
												),
											)}
										</span>
									),
								],
							]}
						/>
					</Panel>
					<Panel
						title="What it found"
						aside={
							findings.data &&
							plural(findings.data.total ?? findings.data.items.length, 'finding')
						}
						flush
					>
						{findings.data?.items.length ? (
							<FindingLinks items={findings.data.items} />
						) : (
							<p class="hint pad">
								Nothing yet. Edit it to try it over stored events.
							</p>
						)}
					</Panel>
				</aside>
			</div>
		</Page>
	);
}

function Edit({ r }: { r: Item }) {
	const own = ownFile(r);
	const [start, setStart] = useState<string | null>(own ? null : (r.text ?? draftOf(r)));
	useEffect(() => {
		if (own)
			get<{ text: string }>(`/rulefiles/${encodeURIComponent(own)}`).then(
				(f) => setStart(f.text),
				() => setStart(r.text ?? draftOf(r)),
			);
	}, [r.name]);
	const close = () => setQuery({ edit: null }, false);
	if (start === null)
		return (
			<Page title={r.name} crumbs={crumbs}>
				<Loading />
			</Page>
		);
	return (
		<Page
			title={`Edit ${r.name}`}
			crumbs={[...crumbs, { name: r.name, href: `/rules/${encodeURIComponent(r.name)}` }]}
			fill
		>
			<Editor
				start={start}
				cancel={close}
				note={
					own
						? undefined
						: 'This rule is shipped. What you save is a file of the console that replaces it; deleting that file brings the shipped one back.'
				}
				save={async (text) => {
					await put(`/rulefiles/${encodeURIComponent(own ?? fileNameOf(text))}`, {
						text,
					});
					say('Saved; the sensor takes it over within seconds');
					invalidate('/rules', '/attack', '/rulefiles');
					close();
				}}
			/>
		</Page>
	);
}

function Remove({ r }: { r: Item }) {
	return (
		<button
			class="button"
			onClick={() =>
				ask(() => (
					<Form
						title={`Delete ${ownFile(r)}`}
						verb="Delete the file"
						danger
						fields={[]}
						submit={async () => {
							await del(`/rulefiles/${encodeURIComponent(ownFile(r)!)}`);
							say('Deleted');
							go('/rules');
							// Not before this page has gone: it would ask for what is no more.
							setTimeout(() => invalidate('/rules', '/rulefiles', '/attack'), 100);
						}}
					>
						<p class="form-lead">
							Its rules are gone with it. A shipped rule that it replaced comes back.
						</p>
					</Form>
				))
			}
		>
			<Icon name="trash" size={14} /> Delete
		</button>
	);
}
