// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as f from '../src/lib/format';

test('times keep what is finer than a millisecond', () => {
	assert.equal(f.toMs('2026-11-28T12:00:00.000000000Z'), Date.parse('2026-11-28T12:00:00Z'));
	assert.equal(
		f.toMs('2026-11-28T12:00:00.123456789Z') - Date.parse('2026-11-28T12:00:00Z'),
		123.456787109375,
	);
	assert.equal(f.toMs('2026-11-28T13:00:00+01:00'), Date.parse('2026-11-28T12:00:00Z'));
	assert.ok(Number.isNaN(f.toMs('yesterday')));
});

test('a column of ages has one unit a row', () => {
	const now = Date.parse('2026-11-28T12:00:00Z');
	const at = (s: number) => f.ago(new Date(now - s * 1000).toISOString(), now);
	assert.deepEqual(
		[0, 5, 59, 60, 3599, 3600, 86400, 86400 * 13, 86400 * 15, 86400 * 800].map(at),
		['now', '5 s', '59 s', '1 m', '59 m', '1 h', '1 d', '13 d', '2 w', '2 y'],
	);
	assert.equal(at(-90), 'in 1 m');
	assert.equal(f.ago(null), 'never');
});

test('offsets have a sign and a fitting unit', () => {
	assert.equal(f.offset(0), '0');
	assert.equal(f.offset(0.25), '+250 µs');
	assert.equal(f.offset(-42), '−42 ms');
	assert.equal(f.offset(1300), '+1.30 s');
	assert.equal(f.offset(-125000), '−2 m 5 s');
});

test('counts and bytes', () => {
	assert.deepEqual([0, 999, 1000, 1234, 9960, 34000, 5.6e6, 2e9, 1.5].map(f.count), [
		'0',
		'999',
		'1k',
		'1.2k',
		'10k',
		'34k',
		'5.6M',
		'2G',
		'1.5',
	]);
	assert.equal(f.count(undefined), '–');
	assert.deepEqual([0, 1023, 1024, 1536, 2 ** 20 * 200, 2 ** 30].map(f.bytes), [
		'0 B',
		'1023 B',
		'1.0 KiB',
		'1.5 KiB',
		'200 MiB',
		'1.0 GiB',
	]);
	assert.equal(f.percent(0.123), '0.1 %');
	assert.equal(f.percent(34.6), '35 %');
	assert.equal(f.plural(1, 'entity', 'entities'), '1 entity');
	assert.equal(f.plural(2000, 'finding'), '2,000 findings');
});

test('images lose what all of them have', () => {
	assert.equal(f.shortImage('docker.io/library/nginx:1.27'), 'nginx:1.27');
	assert.equal(f.shortImage('registry.example.org:5000/team/web'), 'team/web');
	assert.equal(f.shortImage('team/web@sha256:0123456789abcdef'), 'team/web@01234567');
	assert.equal(f.shortImage('localhost/web'), 'web');
	assert.equal(f.shortImage(undefined), '');
});

test('techniques among tags', () => {
	assert.deepEqual(
		['T1059', 'T1003.008', 'mitre_execution', 'T10', 'xT1059'].map(f.isTechnique),
		[true, true, false, false, false],
	);
});

test('clock and middle', () => {
	assert.match(f.clock('2026-11-28T12:00:01.042000000Z', 3), /^\d\d:00:01\.042$/);
	assert.equal(f.clock('nonsense'), '–');
	assert.equal(f.middle('abcdefghij', 5), 'ab…ij');
	assert.equal(f.middle('abc', 5), 'abc');
});
