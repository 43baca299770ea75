// SPDX-License-Identifier: Apache-2.0
// Debian's Chromium, without a graphics card, and signing in: what every program here begins with.
import { chromium } from 'playwright-core';

export const launch = () =>
	chromium.launch({
		executablePath: process.env.KOBAN_CHROMIUM ?? '/usr/bin/chromium',
		args: [
			'--no-sandbox',
			'--disable-gpu',
			'--disable-dev-shm-usage',
			'--disable-background-networking',
			'--no-first-run',
		],
	});

export async function signIn(
	page,
	user = process.env.KOBAN_USER ?? 'admin',
	password = process.env.KOBAN_PASSWORD ?? 'correct horse battery staple',
) {
	if (!new URL(page.url()).pathname.startsWith('/login')) await page.goto('/login');
	await page.fill('#user', user);
	await page.fill('#password', password);
	await page.click('button[type=submit]');
	await page.waitForSelector('nav[aria-label=Pages]');
}
