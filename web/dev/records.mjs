// SPDX-License-Identifier: Apache-2.0
// Records as a sensor sends them to the store, made up from a seed: the same seed gives the same
// records. The development server shows them, and the tests feed them to a real `koban serve`.

export function random(seed) {
	let s = seed >>> 0 || 1;
	const next = () => {
		s ^= s << 13;
		s >>>= 0;
		s ^= s >>> 17;
		s ^= s << 5;
		s >>>= 0;
		return s / 2 ** 32;
	};
	return {
		next,
		int: (n) => Math.floor(next() * n),
		pick: (list) => list[Math.floor(next() * list.length)],
		hex: (n) =>
			Array.from({ length: n }, () => '0123456789abcdef'[Math.floor(next() * 16)]).join(''),
	};
}

// Addresses that stand for the internet are of 192.88.99.0/24, which is public and nobody's (RFC 7526).
const IMAGES = [
	['docker.io/library/nginx:1.27.3', 'web', 'nginx'],
	['ghcr.io/acme/checkout:2024.11.2', 'checkout', 'node'],
	['ghcr.io/acme/payments:5.1.0', 'payments', 'java'],
	['docker.io/library/postgres:16.4', 'orders-db', 'postgres'],
	['docker.io/library/redis:7.4', 'session-cache', 'redis-server'],
	['quay.io/acme/ci-runner:18', 'ci-runner', 'gitlab-runner'],
	['ghcr.io/acme/search:0.9.14', 'search', 'python3'],
	['docker.io/grafana/grafana:11.3.0', 'grafana', 'grafana'],
	['ghcr.io/acme/mailer:3.2.1', 'mailer', 'ruby'],
	['docker.io/library/rabbitmq:4.0', 'queue', 'beam.smp'],
	['quay.io/prometheus/node-exporter:v1.8.2', 'node-exporter', 'node_exporter'],
	['ghcr.io/acme/legacy-php:5.6', 'legacy-shop', 'apache2'],
];

