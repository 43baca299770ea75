// SPDX-License-Identifier: Apache-2.0
// What holds for every page: accessibility, a phone's width, weight, size, policy.
import assert from 'node:assert/strict';
import { estate, history } from '../../../web/dev/records.mjs';
import { places } from '../screenshots.mjs';
import { note } from '../tap.mjs';
import { axe, sensor, open, check, rowsOf, close, people } from './stage.mjs';

const { admin } = people;

/* ---- every page ---------------------------------------------------------------------------------- */

const WAIT = { graph: 2500, path: 2500, editor: 1500 };

for (const theme of ['dark', 'light']) {
	await check(`accessibility of every page, ${theme}`, async () => {
		const page = await open({ theme });
		const found = [];
		for (const [name, path] of Object.entries({ ...(await places(page)), login: '/login' })) {
			await page.goto(path);
			await page.locator('h1').first().waitFor();
			await page.waitForTimeout(WAIT[name] ?? 700);
			await page.evaluate(axe);
			const result = await page.evaluate(() =>
				window.axe.run(document, { resultTypes: ['violations'] }),
			);
			for (const v of result.violations) {
				const line = `${name}: ${v.impact} ${v.id}: ${v.nodes
					.slice(0, 3)
					.map(
						(x) =>
							`${x.target.join(' ')} ${x.failureSummary?.split('\n')[1]?.trim() ?? ''}`,
					)
					.join('; ')}`;
				if (['serious', 'critical'].includes(v.impact)) found.push(line);
				else note(line);
			}
		}
		assert.deepEqual(found, []);
		await close(page);
	});
}

await check(
	'on a phone no page is wider than the screen, and everything can be reached',
	async () => {
		const page = await open({ viewport: { width: 360, height: 740 }, touch: true });
		for (const [name, path] of Object.entries(await places(page))) {
			await page.goto(path);
			await page.locator('h1').first().waitFor();
			await page.waitForTimeout(500);
			const wide = await page.evaluate(
				() => document.documentElement.scrollWidth - innerWidth,
			);
			assert.ok(wide <= 0, `${name} is ${wide} px too wide`);
		}
		await page.getByRole('button', { name: 'More' }).last().click();
		await page.getByRole('menuitem', { name: 'System' }).click();
		await page.waitForURL(/\/system/);
		await close(page);
	},
);

/* ---- weight and size -------------------------------------------------------------------------------- */

await check('page weight: at most 400 KB compressed in all', async () => {
	const page = await open();
	const bytes = new Map();
	page.on('response', async (r) => {
		if (r.url().includes('/assets/'))
			bytes.set(r.url(), Number(r.headers()['content-length'] ?? 0));
	});
	await page.goto('/now');
	await page.locator('.now-list').waitFor();
	const firstView = [...bytes.values()].reduce((a, b) => a + b, 0);
	for (const path of Object.values(await places(page))) {
		await page.goto(path);
		await page.waitForTimeout(400);
	}
	const all = [...bytes.values()].reduce((a, b) => a + b, 0);
	note(
		`first view ${Math.round(firstView / 1000)} KB, every page ${Math.round(all / 1000)} KB as sent`,
	);
	assert.ok(all > 50_000 && all <= 400_000, `${all} bytes`);
	await close(page);
});

const frames = (page, ms) =>
	page.evaluate(
		(ms) =>
			new Promise((done) => {
				const gaps = [];
				const begin = performance.now();
				let last = begin;
				const step = () => {
					const now = performance.now();
					gaps.push(now - last);
					last = now;
					if (now - begin < ms) requestAnimationFrame(step);
					else
						done(
							`${((gaps.length / (now - begin)) * 1000).toFixed(1)} frames a second, median ${gaps.sort((a, b) => a - b)[gaps.length >> 1].toFixed(1)} ms`,
						);
				};
				requestAnimationFrame(step);
			}),
		ms,
	);

await sensor.send(history(estate(8, 1, 14), 10_000, Date.now(), 3).map((x) => x.record));

await check('10,000 findings: only what is in sight is in the document', async () => {
	const page = await open();
	await page.goto('/findings?state=all');
	await rowsOf(page).first().waitFor();
	await page.mouse.move(700, 500);
	const wheel = (async () => {
		for (let i = 0; i < 40; i++) {
			await page.mouse.wheel(0, 240);
			await page.waitForTimeout(100);
		}
	})();
	note(`list while scrolling: ${await frames(page, 4000)}`);
	await wheel;
	const at = () =>
		page.evaluate(() => ({
			rows: document.querySelectorAll('.rows-all .row').length,
			foot: document.querySelector('.rows-foot').textContent,
			top: document.querySelector('.rows-scroll').scrollTop,
		}));
	const { rows, top } = await at();
	assert.ok(rows > 10 && rows < 90, `${rows} rows in the document`);
	assert.ok(top > 1000);
	for (let i = 0; i < 60; i++) {
		await page.keyboard.press('End');
		await page.waitForTimeout(120);
	}
	const last = await at();
	note(`after End: ${last.foot}`);
	assert.ok(last.rows < 90, `${last.rows} rows in the document`);
	await close(page);
});

await check('2,000 nodes: drawn, panned and zoomed', async () => {
	const page = await open();
	const { items } = await admin('GET', '/entities?kind=host&limit=10');
	const host = items.find((e) => e.name === 'node-a') ?? items[0];
	await page.goto(`/graph?root=${host.id}&depth=3&apart=1`);
	await page.waitForFunction(() => window.graphFrames?.drawn > 1);
	await page.waitForTimeout(5000);
	note(await page.locator('.page-actions').textContent());
	const nodes = Number(
		(await page.locator('.page-actions').textContent()).replace(/,/g, '').match(/^(\d+)/)[1],
	);
	assert.ok(nodes >= 1500, `${nodes} nodes`);
	const before = await page.evaluate(() => ({ ...window.graphFrames }));
	await page.evaluate(() => {
		const el = document.querySelector('.graph-canvas canvas');
		const begin = performance.now();
		const step = () => {
			const t = performance.now() - begin;
			el.dispatchEvent(
				new WheelEvent('wheel', {
					deltaY: Math.sin(t / 400) * 40,
					clientX: 700,
					clientY: 400,
					cancelable: true,
				}),
			);
			if (t < 4000) requestAnimationFrame(step);
		};
		requestAnimationFrame(step);
	});
	note(`graph while zooming: ${await frames(page, 3500)}`);
	const after = await page.evaluate(() => ({ ...window.graphFrames }));
	assert.ok(
		after.moved - before.moved > 20 && after.drawn - before.drawn > 5,
		JSON.stringify([before, after]),
	);
	await close(page);
});

await check('no browser reported a breach of the content security policy', async () => {
	assert.deepEqual((await admin('GET', '/csp-reports')).items, []);
});

sensor.close();
