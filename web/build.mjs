// SPDX-License-Identifier: Apache-2.0
// Bundles the console into a folder: index.html and assets/, every asset's name with a hash of its
// content, so that a server may let browsers keep assets for ever and index.html not at all.
// Usage: node build.mjs [--outdir DIR] [--dev]
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

const entries = {
	main: 'src/main.tsx',
	theme: 'src/theme.ts',
	worker: 'src/graph/worker.ts',
};

function options(outdir, dev) {
	return {
		absWorkingDir: here,
		outdir: join(outdir, 'assets'),
		bundle: true,
		format: 'esm',
		target: ['es2022'],
		charset: 'utf8',
		jsx: 'automatic',
		jsxImportSource: 'preact',
		minify: !dev,
		sourcemap: dev ? 'inline' : false,
		legalComments: 'none', // third-party.txt has the licences whole
		metafile: true,
		entryNames: dev ? '[name]' : '[name]-[hash]',
		chunkNames: dev ? 'chunk-[name]-[hash]' : '[name]-[hash]',
		assetNames: '[name]-[hash]',
		define: { 'process.env.NODE_ENV': dev ? '"development"' : '"production"' },
		logLevel: 'warning',
	};
}

/* The worker and the script that sets the theme before the first paint stand alone; the
 * application is split where it says import(). */
export async function build(outdir, dev = false) {
	rmSync(join(outdir, 'assets'), { recursive: true, force: true });
	mkdirSync(outdir, { recursive: true });
	const alone = await esbuild.build({
		...options(outdir, dev),
		format: 'iife',
		entryPoints: { theme: entries.theme, worker: entries.worker },
	});
	const worker = find(alone.metafile, entries.worker);
	const app = await esbuild.build({
		...options(outdir, dev),
		splitting: true,
		entryPoints: { main: entries.main },
		define: { ...options(outdir, dev).define, WORKER_URL: JSON.stringify(`/assets/${worker}`) },
	});
	const icon = put(outdir, 'koban', 'svg', readFileSync(join(here, 'src/koban.svg')));
	const html = readFileSync(join(here, 'src/index.html'), 'utf8')
		.replace('%THEME%', find(alone.metafile, entries.theme))
		.replace('%MAIN%', find(app.metafile, entries.main))
		.replace('%STYLE%', find(app.metafile, entries.main, 'cssBundle'))
		.replace('%ICON%', icon);
	writeFileSync(join(outdir, 'index.html'), html);
	writeFileSync(join(outdir, 'third-party.txt'), licences([alone.metafile, app.metafile]));
	return report(outdir);
}

function put(outdir, name, ext, bytes) {
	const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 8).toUpperCase();
	const file = `${name}-${hash}.${ext}`;
	writeFileSync(join(outdir, 'assets', file), bytes);
	return file;
}

function find(meta, entry, what) {
	for (const [file, out] of Object.entries(meta.outputs)) {
		if (out.entryPoint === entry) return (what ? out[what] : file).split('/').pop();
	}
	throw new Error(`the bundler wrote no output for ${entry}`);
}

/* The licence of each package of which something is in the bundle. */
function licences(metas) {
	const packages = new Set();
	for (const meta of metas) {
		for (const input of Object.keys(meta.inputs)) {
			const m = input.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//);
			if (m && meta.inputs[input].bytes > 0) packages.add(m[1]);
		}
	}
	let text = 'The console of koban contains code of these packages.\n';
	for (const name of [...packages].sort()) {
		const dir = join(here, 'node_modules', name);
		const { version, license } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));
		const file = readdirSync(dir).find((f) => /^licen[sc]e/i.test(f));
		text += `\n${'-'.repeat(78)}\n${name} ${version} (${license})\n\n`;
		text += file ? readFileSync(join(dir, file), 'utf8').trim() + '\n' : '';
	}
	return text;
}

function report(outdir) {
	const rows = readdirSync(join(outdir, 'assets')).map((name) => {
		const bytes = readFileSync(join(outdir, 'assets', name));
		return { name, bytes: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
	});
	return rows.sort((a, b) => b.gzip - a.gzip);
}

function usage(message) {
	process.stderr.write(`${message}\nusage: node build.mjs [--outdir DIR] [--dev]\n`);
	process.exit(2);
}

async function main(args) {
	let outdir = join(here, '..', 'build', 'web');
	let dev = false;
	for (let i = 0; i < args.length; i++) {
		if (args[i] === '--dev') dev = true;
		else if (args[i] === '--outdir' && args[i + 1]) outdir = resolve(args[++i]);
		else usage(`unknown argument '${args[i]}'`);
	}
	const rows = await build(outdir, dev);
	const sum = rows.reduce((n, r) => n + r.gzip, 0);
	for (const r of rows) {
		console.log(`${String(r.gzip).padStart(8)} ${String(r.bytes).padStart(8)}  ${r.name}`);
	}
	console.log(`${String(sum).padStart(8)} bytes compressed in all, in ${outdir}`);
}

if (
	process.argv[1] &&
	statSync(process.argv[1]).isFile() &&
	resolve(process.argv[1]) === fileURLToPath(import.meta.url)
) {
	await main(process.argv.slice(2));
}
