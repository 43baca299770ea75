// SPDX-License-Identifier: Apache-2.0
// Runs the unit tests: bundles each test/*.test.ts for Node and hands it to node:test (TAP).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'koban-web-unit-'));
try {
	await build({
		entryPoints: readdirSync(here)
			.filter((f) => f.endsWith('.test.ts'))
			.map((f) => join(here, f)),
		outdir: out,
		bundle: true,
		platform: 'node',
		format: 'esm',
		outExtension: { '.js': '.mjs' },
		logLevel: 'warning',
	});
	// One after the other, so that Node 18 and newer ones print the same: a point a test.
	for (const f of readdirSync(out)) {
		const { status } = spawnSync(process.execPath, ['--test-reporter=tap', join(out, f)], {
			stdio: 'inherit',
		});
		if (status !== 0) process.exitCode = 1;
	}
} finally {
	rmSync(out, { recursive: true, force: true });
}
