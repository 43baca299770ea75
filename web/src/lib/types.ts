// SPDX-License-Identifier: Apache-2.0
// What the API answers, as far as the console reads it. The server's /openapi.json is the contract.

export const PRIORITIES = [
	'Emergency',
	'Alert',
	'Critical',
	'Error',
	'Warning',
	'Notice',
	'Informational',
	'Debug',
] as const;
export type Priority = (typeof PRIORITIES)[number];

export const STATES = ['open', 'acknowledged', 'resolved', 'muted'] as const;
export type State = (typeof STATES)[number];

export type Role = 'viewer' | 'analyst' | 'admin';

export interface List<T> {
	items: T[];
	next?: string | null;
	total?: number | null;
}

export interface Me {
	user: string;
	role: Role;
	csrf: string;
	must_change_password?: boolean;
}

export interface ContainerRef {
	id: string;
	name?: string;
	image?: string;
}

export interface Finding {
	id: string;
	time: string;
	last_time?: string;
	count: number;
	rule: string;
	priority: Priority;
	output: string;
	hostname?: string;
	container?: ContainerRef | null;
	process?: { pid: number; name?: string; exe?: string } | null;
	user?: string | null;
	tags?: string[];
	state: State;
	assignee?: string | null;
	fingerprint?: string;
}

export interface Process {
	pid: number;
	start_ns?: number;
	started_ns?: number;
	name?: string;
	exe?: string;
	cmdline?: string;
	cwd?: string;
	user?: string;
	uid?: number;
	loginuid?: number;
	tty?: number | string;
	vpid?: number;
	flags?: string[];
}

export interface Mount {
	source: string;
	dest: string;
	rw?: boolean;
}

export interface Container extends ContainerRef {
	full_id?: string;
	digest?: string;
	engine?: string;
	privileged?: boolean;
	pod?: string;
	namespace?: string;
	pod_uid?: string;
	mounts?: Mount[];
	host_network?: boolean;
	host_pid?: boolean;
	hostname?: string;
	started?: string;
	running?: boolean;
	nprocesses?: number;
	cpu_ns?: number;
	rss_bytes?: number;
	connections?: Connection[];
	nconnections?: number;
	findings?: number;
	open?: number;
	worst_priority?: Priority | null;
	entity?: string;
	first?: string | null;
	last?: string | null;
}

export interface Connection {
	proto: string;
	local?: string;
	remote?: string;
	role?: string;
	domain?: string;
	state?: string;
	process?: string;
	pid?: number;
}

export interface RuleText {
	name: string;
	desc?: string;
	condition?: string;
	output?: string;
	file?: string;
	line?: number;
	text?: string;
}

export interface Detail extends Omit<Finding, 'rule' | 'container'> {
	rule: RuleText | string;
	container?: Container | null;
	event?: { type: string; args?: string; res?: string | number; cpu?: number } | null;
	file?: { asked?: string; real?: string; known?: string } | null;
	connection?: Connection | null;
	processes?: Process[];
	fields?: Record<string, unknown>;
	why?: string;
	technique?: Technique[];
	advice?: string[];
	capture?: string | null;
	comments?: { who: string; time: string; text: string }[];
	history?: { who: string; time: string; action: string }[];
	entities?: { id: string; kind: string; name: string; role: string }[];
}

export interface Technique {
	id: string;
	name?: string;
	tactic?: string;
	url?: string;
}

export interface TimelineEvent {
	time: string;
	pid: number;
	process: string;
	type: string;
	text: string;
	is_finding?: boolean;
}

export interface Group {
	key: string;
	name?: string;
	findings: number;
	count: number;
	first: string;
	last: string;
	worst_priority: Priority;
	open: number;
}

export interface Sensor {
	up: boolean;
	since?: string;
	version?: string;
	hostname?: string;
	kernel?: string;
	events_per_s?: number;
	events_total?: number;
	cpu_percent?: number;
	rss_bytes?: number;
	drops?: Record<string, number>;
	rules?: number;
	dull_total?: number;
}

export interface Now {
	sensor: Sensor;
	counts: {
		open: number;
		by_priority: Partial<Record<Priority, number>>;
		last_hour: number[];
	};
	recent: Finding[];
}

export interface Metrics {
	time?: string;
	hostname?: string;
	values: Record<string, number | Record<string, number>>;
}

export interface Mute {
	id: string;
	filter?: string;
	fingerprint?: string;
	rule?: string;
	reason: string;
	until?: string | null;
	created_by?: string;
	created?: string;
	muted_count?: number;
	expired?: boolean;
}

export interface GraphNode {
	id: string;
	kind: string;
	name: string;
	findings?: number;
	worst_priority?: Priority | null;
	attrs?: Record<string, unknown>;
}

export interface GraphEdge {
	from: string;
	to: string;
	kind: string;
	count?: number;
}

export interface Graph {
	nodes: GraphNode[];
	edges: GraphEdge[];
	truncated?: boolean;
}

export interface Attack {
	tactics: {
		id: string;
		name: string;
		techniques: { id: string; name: string; rules: string[]; findings: number }[];
	}[];
}

export interface Rule {
	name: string;
	enabled: boolean;
	priority: Priority;
	tags?: string[];
	source?: string;
	desc?: string;
	file?: string;
	line?: number;
	findings?: number;
	/* Written in the console. */
	own?: boolean;
	condition?: string;
	output?: string;
	text?: string;
	explain?: string;
}

export interface Issue {
	code?: string;
	severity: 'error' | 'warning' | 'info';
	message: string;
	line?: number;
	column?: number;
	end_column?: number;
	snippet?: string;
}

export interface System {
	version: string;
	store: {
		engine: string;
		path?: string;
		size_bytes?: number;
		findings?: number;
		oldest?: string | null;
		retention?: { age_s: number; size_bytes: number };
		entities?: number;
		relations?: number;
		version?: string;
		was_unclean?: boolean;
	};
	sensor?: Sensor;
	ingest?: {
		clients: number;
		records: number;
		refused: number;
		stuck: boolean;
		why?: string | null;
	};
	server?: {
		address: string;
		tls: boolean;
		since: string;
		connections: number;
		streams: number;
		requests: number;
		errors: number;
	};
}

export interface User {
	name: string;
	role: Role;
	created?: string;
	last_login?: string | null;
	disabled?: boolean;
}

export interface Token {
	id: string;
	name: string;
	role: Role;
	created?: string;
	created_by?: string;
	expires?: string | null;
	last_used?: string | null;
	token?: string;
}

/* /metrics */
export interface Series {
	name: string;
	hostname?: string;
	points: { time: string; mean: number; min: number; max: number }[];
}

export interface Audit {
	time: string;
	who: string;
	action: string;
	target?: string;
	detail?: string;
	address?: string;
}
