// SPDX-License-Identifier: Apache-2.0
// What is done with findings: acknowledge, resolve, reopen, assign, comment, mute.
import { get, may, me, post } from '../lib/api';
import { quote } from '../lib/filter';
import { plural } from '../lib/format';
import { invalidate } from '../lib/query';
import type { Finding, List, Mute, State, User } from '../lib/types';
import { ask, Form } from './dialog';
import { complain, say } from './toast';

export type Action = 'acknowledge' | 'resolve' | 'reopen' | 'assign' | 'comment';

const DONE: Record<Action, string> = {
	acknowledge: 'acknowledged',
	resolve: 'resolved',
	reopen: 'reopened',
	assign: 'assigned',
	comment: 'commented on',
};
export const STATE_AFTER: Partial<Record<Action, State>> = {
	acknowledge: 'acknowledged',
	resolve: 'resolved',
	reopen: 'open',
};

export type Target = { ids: string[] } | { filter: string };

export const changed = () => invalidate('/findings', '/now', '/stats', '/containers', '/attack');

export async function act(
	target: Target,
	action: Action,
	more: { assignee?: string; text?: string } = {},
) {
	const { changed: n } = await post<{ changed: number }>('/findings/actions', {
		...target,
		action,
		...more,
	});
	say(`${plural(n, 'finding')} ${DONE[action]}`);
	changed();
	return n;
}

export const actQuietly = (target: Target, action: Action, more = {}) =>
	act(target, action, more).catch(complain);

export function askComment(target: Target, then?: () => void) {
	ask(() => (
		<Form
			title="Comment"
			verb="Comment"
			fields={[
				{ name: 'text', label: 'What did you find out?', kind: 'area', required: true },
			]}
			submit={async (v) => {
				await act(target, 'comment', { text: v.text });
				then?.();
			}}
		/>
	));
}

export async function askAssign(target: Target) {
	// Only an admin may list users; others can still name one, or themselves.
	const users = may('admin')
		? await get<List<User>>('/users').then(
				(l) => l.items,
				() => [],
			)
		: [];
	const mine = me.value!.user;
	const names = [mine, ...users.map((u) => u.name).filter((n) => n !== mine)];
	ask(() => (
		<Form
			title="Assign"
			verb="Assign"
			fields={[
				users.length
					? {
							name: 'assignee',
							label: 'To whom',
							kind: 'select',
							value: mine,
							choices: [
								...names.map((n) => ({
									value: n,
									label: n === mine ? `${n} (you)` : n,
								})),
								{ value: '', label: 'nobody' },
							],
						}
					: {
							name: 'assignee',
							label: 'To whom',
							value: mine,
							hint: 'A user’s name; empty for nobody.',
						},
			]}
			submit={(v) => act(target, 'assign', { assignee: v.assignee })}
		/>
	));
}

const UNTIL = [
	{ value: '3600', label: 'for an hour' },
	{ value: '86400', label: 'for a day' },
	{ value: '604800', label: 'for a week' },
	{ value: '2592000', label: 'for 30 days' },
	{ value: '', label: 'until somebody ends it' },
];

/* What a mute of this finding may cover, from narrow to wide. */
export function muteScopes(f: Finding): { value: string; label: string; body: Partial<Mute> }[] {
	const rule = `finding.rule = ${quote(f.rule)}`;
	const scopes: { value: string; label: string; body: Partial<Mute> }[] = [];
	if (f.fingerprint) {
		scopes.push({
			value: 'fingerprint',
			label: 'The same thing in the same place',
			body: { fingerprint: f.fingerprint },
		});
	}
	if (f.container?.image) {
		scopes.push({
			value: 'image',
			label: `This rule in containers of ${f.container.image}`,
			body: { filter: `${rule} and container.image = ${quote(f.container.image)}` },
		});
	}
	if (f.process?.exe) {
		scopes.push({
			value: 'exe',
			label: `This rule for ${f.process.exe}`,
			body: { filter: `${rule} and proc.exepath = ${quote(f.process.exe)}` },
		});
	}
	scopes.push({ value: 'rule', label: 'This rule everywhere', body: { rule: f.rule } });
	return scopes;
}

export function askMute(f: Finding | null, filter?: string, then?: () => void) {
	const scopes = f ? muteScopes(f) : [];
	ask(() => (
		<Form
			title={f ? `Mute ${f.rule}` : 'Mute'}
			verb="Mute"
			fields={[
				f
					? { name: 'scope', label: 'What', kind: 'select', choices: scopes }
					: {
							name: 'filter',
							label: 'What: a filter',
							kind: 'area',
							value: filter,
							required: true,
							mono: true,
							hint: 'For example: finding.rule = "Read environment" and container.name = ci',
						},
				{
					name: 'until',
					label: 'How long',
					kind: 'select',
					value: '604800',
					choices: UNTIL,
				},
				{
					name: 'existing',
					label: 'Also findings that are open now',
					kind: 'check',
					value: 'on',
				},
				{
					name: 'reason',
					label: 'Why',
					kind: 'area',
					required: true,
					hint: 'Whoever looks at it next will ask. New findings that fit are kept, but arrive muted.',
				},
			]}
			submit={async (v) => {
				const body = f
					? scopes.find((s) => s.value === v.scope)!.body
					: { filter: v.filter };
				const { changed: n } = await post<{ changed: number }>('/mutes', {
					...body,
					reason: v.reason,
					existing: v.existing === 'on',
					until: v.until
						? new Date(Date.now() + Number(v.until) * 1000).toISOString()
						: null,
				});
				say(n ? `Muted, ${plural(n, 'open finding')} with it` : 'Muted');
				invalidate('/mutes');
				changed();
				then?.();
			}}
		/>
	));
}
