// SPDX-License-Identifier: Apache-2.0
// The frame around every page: navigation, what is live, who is signed in, and the keys that hold
// everywhere.
import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { me, post } from './lib/api';
import { keyCaps, useKeys } from './lib/keys';
import { invalidate, useQuery } from './lib/query';
import { go, match, type Match, path } from './lib/router';
import { nextTheme, shown, theme } from './lib/settings';
import { arrived, link } from './lib/stream';
import type { Now } from './lib/types';
import { PAGES, type PageRow } from './pages';
import Login from './pages/login';
import { PasswordForm } from './system/password';
import { asked, ask } from './ui/dialog';
import { Avatar, Icon, Mark } from './ui/icon';
import { KeyList } from './ui/keylist';
import { type Choice, Menu } from './ui/menu';
import { openPalette, Palette } from './ui/palette';
import { Empty, Failed, Loading } from './ui/parts';
import { useNarrow } from './ui/rows';
import { count } from './lib/format';
import { Toasts, complain } from './ui/toast';

export function Shell() {
	const user = me.value;
	if (user === undefined)
		return (
			<div class="boot">
				<Mark size={40} />
			</div>
		);
	return (
		<>
			{user === null || path.value === '/login' ? (
				<Login />
			) : user.must_change_password ? (
				<First />
			) : (
				<Frame />
			)}
			{asked.value?.()}
			<Toasts />
		</>
	);
}

/* Until there is a password the server answers nothing else. */
function First() {
	useEffect(() => {
		document.title = 'koban';
		ask(() => <PasswordForm first />);
	}, []);
	return (
		<main class="boot">
			<h1 class="sr">Set a password</h1>
			<button class="button" onClick={() => ask(() => <PasswordForm first />)}>
				Set a password
			</button>
		</main>
	);
}

const keysShown = signal(false);

function signOut() {
	post('/logout').then(() => (me.value = null), complain);
}

function Frame() {
	const main = useRef<HTMLElement>(null);
	const at = path.value;
	useKeys([
		{
			keys: '?',
			label: 'This list',
			group: 'Everywhere',
			run: () => (keysShown.value = !keysShown.value),
		},
		{ keys: 't', label: 'Dark or light', group: 'Everywhere', run: nextTheme },
		...PAGES.filter((p) => p.key).map((p) => ({
			keys: `g ${p.key}`,
			label: p.name,
			group: 'Go to',
			run: () => go(p.path),
		})),
	]);

	// A new page is announced by its heading; the focus goes there as with a new document.
	const before = useRef(at);
	useEffect(() => {
		if (before.current === at) return;
		before.current = at;
		main.current?.focus({ preventScroll: true });
	}, [at]);

	const commands = [
		...PAGES.filter((p) => p.icon).map((p) => ({
			name: p.name,
			group: 'Go to',
			icon: p.icon!,
			keys: p.key && `g ${p.key}`,
			also: p.also,
			run: () => go(p.path),
		})),
		{
			name: 'Dark or light theme',
			group: 'View',
			icon: 'moon' as const,
			keys: 't',
			run: nextTheme,
		},
		{
			name: 'Keys',
			group: 'Help',
			icon: 'keyboard' as const,
			keys: '?',
			run: () => (keysShown.value = true),
		},
		{
			name: 'Ask everything again',
			group: 'View',
			icon: 'play' as const,
			run: () => invalidate(''),
		},
		{ name: 'Sign out', group: 'You', icon: 'out' as const, run: signOut },
	];
	return (
		<div class="frame">
			<a
				class="skip"
				href="#main"
				onClick={(e) => {
					e.preventDefault();
					main.current?.focus();
				}}
			>
				Skip to the page
			</a>
			<Navigation />
			<main id="main" class="main" ref={main} tabIndex={-1}>
				<Current at={at} />
			</main>
			<Palette commands={commands} />
			{keysShown.value && <KeyList onClose={() => (keysShown.value = false)} />}
			<Announcer />
		</div>
	);
}

/* So many pages have room in the bar of a phone; the others are behind More. */
const ON_A_PHONE = 4;

function More() {
	return (
		<Menu
			button="nav-more"
			align="end"
			choices={[
				...PAGES.filter((p) => p.icon)
					.slice(ON_A_PHONE)
					.map((p) => ({ label: p.name, icon: p.icon, run: () => go(p.path) })),
				...userChoices(),
			]}
		>
			<Icon name="menu" />
			<span class="nav-name">More</span>
		</Menu>
	);
}

