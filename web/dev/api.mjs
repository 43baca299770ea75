// SPDX-License-Identifier: Apache-2.0
// A console's API over made-up records, for `npm run dev`: it answers in the right shapes and
// remembers what is done to findings until it ends. Filters are not understood, words are.
import {
	estate,
	finding as makeFinding,
	history,
	inventories,
	metrics,
	random,
	RULES,
} from './records.mjs';

const PRIORITIES = [
	'Emergency',
	'Alert',
	'Critical',
	'Error',
	'Warning',
	'Notice',
	'Informational',
	'Debug',
];
const iso = (ns) => new Date(ns / 1e6).toISOString().replace('Z', '000000Z');
const worst = (list) =>
	list.map((f) => f.priority).sort((a, b) => PRIORITIES.indexOf(a) - PRIORITIES.indexOf(b))[0] ??
	null;

const TECHNIQUES = {
	'T1003.008': ['OS Credential Dumping: shadow', 'Credential Access'],
	'T1059.004': ['Unix Shell', 'Execution'],
	T1190: ['Exploit Public-Facing Application', 'Initial Access'],
	T1496: ['Resource Hijacking', 'Impact'],
	T1204: ['User Execution', 'Execution'],
	T1071: ['Application Layer Protocol', 'Command and Control'],
	T1072: ['Software Deployment Tools', 'Execution'],
	T1554: ['Compromise Host Software Binary', 'Persistence'],
	'T1552.005': ['Cloud Instance Metadata API', 'Credential Access'],
	T1528: ['Steal Application Access Token', 'Credential Access'],
	'T1053.003': ['Cron', 'Persistence'],
	T1046: ['Network Service Discovery', 'Discovery'],
	T1059: ['Command and Scripting Interpreter', 'Execution'],
	'T1552.001': ['Credentials In Files', 'Credential Access'],
	T1078: ['Valid Accounts', 'Initial Access'],
};
const TACTICS = [
	'Initial Access',
	'Execution',
	'Persistence',
	'Privilege Escalation',
	'Defense Evasion',
	'Credential Access',
	'Discovery',
	'Lateral Movement',
	'Collection',
	'Command and Control',
	'Exfiltration',
	'Impact',
];

