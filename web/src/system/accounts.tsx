// SPDX-License-Identifier: Apache-2.0
// Who may come in, with a password or a token, and what they did.
import { del, me, post, put } from '../lib/api';
import { stamp } from '../lib/format';
import { invalidate, usePages, useQuery } from '../lib/query';
import type { Audit, List, Role, Token, User } from '../lib/types';
import { ask, answer, Dialog, Form } from '../ui/dialog';
import { Avatar, Icon } from '../ui/icon';
import { Ago, Command, Empty, Failed, Loading, Panel } from '../ui/parts';
import { complain, say } from '../ui/toast';

const ROLES: { value: Role; label: string }[] = [
	{ value: 'viewer', label: 'viewer: reads' },
	{ value: 'analyst', label: 'analyst: also triages, mutes, tries rules' },
	{ value: 'admin', label: 'admin: also rules, users, tokens, system' },
];

export function Users() {
	const q = useQuery<List<User>>('/users');
	if (q.error && !q.data) return <Failed error={q.error} retry={q.reload} />;
	if (!q.data) return <Loading />;
	const add = () =>
		ask(() => (
			<Form
				title="New user"
				verb="Make the user"
				fields={[
					{
						name: 'name',
						label: 'Name',
						required: true,
						hint: 'Letters, digits, dot, dash',
					},
					{
						name: 'role',
						label: 'Role',
						kind: 'select',
						value: 'analyst',
						choices: ROLES,
					},
					{
						name: 'password',
						label: 'First password',
						kind: 'password',
						required: true,
						autocomplete: 'new-password',
						hint: 'At least 12 characters; it has to be changed at the first sign-in.',
					},
				]}
				submit={async (v) => {
					await post('/users', { name: v.name, role: v.role, password: v.password });
					invalidate('/users');
					say(`${v.name} can sign in`);
				}}
			/>
		));
	const edit = (u: User) =>
		ask(() => (
			<Form
				title={`Change ${u.name}`}
				verb="Change"
				fields={[
					{ name: 'role', label: 'Role', kind: 'select', value: u.role, choices: ROLES },
					{
						name: 'password',
						label: 'New password',
						kind: 'password',
						autocomplete: 'new-password',
						hint: 'Empty: as it is.',
					},
				]}
				submit={async (v) => {
					await put(`/users/${encodeURIComponent(u.name)}`, {
						role: v.role,
						...(v.password ? { password: v.password } : {}),
					});
					invalidate('/users');
					say('Changed');
				}}
			/>
		));
	const remove = (u: User) =>
		ask(() => (
			<Form
				title={`Delete ${u.name}`}
				verb="Delete the user"
				danger
				fields={[]}
				submit={async () => {
					await del(`/users/${encodeURIComponent(u.name)}`);
					invalidate('/users', '/tokens');
					say('Deleted');
				}}
			>
				<p class="form-lead">
					Sessions and tokens go with the user; what was written stays.
				</p>
			</Form>
		));
	return (
		<Panel
			title="Users"
			flush
			aside={
				<button class="button small primary" onClick={add}>
					<Icon name="plus" size={13} /> New user
				</button>
			}
		>
			<div class="table-scroll" tabIndex={0} role="group" aria-label="Users">
				<table class="table">
					<thead>
						<tr>
							<th scope="col">Name</th>
							<th scope="col">Role</th>
							<th scope="col">Made</th>
							<th scope="col">Last came</th>
							<th scope="col">
								<span class="sr">Do</span>
							</th>
						</tr>
					</thead>
					<tbody>
						{q.data.items.map((u) => (
							<tr key={u.name}>
								<th scope="row">
									<Avatar small of={u.name} /> {u.name}{' '}
									{u.name === me.value?.user && <span class="muted">you</span>}
								</th>
								<td>{u.role}</td>
								<td class="muted">
									<Ago time={u.created} />
								</td>
								<td class="muted">
									<Ago time={u.last_login} />
								</td>
								<td class="narrow">
									<button
										class="button small"
										onClick={() => edit(u)}
										aria-label={`Change ${u.name}`}
									>
										Change
									</button>{' '}
									<button
										class="button small"
										onClick={() => remove(u)}
										disabled={u.name === me.value?.user}
										aria-label={`Delete ${u.name}`}
									>
										Delete
									</button>
								</td>
							</tr>
						))}
					</tbody>
				</table>
			</div>
		</Panel>
	);
}

