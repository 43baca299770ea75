// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { and, classify, complete, quote, rangeFrom, splitAnd, term } from '../src/lib/filter';

test('words are words, expressions are expressions', () => {
	for (const text of [
		'nginx',
		'cat /etc/shadow',
		'10.0.0.1',
		'container web',
		'proc.name',
		'what is fd.name',
		'a = b',
		'"x.y = z"',
		'in the container.',
	]) {
		assert.deepEqual(classify(text), { q: text.trim() }, text);
	}
	for (const text of [
		'proc.name = bash',
		'not proc.name=bash',
		'(fd.name startswith /etc)',
		'container.image contains nginx and evt.type in (open)',
		'evt.arg.res < 0',
		'proc.aname[2] = sshd',
		'fd.sip exists',
		'tolower(proc.name) = bash',
		'  not (  not finding.rule != x)',
	]) {
		assert.deepEqual(classify(text), { filter: text.trim() }, text);
	}
	assert.deepEqual(classify('  '), {});
});

test('values are quoted when something in them could be misread', () => {
	assert.equal(quote('bash'), 'bash');
	assert.equal(quote('/usr/bin/python3.11'), '/usr/bin/python3.11');
	assert.equal(quote('10.0.0.1:443'), '10.0.0.1:443');
	assert.equal(quote('Read shadow'), '"Read shadow"');
	assert.equal(quote('a "b" \\c'), '"a \\"b\\" \\\\c"');
	assert.equal(quote('or'), '"or"');
	assert.equal(quote(''), '""');
	assert.equal(quote('a)'), '"a)"');
	assert.equal(term('proc.pid', 7, true), 'proc.pid != 7');
});

test('terms are joined, once each', () => {
	assert.equal(and('', 'a.b = 1'), 'a.b = 1');
	assert.equal(and('some words', 'a.b = 1'), 'a.b = 1');
	assert.equal(and('c.d = 2', 'a.b = 1'), 'c.d = 2 and a.b = 1');
	assert.equal(and('c.d = 2 or e.f = 3', 'a.b = 1'), '(c.d = 2 or e.f = 3) and a.b = 1');
	assert.equal(and('c.d = "x or y"', 'a.b = 1'), 'c.d = "x or y" and a.b = 1');
	assert.equal(and('c.d = 2 and a.b = 1', 'a.b = 1'), 'c.d = 2 and a.b = 1');
});

test('a conjunction comes apart where it is safe', () => {
	assert.deepEqual(splitAnd('a.b = 1 and c.d = 2 AND e.f = 3'), [
		'a.b = 1',
		'c.d = 2',
		'e.f = 3',
	]);
	assert.deepEqual(splitAnd('a.b = "x and y" and c.d = 2'), ['a.b = "x and y"', 'c.d = 2']);
	assert.deepEqual(splitAnd('a.b = "q \\" and z" and c.d = 2'), [
		'a.b = "q \\" and z"',
		'c.d = 2',
	]);
	assert.deepEqual(splitAnd('a.b = 1 and (c.d = 2)'), ['a.b = 1 and (c.d = 2)']);
	assert.deepEqual(splitAnd('a.b = 1 or c.d = 2'), ['a.b = 1 or c.d = 2']);
});

test('ranges begin at a whole minute', () => {
	const now = Date.parse('2026-11-28T12:34:56Z');
	assert.equal(rangeFrom('1h', now), '2026-11-28T11:34:00.000Z');
	assert.equal(rangeFrom('', now), undefined);
	assert.equal(rangeFrom('nonsense', now), undefined);
});

test('fields are offered where one is being typed', () => {
	const fields = ['proc.name', 'proc.pname', 'proc.exepath', 'fd.name'];
	assert.deepEqual(complete('proc.', 5, fields), {
		from: 0,
		to: 5,
		names: ['proc.name', 'proc.pname', 'proc.exepath'],
	});
	assert.deepEqual(complete('fd.name = x and (proc.p = y', 23, fields), {
		from: 17,
		to: 23,
		names: ['proc.pname'],
	});
	for (const [text, caret] of [
		['pr', 2],
		['proc.name', 9],
		['xproc.n', 7],
		['fd.name = "proc.', 16],
		['/proc.', 6],
		['', 0],
	] as const) {
		assert.equal(complete(text, caret, fields), null, text);
	}
});