function Navigation() {
	const at = path.value;
	const now = useQuery<Now>('/now', undefined, 30_000);
	const urgent = now.data?.counts.open ?? 0;
	const here = PAGES.find((p) => match(p.path, at));
	const current = here?.under ?? here?.path;
	const narrow = useNarrow();
	return (
		<nav class="nav" aria-label="Pages">
			<a class="nav-brand" href="/now" aria-label="koban, the page Now">
				<Mark />
				<span>koban</span>
			</a>
			<button class="nav-search" onClick={openPalette} title="Command palette">
				<Icon name="search" />
				<span>Search or jump</span>
				<span class="caps">
					{keyCaps('mod+k').map((k) => (
						<kbd key={k}>{k}</kbd>
					))}
				</span>
			</button>
			<ul>
				{PAGES.filter((p) => p.icon).map((p, i) => (
					<li key={p.path} class={i < ON_A_PHONE ? '' : 'nav-rest'}>
						<a
							href={p.path}
							aria-current={current === p.path ? 'page' : undefined}
							title={`${p.name} (g ${p.key})`}
						>
							<Icon name={p.icon!} />
							<span class="nav-name">{p.name}</span>
							{p.path === '/findings' && urgent > 0 && (
								<span class="nav-count" aria-label={`${urgent} open`}>
									{count(urgent)}
								</span>
							)}
						</a>
					</li>
				))}
				{narrow && (
					<li>
						<More />
					</li>
				)}
			</ul>
			<div class="nav-foot">
				<Live />
				<UserMenu />
			</div>
		</nav>
	);
}

const LINK_WORDS = {
	off: 'Not connected',
	connecting: 'Connecting…',
	live: 'Live',
	lost: 'Connection lost; trying again',
};

function Live() {
	return (
		<span class={`live live-${link.value}`} title={LINK_WORDS[link.value]}>
			<span class="live-dot" aria-hidden="true" />
			<span class="live-text">
				{link.value === 'lost' ? 'Reconnecting' : LINK_WORDS[link.value]}
			</span>
		</span>
	);
}

function userChoices(): Choice[] {
	const user = me.value!;
	return [
		{
			label: 'Dark',
			above: `${user.user} · ${user.role}`,
			checked: theme.value === 'dark',
			run: () => (theme.value = 'dark'),
		},
		{ label: 'Light', checked: theme.value === 'light', run: () => (theme.value = 'light') },
		{
			label: 'As the system',
			checked: theme.value === 'system',
			run: () => (theme.value = 'system'),
		},
		{
			label: 'Keys',
			icon: 'keyboard',
			hint: '?',
			above: 'line',
			run: () => (keysShown.value = true),
		},
		{ label: 'Change password…', icon: 'lock', run: () => ask(() => <PasswordForm />) },
		{ label: 'Sign out', icon: 'out', above: 'line', run: signOut },
	];
}

function UserMenu() {
	const user = me.value!;
	return (
		<Menu button="nav-user" align="start" choices={userChoices()}>
			<Avatar of={user.user} />
			<span class="sr">Signed in as </span>
			<span class="nav-user-name">{user.user}</span>
			<Icon name={shown.value === 'dark' ? 'moon' : 'sun'} size={14} />
		</Menu>
	);
}

type Loaded = { row: PageRow; Body: ComponentType<{ params: Match }> };

function Current({ at }: { at: string }) {
	const [loaded, setLoaded] = useState<Loaded | null>(null);
	const [error, setError] = useState<Error>();
	const [turn, setTurn] = useState(0);
	const found = PAGES.map((row) => ({ row, params: match(row.path, at) })).find((x) => x.params);
	useEffect(() => {
		if (!found) return;
		let gone = false;
		setError(undefined);
		found.row.load().then(
			(m) => !gone && setLoaded({ row: found.row, Body: m.default }),
			(e) => !gone && setError(e),
		);
		return () => void (gone = true);
	}, [found?.row, turn]);

	if (!found) {
		return (
			<Empty
				icon="search"
				title="There is no such page"
				action={
					<a class="button" href="/now">
						To Now
					</a>
				}
			>
				The address <code>{at}</code> names nothing here.
			</Empty>
		);
	}
	if (error) return <Failed error={error} retry={() => setTurn((n) => n + 1)} />;
	if (loaded?.row !== found.row) return <Loading />;
	const { Body } = loaded;
	return <Body params={found.params!} key={at} />;
}

/* Reads new findings aloud, one sentence for a burst of them. */
function Announcer() {
	const [text, setText] = useState('');
	const said = useRef(arrived.peek()[0]?.id);
	useEffect(() => {
		let timer = 0;
		const stop = arrived.subscribe((list) => {
			if (timer || !list[0] || list[0].id === said.current) return;
			timer = window.setTimeout(() => {
				timer = 0;
				const now = arrived.peek();
				const until = now.findIndex((f) => f.id === said.current);
				const fresh = until < 0 ? now : now.slice(0, until);
				said.current = now[0]?.id;
				if (fresh.length === 1)
					setText(`New finding, ${fresh[0]!.priority}: ${fresh[0]!.rule}`);
				else if (fresh.length)
					setText(
						`${fresh.length} new findings, the last ${fresh[0]!.priority}: ${fresh[0]!.rule}`,
					);
			}, 3000);
		});
		return () => {
			stop();
			clearTimeout(timer);
		};
	}, []);
	return (
		<div class="sr" aria-live="polite" aria-atomic="true">
			{text}
		</div>
	);
}
