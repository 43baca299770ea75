// SPDX-License-Identifier: Apache-2.0
// A real `koban serve` in a folder of its own, and a sensor that speaks to its socket.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const source = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const build = process.env.KOBAN_BUILD ?? join(source, 'build');
export const PASSWORD = 'correct horse battery staple';

export async function start(extra = []) {
	const dir = mkdtempSync(join(tmpdir(), 'koban-web-test-'));
	chmodSync(dir, 0o755); // started as root, the server becomes somebody who has to get through
	const rules = join(source, 'data/rules');
	const child = spawn(
		join(build, 'src/cmd/koban'),
		['serve', '--json', '-l', '127.0.0.1:0', '-d', join(dir, 'console'), '-r', rules, ...extra],
		{ stdio: ['ignore', 'pipe', 'pipe'], cwd: dir },
	);
	let log = '';
	child.stderr.on('data', (d) => (log += d));
	const ready = await new Promise((done, fail) => {
		child.on('exit', (code) => fail(new Error(`koban serve ended with ${code}: ${log}`)));
		createInterface({ input: child.stdout }).once('line', (line) => done(JSON.parse(line)));
	});
	child.removeAllListeners('exit');
	return {
		url: ready.address.replace(/\/$/, ''),
		token: ready.token,
		dir,
		pid: child.pid,
		log: () => log,
		sensor: () => sensor(join(dir, 'console/ingest.sock')),
		stop: () =>
			new Promise((done) => {
				child.on('exit', (code, signal) => {
					rmSync(dir, { recursive: true, force: true });
					done({ code, signal });
				});
				child.kill('SIGTERM');
			}),
	};
}

/* Sends records and waits until each is acknowledged. */
function sensor(path) {
	return new Promise((done, fail) => {
		const socket = connect(path);
		let sent = 0;
		let acknowledged = 0;
		const refused = [];
		let waiting = null;
		socket.on('error', fail);
		createInterface({ input: socket }).on('line', (line) => {
			const [word, n, ...why] = line.split(' ');
			if (word === 'ok') acknowledged = Number(n);
			else refused.push(`${n}: ${why.join(' ')}`);
			if (acknowledged + refused.length >= sent || acknowledged >= sent) waiting?.();
		});
		socket.on('connect', () =>
			done({
				refused,
				async send(records) {
					for (let i = 0; i < records.length; i += 500) {
						const some = records.slice(i, i + 500);
						sent += some.length;
						const all = new Promise((r) => (waiting = r));
						socket.write(some.map((r) => `${JSON.stringify(r)}\n`).join(''));
						await all;
					}
					if (refused.length)
						throw new Error(
							`the server refused records: ${refused.slice(0, 3).join('; ')}`,
						);
				},
				close: () => socket.end(),
			}),
		);
	});
}

/* A client of the API with a session, for what a test sets up. */
export async function session(url, credentials) {
	const answer = await fetch(`${url}/api/v1/login`, {
		method: 'POST',
		headers: { 'Content-Type': 'application/json' },
		body: JSON.stringify(credentials),
	});
	if (!answer.ok) throw new Error(`login: ${answer.status} ${await answer.text()}`);
	const { csrf } = await answer.json();
	const cookie = answer.headers.get('set-cookie').split(';')[0];
	return async (method, path, body) => {
		const r = await fetch(`${url}/api/v1${path}`, {
			method,
			headers: { Cookie: cookie, 'X-CSRF-Token': csrf, 'Content-Type': 'application/json' },
			body: body === undefined ? undefined : JSON.stringify(body),
		});
		const text = await r.text();
		if (!r.ok) throw new Error(`${method} ${path}: ${r.status} ${text}`);
		return text ? JSON.parse(text) : undefined;
	};
}

/* The first start's token, a password for admin, and one user of each other role. */
export async function people(server) {
	const api = await session(server.url, { token: server.token });
	await api('PUT', '/me/password', { password: PASSWORD });
	for (const role of ['viewer', 'analyst']) {
		await api('POST', '/users', { name: role, role, password: PASSWORD });
		await api('PUT', `/users/${role}`, { must_change_password: false });
	}
	return session(server.url, { user: 'admin', password: PASSWORD });
}