/* What happens: rule, priority, tags, the line of processes inside, what is touched. */
const STORIES = [
	{
		rule: 'Read sensitive file by a program that has no need of it',
		priority: 'Critical',
		tags: ['container', 'mitre_credential_access', 'T1003.008'],
		chain: [
			['sh', 'sh -c cat /etc/shadow'],
			['cat', 'cat /etc/shadow'],
		],
		type: 'openat',
		file: '/etc/shadow',
		weight: 5,
		out: (p) =>
			`Sensitive file read (file=/etc/shadow program=${p.name} command=${p.cmdline} parent=sh user=root)`,
	},
	{
		rule: 'Shell spawned by a network service',
		priority: 'Critical',
		tags: ['container', 'mitre_execution', 'T1059.004', 'T1190'],
		chain: [['bash', 'bash -i']],
		type: 'execve',
		weight: 3,
		out: (p) =>
			`A network service started a shell (shell=${p.name} command=${p.cmdline} parent=%P user=www-data)`,
	},
	{
		rule: 'Connection to a mining pool',
		priority: 'Critical',
		tags: ['container', 'mining', 'mitre_impact', 'T1496'],
		chain: [
			['sh', 'sh /tmp/.x/run.sh'],
			['kworkerds', '/tmp/.x/kworkerds -o pool.example.net:3333'],
		],
		type: 'connect',
		remote: '192.88.99.77:3333',
		flags: ['upper_layer', 'deleted'],
		weight: 3,
		out: (p) =>
			`Connection to a mining pool (pool=192.88.99.77:3333 program=${p.name} command=${p.cmdline})`,
	},
	{
		rule: 'Program executed that is not in the image',
		priority: 'Error',
		tags: ['container', 'drift', 'mitre_execution', 'T1204'],
		chain: [
			['bash', 'bash'],
			['probe', '/var/tmp/probe --all'],
		],
		type: 'execve',
		flags: ['upper_layer'],
		weight: 4,
		out: (p) =>
			`A program that came after the container started was executed (exe=${p.exe} command=${p.cmdline})`,
	},
	{
		rule: 'Reverse shell',
		priority: 'Emergency',
		tags: ['container', 'mitre_execution', 'T1059.004', 'T1071'],
		chain: [
			['python3', 'python3 -c import socket,pty'],
			['sh', 'sh'],
		],
		type: 'dup2',
		remote: '192.88.99.23:4444',
		weight: 1,
		out: (p) =>
			`A shell's input and output are a connection (shell=${p.name} peer=192.88.99.23:4444 parent=python3)`,
	},
	{
		rule: 'Package manager run in a container',
		priority: 'Warning',
		tags: ['container', 'drift', 'mitre_persistence', 'T1072'],
		chain: [
			['sh', 'sh'],
			['apt-get', 'apt-get install -y netcat-openbsd'],
		],
		type: 'execve',
		weight: 8,
		out: (p) => `Package manager started (command=${p.cmdline} user=root)`,
	},
	{
		rule: 'Write below a binary directory',
		priority: 'Error',
		tags: ['host', 'mitre_persistence', 'T1554'],
		chain: [
			['bash', '-bash'],
			['install', 'install -m 755 helper /usr/local/bin/helper'],
		],
		type: 'openat',
		file: '/usr/local/bin/helper',
		host: true,
		weight: 3,
		out: (p) =>
			`File below a binary directory opened for writing (file=/usr/local/bin/helper program=${p.name} command=${p.cmdline})`,
	},
	{
		rule: 'Cloud metadata service contacted',
		priority: 'Warning',
		tags: ['container', 'mitre_credential_access', 'T1552.005'],
		chain: [['curl', 'curl -s http://169.254.169.254/latest/meta-data/iam/']],
		type: 'connect',
		remote: '169.254.169.254:80',
		weight: 6,
		out: (p) => `Connection to the instance metadata service (command=${p.cmdline} parent=%P)`,
	},
	{
		rule: 'Kubernetes service account token read',
		priority: 'Warning',
		tags: ['container', 'mitre_credential_access', 'T1528'],
		chain: [['python3', 'python3 sync.py']],
		type: 'openat',
		file: '/var/run/secrets/kubernetes.io/serviceaccount/token',
		weight: 7,
		out: (p) => `Service account token read (program=${p.name} command=${p.cmdline})`,
	},
	{
		rule: 'Scheduled task changed',
		priority: 'Error',
		tags: ['host', 'mitre_persistence', 'T1053.003'],
		chain: [
			['bash', '-bash'],
			['crontab', 'crontab -'],
		],
		type: 'openat',
		file: '/var/spool/cron/crontabs/root',
		host: true,
		weight: 2,
		out: (p) =>
			`Cron table opened for writing (file=/var/spool/cron/crontabs/root command=${p.cmdline} user=root)`,
	},
	{
		rule: 'Network tool started in a container',
		priority: 'Notice',
		tags: ['container', 'mitre_discovery', 'T1046'],
		chain: [
			['sh', 'sh'],
			['nc', 'nc -zv orders-db 5432'],
		],
		type: 'execve',
		weight: 14,
		out: (p) => `Network tool started (command=${p.cmdline} parent=sh)`,
	},
	{
		rule: 'Interactive shell in a container',
		priority: 'Notice',
		tags: ['container', 'shell', 'mitre_execution', 'T1059'],
		chain: [['bash', 'bash']],
		type: 'execve',
		weight: 16,
		out: (p) => `Shell with a terminal (shell=${p.name} parent=runc user=root terminal=34816)`,
	},
	{
		rule: 'Environment of another process read',
		priority: 'Warning',
		tags: ['host', 'mitre_credential_access', 'T1552.001'],
		chain: [
			['bash', '-bash'],
			['grep', 'grep -r TOKEN /proc/1/environ'],
		],
		type: 'openat',
		file: '/proc/1/environ',
		host: true,
		weight: 4,
		out: (p) =>
			`Environment of another process read (file=/proc/1/environ command=${p.cmdline})`,
	},
	{
		rule: 'SSH login',
		priority: 'Informational',
		tags: ['host', 'mitre_initial_access', 'T1078'],
		chain: [['sshd', 'sshd: deploy [priv]']],
		type: 'accept4',
		remote: '192.0.2.14:51044',
		role: 'server',
		host: true,
		weight: 12,
		out: () => 'Connection to sshd accepted (client=192.0.2.14:51044)',
	},
];

const TOTAL = STORIES.reduce((n, s) => n + s.weight, 0);
export const RULES = STORIES.map(({ rule, priority, tags }) => ({ rule, priority, tags }));

