// SPDX-License-Identifier: Apache-2.0
// One's own password: changed, or set for the first time after signing in with the token.
import { me, put } from '../lib/api';
import type { Me } from '../lib/types';
import { Form } from '../ui/dialog';
import { say } from '../ui/toast';

export function PasswordForm({ first }: { first?: boolean }) {
	const user = me.value!;
	const submit = async (v: Record<string, string>) => {
		if (v.password !== v.again) throw new Error('The two passwords differ.');
		me.value = await put<Me>('/me/password', {
			password: v.password,
			...(first ? {} : { current_password: v.current }),
		});
		say('The password is set');
	};
	return (
		<Form
			title={first ? 'Set a password' : 'Change password'}
			verb="Set the password"
			submit={submit}
			fields={[
				...(first
					? []
					: [
							{
								name: 'current',
								label: 'Current password',
								kind: 'password' as const,
								required: true,
								autocomplete: 'current-password',
							},
						]),
				{
					name: 'password',
					label: 'New password',
					kind: 'password',
					required: true,
					autocomplete: 'new-password',
					hint: 'At least 12 characters. A sentence is easy to keep.',
				},
				{
					name: 'again',
					label: 'The same again',
					kind: 'password',
					required: true,
					autocomplete: 'new-password',
				},
			]}
		>
			{first && (
				<p class="form-lead">
					You came in as <b>{user.user}</b> with a one-time token. With a password you can
					come again.
				</p>
			)}
		</Form>
	);
}
