// SPDX-License-Identifier: Apache-2.0
// What every part of the test stands on: the server, the browser, a sensor, pages that are watched
// for what none may do.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { estate, metrics } from '../../../web/dev/records.mjs';
import { launch, signIn } from '../browser.mjs';
import { build, PASSWORD, start } from '../server.mjs';
import { test } from '../tap.mjs';

export const axe = readFileSync(
	createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
	'utf8',
);
const pictures = join(build, 'test-web');
mkdirSync(pictures, { recursive: true });

export const server = await start();
export const browser = await launch();
export const world = estate(7, 2, 14);
export const sensor = await server.sensor();
let tick = 0;
export const beat = () => sensor.send([metrics(world, Date.now(), ++tick)]);

/* What no page may do, whatever is tested: log an error, breach the policy, ask another host. */
const faults = [];
const origin = new URL(server.url).origin;

export async function open({
	viewport = { width: 1440, height: 900 },
	theme = 'dark',
	user = 'admin',
	touch = false,
} = {}) {
	const context = await browser.newContext({
		viewport,
		colorScheme: theme,
		baseURL: server.url,
		reducedMotion: 'reduce',
		hasTouch: touch,
	});
	await context.exposeBinding('reportBreach', (_source, text) => faults.push(`policy: ${text}`));
	await context.addInitScript(() => {
		document.addEventListener('securitypolicyviolation', (e) =>
			window.reportBreach(
				`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`,
			),
		);
	});
	const page = await context.newPage();
	page.setDefaultTimeout(15_000);
	page.expected = [];
	page.on('console', (m) => {
		// A stream that ends is no error: the browser connects again.
		if (
			m.type() === 'error' &&
			!/\/api\/v1\/stream$/.test(m.location().url) &&
			!page.expected.some((x) => x.test(m.text()))
		)
			faults.push(`console: ${m.text()} (${page.url()})`);
	});
	page.on('pageerror', (e) => faults.push(`exception: ${e.message} (${page.url()})`));
	page.on('request', (r) => {
		if (!/^(data|blob):/.test(r.url()) && new URL(r.url()).origin !== origin)
			faults.push(`another host: ${r.url()}`);
	});
	current = page;
	if (user) await signIn(page, user, PASSWORD);
	return page;
}

let current;
const shoot = (name) =>
	current.screenshot({ path: join(pictures, `${name.replace(/\W+/g, '-').slice(0, 60)}.png`) });
export const check = (name, run) =>
	test(
		name,
		async () => {
			faults.length = 0;
			await run();
			assert.deepEqual(faults, []);
		},
		shoot,
	);

export const rowsOf = (page) => page.locator('.rows-all .row');
export const shown = (page, text) => page.getByText(text, { exact: false }).first().waitFor();
export const close = (page) => page.context().close();

/* Sessions that a part leaves to the next. */
export const people = { admin: null };