function story(r) {
	let at = r.next() * TOTAL;
	return STORIES.find((s) => (at -= s.weight) < 0) ?? STORIES[0];
}

/* Containers that run on a host, for as long as the seed lives. */
export function estate(seed, nodes = 1, perNode = 14) {
	const r = random(seed);
	const hosts = Array.from(
		{ length: nodes },
		(_, i) => `node-${'abcdefgh'[i % 8]}${Math.floor(i / 8) || ''}`,
	);
	const containers = [];
	for (const hostname of hosts) {
		for (let i = 0; i < perNode; i++) {
			const [image, name, program] = IMAGES[i % IMAGES.length];
			const full = r.hex(64);
			const copy = Math.floor(i / IMAGES.length);
			containers.push({
				hostname,
				program,
				id: full.slice(0, 12),
				full_id: full,
				name: copy ? `${name}-${copy + 1}` : name,
				image,
				digest: `sha256:${r.hex(64)}`,
				engine: r.pick(['containerd', 'podman', 'docker']),
				privileged: name === 'ci-runner',
				pod: i % 3 ? `${name}-7c9d${r.hex(5)}` : '',
				namespace: i % 3 ? 'shop' : '',
				pod_uid:
					i % 3 ? `${r.hex(8)}-${r.hex(4)}-${r.hex(4)}-${r.hex(4)}-${r.hex(12)}` : '',
				mounts: [
					{ source: `/var/lib/volumes/${name}`, dest: '/data', rw: true },
					...(name === 'ci-runner'
						? [
								{
									source: '/var/run/docker.sock',
									dest: '/var/run/docker.sock',
									rw: true,
								},
							]
						: []),
					{ source: '/etc/resolv.conf', dest: '/etc/resolv.conf', rw: false },
				],
				host_network: name === 'node-exporter',
				host_pid: name === 'node-exporter',
				pid: 2000 + containers.length * 37,
				age_s: 86400 * 8 + r.int(86400 * 20),
			});
		}
	}
	return { seed, hosts, containers, began_ms: Date.now() };
}

const wire = ({ hostname: _h, program: _p, pid: _pid, age_s: _a, ...rest }) => rest;

/* What was there before the deed began at one time for good: it is the same process each time. */
function processes(r, s, c, pid, now_ns, began_ms) {
	const began_ns = BigInt(began_ms) * 1000000n;
	const started = (seconds) =>
		(seconds > 10 ? began_ns : now_ns) - BigInt(Math.floor(seconds * 1e9));
	const row = (name, cmdline, p, age, more) => ({
		pid: p,
		start_ns: Number(started(age) % 10n ** 15n),
		started_ns: Number(started(age)),
		name,
		exe: cmdline.startsWith('/') ? cmdline.split(' ')[0] : `/usr/bin/${name}`,
		cmdline,
		cwd: c ? '/app' : '/root',
		user: c && p === c.pid && c.pid % 2 ? 'www-data' : 'root',
		uid: 0,
		loginuid: c ? 4294967295 : 1000,
		tty: 0,
		vpid: p,
		flags: [],
		...more,
	});
	const list = [row('systemd', '/usr/lib/systemd/systemd', 1, 900000, { user: 'root' })];
	if (c) {
		list.push(
			row(
				'containerd-shim',
				`/usr/bin/containerd-shim-runc-v2 -namespace k8s.io -id ${c.id}`,
				c.pid - 1,
				c.age_s + 1,
				{ user: 'root' },
			),
		);
		list.push(row(c.program, `/usr/sbin/${c.program}`, c.pid, c.age_s, { vpid: 1 }));
	} else {
		list.push(row('sshd', '/usr/sbin/sshd -D', 812, 800000, { user: 'root' }));
	}
	s.chain.forEach(([name, cmdline], i) => {
		const last = i === s.chain.length - 1;
		list.push(
			row(name, cmdline, pid + i, 2 - i * 0.4, {
				vpid: c ? 40 + i : pid + i,
				flags: last ? (s.flags ?? []) : [],
				user: 'root',
			}),
		);
	});
	for (const p of list) p.uid = p.user === 'root' ? 0 : 33;
	return list.reverse();
}

