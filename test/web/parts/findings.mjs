// SPDX-License-Identifier: Apache-2.0
// Findings: live, searched, grouped, triaged; one of them; hostile text.
import assert from 'node:assert/strict';
import { finding } from '../../../web/dev/records.mjs';
import { note } from '../tap.mjs';
import { world, sensor, beat, open, check, rowsOf, shown, close, people } from './stage.mjs';

const { admin } = people;

/* ---- live ------------------------------------------------------------------------------------- */

await check('a finding appears by itself, and is read aloud', async () => {
	const page = await open();
	await page.goto('/now');
	await page.locator('.live-live').waitFor();
	const { record } = finding(world, 100_001, Date.now());
	record.rule = 'A rule that nothing else has';
	const sent = Date.now();
	await sensor.send([record]);
	await page.locator('.now-list').getByText('A rule that nothing else has').waitFor();
	note(`shown ${Date.now() - sent} ms after it was sent`);
	await page
		.locator('[aria-live=polite]', { hasText: 'A rule that nothing else has' })
		.waitFor({ state: 'attached' });
	await beat();
	await beat();
	await page.locator('.now-side canvas').first().waitFor();
	await close(page);
});

/* ---- findings --------------------------------------------------------------------------------- */

await check('search: words, a filter, a wrong filter, terms that are taken away', async () => {
	const page = await open();
	await page.goto('/findings?state=all');
	await rowsOf(page).first().waitFor();
	await page.keyboard.press('/');
	await page.keyboard.type('kworkerds');
	await page.waitForURL(/search=kworkerds/);
	await page.waitForFunction(() =>
		[...document.querySelectorAll('.rows-all .c-rule')].every(
			(x) => x.textContent === 'Connection to a mining pool',
		),
	);
	await page.locator('#search').fill('');
	await page.keyboard.type('proc.na');
	await page.getByRole('option', { name: /^proc\.name/ }).waitFor();
	await page.keyboard.press('Tab');
	assert.equal(await page.locator('#search').inputValue(), 'proc.name ');
	await page.keyboard.type('= bash and finding.priority = Notice');
	await page.keyboard.press('Enter');
	await page.waitForFunction(() => {
		const rules = [...document.querySelectorAll('.rows-all .c-rule')];
		return (
			rules.length && rules.every((x) => x.textContent === 'Interactive shell in a container')
		);
	});
	await page.getByRole('button', { name: 'Take away finding.priority = Notice' }).click();
	await page.waitForFunction(
		() => document.querySelector('#search').value === 'proc.name = bash',
	);
	page.expected.push(/400/);
	await page.locator('#search').fill('proc.nmae = bash');
	await page.keyboard.press('Enter');
	await page.getByRole('alert').filter({ hasText: 'proc.nmae' }).waitFor();
	await close(page);
});

await check('groups open into their findings', async () => {
	const page = await open();
	await page.goto('/findings?state=all&group=rule');
	await page.getByRole('grid', { name: 'Findings by rule' }).waitFor();
	const name = await page.locator('.c-key').first().textContent();
	await page.locator('.c-key button').first().click();
	await page.waitForURL(/rule=/);
	await page.waitForFunction(
		(n) =>
			[...document.querySelectorAll('.rows-all .c-rule')].every((x) => x.textContent === n) &&
			document.querySelector('.findings'),
		name,
	);
	await close(page);
});

await check('triage by keys: acknowledge, resolve, reopen, in bulk', async () => {
	const page = await open({ user: 'analyst' });
	await page.goto('/findings?rule=Connection%20to%20a%20mining%20pool&state=all');
	await rowsOf(page).first().waitFor();
	await page.keyboard.press('j');
	await page.keyboard.press('a');
	await page.locator('.row.current .state-acknowledged').waitFor();
	await page.keyboard.press('x');
	await page.keyboard.press('j');
	await page.keyboard.press('x');
	await shown(page, '2 picked');
	await page.keyboard.press('r');
	await page.waitForFunction(
		() => document.querySelectorAll('.rows-all .state-resolved').length === 2,
	);
	await shown(page, '2 findings resolved');
	const { items } = await admin(
		'GET',
		'/findings?rule=Connection%20to%20a%20mining%20pool&state=resolved',
	);
	assert.equal(items.length, 2);
	await page.keyboard.press('o');
	await page.locator('.row.current .state-open').waitFor();
	await close(page);
});

