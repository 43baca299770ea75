// SPDX-License-Identifier: Apache-2.0
// Answers kept while they are looked at: what was there is shown at once, what is new replaces it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { get, type ApiError, type Params, url } from './api';
import type { List } from './types';

const MAX_KEPT = 60;
const flying = new Map<string, Promise<unknown>>();

/* Two parts of a page that ask the same at the same time get the same answer. */
function share<T>(key: string, path: string, params?: Params): Promise<T> {
	const known = flying.get(key);
	if (known) return known as Promise<T>;
	const flight = get<T>(path, params).then((data) => {
		keep(key, data);
		onAnswer?.(path, data);
		return data;
	});
	flying.set(key, flight);
	const landed = () => flying.get(key) === flight && flying.delete(key);
	flight.then(landed, landed);
	return flight;
}

/* Told of every answer to useQuery(). */
let onAnswer: ((path: string, data: unknown) => void) | undefined;
export const watchAnswers = (f: typeof onAnswer) => (onAnswer = f);

const kept = new Map<string, unknown>();
const listeners = new Set<(prefix: string) => void>();

function keep(key: string, value: unknown) {
	kept.delete(key);
	kept.set(key, value);
	if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value!);
}

/* What begins with the prefix has changed on the server: whoever shows it asks again. */
export function invalidate(...prefixes: string[]) {
	for (const prefix of prefixes) {
		for (const key of [...kept.keys()]) {
			if (key.startsWith(`/api/v1${prefix}`)) kept.delete(key);
		}
		for (const key of [...flying.keys()]) {
			if (key.startsWith(`/api/v1${prefix}`)) flying.delete(key);
		}
		for (const listen of listeners) listen(`/api/v1${prefix}`);
	}
}

export function forget() {
	kept.clear();
}

export interface Query<T> {
	data: T | undefined;
	error: ApiError | undefined;
	loading: boolean;
	reload: () => void;
}

/* Asks once shown, when the target changes, and every `every` ms while the tab is visible. */
export function useQuery<T>(path: string | null, params?: Params, every?: number): Query<T> {
	const key = path === null ? '' : url(path, params);
	const [, draw] = useState(0);
	const [turn, setTurn] = useState(0);
	const state = useRef<{ key: string; data?: T; error?: ApiError; loading: boolean }>();
	if (!state.current || state.current.key !== key) {
		state.current = { key, data: kept.get(key) as T | undefined, loading: !!key };
	}

	useEffect(() => {
		if (path === null) return;
		let gone = false;
		const ask = async () => {
			const mine = state.current!;
			try {
				const data = await share<T>(key, path, params);
				if (state.current === mine)
					Object.assign(mine, { data, error: undefined, loading: false });
			} catch (e) {
				if (state.current === mine) Object.assign(mine, { error: e, loading: false });
			}
			if (state.current === mine && !gone) draw((n) => n + 1);
		};
		ask();
		const timer = every
			? setInterval(() => document.visibilityState === 'visible' && ask(), every)
			: undefined;
		const listen = (prefix: string) => key.startsWith(prefix) && ask();
		listeners.add(listen);
		return () => {
			gone = true;
			clearInterval(timer);
			listeners.delete(listen);
		};
	}, [key, turn, every]);

	const { data, error, loading } = state.current;
	return { data, error, loading, reload: () => setTurn((n) => n + 1) };
}

export interface Pages<T> extends Query<T[]> {
	total: number | null;
	more: boolean;
	loadMore: () => void;
	/* Changes rows in place, before the server has said yes. */
	patch: (change: (row: T) => T) => void;
}

/* A list that is fetched page by page as it is scrolled. */
export function usePages<T>(path: string | null, params: Params, limit = 200): Pages<T> {
	const key = path === null ? '' : url(path, params);
	const [, draw] = useState(0);
	const [turn, setTurn] = useState(0);
	type State = {
		key: string;
		rows?: T[];
		next?: string | null;
		total: number | null;
		error?: ApiError;
		busy: boolean;
		abort: AbortController;
	};
	const state = useRef<State>();
	const fresh = (): State => ({ key, total: null, busy: false, abort: new AbortController() });
	if (!state.current) state.current = fresh();

	const load = async (mine: State, cursor?: string) => {
		if (path === null || mine.busy) return;
		mine.busy = true;
		try {
			const answer = await get<List<T>>(
				path,
				{ ...params, limit, cursor },
				mine.abort.signal,
			);
			mine.rows = cursor ? [...(mine.rows ?? []), ...answer.items] : answer.items;
			mine.next = answer.next;
			if (answer.total !== undefined && answer.total !== null) mine.total = answer.total;
			mine.error = undefined;
		} catch (e) {
			if ((e as Error).name === 'AbortError') return;
			mine.error = e as ApiError;
		} finally {
			mine.busy = false;
		}
		if (mine.abort.signal.aborted) return;
		state.current = mine;
		draw((n) => n + 1);
	};

	// The rows that are there stay until the new ones have come: no flash of an empty list.
	useEffect(() => {
		if (path === null) return;
		const mine = fresh();
		load(mine);
		const listen = (prefix: string) => key.startsWith(prefix) && setTurn((n) => n + 1);
		listeners.add(listen);
		return () => {
			mine.abort.abort();
			listeners.delete(listen);
		};
	}, [key, turn]);

	const now = state.current;
	return {
		data: now.rows,
		error: now.error,
		loading: now.rows === undefined && !now.error,
		total: now.total,
		more: !!now.next,
		reload: () => setTurn((n) => n + 1),
		loadMore: () => now.next && load(now, now.next),
		patch: (change) => {
			now.rows = now.rows?.map(change);
			draw((n) => n + 1);
		},
	};
}
