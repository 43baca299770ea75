// SPDX-License-Identifier: Apache-2.0
// The first start, empty pages, and signing in. It fills the store for the parts behind it.
import assert from 'node:assert/strict';
import { history, inventories } from '../../../web/dev/records.mjs';
import { PASSWORD, session } from '../server.mjs';
import { server, world, sensor, beat, open, check, shown, close, people } from './stage.mjs';

/* ---- the first start ------------------------------------------------------------------------- */

await check('the first start: the token behind # signs in, a password is asked for', async () => {
	const page = await open({ user: null });
	await page.goto(`/login#token=${server.token}`);
	await page.getByRole('dialog', { name: 'Set a password' }).waitFor();
	assert.equal(new URL(page.url()).hash, '', 'the token stays in the address');
	await page.getByLabel('New password').fill(PASSWORD);
	await page.getByLabel('The same again').fill('something else');
	await page.getByRole('button', { name: 'Set the password' }).click();
	await shown(page, 'The two passwords differ');
	await page.getByLabel('The same again').fill(PASSWORD);
	await page.getByRole('button', { name: 'Set the password' }).click();
	await page.getByRole('dialog').waitFor({ state: 'detached' });
	await shown(page, 'No sensor is connected');
	await close(page);
});

people.admin = await session(server.url, { user: 'admin', password: PASSWORD });

await check('empty states say what to do next', async () => {
	const page = await open();
	for (const [path, text] of [
		['/findings', 'Nothing is open'],
		['/containers', 'No container is known'],
		['/graph', 'The graph is empty'],
		['/mutes', 'Nothing is muted'],
		['/system', 'No sensor is connected'],
		['/system?tab=tokens', 'No tokens'],
	]) {
		await page.goto(path);
		await shown(page, text);
	}
	await close(page);
});

const { admin } = people;
for (const role of ['viewer', 'analyst']) {
	await admin('POST', '/users', { name: role, role, password: PASSWORD });
	await admin('PUT', `/users/${role}`, { must_change_password: false });
}
const past = history(world, 600, Date.now(), 7);
await sensor.send(past.map((x) => x.record));
await sensor.send(past.slice(-100).map((x) => x.around));
await sensor.send(inventories(world, Date.now()));
await beat();

/* ---- signing in ------------------------------------------------------------------------------ */

await check(
	'a wrong password says so; the right one leads to the page that was asked for',
	async () => {
		const page = await open({ user: null });
		page.expected.push(/401/);
		await page.goto('/rules?show=off');
		await page.waitForURL(/\/login\?to=/);
		await page.getByLabel('User').fill('admin');
		await page.getByLabel('Password').fill('not the password');
		await page.getByRole('button', { name: 'Sign in' }).click();
		await page.getByRole('alert').waitFor();
		await page.getByLabel('Password').fill(PASSWORD);
		await page.getByRole('button', { name: 'Sign in' }).click();
		await page.waitForURL(/\/rules\?show=off$/);
		await close(page);
	},
);

await check('a login does not lead to another site', async () => {
	const page = await open({ user: null });
	await page.goto('/login?to=//example.org/');
	await page.getByLabel('User').fill('admin');
	await page.getByLabel('Password').fill(PASSWORD);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.waitForURL(`${server.url}/now`);
	await close(page);
});

await check('signing out elsewhere ends it here', async () => {
	const page = await open({ user: 'viewer' });
	page.expected.push(/401/);
	const other = await page.context().newPage();
	await other.goto('/now');
	await other.getByRole('button', { name: 'Signed in as viewer' }).click();
	await other.getByRole('menuitem', { name: 'Sign out' }).click();
	await other.waitForURL(/\/login/);
	await page.keyboard.press('g');
	await page.keyboard.press('f');
	await page.waitForURL(/\/login/);
	await close(page);
});
