// SPDX-License-Identifier: Apache-2.0
// The other pages, roles, and the keyboard alone.
import assert from 'node:assert/strict';
import { PASSWORD } from '../server.mjs';
import { note } from '../tap.mjs';
import { server, open, check, rowsOf, shown, close, people } from './stage.mjs';

const { admin } = people;

/* ---- the other pages --------------------------------------------------------------------------- */

await check('containers: order, search, one of them', async () => {
	const page = await open();
	await page.goto('/containers');
	await rowsOf(page).first().waitFor();
	await page.getByRole('button', { name: 'Memory' }).click();
	await page.locator('#search').fill('ci-runner');
	await page.waitForFunction(() =>
		[...document.querySelectorAll('.rows-all .c-name a')].every((x) =>
			x.textContent.startsWith('ci-runner'),
		),
	);
	await page.locator('.c-name a').first().click();
	await page.waitForURL(/\/containers\/[0-9a-f]{12}/);
	await shown(page, 'Privileged: it can do what root on the host can');
	await shown(page, '/var/run/docker.sock');
	await page.getByRole('link', { name: 'Graph', exact: true }).last().click();
	await page.waitForURL(/\/graph\?root=/);
	await close(page);
});

await check(
	'graph: found, walked by keys, expanded, as a list, and the way to the internet',
	async () => {
		const page = await open();
		await page.goto('/graph');
		await page.locator('#search').fill('payments');
		await page
			.getByRole('link', { name: /payments.*container/ })
			.first()
			.click();
		const canvas = page.getByRole('application');
		await canvas.waitFor();
		await page.waitForFunction(() => window.graphFrames?.drawn > 1);
		const heading = page.locator('.graph-side h2');
		assert.match(await heading.textContent(), /payments/);
		await canvas.focus();
		for (const key of ['ArrowLeft', 'ArrowRight', 'ArrowDown', 'ArrowUp']) {
			await page.keyboard.press(key);
			if (!/^payments/.test(await heading.textContent())) break;
		}
		assert.doesNotMatch(
			await heading.textContent(),
			/^payments/,
			'no arrow key moved the selection',
		);
		await page.keyboard.press('Enter');
		await page
			.locator('.toasts')
			.getByText(/more|already shown|taken apart/)
			.first()
			.waitFor();
		await page.locator('body').click({ position: { x: 400, y: 12 } });
		await page.keyboard.press('l');
		await page.locator('.node-list tbody tr').first().waitFor();
		await page.keyboard.press('l');
		const { items } = await admin('GET', '/entities?kind=process&limit=200');
		let found = null;
		for (const e of items.slice(0, 40)) {
			const way = await admin('GET', `/graph/path?from=${e.id}&to=internet`);
			if (way.nodes.length > 1) {
				found = { e, way };
				break;
			}
		}
		assert.ok(found, 'no process has a way to the internet');
		await page.goto(`/graph?root=${found.e.id}&to=internet`);
		await page
			.locator('.path-bar li')
			.nth(found.way.nodes.length - 1)
			.waitFor();
		await close(page);
	},
);

await check('ATT&CK: counts, coverage, and from a technique to its findings', async () => {
	const page = await open();
	await page.goto('/attack');
	await page
		.getByRole('button', { name: /Network Service Discovery/ })
		.first()
		.click();
	await page.locator('.drawer').getByText('T1046').waitFor();
	await page.locator('.drawer a.primary').click();
	await page.waitForURL(/technique=T1046/);
	await rowsOf(page).first().waitFor();
	await close(page);
});