export function api({ size, big }) {
	const world = estate(42, 2, 14);
	const rows = new Map();
	const rest = {
		mutes: [],
		tokens: [],
		files: new Map(),
		off: new Set(['SSH login']),
		tick: 0,
		streams: new Set(),
	};
	const users = [
		['admin', 'admin'],
		['ines', 'analyst'],
		['viewer', 'viewer'],
	].map(([name, role]) => ({
		name,
		role,
		created: iso(Date.now() * 1e6 - 9e14),
		last_login: iso(Date.now() * 1e6 - 3e12),
	}));
	let me = null;
	const add = ({ record, around }) => {
		const f = rowOf(record);
		const r = random(record.time_ns % 1e9);
		const old = Date.now() - record.time_ns / 1e6 > 40 * 3600e3;
		if (old) f.state = r.pick(['resolved', 'resolved', 'acknowledged', 'open', 'muted']);
		if (f.state !== 'open') f.assignee = r.pick([null, 'ines', 'admin']);
		rows.set(f.id, { f, record, around, comments: [], history: [] });
		return f;
	};
	history(world, size, Date.now(), 7).forEach(add);

	setInterval(() => {
		const m = metrics(world, Date.now(), ++rest.tick);
		emit('metrics', { time: iso(m.time_ns), hostname: m.hostname, values: m.values });
		if (rest.tick % 9 === 0)
			emit('finding', add(makeFinding(world, size + rest.tick, Date.now())));
	}, 1000).unref();
	const emit = (name, data) =>
		rest.streams.forEach((s) =>
			s.write(`event: ${name}\nid: ${data.id ?? ''}\ndata: ${JSON.stringify(data)}\n\n`),
		);

	const select = (q) =>
		[...rows.values()]
			.filter(
				({ f, record }) =>
					(!q.state || f.state === q.state) &&
					(!q.priority || q.priority.split(',').includes(f.priority)) &&
					(!q.rule || f.rule === q.rule) &&
					(!q.container ||
						f.container?.id === q.container ||
						f.container?.name === q.container) &&
					(!q.technique || f.tags.includes(q.technique)) &&
					(!q.from || f.time >= q.from) &&
					(!q.to || f.time < q.to) &&
					(!q.image || f.container?.image === q.image) &&
					(!q.host || f.hostname === q.host) &&
					(!q.user || f.user === q.user) &&
					(!q.fingerprint || f.fingerprint === q.fingerprint) &&
					(!q.q || JSON.stringify(record).toLowerCase().includes(q.q.toLowerCase())) &&
					(!q.filter ||
						q.filter
							.match(/= *"?([^" ]+)/)
							?.slice(1)
							.every((v) => JSON.stringify(record).includes(v))),
			)
			.map(({ f }) => f)
			.sort((a, b) => (a.time < b.time ? 1 : -1));

	const containers = () =>
		inventories(world, Date.now(), rest.tick).flatMap((inv) =>
			inv.containers.map((c) => {
				const own = [...rows.values()]
					.map((x) => x.f)
					.filter((f) => f.container?.id === c.id);
				return {
					...c,
					hostname: inv.hostname,
					started: iso(c.started_ns),
					running: true,
					nconnections: c.connections.length,
					findings: own.length,
					open: own.filter((f) => f.state === 'open').length,
					worst_priority: worst(own.filter((f) => f.state === 'open')),
					entity: `container:${c.id}`,
				};
			}),
		);
	const sensor = () => {
		const m = metrics(world, Date.now(), rest.tick).values;
		return {
			up: true,
			since: iso((Date.now() - 9 * 86400e3) * 1e6),
			version: '0.2.0',
			hostname: world.hosts[0],
			kernel: '6.1.0-28-amd64',
			...m,
			drops: m.drops,
		};
	};
	const rules = () =>
		RULES.map((r, i) => ({
			name: r.rule,
			enabled: !rest.off.has(r.rule),
			priority: r.priority,
			tags: r.tags,
			source: 'syscall',
			file: `data/rules/${String(i * 10).padStart(2, '0')}-${r.tags[0]}.yaml`,
			line: 12 + i * 9,
			desc: `Looks for what its name says: ${r.rule.toLowerCase()}.`,
			findings: [...rows.values()].filter((x) => x.f.rule === r.rule).length,
			condition: `evt.type in (open, openat, openat2) and evt.is_open_read = true\nand fd.name in (/etc/shadow, /etc/gshadow)\nand not proc.name in (passwd, login, sshd)`,
			output: 'Sensitive file read (file=%fd.name program=%proc.name)',
		}));
	const textOf = (r) =>
		`- rule: ${r.name}\n  desc: >\n    ${r.desc}\n  condition: >\n    ${r.condition.replace(/\n/g, '\n    ')}\n  output: "${r.output}"\n  priority: ${r.priority.toUpperCase()}\n  tags: [${r.tags.join(', ')}]\n`;

	const routes = [
		['GET', '/me', () => me ?? fail(401, 'unauthenticated', 'sign in first')],
		[
			'POST',
			'/login',
			(_p, _q, b) => {
				if (b.password === 'wrong') fail(401, 'bad_login', 'name or password is wrong');
				const role = users.find((u) => u.name === b.user)?.role ?? 'admin';
				return (me = { user: b.user ?? 'admin', role, csrf: 'dev' });
			},
		],
		['POST', '/logout', () => void (me = null)],
		[
			'GET',
			'/now',
			() => {
				const open = select({ state: 'open' });
				const minutes = Array(60).fill(0);
				for (const { f } of rows.values()) {
					const m = Math.floor((Date.now() - Date.parse(f.time)) / 60e3);
					if (m >= 0 && m < 60) minutes[59 - m]++;
				}
				return {
					sensor: sensor(),
					counts: {
						open: open.length,
						by_priority: Object.fromEntries(
							PRIORITIES.map((p) => [p, open.filter((f) => f.priority === p).length]),
						),
						last_hour: minutes,
					},
					recent: select({}).slice(0, 20),
				};
			},
		],
		[
			'GET',
			'/findings',
			(_p, q) => {
				const all = select(q);
				const at = Number(q.cursor ?? 0);
				const limit = Number(q.limit ?? 50);
				return {
					items: all.slice(at, at + limit),
					next: at + limit < all.length ? String(at + limit) : null,
					total: all.length,
				};
			},
		],
		[
			'GET',
			'/findings/groups',
			(_p, q) => {
				const key = {
					rule: (f) => f.rule,
					fingerprint: (f) => f.fingerprint,
					container: (f) => f.container?.id ?? '',
					image: (f) => f.container?.image ?? '',
					host: (f) => f.hostname,
					user: (f) => f.user,
					technique: (f) => f.tags.find((t) => /^T\d/.test(t)),
					priority: (f) => f.priority,
				}[q.by];
				const groups = new Map();
				for (const f of select(q)) groups.set(key(f), [...(groups.get(key(f)) ?? []), f]);
				return {
					items: [...groups]
						.map(([k, l]) => ({
							key: k,
							name: q.by === 'container' ? l[0].container?.name : k,
							findings: l.length,
							count: l.reduce((n, f) => n + f.count, 0),
							first: l.at(-1).time,
							last: l[0].time,
							worst_priority: worst(l),
							open: l.filter((f) => f.state === 'open').length,
						}))
						.sort((a, b) => b.findings - a.findings),
				};
			},
		],
		[
			'POST',
			'/findings/actions',
			(_p, _q, b) => {
				const list = b.ids
					? b.ids.map((id) => rows.get(id)).filter(Boolean)
					: select({ filter: b.filter }).map((f) => rows.get(f.id));
				for (const x of list) {
					const now = iso(Date.now() * 1e6);
					if (b.action === 'comment')
						x.comments.push({ who: me.user, time: now, text: b.text });
					else x.history.push({ who: me.user, time: now, action: b.action });
					if (b.action === 'assign') x.f.assignee = b.assignee || null;
					x.f.state =
						{ acknowledge: 'acknowledged', resolve: 'resolved', reopen: 'open' }[
							b.action
						] ?? x.f.state;
				}
				return { changed: list.length };
			},
		],
		[
			'GET',
			'/fields',
			() => ({
				items: [
					['proc.name', 'string', 'Name of the process.'],
					['fd.name', 'string', 'File name, or both ends of a connection.'],
				].map(([name, type, doc]) => ({ name, type, doc })),
			}),
		],
		[
			'GET',
			'/findings/fields',
			() => ({
				items: [
					['proc.name', 'string', 'Name of the process.'],
					['proc.cmdline', 'string', 'Its command line.'],
					['fd.name', 'string', 'File name, or both ends of a connection.'],
					['evt.type', 'string', 'Type of the event.'],
					['container.id', 'string', 'Short id of the container, or host.'],
					['container.image.repository', 'string', 'Image without its tag.'],
				].map(([name, type, doc]) => ({ name, type, doc })),
			}),
		],
		[
			'GET',
			'/findings/:id',
			(p) => {
				const {
					f,
					record,
					comments,
					history: h,
				} = rows.get(p.id) ?? fail(404, 'not_found', 'no such finding');
				const rule = rules().find((r) => r.name === f.rule);
				return {
					...f,
					...pick(record, ['event', 'file', 'connection', 'processes', 'fields']),
					container: record.container ?? null,
					comments,
					history: h,
					capture: '/var/lib/koban/captures/2026-11-28T12-40-02.scap',
					why: `${record.processes[0].name} (${record.processes[0].cmdline}) ran as ${record.processes[0].user}${record.container ? ` in the container ${record.container.name}` : ''}, started by ${record.processes[1].name}. The rule “${f.rule}” fires for that; in this container it has fired ${f.count} times.`,
					technique: f.tags
						.filter((t) => TECHNIQUES[t])
						.map((id) => ({
							id,
							name: TECHNIQUES[id][0],
							tactic: TECHNIQUES[id][1],
							url: `https://attack.mitre.org/techniques/${id.replace('.', '/')}/`,
						})),
					rule: { ...rule, text: textOf(rule) },
					advice: [
						'Find out who or what started the parent process; the process tree shows it.',
						'Compare with the image: a program that is not in it came later.',
						'If nobody can explain it, stop the container and keep its file system for a look.',
					],
					entities: [
						...(record.container
							? [
									{
										id: `container:${record.container.id}`,
										kind: 'container',
										name: record.container.name,
										role: 'container',
									},
									{
										id: `image:${record.container.image}`,
										kind: 'image',
										name: record.container.image,
										role: 'image',
									},
								]
							: []),
						{ id: `host:${f.hostname}`, kind: 'host', name: f.hostname, role: 'host' },
						...(record.connection
							? [
									{
										id: `address:${record.connection.remote.split(':')[0]}`,
										kind: 'address',
										name: record.connection.remote,
										role: 'remote',
									},
								]
							: []),
					],
				};
			},
		],
		[
			'GET',
			'/findings/:id/events',
			(p) => ({
				items: rows.get(p.id).around.events.map((e) => ({
					time: iso(e.time_ns),
					pid: e.pid,
					process: e.process,
					type: e.type,
					text: e.text,
					is_finding: e.time_ns === rows.get(p.id).record.time_ns,
				})),
			}),
		],
		[
			'GET',
			'/findings/:id/related',
			(p) => {
				const { f } = rows.get(p.id);
				const all = select({}).filter((x) => x.id !== f.id);
				return {
					same_fingerprint: all
						.filter((x) => x.fingerprint === f.fingerprint)
						.slice(0, 8),
					same_process: [],
					same_container: all
						.filter((x) => f.container && x.container?.id === f.container.id)
						.slice(0, 8),
				};
			},
		],
		['GET', '/containers', () => ({ items: containers() })],
		[
			'GET',
			'/containers/:id',
			(p) =>
				containers().find((c) => c.id === p.id || c.name === p.id) ??
				fail(404, 'not_found', 'no such container'),
		],
		['GET', '/mutes', () => ({ items: rest.mutes })],
		[
			'POST',
			'/mutes',
			(_p, _q, b) => {
				const m = {
					id: String(rest.mutes.length + 1),
					created_by: me.user,
					created: iso(Date.now() * 1e6),
					muted_count: 0,
					...b,
				};
				rest.mutes.push(m);
				for (const { f } of rows.values())
					if (
						f.state === 'open' &&
						(f.rule === b.rule || f.fingerprint === b.fingerprint)
					) {
						f.state = 'muted';
						m.muted_count++;
					}
				return { id: m.id, changed: m.muted_count };
			},
		],
		[
			'DELETE',
			'/mutes/:id',
			(p) => void (rest.mutes = rest.mutes.filter((m) => m.id !== p.id)),
		],
		[
			'GET',
			'/entities',
			(_p, q) => ({
				items: graph(containers(), 0)
					.nodes.filter(
						(n) =>
							(!q.kind || n.kind === q.kind) &&
							(!q.q || n.name.toLowerCase().includes(q.q.toLowerCase())),
					)
					.slice(0, Number(q.limit ?? 50)),
			}),
		],
		[
			'GET',
			'/graph',
			(_p, q) =>
				around(
					graph(containers(), big ? 2000 : 0),
					q.root,
					Number(q.depth ?? 2),
					Number(q.limit ?? 500),
				),
		],
		['GET', '/graph/path', (_p, q) => way(graph(containers(), 0), q.from, 'network:internet')],
		[
			'GET',
			'/attack',
			() => ({
				tactics: TACTICS.map((name, i) => ({
					id: `TA${String(i + 1).padStart(4, '0')}`,
					name,
					techniques: [
						...Object.entries(TECHNIQUES)
							.filter(([, t]) => t[1] === name)
							.map(([id, t]) => ({
								id,
								name: t[0],
								rules: RULES.filter((r) => r.tags.includes(id)).map((r) => r.rule),
								findings: select({ technique: id }).length,
							})),
						...[
							'Hidden Files',
							'Remote Services',
							'Data Staged',
							'Ingress Tool Transfer',
							'Masquerading',
						]
							.slice(0, 2 + (i % 3))
							.map((n, k) => ({
								id: `T9${i}${k}0`,
								name: n,
								rules: k === 0 ? ['Reverse shell'] : [],
								findings: 0,
							})),
					],
				})),
			}),
		],
		['GET', '/rules', () => ({ items: rules() })],
		['POST', '/rules/check', (_p, _q, b) => check(b.text)],
		[
			'POST',
			'/rules/try',
			async (_p, _q, b) => {
				await new Promise((r) => setTimeout(r, 900));
				if (!check(b.text).ok)
					fail(400, 'bad_rules', 'the rules do not compile', { line: 1, column: 1 });
				return {
					captures: 3,
					events: 48211,
					took_ms: 912.4,
					findings: select({}).slice(0, 4),
				};
			},
		],
		[
			'GET',
			'/rules/:name',
			(p) => {
				const r =
					rules().find((x) => x.name === p.name) ??
					fail(404, 'not_found', `no rule '${p.name}' is loaded`);
				return {
					...r,
					text: textOf(r),
					explain:
						'and\n  evt.type in (open, openat, openat2)       pushed down\n  evt.is_open_read = true                   pushed down\n  fd.name in (/etc/shadow, /etc/gshadow)    pushed down, hash set of 2\n  not proc.name in (passwd, login, sshd)    user space, hash set of 3',
				};
			},
		],
		[
			'PUT',
			'/rules/:name/enabled',
			(p, _q, b) => {
				rest.off[b.enabled ? 'delete' : 'add'](p.name);
				return { name: p.name, enabled: b.enabled };
			},
		],
		[
			'GET',
			'/rulefiles/:name',
			(p) => ({ text: rest.files.get(p.name) ?? fail(404, 'not_found', 'no such file') }),
		],
		[
			'PUT',
			'/rulefiles/:name',
			(p, _q, b) =>
				check(b.text).ok
					? void rest.files.set(p.name, b.text)
					: fail(400, 'bad_rules', check(b.text).issues[0].message, { line: 1 }),
		],
		['DELETE', '/rulefiles/:name', (p) => void rest.files.delete(p.name)],
		[
			'GET',
			'/stats/timeline',
			(_p, q) => {
				const list = select(q);
				const from = q.from
					? Date.parse(q.from)
					: Math.min(Date.now() - 3600e3, ...list.map((f) => Date.parse(f.time)));
				const to = q.to ? Date.parse(q.to) : Date.now();
				const n = Number(q.buckets ?? 60);
				const items = Array.from({ length: n }, (_, i) => ({
					time: iso((from + ((to - from) * i) / n) * 1e6),
					total: 0,
					by_priority: {},
				}));
				for (const f of list) {
					const b =
						items[
							Math.min(
								n - 1,
								Math.max(
									0,
									Math.floor(((Date.parse(f.time) - from) / (to - from)) * n),
								),
							)
						];
					b.total++;
					b.by_priority[f.priority] = (b.by_priority[f.priority] ?? 0) + 1;
				}
				return { items };
			},
		],
		[
			'GET',
			'/metrics',
			(_p, q) => {
				const from = Date.parse(q.from);
				return {
					items: q.names.split(',').map((name) => ({
						name,
						points: Array.from({ length: 240 }, (_, i) => ({
							time: iso((from + ((Date.now() - from) * i) / 240) * 1e6),
							mean: metrics(world, 0, i).values[name],
						})),
					})),
				};
			},
		],
		[
			'GET',
			'/system',
			() => ({
				version: '0.2.0',
				store: {
					engine: 'sqlite',
					path: '/var/lib/koban/console/koban.db',
					size_bytes: 48211968,
					findings: rows.size,
					oldest: select({}).at(-1)?.time,
					retention: { age_s: 90 * 86400, size_bytes: 8 * 2 ** 30 },
				},
				sensor: sensor(),
			}),
		],
		[
			'POST',
			'/system/backup',
			async () => {
				await new Promise((r) => setTimeout(r, 1200));
				return {
					path: '/var/lib/koban/console/backups/koban-2026-11-28.db',
					size_bytes: 48211968,
				};
			},
		],
		['GET', '/users', () => ({ items: users })],
		[
			'POST',
			'/users',
			(_p, _q, b) =>
				b.password.length < 12
					? fail(400, 'weak_password', 'a password has at least 12 characters')
					: void users.push({
							name: b.name,
							role: b.role,
							created: iso(Date.now() * 1e6),
						}),
		],
		['PUT', '/me/password', () => me],
		['PUT', '/users/:name', () => ({})],
		[
			'DELETE',
			'/users/:name',
			(p) =>
				void users.splice(
					users.findIndex((u) => u.name === p.name),
					1,
				),
		],
		['GET', '/tokens', () => ({ items: rest.tokens })],
		[
			'POST',
			'/tokens',
			(_p, _q, b) => {
				const t = {
					id: String(rest.tokens.length + 1),
					created: iso(Date.now() * 1e6),
					created_by: me.user,
					...b,
				};
				rest.tokens.push(t);
				return { ...t, token: `kbn_${random(Date.now() % 1e9).hex(40)}` };
			},
		],
		[
			'DELETE',
			'/tokens/:id',
			(p) => void (rest.tokens = rest.tokens.filter((t) => t.id !== p.id)),
		],
		[
			'GET',
			'/audit',
			() => ({
				items: [
					['login', '', 'password'],
					['rule.disable', 'SSH login', ''],
					['mute.add', '3', 'known scanner'],
					['user.add', 'ines', 'analyst'],
				].map(([action, target, detail], i) => ({
					time: iso((Date.now() - i * 7e6) * 1e6),
					who: 'admin',
					action,
					target,
					detail,
					address: '127.0.0.1',
				})),
				next: null,
			}),
		],
	];

	return async (request, response) => {
		const at = new URL(request.url, 'http://localhost');
		const path = at.pathname.replace(/^\/api\/v1/, '');
		if (path === '/stream') {
			response.writeHead(200, {
				'Content-Type': 'text/event-stream',
				'Cache-Control': 'no-store',
			});
			response.write(': hello\n\n');
			rest.streams.add(response);
			request.on('close', () => rest.streams.delete(response));
			return;
		}
		let body = '';
		for await (const chunk of request) body += chunk;
		try {
			for (const [method, pattern, run] of routes) {
				const params = method === request.method && matches(pattern, path);
				if (!params) continue;
				const out = await run(
					params,
					Object.fromEntries(at.searchParams),
					body ? JSON.parse(body) : {},
				);
				response.writeHead(out === undefined ? 204 : 200, {
					'Content-Type': 'application/json',
				});
				return response.end(out === undefined ? undefined : JSON.stringify(out));
			}
			fail(404, 'not_found', `no such place: ${path}`);
		} catch (e) {
			response.writeHead(e.status ?? 500, { 'Content-Type': 'application/json' });
			response.end(
				JSON.stringify({
					error: { code: e.code ?? 'internal', message: e.message, place: e.place },
				}),
			);
		}
	};
}

