// SPDX-License-Identifier: Apache-2.0
// For working on the pages alone: bundles them, and plays a console's API over made-up records. It
// keeps nothing and checks nobody's password; the tests run against `koban serve` instead.
// Usage: npm run dev [-- PORT]. SIZE=n findings, BIG=1 for 2,000 nodes in every graph.
import { createServer } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { build } from '../build.mjs';
import { api } from './api.mjs';

const outdir = join(tmpdir(), `koban-console-dev-${process.pid}`);
const TYPES = {
	'.html': 'text/html; charset=utf-8',
	'.js': 'text/javascript',
	'.css': 'text/css',
	'.svg': 'image/svg+xml',
	'.txt': 'text/plain',
};
const HEADERS = {
	'Content-Security-Policy':
		"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
	'X-Content-Type-Options': 'nosniff',
	'Cache-Control': 'no-cache',
};

await build(outdir, !process.env.MINIFY);
const port = Number(process.argv[2] ?? 5173);
const answer = api({ size: Number(process.env.SIZE ?? 1200), big: !!process.env.BIG });

const server = createServer((request, response) => {
	const { pathname } = new URL(request.url, 'http://localhost');
	if (pathname.startsWith('/api/')) return answer(request, response);
	let file = join(outdir, normalize(pathname));
	if (!extname(file) || !existsSync(file)) file = join(outdir, 'index.html');
	response.writeHead(200, {
		...HEADERS,
		'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
	});
	response.end(readFileSync(file));
});
server.listen(port, '127.0.0.1', () =>
	console.log(
		`http://127.0.0.1:${server.address().port}/ (any user, any password; user viewer or analyst for that role)`,
	),
);