export function Tokens() {
	const q = useQuery<List<Token>>('/tokens');
	if (q.error && !q.data) return <Failed error={q.error} retry={q.reload} />;
	if (!q.data) return <Loading />;
	const add = () => ask(() => <NewToken />);
	return (
		<Panel
			title="Tokens"
			flush
			aside={
				<button class="button small primary" onClick={add}>
					<Icon name="plus" size={13} /> New token
				</button>
			}
		>
			{q.data.items.length ? (
				<div class="table-scroll" tabIndex={0} role="group" aria-label="Tokens">
					<table class="table">
						<thead>
							<tr>
								<th scope="col">For</th>
								<th scope="col">Role</th>
								<th scope="col">Made</th>
								<th scope="col">Ends</th>
								<th scope="col">Last used</th>
								<th scope="col">
									<span class="sr">Do</span>
								</th>
							</tr>
						</thead>
						<tbody>
							{q.data.items.map((t) => (
								<tr key={t.id}>
									<th scope="row">{t.name}</th>
									<td>{t.role}</td>
									<td class="muted">
										{t.created_by} <Ago time={t.created} />
									</td>
									<td class="muted">
										{t.expires ? stamp(t.expires).slice(0, 10) : 'never'}
									</td>
									<td class="muted">
										<Ago time={t.last_used} />
									</td>
									<td class="narrow">
										<button
											class="button small"
											aria-label={`Revoke ${t.name}`}
											onClick={() =>
												del(`/tokens/${encodeURIComponent(t.id)}`).then(
													() => {
														invalidate('/tokens');
														say('Revoked');
													},
													complain,
												)
											}
										>
											Revoke
										</button>
									</td>
								</tr>
							))}
						</tbody>
					</table>
				</div>
			) : (
				<Empty
					icon="lock"
					title="No tokens"
					action={
						<button class="button" onClick={add}>
							Make one
						</button>
					}
				>
					Programs use the API with a token instead of a password: a dashboard, a ticket
					system, a script.
				</Empty>
			)}
		</Panel>
	);
}

const ENDS = [
	{ value: '2592000', label: 'in 30 days' },
	{ value: '7776000', label: 'in 90 days' },
	{ value: '31536000', label: 'in a year' },
	{ value: '', label: 'never' },
];

function NewToken() {
	return (
		<Form
			title="New token"
			verb="Make the token"
			fields={[
				{ name: 'name', label: 'What is it for?', required: true },
				{ name: 'role', label: 'Role', kind: 'select', value: 'viewer', choices: ROLES },
				{ name: 'ends', label: 'Ends', kind: 'select', value: '7776000', choices: ENDS },
			]}
			submit={async (v) => {
				const t = await post<Token>('/tokens', {
					name: v.name,
					role: v.role,
					...(v.ends
						? { expires: new Date(Date.now() + Number(v.ends) * 1000).toISOString() }
						: {}),
				});
				invalidate('/tokens');
				// Once the form has closed itself, what it made takes its place.
				setTimeout(() => ask(() => <Shown secret={t.token ?? ''} />));
			}}
		/>
	);
}

function Shown({ secret }: { secret: string }) {
	return (
		<Dialog title="The new token" onClose={answer}>
			<p class="form-lead">It is shown this once. Only its hash is kept.</p>
			<Command text={secret} />
		</Dialog>
	);
}

export function AuditLog() {
	const q = usePages<Audit>('/audit', {}, 100);
	if (q.error) return <Failed error={q.error} retry={q.reload} />;
	if (!q.data) return <Loading />;
	return (
		<Panel title="What was done, newest first" flush>
			<div class="table-scroll" tabIndex={0} role="group" aria-label="Audit log">
				<table class="table">
					<thead>
						<tr>
							<th scope="col">When</th>
							<th scope="col">Who</th>
							<th scope="col">What</th>
							<th scope="col">On</th>
							<th scope="col">Detail</th>
							<th scope="col">From</th>
						</tr>
					</thead>
					<tbody>
						{q.data.map((a, i) => (
							<tr key={i}>
								<td class="muted mono">{stamp(a.time)}</td>
								<td>{a.who}</td>
								<td>{a.action}</td>
								<td class="mono">{a.target}</td>
								<td class="wrap muted">{a.detail}</td>
								<td class="mono muted">{a.address}</td>
							</tr>
						))}
					</tbody>
				</table>
			</div>
			{q.more && (
				<p class="pad">
					<button class="button" onClick={q.loadMore}>
						Older ones
					</button>
				</p>
			)}
		</Panel>
	);
}