const fail = (status, code, message, place) => {
	throw Object.assign(new Error(message), { status, code, place });
};
const pick = (o, keys) =>
	Object.fromEntries(keys.filter((k) => o[k] !== undefined).map((k) => [k, o[k]]));

function matches(pattern, path) {
	const [a, b] = [pattern.split('/'), path.split('/')];
	if (a.length !== b.length) return null;
	const out = {};
	for (let i = 0; i < a.length; i++) {
		if (a[i].startsWith(':')) out[a[i].slice(1)] = decodeURIComponent(b[i]);
		else if (a[i] !== b[i]) return null;
	}
	return out;
}

function rowOf(r) {
	const p = r.processes[0];
	return {
		id: r.id,
		time: iso(r.time_ns),
		last_time: iso(r.time_ns),
		count: r.count,
		rule: r.rule,
		priority: r.priority,
		output: r.output,
		hostname: r.hostname,
		container: r.container
			? { id: r.container.id, name: r.container.name, image: r.container.image }
			: null,
		process: { pid: p.pid, name: p.name, exe: p.exe },
		user: p.user,
		tags: r.tags,
		state: 'open',
		assignee: null,
		fingerprint: r.fingerprint,
	};
}

function check(text) {
	const issues = [];
	text.split('\n').forEach((line, i) => {
		const m = /\b(proc\.nmae|fd\.nam)\b/.exec(line);
		if (m)
			issues.push({
				code: 'unknown_field',
				severity: 'error',
				message: `there is no field '${m[1]}'; did you mean '${m[1] === 'fd.nam' ? 'fd.name' : 'proc.name'}'?`,
				line: i + 1,
				column: m.index + 1,
				end_column: m.index + 1 + m[1].length,
			});
	});
	if (!/condition:/.test(text))
		issues.push({
			code: 'no_condition',
			severity: 'error',
			message: 'a rule needs a condition',
			line: 1,
			column: 1,
		});
	return { ok: !issues.length, issues };
}

