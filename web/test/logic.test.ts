// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundle, merge, neighbours } from '../src/graph/model';
import { fuzzy } from '../src/lib/fuzzy';
import { tokens } from '../src/lib/highlight';
import { reveal } from '../src/lib/reveal';
import { draftOf, EMPTY_RULE, fileNameOf } from '../src/lib/rulefile';

test('fuzzy: beginnings of words win', () => {
	const best = (text: string, names: string[]) =>
		names.map((n) => [fuzzy(text, n), n] as const).sort((a, b) => b[0] - a[0])[0]![1];
	assert.equal(best('rs', ['Parser settings', 'Reverse shell', 'Users']), 'Reverse shell');
	assert.equal(
		best('shell', ['Reverse shell', 'She will tell', 'Shell in a container']),
		'Shell in a container',
	);
	assert.equal(fuzzy('xyz', 'Reverse shell'), 0);
	assert.ok(fuzzy('', 'anything') > 0);
});

test('highlight: nothing is lost, whatever the text', () => {
	for (const text of [
		'',
		'- rule: A # not\n  condition: evt.type in (open) and not fd.name != "x\\"y" # why\n',
		EMPTY_RULE('T1'),
		'%proc.name %%x "open',
		"'a''b' \u{1f600} \0",
	]) {
		assert.equal(
			tokens(text)
				.map((t) => t.text)
				.join(''),
			text,
		);
	}
});

test('highlight: kinds', () => {
	const kinds = Object.fromEntries(
		tokens('  condition: proc.name in (bash) and fd.name != "x" # note').map((t) => [
			t.text.trim(),
			t.kind,
		]),
	);
	assert.equal(kinds.condition, 'key');
	assert.equal(kinds['proc.name'], 'field');
	assert.equal(kinds.in, 'word');
	assert.equal(kinds['!='], 'operator');
	assert.equal(kinds['"x"'], 'string');
	assert.equal(kinds['# note'], 'comment');
});

test('rule files', () => {
	assert.equal(fileNameOf('- rule: Read /etc/shadow, twice!\n'), 'read-etc-shadow-twice.yaml');
	assert.equal(fileNameOf('- list: my list\n- rule: x\n'), 'my-list.yaml');
	assert.equal(fileNameOf('# nothing'), 'rules.yaml');
	assert.equal(fileNameOf('- rule: ../../etc/passwd'), 'etc-passwd.yaml');
	assert.equal(fileNameOf('- rule: …'), 'rules.yaml');
	assert.match(
		draftOf({
			name: 'A',
			enabled: true,
			priority: 'Error',
			condition: 'a\n  and b',
			tags: ['x'],
		}),
		/condition: >\n {4}a\n {4}and b\n/,
	);
});

test('graphs: merged once, read both ways', () => {
	const a = {
		nodes: [
			{ id: '1', kind: 'host', name: 'h' },
			{ id: '2', kind: 'container', name: 'c' },
		],
		edges: [{ from: '2', to: '1', kind: 'runs_on', count: 3 }],
	};
	const b = {
		nodes: [{ id: '2', kind: 'container', name: 'other' }],
		edges: [
			{ from: '2', to: '1', kind: 'runs_on' },
			{ from: '2', to: '9', kind: 'gone' },
		],
	};
	const g = merge(a, undefined, b);
	assert.equal(g.nodes.length, 2);
	assert.equal(g.nodes[1]!.name, 'c');
	assert.equal(g.edges.length, 1);
	assert.deepEqual(
		neighbours(g, '1').map((n) => [n.node.id, n.out, n.count]),
		[['2', false, 3]],
	);
	assert.deepEqual(
		neighbours(g, '2').map((n) => [n.node.id, n.out]),
		[['1', true]],
	);
});

test('graphs: what is alike and hangs on the same is drawn as one', () => {
	const node = (id: string, kind: string, name: string, findings = 0) => ({
		id,
		kind,
		name,
		findings,
		worst_priority: findings ? ('Error' as const) : null,
	});
	const g = {
		nodes: [
			node('h', 'host', 'h'),
			node('u', 'user', 'root'),
			...['1', '2', '3', '4'].map((i) => node(`s${i}`, 'process', 'sshd', i === '2' ? 5 : 0)),
			node('x', 'process', 'sshd'),
			...['1', '2', '3'].map((i) => node(`b${i}`, 'process', 'bash')),
		],
		edges: [
			...['1', '2', '3', '4'].flatMap((i) => [
				{ from: `s${i}`, to: 'h', kind: 'on', count: 2 },
				{ from: `s${i}`, to: 'u', kind: 'as' },
			]),
			{ from: 'x', to: 'h', kind: 'on' },
			...['1', '2', '3'].map((i) => ({ from: `b${i}`, to: `s${i}`, kind: 'child_of' })),
		],
	};
	const names = (keep: string[] = []) =>
		bundle(g, new Set(keep))
			.graph.nodes.map((n) => n.name)
			.sort();
	// s4 has no child, so it is not like the other three; x does not run as root.
	assert.deepEqual(names(), ['bash ×3', 'h', 'root', 'sshd', 'sshd', 'sshd ×3']);
	const { graph, members } = bundle(g, new Set());
	const one = graph.nodes.find((n) => n.name === 'sshd ×3')!;
	assert.equal(one.findings, 5);
	assert.equal(one.worst_priority, 'Error');
	assert.equal(members.get(one.id)!.length, 3);
	assert.equal(graph.edges.find((e) => e.from === one.id && e.kind === 'on')!.count, 6);
	assert.ok(
		graph.edges.every(
			(e) =>
				graph.nodes.some((n) => n.id === e.from) && graph.nodes.some((n) => n.id === e.to),
		),
	);
	// What is kept is itself, and so is what hangs on it.
	assert.deepEqual(names(['s2']), [
		'bash',
		'bash',
		'bash',
		'h',
		'root',
		'sshd',
		'sshd',
		'sshd',
		'sshd',
		'sshd',
	]);
	assert.equal(g.edges[0]!.count, 2, 'the graph itself is as it was');
});

test('what hides is shown, and the JSON stays JSON', () => {
	const shown = (value: unknown) => JSON.parse(reveal(JSON.stringify(value)));
	assert.equal(shown('cod\u202egnp.exe'), 'cod\\u202egnp.exe');
	assert.equal(shown('a\u200bb\ufeff\u2066'), 'a\\u200bb\\ufeff\\u2066');
	assert.equal(shown('\u001b[31m\u0007\b\u0085'), '\\u001b[31m\\u0007\\b\\u0085');
	for (const plain of [
		'line\nand\ttab\r',
		'\\u202e',
		'\\\\u001b',
		'üñï ✓ 日本 🦊',
		'"quoted" \\ back',
	])
		assert.equal(shown(plain), plain);
	assert.equal(JSON.parse(reveal('"\\u202E\\\\\\u001b"')), '\\u202E\\\\u001b');
	assert.deepEqual(shown({ 'k\u202e': ['\u0000', 1, null] }), {
		'k\\u202e': ['\\u0000', 1, null],
	});
});