await check('rules: searched, one of them, switched off', async () => {
	const page = await open();
	await page.goto('/rules');
	await rowsOf(page).first().waitFor();
	await page.keyboard.press('/');
	await page.keyboard.type('environment of another process');
	await page.waitForFunction(
		() =>
			document.querySelector('.rows-all .c-rule')?.textContent ===
			'Environment of another process read',
	);
	await page.keyboard.press('Escape');
	await page.goto('/rules/Environment%20of%20another%20process%20read');
	await page.locator('.source pre').waitFor();
	const lever = page.getByRole('switch');
	assert.equal(await lever.getAttribute('aria-checked'), 'true');
	await lever.click();
	await page.locator('[role=switch][aria-checked=false]').waitFor();
	assert.equal(
		(await admin('GET', '/rules/Environment%20of%20another%20process%20read')).enabled,
		false,
	);
	await page.locator('[role=switch][aria-checked=false]').click();
	await page.locator('[role=switch][aria-checked=true]').waitFor();
	await close(page);
});

await check(
	'the editor: an error with its place while typing, mended, tried, saved, deleted',
	async () => {
		const page = await open();
		await page.goto('/rules/new');
		const text = page.locator('.cm-content');
		await text.waitFor();
		await page.locator('.problems-none').waitFor();
		await text.click();
		await page.keyboard.press('Control+a');
		await page.keyboard.insertText(
			'- rule: Test of the console\n  desc: x\n  condition: evt.type = execve and proc.nmae = sh\n  output: x %proc.name\n  priority: NOTICE\n  tags: [T1059]\n',
		);
		await page.locator('.problem', { hasText: 'proc.nmae' }).waitFor();
		assert.match(await page.locator('.problem-at').first().textContent(), /^3:\d+$/);
		assert.ok(await page.getByRole('button', { name: 'Save' }).isDisabled());
		await page.locator('.cm-lintRange-error').first().waitFor();
		await text.click();
		await page.keyboard.press('Control+a');
		await page.keyboard.insertText(
			'- rule: Test of the console\n  desc: x\n  condition: evt.type in (execve, execveat) and proc.name exists\n  output: x %proc.name\n  priority: NOTICE\n  tags: [T1059]\n',
		);
		await page.locator('.problems-none').waitFor();
		await page.getByRole('button', { name: 'Try' }).click();
		await page.locator('.tried h2').waitFor({ timeout: 60_000 });
		note(
			`tried: ${await page.locator('.tried h2').textContent()}, ${(await page.locator('.tried > p').first().textContent()).trim()}`,
		);
		assert.match(await page.locator('.tried h2').textContent(), /^[1-9][\d,]* finding/);
		await page.keyboard.press('Control+s');
		await page.waitForURL(/\/rules\/Test%20of%20the%20console/);
		await page.locator('.source pre', { hasText: 'proc.name exists' }).waitFor();
		await page.getByRole('button', { name: /Delete/ }).click();
		await page.getByRole('dialog').getByRole('button', { name: 'Delete the file' }).click();
		await page.waitForURL(/\/rules$/);
		assert.deepEqual(
			(await admin('GET', '/rulefiles')).items.filter((f) => /test/.test(f.name)),
			[],
		);
		await close(page);
	},
);