function graph(containers, extra) {
	const nodes = new Map();
	const edges = [];
	const node = (kind, key, name, more = {}) => {
		const id = `${kind}:${key}`;
		if (!nodes.has(id))
			nodes.set(id, {
				id,
				kind,
				name,
				findings: 0,
				worst_priority: null,
				attrs: {},
				...more,
			});
		return id;
	};
	const edge = (from, to, kind, count = 1) => edges.push({ from, to, kind, count });
	const net = node('network', 'internet', 'internet');
	for (const c of containers) {
		const host = node('host', c.hostname, c.hostname);
		const me = node('container', c.id, c.name, {
			findings: c.findings,
			worst_priority: c.worst_priority,
			attrs: { id: c.id, engine: c.engine, privileged: c.privileged },
		});
		const image = node('image', c.image, c.image, { attrs: { digest: c.digest } });
		edge(me, image, 'from_image');
		edge(me, host, 'runs_on');
		for (const p of ['libc6', 'openssl', 'curl'].slice(0, 1 + (c.pid % 3)))
			edge(image, node('package', p, p), 'contains');
		const seen = new Set();
		for (const x of c.connections) {
			const proc = node('process', `${c.id}|${x.process}`, x.process, {
				attrs: { pid: x.pid },
			});
			if (!seen.has(proc)) edge(proc, me, 'runs_in');
			seen.add(proc);
			if (!x.remote) continue;
			const address = x.remote.split(':')[0];
			const a = node('address', address, address);
			edge(proc, a, 'connected_to', 1 + (c.pid % 9));
			if (!address.startsWith('10.') && !edges.some((e) => e.from === a && e.to === net))
				edge(a, net, 'part_of');
		}
		if (c.worst_priority) {
			const bad = node(
				'process',
				`${c.id}|bad`,
				c.worst_priority === 'Critical' ? 'kworkerds' : 'bash',
				{
					findings: c.open,
					worst_priority: c.worst_priority,
					attrs: { exe: '/tmp/.x/kworkerds', user: 'root' },
				},
			);
			edge(bad, me, 'runs_in');
			edge(bad, node('user', 'root', 'root'), 'runs_as');
			edge(bad, node('file', '/etc/shadow', '/etc/shadow'), 'read');
		}
	}
	const ids = [...nodes.keys()].filter((k) => k.startsWith('container'));
	const r = random(5);
	for (let i = 0; nodes.size < extra; i++)
		edge(
			node('process', `x${i}`, `worker-${i}`),
			i % 5
				? r.pick(
						[...ids, `process:x${r.int(Math.max(1, i - 1))}`].filter((x) =>
							nodes.has(x),
						),
					)
				: r.pick(ids),
			'child_of',
		);
	for (let i = 0; i < extra / 3; i++)
		edge(`process:x${r.int(Math.max(1, extra / 2))}`, `address:10.42.0.14`, 'connected_to');
	return {
		nodes: [...nodes.values()],
		edges: edges.filter((e) => nodes.has(e.from) && nodes.has(e.to)),
	};
}

