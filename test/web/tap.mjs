// SPDX-License-Identifier: Apache-2.0
// A test is a name and a function that throws. TAP on stdout; what was measured as comments.
let n = 0;
let failed = 0;
const only = process.env.ONLY ? new RegExp(process.env.ONLY, 'i') : null;

export const note = (text) => console.log(`# ${String(text).replace(/\n/g, '\n# ')}`);

export async function test(name, run, onFailure = async () => {}) {
	if (only && !only.test(name)) return;
	n++;
	try {
		await run();
		console.log(`ok ${n} - ${name}`);
	} catch (e) {
		failed++;
		console.log(`not ok ${n} - ${name}`);
		note(e.stack ?? e);
		await onFailure(name).catch((x) => note(`(no picture: ${x.message})`));
	}
}

export function finish() {
	console.log(`1..${n}`);
	process.exitCode = failed ? 1 : 0;
}