/* One finding record and the events around it. */
export function finding(world, n, now_ms) {
	const r = random(world.seed * 7919 + n * 104729 + 1);
	r.int(5);
	const s = story(r);
	// Bad luck gathers: most of what is bad happens in few containers.
	const c = s.host
		? null
		: world.containers[Math.floor(r.next() ** 1.8 * world.containers.length)];
	const hostname = c?.hostname ?? r.pick(world.hosts);
	const now_ns = BigInt(Math.floor(now_ms * 1000)) * 1000n + BigInt(r.int(1000));
	const pid = 30000 + ((n * 17) % 60000);
	const list = processes(r, s, c, pid, now_ns, world.began_ms);
	const p = list[0];
	const id = (world.seed.toString(16).padStart(8, '0') + n.toString(16).padStart(24, '0')).slice(
		-32,
	);
	const fields = {
		'evt.type': s.type,
		'proc.name': p.name,
		'proc.cmdline': p.cmdline,
		'proc.exepath': p.exe,
		'proc.pname': list[1].name,
		'user.name': p.user,
		...(c
			? {
					'container.id': c.id,
					'container.name': c.name,
					'container.image.repository': c.image.split(':')[0],
				}
			: {}),
		...(s.file
			? { 'fd.name': s.file }
			: s.remote
				? { 'fd.name': `10.42.0.${r.int(250)}:${40000 + r.int(9000)}->${s.remote}` }
				: {}),
	};
	const connection = s.remote && {
		proto: 'tcp',
		local:
			s.role === 'server'
				? '192.0.2.1:22'
				: `10.42.0.${2 + r.int(250)}:${40000 + r.int(9000)}`,
		remote: s.remote,
		role: s.role ?? 'client',
		domain: 'ipv4',
	};
	const output =
		s.out(p).replace('%P', list[1].name) +
		(c ? ` (container=${c.name} image=${c.image})` : ` (host=${hostname})`);
	const record = {
		v: 1,
		type: 'finding',
		id,
		time_ns: Number(now_ns),
		rule: s.rule,
		priority: s.priority,
		source: 'syscall',
		output: `${new Date(now_ms).toISOString().slice(11, 19)}.${String(now_ns % 1000000000n).padStart(9, '0')}: ${s.priority} ${output}`,
		hostname,
		tags: s.tags,
		fingerprint: hash(`${s.rule}|${c?.image ?? hostname}|${p.exe}`),
		count: r.next() < 0.2 ? 2 + r.int(40) : 1,
		fields,
		event: {
			type: s.type,
			args: s.file
				? `dirfd=AT_FDCWD name=${s.file} flags=O_RDONLY`
				: s.remote
					? `addr=${s.remote}`
					: `filename=${p.exe}`,
			res: s.type === 'openat' ? 3 : 0,
			cpu: r.int(8),
		},
		...(s.file ? { file: { asked: s.file, real: s.file } } : {}),
		...(connection ? { connection } : {}),
		processes: list,
		...(c ? { container: wire(c) } : {}),
	};
	return {
		record,
		around: { v: 1, type: 'around', finding: id, events: around(r, list, now_ns, s) },
	};
}

function around(r, list, now_ns, s) {
	const deeds = [
		['openat', 'name=/lib/x86_64-linux-gnu/libc.so.6 flags=O_RDONLY res=3'],
		['openat', 'name=/etc/ld.so.cache flags=O_RDONLY res=3'],
		['read', 'fd=3 size=832 res=832'],
		['execve', 'filename=/usr/bin/id res=0'],
		['connect', 'addr=10.42.0.10:53 res=0'],
		['sendto', 'fd=5 size=46 res=46'],
		['openat', 'name=/proc/self/status flags=O_RDONLY res=4'],
		['clone', 'flags=CLONE_VFORK res=31022'],
		['unlink', 'path=/tmp/.x/stage res=0'],
		['write', 'fd=1 size=118 res=118'],
		['chmod', 'filename=/tmp/.x/run.sh mode=0755 res=0'],
	];
	const events = [];
	const n = 24 + r.int(40);
	for (let i = 0; i < n; i++) {
		const [type, text] = r.pick(deeds);
		const p = list[Math.min(list.length - 1, Math.floor(r.next() ** 2 * 3))];
		const off = Math.floor((r.next() < 0.7 ? -6 * r.next() ** 2 : r.next() ** 2 * 5) * 1e9);
		events.push({
			time_ns: Number(now_ns + BigInt(off)),
			pid: p.pid,
			process: p.name,
			type,
			text,
		});
	}
	events.push({
		time_ns: Number(now_ns),
		pid: list[0].pid,
		process: list[0].name,
		type: s.type,
		text: s.file ?? s.remote ?? list[0].cmdline,
	});
	return events.sort((a, b) => a.time_ns - b.time_ns);
}