function around(g, root, depth, limit) {
	const near = links(g);
	let front = [root];
	const seen = new Set(front);
	for (let d = 0; d < depth; d++) {
		const next = [];
		for (const id of front)
			for (const n of near.get(id) ?? [])
				if (!seen.has(n) && seen.size < limit) {
					seen.add(n);
					next.push(n);
				}
		front = next;
	}
	if (!g.nodes.some((n) => n.id === root)) fail(404, 'not_found', 'no such entity');
	return {
		nodes: g.nodes.filter((n) => seen.has(n.id)),
		edges: g.edges.filter((e) => seen.has(e.from) && seen.has(e.to)),
		truncated: seen.size >= limit,
	};
}

function links(g) {
	const near = new Map(g.nodes.map((n) => [n.id, []]));
	for (const e of g.edges) {
		near.get(e.from)?.push(e.to);
		near.get(e.to)?.push(e.from);
	}
	return near;
}

function way(g, from, to) {
	const near = links(g);
	const before = new Map([[from, null]]);
	const queue = [from];
	while (queue.length && !before.has(to)) {
		const id = queue.shift();
		for (const n of near.get(id) ?? [])
			if (!before.has(n) && (n === to || !/^(image|user|file|host|package)/.test(n))) {
				before.set(n, id);
				queue.push(n);
			}
	}
	const ids = [];
	for (let at = before.has(to) ? to : null; at; at = before.get(at)) ids.unshift(at);
	return {
		nodes: ids.map((id) => g.nodes.find((n) => n.id === id)),
		edges: g.edges.filter((e) => ids.includes(e.from) && ids.includes(e.to)),
	};
}
