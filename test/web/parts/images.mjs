// SPDX-License-Identifier: Apache-2.0
// Images: reports of real scans, kept through the API; a list, one image, a survey, a scan that is
// asked for in the page.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from '../server.mjs';
import { note } from '../tap.mjs';
import { server, open, check, rowsOf, shown, close } from './stage.mjs';

const koban = join(build, 'src/cmd/koban');
const run = (program, ...args) =>
	execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
// The Monero project's own, for donations.
const WALLET =
	'44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7Sq' +
	'SsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A';
const config = JSON.stringify({
	'donate-level': 1,
	pools: [{ algo: 'rx/0', url: 'pool.supportxmr.com:3333', user: WALLET, pass: 'x' }],
});

/* A layer as tar of these files. */
function tar(files) {
	const dir = join(server.dir, 'layer');
	run('rm', '-rf', dir);
	for (const [path, text] of Object.entries(files)) {
		mkdirSync(dirname(join(dir, path)), { recursive: true });
		writeFileSync(join(dir, path), text);
	}
	run('tar', '-C', dir, '-cf', `${dir}.tar`, '.');
	return `${dir}.tar`;
}

function image(tag, layers, ...settings) {
	const ref = `${join(server.dir, 'layout')}:${tag}`;
	run('umoci', 'new', '--image', ref);
	for (const [step, files] of layers)
		run('umoci', 'raw', 'add-layer', '--image', ref, '--history.created_by', step, tar(files));
	if (settings.length) run('umoci', 'config', '--image', ref, ...settings);
	return run(koban, 'image', 'scan', '--json', '--no-cache', `oci:${ref}`);
}

const base = {
	'etc/os-release': 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n',
	'var/lib/dpkg/status':
		'Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\n\n',
};

let reports = [];
try {
	run('umoci', 'init', '--layout', join(server.dir, 'layout'));
	reports = [
		image('clean', [['ADD rootfs.tar /', base]], '--config.user', '1000'),
		image(
			'miner',
			[
				['ADD rootfs.tar /', base],
				['COPY config.json /opt/m/', { 'opt/m/config.json': config }],
				[
					'COPY run.sh /',
					{ 'run.sh': '#!/bin/sh\nexec /opt/m/run -c /opt/m/config.json\n' },
				],
			],
			'--config.entrypoint',
			'/run.sh',
		),
	];
} catch (e) {
	note(`no images: ${e.message}`);
}

/* As a person's script would, with the session of the page. */
const send = (page, method, path, text) =>
	page.evaluate(
		async ([m, p, body]) => {
			const me = await (await fetch('/api/v1/me')).json();
			const r = await fetch(p, {
				method: m,
				headers: { 'X-CSRF-Token': me.csrf, 'Content-Type': 'application/json' },
				body,
			});
			return { status: r.status, text: await r.text() };
		},
		[method, path, text],
	);

await check('images: an empty list says how to begin; reports are kept', async () => {
	const page = await open();
	await page.goto('/images');
	await shown(page, 'No image was scanned yet');
	assert.equal(reports.length, 2, 'umoci makes images, koban scans them');
	for (const text of reports) {
		const answer = await send(page, 'POST', '/api/v1/images', text);
		assert.equal(answer.status, 200, answer.text);
	}
	await page.reload();
	await rowsOf(page).nth(1).waitFor();
	await page.getByRole('button', { name: /^Malicious/ }).click();
	await page.waitForFunction(() => document.querySelectorAll('.rows-all .row').length === 1);
	await close(page);
});

await check('images: the verdict, layers, findings with their chain, packages', async () => {
	const page = await open();
	await page.goto('/images?verdict=malicious');
	await page.locator('.c-name a').first().click();
	await page.waitForURL(/\/images\/[0-9a-f]{16}/);
	await shown(page, 'a Monero wallet whose checksum is right');
	assert.equal(await page.locator('.layer').count(), 3);
	await page.locator('.layer', { hasText: 'COPY config.json' }).click();
	await shown(page, 'Findings in layer 2');
	const found = page.locator('.image-findings summary', { hasText: 'wallet' });
	await found.click();
	await shown(page, WALLET);
	await page.getByLabel('Search packages').fill('libc');
	await shown(page, 'libc6');
	await shown(page, 'Everything was read');
	await close(page);
});

await check('images: a survey is drawn with its intervals', async () => {
	const page = await open();
	const row = (name, images, share, low, high) => ({ name, images, share, low, high });
	const survey = {
		images: 200,
		names: 210,
		failed: 3,
		malicious: 12,
		flagged: 30,
		tables: {
			categories: {
				title: 'What was found, by category',
				of: 'of the images that were flagged',
				base: 30,
				rows: [
					row('cryptomining', 11, 0.367, 0.219, 0.545),
					row('embedded-secrets', 9, 0.3, 0.167, 0.479),
				],
			},
		},
	};
	page.expected.push(/400/);
	const bad = await send(page, 'PUT', '/api/v1/survey', '{"tables":1}');
	assert.equal(bad.status, 400);
	const answer = await send(page, 'PUT', '/api/v1/survey', JSON.stringify(survey));
	assert.equal(answer.status, 200, answer.text);
	await page.goto('/images');
	await shown(page, 'A survey of 200 images');
	assert.equal(await page.locator('.bar-range').count(), 2);
	await close(page);
});

await check(
	'images: a scan that cannot be done says why; files of the server are not read',
	async () => {
		const page = await open();
		await page.goto('/images');
		await page.getByRole('button', { name: 'Scan an image' }).click();
		const field = page.getByLabel('Image', { exact: true });
		page.expected.push(/400/);
		await field.fill('dir:/etc');
		await page.getByRole('button', { name: 'Scan it' }).click();
		await shown(page, 'not the name of an image in a registry');
		// koban's own port: it speaks http, and a registry has to speak TLS
		await field.fill(`${new URL(server.url).host}/none/such:1`);
		await page.getByRole('button', { name: 'Scan it' }).click();
		await page.locator('.scans li').first().waitFor();
		await page.locator('.scan-problem').waitFor({ timeout: 90_000 });
		await close(page);
	},
);

await check('images: on a phone, in light', async () => {
	const page = await open({ viewport: { width: 390, height: 780 }, theme: 'light', touch: true });
	await page.goto('/images?verdict=malicious');
	await page.locator('.c-name a').first().click();
	await shown(page, 'a Monero wallet whose checksum is right');
	const wide = await page.evaluate(
		() => document.documentElement.scrollWidth - document.documentElement.clientWidth,
	);
	assert.ok(wide <= 1, `${wide} px too wide`);
	await close(page);
});