function hash(text) {
	let [a, b] = [0xdeadbeef, 0x41c6ce57];
	for (let i = 0; i < text.length; i++) {
		a = Math.imul(a ^ text.charCodeAt(i), 2654435761);
		b = Math.imul(b ^ text.charCodeAt(i), 1597334677);
	}
	return (a >>> 0).toString(16).padStart(8, '0') + (b >>> 0).toString(16).padStart(8, '0');
}

export function inventories(world, now_ms, tick = 0) {
	return world.hosts.map((hostname, h) => {
		const r = random(world.seed + h * 13 + 5);
		const containers = world.containers
			.filter((c) => c.hostname === hostname)
			.map((c, i) => ({
				...wire(c),
				started_ns: Number(BigInt(Math.floor(world.began_ms - c.age_s * 1000)) * 1000000n),
				nprocesses: 1 + r.int(20),
				cpu_ns: Math.floor((c.age_s * 1e7 + tick * 1e8) * r.next()),
				rss_bytes: Math.floor(2 ** (24 + r.next() * 6)),
				connections: Array.from({ length: r.int(9) }, (_, k) => {
					const listening = k === 0;
					return {
						proto: 'tcp',
						local: `10.42.0.${10 + i}:${listening ? 8080 : 40000 + r.int(9999)}`,
						remote: listening
							? ''
							: r.pick([
									'10.42.0.14:5432',
									'10.42.0.15:6379',
									'192.88.99.9:443',
									'192.88.99.80:443',
								]),
						role: listening ? 'server' : 'client',
						state: listening ? 'listen' : 'established',
						process: c.program,
						pid: c.pid,
					};
				}),
			}));
		return {
			v: 1,
			type: 'inventory',
			time_ns: Math.floor(now_ms) * 1e6,
			hostname,
			boot_id: `${r.hex(8)}-${r.hex(4)}-${r.hex(4)}-${r.hex(4)}-${r.hex(12)}`,
			kernel: '6.1.0-28-amd64',
			os: 'Debian GNU/Linux 12 (bookworm)',
			containers,
			host: {
				nprocesses: 212,
				listening: [{ proto: 'tcp', local: '0.0.0.0:22', process: 'sshd', pid: 812 }],
				connections: [
					{
						proto: 'tcp',
						local: '192.0.2.1:22',
						remote: '192.0.2.14:51044',
						role: 'server',
						state: 'established',
						process: 'sshd',
						pid: 9120,
					},
				],
			},
		};
	});
}

export function metrics(world, now_ms, tick) {
	const r = random(world.seed + tick * 31 + 3);
	const wave = 1 + 0.35 * Math.sin(tick / 23) + 0.15 * Math.sin(tick / 5);
	const burst = tick % 97 < 6 ? 2.1 : 1;
	return {
		v: 1,
		type: 'metrics',
		time_ns: Math.floor(now_ms) * 1e6,
		hostname: world.hosts[0],
		values: {
			events_total: 480000000 + tick * 5200,
			events_per_s: Math.round((4200 + r.int(900)) * wave * burst),
			cpu_percent: Number((0.6 * wave * burst + r.next() * 0.15).toFixed(2)),
			rss_bytes: 41200000 + r.int(400000),
			findings_total: 18233 + tick,
			drops: { ring: 0, record_too_large: 0, table_full: 0, output_queue: 0 },
			dull_total: 391000000 + tick * 4100,
			processes: 214 + r.int(9),
			containers: world.containers.length,
			rules: 142,
		},
	};
}

/* n findings over the last `days`, the oldest first; denser towards now, in bursts. */
export function history(world, n, now_ms, days = 7) {
	const r = random(world.seed + 99);
	const times = Array.from({ length: n }, () => {
		const burst = r.next() < 0.35 ? Math.floor(r.next() * 9) / 9 : r.next();
		return now_ms - (burst ** 1.6 * days * 86400e3 + r.next() * 1800e3);
	}).sort((a, b) => a - b);
	return times.map((t, i) => finding(world, i + 1, t));
}
