// SPDX-License-Identifier: Apache-2.0
// Speaks to /api/v1: one function a method, errors as ApiError with the server's own sentence.
// It keeps no answers; that is lib/query.ts.
import { signal } from '@preact/signals';
import { reveal } from './reveal';
import type { Me } from './types';

export class ApiError extends Error {
	constructor(
		readonly status: number,
		readonly code: string,
		message: string,
		readonly place?: { line?: number; column?: number },
	) {
		super(message);
	}
}

/* Who is signed in: undefined = not known yet, null = nobody. */
export const me = signal<Me | null | undefined>(undefined);

export type Params = Record<string, string | number | boolean | null | undefined>;

export function url(path: string, params: Params = {}): string {
	const query = new URLSearchParams();
	for (const [key, value] of Object.entries(params)) {
		if (value !== undefined && value !== null && value !== '') query.set(key, String(value));
	}
	const text = query.toString();
	return `/api/v1${path}${text ? `?${text}` : ''}`;
}

async function failure(response: Response): Promise<ApiError> {
	let code = `http_${response.status}`;
	let message = response.statusText || `the server answered ${response.status}`;
	let place;
	try {
		const { error } = await response.json();
		code = error?.code ?? code;
		message = error?.message ?? message;
		place = error?.place;
	} catch {
		// not JSON: the status line is all that there is
	}
	if (response.status === 429) {
		const wait = response.headers.get('Retry-After');
		message = `too many requests${wait ? `; try again in ${wait} s` : ''}`;
	}
	return new ApiError(response.status, code, message, place);
}

/* Asked too often, it waits and asks again: `patience` times. */
async function call<T>(
	method: string,
	target: string,
	body?: unknown,
	signal?: AbortSignal,
	patience = 2,
): Promise<T> {
	const headers: Record<string, string> = { Accept: 'application/json' };
	if (body !== undefined) headers['Content-Type'] = 'application/json';
	if (method !== 'GET' && me.peek()) headers['X-CSRF-Token'] = me.peek()!.csrf;
	let response: Response;
	try {
		response = await fetch(target, {
			method,
			headers,
			credentials: 'same-origin',
			body: body === undefined ? undefined : JSON.stringify(body),
			signal,
		});
	} catch (e) {
		if ((e as Error).name === 'AbortError') throw e;
		throw new ApiError(0, 'unreachable', 'the server does not answer; is koban serve running?');
	}
	if (response.status === 429 && method === 'GET' && patience > 0) {
		const seconds = Math.min(5, Number(response.headers.get('Retry-After')) || 1);
		await new Promise((go) => setTimeout(go, seconds * 1000));
		return call(method, target, body, signal, patience - 1);
	}
	if (response.status === 401 && me.peek()) me.value = null;
	if (!response.ok) throw await failure(response);
	if (response.status === 204) return undefined as T;
	const text = await response.text();
	// The texts of rules are edited and go back: they stay as they are.
	const shown = /^\/api\/v1\/rule/.test(target) ? text : reveal(text);
	return (shown ? JSON.parse(shown) : undefined) as T;
}

export const get = <T>(path: string, params?: Params, signal?: AbortSignal) =>
	call<T>('GET', url(path, params), undefined, signal);
export const post = <T>(path: string, body: unknown = {}, signal?: AbortSignal) =>
	call<T>('POST', url(path), body, signal);
export const put = <T>(path: string, body: unknown) => call<T>('PUT', url(path), body);
export const del = <T>(path: string) => call<T>('DELETE', url(path));

const RANK = { viewer: 0, analyst: 1, admin: 2 };

export function may(role: keyof typeof RANK): boolean {
	const user = me.value;
	return !!user && RANK[user.role] >= RANK[role];
}
