// SPDX-License-Identifier: Apache-2.0
// Numbers, times and names as people read them. Pure: no DOM, tested by itself.

/* RFC 3339 with up to nine digits to milliseconds with a fraction. Date alone drops the rest. */
export function toMs(time: string): number {
	const m = /^(.*T\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)$/.exec(time);
	if (!m) return Date.parse(time);
	return Date.parse(m[1]! + m[3]!) + (m[2] ? Number(m[2]) * 1000 : 0);
}

export function ago(time: string | undefined | null, now = Date.now()): string {
	if (!time) return 'never';
	const s = (now - toMs(time)) / 1000;
	if (Number.isNaN(s)) return '–';
	if (s < -1) return `in ${span(-s)}`;
	return s < 1 ? 'now' : `${span(s)}`;
}

/* 45 s, 12 m, 3 h, 5 d, 7 w: one unit, because a column of them is compared by eye. */
export function span(s: number): string {
	if (s < 1) return `${Math.round(s * 1000)} ms`;
	if (s < 60) return `${Math.floor(s)} s`;
	if (s < 3600) return `${Math.floor(s / 60)} m`;
	if (s < 86400) return `${Math.floor(s / 3600)} h`;
	if (s < 86400 * 14) return `${Math.floor(s / 86400)} d`;
	if (s < 86400 * 730) return `${Math.floor(s / 86400 / 7)} w`;
	return `${Math.floor(s / 86400 / 365)} y`;
}

const two = (n: number) => String(n).padStart(2, '0');

export function clock(time: string | number, digits = 0): string {
	const ms = typeof time === 'number' ? time : toMs(time);
	const d = new Date(ms);
	if (Number.isNaN(d.getTime())) return '–';
	const fraction = digits
		? `.${String(Math.floor((((ms % 1000) + 1000) % 1000) * 1000))
				.padStart(6, '0')
				.slice(0, digits)}`
		: '';
	return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}${fraction}`;
}

export function date(time: string | number): string {
	const d = new Date(typeof time === 'number' ? time : toMs(time));
	if (Number.isNaN(d.getTime())) return '–';
	return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
}

export const stamp = (time: string | number, digits = 0) => `${date(time)} ${clock(time, digits)}`;

/* Time between two events, with sign: +0.042 s, −1.3 s, +2 m 5 s. */
export function offset(ms: number): string {
	const sign = ms < 0 ? '−' : '+';
	const s = Math.abs(ms) / 1000;
	if (s === 0) return '0';
	if (s < 0.001) return `${sign}${Math.round(s * 1e6)} µs`;
	if (s < 1) return `${sign}${Number((s * 1000).toPrecision(3))} ms`;
	if (s < 60) return `${sign}${s.toFixed(s < 10 ? 2 : 1)} s`;
	return `${sign}${Math.floor(s / 60)} m ${Math.floor(s % 60)} s`;
}

/* 999, 1.2k, 34k, 5.6M */
export function count(n: number | undefined | null): string {
	if (n === undefined || n === null || Number.isNaN(n)) return '–';
	const steps: [number, string][] = [
		[1e12, 'T'],
		[1e9, 'G'],
		[1e6, 'M'],
		[1e3, 'k'],
	];
	for (const [size, unit] of steps) {
		if (Math.abs(n) >= size) {
			const v = n / size;
			return `${v < 9.95 ? v.toFixed(1).replace(/\.0$/, '') : Math.round(v)}${unit}`;
		}
	}
	return Number.isInteger(n) ? String(n) : n.toFixed(n < 10 ? 1 : 0);
}

export const whole = (n: number | undefined | null) =>
	n === undefined || n === null ? '–' : Math.round(n).toLocaleString('en-US');

export function bytes(n: number | undefined | null): string {
	if (n === undefined || n === null) return '–';
	const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
	let i = 0;
	while (n >= 1024 && i < units.length - 1) {
		n /= 1024;
		i++;
	}
	return `${i === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[i]}`;
}

export const percent = (n: number | undefined | null) =>
	n === undefined || n === null ? '–' : `${n < 10 ? n.toFixed(1) : Math.round(n)} %`;

export const plural = (n: number, one: string, many = `${one}s`) =>
	`${n.toLocaleString('en-US')} ${n === 1 ? one : many}`;

/* registry.example.org:5000/team/web@sha256:… to team/web: what tells images apart in a column. */
export function shortImage(image: string | undefined | null): string {
	if (!image) return '';
	const name = image.replace(/@sha256:([0-9a-f]{8})[0-9a-f]*$/, '@$1');
	const parts = name.split('/');
	if (parts.length > 1 && /[.:]|^localhost$/.test(parts[0]!)) parts.shift();
	if (parts[0] === 'library') parts.shift();
	return parts.join('/');
}

export const shortId = (id: string | undefined | null) => (id ?? '').slice(0, 12);

/* mitre_credential_access, T1003.008, container: an ATT&CK technique's tag looks like the second. */
export const isTechnique = (tag: string) => /^T\d{4}(\.\d{3})?$/.test(tag);

/* A file name in the middle of which something is left out keeps both ends. */
export function middle(text: string, max: number): string {
	if (text.length <= max) return text;
	const head = Math.ceil((max - 1) / 2);
	return `${text.slice(0, head)}…${text.slice(text.length - (max - 1 - head))}`;
}
