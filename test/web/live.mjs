// SPDX-License-Identifier: Apache-2.0
// Usage: node live.mjs URL PASSWORD TEXT PICTURE. Signs in as admin, opens Now, says "ready" and waits for
// TEXT among the live findings; prints when it was shown, in milliseconds since 1970, and takes a picture.
import { launch, signIn } from './browser.mjs';

const [url, password, text, picture] = process.argv.slice(2);
const browser = await launch();
try {
	const context = await browser.newContext({
		baseURL: url,
		viewport: { width: 1440, height: 900 },
	});
	const page = await context.newPage();
	await signIn(page, 'admin', password);
	await page.goto('/now');
	await page.getByRole('heading', { level: 1 }).waitFor();
	await page.waitForFunction(() => document.readyState === 'complete');
	console.log('ready');
	await page.getByText(text, { exact: false }).first().waitFor({ timeout: 20_000 });
	console.log(Date.now());
	await page.screenshot({ path: picture });
} finally {
	await browser.close();
}