await check('picking with the mouse and shift', async () => {
	const page = await open();
	await page.goto('/findings?state=all');
	await rowsOf(page).first().waitFor();
	await page.locator('.rows-all .row').nth(1).locator('input').click();
	await page
		.locator('.rows-all .row')
		.nth(4)
		.locator('input')
		.click({ modifiers: ['Shift'] });
	await shown(page, '4 picked');
	await page.locator('.rows-all .row').nth(2).locator('input').click();
	await shown(page, '3 picked');
	await page.keyboard.press('Escape');
	await page.locator('.bulk').waitFor({ state: 'detached' });
	await close(page);
});

await check('mute with a reason and an end; the list of mutes; ending it', async () => {
	const page = await open({ user: 'analyst' });
	await page.goto('/findings?rule=SSH%20login&state=open');
	await rowsOf(page).first().waitFor();
	await page.keyboard.press('j');
	await page.keyboard.press('m');
	const dialog = page.getByRole('dialog', { name: 'Mute SSH login' });
	await dialog.getByLabel('What').selectOption('rule');
	await dialog.getByLabel('How long').selectOption('86400');
	await dialog.getByLabel('Why').fill('the bastion host is expected to log in');
	await dialog.getByRole('button', { name: 'Mute' }).click();
	await dialog.waitFor({ state: 'detached' });
	await shown(page, 'Nothing').catch(() => {});
	const { record } = finding(world, 100_002, Date.now());
	await sensor.send([{ ...record, rule: 'SSH login' }]);
	assert.equal((await admin('GET', `/findings/${record.id}`)).state, 'muted');
	await page.goto('/mutes');
	await shown(page, 'the bastion host is expected to log in');
	await page.getByRole('button', { name: 'End' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'End it' }).click();
	await shown(page, 'Nothing is muted');
	await close(page);
});

await check(
	'one finding: why, process tree, events, rule, evidence; comment and assign',
	async () => {
		const page = await open({ user: 'analyst' });
		const { items } = await admin(
			'GET',
			'/findings?rule=Program%20executed%20that%20is%20not%20in%20the%20image&limit=1',
		);
		await page.goto(`/findings/${items[0].id}`);
		await shown(page, 'Why this was found');
		assert.ok((await page.locator('.process').count()) >= 4);
		await page.locator('.process.subject').getByText('probe').first().waitFor();
		await page.locator('.lineage-container').waitFor();
		await shown(page, 'What to do');
		await shown(page, 'Fingerprint');
		await page.locator('.events-list .here, .events .empty').first().waitFor();
		await page.keyboard.press('c');
		await page.getByLabel('What did you find out?').fill('asked the team: <b>not</b> theirs');
		await page.getByRole('dialog').getByRole('button', { name: 'Comment' }).click();
		await page.locator('.talk').getByText('asked the team: <b>not</b> theirs').waitFor();
		await page.keyboard.press('i');
		await page.getByLabel('To whom').fill('analyst');
		await page.getByRole('dialog').getByRole('button', { name: 'Assign' }).click();
		await page.locator('.finding-facts').getByText('analyst').waitFor();
		const [download] = await Promise.all([
			page.waitForEvent('download'),
			page
				.getByRole('button', { name: 'More' })
				.click()
				.then(() => page.getByRole('menuitem', { name: 'Download as JSON' }).click()),
		]);
		assert.match(download.suggestedFilename(), /^finding-[0-9a-f]{32}\.json$/);
		await close(page);
	},
);

await check('hostile text stays text', async () => {
	const page = await open();
	const { record } = finding(world, 100_003, Date.now());
	const evil = '<img src=x onerror=alert(1)>"\'`</script>${7*7}\u202egnp.exe';
	Object.assign(record, { rule: evil, output: evil, hostname: evil });
	record.processes[0].cmdline = evil;
	await sensor.send([record]);
	for (const path of [
		`/findings/${record.id}`,
		'/findings?state=all',
		'/now',
		'/findings?state=all&group=host',
		'/graph',
	]) {
		await page.goto(path);
		if (path === '/graph') await page.locator('#search').fill('<img src');
		await page.locator('main').getByText('<img src=x').first().waitFor();
		assert.equal(await page.locator('img').count(), 0);
		assert.doesNotMatch(
			await page.locator('body').innerText(),
			/\u202e/,
			`${path} shows text that turns around`,
		);
	}
	await close(page);
});
