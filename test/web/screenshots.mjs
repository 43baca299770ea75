// SPDX-License-Identifier: Apache-2.0
// Pictures of every page, in both themes and at a phone's width, for people to look at.
// Usage: node screenshots.mjs URL OUTDIR [NAME…]    (KOBAN_USER, KOBAN_PASSWORD; a page's name filters)
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launch, signIn } from './browser.mjs';

const SIZES = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

async function first(page, path, key) {
	const answer = await page.request.get(`/api/v1${path}`);
	const item = (await answer.json()).items[0];
	return item ? encodeURIComponent(item[key]) : 'none';
}

export async function places(page) {
	return {
		now: '/now',
		findings: '/findings?state=open',
		grouped: '/findings?state=all&group=rule',
		finding: `/findings/${await first(page, '/findings?priority=Critical', 'id')}`,
		containers: '/containers',
		container: `/containers/${await first(page, '/containers', 'id')}`,
		images: '/images',
		image: `/images/${await first(page, '/images', 'id')}`,
		choose: '/graph',
		graph: `/graph?root=${await first(page, '/entities?kind=container&limit=1', 'id')}&depth=2`,
		path: `/graph?root=${await first(page, '/entities?kind=container&limit=1', 'id')}&depth=2&to=internet`,
		attack: '/attack',
		rules: '/rules',
		rule: `/rules/${await first(page, '/rules', 'name')}`,
		editor: '/rules/new',
		mutes: '/mutes',
		system: '/system',
		storage: '/system?tab=storage',
		users: '/system?tab=users',
		nothing: '/findings?search=nothing-is-called-this',
	};
}

async function main([url, outdir, ...only]) {
	mkdirSync(outdir, { recursive: true });
	const browser = await launch();
	for (const theme of ['dark', 'light']) {
		for (const [size, viewport] of Object.entries(SIZES)) {
			const context = await browser.newContext({
				viewport,
				colorScheme: theme,
				baseURL: url,
				reducedMotion: 'reduce',
				hasTouch: size === 'phone',
			});
			const page = await context.newPage();
			const shoot = (name) =>
				page.screenshot({ path: join(outdir, `${name}-${theme}-${size}.png`) });
			await page.goto('/login');
			await page.waitForSelector('.login-card');
			if (!only.length || only.includes('login')) await shoot('login');
			await signIn(page);
			for (const [name, path] of Object.entries(await places(page))) {
				if (only.length && !only.includes(name)) continue;
				await page.goto(path);
				await page.waitForTimeout(
					name === 'now' || /graph|path|editor/.test(name) ? 3500 : 900,
				);
				await shoot(name);
			}
			if (!only.length || only.includes('palette')) {
				await page.goto('/now');
				await page.waitForSelector('h1');
				await page.keyboard.press('Control+k');
				await page.keyboard.type('shell');
				await page.waitForTimeout(700);
				await shoot('palette');
			}
			await context.close();
		}
	}
	await browser.close();
}

if (process.argv[1]?.endsWith('screenshots.mjs')) await main(process.argv.slice(2));
