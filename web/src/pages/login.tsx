// SPDX-License-Identifier: Apache-2.0
// Signing in: a name and a password, or the one-time token that the first start prints. The token
// may stand behind a # in the address, where it goes into no log.
import { useEffect, useState } from 'preact/hooks';
import { me, post } from '../lib/api';
import { go, query } from '../lib/router';
import type { Me } from '../lib/types';
import { Mark } from '../ui/icon';

function tokenOfAddress(): string {
	const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
	if (location.hash) history.replaceState(null, '', location.pathname + location.search);
	return token;
}

export default function Login() {
	const [token, setToken] = useState(tokenOfAddress);
	const [way, setWay] = useState<'password' | 'token'>(token ? 'token' : 'password');
	const [error, setError] = useState('');
	const [busy, setBusy] = useState(false);
	useEffect(() => {
		document.title = 'Sign in · koban';
		if (token) enter({ token });
	}, []);

	const enter = async (body: object) => {
		setBusy(true);
		setError('');
		try {
			me.value = await post<Me>('/login', body);
			const to = query.peek().get('to') ?? '/now';
			go(/^\/(?![/\\])/.test(to) && to !== '/login' ? to : '/now', true);
		} catch (e) {
			setError((e as Error).message);
			setBusy(false);
		}
	};
	const submit = (event: Event) => {
		event.preventDefault();
		const form = new FormData(event.target as HTMLFormElement);
		if (way === 'token') enter({ token: String(form.get('token')).trim() });
		else enter({ user: form.get('user'), password: form.get('password') });
	};
	return (
		<main class="login">
			<form onSubmit={submit} class="login-card">
				<h1>
					<Mark size={34} /> koban
				</h1>
				{way === 'password' ? (
					<>
						<div class="field">
							<label for="user">User</label>
							<input
								class="input"
								id="user"
								name="user"
								autocomplete="username"
								required
								autofocus
								spellcheck={false}
								autocapitalize="none"
							/>
						</div>
						<div class="field">
							<label for="password">Password</label>
							<input
								class="input"
								id="password"
								name="password"
								type="password"
								autocomplete="current-password"
								required
							/>
						</div>
					</>
				) : (
					<div class="field">
						<label for="token">One-time token</label>
						<input
							class="input mono"
							id="token"
							name="token"
							autocomplete="off"
							required
							autofocus
							spellcheck={false}
							value={token}
							onInput={(e) => setToken(e.currentTarget.value)}
						/>
						<p class="hint">
							<code>koban up</code> and <code>koban serve</code> print it at their
							first start. It works once.
						</p>
					</div>
				)}
				{error && (
					<p class="form-error" role="alert">
						{error}
					</p>
				)}
				<button class="button primary big" type="submit" disabled={busy}>
					{busy ? 'Signing in…' : 'Sign in'}
				</button>
				<button
					class="button ghost"
					type="button"
					onClick={() => {
						setError('');
						setWay(way === 'token' ? 'password' : 'token');
					}}
				>
					{way === 'token' ? 'Use a password' : 'Use a one-time token'}
				</button>
			</form>
		</main>
	);
}