await check('system: storage, backup, users, tokens, audit', async () => {
	const page = await open();
	await page.goto('/system');
	await shown(page, '6.1.0-28-amd64');
	await page.getByRole('button', { name: 'Storage' }).click();
	await page.getByRole('button', { name: 'Back up now' }).click();
	await shown(page, 'Written to');
	await page.getByRole('button', { name: 'Users' }).click();
	await page.getByRole('button', { name: 'New user' }).click();
	await page.getByLabel('Name').fill('ann');
	await page.getByLabel('First password').fill(PASSWORD);
	await page.getByRole('dialog').getByRole('button', { name: 'Make the user' }).click();
	await page.getByRole('button', { name: 'Delete ann' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Delete the user' }).click();
	await page.getByRole('button', { name: 'Delete ann' }).waitFor({ state: 'detached' });
	await page.getByRole('button', { name: 'Tokens' }).click();
	await page.getByRole('button', { name: 'New token' }).click();
	await page.getByLabel('What is it for?').fill('dashboard');
	await page.getByRole('dialog').getByRole('button', { name: 'Make the token' }).click();
	const token = await page
		.getByRole('dialog', { name: 'The new token' })
		.locator('code')
		.textContent();
	const answer = await fetch(`${server.url}/api/v1/me`, {
		headers: { Authorization: `Bearer ${token}` },
	});
	assert.equal(answer.status, 200);
	await page.keyboard.press('Escape');
	await page.getByRole('button', { name: 'Revoke dashboard' }).click();
	await shown(page, 'No tokens');
	await page.getByRole('button', { name: 'Audit' }).click();
	await page.locator('tbody tr').nth(5).waitFor();
	await close(page);
});

await check('roles: a viewer is offered nothing that it may not do', async () => {
	const page = await open({ user: 'viewer' });
	await page.goto('/findings?state=all');
	await rowsOf(page).first().waitFor();
	assert.equal(await page.locator('.c-pick').count(), 0);
	await page.keyboard.press('j');
	await page.keyboard.press('m');
	assert.equal(await page.getByRole('dialog').count(), 0);
	await page.keyboard.press('Enter');
	await shown(page, 'Why this was found');
	assert.equal(await page.getByRole('button', { name: /Resolve|Acknowledge|More/ }).count(), 0);
	await page.goto('/rules');
	await rowsOf(page).first().waitFor();
	assert.ok(await page.getByRole('switch').first().isDisabled());
	await page.goto('/mutes');
	assert.equal(await page.getByRole('button', { name: 'New mute' }).count(), 0);
	await page.goto('/system?tab=users');
	await shown(page, 'Losses by cause');
	assert.equal(await page.getByRole('button', { name: 'Users' }).count(), 0);
	await close(page);
});

await check('by keyboard alone: from signing in to a resolved finding, and back', async () => {
	const page = await open({ user: null });
	await page.goto('/login');
	await page.locator('#user:focus').waitFor();
	await page.keyboard.type('admin');
	await page.keyboard.press('Tab');
	await page.keyboard.type(PASSWORD);
	await page.keyboard.press('Enter');
	await page.waitForURL(/\/now/);
	await page.locator('nav[aria-label=Pages]').waitFor();
	await page.keyboard.press('g');
	await page.keyboard.press('f');
	await page.waitForURL(/\/findings/);
	await rowsOf(page).first().waitFor();
	await page.keyboard.press('j');
	await page.keyboard.press('j');
	await page.locator('.row.current').waitFor();
	await page.keyboard.press('Enter');
	await shown(page, 'Why this was found');
	await page.keyboard.press('r');
	await page.locator('.finding-facts .state-resolved').waitFor();
	const resolved = page.url();
	await page.keyboard.press('k');
	await page.waitForFunction(
		(u) => location.href !== u && document.querySelector('.finding-facts .state-open'),
		resolved,
	);
	const now = page.url().split('/').pop();
	await page.keyboard.press('u');
	await page.waitForURL(/\/findings(\?|$)/);
	await page.locator(`.row.current a[href$='${now}']`).waitFor();
	await page.keyboard.press('?');
	const keys = page.getByRole('dialog', { name: 'Keys' });
	await keys.getByText('Acknowledge').waitFor();
	await keys.getByText('Command palette').waitFor();
	await page.keyboard.press('Escape');
	await keys.waitFor({ state: 'detached' });
	await page.keyboard.press('Control+k');
	await page.keyboard.type('attack');
	await page.keyboard.press('Enter');
	await page.waitForURL(/\/attack/);
	await page.keyboard.press('Control+k');
	await page.keyboard.type('Reverse shell');
	await page.locator('#palette-list li', { hasText: 'Rule' }).first().waitFor();
	await page.keyboard.press('Escape');
	await page.locator('dialog').waitFor({ state: 'detached' });
	await page.keyboard.press('t');
	await page.waitForFunction(() => document.documentElement.dataset.theme === 'light');
	await page.keyboard.press('Tab');
	assert.equal(
		await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle),
		'solid',
		'the focus is not to be seen',
	);
	await close(page);
});
