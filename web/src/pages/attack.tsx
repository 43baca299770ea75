// SPDX-License-Identifier: Apache-2.0
// The ATT&CK matrix: what the rules cover, and what was found.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { RANGES, rangeFrom } from '../lib/filter';
import { count, plural } from '../lib/format';
import { useQuery } from '../lib/query';
import { query, setQuery } from '../lib/router';
import type { Attack as Answer } from '../lib/types';
import { Icon } from '../ui/icon';
import { Menu } from '../ui/menu';
import { Empty, Failed, Loading, Page, Segments } from '../ui/parts';

type Technique = Answer['tactics'][number]['techniques'][number];

/* Counts span decades: none, 1–9, 10–99, 100–999, more. */
const heat = (n: number) => (n ? Math.min(4, 1 + Math.floor(Math.log10(n))) : 0);

export default function Attack() {
	const range = query.value.get('range') ?? '30d';
	const from = useMemo(() => rangeFrom(range), [range]);
	const q = useQuery<Answer>('/attack', { from });
	const [show, setShow] = useState<'all' | 'covered' | 'found'>('all');
	const [chosen, setChosen] = useState<Technique | null>(null);
	const tactics = q.data?.tactics ?? [];
	const all = tactics.flatMap((t) => t.techniques);
	const distinct = [...new Map(all.map((t) => [t.id, t])).values()];
	const covered = distinct.filter((t) => t.rules.length).length;
	const found = distinct.filter((t) => t.findings).length;

	useEffect(() => {
		if (chosen) setChosen(all.find((t) => t.id === chosen.id) ?? null);
	}, [q.data]);

	const fits = (t: Technique) =>
		show === 'all' || (show === 'covered' ? t.rules.length > 0 : t.findings > 0);
	let body;
	if (q.error && !q.data) body = <Failed error={q.error} retry={q.reload} />;
	else if (!q.data) body = <Loading rows={12} />;
	else if (!all.some((t) => t.rules.length || t.findings)) {
		body = (
			<Empty
				icon="attack"
				title="No rule names a technique"
				action={
					<a class="button" href="/rules">
						To the rules
					</a>
				}
			>
				A rule belongs to a technique when its tags name it, such as{' '}
				<code>tags: [T1059.004]</code>.
			</Empty>
		);
	} else {
		body = (
			<div class="attack">
				<div class="matrix" role="group" aria-label="Tactics and techniques" tabIndex={0}>
					{tactics.map((tactic) => {
						const rows = tactic.techniques.filter(fits);
						return (
							<section key={tactic.id} class="tactic" aria-labelledby={tactic.id}>
								<header>
									<h2 id={tactic.id}>{tactic.name}</h2>
									<span class="muted">
										{tactic.techniques.filter((t) => t.rules.length).length} of{' '}
										{tactic.techniques.length}
									</span>
								</header>
								<ul>
									{rows.map((t) => (
										<li key={t.id}>
											<button
												class={`technique heat-${heat(t.findings)} ${t.rules.length ? 'covered' : ''}`}
												aria-pressed={chosen?.id === t.id}
												onClick={() =>
													setChosen(chosen?.id === t.id ? null : t)
												}
												title={`${t.id}: ${plural(t.rules.length, 'rule')}, ${plural(t.findings, 'finding')}`}
											>
												<span class="technique-name">{t.name}</span>
												{t.findings > 0 && (
													<span class="technique-n">
														{count(t.findings)}
													</span>
												)}
												<span class="sr">
													{plural(t.rules.length, 'rule')},{' '}
													{plural(t.findings, 'finding')}
												</span>
											</button>
										</li>
									))}
									{!rows.length && <li class="technique-none">–</li>}
								</ul>
							</section>
						);
					})}
				</div>
				{chosen && <Chosen t={chosen} range={range} close={() => setChosen(null)} />}
			</div>
		);
	}
	return (
		<Page
			title="ATT&CK"
			fill
			actions={
				q.data && (
					<span class="muted">
						{covered} of {distinct.length} techniques covered, {found} seen
					</span>
				)
			}
			tools={
				<>
					<div class="tools-rest">
						<Segments
							label="Show"
							value={show}
							choose={setShow}
							choices={[
								{ value: 'all', label: 'All' },
								{ value: 'covered', label: 'Covered by rules' },
								{ value: 'found', label: 'Found' },
							]}
						/>
						<Menu
							button="button"
							choices={RANGES.map((r) => ({
								label: r.name,
								checked: r.key === range,
								run: () => setQuery({ range: r.key || 'all' }),
							}))}
						>
							<Icon name="clock" size={13} />{' '}
							{RANGES.find((r) => r.key === (range === 'all' ? '' : range))?.name}{' '}
							<Icon name="down" size={12} />
						</Menu>
						<span class="grow" />
						<Legend />
					</div>
				</>
			}
		>
			{body}
		</Page>
	);
}

function Legend() {
	return (
		<ul class="legend" aria-label="What the colours mean">
			<li>
				<span class="swatch" /> no rule
			</li>
			<li>
				<span class="swatch covered" /> covered
			</li>
			{['1+', '10+', '100+', '1000+'].map((t, i) => (
				<li key={t}>
					<span class={`swatch heat-${i + 1}`} /> {t}
				</li>
			))}
		</ul>
	);
}

function Chosen({ t, range, close }: { t: Technique; range: string; close: () => void }) {
	const span = range === 'all' ? '' : `&range=${range}`;
	return (
		<aside class="drawer" aria-label={`${t.id} ${t.name}`}>
			<header class="panel-head">
				<h2>
					<span class="mono muted">{t.id}</span> {t.name}
				</h2>
				<button class="button ghost square" aria-label="Close" onClick={close}>
					<Icon name="close" />
				</button>
			</header>
			<div class="panel-body">
				<p>
					{t.findings ? (
						<a
							class="button primary"
							href={`/findings?state=all&technique=${t.id}${span}`}
						>
							{plural(t.findings, 'finding')}
						</a>
					) : (
						<span class="muted">Nothing was found in this time.</span>
					)}
				</p>
				<h3>{t.rules.length ? plural(t.rules.length, 'rule') : 'No rule covers it'}</h3>
				{t.rules.length ? (
					<ul class="plain-list">
						{t.rules.map((r) => (
							<li key={r}>
								<a href={`/rules/${encodeURIComponent(r)}`}>{r}</a>
							</li>
						))}
					</ul>
				) : (
					<p class="hint">
						Not every technique can be seen from system calls. For one that can,{' '}
						<a href={`/rules/new?technique=${t.id}`}>write a rule</a> and give it the
						tag <code>{t.id}</code>.
					</p>
				)}
			</div>
		</aside>
	);
}
